/*
 * The filter of an instance. A chain of comparisons, hot calls first: the kernel keeps a bitmap of
 * the calls that a filter always allows, so the chain's length costs only those with rules.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest/instance.h"
#include "guest/seccomp.h"
#include "guest/template.h"

/* x32 calls are x86-64 ones with this bit: refused as a whole. */
#define X32_SYSCALL_BIT 0x40000000u

enum rule {
    RULE_ANY,
    RULE_EVENT_FD,
    RULE_NO_EXEC,
    RULE_ANONYMOUS,
    RULE_DISCARD,
    RULE_WAIT_WAKE,
    RULE_CLOCK,
    RULE_FLAGS,
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
    [RULE_DISCARD] = {1, {{2, true, BPF_JEQ, MADV_DONTNEED}}},
    /* The others name a thread by its id: priority inheritance tells which ids there are. */
    [RULE_WAIT_WAKE] = {1, {{1, false, BPF_JSET, ~(uint32_t)(FUTEX_WAKE | FUTEX_PRIVATE_FLAG)}}},
    /* Numbers above are the CPU clocks of other processes, by their ids, and clocks of devices. */
    [RULE_CLOCK] = {1, {{0, false, BPF_JGT, CLOCK_TAI}}},
    /* The flags of a descriptor. Of the others some send signals: F_SETOWN and F_SETSIG choose
     * which and to whom, F_NOTIFY and F_SETLEASE when; locks keep other instances waiting. */
    [RULE_FLAGS] = {1, {{1, false, BPF_JGT, F_SETFL}}},
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
    return rule == RULE_ANY ? 1 : (unsigned)(2 * rules[rule].count + 2);
}

static void emit_rule(struct writer *writer, enum rule rule)
{
    for (size_t i = 0, n = rules[rule].count; rule != RULE_ANY && i < n; i++) {
        const struct condition *condition = &rules[rule].conditions[i];
        /* Past the conditions that follow and the permission. */
        uint8_t away = (uint8_t)(2 * (n - 1 - i) + 1);
        emit_load(writer, argument_offset(condition->argument));
        emit(writer, BPF_JMP | condition->jump | BPF_K, condition->wanted ? 0 : away,
             condition->wanted ? away : 0, condition->k);
    }
    emit_return(writer, SECCOMP_RET_ALLOW);
    if (rule != RULE_ANY)
        emit_return(writer, SECCOMP_RET_KILL_PROCESS);
}

int seccomp_compile(uint32_t grants, struct seccomp_program *ret_program)
{
    struct writer writer = {.program = ret_program};

    ret_program->count = 0;
    emit_load(&writer, offsetof(struct seccomp_data, arch));
    emit(&writer, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
    emit_return(&writer, SECCOMP_RET_KILL_PROCESS);
    emit_load(&writer, offsetof(struct seccomp_data, nr));
    emit(&writer, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_SYSCALL_BIT);
    emit_return(&writer, SECCOMP_RET_KILL_PROCESS);

    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const struct entry *entry = &entries[i];
        if (entry->grants && !(entry->grants & grants))
            continue;
        enum rule rule = entry->rule;
        /* A grant of descriptors is a grant to write to them. */
        if (rule == RULE_EVENT_FD &&
            (grants & (GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_SOCKETS)))
            rule = RULE_ANY;
        emit(&writer, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)rule_length(rule), entry->number);
        emit_rule(&writer, rule);
    }
    /* A libc tries clone3 first and must be told that there is none. */
    emit(&writer, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, __NR_clone3);
    emit_return(&writer, SECCOMP_RET_ERRNO | ENOSYS);
    emit_return(&writer, SECCOMP_RET_KILL_PROCESS);
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
