/* A process that is nobody's child. */
#include "oci/apart.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

int process_apart(void (*run)(void *data), void *data, pid_t *ret_between)
{
    pid_t between = fork();

    if (between < 0)
        return -errno;
    if (between == 0) {
        pid_t pid = fork();
        if (pid != 0)
            _exit(pid < 0);
        run(data);
        _exit(1);
    }
    *ret_between = between;
    return 0;
}

int process_apart_end(pid_t *between)
{
    int status = 0;

    while (*between && waitpid(*between, &status, 0) < 0 && errno == EINTR)
        ;
    *between = 0;
    return status == 0 ? 0 : -EAGAIN;
}
