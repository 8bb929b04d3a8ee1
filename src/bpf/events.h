/*
 * The events of perf_event_open(2) that programs hang on, as they are asked for: by who attaches
 * them of the kernel, and where that keeps events for CAP_SYS_ADMIN, of the opener (opener.c),
 * which has it. What can be said is all that can be had: an event counts on a processor, for every
 * process, and samples nothing but what a program writes: no registers, stacks or addresses.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

enum event_kind {
    EVENT_TRACEPOINT = 1, /* `number` is its id */
    EVENT_KPROBE,         /* `number` bytes into `function`, or where it `returns` */
    EVENT_SAMPLES,        /* `frequency` times a second of `type` and `number`, its config */
    EVENT_OUTPUT,         /* of a perf event array: programs write into it */
};

/* What its kind does not name is zero. */
struct event_request {
    uint32_t kind;
    uint32_t processor; /* 0 of tracepoints and kprobes */
    uint64_t number;
    uint32_t type, frequency, returns, reserved;
    char function[128];
};

#define EVENT_FREQUENCY_MAX 10000
#define EVENT_OFFSET_MAX 0xffff

/* Letters, digits and '_', with exactly so many slashes in between. */
bool is_kernel_name(const char *text, unsigned slashes);
/* 0, or -EINVAL. Whatever bytes it has. */
int event_check(const struct event_request *request);
/* Checks and opens it by the caller's own rights: a descriptor, or -errno. `kprobe_type` is the
 * kernel's number of that kind. */
int event_open_own(const struct event_request *request, uint32_t kprobe_type);
/* Reads that number; -EOPNOTSUPP: the kernel has no kprobes. */
int event_kprobe_type(uint32_t *ret_type);
/* By own rights, or else by the opener's: a descriptor, not enabled if it is a tracepoint's, or
 * -errno. -EPERM: neither may, as while the sysctl kernel.perf_event_paranoid is above 2. */
int event_open(const struct event_request *request);
/* Where event_open() asks; -1: nowhere. */
void event_ask_at(int socket);

/* ---- opener.c ---- */

/* True: CAP_PERFMON, which the caller has, is not enough for this kernel's events; it has
 * CAP_SYS_ADMIN too. */
bool opener_is_needed(void);
/*
 * Starts the opener, a child that ends with the caller's process, as `uid` (0: as it is) with
 * CAP_SYS_ADMIN alone. At ret_sockets[0] every event can be asked for, at ret_sockets[1] those of
 * EVENT_OUTPUT alone; both are the caller's. They hang up when it ends.
 */
int opener_start(uint32_t uid, int ret_sockets[static 2], struct err *err);
