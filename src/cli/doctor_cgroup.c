/* Probes: control groups, as the pool itself would use them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cli/doctor.h"

DEFINE_CLEANUP(struct cgroup_root, cgroup_root_close)
DEFINE_CLEANUP(struct cgroup_pool, cgroup_pool_free)

static const struct {
    const char *what, *part, *with, *without;
} controls[] = {
    {"memory", "memory limit", "of each instance", "WebAssembly's own memory limit remains"},
    {"cpu", "CPU limit", "of each instance", "cpus: in vireo.yaml is refused"},
    {"pids", "process limit", "of each instance", "RLIMIT_NPROC of the function's uid remains"},
    {"io", "disk limit", "bytes and operations a second", "io: in vireo.yaml is refused"},
    {"kill", "killing a group", "all processes at once",
     "the pid namespace's init is killed instead"},
    {"background", "long calls", "give way to short ones",
     "they share the CPU with short ones as equals"},
    {"freeze", "freezing a group", "all processes at once", "nothing needs it"},
};

/* A child born in `group` by its v2 directory, or that enters by v1 `tasks`, and ends at once. */
static int enter(const struct cgroup *group, bool *ret_by_clone, int *ret_tasks)
{
    int tasks[CGROUP_TREES_MAX];
    int clone_fd = -1;
    int status;

    int count = cgroup_entry_fds(group, &clone_fd, tasks);
    struct clone_args args = {.exit_signal = SIGCHLD};
    if (clone_fd >= 0) {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)clone_fd;
    }
    long child = syscall(SYS_clone3, &args, sizeof args);
    if (child < 0)
        return -errno;
    if (child == 0) {
        for (int i = 0; i < count; i++)
            if (write(tasks[i], "0", 1) != 1)
                _exit(errno & 0xff);
        _exit(0);
    }
    if (waitpid((pid_t)child, &status, 0) < 0)
        return -errno;
    *ret_by_clone = clone_fd >= 0;
    *ret_tasks = count;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPROTO;
}

static void entry_line(struct doctor *doctor, struct cgroup_root *root)
{
    _cleanup_(cgroup_pool_freep) struct cgroup_pool *pool = NULL;
    struct cgroup_limits limits = {0};
    struct cgroup *group;
    struct err err = {0};
    bool by_clone = false;
    char mechanism[64];
    int trees = 0;

    int r = cgroup_pool_new(root, 1, &pool, &err);
    if (r == 0)
        r = cgroup_pool_take(pool, &limits, &group, &err);
    if (r == 0) {
        r = enter(group, &by_clone, &trees);
        cgroup_pool_put(pool, group, false);
        if (r < 0)
            err_set(&err, r, "cannot enter a group");
    }
    if (r == 0 && trees > 0)
        snprintf(mechanism, sizeof mechanism, "%stasks of %d v1 trees",
                 by_clone ? "CLONE_INTO_CGROUP, " : "", trees);
    else
        snprintf(mechanism, sizeof mechanism, "CLONE_INTO_CGROUP");
    if (r == 0)
        doctor_line(doctor, by_clone ? DOCTOR_OK : DOCTOR_FALLBACK, "entering a group", mechanism,
                    "without the 10 ms that cgroup.procs waits");
    else
        doctor_line(doctor, DOCTOR_MISSING, "entering a group", "none", "%s", err.message);
}

void doctor_cgroups(struct doctor *doctor)
{
    _cleanup_(cgroup_root_closep) struct cgroup_root *root = NULL;
    struct err err = {0};
    char name[64];

    /* A root of our own name, so that a running daemon's groups are left alone. */
    snprintf(name, sizeof name, "vireo-doctor-%d", (int)getpid());
    if (cgroup_root_open(name, &root, &err) < 0) {
        doctor_line(doctor, DOCTOR_MISSING, "control groups", "none", "%s%s", err.message,
                    geteuid() == 0 ? ""
                                   : "; an ordinary user needs a delegated group "
                                     "(systemd-run --user --scope -p Delegate=yes)");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
        const char *found = cgroup_root_has(root, controls[i].what);
        if (found)
            doctor_line(doctor, DOCTOR_OK, controls[i].part, found, "%s", controls[i].with);
        else
            doctor_line(doctor, DOCTOR_MISSING, controls[i].part, "none", "no tree has it: %s",
                        controls[i].without);
    }
    entry_line(doctor, root);
}
