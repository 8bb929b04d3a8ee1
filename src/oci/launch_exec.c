/* oci_launch_exec(): a further process in a running container. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/config_reader.h"
#include "oci/launch_internal.h"
#include "oci/broker.h"
#include "oci/vkernel.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const struct {
    const char *name;
    int flag;
} kinds[] = {
    {"user", CLONE_NEWUSER},     {"pid", CLONE_NEWPID},   {"mnt", CLONE_NEWNS},
    {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS},
    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

/* Those of the container's namespaces that are not ours: what there is, not what was once asked. */
static int find_namespaces(struct plan *plan, pid_t pid, struct err *err)
{
    struct stat theirs, ours;
    char path[64];

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kinds[i].name);
        if (stat(path, &theirs) < 0) {
            if (errno == ENOENT && kinds[i].flag == CLONE_NEWTIME)
                continue;
            return err_set(err, -errno, "cannot look at the container's namespaces");
        }
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i].name);
        if (stat(path, &ours) < 0 || theirs.st_ino != ours.st_ino)
            plan->out->target_flags |= (uint64_t)(unsigned)kinds[i].flag;
    }
    return 0;
}

static int open_groups(struct launch *launch, const struct oci_exec *exec, struct err *err)
{
    struct oci_place place = *exec->place;

    if (!place.cgroup_path[0])
        return exec->sub_cgroup
                   ? err_say(err, -ENOENT,
                             "cannot use control group '%s': the container has no control groups",
                             exec->sub_cgroup)
                   : 0;
    if (exec->sub_cgroup) {
        size_t used = strlen(place.cgroup_path);
        int n = snprintf(place.cgroup_path + used, sizeof place.cgroup_path - used, "/%s",
                         exec->sub_cgroup);
        if (n < 0 || (size_t)n >= sizeof place.cgroup_path - used)
            return err_set(err, -ENAMETOOLONG, "cannot use control group '%s'", exec->sub_cgroup);
    }
    return groups_open(&place, &launch->groups, err);
}

/* The state and its descriptor for the seccomp agent, when the pid is known. */
struct exec_ready {
    struct launch *launch;
    const struct oci_exec *exec;
};

static int namespaces_joined(void *data, struct err *err)
{
    const struct exec_ready *ready = data;
    struct launch *launch = ready->launch;

    if (launch->plan.out->process.listener_fd < 0 || launch->plan.out->process.listener_text)
        return 0;
    return launch_listener_text(launch, ready->exec->config->linux_.seccomp,
                                ready->exec->state_text, ready->exec->data, "running", err);
}

static int make_plan(struct launch *launch, const struct oci_exec *exec, struct err *err)
{
    const struct oci_config *config = exec->config;
    struct plan *plan = &launch->plan;

    int r = plan_open(plan, exec->options.preserve_fds + exec->options.listen_fds, err);
    if (r < 0)
        return r;
    struct init_plan *out = plan->out;
    out->start_fd = out->target_fd = -1;
    out->process.set_groups = plan_set_groups();
    int target = launch_pidfd(exec->place, err);
    if (target < 0)
        return target;
    out->target_fd = plan_fd(plan, target);
    r = find_namespaces(plan, exec->place->pid, err);
    if (r < 0)
        return r;
    /* A mount namespace has its root; ours has another one. */
    if (!plan_own_mounts(config))
        out->root = plan_text(plan, exec->rootfs);
    /* A pid namespace is entered by birth. */
    out->split = (out->target_flags & CLONE_NEWPID) != 0;
    out->become_first = (out->target_flags & CLONE_NEWUSER) != 0;
    r = plan_process(plan, exec->process, config, &exec->options, exec->id, err);
    out->sync = out->process.listener_fd >= 0 && !out->process.listener_text;
    return r;
}

/* "0-3,8", which the configuration's reader has checked. */
static int set_affinity(pid_t pid, const char *list, struct err *err)
{
    cpu_set_t set;

    if (!list)
        return 0;
    CPU_ZERO(&set);
    if (!cpu_list_bits(list, set.__bits, CPU_SETSIZE))
        return err_say(err, -EINVAL, "cannot set execCPUAffinity to '%s': there is no such CPU",
                       list);
    if (sched_setaffinity(pid, sizeof set, &set) < 0)
        return err_set(err, -errno, "cannot set execCPUAffinity to '%s'", list);
    return 0;
}

static int exec_all(struct launch *launch, const struct oci_exec *exec, int *ret_terminal,
                    struct err *err)
{
    struct exec_ready ready = {launch, exec};

    if (!exec->process->args.count)
        return err_say(err, -EINVAL, "cannot execute: process.args is empty");
    if (exec->process->terminal && !exec->options.console_socket && !ret_terminal)
        return err_say(err, -EINVAL,
                       "cannot execute: a terminal of what is detached needs --console-socket");
    launch->scoped = exec->place->scope[0] != '\0';
    int r = open_groups(launch, exec, err);
    if (r == 0)
        r = make_plan(launch, exec, err);
    if (r < 0)
        return r;
    /* The child inherits it, and takes it along into the container's groups. */
    r = set_affinity(0, exec->process->exec_affinity_initial, err);
    if (r == 0)
        r = launch_clone(launch, exec->config, 0, err);
    if (r == 0)
        r = launch_follow(launch, exec->config, INIT_READY, namespaces_joined, &ready, ret_terminal,
                          err);
    if (r == 0)
        r = launch_adjust(launch->pid, exec->process, true, err);
    if (r == 0)
        r = set_affinity(launch->pid, exec->process->exec_affinity_final, err);
    if (r == 0)
        r = oci_vkernel_adjust_now(launch->pid, exec->options.vkernel_fd, err);
    if (r == 0 && launch->plan.broker_fd >= 0)
        r = oci_broker_start(launch->plan.broker_fd, exec->place, exec->options.vkernel_fd, NULL,
                             &launch->broker, err);
    return r == 0 ? launch_release(launch->control, err) : r;
}

int oci_launch_exec(const struct oci_exec *exec, pid_t *ret_pid, int *ret_terminal, struct err *err)
{
    struct launch launch;
    int terminal = -1;

    launch_open(&launch);
    int r = exec_all(&launch, exec, ret_terminal ? &terminal : NULL, err);
    if (r == 0)
        *ret_pid = launch.pid;
    launch_close(&launch, r == 0);
    if (r < 0 && terminal >= 0)
        close(terminal);
    else if (ret_terminal)
        *ret_terminal = terminal;
    return r;
}
