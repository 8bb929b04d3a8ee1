/* A server for the tests: each connection sends lines "VERB WORDS" and gets an answer to each. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(int fd, const char *text)
{
    send(fd, text, strlen(text), 0);
}

static void number(int fd, const char *what, int value)
{
    char line[80];

    snprintf(line, sizeof line, "%s %d %d\n", what, value, value < 0 ? errno : 0);
    say(fd, line);
}

/* What a listening socket must refuse. */
static void abuse(int fd, int listener)
{
    char byte;

    number(fd, "read", (int)read(listener, &byte, 1));
    number(fd, "write", (int)write(listener, "x", 1));
    number(fd, "shutdown", shutdown(listener, SHUT_RDWR));
    number(fd, "seek", (int)lseek(fd, 0, SEEK_SET));
    /* None of them is a socket. */
    number(fd, "accept", accept(1, NULL, NULL));
    number(fd, "recv", (int)recv(0, &byte, 1, 0));
}

/* One line; false when the connection is to be closed. */
static int answer(int fd, int listener, char *line)
{
    char *words = strchr(line, ' ');

    if (words)
        *words++ = '\0';
    else
        words = line + strlen(line);
    if (strcmp(line, "echo") == 0) {
        say(fd, words);
        say(fd, "\n");
    } else if (strcmp(line, "out") == 0) {
        printf("%s\n", words);
        fflush(stdout);
        say(fd, "ok\n");
    } else if (strcmp(line, "flood") == 0) {
        for (int i = 0; i < 4096; i++)
            puts("a line of sixty-three bytes and a newline, many, many times over");
        fflush(stdout);
        say(fd, "ok\n");
    } else if (strcmp(line, "env") == 0) {
        say(fd, getenv(words) ? getenv(words) : "(none)");
        say(fd, "\n");
    } else if (strcmp(line, "abuse") == 0) {
        abuse(fd, listener);
    } else if (strcmp(line, "half") == 0) {
        say(fd, "half\n");
        shutdown(fd, SHUT_WR);
    } else if (strcmp(line, "exit") == 0) {
        exit(atoi(words));
    } else if (strcmp(line, "trap") == 0) {
        abort();
    } else if (strcmp(line, "memory") == 0) {
        for (char *block; (block = malloc(1 << 20));)
            memset(block, 1, 1 << 20);
        abort();
    } else {
        return 0;
    }
    return 1;
}

static void serve(int fd, int listener)
{
    static char buffer[4096];
    ssize_t n;

    while ((n = recv(fd, buffer, sizeof buffer - 1, 0)) > 0) {
        buffer[n] = '\0';
        for (char *line = strtok(buffer, "\n"); line; line = strtok(NULL, "\n"))
            if (!answer(fd, listener, line))
                return;
    }
}

int main(void)
{
    int first = atoi(getenv("LISTEN_FDS_FIRST"));
    int count = atoi(getenv("LISTEN_FDS"));
    struct pollfd listeners[8];

    fprintf(stderr, "ready with %d\n", count);
    for (;;) {
        for (int i = 0; i < count; i++)
            listeners[i] = (struct pollfd){.fd = first + i, .events = POLLIN};
        if (poll(listeners, (nfds_t)count, -1) < 0)
            return 1;
        for (int i = 0; i < count; i++) {
            int fd = listeners[i].revents & POLLIN ? accept(first + i, NULL, NULL) : -1;
            if (fd < 0)
                continue;
            serve(fd, first + i);
            close(fd);
        }
    }
}
