/*
 * Waiting for requests. Where libraries may be linked, two words are waited for at once: the
 * request's and the control socket's. System calls: futex, or futex_waitv; write.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/channel.h"
#include "guest/control_serve.h"
#include "guest/instance.h"
#include "guest/template.h"
#include "guest/wait.h"

#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif

/* The kernel's struct futex_waitv (Linux 5.16), which older headers lack. */
struct wait_word {
    uint64_t value, address;
    uint32_t flags, reserved;
};
#define WAIT_WORD_BITS_32 2u

/* Until one of the words is another, or somebody wakes one. */
static void sleep_on_both(struct channel *channel, uint32_t done, uint32_t seen)
{
    struct wait_word words[] = {
        {done, (uintptr_t)&channel->request_sequence, WAIT_WORD_BITS_32, 0},
        {seen, (uintptr_t)&channel->control_sequence, WAIT_WORD_BITS_32, 0},
    };

    syscall(__NR_futex_waitv, words, 2, 0, NULL, 0);
}

void wait_request(struct template_state *state, struct channel *channel, uint32_t done)
{
    while (atomic_load_explicit(&channel->request_sequence, memory_order_acquire) == done) {
        if (state->control >= 0 && atomic_load(&channel->control_sequence) != state->control_seen)
            control_serve(state, channel);
        if (channel_wait_begin(&channel->guest_waits, &channel->request_sequence, done)) {
            if (state->control >= 0)
                sleep_on_both(channel, done, state->control_seen);
            else
                syscall(__NR_futex, &channel->request_sequence, FUTEX_WAIT, done, NULL, NULL, 0);
        }
        atomic_store_explicit(&channel->guest_waits, 0, memory_order_relaxed);
    }
    /* Before the call that came at the same time: it may need what is to be linked. */
    if (state->control >= 0 && atomic_load(&channel->control_sequence) != state->control_seen)
        control_serve(state, channel);
}

bool wait_take(struct channel *channel, uint32_t number, uint32_t *ret_slot)
{
    uint32_t ready = CHANNEL_READY;

    *ret_slot = channel->order[number % CHANNEL_SLOTS] % CHANNEL_SLOTS;
    return atomic_compare_exchange_strong(&channel->slots[*ret_slot].state, &ready, CHANNEL_TAKEN);
}

void wait_publish(struct channel *channel, uint32_t number)
{
    const uint64_t one = 1;

    atomic_store(&channel->response_sequence, number);
    if (atomic_load(&channel->request_sequence) != number)
        return;
    if (channel_must_tell(channel) && write(INSTANCE_EVENT_FD, &one, sizeof one) < 0 &&
        errno != EAGAIN)
        _exit(GUEST_EXIT_SETUP);
}
