/*
 * A function for the tests, proved: the body is a letter ('s': a stream, 'd': datagrams), a place,
 * a blank and what is sent there; the answer is what comes back, or the error's number, negative.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vireo/net.h>

static int64_t talk(int fd, int stream, const uint8_t *text, size_t bytes, uint8_t *out, size_t cap)
{
    size_t used = 0;

    if (write(fd, text, bytes) != (ssize_t)bytes || (stream && shutdown(fd, SHUT_WR) < 0))
        return -errno;
    for (int i = 0; i < 64 && used < cap; i++) {
        ssize_t n = read(fd, out + used, cap - used);
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        used += (size_t)n;
        if (!stream)
            break;
    }
    return (int64_t)used;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t place = 1;

    if (in_len < 1)
        return -1;
    while (place < in_len && in[place] != ' ')
        place++;
    int fd = vireo_connect_to((const char *)in + 1, place - 1);
    if (fd < 0 || place >= in_len)
        return -errno;
    int64_t n = talk(fd, in[0] == 's', in + place + 1, in_len - place - 1, out, out_cap);
    close(fd);
    return n;
}
