/* A group's devices on v2: a small BPF program made from the rules, asked at each open and mknod.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroup/internal.h"
#include "cgroup/place.h"

#define RULES_MAX 512
#define RULE_INSNS 12

/* The few instructions that are needed, by the names of the kernel's own macros. */
#define INSN(code_, dst, src, off_, imm_) \
    ((struct bpf_insn){                   \
        .code = (code_), .dst_reg = (dst), .src_reg = (src), .off = (off_), .imm = (imm_)})
#define LOAD(dst, src, offset) INSN(BPF_LDX | BPF_MEM | BPF_W, dst, src, offset, 0)
#define MOVE(dst, src) INSN(BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOVE_K(dst, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define AND_K(dst, value) INSN(BPF_ALU | BPF_AND | BPF_K, dst, 0, 0, value)
#define SHIFT_RIGHT(dst, value) INSN(BPF_ALU | BPF_RSH | BPF_K, dst, 0, 0, value)
#define JUMP_NE(dst, value) INSN(BPF_JMP | BPF_JNE | BPF_K, dst, 0, 0, value)
#define RETURN INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

enum { TYPE = BPF_REG_2, ACCESS = BPF_REG_3, MAJOR = BPF_REG_4, MINOR = BPF_REG_5 };

/*
 * One rule. An allowance must hold all that is asked; a refusal needs to hold any of it. Jumps out
 * of the rule are patched when its end is known.
 */
static size_t rule_write(const struct cgroup_device_rule *rule, struct bpf_insn *out)
{
    int access = (rule->mknod ? BPF_DEVCG_ACC_MKNOD : 0) | (rule->read ? BPF_DEVCG_ACC_READ : 0) |
                 (rule->write ? BPF_DEVCG_ACC_WRITE : 0);
    int all = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
    size_t n = 0;

    if (rule->type != 'a')
        out[n++] = JUMP_NE(TYPE, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (access != all) {
        out[n++] = MOVE(BPF_REG_1, ACCESS);
        out[n++] = AND_K(BPF_REG_1, rule->allow ? all & ~access : access);
        out[n++] = rule->allow ? JUMP_NE(BPF_REG_1, 0)
                               : INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0);
    }
    if (rule->major >= 0)
        out[n++] = JUMP_NE(MAJOR, (int)rule->major);
    if (rule->minor >= 0)
        out[n++] = JUMP_NE(MINOR, (int)rule->minor);
    out[n++] = MOVE_K(BPF_REG_0, rule->allow);
    out[n++] = RETURN;
    for (size_t i = 0; i < n; i++)
        if (BPF_CLASS(out[i].code) == BPF_JMP && out[i].code != (BPF_JMP | BPF_EXIT))
            out[i].off = (int16_t)(n - i - 1);
    return n;
}

/* r1: struct bpf_cgroup_dev_ctx { access_type = access << 16 | type, major, minor } */
static size_t program_write(const struct cgroup_device_rule *rules, size_t count,
                            struct bpf_insn *out)
{
    size_t n = 0;

    out[n++] = LOAD(TYPE, BPF_REG_1, 0);
    out[n++] = MOVE(ACCESS, TYPE);
    out[n++] = AND_K(TYPE, 0xffff);
    out[n++] = SHIFT_RIGHT(ACCESS, 16);
    out[n++] = LOAD(MAJOR, BPF_REG_1, 4);
    out[n++] = LOAD(MINOR, BPF_REG_1, 8);
    /* The last rule that matches decides: so the last is asked first. What comes before a rule for
     * everything is never asked, and the verifier refuses code that nothing reaches. */
    for (size_t i = count; i-- > 0;) {
        const struct cgroup_device_rule *rule = &rules[i];
        size_t before = n;
        n += rule_write(rule, out + n);
        if (n == before + 2)
            return n;
    }
    out[n++] = MOVE_K(BPF_REG_0, 0);
    out[n++] = RETURN;
    return n;
}

/* The programs that the group itself has now; they go when ours is in place. */
static size_t attached(int fd, uint32_t *ids, size_t max)
{
    union bpf_attr attr = {
        .query.target_fd = (uint32_t)fd,
        .query.attach_type = BPF_CGROUP_DEVICE,
        .query.prog_ids = (uintptr_t)ids,
        .query.prog_cnt = (uint32_t)max,
    };

    return syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof attr) < 0 ? 0 : attr.query.prog_cnt;
}

static void detach(int fd, uint32_t id)
{
    union bpf_attr get = {.prog_id = id};
    _cleanup_(closep) int program = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &get, sizeof get);
    union bpf_attr attr = {
        .target_fd = (uint32_t)fd,
        .attach_bpf_fd = (uint32_t)program,
        .attach_type = BPF_CGROUP_DEVICE,
    };

    if (program >= 0)
        syscall(SYS_bpf, BPF_PROG_DETACH, &attr, sizeof attr);
}

int cgroup_device_filter(int fd, const struct cgroup_device_rule *rules, size_t count,
                         struct err *err)
{
    _cleanup_(freep) struct bpf_insn *program = NULL;
    uint32_t old[64];

    if (count > RULES_MAX)
        return err_set(err, -E2BIG, "cannot limit devices");
    program = calloc(8 + count * RULE_INSNS, sizeof *program);
    if (!program)
        return err_set(err, -ENOMEM, "cannot limit devices");
    size_t length = program_write(rules, count, program);
    _cleanup_(closep) int loaded = cgroup_program_load(
        BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, "vireo_devices", program, length);
    if (loaded < 0)
        return err_set(err, loaded, "cannot limit devices: load the filter");
    size_t old_count = attached(fd, old, ARRAY_LEN(old));
    union bpf_attr attr = {
        .target_fd = (uint32_t)fd,
        .attach_bpf_fd = (uint32_t)loaded,
        .attach_type = BPF_CGROUP_DEVICE,
        .attach_flags = BPF_F_ALLOW_MULTI,
    };
    if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof attr) < 0)
        return err_set(err, -errno, "cannot limit devices: attach the filter");
    for (size_t i = 0; i < old_count; i++)
        detach(fd, old[i]);
    return 0;
}
