/* What the kernel says of a file, in WASI's words, and the other way round for times. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest/wasi_internal.h"

#define NS_PER_SECOND UINT64_C(1000000000)

enum wasi_filetype wasi_filetype_from(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return WASI_FILETYPE_REGULAR_FILE;
    case S_IFDIR:
        return WASI_FILETYPE_DIRECTORY;
    case S_IFLNK:
        return WASI_FILETYPE_SYMBOLIC_LINK;
    case S_IFCHR:
        return WASI_FILETYPE_CHARACTER_DEVICE;
    case S_IFBLK:
        return WASI_FILETYPE_BLOCK_DEVICE;
    case S_IFSOCK:
        return WASI_FILETYPE_SOCKET_STREAM;
    default: /* WASI has no pipes */
        return WASI_FILETYPE_UNKNOWN;
    }
}

/* A time before 1970 has no place in WASI's unsigned one. */
static uint64_t time_from(const struct timespec *time)
{
    return time->tv_sec < 0 ? 0 : (uint64_t)time->tv_sec * NS_PER_SECOND + (uint64_t)time->tv_nsec;
}

void wasi_filestat_from(const struct stat *st, struct wasi_filestat *ret_filestat)
{
    *ret_filestat = (struct wasi_filestat){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .filetype = (uint8_t)wasi_filetype_from(st->st_mode),
        .nlink = st->st_nlink,
        .size = (uint64_t)st->st_size,
        .atim = time_from(&st->st_atim),
        .mtim = time_from(&st->st_mtim),
        .ctim = time_from(&st->st_ctim),
    };
}

static struct timespec one_time(uint64_t ns, bool set, bool now)
{
    if (now)
        return (struct timespec){.tv_nsec = UTIME_NOW};
    if (!set)
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    return (struct timespec){(time_t)(ns / NS_PER_SECOND), (long)(ns % NS_PER_SECOND)};
}

enum wasi_errno wasi_times_from(uint64_t atim, uint64_t mtim, uint32_t flags,
                                struct timespec ret_times[2])
{
    const uint32_t both_atim = WASI_FST_ATIM | WASI_FST_ATIM_NOW;
    const uint32_t both_mtim = WASI_FST_MTIM | WASI_FST_MTIM_NOW;

    if ((flags & ~WASI_FST_ALL) || (flags & both_atim) == both_atim ||
        (flags & both_mtim) == both_mtim)
        return WASI_EINVAL;
    ret_times[0] = one_time(atim, flags & WASI_FST_ATIM, flags & WASI_FST_ATIM_NOW);
    ret_times[1] = one_time(mtim, flags & WASI_FST_MTIM, flags & WASI_FST_MTIM_NOW);
    return WASI_SUCCESS;
}

/*
 * The system call itself, since a null path (futimens) refuses O_PATH descriptors and a libc may
 * refuse an empty one. AT_EMPTY_PATH is known to it since Linux 5.8. System call: utimensat.
 */
int wasi_set_times(int fd, const struct timespec times[2])
{
    return syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int wasi_open_flags_from(uint32_t fdflags)
{
    int flags = 0;

    if (fdflags & WASI_FDFLAG_APPEND)
        flags |= O_APPEND;
    if (fdflags & WASI_FDFLAG_NONBLOCK)
        flags |= O_NONBLOCK;
    if (fdflags & WASI_FDFLAG_DSYNC)
        flags |= O_DSYNC;
    if (fdflags & (WASI_FDFLAG_SYNC | WASI_FDFLAG_RSYNC))
        flags |= O_SYNC; /* Linux has no O_RSYNC of its own */
    return flags;
}
