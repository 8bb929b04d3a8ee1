/* Loads the BPF scheduler, and holds it: with the last descriptor it is gone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vkernel/scheduler_record.h"

struct err;
struct scheduler;

struct scheduler_options {
    uint32_t
        timeout_ms; /* the kernel takes it back when a thread has waited so long; at most 30 s */
    uint32_t rescue_ms; /* a thread that has waited so long is given an instant */
};

/*
 * Loads and attaches it: from then on every thread of the machine is scheduled by it. -EBUSY:
 * another one is there; -ENOTSUP: the kernel has none of this. CAP_BPF, CAP_PERFMON,
 * CAP_SYS_ADMIN; what follows needs none.
 */
int scheduler_load(const struct scheduler_options *options, struct scheduler **ret_scheduler,
                   struct err *err);
void scheduler_free(struct scheduler *scheduler);

/* A group's policy, at once. */
int scheduler_set(struct scheduler *scheduler, uint64_t group, enum scheduler_policy policy);

/* To be called once a second, and every 10 ms as long as it returns true: threads wait for the end
 * of a limit, whose periods it looks at. */
bool scheduler_beat(const struct scheduler *scheduler);

/* Readable when the kernel has taken it back (scheduler_ended() says why), and when a limit begins
 * to hold: then a beat is due. */
int scheduler_fd(const struct scheduler *scheduler);
/* False: it has not. */
bool scheduler_ended(struct scheduler *scheduler, struct scheduler_end *ret_end);
