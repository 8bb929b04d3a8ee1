/*
 * <semaphore.h>: counting semaphores of a family (grant ipc), in shared memory or with a name, and
 * of one process alone. As on Linux, what is named lies in shared memory: its key is a hash of the
 * name, it goes with the instance, and each sem_open() takes 64 KiB of the function's memory.
 */
#ifndef VIREO_POSIX_SEMAPHORE_H
#define VIREO_POSIX_SEMAPHORE_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>

#include <vireo/family.h>

/* How many may pass, and how many wait: the host's to read and write. */
typedef struct {
    uint32_t value, waiters;
} sem_t;
#define SEM_FAILED ((sem_t *)0)

/* What is done: 0 posts, 1 takes one if there is one, 2 waits until a time of the real clock in
 * nanoseconds, UINT64_MAX: for ever. */
VIREO_IMPORT(semaphore)
int32_t vireo_import_semaphore(sem_t *semaphore, int32_t what, uint64_t until_ns);

static inline int sem_init(sem_t *semaphore, int shared, unsigned value)
{
    (void)shared;
    if (value > SEM_VALUE_MAX) {
        errno = EINVAL;
        return -1;
    }
    *semaphore = (sem_t){value, 0};
    return 0;
}

static inline int sem_destroy(sem_t *semaphore)
{
    (void)semaphore;
    return 0;
}

static inline int sem_post(sem_t *semaphore)
{
    return vireo_errno(vireo_import_semaphore(semaphore, 0, 0));
}

static inline int sem_trywait(sem_t *semaphore)
{
    return vireo_errno(vireo_import_semaphore(semaphore, 1, 0));
}

static inline int sem_wait(sem_t *semaphore)
{
    return vireo_errno(vireo_import_semaphore(semaphore, 2, UINT64_MAX));
}

static inline int sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    if (sem_trywait(semaphore) == 0)
        return 0;
    if (until->tv_nsec < 0 || until->tv_nsec >= 1000000000) {
        errno = EINVAL;
        return -1;
    }
    uint64_t ns =
        until->tv_sec < 0 ? 0 : (uint64_t)until->tv_sec * 1000000000 + (uint64_t)until->tv_nsec;
    return vireo_errno(vireo_import_semaphore(semaphore, 2, ns));
}

static inline int sem_getvalue(sem_t *semaphore, int *value)
{
    *value = (int)*(volatile uint32_t *)&semaphore->value;
    return 0;
}

/* In a segment of its own. */
struct vireo_named_semaphore {
    sem_t semaphore;
    volatile uint32_t made;
    char name[NAME_MAX + 1];
};

/* The name without its slash, and its key. NULL and an errno: it is none. */
static inline const char *vireo_semaphore_name(const char *name, key_t *ret_key)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    while (*name == '/')
        name++;
    if (!*name || strchr(name, '/') || strlen(name) > NAME_MAX - 4) {
        errno = *name && !strchr(name, '/') ? ENAMETOOLONG : EINVAL;
        return (void *)0;
    }
    for (const char *at = name; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    *ret_key = (key_t)(hash | 0x40000000u);
    return name;
}

/* Another name may have the same key, and who makes it may have died meanwhile: EAGAIN. */
static inline sem_t *vireo_semaphore_attach(int id, const char *name, int make, unsigned value)
{
    struct vireo_named_semaphore *named = (struct vireo_named_semaphore *)shmat(id, (void *)0, 0);

    if (named == (void *)-1)
        return SEM_FAILED;
    if (make) {
        sem_init(&named->semaphore, 1, value);
        strcpy(named->name, name);
        named->made = 1;
    }
    for (int i = 0; i < 1000 && !named->made; i++)
        nanosleep(&(struct timespec){0, 1000000}, (void *)0);
    if (named->made && strcmp(named->name, name) == 0)
        return &named->semaphore;
    shmdt(named);
    errno = EAGAIN;
    return SEM_FAILED;
}

/* With O_CREAT a mode, which has no meaning inside a family, and the first value. */
static inline sem_t *sem_open(const char *name, int flags, ...)
{
    unsigned value = 0;
    key_t key;

    if (flags & O_CREAT) {
        va_list list;
        va_start(list, flags);
        (void)va_arg(list, int);
        value = va_arg(list, unsigned);
        va_end(list);
    }
    name = vireo_semaphore_name(name, &key);
    if (!name || value > SEM_VALUE_MAX) {
        errno = name ? EINVAL : errno;
        return SEM_FAILED;
    }
    for (int i = 0; i < 100; i++) {
        int id = flags & O_CREAT ? shmget(key, sizeof(struct vireo_named_semaphore),
                                          IPC_CREAT | IPC_EXCL | 0600)
                                 : -1;
        if (id >= 0)
            return vireo_semaphore_attach(id, name, 1, value);
        if ((flags & O_CREAT) && (errno != EEXIST || (flags & O_EXCL)))
            return SEM_FAILED;
        id = shmget(key, 0, 0);
        if (id >= 0)
            return vireo_semaphore_attach(id, name, 0, 0);
        /* Unlinked since. */
        if (errno != ENOENT || !(flags & O_CREAT))
            return SEM_FAILED;
    }
    errno = EAGAIN;
    return SEM_FAILED;
}

static inline int sem_close(sem_t *semaphore)
{
    return shmdt(semaphore);
}

static inline int sem_unlink(const char *name)
{
    key_t key;

    if (!vireo_semaphore_name(name, &key))
        return -1;
    int id = shmget(key, 0, 0);
    return id < 0 ? -1 : shmctl(id, IPC_RMID, (void *)0);
}

#endif
