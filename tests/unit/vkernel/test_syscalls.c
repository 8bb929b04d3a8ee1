/*
 * Tables of system calls: rules as people write them, two tables merged, and the filter, which an
 * interpreter of the kernel's instructions compares with the table for random calls.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cmocka_all.h"
#include "vkernel/syscalls.h"

static const struct vk_verdict native = {.action = VK_NATIVE}, killed = {.action = VK_KILL};

/* A table in which `call` has these rules and all others are native. */
static struct vk_table *table_of(const char *call, const char *text)
{
    struct vk_rule rules[VK_RULES_MAX];
    struct vk_table *table = NULL;
    struct err reason = {0};
    int count = vk_rules_parse(text, rules, VK_RULES_MAX, &reason);

    if (count < 0)
        fail_msg("'%s': %s", text, reason.message);
    assert_int_equal(vk_table_new(native, &table), 0);
    assert_int_equal(vk_table_put(table, (unsigned)vk_call_number(call), rules, (size_t)count), 0);
    return table;
}

static struct vk_verdict ask(const struct vk_table *table, const char *call, uint64_t a0,
                             uint64_t a1, uint64_t a2)
{
    const uint64_t arguments[6] = {a0, a1, a2};

    return vk_table_verdict(table, (unsigned)vk_call_number(call), arguments);
}

/* What the kernel does: the classic instructions that seccomp knows and we use. */
static uint32_t interpret(const struct sock_filter *program, int count,
                          const struct seccomp_data *data, unsigned *ret_steps)
{
    uint32_t a = 0;

    *ret_steps = 0;
    for (int at = 0; at < count; at++, ++*ret_steps) {
        const struct sock_filter *i = &program[at];
        bool holds;
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, (const char *)data + i->k, sizeof a);
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            continue;
        case BPF_RET | BPF_K:
            return i->k;
        case BPF_JMP | BPF_JA:
            at += (int)i->k;
            continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
            holds = a == i->k;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            holds = a > i->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            holds = a >= i->k;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            holds = (a & i->k) != 0;
            break;
        default:
            fail_msg("instruction %d is %#x", at, i->code);
            return 0;
        }
        at += holds ? i->jt : i->jf;
    }
    fail_msg("the program has no end");
    return 0;
}

static uint32_t returned(struct vk_verdict verdict)
{
    switch (verdict.action) {
    case VK_KILL:
        return SECCOMP_RET_KILL_PROCESS;
    case VK_ERRNO:
        return SECCOMP_RET_ERRNO | verdict.error;
    case VK_EMULATED:
        return SECCOMP_RET_USER_NOTIF;
    default:
        return SECCOMP_RET_ALLOW;
    }
}

/* The same numbers in each run: a failure can be looked at again. (xorshift64*, Vigna 2016) */
static uint64_t seed;

static int some(int below)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (int)((seed * UINT64_C(2685821657736338717) >> 33) % (uint64_t)below);
}

/* Values at which rules turn, in both halves. */
static uint64_t some_value(void)
{
    static const uint64_t values[] = {0, 1, 2, 3, 4, 7, 8, 16, 0x7fffffff, 0x80000000, 0xffffffff};
    uint64_t value = values[(size_t)some((int)ARRAY_LEN(values))];

    switch (some(4)) {
    case 0:
        return value << 32 | values[(size_t)some((int)ARRAY_LEN(values))];
    case 1:
        return (uint64_t)(int64_t)(int32_t)value;
    default:
        return value;
    }
}

static struct vk_verdict some_verdict(void)
{
    switch (some(4)) {
    case 0:
        return killed;
    case 1:
        return (struct vk_verdict){.action = VK_ERRNO, .error = (uint16_t)(some(100))};
    case 2:
        return (struct vk_verdict){.action = VK_EMULATED};
    default:
        return native;
    }
}

static void some_rules(struct vk_table *table, unsigned number)
{
    struct vk_rule rules[4] = {0};
    size_t count = (size_t)some((int)ARRAY_LEN(rules)) + 1;

    for (size_t i = 0; i < count; i++) {
        rules[i].verdict = some_verdict();
        rules[i].condition_count = i + 1 < count ? (uint8_t)(some(3) + 1) : 0;
        for (unsigned k = 0; k < rules[i].condition_count; k++)
            rules[i].conditions[k] = (struct vk_condition){
                .argument = (uint8_t)(some(6)),
                .compare = (uint8_t)(some(VK_NONE_OF + 1)),
                .low = some(2),
                .mask = some(2) ? UINT64_MAX : some_value(),
                .value = some_value(),
            };
    }
    assert_int_equal(vk_table_put(table, number, rules, count), 0);
}

static struct vk_table *some_table(void)
{
    struct vk_table *table = NULL;
    int calls = some(60);

    assert_int_equal(vk_table_new(some_verdict(), &table), 0);
    for (int i = 0; i < calls; i++)
        some_rules(table, (unsigned)some(VK_CALLS_MAX));
    return table;
}

static void the_filter_decides_as_its_table(void **state)
{
    static struct sock_filter program[VK_PROGRAM_MAX];
    unsigned steps;

    (void)state;
    seed = 7;
    for (int round = 0; round < 200; round++) {
        struct vk_table *table = some_table();
        int count = vk_table_compile(table, program, VK_PROGRAM_MAX);
        assert_true(count > 0);
        for (int i = 0; i < 2000; i++) {
            struct seccomp_data data = {.nr = some(600), .arch = AUDIT_ARCH_X86_64};
            uint64_t arguments[6];
            if (some(50) == 0)
                data.nr |= 0x40000000;
            for (int k = 0; k < 6; k++)
                data.args[k] = arguments[k] = some_value();
            uint32_t wanted = returned(vk_table_verdict(table, (unsigned)data.nr, arguments));
            assert_int_equal(interpret(program, count, &data, &steps), wanted);
        }
        struct seccomp_data i386 = {.nr = 1, .arch = AUDIT_ARCH_I386};
        assert_int_equal(interpret(program, count, &i386, &steps), SECCOMP_RET_KILL_PROCESS);
        vk_table_free(table);
    }
}

static void a_merged_table_is_the_stricter_of_both(void **state)
{
    int merged_count = 0;

    (void)state;
    seed = 11;
    for (int round = 0; round < 200; round++) {
        struct vk_table *floor = some_table(), *ours = some_table(), *merged = NULL;
        int r = vk_table_merge(floor, ours, &merged, NULL);
        assert_true(r == 0 || r == -E2BIG);
        for (int i = 0; r == 0 && i < 2000; i++) {
            uint64_t arguments[6];
            unsigned number = (unsigned)some(600);
            for (int k = 0; k < 6; k++)
                arguments[k] = some_value();
            struct vk_verdict one = vk_table_verdict(floor, number, arguments);
            struct vk_verdict other = vk_table_verdict(ours, number, arguments);
            struct vk_verdict both = vk_table_verdict(merged, number, arguments);
            if (other.action == VK_EMULATED)
                assert_int_equal(both.action, VK_EMULATED);
            else
                assert_int_equal(both.action,
                                 one.action < other.action ? one.action : other.action);
            if (both.action == VK_ERRNO)
                assert_int_equal(both.error, one.action == VK_ERRNO ? one.error : other.error);
        }
        merged_count += r == 0;
        vk_table_free(floor);
        vk_table_free(ours);
        vk_table_free(merged);
    }
    assert_true(merged_count > 150);
}

static void a_listener_and_emulated_calls_are_refused_together(void **state)
{
    const struct vk_rule notify = {.verdict = {.action = VK_NOTIFY}};
    struct vk_table *ours = table_of("uname", "emulated"), *floor = NULL, *merged = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(vk_table_new(native, &floor), 0);
    assert_int_equal(vk_table_put(floor, 165, &notify, 1), 0);
    assert_int_equal(vk_table_merge(floor, ours, &merged, &err), -EBUSY);
    assert_non_null(strstr(err.message, "listener of its own"));
    vk_table_free(floor);
    vk_table_free(ours);
}

static void arguments_that_are_ints_are_no_way_round(void **state)
{
    struct vk_table *table = table_of("socket", "errno EPERM if arg0 == 16");

    (void)state;
    assert_int_equal(ask(table, "socket", 16, 0, 0).error, EPERM);
    /* The kernel reads an int: the upper half says nothing. */
    assert_int_equal(ask(table, "socket", UINT64_C(1) << 32 | 16, 0, 0).error, EPERM);
    assert_int_equal(ask(table, "socket", 1, 0, 0).action, VK_NATIVE);
    vk_table_free(table);
    /* And here it reads 64 bits. */
    table = table_of("mmap", "errno ENOMEM if arg1 > 4096");
    assert_int_equal(ask(table, "mmap", 0, UINT64_C(1) << 32, 0).error, ENOMEM);
    assert_int_equal(ask(table, "mmap", 0, 4097, 0).error, ENOMEM);
    assert_int_equal(ask(table, "mmap", 0, 4096, 0).action, VK_NATIVE);
    vk_table_free(table);
    /* What only is allowed under a condition. */
    table = table_of("kill", "native if arg1 == 0; kill");
    assert_int_equal(ask(table, "kill", 5, UINT64_C(1) << 32, 0).action, VK_KILL);
    assert_int_equal(ask(table, "kill", 5, 0, 0).action, VK_NATIVE);
    vk_table_free(table);
    table = table_of("openat", "errno EACCES if arg0 == -100");
    assert_int_equal(ask(table, "openat", (uint64_t)-100, 0, 0).error, EACCES);
    assert_int_equal(ask(table, "openat", (uint32_t)-100, 0, 0).error, EACCES);
    vk_table_free(table);
}

static void the_first_rule_that_holds_decides(void **state)
{
    struct vk_table *table =
        table_of("fcntl", "kill if arg1 & 0x400 == 0x400 and arg2 != 0; errno 5 if arg1 >= 9; "
                          "errno EBADF if arg0 !& 3");

    (void)state;
    assert_int_equal(ask(table, "fcntl", 1, 0x400, 1).action, VK_KILL);
    assert_int_equal(ask(table, "fcntl", 1, 0x400, 0).error, 5);
    assert_int_equal(ask(table, "fcntl", 4, 8, 0).error, EBADF);
    assert_int_equal(ask(table, "fcntl", 5, 8, 0).action, VK_NATIVE);
    vk_table_free(table);
}

static void rules_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "'' is not native"},
        {"allow", "'allow' is not native, errno ERROR, kill or emulated"},
        {"errno", "'' is no error"},
        {"errno EPREM", "'EPREM' is no error"},
        {"errno 4096", "'4096' is no error"},
        {"errno -1", "'-1' is no error"},
        {"native please", "is not native"},
        {"kill if", "'' is no condition"},
        {"kill if arg6 == 1", "is no condition"},
        {"kill if arg0 = 1", "is no condition"},
        {"kill if arg0 == one", "is no condition"},
        {"kill if arg0 == 1 or arg1 == 2", "is no condition"},
        {"kill if arg0 == 18446744073709551616", "is no condition"},
        {"kill if arg0 < -1", "are of unsigned numbers"},
        {"kill if arg0 & 1 == 2", "the value has bits that the mask has not"},
        {"native; kill", "nothing can follow"},
        {"kill if arg0 == 1 and arg0 == 1 and arg0 == 1 and arg0 == 1 and arg0 == 1 and arg0 == 1 "
         "and arg0 == 1",
         "at most 6 conditions"},
        {"kill if arg0 == 1;kill if arg0 == 2;kill if arg0 == 3;kill if arg0 == 4;kill if arg0 == "
         "5;kill if arg0 == 6;kill if arg0 == 7",
         "more than 7 rules"},
        {"log", "is not native"},
        {"trap", "is not native"},
        {"notify", "is not native"},
    };
    struct vk_rule rules[VK_RULES_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err reason = {0};
        assert_int_equal(vk_rules_parse(cases[i].text, rules, VK_RULES_MAX, &reason), -EINVAL);
        if (!strstr(reason.message, cases[i].reason))
            fail_msg("'%s': %s", cases[i].text, reason.message);
    }
}

static void what_is_written_reads_as_the_same(void **state)
{
    struct vk_rule rules[VK_RULES_MAX], again[VK_RULES_MAX];
    char text[4096], second[4096];
    static const char *const texts[] = {
        "native",
        "kill",
        "emulated",
        "errno EPERM",
        "errno 4095",
        "errno EPERM if low0 == 0x10; native",
        "kill if low2 & 4; errno EBADF if arg0 > 0x100000000 and low1 & 0x6 != 2; native"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int count = vk_rules_parse(texts[i], rules, VK_RULES_MAX, NULL);
        assert_true(count > 0);
        vk_rules_format(rules, (size_t)count, text, sizeof text);
        assert_string_equal(text, texts[i]);
        assert_int_equal(vk_rules_parse(text, again, VK_RULES_MAX, NULL), count);
        vk_rules_format(again, (size_t)count, second, sizeof second);
        assert_string_equal(text, second);
    }
}

/* 20 calls or 350: what a call costs is the depth of the tree. */
static void a_large_table_is_hardly_deeper_than_a_small_one(void **state)
{
    static struct sock_filter program[VK_PROGRAM_MAX];
    unsigned deepest[2] = {0}, hot[2] = {0};
    static const unsigned sizes[] = {20, 350};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct vk_table *table = NULL;
        assert_int_equal(vk_table_new(killed, &table), 0);
        for (unsigned k = 0; k < sizes[i]; k++) {
            const struct vk_rule rule = {
                .verdict = {.action = VK_ERRNO, .error = (uint16_t)(k % 2 + 1)}};
            assert_int_equal(vk_table_put(table, k, &rule, 1), 0);
        }
        int count = vk_table_compile(table, program, VK_PROGRAM_MAX);
        assert_true(count > 0);
        for (int k = 0; k < (int)sizes[i]; k++) {
            const struct seccomp_data data = {.nr = k, .arch = AUDIT_ARCH_X86_64};
            unsigned steps;
            interpret(program, count, &data, &steps);
            deepest[i] = steps > deepest[i] ? steps : deepest[i];
            hot[i] = k == __NR_read ? steps : hot[i];
        }
        vk_table_free(table);
    }
    assert_in_range(deepest[1], deepest[0], deepest[0] + 12);
    assert_in_range(deepest[1], 1, 24);
    assert_true(hot[1] < deepest[1]);
}

static void profiles_are_what_they_say(void **state)
{
    struct vk_table *podman = NULL, *strict = NULL, *none = NULL;

    (void)state;
    assert_int_equal(vk_profile_table("docker", &none), -ENOENT);
    assert_int_equal(vk_profile_table("none", &none), 0);
    assert_int_equal(vk_profile_table("podman", &podman), 0);
    assert_int_equal(vk_profile_table("strict", &strict), 0);
    assert_int_equal(ask(podman, "read", 0, 0, 0).action, VK_NATIVE);
    assert_int_equal(ask(podman, "bpf", 0, 0, 0).error, EPERM);
    assert_int_equal(ask(podman, "io_uring_setup", 0, 0, 0).error, ENOSYS);
    assert_int_equal(ask(podman, "personality", 8, 0, 0).action, VK_NATIVE);
    assert_int_equal(ask(podman, "personality", 9, 0, 0).error, ENOSYS);
    assert_int_equal(ask(podman, "socket", 16, 3, 9).error, EINVAL);
    assert_int_equal(ask(podman, "socket", 16, 3, 0).action, VK_NATIVE);
    assert_int_equal(ask(strict, "socket", 2, 1, 0).error, EPERM);
    assert_int_equal(ask(strict, "clone", 0x10000000, 0, 0).error, EPERM);
    assert_int_equal(ask(strict, "clone", 17, 0, 0).action, VK_NATIVE);
    assert_int_equal(ask(strict, "ioctl", 0, 0x5412, 0).error, EPERM);
    assert_int_equal(ask(none, "reboot", 0, 0, 0).action, VK_NATIVE);
    vk_table_free(podman);
    vk_table_free(strict);
    vk_table_free(none);
}

/* The kernel takes the filter, and decides so. */
static void the_kernel_runs_it(void **state)
{
    static struct sock_filter program[VK_PROGRAM_MAX];
    struct vk_table *table = NULL;
    int status;

    (void)state;
    assert_int_equal(vk_profile_table("strict", &table), 0);
    int count = vk_table_compile(table, program, VK_PROGRAM_MAX);
    assert_true(count > 0);
    vk_table_free(table);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct sock_fprog filter = {.len = (unsigned short)count, .filter = program};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
            _exit(9);
        if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
            _exit(1);
        if (getppid() <= 0 || syscall(__NR_clone3, NULL, 0) >= 0 || errno != ENOSYS)
            _exit(2);
        /* The numbers of i386: ends it, whatever this kernel knows of them. */
        __asm__ volatile("int $0x80" : : "a"(20) : "memory");
        _exit(3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_in_set((unsigned long)WTERMSIG(status), ((unsigned long[]){SIGSYS, SIGSEGV}), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_filter_decides_as_its_table),
        cmocka_unit_test(a_merged_table_is_the_stricter_of_both),
        cmocka_unit_test(a_listener_and_emulated_calls_are_refused_together),
        cmocka_unit_test(arguments_that_are_ints_are_no_way_round),
        cmocka_unit_test(the_first_rule_that_holds_decides),
        cmocka_unit_test(rules_that_are_none_are_refused),
        cmocka_unit_test(what_is_written_reads_as_the_same),
        cmocka_unit_test(a_large_table_is_hardly_deeper_than_a_small_one),
        cmocka_unit_test(profiles_are_what_they_say),
        cmocka_unit_test(the_kernel_runs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
