/* The filter of an instance: what its table has works, everything else ends the process. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "allow/allow.h"
#include "base/cleanup.h"
#include "build/manifest.h"
#include "cmocka_all.h"
#include "guest/instance.h"
#include "guest/lockdown.h"
#include "guest/seccomp.h"
#include "guest/template.h"
#include "pvm/pvm.h"
#include "vkernel/syscalls.h"

/* For `grants` of attempt(): the table of proved code. */
#define PROVED (1u << 31)

struct call {
    const char *what;
    long number, arguments[6];
};

/* How a child ended that loaded the filter of `grants` and made one call: its wait status. Exit
 * status 0: the call returned something else than `unwanted_errno`; 7: that error. */
static int attempt(uint32_t grants, const struct call *call, int unwanted_errno)
{
    struct sock_filter program[GUEST_FILTER_MAX];
    struct vk_table *table = NULL;
    int status;

    assert_int_equal(pvm_wall_table(grants & PROVED ? 0 : grants | GUEST_GRANT_CODE, &table), 0);
    int count = vk_table_compile(table, program, GUEST_FILTER_MAX);
    assert_true(count > 0);
    vk_table_free(table);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int event = eventfd(0, EFD_NONBLOCK);
        signal(SIGSYS, SIG_DFL);
        if (event != INSTANCE_EVENT_FD && dup2(event, INSTANCE_EVENT_FD) < 0)
            _exit(9);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || lockdown_not_dumpable() < 0 ||
            seccomp_load_program(program, (uint32_t)count, false) < 0)
            _exit(9);
        const long *a = call->arguments;
        long r = syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
        syscall(__NR_exit_group, r < 0 && errno == unwanted_errno ? 7 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void killed(uint32_t grants, const struct call *call)
{
    int status = attempt(grants, call, 0);

    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
        fail_msg("%s was not refused: status %#x", call->what, (unsigned)status);
}

static void allowed(uint32_t grants, const struct call *call)
{
    int status = attempt(grants, call, 0);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s was refused: status %#x", call->what, (unsigned)status);
}

#define ALL_GRANTS                                                                      \
    (GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_LISTEN | GUEST_GRANT_CONNECT | \
     GUEST_GRANT_FORK | GUEST_GRANT_IPC | GUEST_GRANT_PLATFORM)

static const uint64_t one = 1;

static void what_no_table_has_ends_the_process(void **state)
{
    (void)state;
    const struct call calls[] = {
        {"clone of a namespace", __NR_clone, {CLONE_NEWUSER | SIGCHLD}},
        {"clone of a pid namespace", __NR_clone, {CLONE_NEWPID | SIGCHLD}},
        {"clone of a thread", __NR_clone, {CLONE_VM | CLONE_SIGHAND | CLONE_THREAD}},
        {"clone that shares memory", __NR_clone, {CLONE_VM | SIGCHLD}},
        {"clone that shares descriptors", __NR_clone, {CLONE_FILES | SIGCHLD}},
        {"clone with the caller's parent", __NR_clone, {CLONE_PARENT | SIGCHLD}},
        {"clone with another signal", __NR_clone, {SIGKILL}},
        {"clone with none", __NR_clone, {0}},
        {"fork", __NR_fork, {0}},
        {"vfork", __NR_vfork, {0}},
        {"unshare", __NR_unshare, {CLONE_NEWUSER}},
        {"setns", __NR_setns, {0}},
        {"ptrace", __NR_ptrace, {0}},
        {"process_vm_readv", __NR_process_vm_readv, {1}},
        {"process_vm_writev", __NR_process_vm_writev, {1}},
        {"bpf", __NR_bpf, {BPF_MAP_CREATE}},
        {"io_uring_setup", __NR_io_uring_setup, {1}},
        {"io_uring_enter", __NR_io_uring_enter, {0}},
        {"io_uring_register", __NR_io_uring_register, {0}},
        {"userfaultfd", __NR_userfaultfd, {0}},
        {"memfd_create", __NR_memfd_create, {(long)"x"}},
        {"execve", __NR_execve, {(long)"/bin/true"}},
        {"execveat", __NR_execveat, {0}},
        {"open", __NR_open, {(long)"/etc/passwd"}},
        {"openat", __NR_openat, {AT_FDCWD, (long)"/etc/passwd"}},
        {"socket", __NR_socket, {1, 1}},
        {"socketpair", __NR_socketpair, {1, 1}},
        {"connect", __NR_connect, {0}},
        {"sendmsg", __NR_sendmsg, {0}},
        {"tkill", __NR_tkill, {1, 0}},
        {"waitid", __NR_waitid, {0}},
        {"setsid", __NR_setsid, {0}},
        {"setpgid", __NR_setpgid, {0}},
        {"pipe", __NR_pipe, {0}},
        {"tgkill", __NR_tgkill, {1, 1, 0}},
        {"pidfd_open", __NR_pidfd_open, {1}},
        {"pidfd_getfd", 438, {0}},
        {"mount", __NR_mount, {0}},
        {"move_mount", __NR_move_mount, {0}},
        {"fsopen", __NR_fsopen, {0}},
        {"open_tree", __NR_open_tree, {0}},
        {"pivot_root", __NR_pivot_root, {0}},
        {"chroot", __NR_chroot, {(long)"/"}},
        {"keyctl", __NR_keyctl, {0}},
        {"perf_event_open", __NR_perf_event_open, {0}},
        {"prctl", __NR_prctl, {PR_SET_DUMPABLE, 1}},
        {"seccomp", __NR_seccomp, {0}},
        {"setuid", __NR_setuid, {0}},
        {"capset", __NR_capset, {0}},
        {"arch_prctl", __NR_arch_prctl, {0}},
        {"semget", __NR_semget, {0, 1, 0600}},
        {"msgctl to set", __NR_msgctl, {0, IPC_SET}},
        {"semget", __NR_semget, {0, 1, 0600}},
        {"pkey_mprotect", __NR_pkey_mprotect, {0, 4096, PROT_EXEC, -1}},
        {"remap_file_pages", __NR_remap_file_pages, {0}},
        {"modify_ldt", __NR_modify_ldt, {0}},
        {"personality", __NR_personality, {0}},
        {"ioctl", __NR_ioctl, {0, 0x5401}},
        {"dup2", __NR_dup2, {3, 9}},
        {"x32 write", __NR_write | 0x40000000, {INSTANCE_EVENT_FD, (long)&one, 8}},
        {"a number that does not exist", 5000, {0}},
        {"a negative number", -1, {0}},
    };

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        killed(0, &calls[i]);
        killed(ALL_GRANTS, &calls[i]);
    }
}

static void memory_can_not_become_code(void **state)
{
    (void)state;
    char page[8192];
    long at = ((long)page + 4095) & -4096L;
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    const struct call calls[] = {
        {"mmap of code", __NR_mmap, {0, 4096, PROT_READ | PROT_EXEC, anonymous, -1}},
        {"mmap of writable code", __NR_mmap, {0, 4096, 7, anonymous, -1}},
        {"mmap of a file", __NR_mmap, {0, 4096, PROT_READ, MAP_PRIVATE, INSTANCE_EVENT_FD}},
        {"mmap of a file as code", __NR_mmap, {0, 4096, PROT_EXEC, MAP_SHARED, INSTANCE_EVENT_FD}},
        {"mprotect to code", __NR_mprotect, {at, 4096, PROT_READ | PROT_EXEC}},
        {"mprotect to code with growsdown", __NR_mprotect, {at, 4096, PROT_EXEC | PROT_GROWSDOWN}},
        /* The kernel takes the low half of these arguments: bits above must not hide it. */
        {"mprotect to code, high bits", __NR_mprotect, {at, 4096, PROT_EXEC | (1L << 40)}},
    };

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        killed(0, &calls[i]);
        killed(ALL_GRANTS, &calls[i]);
    }
}

/* Memory that no limit counts, and what tells of, or reaches, other processes by their ids. */
static void arguments_that_reach_others_end_the_process(void **state)
{
    (void)state;
    static uint32_t word = 1;
    static struct timespec time;
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    /* The CPU clock of process 1: clock_getcpuclockid(3). */
    const long of_another = (long)(int)((~1u << 3) | 2);
    const struct call calls[] = {
        {"mmap of huge pages", __NR_mmap, {0, 4096, PROT_READ, anonymous | MAP_HUGETLB, -1}},
        {"futex, priority inheritance", __NR_futex, {(long)&word, FUTEX_LOCK_PI, 0, (long)&time}},
        {"futex, the same, private", __NR_futex, {(long)&word, FUTEX_LOCK_PI_PRIVATE, 0}},
        {"futex, requeue", __NR_futex, {(long)&word, FUTEX_CMP_REQUEUE, 0}},
        {"the clock of another", __NR_clock_gettime, {of_another, (long)&time}},
        {"the clock of a device", __NR_clock_gettime, {(~3u << 3) | 3, (long)&time}},
        {"the resolution of that", __NR_clock_getres, {of_another, (long)&time}},
        {"a wait for that", __NR_clock_nanosleep, {of_another, 0, (long)&time}},
        {"madvise, mergeable", __NR_madvise, {0, 0, MADV_MERGEABLE}},
        {"madvise, sequential", __NR_madvise, {0, 0, MADV_SEQUENTIAL}},
        {"madvise, no fork", __NR_madvise, {0, 0, MADV_DONTFORK}},
        {"madvise, remove", __NR_madvise, {0, 0, MADV_REMOVE}},
        {"fcntl, owner", __NR_fcntl, {INSTANCE_EVENT_FD, F_SETOWN, 1}},
        {"fcntl, owner ex", __NR_fcntl, {INSTANCE_EVENT_FD, F_SETOWN_EX, 0}},
        {"fcntl, signal", __NR_fcntl, {INSTANCE_EVENT_FD, F_SETSIG, SIGKILL}},
        {"fcntl, notice", __NR_fcntl, {INSTANCE_EVENT_FD, F_NOTIFY, DN_CREATE}},
        {"fcntl, lease", __NR_fcntl, {INSTANCE_EVENT_FD, F_SETLEASE, F_WRLCK}},
        {"fcntl, lock", __NR_fcntl, {INSTANCE_EVENT_FD, F_SETLKW, 0}},
        {"fcntl, lock of a description", __NR_fcntl, {INSTANCE_EVENT_FD, F_OFD_SETLKW, 0}},
        {"fcntl, seals", __NR_fcntl, {INSTANCE_EVENT_FD, F_ADD_SEALS, F_SEAL_SEAL}},
    };
    const struct call fine[] = {
        {"futex, wake", __NR_futex, {(long)&word, FUTEX_WAKE_PRIVATE, 1}},
        {"futex, wait", __NR_futex, {(long)&word, FUTEX_WAIT, 0}},
        {"real time", __NR_clock_gettime, {CLOCK_REALTIME, (long)&time}},
        {"its own clock", __NR_clock_gettime, {CLOCK_PROCESS_CPUTIME_ID, (long)&time}},
        {"madvise", __NR_madvise, {0, 0, MADV_DONTNEED}},
        {"madvise, of free(3)", __NR_madvise, {0, 0, MADV_FREE}},
    };
    const struct call flags = {"fcntl, flags", __NR_fcntl, {INSTANCE_EVENT_FD, F_SETFL, 0}};

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        killed(0, &calls[i]);
        killed(ALL_GRANTS, &calls[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        allowed(0, &fine[i]);
    allowed(GUEST_GRANT_FILES, &flags);
}

static void the_base_table_writes_to_its_event_only(void **state)
{
    (void)state;
    const struct call event = {
        "write to the event", __NR_write, {INSTANCE_EVENT_FD, (long)&one, 8}};
    const struct call calls[] = {
        {"write to 1", __NR_write, {1, (long)"", 0}},
        {"write to 4", __NR_write, {4, (long)"", 0}},
        {"read", __NR_read, {INSTANCE_EVENT_FD, (long)&one, 8}},
        {"close", __NR_close, {INSTANCE_EVENT_FD}},
        {"openat2", __NR_openat2, {AT_FDCWD, (long)"/", 0, 0}},
        {"fcntl", __NR_fcntl, {INSTANCE_EVENT_FD, F_DUPFD, 0}},
    };

    allowed(0, &event);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        killed(0, &calls[i]);
}

static void what_the_table_has_works(void **state)
{
    (void)state;
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    const struct call base[] = {
        {"mmap", __NR_mmap, {0, 4096, PROT_READ | PROT_WRITE, anonymous, -1}},
        {"getrandom", __NR_getrandom, {(long)&(char){0}, 1, 0}},
        {"brk", __NR_brk, {0}},
        {"sched_yield", __NR_sched_yield, {0}},
    };
    const struct call files[] = {
        {"openat2", __NR_openat2, {AT_FDCWD, 0, 0, 0}},
        {"getdents64", __NR_getdents64, {-1, 0, 0}},
        {"read", __NR_read, {-1, 0, 0}},
    };

    for (size_t i = 0; i < ARRAY_LEN(base); i++)
        allowed(0, &base[i]);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        allowed(GUEST_GRANT_FILES, &files[i]);
    /* Streams alone don't open anything. */
    killed(GUEST_GRANT_STDIO, &files[0]);
    allowed(GUEST_GRANT_STDIO, &files[2]);
}

static void a_family_forks_and_signals_with_its_grant_alone(void **state)
{
    (void)state;
    static int fds[2];
    const struct call calls[] = {
        {"clone", __NR_clone, {SIGCHLD}},
        {"clone, upper half of the word", __NR_clone, {SIGCHLD | 1L << 40}},
        {"wait4", __NR_wait4, {-1}},
        {"kill", __NR_kill, {0, 0}},
        {"getpid", __NR_getpid, {0}},
        {"getppid", __NR_getppid, {0}},
        {"setitimer", __NR_setitimer, {ITIMER_REAL, -1, 0}},
        {"rt_sigpending", __NR_rt_sigpending, {0, 0}},
        {"rt_sigtimedwait", __NR_rt_sigtimedwait, {0, 0, 0, 0}},
        {"rt_sigqueueinfo", __NR_rt_sigqueueinfo, {0, 0, 0}},
        {"madvise, huge pages", __NR_madvise, {0, 0, MADV_HUGEPAGE}},
    };
    /* On a queue that does not exist: the tests' namespace is the machine's. */
    const struct call of_ipc[] = {
        {"msgget", __NR_msgget, {0x76697265, 0}},
        {"msgsnd", __NR_msgsnd, {-1, (long)fds, 0, 0}},
        {"msgrcv", __NR_msgrcv, {-1, (long)fds, 0, 0, 0}},
        {"msgctl to remove", __NR_msgctl, {-1, IPC_RMID}},
        {"msgctl to look", __NR_msgctl, {-1, IPC_STAT}},
        {"shmget", __NR_shmget, {0x76697265, 0, 0}},
        {"shmat", __NR_shmat, {-1, 0, 0}},
        {"shmat to read", __NR_shmat, {-1, 0, SHM_RDONLY}},
        {"shmdt", __NR_shmdt, {0}},
        {"shmctl to remove", __NR_shmctl, {-1, IPC_RMID}},
        {"shmctl to look", __NR_shmctl, {-1, IPC_STAT}},
    };
    const struct call of_both = {"pipe2", __NR_pipe2, {(long)fds, 0}};
    const struct call never[] = {
        {"shmget of huge pages", __NR_shmget, {0x76697265, 0, SHM_HUGETLB}},
        {"shmat to execute", __NR_shmat, {-1, 0, SHM_EXEC}},
        {"shmat over what is there", __NR_shmat, {-1, 0, SHM_REMAP}},
        {"shmctl to lock", __NR_shmctl, {-1, SHM_LOCK}},
        {"shmctl to change", __NR_shmctl, {-1, IPC_SET}},
        {"setitimer of its CPU time", __NR_setitimer, {ITIMER_PROF, -1, 0}},
    };

    allowed(GUEST_GRANT_FORK, &of_both);
    allowed(GUEST_GRANT_IPC, &of_both);
    killed(ALL_GRANTS & ~(GUEST_GRANT_FORK | GUEST_GRANT_IPC), &of_both);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        killed(ALL_GRANTS, &never[i]);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        allowed(GUEST_GRANT_FORK, &calls[i]);
        killed(0, &calls[i]);
        killed(ALL_GRANTS & ~GUEST_GRANT_FORK, &calls[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(of_ipc); i++) {
        allowed(GUEST_GRANT_IPC, &of_ipc[i]);
        killed(0, &of_ipc[i]);
        killed(ALL_GRANTS & ~GUEST_GRANT_IPC, &of_ipc[i]);
    }
}

static void connections_are_used_and_not_made(void **state)
{
    (void)state;
    const struct call connections[] = {
        {"recvfrom", __NR_recvfrom, {-1, 0, 0, 0, 0, 0}},
        {"shutdown", __NR_shutdown, {-1, 2}},
        {"read", __NR_read, {-1, 0, 0}},
        {"write", __NR_write, {1, (long)"", 0}},
    };
    const struct call accept = {"accept4", __NR_accept4, {-1, 0, 0, 0}};
    const struct call never[] = {
        {"socket", __NR_socket, {2, 1}},
        {"bind", __NR_bind, {4, 0, 0}},
        {"listen", __NR_listen, {4, 1}},
        {"connect", __NR_connect, {4, 0, 0}},
        {"accept", __NR_accept, {4, 0, 0}},
        {"setsockopt", __NR_setsockopt, {4, 1, 2, 0, 0}},
        {"sendto, which can connect", __NR_sendto, {4, (long)"", 0, 0x20000000, 0, 0}},
        {"sendmsg, which can connect", __NR_sendmsg, {4, 0, 0x20000000}},
        {"sendmmsg", __NR_sendmmsg, {4, 0, 0, 0}},
        {"recvmmsg", __NR_recvmmsg, {4, 0, 0, 0, 0}},
        {"openat2", __NR_openat2, {AT_FDCWD, 0, 0, 0}},
    };
    const uint32_t sets[] = {GUEST_GRANT_LISTEN, GUEST_GRANT_CONNECT};

    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        for (size_t k = 0; k < ARRAY_LEN(connections); k++)
            allowed(sets[i], &connections[k]);
        for (size_t k = 0; k < ARRAY_LEN(never); k++)
            killed(sets[i], &never[k]);
    }
    for (size_t k = 0; k < ARRAY_LEN(connections); k++) {
        if (connections[k].number == __NR_recvfrom || connections[k].number == __NR_shutdown)
            killed(GUEST_GRANT_STDIO | GUEST_GRANT_FILES, &connections[k]);
    }
    const struct call receive = {"recvmsg", __NR_recvmsg, {-1, 0, 0}};
    allowed(GUEST_GRANT_CONNECT, &receive);
    killed(0, &receive);
    killed(GUEST_GRANT_LISTEN | GUEST_GRANT_STDIO | GUEST_GRANT_FILES, &receive);
    allowed(GUEST_GRANT_LISTEN, &accept);
    killed(GUEST_GRANT_CONNECT | GUEST_GRANT_STDIO | GUEST_GRANT_FILES, &accept);
}

/* Files and connections of proved code: never more than of other code, and none of the calls that
 * make a connection or send elsewhere. */
static void proved_code_has_less_of_each_grant(void **state)
{
    (void)state;
    static const uint32_t pairs[][2] = {{GUEST_GRANT_PROVED_FILES, GUEST_GRANT_FILES},
                                        {GUEST_GRANT_PROVED_CONNECT, GUEST_GRANT_CONNECT}};
    const struct call only_files = {"openat2", __NR_openat2, {AT_FDCWD, 0, 0, 0}};
    const struct call only_connect = {"recvmsg", __NR_recvmsg, {-1, 0, 0}};
    const struct call never[] = {
        {"socket", __NR_socket, {2, 1}},
        {"connect", __NR_connect, {4, 0, 0}},
        {"sendto", __NR_sendto, {4, (long)"", 0, 0, 0, 0}},
        {"sendmsg", __NR_sendmsg, {4, 0, 0}},
        {"setsockopt", __NR_setsockopt, {4, 1, 2, 0, 0}},
        {"recvfrom", __NR_recvfrom, {-1, 0, 0, 0, 0, 0}},
        {"symlinkat", __NR_symlinkat, {0, -1, 0}},
        {"linkat", __NR_linkat, {-1, 0, -1, 0, 0}},
        {"getdents64", __NR_getdents64, {-1, 0, 0}},
        {"fcntl", __NR_fcntl, {-1, F_GETFL}},
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const char *proved[128], *other[128];
        size_t count = pvm_syscalls(pairs[i][0], proved, ARRAY_LEN(proved));
        size_t others = pvm_syscalls(pairs[i][1], other, ARRAY_LEN(other));
        assert_true(count > 0 && count < others);
        for (size_t k = 0; k < count; k++) {
            size_t at = 0;
            while (at < others && strcmp(other[at], proved[k]) != 0)
                at++;
            if (at == others)
                fail_msg("%s is for proved code alone", proved[k]);
        }
        for (size_t k = 0; k < ARRAY_LEN(never); k++)
            killed(pairs[i][0], &never[k]);
    }
    allowed(GUEST_GRANT_PROVED_FILES, &only_files);
    killed(GUEST_GRANT_PROVED_CONNECT, &only_files);
    allowed(GUEST_GRANT_PROVED_CONNECT, &only_connect);
    killed(GUEST_GRANT_PROVED_FILES, &only_connect);
}

static void calls_that_are_proved_make_the_grants(void **state)
{
    static struct manifest manifest;
    struct pvm_bounds bounds = {0};

    (void)state;
    manifest.file_count = manifest.connect_count = 1;
    manifest.layers = ALLOW_DEFAULT | ALLOW_BIT(ALLOW_PLATFORM);
    assert_int_equal(pvm_grants(&manifest, NULL),
                     GUEST_GRANT_FILES | GUEST_GRANT_CONNECT | GUEST_GRANT_PLATFORM);
    assert_int_equal(pvm_grants(&manifest, &bounds), 0);
    static const struct {
        const char *calls;
        uint32_t grants;
    } cases[] = {
        {"", 0},
        {"read write close vireo_request_path", 0}, /* of what is open already: the body, the log */
        {"open read", GUEST_GRANT_PROVED_FILES},
        {"rename", GUEST_GRANT_PROVED_FILES},
        {"vireo_connect", GUEST_GRANT_PROVED_CONNECT},
        {"read vireo_sql_raw", GUEST_GRANT_PLATFORM},
        {"vireo_http_raw open", GUEST_GRANT_PLATFORM | GUEST_GRANT_PROVED_FILES},
        {"opens vireo_connects reopen vireo_kv", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bounds.grants = pvm_grants_called(cases[i].calls);
        assert_int_equal(bounds.grants, cases[i].grants);
        assert_int_equal(pvm_grants(&manifest, &bounds), cases[i].grants);
    }
    /* Never wider than the manifest. */
    manifest.file_count = manifest.connect_count = 0;
    manifest.layers = ALLOW_DEFAULT;
    bounds.grants = ~0u;
    assert_int_equal(pvm_grants(&manifest, &bounds), 0);
}

/* What comes from the supervisor may be mapped with its code; nothing is ever written and run. */
static void files_are_mapped_with_the_grant_to_link_alone(void **state)
{
    (void)state;
    const long code = PROT_READ | PROT_EXEC, all = code | PROT_WRITE;
    const struct call map_code = {"map_code", __NR_mmap, {0, 4096, code, MAP_PRIVATE, -1, 0}};
    const struct call map_all = {
        "map_all", __NR_mmap, {0, 4096, all, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}};
    const struct call map_write_code = {
        "map_write_code", __NR_mmap, {0, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE}};
    const struct call map_shared = {
        "map_shared", __NR_mmap, {0, 4096, PROT_READ, MAP_SHARED, -1, 0}};
    const struct call protect = {"protect", __NR_mprotect, {0, 4096, code}};
    const struct call huge = {
        "huge", __NR_mmap, {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0}};
    const struct call send = {"send", __NR_sendmsg, {-1}};

    killed(ALL_GRANTS, &map_code);
    allowed(GUEST_GRANT_LINK, &map_code);
    killed(GUEST_GRANT_LINK, &map_all);
    killed(GUEST_GRANT_LINK, &map_write_code);
    killed(GUEST_GRANT_LINK, &map_shared);
    killed(GUEST_GRANT_LINK, &protect);
    killed(GUEST_GRANT_LINK, &huge);
    killed(GUEST_GRANT_LINK, &send);
}

static void clone3_is_answered_not_there(void **state)
{
    (void)state;
    const struct call clone3 = {"clone3", __NR_clone3, {0, 0}};
    int status = attempt(0, &clone3, ENOSYS);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void the_base_table_has_at_most_25_calls(void **state)
{
    (void)state;
    size_t count = 0;
#define SYSCALL(name, grants, rule) count += (grants) == 0;
#include "guest/syscalls.h"
#undef SYSCALL
    assert_in_range(count, 1, 25);
}

static void proved_code_has_its_call_loop_and_no_more(void **state)
{
    (void)state;
    const struct call kept[] = {
        {"futex", __NR_futex, {(long)&one, FUTEX_WAKE, 1}},
        {"write to the event", __NR_write, {INSTANCE_EVENT_FD, (long)&one, sizeof one}},
        {"sched_yield", __NR_sched_yield, {0}},
    };
    const struct call gone[] = {
        {"mprotect", __NR_mprotect, {0}},
        {"munmap", __NR_munmap, {0}},
        {"brk", __NR_brk, {0}},
        {"madvise", __NR_madvise, {0}},
        {"clock_gettime", __NR_clock_gettime, {0}},
        {"getrandom", __NR_getrandom, {0}},
        {"read", __NR_read, {INSTANCE_EVENT_FD}},
    };
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        allowed(PROVED, &kept[i]);
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        killed(PROVED, &gone[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_table_has_ends_the_process),
        cmocka_unit_test(proved_code_has_its_call_loop_and_no_more),
        cmocka_unit_test(memory_can_not_become_code),
        cmocka_unit_test(arguments_that_reach_others_end_the_process),
        cmocka_unit_test(the_base_table_writes_to_its_event_only),
        cmocka_unit_test(what_the_table_has_works),
        cmocka_unit_test(connections_are_used_and_not_made),
        cmocka_unit_test(a_family_forks_and_signals_with_its_grant_alone),
        cmocka_unit_test(proved_code_has_less_of_each_grant),
        cmocka_unit_test(calls_that_are_proved_make_the_grants),
        cmocka_unit_test(files_are_mapped_with_the_grant_to_link_alone),
        cmocka_unit_test(clone3_is_answered_not_there),
        cmocka_unit_test(the_base_table_has_at_most_25_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
