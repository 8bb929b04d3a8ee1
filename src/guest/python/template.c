/*
 * The template inside an interpreter: set up by its host over one socket, confined before the first
 * import, then one loop that forks and reaps. python.h.
 *
 * The fork is clone3 and not fork(3), for the namespaces. What fork(3) does besides: the thread id
 * that the C library keeps (CLONE_CHILD_SETTID at its place), the list of robust mutexes; handlers
 * of pthread_atfork(3) don't run, Python's os.register_at_fork() do.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "guest/lockdown.h"
#include "guest/python/python.h"
#include "guest/seccomp.h"
#include "guest/template_message.h"

#define EXPORTED __attribute__((visibility("default")))
/* Instances of one template at a time; the host asks for fewer. */
#define CHILDREN_MAX 1024

static struct guest_setup setup;
static struct guest_runtime runtime;
static const char *variables[GUEST_ENV_MAX];

static struct {
    pid_t pid;
    uint64_t id;
} children[CHILDREN_MAX];
static size_t child_count;

/* What os.fork() calls round a fork; of the interpreter that this object was loaded into. */
static struct {
    void (*before)(void);
    void (*parent)(void);
    void (*child)(void);
} hooks;

/* ---- set-up ---- */

/* Where each variable begins, behind the arguments. The host is trusted; a mistake of it must not
 * be read past its end. */
static int find_variables(void)
{
    const char *at = setup.text;
    const char *end = setup.text + sizeof setup.text;

    if (setup.env_count > GUEST_ENV_MAX || setup.file_count > GRANT_FILES_MAX ||
        setup.filter_count > GUEST_FILTER_MAX || runtime.import_count > IMPORTS_MAX ||
        runtime.filter_count > GUEST_RUNTIME_FILTER_MAX)
        return -EBADMSG;
    for (uint32_t i = 0; i < setup.arg_count + setup.env_count; i++) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        if (!nul)
            return -EBADMSG;
        if (i >= setup.arg_count)
            variables[i - setup.arg_count] = at;
        at = nul + 1;
    }
    return 0;
}

static int find_hooks(void)
{
    *(void **)&hooks.before = dlsym(RTLD_DEFAULT, "PyOS_BeforeFork");
    *(void **)&hooks.parent = dlsym(RTLD_DEFAULT, "PyOS_AfterFork_Parent");
    *(void **)&hooks.child = dlsym(RTLD_DEFAULT, "PyOS_AfterFork_Child");
    return hooks.before && hooks.parent && hooks.child ? 0 : -ENOSYS;
}

static void child_ended(int signal)
{
    (void)signal; /* only to interrupt ppoll() */
}

/* SIGCHLD comes only inside ppoll(); threads that imports start inherit that. */
static int block_sigchld(void)
{
    struct sigaction action = {.sa_handler = child_ended, .sa_flags = SA_NOCLDSTOP};
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    return sigprocmask(SIG_BLOCK, &blocked, NULL) < 0 || sigaction(SIGCHLD, &action, NULL) < 0
               ? -errno
               : 0;
}

EXPORTED int python_setup(void)
{
    int fds[FD_MESSAGE_MAX];
    size_t count = 0;

    ssize_t n = fd_receive(GUEST_CONTROL_FD, &setup, sizeof setup, fds, &count, 0);
    if (n != sizeof setup || setup.type != GUEST_SETUP || setup.protocol != GUEST_PROTOCOL ||
        count != 1) {
        fd_close_all(fds, count);
        return n < 0 ? (int)n : -EBADMSG;
    }
    size_t none = 0;
    int ignored[FD_MESSAGE_MAX];
    n = fd_receive(GUEST_CONTROL_FD, &runtime, sizeof runtime, ignored, &none, 0);
    fd_close_all(ignored, none);
    if (n != sizeof runtime || runtime.type != GUEST_RUNTIME)
        return n < 0 ? (int)n : -EBADMSG;
    int r = find_variables();
    if (r == 0)
        r = find_hooks();
    if (r == 0)
        r = block_sigchld();
    return r < 0 ? r : fds[0];
}

EXPORTED const char *python_argument(uint32_t index)
{
    if (index == 0)
        return runtime.entry;
    return index <= runtime.import_count ? runtime.imports[index - 1] : NULL;
}

EXPORTED const char *python_variable(uint32_t index)
{
    return index < setup.env_count ? variables[index] : NULL;
}

EXPORTED int python_confine(const char *sources)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

    /* CAP_SYS_ADMIN in the template's own user namespace, for the last time. */
    int r = mount_setattr(AT_FDCWD, sources, 0, &attr, sizeof attr) < 0 ? -errno : 0;
    if (r == 0)
        r = lockdown_speculation();
    if (r == 0)
        r = lockdown_not_dumpable();
    if (r == 0)
        r = lockdown_capabilities(0);
    return r < 0 ? r : seccomp_load_program(runtime.filter, runtime.filter_count, false);
}

EXPORTED int python_ready(int error, const char *message)
{
    struct guest_ready ready = {.type = GUEST_READY, .error = error};

    snprintf(ready.message, sizeof ready.message, "%s", message);
    return fd_send(GUEST_CONTROL_FD, &ready, sizeof ready, NULL, 0);
}

/* ---- the loop ---- */

/* Where the descriptors of a fork message are. -EBADMSG when their count is not what it says. */
static int find_fds(const struct guest_fork *message, const int *fds, size_t count,
                    struct python_fds *ret_fds, int *ret_group)
{
    size_t tmp_count = 0, first_group;

    for (uint32_t i = 0; i < setup.file_count; i++)
        tmp_count += setup.files[i].tmpfs_bytes != 0;
    first_group = 2 + tmp_count;
    if ((message->flags & GUEST_FORK_RUN) || !(message->flags & GUEST_FORK_TMP) ||
        count != first_group + message->group_count)
        return -EBADMSG;
    *ret_group = -1;
    if (message->flags & GUEST_FORK_INTO_GROUP) {
        if (message->group_count == 0)
            return -EBADMSG;
        *ret_group = fds[first_group++];
    }
    *ret_fds = (struct python_fds){.memory = fds[0],
                                   .event = fds[1],
                                   .tmp = fds + 2,
                                   .tmp_count = tmp_count,
                                   .tasks = fds + first_group,
                                   .task_count = count - first_group};
    return 0;
}

/* As fork(3), into namespaces of its own: no id is mapped there, so it is nobody. */
static pid_t fork_into(int group_fd)
{
    int *thread_id = NULL;
    void *robust = NULL;
    size_t robust_bytes = 0;

    struct clone_args args = {
        .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS,
        .exit_signal = SIGCHLD,
    };
    if (group_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)group_fd;
    }
    /* Where the C library has this thread's id: it gave that place to the kernel at its start. */
    if (prctl(PR_GET_TID_ADDRESS, &thread_id, 0, 0, 0) == 0 && thread_id) {
        args.flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
        args.child_tid = (uintptr_t)thread_id;
    }
    syscall(SYS_get_robust_list, 0, &robust, &robust_bytes);
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0 && robust)
        syscall(SYS_set_robust_list, robust, robust_bytes);
    return pid < 0 ? -errno : (pid_t)pid;
}

/* True in the instance. */
static bool fork_instance(const struct guest_fork *message, int *fds, size_t count)
{
    struct guest_not_started failed = {.type = GUEST_NOT_STARTED, .id = message->id};
    struct python_fds places;
    int group = -1;
    pid_t pid = -EAGAIN;

    int r = find_fds(message, fds, count, &places, &group);
    if (r == 0 && child_count < CHILDREN_MAX) {
        hooks.before();
        pid = fork_into(group);
        if (pid == 0) {
            python_become(&setup, message, &places);
            hooks.child();
            return true;
        }
        hooks.parent();
    }
    fd_close_all(fds, count);
    if (r < 0 || pid < 0) {
        failed.error = r < 0 ? r : pid;
        fd_send(GUEST_CONTROL_FD, &failed, sizeof failed, NULL, 0);
        return false;
    }
    children[child_count].pid = pid;
    children[child_count++].id = message->id;
    return false;
}

static void reap(void)
{
    struct rusage usage;
    int status;

    /* Backwards: the last takes the place of one that ended. Others' children (what an import
     * started) are theirs to wait for. */
    for (size_t i = child_count; i-- > 0;) {
        if (wait4(children[i].pid, &status, WNOHANG, &usage) != children[i].pid)
            continue;
        struct guest_ended ended = {
            .type = GUEST_ENDED,
            .status = status,
            .id = children[i].id,
            .cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
            .memory_peak_bytes = (uint64_t)usage.ru_maxrss * 1024,
        };
        children[i] = children[--child_count];
        fd_send(GUEST_CONTROL_FD, &ended, sizeof ended, NULL, 0);
    }
}

static void kill_instance(uint64_t id)
{
    for (size_t i = 0; i < child_count; i++) {
        /* Not reaped yet, so the pid is still its own. */
        if (children[i].id == id)
            kill(children[i].pid, SIGKILL);
    }
}

enum served { SERVED, INSTANCE, HOST_GONE };

/* One message. */
static enum served serve_message(void)
{
    struct template_message message;

    switch (template_message_receive(GUEST_CONTROL_FD, &message)) {
    case 0:
        return SERVED;
    case GUEST_FORK:
        return fork_instance(&message.body.fork, message.fds, message.fd_count) ? INSTANCE : SERVED;
    case GUEST_KILL:
        fd_close_all(message.fds, message.fd_count);
        kill_instance(message.body.kill.id);
        return SERVED;
    default:
        fd_close_all(message.fds, message.fd_count);
        return HOST_GONE;
    }
}

EXPORTED int python_serve(void)
{
    sigset_t open;

    python_find_openssl();
    sigemptyset(&open);
    for (;;) {
        struct pollfd poll = {.fd = GUEST_CONTROL_FD, .events = POLLIN};
        reap();
        int n = ppoll(&poll, 1, NULL, &open);
        if (n < 0 && errno != EINTR)
            return 1;
        enum served served = n > 0 ? serve_message() : SERVED;
        if (served != SERVED)
            return served == INSTANCE ? 0 : 1;
    }
}
