/*
 * From an image to the kernel: maps, type information, first values; programs are load_program.c's.
 * Every number in the image was checked to be inside (image.c) and allowed (policy.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "bpf/broker_internal.h"
#include "bpf/types.h"

#define F_LINK (1u << 13) /* Linux 6.4; the headers may be older */

uint32_t processors(void)
{
    int count = libbpf_num_possible_cpus();

    return count > 0 ? (uint32_t)count : 1;
}

void object_free(struct object *object)
{
    if (!object)
        return;
    for (uint32_t i = 0; object->programs && i < object->program_count; i++) {
        struct object_program *program = &object->programs[i];
        for (uint32_t j = 0; j < program->link_count; j++)
            close(program->links[j]);
        free(program->links);
        if (program->output >= 0)
            close(program->output);
        if (program->fd >= 0)
            close(program->fd);
    }
    for (uint32_t i = 0; object->maps && i < object->map_count; i++)
        map_clear(&object->maps[i]);
    if (object->hold > 0)
        close(object->hold);
    account_close(object);
    free(object->variables);
    free(object->fields);
    free(object->programs);
    free(object->maps);
    free(object);
}
DEFINE_CLEANUP(struct object, object_free)

uint32_t shown_value_bytes(uint32_t type, uint32_t value_bytes)
{
    switch (type) {
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
        return (value_bytes + 7) / 8 * 8 * processors();
    default:
        return value_bytes;
    }
}

/* What is given or pinned is used as it is, if it is what the object wants. */
static int use_map(struct object_map *made, const struct image_map *map,
                   const struct object_map *old, struct err *err)
{
    uint32_t entries =
        map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && !map->entries ? processors() : map->entries;
    if (old->shown.type != map->type || old->shown.key_bytes != map->key_bytes ||
        old->shown.value_bytes != shown_value_bytes(map->type, map->value_bytes) ||
        old->shown.entries != entries || old->flags != map->flags)
        return err_say(err, -EINVAL, "cannot load object: the map '%s' that there is is another",
                       map->name);
    made->fd = fcntl(old->fd, F_DUPFD_CLOEXEC, 0);
    if (made->fd < 0)
        return err_set(err, -errno, "cannot load object: use map '%s'", map->name);
    made->flags = old->flags;
    made->frozen = old->frozen;
    made->known = true;
    made->shown = old->shown;
    memcpy(made->shown.name, map->name, sizeof made->shown.name);
    return 0;
}

/* 1: it was pinned, and is used; 0: there is none of that name yet. */
static int use_pinned(const struct session *session, struct object_map *made,
                      const struct image_map *map, struct err *err)
{
    struct object_map old = {.fd = -1, .link = -1};
    int r = pin_get(session, map->name, &old);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return err_set(err, r, "cannot load object: open pin '%s'", map->name);
    r = use_map(made, map, &old, err);
    map_clear(&old);
    return r < 0 ? r : 1;
}

static int fill_map(struct object_map *made, const struct image *image, const struct image_map *map,
                    struct err *err)
{
    const uint32_t first = 0;

    if (map->kernel_value) {
        made->kernel_value = map->kernel_value;
        made->operations = malloc(map->value_bytes);
        if (!made->operations || map->initial_bytes != map->value_bytes)
            return err_set(err, made->operations ? -EBADMSG : -ENOMEM,
                           "cannot load object: fill map '%s'", map->name);
        memcpy(made->operations, image->bytes + map->initial_at, map->value_bytes);
        return 0;
    }
    if (map->initial_bytes &&
        bpf_map_update_elem(made->fd, &first, image->bytes + map->initial_at, BPF_ANY) < 0)
        return err_set(err, -errno, "cannot load object: fill map '%s'", map->name);
    if (map->frozen && bpf_map_freeze(made->fd) < 0)
        return err_set(err, -errno, "cannot load object: freeze map '%s'", map->name);
    made->frozen = map->frozen;
    return 0;
}

static int create_map(struct object *object, const struct image *image, uint32_t index,
                      int types_fd, struct err *err)
{
    const struct image_map *map = &image->maps[index];
    struct object_map *made = &object->maps[index];
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = map->flags, .map_extra = map->extra);
    uint32_t entries = map->entries;

    if (map->inner) {
        if (object->maps[map->inner - 1].fd < 0)
            return err_say(err, -EINVAL, "cannot load object: map '%s' holds maps that hold maps",
                           map->name);
        options.inner_map_fd = (uint32_t)object->maps[map->inner - 1].fd;
    }
    if (map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && entries == 0)
        entries = processors();
    if (types_fd >= 0 && (map->btf_key || map->btf_value)) {
        options.btf_fd = (uint32_t)types_fd;
        options.btf_key_type_id = map->btf_key;
        options.btf_value_type_id = map->btf_value;
    }
    if (map->kernel_value) {
        /* With a link of its own it ends with the session, whatever happens (Linux 6.4). */
        options.map_flags |= F_LINK;
        options.btf_vmlinux_value_type_id = map->kernel_value;
        options.btf_fd = types_fd >= 0 ? (uint32_t)types_fd : 0;
        options.btf_key_type_id = options.btf_value_type_id = 0;
    }
    made->fd = bpf_map_create(map->type, map->kernel_name, map->key_bytes, map->value_bytes,
                              entries, &options);
    if (made->fd < 0 && options.btf_fd && !map->kernel_value) {
        /* As libbpf does: some types of maps want none. */
        options.btf_fd = options.btf_key_type_id = options.btf_value_type_id = 0;
        made->fd = bpf_map_create(map->type, map->kernel_name, map->key_bytes, map->value_bytes,
                                  entries, &options);
    }
    if (made->fd < 0)
        return err_set(err, -errno, "cannot load object: make map '%s'", map->name);
    made->flags = map->flags;
    memcpy(made->shown.name, map->name, sizeof made->shown.name);
    made->shown.type = map->type;
    made->shown.key_bytes = map->key_bytes;
    made->shown.value_bytes = shown_value_bytes(map->type, map->value_bytes);
    made->shown.entries = entries;
    return fill_map(made, image, map, err);
}

static int make_map(const struct session *session, struct object *object, const struct image *image,
                    const struct object_map *given, uint32_t index, int types_fd, struct err *err)
{
    const struct image_map *map = &image->maps[index];
    struct object_map *made = &object->maps[index];

    if (given)
        return use_map(made, map, given, err);
    int r = map->pinned ? use_pinned(session, made, map, err) : 0;
    made->pinned = r > 0;
    if (r != 0)
        return r < 0 ? r : 0;
    r = create_map(object, image, index, types_fd, err);
    if (r < 0 || !map->pinned)
        return r;
    r = pin_put(session, map->name, made, policy_one_map_bytes(map));
    made->pinned = made->known = r == 0;
    if (r == -EEXIST) {
        /* Another instance, which began with this one, was quicker: its map is the function's. */
        map_clear(made);
        r = use_pinned(session, made, map, err);
        made->pinned = r > 0;
        if (r != 0)
            return r < 0 ? r : 0;
        r = -EAGAIN; /* and has unpinned it again */
    }
    return r < 0 ? err_set(err, r, "cannot pin map '%s'", map->name) : 0;
}

/* Those that others are like are made first; they hold none themselves. */
static int make_maps(const struct session *session, struct object *object,
                     const struct image *image, const struct object_map *const *given, int types_fd,
                     struct err *err)
{
    int r = 0;

    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < object->map_count && r == 0; i++)
            if ((image->maps[i].inner > 0) == (round > 0))
                r = make_map(session, object, image, given ? given[i] : NULL, i, types_fd, err);
    return r;
}

static int fill_slots(const struct object *object, const struct image *image, struct err *err)
{
    for (uint32_t i = 0; i < image->header->slot_count; i++) {
        const struct image_slot *slot = &image->slots[i];
        int fd = slot->kind == IMAGE_SLOT_MAP ? object->maps[slot->index].fd
                                              : object->programs[slot->index].fd;
        if (slot->kind == IMAGE_SLOT_MEMBER) {
            const uint64_t member = (uint64_t)fd;
            memcpy((uint8_t *)object->maps[slot->map].operations + slot->key, &member,
                   sizeof member);
            continue;
        }
        if (bpf_map_update_elem(object->maps[slot->map].fd, &slot->key, &fd, BPF_ANY) < 0)
            return err_set(err, -errno, "cannot load object: fill map '%s'",
                           image->maps[slot->map].name);
    }
    return 0;
}

/* Without `host` every function is static, so that the verifier's steps are those of a run: it goes
 * through a global one once, however often that is called. -1: there are none. Without them
 * programs load as well, unless they need them: then the verifier says so. */
static int load_types(const struct image *image, bool host)
{
    const size_t bytes = image->header->btf_bytes;
    _cleanup_(freep) uint8_t *types = bytes ? malloc(bytes) : NULL;

    if (!types)
        return -1;
    memcpy(types, image->bytes + image->header->btf_at, bytes);
    return host || types_make_static(types, bytes) == 0 ? bpf_btf_load(types, bytes, NULL) : -1;
}

/* What the object shows of its variables: those of maps that the guest has. */
static int take_variables(struct object *object, const struct image *image)
{
    uint32_t count = image->header->variable_count;

    object->variables = calloc(count + 1, sizeof *object->variables);
    if (!object->variables)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        const struct image_variable *from = &image->variables[i];
        if (from->map >= object->guest_maps)
            continue;
        struct broker_variable *to = &object->variables[object->variable_count++];
        *to = (struct broker_variable){.map = from->map, .at = from->at, .bytes = from->bytes};
        memcpy(to->name, from->name, sizeof to->name);
    }
    return 0;
}

static int take_fields(struct object *object, const struct image *image)
{
    uint32_t count = image->header->field_count;

    object->fields = calloc(count + 1, sizeof *object->fields);
    if (!object->fields)
        return -ENOMEM;
    memcpy(object->fields, image->fields, count * sizeof *object->fields);
    object->field_count = count;
    /* Of an object that says nothing the samples are shown as bytes. */
    if (count == 0)
        object->fields[object->field_count++].kind = BROKER_FIELD_STRUCT;
    return 0;
}

int object_of_maps(uint32_t count, struct object **ret_object)
{
    _cleanup_(object_freep) struct object *object = calloc(1, sizeof *object);

    if (!object)
        return -ENOMEM;
    object->maps = calloc(count + 1, sizeof *object->maps);
    if (!object->maps)
        return -ENOMEM;
    object->map_count = object->guest_maps = count;
    for (uint32_t i = 0; i < count; i++)
        object->maps[i].fd = object->maps[i].link = -1;
    *ret_object = steal_ptr(&object);
    return 0;
}

int object_of_map(struct object_map *map, struct object **ret_object)
{
    int r = object_of_maps(1, ret_object);

    if (r == 0)
        (*ret_object)->maps[0] = *map;
    return r;
}

int object_load(const struct session *session, const struct image *image,
                const struct object_map *const *given, struct object **ret_object, struct err *err)
{
    const struct image_header *header = image->header;
    _cleanup_(object_freep) struct object *object = calloc(1, sizeof *object);

    if (!object)
        return err_set(err, -ENOMEM, "cannot load object");
    object->map_count = header->map_count;
    object->program_count = header->program_count;
    object->maps = calloc(header->map_count + 1, sizeof *object->maps);
    object->programs = calloc(header->program_count + 1, sizeof *object->programs);
    if (!object->maps || !object->programs) {
        object->map_count = object->program_count = 0;
        return err_set(err, -ENOMEM, "cannot load object");
    }
    for (uint32_t i = 0; i < header->map_count; i++) {
        object->maps[i].fd = object->maps[i].link = -1;
        if (!image->maps[i].template_only && object->guest_maps == i)
            object->guest_maps++;
    }
    for (uint32_t i = 0; i < header->program_count; i++)
        object->programs[i].fd = object->programs[i].output = -1;
    _cleanup_(closep) int types_fd = load_types(image, session->instance.policy.host);
    int r = take_variables(object, image);
    if (r == 0 && session->instance.policy.show_events)
        r = take_fields(object, image);
    if (r < 0)
        return err_set(err, r, "cannot load object");
    r = make_maps(session, object, image, given, types_fd, err);
    for (uint32_t i = 0; i < header->program_count && r == 0; i++)
        r = object_load_program(session, object, image, i, types_fd, err);
    if (r == 0)
        r = fill_slots(object, image, err);
    if (r == 0)
        *ret_object = steal_ptr(&object);
    return r;
}
