/* Inside the tables: syscalls_table.c, syscalls_text.c, syscalls_filter.c, syscalls_profiles.c. */
#pragma once

#include "vkernel/syscalls.h"

/* Numbers from here are of another architecture: x32's have this bit, and negative ones, too. */
#define VK_FOREIGN_NUMBER 0x40000000u

struct vk_list {
    size_t count;
    struct vk_rule rules[];
};

struct vk_table {
    struct vk_rule otherwise; /* without conditions */
    struct vk_verdict foreign;
    struct vk_list *lists[VK_CALLS_MAX]; /* NULL: otherwise */
};

bool vk_verdict_same(struct vk_verdict one, struct vk_verdict other);

/* The verdict of both. */
typedef struct vk_verdict (*vk_combine)(struct vk_verdict one, struct vk_verdict other);
struct vk_verdict vk_stricter(struct vk_verdict one, struct vk_verdict other);
/*
 * One list that decides as `combine` of what the two decide, for all arguments. Returns its count;
 * -E2BIG when it is longer than VK_RULES_MAX or a rule than VK_CONDITIONS_MAX.
 */
int vk_rules_combine(const struct vk_rule *one, size_t one_count, const struct vk_rule *other,
                     size_t other_count, vk_combine combine,
                     struct vk_rule ret_rules[static VK_RULES_MAX]);
