/* A broker that is the attacker's asks the opener for more than it may have. */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"
#include "bpf/events.h"

#define PATIENCE_MS 10000
#define EVERY 0
#define BUFFERS 1
#define NOBODY 65534

static const struct event_request output = {.kind = EVENT_OUTPUT};
static int sockets[2] = {-1, -1};

static int start(void **state)
{
    struct err err = {0};

    (void)state;
    /* Who may open no event has none to open it for others. */
    _cleanup_(closep) int own = geteuid() == 0 ? event_open_own(&output, 0) : -1;
    return own < 0 || opener_start(NOBODY, sockets, &err) == 0 ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    fd_close_all(sockets, ARRAY_LEN(sockets));
    return 0;
}

static void need_opener(void)
{
    if (sockets[0] < 0)
        skip();
}

/* An event, or what was answered; -EPIPE: nothing was. */
static int ask(int place, const void *request, size_t bytes)
{
    int fds[FD_MESSAGE_MAX];
    size_t count = 0;
    int32_t answer = 0;
    _cleanup_(closep) int ours = desk_ask(sockets[place], request, bytes, -1);

    assert_true(ours >= 0);
    struct pollfd wait = {.fd = ours, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    ssize_t n = fd_receive(ours, &answer, sizeof answer, fds, &count, 0);
    if (n == 0)
        return -EPIPE;
    assert_int_equal(n, sizeof answer);
    assert_int_equal(count, answer == 0);
    return answer < 0 ? answer : fds[0];
}

static void lives(void)
{
    _cleanup_(closep) int event = ask(BUFFERS, &output, sizeof output);
    assert_true(event >= 0);
}

static void an_event_that_may_be_had_comes_as_an_event(void **state)
{
    static const struct event_request clock = {.kind = EVENT_SAMPLES,
                                               .type = PERF_TYPE_SOFTWARE,
                                               .number = PERF_COUNT_SW_CPU_CLOCK,
                                               .frequency = 99};
    uint64_t id = 0;

    (void)state;
    need_opener();
    _cleanup_(closep) int event = ask(EVERY, &clock, sizeof clock);
    assert_true(event >= 0);
    assert_int_equal(ioctl(event, PERF_EVENT_IOC_ID, &id), 0);
    assert_true(fcntl(event, F_GETFD) & FD_CLOEXEC);
    lives();
}

static void a_session_without_host_gets_buffers_and_nothing_else(void **state)
{
    static const struct event_request others[] = {
        {.kind = EVENT_TRACEPOINT, .number = 100},
        {.kind = EVENT_KPROBE, .function = "vfs_read"},
        {.kind = EVENT_SAMPLES, .type = PERF_TYPE_SOFTWARE, .frequency = 99},
        {.kind = 0},
    };

    (void)state;
    need_opener();
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(ask(BUFFERS, &others[i], sizeof others[i]), -EPERM);
    lives();
}

static void what_is_no_request_opens_nothing(void **state)
{
    static const struct event_request bad[] = {
        {.kind = 0},
        {.kind = EVENT_OUTPUT, .reserved = 1},
        {.kind = EVENT_OUTPUT, .processor = UINT32_MAX},
        {.kind = EVENT_KPROBE, .function = "vfs_read", .number = UINT64_MAX},
        {.kind = EVENT_SAMPLES, .type = PERF_TYPE_BREAKPOINT, .frequency = 1},
        {.kind = EVENT_SAMPLES, .type = PERF_TYPE_SOFTWARE, .frequency = UINT32_MAX},
    };
    uint8_t longer[sizeof output + 1] = {EVENT_OUTPUT};

    (void)state;
    need_opener();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(ask(EVERY, &bad[i], sizeof bad[i]), -EINVAL);
    /* The attributes of perf_event_open(2) themselves, more, less and nothing. */
    const struct perf_event_attr attr = {.size = sizeof attr,
                                         .type = PERF_TYPE_SOFTWARE,
                                         .sample_type = PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_IP};
    assert_int_equal(ask(EVERY, &attr, sizeof attr), -EPIPE);
    assert_int_equal(ask(EVERY, longer, sizeof longer), -EPIPE);
    assert_int_equal(ask(EVERY, &output, sizeof output - 1), -EPIPE);
    assert_int_equal(ask(EVERY, &output, 0), -EPIPE);
    lives();
}

static void descriptors_that_are_no_place_for_an_answer_do_no_harm(void **state)
{
    int pipes[2], many[FD_MESSAGE_MAX];

    (void)state;
    need_opener();
    /* None, too many, a pipe, itself. */
    assert_int_equal(fd_send(sockets[EVERY], &output, sizeof output, NULL, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = sockets[BUFFERS];
    assert_int_equal(fd_send(sockets[EVERY], &output, sizeof output, many, ARRAY_LEN(many)), 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(fd_send(sockets[EVERY], &output, sizeof output, &pipes[1], 1), 0);
    fd_close_all(pipes, 2);
    assert_int_equal(fd_send(sockets[EVERY], &output, sizeof output, &sockets[EVERY], 1), 0);
    lives();
}

/* A queue that nobody empties: the next one is served all the same. */
static void answers_that_nobody_takes_hold_nobody_up(void **state)
{
    int ends[2];

    (void)state;
    need_opener();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(fd_send(sockets[BUFFERS], &output, sizeof output, &ends[1], 1), 0);
    lives();
    fd_close_all(ends, 2);
    lives();
}

/* As if it were taken over: what a process that is confined as it is can still do. */
static void confined_it_has_no_file_no_process_and_no_other_event(void **state)
{
    pid_t broker = getpid(), pid;
    int status;

    (void)state;
    need_opener();
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err err = {0};
        struct perf_event_attr attr = {
            .size = sizeof attr, .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_BPF_OUTPUT};
        if (confine_opener(NOBODY, broker, &err) < 0)
            _exit(1);
        int event = (int)syscall(SYS_perf_event_open, &attr, -1L, 0L, -1L, PERF_FLAG_FD_CLOEXEC);
        if (event < 0)
            _exit(2);
        /* Of a process, in a group of events, of a control group, with other flags. */
        if (syscall(SYS_perf_event_open, &attr, 0L, -1L, -1L, PERF_FLAG_FD_CLOEXEC) >= 0 ||
            syscall(SYS_perf_event_open, &attr, 1L, 0L, -1L, PERF_FLAG_FD_CLOEXEC) >= 0 ||
            syscall(SYS_perf_event_open, &attr, -1L, 0L, (long)event, PERF_FLAG_FD_CLOEXEC) >= 0 ||
            syscall(SYS_perf_event_open, &attr, (long)event, 0L, -1L,
                    PERF_FLAG_PID_CGROUP | PERF_FLAG_FD_CLOEXEC) >= 0 ||
            syscall(SYS_perf_event_open, &attr, -1L, 0L, -1L, 0L) >= 0)
            _exit(3);
        if (open("/", O_RDONLY | O_CLOEXEC) >= 0 || fork() >= 0 || getppid() >= 0 ||
            mount("none", "/", "tmpfs", 0, NULL) == 0 || unshare(0x00020000) == 0 ||
            syscall(SYS_bpf, 0, NULL, 0) >= 0 || ioctl(event, PERF_EVENT_IOC_ENABLE, 0) == 0 ||
            errno != EPERM || socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || kill(1, 0) == 0 ||
            syscall(SYS_mmap, 0L, 4096L, 0L, 0x22L, -1L, 0L) >= 0)
            _exit(4);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The last: the sockets are gone after it. */
static void it_ends_with_its_sockets(void **state)
{
    siginfo_t info = {0};

    (void)state;
    need_opener();
    fd_close_all(sockets, ARRAY_LEN(sockets));
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED), 0);
    assert_int_equal(info.si_code, CLD_EXITED);
    assert_int_equal(info.si_status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_that_may_be_had_comes_as_an_event),
        cmocka_unit_test(a_session_without_host_gets_buffers_and_nothing_else),
        cmocka_unit_test(what_is_no_request_opens_nothing),
        cmocka_unit_test(descriptors_that_are_no_place_for_an_answer_do_no_harm),
        cmocka_unit_test(answers_that_nobody_takes_hold_nobody_up),
        cmocka_unit_test(confined_it_has_no_file_no_process_and_no_other_event),
        cmocka_unit_test(it_ends_with_its_sockets),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
