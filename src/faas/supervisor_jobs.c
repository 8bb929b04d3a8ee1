/*
 * Jobs: what waits for compilers and for the disk, as the loop sees it: what is asked for, and what
 * is made of it when it is done. The threads that do it are in supervisor_job_threads.c, what a job
 * does there in supervisor_deploy.c.
 *
 *   deploy:  build (short, then perhaps long thread) -> sockets (loop) -> a template, then the
 *            registry's row (quick thread) -> in use, acknowledged (loop)
 *   remove:  commit (quick thread) -> done (loop)
 *
 * The registry is one connection, the quick thread's. So is purging the store: what it commits and
 * what it removes can't meet.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "faas/supervisor_servers.h"
#include "faas/supervisor_link.h"
#include "faas/supervisor_jobs.h"

#define JOBS_MAX 64 /* waiting or running */

/* Libraries that no function has are kept a day; looked for at the start and then, when something
 * was deployed or removed, not more often than each hour. */
#define LIBRARY_KEEP_SECONDS 86400
#define PURGE_NS (3600 * INT64_C(1000000000))

struct jobs {
    struct job_threads *threads;
    unsigned count;    /* of what administrators asked for */
    bool makes_spare;  /* JOB_SPARE is under way */
    bool optimises;    /* JOB_OPTIMISE is */
    int stop_fd;       /* an eventfd that ends it */
    int64_t purged_ns; /* the last JOB_PURGE_STORE */
};

static void job_free(struct job *job)
{
    closep(&job->source_fd);
    fd_close_all(job->listeners, GRANT_LISTEN_MAX);
    template_discard(job->supervisor, job->slot);
    free(job->rows);
    if (job->audited)
        free(job->audited->json);
    free(job->audited);
    build_result_clear(&job->result);
    registry_function_clear(&job->row);
    free(job->base_manifest);
    fd_close_all((int[]){job->library_fd, job->base_fd}, 2);
    free(job);
}

static bool is_asked_for(enum job_kind kind)
{
    return kind == JOB_DEPLOY || kind == JOB_REMOVE;
}

static void job_done(struct jobs *jobs, struct job *job)
{
    if (is_asked_for(job->kind))
        jobs->count--;
    job_free(job);
}

/* The function's template is there, or not; what waited for it is started, or told. */
static void template_done(struct supervisor *supervisor, struct job *job)
{
    struct function *function = function_find_id(supervisor, job->function_id);

    if (!function)
        return; /* removed meanwhile; its wishes were refused */
    function->starting = false;
    if (function->generation != job->generation) {
        /* Deployed anew meanwhile: this is the old library's. */
        if ((function->first_wish || function->server) && !function->current)
            jobs_template(supervisor, function);
    } else if (job->err.code == 0 &&
               template_adopt(supervisor, job->slot, function, &job->err) == 0) {
        job->slot = NULL;
    } else {
        log_line(LOG_WARNING, "%s", job->err.message);
        if (!function->current)
            wishes_refuse(supervisor, function, job->err.code, job->err.message);
        if (!function->current && function->server)
            server_failed(supervisor, function, job->err.message);
    }
    if (function->current && function->server)
        server_start(supervisor, function);
    wishes_grant(supervisor, function);
}

static void deploy_done(struct supervisor *supervisor, struct job *job)
{
    struct function *function = NULL;
    char name[NAME_MAX_BYTES + 1];

    memcpy(name, job->row.name, sizeof name);
    function = function_find(supervisor, name);
    if (function && job->round_over)
        update_commit(supervisor, function);
    if (function_set(supervisor, &job->row, &job->result.manifest, &function, &job->err) < 0) {
        admin_reply(supervisor, job->request.token, job->err.code, job->err.message, NULL);
        return;
    }
    /* A template of proved code is none of what it has fallen to, nor of what is not served. */
    if (job->slot && !function_fallen(function) && !function->refused &&
        template_adopt(supervisor, job->slot, function, &job->err) == 0)
        job->slot = NULL;
    if (function->manifest.listen_count > 0 && !function->server &&
        server_set(supervisor, function, job->listeners, &job->err) < 0)
        log_line(LOG_ERROR, "%s", job->err.message);
    /* Its imports are not waited for: they were tried. */
    bool imports = function->manifest.runtime != MANIFEST_RUNTIME_NONE;
    if ((function->first_wish || imports) && !function->current)
        jobs_template(supervisor, function);
    wishes_grant(supervisor, function);
    if (job->request.type != ADMIN_ROLLBACK)
        fall_count(supervisor, job->result.ladder);
    static const char *const done[] = {
        [ADMIN_DEPLOY] = "deployed", [ADMIN_UPDATE] = "updated", [ADMIN_ROLLBACK] = "rolled back"};
    log_line(LOG_NOTICE, "%s '%s' version '%s' (%s) for uid %u", done[job->request.type], name,
             function->row.version, function->row.safety, job->request.caller_uid);
    admin_deployed(supervisor, job, name);
}

static struct job *job_new(struct supervisor *supervisor, enum job_kind kind,
                           const struct admin_request *request, struct err *err)
{
    bool asked = is_asked_for(kind);
    struct job *job = !asked || supervisor->jobs->count < JOBS_MAX ? calloc(1, sizeof *job) : NULL;

    if (!job) {
        err_say(err, -EAGAIN, "cannot take the request: %d others wait already", JOBS_MAX);
        return NULL;
    }
    job->kind = kind;
    job->source_fd = job->library_fd = job->base_fd = -1;
    memset(job->listeners, -1, sizeof job->listeners);
    job->supervisor = supervisor;
    if (request)
        job->request = *request;
    if (asked)
        supervisor->jobs->count++;
    return job;
}

static void purge_soon(struct supervisor *supervisor, uint32_t age_seconds)
{
    struct err err = {0};
    struct job *job = job_new(supervisor, JOB_PURGE_STORE, NULL, &err);

    if (!job)
        return; /* another time */
    job->age_seconds = age_seconds;
    supervisor->jobs->purged_ns = clock_now_ns();
    job_submit(supervisor->jobs->threads, job);
}

/* A full disk keeps nothing for later. */
static void purge_if_due(struct supervisor *supervisor, bool disk_is_full)
{
    if (disk_is_full)
        purge_soon(supervisor, 0);
    else if (clock_now_ns() - supervisor->jobs->purged_ns >= PURGE_NS)
        purge_soon(supervisor, LIBRARY_KEEP_SECONDS);
}

/* Sets the timer for the end of what was wanted within a second, if anything is to end then. */
static void spares_rest_later(struct supervisor *supervisor)
{
    int64_t due;

    if (container_spares_rest(supervisor, &due) || due == 0)
        return;
    const struct itimerspec time = {
        .it_value = {.tv_sec = due / 1000000000 + 1}, /* of the clock of clock_now_ns() */
    };
    timerfd_settime(supervisor->spares_timer.fd, TFD_TIMER_ABSTIME, &time, NULL);
}

/* One at a time, so that what is asked for meanwhile comes between. */
static void spares_tend(struct supervisor *supervisor)
{
    struct err err = {0};
    struct job *job = NULL;

    spares_rest_later(supervisor);
    if (!supervisor->jobs->makes_spare &&
        (container_spares_lack(supervisor) || container_spares_abound(supervisor)))
        job = job_new(supervisor, JOB_SPARE, NULL, &err);
    if (!job)
        return;
    supervisor->jobs->makes_spare = true;
    job_submit(supervisor->jobs->threads, job);
}

static void spares_rested(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof count) > 0)
        spares_tend(supervisor);
}

/* One at a time: it takes a processor for itself. */
static void optimise_if_wanted(struct supervisor *supervisor)
{
    struct jobs *jobs = supervisor->jobs;
    struct err err = {0};
    const struct function *function = jobs->optimises ? NULL : tier_next(supervisor);
    struct job *job = function ? job_new(supervisor, JOB_OPTIMISE, NULL, &err) : NULL;

    if (job)
        job->base_manifest = strdup(function->row.manifest);
    if (!job || !job->base_manifest) {
        free(job); /* another time */
        return;
    }
    memcpy(job->request.name, function->row.name, sizeof job->request.name);
    memcpy(job->library_hash, function->row.library_hash, sizeof job->library_hash);
    memcpy(job->source_hash, function->row.source_hash, sizeof job->source_hash);
    job->function_id = function->row.id;
    job->stop_fd = jobs->stop_fd;
    jobs->optimises = true;
    job_submit(jobs->threads, job);
}

/* Between build and commit: what only the loop can do. */
static int deploy_prepare(struct supervisor *supervisor, struct job *job)
{
    const struct manifest *manifest = &job->result.manifest;

    if (manifest->listen_count > 0 && strcmp(job->row.kind, "command") != 0)
        return err_say(&job->err, -EINVAL,
                       "cannot deploy '%s': a grant to listen is for a program with main(), and "
                       "this is a handler",
                       manifest->name);
    return servers_listen(supervisor, manifest, manifest->name, job->listeners, &job->err);
}

void job_updated(struct supervisor *supervisor, struct job *job, const char *failure)
{
    job->round_over = true;
    if (failure[0] && job->request.type == ADMIN_ROLLBACK) {
        /* To a version that is laid out otherwise: its instances are new ones. */
        log_line(LOG_NOTICE, "%s", failure);
        job->updated = 0;
        failure = "";
    }
    if (!failure[0]) {
        job_submit(supervisor->jobs->threads, job); /* the registry's row */
        return;
    }
    int error = job->err.code ? job->err.code : -EPERM;
    admin_reply(supervisor, job->request.token, error, failure, NULL);
    job_done(supervisor->jobs, job);
}

static void job_finished(struct supervisor *supervisor, struct job *job)
{
    struct jobs *jobs = supervisor->jobs;
    int r;

    if (is_asked_for(job->kind))
        purge_if_due(supervisor, job->err.code == -ENOSPC);
    if (job->kind == JOB_DEPLOY && !job->built && !job->err.code)
        deploy_prepare(supervisor, job);
    if (job->err.code && is_asked_for(job->kind)) {
        /* Its pVMs go back to the version that the registry has. */
        if (job->round_over && update_undo(supervisor, job))
            return;
        admin_reply(supervisor, job->request.token, job->err.code, job->err.message, NULL);
        job_done(jobs, job);
        return;
    }
    switch (job->kind) {
    case JOB_DEPLOY:
        if (!job->built) {
            job->built = true;
            job_submit(jobs->threads, job);
            return;
        }
        if (!job->round_over && job->library_fd >= 0) {
            r = update_begin(supervisor, job, &job->err);
            if (r == 0)
                job_updated(supervisor, job, "");
            else if (r < 0)
                job_updated(supervisor, job, job->err.message);
            return;
        }
        deploy_done(supervisor, job);
        break;
    case JOB_REMOVE:
        function_drop(supervisor, job->request.name);
        log_line(LOG_NOTICE, "removed '%s' for uid %u", job->request.name, job->request.caller_uid);
        admin_reply(supervisor, job->request.token, 0, "", "{}");
        break;
    case JOB_PURGE_UID:
    case JOB_PURGE_STORE:
    case JOB_PURGE_CONTAINER:
        if (job->err.code)
            log_line(LOG_WARNING, "%s", job->err.message);
        break;
    case JOB_AUDIT:
        audit_job_done(supervisor, &job->request, job->rows, steal_ptr(&job->audited), &job->err);
        break;
    case JOB_TEMPLATE:
        template_done(supervisor, job);
        break;
    case JOB_OPTIMISE:
        jobs->optimises = false;
        tier_job_done(supervisor, job);
        break;
    case JOB_SPARE:
        jobs->makes_spare = false;
        if (job->err.code) /* the next function in a container has one tried again */
            log_line(LOG_WARNING, "%s", job->err.message);
        else
            spares_tend(supervisor);
        break;
    case JOB_IMAGE:
        link_image_ready(supervisor, &job->request, job->begin_ns, &job->err);
        break;
    }
    if (job->kind == JOB_TEMPLATE || job->kind == JOB_DEPLOY)
        spares_tend(supervisor);
    if (job->kind == JOB_OPTIMISE || job->kind == JOB_DEPLOY)
        optimise_if_wanted(supervisor);
    job_done(jobs, job);
}

static void jobs_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct job_threads *threads = ((struct jobs *)source->owner)->threads;
    struct admin_progress progress;
    struct job *job;
    uint64_t count;

    (void)events;
    if (read(job_threads_fd(threads), &count, sizeof count) < 0)
        return;
    while (job_progress_take(threads, &progress))
        gateway_send(supervisor, GATEWAY_ADMIN, &progress, sizeof progress, NULL, 0);
    while ((job = job_finished_take(threads)))
        job_finished(supervisor, job);
}

int jobs_deploy(struct supervisor *supervisor, const struct admin_request *request, int *source_fd,
                struct err *err)
{
    struct job *job = job_new(supervisor, JOB_DEPLOY, request, err);

    if (!job)
        return err->code;
    const struct function *function = function_find(supervisor, request->name);
    if (request->type == ADMIN_UPDATE && function) {
        job->base_manifest = strdup(function->row.manifest);
        job->base_stateful = function_has_state(function);
        job->base_is_library = strcmp(function->row.kind, "library") == 0;
        memcpy(job->base_library, function->row.library_hash, sizeof job->base_library);
        if (!job->base_manifest) {
            job_done(supervisor->jobs, job);
            return err_set(err, -ENOMEM, "cannot update '%s'", request->name);
        }
    }
    job->source_fd = steal_fd(source_fd);
    job_submit(supervisor->jobs->threads, job);
    return 0;
}

int jobs_remove(struct supervisor *supervisor, const struct admin_request *request, struct err *err)
{
    struct job *job = job_new(supervisor, JOB_REMOVE, request, err);

    if (!job)
        return err->code;
    job_submit(supervisor->jobs->threads, job);
    return 0;
}

int jobs_rollback(struct supervisor *supervisor, const struct admin_request *request,
                  struct err *err)
{
    struct job *job = job_new(supervisor, JOB_DEPLOY, request, err);

    if (!job)
        return err->code;
    const struct function *function = function_find(supervisor, request->name);
    if (function) {
        job->base_stateful = function_has_state(function);
        memcpy(job->base_library, function->row.library_hash, sizeof job->base_library);
    }
    job_submit(supervisor->jobs->threads, job);
    return 0;
}

int jobs_image(struct supervisor *supervisor, const struct admin_request *request, const char *hash,
               int64_t begin_ns, struct err *err)
{
    struct job *job = job_new(supervisor, JOB_IMAGE, request, err);

    if (!job)
        return err->code;
    memcpy(job->library_hash, hash, sizeof job->library_hash);
    job->begin_ns = begin_ns;
    job_submit(supervisor->jobs->threads, job);
    return 0;
}

int jobs_audit(struct supervisor *supervisor, const struct admin_request *request,
               struct audit_batch *rows, struct err *err)
{
    struct job *job = job_new(supervisor, JOB_AUDIT, request, err);

    if (job)
        job->audited = calloc(1, sizeof *job->audited);
    if (!job || !job->audited) {
        free(job);
        free(rows);
        return err ? err_set(err, -ENOMEM, "cannot ask the audit") : -ENOMEM;
    }
    job->rows = rows;
    job->audited->before = supervisor->allowed;
    job_submit(supervisor->jobs->threads, job);
    return 0;
}

void jobs_template(struct supervisor *supervisor, struct function *function)
{
    struct err err = {0};
    struct job *job;

    if (function->starting || !supervisor->jobs)
        return;
    job = job_new(supervisor, JOB_TEMPLATE, NULL, &err);
    if (!job) {
        if (!function->current)
            wishes_refuse(supervisor, function, -ENOMEM, "out of memory");
        if (!function->current && function->server)
            server_failed(supervisor, function, "out of memory");
        return;
    }
    memcpy(job->request.name, function->row.name, sizeof job->request.name);
    memcpy(job->library_hash, function->row.library_hash, sizeof job->library_hash);
    job->manifest = function->manifest;
    job->quick = function->quick;
    job->uid = function->row.uid;
    job->function_id = function->row.id;
    job->generation = function->generation;
    for (uint32_t i = 0; function->server && i < function->manifest.listen_count; i++)
        job->listeners[i] = fcntl(function->server->listeners[i], F_DUPFD_CLOEXEC, 0);
    function->starting = true;
    job_submit(supervisor->jobs->threads, job);
}

void jobs_uid_purged(struct supervisor *supervisor, uid_t uid)
{
    struct err err = {0};
    struct job *job = supervisor->jobs ? job_new(supervisor, JOB_PURGE_UID, NULL, &err) : NULL;

    if (!job)
        return; /* it waits for ever, unused */
    job->uid = uid;
    job_submit(supervisor->jobs->threads, job);
}

void jobs_container_gone(struct supervisor *supervisor, const char *directory)
{
    struct err err = {0};
    struct job *job =
        supervisor->jobs ? job_new(supervisor, JOB_PURGE_CONTAINER, NULL, &err) : NULL;

    if (!job)
        container_forget(supervisor, directory);
    if (!job)
        return;
    snprintf(job->request.name, sizeof job->request.name, "%s", directory);
    job_submit(supervisor->jobs->threads, job);
}

static int spares_timer_open(struct supervisor *supervisor, struct err *err)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd < 0)
        return err_set(err, -errno, "cannot make a timer");
    supervisor->spares_timer.ready = spares_rested;
    return supervisor_watch(supervisor, &supervisor->spares_timer, fd, EPOLLIN, err);
}

int jobs_open(struct supervisor *supervisor, struct err *err)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);

    if (!jobs)
        return err_set(err, -ENOMEM, "cannot start job threads");
    int r = job_threads_start(cgroup_root_in_namespace(supervisor->groups), &jobs->threads, err);
    if (r < 0) {
        free(jobs);
        return r;
    }
    jobs->stop_fd = eventfd(0, EFD_CLOEXEC);
    supervisor->jobs = jobs;
    supervisor->jobs_source.owner = jobs;
    supervisor->jobs_source.ready = jobs_ready;
    r = supervisor_watch(supervisor, &supervisor->jobs_source, job_threads_fd(jobs->threads),
                         EPOLLIN, err);
    if (r == 0 && jobs->stop_fd < 0)
        r = err_set(err, -errno, "cannot start job threads");
    if (r == 0)
        r = spares_timer_open(supervisor, err);
    if (r == 0)
        purge_soon(supervisor, LIBRARY_KEEP_SECONDS);
    if (r == 0)
        optimise_if_wanted(supervisor);
    return r;
}

void jobs_close(struct supervisor *supervisor)
{
    struct jobs *jobs = supervisor->jobs;

    if (!jobs)
        return;
    supervisor_unwatch(supervisor, &supervisor->jobs_source);
    supervisor_unwatch(supervisor, &supervisor->spares_timer);
    closep(&supervisor->spares_timer.fd);
    const uint64_t one = 1;
    /* What waits is still done: a purge must not be lost, and a deploy that was not acknowledged
     * only ends up built. What is being optimised the next daemon begins anew. */
    if (write(jobs->stop_fd, &one, sizeof one) < 0)
        log_line(LOG_WARNING, "cannot stop the optimiser: %s", strerror(errno));
    struct job *next;
    for (struct job *job = job_threads_end(jobs->threads); job; job = next) {
        next = job->next;
        job_free(job);
    }
    closep(&jobs->stop_fd);
    free(steal_ptr(&supervisor->jobs));
}
