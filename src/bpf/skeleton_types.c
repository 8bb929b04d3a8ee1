/*
 * The structures of an object, for guests: WebAssembly's pointers have four bytes and the programs'
 * eight, so that a header of both would differ. Here every member is where the programs have it:
 * pointers are uint64_t, gaps are members, and assertions hold the guest's compiler to it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "bpf/skeleton.h"

#define NESTING_MAX 16
#define TYPES_MAX 65536u
#define MEMBERS_MAX (1u << 20) /* of all structures, each with those of its members */

struct writer {
    const struct btf *types;
    const char *prefix;
    uint8_t *done; /* by the number of a type */
    unsigned gaps;
};

/* One that lies outside is none: libbpf looks at no name before it is asked for. */
static const char *name_at(const struct writer *writer, uint32_t offset)
{
    const char *name = btf__name_by_offset(writer->types, offset);

    return name ? name : "";
}

static const char *name_of(const struct writer *writer, const struct btf_type *type)
{
    return name_at(writer, type->name_off);
}

/* Without const, volatile, typedef and the like. */
static const struct btf_type *plain(const struct writer *writer, uint32_t id, uint32_t *ret_id)
{
    const struct btf_type *type = btf__type_by_id(writer->types, id);

    for (int i = 0; i < NESTING_MAX && type; i++) {
        if (!btf_is_mod(type) && !btf_is_typedef(type))
            break;
        id = type->type;
        type = btf__type_by_id(writer->types, id);
    }
    *ret_id = id;
    return type;
}

static void indent(int depth)
{
    printf("%*s", depth * 4, "");
}

/* A gap before a member, as bytes. */
static void write_gap(struct writer *writer, uint64_t from, uint64_t to, int depth)
{
    if (to <= from)
        return;
    indent(depth);
    printf("uint8_t _gap%u[%llu];\n", writer->gaps++, (unsigned long long)(to - from));
}

static const char *number_type(const struct btf_type *type)
{
    bool is_signed = btf_is_int(type) && (btf_int_encoding(type) & BTF_INT_SIGNED);

    switch (type->size) {
    case 1:
        return is_signed ? "int8_t" : "uint8_t";
    case 2:
        return is_signed ? "int16_t" : "uint16_t";
    case 4:
        return is_signed ? "int32_t" : "uint32_t";
    case 8:
        return is_signed ? "int64_t" : "uint64_t";
    default:
        return NULL;
    }
}

static void write_members(struct writer *writer, const struct btf_type *type, int depth);

/* What a member is, and its name with its dimensions. Text is one: what is char stays char. */
static void write_member(struct writer *writer, uint32_t id, const char *name, uint32_t bits,
                         int depth)
{
    char dimensions[128] = "";
    uint32_t plain_id;
    const struct btf_type *type = plain(writer, id, &plain_id);

    for (int i = 0; i < NESTING_MAX && type && btf_is_array(type); i++) {
        size_t used = strlen(dimensions);
        snprintf(dimensions + used, sizeof dimensions - used, "[%u]", btf_array(type)->nelems);
        type = plain(writer, btf_array(type)->type, &plain_id);
    }
    indent(depth);
    if (!type) {
        printf("uint8_t %s%s;\n", name, dimensions);
    } else if (btf_is_composite(type) && name_of(writer, type)[0]) {
        printf("%s %s__%s %s%s;\n", btf_is_union(type) ? "union" : "struct", writer->prefix,
               name_of(writer, type), name, dimensions);
    } else if (btf_is_composite(type)) {
        printf("%s {\n", btf_is_union(type) ? "union" : "struct");
        if (depth < NESTING_MAX)
            write_members(writer, type, depth + 1);
        indent(depth);
        printf("}%s%s%s;\n", *name ? " " : "", name, dimensions);
    } else if (btf_is_ptr(type)) {
        printf("uint64_t %s%s; /* a pointer of the kernel's or the caller's */\n", name,
               dimensions);
    } else if (btf_is_int(type) && type->size == 1 && dimensions[0] &&
               strcmp(name_of(writer, type), "char") == 0) {
        printf("char %s%s;\n", name, dimensions);
    } else {
        const char *number = number_type(type);
        if (btf_is_float(type))
            number = type->size == 4 ? "float" : "double";
        if (bits)
            printf("%s %s : %u;\n", number ? number : "uint8_t", name, bits);
        else if (number)
            printf("%s %s%s;\n", number, name, dimensions);
        else
            printf("uint8_t %s%s[%u];\n", name, dimensions, type->size);
    }
}

static void write_members(struct writer *writer, const struct btf_type *type, int depth)
{
    const struct btf_member *members = btf_members(type);
    uint64_t at = 0;

    for (uint32_t i = 0; i < btf_vlen(type); i++) {
        uint32_t bits = btf_member_bitfield_size(type, i);
        uint64_t offset = btf_member_bit_offset(type, i);
        int64_t bytes = btf__resolve_size(writer->types, members[i].type);
        if (!btf_is_union(type) && bits && offset > at && offset - at < 64) {
            indent(depth);
            printf("uint64_t : %u;\n", (unsigned)(offset - at));
        }
        if (!btf_is_union(type) && !bits)
            write_gap(writer, (at + 7) / 8, offset / 8, depth);
        write_member(writer, members[i].type, name_at(writer, members[i].name_off), bits, depth);
        at = offset + (bits ? bits : (uint64_t)(bytes > 0 ? bytes : 0) * 8);
    }
    if (!btf_is_union(type))
        write_gap(writer, (at + 7) / 8, type->size, depth);
}

static void write_assertions(const struct writer *writer, const struct btf_type *type)
{
    const char *kind = btf_is_union(type) ? "union" : "struct", *name = name_of(writer, type);
    const struct btf_member *members = btf_members(type);

    printf("_Static_assert(sizeof(%s %s__%s) == %u, \"%s\");\n", kind, writer->prefix, name,
           type->size, name);
    for (uint32_t i = 0; i < btf_vlen(type); i++) {
        const char *member = name_at(writer, members[i].name_off);
        if (*member && !btf_member_bitfield_size(type, i))
            printf("_Static_assert(offsetof(%s %s__%s, %s) == %u, \"%s.%s\");\n", kind,
                   writer->prefix, name, member, btf_member_bit_offset(type, i) / 8, name, member);
    }
    printf("\n");
}

static void write_type(struct writer *writer, uint32_t id, int depth);

/* What is in it by value comes first. */
static void write_needed(struct writer *writer, const struct btf_type *type, int depth)
{
    const struct btf_member *members = btf_members(type);

    for (uint32_t i = 0; i < btf_vlen(type); i++)
        write_type(writer, members[i].type, depth + 1);
}

static void write_type(struct writer *writer, uint32_t id, int depth)
{
    const struct btf_type *type = plain(writer, id, &id);

    for (int i = 0; i < NESTING_MAX && type && btf_is_array(type); i++)
        type = plain(writer, btf_array(type)->type, &id);
    if (!type || !btf_is_composite(type) || depth > NESTING_MAX || writer->done[id])
        return;
    writer->done[id] = 1;
    write_needed(writer, type, depth);
    if (!name_of(writer, type)[0] || type->size == 0)
        return;
    /* Packed, it is what is written: every gap is. */
    printf("%s %s__%s {\n", btf_is_union(type) ? "union" : "struct", writer->prefix,
           name_of(writer, type));
    write_members(writer, type, 1);
    printf("} __attribute__((packed, aligned(%d)));\n", btf__align_of(writer->types, id));
    write_assertions(writer, type);
}

/* A variable's own type, or what it points to: `const struct event *unused;` shows a guest what is
 * in a ring buffer, of which a map says nothing. */
static void write_variable(struct writer *writer, uint32_t id)
{
    const struct btf_type *type = plain(writer, id, &id);

    if (type && btf_is_ptr(type))
        type = plain(writer, type->type, &id);
    if (type)
        write_type(writer, id, 0);
}

/* How many members it has by value, those of its members too, or 0 where that has no end within so
 * many steps or is past MEMBERS_MAX: libbpf follows one that has itself without end, and looks at
 * one that is there twice two times, which sixteen levels make a power of sixteen. */
static uint32_t count_members(const struct writer *writer, uint32_t *counts, uint32_t id, int depth)
{
    const struct btf_type *type = plain(writer, id, &id);
    uint32_t count = 1;

    if (!type || depth > NESTING_MAX || btf_is_mod(type) || btf_is_typedef(type))
        return 0;
    if (btf_is_array(type))
        return count_members(writer, counts, btf_array(type)->type, depth + 1);
    if (!btf_is_composite(type))
        return 1;
    if (counts[id])
        return counts[id];
    for (uint32_t i = 0; i < btf_vlen(type); i++) {
        uint32_t more = count_members(writer, counts, btf_members(type)[i].type, depth + 1);
        if (more == 0 || more > MEMBERS_MAX - count)
            return 0;
        count += more;
    }
    counts[id] = count;
    return count;
}

int skeleton_types_check(const struct btf *types)
{
    uint32_t end = types ? btf__type_cnt(types) : 0, left = MEMBERS_MAX;
    struct writer writer = {.types = types};

    if (end > TYPES_MAX)
        return -E2BIG;
    uint32_t *counts = calloc(end + 1, sizeof *counts);
    if (!counts)
        return -ENOMEM;
    int r = 0;
    for (uint32_t i = 1; i < end && r == 0; i++) {
        if (!btf_is_composite(btf__type_by_id(types, i)))
            continue;
        uint32_t count = count_members(&writer, counts, i, 0);
        if (count == 0)
            r = -ELOOP;
        else if (count > left)
            r = -E2BIG;
        else
            left -= count;
    }
    free(counts);
    return r;
}

int skeleton_types(const char *prefix, const struct btf *types, const uint32_t *map_types,
                   size_t map_type_count)
{
    uint32_t end = types ? btf__type_cnt(types) : 0;
    struct writer writer = {.types = types, .prefix = prefix};

    if (end == 0 || end > TYPES_MAX)
        return 0;
    writer.done = calloc(end, 1);
    if (!writer.done)
        return -ENOMEM;
    for (size_t i = 0; i < map_type_count; i++)
        if (map_types[i] > 0 && map_types[i] < end)
            write_type(&writer, map_types[i], 0);
    for (uint32_t i = 1; i < end; i++) {
        const struct btf_type *section = btf__type_by_id(types, i);
        if (!btf_is_datasec(section) || strcmp(name_of(&writer, section), ".maps") == 0)
            continue;
        for (uint32_t j = 0; j < btf_vlen(section); j++) {
            const struct btf_type *variable =
                btf__type_by_id(types, btf_var_secinfos(section)[j].type);
            if (variable && btf_is_var(variable))
                write_variable(&writer, variable->type);
        }
    }
    free(writer.done);
    return 0;
}
