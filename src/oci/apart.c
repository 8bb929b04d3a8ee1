/* A process that is nobody's child. */
#include "oci/apart.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of a child that borrows our memory for its one fork. */
#define STACK_BYTES (64 << 10)

struct task {
    void (*run)(void *data);
    void *data;
};

static int between(void *data)
{
    const struct task *task = data;

    pid_t pid = fork();
    if (pid == 0) {
        task->run(task->data);
        _exit(1);
    }
    _exit(pid < 0);
}

int process_apart(void (*run)(void *data), void *data)
{
    static char stack[STACK_BYTES] __attribute__((aligned(16)));
    struct task task = {run, data};
    int status = 0;

    /* As vfork(2), with which a child must not return: page tables are copied once, not twice. */
    pid_t pid = clone(between, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, &task);
    if (pid < 0)
        return -errno;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 ? 0 : -EAGAIN;
}
