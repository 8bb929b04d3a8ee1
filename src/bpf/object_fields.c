/* What is in an object's samples, for printing: the structures that its global variables point to
 * (`const struct event *unused;`), member by member, those of nested ones with dots. */
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf/object.h"
#include "guest/bpf.h"

#define NESTING_MAX 8
/* Looked at, those of an object's structures together, each as often as it is there: eight levels
 * of structures that have no member to show are a power of eight. */
#define MEMBERS_MAX 65536u

struct fields {
    const struct btf *types;
    struct broker_field *list;
    size_t count, room;
    uint32_t members;
};

static const struct btf_type *plain(const struct btf *types, uint32_t id)
{
    const struct btf_type *type = btf__type_by_id(types, id);

    for (int i = 0; i < NESTING_MAX && type && (btf_is_mod(type) || btf_is_typedef(type)); i++)
        type = btf__type_by_id(types, type->type);
    return type;
}

/* One that lies outside is none: libbpf looks at no name before it is asked for. */
static const char *name_at(const struct btf *types, uint32_t offset)
{
    const char *name = btf__name_by_offset(types, offset);

    return name ? name : "";
}

static enum broker_field_kind kind_of(const struct btf_type *type)
{
    if (btf_is_int(type))
        return btf_int_encoding(type) & BTF_INT_SIGNED ? BROKER_FIELD_SIGNED
                                                       : BROKER_FIELD_UNSIGNED;
    if (btf_is_ptr(type))
        return BROKER_FIELD_POINTER;
    if (btf_is_any_enum(type))
        return BROKER_FIELD_UNSIGNED;
    return btf_is_float(type) ? BROKER_FIELD_FLOAT : BROKER_FIELD_BYTES;
}

static void add_members(struct fields *fields, const struct btf_type *type, const char *prefix,
                        uint32_t at, int depth);

static void add_field(struct fields *fields, struct broker_field *field, const char *name)
{
    if (fields->count < fields->room &&
        snprintf(field->name, sizeof field->name, "%s", name) < (int)sizeof field->name)
        fields->list[fields->count++] = *field;
}

/* One structure, or each of an array's as NAME.NUMBER. */
static void add_composites(struct fields *fields, const struct btf_type *type, const char *name,
                           uint32_t at, uint32_t count, int depth)
{
    char numbered[256];

    if (depth >= NESTING_MAX)
        return;
    if (count == 0)
        add_members(fields, type, name, at, depth + 1);
    for (uint32_t i = 0; i < count && fields->count < fields->room; i++) {
        if (fields->members++ >= MEMBERS_MAX ||
            snprintf(numbered, sizeof numbered, "%s.%u", name, i) >= (int)sizeof numbered)
            return;
        add_members(fields, type, numbered, at + i * type->size, depth + 1);
    }
}

/* `name` is whole: with the names of what it is in. */
static void add_member(struct fields *fields, uint32_t id, const char *name, uint32_t at, int depth)
{
    const struct btf_type *type = plain(fields->types, id);
    int64_t bytes = btf__resolve_size(fields->types, id);
    uint32_t count = 1;

    if (!type || bytes <= 0 || bytes > BROKER_DATA_MAX || fields->count == fields->room)
        return;
    const struct btf_type *element = type;
    /* Of several dimensions it is one list. */
    for (int i = 0; i < NESTING_MAX && element && btf_is_array(element); i++) {
        if (__builtin_mul_overflow(count, btf_array(element)->nelems, &count) || count == 0)
            return;
        element = plain(fields->types, btf_array(element)->type);
    }
    if (!element || (uint64_t)bytes % count)
        return;
    if (btf_is_composite(element)) {
        add_composites(fields, element, name, at, btf_is_array(type) ? count : 0, depth);
        return;
    }
    struct broker_field field = {.at = at, .bytes = (uint32_t)bytes, .kind = kind_of(element)};
    if (btf_is_array(type) && count == btf_array(type)->nelems && btf_is_int(element) &&
        element->size == 1 && strcmp(name_at(fields->types, element->name_off), "char") == 0)
        field.kind = BROKER_FIELD_TEXT;
    if (btf_is_array(type) && field.kind != BROKER_FIELD_TEXT && field.kind != BROKER_FIELD_BYTES) {
        field.bytes = (uint32_t)bytes / count;
        field.count = count;
    }
    add_field(fields, &field, name);
}

/* Bit fields lie in the bytes that have a part of them. */
static void add_bits(struct fields *fields, const struct btf_type *type, uint32_t offset,
                     uint32_t bits, const char *name)
{
    struct broker_field field = {.at = offset / 8, .shift = offset % 8, .bits = bits};

    field.bytes = (field.shift + bits + 7) / 8;
    if (type && *name && field.bytes <= sizeof(uint64_t)) {
        field.kind = kind_of(type);
        add_field(fields, &field, name);
    }
}

static void add_members(struct fields *fields, const struct btf_type *type, const char *prefix,
                        uint32_t at, int depth)
{
    const struct btf_member *members = btf_members(type);
    char name[256];

    for (uint32_t i = 0; i < btf_vlen(type) && fields->members < MEMBERS_MAX; i++) {
        fields->members++;
        const char *own = name_at(fields->types, members[i].name_off);
        uint32_t bits = btf_member_bitfield_size(type, i), offset = btf_member_bit_offset(type, i);
        snprintf(name, sizeof name, "%s%s%s", prefix, *prefix && *own ? "." : "", own);
        if (bits)
            add_bits(fields, plain(fields->types, members[i].type), at * 8 + offset, bits, name);
        else
            add_member(fields, members[i].type, name, at + offset / 8, depth);
    }
}

/* Its head first: the structure's own name and size. */
static void add_struct(struct fields *fields, const struct btf_type *type)
{
    const char *name = name_at(fields->types, type->name_off);
    struct broker_field head = {.kind = BROKER_FIELD_STRUCT, .bytes = type->size};

    if (fields->count == fields->room || !*name || type->size == 0 ||
        type->size > BROKER_DATA_MAX ||
        snprintf(head.name, sizeof head.name, "%s", name) >= (int)sizeof head.name)
        return;
    fields->list[fields->count++] = head;
    add_members(fields, type, "", 0, 0);
}

size_t object_fields(struct bpf_object *object, struct broker_field *list, size_t room)
{
    const struct btf *types = bpf_object__btf(object);
    struct fields fields = {.types = types, .list = list, .room = room};
    uint32_t end = types ? btf__type_cnt(types) : 0;

    for (uint32_t i = 1; i < end; i++) {
        const struct btf_type *section = btf__type_by_id(types, i);
        if (!btf_is_datasec(section))
            continue;
        for (uint32_t j = 0; j < btf_vlen(section); j++) {
            const struct btf_type *variable =
                btf__type_by_id(types, btf_var_secinfos(section)[j].type);
            const struct btf_type *type =
                variable && btf_is_var(variable) ? plain(types, variable->type) : NULL;
            if (type && btf_is_ptr(type))
                type = plain(types, type->type);
            else
                type = NULL;
            if (type && btf_is_struct(type))
                add_struct(&fields, type);
        }
    }
    return fields.count;
}
