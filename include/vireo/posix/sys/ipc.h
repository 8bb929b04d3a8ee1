/* <sys/ipc.h>, which wasi-libc does not have, as far as <sys/msg.h> and <sys/shm.h> need it. */
#ifndef VIREO_POSIX_SYS_IPC_H
#define VIREO_POSIX_SYS_IPC_H

#include <sys/stat.h>
#include <sys/types.h>

typedef int key_t;

#define IPC_CREAT 01000
#define IPC_EXCL 02000
#define IPC_NOWAIT 04000
#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_PRIVATE ((key_t)0)

/* Users are not known in a family: all of it is one. */
struct ipc_perm {
    key_t __key;
    uid_t uid, gid, cuid, cgid;
    mode_t mode;
};
/* What the import writes is the whole structure: IPC_STAT of module "vireo" is some numbers. */
#define VIREO_IPC_STAT 18

static inline key_t ftok(const char *path, int id)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return -1;
    return (key_t)((status.st_ino & 0xffff) | (status.st_dev & 0xff) << 16 |
                   ((unsigned)id & 0xff) << 24);
}

#endif
