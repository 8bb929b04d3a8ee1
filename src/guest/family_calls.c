/*
 * What a family's code asks for: forks, waits, signals, pipes, keys. Each is there twice, once for
 * any code of a pVM (family_*: -errno) and as module "vireo" for sources by the headers of
 * include/vireo/posix (Z_vireoZ_*: a WASI errno as a negative number). native_family.c has those of
 * native code.
 *
 * A fork copies all that code is: its stack, its memory (copy-on-write), the GS base and the signal
 * stack. So a child goes on where the call returns. Its canary is its parent's: it returns through
 * frames that have it, and the two are of one tenant.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest/call.h"
#include "guest/family.h"
#include "guest/signals.h"
#include "guest/template.h"
#include "guest/wasi_internal.h"

#define VIREO(name) Z_vireoZ_##name

uint32_t VIREO(fork)(struct host *host);
uint32_t VIREO(wait)(struct host *host, uint32_t ret_status);
uint32_t VIREO(waitpid)(struct host *host, uint32_t pid, uint32_t ret_status, uint32_t options);
uint32_t VIREO(kill)(struct host *host, uint32_t pid, uint32_t signal);
uint32_t VIREO(getpid)(struct host *host);
uint32_t VIREO(getppid)(struct host *host);
uint32_t VIREO(pipe)(struct host *host, uint32_t ret_fds);

#define REFUSED_NS 10000000
/* How often a wait looks that no signal may end. */
#define WAIT_LOOK_NS 20000000

/* ---- for any code ---- */

struct family *family_with(const struct host *host, uint32_t grant)
{
    return host->family && (host->family->grants & grant) ? host->family : NULL;
}

static int get(enum kin_key_kind kind, int key, size_t bytes, int flags)
{
    int id = kind == KIN_QUEUE ? msgget(key, flags) : shmget(key, bytes, flags);

    return id < 0 ? -errno : id;
}

static int remove_by_id(enum kin_key_kind kind, int id)
{
    int r = kind == KIN_QUEUE ? msgctl(id, IPC_RMID, NULL) : shmctl(id, IPC_RMID, NULL);

    return r < 0 ? -errno : 0;
}

/* IPC_PRIVATE, too, of one that has gone, and of what nobody may read. */
static int key_of(enum kin_key_kind kind, int id)
{
    struct msqid_ds queue;
    struct shmid_ds segment;
    int r = kind == KIN_QUEUE ? msgctl(id, IPC_STAT, &queue) : shmctl(id, IPC_STAT, &segment);

    if (r < 0)
        return IPC_PRIVATE;
    return kind == KIN_QUEUE ? queue.msg_perm.__key : segment.shm_perm.__key;
}

/*
 * IPC_EXCL's way. The supervisor knows of it before it is there: who is killed in between leaves
 * a key that is looked for, not one that nobody knows. -EEXIST: another member was quicker.
 */
static int make(const struct family *family, struct kin_message *message, size_t bytes, int flags)
{
    if (family->kin >= 0) {
        message->type = KIN_KEY_WANTED;
        int error = kin_ask(family, message);
        if (error)
            return error == ENOSPC ? -ENOSPC : -EAGAIN;
    }
    int id = get(message->kind, message->key, bytes, flags | IPC_EXCL);
    message->type = KIN_KEY_MADE;
    message->value = id < 0 ? -1 : id;
    if (id != -EEXIST)
        kin_tell(family, message);
    return id;
}

int family_key_get(struct family *family, enum kin_key_kind kind, int key, size_t bytes, int flags)
{
    struct kin_message message = {.type = KIN_KEY_SOUGHT, .kind = kind, .key = key};
    const bool creates = flags & IPC_CREAT, alone = creates && (flags & IPC_EXCL);
    int id;

    if (key == IPC_PRIVATE)
        return get(kind, key, bytes, flags);
    /* One that is there may be removed before it is asked for: then it is made. */
    do {
        id = get(kind, key, bytes, flags & ~(IPC_CREAT | IPC_EXCL));
        if (alone && id != -ENOENT)
            return -EEXIST;
        if (creates && id == -ENOENT)
            id = make(family, &message, bytes, flags);
    } while (id == -EEXIST && !alone);
    if (creates || id != -ENOENT || family->kin < 0)
        return id;
    int error = kin_ask(family, &message);
    return error == 0 ? -ENOENT : error == EPERM ? -EPERM : -EAGAIN;
}

int family_key_remove(struct family *family, enum kin_key_kind kind, int id)
{
    const struct kin_message gone = {
        .type = KIN_KEY_REMOVED, .kind = kind, .key = key_of(kind, id), .value = id};
    int r = remove_by_id(kind, id);

    /* With its id, which no other that is made with the same key meanwhile has. */
    if (r == 0 && gone.key != IPC_PRIVATE)
        kin_tell(family, &gone);
    return r;
}

struct guest_ipc family_ipc(const struct ipc_perm *known)
{
    return (struct guest_ipc){known->__key, known->uid,  known->gid,
                              known->cuid,  known->cgid, known->mode & 0777};
}

/* Noted where the call's end, or the supervisor, finds it. System calls: write, clock_nanosleep. */
static int fork_refused(struct host *host, bool by_depth)
{
    struct family *family = host->family;

    kin_say(family, &(struct kin_message){.type = KIN_FORK_REFUSED, .kind = by_depth});
    if (!by_depth) {
        family_note_refused(family);
        /* Now: it may never come to an answer. */
        if (host->call)
            call_flag(host->call, CHANNEL_PIDS_REFUSED);
    }
    /* The kernel frees what a refused fork took some time later: a loop of them would reach the
     * family's memory limit instead. */
    clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, REFUSED_NS}, NULL);
    return -EAGAIN;
}

pid_t family_fork(struct host *host)
{
    struct family *family = family_with(host, GUEST_GRANT_FORK);

    if (!family)
        return -EPERM;
    if (family->generation >= family->depth_max)
        return fork_refused(host, true);
    /* What the child may still read of the call must not lie in the channel. */
    if (host->call && call_keep_body(host->call) < 0)
        return -ENOMEM;
    long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    if (pid == 0) {
        signals_forget(host);
        family_become_child(host);
    }
    if (pid >= 0)
        return (pid_t)pid;
    return errno == EAGAIN ? fork_refused(host, false) : -errno;
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

static pid_t wait_once(struct host *host, pid_t pid, int *status, int options)
{
    struct family *family = host->family;
    pid_t ended;

    if (!options && family->log[0] >= 0 && host->call) {
        ended = wait_draining(host, pid, status);
    } else {
        do
            ended = (pid_t)signals_call(host, SYS_wait4, pid, (long)status, options, 0, 0);
        while (ended == -EINTR && !signals_wait(host));
    }
    /* What a child wrote before it ended is in the log before what its parent writes now. */
    if (host->call)
        family_drain(family, host->call);
    return ended;
}

pid_t family_wait(struct host *host, pid_t pid, int *ret_status, int options)
{
    int status = 0;
    pid_t ended;

    if (!family_with(host, GUEST_GRANT_FORK))
        return -EPERM;
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED))
        return -EINVAL;
    do
        ended = wait_once(host, pid, &status, options);
    while (signals_after(host, ended == -EINTR));
    if (ended > 0)
        *ret_status = status;
    return ended;
}

int family_kill(struct host *host, pid_t pid, int signal)
{
    if (!family_with(host, GUEST_GRANT_FORK))
        return -EPERM;
    if (signal < 0 || signal > (int)SIGNALS_MAX)
        return -EINVAL;
    int r = kill(pid, signal) < 0 ? -errno : 0;
    signals_after(host, false);
    return r;
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

int family_pipe(struct host *host, uint32_t ret_numbers[static 2])
{
    uint32_t numbers[2];
    int fds[2];

    if (!family_with(host, GUEST_GRANT_IPC))
        return -EPERM;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    if (install_end(host->wasi, fds[0], WASI_RIGHT_FD_READ, &numbers[0])) {
        close(fds[0]);
        close(fds[1]);
        return -EMFILE;
    }
    if (install_end(host->wasi, fds[1], WASI_RIGHT_FD_WRITE, &numbers[1])) {
        wasi_fd_release(host->wasi, numbers[0]);
        close(fds[1]);
        return -EMFILE;
    }
    memcpy(ret_numbers, numbers, sizeof numbers);
    return 0;
}

/* ---- for translated code ---- */

static uint32_t refuse(int error)
{
    return (uint32_t) - (int)wasi_errno_from(error);
}

/* A number, or -errno. */
static uint32_t told(int result)
{
    return result < 0 ? refuse(-result) : (uint32_t)result;
}

/* System calls: clone; those of fork_refused(). */
uint32_t VIREO(fork)(struct host *host)
{
    return told(family_fork(host));
}

/* System calls: wait4; ppoll and read in a root with a channel. */
uint32_t VIREO(waitpid)(struct host *host, uint32_t pid, uint32_t ret_status, uint32_t options)
{
    void *ret = host_memory(host, ret_status, 4);
    int status = 0;

    if (ret_status && !ret)
        return refuse(family_with(host, GUEST_GRANT_FORK) ? EFAULT : EPERM);
    pid_t ended = family_wait(host, (pid_t)pid, &status, (int)options);
    /* A handler may have made the memory grow, but it lies where it lay. */
    if (ended > 0 && ret_status)
        memcpy(ret, &status, 4);
    return told(ended);
}

uint32_t VIREO(wait)(struct host *host, uint32_t ret_status)
{
    return VIREO(waitpid)(host, (uint32_t)-1, ret_status, 0);
}

/* System call: kill. Whom it may reach, the pid namespace says. */
uint32_t VIREO(kill)(struct host *host, uint32_t pid, uint32_t signal)
{
    return told(family_kill(host, (pid_t)pid, signal > SIGNALS_MAX ? -1 : (int)signal));
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

/* System calls: pipe2, close. */
uint32_t VIREO(pipe)(struct host *host, uint32_t ret_fds)
{
    void *ret = host_memory(host, ret_fds, 8);
    uint32_t numbers[2];

    if (!ret)
        return refuse(family_with(host, GUEST_GRANT_IPC) ? EFAULT : EPERM);
    int r = family_pipe(host, numbers);
    if (r == 0)
        memcpy(ret, numbers, sizeof numbers);
    return told(r);
}
