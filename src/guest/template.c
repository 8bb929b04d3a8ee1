/*
 * The template: set up by its host over one socket, linked, stopped before its first call. It runs
 * no tenant code, ever: it forks instances, reaps them, and says so. Single-threaded, and the init
 * of its pid namespace: when it dies the kernel ends every instance.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/landlock.h"
#include "guest/instance.h"
#include "guest/libraries.h"
#include "guest/linker.h"
#include "guest/lockdown.h"
#include "guest/template.h"
#include "guest/template_main.h"
#include "guest/template_message.h"
#include "guest/wasi.h"
#include "guest/wasm_internal.h"
#include "guest/wasm_runtime.h"

/* Instances of one template at a time. */
#define CHILDREN_MAX 4096
/* Above all descriptors that an instance may have. */
#define PLACES_END (INSTANCE_FIRST_DIRECTORY_FD + GRANT_FILES_MAX + GRANT_LISTEN_MAX + 5)

/* The template's own: no instance has it, which is one page less of each, and knows of no other. */
struct children {
    size_t count;
    struct {
        pid_t pid;
        uint64_t id;
    } list[CHILDREN_MAX];
};
static struct children *children;

/* Before the small variables, with which its end shares a page. */
static _Alignas(64) struct template_state state;

/* The strings of the setup message, each ended inside it. -EBADMSG when they are not. */
static int setup_strings(struct guest_setup *setup)
{
    const char *at = setup->text;
    const char *end = setup->text + setup->text_bytes;

    if (setup->text_bytes > sizeof setup->text || setup->arg_count > RUN_ARGS_MAX ||
        setup->env_count > GUEST_ENV_MAX || setup->file_count > GRANT_FILES_MAX ||
        setup->dependency_count > DEPENDENCIES_MAX || setup->listen_count > GRANT_LISTEN_MAX ||
        setup->connect_count > GRANT_CONNECT_MAX || setup->filter_count > GUEST_FILTER_MAX ||
        setup->filter_count == 0)
        return -EBADMSG;
    for (uint32_t i = 0; i < setup->arg_count + setup->env_count; i++) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        if (!nul)
            return -EBADMSG;
        if (i < setup->arg_count)
            state.args[i] = at;
        else
            state.env[i - setup->arg_count] = at;
        at = nul + 1;
    }
    for (uint32_t i = 0; i < setup->dependency_count; i++)
        setup->dependencies[i][sizeof setup->dependencies[i] - 1] = '\0';
    setup->function[sizeof setup->function - 1] = '\0';
    for (uint32_t i = 0; i < setup->connect_count; i++)
        setup->connects[i][sizeof setup->connects[i] - 1] = '\0';
    for (uint32_t i = 0; i < setup->file_count; i++)
        setup->files[i].path[sizeof setup->files[i].path - 1] = '\0';
    return 0;
}

/* Opens the granted directories at their places, descriptors INSTANCE_FIRST_DIRECTORY_FD and up. */
static int setup_directories(struct err *err)
{
    for (uint32_t i = 0; i < state.setup.file_count; i++) {
        const struct guest_grant_file *file = &state.setup.files[i];

        state.directories[i] = -1;
        if (file->tmpfs_bytes) {
            state.has_tmp = true;
            continue;
        }
        const char *mounted = strcmp(file->path, "/") == 0 ? GUEST_ROOT_MOUNT : file->path;
        _cleanup_(closep) int fd = open(mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        int place = INSTANCE_FIRST_DIRECTORY_FD + (int)i;
        if (fd < 0)
            return err_set(err, -errno, "cannot open granted directory '%s'", file->path);
        if (fd == place) {
            (void)steal_fd(&fd);
        } else if (dup3(fd, place, O_CLOEXEC) < 0) {
            return err_set(err, -errno, "cannot place granted directory '%s'", file->path);
        }
        state.directories[i] = place;
    }
    return 0;
}

/* What stands before any fork, so that a fork costs none of it. */
static int setup_wall(struct err *err)
{
    struct landlock_directory directories[GRANT_FILES_MAX];
    size_t count = 0;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_set(err, -errno, "cannot set no_new_privs");
    int r = lockdown_no_new_code();
    if (r < 0)
        return err_set(err, r, "cannot refuse new code");
    r = lockdown_speculation();
    if (r < 0)
        return err_set(err, r, "cannot set speculation controls");
    r = lockdown_not_dumpable();
    if (r < 0)
        return err_set(err, r, "cannot become undumpable");
    if (!state.has_tmp) {
        for (uint32_t i = 0; i < state.setup.file_count; i++)
            directories[count++] = (struct landlock_directory){
                .fd = state.directories[i], .writable = (int)state.setup.files[i].writable};
        r = landlock_files(directories, count, false);
        if (r < 0)
            return err_set(err, r, "cannot restrict files");
    }
    /* CAP_SYS_ADMIN, in its own user namespace only: an instance's tmp is a mount. */
    r = lockdown_capabilities(state.has_tmp ? 1ULL << CAP_SYS_ADMIN : 0);
    return r < 0 ? err_set(err, r, "cannot drop capabilities") : 0;
}

static int setup_runtime(struct err *err)
{
    int r = wasm_runtime_init(err);

    if (r < 0)
        return r;
    if (state.setup.stack_bytes)
        wasm_stack_size(state.setup.stack_bytes);
    /* What is looked for at its first use, the clock in the vdso and the guest's own functions, is
     * found here, and not by every instance with page faults of its own. */
    clock_now_ns();
    library_host_function("");
    r = wasm_stack_prepare();
    return r < 0 ? err_set(err, r, "cannot reserve the call stack") : 0;
}

/* Listening sockets that come with a set-up: a fork of a blank has those of the blank. */
static size_t sockets_sent(const struct guest_setup *setup)
{
    return setup->own_wall && !setup->blank ? 0 : setup->listen_count;
}

static int setup_library(const int *fds, struct err *err)
{
    const int *dependencies = fds + 1 + sockets_sent(&state.setup);
    struct library *library = NULL;
    int r;

    bool linked = state.setup.dependency_count > 0 || (state.setup.grants & GUEST_GRANT_LINK);
    if (linked && !state.setup.native)
        r = libraries_open_parts(&state.setup, fds[0], dependencies, &state.host.parts, &library,
                                 err);
    else if (linked || (state.setup.native && (state.setup.grants & GUEST_GRANT_UPDATE)))
        r = libraries_open(&state.setup, fds[0], dependencies, &state.tree, &library, err);
    else
        r = library_open(fds[0], &library, err);
    if (r < 0)
        return r;
    state.library = library;
    return instance_prepare(&state, err);
}

/* Puts the listening sockets at their places, behind the directories. */
static int setup_listeners(const int *sockets, struct err *err)
{
    for (uint32_t i = 0; i < state.setup.listen_count; i++) {
        int place = INSTANCE_FIRST_DIRECTORY_FD + (int)(state.setup.file_count + i);
        if (dup3(sockets[i], place, O_CLOEXEC) < 0)
            return err_set(err, -errno, "cannot place a listening socket");
    }
    return 0;
}

/* Takes the set-up message; its descriptors end above all places that are to be filled. */
static int setup_receive(int control, int moved[static FD_MESSAGE_MAX], struct err *err)
{
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    int r = 0;

    ssize_t n = fd_receive(control, &state.setup, sizeof state.setup, fds, &fd_count, 0);
    /* The text ends the message where it ends. */
    if (n < (ssize_t)offsetof(struct guest_setup, text) || state.setup.type != GUEST_SETUP ||
        state.setup.protocol != GUEST_PROTOCOL ||
        (size_t)n - offsetof(struct guest_setup, text) < state.setup.text_bytes ||
        fd_count != (state.setup.blank ? 0 : 1 + (size_t)state.setup.dependency_count) +
                        sockets_sent(&state.setup))
        r = err_set(err, n < 0 ? (int)n : -EBADMSG, "cannot read the set-up message");
    for (size_t i = 0; i < fd_count && r == 0; i++) {
        moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, PLACES_END);
        if (moved[i] < 0)
            r = err_set(err, -errno, "cannot keep a descriptor");
    }
    fd_close_all(fds, fd_count);
    if (r == 0 && setup_strings(&state.setup) < 0)
        r = err_set(err, -EBADMSG, "cannot read the set-up message");
    return r;
}

/* Each instance's sockets to the connector, to vireo-platform and to the supervisor come by its
 * fork: nothing else may be at their places then. */
static int setup_socket_places(int any_fd, struct err *err)
{
    if ((state.setup.connect_count > 0 &&
         dup3(any_fd, instance_connector_fd(&state), O_CLOEXEC) < 0) ||
        ((state.setup.grants & GUEST_GRANT_PLATFORM) &&
         dup3(any_fd, instance_platform_fd(&state), O_CLOEXEC) < 0) ||
        ((state.setup.grants & GUEST_GRANT_BPF) &&
         dup3(any_fd, instance_bpf_fd(&state), O_CLOEXEC) < 0) ||
        ((state.setup.grants & GUEST_GRANT_CONTROL) &&
         dup3(any_fd, instance_control_fd(&state), O_CLOEXEC) < 0) ||
        ((state.setup.grants & (GUEST_GRANT_FORK | GUEST_GRANT_IPC)) &&
         dup3(any_fd, instance_kin_fd(&state), O_CLOEXEC) < 0))
        return err_set(err, -errno, "cannot keep a place for sockets");
    return 0;
}

static int setup_fds(const int *fds, struct err *err)
{
    int r = setup_listeners(fds + (state.setup.blank ? 0 : 1), err);

    /* A place is kept by a descriptor that nobody has a use of. */
    int event = eventfd(0, EFD_CLOEXEC);
    _cleanup_(closep) int any_fd = fcntl(event, F_DUPFD_CLOEXEC, PLACES_END);
    closep(&event); /* it may have been at one of the places itself */
    if (r == 0)
        r = any_fd < 0 ? err_set(err, -errno, "cannot keep a place for sockets")
                       : setup_socket_places(any_fd, err);
    if (r == 0)
        r = setup_directories(err);
    if (r == 0)
        r = setup_wall(err);
    if (r == 0)
        r = setup_runtime(err);
    return r < 0 || state.setup.blank ? r : setup_library(fds, err);
}

/*
 * Memory that forks don't get. The place where the break would grow is taken before the first
 * malloc, which then maps its pages among the others instead: alone at the other end of the address
 * space they cost each instance three page tables. An instance has the break again, and musl, which
 * has seen it refused, does not ask for it any more.
 */
static int setup_memory(struct err *err)
{
    uintptr_t end = ((uintptr_t)syscall(__NR_brk, 0) + 4095) & ~(uintptr_t)4095;
    void *place = mmap((void *)end, 4096, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (place != MAP_FAILED && madvise(place, 4096, MADV_DONTFORK) < 0)
        return err_set(err, -errno, "cannot set memory aside");
    children =
        mmap(NULL, sizeof *children, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (children == MAP_FAILED || madvise(children, sizeof *children, MADV_DONTFORK) < 0)
        return err_set(err, -errno, "cannot make the list of instances");
    return 0;
}

static int setup(int control, struct err *err)
{
    int fds[FD_MESSAGE_MAX];

    /* Before the host puts it anywhere. None where there are more than the set can name: then it
     * does not. */
    if (sched_getaffinity(0, sizeof state.processors, &state.processors) < 0)
        CPU_ZERO(&state.processors);

    for (size_t i = 0; i < FD_MESSAGE_MAX; i++)
        fds[i] = -1;
    int r = setup_memory(err);
    if (r == 0)
        r = setup_receive(control, fds, err);
    if (r == 0)
        r = setup_fds(fds, err);
    fd_close_all(fds, FD_MESSAGE_MAX);
    return r;
}

/* clone3 with `flags`, in the v2 group `group_fd` unless it is -1. A fork: no stack of its own. */
static pid_t clone_process(uint64_t flags, int group_fd)
{
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};

    if (group_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)group_fd;
    }
    long pid = syscall(__NR_clone3, &args, sizeof args);
    return pid < 0 ? -errno : (pid_t)pid;
}

/* The variables of a blank that is one function's, behind what the fork was sent. */
static int become_variables(const char *text, uint32_t bytes, uint32_t count)
{
    struct guest_setup *setup = &state.setup;

    if (setup->env_count > 0 || bytes > sizeof setup->text - setup->text_bytes)
        return -EBADMSG;
    memcpy(setup->text + setup->text_bytes, text, bytes);
    setup->text_bytes += bytes;
    setup->env_count = count;
    return setup_strings(setup);
}

/*
 * A fork of a blank: linked with the function that its set-up names, it goes on as an instance of
 * it. The wall stands already, so it must be the function's: the host takes blanks by the hash of
 * it, and what is checked here is what would not fit at all.
 */
static void become_instance(int socket)
{
    const uint32_t grants = state.setup.grants;
    const uint64_t stack_bytes = state.setup.stack_bytes;
    const bool connects = state.setup.connect_count > 0; /* then a place is kept for its socket */
    const uint32_t file_count = state.setup.file_count;
    const bool own_wall = state.setup.own_wall;
    const uint32_t listen_count = state.setup.listen_count;
    const uint32_t text_bytes = state.setup.text_bytes, env_count = state.setup.env_count;
    char text[sizeof state.setup.text];
    struct guest_grant_file files[GRANT_FILES_MAX];
    int fds[FD_MESSAGE_MAX];

    memcpy(text, state.setup.text, text_bytes);
    /* What is open at the places of its folders, and what Landlock allows. */
    memcpy(files, state.setup.files, sizeof files);
    for (size_t i = 0; i < FD_MESSAGE_MAX; i++)
        fds[i] = -1;
    if (setup_receive(socket, fds, NULL) < 0 || state.setup.blank ||
        state.setup.file_count != file_count ||
        memcmp(state.setup.files, files, file_count * sizeof files[0]) != 0 ||
        state.setup.own_wall != own_wall || state.setup.listen_count != listen_count ||
        (state.setup.connect_count > 0) != connects || state.setup.grants != grants ||
        state.setup.stack_bytes != stack_bytes ||
        (own_wall && become_variables(text, text_bytes, env_count) < 0) ||
        setup_library(fds, NULL) < 0)
        _exit(GUEST_EXIT_BLANK);
    explicit_bzero(text, text_bytes);
    fd_close_all(fds, FD_MESSAGE_MAX);
}

/* A tmp of its own for each such grant, mounted nowhere. */
static int fork_tmp(struct instance_fds *fds)
{
    for (uint32_t i = 0; i < GRANT_FILES_MAX; i++)
        fds->tmp[i] = -1;
    for (uint32_t i = 0; state.has_tmp && i < state.setup.file_count; i++) {
        if (!state.setup.files[i].tmpfs_bytes)
            continue;
        int r = lockdown_tmpfs(state.setup.files[i].tmpfs_bytes, &fds->tmp[i]);
        if (r < 0) {
            fd_close_all(fds->tmp, GRANT_FILES_MAX);
            return r;
        }
    }
    return 0;
}

/* They came in one message, mostly into a table without holes: then one call closes them. */
static void close_received(int *fds, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (fds[i] != fds[0] + (int)i) {
            fd_close_all(fds, count);
            return;
        }
    if (count > 0 && syscall(__NR_close_range, fds[0], fds[count - 1], 0) < 0)
        fd_close_all(fds, count);
}

/* This process is a keeper, not the template. */
static bool keeper;

/* Then each instance is the first process of namespaces of its own, which end with it. */
static bool has_families(void)
{
    return state.setup.grants & (GUEST_GRANT_FORK | GUEST_GRANT_IPC);
}

static void fork_instance(int control, const struct guest_fork *message, int *fds, size_t fd_count)
{
    struct guest_not_started failed = {.type = GUEST_NOT_STARTED, .id = message->id};
    struct instance_fds places;
    int group = -1;
    pid_t pid = -EAGAIN;
    /* Who may fork may send signals: nobody else is in its pid namespace, and all of it ends with
     * its first process. Message queues are of its ipc namespace. */
    bool alone = (message->flags & GUEST_FORK_NAMESPACES) || has_families();
    /* Inside a keeper's namespaces it is alone already. */
    uint64_t flags = alone && (!keeper || has_families())
                         ? CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS
                         : 0;

    int r = template_fork_fds(message, fds, fd_count, &places, &group);
    if (r == 0)
        r = fork_tmp(&places);
    if (r == 0 && children->count < CHILDREN_MAX) {
        pid = clone_process(flags, group);
        if (pid == 0 && state.setup.blank)
            become_instance(places.become);
        if (pid == 0)
            instance_run(&state, message, &places);
    }
    /* Also when there is no place for another child. */
    if (r == 0)
        fd_close_all(places.tmp, GRANT_FILES_MAX);
    close_received(fds, fd_count);

    if (r < 0 || pid < 0) {
        failed.error = r < 0 ? r : pid;
        fd_send(control, &failed, sizeof failed, NULL, 0);
        return;
    }
    children->list[children->count].pid = pid;
    children->list[children->count++].id = message->id;
}

/* Reaps whatever has ended. */
static void reap(int control)
{
    struct rusage usage;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        for (size_t i = 0; i < children->count; i++) {
            if (children->list[i].pid != pid)
                continue;
            struct guest_ended ended = {
                .type = GUEST_ENDED,
                .status = status,
                .id = children->list[i].id,
                .cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                          (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
                .memory_peak_bytes = (uint64_t)usage.ru_maxrss * 1024,
            };
            children->list[i] = children->list[--children->count];
            /* Whatever it left running is not the next one's neighbour. (A family ended with it,
             * and its keeper is among the template's processes.) */
            if (keeper && !has_families())
                kill(-1, SIGKILL);
            fd_send(control, &ended, sizeof ended, NULL, 0);
            break;
        }
    }
}

static void kill_instance(uint64_t id)
{
    for (size_t i = 0; i < children->count; i++) {
        /* Not reaped yet, so the pid is still its own. */
        if (children->list[i].id == id)
            kill(children->list[i].pid, SIGKILL);
    }
}

static void become_keeper(int socket) __attribute__((noreturn));

static void fork_keeper(int control, uint64_t id, const int *fds, size_t fd_count)
{
    /* Nobody is known in a user namespace of its own: a tmp made there could not be written, and no
     * other user namespace be made there. */
    const uint64_t flags = has_families() ? 0
                                          : (state.has_tmp ? 0 : CLONE_NEWUSER) | CLONE_NEWPID |
                                                CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
    struct guest_not_started failed = {.type = GUEST_NOT_STARTED, .id = id, .error = -EPERM};

    if (state.setup.blank && !keeper && fd_count == 1) {
        pid_t pid = clone_process(flags, -1);
        if (pid == 0)
            become_keeper(fds[0]);
        failed.error = pid < 0 ? pid : 0;
    }
    if (failed.error)
        fd_send(control, &failed, sizeof failed, NULL, 0);
}

/* One message of `socket`; what is said about it goes to `control`. False when the host is gone. */
static bool serve(int socket, int control)
{
    struct template_message message;
    int r = template_message_receive(socket, &message);

    if (r == GUEST_FORK) {
        fork_instance(control, &message.body.fork, message.fds, message.fd_count);
        return true;
    }
    if (r == GUEST_KEEP)
        fork_keeper(control, message.body.keep.id, message.fds, message.fd_count);
    else if (r == GUEST_KILL)
        kill_instance(message.body.kill.id);
    fd_close_all(message.fds, message.fd_count);
    return r >= 0;
}

/* Until the socket ends. Signals that tell of ended children come only inside ppoll(). */
static int serve_all(int socket, int control)
{
    sigset_t open;

    sigemptyset(&open);
    for (;;) {
        struct pollfd poll = {.fd = socket, .events = POLLIN};
        reap(control);
        int n = ppoll(&poll, 1, NULL, &open);
        if (n < 0 && errno != EINTR)
            return GUEST_EXIT_SETUP;
        if (n > 0 && !serve(socket, control))
            return 0;
    }
}

/*
 * What an instance leaves when it ends is what the kernel keeps of namespaces without processes:
 * names and queues of messages, and who may make those (a family) has namespaces of its own inside
 * of these. Its tmp goes with its last descriptor. Memory, descriptors, signals, timers and
 * registers of the next are those of a fork of this process, which has never had any of the former
 * one's.
 */
static void become_keeper(int socket)
{
    keeper = true;
    int own = fcntl(socket, F_DUPFD_CLOEXEC, PLACES_END);
    children =
        mmap(NULL, sizeof *children, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    close(socket);
    /* Of its own user namespace it had all; that to mount stays where the template has it. */
    if (own < 0 || children == MAP_FAILED ||
        madvise(children, sizeof *children, MADV_DONTFORK) < 0 ||
        lockdown_capabilities(state.has_tmp ? 1ULL << CAP_SYS_ADMIN : 0) < 0)
        _exit(GUEST_EXIT_SETUP);
    _exit(serve_all(own, GUEST_CONTROL_FD));
}

static void child_ended(int signal)
{
    (void)signal; /* only to interrupt ppoll() */
}

int template_main(void)
{
    const int control = GUEST_CONTROL_FD;
    struct guest_ready ready = {.type = GUEST_READY};
    struct sigaction action = {.sa_handler = child_ended, .sa_flags = SA_NOCLDSTOP};
    sigset_t blocked;
    struct err err = {0};

    /* SIGCHLD comes only inside ppoll(), so that none is missed between reap() and it. */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0 || sigaction(SIGCHLD, &action, NULL) < 0)
        return GUEST_EXIT_SETUP;

    /* EPIPE and EFBIG for the guest's code to see, instead of its end. Inherited by forks. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);

    ready.error = setup(control, &err);
    snprintf(ready.message, sizeof ready.message, "%.255s", err.message);
    if (fd_send(control, &ready, sizeof ready, NULL, 0) < 0 || ready.error < 0)
        return GUEST_EXIT_SETUP;

    return serve_all(control, control);
}
