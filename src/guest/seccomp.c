/*
 * The filter of an instance. A chain of comparisons, hot calls first: the kernel keeps a bitmap of
 * the calls that a filter always allows, so the chain's length costs only those with rules.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/instance.h"
#include "guest/seccomp.h"
#include "guest/template.h"

/* x32 calls are x86-64 ones with this bit: refused as a whole. */
#define X32_SYSCALL_BIT 0x40000000u

enum rule { RULE_ANY, RULE_EVENT_FD, RULE_NO_EXEC, RULE_ANONYMOUS };

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

/* The low half of an argument: flags, protections and descriptors are 32 bits to the kernel. */
static uint32_t argument_offset(unsigned index)
{
    return (uint32_t)(offsetof(struct seccomp_data, args) + index * sizeof(uint64_t));
}

/* What follows a matching number: instructions that end in a verdict; their count is returned. */
static unsigned rule_length(enum rule rule)
{
    switch (rule) {
    case RULE_ANY:
        return 1;
    case RULE_EVENT_FD:
    case RULE_NO_EXEC:
        return 4;
    case RULE_ANONYMOUS:
        return 6;
    }
    return 0;
}

static void emit_rule(struct writer *writer, enum rule rule)
{
    switch (rule) {
    case RULE_ANY:
        emit_return(writer, SECCOMP_RET_ALLOW);
        return;
    case RULE_EVENT_FD:
        emit_load(writer, argument_offset(0));
        emit(writer, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, INSTANCE_EVENT_FD);
        break;
    case RULE_NO_EXEC:
        emit_load(writer, argument_offset(2));
        emit(writer, BPF_JMP | BPF_JSET | BPF_K, 1, 0, PROT_EXEC);
        break;
    case RULE_ANONYMOUS:
        emit_load(writer, argument_offset(2));
        emit(writer, BPF_JMP | BPF_JSET | BPF_K, 3, 0, PROT_EXEC);
        emit_load(writer, argument_offset(3));
        emit(writer, BPF_JMP | BPF_JSET | BPF_K, 0, 1, MAP_ANONYMOUS);
        break;
    }
    emit_return(writer, SECCOMP_RET_ALLOW);
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
        if (rule == RULE_EVENT_FD && (grants & (GUEST_GRANT_STDIO | GUEST_GRANT_FILES)))
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
