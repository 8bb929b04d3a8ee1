/* The program that tells whose a kernel message is: found or loaded, and given one more ring. */
#include "vkernel/log_source.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "vkernel/kmsg_record.h"
#include "vkernel/shared_object.h"

/* The layout of a record is part of what a name stands for. */
static const struct shared_object shared = {.map = "vireo_rings",
                                            .map_type = BPF_MAP_TYPE_HASH_OF_MAPS,
                                            .link_type = BPF_LINK_TYPE_RAW_TRACEPOINT,
                                            .programs = 2};
#define LOCK_PATH "/run/vireo-kmsg.lock"

extern const unsigned char kmsg_image[], kmsg_image_end[];

struct log_source {
    struct shared_fds shared;
    int rings; /* of these: group's id -> ring */
    struct ring_buffer *buffer;
    void (*each)(const struct kmsg_record *record, void *user);
    void *user;
};
DEFINE_CLEANUP(struct log_source, log_source_free)

void log_source_free(struct log_source *source)
{
    if (!source)
        return;
    ring_buffer__free(source->buffer);
    shared_object_close(&source->shared);
    free(source);
}

/* ---- loaded here ---- */

/* The byte where a structure has a member; *ret_type: the member's type. */
static int member_offset(const struct btf *btf, uint32_t structure, const char *name,
                         uint32_t *ret_type)
{
    const struct btf_type *type = btf__type_by_id(btf, structure);
    const struct btf_member *members = type ? btf_members(type) : NULL;

    for (uint32_t i = 0; type && i < btf_vlen(type); i++) {
        const char *own = btf__name_by_offset(btf, members[i].name_off);
        if (!own || strcmp(own, name) != 0)
            continue;
        *ret_type = members[i].type;
        return (int)(btf_member_bit_offset(type, i) / 8);
    }
    return -ENOENT;
}

static int find_member(const struct btf *btf, const char *structure, const char *name,
                       unsigned *ret_offset, uint32_t *ret_type)
{
    int id = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);
    int offset = id < 0 ? id : member_offset(btf, (uint32_t)id, name, ret_type);

    *ret_offset = offset < 0 ? 0 : (unsigned)offset;
    return offset < 0 ? offset : 0;
}

/* From the kernel's types: megabytes to parse. */
static int find_offsets(struct kmsg_offsets *ret_offsets)
{
    struct btf *btf = btf__load_vmlinux_btf();
    uint32_t type = 0;

    if (!btf)
        return -errno;
    int r = find_member(btf, "task_struct", "stack", &ret_offsets->task_stack, &type);
    if (r == 0)
        r = find_member(btf, "task_struct", "sighand", &ret_offsets->task_sighand, &type);
    int action = r < 0 ? r : btf__find_by_name_kind(btf, "k_sigaction", BTF_KIND_STRUCT);
    int64_t bytes = action < 0 ? action : btf__resolve_size(btf, (uint32_t)action);
    if (r == 0)
        r = find_member(btf, "sighand_struct", "action", &ret_offsets->sighand_action, &type);
    if (r == 0 && bytes <= 0)
        r = -ENOENT;
    ret_offsets->action_bytes = (unsigned)bytes;
    btf__free(btf);
    return r;
}

/* As they were found by who had the lock before, for this very kernel. */
static int take_offsets(int lock, struct kmsg_offsets *ret_offsets)
{
    struct utsname name;
    char kernel[sizeof name.release + sizeof name.version + 2], text[512];

    uname(&name);
    snprintf(kernel, sizeof kernel, "%s %s\n", name.release, name.version);
    ssize_t n = pread(lock, text, sizeof text - 1, 0);
    text[n < 0 ? 0 : n] = '\0';
    if (strncmp(text, kernel, strlen(kernel)) == 0 &&
        sscanf(text + strlen(kernel), "%u %u %u %u", &ret_offsets->task_stack,
               &ret_offsets->task_sighand, &ret_offsets->sighand_action,
               &ret_offsets->action_bytes) == 4)
        return 0;
    int r = find_offsets(ret_offsets);
    n = snprintf(text, sizeof text, "%s%u %u %u %u\n", kernel, ret_offsets->task_stack,
                 ret_offsets->task_sighand, ret_offsets->sighand_action, ret_offsets->action_bytes);
    /* Not kept, it is found again. */
    if (r == 0 && ftruncate(lock, 0) == 0 && pwrite(lock, text, (size_t)n, 0) != n)
        r = ftruncate(lock, 0) < 0 ? -errno : 0;
    return r;
}

static int load(struct log_source *source, int lock)
{
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "vireo_kmsg");
    struct kmsg_offsets offsets;
    int r = take_offsets(lock, &offsets);

    if (r < 0)
        return r;
    struct bpf_object *object =
        bpf_object__open_mem(kmsg_image, (size_t)(kmsg_image_end - kmsg_image), &options);
    if (!object)
        return -errno;
    struct bpf_map *constants = bpf_object__find_map_by_name(object, ".rodata");
    r = constants ? bpf_map__set_initial_value(constants, &offsets, sizeof offsets) : -ENOENT;
    if (r == 0)
        r = bpf_object__load(object);
    if (r == 0)
        r = shared_object_attach(&shared, object, &source->shared);
    bpf_object__close(object);
    return r;
}

/* ---- its ring ---- */

/*
 * Into the map of rings, and the old ones out. The kernel has a change of such a map there at once,
 * but returns only after a grace period (10 ms): a child waits for that, which nobody waits for.
 */
static int publish(const struct log_source *source, int cgroup_fd, uint64_t id, int ring)
{
    uint32_t found;

    signal(SIGCHLD, SIG_IGN);
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        close(STDERR_FILENO); /* its end is a sign to who started us */
        int r = bpf_map_update_elem(source->rings, &id, &ring, BPF_ANY);
        if (r == 0)
            shared_object_sweep(&source->shared, cgroup_fd, KMSG_GROUPS_MAX);
        _exit(r < 0);
    }
    while (bpf_map_lookup_elem(source->rings, &id, &found) < 0) {
        if (kill(child, 0) < 0) /* it ended, and nothing is there */
            return bpf_map_lookup_elem(source->rings, &id, &found) < 0 ? -ENOSPC : 0;
        sched_yield();
    }
    return 0;
}

static int take(void *user, void *data, size_t size)
{
    const struct log_source *source = user;

    if (size >= sizeof(struct kmsg_record))
        source->each(data, source->user);
    return 0;
}

static int add_ring(struct log_source *source, int cgroup_fd)
{
    struct stat status;
    _cleanup_(closep) int ring =
        bpf_map_create(BPF_MAP_TYPE_RINGBUF, "vireo_ring", 0, 0, KMSG_RING_BYTES, NULL);

    if (ring < 0 || fstat(cgroup_fd, &status) < 0)
        return -errno;
    const uint64_t id = status.st_ino;
    source->buffer = ring_buffer__new(ring, take, source, NULL);
    return source->buffer ? publish(source, cgroup_fd, id, ring) : -errno;
}

int log_source_open(struct log_source **ret_source, struct err *err)
{
    _cleanup_(log_source_freep) struct log_source *source = calloc(1, sizeof *source);

    if (!source)
        return err_set(err, -ENOMEM, "cannot follow the kernel's log");
    *source = (struct log_source){.shared = SHARED_NONE};
    libbpf_set_print(NULL); /* what it finds is in errno */
    _cleanup_(closep) int lock = shared_object_lock(LOCK_PATH, err);
    if (lock < 0)
        return lock;
    int r = shared_object_find(&shared, &source->shared);
    if (r < 0)
        r = load(source, lock);
    source->rings = source->shared.map;
    if (r < 0)
        return err_set(err, r, "cannot follow the kernel's log");
    *ret_source = steal_ptr(&source);
    return 0;
}

int log_source_follow(struct log_source *source, int cgroup_fd, struct err *err)
{
    int r = add_ring(source, cgroup_fd);

    return r < 0 ? err_set(err, r, "cannot follow the kernel's log") : 0;
}

int log_source_fd(const struct log_source *source)
{
    return ring_buffer__epoll_fd(source->buffer);
}

int log_source_read(struct log_source *source,
                    void (*each)(const struct kmsg_record *record, void *user), void *user)
{
    source->each = each;
    source->user = user;
    int r = ring_buffer__consume(source->buffer);
    return r < 0 ? r : 0;
}
