/* Network devices from one namespace to another: see net_devices.h; rtnetlink(7). */
#include "oci/net_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/config.h"

#define ADDRESSES_MAX 128 /* of one device */
#define ANSWER_BYTES (32 << 10)

struct request {
    struct nlmsghdr head;
    union {
        struct ifinfomsg link;
        struct ifaddrmsg address;
    };
    char attributes[128];
};

/* One of the two ends: its namespace, and a socket that was made there. */
struct end {
    int network, socket;
};

struct addresses {
    struct request list[ADDRESSES_MAX]; /* as they are to be added; the index is not filled in */
    size_t count;
    bool too_many;
};

static void request_open(struct request *request, int type, int flags, size_t payload)
{
    *request = (struct request){.head = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(payload),
                                         .nlmsg_type = (uint16_t)type,
                                         .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)}};
}

static void add(struct request *request, unsigned short type, const void *data, size_t size)
{
    struct rtattr *attribute = (void *)((char *)request + NLMSG_ALIGN(request->head.nlmsg_len));

    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(size);
    memcpy(RTA_DATA(attribute), data, size);
    request->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(request->head.nlmsg_len) + RTA_SPACE(size));
}

/* A permanent address of global scope: what DHCP or a peer gave is not ours to take along. */
static void keep_address(const struct nlmsghdr *message, int index, struct addresses *kept)
{
    const struct ifaddrmsg *address = NLMSG_DATA(message);
    int left = (int)IFA_PAYLOAD(message);

    if (message->nlmsg_type != RTM_NEWADDR || (int)address->ifa_index != index ||
        address->ifa_scope != RT_SCOPE_UNIVERSE || !(address->ifa_flags & IFA_F_PERMANENT))
        return;
    if (kept->count == ADDRESSES_MAX) {
        kept->too_many = true;
        return;
    }
    struct request *request = &kept->list[kept->count++];
    request_open(request, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE, sizeof request->address);
    request->address = (struct ifaddrmsg){.ifa_family = address->ifa_family,
                                          .ifa_prefixlen = address->ifa_prefixlen};
    for (const struct rtattr *a = IFA_RTA(address); RTA_OK(a, left); a = RTA_NEXT(a, left))
        if ((a->rta_type == IFA_LOCAL || a->rta_type == IFA_ADDRESS ||
             a->rta_type == IFA_BROADCAST) &&
            RTA_PAYLOAD(a) <= 16)
            add(request, a->rta_type, RTA_DATA(a), RTA_PAYLOAD(a));
}

/* Sends, and reads what comes up to the end or the acknowledgement. `kept` may be NULL. */
static int ask(int socket, const struct request *request, int index, struct addresses *kept)
{
    static char answer[ANSWER_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));

    if (send(socket, request, request->head.nlmsg_len, 0) < 0)
        return -errno;
    for (;;) {
        ssize_t n = recv(socket, answer, sizeof answer, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EPROTO;
        unsigned left = (unsigned)n;
        for (const struct nlmsghdr *message = (const void *)answer; NLMSG_OK(message, left);
             message = NLMSG_NEXT(message, left)) {
            if (message->nlmsg_type == NLMSG_ERROR)
                return ((const struct nlmsgerr *)NLMSG_DATA(message))->error;
            if (message->nlmsg_type == NLMSG_DONE)
                return 0;
            if (kept)
                keep_address(message, index, kept);
        }
    }
}

/* dev_ioctl() is every socket's, of the namespace that it was made in. */
static int device_index(int socket, const char *name)
{
    struct ifreq device = {0};

    snprintf(device.ifr_name, sizeof device.ifr_name, "%s", name);
    return ioctl(socket, SIOCGIFINDEX, &device) < 0 ? -errno : device.ifr_ifindex;
}

static int set_up(int socket, int index)
{
    struct request request;

    request_open(&request, RTM_SETLINK, NLM_F_ACK, sizeof request.link);
    request.link =
        (struct ifinfomsg){.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    return ask(socket, &request, 0, NULL);
}

/* MTU and hardware address go along by themselves; addresses the kernel drops on the way. *moved
 * may be true of one that failed. */
static int carry(const struct end *from, const struct end *to, const char *name,
                 const char *new_name, bool *moved)
{
    static struct addresses kept;
    struct request request;

    *moved = false;
    kept.count = 0;
    kept.too_many = false;
    const int index = device_index(from->socket, name);
    if (index < 0)
        return index;
    request_open(&request, RTM_GETADDR, NLM_F_DUMP, sizeof request.address);
    int r = ask(from->socket, &request, index, &kept);
    if (r < 0)
        return r;
    if (kept.too_many)
        return -E2BIG;
    /* The kernel moves under a new name only where the old one is taken, and renames after. */
    if (device_index(to->socket, new_name) >= 0)
        return -EEXIST;
    request_open(&request, RTM_SETLINK, NLM_F_ACK, sizeof request.link);
    request.link = (struct ifinfomsg){.ifi_index = index};
    add(&request, IFLA_NET_NS_FD, &to->network, sizeof to->network);
    add(&request, IFLA_IFNAME, new_name, strlen(new_name) + 1);
    r = ask(from->socket, &request, 0, NULL);
    if (r < 0)
        return r;
    *moved = true;
    const int there = device_index(to->socket, new_name);
    for (size_t i = 0; there >= 0 && r == 0 && i < kept.count; i++) {
        kept.list[i].address.ifa_index = (unsigned)there;
        r = ask(to->socket, &kept.list[i], 0, NULL);
    }
    if (there < 0)
        return there;
    return r == 0 ? set_up(to->socket, there) : r;
}

static void end_close(struct end *end)
{
    if (end->network >= 0)
        close(end->network);
    if (end->socket >= 0)
        close(end->socket);
}

static int end_open(struct end *end)
{
    end->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    return end->socket < 0 ? -errno : 0;
}

/* Both ends; `there` has its namespace. We are in it for one socket(2). */
static int ends_open(struct end *here, struct end *there)
{
    struct stat ours, theirs;

    here->network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (here->network < 0 || fstat(here->network, &ours) < 0 || fstat(there->network, &theirs) < 0)
        return -errno;
    if (ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev)
        return -EXDEV;
    int r = end_open(here);
    if (r < 0)
        return r;
    if (setns(there->network, CLONE_NEWNET) < 0)
        return -errno;
    r = end_open(there);
    if (setns(here->network, CLONE_NEWNET) < 0)
        return -errno;
    return r;
}

static void carry_back(const struct oci_config *config, size_t count, const struct end *here,
                       const struct end *there)
{
    const struct oci_net_device *devices = config->linux_.net_devices;
    bool moved;

    for (size_t i = count; i > 0; i--)
        carry(there, here, devices[i - 1].new_name, devices[i - 1].name, &moved);
}

int net_devices_move(const struct oci_config *config, pid_t pid, int *ret_network, struct err *err)
{
    _cleanup_(end_close) struct end here = {-1, -1}, there = {-1, -1};
    const struct oci_net_device *devices = config->linux_.net_devices;
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    there.network = open(path, O_RDONLY | O_CLOEXEC);
    int r = there.network < 0 ? -errno : ends_open(&here, &there);
    if (r == -EXDEV)
        return err_say(err, r,
                       "cannot move network device '%s': the container's network is the runtime's "
                       "own",
                       devices[0].name);
    if (r < 0)
        return err_set(err, r, "cannot move network device '%s'", devices[0].name);
    for (size_t i = 0; i < config->linux_.net_device_count; i++) {
        bool moved;
        r = carry(&here, &there, devices[i].name, devices[i].new_name, &moved);
        if (r < 0) {
            err_set(err, r, "cannot move network device '%s' to '%s'", devices[i].name,
                    devices[i].new_name);
            carry_back(config, i + moved, &here, &there);
            return r;
        }
    }
    *ret_network = there.network;
    there.network = -1;
    return 0;
}

void net_devices_return(const struct oci_config *config, int network)
{
    _cleanup_(end_close) struct end here = {-1, -1}, there = {network, -1};

    if (ends_open(&here, &there) == 0)
        carry_back(config, config->linux_.net_device_count, &here, &there);
    there.network = -1;
}
