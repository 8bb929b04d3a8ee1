/*
 * From an image to the kernel: maps, type information, programs, first values. Every number in the
 * image was checked to be inside (image.c) and allowed (policy.c).
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

#define LOG_BYTES (1u << 20)
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
    if (r != 0)
        return r < 0 ? r : 0;
    r = create_map(object, image, index, types_fd, err);
    if (r < 0 || !map->pinned)
        return r;
    r = pin_put(session, map->name, made, policy_one_map_bytes(map));
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

/*
 * What stands before a program that may see its own control group only: not one of its
 * instructions runs for another's. Jumps and calls are relative, and none leads in front of where
 * it began.
 */
static uint32_t put_filter(struct bpf_insn *code, uint64_t group)
{
    const struct bpf_insn filter[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_cgroup_id},
        {.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1, .imm = (int32_t)(uint32_t)group},
        {.imm = (int32_t)(group >> 32)},
        {.code = BPF_JMP | BPF_JEQ | BPF_X, .dst_reg = 0, .src_reg = 1, .off = 2},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 6},
    };

    memcpy(code, filter, sizeof filter);
    return ARRAY_LEN(filter);
}
#define FILTER_MAX 8

/* The instruction that each record of type information is of has moved; the first stays the
 * program's beginning. */
static void move_records(uint8_t *records, uint32_t size, uint32_t count, uint32_t by)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at;
        memcpy(&at, records + (size_t)i * size, sizeof at);
        at = at == 0 ? 0 : at + by;
        memcpy(records + (size_t)i * size, &at, sizeof at);
    }
}

static void *copy_records(const struct image *image, uint32_t at, uint32_t size, uint32_t count,
                          uint32_t by)
{
    size_t bytes = (size_t)size * count;
    uint8_t *records = bytes && size >= 4 ? malloc(bytes) : NULL;

    if (!records)
        return NULL;
    memcpy(records, image->bytes + at, bytes);
    move_records(records, size, count, by);
    return records;
}

/* The cause out of the verifier's log: its last lines but the count of what it did. */
static void trim_log(char *log, char *text, size_t size)
{
    const char *lines[3] = {0};
    size_t used = 0;

    for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "processed ", 10) == 0)
            break;
        lines[0] = lines[1];
        lines[1] = lines[2];
        lines[2] = line;
    }
    text[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (lines[i] && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "; " : "", lines[i]);
}

/* Refused without a log, it is tried once more with one. */
static int refused(const struct image_program *program, const char *license,
                   const struct bpf_insn *code, uint32_t count, struct bpf_prog_load_opts *options,
                   int error, struct err *err)
{
    char text[360];
    _cleanup_(freep) char *log = calloc(1, LOG_BYTES);

    if (!log)
        return err_set(err, error, "cannot load program '%s'", program->name);
    options->log_level = 1;
    options->log_buf = log;
    options->log_size = LOG_BYTES;
    int fd = bpf_prog_load(program->type, program->kernel_name, license, code, count, options);
    if (fd >= 0)
        return fd;
    trim_log(log, text, sizeof text);
    if (text[0])
        return err_say(err, error, "cannot load program '%s': the kernel refuses it: %s",
                       program->name, text);
    return err_set(err, error, "cannot load program '%s': the kernel refuses it", program->name);
}

/* The number of what a program of WAY_TRACING is for, from the kernel's own type information. */
static int find_kernel_type(const struct bpf_kind *kind, const char *point, uint32_t *ret_id,
                            struct err *err)
{
    int id = libbpf_find_vmlinux_btf_id(point, (enum bpf_attach_type)kind->attach_type);

    if (id < 0)
        return err_say(err, id, "cannot load object: the kernel has no '%s/%s'", kind->name, point);
    *ret_id = (uint32_t)id;
    return 0;
}

static int load_program(const struct session *session, struct object *object,
                        const struct image *image, uint32_t index, int types_fd, struct err *err)
{
    const struct image_program *program = &image->programs[index];
    struct object_program *made = &object->programs[index];
    const char *point = "";
    int kind = bpf_kind_of(program->section, program->type, &point);
    const struct bpf_kind *known = &bpf_kinds[kind]; /* policy_check_image() found it */
    bool filtered = !session->instance.policy.host && known->way == WAY_TRACEPOINT;
    _cleanup_(freep) struct bpf_insn *code =
        malloc((program->code_count + FILTER_MAX) * sizeof *code);
    uint32_t before = 0;

    if (!code)
        return err_set(err, -ENOMEM, "cannot load object");
    if (filtered && !session->group_id)
        return err_say(err, -EPERM,
                       "cannot load program '%s': the function has no control group of its own",
                       program->name);
    if (filtered)
        before = put_filter(code, session->group_id);
    memcpy(code + before, image->bytes + program->code_at, program->code_count * sizeof *code);
    for (uint32_t i = before; i < before + program->code_count; i++) {
        if (code[i].code != (BPF_LD | BPF_IMM | BPF_DW))
            continue;
        if (code[i].src_reg == BPF_PSEUDO_MAP_FD || code[i].src_reg == BPF_PSEUDO_MAP_VALUE)
            code[i].imm = object->maps[code[i].imm].fd;
        i++;
    }
    _cleanup_(freep) void *functions = copy_records(
        image, program->functions_at, program->functions_size, program->functions_count, before);
    _cleanup_(freep) void *lines =
        copy_records(image, program->lines_at, program->lines_size, program->lines_count, before);
    LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = program->flags,
                .expected_attach_type = (enum bpf_attach_type)(
                    program->attach_type ? program->attach_type : known->attach_type),
                .kern_version = image->header->kernel_version);
    if (types_fd >= 0 && functions) {
        options.prog_btf_fd = (uint32_t)types_fd;
        options.func_info = functions;
        options.func_info_cnt = program->functions_count;
        options.func_info_rec_size = program->functions_size;
        options.line_info = lines;
        options.line_info_cnt = lines ? program->lines_count : 0;
        options.line_info_rec_size = lines ? program->lines_size : 0;
    }
    options.attach_btf_id = program->kernel_type;
    if ((program->type == BPF_PROG_TYPE_TRACING || program->type == BPF_PROG_TYPE_LSM) &&
        find_kernel_type(known, point, &options.attach_btf_id, err) < 0)
        return -ESRCH;
    made->fd = bpf_prog_load(program->type, program->kernel_name, image->header->license, code,
                             before + program->code_count, &options);
    if (made->fd < 0)
        made->fd = refused(program, image->header->license, code, before + program->code_count,
                           &options, -errno, err);
    if (made->fd < 0)
        return made->fd;
    made->kind = (uint32_t)kind;
    made->attach_type = options.expected_attach_type;
    memcpy(made->name, program->name, sizeof made->name);
    snprintf(made->point, sizeof made->point, "%s", point);
    return 0;
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

static int load_types(const struct image *image)
{
    if (image->header->btf_bytes == 0)
        return -1;
    /* Without it programs load as well, unless they need it: then the verifier says so. */
    return bpf_btf_load(image->bytes + image->header->btf_at, image->header->btf_bytes, NULL);
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

int object_of_map(struct object_map *map, struct object **ret_object)
{
    _cleanup_(object_freep) struct object *object = calloc(1, sizeof *object);

    if (!object)
        return -ENOMEM;
    object->maps = calloc(1, sizeof *object->maps);
    if (!object->maps)
        return -ENOMEM;
    object->map_count = object->guest_maps = object->borrowed = 1;
    object->maps[0] = *map;
    *ret_object = steal_ptr(&object);
    return 0;
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
    _cleanup_(closep) int types_fd = load_types(image);
    int r = take_variables(object, image);
    if (r == 0 && session->instance.policy.show_events)
        r = take_fields(object, image);
    if (r < 0)
        return err_set(err, r, "cannot load object");
    r = make_maps(session, object, image, given, types_fd, err);
    for (uint32_t i = 0; i < header->program_count && r == 0; i++)
        r = load_program(session, object, image, i, types_fd, err);
    if (r == 0)
        r = fill_slots(object, image, err);
    if (r == 0)
        *ret_object = steal_ptr(&object);
    return r;
}
