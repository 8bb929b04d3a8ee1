/*
 * The keys that families have made, so that one that asks for another's is refused by name. What is
 * said of them is a family's claim, which can harm that family alone.
 */
#pragma once

#include <stdint.h>

#include "guest/kin.h"

struct instance;
struct supervisor;

/* Those of one family. */
struct kin_keys {
    const struct instance *instance; /* the root */
    unsigned count;
};

/* Another family's instance; NULL: nobody has it, or the asker's own does. */
struct instance *kin_key_holder(struct supervisor *supervisor, const struct instance *asker,
                                enum kin_key_kind kind, int32_t key);
/* 0, also when it is known; -ENOSPC: KIN_KEYS_MAX are. */
int kin_key_add(struct supervisor *supervisor, struct kin_keys *keys, enum kin_key_kind kind,
                int32_t key);
void kin_key_remove(struct supervisor *supervisor, struct kin_keys *keys, enum kin_key_kind kind,
                    int32_t key);
void kin_keys_drop(struct supervisor *supervisor, struct kin_keys *keys);
