/* Between supervisor_jobs.c, the loop's side of jobs, supervisor_job_threads.c, which has the
 * queues, and supervisor_deploy.c, which does the work. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "faas/supervisor.h"
#include "faas/supervisor_audit.h"

enum job_kind {
    JOB_DEPLOY,
    JOB_REMOVE,
    JOB_PURGE_UID,
    JOB_PURGE_STORE,
    JOB_PURGE_CONTAINER,
    JOB_SPARE, /* a generic container */
    JOB_TEMPLATE,
    JOB_IMAGE,
    JOB_AUDIT,
    JOB_OPTIMISE /* of a function of the first tier: one at a time */
};

struct job_threads;

struct job {
    struct job *next;
    struct job_threads *threads; /* where it was submitted */
    enum job_kind kind;
    bool built;      /* JOB_DEPLOY: the next thread step is the commit; a rollback's first step
                        reads what it goes back to instead of building it */
    bool long_build; /* JOB_DEPLOY: its build did not end within the limits of a short one */
    struct admin_request request;
    int source_fd;
    struct build_result result;
    struct registry_function row;
    struct template_slot *slot; /* started, not adopted */
    char *base_manifest;        /* an update's, JOB_OPTIMISE's: of the version that is current */
    char base_library[BUILD_HASH_TEXT];
    int library_fd, base_fd; /* sealed: the new library and the one before; -1 */
    bool round_over;         /* its instances have the new library, or there are none */
    unsigned updated;        /* so many */
    uint64_t update_ns;      /* the round; the longest that an instance stood still, its phases */
    uint64_t stopped_ns, phase_ns[4];
    bool base_mapped;     /* an update's: the version that is current says where its state is */
    bool base_stateful;   /* its pVMs have state that outlives a call */
    bool base_is_library; /* for functions that are linked with it */
    uid_t uid;
    uint32_t age_seconds; /* JOB_PURGE_STORE */
    int64_t begin_ns;     /* JOB_IMAGE: when it was wanted first; its hash is below */
    /* JOB_TEMPLATE: what the function was when it was asked for. */
    uint32_t function_id, generation;
    char library_hash[BUILD_HASH_TEXT];
    struct manifest manifest;
    bool quick;
    int listeners[GRANT_LISTEN_MAX];   /* of a server; -1: none */
    char source_hash[BUILD_HASH_TEXT]; /* JOB_OPTIMISE: what the library was built from */
    int stop_fd;                       /* likewise: ends it */
    struct audit_batch *rows;          /* JOB_AUDIT: counts; NULL: the request */
    struct audit_result *audited;
    struct err err;
    struct supervisor *supervisor;
};

/* What came of an update's round: "" or why it was taken back. In the loop. */
void job_updated(struct supervisor *supervisor, struct job *job, const char *failure);
/* One step of a job, in its thread; an error is in job->err. */
void job_step(struct job *job);
/* A build_progress: `user` is the job. The loop passes it on, for the gateway's socket is its own.
 * What can't be kept is lost; it is only progress. Any thread. */
void job_progress(const char *stage, void *user);

/* ---- supervisor_tier.c ---- */

/* JOB_OPTIMISE, in its thread and then in the loop. */
void tier_job_step(struct job *job);
void tier_job_done(struct supervisor *supervisor, struct job *job);

/* ---- the threads (supervisor_job_threads.c); all of these are the loop's ---- */

/* Each of the threads that serve templates gets a cgroup namespace of its own, if wanted. */
int job_threads_start(bool own_cgroup_namespace, struct job_threads **ret_threads, struct err *err);
/* Waits until all that was submitted is done, and frees; what nobody took is the caller's, a list.
 */
struct job *job_threads_end(struct job_threads *threads);
/* An eventfd, to be read: readable when there is something to take. The threads' own. */
int job_threads_fd(const struct job_threads *threads);
/* Its next step in a thread; the job is the threads' until it is taken. */
void job_submit(struct job_threads *threads, struct job *job);
/* NULL: none is finished. The caller's. */
struct job *job_finished_take(struct job_threads *threads);
/* False: there is none. */
bool job_progress_take(struct job_threads *threads, struct admin_progress *ret_progress);
