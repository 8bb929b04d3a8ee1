/* eBPF of functions: vireo-broker with its reader, which are started when the operator allows it.
 */
#include <fcntl.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "faas/supervisor.h"
#include "faas/supervisor_servers.h"
#include "faas/supervisor_outside.h"
#include "pvm/bpf.h"

static bool serves(const struct function *function)
{
    return function->manifest.bpf.given;
}

/* The loop lives in an empty network; what programs attach to are the machine's interfaces. */
static int spawn(struct supervisor *supervisor, int socket, struct spawned *ret_process,
                 struct err *err)
{
    const struct pvm_bpf_options options = {.broker_fd = supervisor->bpf_programs[0],
                                            .reader_fd = supervisor->bpf_programs[1],
                                            .broker_uid = supervisor->uid_first + UID_BROKER,
                                            .reader_uid = supervisor->uid_first + UID_READER};
    struct pvm_bpf bpf = {.socket = -1};
    int own;

    /* The one before: it ends with its broker, and is waited for here. */
    pvm_spawned_end(&supervisor->bpf_reader);
    int r = network_enter(supervisor, &own);
    if (r < 0)
        return err_set(err, r, "cannot start the broker of eBPF: enter the machine's network");
    r = pvm_bpf_start_on(&options, socket, &bpf, err);
    network_leave(own);
    if (r < 0)
        return r;
    *ret_process = bpf.broker;
    supervisor->bpf_reader = bpf.reader;
    return 0;
}

void bpf_init(struct supervisor *supervisor)
{
    broker_init(&supervisor->bpf);
    supervisor->bpf_reader.pidfd = -1;
    supervisor->bpf_programs[0] = supervisor->bpf_programs[1] = -1;
}

int bpf_open(struct supervisor *supervisor, struct err *err)
{
    if (!supervisor->config.allow_bpf.given)
        return 0;
    supervisor->bpf.what = "broker of eBPF";
    supervisor->bpf.spawn = spawn;
    supervisor->bpf.serves = serves;
    return broker_open(supervisor, &supervisor->bpf, err);
}

void bpf_close(struct supervisor *supervisor)
{
    broker_close(supervisor, &supervisor->bpf);
    pvm_spawned_end(&supervisor->bpf_reader);
    fd_close_all(supervisor->bpf_programs, ARRAY_LEN(supervisor->bpf_programs));
}

void bpf_forget(struct supervisor *supervisor, uint32_t id)
{
    pvm_bpf_forget(supervisor->bpf.socket.fd, id);
}

int bpf_pair(struct supervisor *supervisor, const struct function *function,
             const struct cgroup *group, int *ret_fd, struct err *err)
{
    struct bpf_policy policy;

    *ret_fd = -1;
    if (!serves(function))
        return 0;
    if (supervisor->bpf.socket.fd < 0)
        return err_say(err, -EAGAIN, "cannot start '%s': the broker of eBPF is being started again",
                       function->row.name);
    /* The operator's word as it is now, not as it was when the function was deployed. */
    int r = bpf_allowed(&supervisor->config, &function->manifest, err);
    if (r < 0)
        return r;
    policy_settle(&function->manifest.bpf, &policy);
    return pvm_bpf_pair(supervisor->bpf.socket.fd, function->row.name, function->row.id, &policy,
                        group, ret_fd, err);
}
