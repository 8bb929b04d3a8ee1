/* Which keys of queues and shared memory each family has made: see supervisor_kin_keys.h. */
#include <errno.h>
#include <search.h>
#include <stdlib.h>

#include "faas/supervisor_kin_keys.h"

struct kin_key {
    uint64_t family; /* 0, when it is sought: any */
    enum kin_key_kind kind;
    int32_t key;
    int32_t id; /* negative, when it is sought: any */
};

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* In the table: by key, then by family, then by id. */
static int by_key(const void *left, const void *right)
{
    const struct kin_key *a = left, *b = right;
    int order = ORDER(a->key, b->key);

    if (order == 0)
        order = ORDER(a->kind, b->kind);
    if (order == 0 && a->family && b->family)
        order = ORDER(a->family, b->family);
    if (order == 0 && a->id >= 0 && b->id >= 0)
        order = ORDER(a->id, b->id);
    return order;
}

/* In the family's. */
static int by_id(const void *left, const void *right)
{
    const struct kin_key *a = left, *b = right;
    int order = ORDER(a->id, b->id);

    return order ? order : ORDER(a->kind, b->kind);
}

uint64_t kin_key_holder(const struct kin_key_table *table, uint64_t asker, enum kin_key_kind kind,
                        int32_t key)
{
    const struct kin_key own = {asker, kind, key, -1}, any = {0, kind, key, -1};

    if (tfind(&own, &table->root, by_key))
        return 0;
    struct kin_key *const *found = tfind(&any, &table->root, by_key);
    return found ? (*found)->family : 0;
}

static void forget(struct kin_keys *keys, struct kin_key *known)
{
    tdelete(known, &keys->root, by_id);
    tdelete(known, &keys->table->root, by_key);
    free(known);
    keys->count--;
}

void kin_key_remove(struct kin_keys *keys, enum kin_key_kind kind, int32_t id)
{
    const struct kin_key sought = {keys->family, kind, 0, id};
    struct kin_key *const *found = tfind(&sought, &keys->root, by_id);

    if (found)
        forget(keys, *found);
}

int kin_key_add(struct kin_keys *keys, enum kin_key_kind kind, int32_t key, int32_t id)
{
    const struct kin_key sought = {keys->family, kind, key, id};
    struct kin_key *const *found = tfind(&sought, &keys->root, by_id);

    if (id < 0)
        return 0; /* a liar's */
    if (found && (*found)->key == key)
        return 0;
    /* The kernel has given the number anew: nobody said that the other went. */
    if (found)
        forget(keys, *found);
    struct kin_key *made = keys->count < KIN_KEYS_MAX ? malloc(sizeof *made) : NULL;
    if (!made)
        return -ENOSPC;
    *made = sought;
    keys->count++;
    if (tsearch(made, &keys->root, by_id) && tsearch(made, &keys->table->root, by_key))
        return 0;
    forget(keys, made);
    return -ENOSPC;
}

void kin_keys_drop(struct kin_keys *keys)
{
    /* A node begins with its item: tsearch(3). */
    while (keys->root)
        forget(keys, *(struct kin_key **)keys->root);
}
