/*
 * The child's half of a start, from clone to exec, in an order that matters: group first (what
 * follows is charged to it), ids before mounts (files get mapped owners), capabilities last.
 *
 * The parent may have threads, so this is async-signal-safe throughout: system calls on what
 * spawn.c prepared.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pvm/spawn_internal.h"

_Noreturn static void give_up(const struct spawn_plan *plan, const struct spawn_failure *failure)
{
    /* If the parent is gone nobody wants to know. */
    ssize_t ignored = write(plan->status_fd, failure, sizeof *failure);
    (void)ignored;
    _exit(127);
}

_Noreturn static void fail(const struct spawn_plan *plan, enum spawn_step step)
{
    give_up(plan, &(struct spawn_failure){.step = (int)step, .code = errno});
}

/*
 * The kernel sends SIGKILL when the thread that cloned us ends. It forgets this at each change of
 * ids, so it is asked again after those. A parent that died just before is seen through its pidfd:
 * getppid() can't tell, it is 0 in a new pid namespace anyway.
 */
static void die_with_parent(const struct spawn_plan *plan)
{
    struct pollfd parent = {.fd = plan->parent_fd, .events = POLLIN};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || poll(&parent, 1, 0) < 0)
        fail(plan, SPAWN_PARENT);
    if (parent.revents)
        _exit(127);
}

/* Handlers of the parent mean nothing here, and what it ignores the program shall not ignore. */
static void reset_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        sigaction(number, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* v1 trees: one write each, quick only while we have a single thread (FACTS.md). */
static void join_groups(const struct spawn_plan *plan)
{
    const struct spawn_options *options = plan->options;

    for (size_t i = 0; i < options->task_fd_count; i++)
        if (write(options->task_fds[i], "0", 1) != 1)
            fail(plan, SPAWN_GROUP);
    /* The namespace's root is the group we are in: so it is made after joining, not at the clone.
     */
    if (options->task_fd_count > 0 && (options->namespaces & CLONE_NEWCGROUP) &&
        unshare(CLONE_NEWCGROUP) < 0)
        fail(plan, SPAWN_GROUP);
}

static void take_ids(const struct spawn_plan *plan, bool clear_groups, uid_t uid, gid_t gid)
{
    /* The raw calls: libc's would wait for the other threads, which this copy does not have. */
    if (clear_groups && syscall(SYS_setgroups, 0, NULL) < 0)
        fail(plan, SPAWN_IDS);
    if (syscall(SYS_setresgid, gid, gid, gid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0)
        fail(plan, SPAWN_IDS);
}

/* Waits until the parent has written the id maps; says whether groups can be given up. */
static bool wait_for_maps(const struct spawn_plan *plan)
{
    uint64_t go = 0;
    ssize_t n;

    do
        n = read(plan->go_fd, &go, sizeof go);
    while (n < 0 && errno == EINTR);
    if (n != sizeof go)
        fail(plan, SPAWN_IDS);
    return go == SPAWN_GO_CLEAR_GROUPS;
}

/*
 * Puts the program's descriptors on 0..n-1. First everything that is still needed moves above n, so
 * that no dup2 overwrites what a later one reads; the rest is closed by the exec.
 */
static void place_descriptors(struct spawn_plan *plan, int *program_fd)
{
    const struct spawn_options *options = plan->options;
    int count = (int)options->fd_count;
    int above[SPAWN_FDS_MAX];

    int status_fd = fcntl(plan->status_fd, F_DUPFD_CLOEXEC, count);
    int parent_fd = fcntl(plan->parent_fd, F_DUPFD_CLOEXEC, count);
    *program_fd = fcntl(options->program_fd, F_DUPFD_CLOEXEC, count);
    if (status_fd < 0 || parent_fd < 0 || *program_fd < 0)
        fail(plan, SPAWN_FDS);
    plan->status_fd = status_fd;
    plan->parent_fd = parent_fd;

    for (int i = 0; i < count; i++) {
        int from = options->fds[i] < 0 ? plan->null_fd : options->fds[i];
        above[i] = fcntl(from, F_DUPFD_CLOEXEC, count);
        if (above[i] < 0)
            fail(plan, SPAWN_FDS);
    }
    for (int i = 0; i < count; i++)
        if (dup3(above[i], i, 0) < 0)
            fail(plan, SPAWN_FDS);
    if (close_range((unsigned)count, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        fail(plan, SPAWN_FDS);
}

/* Lowers a limit, soft and hard. One that is lower already stays: raising needs a capability. */
static void limit(const struct spawn_plan *plan, __rlimit_resource_t resource, uint64_t value)
{
    struct rlimit now;

    if (getrlimit(resource, &now) < 0)
        fail(plan, SPAWN_LIMITS);
    if (now.rlim_max == RLIM_INFINITY || value < now.rlim_max)
        now.rlim_max = value;
    now.rlim_cur = now.rlim_max;
    if (setrlimit(resource, &now) < 0)
        fail(plan, SPAWN_LIMITS);
}

static void set_limits(const struct spawn_plan *plan)
{
    const struct spawn_options *options = plan->options;

    /* A core file would hold the tenant's memory, somewhere on the host. */
    limit(plan, RLIMIT_CORE, 0);
    if (options->rlimit_file_bytes)
        limit(plan, RLIMIT_FSIZE, options->rlimit_file_bytes);
    if (options->rlimit_cpu_seconds)
        limit(plan, RLIMIT_CPU, options->rlimit_cpu_seconds);
    if (options->rlimit_descriptors)
        limit(plan, RLIMIT_NOFILE, options->rlimit_descriptors);
    if (options->rlimit_processes)
        limit(plan, RLIMIT_NPROC, options->rlimit_processes);
}

/* No exec gives a capability back: not by being root, not by file capabilities, not as ambient. */
static void close_ways_back(const struct spawn_plan *plan)
{
    static const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
                                      SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                      SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                      SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
        fail(plan, SPAWN_CAPABILITIES);
    /* The kernel's last capability is where it starts to say EINVAL. */
    for (unsigned capability = 0; capability < 64; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
            if (errno == EINVAL && capability > CAP_SETPCAP)
                break;
            fail(plan, SPAWN_CAPABILITIES);
        }
}

static void drop_capabilities(const struct spawn_plan *plan)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
        syscall(SYS_capset, &header, none) < 0)
        fail(plan, SPAWN_CAPABILITIES);
}

_Noreturn void spawn_child(const struct spawn_plan *shared)
{
    struct spawn_plan plan = *shared;
    const struct spawn_options *options = plan.options;
    struct spawn_failure failure;
    int program_fd;

    die_with_parent(&plan);
    reset_signals();
    join_groups(&plan);
    setsid(); /* no controlling terminal to push input into */

    bool own_users = (options->namespaces & CLONE_NEWUSER) != 0;
    bool clear_groups = wait_for_maps(&plan);
    if (own_users) {
        take_ids(&plan, clear_groups, 0, 0);
        die_with_parent(&plan);
    }
    /* The host's name is not the tenant's business. */
    if ((options->namespaces & CLONE_NEWUTS) && sethostname("vireo", 5) < 0)
        fail(&plan, SPAWN_IDS);
    if ((options->namespaces & CLONE_NEWNS) && spawn_enter_root(&plan, &failure) < 0)
        give_up(&plan, &failure);
    place_descriptors(&plan, &program_fd);
    set_limits(&plan);

    if (!options->keep_capabilities)
        close_ways_back(&plan);
    if (!own_users) {
        take_ids(&plan, clear_groups, options->uid, options->gid);
        die_with_parent(&plan);
    }
    if (!options->keep_capabilities)
        drop_capabilities(&plan);
    if (!options->new_privileges_ok && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail(&plan, SPAWN_CAPABILITIES);

    execveat(program_fd, "", options->argv, options->envp, AT_EMPTY_PATH);
    fail(&plan, SPAWN_EXECUTE);
}
