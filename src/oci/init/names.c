/* Host name, domain name and kernel parameters of the new namespaces. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oci/init/init.h"

/* /proc/sys shows the parameters of whoever opens it: the host's procfs serves, before the pivot.
 */
static bool has_host_proc(const struct init_plan *plan)
{
    for (size_t i = 0; i < plan->join_count; i++)
        if (plan->joins[i].flag == CLONE_NEWNS)
            return false;
    return plan->target_fd < 0;
}

/*
 * The machine's own /proc may have mounts on it. That of a mount namespace which was joined is its
 * maker's, who could have a write go anywhere (CVE-2025-52881): there it is procfs or an error.
 */
static int open_sysctl(const struct init_plan *plan, const char *path)
{
    char below[512];

    if ((size_t)snprintf(below, sizeof below, "sys/%s", path) >= sizeof below)
        return -ENAMETOOLONG;
    int fd = proc_open(below, O_WRONLY);
    if (fd != -EXDEV || !has_host_proc(plan))
        return fd;
    _cleanup_(closep) int base = openat(AT_FDCWD, "/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return base < 0 ? -errno : beneath_open(base, path, O_WRONLY, 0);
}

static int set_sysctl(struct init *init, const struct init_sysctl *sysctl)
{
    _cleanup_(closep) int fd = open_sysctl(init->plan, sysctl->path);

    if (fd == -EXDEV)
        return err_say(&init->err, fd,
                       "cannot set sysctl '%s': '/proc' there is no procfs, or something is "
                       "mounted on it",
                       sysctl->path);
    if (fd < 0)
        return err_set(&init->err, fd, "cannot set sysctl '%s'", sysctl->path);
    int r = fd_write_full(fd, sysctl->value, strlen(sysctl->value));
    return r < 0 ? err_set(&init->err, r, "cannot set sysctl '%s' to '%s'", sysctl->path,
                           sysctl->value)
                 : 0;
}

/*
 * As runc has it: programs expect 127.0.0.1 of any network. It is no wish of config.json's, so that
 * a kernel without IPv4, or without the right to it, is none the worse.
 */
static void raise_loopback(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};

    _cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        ioctl(fd, SIOCSIFFLAGS, &lo);
}

int init_names(struct init *init)
{
    const struct init_plan *plan = init->plan;
    int r = 0;

    if (plan->new_network)
        raise_loopback();

    if (plan->hostname && sethostname(plan->hostname, strlen(plan->hostname)) < 0)
        return err_set(&init->err, -errno, "cannot set hostname '%s'", plan->hostname);
    if (plan->domainname &&
        syscall(SYS_setdomainname, plan->domainname, strlen(plan->domainname)) < 0)
        return err_set(&init->err, -errno, "cannot set domainname '%s'", plan->domainname);
    for (size_t i = 0; i < plan->sysctl_count && r == 0; i++)
        r = err_at(&init->err, set_sysctl(init, &plan->sysctls[i]), "linux.sysctl");
    return r;
}
