/*
 * What the kernel has of a session's objects, held against the policy's numbers. An object that is
 * closed counts for as long as a program of another one names its maps: what these hold (maps,
 * programs in jump tables or on sockets, and the maps that those name) is its own, so that all of
 * it is counted, and nothing beside it needs to be.
 *
 * A session is a process of its own: there is one list.
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/broker_internal.h"

struct account {
    struct account *next;
    uint32_t users; /* the object, and accounts that hold it */
    uint32_t map_count, program_count;
    uint64_t map_bytes;
    uint32_t held_count;
    struct account *held[BROKER_USED_MAPS_MAX];
};

static struct account *accounts;

int account_open(struct object *object, uint32_t map_count, uint64_t map_bytes)
{
    struct account *account = calloc(1, sizeof *account);

    if (!account)
        return -ENOMEM;
    *account = (struct account){.next = accounts,
                                .users = 1,
                                .map_count = map_count,
                                .program_count = object->program_count,
                                .map_bytes = map_bytes};
    accounts = object->account = account;
    return 0;
}

void account_hold(struct object *object, const struct object *other)
{
    struct account *account = object->account, *held = other->account;

    for (uint32_t i = 0; i < account->held_count; i++)
        if (account->held[i] == held)
            return;
    account->held[account->held_count++] = held; /* one for each map at most */
    held->users++;
}

static void put(struct account *account)
{
    struct account **at = &accounts;

    if (--account->users > 0)
        return;
    while (*at != account)
        at = &(*at)->next;
    *at = account->next;
    /* What it holds holds nothing itself: of a program that was made alone no map can be named. */
    for (uint32_t i = 0; i < account->held_count; i++)
        put(account->held[i]);
    free(account);
}

void account_close(struct object *object)
{
    if (object->account)
        put(object->account);
    object->account = NULL;
}

uint64_t account_map_bytes(const struct object *object)
{
    const struct account *account = object->account;
    uint64_t bytes = account->map_bytes;

    for (uint32_t i = 0; i < account->held_count; i++)
        bytes += account->held[i]->map_bytes;
    return bytes;
}

void account_left(const struct bpf_policy *policy, struct bpf_policy *ret_left)
{
    *ret_left = *policy;
    for (const struct account *account = accounts; account; account = account->next) {
        ret_left->map_bytes -= account->map_bytes;
        ret_left->map_count -= account->map_count;
        ret_left->program_count -= account->program_count;
    }
}
