/* Which keys of queues and shared memory each family has made: see supervisor_kin_keys.h. */
#include <errno.h>
#include <search.h>
#include <stdlib.h>

#include "faas/supervisor_kin_keys.h"

/* A look at all keys of a family is 256 system calls: it mends what killed members left. */
#define LOOKS_BURST 4u
#define LOOKS_PER_SECOND 1u

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* By key, then by family. */
static int by_key(const void *left, const void *right)
{
    const struct kin_key *a = left, *b = right;
    int order = ORDER(a->key, b->key);

    if (order == 0)
        order = ORDER(a->kind, b->kind);
    if (order == 0 && a->family && b->family)
        order = ORDER(a->family, b->family);
    return order;
}

static struct kin_key *find(void *const *root, uint64_t family, enum kin_key_kind kind, int32_t key)
{
    const struct kin_key sought = {.family = family, .kind = kind, .key = key};
    struct kin_key *const *found = tfind(&sought, root, by_key);

    return found ? *found : NULL;
}

static void forget(struct kin_key *known)
{
    struct kin_keys *keys = known->of;

    tdelete(known, &keys->root, by_key);
    tdelete(known, &keys->table->root, by_key);
    keys->count--;
    free(known);
}

/* A member that was killed after it said so is not waited for. */
static bool is_wanted(const struct kin_key *known, int64_t now_ns)
{
    return known->wanted_until_ns > now_ns;
}

/* A key that is to be made soon counts as one that is there. */
static bool stands(struct kin_key *known, int64_t now_ns)
{
    struct kin_key_table *table = known->of->table;
    const struct kin_key *const keys[] = {known};
    bool there = true;

    if (!is_wanted(known, now_ns))
        table->look(table->context, known->family, keys, 1, &there);
    if (!there)
        forget(known);
    return there;
}

uint64_t kin_keys_holder(struct kin_key_table *table, uint64_t asker, enum kin_key_kind kind,
                         int32_t key, int64_t now_ns)
{
    struct kin_key *known = find(&table->root, asker, kind, key);

    if (known && stands(known, now_ns))
        return 0;
    /* As many looks as there are stale entries, each of which cost its family a message. */
    while ((known = find(&table->root, 0, kind, key))) {
        uint64_t family = known->family;
        if (stands(known, now_ns))
            return family;
    }
    return 0;
}

struct gathering {
    struct kin_key *keys[KIN_KEYS_MAX];
    unsigned count;
    int64_t now_ns;
};

static void gather(const void *node, VISIT visit, void *data)
{
    struct kin_key *known = *(struct kin_key *const *)node;
    struct gathering *gathering = data;

    if ((visit == postorder || visit == leaf) && !is_wanted(known, gathering->now_ns))
        gathering->keys[gathering->count++] = known;
}

/* Forgets those of the family that have gone. */
static void look_at_all(struct kin_keys *keys, int64_t now_ns)
{
    struct gathering all = {.now_ns = now_ns};
    bool there[KIN_KEYS_MAX];

    if (!kin_rate_allows(&keys->looks, LOOKS_BURST, LOOKS_PER_SECOND, now_ns))
        return;
    twalk_r(keys->root, gather, &all);
    keys->table->look(keys->table->context, keys->family, (const struct kin_key *const *)all.keys,
                      all.count, there);
    for (unsigned i = 0; i < all.count; i++)
        if (!there[i])
            forget(all.keys[i]);
}

static struct kin_key *add(struct kin_keys *keys, enum kin_key_kind kind, int32_t key)
{
    struct kin_key *made = keys->count < KIN_KEYS_MAX ? malloc(sizeof *made) : NULL;

    if (!made)
        return NULL;
    *made = (struct kin_key){keys, keys->family, kind, key, -1, 0};
    keys->count++;
    if (tsearch(made, &keys->root, by_key) && tsearch(made, &keys->table->root, by_key))
        return made;
    forget(made);
    return NULL;
}

int kin_keys_want(struct kin_keys *keys, enum kin_key_kind kind, int32_t key, int64_t now_ns)
{
    struct kin_key *known = find(&keys->root, keys->family, kind, key);

    if (!known && keys->count >= KIN_KEYS_MAX)
        look_at_all(keys, now_ns);
    if (!known)
        known = add(keys, kind, key);
    if (!known)
        return -ENOSPC;
    known->wanted_until_ns = now_ns + KIN_WANTED_NS;
    return 0;
}

void kin_keys_made(struct kin_keys *keys, enum kin_key_kind kind, int32_t key, int32_t id,
                   int64_t now_ns)
{
    struct kin_key *known = find(&keys->root, keys->family, kind, key);

    /* Another member's removal may have come in between. */
    if (!known && id >= 0)
        known = add(keys, kind, key);
    if (!known)
        return;
    known->wanted_until_ns = 0;
    if (id >= 0)
        known->id = id;
    else if (known->id < 0)
        kin_keys_remove(keys, kind, key, -1, now_ns);
}

void kin_keys_remove(struct kin_keys *keys, enum kin_key_kind kind, int32_t key, int32_t id,
                     int64_t now_ns)
{
    struct kin_key *known = find(&keys->root, keys->family, kind, key);

    /* One that was made anew has another id. */
    if (!known || (id >= 0 && known->id >= 0 && known->id != id))
        return;
    if (is_wanted(known, now_ns))
        known->id = -1;
    else
        forget(known);
}

void kin_keys_drop(struct kin_keys *keys)
{
    /* A node begins with its item: tsearch(3). */
    while (keys->root)
        forget(*(struct kin_key **)keys->root);
}
