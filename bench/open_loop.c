/*
 * A caller at a fixed rate over one connection: a call is due each 1/RATE s, and its time runs from
 * then, whenever it could be sent: a server that stalls can't slow down what it is measured by.
 *
 *   open_loop PORT PATH RATE SECONDS
 *
 * Prints "p50 p90 p99 max" in microseconds and how many answers were not 200.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX 1000000

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "open_loop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        fail("cannot connect");
    return fd;
}

/* Reads one answer with a Content-Length. True: it is a 200. */
static bool read_answer(int fd)
{
    static char bytes[65536];
    size_t have = 0, wanted = 0;

    while (!wanted || have < wanted) {
        ssize_t n = read(fd, bytes + have, sizeof bytes - 1 - have);
        if (n <= 0)
            fail("the connection ended");
        have += (size_t)n;
        bytes[have] = '\0';
        const char *end = strstr(bytes, "\r\n\r\n");
        const char *length = strcasestr(bytes, "\r\nContent-Length:");
        if (!end)
            continue;
        if (!length || length > end)
            fail("an answer without a length");
        wanted = (size_t)(end + 4 - bytes) + strtoul(length + 17, NULL, 10);
        if (wanted >= sizeof bytes)
            fail("an answer that is too long");
    }
    return strncmp(bytes, "HTTP/1.1 200", 12) == 0;
}

static int ascending(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a;
    int64_t two = *(const int64_t *)b;

    return (one > two) - (one < two);
}

int main(int argc, char **argv)
{
    static int64_t took[SAMPLES_MAX];
    char request[512];
    size_t bad = 0;

    if (argc != 5) {
        fputs("usage: open_loop PORT PATH RATE SECONDS\n", stderr);
        return 2;
    }
    size_t rate = strtoul(argv[3], NULL, 10);
    size_t count = rate * strtoul(argv[4], NULL, 10);
    int bytes =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", argv[2]);
    if (rate < 1 || count < 1 || count > SAMPLES_MAX || bytes >= (int)sizeof request)
        return 2;
    int fd = connect_to((uint16_t)strtoul(argv[1], NULL, 10));
    int64_t begin_ns = now_ns();
    for (size_t i = 0; i < count; i++) {
        int64_t due_ns = begin_ns + (int64_t)(i * 1000000000 / rate);
        const struct timespec due = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
            ;
        if (write(fd, request, (size_t)bytes) != bytes)
            fail("cannot send");
        bad += !read_answer(fd);
        took[i] = now_ns() - due_ns;
    }
    qsort(took, count, sizeof *took, ascending);
    printf("%.0f %.0f %.0f %.0f %zu\n", (double)took[count / 2] / 1000,
           (double)took[count * 9 / 10] / 1000, (double)took[count * 99 / 100] / 1000,
           (double)took[count - 1] / 1000, bad);
    return 0;
}
