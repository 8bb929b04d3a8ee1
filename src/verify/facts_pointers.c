/* Which objects each pointer may mean: sets that only grow. */
#include <string.h>

#include "verify/facts_internal.h"

static bool add(uint64_t *set, uint32_t object)
{
    uint64_t bit = UINT64_C(1) << (object % 64), before = set[object / 64];

    set[object / 64] |= bit;
    return set[object / 64] != before;
}

static bool merge(uint64_t *to, const uint64_t *from, uint32_t words)
{
    bool changed = false;

    for (uint32_t i = 0; from && i < words; i++) {
        changed = changed || (from[i] & ~to[i]);
        to[i] |= from[i];
    }
    return changed;
}

static const struct pointer_cell *cell_at(const struct object *object, uint64_t offset)
{
    for (uint32_t k = 0; k < object->cell_count; k++)
        if (object->cells[k].offset == offset)
            return &object->cells[k];
    return NULL;
}

/* No address, in a place that one is read from: it is null. Other bytes, a part of an address among
 * them, would be one made of a number, of which nothing is known, not even that it differs from
 * null. */
static void check_null(const struct facts *facts, const struct object *object, uint64_t at,
                       vid load)
{
    bool null = true;

    for (uint64_t i = at; i < at + 8; i++)
        null = null && object->bytes[i] == 0;
    for (uint32_t k = 0; k < object->cell_count; k++)
        null = null && (object->cells[k].offset >= at + 8 || object->cells[k].offset + 8 <= at);
    if (!null)
        program_refuse(facts->program, value_at(facts->program, load)->place,
                       "use the address of a variable", "an address made of a number ('%s')",
                       object->name);
}

/* What one table may give: the addresses in the column that is read, and nothing, too, where it
 * holds none. Between the columns would be parts of addresses. */
static bool add_column(const struct facts *facts, const struct object *object, vid load,
                       uint64_t *to)
{
    uint32_t stride = object->stride ? object->stride : 1, remainder;
    const struct value *value = value_at(facts->program, load);
    bool changed = false;

    stride &= -stride; /* a power of two divides 2^64: no index that wraps gets between */
    if (stride < 8 || !facts_remainder(facts, value->operands[0], stride, &remainder)) {
        stride = 8;
        if (!facts_remainder(facts, value->operands[0], stride, &remainder))
            program_refuse(facts->program, value->place, "read it by its index in the table",
                           "an address from any place in '%s'", object->name);
    }
    for (uint64_t at = remainder; at + 8 <= object->size; at += stride) {
        const struct pointer_cell *cell = cell_at(object, at);
        if (!cell)
            check_null(facts, object, at, load);
        changed = add(to, cell ? cell->object : 0) || changed;
    }
    return changed;
}

/* What a load of an address may give; only constants hold any. */
static bool add_loaded(struct facts *facts, vid id, uint64_t *to, const uint64_t *from)
{
    struct program *program = facts->program;
    const struct value *load = value_at(program, id);
    bool changed = false;

    for (uint32_t i = 1; from && i < program->object_count; i++) {
        const struct object *object = &program->objects[i];
        if (!(from[i / 64] >> (i % 64) & 1))
            continue;
        if (!object->readonly || !object->bytes) {
            promote_keeps_addresses(program, load->place);
            return false;
        }
        changed = add_column(facts, object, id, to) || changed;
    }
    return changed;
}

void facts_find_pointees(struct facts *facts)
{
    struct program *program = facts->program;
    uint32_t words = program->object_count / 64 + 1;
    uint64_t **sets = program_alloc(program, program->value_count, sizeof *sets);

    for (vid v = 1; v < program->value_count; v++) {
        const struct value *value = value_at(program, v);
        if (value->kind != KIND_POINTER)
            continue;
        if (value->op == OP_OBJECT || value->op == OP_NULL) {
            sets[v] = program_alloc(program, words, sizeof **sets);
            add(sets[v], value->op == OP_OBJECT ? (uint32_t)value->imm : 0);
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t n = 0; n < program->order_count; n++) {
            const struct block *block = &program->blocks[program->order[n]];
            for (uint32_t i = 0; i < block->count; i++) {
                vid v = block->values[i];
                const struct value *value = value_at(program, v);
                if (value->kind != KIND_POINTER)
                    continue;
                if (!sets[v])
                    sets[v] = program_alloc(program, words, sizeof **sets);
                if (value->op == OP_LOAD) {
                    changed = add_loaded(facts, v, sets[v], sets[value->operands[0]]) || changed;
                    continue;
                }
                unsigned first = value->op == OP_SELECT ? 1 : 0;
                unsigned last = value->op == OP_PHI || value->op == OP_SELECT ? value->count : 1;
                for (unsigned k = first; k < last && value->count > 0; k++)
                    changed = merge(sets[v], sets[value->operands[k]], words) || changed;
                if (value->count == 0)
                    changed = add(sets[v], 0) || changed;
            }
        }
    }
    for (vid v = 1; v < program->value_count; v++) {
        if (!sets[v])
            continue;
        uint32_t count = 0;
        uint32_t *objects = NULL;
        for (uint32_t i = 0; i < words; i++)
            count += (uint32_t)__builtin_popcountll(sets[v][i]);
        objects = program_alloc(program, count + 1, sizeof *objects);
        count = 0;
        for (uint32_t i = 0; i < program->object_count; i++)
            if (sets[v][i / 64] >> (i % 64) & 1)
                objects[count++] = i;
        facts->pointees[v] = (struct pointees){count, objects};
    }
}

/* The bounds that hold for a pointer whichever way it came: those of its loop's entry, if every
 * round keeps them. UINT32_MAX: not seen. */
void facts_find_bounds(struct facts *facts)
{
    struct program *program = facts->program;
    const vid unseen = UINT32_MAX;

    for (vid v = 0; v < program->value_count; v++)
        facts->bounds[v] = unseen;
    for (vid v = 1; v < program->value_count; v++)
        if (value_at(program, v)->op == OP_OBJECT)
            facts->bounds[v] =
                0; /* null has none, and takes none away: it can't be accessed at all */
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t n = 0; n < program->order_count; n++) {
            const struct block *block = &program->blocks[program->order[n]];
            for (uint32_t i = 0; i < block->count; i++) {
                vid v = block->values[i], now = unseen;
                const struct value *value = value_at(program, v);
                if (value->kind != KIND_POINTER)
                    continue;
                if (value->op == OP_NARROW)
                    now = v;
                else if (value->op == OP_PTRADD)
                    now = facts->bounds[value->operands[0]];
                else if (value->op == OP_PHI || value->op == OP_SELECT)
                    for (unsigned k = value->op == OP_SELECT; k < value->count; k++) {
                        vid one = facts->bounds[value->operands[k]];
                        if (one != unseen)
                            now = now == unseen || now == one ? one : 0;
                    }
                else if (value->op != OP_NULL)
                    now = 0;
                if (facts->bounds[v] != unseen && now != facts->bounds[v])
                    now = 0;
                /* Bounds made anew each round are another place each round. */
                if (value->op == OP_PHI && now != unseen && now != 0 && block->header &&
                    loop_contains(program, value->block, value_at(program, now)->block))
                    now = 0;
                if (now != facts->bounds[v]) {
                    facts->bounds[v] = now;
                    changed = true;
                }
            }
        }
    }
    for (vid v = 0; v < program->value_count; v++)
        if (facts->bounds[v] == unseen)
            facts->bounds[v] = 0;
}
