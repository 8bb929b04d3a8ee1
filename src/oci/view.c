/* The view's process is started, and what of the host it stands for is denied. */
#include "oci/view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cgroup/place.h"
#include "cgroup/sysctl_filter.h"
#include "oci/apart.h"
#include "oci/groups.h"
#include "oci/init/mount_calls.h"
#include "oci/plan.h"
#include "oci/user_namespace.h"
#include "vkernel/overcommit.h"
#include "vkernel/params.h"
#include "vkernel/scheduling.h"
#include "vkernel/view_protocol.h"
#include "vkernel/vkernel.h"

/* Above the places that the process gets its descriptors at. */
#define HIGH_FD 32

void oci_view_close(struct oci_view *view)
{
    int fds[] = {view->fuse, view->mount, view->control};

    /* Without these it serves or ends. Of a create that failed it may still be making its files,
     * in the directory that is removed next. */
    fd_close_all(fds, ARRAY_LEN(fds));
    oci_view_await(view, NULL);
    closep(&view->words);
    process_apart_end(&view->between);
    *view = OCI_VIEW_NONE;
}

/* ---- the file system ---- */

static int set_option(int context, const char *key, const char *value)
{
    return call_fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
}

/* CAP_SYS_ADMIN. Anybody in the container may look; who may what are the files' modes. */
static int make_mount(int fuse)
{
    char number[16];

    _cleanup_(closep) int context = call_fsopen("fuse", FSOPEN_CLOEXEC);
    if (context < 0)
        return context;
    snprintf(number, sizeof number, "%d", fuse);
    if (set_option(context, "source", "vkernel") < 0 || set_option(context, "fd", number) < 0 ||
        set_option(context, "rootmode", "40000") < 0 || set_option(context, "user_id", "0") < 0 ||
        set_option(context, "group_id", "0") < 0 || set_option(context, "allow_other", NULL) < 0 ||
        set_option(context, "default_permissions", NULL) < 0 ||
        call_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    return call_fsmount(context, FSMOUNT_CLOEXEC,
                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/* ---- the process ---- */

/* What the new process has of the caller, until it is another program. */
struct view_process {
    const char *path;
    char *const *words;
    int state_fd, control, error_fd;
    bool log, overcommit;
};

static uint32_t owner(const struct oci_mappings *mappings, const struct oci_config *config)
{
    return oci_config_namespace(config, CLONE_NEWUSER) ? user_namespace_outside(mappings, 0) : 0;
}

static int listen_for_brokers(int state_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" VIEW_SOCKET, state_fd);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0)
        return -errno;
    return steal_fd(&fd);
}

static int program_path(char path[static PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof VIEW_PROGRAM - 1);

    if (length > 0) {
        path[length] = '\0';
        strcpy(strrchr(path, '/') + 1, VIEW_PROGRAM);
        if (access(path, X_OK) == 0)
            return 0;
    }
    snprintf(path, PATH_MAX, "%s/%s", VIREO_LIBEXECDIR, VIEW_PROGRAM);
    return access(path, X_OK) < 0 ? -errno : 0;
}

static int open_log(int state_fd, const char *name)
{
    int fd = openat(state_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    return fd < 0 ? -errno : fd;
}

/* Nobody else has this one for longer than a look. */
static int lock_overcommit(int state_fd)
{
    _cleanup_(closep) int fd =
        openat(state_fd, VIEW_OVERCOMMIT, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = fd < 0 ? -errno : fd_lock(fd, 1);

    return r < 0 ? r : steal_fd(&fd);
}

_Noreturn static void give_up(const struct view_process *process, int r, const char *what)
{
    dprintf(process->error_fd, "cannot %s: %s", what, strerror(-r));
    _exit(1);
}

/* The file system, and the files that its process is given: none of it is waited for. */
static void make_files(const struct view_process *process, int fds[static VIEW_FD_END])
{
    int both[2] = {open("/dev/fuse", O_RDWR | O_CLOEXEC), -1};

    both[1] = both[0] < 0 ? -errno : make_mount(both[0]);
    int r = both[1] < 0 ? both[1] : fd_send(process->control, "", 1, both, ARRAY_LEN(both));
    if (r < 0)
        give_up(process, r, "make the file system of the virtual kernel");
    closep(&both[1]); /* it is mounted where the container has it, or nowhere */
    fds[VIEW_FD_FUSE] = both[0];
    fds[VIEW_FD_BROKER] = process->control;
    if (process->overcommit) {
        fds[VIEW_FD_OVERCOMMIT] = lock_overcommit(process->state_fd);
        if (fds[VIEW_FD_OVERCOMMIT] < 0)
            give_up(process, fds[VIEW_FD_OVERCOMMIT], "lock '" VIEW_OVERCOMMIT "'");
    }
    if (!process->log)
        return;
    fds[VIEW_FD_LISTEN] = listen_for_brokers(process->state_fd);
    fds[VIEW_FD_LOG] = open_log(process->state_fd, VIEW_LOG_FIRST);
    fds[VIEW_FD_LOG_SECOND] = open_log(process->state_fd, VIEW_LOG_SECOND);
    for (int i = VIEW_FD_LISTEN; i <= VIEW_FD_LOG_SECOND; i++)
        if (i != VIEW_FD_GROUP && fds[i] < 0)
            give_up(process, fds[i], "make the files of '" VIEW_PROGRAM "'");
}

/* Each at its place, by way of a place that is nobody's. */
static void place_files(const struct view_process *process, int null, const int *fds)
{
    int high[VIEW_FD_END];

    for (int i = VIEW_FD_FUSE; i < VIEW_FD_END; i++) {
        high[i] = fcntl(fds[i] < 0 ? null : fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
        if (high[i] < 0)
            give_up(process, -errno, "start '" VIEW_PROGRAM "'");
    }
    int error_fd = fcntl(process->error_fd, F_DUPFD_CLOEXEC, HIGH_FD);
    if (error_fd < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(error_fd, 2) < 0)
        _exit(1);
    for (int i = VIEW_FD_FUSE; i < VIEW_FD_END; i++)
        if (dup2(high[i], i) < 0)
            _exit(1);
    syscall(SYS_close_range, VIEW_FD_END, ~0u, 0);
}

/* Of the caller it keeps nothing but these descriptors, at their places. */
static void begin(void *data)
{
    const struct view_process *process = data;
    char *const environment[] = {NULL};
    int fds[VIEW_FD_END];

    for (int i = 0; i < VIEW_FD_END; i++)
        fds[i] = -1;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    setsid();
    if (null < 0 || chdir("/") < 0)
        give_up(process, -errno, "start '" VIEW_PROGRAM "'");
    make_files(process, fds);
    place_files(process, null, fds);
    signal(SIGPIPE, SIG_IGN);
    execve(process->path, process->words, environment);
    dprintf(2, "cannot execute '%s': %s", process->path, strerror(errno));
    _exit(1);
}

static int start_process(struct oci_view *view, const struct oci_create *create, struct err *err)
{
    const struct oci_config *config = create->config;
    char path[PATH_MAX], uid[16], gid[16], log[16];
    int ends[2] = {-1, -1}, words_ends[2] = {-1, -1};

    snprintf(uid, sizeof uid, "%u", owner(&config->linux_.uid_mappings, config));
    snprintf(gid, sizeof gid, "%u", owner(&config->linux_.gid_mappings, config));
    snprintf(log, sizeof log, "%u", create->options.vkernel->log.kib << 10);
    const char *words[] = {
        VIEW_PROGRAM, "--id", create->id, "--uid", uid,
        "--gid",      gid,    "--log",    log,     view->overcommit ? "--overcommit" : NULL,
        NULL};
    int r = program_path(path);
    if (r < 0)
        return err_set(err, r, "cannot start '%s'", path);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ||
        pipe2(words_ends, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot start '%s'", path);
    view->control = ends[0];
    view->words = words_ends[0];
    _cleanup_(closep) int theirs = ends[1];
    _cleanup_(closep) int error_fd = words_ends[1];
    struct view_process process = {.path = path,
                                   .words = (char *const *)(uintptr_t)words,
                                   .state_fd = create->state_fd,
                                   .control = theirs,
                                   .error_fd = error_fd,
                                   .log = view->log,
                                   .overcommit = view->overcommit};
    r = process_apart(begin, &process, &view->between);
    return r < 0 ? err_set(err, r, "cannot start '%s'", path) : 0;
}

int oci_view_await(struct oci_view *view, struct err *err)
{
    char text[400];

    if (view->words < 0)
        return 0;
    /* It tells that it serves by closing the pipe. */
    ssize_t n = fd_read_full(view->words, text, sizeof text - 1);
    if (n == 0)
        n = process_apart_end(&view->between);
    if (n <= 0)
        return n < 0 ? err_set(err, (int)n, "cannot start '%s'", VIEW_PROGRAM) : 0;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return err_say(err, -EIO, "%s", text);
}

void oci_view_plan(struct oci_view *view, const struct oci_create *create, struct plan *plan)
{
    struct init_view *out = &plan->out->view;

    if (view->mount < 0)
        return;
    out->mount_fd = plan_fd(plan, fcntl(view->mount, F_DUPFD_CLOEXEC, 3));
    out->log = view->log;
    out->params = view->params != 0;
    out->granularity = view->params >> VIEW_GRANULARITY & 1;
    out->swappiness = view->params >> VIEW_SWAPPINESS & 1;
    out->overcommit = view->params >> VIEW_OVERCOMMIT_MEMORY & 1;
    out->pid_max = oci_view_own_pid_max(create->config);
}

/* Those that act here: the group's slice where the kernel has slices, v1's swappiness, overcommit.
 */
static unsigned params_of(struct cgroup_place *groups)
{
    const struct cgroup_place_tree *memory = cgroup_place_tree(groups, "memory", false);

    return 1u << VIEW_POLICY | (vk_sched_slices_work() ? 1u << VIEW_GRANULARITY : 0) |
           (memory && memory->fd >= 0 ? 1u << VIEW_SWAPPINESS : 0) |
           (overcommit_works() && groups_within_reach(groups, "overcommit", NULL) == 0
                ? 1u << VIEW_OVERCOMMIT_MEMORY | 1u << VIEW_OVERCOMMIT_RATIO
                : 0);
}

/*
 * What of the host's the container may not touch, through no mount of procfs: it writes none of
 * the listed ones, and where it has its own it does not read the host's.
 */
static int deny_host(const struct oci_view *view, const struct oci_config *config, int group_fd,
                     struct err *err)
{
    const bool swappiness = view->params >> VIEW_SWAPPINESS & 1;
    const bool overcommit = view->params >> VIEW_OVERCOMMIT_MEMORY & 1;
    const struct cgroup_sysctl rules[] = {
        {.name = "vm/swappiness", .read = swappiness},
        {.name = "vm/overcommit_memory", .read = overcommit},
        {.name = "vm/overcommit_ratio", .read = overcommit},
        {.name = "vm/overcommit_kbytes"}, /* the ratio's other name */
        {.name = "fs/file-max"},
        {.name = "kernel/pid_max"}, /* the last one: it may be its own */
    };

    return cgroup_sysctl_deny(group_fd, rules,
                              ARRAY_LEN(rules) - (oci_view_own_pid_max(config) ? 1 : 0), err);
}

bool oci_view_own_pid_max(const struct oci_config *config)
{
    const struct oci_namespace *pids = oci_config_namespace(config, CLONE_NEWPID);

    return pids && !pids->path && vk_params_own_pid_max();
}

int oci_view_start(struct oci_view *view, const struct oci_create *create, struct err *err)
{
    const struct vkernel *vkernel = create->options.vkernel;

    if (!vkernel || !vkernel_has_view(vkernel))
        return 0;
    const struct oci_namespace *mounts = oci_config_namespace(create->config, CLONE_NEWNS);
    if (!mounts || mounts->path)
        return err_say(err, -ENOTSUP,
                       "cannot give the container a view of its own: it has no mounts of its own");
    int r = overcommit_check(vkernel, err);
    if (r < 0)
        return r;
    view->log = vkernel->log.kib > 0;
    view->overcommit =
        vkernel_has_overcommit(vkernel) || (vkernel->params.view && overcommit_works());
    return start_process(view, create, err);
}

static int unified_fd(const struct cgroup_place *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        if (groups->trees[i].unified)
            return groups->trees[i].fd;
    return -1;
}

/* What the process has made while the groups were. */
static int take_mount(struct oci_view *view, struct err *err)
{
    int fds[FD_MESSAGE_MAX];
    size_t count = 0;
    char byte;

    ssize_t n = fd_receive(view->control, &byte, sizeof byte, fds, &count, 0);
    if (n == 1 && count == 2) {
        view->fuse = fds[0];
        view->mount = fds[1];
        return 0;
    }
    fd_close_all(fds, count);
    int r = oci_view_await(view, err);
    return r < 0 ? r : err_say(err, -EIO, "cannot start '%s': it ended", VIEW_PROGRAM);
}

int oci_view_place(struct oci_view *view, const struct oci_create *create,
                   struct cgroup_place *groups, struct err *err)
{
    struct view_place place = {0};
    const int group_fd = unified_fd(groups);

    if (view->control < 0)
        return 0;
    if (group_fd < 0)
        return err_say(err, -ENOTSUP,
                       "cannot give the container a view of its own: it has no group in a v2 tree");
    int r = view->log ? groups_within_reach(groups, "a log", err) : 0;
    if (r == 0)
        r = take_mount(view, err);
    if (r < 0)
        return r;
    if (create->options.vkernel->params.view)
        view->params = params_of(groups);
    place.params = view->params;
    snprintf(place.group, sizeof place.group, "%s", groups->path);
    r = fd_send(view->control, &place, sizeof place, &group_fd, 1);
    /* One that has ended says why: oci_view_await(). */
    return r < 0 && r != -EPIPE ? err_set(err, r, "cannot start '%s'", VIEW_PROGRAM) : 0;
}

int oci_view_guard(const struct oci_view *view, const struct oci_create *create,
                   const struct cgroup_place *groups, struct err *err)
{
    return view->params ? deny_host(view, create->config, unified_fd(groups), err) : 0;
}

void oci_view_look(const struct oci_view *view)
{
    static const char *const names[] = {"kmsg", VIEW_KERNEL "/" VIEW_NATIVE, "swappiness",
                                        "overcommit_memory", "overcommit_ratio"};
    const bool wanted[] = {
        view->log, view->params >> VIEW_GRANULARITY & 1, view->params >> VIEW_SWAPPINESS & 1,
        view->params >> VIEW_OVERCOMMIT_MEMORY & 1, view->params >> VIEW_OVERCOMMIT_RATIO & 1};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        _cleanup_(closep) int fd =
            wanted[i] ? openat(view->mount, names[i], O_PATH | O_CLOEXEC) : -1;
        if (wanted[i] && fd < 0)
            return;
    }
}
