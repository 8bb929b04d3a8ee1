/* Which object a pointer means, and which part of it: a fixed point over the pointers' text. */
#include "verify/promote.h"

static struct where whole(const struct program *program, uint32_t object, int64_t offset)
{
    return (struct where){.state = WHERE_AT,
                          .object = object,
                          .offset = offset,
                          .bytes = program->objects[object].size};
}

/* The same part, but no longer at a place that is known. */
static struct where within(struct where where)
{
    if (where.state == WHERE_AT)
        where.state = WHERE_WITHIN;
    where.offset = 0;
    return where;
}

static bool same(const struct where *a, const struct where *b)
{
    return a->state == b->state && a->object == b->object && a->offset == b->offset &&
           a->first == b->first && a->bytes == b->bytes;
}

static struct where advance(const struct program *program, const struct value *value,
                            struct where base)
{
    const struct value *by = value_at(program, value->operands[1]);

    if (base.state == WHERE_AT && by->op == OP_CONST &&
        !__builtin_add_overflow(base.offset, (int64_t)by->imm, &base.offset))
        return base;
    return within(base);
}

static struct where narrow(const struct value *value, struct where base)
{
    if (base.state == WHERE_AT && base.offset >= (int64_t)base.first &&
        (uint64_t)base.offset - base.first <= base.bytes &&
        value->imm <= base.bytes - ((uint64_t)base.offset - base.first)) {
        base.first = (uint64_t)base.offset;
        base.bytes = value->imm;
    }
    return base;
}

static struct where join(const struct program *program, struct where a, struct where b,
                         bool *shared)
{
    if (a.state == WHERE_UNSEEN)
        return b;
    if (b.state == WHERE_UNSEEN || same(&a, &b))
        return a;
    if (a.state == WHERE_MANY || b.state == WHERE_MANY || a.object != b.object) {
        shared[a.object] = shared[b.object] = true;
        return (struct where){.state = WHERE_MANY};
    }
    if (a.first == b.first && a.bytes == b.bytes)
        return within(a);
    return within(whole(program, a.object, 0));
}

static struct where locate(const struct program *program, const struct where *known,
                           const struct value *value, bool *shared)
{
    struct where result = {0};

    switch (value->op) {
    case OP_PTRADD:
        return advance(program, value, known[value->operands[0]]);
    case OP_NARROW:
        return narrow(value, known[value->operands[0]]);
    case OP_SELECT:
        return join(program, known[value->operands[1]], known[value->operands[2]], shared);
    case OP_PHI:
        for (unsigned i = 0; i < value->count; i++)
            result = join(program, result, known[value->operands[i]], shared);
        return result;
    default: /* null, loaded, unknown: object 0 */
        return (struct where){.state = WHERE_MANY};
    }
}

/* What has its address in memory can be reached through what is loaded from there. */
static void share_stored(const struct program *program, const struct where *known, bool *shared)
{
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            if (value->op == OP_STORE)
                shared[known[value->operands[1]].object] = true;
        }
    }
}

struct where *promote_locate(struct program *program, bool *ret_shared)
{
    struct where *known = program_alloc(program, program->value_count, sizeof *known);

    for (vid v = 1; v < program->value_count; v++) {
        const struct value *value = value_at(program, v);
        if (value->op == OP_OBJECT)
            known[v] = whole(program, (uint32_t)value->imm, 0);
        else if (value->op == OP_NULL)
            known[v] = (struct where){.state = WHERE_MANY};
    }
    /* What a table of addresses names can be reached through what is loaded from it. */
    for (uint32_t i = 1; i < program->object_count; i++)
        for (uint32_t k = 0; k < program->objects[i].cell_count; k++)
            ret_shared[program->objects[i].cells[k].object] = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t n = 0; n < program->order_count; n++) {
            const struct block *block = &program->blocks[program->order[n]];
            for (uint32_t i = 0; i < block->count; i++) {
                const struct value *value = value_at(program, block->values[i]);
                if (value->kind != KIND_POINTER || value->op == OP_OBJECT || value->op == OP_NULL)
                    continue;
                struct where *old = &known[block->values[i]];
                /* Only upwards, so that it ends: at worst AT, WITHIN, whole, MANY. */
                struct where now = locate(program, known, value, ret_shared);
                if (old->state != WHERE_UNSEEN && !same(&now, old))
                    now = join(program, *old, now, ret_shared);
                if (!same(&now, old)) {
                    *old = now;
                    changed = true;
                }
            }
        }
    }
    share_stored(program, known, ret_shared);
    return known;
}

vid promote_offset(struct ssa *ssa, struct program *program, vid pointer, struct place place)
{
    pointer = ssa_resolve(ssa, pointer);
    const struct value *value = value_at(program, pointer);
    if (value->op == OP_OBJECT)
        return program_const(program, 64, 0);
    if (value->op == OP_NARROW)
        return promote_offset(ssa, program, value->operands[0], place);
    if (value->op != OP_PTRADD)
        return ssa_emit(ssa, OP_PTRTOINT, KIND_INT, 64, 1, &pointer, 1, 0, place);
    vid by = value->operands[1], base = promote_offset(ssa, program, value->operands[0], place);
    if (value_is(program, base, 0))
        return by;
    return ssa_emit(ssa, OP_ADD, KIND_INT, 64, 2, (vid[]){base, by}, 0, 0, place);
}
