/* What the files of WASI share: the descriptor table, errno, paths. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/limits.h"
#include "guest/host.h"
#include "guest/wasi.h"
#include "guest/wasi_functions.h"
#include "guest/wasi_types.h"

#define WASI_FDS_MAX 1024 /* descriptors open at once, preopens and stdio among them */
#define WASI_DIRECTORIES_MAX 64
#define WASI_IOVECS_MAX 1024 /* buffers that one call moves; more is a short read or write */
#define WASI_PATH_MAX 4096   /* bytes of a path, its NUL included, as the kernel's PATH_MAX */

/* What a file can have, whoever opens it. */
#define WASI_FILE_RIGHTS                                                        \
    (WASI_RIGHT_FD_DATASYNC | WASI_RIGHT_FD_READ | WASI_RIGHT_FD_SEEK |         \
     WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_TELL | \
     WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ADVISE | WASI_RIGHT_FD_ALLOCATE |      \
     WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_FD_FILESTAT_SET_SIZE |             \
     WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_POLL_FD_READWRITE)

/* What a directory can have. */
#define WASI_DIRECTORY_RIGHTS                                                                  \
    (WASI_RIGHT_PATH_CREATE_DIRECTORY | WASI_RIGHT_PATH_CREATE_FILE |                          \
     WASI_RIGHT_PATH_LINK_SOURCE | WASI_RIGHT_PATH_LINK_TARGET | WASI_RIGHT_PATH_OPEN |        \
     WASI_RIGHT_FD_READDIR | WASI_RIGHT_PATH_READLINK | WASI_RIGHT_PATH_RENAME_SOURCE |        \
     WASI_RIGHT_PATH_RENAME_TARGET | WASI_RIGHT_PATH_FILESTAT_GET |                            \
     WASI_RIGHT_PATH_FILESTAT_SET_SIZE | WASI_RIGHT_PATH_FILESTAT_SET_TIMES |                  \
     WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_PATH_SYMLINK | \
     WASI_RIGHT_PATH_REMOVE_DIRECTORY | WASI_RIGHT_PATH_UNLINK_FILE)

enum wasi_kind {
    WASI_FREE = 0,
    WASI_BODY,      /* reads the call's body */
    WASI_ANSWER,    /* writes the answer's body */
    WASI_LOG,       /* writes the log */
    WASI_STREAM,    /* standard input, output or error of the process itself */
    WASI_FILE,      /* what path_open() opened, but no directory */
    WASI_DIRECTORY, /* granted, or opened by path_open() */
    WASI_LISTENER,  /* granted: a socket that connections are accepted from */
    WASI_CONNECTION,
};

struct wasi_fd {
    uint8_t kind;     /* enum wasi_kind */
    uint8_t filetype; /* enum wasi_filetype; of a stream: asked when wanted */
    uint16_t flags;   /* WASI_FDFLAG_* */
    bool owned;       /* fd is closed with the entry */
    int fd;
    /*
     * For reading a granted directory: its own open file description. The granted descriptor
     * may be O_PATH, and forks of one template share its position.
     */
    int list_fd;
    uint32_t poll_round, poll_slot; /* where poll_oneoff() has it in this round */
    uint64_t base, inheriting;      /* rights */
    const char *preopen;            /* the name of a granted directory, else NULL */
};

struct wasi {
    struct wasi_options options; /* its directories are these: */
    struct wasi_directory directories[WASI_DIRECTORIES_MAX];
    int listeners[GRANT_LISTEN_MAX];
    uint32_t fd_end; /* entries from here on are free */
    uint32_t poll_round;
    struct {
        int fd;      /* -1: none */
        bool looked; /* a wait has looked at it since it was asked for */
        bool seen;   /* and it was readable: that ends no other wait until it was asked for */
    } wake;          /* wasi_wake_by() */
    uint32_t platform_sequence; /* of requests to vireo-platform */
    struct wasi_fd fds[WASI_FDS_MAX];
    /* Nothing on the call stack may be large: the guest's own frames lie there too. */
    char path[2][WASI_PATH_MAX];
    char cwd[WASI_PATH_MAX]; /* native_directory.c: absolute; empty: the root */
    union {
        struct iovec iovecs[WASI_IOVECS_MAX];
        struct pollfd polls[WASI_FDS_MAX + 1];
        char entries[16 << 10];
        char paths[2][WASI_PATH_MAX];
    } scratch;
};

/* The errno of WASI for one of ours, positive or negative. */
enum wasi_errno wasi_errno_from(int error);

/* An open descriptor of any kind, or NULL. */
struct wasi_fd *wasi_fd_any(struct host *host, uint32_t fd);
/* One with all of `rights`: WASI_EBADF, WASI_ENOTCAPABLE. */
enum wasi_errno wasi_fd_get(struct host *host, uint32_t fd, uint64_t rights,
                            struct wasi_fd **ret_entry);
/* One that is no directory. Lacking FD_READ or FD_WRITE is WASI_EBADF, as POSIX has it. */
enum wasi_errno wasi_fd_get_file(struct host *host, uint32_t fd, uint64_t rights,
                                 struct wasi_fd **ret_entry);
/* A directory: also WASI_ENOTDIR. */
enum wasi_errno wasi_fd_get_directory(struct host *host, uint32_t fd, uint64_t rights,
                                      struct wasi_fd **ret_entry);
/* The lowest free number, not yet taken, into *ret_fd; WASI_EMFILE. */
enum wasi_errno wasi_fd_reserve(struct wasi *wasi, uint32_t *ret_fd);
/* Puts an entry there. */
void wasi_fd_install(struct wasi *wasi, uint32_t fd, const struct wasi_fd *entry);
/* Closes what it owns and frees the entry. 0 or -errno of close. */
int wasi_fd_release(struct wasi *wasi, uint32_t fd);

/* One more of `polls`, which has room for it: wasi_wake_by(). How many it is. */
uint32_t wasi_wake_poll(const struct wasi *wasi, struct pollfd *poll);
/* What came of it; true: the wait ends with EINTR, unless something else has come. */
bool wasi_wake_polled(struct wasi *wasi, const struct pollfd *poll);

/* Puts a connected stream socket there, which is the entry's from now. WASI_FDFLAG_NONBLOCK: it is.
 */
void wasi_connection_install(struct wasi *wasi, uint32_t fd, int socket, uint32_t flags);

/* Waits for the next connection of a listening socket: the number of its entry, or -errno. */
int wasi_accept(struct host *host, uint32_t fd, bool nonblocking);

/* Connects to the place that the manifest names so: the number of its entry, or -errno. */
int wasi_connect(struct host *host, const char *name, uint32_t bytes);

enum wasi_direction { WASI_READS, WASI_WRITES };
/*
 * wasi_io.c: bytes between what is open, which is no directory and listening socket, and the first
 * `count` of wasi->scratch.iovecs; `offset` -1: at its position, another: of a file or stream only.
 * How many, or -errno.
 */
ssize_t wasi_transfer(struct host *host, const struct wasi_fd *entry, enum wasi_direction direction,
                      int count, int64_t offset);

/* wasi_io.c: a guest's list of buffers as wasi->scratch.iovecs. WASI_EFAULT. */
enum wasi_errno wasi_gather(struct host *host, uint32_t list, uint32_t count, int *ret_count);

static inline bool wasi_is_socket(const struct wasi_fd *entry)
{
    return entry->kind == WASI_LISTENER || entry->kind == WASI_CONNECTION;
}

static inline bool wasi_is_channel(const struct wasi_fd *entry)
{
    return entry->kind == WASI_BODY || entry->kind == WASI_ANSWER || entry->kind == WASI_LOG;
}

enum wasi_filetype wasi_filetype_from(mode_t mode);
void wasi_filestat_from(const struct stat *st, struct wasi_filestat *ret_filestat);
/* Checks `flags` and makes the two times of utimensat(2) of them: WASI_EINVAL. */
enum wasi_errno wasi_times_from(uint64_t atim, uint64_t mtim, uint32_t flags,
                                struct timespec ret_times[2]);
/* utimensat(2) of the file that `fd`, perhaps O_PATH, refers to. 0 or -errno. */
int wasi_set_times(int fd, const struct timespec times[2]);

/* O_APPEND and its like of WASI_FDFLAG_*. */
int wasi_open_flags_from(uint32_t fdflags);

/*
 * wasi_resolve.c: the only way from a guest's path to a file.
 *
 * wasi_path_copy() takes a path out of the guest's memory into `path`: WASI_EFAULT, WASI_ENOENT
 * (empty), WASI_ENAMETOOLONG, WASI_EINVAL (a NUL in it), WASI_EILSEQ (not UTF-8). An absolute path
 * (or target of a symlink) is WASI_EPERM.
 */
enum wasi_errno wasi_path_copy(struct host *host, uint32_t address, uint32_t bytes,
                               char path[static WASI_PATH_MAX]);

/*
 * openat2(2) below `directory`, with O_CLOEXEC and O_NOCTTY. A path that leaves the directory by
 * "..", by a symlink or by an absolute target is -EPERM; a magic link is -ELOOP. The caller owns
 * the descriptor.
 */
int wasi_open_beneath(int directory, const char *path, int flags, mode_t mode);

/* Where the last component of a path lives. */
struct wasi_parent {
    int fd;            /* directory of the last component */
    int opened;        /* the same, if it was opened for this and is to be closed; else -1 */
    const char *name;  /* no slash in it but behind it; "." and ".." are possible */
    size_t name_bytes; /* without trailing slashes */
};
void wasi_parent_close(const struct wasi_parent *parent);
/*
 * Splits `path` (which is changed, and which ret_parent->name points into) and opens what is before
 * the last component. The last component is for calls that never follow it. 0 or -errno.
 */
int wasi_parent_open(int directory, char *path, struct wasi_parent *ret_parent);
