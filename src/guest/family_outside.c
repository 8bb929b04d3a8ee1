/*
 * A fork that was asked for from outside (`vireo fork`). The supervisor sends a signal from outside
 * of the family's namespace, which no member can: its sender's number is 0. The handler forks where
 * the pVM is, whatever it is doing, and the child goes on there when the handler returns.
 *
 * What the parent and its peers would take from each other is not the child's: its connections are
 * at their end, and so is the channel to the gateway. An instance that waits for a call has nothing
 * to go on with: its child waits, with its memory as it was, until it is ended or forked.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/channel.h"
#include "guest/family.h"
#include "guest/host.h"
#include "guest/template.h"
#include "guest/wasi.h"
#include "guest/wasm_internal.h"

/* Of this process: a handler has no argument. */
static struct host *forked_host;

static void become_outside_child(struct host *host)
{
    struct family *family = host->family;
    struct channel *channel = family->channel;

    family_become_child(host);
    wasi_drop_connections(host->wasi);
    if (!channel)
        return;
    /* The kernel did not give it to the child, whose parent may have been writing to it just now:
     * what is written from here on nobody reads. */
    if (mmap(channel, CHANNEL_BYTES, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
        _exit(1);
    while (!wasm_frame_current())
        ppoll(NULL, 0, NULL, NULL);
}

static void on_wish(int signal, siginfo_t *info, void *context)
{
    struct kin_message message = {.type = KIN_FORKED};
    struct host *host = forked_host;
    int kept_errno = errno;

    (void)signal;
    (void)context;
    /* Not the kernel's word for a sender outside: a member's joke. */
    if (info->si_code != SI_USER || info->si_pid != 0 || !host)
        return;
    if (host->family->generation >= host->family->depth_max) {
        message.value = -EAGAIN;
    } else {
        long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
        if (pid == 0) {
            become_outside_child(host);
            errno = kept_errno;
            return;
        }
        message.value = pid < 0 ? -errno : (int32_t)pid;
    }
    kin_say(host->family, &message);
    errno = kept_errno;
}

int family_outside_open(struct host *host)
{
    /* Itself too: a child that waits in it can be forked. */
    struct sigaction action = {
        .sa_sigaction = on_wish,
        .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER,
    };

    if (!(host->family->grants & GUEST_GRANT_FORK))
        return 0;
    forked_host = host;
    sigemptyset(&action.sa_mask);
    return sigaction(KIN_FORK_SIGNAL, &action, NULL) < 0 ? -errno : 0;
}
