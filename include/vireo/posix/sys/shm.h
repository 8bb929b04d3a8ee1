/*
 * <sys/shm.h>, which wasi-libc does not have: shared memory of the family (grant ipc). A segment
 * lies inside the function's own memory, which grows for it by whole 64 KiB; the family's memory
 * limit counts its pages. Segments go with the instance. A key that another family has made is
 * EPERM.
 */
#ifndef VIREO_POSIX_SYS_SHM_H
#define VIREO_POSIX_SYS_SHM_H

#include <stddef.h>
#include <stdlib.h>
#include <sys/ipc.h>

#include <vireo/family.h>

#define SHM_RDONLY 010000

typedef unsigned long shmatt_t;

/* What is known of a segment. */
struct shmid_ds {
    struct ipc_perm shm_perm;
    size_t shm_segsz;
    shmatt_t shm_nattch;
    pid_t shm_cpid, shm_lpid;
    time_t shm_atime, shm_dtime, shm_ctime;
};

VIREO_IMPORT(shmget) int32_t vireo_import_shmget(int32_t key, size_t bytes, int32_t flags);
VIREO_IMPORT(shmat) uint32_t vireo_import_shmat(int32_t id, const void *address, int32_t flags);
VIREO_IMPORT(shmdt) int32_t vireo_import_shmdt(const void *address);
VIREO_IMPORT(shmctl)
int32_t vireo_import_shmctl(int32_t id, int32_t command, struct shmid_ds *buffer);

static inline int shmget(key_t key, size_t bytes, int flags)
{
    return vireo_errno(vireo_import_shmget(key, bytes, flags));
}

/* Where it lies is not the caller's to choose: `address` is NULL. SHM_RDONLY is the one flag. */
static inline void *shmat(int id, const void *address, int flags)
{
    /* At its first use the C library's heap takes all memory that there is: before there is more,
     * which is not its. */
    void *volatile first = malloc(1);
    free(first);
    uint32_t at = vireo_import_shmat(id, address, flags);

    /* The last page of all can't be one's: these are errors. */
    if (at > (uint32_t)-4096) {
        errno = (int)-at;
        return (void *)-1;
    }
    return (void *)at;
}

static inline int shmdt(const void *address)
{
    return vireo_errno(vireo_import_shmdt(address));
}

/* IPC_RMID: it goes when nobody has it attached any more; IPC_STAT; IPC_SET is EPERM. */
static inline int shmctl(int id, int command, struct shmid_ds *buffer)
{
    command = command == IPC_STAT ? VIREO_IPC_STAT : command;
    return vireo_errno(vireo_import_shmctl(id, command, buffer));
}

#endif
