/* Descriptors: whole reads and writes, sealed memory files, messages with descriptors. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* Reads until `size` bytes or the end; returns the count or -errno. Restarts on EINTR. */
ssize_t fd_read_full(int fd, void *buffer, size_t size);

/* Writes all of `size` bytes; returns 0 or -errno. Restarts on EINTR. */
int fd_write_full(int fd, const void *buffer, size_t size);

/*
 * openat2(2): `flags` as of open (O_CLOEXEC is added), `resolve` of RESOLVE_*. The descriptor, or
 * -errno. Async-signal-safe.
 */
int fd_open_resolve(int dir_fd, const char *path, uint64_t flags, uint64_t resolve);

/*
 * Reads a whole file of at most `max` bytes below `dir_fd` (AT_FDCWD for a plain path). On success
 * *ret_data is malloc'ed, has a NUL after its end, and is the caller's. -EFBIG when it is longer.
 */
int fd_read_file(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size,
                 struct err *err);
/* The same of a regular file alone; -EINVAL of a pipe, a device or a socket, which could have the
 * reader wait for ever. */
int fd_read_regular(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size,
                    struct err *err);
/* The same of a file that the user names: "-" is standard input, whatever that is. */
int fd_read_input(const char *path, size_t max, char **ret_data, size_t *ret_size, struct err *err);

/* Writes a small string to a file that exists (a kernel control file): one write(2). */
int fd_write_string(int dir_fd, const char *path, const char *value);

/*
 * Writes a file so that a crash leaves the old one or the new one, whole: temporary file in the
 * same directory, fsync, rename, fsync of the directory.
 */
int fd_write_file_atomic(int dir_fd, const char *path, const void *data, size_t size, mode_t mode,
                         struct err *err);

/*
 * Makes a memfd with these bytes, sealed against every change (F_SEAL_SEAL too).
 * `name` is for /proc only. The caller owns *ret_fd. `data` may be NULL when size is 0.
 */
int fd_sealed_copy(const char *name, const void *data, size_t size, int *ret_fd, struct err *err);

/* Most descriptors that one message carries. */
#define FD_MESSAGE_MAX 20

/*
 * Sends one message with `fd_count` descriptors over a UNIX socket. Does not block when the socket
 * is non-blocking (-EAGAIN). The descriptors stay the caller's.
 */
int fd_send(int socket, const void *data, size_t size, const int *fds, size_t fd_count);
/* The same, which never blocks: -EAGAIN. */
int fd_send_now(int socket, const void *data, size_t size, const int *fds, size_t fd_count);

/*
 * Receives one message. Returns its size, 0 at the end of the peer, -EAGAIN, or -EMSGSIZE when
 * it or its control data was cut (then every descriptor it brought is closed). A message whose
 * descriptors find no place in a full table comes without any of them. The descriptors received
 * (O_CLOEXEC) are the caller's; *ret_fd_count says how many of `fds` were filled.
 */
ssize_t fd_receive(int socket, void *buffer, size_t size, int fds[static FD_MESSAGE_MAX],
                   size_t *ret_fd_count, int flags);

/*
 * The lock of an open file (flock(2)), for this description alone, until it is closed. Waits
 * `seconds` at most, for who has it may hang: -EBUSY then.
 */
int fd_lock(int fd, unsigned seconds);

/* Closes each descriptor that is >= 0 and sets it to -1. */
void fd_close_all(int *fds, size_t count);
