/* Helpers of the tests that use the kernel's own control groups, below a name of this process. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "cgroup/internal.h"

static struct cgroup_root *root __attribute__((unused));
static char root_name[64] __attribute__((unused));

static inline int root_setup(void **state)
{
    struct err err = {0};

    (void)state;
    snprintf(root_name, sizeof root_name, "vireo-test-%d", getpid());
    if (geteuid() == 0 && cgroup_root_open(root_name, &root, &err) < 0)
        print_message("no control groups here: %s\n", err.message);
    return 0;
}

static inline int root_teardown(void **state)
{
    (void)state;
    cgroup_root_close(root);
    root = NULL;
    return 0;
}

#define NEEDS_ROOT()                                                  \
    do {                                                              \
        if (!root) {                                                  \
            print_message("skipped: needs root and a cgroup tree\n"); \
            skip();                                                   \
        }                                                             \
    } while (0)

#define NEEDS(what)                                                  \
    do {                                                             \
        NEEDS_ROOT();                                                \
        if (!cgroup_root_has(root, what)) {                          \
            print_message("skipped: no tree here has '%s'\n", what); \
            skip();                                                  \
        }                                                            \
    } while (0)

static inline void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* A child that is inside `group` from its first instruction on: as a template forks one. */
static inline pid_t fork_into(const struct cgroup *group)
{
    int clone_fd, tasks[CGROUP_TREES_MAX];
    int count = cgroup_entry_fds(group, &clone_fd, tasks);
    struct clone_args args = {.exit_signal = SIGCHLD};

    if (clone_fd >= 0) {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)clone_fd;
    }
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid != 0)
        return pid;
    for (int i = 0; i < count; i++)
        if (write(tasks[i], "0", 1) != 1)
            _exit(99);
    return 0;
}

static inline int reap(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* A control file of the group, in the tree that serves `what`, without the newline. */
static inline void file_read(const struct cgroup *group, const char *what, const char *file,
                             char *text, size_t size)
{
    char path[1024];

    assert_non_null(cgroup_path(group, what));
    snprintf(path, sizeof path, "%s/%s", cgroup_path(group, what), file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, size - 1);
    assert_true(n >= 0);
    close(fd);
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
}
