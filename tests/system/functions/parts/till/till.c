/*
 * A server that a library is linked with while it runs: a line with a number is answered with the
 * tax on it, "fork" by a child; "wait" has the library come to an update point at the next tax; any
 * other is answered with how many it has answered. `count` and the connection are there before and
 * after.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vireo/update.h>

long tax_of(long cents);

static unsigned count;
static unsigned waits;
static struct pollfd polled[2] = {{.events = POLLIN}, {.fd = -1, .events = POLLIN}};

/* A library calls it: after "wait" it is at an update point for 1 s. */
__attribute__((visibility("default"))) int till_wait(void)
{
    for (; waits > 0; waits--) {
        vireo_update_point();
        usleep(10000);
    }
    return 0;
}

static int answer(const char *line, char *text, size_t size)
{
    int number = atoi(line + strcspn(line, "0123456789"));

    if (strncmp(line, "fork", 4) == 0 && fork() == 0)
        _exit(tax_of(number) == number * 19 / 100 ? 7 : 8);
    if (strncmp(line, "fork", 4) == 0) {
        int status = 0;
        wait(&status);
        return snprintf(text, size, "child %d\n", WEXITSTATUS(status));
    }
    if (strncmp(line, "wait", 4) == 0)
        return waits = 100, snprintf(text, size, "waits\n");
    count++;
    return number ? snprintf(text, size, "tax %ld\n", tax_of(number))
                  : snprintf(text, size, "count %u\n", count);
}

int main(void)
{
    char line[64], text[64];

    if (vireo_updates() == 0)
        polled[0].fd = atoi(getenv("LISTEN_FDS_FIRST"));
    for (;;) {
        vireo_update_point();
        if (poll(polled, polled[1].fd < 0 ? 1 : 2, -1) < 0)
            continue;
        if (polled[0].revents) {
            if (polled[1].fd >= 0)
                close(polled[1].fd);
            polled[1] = (struct pollfd){.fd = accept(polled[0].fd, NULL, NULL), .events = POLLIN};
            continue;
        }
        ssize_t n = recv(polled[1].fd, line, sizeof line - 1, 0);
        line[n > 0 ? n : 0] = '\0';
        if (n <= 0 || send(polled[1].fd, text, (size_t)answer(line, text, sizeof text), 0) < 0) {
            close(polled[1].fd);
            polled[1].fd = -1;
        }
    }
}
