/* For a process that works on somebody else's behalf and has no limit of its own: it takes a part
 * of one CPU's time, and who wants more waits. */
#pragma once

#include <stdint.h>

/* Zeroed at first; one thread's. */
struct pace {
    int64_t wall_ns, cpu_ns; /* when it was asked last */
    int64_t debt_ns;         /* of wall time, that the work done is ahead of its part */
};

/* Its part of one CPU. */
#define PACE_PERCENT 10
/* So much work at once is not held up. */
#define PACE_BURST_NS 20000000

/* What is owed after some work: `wall_ns` have passed since the last time, `cpu_ns` of which were
 * work. The time to rest now; 0: none. */
int64_t pace_count(struct pace *pace, int64_t wall_ns, int64_t cpu_ns);

/* Behind each piece of work: rests if this process has had more than its part of CPU time. */
void pace_keep(struct pace *pace);
