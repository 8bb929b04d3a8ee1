/*
 * The filter of an instance: a tree of comparisons. When a filter is loaded, the kernel runs it for
 * every number there is, to note in a bitmap which calls it always allows: with a chain of
 * comparisons that alone took 30 µs of each start, and 70 µs with grants.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest/instance.h"
#include "guest/seccomp.h"
#include "guest/template.h"

/* Linux 5.16; musl's headers may be older. */
#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif

enum rule {
    RULE_ANY,
    RULE_EVENT_FD,
    RULE_NO_EXEC,
    RULE_ANONYMOUS,
    RULE_DISCARD,
    RULE_WAIT_WAKE,
    RULE_CLOCK,
    RULE_FLAGS,
    RULE_FORK,
    RULE_REMOVE,
    RULE_PRIVATE,
    RULE_REMOVE_STAT,
    RULE_ATTACH,
    RULE_SMALL_PAGES,
    RULE_NO_CALL, /* ENOSYS */
};

/*
 * What one argument must be: `jump` with `k` must come out as `wanted`. The low half of an
 * argument: flags, protections, commands, clocks and descriptors are 32 bits to the kernel.
 */
struct condition {
    uint8_t argument;
    bool wanted;
    uint16_t jump;
    uint32_t k;
};

#define CONDITIONS_MAX 3

static const struct {
    size_t count;
    struct condition conditions[CONDITIONS_MAX];
} rules[] = {
    [RULE_EVENT_FD] = {1, {{0, true, BPF_JEQ, INSTANCE_EVENT_FD}}},
    [RULE_NO_EXEC] = {1, {{2, false, BPF_JSET, PROT_EXEC}}},
    /* Huge pages are the host's reserve, which no memory limit counts. */
    [RULE_ANONYMOUS] = {3,
                        {{2, false, BPF_JSET, PROT_EXEC},
                         {3, true, BPF_JSET, MAP_ANONYMOUS},
                         {3, false, BPF_JSET, MAP_HUGETLB}}},
    /* What comes from the supervisor is mapped, its code too: no file that a manifest grants can be
     * (its mount is noexec), and nobody here can make another. Never writable and executable. */
    [RULE_PRIVATE] = {3,
                      {{2, false, BPF_JGT, PROT_READ | PROT_EXEC},
                       {3, true, BPF_JSET, MAP_PRIVATE},
                       {3, false, BPF_JSET, MAP_HUGETLB}}},
    [RULE_DISCARD] = {1, {{2, true, BPF_JEQ, MADV_DONTNEED}}},
    /* The others name a thread by its id: priority inheritance tells which ids there are. */
    [RULE_WAIT_WAKE] = {1, {{1, false, BPF_JSET, ~(uint32_t)(FUTEX_WAKE | FUTEX_PRIVATE_FLAG)}}},
    /* Numbers above are the CPU clocks of other processes, by their ids, and clocks of devices. */
    [RULE_CLOCK] = {1, {{0, false, BPF_JGT, CLOCK_TAI}}},
    /* The flags of a descriptor. Of the others some send signals: F_SETOWN and F_SETSIG choose
     * which and to whom, F_NOTIFY and F_SETLEASE when; locks keep other instances waiting. */
    [RULE_FLAGS] = {1, {{1, false, BPF_JGT, F_SETFL}}},
    /* A plain fork: no flag, the signal at its end. The kernel takes the low half of clone's word.
     */
    [RULE_FORK] = {1, {{0, true, BPF_JEQ, SIGCHLD}}},
    /* Nothing that tells of or changes what is not a message. */
    [RULE_REMOVE] = {1, {{1, true, BPF_JEQ, IPC_RMID}}},
    [RULE_REMOVE_STAT] = {1, {{1, false, BPF_JSET, ~(uint32_t)IPC_STAT}}},
    /* Not executable, nor over what is mapped already. */
    [RULE_ATTACH] = {1, {{2, false, BPF_JSET, ~(uint32_t)SHM_RDONLY}}},
    [RULE_SMALL_PAGES] = {1, {{2, false, BPF_JSET, SHM_HUGETLB}}},
};

struct entry {
    uint32_t number;
    uint32_t grants;
    enum rule rule;
};

static const struct entry entries[] = {
#define SYSCALL(name, grants, rule) {__NR_##name, grants, rule},
#include "guest/syscalls.h"
#undef SYSCALL
};

struct writer {
    struct seccomp_program *program;
    int error;
};

static void emit(struct writer *writer, uint16_t code, uint8_t jump_true, uint8_t jump_false,
                 uint32_t k)
{
    if (writer->program->count == SECCOMP_PROGRAM_MAX) {
        writer->error = -E2BIG;
        return;
    }
    writer->program->instructions[writer->program->count++] =
        (struct sock_filter){.code = code, .jt = jump_true, .jf = jump_false, .k = k};
}

static void emit_load(struct writer *writer, uint32_t offset)
{
    emit(writer, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

static void emit_return(struct writer *writer, uint32_t action)
{
    emit(writer, BPF_RET | BPF_K, 0, 0, action);
}

static uint32_t argument_offset(unsigned index)
{
    return (uint32_t)(offsetof(struct seccomp_data, args) + index * sizeof(uint64_t));
}

/* What follows a matching number: instructions that end in a verdict; their count is returned. */
static unsigned rule_length(enum rule rule)
{
    return rule == RULE_ANY || rule == RULE_NO_CALL ? 1 : (unsigned)(2 * rules[rule].count + 2);
}

static void emit_rule(struct writer *writer, enum rule rule)
{
    if (rule == RULE_ANY || rule == RULE_NO_CALL) {
        emit_return(writer, rule == RULE_ANY ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | ENOSYS);
        return;
    }
    for (size_t i = 0, n = rules[rule].count; i < n; i++) {
        const struct condition *condition = &rules[rule].conditions[i];
        /* Past the conditions that follow and the permission. */
        uint8_t away = (uint8_t)(2 * (n - 1 - i) + 1);
        emit_load(writer, argument_offset(condition->argument));
        emit(writer, BPF_JMP | condition->jump | BPF_K, condition->wanted ? 0 : away,
             condition->wanted ? away : 0, condition->k);
    }
    emit_return(writer, SECCOMP_RET_ALLOW);
    emit_return(writer, SECCOMP_RET_KILL_PROCESS);
}

/* A call that this filter knows; x32's numbers, which have a bit above all others, are not. */
struct leaf {
    uint32_t number;
    enum rule rule;
};

#define LEAVES_MAX (sizeof entries / sizeof *entries + 1)

/* The calls of these grants, by number; clone3 is always among them. Returns their count. */
static size_t leaves_of(uint32_t grants, struct leaf leaves[static LEAVES_MAX])
{
    size_t count = 1;

    /* A libc tries clone3 first and must be told that there is none. */
    leaves[0] = (struct leaf){__NR_clone3, RULE_NO_CALL};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const struct entry *entry = &entries[i];
        enum rule rule = entry->rule;
        if (entry->grants && !(entry->grants & grants))
            continue;
        /* A grant of descriptors is a grant to write to them. */
        if (rule == RULE_EVENT_FD &&
            (grants &
             (GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_SOCKETS | GUEST_GRANT_FORK |
              GUEST_GRANT_IPC | GUEST_GRANT_PLATFORM | GUEST_GRANT_CONTROL)))
            rule = RULE_ANY;
        if (rule == RULE_ANONYMOUS && (grants & GUEST_GRANT_CONTROL))
            rule = RULE_PRIVATE;
        size_t at = count++;
        for (; at > 0 && leaves[at - 1].number > entry->number; at--)
            leaves[at] = leaves[at - 1];
        leaves[at] = (struct leaf){entry->number, rule};
    }
    return count;
}

/* Instructions of the tree of `count` leaves. */
static unsigned tree_length(const struct leaf *leaves, size_t count)
{
    if (count == 1)
        return 1 + rule_length(leaves[0].rule) + 1;
    unsigned lower = tree_length(leaves, count / 2);
    unsigned upper = tree_length(leaves + count / 2, count - count / 2);
    return (lower <= UINT8_MAX ? 1 : 2) + lower + upper;
}

/* The number is loaded. Ends in a verdict on every path. */
static void emit_tree(struct writer *writer, const struct leaf *leaves, size_t count)
{
    if (count == 1) {
        emit(writer, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)rule_length(leaves->rule),
             leaves->number);
        emit_rule(writer, leaves->rule);
        emit_return(writer, SECCOMP_RET_KILL_PROCESS);
        return;
    }
    size_t half = count / 2;
    unsigned lower = tree_length(leaves, half);
    /* A conditional jump reaches 255 instructions. */
    if (lower <= UINT8_MAX) {
        emit(writer, BPF_JMP | BPF_JGE | BPF_K, (uint8_t)lower, 0, leaves[half].number);
    } else {
        emit(writer, BPF_JMP | BPF_JGE | BPF_K, 0, 1, leaves[half].number);
        emit(writer, BPF_JMP | BPF_JA, 0, 0, lower);
    }
    emit_tree(writer, leaves, half);
    emit_tree(writer, leaves + half, count - half);
}

int seccomp_compile(uint32_t grants, struct seccomp_program *ret_program)
{
    struct writer writer = {.program = ret_program};
    struct leaf leaves[LEAVES_MAX];
    size_t count = leaves_of(grants, leaves);

    ret_program->count = 0;
    emit_load(&writer, offsetof(struct seccomp_data, arch));
    emit(&writer, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
    emit_return(&writer, SECCOMP_RET_KILL_PROCESS);
    emit_load(&writer, offsetof(struct seccomp_data, nr));
    emit_tree(&writer, leaves, count);
    return writer.error;
}

int seccomp_load(const struct seccomp_program *program)
{
    struct sock_fprog filter = {
        .len = program->count,
        .filter = (struct sock_filter *)(uintptr_t)program->instructions,
    };

    /* SPEC_ALLOW: the speculation controls are set by prctl in the template, once; without the flag
     * old kernels set them again for each filter. */
    if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) < 0)
        return -errno;
    return 0;
}
