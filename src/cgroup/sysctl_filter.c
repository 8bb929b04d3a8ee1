/* Files below /proc/sys, denied to a group: a small BPF program that compares their names. */
#include "cgroup/sysctl_filter.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

#define WORDS (CGROUP_SYSCTL_NAME_BYTES / 4)
#define BEGIN_INSNS (WORDS + 10)
#define RULE_INSNS (WORDS * 2 + 3)
/* Where the name lies on the program's stack. */
#define NAME_AT (-CGROUP_SYSCTL_NAME_BYTES)

#define INSN(code_, dst, src, off_, imm_) \
    ((struct bpf_insn){                   \
        .code = (code_), .dst_reg = (dst), .src_reg = (src), .off = (off_), .imm = (imm_)})
#define LOAD(dst, src, offset) INSN(BPF_LDX | BPF_MEM | BPF_W, dst, src, offset, 0)
#define MOVE(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOVE_K(dst, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define JUMP_NE(dst, value) INSN(BPF_JMP32 | BPF_JNE | BPF_K, dst, 0, 0, value)
#define RETURN INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* r6: whether it is written (struct bpf_sysctl's first field); the name, zero-filled, on the stack.
 */
static size_t begin_write(struct bpf_insn *out)
{
    size_t n = 0;

    out[n++] = LOAD(BPF_REG_6, BPF_REG_1, 0);
    for (int i = 0; i < WORDS; i++)
        out[n++] = INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, (int16_t)(NAME_AT + 4 * i), 0);
    out[n++] = MOVE(BPF_REG_2, BPF_REG_10);
    out[n++] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, NAME_AT);
    out[n++] = MOVE_K(BPF_REG_3, CGROUP_SYSCTL_NAME_BYTES);
    out[n++] = MOVE_K(BPF_REG_4, 0);
    out[n++] = INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_sysctl_get_name);
    return n;
}

/* One name, with its end; jumps out of the rule are patched when its end is known. A longer name is
 * cut by the kernel, and is none of ours. */
static size_t rule_write(const struct cgroup_sysctl *rule, struct bpf_insn *out)
{
    char name[CGROUP_SYSCTL_NAME_BYTES] = "";
    size_t n = 0;

    memcpy(name, rule->name, strlen(rule->name));
    if (rule->read != rule->write)
        out[n++] = JUMP_NE(BPF_REG_6, rule->write);
    for (size_t i = 0; i <= strlen(rule->name) / 4; i++) {
        int32_t word;
        memcpy(&word, name + 4 * i, sizeof word);
        out[n++] = LOAD(BPF_REG_1, BPF_REG_10, (int16_t)(NAME_AT + 4 * (int)i));
        out[n++] = JUMP_NE(BPF_REG_1, word);
    }
    out[n++] = MOVE_K(BPF_REG_0, 0);
    out[n++] = RETURN;
    for (size_t i = 0; i < n; i++)
        if (out[i].code == (BPF_JMP32 | BPF_JNE | BPF_K))
            out[i].off = (int16_t)(n - i - 1);
    return n;
}

static int load(struct bpf_insn *program, size_t count)
{
    union bpf_attr attr = {
        .prog_type = BPF_PROG_TYPE_CGROUP_SYSCTL,
        .expected_attach_type = BPF_CGROUP_SYSCTL,
        .insns = (uintptr_t)program,
        .insn_cnt = (uint32_t)count,
        .license = (uintptr_t) "Apache-2.0",
        .prog_name = "vireo_sysctl",
    };
    int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);

    return fd < 0 ? -errno : fd;
}

int cgroup_sysctl_deny(int fd, const struct cgroup_sysctl *rules, size_t count, struct err *err)
{
    struct bpf_insn program[BEGIN_INSNS + CGROUP_SYSCTLS_MAX * RULE_INSNS];

    if (count > CGROUP_SYSCTLS_MAX)
        return err_set(err, -E2BIG, "cannot deny the host's parameters");
    size_t length = begin_write(program);
    for (size_t i = 0; i < count; i++) {
        if (strlen(rules[i].name) >= CGROUP_SYSCTL_NAME_BYTES)
            return err_set(err, -ENAMETOOLONG, "cannot deny '/proc/sys/%s'", rules[i].name);
        if (rules[i].read || rules[i].write)
            length += rule_write(&rules[i], program + length);
    }
    program[length++] = MOVE_K(BPF_REG_0, 1);
    program[length++] = RETURN;
    _cleanup_(closep) int loaded = load(program, length);
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
