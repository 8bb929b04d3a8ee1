/*
 * vireo-sched: loads the BPF scheduler and holds it, until it is ended or the kernel takes the
 * scheduler back. Nobody starts it but the operator (`vireo sched`, or its service). It is root to
 * load the scheduler (CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN) and to read what groups were told
 * before; then one without rights.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/notify.h"
#include "vkernel/scheduler.h"
#include "vkernel/scheduler_load.h"
#include "vkernel/scheduler_serve.h"

DEFINE_CLEANUP(struct scheduler, scheduler_free)

/* What the kernel allows at most, and when it is time to do something. */
#define TIMEOUT_MS 30000u
#define RESCUE_MS 10000u

static int check(struct err *err)
{
    char name[64];

    if (geteuid() != 0)
        return err_say(err, -EPERM, "cannot load the scheduler: it is for root");
    switch (scheduler_state(name)) {
    case SCHEDULER_UNKNOWN:
        return err_say(err, -ENOTSUP,
                       "cannot load the scheduler: this kernel has no sched_ext "
                       "(CONFIG_SCHED_CLASS_EXT)");
    case SCHEDULER_OFF:
        return 0;
    case SCHEDULER_OURS:
    case SCHEDULER_FOREIGN:
        break;
    }
    return err_say(err, -EBUSY, "cannot load the scheduler: '%s' is loaded already", name);
}

static int run(const struct scheduler_options *options, struct err *err)
{
    _cleanup_(scheduler_freep) struct scheduler *scheduler = NULL;
    _cleanup_(closep) int listen_fd = -1, root_fd = -1;
    struct notify notify;

    int r = check(err);
    if (r == 0)
        r = notify_open(&notify, err);
    if (r < 0)
        return r;
    r = scheduler_groups(&root_fd, err);
    if (r == 0)
        r = scheduler_listen(&listen_fd, err);
    if (r == 0)
        r = scheduler_load(options, &scheduler, err);
    if (r == 0)
        r = scheduler_adopt(scheduler, steal_fd(&root_fd), err);
    if (r == 0)
        r = scheduler_confine(err);
    if (r == 0) {
        fprintf(stderr, "vireo: all threads are scheduled by vireo's BPF scheduler\n");
        notify_send(&notify, "READY=1");
        r = scheduler_serve(scheduler, listen_fd, err);
    }
    notify_close(&notify);
    return r;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"timeout", required_argument, NULL, 't'}, {"verbose", no_argument, NULL, 'v'}, {0}};
    struct scheduler_options options = {TIMEOUT_MS, RESCUE_MS};
    libbpf_print_fn_t print = libbpf_set_print(NULL);
    struct err err = {0};

    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 't':
            options.timeout_ms = (uint32_t)strtoul(optarg, NULL, 10);
            if (options.timeout_ms < 1000 || options.timeout_ms > TIMEOUT_MS) {
                fprintf(stderr, "vireo: cannot read --timeout '%s': it is from 1000 to %u\n",
                        optarg, TIMEOUT_MS);
                return 2;
            }
            options.rescue_ms = options.timeout_ms / 3;
            break;
        case 'v':
            libbpf_set_print(print);
            break;
        default:
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    run(&options, &err);
    fprintf(stderr, "vireo: %s\n", err.message);
    return err.code == -EBUSY || err.code == -EPERM ? 4 : 1;
}
