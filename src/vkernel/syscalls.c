/* The part of system calls: a profile, and calls by name. */
#include <errno.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "vkernel/broker.h"
#include "vkernel/syscalls.h"
#include "vkernel/vkernel.h"

DEFINE_CLEANUP(struct vk_table, vk_table_free)

#define CALLS_KEY "calls."

/* The line of a call: "NAME RULES\n"; NULL. */
static const char *line_of(const struct vkernel *vkernel, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = vkernel->syscalls.calls; *at; at += strcspn(at, "\n") + 1)
        if (strncmp(at, name, length) == 0 && at[length] == ' ')
            return at;
    return NULL;
}

bool vkernel_syscalls_names(const struct vkernel *vkernel, const char *name)
{
    return line_of(vkernel, name) != NULL;
}

static bool has_action(const struct vk_rule *rules, int count, enum vk_action action)
{
    for (int i = 0; i < count; i++)
        if (rules[i].verdict.action == action)
            return true;
    return false;
}

static int call_set(struct vkernel *vkernel, const char *name, const char *value,
                    struct err *reason)
{
    struct vk_rule rules[VK_RULES_MAX];
    char canonical[VK_CALL_NAME_BYTES];
    struct err cause = {0};
    char *calls = vkernel->syscalls.calls;
    size_t used = strlen(calls);

    int number = vk_call_number(name);
    if (number < 0)
        return err_say(reason, -EINVAL, "there is no system call '%.40s'", name);
    vk_call_name((unsigned)number, canonical);
    if (line_of(vkernel, canonical))
        return err_say(reason, -EINVAL, "system call '%s' is there twice", canonical);
    if (strchr(value, '\n'))
        return err_say(reason, -EINVAL, "system call '%s': its rules are one line", canonical);
    int count = vk_rules_parse(value, rules, VK_RULES_MAX, &cause);
    if (count < 0)
        return err_say(reason, count, "system call '%s': %s", canonical, cause.message);
    if (has_action(rules, count, VK_EMULATED) && !vk_can_emulate((unsigned)number))
        return err_say(reason, -EINVAL, "system call '%s' can't be emulated", canonical);
    size_t room = sizeof vkernel->syscalls.calls - used;
    int n = snprintf(calls + used, room, "%s %s\n", canonical, value);
    if (n < 0 || (size_t)n >= room) {
        memset(calls + used, 0, room);
        return err_say(reason, -EINVAL, "the system calls take more than %u bytes together",
                       VKERNEL_CALLS_BYTES - 1);
    }
    return 0;
}

static int profile_set(struct vkernel *vkernel, const char *value, struct err *reason)
{
    size_t at = 0;

    while (vk_profiles[at] && strcmp(vk_profiles[at], value) != 0)
        at++;
    if (!vk_profiles[at])
        return err_say(reason, -EINVAL, "profile '%.40s': it is none, podman or strict", value);
    memset(vkernel->syscalls.profile, 0, sizeof vkernel->syscalls.profile);
    snprintf(vkernel->syscalls.profile, sizeof vkernel->syscalls.profile, "%s", value);
    return 0;
}

static int default_set(struct vkernel *vkernel, const char *value, struct err *reason)
{
    struct vk_verdict verdict;
    struct err cause = {0};
    int r = vk_verdict_parse(value, &verdict, &cause);

    if (r < 0)
        return err_say(reason, r, "default %s", cause.message);
    if (verdict.action == VK_EMULATED)
        return err_say(reason, -EINVAL, "default: calls are emulated by name");
    memset(vkernel->syscalls.otherwise, 0, sizeof vkernel->syscalls.otherwise);
    vk_verdict_format(verdict, vkernel->syscalls.otherwise, sizeof vkernel->syscalls.otherwise);
    return 0;
}

static int set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason)
{
    if (strcmp(key, "profile") == 0)
        return profile_set(vkernel, value, reason);
    if (strcmp(key, "default") == 0)
        return default_set(vkernel, value, reason);
    if (strncmp(key, CALLS_KEY, strlen(CALLS_KEY)) == 0)
        return call_set(vkernel, key + strlen(CALLS_KEY), value, reason);
    return err_say(reason, -ENOENT, "syscalls has profile, default and calls, not '%.40s'", key);
}

static void each(const struct vkernel *vkernel, vkernel_row row, void *user)
{
    const char *profile = vkernel->syscalls.profile;
    const char *otherwise = vkernel->syscalls.otherwise;

    row("profile", profile[0] ? profile : "none", profile[0] != '\0', user);
    row("default", otherwise[0] ? otherwise : "the profile's", otherwise[0] != '\0', user);
    for (const char *at = vkernel->syscalls.calls; *at;) {
        char key[VKERNEL_KEY_BYTES], value[VKERNEL_VALUE_BYTES];
        size_t name = strcspn(at, " "), line = strcspn(at, "\n");
        snprintf(key, sizeof key, CALLS_KEY "%.*s", (int)name, at);
        snprintf(value, sizeof value, "%.*s", (int)(line - name - 1), at + name + 1);
        row(key, value, true, user);
        at += line + 1;
    }
}

/* A table whose calls without a line of their own have another verdict. */
static int with_default(const char *profile, const char *otherwise, struct vk_table **ret_table)
{
    _cleanup_(vk_table_freep) struct vk_table *named = NULL, *table = NULL;
    struct vk_verdict verdict;

    int r = vk_profile_table(profile, &named);
    if (r < 0 || !otherwise[0]) {
        *ret_table = r < 0 ? NULL : steal_ptr(&named);
        return r;
    }
    r = vk_verdict_parse(otherwise, &verdict, NULL);
    if (r == 0)
        r = vk_table_new(verdict, &table);
    for (unsigned i = 0; r == 0 && i < VK_CALLS_MAX; i++) {
        size_t count;
        bool own;
        const struct vk_rule *rules = vk_table_rules(named, i, &count, &own);
        if (own)
            r = vk_table_put(table, i, rules, count);
    }
    if (r == 0)
        *ret_table = steal_ptr(&table);
    return r;
}

/* What is done through its rings passes no filter: a table would be one for who does not know
 * them. Who wants them all the same names the call. */
static int refuse_rings(const struct vkernel *vkernel, struct vk_table *table)
{
    static const unsigned numbers[] = {__NR_io_uring_setup, __NR_io_uring_enter,
                                       __NR_io_uring_register};
    const struct vk_rule refused = {.verdict = {VK_ERRNO, ENOSYS}};
    int r = 0;

    if (vkernel_syscalls_names(vkernel, "io_uring_setup"))
        return 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(numbers); i++) {
        size_t count;
        bool own;
        const struct vk_rule *rules = vk_table_rules(table, numbers[i], &count, &own);
        if (count == 1 && rules->condition_count == 0 && rules->verdict.action == VK_NATIVE)
            r = vk_table_put(table, numbers[i], &refused, 1);
    }
    return r;
}

static bool says_calls(const struct vkernel *vkernel)
{
    return vkernel->syscalls.profile[0] || vkernel->syscalls.otherwise[0] ||
           vkernel->syscalls.calls[0] || vkernel->log.kib;
}

bool vkernel_has_table(const struct vkernel *vkernel)
{
    return says_calls(vkernel) || vkernel->memory.huge_pages != VKERNEL_HUGE_PAGES_HOST ||
           vkernel->sched.realtime > 0;
}

/* What the profile, the default and the calls by name make together; NULL: nothing was said. */
static int said_table(const struct vkernel *vkernel, struct vk_table **ret_table, struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *table = NULL;
    const char *profile = vkernel->syscalls.profile[0] ? vkernel->syscalls.profile : "none";
    struct vk_rule rules[VK_RULES_MAX];

    *ret_table = NULL;
    if (!says_calls(vkernel))
        return 0;
    int r = with_default(profile, vkernel->syscalls.otherwise, &table);
    for (const char *at = vkernel->syscalls.calls; r == 0 && *at;) {
        char line[VKERNEL_VALUE_BYTES + VK_CALL_NAME_BYTES];
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, at);
        char *text = strchr(line, ' ');
        if (!text)
            return err_say(err, -EINVAL, "cannot read the table of system calls");
        *text++ = '\0';
        int number = vk_call_number(line);
        int count = vk_rules_parse(text, rules, VK_RULES_MAX, NULL);
        r = number < 0  ? number
            : count < 0 ? count
                        : vk_table_put(table, (unsigned)number, rules, (size_t)count);
        at += length + 1;
    }
    if (r == 0 && (vk_table_has(table, VK_ERRNO) || vk_table_has(table, VK_KILL)))
        r = refuse_rings(vkernel, table);
    /* Who has a log of his own reads no other. */
    const struct vk_rule emulated = {.verdict = {.action = VK_EMULATED}};
    if (r == 0 && vkernel->log.kib)
        r = vk_table_put(table, __NR_syslog, &emulated, 1);
    if (r < 0)
        return err_set(err, r, "cannot make the table of system calls");
    *ret_table = steal_ptr(&table);
    return 0;
}

/* Nobody takes back what the part of memory has set. */
static int keep_huge_pages(struct vk_table *floor)
{
    const struct vk_rule rules[] = {
        {.verdict = {VK_ERRNO, EPERM},
         .condition_count = 1,
         .conditions = {{.argument = 0,
                         .compare = VK_EQ,
                         .low = true,
                         .mask = UINT32_MAX,
                         .value = PR_SET_THP_DISABLE}}},
        {.verdict = {.action = VK_NATIVE}},
    };

    return vk_table_put(floor, __NR_prctl, rules, ARRAY_LEN(rules));
}

/*
 * A thread that is lent a real-time priority is in no budget (rt_nr_boosted of the kernel's rt.c):
 * one that holds such a lock, and another that waits for it, would have a CPU for themselves.
 */
static int keep_budget(struct vk_table *floor)
{
    static const int locks[] = {FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_WAIT_REQUEUE_PI,
                                FUTEX_CMP_REQUEUE_PI, FUTEX_LOCK_PI2};
    struct vk_rule rules[ARRAY_LEN(locks) + 1] = {0};

    for (size_t i = 0; i < ARRAY_LEN(locks); i++)
        rules[i] = (struct vk_rule){.verdict = {VK_ERRNO, ENOSYS},
                                    .condition_count = 1,
                                    .conditions = {{.argument = 1,
                                                    .compare = VK_EQ,
                                                    .low = true,
                                                    .mask = (uint32_t)FUTEX_CMD_MASK,
                                                    .value = (uint64_t)locks[i]}}};
    rules[ARRAY_LEN(locks)].verdict.action = VK_NATIVE;
    return vk_table_put(floor, __NR_futex, rules, ARRAY_LEN(rules));
}

/* What other parts need of the table, and nobody's word makes weaker. */
static int add_floor(const struct vkernel *vkernel, struct vk_table **table)
{
    _cleanup_(vk_table_freep) struct vk_table *floor = NULL, *merged = NULL;
    const bool pages = vkernel->memory.huge_pages != VKERNEL_HUGE_PAGES_HOST;

    if (!pages && vkernel->sched.realtime == 0)
        return 0;
    int r = vk_table_new((struct vk_verdict){.action = VK_NATIVE}, &floor);
    if (r == 0 && pages)
        r = keep_huge_pages(floor);
    if (r == 0 && vkernel->sched.realtime > 0)
        r = keep_budget(floor);
    if (r == 0 && *table)
        r = vk_table_merge(floor, *table, &merged, NULL);
    if (r < 0)
        return r;
    vk_table_free(*table);
    *table = merged ? steal_ptr(&merged) : steal_ptr(&floor);
    return 0;
}

int vkernel_syscalls_table(const struct vkernel *vkernel, struct vk_table **ret_table,
                           struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *table = NULL;
    int r = said_table(vkernel, &table, err);

    if (r == 0 && (r = add_floor(vkernel, &table)) < 0)
        err_set(err, r, "cannot make the table of system calls");
    *ret_table = r < 0 ? NULL : steal_ptr(&table);
    return r;
}

static void mechanism(struct vkernel_mechanism *ret_mechanism)
{
    uint32_t action = SECCOMP_RET_USER_NOTIF;

    *ret_mechanism = (struct vkernel_mechanism){.grade = VKERNEL_BEST};
    if (syscall(__NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) {
        snprintf(ret_mechanism->name, sizeof ret_mechanism->name, "one seccomp filter");
        return;
    }
    ret_mechanism->grade = errno == ENOSYS ? VKERNEL_NONE : VKERNEL_LESSER;
    snprintf(ret_mechanism->name, sizeof ret_mechanism->name, "%s",
             errno == ENOSYS ? "none" : "one seccomp filter");
    snprintf(ret_mechanism->detail, sizeof ret_mechanism->detail,
             "this kernel has no notifications of seccomp: nothing can be emulated");
}

const struct vkernel_part vkernel_syscalls = {
    .name = "syscalls",
    .summary = "its own table: each call native, an error, or the end of the process",
    .set = set,
    .each = each,
    .mechanism = mechanism,
};
