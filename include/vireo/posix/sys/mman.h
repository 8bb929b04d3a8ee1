/*
 * <sys/mman.h>: memory that a parent and its children share (MAP_SHARED | MAP_ANONYMOUS, of the
 * grant ipc), and such as is one's own (MAP_PRIVATE | MAP_ANONYMOUS). Files are not mapped, and
 * memory has no rights of its own.
 */
#ifndef VIREO_POSIX_SYS_MMAN_H
#define VIREO_POSIX_SYS_MMAN_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 0x20
#define MAP_ANON MAP_ANONYMOUS
#define MAP_NORESERVE 0x4000
#define MAP_POPULATE 0x8000
#define MAP_FAILED ((void *)-1)

#define VIREO_MAP_PAGE 4096u
#define VIREO_MAP_MAGIC 0x70616d6f65726976ull

/* In front of private memory. */
struct vireo_mapping {
    uint64_t magic;
    size_t bytes;
};

static inline void *vireo_map_private(size_t bytes)
{
    char *room = bytes < SIZE_MAX - 2 * VIREO_MAP_PAGE
                     ? (char *)aligned_alloc(VIREO_MAP_PAGE, (bytes + 2 * VIREO_MAP_PAGE - 1) &
                                                                 ~(size_t)(VIREO_MAP_PAGE - 1))
                     : NULL;

    if (!room) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    char *memory = room + VIREO_MAP_PAGE;
    ((struct vireo_mapping *)memory)[-1] = (struct vireo_mapping){VIREO_MAP_MAGIC, bytes};
    return memset(memory, 0, bytes);
}

/* A segment that has no key and goes with the last that has it. */
static inline void *vireo_map_shared(size_t bytes)
{
    int id = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
    void *memory = id < 0 ? MAP_FAILED : shmat(id, NULL, 0);

    if (id >= 0) {
        int error = errno;
        shmctl(id, IPC_RMID, NULL);
        errno = error;
    }
    return memory;
}

/* `address` is a wish that is not granted. */
static inline void *mmap(void *address, size_t bytes, int protection, int flags, int fd,
                         off_t offset)
{
    int kind = flags & ~(MAP_NORESERVE | MAP_POPULATE);

    (void)address;
    (void)offset;
    if (!(flags & MAP_ANONYMOUS)) {
        errno = fd < 0 ? EBADF : ENODEV;
        return MAP_FAILED;
    }
    if (bytes == 0 || protection != (PROT_READ | PROT_WRITE) ||
        (kind != (MAP_SHARED | MAP_ANONYMOUS) && kind != (MAP_PRIVATE | MAP_ANONYMOUS))) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    return flags & MAP_SHARED ? vireo_map_shared(bytes) : vireo_map_private(bytes);
}

/* Of a whole mapping. */
static inline int munmap(void *address, size_t bytes)
{
    uintptr_t at = (uintptr_t)address;

    if (at < 2 * VIREO_MAP_PAGE || at % VIREO_MAP_PAGE || bytes == 0) {
        errno = EINVAL;
        return -1;
    }
    if (shmdt(address) == 0)
        return 0;
    struct vireo_mapping *mapping = (struct vireo_mapping *)address - 1;
    if (mapping->magic != VIREO_MAP_MAGIC || (mapping->bytes ^ bytes) >= VIREO_MAP_PAGE) {
        errno = EINVAL;
        return -1;
    }
    mapping->magic = 0;
    free((char *)address - VIREO_MAP_PAGE);
    return 0;
}

#endif
