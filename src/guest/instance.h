/* An instance: a fork of the template that drops what it still holds and serves calls. */
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "guest/family.h"
#include "guest/host.h"
#include "guest/native.h"
#include "guest/template.h"

#define INSTANCE_EVENT_FD GUEST_EVENT_FD
/* Granted directories follow, then granted listening sockets, then the socket to the connector,
 * then that to vireo-platform, then that to vireo-broker, then the control socket (control.h), then
 * a family's to the supervisor (kin.h), where they are granted. */
#define INSTANCE_FIRST_DIRECTORY_FD 4

/* All that the template prepared, shared by its instances copy-on-write. */
struct template_state {
    struct guest_setup setup;
    int directories[GRANT_FILES_MAX]; /* of setup.files; -1: a tmp that each instance has of its own
                                       */
    bool has_tmp;                     /* then Landlock waits until the instance has it */
    const char *args[RUN_ARGS_MAX + 1];
    const char *env[GUEST_ENV_MAX + 1];
    const struct library *library;
    struct link_tree
        *tree; /* native libraries, its own among them; NULL: none, and none may come */
    struct wasi *wasi;
    struct native_buffers buffers; /* of native code */
    cpu_set_t processors;          /* that it had when it was set up */

    /* Last, because an instance writes them: they share a page with what follows. */
    struct family family;  /* of the instance */
    struct host host;      /* its instance is open if `instantiated` */
    bool instantiated;     /* its memory and data are in place */
    int control;           /* the control socket; -1 */
    uint32_t control_seen; /* channel.control_sequence when it was looked at last */
    bool initialized;      /* a handler: its constructors have run, in this instance */
};

static inline int instance_connector_fd(const struct template_state *state)
{
    return INSTANCE_FIRST_DIRECTORY_FD + (int)(state->setup.file_count + state->setup.listen_count);
}

static inline int instance_platform_fd(const struct template_state *state)
{
    return instance_connector_fd(state) + (state->setup.connect_count > 0);
}

static inline int instance_bpf_fd(const struct template_state *state)
{
    return instance_platform_fd(state) + ((state->setup.grants & GUEST_GRANT_PLATFORM) != 0);
}

static inline int instance_control_fd(const struct template_state *state)
{
    return instance_bpf_fd(state) + ((state->setup.grants & GUEST_GRANT_BPF) != 0);
}

static inline int instance_kin_fd(const struct template_state *state)
{
    return instance_control_fd(state) + ((state->setup.grants & GUEST_GRANT_CONTROL) != 0);
}

/* Where the descriptors of a GUEST_FORK message are. */
struct instance_fds {
    int memory, event; /* channel; -1 for GUEST_FORK_RUN */
    int stdio[3];      /* -1 without GUEST_FORK_RUN */
    int connector;     /* -1 without GUEST_FORK_CONNECTOR */
    int platform;      /* -1 without GUEST_FORK_PLATFORM */
    int bpf;           /* -1 without GUEST_FORK_BPF */
    int control;       /* -1 without GUEST_FORK_CONTROL */
    int kin, kin_page; /* -1 without GUEST_FORK_KIN */
    int become;        /* -1 without GUEST_FORK_BLANK */
    const int *tasks;  /* v1 groups to enter */
    size_t task_count;
    int tmp[GRANT_FILES_MAX]; /* this instance's own tmp directories, -1 elsewhere */
};

/* Finds where the descriptors of a fork message are, and its v2 group (-1: none). -EBADMSG when
 * their count is not what it says. */
int template_fork_fds(const struct guest_fork *message, const int *fds, size_t fd_count,
                      struct instance_fds *ret_fds, int *ret_group);

/*
 * In the template, once: all that instances share and that needs no code of the library, which has
 * been linked but is not entered.
 */
struct err;
int instance_prepare(struct template_state *state, struct err *err);

/*
 * Runs in the child right after the fork; never returns. Enters its groups, keeps only its own
 * descriptors, drops all capabilities, takes fresh random state, loads its filter, then serves
 * calls. Must not return through a frame that was entered before: the stack's canary changes.
 */
void instance_run(struct template_state *state, const struct guest_fork *fork,
                  const struct instance_fds *fds) __attribute__((noreturn));
