/*
 * The trusted side of a stage: starts vireo-build behind its walls, moves bytes in and out with a
 * limit on each, and ends it. Not one byte of what comes out is interpreted here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build.h"
#include "build/diagnostics.h"
#include "build/sandbox.h"
#include "cgroup/cgroup.h"
#include "pvm/spawn.h"

#define TIMEOUT_MS 600000
#define MEMORY_BYTES                                                            \
    (3ULL << 30) /* of each process, and of all together where there is a group \
                  */
#define SCRATCH_BYTES (1ULL << 30)
#define FILE_BYTES (512ULL << 20)
#define PROCESSES 128

struct sandbox {
    const struct build_options *options;
    char function[NAME_MAX_BYTES + 1];
    int program_fd;
    int64_t deadline_ms; /* CLOCK_MONOTONIC */
    uint64_t memory_bytes;
    struct cgroup_root *group_root; /* NULL: no groups */
    struct cgroup_pool *group_pool;
};

/* One stage that runs. */
struct running {
    struct sandbox *sandbox;
    const struct sandbox_stage *stage;
    struct spawned child;
    struct cgroup *group;
    int output_pipe, log_pipe; /* our ends */
    int output_fd;             /* memfd */
    uint64_t output_size;
    char *log;
    size_t log_size;
    const char *limit; /* which one it hit, for the message; NULL: none */
    int limit_code;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_groups(struct sandbox *sandbox, struct err *err)
{
    const char *name = sandbox->options->cgroup_name;

    if (!name || !*name)
        return 0;
    int r = cgroup_root_open(name, &sandbox->group_root, err);
    if (r < 0)
        return r;
    return cgroup_pool_new(sandbox->group_root, 0, &sandbox->group_pool, err);
}

DEFINE_CLEANUP(struct sandbox, sandbox_close)

int sandbox_open(const struct build_options *options, const char *function,
                 struct sandbox **ret_sandbox, struct err *err)
{
    char path[4096];

    _cleanup_(sandbox_closep) struct sandbox *sandbox = calloc(1, sizeof *sandbox);
    if (!sandbox)
        return err_set(err, -ENOMEM, "cannot build '%s'", function);
    sandbox->options = options;
    snprintf(sandbox->function, sizeof sandbox->function, "%s", function);
    uint32_t timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
    sandbox->deadline_ms = now_ms() + timeout_ms;
    sandbox->memory_bytes = options->memory_bytes ? options->memory_bytes : MEMORY_BYTES;
    const char *program = options->program ? options->program : "vireo-build";
    snprintf(path, sizeof path, "%s/%s", options->program_dir, program);
    sandbox->program_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (sandbox->program_fd < 0)
        return err_set(err, -errno, "cannot open '%s'", path);
    int r = open_groups(sandbox, err);
    if (r < 0)
        return r;
    *ret_sandbox = steal_ptr(&sandbox);
    return 0;
}

void sandbox_close(struct sandbox *sandbox)
{
    if (!sandbox)
        return;
    if (sandbox->group_pool)
        cgroup_pool_free(sandbox->group_pool);
    cgroup_root_close(sandbox->group_root);
    if (sandbox->program_fd >= 0)
        close(sandbox->program_fd);
    free(sandbox);
}

void sandbox_output_clear(struct sandbox_output *output)
{
    if (output->fd >= 0)
        close(output->fd);
    free(output->log);
    *output = (struct sandbox_output){.fd = -1};
}

static void running_clear(struct running *running)
{
    fd_close_all(
        (int[]){running->output_pipe, running->log_pipe, running->output_fd, running->child.pidfd},
        4);
    if (running->group)
        cgroup_pool_put(running->sandbox->group_pool, running->group, true);
    free(running->log);
}

static int take_group(struct running *running, struct err *err)
{
    struct sandbox *sandbox = running->sandbox;

    if (!sandbox->group_pool)
        return 0;
    struct cgroup_limits limits = {.memory_bytes = sandbox->memory_bytes, .pids = PROCESSES};
    return cgroup_pool_take(sandbox->group_pool, &limits, &running->group, err);
}

/*
 * Only what compilers need of the host: their programs, libraries and headers. /usr/local,
 * /usr/share and /etc are not there; nor is /proc, nor any device but null. Debian 12 has its /usr
 * merged: /lib and /lib64, which programs name their loader by, are the same directories.
 */
static const struct spawn_mount MOUNTS[] = {
    {.source = "/usr/bin", .target = "/usr/bin", .exec = true},
    {.source = "/usr/lib", .target = "/usr/lib", .exec = true},
    {.source = "/usr/lib64", .target = "/usr/lib64", .exec = true, .optional = true},
    {.source = "/usr/libexec", .target = "/usr/libexec", .exec = true, .optional = true},
    {.source = "/usr/include", .target = "/usr/include"},
    {.source = "/usr/share/wasi-sysroot", .target = "/usr/share/wasi-sysroot", .optional = true},
    {.source = "/usr/lib", .target = "/lib", .exec = true},
    {.source = "/usr/lib64", .target = "/lib64", .exec = true, .optional = true},
    {.source = "/dev/null", .target = "/dev/null", .device = true},
    {.source = NULL, .target = STAGE_SCRATCH, .tmpfs_bytes = SCRATCH_BYTES, .writable = true},
};

static int start(struct running *running, struct err *err)
{
    struct sandbox *sandbox = running->sandbox;
    const struct sandbox_stage *stage = running->stage;
    const char *argv[SANDBOX_ARGS_MAX + 8];
    char what[96], memory[24], cpu[16];
    int output[2], log[2], tasks[CGROUP_TREES_MAX], clone_fd = -1;
    size_t count = 0;

    snprintf(memory, sizeof memory, "%llu", (unsigned long long)sandbox->memory_bytes);
    snprintf(cpu, sizeof cpu, "%u", stage->cpu_seconds);
    argv[count++] = sandbox->options->program ? sandbox->options->program : "vireo-build";
    argv[count++] = stage->name;
    argv[count++] = memory;
    argv[count++] = cpu;
    for (const char *const *arg = stage->args; arg && *arg; arg++) {
        if (count > SANDBOX_ARGS_MAX)
            return err_set(err, -E2BIG, "cannot build '%s'", sandbox->function);
        argv[count++] = *arg;
    }
    argv[count] = NULL;

    if (pipe2(output, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot build '%s': make a pipe", sandbox->function);
    running->output_pipe = output[0];
    _cleanup_(closep) int output_end = output[1];
    if (pipe2(log, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot build '%s': make a pipe", sandbox->function);
    running->log_pipe = log[0];
    _cleanup_(closep) int log_end = log[1];
    /* Fewer, larger pieces; the default size does as well. */
    (void)fcntl(output[0], F_SETPIPE_SZ, 1 << 20);

    int entered = running->group ? cgroup_entry_fds(running->group, &clone_fd, tasks) : 0;
    if (entered < 0)
        return err_set(err, entered, "cannot build '%s': enter its control group",
                       sandbox->function);
    snprintf(what, sizeof what, "the build of '%s'", sandbox->function);
    bool as_root = geteuid() == 0 && !sandbox->options->rootless;
    static char *const environment[] = {"PATH=/usr/bin", "LC_ALL=C", "TMPDIR=" STAGE_SCRATCH "/tmp",
                                        "HOME=" STAGE_SCRATCH, NULL};
    struct spawn_options options = {
        .what = what,
        .namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                      CLONE_NEWUTS | CLONE_NEWCGROUP,
        .uid = as_root ? sandbox->options->uid : geteuid(),
        .gid = as_root ? (gid_t)sandbox->options->uid : getegid(),
        .mounts = MOUNTS,
        .mount_count = ARRAY_LEN(MOUNTS),
        .clone_group_fd = clone_fd,
        .task_fds = tasks,
        .task_fd_count = (size_t)entered,
        .fds = (int[]){stage->input_fd, output_end, log_end},
        .fd_count = 3,
        .program_fd = sandbox->program_fd,
        .argv = (char *const *)argv,
        .envp = environment,
        .rlimit_file_bytes = FILE_BYTES,
        .rlimit_descriptors = 256,
        .rlimit_processes = PROCESSES,
    };
    return spawn_process(&options, &running->child, err);
}

/* It is the init of its pid namespace: all that it started ends with it. */
static void end_now(struct running *running, int code, const char *limit)
{
    if (!running->limit) {
        running->limit = limit;
        running->limit_code = code;
    }
    syscall(SYS_pidfd_send_signal, running->child.pidfd, SIGKILL, NULL, 0);
}

/* Moves what is in the output pipe into the memfd. 1 while there may be more, 0 at the end. */
static int drain_output(struct running *running)
{
    ssize_t n = splice(running->output_pipe, NULL, running->output_fd, NULL, 1 << 20,
                       SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 1 : -errno;
    running->output_size += (uint64_t)n;
    if (running->output_size > running->stage->output_max) {
        end_now(running, -EFBIG, "its result is too large");
        return 0;
    }
    return n > 0;
}

static int drain_log(struct running *running)
{
    char beyond[4096];
    size_t room = SANDBOX_LOG_BYTES - running->log_size;

    /* The rest is read too, and dropped: a compiler that talks must not block. */
    ssize_t n = read(running->log_pipe, room ? running->log + running->log_size : beyond,
                     room ? room : sizeof beyond);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 1 : -errno;
    if (room)
        running->log_size += (size_t)n;
    return n > 0;
}

/* Until both pipes are at their ends: every process in the sandbox that had them is gone. */
static int attend(struct running *running)
{
    struct pollfd polls[] = {
        {.fd = running->output_pipe, .events = POLLIN},
        {.fd = running->log_pipe, .events = POLLIN},
        {.fd = running->child.pidfd, .events = POLLIN},
        {.fd = running->sandbox->options->stop_fd ? running->sandbox->options->stop_fd : -1,
         .events = POLLIN},
    };

    while (polls[0].fd >= 0 || polls[1].fd >= 0 || polls[2].fd >= 0) {
        int64_t left = running->sandbox->deadline_ms - now_ms();
        if (left <= 0) {
            end_now(running, -ETIME, "it took too long");
            left = -1; /* SIGKILL is on its way: what is left is to wait for the ends */
        }
        int r = poll(polls, ARRAY_LEN(polls), left > INT32_MAX ? INT32_MAX : (int)left);
        if (r < 0 && errno != EINTR)
            return -errno;
        if (r <= 0)
            continue;
        if (polls[0].revents) {
            r = drain_output(running);
            if (r < 0)
                return r;
            if (r == 0)
                polls[0].fd = -1;
        }
        if (polls[1].revents) {
            r = drain_log(running);
            if (r < 0)
                return r;
            if (r == 0)
                polls[1].fd = -1;
        }
        if (polls[2].revents)
            polls[2].fd = -1;
        if (polls[3].revents) {
            end_now(running, -ECANCELED, "it was stopped");
            polls[3].fd = -1;
        }
    }
    return 0;
}

/* What the exit says, after the limits that we saw ourselves. */
static int judge(struct running *running, const siginfo_t *info, struct err *err)
{
    const char *function = running->sandbox->function;
    const char *stage = running->stage->name;
    struct cgroup_events events = {0};

    if (running->limit)
        return err_say(err, running->limit_code, "cannot build '%s': %s: %s", function, stage,
                       running->limit);
    if (running->group)
        (void)cgroup_read_events(running->group, &events);
    if (events.oom_kills > 0 || diagnostics_out_of_memory(running->log)) {
        char bytes[32];
        manifest_bytes_text(running->sandbox->memory_bytes, bytes, sizeof bytes);
        return err_say(err, -ENOMEM, "cannot build '%s': %s: memory limit %s reached", function,
                       stage, bytes);
    }
    int status = info->si_code == CLD_EXITED ? info->si_status : -info->si_status;
    char line[256];
    diagnostics_first(running->log, line, sizeof line);
    switch (status) {
    case STAGE_OK:
        return 0;
    case STAGE_TIME:
        return err_say(err, -ETIME, "cannot build '%s': %s: CPU time limit %u s reached", function,
                       stage, running->stage->cpu_seconds);
    case STAGE_SIZE:
        return err_say(err, -EFBIG, "cannot build '%s': %s: a file grew too large", function,
                       stage);
    case STAGE_REFUSED:
        return err_say(err, -EINVAL, "cannot build '%s': %s", function,
                       *line ? line : "the compiler refused it");
    case STAGE_FORBIDDEN:
        /* Its own words, behind what marks them among a compiler's. */
        return err_say(err, -EPERM, "cannot update '%s' in place: %s", function,
                       strncmp(line, "error: ", 7) == 0 ? line + 7 : line);
    default:
        return err_say(err, -EPROTO, "cannot build '%s': %s failed (%s %d)%s%s", function, stage,
                       status < 0 ? "signal" : "status", abs(status), *line ? ": " : "", line);
    }
}

static int seal_output(struct running *running, struct err *err)
{
    if (fcntl(running->output_fd, F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ||
        lseek(running->output_fd, 0, SEEK_SET) < 0)
        return err_set(err, -errno, "cannot build '%s': seal a result", running->sandbox->function);
    return 0;
}

int sandbox_run(struct sandbox *sandbox, const struct sandbox_stage *stage,
                struct sandbox_output *ret_output, struct err *err)
{
    _cleanup_(running_clear) struct running running = {
        .sandbox = sandbox,
        .stage = stage,
        .child.pidfd = -1,
        .output_pipe = -1,
        .log_pipe = -1,
        .output_fd = -1,
    };
    siginfo_t info = {0};

    *ret_output = (struct sandbox_output){.fd = -1};
    running.log = calloc(1, SANDBOX_LOG_BYTES + 1);
    running.output_fd = memfd_create("build", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (!running.log || running.output_fd < 0)
        return err_set(err, running.log ? -errno : -ENOMEM, "cannot build '%s'", sandbox->function);
    if (lseek(stage->input_fd, 0, SEEK_SET) < 0)
        return err_set(err, -errno, "cannot build '%s'", sandbox->function);
    int r = take_group(&running, err);
    if (r == 0)
        r = start(&running, err);
    if (r < 0)
        return r;

    r = attend(&running);
    if (r < 0)
        end_now(&running, r, "it could not be attended");
    while (waitid(P_PIDFD, (id_t)running.child.pidfd, &info, WEXITED | __WALL) < 0 &&
           errno == EINTR)
        ;
    diagnostics_clean(running.log, running.log_size);
    r = judge(&running, &info, err);
    if (r == 0)
        r = seal_output(&running, err);
    ret_output->log = steal_ptr(&running.log);
    if (r < 0)
        return r;
    ret_output->fd = steal_fd(&running.output_fd);
    ret_output->size = (size_t)running.output_size;
    return 0;
}
