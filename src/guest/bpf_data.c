/*
 * Module "vireo_bpf", data: global variables and arrays in the kernel's own memory, mapped here;
 * user ring buffers, whose producer is the guest (kernel/bpf/ringbuf.c); many elements of a map at
 * once.
 */
#include <errno.h>
#include <string.h>

#include "guest/bpf_internal.h"

#define BPF(name) Z_vireo_bpfZ_##name
/* The head of each record of a ring buffer: its length with two flags, and the kernel's own. */
#define RING_HEAD_BYTES 8u
/* Of map_batch, as of bpf(2). */
enum { BATCH_LOOKUP = 24, BATCH_LOOKUP_DELETE, BATCH_UPDATE, BATCH_DELETE };

uint32_t BPF(global)(struct host *host, uint64_t handle, uint32_t name, uint32_t data,
                     uint32_t bytes, uint32_t writes);
uint32_t BPF(copy)(struct host *host, uint32_t fd, uint64_t at, uint32_t data, uint32_t bytes,
                   uint32_t writes);
uint32_t BPF(send)(struct host *host, uint32_t fd, uint32_t data, uint32_t bytes);
uint32_t BPF(batch)(struct host *host, uint32_t fd, uint32_t command, uint32_t batch, uint32_t keys,
                    uint32_t values);

/* Its memory, mapped at its first use. */
static int map_open(struct host *host, struct bpf_object *object, struct bpf_map *map)
{
    if (map->buffer)
        return 0;
    return bpf_buffer_open(host, bpf_object_number(host, object), (uint32_t)(map - object->maps),
                           &map->buffer);
}

/* ---- arrays ---- */

static int array_copy(struct host *host, struct bpf_object *object, struct bpf_map *map,
                      uint64_t at, void *data, uint32_t bytes, bool writes)
{
    if (map->shown.type != MAP_ARRAY)
        return -EINVAL;
    int r = map_open(host, object, map);
    if (r < 0)
        return r;
    const struct bpf_buffer *buffer = map->buffer;
    if (at > buffer->data_bytes || bytes > buffer->data_bytes - at)
        return -EINVAL;
    if (writes && buffer->readable_only)
        return -EPERM;
    uint8_t *elements = buffer->rings[0].control + at;
    if (writes)
        memcpy(elements, data, bytes);
    else
        memcpy(data, elements, bytes);
    return 0;
}

uint32_t BPF(copy)(struct host *host, uint32_t fd, uint64_t at, uint32_t data, uint32_t bytes,
                   uint32_t writes)
{
    struct bpf_object *object;
    struct bpf_map *map = bpf_map_find(host, fd, NULL, &object);
    void *memory = host_memory(host, data, bytes);

    if (!map || !memory)
        return (uint32_t)(map ? -EFAULT : -EBADF);
    return (uint32_t)array_copy(host, object, map, at, memory, bytes, writes != 0);
}

uint32_t BPF(global)(struct host *host, uint64_t handle, uint32_t name, uint32_t data,
                     uint32_t bytes, uint32_t writes)
{
    struct bpf_object *object = bpf_object_find(host, handle);
    uint32_t name_bytes;
    const char *wanted = bpf_text(host, name, BROKER_NAME_MAX, &name_bytes);
    void *memory = host_memory(host, data, bytes);

    if (!object)
        return (uint32_t)-EINVAL;
    if (!wanted || !memory)
        return (uint32_t)-EFAULT;
    for (uint32_t i = 0; i < object->variable_count; i++) {
        const struct broker_variable *variable = &object->variables[i];
        if (strcmp(variable->name, wanted) != 0)
            continue;
        if (variable->bytes != bytes || variable->map >= object->map_count)
            return (uint32_t)-EINVAL;
        return (uint32_t)array_copy(host, object, &object->maps[variable->map], variable->at,
                                    memory, bytes, writes != 0);
    }
    return (uint32_t)-ENOENT;
}

/* ---- user ring buffers ---- */

static void ring_put(const struct bpf_buffer *buffer, uint64_t at, const void *data, uint32_t bytes)
{
    uint8_t *records = buffer->rings[0].records + buffer->page_bytes;
    uint8_t *record = records + (at & (buffer->data_bytes - 1));

    /* The data are mapped twice, one behind the other: what passes the end goes on. */
    memcpy(record + RING_HEAD_BYTES, data, bytes);
    memset(record + sizeof bytes, 0, RING_HEAD_BYTES - sizeof bytes);
    __atomic_store_n((uint32_t *)record, bytes, __ATOMIC_RELEASE);
}

uint32_t BPF(send)(struct host *host, uint32_t fd, uint32_t data, uint32_t bytes)
{
    struct bpf_object *object;
    struct bpf_map *map = bpf_map_find(host, fd, NULL, &object);
    const void *memory = host_memory(host, data, bytes);

    if (!map || !memory)
        return (uint32_t)(map ? -EFAULT : -EBADF);
    if (map->shown.type != MAP_USER_RINGBUF)
        return (uint32_t)-EINVAL;
    int r = map_open(host, object, map);
    if (r < 0)
        return (uint32_t)r;
    const struct bpf_buffer *buffer = map->buffer;
    const uint64_t *consumer = (const uint64_t *)buffer->rings[0].control;
    uint64_t *producer = (uint64_t *)buffer->rings[0].records;
    uint64_t needed = ((uint64_t)bytes + RING_HEAD_BYTES + 7) / 8 * 8;
    uint64_t at = __atomic_load_n(producer, __ATOMIC_RELAXED);
    /* Pairs with the kernel's store of what it has drained. */
    uint64_t used = at - __atomic_load_n(consumer, __ATOMIC_ACQUIRE);
    if (needed > buffer->data_bytes)
        return (uint32_t)-E2BIG;
    if (used > buffer->data_bytes || needed > buffer->data_bytes - used)
        return (uint32_t)-ENOSPC;
    ring_put(buffer, at, memory, bytes);
    /* Pairs with the kernel's load: the record is whole before it is seen. */
    __atomic_store_n(producer, at + needed, __ATOMIC_RELEASE);
    return 0;
}

/* ---- many elements at once ---- */

uint32_t BPF(batch)(struct host *host, uint32_t fd, uint32_t command, uint32_t batch_at,
                    uint32_t keys, uint32_t values)
{
    struct broker_request request = {.operation = BROKER_BATCH, .command = command};
    uint8_t first[BROKER_DATA_MAX];
    struct broker_batch batch;
    struct bpf_object *object;
    const struct bpf_map *map = bpf_map_find(host, fd, NULL, &object);
    void *memory = host_memory(host, batch_at, sizeof batch);
    bool looks = command == BATCH_LOOKUP || command == BATCH_LOOKUP_DELETE;
    uint32_t bytes = 0;

    if (!map || !memory)
        return (uint32_t)(map ? -EFAULT : -EBADF);
    if (command < BATCH_LOOKUP || command > BATCH_DELETE)
        return (uint32_t)-EINVAL;
    memcpy(&batch, memory, sizeof batch);
    uint64_t key_bytes = (uint64_t)batch.count * map->shown.key_bytes;
    uint64_t value_bytes = (uint64_t)batch.count * map->shown.value_bytes;
    if (sizeof batch + key_bytes + value_bytes > BROKER_DATA_MAX)
        return (uint32_t)-E2BIG;
    void *keys_at = host_memory(host, keys, key_bytes);
    void *values_at = host_memory(host, values, command == BATCH_DELETE ? 0 : value_bytes);
    if (!keys_at || !values_at)
        return (uint32_t)-EFAULT;
    memcpy(first, &batch, sizeof batch);
    if (!looks)
        memcpy(first + sizeof batch, keys_at, key_bytes);
    request.object = bpf_object_number(host, object);
    request.map = (uint32_t)(map - object->maps);
    request.first_bytes = (uint32_t)(sizeof batch + (looks ? 0 : key_bytes));
    request.second_bytes = command == BATCH_UPDATE ? (uint32_t)value_bytes : 0;
    int r = bpf_ask(host, &request, first, values_at, &bytes, NULL, NULL);
    if (r < 0)
        return (uint32_t)r;
    const uint8_t *answer = bpf_answer(host);
    if (bytes != sizeof batch + (looks ? key_bytes + value_bytes : 0))
        return (uint32_t)-EIO;
    memcpy(memory, answer, sizeof batch);
    if (looks) {
        memcpy(keys_at, answer + sizeof batch, key_bytes);
        memcpy(values_at, answer + sizeof batch + key_bytes, value_bytes);
    }
    return 0;
}
