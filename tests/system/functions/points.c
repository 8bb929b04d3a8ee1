/*
 * A server that is updated while it runs: lines in, an answer to each, one poll() for all. Tests
 * change the words between the asterisks.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <vireo/function.h>

#define CLIENTS 16

struct note {
    struct note *next;
    const char *word;
    int (*count)(int);
};

static int one(int n)
{
    return n + 1;
}

static struct pollfd fds[1 + CLIENTS];
static struct note *notes;
static int answers;

static void begin(void)
{
    fds[0] = (struct pollfd){atoi(getenv("LISTEN_FDS_FIRST")), POLLIN, 0};
    for (int i = 1; i <= CLIENTS; i++)
        fds[i].fd = -1;
    notes = calloc(1, sizeof *notes);
    notes->word = "first";
    notes->count = one;
}

static void answer(int fd)
{
    char line[64], text[160];
    ssize_t n = read(fd, line, sizeof line - 1);

    if (n <= 0) {
        for (int i = 1; i <= CLIENTS; i++)
            if (fds[i].fd == fd)
                fds[i].fd = -1;
        close(fd);
        return;
    }
    line[n] = '\0';
    if (strncmp(line, "busy", 4) == 0)
        for (time_t end = time(NULL) + 5; time(NULL) < end;)
            ;
    answers = notes->count(answers);
    int m = snprintf(text, sizeof text, "/*version*/ one %d %s %u\n", answers, notes->word,
                     vireo_updates());
    write(fd, text, (size_t)m);
}

int main(void)
{
    if (vireo_updates() == 0)
        begin();
    /*start*/
    for (;;) {
        vireo_update_point(); /*point*/
        if (poll(fds, 1 + CLIENTS, -1) < 0)
            continue;
        for (int i = 1; i <= CLIENTS; i++)
            if (fds[i].fd >= 0 && fds[i].revents)
                answer(fds[i].fd);
        if (!fds[0].revents)
            continue;
        int fd = accept(fds[0].fd, NULL, NULL);
        for (int i = 1; i <= CLIENTS; i++)
            if (fds[i].fd < 0) {
                fds[i] = (struct pollfd){fd, POLLIN, 0};
                break;
            }
    }
}
