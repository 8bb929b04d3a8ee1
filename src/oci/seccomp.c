/* linux.seccomp becomes a filter, by libseccomp; the init installs it. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/plan.h"
#include "oci/seccomp_cache.h"
#include "oci/vkernel.h"
#include "vkernel/syscalls.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

DEFINE_CLEANUP(struct vk_table, vk_table_free)

struct name {
    const char *name;
    uint32_t value;
};

static const struct name actions[] = {
    {"SCMP_ACT_KILL", SCMP_ACT_KILL},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
    {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
};

static const struct name operators[] = {
    {"SCMP_CMP_NE", SCMP_CMP_NE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

static const struct name architectures[] = {
    {"SCMP_ARCH_NATIVE", SCMP_ARCH_NATIVE},
    {"SCMP_ARCH_X86", SCMP_ARCH_X86},
    {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
    {"SCMP_ARCH_X32", SCMP_ARCH_X32},
    {"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
    {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
    {"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
    {"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},
    {"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
    {"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},
    {"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
    {"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
    {"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
    {"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},
    {"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
    {"SCMP_ARCH_S390", SCMP_ARCH_S390},
    {"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
    {"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},
    {"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64},
    {"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64},
};

static const struct name flags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

static int name_find(const struct name *table, size_t count, const char *name, uint32_t *ret_value)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0) {
            *ret_value = table[i].value;
            return 0;
        }
    return -ENOTSUP;
}

/* An action with its number: EPERM unless another one is given. */
static int action_find(const char *name, const struct oci_u64 *errno_ret, uint32_t *ret_action,
                       struct err *err)
{
    uint32_t number = errno_ret->set ? (uint32_t)errno_ret->value & 0xffff : EPERM;

    if (name_find(actions, ARRAY_LEN(actions), name, ret_action) < 0)
        return err_say(err, -ENOTSUP, "cannot make seccomp filter: unknown action '%s'", name);
    if (*ret_action == SCMP_ACT_ERRNO(0))
        *ret_action = SCMP_ACT_ERRNO(number);
    else if (*ret_action == SCMP_ACT_TRACE(0))
        *ret_action = SCMP_ACT_TRACE(number);
    return 0;
}

static int add_call(scmp_filter_ctx filter, const struct oci_seccomp_rule *rule, uint32_t action,
                    const char *name, struct err *err)
{
    struct scmp_arg_cmp compare[6];

    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return 0; /* of a kernel that is newer than this library: the default action holds */
    if (rule->arg_count > ARRAY_LEN(compare))
        return err_say(err, -EINVAL, "cannot make seccomp filter: '%s': too many arguments", name);
    bool twice = false;
    for (size_t i = 0; i < rule->arg_count; i++) {
        uint32_t operator= 0;
        if (name_find(operators, ARRAY_LEN(operators), rule->args[i].op, &operator) < 0)
            return err_say(err, -ENOTSUP, "cannot make seccomp filter: unknown operator '%s'",
                           rule->args[i].op);
        compare[i] = (struct scmp_arg_cmp){.arg = rule->args[i].index,
                                           .op = (enum scmp_compare) operator,
                                           .datum_a = rule->args[i].value,
                                           .datum_b = rule->args[i].value_two};
        for (size_t j = 0; j < i; j++)
            twice |= rule->args[j].index == rule->args[i].index;
    }
    int r = 0;
    if (!twice) {
        r = seccomp_rule_add_array(filter, action, number, (unsigned)rule->arg_count, compare);
    } else {
        /* libseccomp compares an argument once a rule; as runc does, each is a rule of its own. */
        for (size_t i = 0; i < rule->arg_count && r == 0; i++)
            r = seccomp_rule_add_array(filter, action, number, 1, &compare[i]);
    }
    /* An action that is the default's anyway: nothing to add. */
    return r < 0 && r != -EEXIST ? err_set(err, r, "cannot make seccomp filter: add '%s'", name)
                                 : 0;
}

static int add_rules(scmp_filter_ctx filter, const struct oci_seccomp *seccomp,
                     uint32_t default_action, struct err *err)
{
    for (size_t i = 0; i < seccomp->rule_count; i++) {
        const struct oci_seccomp_rule *rule = &seccomp->rules[i];
        uint32_t action;
        int r = action_find(rule->action, &rule->errno_ret, &action, err);
        if (r < 0)
            return r;
        if (action == default_action)
            continue;
        for (size_t j = 0; j < rule->names.count && r == 0; j++)
            r = add_call(filter, rule, action, rule->names.list[j], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_architectures(scmp_filter_ctx filter, const struct oci_seccomp *seccomp,
                             struct err *err)
{
    for (size_t i = 0; i < seccomp->architectures.count; i++) {
        uint32_t token = 0;
        const char *name = seccomp->architectures.list[i];
        if (name_find(architectures, ARRAY_LEN(architectures), name, &token) < 0)
            return err_say(err, -ENOTSUP, "cannot make seccomp filter: unknown architecture '%s'",
                           name);
        int r = seccomp_arch_add(filter, token);
        if (r < 0 && r != -EEXIST)
            return err_set(err, r, "cannot make seccomp filter: add '%s'", name);
    }
    return 0;
}

/* The finished program, into the plan. */
static int take_program(struct plan *plan, scmp_filter_ctx filter, const char *key, struct err *err)
{
    struct init_process *out = &plan->out->process;
    struct stat status;

    _cleanup_(closep) int fd = memfd_create("vireo-seccomp", MFD_CLOEXEC);
    int r = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);
    if (r == 0 && fstat(fd, &status) < 0)
        r = -errno;
    if (r < 0)
        return err_set(err, r, "cannot make seccomp filter");
    size_t bytes = (size_t)status.st_size;
    if (bytes / 8 > BPF_MAXINSNS)
        return err_say(
            err, -E2BIG,
            "cannot make seccomp filter: linux.seccomp: it has %zu instructions, and the "
            "kernel takes %d",
            bytes / 8, BPF_MAXINSNS);
    void *program = plan_take(plan, bytes);
    if (pread(fd, program, bytes, 0) != (ssize_t)bytes)
        return err_set(err, -EIO, "cannot make seccomp filter");
    out->filter = program;
    out->filter_count = bytes / 8;
    if (key)
        seccomp_cache_keep(key, program, bytes);
    return 0;
}

/* What was compiled before for the same text. */
static bool take_kept(struct plan *plan, const char *key)
{
    size_t bytes = 0;
    _cleanup_(freep) void *kept = key ? seccomp_cache_take(key, &bytes) : NULL;

    if (!kept)
        return false;
    void *program = plan_take(plan, bytes);
    memcpy(program, kept, bytes);
    plan->out->process.filter = program;
    plan->out->process.filter_count = bytes / 8;
    return true;
}

static int take_flags(struct plan *plan, const struct oci_seccomp *seccomp, struct err *err)
{
    for (size_t i = 0; i < seccomp->flags.count; i++) {
        uint32_t value;
        if (name_find(flags, ARRAY_LEN(flags), seccomp->flags.list[i], &value) < 0)
            return err_say(err, -ENOTSUP, "cannot make seccomp filter: unknown flag '%s'",
                           seccomp->flags.list[i]);
        /* One thread has nobody to agree with. */
        plan->out->process.filter_flags |= value & ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC;
    }
    return 0;
}

static bool notifies(const struct oci_seccomp *seccomp)
{
    bool found = strcmp(seccomp->default_action, "SCMP_ACT_NOTIFY") == 0;

    for (size_t i = 0; i < seccomp->rule_count; i++)
        found |= strcmp(seccomp->rules[i].action, "SCMP_ACT_NOTIFY") == 0;
    return found;
}

static int take_listener(struct plan *plan, const struct oci_seccomp *seccomp, struct err *err)
{
    struct init_process *out = &plan->out->process;

    /* Who named a listener gets it, whether or not a rule of today's asks it. */
    if (!seccomp->listener_path || plan->broker_fd >= 0)
        return 0;
    int fd =
        err_at(err, plan_connect(plan, seccomp->listener_path, err), "linux.seccomp.listenerPath");
    if (fd < 0)
        return fd;
    out->listener_fd = fd;
    out->filter_flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    return 0;
}

/* By libseccomp, as every engine has it. */
static int compile(struct plan *plan, const struct oci_seccomp *seccomp, struct err *err)
{
    _cleanup_(freep) char *key = seccomp_cache_key(seccomp);
    uint32_t default_action;

    if (take_kept(plan, key))
        return 0;
    int r = action_find(seccomp->default_action, &seccomp->default_errno_ret, &default_action, err);
    if (r < 0)
        return r;
    scmp_filter_ctx filter = seccomp_init(default_action);
    if (!filter)
        return err_set(err, -ENOMEM, "cannot make seccomp filter");
    /* no_new_privs is config.json's to decide; a jump tree answers in the time of a few compares.
     */
    r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r < 0)
        err_set(err, r, "cannot make seccomp filter");
    if (r == 0)
        r = add_architectures(filter, seccomp, err);
    if (r == 0)
        r = add_rules(filter, seccomp, default_action, err);
    if (r == 0)
        r = take_program(plan, filter, key, err);
    seccomp_release(filter);
    return r;
}

/*
 * Whether a call is native for the filter without a look at its arguments: the kernel's own test
 * for what it need not ask a filter about (seccomp_is_const_allow()).
 */
static bool lets_pass(const struct init_process *process, uint32_t number)
{
    const struct sock_filter *program = process->filter;
    uint32_t value = 0;

    for (size_t i = 0; i < process->filter_count; i++) {
        const uint32_t k = program[i].k;
        bool taken = false;
        switch (program[i].code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (k == offsetof(struct seccomp_data, nr))
                value = number;
            else if (k == offsetof(struct seccomp_data, arch))
                value = AUDIT_ARCH_X86_64;
            else
                return false;
            continue;
        case BPF_RET | BPF_K:
            return k == SECCOMP_RET_ALLOW;
        case BPF_JMP | BPF_JA:
            i += k;
            continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
            taken = value == k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            taken = value >= k;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            taken = value > k;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            taken = value & k;
            break;
        default:
            return false;
        }
        i += taken ? program[i].jt : program[i].jf;
    }
    return false;
}

/* The init sends the listener over a socket of ours, to the broker that is started behind it. */
static int add_broker(struct plan *plan, struct err *err)
{
    struct init_process *out = &plan->out->process;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return err_set(err, -errno, "cannot make a socket for emulated calls");
    plan->broker_fd = ends[0];
    out->listener_fd = plan_fd(plan, ends[1]);
    out->listener_text = plan_text(plan, "vkernel");
    out->filter_flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    out->sends_listener = lets_pass(out, __NR_sendmsg);
    return 0;
}

static void take_copy(struct plan *plan, const struct sock_fprog *program)
{
    const size_t bytes = program->len * sizeof *program->filter;
    void *taken = plan_take(plan, bytes);

    memcpy(taken, program->filter, bytes);
    plan->out->process.filter = taken;
    plan->out->process.filter_count = program->len;
}

/* One filter of `floor` and what the virtual kernel says, if anything; *ret_program's instructions
 * are malloc'ed. */
static int merge_under(const struct vk_table *floor, const struct vkernel *vkernel,
                       struct sock_fprog *ret_program, struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *own = NULL, *merged = NULL;

    int r = vkernel_syscalls_table(vkernel, &own, err);
    if (r == 0 && own)
        r = vk_table_merge(floor, own, &merged, err);
    if (r < 0)
        return r;
    _cleanup_(freep) struct sock_filter *program = calloc(VK_PROGRAM_MAX, sizeof *program);
    r = program ? vk_table_compile(merged ? merged : floor, program, VK_PROGRAM_MAX) : -ENOMEM;
    if (r < 0)
        return err_set(err, r, "cannot make seccomp filter");
    ret_program->len = (unsigned short)r;
    ret_program->filter = steal_ptr(&program);
    return 0;
}

static int merge(const struct oci_seccomp *seccomp, const struct vkernel *vkernel,
                 struct sock_fprog *ret_program, struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *profile = NULL;
    int r = oci_vkernel_profile(seccomp, &profile, err);

    return r < 0 ? r : merge_under(profile, vkernel, ret_program, err);
}

int oci_launch_filter(const struct vkernel *vkernel, struct sock_fprog *ret_program,
                      struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *floor = NULL;
    int r = vk_container_table(&floor);

    *ret_program = (struct sock_fprog){0};
    return r < 0 ? err_set(err, r, "cannot make seccomp filter")
                 : merge_under(floor, vkernel, ret_program, err);
}

static int compile_merged(struct plan *plan, const struct oci_seccomp *seccomp,
                          const struct vkernel *vkernel, const char *key, struct err *err)
{
    struct sock_fprog program;

    int r = merge(seccomp, vkernel, &program, err);
    if (r < 0)
        return r;
    take_copy(plan, &program);
    if (key)
        seccomp_cache_keep(key, program.filter, program.len * sizeof *program.filter);
    free(program.filter);
    return 0;
}

static bool asks_listener(const struct init_process *process)
{
    const struct sock_filter *program = process->filter;

    for (size_t i = 0; i < process->filter_count; i++)
        if (program[i].code == (BPF_RET | BPF_K) &&
            (program[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
            return true;
    return false;
}

/* One filter of the engine's profile and the virtual kernel's own table. */
static int take_merged(struct plan *plan, const struct oci_seccomp *seccomp,
                       const struct oci_launch_options *options, struct err *err)
{
    const struct vkernel *vkernel = options->vkernel;
    _cleanup_(freep) char *key =
        options->filter ? NULL : seccomp_cache_key_merged(seccomp, vkernel);
    int r = 0;

    if (options->filter)
        take_copy(plan, options->filter);
    else if (!take_kept(plan, key))
        r = compile_merged(plan, seccomp, vkernel, key, err);
    if (r < 0 || !asks_listener(&plan->out->process))
        return r;
    /* Of a profile with a listener and a table that emulates none was merged. */
    return seccomp && notifies(seccomp) ? 0 : add_broker(plan, err);
}

int plan_seccomp(struct plan *plan, const struct oci_seccomp *seccomp,
                 const struct oci_launch_options *options, struct err *err)
{
    const struct vkernel *vkernel = options->vkernel;
    const bool own = vkernel && vkernel_has_table(vkernel);

    if (!seccomp && !own)
        return 0;
    int r = own ? take_merged(plan, seccomp, options, err) : compile(plan, seccomp, err);
    if (r == 0 && seccomp)
        r = take_flags(plan, seccomp, err);
    return r == 0 && seccomp ? take_listener(plan, seccomp, err) : r;
}

/* ---- features ---- */

static const char *const *names_of(const struct name *table, size_t count, const char **out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = table[i].name;
    out[count] = NULL;
    return out;
}

const char *const *oci_launch_seccomp_actions(void)
{
    static const char *names[ARRAY_LEN(actions) + 1];
    return names_of(actions, ARRAY_LEN(actions), names);
}

const char *const *oci_launch_seccomp_operators(void)
{
    static const char *names[ARRAY_LEN(operators) + 1];
    return names_of(operators, ARRAY_LEN(operators), names);
}

const char *const *oci_launch_seccomp_architectures(void)
{
    static const char *names[ARRAY_LEN(architectures) + 1];
    return names_of(architectures, ARRAY_LEN(architectures), names);
}

/* The kernel looks at the flags before it looks for a program: EFAULT means that it knows them. */
const char *const *oci_launch_seccomp_flags(void)
{
    static const char *names[ARRAY_LEN(flags) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        uint64_t with = flags[i].value == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
                            ? SECCOMP_FILTER_FLAG_NEW_LISTENER
                            : 0;
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags[i].value | with, NULL) < 0 &&
            errno == EFAULT)
            names[n++] = flags[i].name;
    }
    names[n] = NULL;
    return names;
}
