/*
 * Message queues, shared memory and semaphores of native code, by POSIX names. They are the
 * kernel's, of the family's own ipc namespace, as translated code has them (queue.c, shm.c), but
 * that a segment lies where the kernel puts it. What the wall's table would kill for is refused.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "guest/family.h"
#include "guest/native.h"
#include "guest/semaphore.h"
#include "guest/signals.h"
#include "guest/template.h"
#include "guest/wasm_internal.h"

key_t native_ftok(const char *path, int id);
int native_msgget(key_t key, int flags);
int native_msgsnd(int id, const void *message, size_t bytes, int flags);
ssize_t native_msgrcv(int id, void *message, size_t bytes, long type, int flags);
int native_msgctl(int id, int command, struct msqid_ds *buffer);
int native_shmget(key_t key, size_t bytes, int flags);
void *native_shmat(int id, const void *address, int flags);
int native_shmdt(const void *address);
int native_shmctl(int id, int command, struct shmid_ds *buffer);
void *native_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset);
int native_sem_init(struct guest_semaphore *semaphore, int shared, unsigned value);
int native_sem_destroy(struct guest_semaphore *semaphore);
int native_sem_post(struct guest_semaphore *semaphore);
int native_sem_trywait(struct guest_semaphore *semaphore);
int native_sem_wait(struct guest_semaphore *semaphore);
int native_sem_timedwait(struct guest_semaphore *semaphore, const struct timespec *until);
int native_sem_getvalue(struct guest_semaphore *semaphore, int *value);

/* Its host, where the family has IPC; else NULL, and *ret_error says why. */
static struct host *enter(int *ret_error)
{
    struct host *host = native_enter();

    *ret_error = host && family_with(host, GUEST_GRANT_IPC) ? 0 : -EPERM;
    return host;
}

/* As the C library's, of a path in a folder that the manifest grants. */
key_t native_ftok(const char *path, int id)
{
    struct host *host = native_enter();
    struct stat status = {0};
    int r = native_status(path, &status);

    native_leave(host, r);
    return r < 0 ? -1
                 : (key_t)((status.st_ino & 0xffff) | (status.st_dev & 0xff) << 16 |
                           ((unsigned)id & 0xff) << 24);
}

/* ---- queues ---- */

/* System call: msgget. */
int native_msgget(key_t key, int flags)
{
    int r;
    struct host *host = enter(&r);

    if (r == 0 && (flags & ~(IPC_CREAT | IPC_EXCL | 0777)))
        r = -EINVAL;
    if (r == 0)
        r = family_key_get(host->family, KIN_QUEUE, key, 0, flags);
    return (int)native_leave(host, r);
}

/* A wait that no signal of the code's ended begins again; one that did never: signal(7). */
static long call(struct host *host, long number, long a, long b, long c, long d, long e)
{
    long r;

    do
        r = signals_call(host, number, a, b, c, d, e);
    while (r == -EINTR && !signals_wait(host));
    return r;
}

/* System call: msgsnd. */
int native_msgsnd(int id, const void *message, size_t bytes, int flags)
{
    int r;
    struct host *host = enter(&r);

    if (r == 0)
        r = (int)call(host, SYS_msgsnd, id, (long)message, (long)bytes, flags, 0);
    return (int)native_leave(host, r);
}

/* System call: msgrcv. */
ssize_t native_msgrcv(int id, void *message, size_t bytes, long type, int flags)
{
    int r;
    struct host *host = enter(&r);

    return native_leave(
        host, r < 0 ? r : call(host, SYS_msgrcv, id, (long)message, (long)bytes, type, flags));
}

/* What the table allows of msgctl() and shmctl(): to remove, and to ask. */
static int check_command(int command)
{
    return command == IPC_RMID || command == IPC_STAT ? 0 : command == IPC_SET ? -EPERM : -EINVAL;
}

/* System call: msgctl. */
int native_msgctl(int id, int command, struct msqid_ds *buffer)
{
    int r;
    struct host *host = enter(&r);

    if (r == 0)
        r = check_command(command);
    if (r == 0 && command == IPC_RMID)
        r = family_key_remove(host->family, KIN_QUEUE, id);
    else if (r == 0)
        r = msgctl(id, command, buffer) < 0 ? -errno : 0;
    return (int)native_leave(host, r);
}

/* ---- shared memory ---- */

/* System call: shmget. */
int native_shmget(key_t key, size_t bytes, int flags)
{
    int r;
    struct host *host = enter(&r);

    /* Its pages are counted when they are touched: what could never be is not promised. */
    if (r == 0 && ((flags & ~(IPC_CREAT | IPC_EXCL | 0777)) ||
                   bytes > (uint64_t)host->memory_pages_max * WASM_PAGE_BYTES))
        r = -EINVAL;
    if (r == 0)
        r = family_key_get(host->family, KIN_MEMORY, key, bytes, flags);
    return (int)native_leave(host, r);
}

/* Where it lies is the kernel's to say; SHM_RDONLY is the one flag. System call: shmat. */
void *native_shmat(int id, const void *address, int flags)
{
    int r;
    struct host *host = enter(&r);
    void *at = (void *)-1;

    if (r == 0 && (address || (flags & ~SHM_RDONLY)))
        r = -EINVAL;
    if (r == 0) {
        at = shmat(id, NULL, flags);
        r = at == (void *)-1 ? -errno : 0;
    }
    native_leave(host, r);
    return at;
}

/* System call: shmdt. */
int native_shmdt(const void *address)
{
    int r;
    struct host *host = enter(&r);

    if (r == 0)
        r = shmdt(address) < 0 ? -errno : 0;
    return (int)native_leave(host, r);
}

/* System call: shmctl. */
int native_shmctl(int id, int command, struct shmid_ds *buffer)
{
    int r;
    struct host *host = enter(&r);

    if (r == 0)
        r = check_command(command);
    if (r == 0 && command == IPC_RMID)
        r = family_key_remove(host->family, KIN_MEMORY, id);
    else if (r == 0)
        r = shmctl(id, command, buffer) < 0 ? -errno : 0;
    return (int)native_leave(host, r);
}

/* Memory that no file is behind, where the kernel likes; shared with children if that is asked for.
 * System call: mmap. */
void *native_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    const int kind = flags & ~(MAP_NORESERVE | MAP_POPULATE | MAP_STACK);

    (void)address;
    (void)offset;
    if (!(flags & MAP_ANONYMOUS))
        errno = fd < 0 ? EBADF : ENODEV;
    else if (kind != (MAP_SHARED | MAP_ANONYMOUS) && kind != (MAP_PRIVATE | MAP_ANONYMOUS))
        errno = EINVAL;
    else if (protection & ~(PROT_READ | PROT_WRITE))
        errno = EACCES;
    else
        return mmap(NULL, bytes, protection, kind, -1, 0);
    return MAP_FAILED;
}

/* ---- semaphores without a name ---- */

static int on_semaphore(struct guest_semaphore *semaphore, enum semaphore_what what,
                        uint64_t until_ns)
{
    struct host *host = native_enter();
    int error = EPERM;

    if (host)
        do
            error = semaphore_do(host, semaphore, what, until_ns);
        while (signals_after(host, error == EINTR));
    return (int)native_leave(host, -error);
}

int native_sem_init(struct guest_semaphore *semaphore, int shared, unsigned value)
{
    (void)shared;
    if (value > INT_MAX) {
        errno = EINVAL;
        return -1;
    }
    atomic_init(&semaphore->value, value);
    atomic_init(&semaphore->waiters, 0);
    return 0;
}

int native_sem_destroy(struct guest_semaphore *semaphore)
{
    (void)semaphore;
    return 0;
}

int native_sem_post(struct guest_semaphore *semaphore)
{
    return on_semaphore(semaphore, SEMAPHORE_POST, 0);
}

int native_sem_trywait(struct guest_semaphore *semaphore)
{
    return on_semaphore(semaphore, SEMAPHORE_TRY, 0);
}

int native_sem_wait(struct guest_semaphore *semaphore)
{
    return on_semaphore(semaphore, SEMAPHORE_WAIT, UINT64_MAX);
}

int native_sem_timedwait(struct guest_semaphore *semaphore, const struct timespec *until)
{
    if (native_sem_trywait(semaphore) == 0)
        return 0;
    if (until->tv_nsec < 0 || until->tv_nsec >= 1000000000) {
        errno = EINVAL;
        return -1;
    }
    return on_semaphore(
        semaphore, SEMAPHORE_WAIT,
        until->tv_sec < 0 ? 0 : (uint64_t)until->tv_sec * 1000000000 + (uint64_t)until->tv_nsec);
}

int native_sem_getvalue(struct guest_semaphore *semaphore, int *value)
{
    *value = (int)atomic_load(&semaphore->value);
    return 0;
}
