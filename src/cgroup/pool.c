/*
 * A pool of prepared groups.
 *
 * System calls of one cycle, while groups come back as fast as they go:
 *   take   0, when a spare last had the same limits; else one write (open, write, close) for each
 *          limit that differs; one mkdir, open (and chmod on v2) a tree when there is no spare
 *   put    6 on descriptors that stay open: read pids.current, memory usage, OOM kills, refused
 *          forks, CPU time; set the peak back; one write more for a group in the background. No
 *          directory is made or removed.
 * The mutex is held for moves of list entries only. The thread sleeps until something is to be
 * done: a pool that nobody uses wakes nobody (pool_sleeps_when_idle in the tests).
 *
 * Cleaning is done by who puts, because six short calls (5-9 µs) cost less than waking another
 * thread (30-70 µs on another CPU); what is not clean at once goes to the thread.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "cgroup/internal.h"

#define BUCKETS 64        /* of ready groups, by their limits */
#define BUCKET_PROBES 8   /* groups looked at in one: different limits may share it */
#define BATCH 16          /* groups made between two looks at what else is to be done */
#define READY_MIN 64      /* ready groups that are kept, whatever `spares` is */
#define RETRY_NS 4000000L /* between tries: memory of a task is given back after an RCU period */
#define RETRY_SLOW_NS 500000000L
#define TRIES_QUICK 50  /* then something hangs (a task waiting for a disk): look less often */
#define TRIES_RECLAIM 2 /* then the kernel is asked for the memory */
#define TRIES_CLEAN 4   /* then the group is given up */

struct cgroup_pool {
    struct cgroup_root *root;
    unsigned spares;
    pthread_t thread;

    pthread_mutex_t mutex; /* all below */
    pthread_cond_t work;
    struct cgroup_list ready; /* least recently put first */
    struct cgroup_list same[BUCKETS];
    struct cgroup_list dirty; /* put, not clean yet */
    struct cgroup_list burnt; /* to be killed and removed */
    unsigned ready_count, out_count, made_count;
    bool refill;   /* fewer than half of the spares are left */
    bool sleeping; /* the thread needs a signal */
    bool stop;
};

DEFINE_CLEANUP(struct cgroup_pool, cgroup_pool_free)

static const struct cgroup_limits no_limits;

static unsigned bucket_of(const struct cgroup_limits *limits)
{
    uint64_t hash = limits->memory_bytes;

    hash = hash * 0x9e3779b97f4a7c15ULL + limits->cpu_millis;
    hash = hash * 0x9e3779b97f4a7c15ULL + limits->pids;
    hash = hash * 0x9e3779b97f4a7c15ULL + limits->io_bytes_per_second;
    hash = hash * 0x9e3779b97f4a7c15ULL + limits->io_operations_per_second;
    hash *= 0x9e3779b97f4a7c15ULL;
    return (unsigned)(hash >> 58);
}

/* ---- under the mutex ---- */

static void ready_add(struct cgroup_pool *pool, struct cgroup *group)
{
    TAILQ_INSERT_TAIL(&pool->ready, group, queue);
    TAILQ_INSERT_HEAD(&pool->same[bucket_of(&group->limits)], group, same);
    pool->ready_count++;
}

static void ready_remove(struct cgroup_pool *pool, struct cgroup *group)
{
    TAILQ_REMOVE(&pool->ready, group, queue);
    TAILQ_REMOVE(&pool->same[bucket_of(&group->limits)], group, same);
    pool->ready_count--;
}

static struct cgroup *ready_with(struct cgroup_pool *pool, const struct cgroup_limits *limits)
{
    struct cgroup *group;
    int probes = 0;

    TAILQ_FOREACH(group, &pool->same[bucket_of(limits)], same)
    {
        if (cgroup_limits_equal(&group->limits, limits))
            return group;
        if (++probes == BUCKET_PROBES)
            break;
    }
    return NULL;
}

/* One with the same limits, a fresh one, or the one that was unused for longest. */
static struct cgroup *ready_pick(struct cgroup_pool *pool, const struct cgroup_limits *limits)
{
    struct cgroup *group = ready_with(pool, limits);

    if (!group)
        group = ready_with(pool, &no_limits);
    if (!group)
        group = TAILQ_FIRST(&pool->ready);
    if (group)
        ready_remove(pool, group);
    return group;
}

static unsigned ready_max(const struct cgroup_pool *pool)
{
    return 2 * pool->spares > READY_MIN ? 2 * pool->spares : READY_MIN;
}

/* Says whether the caller has to signal, once the mutex is released. */
static bool must_wake(struct cgroup_pool *pool)
{
    bool wake = pool->sleeping;

    pool->sleeping = false;
    return wake;
}

/* ---- the thread ---- */

static void ready_give(struct cgroup_pool *pool, struct cgroup *group)
{
    group->tries = 0;
    pthread_mutex_lock(&pool->mutex);
    ready_add(pool, group);
    pthread_mutex_unlock(&pool->mutex);
}

/* Kills what is in a group and removes it; false: it is to be tried again. */
static bool burn(struct cgroup *group)
{
    if (group->tries++ == 0)
        cgroup_kill(group);
    if (cgroup_group_remove(group) == 0) {
        cgroup_group_free(group);
        return true;
    }
    /* Something is in one tree that is not in the one where the kill went. */
    const struct cgroup_root *root = group->root;
    for (size_t i = 0; i < root->tree_count && group->tries % 8 == 4; i++) {
        _cleanup_(closep) int fd = group->made[i] ? openat(root->trees[i].fd, group->dir,
                                                           O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                                                  : -1;
        if (fd >= 0)
            root->trees[i].backend->kill(fd);
    }
    return false;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* Cleans a group that was not clean at once. Returns the list that it goes to, NULL: it is ready.
 */
static struct cgroup_list *scrub(struct cgroup_pool *pool, struct cgroup *group)
{
    uint64_t now = now_ns();

    if (now < group->retry_at_ns)
        return &pool->dirty;
    group->retry_at_ns = now + RETRY_NS;
    if (group->tries >= TRIES_RECLAIM)
        cgroup_group_reclaim(group);
    if (cgroup_group_clean(group) == 0)
        return NULL;
    if (++group->tries < TRIES_CLEAN)
        return &pool->dirty;
    group->tries = 0;
    return &pool->burnt;
}

/* Removes all groups of `list`, moves what can't be removed yet back. Returns how many those are.
 */
static unsigned burn_list(struct cgroup_pool *pool, struct cgroup_list *list, bool *ret_slow)
{
    struct cgroup *group;
    struct cgroup_list left = TAILQ_HEAD_INITIALIZER(left);
    unsigned count = 0;

    *ret_slow = true;
    while ((group = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, group, queue);
        if (burn(group))
            continue;
        *ret_slow &= group->tries > TRIES_QUICK;
        TAILQ_INSERT_TAIL(&left, group, queue);
        count++;
    }
    pthread_mutex_lock(&pool->mutex);
    TAILQ_CONCAT(&pool->burnt, &left, queue);
    pthread_mutex_unlock(&pool->mutex);
    return count;
}

static unsigned scrub_list(struct cgroup_pool *pool, struct cgroup_list *list)
{
    struct cgroup *group;
    unsigned count = 0;

    while ((group = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, group, queue);
        struct cgroup_list *to = scrub(pool, group);
        if (!to) {
            ready_give(pool, group);
            continue;
        }
        pthread_mutex_lock(&pool->mutex);
        TAILQ_INSERT_TAIL(to, group, queue);
        pthread_mutex_unlock(&pool->mutex);
        count++;
    }
    return count;
}

/* Makes a batch of spares. False: no more are needed, or none can be made now. */
static bool refill(struct cgroup_pool *pool)
{
    for (int i = 0; i < BATCH; i++) {
        pthread_mutex_lock(&pool->mutex);
        bool enough = pool->stop || pool->ready_count >= pool->spares;
        pthread_mutex_unlock(&pool->mutex);
        struct cgroup *group;
        if (enough || cgroup_group_new(pool->root, &group, NULL) < 0)
            return false;
        group->pool = pool;
        pthread_mutex_lock(&pool->mutex);
        ready_add(pool, group);
        pool->made_count++;
        pthread_mutex_unlock(&pool->mutex);
    }
    return true;
}

/* Under the mutex: moves surplus spares to `burnt`. */
static void trim(struct cgroup_pool *pool)
{
    while (pool->ready_count > ready_max(pool)) {
        struct cgroup *group = TAILQ_FIRST(&pool->ready);
        ready_remove(pool, group);
        TAILQ_INSERT_TAIL(&pool->burnt, group, queue);
    }
}

/* Under the mutex: until there is work, or until groups that wait may be tried again. */
static void wait_for_work(struct cgroup_pool *pool, long retry_ns)
{
    pool->sleeping = true;
    if (retry_ns == 0) {
        pthread_cond_wait(&pool->work, &pool->mutex);
    } else {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += retry_ns;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&pool->work, &pool->mutex, &until);
    }
    pool->sleeping = false;
}

static void *pool_main(void *argument)
{
    struct cgroup_pool *pool = argument;
    long retry_ns = 0;

    pthread_setname_np(pthread_self(), "vireo-cgroup");
    pthread_mutex_lock(&pool->mutex);
    while (!pool->stop) {
        struct cgroup_list burnt = TAILQ_HEAD_INITIALIZER(burnt);
        struct cgroup_list dirty = TAILQ_HEAD_INITIALIZER(dirty);
        bool fill = pool->refill;
        trim(pool);
        if (!fill && (retry_ns || (TAILQ_EMPTY(&pool->burnt) && TAILQ_EMPTY(&pool->dirty)))) {
            wait_for_work(pool, retry_ns);
            trim(pool);
            fill = pool->refill;
        }
        TAILQ_CONCAT(&burnt, &pool->burnt, queue);
        TAILQ_CONCAT(&dirty, &pool->dirty, queue);
        pool->refill = false;
        pthread_mutex_unlock(&pool->mutex);

        /* Refilling first: somebody may be about to need one. */
        bool more = fill && refill(pool);
        unsigned waiting = scrub_list(pool, &dirty);
        bool slow;
        unsigned unburnt = burn_list(pool, &burnt, &slow);
        retry_ns = more || waiting + unburnt == 0 ? 0 : waiting || !slow ? RETRY_NS : RETRY_SLOW_NS;

        pthread_mutex_lock(&pool->mutex);
        pool->refill |= more;
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* ---- for everyone ---- */

static int thread_start(struct cgroup_pool *pool)
{
    sigset_t all, before;

    /* Signals are for the threads of whoever owns the pool. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&pool->thread, NULL, pool_main, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

int cgroup_pool_new(struct cgroup_root *root, unsigned spares, struct cgroup_pool **ret_pool,
                    struct err *err)
{
    struct cgroup_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return err_set(err, -ENOMEM, "cannot make a pool of control groups");

    pool->root = root;
    pool->spares = spares;
    pool->refill = spares > 0;
    TAILQ_INIT(&pool->ready);
    TAILQ_INIT(&pool->dirty);
    TAILQ_INIT(&pool->burnt);
    for (int i = 0; i < BUCKETS; i++)
        TAILQ_INIT(&pool->same[i]);

    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->work, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&pool->mutex, NULL);

    int r = thread_start(pool);
    if (r < 0) {
        pthread_cond_destroy(&pool->work);
        pthread_mutex_destroy(&pool->mutex);
        free(pool);
        return err_set(err, r, "cannot start the thread of a pool of control groups");
    }
    *ret_pool = pool;
    return 0;
}

/* At the end: every group of the list goes; what still lives is given a second to die. */
static void list_destroy(struct cgroup_list *list)
{
    struct cgroup *group;

    for (int tries = 0; !TAILQ_EMPTY(list) && tries < 250; tries++) {
        struct cgroup_list left = TAILQ_HEAD_INITIALIZER(left);
        while ((group = TAILQ_FIRST(list))) {
            TAILQ_REMOVE(list, group, queue);
            if (!burn(group))
                TAILQ_INSERT_TAIL(&left, group, queue);
        }
        TAILQ_CONCAT(list, &left, queue);
        if (!TAILQ_EMPTY(list))
            nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
    }
    /* The directories of the rest are removed by cgroup_root_close(), which waits longer. */
    while ((group = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, group, queue);
        cgroup_group_free(group);
    }
}

void cgroup_pool_free(struct cgroup_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    assert(pool->out_count == 0);
    pool->stop = true;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    pthread_join(pool->thread, NULL);

    struct cgroup_list all = TAILQ_HEAD_INITIALIZER(all);
    TAILQ_CONCAT(&all, &pool->ready, queue);
    TAILQ_CONCAT(&all, &pool->dirty, queue);
    TAILQ_CONCAT(&all, &pool->burnt, queue);
    list_destroy(&all);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

static void burn_later(struct cgroup_pool *pool, struct cgroup *group)
{
    /* However many wait to be removed, they hold no descriptors. */
    cgroup_group_shut(group);
    group->tries = 0;
    pthread_mutex_lock(&pool->mutex);
    pool->out_count--;
    TAILQ_INSERT_TAIL(&pool->burnt, group, queue);
    bool wake = must_wake(pool);
    pthread_mutex_unlock(&pool->mutex);
    if (wake)
        pthread_cond_signal(&pool->work);
}

int cgroup_pool_take(struct cgroup_pool *pool, const struct cgroup_limits *limits,
                     struct cgroup **ret_group, struct err *err)
{
    pthread_mutex_lock(&pool->mutex);
    struct cgroup *group = ready_pick(pool, limits);
    bool wake = false;
    if (pool->ready_count < (pool->spares + 1) / 2 && !pool->refill) {
        pool->refill = true;
        wake = must_wake(pool);
    }
    pool->out_count++;
    pool->made_count += !group;
    pthread_mutex_unlock(&pool->mutex);
    if (wake)
        pthread_cond_signal(&pool->work);

    if (!group) {
        int r = cgroup_group_new(pool->root, &group, err);
        if (r < 0) {
            pthread_mutex_lock(&pool->mutex);
            pool->out_count--;
            pool->made_count--;
            pthread_mutex_unlock(&pool->mutex);
            return r;
        }
        group->pool = pool;
    }
    if (!cgroup_limits_equal(&group->limits, limits)) {
        int r = cgroup_limits_apply(group, limits, err);
        if (r < 0) {
            burn_later(pool, group);
            return r;
        }
    }
    *ret_group = group;
    return 0;
}

void cgroup_pool_put(struct cgroup_pool *pool, struct cgroup *group, bool burnt)
{
    assert(group->pool == pool);
    if (burnt || (group->background && cgroup_set_background(group, false) < 0)) {
        burn_later(pool, group);
        return;
    }
    bool clean = cgroup_group_clean(group) == 0;
    bool wake = false;
    group->tries = 0;
    group->retry_at_ns = 0;
    pthread_mutex_lock(&pool->mutex);
    pool->out_count--;
    if (clean) {
        ready_add(pool, group);
        wake = pool->ready_count > ready_max(pool) && must_wake(pool);
    } else {
        TAILQ_INSERT_TAIL(&pool->dirty, group, queue);
        wake = must_wake(pool);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (wake)
        pthread_cond_signal(&pool->work);
}

void cgroup_pool_counts(struct cgroup_pool *pool, unsigned *ret_ready, unsigned *ret_out,
                        unsigned *ret_made)
{
    pthread_mutex_lock(&pool->mutex);
    *ret_ready = pool->ready_count;
    *ret_out = pool->out_count;
    *ret_made = pool->made_count;
    pthread_mutex_unlock(&pool->mutex);
}
