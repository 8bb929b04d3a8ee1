/*
 * Attaching, a function for each way (policy.h). What it gives are descriptors: they live until the
 * object is closed or the session ends, and the programs are attached no longer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"

#define LINKS_MAX 64
/* Linux 6.6; the headers may be older. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define FREQUENCY_DEFAULT 99
#define FREQUENCY_MAX 10000

static int keep(struct object_program *program, int fd)
{
    if (fd < 0)
        return fd;
    int *links = program->link_count < LINKS_MAX
                     ? reallocarray(program->links, program->link_count + 1, sizeof *links)
                     : NULL;
    if (!links) {
        close(fd);
        return -ENOMEM;
    }
    program->links = links;
    links[program->link_count++] = fd;
    return 0;
}

/* Letters, digits and _ only; `slashes` of them between. */
static bool is_name(const char *text, unsigned slashes)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

    for (const char *at = text;; at++) {
        size_t length = strspn(at, good);
        if (length == 0 || length > 100)
            return false;
        at += length;
        if (*at == '\0')
            return slashes == 0;
        if (*at != '/' || slashes-- == 0)
            return false;
    }
}

static int read_number(const char *path, uint64_t *ret_number)
{
    char text[32];
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n <= 0)
        return n < 0 ? -errno : -EIO;
    text[n] = '\0';
    *ret_number = strtoull(text, NULL, 10);
    return 0;
}

/* The program is run whenever the event is counted: by a link, whose end ends it. */
static int link_event(struct object_program *program, struct perf_event_attr *attr, int processor)
{
    _cleanup_(closep) int event =
        (int)syscall(__NR_perf_event_open, attr, -1, processor, -1, PERF_FLAG_FD_CLOEXEC);

    if (event < 0)
        return -errno;
    int link = bpf_link_create(program->fd, event, BPF_PERF_EVENT, NULL);
    if (link < 0)
        return -errno;
    if (ioctl(event, PERF_EVENT_IOC_ENABLE, 0) < 0) {
        int error = -errno;
        close(link);
        return error;
    }
    return keep(program, link);
}

static int attach_tracepoint(const struct session *session, struct object_program *program,
                             const char *point)
{
    char path[300];
    uint64_t id;

    (void)session;
    if (!is_name(point, 1))
        return -EINVAL;
    snprintf(path, sizeof path, BROKER_TRACING "/%s/id", point);
    int r = read_number(path, &id);
    if (r < 0)
        return r;
    struct perf_event_attr attr = {.size = sizeof attr,
                                   .type = PERF_TYPE_TRACEPOINT,
                                   .config = id,
                                   .sample_period = 1,
                                   .wakeup_events = 1};
    return link_event(program, &attr, 0);
}

static int attach_raw_tracepoint(const struct session *session, struct object_program *program,
                                 const char *point)
{
    (void)session;
    if (!is_name(point, 0))
        return -EINVAL;
    int fd = bpf_raw_tracepoint_open(point, program->fd);
    return keep(program, fd < 0 ? -errno : fd);
}

/* Where it is attached was said when it was loaded. */
static int attach_tracing(const struct session *session, struct object_program *program,
                          const char *point)
{
    (void)session;
    (void)point;
    int fd = bpf_raw_tracepoint_open(NULL, program->fd);
    return keep(program, fd < 0 ? -errno : fd);
}

static int attach_kprobe(const struct session *session, struct object_program *program,
                         const char *point)
{
    bool returns = strcmp(bpf_kinds[program->kind].name, "kretprobe") == 0;
    uint64_t type;

    (void)session;
    if (!is_name(point, 0))
        return -EINVAL;
    int r = read_number(BROKER_SOURCES "/kprobe/type", &type);
    if (r < 0)
        return r == -ENOENT ? -EOPNOTSUPP : r; /* a kernel without CONFIG_KPROBE_EVENTS */
    struct perf_event_attr attr = {.size = sizeof attr,
                                   .type = (uint32_t)type,
                                   .config = returns, /* format/retprobe is config:0 */
                                   .kprobe_func = (uintptr_t)point};
    return link_event(program, &attr, 0);
}

/* The function's own group, or by the machine's leave the one that the target names. */
static int attach_group(const struct session *session, struct object_program *program,
                        const char *point)
{
    _cleanup_(closep) int named = -1;
    int group = session->group_fd;

    if (point[0] && !session->instance.policy.host)
        return -EPERM; /* another group is not its own to name */
    if (point[0]) {
        _cleanup_(closep) int root = open(BROKER_GROUPS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
            return -errno;
        while (*point == '/')
            point++;
        named = fd_open_resolve(root, *point ? point : ".", O_RDONLY | O_DIRECTORY,
                                0x08 /* RESOLVE_BENEATH */);
        if (named < 0)
            return named;
        group = named;
    }
    if (group < 0)
        return -ENOENT;
    int fd = bpf_link_create(program->fd, group, (enum bpf_attach_type)program->attach_type, NULL);
    return keep(program, fd < 0 ? -errno : fd);
}

/* "eth0", or "eth0:egress". */
static int find_interface(const char *point, bool *ret_egress, int *ret_index)
{
    char name[IF_NAMESIZE];
    size_t length = strcspn(point, ":");

    if (length == 0 || length >= sizeof name)
        return -EINVAL;
    memcpy(name, point, length);
    name[length] = '\0';
    *ret_egress = strcmp(point + length, ":egress") == 0;
    if (point[length] && !*ret_egress && strcmp(point + length, ":ingress") != 0)
        return -EINVAL;
    *ret_index = (int)if_nametoindex(name);
    return *ret_index > 0 ? 0 : -ENODEV;
}

static int attach_interface(const struct session *session, struct object_program *program,
                            const char *point)
{
    bool xdp = bpf_kinds[program->kind].way == WAY_XDP;
    bool egress;
    int index;

    (void)session;
    int r = find_interface(point, &egress, &index);
    if (r < 0)
        return r;
    int type = xdp ? BPF_XDP : egress ? TCX_EGRESS : TCX_INGRESS;
    int fd = bpf_link_create(program->fd, index, (enum bpf_attach_type)type, NULL);
    return keep(program, fd < 0 ? -errno : fd);
}

/* A socket that gets what the interface sees, as far as the program lets it: nobody reads it. */
static int attach_socket(const struct session *session, struct object_program *program,
                         const char *point)
{
    bool egress;
    int index;

    (void)session;
    int r = find_interface(point, &egress, &index);
    if (r < 0)
        return r;
    _cleanup_(closep) int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program->fd, sizeof program->fd) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    return keep(program, steal_fd(&fd));
}

/* The processors' clocks, so many times a second ("99"). */
static int attach_perf(const struct session *session, struct object_program *program,
                       const char *point)
{
    char *end = NULL;
    unsigned long frequency = point[0] ? strtoul(point, &end, 10) : FREQUENCY_DEFAULT;

    (void)session;
    if ((end && *end) || frequency == 0 || frequency > FREQUENCY_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < processors(); i++) {
        struct perf_event_attr attr = {.size = sizeof attr,
                                       .type = PERF_TYPE_SOFTWARE,
                                       .config = PERF_COUNT_SW_CPU_CLOCK,
                                       .freq = 1,
                                       .sample_freq = frequency};
        int r = link_event(program, &attr, (int)i);
        if (r < 0 && r != -ENODEV)
            return r;
    }
    return 0;
}

typedef int attach_way(const struct session *session, struct object_program *program,
                       const char *point);
static attach_way *const ways[] = {
    [WAY_TRACEPOINT] = attach_tracepoint,
    [WAY_RAW_TRACEPOINT] = attach_raw_tracepoint,
    [WAY_TRACING] = attach_tracing,
    [WAY_KPROBE] = attach_kprobe,
    [WAY_CGROUP] = attach_group,
    [WAY_XDP] = attach_interface,
    [WAY_TC] = attach_interface,
    [WAY_SOCKET] = attach_socket,
    [WAY_PERF] = attach_perf,
};

/* The section's own point comes first where it has one: for cgroups it is part of the kind. */
static const char *point_of(const struct object_program *program, const char *target)
{
    enum bpf_way way = bpf_kinds[program->kind].way;
    bool by_section = way == WAY_TRACEPOINT || way == WAY_RAW_TRACEPOINT || way == WAY_TRACING ||
                      way == WAY_KPROBE;

    return by_section && program->point[0] ? program->point : target;
}

int object_attach(const struct session *session, struct object *object, const char *name,
                  const char *target, struct err *err)
{
    struct object_program *program = NULL;

    for (uint32_t i = 0; i < object->program_count && !program; i++)
        if (strcmp(object->programs[i].name, name) == 0)
            program = &object->programs[i];
    if (!program)
        return err_say(err, -ENOENT, "cannot attach '%s': the object has no such program", name);
    if (program->link_count > 0)
        return err_say(err, -EBUSY, "cannot attach '%s': it is attached", name);
    const char *point = point_of(program, target);
    enum bpf_way way = bpf_kinds[program->kind].way;
    int r = 0;
    if (point[0] || way != WAY_CGROUP)
        r = policy_check_point(&session->instance.policy, program->kind, point, err);
    if (r < 0)
        return r;
    r = ways[way](session, program, point);
    if (r < 0)
        return err_set(err, r, "cannot attach '%s' to '%s'", name,
                       point[0] ? point : bpf_kinds[program->kind].name);
    return 0;
}
