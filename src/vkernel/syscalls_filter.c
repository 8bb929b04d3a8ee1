/*
 * A table as a filter: a tree of comparisons over the numbers, whose leaves are runs of calls that
 * are alike, or one call with its rules. The tree is balanced by weight: a call that programs make
 * all the time stands near the root, whatever else the table has.
 *
 * Calls that are native whatever their arguments cost less than this: when a filter is loaded, the
 * kernel (since 5.11) runs it for each number and keeps those in a bitmap.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "vkernel/syscalls_internal.h"

/* Calls of loops: as many leaves as one of these weighs are as far from the root as it. */
static const uint16_t hot[] = {
    __NR_read,     __NR_write,   __NR_futex,         __NR_epoll_wait, __NR_epoll_pwait,
    __NR_recvfrom, __NR_sendto,  __NR_recvmsg,       __NR_sendmsg,    __NR_readv,
    __NR_writev,   __NR_poll,    __NR_ppoll,         __NR_mmap,       __NR_munmap,
    __NR_mprotect, __NR_openat,  __NR_close,         __NR_newfstatat, __NR_fstat,
    __NR_ioctl,    __NR_pread64, __NR_clock_gettime, __NR_getpid,     __NR_sched_yield,
    __NR_madvise,  __NR_brk,     __NR_accept4,       __NR_fcntl,      __NR_rt_sigprocmask,
};
#define HOT_WEIGHT 16

/* Numbers from `first` to the next leaf's. */
struct leaf {
    uint32_t first;
    uint32_t weight;
    const struct vk_list *list; /* one call's; NULL: `verdict` */
    struct vk_verdict verdict;
};
#define LEAVES_MAX (VK_CALLS_MAX + 2)

struct writer {
    struct sock_filter *program;
    size_t count, max;
    bool full;
};

/* Places that a jump of a condition leads to, until they are known. */
#define TO_PASS 254
#define TO_FAIL 255

static void emit(struct writer *writer, uint16_t code, uint8_t jump_true, uint8_t jump_false,
                 uint32_t k)
{
    if (writer->count == writer->max) {
        writer->full = true;
        return;
    }
    writer->program[writer->count++] =
        (struct sock_filter){.code = code, .jt = jump_true, .jf = jump_false, .k = k};
}

static void emit_load(struct writer *writer, size_t offset)
{
    emit(writer, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void emit_verdict(struct writer *writer, struct vk_verdict verdict)
{
    static const uint32_t returns[] = {
        [VK_KILL] = SECCOMP_RET_KILL_PROCESS, [VK_TRAP] = SECCOMP_RET_TRAP,
        [VK_ERRNO] = SECCOMP_RET_ERRNO,       [VK_EMULATED] = SECCOMP_RET_USER_NOTIF,
        [VK_NOTIFY] = SECCOMP_RET_USER_NOTIF, [VK_LOG] = SECCOMP_RET_LOG,
        [VK_NATIVE] = SECCOMP_RET_ALLOW,
    };
    uint32_t value = returns[verdict.action];

    if (verdict.action == VK_ERRNO)
        value |= verdict.error;
    emit(writer, BPF_RET | BPF_K, 0, 0, value);
}

/* One half of an argument against one half of a value; the jumps are as for the writer. */
static void emit_half(struct writer *writer, const struct vk_condition *condition, bool high,
                      uint16_t jump, uint8_t jump_true, uint8_t jump_false)
{
    uint32_t mask = (uint32_t)(high ? condition->mask >> 32 : condition->mask);
    uint32_t value = (uint32_t)(high ? condition->value >> 32 : condition->value);
    bool masked = condition->compare == VK_EQ || condition->compare == VK_NE;

    emit_load(writer, offsetof(struct seccomp_data, args) + condition->argument * 8u + high * 4u);
    if (masked && mask != UINT32_MAX)
        emit(writer, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
    emit(writer, BPF_JMP | jump | BPF_K, jump_true, jump_false, masked ? value & mask : value);
}

/* Both halves are equal under the mask: to `yes`, else to `no`. */
static void emit_equal(struct writer *writer, const struct vk_condition *condition, uint8_t yes,
                       uint8_t no)
{
    if (!condition->low && condition->mask >> 32)
        emit_half(writer, condition, true, BPF_JEQ, 0, no);
    emit_half(writer, condition, false, BPF_JEQ, yes, no);
}

static void emit_any_of(struct writer *writer, const struct vk_condition *condition, uint8_t yes,
                        uint8_t no)
{
    if (!condition->low && condition->value >> 32)
        emit_half(writer, condition, true, BPF_JSET, yes, 0);
    emit_half(writer, condition, false, BPF_JSET, yes, no);
}

/* Greater, or with BPF_JGE not less, by the low halves where the high ones are the same. */
static void emit_greater(struct writer *writer, const struct vk_condition *condition, uint16_t jump,
                         uint8_t yes, uint8_t no)
{
    if (!condition->low) {
        emit_half(writer, condition, true, BPF_JGT, yes, 0);
        emit(writer, BPF_JMP | BPF_JEQ | BPF_K, 0, no, (uint32_t)(condition->value >> 32));
    }
    emit_half(writer, condition, false, jump, yes, no);
}

static void emit_condition(struct writer *writer, const struct vk_condition *condition)
{
    size_t first = writer->count;

    switch ((enum vk_compare)condition->compare) {
    case VK_EQ:
        emit_equal(writer, condition, TO_PASS, TO_FAIL);
        break;
    case VK_NE:
        emit_equal(writer, condition, TO_FAIL, TO_PASS);
        break;
    case VK_ANY_OF:
        emit_any_of(writer, condition, TO_PASS, TO_FAIL);
        break;
    case VK_NONE_OF:
        emit_any_of(writer, condition, TO_FAIL, TO_PASS);
        break;
    case VK_GT:
        emit_greater(writer, condition, BPF_JGT, TO_PASS, TO_FAIL);
        break;
    case VK_GE:
        emit_greater(writer, condition, BPF_JGE, TO_PASS, TO_FAIL);
        break;
    case VK_LE:
        emit_greater(writer, condition, BPF_JGT, TO_FAIL, TO_PASS);
        break;
    case VK_LT:
        emit_greater(writer, condition, BPF_JGE, TO_FAIL, TO_PASS);
        break;
    }
    for (size_t i = first; i < writer->count; i++) {
        struct sock_filter *at = &writer->program[i];
        if (at->jt == TO_PASS)
            at->jt = (uint8_t)(writer->count - i - 1);
        if (at->jf == TO_PASS)
            at->jf = (uint8_t)(writer->count - i - 1);
    }
}

/* VK_CONDITIONS_MAX conditions of six instructions each: within the reach of a jump. */
static void emit_rule(struct writer *writer, const struct vk_rule *rule)
{
    size_t first = writer->count;

    for (unsigned i = 0; i < rule->condition_count; i++)
        emit_condition(writer, &rule->conditions[i]);
    emit_verdict(writer, rule->verdict);
    for (size_t i = first; i < writer->count; i++) {
        struct sock_filter *at = &writer->program[i];
        if (BPF_CLASS(at->code) != BPF_JMP)
            continue;
        if (at->jt == TO_FAIL)
            at->jt = (uint8_t)(writer->count - i - 1);
        if (at->jf == TO_FAIL)
            at->jf = (uint8_t)(writer->count - i - 1);
    }
}

static void emit_leaf(struct writer *writer, const struct leaf *leaf)
{
    if (!leaf->list) {
        emit_verdict(writer, leaf->verdict);
        return;
    }
    for (size_t i = 0; i < leaf->list->count; i++)
        emit_rule(writer, &leaf->list->rules[i]);
}

/* Where the weights on both sides are nearest to each other: from 1 to count - 1. */
static size_t tree_split(const struct leaf *leaves, size_t count)
{
    uint64_t whole = 0, below = 0;

    for (size_t i = 0; i < count; i++)
        whole += leaves[i].weight;
    size_t split = 1;
    for (; split < count - 1; split++) {
        below += leaves[split - 1].weight;
        /* With this leaf below, too, it would be further off. */
        if (2 * below + leaves[split].weight >= whole)
            break;
    }
    return split;
}

/* The number is loaded. Ends in a verdict on every path. */
static void emit_tree(struct writer *writer, const struct leaf *leaves, size_t count)
{
    if (count == 1 || writer->full) {
        emit_leaf(writer, leaves);
        return;
    }
    size_t split = tree_split(leaves, count);
    size_t jump = writer->count;
    emit(writer, BPF_JMP | BPF_JGE | BPF_K, 0, 0, leaves[split].first);
    emit_tree(writer, leaves, split);
    size_t length = writer->count - jump - 1;
    if (writer->full)
        return;
    if (length <= UINT8_MAX) {
        writer->program[jump].jt = (uint8_t)length;
    } else {
        /* A conditional jump reaches 255 instructions. Those within the subtree are relative. */
        emit(writer, 0, 0, 0, 0);
        if (writer->full)
            return;
        memmove(&writer->program[jump + 2], &writer->program[jump + 1],
                length * sizeof *writer->program);
        writer->program[jump + 1] =
            (struct sock_filter){.code = BPF_JMP | BPF_JA, .k = (uint32_t)length};
        writer->program[jump].jf = 1;
    }
    emit_tree(writer, leaves + split, count - split);
}

static uint32_t weight_of(unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(hot); i++)
        if (hot[i] == number)
            return HOT_WEIGHT;
    return 0;
}

static size_t leaves_of(const struct vk_table *table, struct leaf leaves[static LEAVES_MAX])
{
    size_t count = 0;

    for (unsigned i = 0; i < VK_CALLS_MAX; i++) {
        const struct vk_list *list = table->lists[i];
        bool alike = !list || list->count == 1;
        struct vk_verdict verdict = list ? list->rules[0].verdict : table->otherwise.verdict;
        if (count == 0 || !alike || leaves[count - 1].list ||
            !vk_verdict_same(verdict, leaves[count - 1].verdict))
            leaves[count++] = (struct leaf){
                .first = i, .weight = 1, .list = alike ? NULL : list, .verdict = verdict};
        leaves[count - 1].weight += weight_of(i);
    }
    if (leaves[count - 1].list ||
        !vk_verdict_same(leaves[count - 1].verdict, table->otherwise.verdict))
        leaves[count++] =
            (struct leaf){.first = VK_CALLS_MAX, .weight = 1, .verdict = table->otherwise.verdict};
    leaves[count++] =
        (struct leaf){.first = VK_FOREIGN_NUMBER, .weight = 1, .verdict = table->foreign};
    return count;
}

int vk_table_compile(const struct vk_table *table, struct sock_filter *ret_program, size_t max)
{
    struct writer writer = {.program = ret_program,
                            .max = max < VK_PROGRAM_MAX ? max : VK_PROGRAM_MAX};
    struct leaf leaves[LEAVES_MAX];
    size_t count = leaves_of(table, leaves);

    emit_load(&writer, offsetof(struct seccomp_data, arch));
    emit(&writer, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
    emit_verdict(&writer, table->foreign);
    emit_load(&writer, offsetof(struct seccomp_data, nr));
    emit_tree(&writer, leaves, count);
    return writer.full ? -E2BIG : (int)writer.count;
}
