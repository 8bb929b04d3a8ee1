/* Messages to the service manager. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/notify.h"

/* Longer ones are meant by nobody, and would not fit the arithmetic. */
#define WATCHDOG_MAX_USEC (INT64_C(24) * 3600 * 1000000)

/* WATCHDOG_USEC, unless WATCHDOG_PID says that it is meant for another process. 0: none. */
static int64_t watchdog_usec(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    char *end;

    if (!text || (pid && strtol(pid, NULL, 10) != getpid()))
        return 0;
    errno = 0;
    long long usec = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text || usec <= 0 || usec > WATCHDOG_MAX_USEC)
        return 0;
    return usec;
}

static int connect_to(const char *name, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || name[1] == '\0')
        return -EINVAL;
    if (length >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, name, length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (name[0] == '@')
        address.sun_path[0] = '\0'; /* abstract: no file, and no NUL behind it */
    else
        size++;
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, size) < 0)
        return -errno;
    *ret_fd = steal_fd(&fd);
    return 0;
}

int notify_open(struct notify *notify, struct err *err)
{
    const char *name = getenv("NOTIFY_SOCKET");
    int r = 0;

    *notify = (struct notify){.fd = -1};
    if (name && *name) {
        r = connect_to(name, &notify->fd);
        if (r < 0)
            err_set(err, r, "cannot reach the service manager at '%s'", name);
        else
            /* Twice as often as asked for (sd_watchdog_enabled(3)). */
            notify->watchdog_ns = watchdog_usec() * 1000 / 2;
    }
    /* What is started from here is no service. */
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return r;
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    *notify = (struct notify){.fd = -1};
}

void notify_send(const struct notify *notify, const char *lines)
{
    if (notify->fd < 0)
        return;
    /* Waiting for a manager that doesn't read would make its trouble ours. */
    (void)!send(notify->fd, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT);
}

int notify_alive(struct notify *notify, int64_t now_ns)
{
    if (notify->watchdog_ns == 0)
        return -1;
    if (now_ns >= notify->next_ns) {
        notify_send(notify, "WATCHDOG=1");
        notify->next_ns = now_ns + notify->watchdog_ns;
    }
    return (int)((notify->next_ns - now_ns) / 1000000) + 1;
}
