/*
 * Where an instance has its largest mappings: behind the program, whose page tables they share. The
 * kernel puts each new mapping below the last; the channel and the linear memory, of which only
 * the first pages are touched, would lie gigabytes apart, and each would have two or three page
 * tables (4 KiB each) for itself. The program is at a random place in each template, and so are
 * they. All are hints: where something lies already, the kernel chooses.
 */
#pragma once

#include <stdint.h>

#include "guest/channel.h"

/* For what begins right behind the program: the break, in processes that use it. */
#define PLACE_GAP_BYTES (64ul << 10)

extern const char _end[] __attribute__((visibility("hidden")));

static inline void *place_of_channel(void)
{
    return (void *)(((uintptr_t)_end + PLACE_GAP_BYTES) & ~(uintptr_t)4095);
}

static inline void *place_of_memory(void)
{
    return (char *)place_of_channel() + CHANNEL_BYTES + PLACE_GAP_BYTES;
}
