/* The namespaces: those that exist are joined, the rest were made by the clone or are made here. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oci/init/init.h"

static int join(struct init *init)
{
    const struct init_plan *plan = init->plan;

    if (plan->target_fd >= 0) {
        if (setns(plan->target_fd, (int)plan->target_flags) < 0)
            return err_set(&init->err, -errno, "cannot join the container's namespaces");
        close(plan->target_fd);
    }
    for (size_t i = 0; i < plan->join_count; i++) {
        if (setns(plan->joins[i].fd, plan->joins[i].flag) < 0)
            return err_at(&init->err, err_set(&init->err, -errno, "cannot join a namespace"),
                          "linux.namespaces[%zu].path", plan->joins[i].number);
        close(plan->joins[i].fd);
    }
    return 0;
}

/* A namespace whose maker had no right to groups says so; host's procfs is still there to ask. */
static bool groups_denied(void)
{
    char text[16] = "";

    _cleanup_(closep) int fd = proc_open("self/setgroups", O_RDONLY);
    return fd >= 0 && read(fd, text, sizeof text - 1) > 0 && strncmp(text, "deny", 4) == 0;
}

/* Root of the user namespace that was joined or made, with nothing kept of who we were. */
static int become_first(struct init *init)
{
    const struct init_plan *plan = init->plan;

    if (plan->process.set_groups && syscall(SYS_setgroups, 0, NULL) < 0) {
        int r = -errno;
        init->no_groups = groups_denied();
        if (!init->no_groups)
            return err_set(&init->err, r, "cannot drop the caller's groups");
    }
    if (syscall(SYS_setresgid, plan->first_gid, plan->first_gid, plan->first_gid) < 0 ||
        syscall(SYS_setresuid, plan->first_uid, plan->first_uid, plan->first_uid) < 0)
        return err_set(&init->err, -errno, "cannot become user %u of the user namespace",
                       plan->first_uid);
    /* The kernel made us dumpable or not by these ids. */
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

/*
 * The container's first process is another one when it must be born in a pid or user namespace
 * that was joined. It is our sibling, so that the runtime is its parent; we are done then.
 */
static int clone_first(struct init *init)
{
    struct clone_args args = {.flags = init->plan->clone_flags | CLONE_PARENT};

    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0)
        return err_set(&init->err, -errno, "cannot make the container's namespaces");
    if (pid > 0) {
        int r = init_tell(init, INIT_CHILD, pid, -1);
        _exit(r < 0);
    }
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

/* Of procfs, and nothing that a mount namespace joined before has in its place. */
static int write_offsets(const char *text)
{
    _cleanup_(closep) int fd = proc_open("self/timens_offsets", O_WRONLY);

    return fd < 0 ? fd : fd_write_full(fd, text, strlen(text));
}

/* A time namespace takes its offsets before the first process is in it. */
static int enter_time(struct init *init)
{
    int r = init->plan->time_offsets ? write_offsets(init->plan->time_offsets) : 0;

    if (r < 0)
        return err_at(&init->err,
                      err_set(&init->err, r, "cannot set the offsets of the time namespace"),
                      "linux.timeOffsets");
    _cleanup_(closep) int all = proc_open("self/ns", O_PATH | O_DIRECTORY);
    _cleanup_(closep) int fd =
        all < 0 ? -1 : openat(all, "time_for_children", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
        return err_set(&init->err, all < 0 ? all : -errno, "cannot enter the time namespace");
    return 0;
}

int init_namespaces(struct init *init)
{
    const struct init_plan *plan = init->plan;
    int r = join(init);

    if (r == 0 && plan->split)
        r = clone_first(init);
    if (r == 0 && plan->sync) {
        r = init_tell(init, INIT_NAMESPACES, 0, -1);
        if (r == 0)
            r = init_await_go(plan->control_fd, NULL, NULL);
        if (r < 0)
            return err_set(&init->err, r, "cannot go on: the runtime is gone");
    }
    if (r == 0 && plan->become_first)
        r = become_first(init);
    if (r == 0 && plan->unshare_flags && unshare((int)plan->unshare_flags) < 0)
        r = err_set(&init->err, -errno, "cannot make the container's namespaces");
    if (r == 0 && (plan->unshare_flags & CLONE_NEWTIME))
        r = enter_time(init);
    return r;
}
