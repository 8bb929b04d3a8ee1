/*
 * Bytes between fields. A structure is copied with them, also where nothing was ever put there; so
 * what memory they are copied to may hold anything in them. They may go from padding to padding,
 * and nobody may read them.
 */
#include <string.h>

#include "verify/facts_internal.h"

/* May padding in this object be indeterminate? */
struct leaks {
    bool *objects;
    bool changed;
};

static bool is_left(const struct value *value)
{
    return value->op == OP_MEMSET && value->sub == MEMSET_OF_PADDING;
}

static bool leaks(const struct leaks *l, const struct pointees *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        if (l->objects[from->objects[i]])
            return true;
    return false;
}

static void spread(struct leaks *l, const struct pointees *to)
{
    for (uint32_t i = 0; i < to->count; i++) {
        l->changed |= !l->objects[to->objects[i]];
        l->objects[to->objects[i]] = true;
    }
}

static void look_at(struct leaks *l, const struct facts *facts, const struct value *value)
{
    bool copies = value->op == OP_MEMCPY && leaks(l, &facts->pointees[value->operands[1]]);

    if (copies || is_left(value))
        spread(l, &facts->pointees[value->operands[0]]);
}

void padding_find(struct facts *facts)
{
    const struct program *program = facts->program;
    struct leaks l = {program_alloc(facts->program, program->object_count, sizeof *l.objects),
                      true};

    while (l.changed) {
        l.changed = false;
        for (uint32_t n = 0; n < program->order_count; n++) {
            const struct block *block = &program->blocks[program->order[n]];
            for (uint32_t i = 0; i < block->count; i++)
                look_at(&l, facts, value_at(program, block->values[i]));
        }
    }
    facts->leaks_padding = l.objects;
}

/* The offsets that a pointer may have in an object, in steps. */
struct places {
    uint64_t first, step, last;
};

static struct places places_of(const struct facts *facts, vid pointer, uint32_t object,
                               uint64_t bytes)
{
    const struct object *o = &facts->program->objects[object];
    struct range offset = facts_range(facts, pointer, value_at(facts->program, pointer)->block);
    uint32_t stride = o->stride ? o->stride : 1, remainder;
    struct places places = {0, 1, o->size < bytes ? 0 : o->size - bytes};

    /* What lies outside is an obligation of the access. */
    if (!offset.empty && offset.signed_low == offset.signed_high && offset.signed_low >= 0) {
        places.first = (uint64_t)offset.signed_low;
        places.last = places.first < places.last ? places.first : places.last;
    } else if (facts_remainder(facts, pointer, stride, &remainder)) {
        places.first = remainder;
        places.step = stride;
    }
    return places;
}

static bool is_padding(const struct object *object, uint64_t at)
{
    return object->padding && object->padding[at];
}

/* Is each of these bytes padding (`inside`), or none? */
static bool all_are(const struct facts *facts, vid pointer, uint32_t object, uint64_t bytes,
                    bool inside)
{
    const struct object *o = &facts->program->objects[object];
    struct places places = places_of(facts, pointer, object, bytes);

    if (o->size_value || bytes > o->size)
        return false;
    for (uint64_t at = places.first; at <= places.last; at += places.step)
        for (uint64_t k = 0; k < bytes; k++)
            if (is_padding(o, at + k) != inside)
                return false;
    return true;
}

/* What is padding in the source of a copy is in its destination, too. */
static bool both_are(const struct facts *facts, const struct value *copy, uint32_t to,
                     uint32_t from)
{
    const struct object *a = &facts->program->objects[to], *b = &facts->program->objects[from];
    uint64_t bytes = value_at(facts->program, copy->operands[2])->imm;
    struct places into = places_of(facts, copy->operands[0], to, bytes),
                  out = places_of(facts, copy->operands[1], from, bytes);

    if (a->size_value || bytes > a->size || bytes > b->size)
        return false;
    uint64_t steps = 0;
    for (uint64_t x = into.first; x <= into.last; x += into.step)
        for (uint64_t y = out.first; y <= out.last; y += out.step) {
            if ((steps += bytes + 1) > 1u << 20)
                return false;
            for (uint64_t k = 0; k < bytes; k++)
                if (is_padding(b, y + k) && !is_padding(a, x + k))
                    return false;
        }
    return true;
}

bool padding_concerns(const struct facts *facts, const struct value *value)
{
    const struct leaks l = {facts->leaks_padding, false};

    if (!facts->known)
        return false;
    if (value->op == OP_LOAD)
        return leaks(&l, &facts->pointees[value->operands[0]]);
    if (value->op == OP_MEMCPY)
        return leaks(&l, &facts->pointees[value->operands[1]]);
    return is_left(value);
}

bool padding_is_kept(const struct facts *facts, const struct value *value)
{
    const struct program *program = facts->program;
    const struct pointees *first = &facts->pointees[value->operands[0]];
    vid length = value->op == OP_LOAD ? 0 : value->operands[2];

    if (length && value_at(program, length)->op != OP_CONST)
        return false;
    for (uint32_t i = 0; i < first->count; i++) {
        uint32_t object = first->objects[i];
        if (object == 0)
            continue; /* null: the access says so */
        if (value->op == OP_LOAD) {
            if (facts->leaks_padding[object] &&
                !all_are(facts, value->operands[0], object, value->width / 8u, false))
                return false;
            continue;
        }
        if (value->op == OP_MEMSET) {
            if (!all_are(facts, value->operands[0], object, value_at(program, length)->imm, true))
                return false;
            continue;
        }
        const struct pointees *from = &facts->pointees[value->operands[1]];
        for (uint32_t k = 0; k < from->count; k++)
            if (from->objects[k] != 0 && facts->leaks_padding[from->objects[k]] &&
                !both_are(facts, value, object, from->objects[k]))
                return false;
    }
    return true;
}
