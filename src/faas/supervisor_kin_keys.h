/*
 * The keys that families have made, so that one that asks for another's is refused by name. What is
 * said of them is a family's claim, which can harm that family alone: keys are the tenants' choice,
 * so they lie in balanced trees (tsearch(3)), and each operation takes as many steps as the
 * logarithm of all keys, whichever they are.
 *
 * A member may be killed between what it does and what it says of it. So it says that it wants a
 * key before it makes it, and the kernel is asked (`look`) before another family is refused a key,
 * and before a family is told that it has too many.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "faas/kin_rate.h"
#include "guest/kin.h"

/* Who says that it makes a key has made it by then, or never does. */
#define KIN_WANTED_NS (2 * KIN_SECOND_NS)

struct kin_keys;

struct kin_key {
    struct kin_keys *of;
    uint64_t family; /* 0, when it is sought: any */
    enum kin_key_kind kind;
    int32_t key;
    int32_t id;              /* -1: wanted, and nobody said that it was made */
    int64_t wanted_until_ns; /* a member is about to make it */
};

/* Which of a family's keys are in its namespace. What can't be seen is there. */
typedef void kin_key_look(void *context, uint64_t family, const struct kin_key *const *keys,
                          unsigned count, bool *ret_there);

/* All families' keys; NULL: there are none. */
struct kin_key_table {
    void *root;
    kin_key_look *look;
    void *context;
};

/* Those of one family; at most KIN_KEYS_MAX. */
struct kin_keys {
    struct kin_key_table *table;
    uint64_t family; /* the root's instance; never 0 */
    void *root;
    unsigned count;
    struct kin_rate looks; /* at all of them */
};

/* Another family that has it; 0: nobody has it, or the asker does. Forgets those that have gone. */
uint64_t kin_keys_holder(struct kin_key_table *table, uint64_t asker, enum kin_key_kind kind,
                         int32_t key, int64_t now_ns);
/* A member makes it now. 0, also when it is known; -ENOSPC: KIN_KEYS_MAX are, or there is no
 * memory. */
int kin_keys_want(struct kin_keys *keys, enum kin_key_kind kind, int32_t key, int64_t now_ns);
/* It is the queue or segment `id`; negative: it was not made. */
void kin_keys_made(struct kin_keys *keys, enum kin_key_kind kind, int32_t key, int32_t id,
                   int64_t now_ns);
/* `id` has gone, if it was the one that has the key; negative: whichever it was. */
void kin_keys_remove(struct kin_keys *keys, enum kin_key_kind kind, int32_t key, int32_t id,
                     int64_t now_ns);
void kin_keys_drop(struct kin_keys *keys);
