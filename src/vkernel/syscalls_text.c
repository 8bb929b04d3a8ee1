/* Rules and names of system calls as people write them: syscalls.h has the grammar. */
#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "vkernel/syscalls_internal.h"

#define TEXT_MAX 1024

static const char *const actions[] = {
    [VK_KILL] = "kill",     [VK_TRAP] = "trap", [VK_ERRNO] = "errno",   [VK_EMULATED] = "emulated",
    [VK_NOTIFY] = "notify", [VK_LOG] = "log",   [VK_NATIVE] = "native",
};

static const char *const operators[] = {
    [VK_EQ] = "==", [VK_NE] = "!=", [VK_LT] = "<",     [VK_LE] = "<=",
    [VK_GT] = ">",  [VK_GE] = ">=", [VK_ANY_OF] = "&", [VK_NONE_OF] = "!&",
};
/* The longest first, that one is not taken for the beginning of another. */
static const uint8_t operator_order[] = {VK_EQ,      VK_NE, VK_LE, VK_GE,
                                         VK_NONE_OF, VK_LT, VK_GT, VK_ANY_OF};

/* ---- names ---- */

int vk_call_number(const char *name)
{
    char *end;

    if (name[0] >= '0' && name[0] <= '9') {
        unsigned long number = strtoul(name, &end, 10);
        return *end == '\0' && number < VK_CALLS_MAX ? (int)number : -ENOENT;
    }
    int number = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);
    return number >= 0 && number < VK_CALLS_MAX ? number : -ENOENT;
}

void vk_call_name(unsigned number, char text[static VK_CALL_NAME_BYTES])
{
    _cleanup_(freep) char *name =
        number < VK_CALLS_MAX ? seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)number)
                              : NULL;

    if (name)
        snprintf(text, VK_CALL_NAME_BYTES, "%s", name);
    else
        snprintf(text, VK_CALL_NAME_BYTES, "%u", number);
}

/* EPERM, or its number; -1. */
static int error_number(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (text[0] >= '0' && text[0] <= '9')
        return *end == '\0' && number >= 0 && number <= VK_ERRNO_MAX ? (int)number : -1;
    for (int i = 1; i < 256; i++) {
        const char *name = strerrorname_np(i);
        if (name && strcmp(name, text) == 0)
            return i;
    }
    return -1;
}

/* ---- reading ---- */

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t\n");
}

/* Cuts the spaces off both ends, in place. */
static char *trim(char *text)
{
    text += strspn(text, " \t\n");
    for (size_t n = strlen(text); n > 0 && strchr(" \t\n", text[n - 1]); n--)
        text[n - 1] = '\0';
    return text;
}

/* Cuts `text` in front of the word `word`; what follows it, or NULL. */
static char *cut_at_word(char *text, const char *word)
{
    size_t length = strlen(word);

    for (char *at = text; (at = strstr(at, word)); at += length) {
        if (at == text || !strchr(" \t\n", at[-1]) || !strchr(" \t\n", at[length]))
            continue;
        *at = '\0';
        return at + length;
    }
    return NULL;
}

int vk_verdict_parse(const char *text, struct vk_verdict *ret_verdict, struct err *reason)
{
    char copy[TEXT_MAX];
    char *rest = copy;

    snprintf(copy, sizeof copy, "%s", text);
    rest = trim(rest);
    const char *word = strsep(&rest, " \t\n");
    const char *more = rest ? trim(rest) : "";
    if (strcmp(word, actions[VK_ERRNO]) == 0) {
        int error = error_number(more);
        if (error < 0)
            return err_say(reason, -EINVAL, "'%.40s' is no error: such as EPERM, or a number",
                           more);
        *ret_verdict = (struct vk_verdict){.action = VK_ERRNO, .error = (uint16_t)error};
        return 0;
    }
    static const uint8_t words[] = {VK_KILL, VK_EMULATED, VK_NATIVE};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(word, actions[words[i]]) != 0 || *more)
            continue;
        *ret_verdict = (struct vk_verdict){.action = words[i]};
        return 0;
    }
    return err_say(reason, -EINVAL, "'%.40s' is not native, errno ERROR, kill or emulated", text);
}

/* A number, which may be negative: then it is an int's. */
static const char *value_parse(const char *at, struct vk_condition *condition, uint64_t *ret_value)
{
    char *end;

    at = skip_spaces(at);
    bool negative = *at == '-';
    if (at[negative] < '0' || at[negative] > '9')
        return NULL;
    errno = 0;
    *ret_value = strtoull(at, &end, 0);
    if (errno || end == at)
        return NULL;
    if (negative)
        condition->low = true;
    return end;
}

/* argN OP VALUE; NULL where it is not. The end of it otherwise. */
static const char *condition_scan(const char *at, struct vk_condition *condition)
{
    *condition = (struct vk_condition){.mask = UINT64_MAX};
    at = skip_spaces(at);
    condition->low = strncmp(at, "low", 3) == 0;
    if ((!condition->low && strncmp(at, "arg", 3) != 0) || at[3] < '0' || at[3] > '5')
        return NULL;
    condition->argument = (uint8_t)(at[3] - '0');
    at = skip_spaces(at + 4);
    size_t i = 0;
    while (i < ARRAY_LEN(operator_order) &&
           strncmp(at, operators[operator_order[i]], strlen(operators[operator_order[i]])) != 0)
        i++;
    if (i == ARRAY_LEN(operator_order))
        return NULL;
    condition->compare = operator_order[i];
    at = value_parse(at + strlen(operators[operator_order[i]]), condition, &condition->value);
    if (!at)
        return NULL;
    const char *more = skip_spaces(at);
    if (condition->compare != VK_ANY_OF ||
        (strncmp(more, "==", 2) != 0 && strncmp(more, "!=", 2) != 0))
        return at;
    condition->compare = *more == '=' ? VK_EQ : VK_NE;
    condition->mask = condition->value;
    return value_parse(more + 2, condition, &condition->value);
}

static int condition_parse(const char *text, struct vk_condition *condition, struct err *reason)
{
    const char *end = condition_scan(text, condition);

    if (!end || *skip_spaces(end))
        return err_say(reason, -EINVAL,
                       "'%.40s' is no condition: such as arg0 == 1, arg1 > 4096, arg2 & 0x4", text);
    if (condition->compare >= VK_LT && condition->compare <= VK_GE && condition->low &&
        condition->value > UINT32_MAX)
        return err_say(reason, -EINVAL, "'%.40s': less and greater are of unsigned numbers", text);
    if ((condition->compare == VK_EQ || condition->compare == VK_NE) && !condition->low &&
        (condition->value & ~condition->mask))
        return err_say(reason, -EINVAL, "'%.40s': the value has bits that the mask has not", text);
    return 0;
}

static int rule_parse(char *text, struct vk_rule *rule, struct err *reason)
{
    char *conditions = cut_at_word(text, "if");

    *rule = (struct vk_rule){0};
    int r = vk_verdict_parse(trim(text), &rule->verdict, reason);
    while (r == 0 && conditions) {
        char *next = cut_at_word(conditions, "and");
        /* As many again come from the other reading of the arguments. */
        if (rule->condition_count == VK_CONDITIONS_MAX / 2)
            return err_say(reason, -EINVAL, "a rule has at most %d conditions",
                           VK_CONDITIONS_MAX / 2);
        r = condition_parse(trim(conditions), &rule->conditions[rule->condition_count++], reason);
        conditions = next;
    }
    return r;
}

static int list_parse(char *text, struct vk_rule *rules, size_t max, struct err *reason)
{
    size_t count = 0;
    char *line;

    while ((line = strsep(&text, ";"))) {
        if (count > 0 && rules[count - 1].condition_count == 0)
            return err_say(reason, -EINVAL, "nothing can follow a rule without a condition");
        if (count == max)
            return err_say(reason, -EINVAL, "there are more than %zu rules", max);
        int r = rule_parse(line, &rules[count++], reason);
        if (r < 0)
            return r;
    }
    if (rules[count - 1].condition_count == 0)
        return (int)count;
    if (count == max)
        return err_say(reason, -EINVAL, "there are more than %zu rules", max);
    rules[count++] = (struct vk_rule){.verdict = {.action = VK_NATIVE}};
    return (int)count;
}

/* More than people write; their product with themselves must fit, too. */
#define OWN_RULES_MAX 7

/*
 * The same conditions on the low halves. Whether the kernel takes an argument for an int or for 64
 * bits the filter can't see: a rule that is right for one could be got round in the other.
 */
static bool as_low(struct vk_rule *rules, size_t count)
{
    bool differs = false;

    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < rules[i].condition_count; k++) {
            differs |= !rules[i].conditions[k].low && rules[i].conditions[k].value <= UINT32_MAX;
            rules[i].conditions[k].low |= rules[i].conditions[k].value <= UINT32_MAX;
        }
    return differs;
}

int vk_rules_parse(const char *text, struct vk_rule *ret_rules, size_t max, struct err *reason)
{
    struct vk_rule rules[OWN_RULES_MAX], low[OWN_RULES_MAX];
    struct vk_rule joined[VK_RULES_MAX];
    char copy[TEXT_MAX];

    if (strlen(text) >= sizeof copy)
        return err_say(reason, -EINVAL, "the rules are longer than %d bytes", TEXT_MAX - 1);
    strcpy(copy, text);
    int count = list_parse(copy, rules, OWN_RULES_MAX, reason);
    if (count < 0)
        return count;
    memcpy(low, rules, sizeof low);
    const struct vk_rule *result = rules;
    if (as_low(low, (size_t)count)) {
        count = vk_rules_combine(rules, (size_t)count, low, (size_t)count, vk_stricter, joined);
        result = joined;
    }
    if (count < 0 || (size_t)count > max)
        return err_say(reason, -EINVAL, "there are too many rules with too many conditions");
    memcpy(ret_rules, result, (size_t)count * sizeof *ret_rules);
    return count;
}

/* ---- writing ---- */

void vk_verdict_format(struct vk_verdict verdict, char *text, size_t size)
{
    const char *name = verdict.action == VK_ERRNO ? strerrorname_np(verdict.error) : NULL;

    if (verdict.action != VK_ERRNO)
        snprintf(text, size, "%s", actions[verdict.action]);
    else if (name)
        snprintf(text, size, "errno %s", name);
    else
        snprintf(text, size, "errno %u", verdict.error);
}

static void condition_write(FILE *out, const struct vk_condition *condition)
{
    bool masked = (condition->compare == VK_EQ || condition->compare == VK_NE) &&
                  condition->mask != UINT64_MAX &&
                  !(condition->low && (uint32_t)condition->mask == UINT32_MAX);
    uint64_t value = condition->low ? (uint32_t)condition->value : condition->value;

    fprintf(out, "%s%u ", condition->low ? "low" : "arg", condition->argument);
    if (masked)
        fprintf(out, "& 0x%" PRIx64 " ", condition->mask);
    fprintf(out, value > 9 ? "%s 0x%" PRIx64 : "%s %" PRIu64, operators[condition->compare], value);
}

void vk_rules_format(const struct vk_rule *rules, size_t count, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");

    if (!out) {
        text[0] = '\0';
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char verdict[40];
        vk_verdict_format(rules[i].verdict, verdict, sizeof verdict);
        fprintf(out, "%s%s", i ? "; " : "", verdict);
        for (unsigned k = 0; k < rules[i].condition_count; k++) {
            fputs(k ? " and " : " if ", out);
            condition_write(out, &rules[i].conditions[k]);
        }
    }
    fclose(out);
    text[size - 1] = '\0';
}
