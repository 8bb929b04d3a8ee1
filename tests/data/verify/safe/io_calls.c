/* Files and connections, by contract. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vireo/io.h>
#include <vireo/net.h>
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
static uint8_t kept[4096];
H(count_lines)
{
    int64_t lines = 0;
    int fd = open("/tmp/log", O_RDONLY);
    if (fd < 0)
        return -errno;
    for (int i = 0; i < 256; i++) {
        ssize_t n = read(fd, kept, sizeof kept);
        if (n <= 0)
            break;
        for (ssize_t k = 0; k < n; k++)
            lines += kept[k] == '\n';
    }
    close(fd);
    return lines;
}
H(append_body)
{
    int fd = open("/tmp/log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0)
        return -errno;
    size_t done = 0;
    for (int i = 0; i < 16 && done < in_len; i++) {
        ssize_t n = write(fd, in + done, in_len - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    fsync(fd);
    close(fd);
    return (int64_t)done;
}
H(whole_file)
{
    size_t used = 0;
    int fd = vireo_open((const char *)in, in_len, O_RDONLY);
    if (fd < 0)
        return 0;
    for (int i = 0; i < 64 && used < out_cap; i++) {
        ssize_t n = read(fd, out + used, out_cap - used);
        if (n <= 0)
            break;
        used += (size_t)n;
    }
    close(fd);
    return (int64_t)used;
}
struct record {
    uint32_t key, value;
};
H(record_in_file)
{
    struct record record;
    int fd = open("/tmp/table", O_RDWR);
    if (fd < 0 || in_len < 1)
        return -1;
    off_t at = (off_t)in[0] * (off_t)sizeof record;
    if (pread(fd, &record, sizeof record, at) != sizeof record) {
        close(fd);
        return -1;
    }
    record.value++;
    pwrite(fd, &record, sizeof record, at);
    close(fd);
    return record.value;
}
H(length)
{
    int fd = open("/tmp/table", O_RDONLY);
    off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    close(fd);
    return end >= 0 && end < (off_t)sizeof kept ? kept[end] : -1;
}
H(names)
{
    return mkdir("/tmp/d", 0700) + rename("/tmp/a", "/tmp/d/a") + unlink("/tmp/d/a") +
           rmdir("/tmp/d") + vireo_mkdir((const char *)in, in_len) +
           vireo_unlink((const char *)in, in_len);
}
H(asks)
{
    int fd = vireo_connect("db.example.org:5432");
    if (fd < 0)
        return -errno;
    ssize_t n = send(fd, "PING\r\n", 6, MSG_NOSIGNAL);
    if (n == 6)
        n = recv(fd, out, out_cap < 64 ? out_cap : 64, 0);
    shutdown(fd, SHUT_RDWR);
    close(fd);
    return n;
}
H(asks_and_waits)
{
    int fd = vireo_connect("dns.example.org:53/udp");
    struct pollfd one = {.fd = fd, .events = POLLIN};
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, in, in_len);
    if (n >= 0 && poll(&one, 1, 2000) == 1 && (one.revents & POLLIN))
        n = read(fd, out, out_cap);
    close(fd);
    return n;
}
/* More arguments than are named, which nobody takes. */
static int first(int count, ...)
{
    return count;
}
H(more_arguments)
{
    return first(1, 2, in) + first(3);
}
