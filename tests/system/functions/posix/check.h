/*
 * What the programs of this folder say: a line for each call, with its result, and its error by
 * name. They are plain UNIX programs after the man pages; what they print is what they print when
 * gcc builds them.
 */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *error_name(int error)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
        {EAGAIN, "EAGAIN"}, {EBADF, "EBADF"},   {ECHILD, "ECHILD"}, {E2BIG, "E2BIG"},
        {EEXIST, "EEXIST"}, {EFAULT, "EFAULT"}, {EIDRM, "EIDRM"},   {EINTR, "EINTR"},
        {EINVAL, "EINVAL"}, {ENOENT, "ENOENT"}, {ENOMSG, "ENOMSG"}, {EPERM, "EPERM"},
        {EPIPE, "EPIPE"},   {ESPIPE, "ESPIPE"}, {ESRCH, "ESRCH"},   {ENOSPC, "ENOSPC"},
        {EMFILE, "EMFILE"}, {EACCES, "EACCES"}, {ENOMEM, "ENOMEM"}, {ETIMEDOUT, "ETIMEDOUT"},
        {ENOSYS, "ENOSYS"}, {ERANGE, "ERANGE"}, {EFBIG, "EFBIG"},   {EOVERFLOW, "EOVERFLOW"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].error == error)
            return names[i].name;
    return "another error";
}

/* Before a fork nothing may wait in a buffer. */
static void say(const char *what, long result)
{
    int error = errno;

    if (result < 0)
        printf("%s: %ld %s\n", what, result, error_name(error));
    else
        printf("%s: %ld\n", what, result);
    fflush(stdout);
    errno = error;
}

/* TRY(call): the call and what it returned. CHECK(a fact): 1 if it holds. */
#define TRY(call) say(#call, (long)(call))
#define CHECK(fact) say(#fact, (fact) ? 1 : 0)

static inline void sleep_ms(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* Exit status, or a hundred and the signal. */
static inline int end_of(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static volatile int handled;

static inline void on_signal(int number)
{
    (void)number;
    handled++;
}

/* A handler without SA_RESTART, or with what `flags` says. */
static inline void handle(int number, int flags)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = flags;
    sigaction(number, &action, NULL);
}
