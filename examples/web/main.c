/* The parent: it serves nothing itself. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "web.h"

#define WORKERS_MAX 64

static int listener;
static const char *root;

static void hire(void)
{
    pid_t pid = fork();

    if (pid == 0)
        worker_run(listener, root);
    if (pid < 0)
        fprintf(stderr, "web: no worker: %s\n", strerror(errno));
}

int main(void)
{
    const char *first = getenv("LISTEN_FDS_FIRST"), *count = getenv("WEB_WORKERS");
    int workers = count ? atoi(count) : 2;
    int status;

    root = getenv("WEB_ROOT");
    if (!first || !root || workers < 1 || workers > WORKERS_MAX) {
        fprintf(stderr, "web: WEB_ROOT, 1 to %d WEB_WORKERS and a socket are needed\n",
                WORKERS_MAX);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    listener = atoi(first);
    if (fcntl(listener, F_SETFL, O_NONBLOCK) < 0)
        return 1;
    for (int i = 0; i < workers; i++)
        hire();
    fprintf(stderr, "web: %d workers\n", workers);
    for (;;) {
        pid_t pid = wait(&status);
        /* Nobody left, and none to be had: the server is started again. */
        if (pid < 0)
            return 1;
        fprintf(stderr, "web: worker %d ended, status %d\n", pid, status);
        usleep(100000);
        hire();
    }
}
