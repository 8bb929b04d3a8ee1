/* Descriptors: whole reads and writes, sealed memory files, messages with descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"

int fd_open_resolve(int dir_fd, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
    long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof how);

    return fd < 0 ? -errno : (int)fd;
}

ssize_t fd_read_full(int fd, void *buffer, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = read(fd, (char *)buffer + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

int fd_write_full(int fd, const void *buffer, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = write(fd, (const char *)buffer + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        done += (size_t)n;
    }
    return 0;
}

static int read_whole(int fd, const char *path, size_t max, char **ret_data, size_t *ret_size,
                      struct err *err)
{
    /* Grown as it is read: files of /proc and /sys have no size. */
    size_t capacity = 4096;
    size_t used = 0;
    _cleanup_(freep) char *data = malloc(capacity);
    for (;;) {
        if (!data)
            return err_set(err, -ENOMEM, "cannot read '%s'", path);
        ssize_t n = fd_read_full(fd, data + used, capacity - 1 - used);
        if (n < 0)
            return err_set(err, (int)n, "cannot read '%s'", path);
        used += (size_t)n;
        if (used > max)
            return err_say(err, -EFBIG, "cannot read '%s': it is longer than %zu bytes", path, max);
        if (used < capacity - 1)
            break;
        capacity *= 2;
        char *grown = realloc(data, capacity);
        if (!grown)
            return err_set(err, -ENOMEM, "cannot read '%s'", path);
        data = grown;
    }
    data[used] = '\0';
    *ret_data = steal_ptr(&data);
    *ret_size = used;
    return 0;
}

int fd_read_file(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size,
                 struct err *err)
{
    _cleanup_(closep) int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return err_set(err, -errno, "cannot open '%s'", path);
    return read_whole(fd, path, max, ret_data, ret_size, err);
}

int fd_read_regular(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size,
                    struct err *err)
{
    /* A pipe is opened at once so; the flag means nothing to a regular file, but one of /proc that
     * waits for news (kmsg) says EAGAIN. */
    _cleanup_(closep) int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return err_set(err, -errno, "cannot open '%s'", path);
    if (S_ISDIR(status.st_mode))
        return err_set(err, -EISDIR, "cannot read '%s'", path);
    if (!S_ISREG(status.st_mode))
        return err_say(err, -EINVAL, "cannot read '%s': it is no regular file", path);
    return read_whole(fd, path, max, ret_data, ret_size, err);
}

int fd_read_input(const char *path, size_t max, char **ret_data, size_t *ret_size, struct err *err)
{
    return strcmp(path, "-") == 0
               ? read_whole(STDIN_FILENO, "standard input", max, ret_data, ret_size, err)
               : fd_read_file(AT_FDCWD, path, max, ret_data, ret_size, err);
}

int fd_write_string(int dir_fd, const char *path, const char *value)
{
    _cleanup_(closep) int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    size_t length = strlen(value);
    ssize_t n = write(fd, value, length);
    if (n < 0)
        return -errno;
    return (size_t)n == length ? 0 : -EIO;
}

/* fsync of the directory that holds `path`, so that a rename in it lasts. */
static int directory_sync(int dir_fd, const char *path)
{
    char directory[4096];
    const char *slash = strrchr(path, '/');

    if (!slash)
        snprintf(directory, sizeof directory, ".");
    else if (slash == path)
        snprintf(directory, sizeof directory, "/");
    else if ((size_t)(slash - path) >= sizeof directory)
        return -ENAMETOOLONG;
    else
        snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);

    _cleanup_(closep) int fd = openat(dir_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return -errno;
    return 0;
}

/* rename(2) says EBUSY of "." and "..", ENOTDIR of "folder/": what is wrong is that it is one. */
static int rename_error(int dir_fd, const char *path, int error)
{
    struct stat status;

    if (fstatat(dir_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
        return -EISDIR;
    return error;
}

int fd_write_file_atomic(int dir_fd, const char *path, const void *data, size_t size, mode_t mode,
                         struct err *err)
{
    static _Atomic unsigned counter;
    char temporary[4096];
    int n = snprintf(temporary, sizeof temporary, "%s.%d.%u.tmp", path, (int)getpid(), counter++);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return err_set(err, -ENAMETOOLONG, "cannot write '%s'", path);

    _cleanup_(closep) int fd =
        openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_set(err, -errno, "cannot write '%s'", path);

    int r = fd_write_full(fd, data, size);
    if (r == 0 && fchmod(fd, mode) < 0)
        r = -errno;
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && renameat(dir_fd, temporary, dir_fd, path) < 0)
        r = rename_error(dir_fd, path, -errno);
    if (r < 0) {
        unlinkat(dir_fd, temporary, 0);
        return err_set(err, r, "cannot write '%s'", path);
    }
    r = directory_sync(dir_fd, path);
    if (r < 0)
        return err_set(err, r, "cannot write '%s'", path);
    return 0;
}

int fd_sealed_copy(const char *name, const void *data, size_t size, int *ret_fd, struct err *err)
{
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
    /* MFD_EXEC: the pages may be code. Kernels before 6.3 don't know the flag. */
    _cleanup_(closep) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_set(err, -errno, "cannot make memory file '%s'", name);
    int r = fd_write_full(fd, data, size);
    if (r < 0)
        return err_set(err, r, "cannot fill memory file '%s'", name);
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return err_set(err, -errno, "cannot seal memory file '%s'", name);
    *ret_fd = steal_fd(&fd);
    return 0;
}

static int send_flags(int socket, const void *data, size_t size, const int *fds, size_t fd_count,
                      int flags)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FD_MESSAGE_MAX * sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd_count > FD_MESSAGE_MAX)
        return -E2BIG;
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, fd_count * sizeof(int));
    }
    for (;;) {
        ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL | flags);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        return (size_t)n == size ? 0 : -EMSGSIZE;
    }
}

int fd_send(int socket, const void *data, size_t size, const int *fds, size_t fd_count)
{
    return send_flags(socket, data, size, fds, fd_count, 0);
}

int fd_send_now(int socket, const void *data, size_t size, const int *fds, size_t fd_count)
{
    return send_flags(socket, data, size, fds, fd_count, MSG_DONTWAIT);
}

ssize_t fd_receive(int socket, void *buffer, size_t size, int fds[static FD_MESSAGE_MAX],
                   size_t *ret_fd_count, int flags)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FD_MESSAGE_MAX * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t n;

    *ret_fd_count = 0;
    do {
        n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;

    size_t count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t brought = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < brought; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
            if (count < FD_MESSAGE_MAX)
                fds[count++] = fd;
            else
                close(fd);
        }
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        bool had_room = count < FD_MESSAGE_MAX && !(message.msg_flags & MSG_TRUNC);
        fd_close_all(fds, count);
        /* There was room for more, so it was our table that was full. */
        return had_room ? n : -EMSGSIZE;
    }
    *ret_fd_count = count;
    return n;
}

int fd_lock(int fd, unsigned seconds)
{
    const int64_t deadline = clock_now_ns() + seconds * INT64_C(1000000000);
    struct timespec pause = {.tv_nsec = 200000};

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EINTR && errno != EWOULDBLOCK)
            return -errno;
        if (clock_now_ns() > deadline)
            return -EBUSY;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 20000000)
            pause.tv_nsec *= 2;
    }
    return 0;
}

void fd_close_all(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}
