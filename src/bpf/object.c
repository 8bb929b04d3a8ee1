/* From an ELF object to an image: libbpf reads and relocates, object_record.c keeps what it made.
 */
#include "bpf/object.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "bpf/image.h"
#include "bpf/policy.h"
#include "guest/bpf.h"

DEFINE_CLEANUP(struct bpf_object, bpf_object__close)

/* The image while it grows. */
struct output {
    uint8_t *bytes;
    uint32_t size;
    bool failed;
    int map_records[2 * POLICY_MAPS_MAX];
    uint32_t map_count;
    int program_records[POLICY_PROGRAMS_MAX];
    uint32_t program_count;
};

static char reason[480];
static struct bpf_map *pinned_maps[POLICY_MAPS_MAX];
static size_t pin_count;

/* Libbpf says what is wrong in its last warnings. */
static int keep_reason(enum libbpf_print_level level, const char *format, va_list args)
{
    if (level == LIBBPF_WARN && !reason[0])
        vsnprintf(reason, sizeof reason, format, args);
    return 0;
}

static uint32_t put(struct output *output, const void *data, uint32_t bytes)
{
    uint32_t at = (output->size + 7) & ~7u;

    if (output->failed || bytes == 0)
        return 0;
    if (at > IMAGE_BYTES_MAX || bytes > IMAGE_BYTES_MAX - at) {
        output->failed = true;
        return 0;
    }
    memset(output->bytes + output->size, 0, at - output->size);
    memcpy(output->bytes + at, data, bytes);
    output->size = at + bytes;
    return at;
}

static void *reserve(struct output *output, uint32_t bytes)
{
    void *at = output->bytes + output->size;

    memset(at, 0, bytes);
    output->size += bytes;
    return at;
}

/* The number in the image of the map that a record is; -1: none. */
static int map_number(const struct output *output, int record)
{
    for (uint32_t i = 0; i < output->map_count; i++)
        if (output->map_records[i] == record)
            return (int)i;
    return -1;
}

static int program_number(const struct output *output, int record)
{
    for (uint32_t i = 0; i < output->program_count; i++)
        if (output->program_records[i] == record)
            return (int)i;
    return -1;
}

static void put_map(struct output *output, struct image_map *map, int index)
{
    const struct record *record = record_at(output->map_records[index]);

    memcpy(map->kernel_name, record->name, sizeof map->kernel_name);
    map->type = record->type;
    map->key_bytes = record->key_bytes;
    map->value_bytes = record->value_bytes;
    map->entries = record->entries;
    map->flags = record->flags;
    map->btf_key = record->btf_key;
    map->btf_value = record->btf_value;
    map->extra = record->extra;
    map->frozen = record->frozen;
    map->kernel_value = record->kernel_value;
    if (record->inner >= 0)
        map->inner = 1 + (uint32_t)map_number(output, record->inner);
    if (record->initial) {
        map->initial_at = put(output, record->initial, record->value_bytes);
        map->initial_bytes = record->value_bytes;
    }
}

/* Descriptors of this process become numbers of the image's maps. */
static int number_maps(const struct output *output, struct bpf_insn *code, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (code[i].code != (BPF_LD | BPF_IMM | BPF_DW))
            continue;
        if (code[i].src_reg == BPF_PSEUDO_MAP_FD || code[i].src_reg == BPF_PSEUDO_MAP_VALUE) {
            int number = map_number(output, record_of(code[i].imm));
            if (number < 0)
                return -EINVAL;
            code[i].imm = number;
        }
        i++; /* its second half */
    }
    return 0;
}

static int put_program(struct output *output, struct image_program *program, int index)
{
    const struct record *record = record_at(output->program_records[index]);

    memcpy(program->kernel_name, record->name, sizeof program->kernel_name);
    program->type = record->type;
    program->attach_type = record->attach_type;
    program->flags = record->flags;
    program->kernel_type = record->type == BPF_PROG_TYPE_STRUCT_OPS ? record->attach_to : 0;
    int r = number_maps(output, record->code, record->code_count);
    program->code_at =
        put(output, record->code, record->code_count * (uint32_t)sizeof(struct bpf_insn));
    program->code_count = record->code_count;
    program->functions_at =
        put(output, record->functions, record->functions_size * record->functions_count);
    program->functions_size = record->functions_size;
    program->functions_count = record->functions_count;
    program->lines_at = put(output, record->lines, record->lines_size * record->lines_count);
    program->lines_size = record->lines_size;
    program->lines_count = record->lines_count;
    return r;
}

/* Which records are the object's, among those that were only tried. */
static int choose(struct output *output, struct bpf_object *object)
{
    struct bpf_program *program;
    const struct bpf_map *map;

    bpf_object__for_each_map(map, object)
    {
        int record = record_of(bpf_map__fd(map));
        if (record < 0)
            continue; /* not created: autocreate off */
        if (output->map_count == POLICY_MAPS_MAX)
            return -E2BIG;
        output->map_records[output->map_count++] = record;
    }
    for (uint32_t i = 0, n = output->map_count; i < n; i++) {
        int inner = record_at(output->map_records[i])->inner;
        if (inner >= 0 && map_number(output, inner) < 0)
            output->map_records[output->map_count++] = inner;
    }
    bpf_object__for_each_program(program, object)
    {
        int record = record_of(bpf_program__fd(program));
        if (record < 0)
            continue;
        if (output->program_count == POLICY_PROGRAMS_MAX)
            return -E2BIG;
        output->program_records[output->program_count++] = record;
    }
    return 0;
}

static void put_names(const struct output *output, struct bpf_object *object,
                      struct image_map *maps, struct image_program *programs)
{
    struct bpf_program *program;
    const struct bpf_map *map;

    for (uint32_t i = 0; i < output->map_count; i++)
        maps[i].template_only = 1;
    bpf_object__for_each_map(map, object)
    {
        int number = map_number(output, record_of(bpf_map__fd(map)));
        if (number < 0)
            continue;
        snprintf(maps[number].name, sizeof maps[number].name, "%s", bpf_map__name(map));
        maps[number].template_only = 0;
        for (size_t i = 0; i < pin_count; i++)
            maps[number].pinned |= pinned_maps[i] == map;
    }
    bpf_object__for_each_program(program, object)
    {
        int number = program_number(output, record_of(bpf_program__fd(program)));
        if (number < 0)
            continue;
        snprintf(programs[number].name, sizeof programs[number].name, "%s",
                 bpf_program__name(program));
        snprintf(programs[number].section, sizeof programs[number].section, "%s",
                 bpf_program__section_name(program));
    }
}

static void put_slot(struct output *output, struct image_header *header, struct image_slot slot)
{
    *(struct image_slot *)reserve(output, sizeof slot) = slot;
    header->slot_count++;
}

/* Where the value of a struct_ops has this program: a member of the structure that is its "data".
 * -1: nowhere. */
static int64_t member_at(const struct record *map, const struct record *program)
{
    const struct btf *types = object_kernel_types();
    const struct btf_type *value = types ? btf__type_by_id(types, map->kernel_value) : NULL;
    const struct btf_type *data = types ? btf__type_by_id(types, program->attach_to) : NULL;
    uint64_t at = UINT64_MAX, fd;

    if (!value || !data || !btf_is_struct(value) || !btf_is_struct(data) ||
        program->attach_type >= btf_vlen(data))
        return -1;
    for (uint32_t i = 0; i < btf_vlen(value); i++)
        if (btf_members(value)[i].type == program->attach_to)
            at = btf_member_bit_offset(value, i) / 8;
    if (at == UINT64_MAX)
        return -1;
    at += btf_member_bit_offset(data, program->attach_type) / 8;
    if (at % sizeof fd || at + sizeof fd > map->value_bytes)
        return -1;
    memcpy(&fd, (const uint8_t *)map->initial + at, sizeof fd);
    return fd == (uint64_t)program->fd ? (int64_t)at : -1;
}

/* The programs of each struct_ops, by where they are in it: descriptors mean nothing elsewhere. */
static void put_members(struct output *output, struct image_header *header)
{
    for (uint32_t i = 0; i < output->map_count; i++) {
        const struct record *map = record_at(output->map_records[i]);
        if (map->type != BPF_MAP_TYPE_STRUCT_OPS || !map->initial)
            continue;
        for (uint32_t j = 0; j < output->program_count; j++) {
            int64_t at = member_at(map, record_at(output->program_records[j]));
            if (at < 0)
                continue;
            put_slot(output, header, (struct image_slot){i, (uint32_t)at, IMAGE_SLOT_MEMBER, j});
            memset((uint8_t *)map->initial + at, 0, sizeof(uint64_t));
        }
    }
}

static int put_slots(struct output *output, struct image_header *header)
{
    const struct record_slot *slots;
    size_t count = record_slots(&slots);

    for (size_t i = 0; i < count; i++) {
        int map = map_number(output, slots[i].map);
        bool is_map = record_at(slots[i].value)->kind == RECORD_MAP;
        int value =
            is_map ? map_number(output, slots[i].value) : program_number(output, slots[i].value);
        if (map < 0)
            continue;
        if (value < 0)
            return -EINVAL;
        put_slot(output, header,
                 (struct image_slot){(uint32_t)map, slots[i].key,
                                     is_map ? IMAGE_SLOT_MAP : IMAGE_SLOT_PROGRAM,
                                     (uint32_t)value});
    }
    put_members(output, header);
    return 0;
}

static void put_variables(struct output *output, struct image_header *header,
                          struct bpf_object *object)
{
    static struct object_variable variables[BROKER_VARIABLES_MAX];
    size_t count = object_variables(object, variables, ARRAY_LEN(variables));

    for (size_t i = 0; i < count; i++) {
        int map = map_number(output, record_of(bpf_map__fd(variables[i].map)));
        if (map < 0)
            continue;
        struct image_variable *variable = reserve(output, sizeof *variable);
        snprintf(variable->name, sizeof variable->name, "%s", variables[i].name);
        variable->map = (uint32_t)map;
        variable->at = variables[i].at;
        variable->bytes = variables[i].bytes;
        header->variable_count++;
    }
}

static void put_fields(struct output *output, struct image_header *header,
                       struct bpf_object *object)
{
    static struct broker_field fields[BROKER_FIELDS_MAX];
    size_t count = object_fields(object, fields, ARRAY_LEN(fields));

    memcpy(reserve(output, (uint32_t)(count * sizeof fields[0])), fields, count * sizeof fields[0]);
    header->field_count = (uint32_t)count;
}

static int put_object(struct output *output, struct bpf_object *object)
{
    int r = choose(output, object);

    if (r < 0)
        return r;
    struct image_header *header = reserve(output, sizeof *header);
    struct image_map *maps = reserve(output, output->map_count * (uint32_t)sizeof *maps);
    struct image_program *programs =
        reserve(output, output->program_count * (uint32_t)sizeof *programs);
    header->magic = IMAGE_MAGIC;
    header->map_count = output->map_count;
    header->program_count = output->program_count;
    r = put_slots(output, header);
    put_variables(output, header, object);
    put_fields(output, header, object);
    put_names(output, object, maps, programs);
    for (uint32_t i = 0; i < output->map_count; i++)
        put_map(output, &maps[i], (int)i);
    for (uint32_t i = 0; i < output->program_count && r == 0; i++)
        r = put_program(output, &programs[i], (int)i);
    if (output->program_count > 0) {
        const struct record *first = record_at(output->program_records[0]);
        memcpy(header->license, first->license, sizeof header->license);
        header->kernel_version = first->version;
    }
    int types = record_of(bpf_object__btf_fd(object));
    if (types >= 0) {
        header->btf_at = put(output, record_at(types)->types, record_at(types)->types_bytes);
        header->btf_bytes = record_at(types)->types_bytes;
    }
    header->uses_kernel_types = object_used_kernel_types();
    header->bytes = output->size;
    return output->failed ? -EFBIG : r;
}

/* Libbpf fills a struct_ops with its programs when it is attached; here that is written down. */
static struct bpf_object *fill_operations(struct bpf_object *object)
{
    struct bpf_map *map;

    bpf_object__for_each_map(map, object)
    {
        if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
            (void)bpf_map__attach_struct_ops(map); /* the link ends with this process */
    }
    return object;
}

/* Maps that are to be pinned keep their names for the broker: libbpf would look for files. */
static void take_pins(struct bpf_object *object)
{
    struct bpf_map *map;

    bpf_object__for_each_map(map, object)
    {
        if (!bpf_map__pin_path(map) || pin_count == ARRAY_LEN(pinned_maps))
            continue;
        pinned_maps[pin_count++] = map;
        (void)bpf_map__set_pin_path(map, NULL);
    }
}

/* Sections of younger libbpfs than the one that this is built with may be. */
static void add_sections(void)
{
    static const struct {
        const char *name;
        uint32_t type, attach_type;
    } sections[] = {
        {"tcx/ingress", BPF_PROG_TYPE_SCHED_CLS, 46},
        {"tcx/egress", BPF_PROG_TYPE_SCHED_CLS, 47},
        {"tc/ingress", BPF_PROG_TYPE_SCHED_CLS, 46},
        {"tc/egress", BPF_PROG_TYPE_SCHED_CLS, 47},
        {"netkit/primary", BPF_PROG_TYPE_SCHED_CLS, 54},
        {"netkit/peer", BPF_PROG_TYPE_SCHED_CLS, 55},
        {"uprobe.multi+", BPF_PROG_TYPE_KPROBE, 48},
        {"uretprobe.multi+", BPF_PROG_TYPE_KPROBE, 48},
        {"netfilter", 32, 45},
    };

    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        (void)libbpf_register_prog_handler(sections[i].name, (enum bpf_prog_type)sections[i].type,
                                           (enum bpf_attach_type)sections[i].attach_type, NULL);
}

static int read_object(struct output *output, const void *bytes, size_t size,
                       const struct object_settings *settings, const char **ret_step)
{
    const struct bpf_object_open_opts options = {.sz = sizeof options, .object_name = "module"};

    add_sections();
    *ret_step = "read";
    _cleanup_(bpf_object__closep) struct bpf_object *object =
        bpf_object__open_mem(bytes, size, &options);
    if (!object)
        return -errno;
    take_pins(object);
    *ret_step = "set up";
    const char *name;
    int r = object_set(object, settings, &name);
    if (r < 0) {
        snprintf(reason, sizeof reason, "it has no '%.63s' of that kind and size", name);
        return r;
    }
    *ret_step = "relocate";
    r = bpf_object__load(object);
    return r < 0 ? r : put_object(output, fill_operations(object));
}

int object_read(const void *bytes, size_t size, const struct object_settings *settings,
                int output_fd, bool *ret_kernel_types)
{
    struct output output = {.bytes = malloc(IMAGE_BYTES_MAX)};
    const char *step;

    if (!output.bytes)
        return -ENOMEM;
    libbpf_set_print(keep_reason);
    int r = read_object(&output, bytes, size, settings, &step);
    if (r < 0) {
        struct image_header *header = (void *)output.bytes;
        memset(header, 0, sizeof *header);
        header->magic = IMAGE_MAGIC;
        header->bytes = sizeof *header;
        header->error = r;
        reason[strcspn(reason, "\n")] = '\0';
        const char *cause = strncmp(reason, "libbpf: ", 8) == 0 ? reason + 8 : reason;
        snprintf(header->text, sizeof header->text, "cannot %s object: %.400s", step,
                 cause[0] ? cause : strerror(-r));
        output.size = sizeof *header;
    }
    *ret_kernel_types = object_used_kernel_types();
    r = fd_write_full(output_fd, output.bytes, output.size);
    free(output.bytes);
    return r;
}
