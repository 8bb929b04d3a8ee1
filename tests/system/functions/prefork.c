/*
 * A server of three workers: each is a fork that accepts from the socket of its parent, which makes
 * another when one ends. A connection is answered with the worker's pid; "end" ends it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 3

static void work(int listener)
{
    char line[64], answer[64];

    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0)
            exit(1);
        ssize_t n = read(connection, line, sizeof line - 1);
        line[n > 0 ? n : 0] = '\0';
        int length = snprintf(answer, sizeof answer, "worker %d\n", getpid());
        if (write(connection, answer, (size_t)length) != length)
            fprintf(stderr, "worker %d: %s\n", getpid(), strerror(errno));
        close(connection);
        if (strncmp(line, "end", 3) == 0)
            exit(3);
    }
}

static void hire(int listener)
{
    pid_t pid = fork();

    if (pid == 0)
        work(listener);
    if (pid < 0)
        fprintf(stderr, "fork: %s\n", strerror(errno));
}

int main(void)
{
    int listener = atoi(getenv("LISTEN_FDS_FIRST"));
    int status;

    for (int i = 0; i < WORKERS; i++)
        hire(listener);
    for (;;) {
        pid_t pid = wait(&status);
        if (pid < 0)
            return 1;
        fprintf(stderr, "worker %d ended, status %d\n", pid, WEXITSTATUS(status));
        hire(listener);
    }
}
