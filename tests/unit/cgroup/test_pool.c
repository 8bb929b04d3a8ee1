/* The pool: each group once, none lost, none left, nobody woken for nothing. */
#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>

#include "real.h"

static int read_text(int dir_fd, const char *path, char *text, size_t size)
{
    _cleanup_(closep) int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, size - 1);

    if (n < 0)
        return -errno;
    text[n] = '\0';
    return 0;
}

static void spares_wait(struct cgroup_pool *pool, unsigned wanted)
{
    unsigned ready = 0, out, made;

    for (int tries = 0; tries < 1000; tries++) {
        cgroup_pool_counts(pool, &ready, &out, &made);
        if (ready >= wanted)
            return;
        sleep_ms(2);
    }
    fail_msg("%u spares ready, not %u", ready, wanted);
}

/* Directories of groups that are there, in the first tree. */
static unsigned directories(void)
{
    struct stat status;

    assert_int_equal(fstat(root->trees[0].fd, &status), 0);
    return (unsigned)status.st_nlink - 2;
}

static void directories_wait(unsigned wanted)
{
    for (int tries = 0; tries < 1000 && directories() != wanted; tries++)
        sleep_ms(2);
    assert_int_equal(directories(), wanted);
}

static void pool_returns_each_group_once(void **state)
{
    static const struct cgroup_limits limits = {.pids = 4};
    struct cgroup_pool *pool;
    struct cgroup *groups[40];

    (void)state;
    NEEDS("pids");
    assert_int_equal(cgroup_pool_new(root, 8, &pool, NULL), 0);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
            assert_int_equal(cgroup_pool_take(pool, &limits, &groups[i], NULL), 0);
            for (size_t j = 0; j < i; j++) {
                assert_ptr_not_equal(groups[i], groups[j]);
                assert_string_not_equal(groups[i]->dir, groups[j]->dir);
            }
        }
        unsigned ready, out, made;
        cgroup_pool_counts(pool, &ready, &out, &made);
        assert_int_equal(out, ARRAY_LEN(groups));
        for (size_t i = 0; i < ARRAY_LEN(groups); i++)
            cgroup_pool_put(pool, groups[i], false);
        cgroup_pool_counts(pool, &ready, &out, &made);
        assert_int_equal(out, 0);
        assert_true(ready >= ARRAY_LEN(groups) && ready <= 64 && made <= 64);
    }
    cgroup_pool_free(pool);
    assert_int_equal(directories(), 0);
}

static void groups_go_back_to_the_same_limits(void **state)
{
    static const struct cgroup_limits red = {.memory_bytes = 8 << 20},
                                      blue = {.memory_bytes = 16 << 20};
    struct cgroup_pool *pool;
    struct cgroup *first, *second, *again;

    (void)state;
    NEEDS("memory");
    assert_int_equal(cgroup_pool_new(root, 4, &pool, NULL), 0);
    assert_int_equal(cgroup_pool_take(pool, &red, &first, NULL), 0);
    assert_int_equal(cgroup_pool_take(pool, &blue, &second, NULL), 0);
    cgroup_pool_put(pool, first, false);
    cgroup_pool_put(pool, second, false);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(cgroup_pool_take(pool, &red, &again, NULL), 0);
        assert_ptr_equal(again, first);
        cgroup_pool_put(pool, again, false);
        assert_int_equal(cgroup_pool_take(pool, &blue, &again, NULL), 0);
        assert_ptr_equal(again, second);
        cgroup_pool_put(pool, again, false);
    }
    cgroup_pool_free(pool);
}

/* Until the group's process is inside the v1 trees as well. */
static void inside_wait(struct cgroup *group)
{
    struct cgroup_usage usage = {0};

    for (int tries = 0; tries < 1000 && usage.pids != 1; tries++) {
        sleep_ms(1);
        assert_int_equal(cgroup_read_usage(group, &usage), 0);
    }
    assert_int_equal(usage.pids, 1);
}

static void burnt_groups_are_killed_and_removed(void **state)
{
    struct cgroup_pool *pool;
    struct cgroup *group;
    char path[1024];

    (void)state;
    NEEDS("pids");
    assert_int_equal(cgroup_pool_new(root, 0, &pool, NULL), 0);
    assert_int_equal(cgroup_pool_take(pool, &(struct cgroup_limits){0}, &group, NULL), 0);
    snprintf(path, sizeof path, "%s", cgroup_path(group, "kill"));
    pid_t pid = fork_into(group);
    if (pid == 0)
        for (;;)
            pause();
    inside_wait(group);
    cgroup_pool_put(pool, group, true);
    assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
    directories_wait(0);
    assert_int_equal(access(path, F_OK), -1);
    unsigned ready, out, made;
    cgroup_pool_counts(pool, &ready, &out, &made);
    assert_int_equal(ready + out, 0);
    assert_int_equal(made, 1);
    cgroup_pool_free(pool);
}

/* A process that is not yet reaped, or that the caller forgot: never handed to the next tenant. */
static void a_group_that_is_not_empty_is_not_reused(void **state)
{
    struct cgroup_pool *pool;
    struct cgroup *group, *other;

    (void)state;
    NEEDS("pids");
    assert_int_equal(cgroup_pool_new(root, 0, &pool, NULL), 0);
    assert_int_equal(cgroup_pool_take(pool, &(struct cgroup_limits){0}, &group, NULL), 0);
    pid_t pid = fork_into(group);
    if (pid == 0)
        for (;;)
            pause();
    inside_wait(group);
    cgroup_pool_put(pool, group, false);
    assert_int_equal(cgroup_pool_take(pool, &(struct cgroup_limits){0}, &other, NULL), 0);
    assert_ptr_not_equal(group, other);
    cgroup_pool_put(pool, other, false);
    /* After some tries it is given up: killed and removed. */
    assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
    directories_wait(1);
    cgroup_pool_free(pool);
    assert_int_equal(directories(), 0);
}

/* Page cache that a tenant left behind is charged to its group: it must not be the next one's. */
static void memory_left_behind_is_given_back(void **state)
{
    static const struct cgroup_limits limits = {.memory_bytes = 64 << 20};
    struct cgroup_pool *pool;
    struct cgroup *group;
    char path[64];

    (void)state;
    NEEDS("memory");
    snprintf(path, sizeof path, "/var/tmp/vireo-cache-%d", getpid());
    assert_int_equal(cgroup_pool_new(root, 0, &pool, NULL), 0);
    assert_int_equal(cgroup_pool_take(pool, &limits, &group, NULL), 0);
    pid_t pid = fork_into(group);
    if (pid == 0) {
        static char block[1 << 20];
        memset(block, 1, sizeof block);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        for (int i = 0; i < 16; i++)
            if (write(fd, block, sizeof block) != sizeof block)
                _exit(1);
        _exit(fsync(fd) < 0);
    }
    assert_int_equal(reap(pid), 0);
    struct cgroup_usage usage;
    assert_int_equal(cgroup_read_usage(group, &usage), 0);
    assert_in_range(usage.memory_bytes, 8 << 20, 64 << 20);
    cgroup_pool_put(pool, group, false);
    sleep_ms(200);
    /* Cleaned or removed, whichever the kernel made possible. */
    assert_int_equal(cgroup_pool_take(pool, &limits, &group, NULL), 0);
    assert_int_equal(cgroup_read_usage(group, &usage), 0);
    assert_in_range(usage.memory_bytes, 0, 2 << 20);
    cgroup_pool_put(pool, group, false);
    cgroup_pool_free(pool);
    unlink(path);
}

static void surplus_groups_are_removed(void **state)
{
    struct cgroup_pool *pool;
    struct cgroup *groups[200];

    (void)state;
    NEEDS_ROOT();
    assert_int_equal(cgroup_pool_new(root, 4, &pool, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        assert_int_equal(cgroup_pool_take(pool, &(struct cgroup_limits){0}, &groups[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        cgroup_pool_put(pool, groups[i], false);
    directories_wait(64);
    cgroup_pool_free(pool);
    assert_int_equal(directories(), 0);
}

struct shared {
    struct cgroup_pool *pool;
    _Atomic bool taken[100000]; /* by the number in the directory's name */
    _Atomic unsigned twice, failed;
};

static void *take_and_put(void *argument)
{
    struct shared *shared = argument;
    unsigned seed = (unsigned)(uintptr_t)pthread_self();

    for (int i = 0; i < 500; i++) {
        struct cgroup *groups[3];
        for (int j = 0; j < 3; j++) {
            struct cgroup_limits limits = {.pids = 1 + (unsigned)rand_r(&seed) % 3};
            if (cgroup_pool_take(shared->pool, &limits, &groups[j], NULL) < 0) {
                shared->failed++;
                return NULL;
            }
            unsigned number = (unsigned)atoi(groups[j]->dir + 1) % 100000;
            shared->twice += atomic_exchange(&shared->taken[number], true);
        }
        for (int j = 0; j < 3; j++) {
            unsigned number = (unsigned)atoi(groups[j]->dir + 1) % 100000;
            atomic_store(&shared->taken[number], false);
            cgroup_pool_put(shared->pool, groups[j], rand_r(&seed) % 20 == 0);
        }
    }
    return NULL;
}

static void eight_threads_never_share_a_group(void **state)
{
    static struct shared shared;
    pthread_t threads[8];

    (void)state;
    NEEDS("pids");
    assert_int_equal(cgroup_pool_new(root, 16, &shared.pool, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_put, &shared), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.twice, 0);
    assert_int_equal(shared.failed, 0);
    unsigned ready, out, made;
    cgroup_pool_counts(shared.pool, &ready, &out, &made);
    assert_int_equal(out, 0);
    cgroup_pool_free(shared.pool);
    assert_int_equal(directories(), 0);
}

/* Context switches of the pool's thread, by its name. */
static long switches(void)
{
    DIR *tasks = opendir("/proc/self/task");
    long found = -1;

    assert_non_null(tasks);
    for (struct dirent *entry; (entry = readdir(tasks));) {
        char path[300], text[4096] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *file = fopen(path, "re");
        if (!file)
            continue;
        size_t n = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[n] = '\0';
        if (!strstr(text, "Name:\tvireo-cgroup\n"))
            continue;
        found = strtol(strstr(text, "\nvoluntary_ctxt_switches:") + 25, NULL, 10) +
                strtol(strstr(text, "nonvoluntary_ctxt_switches:") + 27, NULL, 10);
    }
    closedir(tasks);
    return found;
}

static void pool_sleeps_when_idle(void **state)
{
    struct cgroup_pool *pool;
    struct cgroup *group;

    (void)state;
    NEEDS_ROOT();
    assert_int_equal(cgroup_pool_new(root, 8, &pool, NULL), 0);
    assert_int_equal(cgroup_pool_take(pool, &(struct cgroup_limits){0}, &group, NULL), 0);
    cgroup_pool_put(pool, group, true);
    spares_wait(pool, 4); /* it refills when fewer than half are left */
    sleep_ms(100);
    long before = switches();
    assert_true(before > 0);
    sleep_ms(700);
    assert_int_equal(switches(), before);

    /* Nor does a cycle that a spare serves wake it. */
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(cgroup_pool_take(pool, &(struct cgroup_limits){0}, &group, NULL), 0);
        cgroup_pool_put(pool, group, false);
    }
    assert_int_equal(switches(), before);
    cgroup_pool_free(pool);
}

static int open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void descriptors_of_counters_are_bounded_and_given_back(void **state)
{
    struct cgroup_pool *pool;
    struct cgroup *groups[32];

    (void)state;
    NEEDS_ROOT();
    int before = open_descriptors();
    uint32_t max = root->open_fds_max;
    root->open_fds_max = 10;
    assert_int_equal(cgroup_pool_new(root, 0, &pool, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        assert_int_equal(cgroup_pool_take(pool, &(struct cgroup_limits){0}, &groups[i], NULL), 0);
    int taken = open_descriptors();
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        cgroup_pool_put(pool, groups[i], false);
    assert_true(open_descriptors() <= taken + 10);
    cgroup_pool_free(pool);
    root->open_fds_max = max;
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(root->open_fds, 0);
}

static void a_group_from_the_background_comes_back_in_the_foreground(void **state)
{
    static const struct cgroup_limits limits = {.pids = 4};
    struct cgroup_pool *pool;
    struct cgroup *group, *again;
    char text[8], path[64];

    (void)state;
    NEEDS("background");
    assert_int_equal(cgroup_pool_new(root, 0, &pool, NULL), 0);
    assert_int_equal(cgroup_pool_take(pool, &limits, &group, NULL), 0);
    snprintf(path, sizeof path, "%s/cpu.idle", group->dir);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cgroup_set_background(group, i != 1), 0);
        assert_int_equal(read_text(root->background_tree->fd, path, text, sizeof text), 0);
        assert_string_equal(text, i != 1 ? "1\n" : "0\n");
    }
    cgroup_pool_put(pool, group, false);
    assert_int_equal(cgroup_pool_take(pool, &limits, &again, NULL), 0);
    assert_ptr_equal(again, group);
    assert_int_equal(read_text(root->background_tree->fd, path, text, sizeof text), 0);
    assert_string_equal(text, "0\n");
    cgroup_pool_put(pool, again, false);
    cgroup_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_returns_each_group_once),
        cmocka_unit_test(groups_go_back_to_the_same_limits),
        cmocka_unit_test(burnt_groups_are_killed_and_removed),
        cmocka_unit_test(a_group_that_is_not_empty_is_not_reused),
        cmocka_unit_test(memory_left_behind_is_given_back),
        cmocka_unit_test(surplus_groups_are_removed),
        cmocka_unit_test(eight_threads_never_share_a_group),
        cmocka_unit_test(a_group_from_the_background_comes_back_in_the_foreground),
        cmocka_unit_test(pool_sleeps_when_idle),
        cmocka_unit_test(descriptors_of_counters_are_bounded_and_given_back),
    };
    return cmocka_run_group_tests(tests, root_setup, root_teardown);
}
