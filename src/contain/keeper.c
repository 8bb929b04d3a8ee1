/*
 * A keeper's life: into its groups, the container made and waiting, no
 * capability any more and a system-call filter, then call after call.
 *
 * Until the program has started there is nothing but the first call to wait for. Then a second
 * thread does nothing but sleep on the channel's futex and ring a bell, an eventfd, so that the
 * first can wait for calls, the program's output and its end at once.
 */
#include "contain/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/stack.h"
#include "contain/foreign.h"
#include "contain/launcher.h"
#include "contain/talk.h"
#include "guest/cgi.h"
#include "guest/lockdown.h"
#include "guest/seccomp.h"
#include "guest/template.h"
#include "oci/config.h"
#include "vkernel/syscalls.h"

/* Waits at most so long for output that an ended program left in its pipes. */
#define DRAIN_MS 100
#define LOG_PIECE 4096
/* So deep the container's making goes. */
#define STACK_DEPTH (512u << 10)

/* ---- the program's output and end ---- */

static void log_output(struct keeper *keeper)
{
    char text[LOG_PIECE];
    ssize_t n = read(keeper->log_pipe, text, sizeof text);

    if (n > 0 && keeper->channel) {
        keeper->call.channel = keeper->channel;
        call_log(&keeper->call, text, (size_t)n);
    } else if (n == 0) {
        close(keeper->log_pipe);
        keeper->log_pipe = -1;
    }
}

/* What is here besides it are those that it left behind. */
static void reap(struct keeper *keeper)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != keeper->place.pid)
            continue;
        keeper->ended = true;
        keeper->status = status;
    }
}

int keeper_wait(struct keeper *keeper, struct pollfd *fds, size_t count, int timeout_ms)
{
    struct pollfd all[8];
    int ready = 0;

    if (count > ARRAY_LEN(all) - 2)
        return -E2BIG;
    if (count)
        memcpy(all, fds, count * sizeof *fds);
    all[count] = (struct pollfd){.fd = keeper->log_pipe, .events = POLLIN};
    all[count + 1] =
        (struct pollfd){.fd = keeper->ended ? -1 : keeper->process_fd, .events = POLLIN};
    int n = poll(all, count + 2, timeout_ms);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    if (all[count].revents)
        log_output(keeper);
    if (all[count + 1].revents)
        reap(keeper);
    for (size_t i = 0; i < count; i++) {
        fds[i].revents = all[i].revents;
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* Gives what was not read of an ended program's log pipe to the log. */
static void drain_log(struct keeper *keeper)
{
    struct pollfd log = {.events = POLLIN};

    while ((log.fd = keeper->log_pipe) >= 0 && poll(&log, 1, DRAIN_MS) > 0)
        log_output(keeper);
}

void keeper_gone(struct keeper *keeper, struct verdict *verdict)
{
    verdict->last = true;
    if (!keeper->ended)
        return;
    if (WIFSIGNALED(keeper->status)) {
        /* The out-of-memory killer's, perhaps: whoever reads the group knows. */
        if (WTERMSIG(keeper->status) == SIGKILL)
            _exit(CONTAIN_EXIT_KILLED);
        verdict->outcome = CHANNEL_EXITED;
        verdict->code = 128 + WTERMSIG(keeper->status);
    } else {
        verdict->outcome = CHANNEL_EXITED;
        verdict->code = WEXITSTATUS(keeper->status);
    }
}

/* ---- the container ---- */

static bool is_foreign(const struct keeper *keeper)
{
    return keeper->contain->setup.runtime != CONTAIN_OWN;
}

/* Its own /proc, and a place for the container's start socket that ends with it. */
static int own_mounts(struct keeper *keeper)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    int r = contain_mount_proc();
    if (r < 0)
        return r;
    const char *size = is_foreign(keeper) ? "size=4m,mode=0700" : "size=64k,mode=0700";
    if (mount("tmpfs", CONTAIN_SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, size) < 0)
        return -errno;
    keeper->state_fd = open(CONTAIN_SCRATCH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return keeper->state_fd < 0 ? -errno : 0;
}

/* A pipe between standard stream `stream` and us; the container is made with what is there. */
static int stream_pipe(int stream, int *ret_ours)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int theirs = stream == 0 ? 0 : 1;
    if (dup2(ends[theirs], stream) < 0 || fcntl(ends[1 - theirs], F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    close(ends[theirs]);
    *ret_ours = ends[1 - theirs];
    return 0;
}

static int open_streams(struct keeper *keeper)
{
    int r = stream_pipe(2, &keeper->log_pipe);

    if (r == 0 && keeper->talk->output_is_answer) {
        r = stream_pipe(0, &keeper->input);
        return r < 0 ? r : stream_pipe(1, &keeper->output);
    }
    return r == 0 && dup2(2, 1) < 0 ? -errno : r;
}

/* Ours of the container's ends: an end of file must be seen. */
static int close_streams(void)
{
    _cleanup_(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int i = 0; null >= 0 && i < 3; i++)
        if (dup2(null, i) < 0)
            return -errno;
    return null < 0 ? -errno : 0;
}

static char *state_text(void *data, const char *status, pid_t pid)
{
    const struct keeper *keeper = data;
    char *text;

    return asprintf(&text,
                    "{\"ociVersion\":\"1.2.0\",\"id\":\"%s\",\"status\":\"%s\",\"pid\":%d,"
                    "\"bundle\":\"" CONTAIN_IMAGE "\"}",
                    keeper->contain->setup.function, status, (int)pid) < 0
               ? NULL
               : text;
}

/* Whether its filter is an engine's own, which lets through what starting a program takes. */
static bool is_of_profile(const struct vkernel *vkernel)
{
    return strcmp(vkernel->syscalls.profile, VK_CONTAINER_PROFILE) == 0 &&
           !vkernel->syscalls.otherwise[0] && !vkernel->syscalls.calls[0];
}

/*
 * A process that is the last of its mount namespace unmounts it before anybody hears of its end,
 * and waits for grace periods. We are to hear of it at once, and do that after the answer, by our
 * end: so the namespace is held.
 */
static int hold_mounts(const struct keeper *keeper)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)keeper->place.pid);
    return open(path, O_RDONLY | O_CLOEXEC) < 0 ? -errno : 0;
}

static int own_create(struct keeper *keeper, struct err *err)
{
    struct vkernel vkernel = keeper->contain->setup.vkernel;
    _cleanup_(closep) int bundle = open(CONTAIN_IMAGE, O_PATH | O_DIRECTORY | O_CLOEXEC);

    const struct oci_create create = {
        .id = keeper->contain->setup.function,
        .bundle = CONTAIN_IMAGE,
        .bundle_fd = bundle,
        .state_fd = keeper->state_fd,
        .state_path = CONTAIN_SCRATCH,
        .config = keeper->contain->config,
        .options = {.vkernel = &vkernel,
                    .vkernel_fd = keeper->state_fd,
                    .filter = &keeper->contain->calls,
                    .init_program = keeper->contain->init_program,
                    .confined_wait = is_of_profile(&vkernel),
                    .manager = OCI_CGROUP_DISABLED},
        .held = true,
        .state_text = state_text,
        .data = keeper,
    };
    return oci_launch_create(&create, &keeper->place, NULL, &keeper->hold, err);
}

static int make_container(struct keeper *keeper, struct err *err)
{
    int r = is_foreign(keeper) ? foreign_create(keeper, err) : own_create(keeper, err);

    if (r < 0)
        return r;
    keeper->process_fd = (int)syscall(SYS_pidfd_open, keeper->place.pid, 0);
    r = keeper->process_fd < 0 ? -errno : hold_mounts(keeper);
    return r < 0 ? err_set(err, r, "cannot watch the container") : 0;
}

/* A program that serves one call is told of it by CGI's variables, as every command. */
static int go_with_call(struct keeper *keeper, struct err *err)
{
    static struct cgi_environment environment;

    cgi_environment_fill(&environment, &keeper->call, keeper->contain->setup.function, NULL, 0);
    return oci_launch_go_with(keeper->hold, environment.text, environment.used, err);
}

/* Starts the user's program. -errno with the reason in `verdict`. */
static int start(struct keeper *keeper, struct verdict *verdict)
{
    struct err err = {0};

    if (keeper->started)
        return 0;
    int r = is_foreign(keeper)       ? foreign_go(keeper, &err)
            : keeper->talk->one_call ? go_with_call(keeper, &err)
                                     : oci_launch_go(keeper->hold, false, &err);
    if (r < 0) {
        verdict->outcome = CHANNEL_BROKEN;
        verdict->last = true;
        snprintf(verdict->message, sizeof verdict->message, "%.255s", err.message);
        return r;
    }
    close(keeper->hold);
    keeper->hold = -1;
    keeper->started = true;
    return 0;
}

/* ---- calls ---- */

/* Until there is a request beyond the first `seen`. */
static void sleep_on_channel(struct channel *channel, uint32_t seen)
{
    while (atomic_load(&channel->request_sequence) == seen)
        if (channel_wait_begin(&channel->guest_waits, &channel->request_sequence, seen))
            syscall(SYS_futex, &channel->request_sequence, FUTEX_WAIT, seen, NULL, NULL, 0);
    atomic_store_explicit(&channel->guest_waits, 0, memory_order_relaxed);
}

static void *ring(void *data)
{
    const struct keeper *keeper = data;
    struct channel *channel = keeper->channel;
    uint32_t seen = 0;

    for (;;) {
        sleep_on_channel(channel, seen);
        seen = atomic_load(&channel->request_sequence);
        eventfd_write(keeper->bell_fd, 1);
    }
    return NULL;
}

static void hang_bell(struct keeper *keeper)
{
    pthread_attr_t attributes;
    pthread_t bell;

    keeper->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    if (keeper->bell_fd < 0 || pthread_create(&bell, &attributes, ring, keeper) != 0)
        _exit(GUEST_EXIT_SETUP);
}

static void publish(struct keeper *keeper, uint32_t number)
{
    const uint64_t one = 1;

    atomic_store(&keeper->channel->response_sequence, number);
    if (atomic_load(&keeper->channel->request_sequence) != number)
        return;
    if (channel_must_tell(keeper->channel) && write(keeper->event_fd, &one, sizeof one) < 0 &&
        errno != EAGAIN)
        _exit(GUEST_EXIT_SETUP);
}

/* The slot of the request, taken for good; false when it was withdrawn. */
static bool take(struct channel *channel, uint32_t number, uint32_t *ret_slot)
{
    uint32_t ready = CHANNEL_READY;

    *ret_slot = channel->order[number % CHANNEL_SLOTS] % CHANNEL_SLOTS;
    return atomic_compare_exchange_strong(&channel->slots[*ret_slot].state, &ready, CHANNEL_TAKEN);
}

/*
 * Until there is a request beyond the first `done`. A program that ended before it was ever called
 * is known by its call; one that has served and ends takes its container along, and no caller pays
 * for that.
 */
static void await_request(struct keeper *keeper, uint32_t done)
{
    eventfd_t count;

    if (!keeper->started) {
        sleep_on_channel(keeper->channel, done);
        return;
    }
    if (keeper->bell_fd < 0)
        hang_bell(keeper);
    while (atomic_load(&keeper->channel->request_sequence) == done) {
        struct pollfd fds[] = {{.fd = keeper->bell_fd, .events = POLLIN},
                               {.fd = keeper->talk_fd, .events = POLLIN}};
        if (keeper_wait(keeper, fds, ARRAY_LEN(fds), -1) < 0)
            _exit(GUEST_EXIT_SETUP);
        if (fds[0].revents)
            eventfd_read(keeper->bell_fd, &count);
        if (fds[1].revents && keeper->talk->idle)
            keeper->talk->idle(keeper);
        if (keeper->ended && done > 0) {
            drain_log(keeper);
            _exit(0);
        }
    }
}

static void serve_one(struct keeper *keeper, struct verdict *verdict)
{
    keeper->call.answer = keeper->answer;
    if (start(keeper, verdict) < 0)
        return;
    if (keeper->ended && !keeper->talk->one_call) {
        keeper_gone(keeper, verdict);
        return;
    }
    keeper->talk->serve(keeper, verdict);
}

static _Noreturn void serve(struct keeper *keeper, bool one_call, struct verdict *opening)
{
    for (uint32_t number = 1;; number++) {
        struct verdict verdict = *opening;
        uint32_t slot;

        await_request(keeper, number - 1);
        if (!take(keeper->channel, number, &slot)) {
            publish(keeper, number);
            continue;
        }
        if (call_parse(&keeper->call, keeper->channel, slot, keeper->head) < 0)
            _exit(GUEST_EXIT_SETUP);
        if (verdict.outcome == CHANNEL_ANSWERED)
            serve_one(keeper, &verdict);
        bool last = one_call || verdict.last || keeper->talk->one_call || keeper->ended;
        if (last && keeper->ended)
            drain_log(keeper);
        call_respond(&keeper->call, verdict.outcome, verdict.code, last ? CHANNEL_FINISHED : 0,
                     verdict.message);
        publish(keeper, number);
        if (last)
            _exit(0);
        if (keeper->call.answer_bytes > (64u << 10))
            madvise(keeper->answer, RESPONSE_BODY_MAX_BYTES, MADV_DONTNEED);
    }
}

/* ---- its beginning ---- */

static int enter(struct keeper *keeper, const int *fds, size_t count)
{
    for (size_t i = 2; i < count; i++) {
        /* "0" is the writer; alone in its thread group it is moved without a grace period. */
        if (write(fds[i], "0", 1) != 1)
            return -errno;
        close(fds[i]);
    }
    keeper->event_fd = fds[1];
    keeper->channel = mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
    if (keeper->channel == MAP_FAILED)
        return -errno;
    close(fds[0]);
    return 0;
}

static int prepare(struct keeper *keeper, struct err *err)
{
    int r = own_mounts(keeper);

    if (r == 0)
        r = open_streams(keeper);
    if (r < 0)
        return err_set(err, r, "cannot prepare the container");
    if (keeper->talk->open)
        r = keeper->talk->open(keeper, err);
    if (r == 0)
        r = make_container(keeper, err);
    if (r < 0)
        return r;
    /* Only now: the container's process has inherited what was before. */
    signal(SIGPIPE, SIG_IGN);
    r = close_streams();
    if (r == 0)
        r = lockdown_capabilities(0);
    if (r == 0) {
        keeper->answer = mmap(NULL, RESPONSE_BODY_MAX_BYTES, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (keeper->answer == MAP_FAILED)
            r = -errno;
    }
    /* What the plan and its filter took: it may wait for long. */
    malloc_trim(0);
    stack_give_back(STACK_DEPTH);
    if (r == 0)
        r = seccomp_load_program(keeper->contain->filter.filter, keeper->contain->filter.len,
                                 false);
    return r < 0 ? err_set(err, r, "cannot prepare the container") : 0;
}

void keeper_run(const struct contain *contain, const int *fds, size_t fd_count, bool one_call)
{
    static struct keeper keeper = {
        .bell_fd = -1, .process_fd = -1, .input = -1, .output = -1, .log_pipe = -1, .talk_fd = -1};
    struct verdict opening = {.outcome = CHANNEL_ANSWERED};
    struct err err = {0};

    keeper.contain = contain;
    keeper.talk = talk_of(contain);
    if (enter(&keeper, fds, fd_count) < 0)
        _exit(GUEST_EXIT_SETUP);
    /* What fails now is told by the first call. */
    int r = prepare(&keeper, &err);
    if (r < 0) {
        opening.outcome = CHANNEL_BROKEN;
        snprintf(opening.message, sizeof opening.message, "%.255s", err.message);
        opening.last = true;
    } else if (contain->setup.started && start(&keeper, &opening) == 0 && keeper.talk->ready) {
        keeper.talk->ready(&keeper, &opening);
    }
    serve(&keeper, one_call, &opening);
}
