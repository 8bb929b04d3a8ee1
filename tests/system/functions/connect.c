/* A function for the tests: the body "PLACE WORDS" connects there, sends the words and answers what
 * comes back; "many PLACE" connects until it can't. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vireo/function.h>
#include <vireo/net.h>

static int64_t failed(uint8_t *out, size_t cap, const char *what)
{
    return snprintf((char *)out, cap, "%s: %s", what, strerror(errno));
}

static int64_t many(const char *place, uint8_t *out, size_t cap)
{
    int count = 0;
    int fds[1024];

    while (count < 1024 && (fds[count] = vireo_connect(place)) >= 0)
        count++;
    int64_t n = snprintf((char *)out, cap, "%d: %s", count, strerror(errno));
    while (count > 0)
        close(fds[--count]);
    return n;
}

static int64_t ask(const char *place, const char *words, uint8_t *out, size_t cap)
{
    int fd = vireo_connect(place);
    struct pollfd one = {.fd = fd, .events = POLLIN};
    size_t used = 0;
    ssize_t n;

    if (fd < 0)
        return failed(out, cap, "connect");
    if (send(fd, words, strlen(words), 0) < 0 || shutdown(fd, SHUT_WR) < 0)
        return failed(out, cap, "send");
    if (poll(&one, 1, 5000) != 1)
        return failed(out, cap, "poll");
    while ((n = recv(fd, out + used, cap - used, 0)) > 0)
        used += (size_t)n;
    if (n < 0)
        return failed(out, cap, "recv");
    close(fd);
    return (int64_t)used;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    char body[1024] = "";

    if (in_len < sizeof body)
        memcpy(body, in, in_len);
    char *words = strchr(body, ' ');
    if (words)
        *words++ = '\0';
    else
        words = body + strlen(body);
    if (strcmp(body, "many") == 0)
        return many(words, out, out_cap);
    return ask(body, words, out, out_cap);
}
