/* Files of procfs, and nothing that an image or a mount has in their place. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "oci/init/init.h"

#define PROC_ROOT_INODE 1 /* of each procfs: fs/proc/root.c */

/*
 * What joined a container has the container's /proc, which may be a plain directory: a label that
 * is written to a file of the image confines nobody (CVE-2019-16884).
 */
int proc_open(const char *path, uint64_t flags)
{
    struct statfs kind;
    struct stat root;

    _cleanup_(closep) int proc =
        openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (proc < 0 || fstatfs(proc, &kind) < 0 || fstat(proc, &root) < 0)
        return -errno;
    if (kind.f_type != PROC_SUPER_MAGIC || root.st_ino != PROC_ROOT_INODE)
        return -EXDEV;
    return fd_open_resolve(proc, path, flags,
                           RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
}
