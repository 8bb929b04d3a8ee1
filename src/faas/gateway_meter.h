/*
 * What calls cost: time, processor, memory. Time is the gateway's clock around the call. Processor
 * time is what the kernel counts for the instance's control group; a warm call reads nothing:
 *
 *   An instance runs one thread, so a call's processor time is at most its time. The counter is
 *   read when the calls since the last reading took a millisecond together (one pread of 0.6 to
 *   1.3 µs a millisecond of calls), and what it rose by is shared among them by their time. The sum
 *   is the kernel's; a single call's share is off by less than the step that it is rounded up to.
 *   For isolation: request the group has one call: its count is exact, and known when the group
 *   is left.
 *
 * Memory is the peak of the instance's group, known when the instance ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "faas/metrics.h"
#include "faas/problem.h"
#include "faas/telemetry.h"

struct call;
struct calls;
struct gateway_ended;
struct instance;

/* Of one instance; lies in it. */
struct meter {
    int cpu_fd;           /* the file that counts for its group, or -1 */
    uint64_t cpu_base_us; /* what it said when the group was taken */
    uint64_t cpu_seen_us; /* above that, at the last reading */
    uint64_t pending_us;  /* time of the calls since then */
    uint32_t pending_calls;
    uint64_t calls, billed_ms; /* that it served */
    bool waits;                /* isolation: request: `record` waits for the end */
    struct telemetry_call record;
};

/* Takes the descriptor (-1: none) over. */
void meter_attach(struct meter *meter, int cpu_fd, uint64_t cpu_base_us);
void meter_release(struct meter *meter);

/*
 * An instance's call is over, with this status and cause (PROBLEM_NONE: answered). `ended`: because
 * the instance is no more, else NULL. Before the instance lets go of the call.
 */
void meter_call(struct instance *instance, struct call *call, unsigned status,
                enum problem_cause cause, const struct gateway_ended *ended);
/* A request was refused before any instance had it: only a line of the log. */
void meter_refused(struct call *call, enum problem_cause cause);
/* The instance is no more: what was not accounted for, and the peak of its memory. */
void meter_ended(struct instance *instance, const struct gateway_ended *ended);

/* Whole milliseconds, rounded up, at least one: the step of what is metered. */
uint64_t meter_ms(uint64_t us);
/* From the text of v2's cpu.stat or v1's cpuacct.usage. -EBADMSG. */
int meter_cpu_parse(const char *text, uint64_t *ret_us);
