/*
 * A function for the tests, proved: the body is a letter and a path, the answer
 * the error's number and another, as 4 bytes each.
 *   w: writes "kept" to it   r: reads it   f: writes until there is no room, and says how much
 *   o: opens it until there are no descriptors, and says how many   u, d, m: unlink, rmdir, mkdir
 *   n: renames it to MOVED   N: renames MOVED to it   a: uses the descriptor of this digit
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <vireo/io.h>

#define MOVED "/tmp/moved"

static char path[512], block[4096];
static size_t length;

static int put(void)
{
    int fd = vireo_open(path, length, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0)
        return errno;
    ssize_t n = write(fd, "kept", 4);
    close(fd);
    return n == 4 ? 0 : errno;
}

static int fill(uint32_t *ret_written)
{
    int error = 0, fd = vireo_open(path, length, O_WRONLY | O_CREAT | O_APPEND);
    if (fd < 0)
        return errno;
    for (int i = 0; i < 64 && error == 0; i++) {
        ssize_t n = write(fd, block, sizeof block);
        if (n < 0)
            error = errno;
        else
            *ret_written += (uint32_t)n;
    }
    close(fd);
    return error;
}

static int exhaust(uint32_t *ret_count)
{
    static int fds[2000];
    uint32_t count = 0;
    int error = 0;
    for (; count < 2000; count++) {
        fds[count] = vireo_open(path, length, O_RDONLY);
        if (fds[count] < 0) {
            error = errno;
            break;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        close(fds[i]);
    *ret_count = count;
    return error;
}

/* Of the four calls those that fail. */
static uint32_t any(int fd)
{
    char c;
    uint32_t failed = write(fd, "x", 1) < 0 ? 1 : 0;
    failed += read(fd, &c, 1) < 0 ? 2 : 0;
    failed += ftruncate(fd, 0) < 0 ? 4 : 0;
    return failed + (close(fd) < 0 ? 8 : 0);
}

static int64_t get(uint8_t *out, size_t cap)
{
    int fd = vireo_open(path, length, O_RDONLY);
    if (fd < 0)
        return -errno;
    ssize_t n = pread(fd, out, cap, 0);
    off_t end = lseek(fd, 0, SEEK_END);
    close(fd);
    return n < 0 || end < n ? -errno : n;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t number = 0;
    int error = 0;
    if (in_len < 1 || in_len > sizeof path || out_cap < 8)
        return -1;
    length = in_len - 1;
    memcpy(path, in + 1, length);
    switch (in[0]) {
    case 'r':
        return get(out, out_cap);
    case 'w':
        error = put();
        break;
    case 'f':
        error = fill(&number);
        break;
    case 'o':
        error = exhaust(&number);
        break;
    case 'u':
        error = vireo_unlink(path, length) < 0 ? errno : 0;
        break;
    case 'd':
        error = vireo_rmdir(path, length) < 0 ? errno : 0;
        break;
    case 'm':
        error = vireo_mkdir(path, length) < 0 ? errno : 0;
        break;
    case 'n':
        error = vireo_rename(path, length, MOVED, sizeof MOVED - 1) < 0 ? errno : 0;
        break;
    case 'N':
        error = vireo_rename(MOVED, sizeof MOVED - 1, path, length) < 0 ? errno : 0;
        break;
    case 'a':
        number = any(length > 0 ? path[0] - '0' : -1);
        break;
    default:
        return -1;
    }
    memcpy(out, &error, 4);
    memcpy(out + 4, &number, 4);
    return 8;
}
