/* What an image may be: whatever the reader says of it, policy and bounds hold. */
#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "bpf/image.h"
#include "bpf/policy.h"

/* One map, one program: as good as can be, and then spoilt by each test. */
static struct made {
    struct image_header header;
    struct image_map map;
    struct image_program program;
    struct bpf_insn code[4];
    uint8_t value[8];
} made;

static void make(void)
{
    memset(&made, 0, sizeof made);
    made.header = (struct image_header){
        .magic = IMAGE_MAGIC, .bytes = sizeof made, .map_count = 1, .program_count = 1};
    strcpy(made.map.name, "counts");
    made.map.type = BPF_MAP_TYPE_HASH;
    made.map.key_bytes = 4;
    made.map.value_bytes = 8;
    made.map.entries = 16;
    strcpy(made.program.name, "on_call");
    strcpy(made.program.section, "tp/syscalls/sys_enter_write");
    made.program.type = BPF_PROG_TYPE_TRACEPOINT;
    made.program.code_at = offsetof(struct made, code);
    made.program.code_count = 4;
    made.code[0] = (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ktime_get_ns};
    made.code[1] =
        (struct bpf_insn){.code = BPF_LD | BPF_IMM | BPF_DW, .src_reg = BPF_PSEUDO_MAP_FD};
    made.code[3] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
}

static int check(bool host, struct err *err)
{
    struct bpf_policy policy;
    struct image image;

    policy_default(&policy, host);
    int r = image_open((const uint8_t *)&made, sizeof made, &image, err);
    return r < 0 ? r : policy_check_image(&policy, &image, err);
}

static void refused(bool host, int error, const char *reason)
{
    struct err err = {0};

    assert_int_equal(check(host, &err), error);
    if (!strstr(err.message, reason))
        fail_msg("'%s' is not in '%s'", reason, err.message);
    make();
}

static void what_is_its_own_is_allowed(void **state)
{
    (void)state;
    struct err err = {0};

    make();
    assert_int_equal(check(false, &err), 0);
    assert_int_equal(check(true, &err), 0);
    strcpy(made.program.section, "sockops");
    made.program.type = BPF_PROG_TYPE_SOCK_OPS;
    assert_int_equal(check(false, &err), 0);
}

static void images_that_point_outside_are_refused(void **state)
{
    (void)state;

    make();
    made.header.bytes++;
    refused(true, -EBADMSG, "damaged");
    made.header.magic = 0;
    refused(true, -EBADMSG, "damaged");
    made.header.map_count = 2;
    refused(true, -EBADMSG, "damaged");
    made.header.program_count = UINT32_MAX;
    refused(true, -E2BIG, "maps and");
    made.header.btf_at = 8;
    made.header.btf_bytes = sizeof made;
    refused(true, -EBADMSG, "damaged");
    made.program.code_count = 6;
    refused(true, -EBADMSG, "damaged");
    made.program.code_at += 4;
    refused(true, -EBADMSG, "damaged");
    made.program.code_at = 0xfffffff8;
    refused(true, -EBADMSG, "damaged");
    made.program.functions_at = 8;
    made.program.functions_count = made.program.functions_size = UINT32_MAX;
    refused(true, -EBADMSG, "damaged");
    memset(made.program.name, 'a', sizeof made.program.name);
    refused(true, -EBADMSG, "damaged");
    made.map.inner = 2;
    refused(true, -EBADMSG, "damaged");
    made.map.initial_bytes = 4; /* not a whole value */
    refused(true, -EBADMSG, "damaged");
    made.header.slot_count = 1;
    refused(true, -EBADMSG, "damaged");
}

static void code_outside_of_the_policy_is_refused(void **state)
{
    static const int32_t never[] = {BPF_FUNC_probe_write_user,
                                    BPF_FUNC_override_return,
                                    BPF_FUNC_send_signal,
                                    BPF_FUNC_sys_bpf,
                                    0,
                                    -1,
                                    4000};
    /* snprintf reads the kernel's memory; loops in loops hold a processor. */
    static const int32_t host[] = {
        BPF_FUNC_get_current_task,     BPF_FUNC_probe_read_kernel, BPF_FUNC_probe_read_kernel_str,
        BPF_FUNC_probe_read_str,       BPF_FUNC_probe_read,        BPF_FUNC_get_stackid,
        BPF_FUNC_get_current_task_btf, BPF_FUNC_snprintf,          BPF_FUNC_snprintf_btf,
        BPF_FUNC_trace_printk,         BPF_FUNC_trace_vprintk,     BPF_FUNC_loop,
        BPF_FUNC_for_each_map_elem,    BPF_FUNC_user_ringbuf_drain};
    (void)state;

    make();
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        made.code[0].imm = never[i];
        refused(true, -EPERM, "it calls the helper");
    }
    for (size_t i = 0; i < ARRAY_LEN(host); i++) {
        struct err err = {0};
        made.code[0].imm = host[i];
        assert_int_equal(check(true, &err), 0);
        refused(false, -EPERM, "it calls the helper");
    }
    /* One that is called reads past the record of the tracepoint. */
    made.code[0].imm = BPF_FUNC_tail_call;
    refused(false, -EPERM, "tail_call");
    made.code[0].imm = BPF_FUNC_tail_call;
    made.program.type = BPF_PROG_TYPE_SOCK_OPS;
    strcpy(made.program.section, "sockops");
    struct err none = {0};
    assert_int_equal(check(false, &none), 0);
    make();
    made.code[0].code = BPF_JMP | 0xe0; /* may_goto */
    refused(false, -EPERM, "a loop that the kernel counts");
    made.code[0].src_reg = 2; /* BPF_PSEUDO_KFUNC_CALL */
    refused(true, -EPERM, "a function of the kernel");
    made.code[0].code = BPF_JMP | BPF_CALL | BPF_X;
    refused(true, -EPERM, "an unknown call");
    made.code[1].imm = 1;
    refused(true, -EPERM, "a map that is not the object's");
    made.code[1].imm = -1;
    refused(true, -EPERM, "a map that is not the object's");
    made.code[1].src_reg = BPF_PSEUDO_BTF_ID;
    refused(true, -EPERM, "an address of the kernel");
    made.code[1].src_reg = BPF_PSEUDO_MAP_IDX;
    refused(true, -EPERM, "an address of the kernel");
    made.code[3] = made.code[1];
    refused(true, -EPERM, "in the middle of an instruction");
}

/* Packets and sockets are met while anybody runs: what tells of the caller is not theirs. */
static void the_caller_is_told_of_in_its_own_context_only(void **state)
{
    static const int32_t of_caller[] = {BPF_FUNC_get_current_pid_tgid, BPF_FUNC_get_current_comm,
                                        BPF_FUNC_probe_read_user, BPF_FUNC_probe_read_user_str};
    (void)state;
    struct err err = {0};

    make();
    for (size_t i = 0; i < ARRAY_LEN(of_caller); i++) {
        made.code[0].imm = of_caller[i];
        assert_int_equal(check(false, &err), 0);
        made.program.type = BPF_PROG_TYPE_CGROUP_SKB;
        strcpy(made.program.section, "cgroup_skb/ingress");
        assert_int_equal(check(true, &err), 0);
        refused(false, -EPERM, "it calls the helper");
    }
    made.code[0].imm = BPF_FUNC_set_retval; /* it would lift what another program forbids */
    refused(false, -EPERM, "it calls the helper");
}

/* A call that hides in the second half of a constant is not one; a constant can't hide a call. */
static void halves_of_instructions_are_told_apart(void **state)
{
    (void)state;
    struct err err = {0};

    make();
    made.code[2] = (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_send_signal};
    assert_int_equal(check(true, &err), 0); /* the verifier refuses it: a reserved field */
    make();
    made.code[0] = made.code[3];
    made.code[2] = made.code[1];
    made.code[1] = (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_send_signal};
    refused(true, -EPERM, "send_signal");
}

static void kinds_that_see_more_need_host(void **state)
{
    static const struct {
        const char *section;
        uint32_t type;
    } kinds[] = {
        {"kprobe/do_exit", BPF_PROG_TYPE_KPROBE},
        {"raw_tp/sched_switch", BPF_PROG_TYPE_RAW_TRACEPOINT},
        {"tp_btf/sched_switch", BPF_PROG_TYPE_TRACING},
        {"fentry/do_exit", BPF_PROG_TYPE_TRACING},
        {"lsm/file_open", BPF_PROG_TYPE_LSM},
        {"perf_event", BPF_PROG_TYPE_PERF_EVENT},
        {"xdp", BPF_PROG_TYPE_XDP},
        {"tc", BPF_PROG_TYPE_SCHED_CLS},
        {"socket", BPF_PROG_TYPE_SOCKET_FILTER},
        {"uprobe//bin/true:main", BPF_PROG_TYPE_KPROBE},
        {"uretprobe//bin/true:main", BPF_PROG_TYPE_KPROBE},
        {"iter/task", BPF_PROG_TYPE_TRACING},
        {"fmod_ret/security_file_open", BPF_PROG_TYPE_TRACING},
        {"lsm_cgroup/socket_create", BPF_PROG_TYPE_LSM},
        {"struct_ops/ssthresh", BPF_PROG_TYPE_STRUCT_OPS},
        {"sk_lookup", BPF_PROG_TYPE_SK_LOOKUP},
        {"flow_dissector", BPF_PROG_TYPE_FLOW_DISSECTOR},
        {"usdt//bin/true:a:b", BPF_PROG_TYPE_KPROBE},
        {"uprobe.multi//bin/true:m*", BPF_PROG_TYPE_KPROBE},
        {"ksyscall/unlinkat", BPF_PROG_TYPE_KPROBE},
        {"raw_tp.w/sched_switch", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE},
        {"tcx/ingress", BPF_PROG_TYPE_SCHED_CLS},
        {"netkit/peer", BPF_PROG_TYPE_SCHED_CLS},
        {"xdp.frags", BPF_PROG_TYPE_XDP},
        {"netfilter", 32 /* BPF_PROG_TYPE_NETFILTER */},
    };
    (void)state;

    make();
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        strcpy(made.program.section, kinds[i].section);
        made.program.type = kinds[i].type;
        refused(false, -EPERM, "that needs bpf: host");
    }
    strcpy(made.program.section, "tp/sched/sched_switch");
    refused(false, -EPERM, "tells of others");
    strcpy(made.program.section, "freplace/x");
    made.program.type = BPF_PROG_TYPE_EXT;
    refused(true, -EPERM, "is a freplace, which changes another program");
    /* A section that says one thing, a type that says another. */
    made.program.type = BPF_PROG_TYPE_KPROBE;
    refused(true, -ENOTSUP, "is not supported");
    made.program.flags = BPF_F_SLEEPABLE;
    refused(true, -EPERM, "has flags");
}

static void kinds_that_may_sleep_need_host(void **state)
{
    static const struct {
        const char *section;
        uint32_t type, attach_type;
    } sleepers[] = {
        {"iter.s/task", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER},
        {"fentry.s/vfs_read", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY},
        {"lsm.s/file_open", BPF_PROG_TYPE_LSM, BPF_LSM_MAC},
        {"uprobe.s//bin/true:main", BPF_PROG_TYPE_KPROBE, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sleepers); i++)
        for (int host = 0; host < 2; host++) {
            struct err err = {0};
            make();
            made.code[0].imm = BPF_FUNC_ktime_get_ns;
            strcpy(made.program.section, sleepers[i].section);
            made.program.type = sleepers[i].type;
            made.program.attach_type = sleepers[i].attach_type;
            made.program.flags = BPF_F_SLEEPABLE;
            if (host)
                assert_int_equal(check(true, &err), 0);
            else
                refused(false, -EPERM, "that needs bpf: host");
        }
    make();
    strcpy(made.program.section, "tp.s/syscalls/sys_enter_write");
    refused(true, -ENOTSUP, "is not supported");
}

static void functions_of_the_kernel_are_called_by_name_with_host_alone(void **state)
{
    struct bpf_policy policy, most;
    struct image image;
    struct err err = {0};

    (void)state;
    for (int host = 0; host < 2; host++) {
        make();
        made.code[0] = (struct bpf_insn){
            .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = 4711};
        policy_default(&policy, host);
        assert_int_equal(image_open((const uint8_t *)&made, sizeof made, &image, &err), 0);
        assert_int_equal(policy_check_image(&policy, &image, &err), -EPERM);
        policy.kfunc_count = 2;
        strcpy(policy.kfuncs[0], "bpf_no_such");
        strcpy(policy.kfuncs[1], "bpf_task_acquire");
        policy.kfunc_ids[1] = 4711;
        assert_int_equal(policy_check_image(&policy, &image, &err), host ? 0 : -EPERM);
        /* One that the kernel has not has no number; another's module, another number. */
        static const struct bpf_insn others[] = {
            {.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = 0},
            {.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = -4711},
            {.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = 4712},
            {.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .off = 1, .imm = 4711},
            {.code = BPF_JMP | BPF_CALL, .src_reg = 3, .imm = 4711},
        };
        for (size_t i = 0; i < ARRAY_LEN(others); i++) {
            made.code[0] = others[i];
            assert_int_equal(policy_check_image(&policy, &image, &err), -EPERM);
        }
    }
    policy_default(&most, true);
    assert_int_equal(policy_within(&policy, &most, &err), -EPERM);
    most.kfunc_count = policy.kfunc_count;
    memcpy(most.kfuncs, policy.kfuncs, sizeof most.kfuncs);
    assert_int_equal(policy_within(&policy, &most, &err), 0);
}

static void what_has_no_point_is_matched_by_its_kind(void **state)
{
    struct bpf_policy policy;
    struct err err = {0};
    const uint32_t lookup = (uint32_t)bpf_kind_find("sk_lookup");

    (void)state;
    policy_default(&policy, true);
    assert_int_equal(policy_check_place(&policy, lookup, "", &err), 0);
    policy.attach_count = 1;
    strcpy(policy.attach[0], "lo");
    assert_int_equal(policy_check_place(&policy, lookup, "", &err), -EPERM);
    strcpy(policy.attach[0], "sk_lookup");
    assert_int_equal(policy_check_place(&policy, lookup, "", &err), 0);
    policy.kinds = UINT64_C(1) << bpf_kind_find("xdp");
    assert_int_equal(policy_check_place(&policy, lookup, "", &err), -EPERM);
    /* Its own group is nobody's to grant. */
    policy_default(&policy, false);
    policy.attach_count = 1;
    const uint32_t packets = (uint32_t)bpf_kind_find("cgroup_skb");
    assert_int_equal(policy_check_place(&policy, packets, "", &err), 0);
    assert_int_equal(policy_check_place(&policy, lookup, "", &err), -EPERM);
}

static void maps_outside_of_the_policy_are_refused(void **state)
{
    (void)state;

    make();
    made.map.entries = UINT32_MAX;
    refused(true, -EPERM, "larger than");
    made.map.type = BPF_MAP_TYPE_PERCPU_ARRAY;
    made.map.value_bytes = 1 << 20;
    refused(true, -EPERM, "larger than");
    made.map.value_bytes = UINT32_MAX;
    refused(true, -E2BIG, "keys of");
    made.map.value_bytes = POLICY_VALUE_MAX + 1;
    refused(false, -E2BIG, "keys of");
    made.map.type = BPF_MAP_TYPE_STACK_TRACE;
    refused(false, -EPERM, "of type stack_trace");
    made.map.type = BPF_MAP_TYPE_CGROUP_ARRAY;
    refused(false, -EPERM, "of type cgroup_array");
    made.map.type = BPF_MAP_TYPE_DEVMAP; /* a value of eight bytes: an interface, a program */
    refused(true, -EPERM, "which name programs");
    made.map.type = BPF_MAP_TYPE_CPUMAP;
    refused(true, -EPERM, "which name programs");
    made.map.type = BPF_MAP_TYPE_STRUCT_OPS;
    refused(false, -EPERM, "of type struct_ops");
    made.map.type = BPF_MAP_TYPE_TASK_STORAGE;
    refused(false, -EPERM, "of type task_storage");
    made.map.type = BPF_MAP_TYPE_XSKMAP;
    refused(true, -EPERM, "of type unknown");
    made.map.type = 200;
    refused(true, -EPERM, "of type unknown");
    /* The kernel would read a value for each processor, past the image's end. */
    made.map.type = BPF_MAP_TYPE_PERCPU_ARRAY;
    made.map.initial_at = offsetof(struct made, value);
    made.map.initial_bytes = 8;
    refused(true, -EBADMSG, "has no first value");
    made.map.flags = BPF_F_NUMA_NODE;
    refused(true, -EPERM, "has flags");
    made.map.type = BPF_MAP_TYPE_RINGBUF;
    made.map.entries = 1u << 31;
    refused(true, -EPERM, "larger than");
}

/* By such a name the virtual kernel finds what it has loaded. */
static void names_of_the_machine_s_own_are_refused(void **state)
{
    (void)state;

    make();
    strcpy(made.map.kernel_name, "vireo_commit");
    refused(false, -EPERM, "'vireo_commit' begins with 'vireo_'");
    strcpy(made.map.kernel_name, "vireo_rings");
    refused(true, -EPERM, "'vireo_rings' begins with 'vireo_'");
    strcpy(made.program.kernel_name, "vireo_");
    refused(false, -EPERM, "begins with 'vireo_'");
    strcpy(made.map.kernel_name, "vireo");
    strcpy(made.program.kernel_name, "on_vireo_call");
    struct err err = {0};
    assert_int_equal(check(false, &err), 0);
}

/* Of a perf event array the elements are the least. */
static void buffers_of_events_count(void **state)
{
    const uint64_t processors = (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages = policy_event_pages();
    struct image_map map = {
        .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_bytes = 4, .value_bytes = 4};

    (void)state;
    assert_true(pages >= 8 && (pages & (pages - 1)) == 0);
    assert_true(policy_one_map_bytes(&map) >= processors * (pages + 1) * page);
    map.entries = 1;
    assert_true(policy_one_map_bytes(&map) >= (pages + 1) * page);
    assert_true(policy_one_map_bytes(&map) < (pages + 2) * page);
    map.entries = UINT32_MAX; /* it has a part for each processor, and no more */
    assert_true(policy_one_map_bytes(&map) <
                UINT64_C(64) * UINT32_MAX + processors * 65 * page + 1);
    map.type = BPF_MAP_TYPE_ARRAY;
    map.entries = 1;
    assert_true(policy_one_map_bytes(&map) < page);

    struct bpf_policy policy;
    struct image image;
    struct err err = {0};
    make();
    made.map.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY;
    made.map.value_bytes = 4;
    policy_default(&policy, false);
    assert_int_equal(image_open((const uint8_t *)&made, sizeof made, &image, &err), 0);
    assert_int_equal(policy_check_image(&policy, &image, &err), 0);
    policy.map_bytes = pages * page;
    assert_int_equal(policy_check_image(&policy, &image, &err), -EPERM);
    assert_non_null(strstr(err.message, "larger than"));
}

/* "kprobe.multi/vfs_*" is as many points as the kernel has: all of them must be allowed. */
static void a_point_that_is_a_pattern_is_within_the_policys(void **state)
{
    (void)state;
    static const struct {
        const char *allowed, *point;
        bool passes;
    } cases[] = {
        {"vfs_*", "vfs_read", true},
        {"vfs_*", "vfs_*", true},
        {"vfs_*", "vfs_r*d", true},
        {"vfs_*", "vfs_?", true},
        {"*", "*", true},
        {"kprobe/vfs_*", "vfs_*", true},
        {"vfs_*", "*", false},
        {"vfs_*", "v*", false},
        {"vfs_*", "*vfs_*", false},
        {"vfs_?", "vfs_*", false},
        {"vfs_????", "vfs_*", false},
        {"vfs_??*", "vfs_*", false},
        {"vfs_r*", "vfs_*", false},
        {"vfs_r*", "vfs_?*", false},
        {"vfs_[!w]*", "vfs_?*", false},
        {"vfs_[!w]*", "vfs_*", false},
        {"vfs_read", "vfs_rea?", false},
        {"vfs_*", "********vfs_*", false},
    };
    const int kind = bpf_kind_find("kprobe");
    struct bpf_policy policy;
    struct err err = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        policy_default(&policy, true);
        strcpy(policy.attach[policy.attach_count++], cases[i].allowed);
        int r = policy_check_point(&policy, (uint32_t)kind, cases[i].point, &err);
        if (r != (cases[i].passes ? 0 : -EPERM))
            fail_msg("'%s' of '%s': %d", cases[i].point, cases[i].allowed, r);
    }
}

static void a_probe_of_a_system_call_is_not_one_of_a_function_of_that_name(void **state)
{
    (void)state;
    static const struct {
        const char *allowed, *section;
        bool passes;
    } cases[] = {
        {"kprobe/sync*", "ksyscall/sync", false},  {"kprobe/sync*", "kprobe/sync_blockdev", true},
        {"ksyscall/sync", "ksyscall/sync", true},  {"ksyscall/sync", "kprobe/sync", false},
        {"ksyscall/*", "kretsyscall/sync", false}, {"kretsyscall/*", "kretsyscall/sync", true},
        {"sync", "ksyscall/sync", true},
    };
    struct bpf_policy policy;
    struct err err = {0};
    const char *point;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        policy_default(&policy, true);
        strcpy(policy.attach[policy.attach_count++], cases[i].allowed);
        int kind = bpf_kind_of(cases[i].section, BPF_PROG_TYPE_KPROBE, &point);
        assert_true(kind >= 0);
        int r = policy_check_point(&policy, (uint32_t)kind, point, &err);
        if (r != (cases[i].passes ? 0 : -EPERM))
            fail_msg("'%s' of '%s': %d", cases[i].section, cases[i].allowed, r);
    }
}

static void a_policy_is_held_to_a_wider_one(void **state)
{
    (void)state;
    struct bpf_policy own, host, narrow;
    struct err err = {0};

    policy_default(&own, false);
    policy_default(&host, true);
    assert_int_equal(policy_within(&own, &host, &err), 0);
    assert_int_equal(policy_within(&host, &own, &err), -EPERM);
    narrow = own;
    strcpy(narrow.attach[narrow.attach_count++], "syscalls/*");
    assert_int_equal(policy_within(&own, &narrow, &err), -EPERM);
    assert_int_equal(policy_within(&narrow, &own, &err), 0);
    /* Names of shared objects are given one by one. */
    strcpy(host.share[host.share_count++], "common");
    assert_int_equal(policy_within(&host, &host, &err), 0);
    own = host;
    strcpy(own.share[own.share_count++], "other");
    err = (struct err){0};
    assert_int_equal(policy_within(&own, &host, &err), -EPERM);
    assert_non_null(strstr(err.message, "the shared object 'other'"));
    assert_true(policy_has_share(&own, "other"));
    assert_false(policy_has_share(&host, "other"));
    assert_false(policy_has_share(&host, ""));
    make();
    struct image image;
    assert_int_equal(image_open((const uint8_t *)&made, sizeof made, &image, &err), 0);
    assert_int_equal(policy_check_image(&narrow, &image, &err), 0);
    strcpy(made.program.section, "tp/raw_syscalls/sys_enter");
    assert_int_equal(policy_check_image(&narrow, &image, &err), -EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_its_own_is_allowed),
        cmocka_unit_test(images_that_point_outside_are_refused),
        cmocka_unit_test(code_outside_of_the_policy_is_refused),
        cmocka_unit_test(the_caller_is_told_of_in_its_own_context_only),
        cmocka_unit_test(halves_of_instructions_are_told_apart),
        cmocka_unit_test(kinds_that_see_more_need_host),
        cmocka_unit_test(kinds_that_may_sleep_need_host),
        cmocka_unit_test(what_has_no_point_is_matched_by_its_kind),
        cmocka_unit_test(functions_of_the_kernel_are_called_by_name_with_host_alone),
        cmocka_unit_test(maps_outside_of_the_policy_are_refused),
        cmocka_unit_test(names_of_the_machine_s_own_are_refused),
        cmocka_unit_test(buffers_of_events_count),
        cmocka_unit_test(a_point_that_is_a_pattern_is_within_the_policys),
        cmocka_unit_test(a_probe_of_a_system_call_is_not_one_of_a_function_of_that_name),
        cmocka_unit_test(a_policy_is_held_to_a_wider_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
