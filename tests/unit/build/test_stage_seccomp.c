/* The filter of the build's sandboxes: what must not be called is not, and a compiler's calls are.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "build/stage.h"

/* In a child under the filter; the errno of each call, 0 where it worked. */
static int under_filter(long number, long a, long b, long c)
{
    int status;

    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || stage_forbid_calls() < 0)
            _exit(255);
        _exit(syscall(number, a, b, c, 0, 0) < 0 ? errno : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void dangerous_calls_are_refused(void **state)
{
    (void)state;
    static const struct {
        long number, a, b;
        int error;
    } refused[] = {
        {SYS_mount, 0, 0, EPERM},
        {SYS_umount2, 0, 0, EPERM},
        {SYS_pivot_root, 0, 0, EPERM},
        {SYS_open_tree, -1, 0, EPERM},
        {SYS_move_mount, -1, 0, EPERM},
        {SYS_ptrace, 0, 0, EPERM},
        {SYS_process_vm_readv, 1, 0, EPERM},
        {SYS_bpf, 0, 0, EPERM},
        {SYS_io_uring_setup, 1, 0, EPERM},
        {SYS_userfaultfd, 0, 0, EPERM},
        {SYS_keyctl, 0, 0, EPERM},
        {SYS_add_key, 0, 0, EPERM},
        {SYS_perf_event_open, 0, 0, EPERM},
        {SYS_unshare, CLONE_NEWUSER, 0, EPERM},
        {SYS_unshare, 0, 0, EPERM},
        {SYS_setns, -1, 0, EPERM},
        {SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, EPERM},
        {SYS_clone, CLONE_NEWNET | SIGCHLD, 0, EPERM},
        {SYS_clone3, 0, 0, ENOSYS},
        {SYS_socket, AF_INET, SOCK_STREAM, EPERM},
        {SYS_socket, AF_UNIX, SOCK_STREAM, EPERM},
        {SYS_socket, AF_NETLINK, SOCK_RAW, EPERM},
        {SYS_memfd_create, 0, 0, EPERM},
        {SYS_mknodat, -1, 0, EPERM},
    };

    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        int error = under_filter(refused[i].number, refused[i].a, refused[i].b, 0);
        if (error != refused[i].error)
            fail_msg("case %zu: errno %d", i, error);
    }
}

static void a_compilers_calls_work(void **state)
{
    (void)state;

    assert_int_equal(under_filter(SYS_getpid, 0, 0, 0), 0);
    assert_int_equal(under_filter(SYS_clone, SIGCHLD, 0, 0), 0);
    assert_int_equal(under_filter(SYS_pipe2, (long)(int[2]){0}, 0, 0), 0);
    assert_int_equal(under_filter(SYS_chdir, (long)"/", 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dangerous_calls_are_refused),
        cmocka_unit_test(a_compilers_calls_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
