/* Maps beyond wasm-bpf's: made without an object, pinned for the function's next instance, and read
 * or written many elements at once. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/err.h"
#include "bpf/broker_internal.h"

/* ---- pins ---- */

uint64_t object_map_bytes(const struct object_map *map)
{
    const struct broker_map *shown = &map->shown;
    /* Of one per processor one processor's value. */
    bool each = shown_value_bytes(shown->type, 8) > 8;
    const struct image_map like = {.type = shown->type,
                                   .key_bytes = shown->key_bytes,
                                   .value_bytes = shown->value_bytes / (each ? processors() : 1),
                                   .entries = shown->entries};

    return policy_one_map_bytes(&like);
}

bool serve_pin(struct session *session, const struct request *request)
{
    struct object_map *map = session_map(session, request->head.object, request->head.map);
    char name[BROKER_NAME_MAX + 1];

    if (!map)
        return session_answer_error(session, -EBADF, NULL);
    if (!session_name(request->first, request->head.first_bytes, name))
        return session_answer_error(session, -EINVAL, NULL);
    int r = map->operations ? -EOPNOTSUPP : map_make_known(session, map);
    if (r == 0)
        r = pin_put(session, name, map, object_map_bytes(map));
    map->pinned |= r == 0;
    return session_answer_result(session, r, NULL);
}

bool serve_unpin(struct session *session, const struct request *request)
{
    char name[BROKER_NAME_MAX + 1];
    int r = session_name(request->first, request->head.first_bytes, name)
                ? pin_remove(session, name)
                : -EINVAL;

    return session_answer_result(session, r, NULL);
}

/* It counts as one that was made here: unpinned, it would be nobody's. */
static int take_pinned(const struct session *session, struct object_map *map,
                       struct object **ret_object)
{
    struct bpf_policy left;

    account_left(&session->instance.policy, &left);
    if (left.map_count == 0 || object_map_bytes(map) > left.map_bytes)
        return -EDQUOT;
    const uint64_t bytes = object_map_bytes(map);
    int r = object_of_map(map, ret_object);
    if (r < 0)
        return r;
    map->fd = map->link = -1; /* it is the object's */
    return account_open(*ret_object, 1, bytes);
}

bool serve_open(struct session *session, const struct request *request)
{
    char name[BROKER_NAME_MAX + 1];
    struct object *object = NULL;
    struct object_map map;
    int r = session_name(request->first, request->head.first_bytes, name)
                ? pin_get(session, name, &map)
                : -EINVAL;

    if (r == 0 && map.shown.type == PIN_LINK) {
        map_clear(&map);
        r = -EINVAL;
    }
    if (r == 0) {
        map.known = true;
        memcpy(map.shown.name, name, sizeof map.shown.name);
        r = take_pinned(session, &map, &object);
        if (r < 0)
            map_clear(&map);
    }
    return session_take(session, r, object, NULL);
}

/* ---- a map by itself ---- */

/* An image of this one map: it is checked and made as an object's is. */
static int create(const struct session *session, const struct broker_new_map *wanted,
                  struct object **ret_object, struct err *err)
{
    struct {
        struct image_header header;
        struct image_map map;
    } made = {.header = {.magic = IMAGE_MAGIC, .bytes = sizeof made, .map_count = 1},
              .map = {.type = wanted->type,
                      .key_bytes = wanted->key_bytes,
                      .value_bytes = wanted->value_bytes,
                      .entries = wanted->entries,
                      .flags = wanted->flags}};

    memcpy(made.map.name, wanted->name, sizeof made.map.name);
    snprintf(made.map.kernel_name, sizeof made.map.kernel_name, "%.15s", wanted->name);
    return session_load(session, (const uint8_t *)&made, sizeof made, ret_object, err);
}

bool serve_create(struct session *session, const struct request *request)
{
    struct broker_new_map wanted;
    struct object *object = NULL;
    struct err err = {0};

    if (request->head.first_bytes != sizeof wanted)
        return session_answer_error(session, -EINVAL, NULL);
    memcpy(&wanted, request->first, sizeof wanted);
    wanted.name[BROKER_NAME_MAX] = '\0';
    int r = create(session, &wanted, &object, &err);
    return session_take(session, r, object, &err);
}

/* ---- many elements at once ---- */

static bool has_batches(const struct object_map *map)
{
    switch (map->shown.type) {
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_LPM_TRIE:
        return map->shown.key_bytes > 0 && map->shown.key_bytes <= BROKER_TOKEN_MAX;
    default:
        return false;
    }
}

static int lookup_batch(const struct object_map *map, bool deletes, struct broker_batch *batch,
                        void *keys, void *values)
{
    LIBBPF_OPTS(bpf_map_batch_opts, options, .elem_flags = batch->flags);
    uint8_t next[BROKER_TOKEN_MAX] = {0};
    void *begin = batch->begun ? batch->token : NULL;
    int r = deletes
                ? bpf_map_lookup_and_delete_batch(map->fd, begin, next, keys, values, &batch->count,
                                                  &options)
                : bpf_map_lookup_batch(map->fd, begin, next, keys, values, &batch->count, &options);

    /* The last part ends with ENOENT, and its elements. */
    if (r < 0 && errno != ENOENT)
        return -errno;
    batch->begun = r == 0;
    memcpy(batch->token, next, sizeof next);
    return 0;
}

static int write_batch(const struct object_map *map, bool deletes, struct broker_batch *batch,
                       const void *keys, const void *values)
{
    LIBBPF_OPTS(bpf_map_batch_opts, options, .elem_flags = batch->flags);
    int r = deletes ? bpf_map_delete_batch(map->fd, keys, &batch->count, &options)
                    : bpf_map_update_batch(map->fd, keys, values, &batch->count, &options);

    return r < 0 ? -errno : 0;
}

/* What came is what the command needs, and what goes back fits. */
static bool is_proper(const struct object_map *map, const struct request *request,
                      const struct broker_batch *batch)
{
    uint64_t keys = (uint64_t)batch->count * map->shown.key_bytes;
    uint64_t values = (uint64_t)batch->count * map->shown.value_bytes;
    uint64_t came = request->head.first_bytes - sizeof *batch;

    if (batch->count == 0 || keys + values + sizeof *batch > BROKER_DATA_MAX)
        return false;
    switch (request->head.command) {
    case BPF_MAP_LOOKUP_BATCH:
    case BPF_MAP_LOOKUP_AND_DELETE_BATCH:
        return came == 0 && request->head.second_bytes == 0;
    case BPF_MAP_UPDATE_BATCH:
        return came == keys && request->head.second_bytes == values;
    case BPF_MAP_DELETE_BATCH:
        return came == keys && request->head.second_bytes == 0;
    default:
        return false;
    }
}

bool serve_batch(struct session *session, const struct request *request)
{
    struct object_map *map = session_map(session, request->head.object, request->head.map);
    uint32_t command = request->head.command;
    struct broker_batch batch;

    if (!map)
        return session_answer_error(session, -EBADF, NULL);
    if (!has_batches(map))
        return session_answer_error(session, -EOPNOTSUPP, NULL);
    if (request->head.first_bytes < sizeof batch)
        return session_answer_error(session, -EINVAL, NULL);
    memcpy(&batch, request->first, sizeof batch);
    if (!is_proper(map, request, &batch))
        return session_answer_error(session, -EINVAL, NULL);
    uint8_t *keys = session_outgoing + sizeof batch;
    uint8_t *values = keys + (size_t)batch.count * map->shown.key_bytes;
    size_t bytes = sizeof batch;
    bool looks = command == BPF_MAP_LOOKUP_BATCH || command == BPF_MAP_LOOKUP_AND_DELETE_BATCH;
    uint32_t asked = batch.count;
    int r =
        looks ? lookup_batch(map, command == BPF_MAP_LOOKUP_AND_DELETE_BATCH, &batch, keys, values)
              : write_batch(map, command == BPF_MAP_DELETE_BATCH, &batch,
                            request->first + sizeof batch, request->second);
    if (r < 0)
        return session_answer_error(session, r, NULL);
    /* The values' place is where it was for as many as were asked for. */
    if (looks)
        bytes += (size_t)asked * (map->shown.key_bytes + map->shown.value_bytes);
    memcpy(session_outgoing, &batch, sizeof batch);
    return session_answer(session, 0, session_outgoing, bytes, NULL, 0);
}
