/*
 * The counts of what functions use of the allow-list, and what becomes of them: also between
 * supervisor_audit.c and the job queues, which run its steps in the quick thread.
 */
#pragma once

#include "allow/audit.h"
#include "faas/protocol.h"
#include "faas/supervisor.h"

/* Opens the audit; functions that used what is not allowed any more are not served. Before the
 * threads start, after the functions are there. */
int audit_start(struct supervisor *supervisor, struct err *err);
/* After they have ended. */
void audit_stop(struct supervisor *supervisor);
/* Counts; `entry` is a constant: a name of the allow-list, or "(system call)" and the like. */
void audit_note(struct supervisor *supervisor, const char *function, const char *entry,
                const struct audit_use *use);
/* How an instance ended; `trapped`: by a trap of its code. */
void audit_note_end(struct supervisor *supervisor, const struct function *function,
                    enum gateway_end end, bool trapped);
void audit_note_forgotten(struct supervisor *supervisor, const char *function);
/* Has what was counted written. */
void audit_flush(struct supervisor *supervisor);

#define AUDIT_BATCH_MAX 256
#define AUDIT_REFUSED_MAX 1024

/* Counts that are to be written; entry NULL: the function is gone. */
struct audit_batch {
    unsigned count;
    struct {
        char function[NAME_MAX_BYTES + 1];
        const char *entry; /* a constant */
        struct audit_use use;
    } rows[AUDIT_BATCH_MAX];
};

/* What a step found. */
struct audit_result {
    uint32_t before, allowed;
    char *json;
    char demoted[ALLOW_SERVED][200]; /* why what was allowed before is not any more */
    unsigned refused_count;
    struct {
        char function[NAME_MAX_BYTES + 1];
        enum allow_served served;
        char reason[400];
    } refused[AUDIT_REFUSED_MAX];
};

/* In the thread. One of `request` and `rows` is there. */
void audit_job_step(struct audit *audit, const struct admin_request *request,
                    const struct audit_batch *rows, struct audit_result *result, struct err *err);
/* In the loop; frees `result`. */
void audit_job_done(struct supervisor *supervisor, const struct admin_request *request,
                    const struct audit_batch *rows, struct audit_result *result,
                    const struct err *err);
