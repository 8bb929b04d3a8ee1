/*
 * What an instance does with its maps: elements by bpf(2), here, and buffers, whose descriptors it
 * gets to map them by itself. A map that holds maps takes the object's own, by their numbers.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/broker_internal.h"
#include "bpf/events.h"

/* Linux 6.2; the headers may be older. */
#define MAP_CGRP_STORAGE 32

void map_clear(struct object_map *map)
{
    for (uint32_t i = 0; i < map->event_count; i++)
        if (map->events[i] >= 0)
            close(map->events[i]);
    free(map->events);
    free(map->operations);
    if (map->lease > 0)
        close(map->lease);
    map->lease = 0;
    if (map->link >= 0)
        close(map->link);
    if (map->fd >= 0)
        close(map->fd);
    map->fd = map->link = -1;
    map->operations = NULL;
    map->event_count = 0;
    map->events = NULL;
}

int map_make_known(const struct session *session, struct object_map *map)
{
    bool read_here = (map->buffer_given || map->events) && map->shown.type != BPF_MAP_TYPE_ARRAY;
    int r = read_here ? map_lease(session, map) : 0;

    map->known |= r == 0;
    return r;
}

static bool holds_maps(uint32_t type)
{
    return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* Their keys or values are descriptors or numbers of the whole machine: only programs write them,
 * and what is in them stays as it was loaded. */
static bool is_closed(uint32_t type)
{
    static const uint64_t closed =
        UINT64_C(1) << BPF_MAP_TYPE_PROG_ARRAY | UINT64_C(1) << BPF_MAP_TYPE_PERF_EVENT_ARRAY |
        UINT64_C(1) << BPF_MAP_TYPE_RINGBUF | UINT64_C(1) << BPF_MAP_TYPE_USER_RINGBUF |
        UINT64_C(1) << BPF_MAP_TYPE_CGROUP_ARRAY | UINT64_C(1) << BPF_MAP_TYPE_SOCKMAP |
        UINT64_C(1) << BPF_MAP_TYPE_SOCKHASH | UINT64_C(1) << BPF_MAP_TYPE_SK_STORAGE |
        UINT64_C(1) << BPF_MAP_TYPE_TASK_STORAGE | UINT64_C(1) << BPF_MAP_TYPE_INODE_STORAGE |
        UINT64_C(1) << BPF_MAP_TYPE_STRUCT_OPS | UINT64_C(1) << MAP_CGRP_STORAGE;

    return type >= 64 || (closed >> type & 1);
}

static int update(struct object *object, const struct object_map *map, const void *key,
                  const void *value, uint64_t flags)
{
    uint32_t number;
    int fd;

    if (!holds_maps(map->shown.type))
        return bpf_map_update_elem(map->fd, key, value, flags) < 0 ? -errno : 0;
    memcpy(&number, value, sizeof number);
    if (number >= object->guest_maps)
        return -EBADF;
    fd = object->maps[number].fd;
    return bpf_map_update_elem(map->fd, key, &fd, flags) < 0 ? -errno : 0;
}

int map_operate(struct object *object, uint32_t number, uint32_t command, uint64_t flags,
                const void *key, uint32_t key_bytes, void *value, uint32_t value_bytes,
                uint32_t *ret_bytes)
{
    *ret_bytes = 0;
    if (number >= object->guest_maps)
        return -EBADF;
    struct object_map *map = &object->maps[number];
    bool first = command == BPF_MAP_GET_NEXT_KEY && key_bytes == 0;
    if (is_closed(map->shown.type))
        return -EOPNOTSUPP;
    if (key_bytes != map->shown.key_bytes && !first)
        return -EINVAL;
    switch (command) {
    case BPF_MAP_LOOKUP_ELEM:
        /* What it would read is a number of the machine's. */
        if (holds_maps(map->shown.type))
            return -EOPNOTSUPP;
        if (bpf_map_lookup_elem_flags(map->fd, key, value, flags) < 0)
            return -errno;
        *ret_bytes = map->shown.value_bytes;
        return 0;
    case BPF_MAP_UPDATE_ELEM:
        if (value_bytes != map->shown.value_bytes)
            return -EINVAL;
        return update(object, map, key, value, flags);
    case BPF_MAP_DELETE_ELEM:
        return bpf_map_delete_elem(map->fd, key) < 0 ? -errno : 0;
    case BPF_MAP_GET_NEXT_KEY:
        if (bpf_map_get_next_key(map->fd, first ? NULL : key, value) < 0)
            return -errno;
        *ret_bytes = map->shown.key_bytes;
        return 0;
    default:
        return -EINVAL;
    }
}

/* One software event a processor, into which programs write. */
static int open_event(const struct object_map *map, uint32_t processor)
{
    int fd = event_open(&(struct event_request){.kind = EVENT_OUTPUT, .processor = processor});

    if (fd < 0)
        return fd;
    if (bpf_map_update_elem(map->fd, &processor, &fd, BPF_ANY) < 0 ||
        ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

/* A processor that is not there now has none (ENODEV): its number is left out. */
static int open_events(struct object_map *map)
{
    uint32_t count = processors();

    if (count > map->shown.entries)
        count = map->shown.entries;
    map->events = calloc(count + 1, sizeof *map->events);
    if (!map->events)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        int fd = open_event(map, i);
        if (fd == -ENODEV)
            continue;
        if (fd < 0)
            return fd;
        map->events[map->event_count++] = fd;
    }
    return 0;
}

int map_buffer(struct object *object, uint32_t number, uint64_t first,
               int fds[static BROKER_BUFFERS_MAX], struct broker_buffer *ret_buffer)
{
    if (number >= object->guest_maps)
        return -EBADF;
    struct object_map *map = &object->maps[number];
    uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);

    *ret_buffer = (struct broker_buffer){.page_bytes = page};
    if (map->buffer_given)
        return -EBUSY;
    bool array = map->shown.type == BPF_MAP_TYPE_ARRAY;
    if (array && !(map->flags & BPF_F_MMAPABLE))
        return -EINVAL;
    if (map->shown.type == BPF_MAP_TYPE_RINGBUF || array ||
        map->shown.type == BPF_MAP_TYPE_USER_RINGBUF) {
        fds[0] = map->fd;
        ret_buffer->count = ret_buffer->total = 1;
        /* An array's elements lie at multiples of eight (kernel/bpf/arraymap.c). */
        uint64_t bytes = array ? (uint64_t)(map->shown.value_bytes + 7) / 8 * 8 * map->shown.entries
                               : map->shown.entries;
        if (bytes > POLICY_MAP_BYTES_MAX)
            return -E2BIG;
        ret_buffer->data_bytes = (uint32_t)bytes;
        map->buffer_given = true;
        return 0;
    }
    if (map->shown.type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
        return -EINVAL;
    int r = map->events ? 0 : open_events(map);
    if (r < 0)
        return r;
    ret_buffer->total = map->event_count;
    ret_buffer->data_bytes = policy_event_pages() * page;
    while (first < map->event_count && ret_buffer->count < BROKER_BUFFERS_MAX)
        fds[ret_buffer->count++] = map->events[first++];
    map->buffer_given = first >= map->event_count;
    return 0;
}
