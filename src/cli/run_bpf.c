/* eBPF of `vireo run`. */
#include "cli/run_bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/manifest.h"
#include "cli/cli.h"
#include "pvm/pvm.h"

static bool shows_events;

void run_bpf_show_events(void)
{
    shows_events = true;
}

bool run_bpf_take_grant(const char *name, struct manifest *manifest)
{
    bool host = strcmp(name, "bpf=host") == 0;

    if (!host && strcmp(name, "bpf") != 0)
        return false;
    manifest->bpf.given = 1;
    manifest->bpf.host |= host;
    return true;
}

static int open_program(const char *name, struct err *err)
{
    _cleanup_(freep) char *path = cli_program_path(name);

    if (!path)
        return err_set(err, -ENOMEM, "cannot run");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? err_set(err, -errno, "cannot open program '%s'", path) : fd;
}

static int start_both(struct run_bpf *run, struct err *err)
{
    struct pvm_bpf_options options = {.prepare = true};
    _cleanup_(closep) int broker = open_program("vireo-broker", err);
    _cleanup_(closep) int reader = broker < 0 ? -1 : open_program("vireo-bpf", err);

    if (reader < 0)
        return broker < 0 ? broker : reader;
    int r = pvm_uid_take(&options.broker_uid, &run->uid_locks[0], err);
    if (r == 0)
        r = pvm_uid_take(&options.reader_uid, &run->uid_locks[1], err);
    options.broker_fd = broker;
    options.reader_fd = reader;
    return r < 0 ? r : pvm_bpf_start(&options, &run->bpf, err);
}

static void *run_thread(void *user)
{
    struct run_bpf *run = user;

    run->result = start_both(run, &run->err);
    sem_post(&run->started);
    sem_wait(&run->ended); /* no signal comes here */
    return NULL;
}

int run_bpf_start(struct run_bpf *run, bool rootless, struct err *err)
{
    sigset_t all, before;

    if (rootless)
        return err_say(err, -EPERM,
                       "cannot run: loading eBPF programs needs root (run it by sudo, or deploy "
                       "it)");
    sem_init(&run->started, 0, 0);
    sem_init(&run->ended, 0, 0);
    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(&run->thread, NULL, run_thread, run);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    run->has_thread = r == 0;
    return r < 0 ? err_set(err, r, "cannot start the broker of eBPF") : 0;
}

static void await_started(struct run_bpf *run)
{
    if (!run->has_thread || run->has_started)
        return;
    while (sem_wait(&run->started) < 0)
        ; /* EINTR */
    run->has_started = true;
}

int run_bpf_pair(struct run_bpf *run, const struct manifest *manifest, const struct cgroup *group,
                 struct err *err)
{
    struct bpf_policy policy;

    if (!manifest->bpf.given)
        return 0;
    await_started(run);
    if (run->result < 0) {
        *err = run->err;
        return run->result;
    }
    policy_settle(&manifest->bpf, &policy);
    policy.show_events = shows_events;
    return pvm_bpf_pair(run->bpf.socket, manifest->name, 0, &policy, group, &run->socket, err);
}

void run_bpf_end(struct run_bpf *run)
{
    await_started(run);
    fd_close_all(&run->socket, 1);
    pvm_bpf_end(&run->bpf);
    fd_close_all(run->uid_locks, ARRAY_LEN(run->uid_locks));
    if (!run->has_thread)
        return;
    sem_post(&run->ended);
    pthread_join(run->thread, NULL);
}
