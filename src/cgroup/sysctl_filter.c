/* Files below /proc/sys, denied to a group: a small BPF program that compares their names. */
#include "cgroup/sysctl_filter.h"

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroup/internal.h"

#define WORDS (CGROUP_SYSCTL_NAME_BYTES / 8)
#define BEGIN_INSNS (2 * WORDS + 10)
#define RULE_INSNS (4 * WORDS + 1)
#define END_INSNS 4
/* Where the name lies on the program's stack, and the registers that it is in afterwards. */
#define NAME_AT (-CGROUP_SYSCTL_NAME_BYTES)
#define WORD_0 BPF_REG_6
static_assert(WORD_0 + WORDS <= BPF_REG_10, "a name has a register for each word");

#define INSN(code_, dst, src, off_, imm_) \
    ((struct bpf_insn){                   \
        .code = (code_), .dst_reg = (dst), .src_reg = (src), .off = (off_), .imm = (imm_)})
#define MOVE(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOVE_K(dst, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define RETURN INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* The name into its registers, filled up with zeros; whether it is written (struct bpf_sysctl's
 * first field) into register 5. */
static size_t begin_write(struct bpf_insn *out)
{
    size_t n = 0;

    for (int i = 0; i < WORDS; i++)
        out[n++] = INSN(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, (int16_t)(NAME_AT + 8 * i), 0);
    out[n++] = INSN(BPF_LDX | BPF_MEM | BPF_W, WORD_0, BPF_REG_1, 0, 0); /* kept over the call */
    out[n++] = MOVE(BPF_REG_2, BPF_REG_10);
    out[n++] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, NAME_AT);
    out[n++] = MOVE_K(BPF_REG_3, CGROUP_SYSCTL_NAME_BYTES);
    out[n++] = MOVE_K(BPF_REG_4, 0);
    out[n++] = INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_sysctl_get_name);
    out[n++] = MOVE(BPF_REG_5, WORD_0);
    for (int i = 0; i < WORDS; i++)
        out[n++] =
            INSN(BPF_LDX | BPF_MEM | BPF_DW, WORD_0 + i, BPF_REG_10, (int16_t)(NAME_AT + 8 * i), 0);
    return n;
}

/* One name, with its end: all differences are gathered before anything is decided, for each branch
 * is a way more that the kernel's verifier goes. Jumps to the end's "denied" are patched when that
 * is known. A longer name is cut by the kernel, and is none of ours. */
static size_t rule_write(const struct cgroup_sysctl *rule, struct bpf_insn *out)
{
    char name[CGROUP_SYSCTL_NAME_BYTES] = "";
    size_t n = 0;

    memcpy(name, rule->name, strlen(rule->name));
    for (unsigned i = 0; i <= strlen(rule->name) / 8; i++) {
        const uint8_t at = i == 0 ? BPF_REG_1 : BPF_REG_2;
        uint32_t word[2];
        memcpy(word, name + 8 * i, sizeof word);
        out[n++] = INSN(BPF_LD | BPF_DW | BPF_IMM, at, 0, 0, (int32_t)word[0]);
        out[n++] = INSN(0, 0, 0, 0, (int32_t)word[1]);
        out[n++] = INSN(BPF_ALU64 | BPF_XOR | BPF_X, at, WORD_0 + i, 0, 0);
        if (i > 0)
            out[n++] = INSN(BPF_ALU64 | BPF_OR | BPF_X, BPF_REG_1, BPF_REG_2, 0, 0);
    }
    out[n++] = INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0);
    return n;
}

/* Those of a kind: that are about reads as well, or not. */
static size_t rules_write(const struct cgroup_sysctl *rules, size_t count, bool read,
                          struct bpf_insn *out)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (rules[i].read == read)
            n += rule_write(&rules[i], out + n);
    return n;
}

/* "Allowed" for who got here, "denied" for who jumps. */
static size_t end_write(struct bpf_insn *program, size_t n)
{
    const size_t denied = n + 2;

    for (size_t i = 0; i < n; i++)
        if (program[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
            program[i].off = (int16_t)(denied - i - 1 - 2 * (program[i].dst_reg == BPF_REG_5));
    program[n++] = MOVE_K(BPF_REG_0, 1);
    program[n++] = RETURN;
    program[n++] = MOVE_K(BPF_REG_0, 0);
    program[n++] = RETURN;
    return n;
}

int cgroup_sysctl_deny(int fd, const struct cgroup_sysctl *rules, size_t count, struct err *err)
{
    struct bpf_insn program[BEGIN_INSNS + CGROUP_SYSCTLS_MAX * RULE_INSNS + 1 + END_INSNS];

    if (count > CGROUP_SYSCTLS_MAX)
        return err_set(err, -E2BIG, "cannot deny the host's parameters");
    for (size_t i = 0; i < count; i++)
        if (strlen(rules[i].name) >= CGROUP_SYSCTL_NAME_BYTES)
            return err_set(err, -ENAMETOOLONG, "cannot deny '/proc/sys/%s'", rules[i].name);
    size_t length = begin_write(program);
    length += rules_write(rules, count, true, program + length);
    /* Who reads is done: that is allowed. */
    program[length++] = INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_5, 0, 0, 0);
    length += rules_write(rules, count, false, program + length);
    length = end_write(program, length);
    _cleanup_(closep) int loaded = cgroup_program_load(
        BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL, "vireo_sysctl", program, length);
    if (loaded < 0)
        return err_set(err, loaded, "cannot deny the host's parameters: load the filter");
    union bpf_attr attr = {
        .target_fd = (uint32_t)fd,
        .attach_bpf_fd = (uint32_t)loaded,
        .attach_type = BPF_CGROUP_SYSCTL,
        .attach_flags = BPF_F_ALLOW_MULTI,
    };
    if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof attr) < 0)
        return err_set(err, -errno, "cannot deny the host's parameters: attach the filter");
    return 0;
}
