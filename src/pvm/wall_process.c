/*
 * The process wall: a template in namespaces of its own, with an empty root, as its function's uid;
 * instances are its forks. What stands round a pVM is put up in two places: spawn.c before the
 * guest program is executed, guest/template.c and guest/instance.c after it.
 *
 * The network namespace is the caller's: the supervisor lives in an empty one (no interface is up
 * in it, lo neither) and shares it with every template. Sharing is safe because no table has a call
 * that makes a socket, and abstract UNIX sockets, the only names in it, can't be reached without
 * one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/manifest.h"
#include "cgroup/cgroup.h"
#include "guest/template.h"
#include "pvm/template_internal.h"
#include "pvm/spawn.h"
#include "vkernel/scheduling.h"

/* To be linked and ready; a library of the largest size takes well under a second. */
#define READY_TIMEOUT_MS 10000
#define WASM_PAGE_BYTES 65536u
/* A template that reads nothing for so long is stuck: its caller ends it as a whole. */
#define KILL_TRIES 10
#define KILL_TRY_MS 10

DEFINE_CLEANUP(struct pvm_template, pvm_template_free)

/* Appends a NUL-terminated string to the message's text. */
static int setup_add_text(struct guest_setup *setup, const char *text)
{
    size_t length = strlen(text) + 1;

    if (length > sizeof setup->text - setup->text_bytes)
        return -E2BIG;
    memcpy(setup->text + setup->text_bytes, text, length);
    setup->text_bytes += (uint32_t)length;
    return 0;
}

/* The variables, in place: a secret has no other copy here than the one that is wiped. */
static int setup_add_env(struct guest_setup *setup, const struct pvm_template_options *options,
                         struct err *err)
{
    const struct manifest *manifest = options->manifest;
    uint32_t before = setup->text_bytes;

    for (uint32_t i = 0; i < manifest->env_count; i++) {
        const struct manifest_env *env = &manifest->env[i];
        const char *value = env->file[0] && options->secrets ? options->secrets[i] : env->value;
        if (env->file[0] && (!options->secrets || !value))
            return err_say(err, -EINVAL, "cannot pass the environment of '%s': '%s' has no value",
                           options->function, env->name);
        size_t room = sizeof setup->text - setup->text_bytes;
        int n = snprintf(setup->text + setup->text_bytes, room, "%s=%s", env->name, value);
        if (n < 0 || (size_t)n >= room ||
            setup->text_bytes + (uint32_t)n + 1 - before > GRANT_ENV_TOTAL_BYTES)
            return err_say(err, -E2BIG,
                           "cannot pass the environment of '%s': with '%s' it is longer than %d "
                           "bytes",
                           options->function, env->name, GRANT_ENV_TOTAL_BYTES);
        setup->text_bytes += (uint32_t)n + 1;
    }
    setup->env_count = manifest->env_count;
    if (manifest->listen_count == 0)
        return 0;
    /* As systemd says it, but that there they begin at 3. */
    char line[64];
    snprintf(line, sizeof line, "LISTEN_FDS=%u", manifest->listen_count);
    int r = setup_add_text(setup, line);
    snprintf(line, sizeof line, "LISTEN_FDS_FIRST=%u", 3 + manifest->file_count);
    if (r == 0)
        r = setup_add_text(setup, line);
    setup->env_count += 2;
    return r < 0 ? err_set(err, r, "cannot pass the environment of '%s'", options->function) : 0;
}

/* Its text may hold secrets. */
void guest_setup_freep(struct guest_setup **setup)
{
    if (*setup)
        explicit_bzero(*setup, sizeof **setup);
    free(*setup);
}

/* adaptive begins as normal: its group has done nothing yet. `called`: by a channel. */
static void setup_scheduling(struct guest_setup *setup, const struct vkernel *vkernel, bool called)
{
    enum vkernel_policy policy = vkernel->sched.policy;
    bool is_default = policy == VKERNEL_POLICY_DEFAULT;

    if (is_default && vkernel->sched.slice_us == 0 && !called)
        return;
    struct vk_sched sched = is_default ? vk_sched_own(called, vkernel->sched.slice_us)
                                       : vk_sched_of(policy, vkernel->sched.slice_us);
    setup->sched_said = 1;
    setup->sched_policy = sched.policy;
    setup->slice_ns = sched.slice_ns;
}

int template_setup_fill(struct guest_setup *setup, const struct pvm_template_options *options,
                        struct err *err)
{
    const struct manifest *manifest = options->manifest;
    uint64_t pages = manifest->limits.memory_bytes / WASM_PAGE_BYTES;

    setup->type = GUEST_SETUP;
    setup->protocol = GUEST_PROTOCOL;
    setup->memory_pages_max = pages > 65535 ? 65535 : (uint32_t)pages;
    setup->stack_bytes = manifest->limits.stack_bytes;
    setup->http_cgi = manifest->http_cgi;
    setup->grants = pvm_grants(manifest) | (options->real_stdio ? GUEST_GRANT_STDIO : 0) |
                    (options->live ? GUEST_GRANT_UPDATE : 0);
    if (options->bounds) {
        /* Below the manifest's limit of time it says nothing new above it. */
        if (!manifest->limits.timeout_ms || options->bounds->cpu_ms < manifest->limits.timeout_ms)
            setup->cpu_ms =
                options->bounds->cpu_ms < UINT32_MAX ? (uint32_t)options->bounds->cpu_ms : 0;
        setup->touch_stack_bytes = options->bounds->stack_bytes;
    } else {
        setup->grants |= GUEST_GRANT_CODE;
    }
    setup->native = options->native;
    setup->listen_count = manifest->listen_count;
    setup->pids_max = manifest->limits.pids;
    setup->connect_count = manifest_connects(manifest) ? manifest->connect_count : 0;
    setup->dependency_count = manifest->dependency_count;
    for (uint32_t i = 0; i < manifest->dependency_count; i++)
        memcpy(setup->dependencies[i], manifest->dependencies[i].name,
               sizeof setup->dependencies[i]);
    setup->depth_max = manifest->family.depth;
    setup->own_groups = manifest->family.own_groups;
    memcpy(setup->connects, manifest->connect, sizeof setup->connects);
    snprintf(setup->function, sizeof setup->function, "%s", options->function);

    for (size_t i = 0; i < options->arg_count; i++) {
        if (i == RUN_ARGS_MAX || setup_add_text(setup, options->args[i]) < 0)
            return err_set(err, -E2BIG, "cannot pass the arguments of '%s'", options->function);
    }
    setup->arg_count = (uint32_t)options->arg_count;
    int r = setup_add_env(setup, options, err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        struct guest_grant_file *file = &setup->files[i];
        snprintf(file->path, sizeof file->path, "%s", manifest->files[i].path);
        file->writable = manifest->files[i].writable;
        if (!manifest->files[i].host[0]) {
            file->tmpfs_bytes = manifest->files[i].size_bytes;
            file->writable = 1;
        }
    }
    setup->file_count = manifest->file_count;
    setup_scheduling(setup, &manifest->vkernel, !options->real_stdio && !manifest->listen_count);
    setup->learn = options->learn;
    int flags;
    r = vkernel_huge_pages(&manifest->vkernel, &flags, err);
    setup->huge_pages = (uint32_t)(flags + 1);
    return r == 0 ? template_filter_fill(setup, manifest, err) : r;
}

static int spawn_guest(const struct pvm_template_options *options, int control,
                       struct spawned *ret_process, struct err *err)
{
    const struct manifest *manifest = options->manifest;
    struct spawn_mount mounts[GRANT_FILES_MAX];
    size_t mount_count = 0;
    bool has_tmp = false;
    char what[128];
    char *argv[] = {(char[]){"vireo-guest"}, NULL};
    char *envp[] = {NULL};
    int fds[] = {-1, -1, -1, control};
    int clone_fd = -1;
    int tasks[CGROUP_TREES_MAX];
    int task_count = 0;

    for (uint32_t i = 0; i < manifest->file_count; i++) {
        if (!manifest->files[i].host[0]) {
            has_tmp = true;
            continue;
        }
        const char *path = manifest->files[i].path;
        mounts[mount_count++] = (struct spawn_mount){
            .source = manifest->files[i].host,
            .target = strcmp(path, "/") == 0 ? GUEST_ROOT_MOUNT : path,
            .writable = manifest->files[i].writable,
            .root_owned = options->real_stdio && !options->rootless,
            .no_symlinks = true,
        };
    }
    if (options->group)
        task_count = cgroup_entry_fds(options->group, &clone_fd, tasks);
    snprintf(what, sizeof what, "template of '%s'", options->function);

    struct spawn_options spawn = {
        .what = what,
        .namespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
                      CLONE_NEWTIME | (options->real_stdio ? CLONE_NEWNET | CLONE_NEWCGROUP : 0),
        .uid = options->uid,
        .gid = options->uid,
        .mounts = mounts,
        .mount_count = mount_count,
        .clone_group_fd = clone_fd,
        .task_fds = tasks,
        .task_fd_count = (size_t)task_count,
        .fds = fds,
        .fd_count = ARRAY_LEN(fds),
        .program_fd = options->guest_program_fd,
        .argv = argv,
        .envp = envp,
        .keep_capabilities = has_tmp, /* the guest keeps CAP_SYS_ADMIN of its own namespace only */
        /* What bounds its connections, whatever its run time does. */
        .rlimit_descriptors = manifest->connect_count ? 256 : 1024,
    };
    return spawn_process(&spawn, ret_process, err);
}

int template_wait_ready(const struct pvm_template *template, const char *function, int timeout_ms,
                        struct err *err)
{
    struct pollfd poll_fd = {.fd = template->control, .events = POLLIN};
    struct guest_ready ready;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    int n;

    do {
        n = poll(&poll_fd, 1, timeout_ms);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        return err_set(err, n < 0 ? -errno : -ETIME, "cannot start template of '%s'", function);
    ssize_t size =
        fd_receive(template->control, &ready, sizeof ready, fds, &fd_count, MSG_DONTWAIT);
    fd_close_all(fds, fd_count);
    if (size != sizeof ready || ready.type != GUEST_READY)
        return err_say(err, -EPROTO, "cannot start template of '%s': it ended during its set-up",
                       function);
    if (ready.error < 0) {
        ready.message[sizeof ready.message - 1] = '\0';
        return err_say(err, ready.error, "cannot start template of '%s': %s", function,
                       ready.message);
    }
    return 0;
}

static int guest_set_up(struct pvm_template *template, struct guest_setup *setup,
                        const struct pvm_template_options *options, struct err *err)
{
    int fds[1 + GRANT_LISTEN_MAX + DEPENDENCIES_MAX] = {options->library_fd};
    size_t count = options->blank ? 0 : 1;

    setup->blank = options->blank;
    for (uint32_t i = 0; i < options->manifest->listen_count; i++)
        fds[count++] = options->listeners[i];
    for (uint32_t i = 0; i < options->manifest->dependency_count; i++)
        fds[count++] = options->dependencies[i];
    int r = fd_send(template->control, setup, sizeof *setup, fds, count);
    return r < 0 ? err_set(err, r, "cannot set up template of '%s'", options->function) : 0;
}

/* By what runs the function: the template's process, and how it is set up. */
static const struct {
    int (*spawn)(const struct pvm_template_options *options, int control,
                 struct spawned *ret_process, struct err *err);
    int (*set_up)(struct pvm_template *template, struct guest_setup *setup,
                  const struct pvm_template_options *options, struct err *err);
} walls[] = {
    [MANIFEST_RUNTIME_NONE] = {spawn_guest, guest_set_up},
    [MANIFEST_RUNTIME_PYTHON] = {interpreter_spawn, interpreter_set_up},
};

static int process_new(const struct pvm_template_options *options,
                       struct pvm_template **ret_template, struct err *err)
{
    _cleanup_(guest_setup_freep) struct guest_setup *setup = calloc(1, sizeof *setup);
    _cleanup_(pvm_template_freep) struct pvm_template *template = calloc(1, sizeof *template);
    const typeof(walls[0]) *wall = &walls[options->manifest->runtime];
    int sockets[2];

    if (!setup || !template)
        return err_set(err, -ENOMEM, "cannot start template of '%s'", options->function);
    template->control = template->process.pidfd = -1;
    int r = template_setup_fill(setup, options, err);
    if (r < 0)
        return r;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return err_set(err, -errno, "cannot start template of '%s'", options->function);
    template->control = sockets[0];
    _cleanup_(closep) int theirs = sockets[1];

    r = wall->spawn(options, theirs, &template->process, err);
    if (r < 0)
        return r;
    closep(&theirs);
    theirs = -1;
    r = wall->set_up(template, setup, options, err);
    if (r < 0)
        return r;
    r = template_wait_ready(template, options->function, READY_TIMEOUT_MS, err);
    if (r < 0)
        return r;
    if (fcntl(template->control, F_SETFL, O_NONBLOCK) < 0)
        return err_set(err, -errno, "cannot set up template of '%s'", options->function);
    *ret_template = steal_ptr(&template);
    return 0;
}

int pvm_template_new(const struct pvm_template_options *options, struct pvm_template **ret_template,
                     struct err *err)
{
    return options->manifest->container.word_count > 0
               ? template_container_new(options, ret_template, err)
               : process_new(options, ret_template, err);
}

void template_end_process(struct pvm_template *template)
{
    siginfo_t info;

    if (template->process.pidfd < 0)
        return;
    /* SIGKILL, not the closed socket: it must be dead, with all of its namespace, on return. */
    syscall(__NR_pidfd_send_signal, template->process.pidfd, SIGKILL, NULL, 0);
    while (waitid(P_PIDFD, (id_t) template->process.pidfd, &info, WEXITED) < 0 && errno == EINTR)
        ;
    closep(&template->process.pidfd);
    template->process.pidfd = -1;
}

void pvm_template_free(struct pvm_template *template)
{
    if (!template)
        return;
    closep(&template->control);
    if (template->blank)
        template_blank_leave(template);
    template_end_process(template);
    free(template);
}

int pvm_template_fd(const struct pvm_template *template)
{
    return template->control;
}

/* Of an interpreter's fork, which gets them. */
struct folders {
    int fds[GRANT_FILES_MAX];
    size_t count;
};

static void folders_close(struct folders *folders)
{
    fd_close_all(folders->fds, folders->count);
}

int pvm_fork(struct pvm_template *template, const struct pvm_fork_options *options, struct err *err)
{
    struct guest_fork message = {
        .type = GUEST_FORK,
        .flags = (options->own_namespaces ? GUEST_FORK_NAMESPACES : 0) |
                 (options->one_call ? GUEST_FORK_ONE_CALL : 0) |
                 (options->stdio ? GUEST_FORK_RUN : 0) |
                 (template_near(template) ? GUEST_FORK_NEAR : 0),
        .id = options->id,
    };
    int fds[FD_MESSAGE_MAX];
    size_t count = 0;

    if (options->stdio) {
        memcpy(fds, options->stdio, 3 * sizeof *fds);
        count = 3;
    } else {
        fds[count++] = options->channel->memory_fd;
        fds[count++] = options->channel->event_fd;
    }
    _cleanup_(folders_close) struct folders folders = {0};
    if (template->interprets) {
        int made = interpreter_folders(template, folders.fds, err);
        if (made < 0)
            return made;
        folders.count = template->tmp_count;
        memcpy(fds + count, folders.fds, folders.count * sizeof *fds);
        count += folders.count;
        message.flags |= GUEST_FORK_TMP;
    }
    if (options->connector > 0) {
        message.flags |= GUEST_FORK_CONNECTOR;
        fds[count++] = options->connector;
    }
    if (options->platform > 0) {
        message.flags |= GUEST_FORK_PLATFORM;
        fds[count++] = options->platform;
    }
    if (options->bpf > 0) {
        message.flags |= GUEST_FORK_BPF;
        fds[count++] = options->bpf;
    }
    if (options->control > 0) {
        message.flags |= GUEST_FORK_CONTROL;
        fds[count++] = options->control;
    }
    if (options->kin > 0) {
        message.flags |= GUEST_FORK_KIN;
        fds[count++] = options->kin;
        fds[count++] = options->kin_page;
    }
    _cleanup_(closep) int become = -1;
    if (template->blank) {
        int sent = template_blank_send(template, &become, err);
        if (sent < 0)
            return sent;
        message.flags |= GUEST_FORK_BLANK;
        fds[count++] = become;
    }
    if (options->group) {
        int clone_fd = -1;
        int tasks[CGROUP_TREES_MAX];
        int task_count = cgroup_entry_fds(options->group, &clone_fd, tasks);
        if (clone_fd >= 0) {
            message.flags |= GUEST_FORK_INTO_GROUP;
            fds[count++] = clone_fd;
            message.group_count++;
        }
        for (int i = 0; i < task_count; i++) {
            fds[count++] = tasks[i];
            message.group_count++;
        }
    }
    bool recycled = false;
    int to = template->blank ? template_blank_place(template, options->id, &recycled)
                             : template->control;
    int r = fd_send(to, &message, sizeof message, fds, count);
    if (options->ret_recycled)
        *options->ret_recycled = recycled;
    if (r < 0 && template->blank)
        template_blank_ended(template, options->id, r != -EAGAIN);
    if (r < 0)
        return err_set(err, r == -EAGAIN ? -EBUSY : r, "cannot ask for an instance");
    return 0;
}

int pvm_template_child(const struct pvm_template *template, pid_t *ret_pid)
{
    char path[64], text[32];
    int pid = (int)template->process.pid;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    text[n] = '\0';
    *ret_pid = (pid_t)strtol(text, NULL, 10);
    return *ret_pid > 0 ? 0 : -EAGAIN;
}

int pvm_kill(struct pvm_template *template, uint64_t id)
{
    struct guest_kill message = {.type = GUEST_KILL, .id = id};
    struct pollfd poll_fd = {.fd = template->control, .events = POLLOUT};
    int to = template->blank ? template_blank_of(template, id) : template->control;
    int r;

    poll_fd.fd = to;
    /* A template with a full socket is busy forking and reads it in a moment; what must end must
     * not run on because of that. */
    for (int i = 0;
         (r = fd_send(to, &message, sizeof message, NULL, 0)) == -EAGAIN && i < KILL_TRIES; i++)
        poll(&poll_fd, 1, KILL_TRY_MS);
    return r;
}

/* What a message of `size` bytes says; false when it is none that we know. */
static bool event_of(const void *bytes, size_t size, uint32_t type, struct pvm_event *ret_event)
{
    const struct guest_not_started *failed = bytes;

    if (type == GUEST_NOT_STARTED && size == sizeof *failed && failed->error < 0) {
        ret_event->type = PVM_NOT_STARTED;
        ret_event->id = failed->id;
        ret_event->error = failed->error;
        return true;
    }
    if (type == GUEST_ENDED && size == sizeof(struct guest_ended)) {
        const struct guest_ended *ended = bytes;
        ret_event->type = PVM_ENDED;
        ret_event->id = ended->id;
        ret_event->status = ended->status;
        ret_event->cpu_us = ended->cpu_us;
        ret_event->memory_peak_bytes = ended->memory_peak_bytes;
        return true;
    }
    return false;
}

int pvm_template_read(struct pvm_template *template, struct pvm_event *ret_event)
{
    union {
        uint32_t type;
        struct guest_not_started failed;
        struct guest_ended ended;
    } message = {0};
    struct pvm_event event = {0};
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;

    if (template->gone)
        return 0;
    ssize_t n =
        fd_receive(template->control, &message, sizeof message, fds, &fd_count, MSG_DONTWAIT);
    if (n == -EAGAIN)
        return 0;
    fd_close_all(fds, fd_count);
    if (n <= 0 || !event_of(&message, (size_t)n, message.type, &event)) {
        template->gone = true;
        if (template->blank)
            template_blank_gone(template);
        event = (struct pvm_event){.type = PVM_TEMPLATE_GONE};
    } else if (template->blank) {
        template_blank_ended(template, event.id, event.type == PVM_NOT_STARTED);
    }
    *ret_event = event;
    return 1;
}
