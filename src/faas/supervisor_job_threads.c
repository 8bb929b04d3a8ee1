/*
 * The threads of jobs: a queue each way between them and the loop. What a job does in its thread is
 * in supervisor_deploy.c, what the loop makes of it in supervisor_jobs.c.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/supervisor_jobs.h"

#define OPTIMISE_NICE 10
#define PROGRESS_MAX 32 /* messages that the loop has not sent on yet */

enum job_queue { QUEUE_SHORT, QUEUE_LONG, QUEUE_IMPORT, QUEUE_QUICK, QUEUE_OPTIMISE, QUEUES };

/*
 * A build begins in one of the short threads, for at most 10 s and 1 GiB; what does not end in them
 * begins anew in one of the long ones, with the whole limits. So nobody's deploy waits for builds
 * that are slow, and all together take at most 4 * 1 + 2 * 3 GiB, and the optimiser 3 behind all.
 * Templates that import tenants' modules may take all of their ten seconds: nobody else's template
 * waits for those.
 */
static const enum job_queue queue_of_thread[] = {
    QUEUE_SHORT,  QUEUE_SHORT,  QUEUE_SHORT,  QUEUE_SHORT,  QUEUE_LONG,  QUEUE_LONG,
    QUEUE_IMPORT, QUEUE_IMPORT, QUEUE_IMPORT, QUEUE_IMPORT, QUEUE_QUICK, QUEUE_OPTIMISE,
};
#define THREADS ARRAY_LEN(queue_of_thread)

struct worker {
    struct job_threads *threads;
    enum job_queue queue;
};

struct job_list {
    struct job *first, *last;
};

struct job_threads {
    pthread_t ids[THREADS];
    struct worker workers[THREADS];
    unsigned count;
    pthread_mutex_t lock; /* of all below but the descriptor */
    pthread_cond_t wake[QUEUES];
    struct job_list waiting[QUEUES], finished;
    bool closing;
    struct admin_progress progress[PROGRESS_MAX]; /* to be sent on */
    unsigned progress_count;
    bool own_cgroup_namespace; /* set before the threads start */
    int event_fd;
};

static void list_push(struct job_list *list, struct job *job)
{
    job->next = NULL;
    if (list->last)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
}

static struct job *list_pop(struct job_list *list)
{
    struct job *job = list->first;

    if (job) {
        list->first = job->next;
        if (!list->first)
            list->last = NULL;
    }
    return job;
}

/* The loop has something to fetch. Under the lock. */
static int wake_loop(const struct job_threads *threads)
{
    const uint64_t one = 1;

    return write(threads->event_fd, &one, sizeof one) < 0 ? -errno : 0;
}

/* ---- in a thread ---- */

void job_progress(const char *stage, void *user)
{
    const struct job *job = user;
    struct job_threads *threads = job->threads;

    pthread_mutex_lock(&threads->lock);
    if (threads->progress_count < PROGRESS_MAX) {
        struct admin_progress *message = &threads->progress[threads->progress_count++];
        *message = (struct admin_progress){.type = ADMIN_PROGRESS, .token = job->request.token};
        snprintf(message->stage, sizeof message->stage, "%s", stage);
        if (wake_loop(threads) < 0)
            threads->progress_count--;
    }
    pthread_mutex_unlock(&threads->lock);
}

static void serve_queue(struct job_threads *threads, enum job_queue queue)
{
    int r;

    pthread_mutex_lock(&threads->lock);
    for (;;) {
        struct job *job = list_pop(&threads->waiting[queue]);
        if (!job) {
            if (threads->closing)
                break;
            pthread_cond_wait(&threads->wake[queue], &threads->lock);
            continue;
        }
        pthread_mutex_unlock(&threads->lock);
        job_step(job);
        pthread_mutex_lock(&threads->lock);
        if (queue == QUEUE_SHORT && job->long_build) {
            list_push(&threads->waiting[QUEUE_LONG], job);
            pthread_cond_signal(&threads->wake[QUEUE_LONG]);
            continue;
        }
        list_push(&threads->finished, job);
        r = wake_loop(threads);
        if (r < 0)
            log_line(LOG_ERROR, "cannot report a finished job: %s", strerror(-r));
    }
    pthread_mutex_unlock(&threads->lock);
}

/*
 * The quick thread has a cgroup namespace of its own, and so has every template: none sees where in
 * the machine's trees it is. The threads that build stay in the machine's, for builds make groups
 * whose place they read in /proc. CAP_SYS_ADMIN.
 */
static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    bool own = worker->queue == QUEUE_QUICK || worker->queue == QUEUE_IMPORT;

    if (own && worker->threads->own_cgroup_namespace && unshare(CLONE_NEWCGROUP) < 0)
        log_line(LOG_WARNING, "cannot make a cgroup namespace: %s", strerror(errno));
    /* Of this thread alone, and of what it starts. */
    if (worker->queue == QUEUE_OPTIMISE)
        setpriority(PRIO_PROCESS, 0, OPTIMISE_NICE);
    serve_queue(worker->threads, worker->queue);
    return NULL;
}

/* ---- in the loop ---- */

void job_submit(struct job_threads *threads, struct job *job)
{
    bool builds = job->kind == JOB_DEPLOY && job->request.type != ADMIN_ROLLBACK && !job->built;
    bool imports = job->kind == JOB_TEMPLATE && job->manifest.runtime != MANIFEST_RUNTIME_NONE;
    enum job_queue queue = builds                      ? QUEUE_SHORT
                           : imports                   ? QUEUE_IMPORT
                           : job->kind == JOB_OPTIMISE ? QUEUE_OPTIMISE
                                                       : QUEUE_QUICK;

    job->threads = threads;
    pthread_mutex_lock(&threads->lock);
    list_push(&threads->waiting[queue], job);
    pthread_cond_signal(&threads->wake[queue]);
    pthread_mutex_unlock(&threads->lock);
}

int job_threads_fd(const struct job_threads *threads)
{
    return threads->event_fd;
}

struct job *job_finished_take(struct job_threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    struct job *job = list_pop(&threads->finished);
    pthread_mutex_unlock(&threads->lock);
    return job;
}

bool job_progress_take(struct job_threads *threads, struct admin_progress *ret_progress)
{
    pthread_mutex_lock(&threads->lock);
    bool some = threads->progress_count > 0;
    if (some) {
        *ret_progress = threads->progress[0];
        threads->progress_count--;
        memmove(&threads->progress[0], &threads->progress[1],
                threads->progress_count * sizeof threads->progress[0]);
    }
    pthread_mutex_unlock(&threads->lock);
    return some;
}

static int start_all(struct job_threads *threads)
{
    threads->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (threads->event_fd < 0)
        return -errno;
    for (; threads->count < THREADS; threads->count++) {
        struct worker *worker = &threads->workers[threads->count];
        *worker = (struct worker){threads, queue_of_thread[threads->count]};
        int r = -pthread_create(&threads->ids[threads->count], NULL, worker_main, worker);
        if (r < 0)
            return r;
    }
    return 0;
}

int job_threads_start(bool own_cgroup_namespace, struct job_threads **ret_threads, struct err *err)
{
    struct job_threads *threads = calloc(1, sizeof *threads);

    if (!threads)
        return err_set(err, -ENOMEM, "cannot start job threads");
    threads->own_cgroup_namespace = own_cgroup_namespace;
    pthread_mutex_init(&threads->lock, NULL);
    for (enum job_queue queue = 0; queue < QUEUES; queue++)
        pthread_cond_init(&threads->wake[queue], NULL);
    int r = start_all(threads);
    if (r < 0) {
        job_threads_end(threads);
        return err_set(err, r, "cannot start job threads");
    }
    *ret_threads = threads;
    return 0;
}

struct job *job_threads_end(struct job_threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    threads->closing = true;
    for (enum job_queue queue = 0; queue < QUEUES; queue++)
        pthread_cond_broadcast(&threads->wake[queue]);
    pthread_mutex_unlock(&threads->lock);
    for (unsigned i = 0; i < threads->count; i++)
        pthread_join(threads->ids[i], NULL);
    closep(&threads->event_fd);
    pthread_mutex_destroy(&threads->lock);
    for (enum job_queue queue = 0; queue < QUEUES; queue++)
        pthread_cond_destroy(&threads->wake[queue]);
    struct job *left = threads->finished.first;
    free(threads);
    return left;
}
