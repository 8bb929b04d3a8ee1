/*
 * The allow-list at run time: counts and events on their way to the audit, which the quick job
 * thread writes; which entries functions may use now, and what becomes of functions that used one
 * which is not allowed any more.
 */
#include "faas/supervisor_audit.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "faas/supervisor_jobs.h"

/* What comes within so long is written at once. */
#define FLUSH_NS 1000000000

/* Of these `refused` is ours, and taken back when the entry is allowed again. */
#define USES "it uses '"

/* ---- counts ---- */

static struct audit_batch *batch(struct supervisor *supervisor)
{
    const struct itimerspec soon = {.it_value = {FLUSH_NS / 1000000000, FLUSH_NS % 1000000000}};

    if (!supervisor->audit_batch) {
        supervisor->audit_batch = calloc(1, sizeof *supervisor->audit_batch);
        if (supervisor->audit_batch)
            timerfd_settime(supervisor->audit_timer.fd, 0, &soon, NULL);
    }
    return supervisor->audit_batch;
}

void audit_note(struct supervisor *supervisor, const char *function, const char *entry,
                const struct audit_use *use)
{
    struct audit_batch *to = supervisor->audit ? batch(supervisor) : NULL;
    unsigned at = 0;

    if (!to)
        return;
    while (at < to->count &&
           (to->rows[at].entry != entry || strcmp(to->rows[at].function, function) != 0))
        at++;
    if (at == AUDIT_BATCH_MAX) {
        audit_flush(supervisor);
        audit_note(supervisor, function, entry, use);
        return;
    }
    if (at == to->count) {
        snprintf(to->rows[at].function, sizeof to->rows[at].function, "%s", function);
        to->rows[to->count++].entry = entry;
    }
    struct audit_use *sum = &to->rows[at].use;
    sum->uses += use->uses;
    sum->denied += use->denied;
    sum->limited += use->limited;
    sum->trapped += use->trapped;
}

void audit_note_end(struct supervisor *supervisor, const struct function *function,
                    enum gateway_end end, bool trapped)
{
    static const struct audit_use denied = {.denied = 1}, limited = {.limited = 1},
                                  trap = {.trapped = 1};

    if (!function)
        return;
    const char *name = function->row.name;
    if (trapped)
        audit_note(supervisor, name, "(trap)", &trap);
    else if (end == GATEWAY_END_SYSCALL)
        audit_note(supervisor, name, "(system call)", &denied);
    else if (end == GATEWAY_END_CRASH)
        audit_note(supervisor, name, "(crash)", &trap);
    else if (end == GATEWAY_END_MEMORY)
        audit_note(supervisor, name, "(memory)", &limited);
    else if (end == GATEWAY_END_PIDS)
        audit_note(supervisor, name, "(processes)", &limited);
}

void audit_note_forgotten(struct supervisor *supervisor, const char *function)
{
    struct audit_batch *to = supervisor->audit ? batch(supervisor) : NULL;

    if (!to)
        return;
    /* In their order: what was counted before is of the function that is gone. */
    if (to->count == AUDIT_BATCH_MAX) {
        audit_flush(supervisor);
        to = batch(supervisor);
    }
    if (to)
        snprintf(to->rows[to->count++].function, sizeof to->rows[0].function, "%s", function);
}

void audit_flush(struct supervisor *supervisor)
{
    struct audit_batch *ready = steal_ptr(&supervisor->audit_batch);

    if (ready)
        jobs_audit(supervisor, NULL, ready, NULL);
}

static void flush_due(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof count) > 0)
        audit_flush(supervisor);
}

/* ---- functions and what is allowed ---- */

/* In the loop: the function is not started again while this is so. */
static void function_refuse(struct supervisor *supervisor, const char *name, const char *entry,
                            const char *reason)
{
    struct function *function = function_find(supervisor, name);
    char text[640];

    /* Of proved code it is known what it calls: supervisor_fall.c. */
    if (!function || function->refused || function->calls)
        return;
    snprintf(text, sizeof text,
             USES "%s', which is not allowed any more (%s), and there is no lower rung for it here",
             entry, reason);
    function->refused = strdup(text);
    log_line(LOG_ERROR, "function '%s' is not served: %s", name, text);
    if (function->current)
        template_retire(supervisor, function->current);
    function->generation++;
    function_tell(supervisor, function);
}

static void functions_restore(struct supervisor *supervisor, const char *entry)
{
    char prefix[128];

    snprintf(prefix, sizeof prefix, USES "%s'", entry);
    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++)
        for (struct function *at = supervisor->by_id[i]; at; at = at->next_id) {
            if (!at->refused || strncmp(at->refused, prefix, strlen(prefix)) != 0)
                continue;
            free(at->refused);
            at->refused = NULL;
            at->generation++;
            log_line(LOG_NOTICE, "function '%s' is served again", at->row.name);
            function_tell(supervisor, at);
        }
}

/* In the thread: gathers who used what is not allowed any more. */
static void user_add(const char *function, void *user)
{
    struct audit_result *result = user;

    if (result->refused_count < AUDIT_REFUSED_MAX)
        snprintf(result->refused[result->refused_count++].function, NAME_MAX_BYTES + 1, "%s",
                 function);
}

static int result_fill(struct audit *audit, uint32_t before, struct audit_result *result,
                       struct err *err)
{
    int r = audit_allowed(audit, &result->allowed, err);

    for (enum allow_served served = 0; served < ALLOW_SERVED && r == 0; served++) {
        unsigned first = result->refused_count;
        char reason[400];
        if (!(before & ~result->allowed & 1u << served))
            continue;
        r = audit_users(audit, allow_served_name(served), user_add, result, reason, sizeof reason,
                        err);
        if (r == 0)
            snprintf(result->demoted[served], sizeof result->demoted[served], "%.199s", reason);
        for (unsigned i = first; i < result->refused_count; i++) {
            result->refused[i].served = served;
            snprintf(result->refused[i].reason, sizeof result->refused[i].reason, "%s", reason);
        }
    }
    return r;
}

static void result_apply(struct supervisor *supervisor, const struct audit_result *result)
{
    uint32_t before = supervisor->allowed;

    supervisor->allowed = result->allowed;
    for (unsigned i = 0; i < result->refused_count; i++)
        function_refuse(supervisor, result->refused[i].function,
                        allow_served_name(result->refused[i].served), result->refused[i].reason);
    for (enum allow_served served = 0; served < ALLOW_SERVED; served++) {
        if (result->demoted[served][0])
            memcpy(supervisor->demoted[served], result->demoted[served],
                   sizeof supervisor->demoted[served]);
        if (result->allowed & ~before & 1u << served)
            functions_restore(supervisor, allow_served_name(served));
    }
    supervisor->allowed_known = true;
    functions_fall(supervisor);
}

/* ---- requests, in the thread ---- */

/* The value of a "key=value" among the request's, or NULL. */
static const char *value_of(const struct admin_request *request, const char *key)
{
    size_t length = strlen(key);

    for (uint32_t at = 0; at < request->param_bytes;) {
        const char *pair = request->params + at;
        if (strncmp(pair, key, length) == 0 && pair[length] == '=')
            return pair + length + 1;
        at += (uint32_t)strlen(pair) + 1;
    }
    return NULL;
}

static bool from_hex(const char *text, uint8_t *to, size_t bytes)
{
    size_t size = 0;

    return text && strlen(text) == 2 * bytes &&
           sodium_hex2bin(to, bytes, text, strlen(text), NULL, &size, NULL) == 0 && size == bytes;
}

static int vote(struct audit *audit, const struct admin_request *request, const char *reason,
                char **ret_json, struct err *err)
{
    uint8_t key[AUDIT_KEY_BYTES], signature[AUDIT_SIGNATURE_BYTES];
    const char *proposal = value_of(request, "proposal"), *yes = value_of(request, "vote");

    if (!proposal || !yes || (strcmp(yes, "yes") != 0 && strcmp(yes, "no") != 0) ||
        !from_hex(value_of(request, "key"), key, sizeof key) ||
        !from_hex(value_of(request, "signature"), signature, sizeof signature))
        return err_say(err, -EINVAL,
                       "cannot vote: it has a proposal, vote, reason, key and signature");
    return audit_vote(audit, strtoll(proposal, NULL, 10), key, yes[0] == 'y', reason, signature,
                      ret_json, err);
}

static int serve(struct audit *audit, const struct admin_request *request, char **ret_json,
                 struct err *err)
{
    const char *action = value_of(request, "action"), *entry = value_of(request, "entry");
    const char *reason = value_of(request, "reason");
    char who[32];

    snprintf(who, sizeof who, "uid %u", request->caller_uid);
    if (request->type == ADMIN_AUDIT)
        return audit_check(audit, value_of(request, "head"), value_of(request, "heads") != NULL,
                           ret_json, err);
    int r = audit_tidy(audit, err);
    if (r < 0 || !action)
        return r < 0 ? r : audit_list(audit, ret_json, err);
    if (!reason)
        return err_say(err, -EINVAL, "cannot decide without a reason");
    if (strcmp(action, "vote") == 0)
        return vote(audit, request, reason, ret_json, err);
    if (!entry)
        return err_say(err, -EINVAL, "cannot decide without an entry");
    if (strcmp(action, "propose") == 0)
        return audit_propose(audit, entry, false, reason, who, ret_json, err);
    if (strcmp(action, "remove") == 0)
        return audit_propose(audit, entry, true, reason, who, ret_json, err);
    if (strcmp(action, "demote") == 0)
        return audit_demote(audit, entry, reason, who, ret_json, err);
    return err_say(err, -EINVAL, "cannot '%.32s': it is propose, vote, demote or remove", action);
}

static int write_batch(struct audit *audit, const struct audit_batch *rows, struct err *err)
{
    int r = 0;

    for (unsigned i = 0; i < rows->count && r == 0; i++)
        r = rows->rows[i].entry ? audit_count(audit, rows->rows[i].function, rows->rows[i].entry,
                                              &rows->rows[i].use, err)
                                : audit_forget(audit, rows->rows[i].function, err);
    return r == 0 ? audit_tidy(audit, err) : r;
}

void audit_job_step(struct audit *audit, const struct admin_request *request,
                    const struct audit_batch *rows, struct audit_result *result, struct err *err)
{
    int r = rows ? write_batch(audit, rows, err) : serve(audit, request, &result->json, err);

    if (r == 0)
        result_fill(audit, result->before, result, err);
}

void audit_job_done(struct supervisor *supervisor, const struct admin_request *request,
                    const struct audit_batch *rows, struct audit_result *result,
                    const struct err *err)
{
    if (err->code == 0)
        result_apply(supervisor, result);
    if (rows && err->code)
        log_line(LOG_ERROR, "%s", err->message);
    if (!rows)
        admin_reply(supervisor, request->token, err->code, err->message,
                    err->code ? NULL : result->json);
    free(result->json);
    free(result);
}

/* ---- start and end ---- */

int audit_start(struct supervisor *supervisor, struct err *err)
{
    const struct supervisor_config *config = &supervisor->config;

    int r = audit_open(config->state_dir, &config->votes, &supervisor->audit, err);
    if (r < 0)
        return r;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return err_set(err, -errno, "cannot make a timer");
    supervisor->audit_timer.ready = flush_due;
    r = supervisor_watch(supervisor, &supervisor->audit_timer, fd, EPOLLIN, err);
    _cleanup_(freep) struct audit_result *result = calloc(1, sizeof *result);
    if (!result)
        return err_set(err, -ENOMEM, "cannot open the audit");
    if (r == 0)
        r = audit_tidy(supervisor->audit, err);
    if (r == 0)
        r = result_fill(supervisor->audit, ~0u, result, err);
    if (r < 0)
        return r;
    supervisor->allowed = result->allowed; /* nothing to be restored */
    result_apply(supervisor, result);
    /* The journal of each start has a head, whatever became of older ones. */
    char head[AUDIT_HEAD_TEXT];
    if (!audit_is_whole(supervisor->audit))
        return 0;
    r = audit_head(supervisor->audit, head, err);
    if (r == 0 && head[0] != '0')
        log_line(LOG_NOTICE, "allow-list: its record is whole; " AUDIT_HEAD_SAID "%s", head);
    return r;
}

void audit_stop(struct supervisor *supervisor)
{
    struct err err = {0};

    /* The threads have ended: this one may. */
    if (supervisor->audit && supervisor->audit_batch &&
        write_batch(supervisor->audit, supervisor->audit_batch, &err) < 0)
        log_line(LOG_ERROR, "%s", err.message);
    free(supervisor->audit_batch);
    supervisor->audit_batch = NULL;
    supervisor_unwatch(supervisor, &supervisor->audit_timer);
    closep(&supervisor->audit_timer.fd);
    supervisor->audit_timer.fd = -1;
    audit_close(supervisor->audit);
    supervisor->audit = NULL;
}
