/*
 * Answering emulated calls: a call that the table says is *emulated* waits in the kernel until its
 * listener answers it; it never runs. What is answered comes from the group that it is of, never
 * from the caller's memory read twice; the kernel's "continue" is not used.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vkernel/vkernel.h"

/* Something else to look after while nobody calls: `changed` says what to wait for next, or -1. */
struct vk_watch {
    int fd;
    int (*changed)(void *user, int fd);
};
enum { VK_WATCH_VIEW, VK_WATCH_INIT, VK_WATCHES };

/* What the group that is answered for says of itself. `user` is passed on. */
struct vk_group {
    void *user;
    /* Bytes that it may have (UINT64_MAX: as many as the machine has) and has, and its processes.
     */
    int (*memory)(void *user, uint64_t *ret_limit, uint64_t *ret_used, unsigned *ret_processes);
    enum vkernel_policy (*policy)(void *user);
    int (*set_policy)(void *user, enum vkernel_policy policy);
    /* syslog(2) of its own log; *ret_text, of the value's length, is the callee's. NULL: none. */
    int64_t (*log)(void *user, int type, int length, const char **ret_text);
    struct vk_watch watches[VK_WATCHES];
};

/* Whether a call can be emulated. */
bool vk_can_emulate(unsigned number);
/* Whether anything is. */
bool vkernel_emulates(const struct vkernel *vkernel);

/* Answers until nobody is left who has the filter (-1: there is none), and nothing else is to look
 * after then. 0, or -errno. */
int vk_broker_serve(int listener, const struct vk_group *group);
