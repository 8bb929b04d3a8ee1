/* The broker of emulated calls, with a real listener: who calls is named by an id that may be
 * another's by the time of the answer. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "vkernel/broker.h"

#define PATTERN 0x5a

/* At one address in the caller and in who has its id afterwards: both are our children. */
static union {
    struct sysinfo info;
    unsigned char bytes[sizeof(struct sysinfo)];
} buffer;

struct scene {
    pid_t caller, heir;
    bool recycles;
    unsigned asked;
    int ask; /* the heir says what its memory holds when this is closed */
};

/* ---- the caller ---- */

static int install(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sysinfo, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {.len = ARRAY_LEN(program), .filter = program};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &filter);
}

_Noreturn static void call(int socket)
{
    int listener = install();

    if (listener < 0 || fd_send(socket, "l", 1, &listener, 1) < 0)
        _exit(1);
    close(listener); /* its end is the end of those who have the filter */
    _exit(syscall(SYS_sysinfo, &buffer) == 0 && buffer.info.totalram == 4096 ? 0 : 2);
}

static int start_caller(struct scene *scene)
{
    int ends[2], fds[FD_MESSAGE_MAX];
    size_t count = 0;
    char word;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    memset(buffer.bytes, PATTERN, sizeof buffer);
    scene->caller = fork();
    if (scene->caller == 0)
        call(ends[1]);
    assert_true(scene->caller > 0);
    assert_int_equal(fd_receive(ends[0], &word, 1, fds, &count, 0), 1);
    assert_int_equal(count, 1);
    close(ends[0]);
    close(ends[1]);
    return fds[0];
}

/* ---- what the group says; meanwhile its caller may end ---- */

_Noreturn static void inherit(int ask)
{
    char end;

    if (read(ask, &end, 1) != 0)
        _exit(3);
    for (size_t i = 0; i < sizeof buffer; i++)
        if (buffer.bytes[i] != PATTERN)
            _exit(4);
    _exit(0);
}

/* CAP_SYS_ADMIN. */
static void recycle(struct scene *scene)
{
    pid_t wanted = scene->caller;
    struct clone_args args = {
        .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1};
    char path[32], same = PATTERN;
    int ends[2];

    kill(scene->caller, SIGKILL);
    waitpid(scene->caller, NULL, 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    scene->heir = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (scene->heir == 0) {
        close(ends[1]);
        inherit(ends[0]);
    }
    assert_int_equal(scene->heir, wanted);
    close(ends[0]);
    scene->ask = ends[1];
    /* It has memory at that place, which we could write. */
    snprintf(path, sizeof path, "/proc/%d/mem", (int)scene->heir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &same, 1, (off_t)(uintptr_t)&buffer), 1);
    close(fd);
}

static int memory(void *user, uint64_t *ret_limit, uint64_t *ret_used, unsigned *ret_processes)
{
    struct scene *scene = user;

    scene->asked++;
    if (scene->recycles)
        recycle(scene);
    *ret_limit = 4096;
    *ret_used = 0;
    *ret_processes = 1;
    return 0;
}

static void serve(struct scene *scene)
{
    const struct vk_group group = {
        .user = scene,
        .memory = memory,
        .watches = {[VK_WATCH_VIEW] = {.fd = -1}, [VK_WATCH_INIT] = {.fd = -1}},
    };
    int listener = start_caller(scene);

    assert_int_equal(vk_broker_serve(listener, &group), 0);
    assert_int_equal(scene->asked, 1);
    close(listener);
}

/* ---- tests ---- */

static void a_caller_is_answered(void **state)
{
    struct scene scene = {0};
    int status;

    (void)state;
    serve(&scene);
    assert_int_equal(waitpid(scene.caller, &status, 0), scene.caller);
    assert_int_equal(status, 0);
}

static void who_has_the_callers_id_after_it_gets_nothing(void **state)
{
    struct scene scene = {.recycles = true};
    int status;

    (void)state;
    if (geteuid() != 0)
        skip();
    serve(&scene);
    close(scene.ask);
    assert_int_equal(waitpid(scene.heir, &status, 0), scene.heir);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caller_is_answered),
        cmocka_unit_test(who_has_the_callers_id_after_it_gets_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
