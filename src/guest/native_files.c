/*
 * Files of native code by POSIX names: those of the layer io (native_io.c), below the folders that
 * the manifest grants, with errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/native.h"
#include "guest/native_posix.h"
#include "guest/wasi_internal.h"
#include "vireo/io_native.h"

static uint32_t length(const char *path)
{
    return (uint32_t)strnlen(path, WASI_PATH_MAX);
}

/* A number, or -1 with errno. */
static int answer(int32_t result)
{
    struct host *host = native_enter();

    return (int)native_leave(host, result);
}

/* New files have the mode 0666 whatever is asked for, without what the umask takes. */
int native_open(const char *path, int flags, ...)
{
    return answer(vireo_import_open(path, length(path), (uint32_t)flags));
}

int native_creat(const char *path, mode_t mode)
{
    (void)mode;
    return native_open(path, O_WRONLY | O_CREAT | O_TRUNC);
}

int native_unlink(const char *path)
{
    return answer(vireo_import_unlink(path, length(path)));
}

int native_mkdir(const char *path, mode_t mode)
{
    (void)mode;
    return answer(vireo_import_mkdir(path, length(path)));
}

int native_rmdir(const char *path)
{
    return answer(vireo_import_rmdir(path, length(path)));
}

int native_remove(const char *path)
{
    int r = vireo_import_unlink(path, length(path));

    return answer(r == -EISDIR ? vireo_import_rmdir(path, length(path)) : r);
}

int native_rename(const char *from, const char *to)
{
    return answer(vireo_import_rename(from, length(from), to, length(to)));
}

int native_stat(const char *path, struct stat *status)
{
    return answer(native_status(path, status));
}

int native_ftruncate(int fd, off_t bytes)
{
    return answer(vireo_import_ftruncate(fd, bytes));
}

int native_fsync(int fd)
{
    return answer(vireo_import_fsync(fd));
}

/* Only `vireo run` has a terminal. */
int native_isatty(int fd)
{
    struct stat status;

    if (native_fstat(fd, &status) < 0)
        return 0;
    if (S_ISCHR(status.st_mode))
        return 1;
    errno = ENOTTY;
    return 0;
}
