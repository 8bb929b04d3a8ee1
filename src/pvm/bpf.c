/* The broker of eBPF and its reader, as processes. */
#include "pvm/bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "bpf/broker.h"

#define TRACING "/sys/kernel/tracing/events"
#define TRACING_FUNCTIONS "/sys/kernel/tracing/available_filter_functions"
#define DESCRIPTORS 16384 /* a map, program or link each */
#define PROCESSES 8192    /* a session for each instance */
_Static_assert(CGROUP_CHARGE_MAX <= BROKER_CHARGES_MAX, "a session enters all");

void pvm_spawned_end(struct spawned *process)
{
    siginfo_t info;

    if (process->pidfd < 0)
        return;
    syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0);
    while (waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED) < 0 && errno == EINTR)
        ;
    closep(&process->pidfd);
    process->pidfd = -1;
}

void pvm_bpf_end(struct pvm_bpf *bpf)
{
    closep(&bpf->socket);
    bpf->socket = -1;
    /* Both at once: each takes its namespaces apart for a while. */
    if (bpf->reader.pidfd >= 0)
        syscall(SYS_pidfd_send_signal, bpf->reader.pidfd, SIGKILL, NULL, 0);
    pvm_spawned_end(&bpf->broker);
    pvm_spawned_end(&bpf->reader);
}

/* What parses is nobody, nowhere: it has the kernel's type information and configuration (of
 * `extern int CONFIG_HZ __kconfig`) to look at, and a socket. */
static int start_reader(const struct pvm_bpf_options *options, int socket, struct spawned *ret,
                        struct err *err)
{
    char boot[sizeof "/boot/config-" + sizeof((struct utsname *)0)->release] = "";
    struct utsname kernel;
    if (uname(&kernel) == 0)
        snprintf(boot, sizeof boot, "/boot/config-%s", kernel.release);
    const struct spawn_mount mounts[] = {
        {.source = "/sys/kernel/btf/vmlinux",
         .target = "/sys/kernel/btf/vmlinux",
         .optional = true},
        {.source = "/sys/devices/system/cpu/possible",
         .target = "/sys/devices/system/cpu/possible"},
        {.source = "/proc/config.gz", .target = "/proc/config.gz", .optional = true},
        {.source = boot, .target = boot, .optional = true},
    };
    char *argv[] = {(char[]){"vireo-bpf"}, options->prepare ? (char[]){"prepare"} : NULL, NULL};
    /* Huge pages for what it parses: a fifth of the faults, and quicker forks. */
    char *envp[] = {(char[]){"GLIBC_TUNABLES=glibc.malloc.hugetlb=1"}, NULL};
    const int fds[] = {-1, -1, 2, socket};
    const struct spawn_options spawn = {
        .what = "the reader of eBPF objects",
        .namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                      CLONE_NEWUTS | CLONE_NEWCGROUP,
        .uid = options->reader_uid,
        .gid = options->reader_uid,
        .mounts = mounts,
        .mount_count = ARRAY_LEN(mounts),
        .clone_group_fd = -1,
        .fds = fds,
        .fd_count = ARRAY_LEN(fds),
        .program_fd = options->reader_fd,
        .argv = argv,
        .envp = envp,
        .rlimit_processes = 64,
    };

    return spawn_process(&spawn, ret, err);
}

/* Its capabilities are the machine's own, so it has no user namespace: it drops what it does not
 * need itself (bpf/confine.c), and sees nothing but what attaching reads. Pids are the machine's:
 * uprobes name them. Its sessions end with it by PR_SET_PDEATHSIG. */
static int start_broker(const struct pvm_bpf_options *options, int socket, int reader,
                        struct spawned *ret, struct err *err)
{
    static const struct spawn_mount mounts[] = {
        {.source = "/sys/bus/event_source/devices", .target = BROKER_SOURCES, .optional = true},
        {.source = "/sys/devices", .target = "/sys/devices", .optional = true},
        {.source = "/sys/kernel/btf/vmlinux",
         .target = "/sys/kernel/btf/vmlinux",
         .optional = true},
    };
    /* Debian has it mounted; not every machine. What is mounted keeps its options. */
    static const struct spawn_mount everything = {
        .filesystem = "tracefs", .target = BROKER_TRACING_ALL, .optional = true};
    static const struct spawn_mount parts[] = {
        {.source = TRACING, .target = BROKER_TRACING, .optional = true},
        {.source = TRACING_FUNCTIONS, .target = BROKER_FUNCTIONS, .optional = true},
    };
    struct spawn_mount all[ARRAY_LEN(mounts) + 3];
    size_t count = ARRAY_LEN(mounts);
    char uid[16];
    char *argv[] = {(char[]){"vireo-broker"}, uid, NULL}, *envp[] = {NULL};
    const int fds[] = {-1, -1, 2, socket, reader};
    const char *groups =
        access("/sys/fs/cgroup/unified", F_OK) == 0 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";

    memcpy(all, mounts, sizeof mounts);
    all[count++] =
        (struct spawn_mount){.source = groups, .target = BROKER_GROUPS, .optional = true};
    bool mounted = access(TRACING, F_OK) == 0;
    all[count++] = mounted ? parts[0] : everything;
    if (mounted)
        all[count++] = parts[1];
    snprintf(uid, sizeof uid, "%u", (unsigned)options->broker_uid);
    const struct spawn_options spawn = {
        .what = "the broker of eBPF",
        .namespaces = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS,
        .mounts = all,
        .mount_count = count,
        .clone_group_fd = -1,
        .fds = fds,
        .fd_count = ARRAY_LEN(fds),
        .program_fd = options->broker_fd,
        .argv = argv,
        .envp = envp,
        .keep_capabilities = true,
        .rlimit_descriptors = DESCRIPTORS,
        .rlimit_processes = PROCESSES,
    };
    return spawn_process(&spawn, ret, err);
}

int pvm_bpf_start_on(const struct pvm_bpf_options *options, int socket, struct pvm_bpf *ret_bpf,
                     struct err *err)
{
    struct pvm_bpf bpf = {.broker.pidfd = -1, .reader.pidfd = -1, .socket = -1};
    int reader[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, reader) < 0)
        return err_set(err, -errno, "cannot start the broker of eBPF");
    int r = start_reader(options, reader[1], &bpf.reader, err);
    if (r == 0)
        r = start_broker(options, socket, reader[0], &bpf.broker, err);
    fd_close_all(reader, 2);
    if (r < 0) {
        pvm_bpf_end(&bpf);
        return r;
    }
    *ret_bpf = bpf;
    return 0;
}

int pvm_bpf_start(const struct pvm_bpf_options *options, struct pvm_bpf *ret_bpf, struct err *err)
{
    int control[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
        return err_set(err, -errno, "cannot start the broker of eBPF");
    int r = pvm_bpf_start_on(options, control[1], ret_bpf, err);
    close(control[1]);
    if (r < 0)
        close(control[0]);
    else
        ret_bpf->socket = control[0];
    return r;
}

void pvm_bpf_forget(int broker_socket, uint64_t owner)
{
    const struct broker_instance message = {.version = BROKER_VERSION, .owner = owner, .forget = 1};

    if (broker_socket >= 0)
        (void)fd_send(broker_socket, &message, sizeof message, NULL, 0);
}

int pvm_bpf_pair(int broker_socket, const char *function, uint64_t owner,
                 const struct bpf_policy *policy, const struct cgroup *group, int *ret_fd,
                 struct err *err)
{
    struct broker_instance message = {.version = BROKER_VERSION, .owner = owner, .policy = *policy};
    int sockets[2], tasks[CGROUP_TREES_MAX], group_fd = -1, fds[3 + CGROUP_CHARGE_MAX];
    int charges[CGROUP_CHARGE_MAX] = {-1, -1};
    size_t count = 0;

    snprintf(message.function, sizeof message.function, "%s", function);
    if (policy->host && !getcwd(message.directory, sizeof message.directory))
        message.directory[0] = '\0'; /* one that is too long: they begin at the root */
    if (group)
        (void)cgroup_entry_fds(group, &group_fd, tasks);
    _cleanup_(closep) int root = policy->host ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    const int charge_count = group ? cgroup_charge_fds(group, charges) : 0;
    if (charge_count < 0)
        return err_set(err, charge_count, "cannot start '%s': open its control group to the broker",
                       function);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
        int error = -errno;
        fd_close_all(charges, (size_t)charge_count);
        return err_set(err, error, "cannot start '%s'", function);
    }
    fds[count++] = sockets[1];
    message.has_group = group_fd >= 0;
    if (group_fd >= 0)
        fds[count++] = group_fd;
    message.charge_count = (uint8_t)charge_count;
    for (int i = 0; i < charge_count; i++)
        fds[count++] = charges[i];
    message.has_root = root >= 0;
    if (root >= 0)
        fds[count++] = root;
    int r = fd_send(broker_socket, &message, sizeof message, fds, count);
    close(sockets[1]);
    fd_close_all(charges, (size_t)charge_count);
    if (r < 0) {
        close(sockets[0]);
        return err_set(err, r, "cannot start '%s': tell the broker of eBPF", function);
    }
    *ret_fd = sockets[0];
    return 0;
}
