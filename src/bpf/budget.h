/* How much processor time a function's loads may take, the reader's and the verifier's (budget.c).
 * Times are nanoseconds of CLOCK_MONOTONIC. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget;

/* The broker's, before there are sessions. -errno. */
int budget_open(void);
/* That of the function; NULL: there are too many functions. It is there until budget_forget(). */
struct budget *budget_of(uint64_t owner);
void budget_forget(uint64_t owner);

/* The time to wait before the next load; 0: none. */
int64_t budget_owed(const struct budget *budget, int64_t now_ns);
/* This process has had so much of a processor. */
int64_t processor_ns(void);
/* A load has taken `cpu_ns` of a processor. */
void budget_count(struct budget *budget, int64_t now_ns, int64_t cpu_ns);
/* The broker's: likewise of a function by its number; of one that is gone it is nobody's. */
void budget_count_of(uint64_t owner, int64_t now_ns, int64_t cpu_ns);
/* Waits until nothing is owed. -EPIPE: the other end of `socket`, who asked, has gone meanwhile. */
int budget_wait(const struct budget *budget, int socket);
