/*
 * One request by standard input, one answer by standard output: a container a call. What it writes
 * to standard error is its log; an exit status other than 0 is a failure, as of a command.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contain/talk.h"

#define PIECE (64u << 10)

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Writes on; a program that does not read its input is no failure. */
static void give_input(struct keeper *keeper)
{
    struct guest_call *call = &keeper->call;
    uint32_t left = call->body_bytes - call->body_read;
    ssize_t n = left ? write(keeper->input, call->body + call->body_read, left) : 0;

    if (n > 0)
        call->body_read += (uint32_t)n;
    if (call->body_read == call->body_bytes || (n < 0 && errno != EAGAIN))
        close_end(&keeper->input);
}

/* False: it passed its limit. */
static bool take_output(struct keeper *keeper)
{
    static char piece[PIECE];
    ssize_t n = read(keeper->output, piece, sizeof piece);

    if (n > 0)
        return call_answer(&keeper->call, piece, (size_t)n) == 0;
    if (n == 0 || errno != EAGAIN)
        close_end(&keeper->output);
    return true;
}

static void judge(struct keeper *keeper, struct verdict *verdict)
{
    if (keeper->ended && (!WIFEXITED(keeper->status) || WEXITSTATUS(keeper->status) != 0)) {
        keeper_gone(keeper, verdict);
        return;
    }
    if (keeper->contain->setup.http_cgi && call_cgi_head(&keeper->call) < 0) {
        verdict->outcome = CHANNEL_IMPROPER;
        snprintf(verdict->message, sizeof verdict->message,
                 "the output does not begin with a CGI header block");
    }
}

static void serve(struct keeper *keeper, struct verdict *verdict)
{
    /* Its end, and the end of its output: all that it started ends with it, so both come. */
    while (!keeper->ended || keeper->output >= 0) {
        struct pollfd fds[] = {{.fd = keeper->input, .events = POLLOUT},
                               {.fd = keeper->output, .events = POLLIN}};
        if (keeper_wait(keeper, fds, 2, -1) < 0)
            break;
        if (fds[0].revents)
            give_input(keeper);
        if (fds[1].revents && !take_output(keeper)) {
            verdict->outcome = CHANNEL_TOO_LARGE;
            return;
        }
    }
    judge(keeper, verdict);
}

const struct talk talk_stdio = {
    .name = "stdio",
    .output_is_answer = true,
    .one_call = true,
    .serve = serve,
};
