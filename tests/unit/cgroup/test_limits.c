/* Limits are written, and they hold. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "real.h"

static struct cgroup_pool *pool;

static int pool_setup(void **state)
{
    root_setup(state);
    return root ? cgroup_pool_new(root, 2, &pool, NULL) : 0;
}

static int pool_teardown(void **state)
{
    cgroup_pool_free(pool);
    return root_teardown(state);
}

static struct cgroup *take(const struct cgroup_limits *limits)
{
    struct cgroup *group = NULL;
    struct err err = {0};

    if (cgroup_pool_take(pool, limits, &group, &err) < 0)
        fail_msg("%s", err.message);
    return group;
}

/* Writes `bytes` of memory, inside the group; the status of the child. */
static int hog_memory(struct cgroup *group, size_t bytes)
{
    pid_t pid = fork_into(group);

    if (pid == 0) {
        char *memory =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            _exit(2);
        for (size_t i = 0; i < bytes; i += 4096)
            ((volatile char *)memory)[i] = 1;
        _exit(0);
    }
    return reap(pid);
}

static void a_memory_hog_is_killed_and_counted(void **state)
{
    struct cgroup_events events = {7, 7};

    (void)state;
    NEEDS("memory");
    struct cgroup *group = take(&(struct cgroup_limits){.memory_bytes = 8 << 20});
    assert_int_equal(hog_memory(group, 2 << 20), 0);
    assert_int_equal(cgroup_read_events(group, &events), 0);
    assert_int_equal(events.oom_kills, 0);

    int status = hog_memory(group, 64 << 20);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(cgroup_read_events(group, &events), 0);
    assert_int_equal(events.oom_kills, 1);
    assert_int_equal(events.pids_denied, 0);

    struct cgroup_usage usage;
    assert_int_equal(cgroup_read_usage(group, &usage), 0);
    assert_in_range(usage.memory_peak_bytes, 7 << 20, 8 << 20);
    assert_in_range(usage.memory_bytes, 0, 2 << 20);
    cgroup_pool_put(pool, group, false);
}

static void a_tenant_does_not_inherit_counters(void **state)
{
    struct cgroup_limits limits = {.memory_bytes = 8 << 20, .pids = 3};
    struct cgroup_events events = {7, 7};
    struct cgroup_usage usage;

    (void)state;
    NEEDS("memory");
    struct cgroup *group = take(&limits);
    assert_true(WIFSIGNALED(hog_memory(group, 64 << 20)));
    char dir[sizeof group->dir];
    strcpy(dir, group->dir);
    cgroup_pool_put(pool, group, false);
    /* It comes back once it is clean: it has the limits that are asked for. */
    for (int tries = 0; tries < 200; tries++) {
        group = take(&limits);
        if (strcmp(group->dir, dir) == 0)
            break;
        cgroup_pool_put(pool, group, true);
        group = NULL;
        sleep_ms(5);
    }
    assert_non_null(group);
    assert_int_equal(cgroup_read_events(group, &events), 0);
    assert_int_equal(events.oom_kills, 0);
    assert_int_equal(cgroup_read_usage(group, &usage), 0);
    assert_in_range(usage.memory_peak_bytes, 0, 1 << 20);
    assert_in_range(usage.cpu_us, 0, 1000);
    /* And the limit is the whole limit again. */
    assert_int_equal(hog_memory(group, 6 << 20), 0);
    cgroup_pool_put(pool, group, false);
}

static void the_pids_limit_denies_forks_and_counts_them(void **state)
{
    struct cgroup_events events = {7, 7};

    (void)state;
    NEEDS("pids");
    struct cgroup *group = take(&(struct cgroup_limits){.pids = 2});
    pid_t pid = fork_into(group);
    if (pid == 0) {
        pid_t first = (pid_t)syscall(SYS_fork);
        if (first == 0)
            for (;;)
                pause();
        pid_t second = (pid_t)syscall(SYS_fork);
        int code = first > 0 && second < 0 && errno == EAGAIN ? 0 : 1;
        kill(first, SIGKILL);
        waitpid(first, NULL, 0);
        _exit(code);
    }
    assert_int_equal(reap(pid), 0);
    assert_int_equal(cgroup_read_events(group, &events), 0);
    assert_int_equal(events.pids_denied, 1);
    assert_int_equal(events.oom_kills, 0);
    cgroup_pool_put(pool, group, false);
}

static void the_cpu_quota_slows_a_loop_down(void **state)
{
    (void)state;
    NEEDS("cpu");
    struct cgroup *group = take(&(struct cgroup_limits){.cpu_millis = 100});
    pid_t pid = fork_into(group);
    if (pid == 0)
        for (;;)
            ;
    sleep_ms(1000);
    struct cgroup_usage usage;
    assert_int_equal(cgroup_read_usage(group, &usage), 0);
    assert_int_equal(usage.pids, 1);
    kill(pid, SIGKILL);
    int status;
    struct rusage spent;
    assert_int_equal(wait4(pid, &status, 0, &spent), pid);
    /* A tenth of a second was allowed; it would have had one. */
    assert_in_range(spent.ru_utime.tv_sec * 1000000 + spent.ru_utime.tv_usec, 0, 300000);
    cgroup_pool_put(pool, group, false);
}

/* Each value as it stands in the kernel's file, v2 or v1. */
static void expect_either(const struct cgroup *group, const char *what, const char *v2_file,
                          const char *v2_value, const char *v1_file, const char *v1_value)
{
    char text[128];
    bool unified = strncmp(cgroup_root_has(root, what), "v2", 2) == 0;

    file_read(group, what, unified ? v2_file : v1_file, text, sizeof text);
    assert_string_equal(text, unified ? v2_value : v1_value);
}

static void limits_are_really_written_and_taken_back(void **state)
{
    struct cgroup_limits limits = {.memory_bytes = 16 << 20, .cpu_millis = 250, .pids = 5};

    (void)state;
    NEEDS("memory");
    NEEDS("cpu");
    NEEDS("pids");
    struct cgroup *group = take(&limits);
    expect_either(group, "memory", "memory.max", "16777216", "memory.limit_in_bytes", "16777216");
    expect_either(group, "cpu", "cpu.max", "25000 100000", "cpu.cfs_quota_us", "25000");
    expect_either(group, "pids", "pids.max", "5", "pids.max", "5");

    /* Less, more, a hundredth of a CPU's tenth, none: on the same group. */
    limits = (struct cgroup_limits){.memory_bytes = 4 << 20, .cpu_millis = 5, .pids = 1};
    assert_int_equal(cgroup_limits_apply(group, &limits, NULL), 0);
    expect_either(group, "memory", "memory.max", "4194304", "memory.limit_in_bytes", "4194304");
    expect_either(group, "cpu", "cpu.max", "5000 1000000", "cpu.cfs_quota_us", "5000");
    expect_either(group, "cpu", "cpu.max", "5000 1000000", "cpu.cfs_period_us", "1000000");

    limits = (struct cgroup_limits){.memory_bytes = 1 << 30, .cpu_millis = 4000};
    assert_int_equal(cgroup_limits_apply(group, &limits, NULL), 0);
    expect_either(group, "memory", "memory.max", "1073741824", "memory.limit_in_bytes",
                  "1073741824");
    expect_either(group, "cpu", "cpu.max", "400000 100000", "cpu.cfs_quota_us", "400000");
    expect_either(group, "pids", "pids.max", "max", "pids.max", "max");

    limits = (struct cgroup_limits){0};
    assert_int_equal(cgroup_limits_apply(group, &limits, NULL), 0);
    expect_either(group, "cpu", "cpu.max", "max 100000", "cpu.cfs_quota_us", "-1");
    expect_either(group, "memory", "memory.max", "max", "memory.limit_in_bytes",
                  "9223372036854771712");
    cgroup_pool_put(pool, group, false);
}

static void io_limits_reach_the_disk_that_holds_a_directory(void **state)
{
    struct stat status;
    char text[128], expected[128], disk[32];

    (void)state;
    NEEDS("io");
    assert_int_equal(stat("/var/tmp", &status), 0);
    struct err err = {0};
    if (cgroup_disk_text(status.st_dev, disk, sizeof disk, &err) < 0) {
        print_message("skipped: %s\n", err.message);
        skip();
    }
    struct cgroup *none = take(&(struct cgroup_limits){0});
    struct cgroup_limits limits = {.io_bytes_per_second = 1 << 20,
                                   .io_operations_per_second = 100,
                                   .io_device = status.st_dev};
    struct cgroup *group = take(&limits);
    int clone_fd, tasks[CGROUP_TREES_MAX];
    int with_io = cgroup_entry_fds(group, &clone_fd, tasks);
    int without_io = cgroup_entry_fds(none, &clone_fd, tasks);

    if (strncmp(cgroup_root_has(root, "io"), "v2", 2) == 0) {
        snprintf(expected, sizeof expected, "%s rbps=1048576 wbps=1048576 riops=100 wiops=100",
                 disk);
        file_read(group, "io", "io.max", text, sizeof text);
        assert_string_equal(text, expected);
        assert_int_equal(with_io, without_io);
    } else {
        /* The tree is made for those that need it, and only they enter it. */
        assert_null(cgroup_path(none, "io"));
        assert_int_equal(with_io, without_io + 1);
        snprintf(expected, sizeof expected, "%s 1048576", disk);
        file_read(group, "io", "blkio.throttle.write_bps_device", text, sizeof text);
        assert_string_equal(text, expected);
        snprintf(expected, sizeof expected, "%s 100", disk);
        file_read(group, "io", "blkio.throttle.read_iops_device", text, sizeof text);
        assert_string_equal(text, expected);
        assert_int_equal(cgroup_limits_apply(group, &(struct cgroup_limits){0}, NULL), 0);
        file_read(group, "io", "blkio.throttle.write_bps_device", text, sizeof text);
        assert_string_equal(text, "");
        assert_int_equal(cgroup_entry_fds(group, &clone_fd, tasks), without_io);
    }
    cgroup_pool_put(pool, group, false);
    cgroup_pool_put(pool, none, false);
}

/* Writes a megabyte past the page cache's reach; how long it took in milliseconds. */
static long write_through(struct cgroup *group, const char *path)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    pid_t pid = fork_into(group);
    if (pid == 0) {
        static char block[1 << 16] __attribute__((aligned(4096)));
        int fd = open(path, O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
        for (int i = 0; fd >= 0 && i < 16; i++)
            if (write(fd, block, sizeof block) != sizeof block)
                _exit(1);
        _exit(fd < 0);
    }
    assert_int_equal(reap(pid), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

static void io_limits_slow_writes_down(void **state)
{
    char path[64], disk[32];
    struct stat status;

    (void)state;
    NEEDS("io");
    snprintf(path, sizeof path, "/var/tmp/vireo-io-%d", getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
    bool direct = fd >= 0 && fstat(fd, &status) == 0;
    if (fd >= 0)
        close(fd);
    struct err err = {0};
    if (!direct || cgroup_disk_text(status.st_dev, disk, sizeof disk, &err) < 0) {
        unlink(path);
        print_message("skipped: /var/tmp is on no disk that can be limited\n");
        skip();
    }
    struct cgroup *group =
        take(&(struct cgroup_limits){.io_bytes_per_second = 1 << 20, .io_device = status.st_dev});
    long spent_ms = write_through(group, path);
    unlink(path);
    cgroup_pool_put(pool, group, false);
    /* A megabyte at a megabyte a second. */
    assert_in_range(spent_ms, 600, 5000);
}

static void what_nothing_can_hold_is_refused_or_clipped(void **state)
{
    const char *missing[4];
    struct cgroup *group = NULL;
    struct err err = {0};

    (void)state;
    NEEDS_ROOT();
    /* As on a machine whose trees have neither. */
    struct cgroup_root lesser = *root;
    lesser.controller[CGROUP_MEMORY] = lesser.controller[CGROUP_IO] = NULL;
    struct cgroup_limits limits = {
        .memory_bytes = 1 << 20, .pids = 3, .io_operations_per_second = 1};
    assert_int_equal(cgroup_limits_clip(&lesser, &limits, missing), 2);
    assert_string_equal(missing[0], "memory");
    assert_string_equal(missing[1], "io");
    assert_int_equal(limits.memory_bytes, 0);
    assert_int_equal(limits.pids, 3);
    assert_int_equal(cgroup_limits_clip(&lesser, &limits, missing), 0);

    const struct cgroup_controller *memory = root->controller[CGROUP_MEMORY];
    root->controller[CGROUP_MEMORY] = NULL;
    int r = cgroup_pool_take(pool, &(struct cgroup_limits){.memory_bytes = 1 << 20}, &group, &err);
    root->controller[CGROUP_MEMORY] = memory;
    assert_int_equal(r, -ENOTSUP);
    assert_null(group);
    assert_non_null(strstr(err.message, "cannot limit memory"));

    /* Memory has no disk. */
    memset(&err, 0, sizeof err);
    r = cgroup_pool_take(
        pool,
        &(struct cgroup_limits){.io_operations_per_second = 5, .io_device = makedev(0, 0xfffff)},
        &group, &err);
    assert_true(r == -ENODEV || r == -ENOTSUP);
    assert_null(group);
    unsigned ready, out, made;
    cgroup_pool_counts(pool, &ready, &out, &made);
    assert_int_equal(out, 0);
}

static void kernel_refusals_name_the_limit(void **state)
{
    struct cgroup *group = NULL;
    struct err err = {0};

    (void)state;
    NEEDS("pids");
    int r = cgroup_pool_take(pool, &(struct cgroup_limits){.pids = UINT32_MAX}, &group, &err);
    assert_int_equal(r, -EINVAL);
    assert_null(group);
    assert_non_null(strstr(err.message, "cannot set limit 'pids.max' to '4294967295'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_memory_hog_is_killed_and_counted),
        cmocka_unit_test(a_tenant_does_not_inherit_counters),
        cmocka_unit_test(the_pids_limit_denies_forks_and_counts_them),
        cmocka_unit_test(the_cpu_quota_slows_a_loop_down),
        cmocka_unit_test(limits_are_really_written_and_taken_back),
        cmocka_unit_test(io_limits_reach_the_disk_that_holds_a_directory),
        cmocka_unit_test(io_limits_slow_writes_down),
        cmocka_unit_test(what_nothing_can_hold_is_refused_or_clipped),
        cmocka_unit_test(kernel_refusals_name_the_limit),
    };
    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
