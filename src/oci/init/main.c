/*
 * vireo-container-init FD: becomes a container's process. FD is the memfd of its plan. Nobody but
 * the runtime starts it; it has no other input.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/stack.h"
#include "oci/init/init.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* So deep goes what is done before the wait. */
#define STACK_DEPTH (128u << 10)

int init_tell(struct init *init, enum init_say say, int64_t value, int fd)
{
    struct init_message message = {.say = say, .value = value};

    return fd_send(init->plan->control_fd, &message, INIT_MESSAGE_HEAD, &fd, fd >= 0);
}

static int tell_failure(int socket, const struct err *err)
{
    struct init_message message = {.say = INIT_FAILED, .code = err->code};

    snprintf(message.text, sizeof message.text, "%s", err->message);
    return fd_send(socket, &message, sizeof message, NULL, 0);
}

int init_await_go(int socket, const char **ret_text, size_t *ret_bytes)
{
    static struct init_go message; /* too large for a stack */
    int fds[FD_MESSAGE_MAX];
    size_t count;

    ssize_t n = fd_receive(socket, &message, sizeof message, fds, &count, 0);
    if (n < 0)
        return (int)n;
    fd_close_all(fds, count);
    if (n < (ssize_t)INIT_GO_HEAD || message.say != INIT_GO)
        return -EPIPE;
    if (ret_text) {
        *ret_text = message.text;
        *ret_bytes = (size_t)n - INIT_GO_HEAD;
    }
    return 0;
}

/*
 * Waits for the start: whoever connects to the container's socket and says so. The connection is
 * closed by the exec, which tells that all went well. *ret_reply is where a failure is said.
 */
static int await_start(struct init *init, int *ret_reply)
{
    const struct init_plan *plan = init->plan;

    if (plan->start_fd < 0) {
        const char *text;
        size_t bytes;
        *ret_reply = plan->control_fd;
        int r = init_await_go(plan->control_fd, &text, &bytes);
        return r < 0 || bytes == 0 ? r : init_process_add_variables(init, text, bytes);
    }
    /* Until it is recorded that we are here, we end with our maker. */
    int r = init_await_go(plan->control_fd, NULL, NULL);
    if (r < 0)
        return r;
    for (;;) {
        int fd = accept4(plan->start_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0)
            return -errno;
        if (init_await_go(fd, NULL, NULL) == 0) {
            *ret_reply = fd;
            return 0;
        }
        close(fd); /* one that looked and went away */
    }
}

/* The plan's address is free: we are alone here, and the kernel maps programs far above it. */
static const struct init_plan *plan_map(const char *text)
{
    int fd = 0;

    for (; *text >= '0' && *text <= '9' && fd < 100000000; text++)
        fd = fd * 10 + (*text - '0');
    void *plan = mmap((void *)INIT_PLAN_ADDRESS, INIT_PLAN_BYTES, PROT_READ,
                      MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    close(fd);
    return plan == (void *)INIT_PLAN_ADDRESS ? plan : NULL;
}

static int set_up(struct init *init)
{
    int r = init_namespaces(init);
    if (r == 0)
        r = init_process_open_label(init);
    if (r == 0)
        r = init_names(init);
    if (r == 0)
        r = init_root(init);
    if (r == 0 && !init->plan->root)
        r = init_terminal(init);
    if (r == 0)
        r = init_process_prepare(init);
    return r;
}

int init_asked(struct init *init, int r, const char *path)
{
    return init->plan->target_fd < 0 ? err_at(&init->err, r, "%s", path) : r;
}

int main(int argc, char **argv)
{
    /* Before anything else: nobody in a namespace that we join may look into us. */
    if (argc != 2 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return 125;
    struct init init = {.plan = plan_map(argv[1]),
                        .root_fd = -1,
                        .parent.fd = -1,
                        .ruleset_fd = -1,
                        .label_fd = -1};
    if (!init.plan)
        return 125;
    umask(0); /* modes are as they are written */
    /* Nothing of the runtime's goes on to the program, whatever it had open. */
    if (syscall(SYS_close_range, 3 + init.plan->process.kept_fds, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return 125;

    if (set_up(&init) < 0) {
        tell_failure(init.plan->control_fd, &init.err);
        return 125;
    }
    int reply = -1;
    if (!init.plan->unattended && init_tell(&init, INIT_READY, 0, -1) < 0)
        return 125;
    /* What fails is read by whoever starts it. */
    if (init.plan->process.confined_wait && init_process_confine(&init) < 0) {
        tell_failure(init.plan->control_fd, &init.err);
        return 125;
    }
    /* One of a pool waits for long. */
    if (init.plan->process.confined_wait)
        stack_give_back(STACK_DEPTH);
    if (await_start(&init, &reply) < 0)
        return 125;
    if (init.plan->at_once && init_tell(&init, INIT_READY, 0, -1) < 0)
        return 125;
    init_process_execute(&init);
    tell_failure(reply, &init.err);
    return 125;
}
