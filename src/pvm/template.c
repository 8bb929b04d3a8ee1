/*
 * A template, whatever its wall: started behind it and set up, asked for forks, listened to, ended.
 * What stands round it is the wall's: wall_process.c, wall_interpreter.c, wall_container.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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
#include "pvm/spawn.h"
#include "pvm/template_internal.h"

/* A template that reads nothing for so long is stuck: its caller ends it as a whole. */
#define KILL_TRIES 10
#define KILL_TRY_MS 10

DEFINE_CLEANUP(struct pvm_template, pvm_template_free)

int template_spawn(const struct pvm_template_options *options, int control,
                   struct spawn_options *spawn, struct spawned *ret_process, struct err *err)
{
    int fds[] = {-1, -1, -1, control}, tasks[CGROUP_TREES_MAX], clone_fd = -1, task_count = 0;
    char what[128];

    if (options->group)
        task_count = cgroup_entry_fds(options->group, &clone_fd, tasks);
    snprintf(what, sizeof what, "template of '%s'", options->function);
    spawn->what = what;
    spawn->uid = spawn->gid = options->uid;
    spawn->clone_group_fd = clone_fd;
    spawn->task_fds = tasks;
    spawn->task_fd_count = (size_t)task_count;
    spawn->fds = fds;
    spawn->fd_count = ARRAY_LEN(fds);
    return spawn_process(spawn, ret_process, err);
}

static int wait_ready(const struct pvm_template *template, const char *function, int timeout_ms,
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

static const struct wall *wall_of(const struct manifest *manifest)
{
    if (manifest->container.word_count > 0)
        return &wall_container;
    return manifest->runtime == MANIFEST_RUNTIME_PYTHON ? &wall_interpreter : &wall_process;
}

/* Without a process; `ret_theirs` is to be its end of the socket. */
static int open_template(const struct pvm_template_options *options,
                         struct pvm_template **ret_template, int *ret_theirs, struct err *err)
{
    _cleanup_(pvm_template_freep) struct pvm_template *template = calloc(1, sizeof *template);
    int sockets[2];

    if (!template)
        return err_set(err, -ENOMEM, "cannot start template of '%s'", options->function);
    template->control = template->process.pidfd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return err_set(err, -errno, "cannot start template of '%s'", options->function);
    template->control = sockets[0];
    *ret_theirs = sockets[1];
    *ret_template = steal_ptr(&template);
    return 0;
}

/* From what it was told to its first fork. */
static int get_ready(struct pvm_template *template, const struct pvm_template_options *options,
                     struct err *err)
{
    int r = options->meanwhile ? options->meanwhile(options, options->user, err) : 0;

    if (r == 0)
        r = wait_ready(template, options->function, wall_of(options->manifest)->ready_ms, err);
    if (r < 0)
        return r;
    if (fcntl(template->control, F_SETFL, O_NONBLOCK) < 0)
        return err_set(err, -errno, "cannot set up template of '%s'", options->function);
    return 0;
}

int pvm_template_spare(const struct pvm_template_options *options,
                       struct pvm_template **ret_template, struct err *err)
{
    _cleanup_(pvm_template_freep) struct pvm_template *template = NULL;
    _cleanup_(closep) int theirs = -1;

    int r = open_template(options, &template, &theirs, err);
    if (r == 0)
        r = wall_of(options->manifest)->spawn(options, theirs, &template->process, err);
    if (r < 0)
        return r;
    *ret_template = steal_ptr(&template);
    return 0;
}

int pvm_template_become(struct pvm_template *template, const struct pvm_template_options *options,
                        struct err *err)
{
    int r = wall_of(options->manifest)->set_up(template, options, err);

    return r < 0 ? r : get_ready(template, options, err);
}

int pvm_template_new(const struct pvm_template_options *options, struct pvm_template **ret_template,
                     struct err *err)
{
    _cleanup_(pvm_template_freep) struct pvm_template *template = NULL;
    _cleanup_(closep) int theirs = -1;
    const struct wall *wall = wall_of(options->manifest);

    int r = open_template(options, &template, &theirs, err);
    if (r == 0 && wall->told_first)
        r = wall->set_up(template, options, err);
    if (r == 0)
        r = wall->spawn(options, theirs, &template->process, err);
    /* Its end is its own now: ours would hide that it ended. */
    closep(&theirs);
    theirs = -1;
    if (r == 0 && !wall->told_first)
        r = wall->set_up(template, options, err);
    if (r == 0)
        r = get_ready(template, options, err);
    if (r < 0)
        return r;
    *ret_template = steal_ptr(&template);
    return 0;
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
