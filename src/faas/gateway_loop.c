/* One event loop: epoll and a binary heap of deadlines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/gateway_loop.h"

#define ROUND_EVENTS 256

struct loop {
    int epoll_fd;
    uint64_t now_ns;
    struct epoll_event events[ROUND_EVENTS];
    int event_count, event_next; /* of the round being delivered */
    struct loop_timer **heap;    /* [0] is the earliest */
    uint32_t timer_count, timer_capacity;
};

DEFINE_CLEANUP(struct loop, loop_free)

int loop_new(struct loop **ret_loop, struct err *err)
{
    _cleanup_(loop_freep) struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return err_set(err, -ENOMEM, "cannot make an event loop");
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return err_set(err, -errno, "cannot make an event loop");
    loop_clock(loop);
    *ret_loop = steal_ptr(&loop);
    return 0;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    closep(&loop->epoll_fd);
    free(loop->heap);
    free(loop);
}

int loop_add(struct loop *loop, struct loop_watch *watch, uint32_t events, struct err *err)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0)
        return err_set(err, -errno, "cannot watch descriptor %d", watch->fd);
    return 0;
}

int loop_change(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0 ? -errno : 0;
}

void loop_remove(struct loop *loop, struct loop_watch *watch)
{
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = loop->event_next; i < loop->event_count; i++)
        if (loop->events[i].data.ptr == watch)
            loop->events[i].data.ptr = NULL;
}

/* ---- the heap: heap[place - 1] is the timer; a parent is never later than its children ---- */

static void heap_put(struct loop *loop, uint32_t place, struct loop_timer *timer)
{
    loop->heap[place - 1] = timer;
    timer->place = place;
}

static void heap_settle(struct loop *loop, struct loop_timer *timer, uint32_t place)
{
    while (place > 1 && loop->heap[place / 2 - 1]->deadline_ns > timer->deadline_ns) {
        heap_put(loop, place, loop->heap[place / 2 - 1]);
        place /= 2;
    }
    for (;;) {
        uint32_t child = place * 2;
        if (child > loop->timer_count)
            break;
        if (child < loop->timer_count &&
            loop->heap[child]->deadline_ns < loop->heap[child - 1]->deadline_ns)
            child++;
        if (loop->heap[child - 1]->deadline_ns >= timer->deadline_ns)
            break;
        heap_put(loop, place, loop->heap[child - 1]);
        place = child;
    }
    heap_put(loop, place, timer);
}

int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t deadline_ns)
{
    if (timer->place == 0) {
        if (loop->timer_count == loop->timer_capacity) {
            uint32_t capacity = loop->timer_capacity ? loop->timer_capacity * 2 : 256;
            struct loop_timer **heap = realloc(loop->heap, capacity * sizeof *heap);
            if (!heap)
                return -ENOMEM;
            loop->heap = heap;
            loop->timer_capacity = capacity;
        }
        heap_put(loop, ++loop->timer_count, timer);
    }
    timer->deadline_ns = deadline_ns;
    heap_settle(loop, timer, timer->place);
    return 0;
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
    uint32_t place = timer->place;

    if (place == 0)
        return;
    struct loop_timer *last = loop->heap[--loop->timer_count];
    timer->place = 0;
    if (last != timer)
        heap_settle(loop, last, place);
}

uint64_t loop_now(const struct loop *loop)
{
    return loop->now_ns;
}

uint64_t loop_clock(struct loop *loop)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    loop->now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return loop->now_ns;
}

/* Milliseconds to the first deadline, rounded up: waking before it would only be repeated. */
static int timeout_to_timer(struct loop *loop, int timeout_ms)
{
    if (loop->timer_count == 0 || timeout_ms == 0)
        return timeout_ms;
    uint64_t first = loop->heap[0]->deadline_ns;
    uint64_t now = loop_clock(loop);
    if (first <= now)
        return 0;
    uint64_t wait_ms = (first - now + 999999) / 1000000;
    if (timeout_ms >= 0 && wait_ms > (uint64_t)timeout_ms)
        return timeout_ms;
    return wait_ms > 3600000 ? 3600000 : (int)wait_ms;
}

int loop_round(struct loop *loop, int timeout_ms)
{
    int n =
        epoll_wait(loop->epoll_fd, loop->events, ROUND_EVENTS, timeout_to_timer(loop, timeout_ms));
    if (n < 0 && errno != EINTR)
        return -errno;

    loop_clock(loop);
    loop->event_count = n > 0 ? n : 0;
    for (loop->event_next = 0; loop->event_next < loop->event_count;) {
        const struct epoll_event *event = &loop->events[loop->event_next++];
        struct loop_watch *watch = event->data.ptr;
        if (watch)
            watch->event(watch, event->events);
    }
    loop->event_count = loop->event_next = 0;

    /* Those armed while this runs wait for the next round: an expired() that arms itself for now
     * must not hold the loop. */
    uint64_t now = loop->now_ns;
    for (uint32_t budget = loop->timer_count; budget > 0 && loop->timer_count > 0; budget--) {
        struct loop_timer *timer = loop->heap[0];
        if (timer->deadline_ns > now)
            break;
        loop_timer_clear(loop, timer);
        timer->expired(timer);
    }
    return 0;
}
