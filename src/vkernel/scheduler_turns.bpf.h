/* Between groups: whose turn it is. */
#pragma once

#include "vkernel/scheduler_state.bpf.h"

static __always_inline __u64 weighted(__u64 ns, __u32 weight)
{
    return ns * 100 / (weight ? weight : 1);
}

/* Whether the group of slot `a` has its turn before that of `b`: where their paths part. A total
 * order, so that one can ask for the next one. */
__noinline int turn_is_before(__u32 a, __u32 b)
{
    struct node *x = node_of(a), *y = node_of(b);

    if (!x || !y)
        return 0;
    for (__u32 level = 1; level < LEVELS; level++) {
        bool x_goes_on = x->depth >= level, y_goes_on = y->depth >= level;
        __u32 i = x_goes_on ? x->path[level] : a, j = y_goes_on ? y->path[level] : b;
        if (i == j)
            continue;
        struct node *m = node_of(i), *n = node_of(j);
        if (!m || !n)
            return 0;
        __u64 v = x_goes_on ? m->vtime : m->own, w = y_goes_on ? n->vtime : n->own;
        return v == w ? i < j : is_before(v, w);
    }
    return 0;
}

/* The time that a group has of its period, as it is now. */
static __always_inline bool is_spent(struct node *node, __u64 now)
{
    __u64 end = node->period_end, period = node->period_ns;

    if (!node->quota_ns || !period)
        return false;
    if (now >= end) {
        __u64 periods = (now - end) / period + 1;
        if (__sync_val_compare_and_swap(&node->period_end, end, end + periods * period) == end) {
            __u64 back = (periods < 1024 ? periods : 1024) * node->quota_ns, used = node->used_ns;
            __sync_fetch_and_add(&node->used_ns, -(back < used ? back : used));
        }
    }
    return node->used_ns >= node->quota_ns;
}

/* A limit of its own or of a group above holds it back. */
__noinline int is_held(__u32 slot)
{
    struct node *leaf = node_of(slot);
    __u64 now = bpf_ktime_get_ns();

    if (!leaf)
        return 0;
    for (__u32 level = 1; level < LEVELS && level <= leaf->depth; level++) {
        struct node *node = node_of(leaf->path[level]);
        if (node && is_spent(node, now))
            return 1;
    }
    return 0;
}

static __always_inline void charge(struct node *leaf, __u64 ns)
{
    __sync_fetch_and_add(&leaf->own, ns);
    for (__u32 level = 1; level < LEVELS && level <= leaf->depth; level++) {
        struct node *node = node_of(leaf->path[level]);
        if (!node)
            return;
        __sync_fetch_and_add(&node->vtime, weighted(ns, node->idle ? 1 : node->weight));
        if (node->quota_ns)
            __sync_fetch_and_add(&node->used_ns, ns);
    }
}

/* One of a group's threads runs: no sibling that wakes begins far before it. */
static __always_inline void advance_clocks(struct node *leaf)
{
    struct node *above = node_of(leaf->path[0]);

    for (__u32 level = 1; level < LEVELS && level <= leaf->depth; level++) {
        struct node *node = node_of(leaf->path[level]);
        if (!node || !above)
            return;
        advance(&above->clock, node->vtime);
        above = node;
    }
    advance(&leaf->clock, leaf->own);
}

/* The group's time while it slept is not kept for it. */
static __always_inline void catch_up(__u64 *vtime, __u64 clock)
{
    if (is_before(*vtime, clock - CREDIT_NS))
        *vtime = clock - CREDIT_NS;
}

static __always_inline void activate(struct node *leaf, __u32 slot)
{
    struct node *above = node_of(leaf->path[0]);

    for (__u32 level = 1; level < LEVELS && level <= leaf->depth; level++) {
        struct node *node = node_of(leaf->path[level]);
        if (!node || !above)
            return;
        if (__sync_fetch_and_add(&node->runnable, 1) == 0)
            catch_up(&node->vtime, above->clock);
        above = node;
    }
    if (__sync_fetch_and_add(&leaf->own_runnable, 1) == 0) {
        catch_up(&leaf->own, leaf->clock);
        __sync_fetch_and_or(&active[slot / 64 % WORDS], 1ull << slot % 64);
    }
}

static __always_inline void deactivate(struct node *leaf, __u32 slot)
{
    for (__u32 level = 1; level < LEVELS && level <= leaf->depth; level++) {
        struct node *node = node_of(leaf->path[level]);
        if (node)
            __sync_fetch_and_add(&node->runnable, -1);
    }
    if (__sync_fetch_and_add(&leaf->own_runnable, -1) != 1)
        return;
    __sync_fetch_and_and(&active[slot / 64 % WORDS], ~(1ull << slot % 64));
    /* One that came meanwhile has set its bit before, or is seen here. */
    if (__sync_fetch_and_add(&leaf->own_runnable, 0) > 0)
        __sync_fetch_and_or(&active[slot / 64 % WORDS], 1ull << slot % 64);
}

/* Somebody waits for the end of a limit: the beat is to be faster. */
static __always_inline void say_limited(void)
{
    __u64 now = bpf_ktime_get_ns(), before = limited_at;
    __u32 nothing = 0;

    limited_at = now;
    if (now - before >= SWEEP_NS / 2)
        bpf_ringbuf_output(&ends, &nothing, sizeof nothing, 0);
}

/* The better one of two slots, `slot` if it may have its turn now and comes after `after`. */
__noinline int better_slot(__s32 best, __u32 slot, __s32 after, __s32 running)
{
    bool waits = scx_bpf_dsq_nr_queued(slot + 1) > 0;

    if (!waits && (__s32)slot != running)
        return best;
    if (after != NONE && !turn_is_before((__u32)after, slot))
        return best;
    if (best != NONE && !turn_is_before(slot, (__u32)best))
        return best;
    if (!is_held(slot))
        return (int)slot;
    say_limited();
    return best;
}

/* The group whose turn it is, of those that come after `after`; `running` has one that runs here
 * and could go on. NONE. */
__noinline int choose(__s32 after, __s32 running)
{
    struct bpf_iter_num words, bits;
    int *word, *bit;
    __s32 best = NONE;

    bpf_iter_num_new(&words, 0, (int)words_used);
    while ((word = bpf_iter_num_next(&words))) {
        __u32 at = (__u32)*word % WORDS;
        __u64 set = active[at];
        bpf_iter_num_new(&bits, 0, set ? 64 : 0);
        while ((bit = bpf_iter_num_next(&bits)) && set >> *bit)
            if (set >> *bit & 1)
                best = better_slot(best, at * 64 + (__u32)*bit, after, running);
        bpf_iter_num_destroy(&bits);
    }
    bpf_iter_num_destroy(&words);
    return best;
}
