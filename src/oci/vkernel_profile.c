/*
 * linux.seccomp as a table, to be merged with a virtual kernel's. libseccomp has no order among the
 * rules of a call; here the strictest of those that hold decides, and behind them the first without
 * arguments.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/vkernel.h"
#include "vkernel/syscalls.h"

DEFINE_CLEANUP(struct vk_table, vk_table_free)

struct word {
    const char *name;
    uint8_t value;
};

static const struct word actions[] = {
    {"SCMP_ACT_KILL", VK_KILL},        {"SCMP_ACT_KILL_PROCESS", VK_KILL},
    {"SCMP_ACT_KILL_THREAD", VK_KILL}, {"SCMP_ACT_TRAP", VK_TRAP},
    {"SCMP_ACT_ERRNO", VK_ERRNO},      {"SCMP_ACT_NOTIFY", VK_NOTIFY},
    {"SCMP_ACT_LOG", VK_LOG},          {"SCMP_ACT_ALLOW", VK_NATIVE},
};

static const struct word operators[] = {
    {"SCMP_CMP_NE", VK_NE}, {"SCMP_CMP_LT", VK_LT}, {"SCMP_CMP_LE", VK_LE},
    {"SCMP_CMP_EQ", VK_EQ}, {"SCMP_CMP_GE", VK_GE}, {"SCMP_CMP_GT", VK_GT},
};

static bool word_find(const struct word *words, size_t count, const char *name, uint8_t *ret_value)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i].name, name) == 0) {
            *ret_value = words[i].value;
            return true;
        }
    return false;
}

static int verdict_of(const char *action, const struct oci_u64 *errno_ret,
                      struct vk_verdict *ret_verdict, struct err *err)
{
    *ret_verdict = (struct vk_verdict){0};
    if (!word_find(actions, ARRAY_LEN(actions), action, &ret_verdict->action))
        return err_say(err, -ENOTSUP,
                       "cannot merge linux.seccomp with the virtual kernel's system calls: '%s' "
                       "has no place in a table",
                       action);
    if (ret_verdict->action == VK_ERRNO)
        ret_verdict->error = errno_ret->set ? (uint16_t)(errno_ret->value & 0xfff) : EPERM;
    return 0;
}

static int condition_of(const struct oci_seccomp_arg *arg, struct vk_condition *ret_condition,
                        struct err *err)
{
    *ret_condition = (struct vk_condition){
        .argument = (uint8_t)arg->index, .mask = UINT64_MAX, .value = arg->value};
    if (word_find(operators, ARRAY_LEN(operators), arg->op, &ret_condition->compare))
        return 0;
    if (strcmp(arg->op, "SCMP_CMP_MASKED_EQ") != 0)
        return err_say(err, -ENOTSUP, "cannot make seccomp filter: unknown operator '%s'", arg->op);
    ret_condition->compare = VK_EQ;
    ret_condition->mask = arg->value;
    ret_condition->value = arg->value_two;
    return 0;
}

/* As runc does: an argument that is there twice makes each comparison a rule of its own. */
static bool is_twice(const struct oci_seccomp_rule *from)
{
    uint32_t seen = 0;
    bool twice = false;

    for (size_t i = 0; i < from->arg_count; i++) {
        twice |= (seen >> from->args[i].index) & 1;
        seen |= 1u << from->args[i].index;
    }
    return twice;
}

static int add_conditional(struct vk_table *table, unsigned number,
                           const struct oci_seccomp_rule *from, struct vk_verdict verdict,
                           struct err *err)
{
    struct vk_rule rule = {.verdict = verdict};
    bool twice = is_twice(from);
    int r = 0;

    if (from->arg_count > VK_CONDITIONS_MAX)
        return err_say(err, -EINVAL, "cannot make seccomp filter: too many arguments in a rule");
    for (size_t i = 0; r == 0 && i < from->arg_count; i++) {
        struct vk_condition condition;
        r = condition_of(&from->args[i], &condition, err);
        if (r < 0)
            return r;
        if (twice)
            rule.condition_count = 0;
        rule.conditions[rule.condition_count++] = condition;
        if (twice)
            r = vk_table_add(table, number, &rule);
    }
    if (!twice)
        r = vk_table_add(table, number, &rule);
    return r < 0 ? err_set(err, r, "cannot make seccomp filter: add system call %u", number) : 0;
}

/* Those of one action, with arguments or without. */
static int add_rules(struct vk_table *table, const struct oci_seccomp *seccomp, int action,
                     bool conditional, struct err *err)
{
    for (size_t i = 0; i < seccomp->rule_count; i++) {
        const struct oci_seccomp_rule *from = &seccomp->rules[i];
        struct vk_rule rule = {0};
        int r = verdict_of(from->action, &from->errno_ret, &rule.verdict, err);
        if (r < 0)
            return r;
        if ((from->arg_count > 0) != conditional || (conditional && rule.verdict.action != action))
            continue;
        for (size_t k = 0; k < from->names.count && r == 0; k++) {
            size_t count;
            bool own;
            int number = vk_call_number(from->names.list[k]);
            if (number < 0)
                continue; /* of another architecture, or newer than libseccomp */
            vk_table_rules(table, (unsigned)number, &count, &own);
            if (conditional)
                r = add_conditional(table, (unsigned)number, from, rule.verdict, err);
            else if (!own)
                r = vk_table_put(table, (unsigned)number, &rule, 1);
        }
        if (r < 0)
            return err_set(err, r, "cannot make seccomp filter");
    }
    return 0;
}

int oci_vkernel_profile(const struct oci_seccomp *seccomp, struct vk_table **ret_table,
                        struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *table = NULL;
    struct vk_verdict verdict = {.action = VK_NATIVE};
    int r = seccomp
                ? verdict_of(seccomp->default_action, &seccomp->default_errno_ret, &verdict, err)
                : 0;

    if (r < 0)
        return r;
    if (vk_table_new(verdict, &table) < 0)
        return err_set(err, -ENOMEM, "cannot make seccomp filter");
    if (seccomp)
        r = add_rules(table, seccomp, VK_KILL, false, err);
    for (int action = VK_KILL; seccomp && r == 0 && action <= VK_NATIVE; action++)
        r = add_rules(table, seccomp, action, true, err);
    if (r == 0)
        *ret_table = steal_ptr(&table);
    return r;
}
