/*
 * The table of the process wall: guest/syscalls.h as text, as a table, and as the filter that an
 * instance loads, with what its virtual kernel makes of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "allow/allow.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "build/manifest.h"
#include "guest/template.h"
#include "pvm/pvm.h"
#include "pvm/template_internal.h"
#include "vkernel/learn.h"
#include "vkernel/syscalls.h"

/* Linux 5.16. */
#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif

DEFINE_CLEANUP(struct vk_table, vk_table_free)

enum wall_rule {
    RULE_ANY,
    RULE_EVENT_FD,
    RULE_NO_EXEC,
    RULE_ANONYMOUS,
    RULE_DISCARD,
    RULE_DISCARD_HUGE,
    RULE_WAIT_WAKE,
    RULE_CLOCK,
    RULE_FLAGS,
    RULE_FORK,
    RULE_REAL_TIMER,
    RULE_PRIVATE,
    RULE_BUFFERS,
    RULE_REMOVE_STAT,
    RULE_ATTACH,
    RULE_SMALL_PAGES,
};

/*
 * What one argument must be. The low half: flags, protections, commands, clocks and descriptors are
 * 32 bits to the kernel.
 */
struct wall_condition {
    uint8_t argument;
    uint8_t compare;
    uint32_t value;
};

#define CONDITIONS_MAX 3

static const struct {
    uint8_t count;
    struct wall_condition conditions[CONDITIONS_MAX];
    enum wall_rule also; /* what meets that rule may be, too; 0: none */
} rules[] = {
    [RULE_EVENT_FD] = {1, {{0, VK_EQ, GUEST_EVENT_FD}}},
    [RULE_NO_EXEC] = {1, {{2, VK_NONE_OF, PROT_EXEC}}},
    /* Huge pages are the host's reserve, which no memory limit counts. */
    [RULE_ANONYMOUS] = {3,
                        {{2, VK_NONE_OF, PROT_EXEC},
                         {3, VK_ANY_OF, MAP_ANONYMOUS},
                         {3, VK_NONE_OF, MAP_HUGETLB}}},
    /* What comes from the supervisor is mapped, its code too: no file that a manifest grants can be
     * (its mount is noexec), and nobody here can make another. Never writable and executable. */
    [RULE_PRIVATE] = {3,
                      {{2, VK_LE, PROT_READ | PROT_EXEC},
                       {3, VK_ANY_OF, MAP_PRIVATE},
                       {3, VK_NONE_OF, MAP_HUGETLB}}},
    /* Of files too: buffers of eBPF maps. No file that a manifest grants can be executed. */
    [RULE_BUFFERS] = {2, {{2, VK_NONE_OF, PROT_EXEC}, {3, VK_NONE_OF, MAP_HUGETLB}}},
    /* MADV_DONTNEED and what free(3) says, MADV_FREE (and MADV_NORMAL, which is nothing). Memory
     * that is offered to be merged would tell what others have in theirs. */
    [RULE_DISCARD] = {2,
                      {{2, VK_NONE_OF, ~(uint32_t)(MADV_DONTNEED | MADV_FREE)},
                       {2, VK_LE, MADV_FREE}}},
    /* Unlike those of MAP_HUGETLB they are in the memory limit. */
    [RULE_DISCARD_HUGE] = {1, {{2, VK_EQ, MADV_HUGEPAGE}}, RULE_DISCARD},
    /* The others name a thread by its id: priority inheritance tells which ids there are. */
    [RULE_WAIT_WAKE] = {1, {{1, VK_NONE_OF, ~(uint32_t)(FUTEX_WAKE | FUTEX_PRIVATE_FLAG)}}},
    /* Numbers above are the CPU clocks of other processes, by their ids, and clocks of devices. */
    [RULE_CLOCK] = {1, {{0, VK_LE, CLOCK_TAI}}},
    /* The flags of a descriptor. Of the others some send signals: F_SETOWN and F_SETSIG choose
     * which and to whom, F_NOTIFY and F_SETLEASE when; locks keep other instances waiting. */
    [RULE_FLAGS] = {1, {{1, VK_LE, F_SETFL}}},
    /* A plain fork: no flag, the signal at its end. The kernel takes the low half of clone's word.
     */
    [RULE_FORK] = {1, {{0, VK_EQ, SIGCHLD}}},
    [RULE_REAL_TIMER] = {1, {{0, VK_EQ, ITIMER_REAL}}},
    /* Nothing that changes a queue or a segment but to remove it. */
    [RULE_REMOVE_STAT] = {1, {{1, VK_NONE_OF, ~(uint32_t)IPC_STAT}}},
    /* Not executable, nor over what is mapped already. */
    [RULE_ATTACH] = {1, {{2, VK_NONE_OF, ~(uint32_t)SHM_RDONLY}}},
    [RULE_SMALL_PAGES] = {1, {{2, VK_NONE_OF, SHM_HUGETLB}}},
};

struct entry {
    const char *name;
    uint32_t number;
    uint32_t grants;
    enum wall_rule rule;
};

static const struct entry entries[] = {
#define SYSCALL(name, grants, rule) {#name, __NR_##name, grants, rule},
#include "guest/syscalls.h"
#undef SYSCALL
};

size_t pvm_syscalls(uint32_t grant, const char **ret_names, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(entries) && count < max; i++) {
        uint32_t grants = entries[i].grants;
        bool base = grants == 0 || (grants == GUEST_GRANT_CODE && grant == 0);
        if (grant == 0 || grant == PVM_SYSCALLS_PROVED ? base : (grants & grant) != 0)
            ret_names[count++] = entries[i].name;
    }
    return count;
}

uint32_t pvm_grants_called(const char *calls)
{
    static const struct {
        const char *name;
        uint32_t grant;
    } needs[] = {
        {"open", GUEST_GRANT_PROVED_FILES},   {"mkdir", GUEST_GRANT_PROVED_FILES},
        {"unlink", GUEST_GRANT_PROVED_FILES}, {"rmdir", GUEST_GRANT_PROVED_FILES},
        {"rename", GUEST_GRANT_PROVED_FILES}, {"vireo_connect", GUEST_GRANT_PROVED_CONNECT}};
    uint32_t grants = 0;

    for (size_t i = 0; i < ARRAY_LEN(needs); i++)
        if (allow_calls_have(calls, needs[i].name))
            grants |= needs[i].grant;
    for (size_t i = 0; i < allow_entry_count; i++)
        if (allow_entries[i].layer == ALLOW_PLATFORM &&
            allow_calls_have(calls, allow_entries[i].name))
            grants |= GUEST_GRANT_PLATFORM;
    return grants;
}

static uint32_t grants_of(const struct manifest *manifest)
{
    return (manifest->file_count ? GUEST_GRANT_FILES : 0) |
           (manifest_connects(manifest) ? GUEST_GRANT_CONNECT : 0) |
           (manifest->fork ? GUEST_GRANT_FORK : 0) | (manifest->ipc ? GUEST_GRANT_IPC : 0) |
           (manifest->layers & ALLOW_BIT(ALLOW_PLATFORM) ? GUEST_GRANT_PLATFORM : 0) |
           (manifest->bpf.given ? GUEST_GRANT_BPF : 0) | (manifest->link ? GUEST_GRANT_LINK : 0) |
           /* A server has standard streams: its output is the log. */
           (manifest->listen_count ? GUEST_GRANT_LISTEN | GUEST_GRANT_STDIO : 0);
}

uint32_t pvm_grants(const struct manifest *manifest, const struct pvm_bounds *bounds)
{
    uint32_t grants = grants_of(manifest);

    if (!bounds)
        return grants;
    /* Proved code makes fewer calls of each. */
    if (grants & GUEST_GRANT_FILES)
        grants ^= GUEST_GRANT_FILES | GUEST_GRANT_PROVED_FILES;
    if (grants & GUEST_GRANT_CONNECT)
        grants ^= GUEST_GRANT_CONNECT | GUEST_GRANT_PROVED_CONNECT;
    const uint32_t called =
        GUEST_GRANT_PROVED_FILES | GUEST_GRANT_PROVED_CONNECT | GUEST_GRANT_PLATFORM;
    return grants & (bounds->grants | ~called);
}

/* ---- as a table ---- */

/* What this call's argument must be under these grants. */
static enum wall_rule rule_under(const struct entry *entry, uint32_t grants)
{
    /* A grant of descriptors is a grant to write to them. */
    if (entry->rule == RULE_EVENT_FD &&
        (grants & (GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_SOCKETS | GUEST_GRANT_FORK |
                   GUEST_GRANT_IPC | GUEST_GRANT_PLATFORM | GUEST_GRANT_CONTROL | GUEST_GRANT_BPF |
                   GUEST_GRANT_PROVED_CONNECT)))
        return RULE_ANY;
    if (entry->rule == RULE_ANONYMOUS && (grants & GUEST_GRANT_CONTROL))
        return RULE_PRIVATE;
    /* What has grown by much is forked by its huge pages: guest/wasm_memory.c. */
    if (entry->rule == RULE_DISCARD && (grants & GUEST_GRANT_FORK))
        return RULE_DISCARD_HUGE;
    /* A manifest has one of the two. */
    if (entry->rule == RULE_ANONYMOUS && (grants & GUEST_GRANT_BPF))
        return RULE_BUFFERS;
    return entry->rule;
}

/* What meets all conditions of a rule. */
static struct vk_rule allow(enum wall_rule rule)
{
    struct vk_rule allowed = {.verdict = {.action = VK_NATIVE}};

    for (unsigned i = 0; i < rules[rule].count; i++)
        allowed.conditions[allowed.condition_count++] =
            (struct vk_condition){.argument = rules[rule].conditions[i].argument,
                                  .compare = rules[rule].conditions[i].compare,
                                  .low = true,
                                  .mask = UINT32_MAX,
                                  .value = rules[rule].conditions[i].value};
    return allowed;
}

static int table_put(struct vk_table *table, uint32_t number, enum wall_rule rule)
{
    struct vk_rule list[3] = {allow(rule)};
    size_t count = 1;

    if (rules[rule].also)
        list[count++] = allow(rules[rule].also);
    if (rule != RULE_ANY)
        list[count++] = (struct vk_rule){.verdict = {.action = VK_KILL}};
    return vk_table_put(table, number, list, count);
}

int pvm_wall_table(uint32_t grants, struct vk_table **ret_table)
{
    _cleanup_(vk_table_freep) struct vk_table *table = NULL;
    /* A libc tries clone3 first and must be told that there is none. */
    const struct vk_rule no_call = {.verdict = {.action = VK_ERRNO, .error = ENOSYS}};
    int r = vk_table_new((struct vk_verdict){.action = VK_KILL}, &table);

    if (r == 0)
        r = vk_table_put(table, __NR_clone3, &no_call, 1);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(entries); i++)
        if (!entries[i].grants || (entries[i].grants & grants))
            r = table_put(table, entries[i].number, rule_under(&entries[i], grants));
    if (r == 0)
        *ret_table = steal_ptr(&table);
    return r;
}

int pvm_table(uint32_t grants, const struct vkernel *vkernel, struct vk_table **ret_table,
              struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *wall = NULL, *own = NULL;
    int r = pvm_wall_table(grants, &wall);

    if (r < 0)
        return err_set(err, r, "cannot make the table of system calls");
    r = vkernel_syscalls_table(vkernel, &own, err);
    if (r < 0)
        return r;
    if (own)
        return vk_table_merge(wall, own, ret_table, err);
    *ret_table = steal_ptr(&wall);
    return 0;
}

int template_filter_fill(struct guest_setup *setup, const struct manifest *manifest,
                         struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *table = NULL, *told = NULL;
    int r = pvm_table(setup->grants, &manifest->vkernel, &table, err);

    if (r < 0)
        return r;
    if (setup->learn) {
        r = vk_table_listen(table, &told);
        if (r < 0)
            return err_set(err, r, "cannot make the table of system calls");
    }
    r = vk_table_compile(told ? told : table, setup->filter, GUEST_FILTER_MAX);
    if (r < 0)
        return err_say(err, r,
                       "cannot compile the table of system calls: its rules take more than %d "
                       "instructions",
                       GUEST_FILTER_MAX);
    setup->filter_count = (uint32_t)r;
    return 0;
}
