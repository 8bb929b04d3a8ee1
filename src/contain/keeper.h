/*
 * A keeper: process 1 round one container, from the groups that it enters to the answer of the last
 * call. It holds what the ways of talking share.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "contain/contain.h"
#include "guest/call.h"
#include "guest/channel.h"
#include "oci/launch.h"

struct oci_config;

/* What the launcher knows of its function; the keepers have copies of it by fork. */
struct contain {
    struct contain_setup setup;
    const char *args[RUN_ARGS_MAX + 1];
    const char *env[GRANT_ENV_MAX + 8 + 1];
    struct oci_config *config; /* of every container */
    struct sock_fprog filter;  /* of every keeper, once its container is there */
    int init_program;          /* of every container */
    struct sock_fprog calls;   /* the filter of every container, and of a foreign runtime */
};

/* How a call ended, for call_respond(). */
struct verdict {
    enum channel_outcome outcome;
    int32_t code;
    bool last; /* the container serves no other call */
    char message[CHANNEL_MESSAGE_BYTES + 1];
};

struct keeper {
    const struct contain *contain;
    const struct talk *talk;
    void *talk_data; /* the talk's own */
    int talk_fd;     /* talk->idle() is called when it is readable between calls; -1: none */
    struct channel *channel;
    int event_fd;
    int bell_fd; /* rung when a request came: an eventfd */
    int state_fd;
    struct oci_place place;
    int hold;      /* what the waiting container is started by */
    pid_t starter; /* of a foreign runtime, and what it logs */
    int runtime_log;
    int process_fd;              /* pidfd of the container's process; -1: none yet */
    int input, output, log_pipe; /* our ends of its standard streams; -1: closed */
    bool started, ended;
    int status; /* of the ended process, as of wait(2) */
    struct guest_call call;
    char head[REQUEST_HEAD_MAX_BYTES + 1];
    uint8_t *answer;
};

/* The keeper's whole life. `fds`: the channel's memory and eventfd, then v1 `tasks` files, entered
 * at once. Its process has been cloned with CONTAIN_CLONE, in a network that is its own. */
#define CONTAIN_CLONE (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS)
_Noreturn void keeper_run(const struct contain *contain, const int *fds, size_t fd_count,
                          bool one_call);

/* Compiles the keepers' system-call filter, once: struct contain's. Gives up what a filter needs
 * gone (no_new_privs). */
int keeper_filter_make(struct sock_fprog *ret_program, struct err *err);

/*
 * Waits until one of `count` descriptors (poll(2)'s, the talk's own) is ready, the program ended,
 * or `timeout_ms` went by (-1: never); meanwhile what it writes goes to the log. Returns how many
 * of the talk's are ready, 0, or -errno.
 */
struct pollfd;
int keeper_wait(struct keeper *keeper, struct pollfd *fds, size_t count, int timeout_ms);
/* The program ended although it should serve: what its caller is told. */
void keeper_gone(struct keeper *keeper, struct verdict *verdict);
