/*
 * The launcher: a container function's template. It prepares what is no function's own, is set up
 * over one socket, at once or later (a spare), has the image unpacked by a child without rights
 * while it does what needs none of it,
 * and then clones a keeper for each instance that is asked for and says how it ended.
 * Single-threaded, and the init of its pid namespace.
 */
#include "contain/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/late.h"
#include "contain/configure.h"
#include "contain/image.h"
#include "contain/keeper.h"
#include "contain/networks.h"
#include "contain/talk.h"
#include "guest/lockdown.h"
#include "guest/template.h"
#include "guest/template_message.h"
#include "vkernel/syscalls.h"

#define KEEPERS_MAX 4096

struct keepers {
    size_t count;
    struct {
        pid_t pid;
        uint64_t id;
    } list[KEEPERS_MAX];
};

struct launcher {
    int control, signals;
    cpu_set_t processors; /* before the supervisor puts us near itself (GUEST_FORK_NEAR) */
    struct contain contain;
    struct networks networks;
    struct image image;
    struct keepers keepers;
};

static const struct talk *const talks[CONTAIN_TALKS] = {
    [CONTAIN_STDIO] = &talk_stdio,
    [CONTAIN_HTTP] = &talk_http,
    [CONTAIN_LAMBDA] = &talk_lambda,
};

const struct talk *talk_of(const struct contain *contain)
{
    return talks[contain->setup.talk];
}

static void send_or_die(const struct launcher *launcher, const void *message, size_t size)
{
    /* The supervisor is gone: so are we, with all keepers. */
    if (fd_send(launcher->control, message, size, NULL, 0) < 0)
        _exit(1);
}

static void tell_not_started(const struct launcher *launcher, uint64_t id, int error)
{
    const struct guest_not_started message = {.type = GUEST_NOT_STARTED, .error = error, .id = id};

    send_or_die(launcher, &message, sizeof message);
}

/* ---- set-up ---- */

/* The strings of the message, each ended inside it. */
static int take_strings(struct contain *contain)
{
    struct contain_setup *setup = &contain->setup;
    const char *at = setup->text, *end = setup->text + setup->text_bytes;
    uint32_t total = setup->arg_count + setup->env_count, env_count = 0;

    if (setup->text_bytes > sizeof setup->text || setup->arg_count > RUN_ARGS_MAX ||
        setup->arg_count == 0 || setup->env_count > GRANT_ENV_MAX)
        return -EBADMSG;
    for (uint32_t i = 0; i < total; i++) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        if (!nul)
            return -EBADMSG;
        if (i < setup->arg_count)
            contain->args[i] = at;
        else
            contain->env[env_count++] = at;
        at = nul + 1;
    }
    return 0;
}

static int setup_check(const struct contain_setup *setup)
{
    if (setup->type != GUEST_SETUP || setup->protocol != CONTAIN_PROTOCOL ||
        setup->talk >= CONTAIN_TALKS || setup->runtime >= CONTAIN_RUNTIMES ||
        setup->mount_count > GRANT_FILES_MAX)
        return -EBADMSG;
    return 0;
}

/*
 * A procfs of our own pid namespace over the machine's, which was mounted for the kernel's sake: a
 * user namespace may mount a new one only where one is seen whole.
 */
int contain_mount_proc(void)
{
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return -errno;
    return 0;
}

/* All that is no function's own: done before there is one, where the launcher is a spare. */
static int prepare(struct launcher *launcher, struct err *err)
{
    struct contain *contain = &launcher->contain;
    int r = networks_open(&launcher->networks, err);

    if (r == 0)
        r = keeper_filter_make(&contain->filter, err);
    if (r == 0)
        r = oci_launch_init_program(&contain->init_program, err);
    if (r == 0)
        networks_tend(&launcher->networks, clock_now_ns());
    return r;
}

static int receive_setup(struct launcher *launcher, int *ret_image, struct err *err)
{
    struct contain *contain = &launcher->contain;
    int fds[FD_MESSAGE_MAX];
    size_t count = 0;

    ssize_t n =
        fd_receive(launcher->control, &contain->setup, sizeof contain->setup, fds, &count, 0);
    if (n == 0)
        _exit(0); /* a spare that nobody needed */
    int r = n == sizeof contain->setup && count == 1 ? setup_check(&contain->setup) : -EBADMSG;
    if (r == 0)
        r = take_strings(contain);
    if (r < 0) {
        fd_close_all(fds, count);
        return err_say(err, r, "the set-up message is not proper");
    }
    *ret_image = fds[0];
    return 0;
}

/* Whose it is: its image is being unpacked from here on. */
static int begin(struct launcher *launcher, struct err *err)
{
    const struct contain_setup *setup = &launcher->contain.setup;
    int image = -1;

    int r = receive_setup(launcher, &image, err);
    return r < 0 ? r
                 : image_unpack(image, CONTAIN_IMAGE, setup->function,
                                setup->runtime == CONTAIN_OWN, &launcher->image, err);
}

/* What needs no file of the image, beside its unpacking. */
static int finish(struct launcher *launcher, struct err *err)
{
    struct contain *contain = &launcher->contain;
    const struct talk *talk = talk_of(contain);

    int r = talk->library ? late_load(talk->library, err) : 0;
    if (r == 0)
        r = oci_launch_filter(&contain->setup.vkernel, &contain->calls, err);
    if (r == 0)
        r = image_unpacked(&launcher->image, err);
    if (r == 0)
        r = configure(contain, talk, err);
    /* Keepers are copies: what is free here they would fill, each for itself. */
    malloc_trim(0);
    return r;
}

/* A function's launcher has its set-up from the start; a spare learns much later whose it is. */
static int set_up(struct launcher *launcher, struct err *err)
{
    struct pollfd control = {.fd = launcher->control, .events = POLLIN};
    int r = contain_mount_proc();

    if (r < 0)
        return err_set(err, r, "cannot mount its procfs");
    bool spare = poll(&control, 1, 0) == 0;
    if (!spare)
        r = begin(launcher, err);
    if (r == 0)
        r = prepare(launcher, err);
    if (r == 0 && spare)
        r = begin(launcher, err);
    return r < 0 ? r : finish(launcher, err);
}

static int open_signals(struct launcher *launcher)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    launcher->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return launcher->signals < 0 ? -errno : 0;
}

/* ---- keepers ---- */

static pid_t clone_keeper(int group_fd)
{
    struct clone_args args = {.flags = CONTAIN_CLONE, .exit_signal = SIGCHLD};

    if (group_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)group_fd;
    }
    long pid = syscall(__NR_clone3, &args, sizeof args);
    return pid < 0 ? -errno : (pid_t)pid;
}

/* In the keeper: channel and eventfd first, then the v1 groups; the v2 one it is in. */
static _Noreturn void become_keeper(struct launcher *launcher, const struct guest_fork *message,
                                    int *fds, size_t count)
{
    sigset_t none;

    close(launcher->control);
    close(launcher->signals);
    networks_forget(&launcher->networks);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (message->flags & GUEST_FORK_NEAR)
        sched_setaffinity(0, sizeof launcher->processors, &launcher->processors);
    if (message->flags & GUEST_FORK_INTO_GROUP) {
        close(fds[2]);
        memmove(fds + 2, fds + 3, (count - 3) * sizeof *fds);
        count--;
    }
    keeper_run(&launcher->contain, fds, count, (message->flags & GUEST_FORK_ONE_CALL) != 0);
}

static void start_keeper(struct launcher *launcher, const struct guest_fork *message, int *fds,
                         size_t count)
{
    const uint32_t known =
        GUEST_FORK_NAMESPACES | GUEST_FORK_ONE_CALL | GUEST_FORK_INTO_GROUP | GUEST_FORK_NEAR;
    bool into = message->flags & GUEST_FORK_INTO_GROUP;
    struct keepers *keepers = &launcher->keepers;

    if (message->flags & ~known || count != 2u + message->group_count ||
        (into && message->group_count == 0)) {
        tell_not_started(launcher, message->id, -EBADMSG);
        return;
    }
    if (keepers->count == KEEPERS_MAX) {
        tell_not_started(launcher, message->id, -EAGAIN);
        return;
    }
    int r = networks_enter(&launcher->networks, clock_now_ns());
    pid_t pid = r < 0 ? r : clone_keeper(into ? fds[2] : -1);
    if (pid == 0)
        become_keeper(launcher, message, fds, count);
    if (networks_leave(&launcher->networks) < 0)
        _exit(1);
    if (pid < 0) {
        tell_not_started(launcher, message->id, pid);
        return;
    }
    keepers->list[keepers->count].pid = pid;
    keepers->list[keepers->count++].id = message->id;
}

static void kill_keeper(const struct launcher *launcher, uint64_t id)
{
    for (size_t i = 0; i < launcher->keepers.count; i++)
        if (launcher->keepers.list[i].id == id)
            kill(launcher->keepers.list[i].pid, SIGKILL);
}

static void tell_ended(const struct launcher *launcher, uint64_t id, int status,
                       const struct rusage *usage)
{
    const struct timeval times[] = {usage->ru_utime, usage->ru_stime};
    struct guest_ended message = {.type = GUEST_ENDED, .status = status, .id = id};

    if (WIFEXITED(status) && WEXITSTATUS(status) == CONTAIN_EXIT_KILLED)
        message.status = SIGKILL;
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        message.cpu_us += (uint64_t)times[i].tv_sec * 1000000 + (uint64_t)times[i].tv_usec;
    message.memory_peak_bytes = (uint64_t)usage->ru_maxrss << 10;
    send_or_die(launcher, &message, sizeof message);
}

static void reap(struct launcher *launcher)
{
    struct keepers *keepers = &launcher->keepers;
    struct signalfd_siginfo info;
    struct rusage usage;
    int status;
    pid_t pid;

    while (read(launcher->signals, &info, sizeof info) == sizeof info)
        ;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        for (size_t i = 0; i < keepers->count; i++) {
            if (keepers->list[i].pid != pid)
                continue;
            tell_ended(launcher, keepers->list[i].id, status, &usage);
            keepers->list[i] = keepers->list[--keepers->count];
            break;
        }
    }
}

static void serve_message(struct launcher *launcher)
{
    struct template_message message;
    int r = template_message_receive(launcher->control, &message);

    if (r < 0)
        _exit(0); /* the supervisor lets us go */
    if (r == GUEST_FORK)
        start_keeper(launcher, &message.body.fork, message.fds, message.fd_count);
    else if (r == GUEST_KILL)
        kill_keeper(launcher, message.body.kill.id);
    fd_close_all(message.fds, message.fd_count);
}

int launcher_main(void)
{
    static struct launcher launcher = {.control = GUEST_CONTROL_FD, .signals = -1};
    struct guest_ready ready = {.type = GUEST_READY};
    struct err err = {0};

    /* Keepers are copies of this process, and the image's unpacker runs as the same uid. */
    int r = lockdown_not_dumpable();
    if (r == 0 && sched_getaffinity(0, sizeof launcher.processors, &launcher.processors) < 0)
        r = -errno;
    if (r == 0)
        r = lockdown_speculation();
    if (r < 0)
        err_set(&err, r, "cannot lock itself down");
    if (r == 0)
        r = set_up(&launcher, &err);
    if (r == 0) {
        r = open_signals(&launcher);
        if (r < 0)
            err_set(&err, r, "cannot watch its keepers");
    }
    ready.error = r;
    snprintf(ready.message, sizeof ready.message, "%.255s", err.message);
    send_or_die(&launcher, &ready, sizeof ready);
    if (r < 0)
        return 1;
    for (;;) {
        struct pollfd fds[] = {{.fd = launcher.control, .events = POLLIN},
                               {.fd = launcher.signals, .events = POLLIN}};
        int due_ms = networks_due_ms(&launcher.networks, clock_now_ns());
        int n = poll(fds, ARRAY_LEN(fds), due_ms);
        if (n < 0 && errno != EINTR)
            return 1;
        if (n == 0)
            networks_tend(&launcher.networks, clock_now_ns());
        if (fds[1].revents)
            reap(&launcher);
        if (fds[0].revents)
            serve_message(&launcher);
    }
}
