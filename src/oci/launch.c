/*
 * From a configuration to a process: the runtime's half of a start. It prepares the plan, clones
 * the init into its groups and namespaces, writes the maps of its ids, and serves it until it waits
 * for its start or has executed the program. The init's half is in oci/init/.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/apart.h"
#include "oci/launch_internal.h"
#include "oci/privilege.h"
#include "oci/scope.h"
#include "oci/user_namespace.h"

#define BORROWED_STACK_BYTES (64 << 10)

void launch_open(struct launch *launch)
{
    *launch = (struct launch){
        .plan = PLAN_EMPTY, .control = -1, .init_fd = -1, .set_groups = true, .network = -1};
}

static void reap(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
}

void launch_close(struct launch *launch, bool keep)
{
    if (!keep) {
        reap(launch->first);
        reap(launch->pid);
        if (launch->own_groups && cgroup_place_kill(&launch->groups, NULL) == 0)
            cgroup_place_remove(&launch->groups, NULL);
    }
    reap(launch->holder);
    process_apart_end(&launch->broker);
    cgroup_place_close(&launch->groups);
    plan_close(&launch->plan);
    if (launch->control >= 0)
        close(launch->control);
    if (launch->init_fd >= 0)
        close(launch->init_fd);
    if (launch->network >= 0)
        close(launch->network);
}

/* ---- the child, between clone and exec: single-threaded as its parent is ---- */

struct entry {
    struct launch *launch;
    int tasks[CGROUP_PLACE_TREES];
    int task_count;
    int control;
    bool wait;
    char *argv[3];
};

_Noreturn static void give_up(const struct entry *entry, int code, const char *what)
{
    struct init_message message = {.say = INIT_FAILED, .code = code};

    snprintf(message.text, sizeof message.text, "cannot start the container's init: %s: %s", what,
             strerror(-code));
    fd_send(entry->control, &message, sizeof message, NULL, 0);
    _exit(125);
}

static int await_go(int socket)
{
    struct init_message message;

    ssize_t n = recv(socket, &message, sizeof message, 0);
    return n >= (ssize_t)INIT_MESSAGE_HEAD && message.say == INIT_GO ? (int)message.value : -EPIPE;
}

/* Capabilities of the new user namespace outlive an exec by its root, or as ambient ones. */
static int keep_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];

    if (syscall(SYS_capget, &header, sets) < 0)
        return -errno;
    for (int i = 0; i < 2; i++)
        sets[i].inheritable = sets[i].effective = sets[i].permitted;
    if (syscall(SYS_capset, &header, sets) < 0)
        return -errno;
    for (unsigned long i = 0; i < 64; i++)
        if (sets[i / 32].permitted >> (i % 32) & 1)
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
    return 0;
}

/* The first user of the namespace, whose maps were just written. */
static int take_ids(const struct init_plan *plan, bool set_groups)
{
    if (plan->first_uid != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return -errno;
    if (set_groups && syscall(SYS_setgroups, 0, NULL) < 0)
        return -errno;
    if (syscall(SYS_setresgid, plan->first_gid, plan->first_gid, plan->first_gid) < 0 ||
        syscall(SYS_setresuid, plan->first_uid, plan->first_uid, plan->first_uid) < 0)
        return -errno;
    return plan->first_uid != 0 ? keep_capabilities() : 0;
}

/* v1 groups by one write each, quick only while we have a single thread (no grace period). */
_Noreturn static void enter(const struct entry *entry)
{
    const struct plan *plan = &entry->launch->plan;
    char *const none[] = {NULL};

    /* By its path: a descriptor would lead to the mounts of the runtime. */
    if (entry->launch->directory && chdir(entry->launch->directory) < 0)
        give_up(entry, -errno, "enter the bundle");
    for (int i = 0; i < entry->task_count; i++)
        if (write(entry->tasks[i], "0", 1) != 1)
            give_up(entry, -errno, "enter its control groups");
    if (entry->wait) {
        int set_groups = await_go(entry->control);
        int r = set_groups < 0 ? set_groups : take_ids(plan->out, set_groups > 0);
        if (r < 0)
            give_up(entry, r, "take the first id of its user namespace");
    }
    for (size_t i = 0; i < plan->fd_count; i++)
        if (fcntl(plan->fds[i], F_SETFD, 0) < 0)
            give_up(entry, -errno, "hand over a descriptor");
    syscall(SYS_execveat, entry->launch->init_fd, "", entry->argv, none, AT_EMPTY_PATH);
    give_up(entry, -errno, "execute it");
}

/*
 * As vfork(2): until its exec the child has our memory, and we wait. There are no page tables to
 * copy and no page is copied because of a write. Not for a child that needs us before that. By
 * hand: clone(2) can't say a group to be born in, and libc has no clone3(2).
 */
static pid_t clone_borrowed(struct clone_args *args, struct entry *child)
{
    static char stack[BORROWED_STACK_BYTES] __attribute__((aligned(16)));
    register const struct entry *entry __asm__("r12") = child;
    register void (*call)(const struct entry *) __asm__("r13") = enter;
    long result;

    args->flags |= CLONE_VM | CLONE_VFORK;
    args->stack = (uintptr_t)stack;
    args->stack_size = sizeof stack;
    /* The child has its own stack: it goes on here with the registers alone. */
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "mov %[entry], %%rdi\n\t"
                     "call *%[call]\n"
                     "1:"
                     : "=a"(result)
                     : "a"(SYS_clone3), "D"(args),
                       "S"(sizeof *args), [entry] "r"(entry), [call] "r"(call)
                     : "rcx", "r11", "memory");
    if (result < 0)
        errno = (int)-result;
    return result < 0 ? -1 : (pid_t)result;
}

/* ---- the parent ---- */

int oci_launch_init_program(int *ret_fd, struct err *err)
{
    return fd_sealed_copy("vireo-container-init", init_image, (size_t)(init_image_end - init_image),
                          ret_fd, err);
}

static int make_control(struct launch *launch, int *ret_theirs, struct err *err)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return err_set(err, -errno, "cannot make a socket");
    launch->control = ends[0];
    *ret_theirs = plan_fd(&launch->plan, ends[1]);
    launch->plan.out->control_fd = *ret_theirs;
    return 0;
}

static int tell_go(struct launch *launch, int64_t value)
{
    struct init_message go = {.say = INIT_GO, .value = value};

    return fd_send(launch->control, &go, INIT_MESSAGE_HEAD, NULL, 0);
}

static int map_ids(struct launch *launch, pid_t pid, const struct oci_config *config,
                   struct err *err)
{
    char path[64];

    int r = user_namespace_map(pid, &config->linux_.uid_mappings, &config->linux_.gid_mappings,
                               &launch->set_groups, err);
    if (r < 0 || !launch->plan.idmap_count)
        return r;
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    _cleanup_(closep) int users = open(path, O_RDONLY | O_CLOEXEC);
    r = users < 0 ? -errno : 0;
    for (size_t i = 0; i < launch->plan.idmap_count && r == 0; i++)
        r = user_namespace_idmap(users, launch->plan.idmaps[i].tree_fd,
                                 launch->plan.idmaps[i].recursive);
    return r < 0 ? err_set(err, r, "cannot map the ids of a mount") : 0;
}

/* The pid, 0 in the child (which goes on elsewhere), or -errno. */
static pid_t clone_init(struct clone_args *args, struct entry *entry)
{
    pid_t pid =
        entry->wait ? (pid_t)syscall(SYS_clone3, args, sizeof *args) : clone_borrowed(args, entry);

    if (pid == 0)
        enter(entry);
    return pid < 0 ? -errno : pid;
}

int launch_clone(struct launch *launch, const struct oci_config *config, uint64_t flags,
                 struct err *err)
{
    struct entry entry = {.launch = launch};
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
    int theirs = -1, clone_fd = -1;
    char number[16];

    int r = make_control(launch, &theirs, err);
    if (r == 0)
        r = launch->init_fd >= 0 ? 0 : oci_launch_init_program(&launch->init_fd, err);
    if (r < 0)
        return r;
    int memfd = fcntl(launch->plan.memfd, F_DUPFD_CLOEXEC, launch->plan.first_fd);
    if (memfd < 0)
        return err_set(err, -errno, "cannot start the container's init");
    plan_fd(&launch->plan, memfd);
    entry.task_count = cgroup_place_entry(&launch->groups, &clone_fd, entry.tasks, err);
    if (entry.task_count < 0)
        return entry.task_count;
    if (clone_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)clone_fd;
    }
    snprintf(number, sizeof number, "%d", memfd);
    entry.argv[0] = (char *)(uintptr_t) "vireo-container-init";
    entry.argv[1] = number;
    entry.control = theirs;
    entry.wait = (flags & CLONE_NEWUSER) != 0;
    pid_t pid = clone_init(&args, &entry);
    /* EACCES is the group's alone: cgroups(7), "Delegation containment". From a login session a
     * user may not start anything below the user's own systemd; from below it, that is allowed. */
    if (pid == -EACCES && launch->scoped && !oci_is_root()) {
        r = scope_go_below(err);
        if (r == 0)
            pid = clone_init(&args, &entry);
    }
    fd_close_all(entry.tasks, (size_t)entry.task_count);
    if (r < 0)
        return r;
    if (pid == -EACCES)
        return err_set(err, pid, "cannot enter control group '%s'", launch->groups.path);
    if (pid < 0)
        return err_set(err, pid, "cannot make the container's namespaces");
    if (launch->plan.out->split)
        launch->first = pid;
    else
        launch->pid = pid;
    /* Its end is its own now: ours would hide that it died. */
    close(theirs);
    for (size_t i = 0; i < launch->plan.fd_count; i++)
        if (launch->plan.fds[i] == theirs)
            launch->plan.fds[i] = -1;
    if (!entry.wait)
        return 0;
    r = map_ids(launch, pid, config, err);
    if (r == 0)
        r = tell_go(launch, launch->set_groups);
    return r < 0 ? err_set(err, r, "cannot start the container's init") : 0;
}

/* What ended the child that ends now; it stays to be reaped. 0: no signal. */
static int killed_by(void)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    siginfo_t info = {0};

    /* Its end of the socket is closed before it is seen to have ended. */
    for (int i = 0; i < 50 && info.si_pid == 0; i++) {
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
            return 0;
        if (info.si_pid == 0)
            nanosleep(&pause, NULL);
    }
    return info.si_pid && info.si_code != CLD_EXITED ? info.si_status : 0;
}

/* An init that failed says why; one that died says nothing. */
static int failed(const struct init_message *message, ssize_t size, struct err *err)
{
    char text[INIT_TEXT_MAX];

    if (size < (ssize_t)INIT_MESSAGE_HEAD || message->say != INIT_FAILED || message->code >= 0) {
        const int signal = killed_by();
        if (signal == 0)
            return err_say(err, -EPROTO,
                           "cannot start the container: its init ended without a word");
        return err_say(
            err, -EPROTO, "cannot start the container: its init was killed by signal %d%s", signal,
            signal == SIGKILL ? " (is linux.resources.memory.limit too small for it?)" : "");
    }
    size_t length = (size_t)size - INIT_MESSAGE_HEAD;
    if (length >= sizeof text)
        length = sizeof text - 1;
    memcpy(text, message->text, length);
    text[length] = '\0';
    return err_say(err, message->code, "%s", text);
}

/* In a split start the user namespace is made by the init itself, and mapped now. */
static int answer_namespaces(struct launch *launch, const struct oci_config *config,
                             int (*namespaces)(void *data, struct err *err), void *data,
                             struct err *err)
{
    int r = 0;

    if (launch->plan.out->user_namespace && launch->plan.out->split)
        r = map_ids(launch, launch->pid, config, err);
    if (r == 0 && namespaces)
        r = namespaces(data, err);
    if (r == 0)
        r = tell_go(launch, 0);
    return r < 0 ? err_set(err, r, "cannot go on with the container's start") : 0;
}

static void first_ended(struct launch *launch, pid_t pid)
{
    launch->pid = pid;
    while (waitpid(launch->first, NULL, __WALL) < 0 && errno == EINTR)
        ;
    launch->first = 0;
}

/*
 * Of a split start both processes speak: what the second one wants may come before the first one
 * told its pid, and waits for that.
 */
int launch_follow(struct launch *launch, const struct oci_config *config, enum init_say until,
                  int (*namespaces)(void *data, struct err *err), void *data, int *ret_terminal,
                  struct err *err)
{
    struct init_message message;
    int fds[FD_MESSAGE_MAX];
    bool asks = false, reached = false;
    size_t count;

    while (!reached || !launch->pid) {
        ssize_t n = fd_receive(launch->control, &message, sizeof message, fds, &count, 0);
        if (n < (ssize_t)INIT_MESSAGE_HEAD || message.say == INIT_FAILED)
            return failed(&message, n, err);
        if (message.say == INIT_CHILD)
            first_ended(launch, (pid_t)message.value);
        if (message.say == INIT_TERMINAL && count == 1 && ret_terminal) {
            *ret_terminal = fds[0];
            count = 0;
        }
        fd_close_all(fds, count);
        reached |= (enum init_say)message.say == until;
        asks |= message.say == INIT_NAMESPACES;
        if (asks && launch->pid) {
            int r = answer_namespaces(launch, config, namespaces, data, err);
            if (r < 0)
                return r;
            asks = false;
        }
    }
    return 0;
}

int launch_go(int socket, const char *variables, size_t bytes, struct err *err)
{
    static struct init_go message; /* too large for a stack; one thread */

    if (bytes > sizeof message.text)
        return err_set(err, -E2BIG, "cannot start the container");
    message.say = INIT_GO;
    if (bytes)
        memcpy(message.text, variables, bytes);
    int r = fd_send(socket, &message, INIT_GO_HEAD + bytes, NULL, 0);
    return r < 0 ? err_set(err, r, "cannot start the container") : 0;
}

int launch_release(int socket, struct err *err)
{
    int r = launch_go(socket, NULL, 0, err);

    return r < 0 ? r : launch_await_exec(socket, err);
}

int launch_await_exec(int socket, struct err *err)
{
    struct init_message message;
    int fds[FD_MESSAGE_MAX];
    size_t count;

    ssize_t n = fd_receive(socket, &message, sizeof message, fds, &count, 0);
    if (n == 0)
        return 0; /* closed by the exec */
    if (n < 0)
        return err_set(err, (int)n, "cannot start the container");
    fd_close_all(fds, count);
    return failed(&message, n, err);
}

/* A peer's word does not end this poll, only its end of the socket that is closed. */
int launch_await_ready_and_exec(int socket, struct err *err)
{
    struct pollfd closed = {.fd = socket};
    struct init_message message;
    int fds[FD_MESSAGE_MAX];
    size_t count;

    while (poll(&closed, 1, -1) < 0)
        if (errno != EINTR)
            return err_set(err, -errno, "cannot start the container");
    ssize_t n = fd_receive(socket, &message, sizeof message, fds, &count, MSG_DONTWAIT);
    /* One that failed before it read our INIT_GO: what it said comes after that. */
    if (n == -ECONNRESET)
        n = fd_receive(socket, &message, sizeof message, fds, &count, MSG_DONTWAIT);
    if (n > 0)
        fd_close_all(fds, count);
    if (n < (ssize_t)INIT_MESSAGE_HEAD || message.say != INIT_READY)
        return failed(&message, n, err);
    return launch_await_exec(socket, err);
}
