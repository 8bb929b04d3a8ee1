/* The BPF scheduler, seen from outside: whether it is there, and what it is told. */
#include "vkernel/scheduler.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "vkernel/scheduler_record.h"
#include "vkernel/scheduling.h"

/* For an answer: it is a change of a map. */
#define WAIT_SECONDS 2

static void read_word(const char *path, char text[static 64])
{
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, 63);

    text[n < 0 ? 0 : n] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

enum scheduler_state scheduler_state(char ret_name[static 64])
{
    char state[64];

    ret_name[0] = '\0';
    read_word("/sys/kernel/sched_ext/state", state);
    if (!state[0])
        return SCHEDULER_UNKNOWN;
    if (strcmp(state, "disabled") == 0)
        return SCHEDULER_OFF;
    read_word("/sys/kernel/sched_ext/root/ops", ret_name);
    return strcmp(ret_name, SCHEDULER_NAME) == 0 ? SCHEDULER_OURS : SCHEDULER_FOREIGN;
}

/* -ENOENT, -ECONNREFUSED: nobody is there. */
static int ask(const struct scheduler_wish *wish)
{
    const struct timeval wait = {.tv_sec = WAIT_SECONDS};
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SCHEDULER_SOCKET};
    int32_t answer;

    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (send(fd, wish, sizeof *wish, MSG_NOSIGNAL) < 0)
        return -errno;
    ssize_t n = recv(fd, &answer, sizeof answer, 0);
    return n == sizeof answer ? answer : n < 0 ? -errno : -ECONNREFUSED;
}

bool scheduler_orders(enum vkernel_policy policy)
{
    return policy == VKERNEL_POLICY_FIFO || policy == VKERNEL_POLICY_BATCH;
}

static int remember(int group_fd, enum vkernel_policy policy)
{
    const char *name = vkernel_policy_name(policy);
    int r = scheduler_orders(policy)
                ? fsetxattr(group_fd, SCHEDULER_ATTRIBUTE, name, strlen(name), 0)
                : fremovexattr(group_fd, SCHEDULER_ATTRIBUTE);

    return r < 0 && errno != ENODATA ? -errno : 0;
}

int scheduler_tell(int group_fd, enum vkernel_policy policy, struct err *err)
{
    struct scheduler_wish wish = {.policy =
                                      scheduler_orders(policy) ? policy : VKERNEL_POLICY_NORMAL};
    struct stat status;

    /* Before it is told: who loads the scheduler meanwhile reads it there. */
    int r = fstat(group_fd, &status) < 0 ? -errno : remember(group_fd, policy);
    wish.group = status.st_ino;
    if (r == -EPERM || r == -ENOTSUP)
        return 0; /* rootless: no scheduler is asked for */
    if (r == 0)
        r = ask(&wish);
    if (r == -ENOENT || r == -ECONNREFUSED)
        return 0;
    return r < 0 ? err_set(err, r, "cannot tell the scheduler of the group's policy") : 0;
}
