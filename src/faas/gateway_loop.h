/*
 * One event loop: descriptors and deadlines of one thread. Everything in a gateway that waits does
 * so here, so that an idle gateway sleeps in one epoll_wait(2) until a real deadline.
 * A loop and what is added to it are used by one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;

/* Interest in a descriptor. Lies in its owner's struct, at a stable address while it is added. */
struct loop_watch {
    void (*event)(struct loop_watch *watch, uint32_t events);
    int fd;
};

/* A deadline. Zeroed before its first use; in its owner's struct. */
struct loop_timer {
    void (*expired)(struct loop_timer *timer);
    uint64_t deadline_ns; /* CLOCK_MONOTONIC */
    uint32_t place;       /* in the heap, from 1; 0: not armed */
};

int loop_new(struct loop **ret_loop, struct err *err);
/* Watches are not closed. NULL is fine. */
void loop_free(struct loop *loop);

/* `events` as of epoll_ctl(2). */
int loop_add(struct loop *loop, struct loop_watch *watch, uint32_t events, struct err *err);
int loop_change(struct loop *loop, struct loop_watch *watch, uint32_t events);
/*
 * Before the descriptor is closed. An event of this round that has not been delivered yet is
 * dropped, so the owner may be freed at once.
 */
void loop_remove(struct loop *loop, struct loop_watch *watch);

/* Arms, or moves, a timer. -ENOMEM. */
int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t deadline_ns);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/* The time when the present round began; loop_clock() reads the clock anew and keeps it. */
uint64_t loop_now(const struct loop *loop);
uint64_t loop_clock(struct loop *loop);

/*
 * Waits for events, at most until the next timer and at most `timeout_ms` (-1: for ever), and
 * delivers them, then the timers that are due. Returns 0 or -errno.
 */
int loop_round(struct loop *loop, int timeout_ms);
