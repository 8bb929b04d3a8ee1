/* A family's root, and what becomes of a process that its code has forked: see family.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/call.h"
#include "guest/family.h"
#include "guest/instance.h"
#include "guest/signals.h"
#include "guest/template.h"
#include "guest/update_point.h"
#include "guest/wasi_internal.h"

/* What a shell shows for an abort; a trap has no signal of its own. */
#define EXIT_TRAP 134

/* One page that all members write: numbers for messages, which nothing depends on. */
struct family_shared {
    _Atomic uint32_t refused;
    _Atomic uint64_t log_dropped;
};

/* ---- the root ---- */

static int limit_members(uint32_t pids_max)
{
    struct rlimit limit;

    /* The control group comes first and says so. This is for where there is none: its number is of
     * this user namespace, thus of this family. */
    if (getrlimit(RLIMIT_NPROC, &limit) < 0)
        return -errno;
    if (limit.rlim_max > (rlim_t)pids_max + 1)
        limit.rlim_max = (rlim_t)pids_max + 1;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NPROC, &limit) < 0 ? -errno : 0;
}

struct family_options family_options_of(const struct guest_setup *setup)
{
    return (struct family_options){
        .grants = setup->grants,
        .pids_max = setup->pids_max,
        .depth_max = setup->depth_max,
        .own_groups = setup->own_groups != 0,
        .kin = -1,
    };
}

int family_open(struct family *family, const struct family_options *options)
{
    struct channel *channel = options->channel;

    *family = (struct family){
        .grants = options->grants,
        .by_channel = channel != NULL,
        .log = {-1, -1},
        .kin = options->kin,
        .page = options->page,
        .depth_max = options->depth_max,
        .own_groups = options->own_groups,
        .channel = channel,
    };
    if (!(family->grants & GUEST_GRANT_FORK))
        return 0;
    /* Signals to a process group pass through pid namespaces: this group is the family's own. */
    if (setsid() < 0)
        return -errno;
    int r = limit_members(options->pids_max);
    if (r < 0)
        return r;
    family->shared = mmap(NULL, sizeof *family->shared, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (family->shared == MAP_FAILED)
        return -errno;
    if (!channel)
        return 0;
    if (madvise(channel, CHANNEL_BYTES, MADV_DONTFORK) < 0)
        return -errno;
    return pipe2(family->log, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
}

void family_forget_places(struct family *family)
{
    if (family)
        memset(family->places, 0, sizeof family->places);
}

/* System call: read. */
void family_drain(struct family *family, struct guest_call *call)
{
    char piece[4096];

    if (!family || family->child || family->log[0] < 0)
        return;
    for (size_t total = 0; total < CHANNEL_LOG_BYTES;) {
        ssize_t n = read(family->log[0], piece, sizeof piece);
        if (n <= 0)
            break;
        call_log(call, piece, (size_t)n);
        total += (size_t)n;
    }
    uint64_t dropped =
        atomic_exchange_explicit(&family->shared->log_dropped, 0, memory_order_relaxed);
    if (dropped && call->channel)
        atomic_fetch_add_explicit(&call->channel->log_dropped, dropped, memory_order_relaxed);
}

void family_note_refused(struct family *family)
{
    atomic_store_explicit(&family->shared->refused, 1, memory_order_relaxed);
}

bool family_was_refused(struct family *family)
{
    return family && family->shared &&
           atomic_exchange_explicit(&family->shared->refused, 0, memory_order_relaxed);
}

/* System call: wait4. */
void family_reap(const struct family *family)
{
    if (!family || !(family->grants & GUEST_GRANT_FORK))
        return;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

/* ---- a child ---- */

/* System call: write. */
void family_log(const struct family *family, const void *data, uint64_t bytes)
{
    ssize_t n = write(family->log[1], data, bytes);
    uint64_t written = n > 0 ? (uint64_t)n : 0;

    if (written < bytes)
        atomic_fetch_add_explicit(&family->shared->log_dropped, bytes - written,
                                  memory_order_relaxed);
}

/* Its own control group, before it does anything: the supervisor moves it. Without one it stays in
 * its parent's. System calls: write, futex. */
static void ask_for_group(const struct family *family)
{
    struct kin_message message = {.type = KIN_BORN};

    if (family->own_groups)
        kin_ask(family, &message);
}

/* Nothing of the root's that is not the guest's own stays. System call: close. */
void family_become_child(struct host *host)
{
    struct family *family = host->family;
    struct wasi_options *options = &host->wasi->options;

    family->generation++;
    signals_as_child(host);
    ask_for_group(family);
    update_point_leave(host);
    /* Two that ask the connector or the platform over one socket would take each other's answers.
     */
    if (options->connect_count > 0 && options->connector >= 0) {
        close(options->connector);
        options->connector = -1;
        options->connect_count = 0;
    }
    if (options->platform >= 0) {
        close(options->platform);
        options->platform = -1;
    }
    if (family->child || !family->by_channel) {
        family->child = true;
        return;
    }
    family->child = true;
    close(INSTANCE_EVENT_FD);
    close(family->log[0]);
    family->log[0] = -1;
    if (host->call)
        call_leave(host->call, family);
}

/* System call: write, for a trap. */
void family_child_ended(struct host *host)
{
    char line[300];

    if (host->exit == HOST_RETURNED)
        _exit(0);
    if (host->exit == HOST_EXITED)
        _exit((int)(host->exit_status & 0xff));
    int n = snprintf(line, sizeof line, "vireo: child %d: trap%s%s%s: %.80s\n", (int)getpid(),
                     host->trap_function[0] ? " in '" : "", host->trap_function,
                     host->trap_function[0] ? "'" : "", host->trap ? host->trap : "unknown");
    if (n > 0 && host->call)
        call_log(host->call, line, (size_t)n);
    if (n > 0 && !host->family->by_channel && write(2, line, (size_t)n) < 0)
        _exit(EXIT_TRAP);
    _exit(EXIT_TRAP);
}
