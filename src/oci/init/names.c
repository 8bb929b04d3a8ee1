/* Host name, domain name and kernel parameters of the new namespaces. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oci/init/init.h"

/* /proc/sys shows the parameters of whoever opens it: the host's procfs serves, before the pivot.
 */
static int set_sysctl(struct init *init, const struct init_sysctl *sysctl)
{
    _cleanup_(closep) int base = openat(AT_FDCWD, "/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base < 0)
        return err_set(&init->err, -errno, "cannot open '/proc/sys'");
    _cleanup_(closep) int fd = beneath_open(base, sysctl->path, O_WRONLY, 0);
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
        r = set_sysctl(init, &plan->sysctls[i]);
    return r;
}
