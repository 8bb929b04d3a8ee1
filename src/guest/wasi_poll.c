/*
 * poll_oneoff(). Two passes over the subscriptions: the first finds what is to be waited for and
 * whether something is ready already, the second writes the events. Between them one wait: ppoll(2)
 * if a descriptor can keep us waiting, else clock_nanosleep(2), for an instance without streams has
 * no ppoll. Files and channels are always ready.
 *
 * The guest may have its events overlap its subscriptions. Each subscription is therefore copied
 * and checked anew in each pass.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/call.h"
#include "guest/signals.h"
#include "guest/wasi_internal.h"

#define NS_PER_SECOND UINT64_C(1000000000)

struct poller {
    struct host *host;
    uint64_t start;       /* monotonic, ns: what relative times count from */
    uint64_t deadline[2]; /* earliest, by WASI_CLOCK_REALTIME and WASI_CLOCK_MONOTONIC */
    bool ready;           /* an event is there without waiting */
    bool woken;           /* by what is not the guest's: wasi_wake_by() */
    uint32_t poll_count;  /* entries of wasi->scratch.polls */
};

/* System call: clock_gettime (vDSO). */
static uint64_t now(enum wasi_clock clock)
{
    struct timespec time;

    clock_gettime(clock == WASI_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

static struct timespec timespec_from(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / NS_PER_SECOND), (long)(ns % NS_PER_SECOND)};
}

/*
 * When a clock subscription ends, and by which clock: a relative time is not moved by somebody who
 * sets the real-time clock. WASI_ENOTSUP for clocks that count CPU time: waiting, they stand still.
 */
static enum wasi_errno deadline_of(const struct poller *poller,
                                   const struct wasi_subscription *subscription,
                                   enum wasi_clock *ret_clock, uint64_t *ret_deadline)
{
    uint64_t timeout = subscription->u.clock.timeout;

    if (subscription->u.clock.flags & ~WASI_SUBCLOCK_ABSTIME)
        return WASI_EINVAL;
    if (subscription->u.clock.id > WASI_CLOCK_THREAD_CPUTIME)
        return WASI_EINVAL;
    if (subscription->u.clock.id > WASI_CLOCK_MONOTONIC)
        return WASI_ENOTSUP;
    *ret_clock = WASI_CLOCK_MONOTONIC;
    if (subscription->u.clock.flags & WASI_SUBCLOCK_ABSTIME) {
        *ret_clock = (enum wasi_clock)subscription->u.clock.id;
        *ret_deadline = timeout;
    } else if (__builtin_add_overflow(poller->start, timeout, ret_deadline)) {
        *ret_deadline = UINT64_MAX;
    }
    return WASI_SUCCESS;
}

/* Can the descriptor keep a reader or writer waiting? Then ppoll(2) must be asked. */
static bool may_wait(const struct wasi_fd *entry)
{
    return entry->kind == WASI_STREAM || wasi_is_socket(entry) ||
           (entry->kind == WASI_FILE && entry->filetype != WASI_FILETYPE_REGULAR_FILE);
}

/* The descriptor of a subscription: WASI_EBADF is the whole call's error, others are the event's.
 */
static enum wasi_errno entry_of(const struct poller *poller,
                                const struct wasi_subscription *subscription,
                                struct wasi_fd **ret_entry)
{
    return wasi_fd_get_file(poller->host, subscription->u.fd, WASI_RIGHT_POLL_FD_READWRITE,
                            ret_entry);
}

/* One slot for a descriptor, however often it is subscribed to. */
static void add_poll(struct poller *poller, struct wasi_fd *entry, short events)
{
    struct wasi *wasi = poller->host->wasi;

    if (entry->poll_round != wasi->poll_round) {
        entry->poll_round = wasi->poll_round;
        entry->poll_slot = poller->poll_count++;
        wasi->scratch.polls[entry->poll_slot] = (struct pollfd){.fd = entry->fd};
    }
    wasi->scratch.polls[entry->poll_slot].events |= events;
}

/* First pass, one subscription. The errors end the call. */
static enum wasi_errno prepare(struct poller *poller, const struct wasi_subscription *subscription)
{
    enum wasi_errno error;

    if (subscription->tag == WASI_EVENT_CLOCK) {
        enum wasi_clock clock;
        uint64_t deadline;
        error = deadline_of(poller, subscription, &clock, &deadline);
        if (error)
            poller->ready = true;
        else if (deadline < poller->deadline[clock])
            poller->deadline[clock] = deadline;
        return WASI_SUCCESS;
    }
    if (subscription->tag != WASI_EVENT_FD_READ && subscription->tag != WASI_EVENT_FD_WRITE)
        return WASI_EINVAL;

    struct wasi_fd *entry;
    error = entry_of(poller, subscription, &entry);
    if (error == WASI_EBADF)
        return error;
    if (error || !may_wait(entry))
        poller->ready = true;
    else
        add_poll(poller, entry, subscription->tag == WASI_EVENT_FD_READ ? POLLIN : POLLOUT);
    return WASI_SUCCESS;
}

static uint64_t until(uint64_t deadline, uint64_t time)
{
    return deadline > time ? deadline - time : 0;
}

void wasi_wake_by(struct wasi *wasi, int fd)
{
    wasi->wake.fd = fd;
    wasi->wake.looked = wasi->wake.seen = false;
}

bool wasi_wake_may(struct wasi *wasi)
{
    bool may = !wasi->wake.looked || wasi->wake.seen;

    wasi->wake.looked = wasi->wake.seen = false;
    return may;
}

uint32_t wasi_wake_poll(const struct wasi *wasi, struct pollfd *poll)
{
    if (wasi->wake.fd < 0 || wasi->wake.seen)
        return 0;
    *poll = (struct pollfd){.fd = wasi->wake.fd, .events = POLLIN};
    return 1;
}

bool wasi_wake_polled(struct wasi *wasi, const struct pollfd *poll)
{
    wasi->wake.looked = true;
    wasi->wake.seen = poll->revents != 0;
    return wasi->wake.seen;
}

/*
 * Waits for the first of all, or not at all if something is ready: then only ppoll(2) is asked what
 * else there is. May return early. System calls: ppoll, or clock_nanosleep.
 */
static void wait_for_first(struct poller *poller)
{
    const uint64_t never = UINT64_MAX;
    uint64_t real = poller->deadline[WASI_CLOCK_REALTIME];
    uint64_t mono = poller->deadline[WASI_CLOCK_MONOTONIC];
    uint64_t real_left = real == never ? never : until(real, now(WASI_CLOCK_REALTIME));
    uint64_t mono_left = mono == never ? never : until(mono, now(WASI_CLOCK_MONOTONIC));
    uint64_t left = real_left < mono_left ? real_left : mono_left;

    if (poller->ready)
        left = 0;
    struct wasi *wasi = poller->host->wasi;
    struct pollfd *polls = wasi->scratch.polls;
    uint32_t count = poller->poll_count + wasi_wake_poll(wasi, &polls[poller->poll_count]);
    if (count > 0) {
        struct timespec time = timespec_from(left);
        if (signals_call(poller->host, SYS_ppoll, (long)polls, count,
                         left == never ? 0 : (long)&time, 0, 0) <= 0)
            for (uint32_t i = 0; i < count; i++)
                polls[i].revents = 0;
        if (count > poller->poll_count)
            poller->woken = wasi_wake_polled(wasi, &polls[poller->poll_count]);
    } else if (left > 0) {
        bool by_real = real_left < mono_left;
        struct timespec time = timespec_from(by_real ? real : mono);
        signals_call(poller->host, SYS_clock_nanosleep, by_real ? CLOCK_REALTIME : CLOCK_MONOTONIC,
                     TIMER_ABSTIME, (long)&time, 0, 0);
    }
}

/* How much can be read: of a file what is left, of a pipe that there is something. System calls:
 * fstat, lseek. */
static uint64_t readable_bytes(const struct poller *poller, const struct wasi_fd *entry)
{
    const struct guest_call *call = poller->host->call;
    struct stat st;

    if (wasi_is_channel(entry))
        return entry->kind == WASI_BODY && call ? call->body_bytes - call->body_read : 0;
    if (wasi_is_socket(entry))
        return 1;
    if (fstat(entry->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return 1;
    off_t position = lseek(entry->fd, 0, SEEK_CUR);
    return position >= 0 && position < st.st_size ? (uint64_t)(st.st_size - position) : 0;
}

/* Second pass, a descriptor. Says whether its event is there. */
static bool fd_event(const struct poller *poller, const struct wasi_subscription *subscription,
                     struct wasi_event *event)
{
    const struct wasi *wasi = poller->host->wasi;
    bool reads = subscription->tag == WASI_EVENT_FD_READ;
    struct wasi_fd *entry;

    event->error = (uint16_t)entry_of(poller, subscription, &entry);
    if (event->error)
        return true;
    if (may_wait(entry)) {
        if (entry->poll_round != wasi->poll_round)
            return false; /* the guest's own events overwrote the subscription */
        short wanted = (reads ? POLLIN : POLLOUT) | POLLHUP | POLLERR | POLLNVAL;
        short found = wasi->scratch.polls[entry->poll_slot].revents & wanted;
        if (!found)
            return false;
        if (found & POLLNVAL)
            event->error = WASI_EBADF;
        /* The reader of a pipe is gone: said here, and the write itself says EPIPE. */
        if (found & (POLLHUP | POLLERR))
            event->flags = WASI_EVENT_HANGUP;
        if (!(found & POLLIN))
            return true;
    }
    if (reads)
        event->bytes = readable_bytes(poller, entry);
    return true;
}

/* Second pass, one subscription. */
static bool event_of(const struct poller *poller, const struct wasi_subscription *subscription,
                     struct wasi_event *event)
{
    enum wasi_clock clock;
    uint64_t deadline;

    *event = (struct wasi_event){.userdata = subscription->userdata, .type = subscription->tag};
    if (subscription->tag == WASI_EVENT_FD_READ || subscription->tag == WASI_EVENT_FD_WRITE)
        return fd_event(poller, subscription, event);
    if (subscription->tag != WASI_EVENT_CLOCK)
        return false;
    event->error = (uint16_t)deadline_of(poller, subscription, &clock, &deadline);
    return event->error || now(clock) >= deadline;
}

static uint32_t poll_once(struct host *host, uint32_t subscriptions, uint32_t events,
                          uint32_t count, uint32_t ret_count)
{
    struct wasi_subscription subscription;
    struct wasi_event event;
    const uint8_t *from = host_memory(host, subscriptions, (uint64_t)count * sizeof subscription);
    uint8_t *to = host_memory(host, events, (uint64_t)count * sizeof event);
    void *ret = host_memory(host, ret_count, 4);
    struct poller poller = {.host = host, .deadline = {UINT64_MAX, UINT64_MAX}};
    uint32_t written = 0;

    if (count == 0)
        return WASI_EINVAL;
    if (!from || !to || !ret)
        return WASI_EFAULT;
    host->wasi->poll_round++;
    poller.start = now(WASI_CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&subscription, from + (size_t)i * sizeof subscription, sizeof subscription);
        enum wasi_errno error = prepare(&poller, &subscription);
        if (error)
            return error;
    }
    /* Again after a signal, or if the real-time clock was set back. */
    while (written == 0) {
        wait_for_first(&poller);
        for (uint32_t i = 0; i < count; i++) {
            memcpy(&subscription, from + (size_t)i * sizeof subscription, sizeof subscription);
            if (!event_of(&poller, &subscription, &event))
                continue;
            memcpy(to + (size_t)written++ * sizeof event, &event, sizeof event);
        }
        if (written == 0 && (poller.woken || signals_wait(host)))
            return WASI_EINTR;
    }
    memcpy(ret, &written, 4);
    return WASI_SUCCESS;
}

uint32_t WASI(poll_oneoff)(struct host *host, uint32_t subscriptions, uint32_t events,
                           uint32_t count, uint32_t ret_count)
{
    uint32_t error = poll_once(host, subscriptions, events, count, ret_count);

    /* It is never begun again, whatever the handler says: signal(7). */
    signals_after(host, false);
    return error;
}
