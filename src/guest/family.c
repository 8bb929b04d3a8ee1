/*
 * Module "vireo": fork, wait, waitpid, kill, getpid, getppid, pipe, for sources by the headers of
 * include/vireo/posix. Each answers a number of its own, or a WASI errno as a negative one.
 *
 * A fork copies all that translated code is: its stack, its linear memory (copy-on-write), the GS
 * base and the signal stack. So a child goes on where the call returns. Its canary is its parent's:
 * it returns through frames that have it, and the two are of one tenant.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest/call.h"
#include "guest/family.h"
#include "guest/instance.h"
#include "guest/signals.h"
#include "guest/template.h"
#include "guest/update_point.h"
#include "guest/wasi_internal.h"

#define VIREO(name) Z_vireoZ_##name

uint32_t VIREO(fork)(struct host *host);
uint32_t VIREO(wait)(struct host *host, uint32_t ret_status);
uint32_t VIREO(waitpid)(struct host *host, uint32_t pid, uint32_t ret_status, uint32_t options);
uint32_t VIREO(kill)(struct host *host, uint32_t pid, uint32_t signal);
uint32_t VIREO(getpid)(struct host *host);
uint32_t VIREO(getppid)(struct host *host);
uint32_t VIREO(pipe)(struct host *host, uint32_t ret_fds);

/* What a shell shows for an abort; a trap has no signal of its own. */
#define EXIT_TRAP 134
#define REFUSED_NS 10000000
/* How often a wait looks that no signal may end. */
#define WAIT_LOOK_NS 20000000

/* One page that all members write: numbers for messages, which nothing depends on. */
struct family_shared {
    _Atomic uint32_t refused;
    _Atomic uint64_t log_dropped;
};

/* ---- the root ---- */

static int limit_members(uint32_t pids_max)
{
    struct rlimit limit;

    /* The control group comes first and says so. This is for where there is none: its number is of
     * this user namespace, thus of this family. */
    if (getrlimit(RLIMIT_NPROC, &limit) < 0)
        return -errno;
    if (limit.rlim_max > (rlim_t)pids_max + 1)
        limit.rlim_max = (rlim_t)pids_max + 1;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NPROC, &limit) < 0 ? -errno : 0;
}

struct family_options family_options_of(const struct guest_setup *setup)
{
    return (struct family_options){
        .grants = setup->grants,
        .pids_max = setup->pids_max,
        .depth_max = setup->depth_max,
        .own_groups = setup->own_groups != 0,
        .kin = -1,
    };
}

int family_open(struct family *family, const struct family_options *options)
{
    struct channel *channel = options->channel;

    *family = (struct family){
        .grants = options->grants,
        .by_channel = channel != NULL,
        .log = {-1, -1},
        .kin = options->kin,
        .page = options->page,
        .depth_max = options->depth_max,
        .own_groups = options->own_groups,
        .channel = channel,
    };
    if (!(family->grants & GUEST_GRANT_FORK))
        return 0;
    /* Signals to a process group pass through pid namespaces: this group is the family's own. */
    if (setsid() < 0)
        return -errno;
    int r = limit_members(options->pids_max);
    if (r < 0)
        return r;
    family->shared = mmap(NULL, sizeof *family->shared, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (family->shared == MAP_FAILED)
        return -errno;
    if (!channel)
        return 0;
    if (madvise(channel, CHANNEL_BYTES, MADV_DONTFORK) < 0)
        return -errno;
    return pipe2(family->log, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
}

void family_forget_places(struct family *family)
{
    if (family)
        memset(family->places, 0, sizeof family->places);
}

/* System call: read. */
void family_drain(struct family *family, struct guest_call *call)
{
    char piece[4096];

    if (!family || family->child || family->log[0] < 0)
        return;
    for (size_t total = 0; total < CHANNEL_LOG_BYTES;) {
        ssize_t n = read(family->log[0], piece, sizeof piece);
        if (n <= 0)
            break;
        call_log(call, piece, (size_t)n);
        total += (size_t)n;
    }
    uint64_t dropped =
        atomic_exchange_explicit(&family->shared->log_dropped, 0, memory_order_relaxed);
    if (dropped && call->channel)
        atomic_fetch_add_explicit(&call->channel->log_dropped, dropped, memory_order_relaxed);
}

bool family_was_refused(struct family *family)
{
    return family && family->shared &&
           atomic_exchange_explicit(&family->shared->refused, 0, memory_order_relaxed);
}

/* System call: wait4. */
void family_reap(const struct family *family)
{
    if (!family || !(family->grants & GUEST_GRANT_FORK))
        return;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

/* ---- a child ---- */

/* System call: write. */
void family_log(const struct family *family, const void *data, uint64_t bytes)
{
    ssize_t n = write(family->log[1], data, bytes);
    uint64_t written = n > 0 ? (uint64_t)n : 0;

    if (written < bytes)
        atomic_fetch_add_explicit(&family->shared->log_dropped, bytes - written,
                                  memory_order_relaxed);
}

/* Its own control group, before it does anything: the supervisor moves it. Without one it stays in
 * its parent's. System calls: write, futex. */
static void ask_for_group(const struct family *family)
{
    struct kin_message message = {.type = KIN_BORN};

    if (family->own_groups)
        kin_ask(family, &message);
}

/* Nothing of the root's that is not the guest's own stays. System call: close. */
void family_become_child(struct host *host)
{
    struct family *family = host->family;
    struct wasi_options *options = &host->wasi->options;

    family->generation++;
    signals_as_child(host);
    ask_for_group(family);
    update_point_leave(host);
    /* Two that ask the connector or the platform over one socket would take each other's answers.
     */
    if (options->connect_count > 0 && options->connector >= 0) {
        close(options->connector);
        options->connector = -1;
        options->connect_count = 0;
    }
    if (options->platform >= 0) {
        close(options->platform);
        options->platform = -1;
    }
    if (family->child || !family->by_channel) {
        family->child = true;
        return;
    }
    family->child = true;
    close(INSTANCE_EVENT_FD);
    close(family->log[0]);
    family->log[0] = -1;
    if (host->call)
        call_leave(host->call, family);
}

/* System call: write, for a trap. */
void family_child_ended(struct host *host)
{
    char line[300];

    if (host->exit == HOST_RETURNED)
        _exit(0);
    if (host->exit == HOST_EXITED)
        _exit((int)(host->exit_status & 0xff));
    int n = snprintf(line, sizeof line, "vireo: child %d: trap%s%s%s: %.80s\n", (int)getpid(),
                     host->trap_function[0] ? " in '" : "", host->trap_function,
                     host->trap_function[0] ? "'" : "", host->trap ? host->trap : "unknown");
    if (n > 0 && host->call)
        call_log(host->call, line, (size_t)n);
    if (n > 0 && !host->family->by_channel && write(2, line, (size_t)n) < 0)
        _exit(EXIT_TRAP);
    _exit(EXIT_TRAP);
}

/* ---- what the function's code calls ---- */

static uint32_t refuse(int error)
{
    return (uint32_t) - (int)wasi_errno_from(error);
}

static struct family *family_with(struct host *host, uint32_t grant)
{
    return host->family && (host->family->grants & grant) ? host->family : NULL;
}

uint32_t family_key_result(struct family *family, enum kin_key_kind kind, int key, int flags,
                           int id)
{
    struct kin_message message = {.kind = kind, .key = key};
    int error = id < 0 ? errno : 0;

    if (key == IPC_PRIVATE || (error && error != ENOENT))
        return error ? refuse(error) : (uint32_t)id;
    message.type = error ? KIN_KEY_SOUGHT : KIN_KEY_MADE;
    if (!error && (flags & IPC_CREAT))
        kin_say(family, &message);
    if (error && kin_ask(family, &message) == EPERM)
        return refuse(EPERM);
    return error ? refuse(error) : (uint32_t)id;
}

struct guest_ipc family_ipc(const struct ipc_perm *known)
{
    return (struct guest_ipc){known->__key, known->uid,  known->gid,
                              known->cuid,  known->cgid, known->mode & 0777};
}

/* Noted where the call's end, or the supervisor, finds it. System calls: write, clock_nanosleep. */
static uint32_t fork_refused(struct host *host, bool by_depth)
{
    struct family *family = host->family;

    kin_say(family, &(struct kin_message){.type = KIN_FORK_REFUSED, .kind = by_depth});
    if (!by_depth) {
        atomic_store_explicit(&family->shared->refused, 1, memory_order_relaxed);
        /* Now: it may never come to an answer. */
        if (host->call)
            call_flag(host->call, CHANNEL_PIDS_REFUSED);
    }
    /* The kernel frees what a refused fork took some time later: a loop of them would reach the
     * family's memory limit instead. */
    clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, REFUSED_NS}, NULL);
    return refuse(EAGAIN);
}

/* System calls: clone; those of fork_refused(). */
uint32_t VIREO(fork)(struct host *host)
{
    struct family *family = family_with(host, GUEST_GRANT_FORK);

    if (!family)
        return refuse(EPERM);
    if (family->generation >= family->depth_max)
        return fork_refused(host, true);
    /* What the child may still read of the call must not lie in the channel. */
    if (host->call && call_keep_body(host->call) < 0)
        return refuse(ENOMEM);
    long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    if (pid == 0) {
        signals_forget(host);
        family_become_child(host);
    }
    if (pid >= 0)
        return (uint32_t)pid;
    if (errno == EAGAIN)
        return fork_refused(host, false);
    return refuse(errno);
}

/*
 * Waits as waitpid(2) does, and lets the children's output through meanwhile. SIGCHLD is blocked,
 * as the template left it, but within ppoll(2), so that none is missed. A pid or -errno.
 */
static pid_t wait_draining(const struct host *host, pid_t pid, int *status)
{
    struct family *family = host->family;
    struct pollfd log = {.fd = family->log[0], .events = POLLIN};
    sigset_t waiting;
    pid_t ended;

    signals_hold(host, &waiting);
    for (;;) {
        family_drain(family, host->call);
        ended = waitpid(pid, status, WNOHANG);
        ended = ended < 0 ? -errno : ended;
        if (ended == 0 && signals_wait(host))
            ended = -EINTR;
        if (ended != 0)
            break;
        /* Children whose signal is ignored, or blocked by the code, wake nobody. */
        const struct timespec look = {0, WAIT_LOOK_NS};
        if (ppoll(&log, 1, host->signals ? &look : NULL, &waiting) < 0 && errno != EINTR) {
            ended = -errno;
            break;
        }
    }
    signals_release(host);
    return ended;
}

/* System calls: wait4; ppoll and read in a root with a channel. */
static uint32_t wait_once(struct host *host, uint32_t pid, uint32_t ret_status, uint32_t options)
{
    struct family *family = family_with(host, GUEST_GRANT_FORK);
    void *ret = host_memory(host, ret_status, 4);
    int status = 0;
    pid_t ended;

    if (!family)
        return refuse(EPERM);
    if (ret_status && !ret)
        return refuse(EFAULT);
    if (options & ~(uint32_t)(WNOHANG | WUNTRACED | WCONTINUED))
        return refuse(EINVAL);
    if (!options && family->log[0] >= 0 && host->call) {
        ended = wait_draining(host, (pid_t)pid, &status);
    } else {
        do
            ended =
                (pid_t)signals_call(host, SYS_wait4, (pid_t)pid, (long)&status, (int)options, 0, 0);
        while (ended == -EINTR && !signals_wait(host));
    }
    /* What a child wrote before it ended is in the log before what its parent writes now. */
    if (host->call)
        family_drain(family, host->call);
    if (ended < 0)
        return refuse(-ended);
    if (ended > 0 && ret_status)
        memcpy(ret, &status, 4);
    return (uint32_t)ended;
}

uint32_t VIREO(waitpid)(struct host *host, uint32_t pid, uint32_t ret_status, uint32_t options)
{
    uint32_t result;

    do
        result = wait_once(host, pid, ret_status, options);
    while (signals_after(host, result == refuse(EINTR)));
    return result;
}

uint32_t VIREO(wait)(struct host *host, uint32_t ret_status)
{
    return VIREO(waitpid)(host, (uint32_t)-1, ret_status, 0);
}

/* System call: kill. Whom it may reach, the pid namespace says. */
uint32_t VIREO(kill)(struct host *host, uint32_t pid, uint32_t signal)
{
    if (!family_with(host, GUEST_GRANT_FORK))
        return refuse(EPERM);
    if (signal > SIGNALS_MAX)
        return refuse(EINVAL);
    uint32_t result = kill((pid_t)pid, (int)signal) < 0 ? refuse(errno) : 0;
    signals_after(host, false);
    return result;
}

/* System call: getpid. Who has no family is its root. */
uint32_t VIREO(getpid)(struct host *host)
{
    signals_after(host, false);
    return family_with(host, GUEST_GRANT_FORK) ? (uint32_t)getpid() : 1;
}

/* System call: getppid. The root's parent is of no namespace of its own. */
uint32_t VIREO(getppid)(struct host *host)
{
    return family_with(host, GUEST_GRANT_FORK) ? (uint32_t)getppid() : 0;
}

static enum wasi_errno install_end(struct wasi *wasi, int fd, uint64_t right, uint32_t *ret_number)
{
    enum wasi_errno error = wasi_fd_reserve(wasi, ret_number);

    if (error)
        return error;
    wasi_fd_install(wasi, *ret_number,
                    &(struct wasi_fd){
                        .kind = WASI_FILE,
                        .filetype = WASI_FILETYPE_UNKNOWN,
                        .owned = true,
                        .fd = fd,
                        .list_fd = -1,
                        .base = right | WASI_RIGHT_FD_FDSTAT_SET_FLAGS |
                                WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_POLL_FD_READWRITE,
                    });
    return WASI_SUCCESS;
}

/* System calls: pipe2, close. */
uint32_t VIREO(pipe)(struct host *host, uint32_t ret_fds)
{
    void *ret = host_memory(host, ret_fds, 8);
    uint32_t numbers[2];
    int fds[2];

    if (!family_with(host, GUEST_GRANT_IPC))
        return refuse(EPERM);
    if (!ret)
        return refuse(EFAULT);
    if (pipe2(fds, O_CLOEXEC) < 0)
        return refuse(errno);
    enum wasi_errno error = install_end(host->wasi, fds[0], WASI_RIGHT_FD_READ, &numbers[0]);
    if (error) {
        close(fds[0]);
        close(fds[1]);
        return (uint32_t) - (int)error;
    }
    error = install_end(host->wasi, fds[1], WASI_RIGHT_FD_WRITE, &numbers[1]);
    if (error) {
        wasi_fd_release(host->wasi, numbers[0]);
        close(fds[1]);
        return (uint32_t) - (int)error;
    }
    memcpy(ret, numbers, sizeof numbers);
    return 0;
}
