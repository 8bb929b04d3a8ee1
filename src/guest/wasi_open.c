/* path_open(): from a path and wishes to a descriptor with rights. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "guest/wasi_internal.h"

/*
 * Rights that come unasked, if the directory may give them: programs written against run times
 * that know no rights but reading and writing ask for nothing else. What a program wants to give
 * up it gives up with fd_fdstat_set_rights().
 */
#define IMPLIED                                                                         \
    (WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_SEEK | \
     WASI_RIGHT_FD_TELL | WASI_RIGHT_FD_ADVISE | WASI_RIGHT_POLL_FD_READWRITE)
#define IMPLIED_BY_WRITE                                                    \
    (WASI_RIGHT_FD_DATASYNC | WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_ALLOCATE | \
     WASI_RIGHT_FD_FILESTAT_SET_SIZE | WASI_RIGHT_FD_FILESTAT_SET_TIMES)
/* Without a descriptor that can write these can't work. */
#define NEED_WRITE (WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE)

static uint64_t rights_of(uint8_t filetype, uint64_t wanted, uint64_t allowed)
{
    if (filetype == WASI_FILETYPE_DIRECTORY)
        return wanted & allowed & WASI_DIRECTORY_RIGHTS;
    if (wanted & WASI_RIGHT_FD_WRITE)
        wanted |= IMPLIED_BY_WRITE;
    else
        wanted &= ~NEED_WRITE;
    return (wanted | IMPLIED) & allowed & WASI_FILE_RIGHTS;
}

/* Which access the descriptor has follows from FD_READ and FD_WRITE alone. */
static int open_flags(uint32_t lookup, uint32_t oflags, uint64_t base, uint32_t fdflags)
{
    int flags = wasi_open_flags_from(fdflags);

    if (base & WASI_RIGHT_FD_WRITE)
        flags |= base & WASI_RIGHT_FD_READ ? O_RDWR : O_WRONLY;
    if (!(lookup & WASI_LOOKUP_SYMLINK_FOLLOW))
        flags |= O_NOFOLLOW;
    if (oflags & WASI_OFLAG_CREAT)
        flags |= O_CREAT;
    if (oflags & WASI_OFLAG_DIRECTORY)
        flags |= O_DIRECTORY;
    if (oflags & WASI_OFLAG_EXCL)
        flags |= O_EXCL;
    if (oflags & WASI_OFLAG_TRUNC)
        flags |= O_TRUNC;
    return flags;
}

/* The directory, if it may give what is asked of it. */
static enum wasi_errno check(struct host *host, uint32_t fd, uint32_t oflags, uint64_t base,
                             struct wasi_fd **ret_directory)
{
    const uint64_t access = WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE;
    uint64_t needed = WASI_RIGHT_PATH_OPEN;

    if (oflags & WASI_OFLAG_CREAT)
        needed |= WASI_RIGHT_PATH_CREATE_FILE;
    if (oflags & WASI_OFLAG_TRUNC)
        needed |= WASI_RIGHT_PATH_FILESTAT_SET_SIZE;
    enum wasi_errno error = wasi_fd_get_directory(host, fd, needed, ret_directory);
    if (error)
        return error;
    /* Other rights that can't be inherited are left out, as for a file that has no use for them. */
    return base & access & ~(*ret_directory)->inheriting ? WASI_ENOTCAPABLE : WASI_SUCCESS;
}

/* System calls: openat2, fstat, close. */
uint32_t WASI(path_open)(struct host *host, uint32_t fd, uint32_t lookup, uint32_t path,
                         uint32_t path_bytes, uint32_t oflags, uint64_t base, uint64_t inheriting,
                         uint32_t fdflags, uint32_t ret_fd)
{
    const uint32_t makes = WASI_OFLAG_CREAT | WASI_OFLAG_EXCL | WASI_OFLAG_TRUNC;
    struct wasi *wasi = host->wasi;
    void *ret = host_memory(host, ret_fd, 4);
    struct wasi_fd *directory;
    uint32_t number;
    struct stat st;

    if ((lookup & ~WASI_LOOKUP_SYMLINK_FOLLOW) || (oflags & ~WASI_OFLAGS_ALL) ||
        (fdflags & ~WASI_FDFLAGS_ALL))
        return WASI_EINVAL;
    if ((oflags & WASI_OFLAG_DIRECTORY) && (oflags & makes))
        return WASI_EINVAL;
    enum wasi_errno error = check(host, fd, oflags, base, &directory);
    if (error)
        return error;
    if (!ret)
        return WASI_EFAULT;
    error = wasi_path_copy(host, path, path_bytes, wasi->path[0]);
    if (error)
        return error;
    error = wasi_fd_reserve(wasi, &number);
    if (error)
        return error;

    _cleanup_(closep) int opened = wasi_open_beneath(
        directory->fd, wasi->path[0], open_flags(lookup, oflags, base, fdflags), 0666);
    if (opened < 0)
        return wasi_errno_from(opened);
    if (fstat(opened, &st) < 0)
        return wasi_errno_from(errno);

    uint8_t filetype = (uint8_t)wasi_filetype_from(st.st_mode);
    bool is_directory = filetype == WASI_FILETYPE_DIRECTORY;
    wasi_fd_install(wasi, number,
                    &(struct wasi_fd){
                        .kind = is_directory ? WASI_DIRECTORY : WASI_FILE,
                        .filetype = filetype,
                        .flags = is_directory ? 0 : (uint16_t)fdflags,
                        .owned = true,
                        .fd = steal_fd(&opened),
                        .list_fd = -1,
                        .base = rights_of(filetype, base, directory->inheriting),
                        .inheriting = inheriting & directory->inheriting,
                    });
    memcpy(ret, &number, 4);
    return WASI_SUCCESS;
}
