/* The process behind a container's emulated calls. */
#include "oci/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/vkernel.h"
#include "vkernel/broker.h"

struct container {
    struct oci_place place;
    int state_fd;
};

static int memory(void *user, uint64_t *ret_limit, uint64_t *ret_used, unsigned *ret_processes)
{
    const struct container *container = user;
    _cleanup_(freep) struct oci_stats *stats = calloc(1, sizeof *stats);
    _cleanup_(freep) pid_t *pids = NULL;
    size_t count = 0;

    int r = stats ? oci_launch_stats(&container->place, stats, NULL) : -ENOMEM;
    if (r == 0)
        r = oci_launch_pids(&container->place, &pids, &count, NULL);
    if (r < 0)
        return r;
    *ret_limit = stats->memory_limit;
    *ret_used = stats->memory_usage == UINT64_MAX ? 0 : stats->memory_usage;
    *ret_processes = (unsigned)count;
    return 0;
}

static enum vkernel_policy policy(void *user)
{
    const struct container *container = user;
    struct vkernel vkernel;

    return oci_vkernel_load(container->state_fd, &vkernel, NULL) < 0
               ? VKERNEL_POLICY_DEFAULT
               : (enum vkernel_policy)vkernel.sched.policy;
}

static int set_policy(void *user, enum vkernel_policy wanted)
{
    const struct container *container = user;
    struct vkernel vkernel;
    int r = oci_vkernel_load(container->state_fd, &vkernel, NULL);

    vkernel.sched.policy = wanted;
    if (r == 0)
        r = oci_vkernel_save(container->state_fd, &vkernel, NULL);
    return r < 0 ? r : oci_vkernel_schedule(&container->place, &vkernel, NULL);
}

/* Nothing of who started it: an engine waits for the ends of its pipes. */
static void leave_caller(int socket, int state_fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    /* Opened anew: the runtime's has the container's lock, which all of its duplicates hold. */
    int state = openat(state_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    setsid();
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    if (dup2(socket, 3) < 0 || dup2(state, 4) < 0 || chdir("/") < 0)
        _exit(1);
    syscall(SYS_close_range, 5, ~0u, 0);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "vireo-vkernel", 0, 0, 0);
}

_Noreturn static void serve(struct container *container)
{
    const struct vk_group group = {container, memory, policy, set_policy};
    char text[64];
    int fds[FD_MESSAGE_MAX];
    size_t count = 0;

    ssize_t n = fd_receive(3, text, sizeof text, fds, &count, 0);
    if (n <= 0 || count != 1)
        _exit(0); /* the container was never started */
    close(3);
    _exit(vk_broker_serve(fds[0], &group) < 0);
}

int oci_broker_start(int socket, const struct oci_place *place, int state_fd, struct err *err)
{
    struct container container = {.place = *place, .state_fd = 4};
    int status = 0;

    /* Above the places that they are put at. */
    _cleanup_(closep) int high_socket = fcntl(socket, F_DUPFD_CLOEXEC, 10);
    _cleanup_(closep) int high_state = fcntl(state_fd, F_DUPFD_CLOEXEC, 10);
    pid_t pid = high_socket < 0 || high_state < 0 ? -1 : fork();
    if (pid < 0)
        return err_set(err, -errno, "cannot start the broker of emulated calls");
    if (pid == 0) {
        /* Nobody's child, that nobody must reap it. */
        pid_t second = fork();
        if (second != 0)
            _exit(second < 0);
        leave_caller(high_socket, high_state);
        serve(&container);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 ? 0 : err_set(err, -EAGAIN, "cannot start the broker of emulated calls");
}
