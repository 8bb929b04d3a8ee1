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
#include <linux/sockios.h>
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
#include "bpf/events.h"

#define LINKS_MAX 64
/* Linux 6.6; the headers may be older. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define FREQUENCY_DEFAULT 99

int object_program_keep(struct object_program *program, int fd)
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

/* The program is run whenever the event is counted: by a link, whose end ends it. */
static int link_event(struct object_program *program, int event)
{
    int link = bpf_link_create(program->fd, event, BPF_PERF_EVENT, NULL);

    if (link < 0)
        return -errno;
    int r = event_enable(event);
    if (r < 0) {
        close(link);
        return r;
    }
    return object_program_keep(program, link);
}

int open_and_link(struct object_program *program, const struct event_request *request)
{
    _cleanup_(closep) int event = event_open(request);

    return event < 0 ? event : link_event(program, event);
}

int event_enable(int event)
{
    return ioctl(event, PERF_EVENT_IOC_ENABLE, 0) < 0 ? -errno : 0;
}

int tracepoint_open(const char *point)
{
    char path[300];
    uint64_t id;

    if (!is_kernel_name(point, 1))
        return -EINVAL;
    snprintf(path, sizeof path, BROKER_TRACING "/%s/id", point);
    int r = read_number(path, &id);
    if (r < 0)
        return r;
    return event_open(&(struct event_request){.kind = EVENT_TRACEPOINT, .number = id});
}

static int attach_tracepoint(const struct session *session, struct object_program *program,
                             const char *point)
{
    /* Where it sees its own group only, it shares the tracepoint with others'. */
    if (!session->instance.policy.host)
        return object_program_keep(program, hook_attach(session, program->fd, point));
    _cleanup_(closep) int event = tracepoint_open(point);
    return event < 0 ? event : link_event(program, event);
}

static int attach_raw_tracepoint(const struct session *session, struct object_program *program,
                                 const char *point)
{
    (void)session;
    if (!is_kernel_name(point, 0))
        return -EINVAL;
    int fd = bpf_raw_tracepoint_open(point, program->fd);
    return object_program_keep(program, fd < 0 ? -errno : fd);
}

/* Where it is attached was said when it was loaded. */
static int attach_tracing(const struct session *session, struct object_program *program,
                          const char *point)
{
    (void)session;
    (void)point;
    int fd = bpf_raw_tracepoint_open(NULL, program->fd);
    return object_program_keep(program, fd < 0 ? -errno : fd);
}

/* A group's path within the v2 tree, of one that may begin where that is mounted. */
static const char *path_in_tree(const char *path)
{
    static const char *const mounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};

    for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
        size_t length = strlen(mounts[i]);
        if (strncmp(path, mounts[i], length) == 0 && (!path[length] || path[length] == '/'))
            return path[length] ? path + length : "/";
    }
    return path;
}

/* The function's own group, or by the machine's leave the one that the target names. Of itself a
 * function sees no more of the tree than its own group, where it is mounted. */
static int attach_group(const struct session *session, struct object_program *program,
                        const char *point)
{
    _cleanup_(closep) int named = -1;
    int group = session->group_fd;
    const char *inside = path_in_tree(point);
    bool mount = inside != point && strspn(inside, "/") == strlen(inside);

    if (mount && !session->instance.policy.host)
        point = "";
    else
        point = inside;
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
    return object_program_keep(program, fd < 0 ? -errno : fd);
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
    /* Of tc the target says which way, unless the section does. */
    int type = xdp                    ? BPF_XDP
               : program->attach_type ? (int)program->attach_type
               : egress               ? TCX_EGRESS
                                      : TCX_INGRESS;
    int fd = bpf_link_create(program->fd, index, (enum bpf_attach_type)type, NULL);
    return object_program_keep(program, fd < 0 ? -errno : fd);
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
    return object_program_keep(program, steal_fd(&fd));
}

/* "FREQUENCY" of the processors' clocks, or "TYPE:CONFIG:FREQUENCY" of perf_event_open(2)'s. */
static int read_event(const char *point, struct event_request *request)
{
    uint64_t numbers[3] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, FREQUENCY_DEFAULT};
    size_t count = 0;

    for (const char *at = point; *at; count++) {
        char *end;
        if (count == ARRAY_LEN(numbers) || *at < '0' || *at > '9')
            return -EINVAL;
        numbers[count] = strtoull(at, &end, 0);
        if (*end != '\0' && (*end != ':' || end[1] == '\0'))
            return -EINVAL;
        at = *end ? end + 1 : end;
    }
    if (count == 1) {
        numbers[2] = numbers[0];
        numbers[0] = PERF_TYPE_SOFTWARE;
    }
    if (count == 2 || numbers[0] > UINT32_MAX || numbers[2] > EVENT_FREQUENCY_MAX)
        return -EINVAL;
    *request = (struct event_request){.kind = EVENT_SAMPLES,
                                      .type = (uint32_t)numbers[0],
                                      .number = numbers[1],
                                      .frequency = (uint32_t)numbers[2]};
    return 0;
}

static int attach_perf(const struct session *session, struct object_program *program,
                       const char *point)
{
    struct event_request request;
    (void)session;
    int r = read_event(point, &request);

    for (uint32_t i = 0; i < processors() && r == 0; i++) {
        request.processor = i;
        r = open_and_link(program, &request);
        r = r == -ENODEV ? 0 : r; /* a processor that is not there now */
    }
    return r;
}

/* It runs when it is read, and sees what there is of its kind: no target narrows that. */
static int attach_iterator(const struct session *session, struct object_program *program,
                           const char *point)
{
    (void)session;
    (void)point;
    int fd = bpf_link_create(program->fd, 0, BPF_TRACE_ITER, NULL);
    return object_program_keep(program, fd < 0 ? -errno : fd);
}

/* The network namespace of the machine, which is this process's: a socket tells it, there is no
 * /proc. */
static int attach_network(const struct session *session, struct object_program *program,
                          const char *point)
{
    (void)session;
    if (point[0])
        return -EINVAL; /* no other one can be named */
    _cleanup_(closep) int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    _cleanup_(closep) int network = any < 0 ? -1 : ioctl(any, SIOCGSKNS);
    if (network < 0)
        return -errno;
    int fd =
        bpf_link_create(program->fd, network, (enum bpf_attach_type)program->attach_type, NULL);
    return object_program_keep(program, fd < 0 ? -errno : fd);
}

/* "FAMILY:HOOK:PRIORITY" in the machine's network namespace. */
static int attach_netfilter(const struct session *session, struct object_program *program,
                            const char *point)
{
    static const char *const hooks[] = {"prerouting", "input", "forward", "output", "postrouting"};
    struct {
        uint32_t program, target, type, flags, family, hook;
        int32_t priority;
        uint32_t filter_flags;
    } attributes = {.program = (uint32_t)program->fd, .type = program->attach_type};
    char family[8], hook[16], rest;

    (void)session;
    if (sscanf(point, "%7[^:]:%15[^:]:%d%c", family, hook, &attributes.priority, &rest) != 3)
        return -EINVAL;
    attributes.family = strcmp(family, "ipv4") == 0 ? 2 /* NFPROTO_IPV4 */ : 10;
    if (attributes.family == 10 && strcmp(family, "ipv6") != 0)
        return -EINVAL;
    while (attributes.hook < ARRAY_LEN(hooks) && strcmp(hooks[attributes.hook], hook) != 0)
        attributes.hook++;
    if (attributes.hook == ARRAY_LEN(hooks))
        return -EINVAL;
    int fd = (int)syscall(__NR_bpf, BPF_LINK_CREATE, &attributes, sizeof attributes);
    return object_program_keep(program, fd < 0 ? -errno : fd);
}

/* By its member's map: object_attach() has that name. */
static int attach_operations(const struct session *session, struct object_program *program,
                             const char *point)
{
    (void)session;
    (void)program;
    (void)point;
    return -EOPNOTSUPP;
}

typedef int attach_way(const struct session *session, struct object_program *program,
                       const char *point);
static attach_way *const ways[] = {
    [WAY_TRACEPOINT] = attach_tracepoint, [WAY_RAW_TRACEPOINT] = attach_raw_tracepoint,
    [WAY_TRACING] = attach_tracing,       [WAY_KPROBE] = attach_kprobe,
    [WAY_KPROBES] = attach_kprobes,       [WAY_CGROUP] = attach_group,
    [WAY_XDP] = attach_interface,         [WAY_TC] = attach_interface,
    [WAY_SOCKET] = attach_socket,         [WAY_PERF] = attach_perf,
    [WAY_UPROBE] = attach_uprobe,         [WAY_NETFILTER] = attach_netfilter,
    [WAY_ITER] = attach_iterator,         [WAY_STRUCT_OPS] = attach_operations,
    [WAY_NETWORK] = attach_network,
};

/* The section's own point comes first where it has one: for cgroups it is part of the kind. */
static const char *point_of(const struct object_program *program, const char *target)
{
    return bpf_kind_has_point(&bpf_kinds[program->kind]) && program->point[0] ? program->point
                                                                              : target;
}

struct object_map *object_map_find(struct object *object, const char *name)
{
    for (uint32_t i = 0; i < object->guest_maps; i++)
        if (strcmp(object->maps[i].shown.name, name) == 0)
            return &object->maps[i];
    return NULL;
}

/* The programs of a sockmap hang on it, and go with it: no link is needed (the map is the
 * session's alone). */
static int attach_sockets(struct object *object, struct object_program *program, const char *name)
{
    struct object_map *map = object_map_find(object, name);

    if (!map)
        return -ENOENT;
    if (bpf_prog_attach(program->fd, map->fd, (enum bpf_attach_type)program->attach_type, 0) < 0)
        return -errno;
    int fd = fcntl(map->fd, F_DUPFD_CLOEXEC, 0);
    return object_program_keep(program, fd < 0 ? -errno : fd);
}

static int attach_program(const struct session *session, struct object *object,
                          struct object_program *program, const char *point, struct err *err)
{
    enum bpf_way way = bpf_kinds[program->kind].way;
    int r = policy_check_place(&session->instance.policy, program->kind, point, err);
    if (r < 0)
        return r;
    r = way == WAY_SOCKETS ? attach_sockets(object, program, point)
        : way == WAY_USDT  ? attach_usdt(session, object, program, point)
                           : ways[way](session, program, point);
    if (r == -E2BIG && way == WAY_TRACEPOINT)
        return err_say(err, r, "cannot attach '%s' to '%s': the function has %u programs there",
                       program->name, point, HOOK_LEVELS);
    if (r == -EXDEV)
        return err_say(err, -EPERM,
                       "cannot attach '%s' to '%s': its links lead to a file that the policy's "
                       "attach points do not have",
                       program->name, point);
    if (r == -EPERM && (way == WAY_TRACEPOINT || way == WAY_KPROBE || way == WAY_PERF))
        return err_say(err, r,
                       "cannot attach '%s' to '%s': the kernel keeps events for CAP_SYS_ADMIN (was "
                       "the sysctl kernel.perf_event_paranoid raised above 2 since vireo began?)",
                       program->name, point);
    if (r < 0)
        return err_set(err, r, "cannot attach '%s' to '%s'", program->name,
                       point[0] ? point : bpf_kinds[program->kind].name);
    snprintf(program->place, sizeof program->place, "%s", point);
    return 0;
}

struct object_program *object_program_find(struct object *object, const char *name)
{
    for (uint32_t i = 0; i < object->program_count; i++)
        if (strcmp(object->programs[i].name, name) == 0)
            return &object->programs[i];
    return NULL;
}

int object_attach(const struct session *session, struct object *object, const char *name,
                  const char *target, struct err *err)
{
    struct object_program *program = object_program_find(object, name);
    struct object_map *map = program ? NULL : object_map_find(object, name);

    if (map && map->operations) {
        int r = operations_attach(session, map, err);
        return r < 0 && !err->code ? err_set(err, r, "cannot attach '%s'", name) : r;
    }
    if (!program)
        return err_say(err, -ENOENT, "cannot attach '%s': the object has no such program", name);
    if (program->link_count > 0)
        return err_say(err, -EBUSY, "cannot attach '%s': it is attached", name);
    return attach_program(session, object, program, point_of(program, target), err);
}

int object_detach(struct object *object, const char *name)
{
    struct object_program *program = object_program_find(object, name);
    struct object_map *map = program ? NULL : object_map_find(object, name);

    if (map && map->link >= 0) {
        close(map->link);
        map->link = -1;
        return 0;
    }
    if (!program)
        return -ENOENT;
    if (program->link_count == 0)
        return -EINVAL;
    /* A sockmap's program is no link: it is the map's until it is taken away. */
    if (bpf_kinds[program->kind].way == WAY_SOCKETS &&
        bpf_prog_detach2(program->fd, program->links[0],
                         (enum bpf_attach_type)program->attach_type) < 0)
        return -errno;
    while (program->link_count > 0)
        close(program->links[--program->link_count]);
    if (program->output >= 0)
        close(program->output);
    program->output = -1;
    program->kept[0] = '\0'; /* the pin's link stays with what it runs */
    return 0;
}

int object_iterate(struct object *object, const char *name, bool anew, void *buffer, size_t room)
{
    struct object_program *program = object_program_find(object, name);

    if (!program)
        return -ENOENT;
    if (bpf_kinds[program->kind].way != WAY_ITER || program->link_count == 0)
        return -EINVAL;
    if (anew && program->output >= 0) {
        close(program->output);
        program->output = -1;
    }
    if (program->output < 0)
        program->output = bpf_iter_create(program->links[0]);
    if (program->output < 0)
        return -errno;
    ssize_t n;
    do
        n = read(program->output, buffer, room);
    while (n < 0 && errno == EAGAIN); /* its program was busy with one that is left out */
    return n < 0 ? -errno : (int)n;
}
