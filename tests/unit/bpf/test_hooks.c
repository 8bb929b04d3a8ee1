/* What hangs on tracepoints for functions without `host`: the broker's part by itself, on the real
 * kernel; a session is a socket. Where events are found is the test's own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"
#include "bpf/budget.h"

#define POINT "syscalls/sys_enter_getpid"
#define OTHER_POINT "sched/sched_process_exec"
#define MANY 160 /* more than a function may have */

/* As hooks.c has it: a change there fails here. */
struct hook_question {
    uint64_t group, owner;
    char point[128];
};

static int desk[2];
static char tracing[] = "/tmp/vireo-test-hooks.XXXXXX";
static int enable_error; /* of events, instead of enabling them; 0: none */

int tracepoint_open(const char *point)
{
    char path[300];
    struct perf_event_attr attributes = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof attributes};

    snprintf(path, sizeof path, "%s/events/%s/id", tracing, point);
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    int read = fscanf(file, "%llu", (unsigned long long *)&attributes.config);
    fclose(file);
    int fd = read == 1 ? (int)syscall(SYS_perf_event_open, &attributes, -1, 0, -1, 0) : -1;
    return fd < 0 ? -errno : fd;
}

int event_enable(int event)
{
    if (enable_error)
        return enable_error;
    return ioctl(event, PERF_EVENT_IOC_ENABLE, 0) < 0 ? -errno : 0;
}

/* One that reads 4 bytes of its context from there on. */
static int make_program(int16_t offset)
{
    const struct bpf_insn code[] = {
        {.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 0, .src_reg = 1, .off = offset},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
    };

    return bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "test_hooks", "GPL", code, ARRAY_LEN(code),
                         NULL);
}

/* What a machine may lack: rights, events, programs. */
static bool can_load(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || !mkdtemp(tracing) ||
        mount("tracefs", tracing, "tracefs", 0, NULL) < 0)
        return false;
    _cleanup_(closep) int program = make_program(8);
    return program >= 0;
}

static int start(void **state)
{
    const struct rlimit files = {4096, 4096};

    (void)state;
    setrlimit(RLIMIT_NOFILE, &files);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, desk), 0);
    assert_int_equal(budget_open(), 0);
    assert_int_equal(release_open(), 0);
    return 0;
}

static void end(void)
{
    umount2(tracing, MNT_DETACH);
    rmdir(tracing);
}

static size_t descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Its answer; *ret_hold is the attachment. */
static int attach(uint64_t owner, uint64_t group, const char *point, int program, int *ret_hold)
{
    struct hook_question question = {.group = group, .owner = owner};
    int32_t answer = -EIO;

    snprintf(question.point, sizeof question.point, "%s", point);
    *ret_hold = desk_ask(desk[0], &question, sizeof question, program);
    assert_true(*ret_hold >= 0);
    hooks_serve(desk[1]);
    assert_int_equal(read(*ret_hold, &answer, sizeof answer), sizeof answer);
    return answer;
}

/* Sessions that have let go are heard. */
static void hear(void)
{
    static struct pollfd polls[HOOK_HOLDS_MAX];
    size_t count = hooks_poll(polls);

    assert_true(poll(polls, count, 0) >= 0);
    hooks_end(polls, count);
}

/* Until nothing is kept any more. */
static void wait_for_all(void)
{
    int left_ms;

    while ((left_ms = hooks_tidy()) >= 0)
        usleep((unsigned)left_ms * 1000u);
}

static void what_was_left_is_found_again_and_goes_when_nobody_comes(void **state)
{
    const size_t before = descriptors();
    _cleanup_(closep) int program = make_program(8);
    int hold;

    (void)state;
    assert_true(program >= 0);
    assert_int_equal(attach(1, 77, POINT, program, &hold), 0);
    const size_t with = descriptors();
    for (int i = 0; i < 300; i++) {
        close(hold);
        hear();
        assert_int_equal(descriptors(), with - 2); /* the hold's two ends alone are gone */
        assert_int_equal(attach(1, 77, POINT, program, &hold), 0);
        assert_int_equal(descriptors(), with);
    }
    assert_int_equal(hooks_tidy(), -1);
    close(hold);
    hear();
    wait_for_all();
    assert_int_equal(descriptors(), before + 1);
}

static void a_program_that_reads_behind_the_record_is_refused(void **state)
{
    _cleanup_(closep) int good = make_program(8), beyond = make_program(2048);
    int first, second;

    (void)state;
    assert_true(good >= 0 && beyond >= 0);
    assert_int_equal(attach(1, 77, POINT, beyond, &first), -EACCES);
    close(first);
    assert_int_equal(attach(1, 77, POINT, good, &first), 0);
    assert_int_equal(attach(2, 78, POINT, beyond, &second), -EACCES);
    close(second);
    close(first);
    hear();
    wait_for_all();
}

/* The next tracepoint of a system call's begin; false: there are no more. */
static bool next_point(DIR *folder, char point[static 128])
{
    struct dirent *entry;

    while ((entry = readdir(folder)))
        if (strncmp(entry->d_name, "sys_enter_", 10) == 0) {
            snprintf(point, 128, "syscalls/%.100s", entry->d_name);
            return true;
        }
    return false;
}

/* Attaches at one tracepoint after the other, but not at POINT, and leaves each: how many the
 * function may have. ret_point: the one that it was refused. */
static int leave_many(uint64_t owner, uint64_t group, int program, char ret_point[static 128])
{
    char path[300];
    int made = 0, r = 0, hold;

    snprintf(path, sizeof path, "%s/events/syscalls", tracing);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (made < MANY && r == 0 && next_point(folder, ret_point)) {
        if (strcmp(ret_point, POINT) == 0)
            continue;
        r = attach(owner, group, ret_point, program, &hold);
        close(hold);
        made += r == 0;
        hear();
    }
    closedir(folder);
    assert_int_equal(r, -EDQUOT);
    return made;
}

static void what_a_function_leaves_counts_as_its_own_until_it_goes(void **state)
{
    char point[128];
    _cleanup_(closep) int program = make_program(8);
    int hold;

    (void)state;
    assert_int_equal(leave_many(3, 79, program, point), 128);
    /* Others have room, and find what is there. */
    assert_int_equal(attach(4, 80, point, program, &hold), 0);
    close(hold);
    hear();
    wait_for_all();
    assert_int_equal(attach(3, 79, point, program, &hold), 0);
    close(hold);
    hear();
    wait_for_all();
}

static void what_was_left_is_of_the_one_who_takes_it(void **state)
{
    char point[128];
    _cleanup_(closep) int program = make_program(8);
    int hold;

    (void)state;
    assert_int_equal(attach(3, 79, POINT, program, &hold), 0);
    close(hold);
    hear();
    assert_int_equal(leave_many(3, 79, program, point), 127);
    assert_int_equal(attach(4, 80, POINT, program, &hold), 0);
    wait_for_all();
    assert_int_equal(leave_many(3, 79, program, point), 128);
    close(hold);
    hear();
    wait_for_all();
}

static void a_hook_is_of_who_made_it_until_the_last_of_its_holds(void **state)
{
    char point[128];
    _cleanup_(closep) int program = make_program(8);
    int first, second, other;

    (void)state;
    assert_int_equal(attach(3, 79, POINT, program, &first), 0);
    assert_int_equal(attach(4, 80, POINT, program, &other), 0);
    assert_int_equal(attach(3, 81, POINT, program, &second), 0);
    close(first);
    hear();
    assert_int_equal(leave_many(3, 79, program, point), 127);
    close(second);
    hear();
    wait_for_all();
    assert_int_equal(leave_many(3, 79, program, point), 128);
    close(other);
    hear();
    wait_for_all();
}

static void what_a_function_uses_or_takes_over_is_within_its_quota(void **state)
{
    char point[128];
    _cleanup_(closep) int program = make_program(8);
    int maker, user, taker;

    (void)state;
    assert_int_equal(attach(3, 79, POINT, program, &maker), 0);
    close(maker);
    hear();
    assert_int_equal(attach(3, 79, OTHER_POINT, program, &maker), 0);
    assert_int_equal(attach(4, 80, OTHER_POINT, program, &user), 0);
    assert_int_equal(leave_many(4, 80, program, point), 127);
    assert_int_equal(attach(4, 80, POINT, program, &taker), -EDQUOT);
    close(taker);
    /* What is passed on to it was counted before. */
    close(maker);
    hear();
    assert_int_equal(attach(4, 80, POINT, program, &taker), -EDQUOT);
    close(taker);
    assert_int_equal(attach(4, 81, OTHER_POINT, program, &taker), 0);
    close(taker);
    close(user);
    hear();
    wait_for_all();
    assert_int_equal(attach(4, 80, POINT, program, &taker), 0);
    close(taker);
    hear();
    wait_for_all();
}

static void a_hook_that_could_not_be_enabled_is_not_found(void **state)
{
    _cleanup_(closep) int program = make_program(8);
    int hold;

    (void)state;
    enable_error = -EIO;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(attach(1, 77, POINT, program, &hold), -EIO);
        close(hold);
    }
    enable_error = 0;
    assert_int_equal(attach(1, 77, POINT, program, &hold), 0);
    close(hold);
    hear();
    wait_for_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_left_is_found_again_and_goes_when_nobody_comes),
        cmocka_unit_test(a_program_that_reads_behind_the_record_is_refused),
        cmocka_unit_test(what_a_function_leaves_counts_as_its_own_until_it_goes),
        cmocka_unit_test(what_was_left_is_of_the_one_who_takes_it),
        cmocka_unit_test(a_hook_is_of_who_made_it_until_the_last_of_its_holds),
        cmocka_unit_test(what_a_function_uses_or_takes_over_is_within_its_quota),
        cmocka_unit_test(a_hook_that_could_not_be_enabled_is_not_found),
    };

    signal(SIGPIPE, SIG_IGN);
    if (!can_load()) {
        end();
        fprintf(stderr, "no programs can be loaded here\n");
        return 77;
    }
    int r = cmocka_run_group_tests(tests, start, NULL);
    end();
    return r;
}
