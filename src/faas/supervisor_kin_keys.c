/* Which keys of queues and shared memory each family has made: see supervisor_kin.h. */
#include <errno.h>
#include <stdlib.h>

#include "faas/supervisor.h"
#include "faas/supervisor_kin.h"

struct kin_key {
    struct kin_key *next;
    uint64_t id; /* of the instance */
    enum kin_key_kind kind;
    int32_t key;
};

static struct kin_key **bucket_of(struct supervisor *supervisor, int32_t key)
{
    return &supervisor->keys[((uint32_t)key * 2654435761u) >> 22];
}
_Static_assert(KIN_KEY_BUCKETS == 1 << 10, "bucket_of() takes the ten upper bits");

static bool is(const struct kin_key *known, enum kin_key_kind kind, int32_t key)
{
    return known->key == key && known->kind == kind;
}

struct instance *kin_key_holder(struct supervisor *supervisor, const struct instance *asker,
                                enum kin_key_kind kind, int32_t key)
{
    struct instance *holder = NULL;

    for (struct kin_key *at = *bucket_of(supervisor, key); at; at = at->next) {
        if (!is(at, kind, key))
            continue;
        if (at->id == asker->id)
            return NULL;
        holder = &supervisor->instances[at->id % INSTANCES_MAX];
    }
    return holder;
}

int kin_key_add(struct supervisor *supervisor, struct kin_keys *keys, enum kin_key_kind kind,
                int32_t key)
{
    struct kin_key **bucket = bucket_of(supervisor, key);

    for (struct kin_key *at = *bucket; at; at = at->next)
        if (is(at, kind, key) && at->id == keys->instance->id)
            return 0;
    struct kin_key *made = keys->count < KIN_KEYS_MAX ? malloc(sizeof *made) : NULL;
    if (!made)
        return -ENOSPC;
    *made = (struct kin_key){*bucket, keys->instance->id, kind, key};
    *bucket = made;
    keys->count++;
    return 0;
}

void kin_key_remove(struct supervisor *supervisor, struct kin_keys *keys, enum kin_key_kind kind,
                    int32_t key)
{
    for (struct kin_key **at = bucket_of(supervisor, key); *at; at = &(*at)->next) {
        struct kin_key *known = *at;
        if (!is(known, kind, key) || known->id != keys->instance->id)
            continue;
        *at = known->next;
        free(known);
        keys->count--;
        return;
    }
}

void kin_keys_drop(struct supervisor *supervisor, struct kin_keys *keys)
{
    for (size_t i = 0; i < KIN_KEY_BUCKETS && keys->count > 0; i++) {
        for (struct kin_key **at = &supervisor->keys[i]; *at;) {
            struct kin_key *known = *at;
            if (known->id != keys->instance->id) {
                at = &known->next;
                continue;
            }
            *at = known->next;
            free(known);
            keys->count--;
        }
    }
}
