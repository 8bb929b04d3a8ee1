/* Tables of system calls: lists of rules by number, and two of them merged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "vkernel/syscalls_internal.h"

DEFINE_CLEANUP(struct vk_table, vk_table_free)

bool vk_verdict_same(struct vk_verdict one, struct vk_verdict other)
{
    return one.action == other.action && (one.action != VK_ERRNO || one.error == other.error);
}

struct vk_verdict vk_stricter(struct vk_verdict one, struct vk_verdict other)
{
    return other.action < one.action ? other : one;
}

int vk_table_new(struct vk_verdict otherwise, struct vk_table **ret_table)
{
    struct vk_table *table = calloc(1, sizeof *table);

    if (!table)
        return -ENOMEM;
    table->otherwise.verdict = otherwise;
    table->foreign = (struct vk_verdict){.action = VK_KILL};
    *ret_table = table;
    return 0;
}

void vk_table_free(struct vk_table *table)
{
    for (unsigned i = 0; table && i < VK_CALLS_MAX; i++)
        free(table->lists[i]);
    free(table);
}

static bool rule_is_proper(const struct vk_rule *rule)
{
    if (rule->verdict.action > VK_NATIVE || rule->condition_count > VK_CONDITIONS_MAX ||
        (rule->verdict.action == VK_ERRNO && rule->verdict.error > VK_ERRNO_MAX))
        return false;
    for (unsigned i = 0; i < rule->condition_count; i++)
        if (rule->conditions[i].argument > 5 || rule->conditions[i].compare > VK_NONE_OF)
            return false;
    return true;
}

int vk_table_put(struct vk_table *table, unsigned number, const struct vk_rule *rules, size_t count)
{
    if (number >= VK_CALLS_MAX || count == 0 || count > VK_RULES_MAX ||
        rules[count - 1].condition_count > 0)
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!rule_is_proper(&rules[i]))
            return -EINVAL;
    struct vk_list *list = malloc(sizeof *list + count * sizeof *rules);
    if (!list)
        return -ENOMEM;
    list->count = count;
    memcpy(list->rules, rules, count * sizeof *rules);
    free(table->lists[number]);
    table->lists[number] = list;
    return 0;
}

int vk_table_add(struct vk_table *table, unsigned number, const struct vk_rule *rule)
{
    struct vk_rule rules[VK_RULES_MAX];
    size_t count;

    if (number >= VK_CALLS_MAX)
        return -EINVAL;
    const struct vk_rule *before = vk_table_rules(table, number, &count, NULL);
    struct vk_rule last = before[count - 1];
    if (count == VK_RULES_MAX)
        return -E2BIG;
    memcpy(rules, before, (count - 1) * sizeof *rules);
    rules[count - 1] = *rule;
    /* A rule without a condition takes the place of the last one. */
    if (rule->condition_count > 0)
        rules[count++] = last;
    return vk_table_put(table, number, rules, count);
}

const struct vk_rule *vk_table_rules(const struct vk_table *table, unsigned number,
                                     size_t *ret_count, bool *ret_own)
{
    const struct vk_list *list = number < VK_CALLS_MAX ? table->lists[number] : NULL;

    if (ret_own)
        *ret_own = list != NULL;
    *ret_count = list ? list->count : 1;
    return list ? list->rules : &table->otherwise;
}

static bool condition_holds(const struct vk_condition *condition,
                            const uint64_t arguments[static 6])
{
    uint64_t argument = arguments[condition->argument];
    uint64_t value = condition->value;

    if (condition->low) {
        argument &= UINT32_MAX;
        value &= UINT32_MAX;
    }
    switch ((enum vk_compare)condition->compare) {
    case VK_EQ:
        return (argument & condition->mask) == (value & condition->mask);
    case VK_NE:
        return (argument & condition->mask) != (value & condition->mask);
    case VK_LT:
        return argument < value;
    case VK_LE:
        return argument <= value;
    case VK_GT:
        return argument > value;
    case VK_GE:
        return argument >= value;
    case VK_ANY_OF:
        return (argument & value) != 0;
    case VK_NONE_OF:
        return (argument & value) == 0;
    }
    return false;
}

static bool rule_holds(const struct vk_rule *rule, const uint64_t arguments[static 6])
{
    for (unsigned i = 0; i < rule->condition_count; i++)
        if (!condition_holds(&rule->conditions[i], arguments))
            return false;
    return true;
}

struct vk_verdict vk_table_verdict(const struct vk_table *table, unsigned number,
                                   const uint64_t arguments[static 6])
{
    size_t count;

    if (number >= VK_FOREIGN_NUMBER)
        return table->foreign;
    const struct vk_rule *rules = vk_table_rules(table, number, &count, NULL);
    size_t at = 0;
    while (!rule_holds(&rules[at], arguments))
        at++;
    return rules[at].verdict;
}

bool vk_table_has(const struct vk_table *table, enum vk_action action)
{
    if (table->otherwise.verdict.action == action)
        return true;
    for (unsigned i = 0; i < VK_CALLS_MAX; i++)
        for (size_t k = 0; table->lists[i] && k < table->lists[i]->count; k++)
            if (table->lists[i]->rules[k].verdict.action == action)
                return true;
    return false;
}

/* ---- two lists at once ---- */

static bool condition_same(const struct vk_condition *one, const struct vk_condition *other)
{
    return one->argument == other->argument && one->compare == other->compare &&
           one->low == other->low && one->value == other->value &&
           (one->mask == other->mask || (one->compare != VK_EQ && one->compare != VK_NE));
}

static bool rule_has(const struct vk_rule *rule, const struct vk_condition *condition)
{
    for (unsigned i = 0; i < rule->condition_count; i++)
        if (condition_same(&rule->conditions[i], condition))
            return true;
    return false;
}

/* Both, where they hold together. */
static int rule_join(const struct vk_rule *one, const struct vk_rule *other, vk_combine combine,
                     struct vk_rule *ret_rule)
{
    *ret_rule = *one;
    ret_rule->verdict = combine(one->verdict, other->verdict);
    for (unsigned i = 0; i < other->condition_count; i++) {
        if (rule_has(ret_rule, &other->conditions[i]))
            continue;
        if (ret_rule->condition_count == VK_CONDITIONS_MAX)
            return -E2BIG;
        ret_rule->conditions[ret_rule->condition_count++] = other->conditions[i];
    }
    return 0;
}

/* The next rule decides all that this one does, and the same. */
static bool rule_is_needless(const struct vk_rule *rule, const struct vk_rule *next)
{
    if (!vk_verdict_same(rule->verdict, next->verdict))
        return false;
    for (unsigned i = 0; i < next->condition_count; i++)
        if (!rule_has(rule, &next->conditions[i]))
            return false;
    return true;
}

int vk_rules_combine(const struct vk_rule *one, size_t one_count, const struct vk_rule *other,
                     size_t other_count, vk_combine combine,
                     struct vk_rule ret_rules[static VK_RULES_MAX])
{
    size_t count = 0;

    /* In this order the first that holds is the pair of the first that hold. */
    for (size_t i = 0; i < one_count; i++) {
        for (size_t k = 0; k < other_count; k++) {
            struct vk_rule rule;
            int r = rule_join(&one[i], &other[k], combine, &rule);
            if (r < 0)
                return r;
            while (count > 0 && rule_is_needless(&ret_rules[count - 1], &rule))
                count--;
            if (count == VK_RULES_MAX)
                return -E2BIG;
            ret_rules[count++] = rule;
            /* What is behind a rule without conditions is never reached. */
            if (rule.condition_count == 0)
                return (int)count;
        }
    }
    return (int)count;
}

/* ---- merging ---- */

static struct vk_verdict merge_verdicts(struct vk_verdict floor, struct vk_verdict ours)
{
    return ours.action == VK_EMULATED ? ours : vk_stricter(floor, ours);
}

static int merge_call(const struct vk_table *floor, const struct vk_table *ours, unsigned number,
                      struct vk_table *merged)
{
    _cleanup_(freep) struct vk_rule *rules = malloc(VK_RULES_MAX * sizeof *rules);
    size_t floor_count, our_count;

    if (!rules)
        return -ENOMEM;
    const struct vk_rule *floor_rules = vk_table_rules(floor, number, &floor_count, NULL);
    const struct vk_rule *our_rules = vk_table_rules(ours, number, &our_count, NULL);
    int count =
        vk_rules_combine(floor_rules, floor_count, our_rules, our_count, merge_verdicts, rules);
    return count < 0 ? count : vk_table_put(merged, number, rules, (size_t)count);
}

int vk_table_merge(const struct vk_table *floor, const struct vk_table *ours,
                   struct vk_table **ret_table, struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *merged = NULL;
    char name[VK_CALL_NAME_BYTES];

    /* A second listener is refused by the kernel (EBUSY), and one can't tell the two apart. */
    if (vk_table_has(floor, VK_NOTIFY) && vk_table_has(ours, VK_EMULATED))
        return err_say(err, -EBUSY,
                       "cannot merge the system-call tables: the bundle has a listener of its own, "
                       "and a process can have one only; take the emulated calls out");
    int r =
        vk_table_new(merge_verdicts(floor->otherwise.verdict, ours->otherwise.verdict), &merged);
    if (r < 0)
        return err_set(err, r, "cannot merge the system-call tables");
    merged->foreign = vk_stricter(floor->foreign, ours->foreign);
    for (unsigned i = 0; i < VK_CALLS_MAX; i++) {
        if (!floor->lists[i] && !ours->lists[i])
            continue;
        r = merge_call(floor, ours, i, merged);
        if (r < 0) {
            vk_call_name(i, name);
            return err_set(err, r, "cannot merge the rules of system call '%s'", name);
        }
    }
    *ret_table = steal_ptr(&merged);
    return 0;
}
