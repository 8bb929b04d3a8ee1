/* Programs beyond wasm-bpf's: detached, replaced, counted, read as iterators, and made by the guest
 * itself. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "bpf/broker_internal.h"

bool serve_iterate(struct session *session, const struct request *request)
{
    struct object *object = session_object(session, request->head.object);
    char name[BROKER_NAME_MAX + 1];

    if (!object)
        return session_answer_error(session, -EBADF, NULL);
    if (!session_name(request->first, request->head.first_bytes, name))
        return session_answer_error(session, -EINVAL, NULL);
    int n =
        object_iterate(object, name, request->head.flags & 1, session_outgoing, BROKER_DATA_MAX);
    return n < 0 ? session_answer_error(session, n, NULL)
                 : session_answer(session, 0, session_outgoing, (size_t)n, NULL, 0);
}

bool serve_detach(struct session *session, const struct request *request)
{
    struct object *object = session_object(session, request->head.object);
    char name[BROKER_NAME_MAX + 1];

    if (!object)
        return session_answer_error(session, -EBADF, NULL);
    if (!session_name(request->first, request->head.first_bytes, name))
        return session_answer_error(session, -EINVAL, NULL);
    return session_answer_result(session, object_detach(object, name), NULL);
}

/* What of its object's maps stays with it, and is not pinned itself. */
static uint64_t kept_bytes(const struct object *object)
{
    uint64_t bytes = account_map_bytes(object), pinned = 0;

    for (uint32_t i = 0; i < object->guest_maps; i++)
        pinned += object->maps[i].pinned ? object_map_bytes(&object->maps[i]) : 0;
    return pinned < bytes ? bytes - pinned : 0;
}

/* The same link runs another program from one moment to the next: nothing is missed between. */
static int replace(struct object_program *old, struct object_program *made)
{
    if (old->link_count == 0 || made->link_count > 0 || old->kind != made->kind ||
        old->attach_type != made->attach_type)
        return -EINVAL;
    for (uint32_t i = 0; i < old->link_count; i++)
        if (bpf_link_update(old->links[i], made->fd, NULL) < 0)
            return -errno;
    made->links = old->links;
    made->link_count = old->link_count;
    memcpy(made->place, old->place, sizeof made->place);
    memcpy(made->kept, old->kept, sizeof made->kept);
    old->kept[0] = '\0';
    old->links = NULL;
    old->link_count = 0;
    return 0;
}

/* A kept one's maps stay with the pin from here on. */
static int replace_kept(const struct session *session, struct object_program *old,
                        const struct object *object, struct object_program *made)
{
    char name[BROKER_NAME_MAX + 1];
    uint64_t before = 0;

    memcpy(name, old->kept, sizeof name);
    int r = name[0] ? pin_recount(session, name, kept_bytes(object), &before) : -ENOENT;
    const bool counted = r == 0;
    if (r < 0 && r != -ENOENT) /* it may have been given up meanwhile */
        return r;
    r = replace(old, made);
    if (r < 0 && counted)
        (void)pin_recount(session, name, before, NULL);
    return r;
}

bool serve_replace(struct session *session, const struct request *request)
{
    struct object *from = session_object(session, request->head.object);
    struct object *to = session_object(session, request->head.map);
    char old[BROKER_NAME_MAX + 1], made[BROKER_NAME_MAX + 1];

    if (!from || !to)
        return session_answer_error(session, -EBADF, NULL);
    if (!session_name(request->first, request->head.first_bytes, old) ||
        !session_name(request->second, request->head.second_bytes, made))
        return session_answer_error(session, -EINVAL, NULL);
    struct object_program *before = object_program_find(from, old);
    struct object_program *after = object_program_find(to, made);
    int r = before && after ? replace_kept(session, before, to, after) : -ENOENT;
    return session_answer_result(session, r, NULL);
}

/* ---- attachments that outlive the instance ---- */

static int keep(const struct session *session, const struct object *object,
                struct object_program *program, const char name[static BROKER_NAME_MAX + 1])
{
    struct object_map link = {.fd = -1, .link = -1};

    if (!session->instance.policy.host)
        return -EPERM;
    if (program->link_count != 1 || bpf_kinds[program->kind].way == WAY_SOCKETS)
        return program->link_count ? -EOPNOTSUPP : -EINVAL;
    link.fd = program->links[0];
    link.shown.type = PIN_LINK;
    link.shown.key_bytes = program->kind;
    link.shown.value_bytes = program->attach_type;
    int r = pin_put_link(session, name, &link, program->place, kept_bytes(object));
    if (r == 0)
        memcpy(program->kept, name, sizeof program->kept);
    return r;
}

/* At once where the kernel can; else the new one is attached before the old one goes: an event may
 * be seen by both, none by neither. */
static int take_over(const struct session *session, struct object *object,
                     struct object_program *program, const char name[static BROKER_NAME_MAX + 1],
                     struct err *err)
{
    struct object_map old = {.fd = -1, .link = -1};
    char place[BROKER_TARGET_MAX + 1];
    uint64_t before = 0;
    int r = pin_get_link(session, name, &old, place);

    if (r < 0)
        return r;
    _cleanup_(closep) int link = old.fd;
    if (!session->instance.policy.host)
        return -EPERM;
    if (old.shown.type != PIN_LINK || old.shown.key_bytes != program->kind ||
        old.shown.value_bytes != program->attach_type || program->link_count > 0)
        return -EINVAL;
    /* One that another instance has kept, which was started under a wider policy. */
    r = policy_check_place(&session->instance.policy, program->kind, place, err);
    if (r < 0)
        return r;
    if (bpf_kind_has_point(&bpf_kinds[program->kind]) && program->point[0] &&
        strcmp(program->point, place) != 0)
        return err_say(err, -EINVAL, "cannot take '%s' over: it is at '%s', not at '%s'", name,
                       place, program->point);
    r = pin_recount(session, name, kept_bytes(object), &before);
    if (r < 0)
        return r;
    if (bpf_link_update(link, program->fd, NULL) == 0) {
        memcpy(program->place, place, sizeof program->place);
        memcpy(program->kept, name, sizeof program->kept);
        return object_program_keep(program, steal_fd(&link));
    }
    r = object_attach(session, object, program->name, place, err);
    if (r < 0) {
        (void)pin_recount(session, name, before, NULL);
        return r;
    }
    r = pin_remove(session, name);
    return r == 0 ? keep(session, object, program, name) : r;
}

/* The program and the name that a request has. */
static int read_names(struct session *session, const struct request *request,
                      struct object **ret_object, struct object_program **ret_program,
                      char name[static BROKER_NAME_MAX + 1])
{
    char program[BROKER_NAME_MAX + 1];

    *ret_object = session_object(session, request->head.object);
    if (!*ret_object)
        return -EBADF;
    if (!session_name(request->first, request->head.first_bytes, program) ||
        !session_name(request->second, request->head.second_bytes, name))
        return -EINVAL;
    *ret_program = object_program_find(*ret_object, program);
    return *ret_program ? 0 : -ENOENT;
}

bool serve_keep(struct session *session, const struct request *request)
{
    char name[BROKER_NAME_MAX + 1];
    struct object_program *program;
    struct object *object;
    int r = read_names(session, request, &object, &program, name);

    return session_answer_result(session, r < 0 ? r : keep(session, object, program, name), NULL);
}

bool serve_take_over(struct session *session, const struct request *request)
{
    char name[BROKER_NAME_MAX + 1];
    struct object_program *program;
    struct object *object;
    struct err err = {0};
    int r = read_names(session, request, &object, &program, name);

    if (r == 0)
        r = take_over(session, object, program, name, &err);
    return session_answer_result(session, r, &err);
}

bool serve_statistics(struct session *session, const struct request *request)
{
    struct object *object = session_object(session, request->head.object);
    struct broker_statistics statistics = {0};
    char name[BROKER_NAME_MAX + 1];
    struct bpf_prog_info info = {0};
    uint32_t bytes = sizeof info;

    if (!object)
        return session_answer_error(session, -EBADF, NULL);
    if (!session_name(request->first, request->head.first_bytes, name))
        return session_answer_error(session, -EINVAL, NULL);
    struct object_program *program = object_program_find(object, name);
    if (!program)
        return session_answer_error(session, -ENOENT, NULL);
    if (bpf_obj_get_info_by_fd(program->fd, &info, &bytes) < 0)
        return session_answer_error(session, -errno, NULL);
    statistics.runs = info.run_cnt;
    statistics.run_ns = info.run_time_ns;
    statistics.missed = info.recursion_misses;
    statistics.instructions = info.verified_insns;
    statistics.loaded_ns = info.load_time;
    statistics.id = info.id;
    statistics.code_bytes = info.jited_prog_len;
    return session_answer(session, 0, &statistics, sizeof statistics, NULL, 0);
}

/* ---- a program by itself ---- */

/* An image in one piece: the maps that it uses, this one program, its instructions. */
static int make_image(const struct session *session, const struct broker_new_program *wanted,
                      const struct request *request, const struct object_map **given,
                      uint8_t **ret_bytes, size_t *ret_size, struct err *err)
{
    uint32_t maps = wanted->map_count, code_bytes = request->head.second_bytes;
    size_t program_at = sizeof(struct image_header) + maps * sizeof(struct image_map);
    size_t code_at = program_at + sizeof(struct image_program);
    uint8_t *bytes = calloc(1, code_at + code_bytes);
    enum bpf_attach_type attach_type;
    enum bpf_prog_type type;

    if (!bytes)
        return err_set(err, -ENOMEM, "cannot load program '%s'", wanted->name);
    *ret_bytes = bytes;
    *ret_size = code_at + code_bytes;
    struct image_header *header = (void *)bytes;
    struct image_map *map = (void *)(header + 1);
    struct image_program *program = (void *)(bytes + program_at);
    *header = (struct image_header){
        .magic = IMAGE_MAGIC, .bytes = (uint32_t)*ret_size, .map_count = maps, .program_count = 1};
    memcpy(header->license, wanted->license, sizeof header->license);
    for (uint32_t i = 0; i < maps; i++, map++) {
        struct object_map *given_map =
            session_map(session, wanted->maps[i].object, wanted->maps[i].map);
        given[i] = given_map;
        if (!given_map || given_map->operations)
            return err_say(err, -EBADF, "cannot load program '%s': it names no map", wanted->name);
        /* The new object has it as well: one of the two reads it. */
        int r = map_make_known(session, given_map);
        if (r < 0)
            return err_set(err, r, "cannot load program '%s'", wanted->name);
        /* As it was made: of a map per processor one value. */
        bool each = shown_value_bytes(given[i]->shown.type, 8) > 8;
        memcpy(map->name, given[i]->shown.name, sizeof map->name);
        map->type = given[i]->shown.type;
        map->key_bytes = given[i]->shown.key_bytes;
        map->value_bytes = given[i]->shown.value_bytes / (each ? processors() : 1);
        map->entries = given[i]->shown.entries;
        map->flags = given[i]->flags;
    }
    if (libbpf_prog_type_by_name(wanted->section, &type, &attach_type) < 0)
        return err_say(err, -ENOTSUP, "cannot load program '%s': section '%s' is not known",
                       wanted->name, wanted->section);
    program->type = type;
    program->attach_type = attach_type;
    program->code_at = (uint32_t)code_at;
    program->code_count = code_bytes / (uint32_t)sizeof(struct bpf_insn);
    memcpy(program->name, wanted->name, sizeof wanted->name);
    memcpy(program->section, wanted->section, sizeof wanted->section);
    snprintf(program->kernel_name, sizeof program->kernel_name, "%.15s", wanted->name);
    memcpy(bytes + code_at, request->second, code_bytes);
    return 0;
}

/* The maps are others' objects': they are counted there. */
static int load_one(const struct session *session, const struct broker_new_program *wanted,
                    const struct request *request, struct object **ret_object, struct err *err)
{
    const struct object_map *given[BROKER_USED_MAPS_MAX];
    _cleanup_(freep) uint8_t *bytes = NULL;
    struct bpf_policy policy;
    struct image image;
    size_t size = 0;
    int r = make_image(session, wanted, request, given, &bytes, &size, err);

    if (r == 0)
        r = image_open(bytes, size, &image, err);
    if (r < 0)
        return r;
    account_left(&session->instance.policy, &policy);
    policy.map_count += wanted->map_count;
    policy.map_bytes += policy_map_bytes(&image);
    r = policy_check_image(&policy, &image, err);
    if (r == 0)
        r = object_load(session, &image, given, ret_object, err);
    if (r < 0)
        return r;
    (*ret_object)->guest_maps = 0; /* they have names there */
    r = account_open(*ret_object, 0, 0);
    for (uint32_t i = 0; i < wanted->map_count && r == 0; i++)
        account_hold(*ret_object, session_object(session, wanted->maps[i].object));
    return r;
}

bool serve_program(struct session *session, const struct request *request)
{
    struct broker_new_program wanted;
    struct object *object = NULL;
    struct err err = {0};
    uint32_t code_bytes = request->head.second_bytes;

    if (request->head.first_bytes != sizeof wanted || code_bytes == 0 ||
        code_bytes % sizeof(struct bpf_insn))
        return session_answer_error(session, -EINVAL, NULL);
    memcpy(&wanted, request->first, sizeof wanted);
    wanted.name[BROKER_NAME_MAX] = wanted.section[BROKER_NAME_MAX] = '\0';
    wanted.license[BROKER_NAME_MAX] = '\0';
    if (wanted.map_count > BROKER_USED_MAPS_MAX || !wanted.name[0])
        return session_answer_error(session, -EINVAL, NULL);
    int r = load_one(session, &wanted, request, &object, &err);
    return session_take(session, r, object, &err);
}
