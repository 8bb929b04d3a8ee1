/*
 * The keys that families have made, so that one that asks for another's is refused by name. What is
 * said of them is a family's claim, which can harm that family alone: keys are the tenants' choice,
 * so they lie in balanced trees (tsearch(3)), and each operation takes as many steps as the
 * logarithm of all keys, whichever they are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "guest/kin.h"

/* All families' keys; NULL: there are none. */
struct kin_key_table {
    void *root;
};

/* Those of one family; at most KIN_KEYS_MAX. */
struct kin_keys {
    struct kin_key_table *table;
    uint64_t family; /* the root's instance; never 0 */
    void *root;
    unsigned count;
};

/* Another family that has it; 0: nobody has it, or the asker does. */
uint64_t kin_key_holder(const struct kin_key_table *table, uint64_t asker, enum kin_key_kind kind,
                        int32_t key);
/*
 * The family's queue or segment `id` has that key. Two ids may have one key: the one that was
 * removed just now and its successor. 0, also when it is known; -ENOSPC: KIN_KEYS_MAX are, or there
 * is no memory.
 */
int kin_key_add(struct kin_keys *keys, enum kin_key_kind kind, int32_t key, int32_t id);
/* It has gone, if it was known. */
void kin_key_remove(struct kin_keys *keys, enum kin_key_kind kind, int32_t id);
void kin_keys_drop(struct kin_keys *keys);
