#include "cli/run_optimise.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cli/cli.h"

#define OPTIMISE_NICE 10
/* From here on it is told why the command has not ended. */
#define PATIENCE_MS 1000

static void notify(int fd)
{
    const uint64_t one = 1;

    if (write(fd, &one, sizeof one) < 0)
        return; /* of an eventfd: it is readable already */
}

static void *optimise_thread(void *user)
{
    struct run_optimise *optimise = user;
    struct local_build local = {0};
    struct err err = {0};

    setpriority(PRIO_PROCESS, (id_t)gettid(), OPTIMISE_NICE); /* of this thread and its children */
    if (local_build_open(&local, &err) == 0)
        local_build(&local, &optimise->options, &err);
    local_build_close(&local);
    notify(optimise->done_fd);
    return NULL;
}

void run_optimise_start(struct run_optimise *optimise, const struct local_build_options *options)
{
    sigset_t all, before;

    optimise->options = *options;
    optimise->options.quick = false;
    optimise->options.quiet = true;
    optimise->stop_fd = optimise->options.stop_fd = eventfd(0, EFD_CLOEXEC);
    optimise->done_fd = eventfd(0, EFD_CLOEXEC);
    if (optimise->stop_fd >= 0 && optimise->done_fd >= 0) {
        /* Signals are the main thread's. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        optimise->running = pthread_create(&optimise->thread, NULL, optimise_thread, optimise) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (!optimise->running)
        fd_close_all((int[]){optimise->stop_fd, optimise->done_fd}, 2);
}

void run_optimise_wait(struct run_optimise *optimise, int signal_fd)
{
    if (!optimise->running)
        return;
    struct pollfd polls[] = {{.fd = optimise->done_fd, .events = POLLIN},
                             {.fd = signal_fd, .events = POLLIN}};
    if (poll(polls, ARRAY_LEN(polls), 0) != 0)
        return;
    _cleanup_(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    if (poll(polls, ARRAY_LEN(polls), PATIENCE_MS) != 0)
        return;
    if (!cli.quiet && isatty(STDERR_FILENO))
        fputs("vireo: optimising it for the next runs (Ctrl-C: without that)\n", stderr);
    poll(polls, ARRAY_LEN(polls), -1);
}

void run_optimise_end(struct run_optimise *optimise)
{
    if (!optimise->running)
        return;
    notify(optimise->stop_fd);
    pthread_join(optimise->thread, NULL);
    fd_close_all((int[]){optimise->stop_fd, optimise->done_fd}, 2);
    optimise->running = false;
}
