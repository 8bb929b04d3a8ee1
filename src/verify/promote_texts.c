/*
 * Where texts end: for each array that is looked through for its end, the places of two zeros that
 * are known to be there (or the array's size, where none is: nothing is read there). A zero that is
 * written is known until something else may be written over it; a copy takes it along. What is read
 * at such a place is zero, so that a loop that goes on where it is none goes no further.
 */
#include <string.h>

#include "verify/promote.h"

/* Two of each: the one that was written last, and the one that is farthest. */
enum { LATEST, FARTHEST, ENDS };

struct texts {
    struct program *program;
    struct where *where;
    bool *shared;   /* of each object: what is written nobody knows where may be it */
    uint8_t *unit;  /* of each object: bytes of a character, 0: it is not followed */
    uint32_t *end;  /* its first variable: offset of a zero */
    bool *compared; /* of each load: with a constant, which may be a text's end */
    struct ssa *ssa;
};

static vid emit(struct texts *t, enum operation op, unsigned width, unsigned sub, vid a, vid b,
                struct place place)
{
    return ssa_emit(t->ssa, op, KIND_INT, width, 2, (vid[]){a, b}, sub, 0, place);
}

static vid choose(struct texts *t, vid condition, vid yes, vid no, struct place place)
{
    unsigned width = value_at(t->program, yes)->width;

    return ssa_emit(t->ssa, OP_SELECT, KIND_INT, width, 3, (vid[]){condition, yes, no}, 0, 0,
                    place);
}

static vid number(struct texts *t, uint64_t value)
{
    return program_const(t->program, 64, value);
}

/* ---- which arrays ---- */

/* What a comparison looks at, before it was made wider or narrower. */
static vid compared_load(const struct program *program, vid value)
{
    const struct value *at = value_at(program, value);

    while (at->op == OP_ZEXT || at->op == OP_SEXT || at->op == OP_TRUNC) {
        value = at->operands[0];
        at = value_at(program, value);
    }
    return at->op == OP_LOAD && at->kind == KIND_INT ? value : 0;
}

static void note_compared(struct texts *t, vid value, bool with_zero)
{
    vid load = compared_load(t->program, value);
    unsigned width = load ? value_at(t->program, load)->width : 0;

    if (width == 8 || (width == 32 && with_zero))
        t->compared[load] = true;
}

/* Followed are arrays of fixed size, of bytes or of wide characters. */
static void follow(struct texts *t, uint32_t index, unsigned unit)
{
    const struct object *object = &t->program->objects[index];

    if (index == 0 || object->dead || object->function || object->input || object->size_value ||
        object->cell_count > 0 || object->size < unit || t->unit[index] == 1)
        return;
    t->unit[index] = (uint8_t)unit;
}

static void find_compared(struct texts *t, const struct block *block)
{
    const struct program *program = t->program;

    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *value = value_at(program, block->values[i]);
        if (value->op != OP_ICMP)
            continue;
        for (unsigned k = 0; k < 2; k++)
            if (value_is_const(program, value->operands[k]))
                note_compared(t, value->operands[1 - k],
                              value->sub <= ICMP_NE && value_is(program, value->operands[k], 0));
    }
    if (block->exit == EXIT_SWITCH)
        note_compared(t, block->condition, false);
}

/* Where a followed array is copied from, too. */
static bool follow_copies(struct texts *t, const struct block *block)
{
    bool more = false;

    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *value = value_at(t->program, block->values[i]);
        if (value->op != OP_MEMCPY || !where_is_single(&t->where[value->operands[0]]) ||
            !where_is_single(&t->where[value->operands[1]]))
            continue;
        uint32_t to = t->where[value->operands[0]].object,
                 from = t->where[value->operands[1]].object;
        if (t->unit[to] && !t->unit[from]) {
            follow(t, from, t->unit[to]);
            more = more || t->unit[from];
        }
    }
    return more;
}

static void find_followed(struct texts *t)
{
    const struct program *program = t->program;

    for (uint32_t n = 0; n < program->order_count; n++)
        find_compared(t, &program->blocks[program->order[n]]);
    for (vid v = 1; v < program->value_count; v++) {
        const struct where *where =
            &t->where[value_at(program, v)->op == OP_LOAD ? value_at(program, v)->operands[0] : 0];
        if (t->compared[v] && where_is_single(where))
            follow(t, where->object, value_at(program, v)->width / 8u);
    }
    for (bool more = true; more;) {
        more = false;
        for (uint32_t n = 0; n < program->order_count; n++)
            more = follow_copies(t, &program->blocks[program->order[n]]) || more;
    }
}

/* The last zero of what is there at the beginning; its size: there is none, or nobody knows. */
static uint64_t first_end(const struct program *program, const struct object *object, unsigned unit)
{
    static const uint8_t zero[4];

    if (object->bytes && (object->readonly || !program->repeated))
        for (uint64_t at = object->size - unit + 1; at-- > 0;)
            if (memcmp(object->bytes + at, zero, unit) == 0)
                return at;
    return object->size;
}

/* ---- what writes do ---- */

/* Do [offset, offset + length) and the zero at `end` have bytes in common? */
static vid overlaps(struct texts *t, unsigned unit, vid end, vid offset, vid length,
                    struct place place)
{
    if (unit == 1 && value_is(t->program, length, 1))
        return emit(t, OP_ICMP, 1, ICMP_EQ, end, offset, place);
    vid behind = emit(t, OP_ADD, 64, 0, offset, length, place);
    vid before = emit(t, OP_ICMP, 1, ICMP_ULT, end, behind, place);
    vid reaches = emit(t, OP_ICMP, 1, ICMP_ULT, offset,
                       emit(t, OP_ADD, 64, 0, end, number(t, unit), place), place);
    return emit(t, OP_AND, 1, 0, before, reaches, place);
}

static vid none_of(struct texts *t, uint32_t object)
{
    return number(t, t->program->objects[object].size);
}

static void forget(struct texts *t, uint32_t object)
{
    for (unsigned k = 0; k < ENDS; k++)
        ssa_write(t->ssa, t->end[object] + k, none_of(t, object));
}

/* [offset, offset + length) is written with what is no zero. */
static void overwrite(struct texts *t, uint32_t object, vid offset, vid length, struct place place)
{
    for (unsigned k = 0; k < ENDS; k++) {
        vid end = ssa_read(t->ssa, t->end[object] + k);
        vid lost = overlaps(t, t->unit[object], end, offset, length, place);
        ssa_write(t->ssa, t->end[object] + k, choose(t, lost, none_of(t, object), end, place));
    }
}

/* If `condition`, there is a zero at `offset` from now on; what was known is what overwrite() left,
 * or, where the condition says so, `before`. */
static void put(struct texts *t, uint32_t object, vid condition, vid offset, const vid *before,
                struct place place)
{
    vid farthest = before[FARTHEST];
    vid none = emit(t, OP_ICMP, 1, ICMP_EQ, farthest, none_of(t, object), place);
    vid nearer = emit(t, OP_ICMP, 1, ICMP_ULT, farthest, offset, place);
    vid better = choose(t, emit(t, OP_OR, 1, 0, none, nearer, place), offset, farthest, place);

    ssa_write(t->ssa, t->end[object] + LATEST,
              choose(t, condition, offset, ssa_read(t->ssa, t->end[object] + LATEST), place));
    ssa_write(t->ssa, t->end[object] + FARTHEST,
              choose(t, condition, better, ssa_read(t->ssa, t->end[object] + FARTHEST), place));
}

static void read_ends(struct texts *t, uint32_t object, vid *ret_ends)
{
    for (unsigned k = 0; k < ENDS; k++)
        ret_ends[k] = ssa_read(t->ssa, t->end[object] + k);
}

/* The object that is written, if it is followed; 0: it is not, and what else may be written is
 * forgotten. */
static uint32_t written_or_forgotten(struct texts *t, vid pointer)
{
    const struct where *where = &t->where[pointer];

    if (where_is_single(where))
        return t->unit[where->object] ? where->object : 0;
    for (uint32_t i = 1; i < t->program->object_count; i++)
        if (t->shared[i] && t->unit[i])
            forget(t, i);
    return 0;
}

static void store(struct texts *t, uint32_t object, const struct value *value)
{
    struct program *program = t->program;
    const struct place place = value->place;
    vid stored = ssa_resolve(t->ssa, value->operands[1]);
    vid offset = promote_offset(t->ssa, program, value->operands[0], place);
    unsigned bytes = value->width / 8u;
    vid before[ENDS];

    read_ends(t, object, before); /* a zero in place of a zero leaves it */
    overwrite(t, object, offset, number(t, bytes), place);
    if (value_at(program, stored)->kind == KIND_INT && bytes == t->unit[object])
        put(t, object,
            emit(t, OP_ICMP, 1, ICMP_EQ, stored, program_const(program, value->width, 0), place),
            offset, before, place);
}

static void fill(struct texts *t, uint32_t object, const struct value *value)
{
    struct program *program = t->program;
    const struct place place = value->place;
    vid length = value->operands[2], unit = number(t, t->unit[object]);
    vid offset = promote_offset(t->ssa, program, value->operands[0], place), before[ENDS];

    if (value->sub == MEMSET_OF_PADDING || !value_is(program, value->operands[1], 0)) {
        overwrite(t, object, offset, length, place);
        return;
    }
    read_ends(t, object, before);
    vid last = emit(t, OP_SUB, 64, 0, emit(t, OP_ADD, 64, 0, offset, length, place), unit, place);
    put(t, object, emit(t, OP_ICMP, 1, ICMP_UGE, length, unit, place), last, before, place);
}

static void copy(struct texts *t, uint32_t object, const struct value *value)
{
    struct program *program = t->program;
    const struct place place = value->place;
    const struct where *from = &t->where[value->operands[1]];
    vid length = value->operands[2];
    vid offset = promote_offset(t->ssa, program, value->operands[0], place), before[ENDS];

    if (!where_is_single(from) || t->unit[from->object] != t->unit[object]) {
        overwrite(t, object, offset, length, place);
        return;
    }
    vid start = promote_offset(t->ssa, program, value->operands[1], place);
    vid end = ssa_read(t->ssa, t->end[from->object] + LATEST), unit = number(t, t->unit[object]);
    vid behind = emit(t, OP_ADD, 64, 0, start, length, place);
    vid enough =
        emit(t, OP_ICMP, 1, ICMP_ULE, emit(t, OP_ADD, 64, 0, end, unit, place), behind, place);
    vid begun = emit(t, OP_ICMP, 1, ICMP_ULE, start, end, place);
    vid taken = emit(t, OP_ADD, 64, 0, offset, emit(t, OP_SUB, 64, 0, end, start, place), place);
    overwrite(t, object, offset, length, place);
    read_ends(t, object, before);
    put(t, object, emit(t, OP_AND, 1, 0, begun, enough, place), taken, before, place);
}

/* ---- what is read ---- */

static bool load(struct texts *t, vid id)
{
    struct program *program = t->program;
    const struct value value = *value_at(program, id);
    const struct where *where = &t->where[value.operands[0]];
    vid ends = program_const(program, 1, 0);

    if (!t->compared[id] || !where_is_single(where) || t->unit[where->object] * 8u != value.width)
        return false;
    vid pointer = ssa_resolve(t->ssa, value.operands[0]);
    vid offset = promote_offset(t->ssa, program, value.operands[0], value.place);
    vid read = ssa_emit(t->ssa, OP_LOAD, KIND_INT, value.width, 1, &pointer, value.sub, value.imm,
                        value.place);
    for (unsigned k = 0; k < ENDS; k++) {
        vid end = ssa_read(t->ssa, t->end[where->object] + k);
        ends = emit(t, OP_OR, 1, 0, ends, emit(t, OP_ICMP, 1, ICMP_EQ, offset, end, value.place),
                    value.place);
    }
    ssa_replace(t->ssa, id,
                choose(t, ends, program_const(program, value.width, 0), read, value.place));
    return true;
}

static void visit(struct texts *t, vid id)
{
    const struct value value = *value_at(t->program, id);
    uint32_t object = 0;

    if (value.op == OP_LOAD && load(t, id))
        return;
    if (value.op == OP_STORE || value.op == OP_MEMSET || value.op == OP_MEMCPY)
        object = written_or_forgotten(t, value.operands[0]);
    if (object && value.op == OP_STORE)
        store(t, object, &value);
    else if (object && value.op == OP_MEMSET)
        fill(t, object, &value);
    else if (object)
        copy(t, object, &value);
    if ((value.op == OP_BEGIN || value.op == OP_END) && t->unit[value.imm])
        forget(t, (uint32_t)value.imm);
    ssa_keep(t->ssa, id);
}

void promote_texts(struct program *program)
{
    uint32_t objects = program->object_count, count = 0;
    struct texts t = {.program = program};

    program_analyse(program);
    t.shared = program_alloc(program, objects, sizeof *t.shared);
    t.where = promote_locate(program, t.shared);
    t.unit = program_alloc(program, objects, sizeof *t.unit);
    t.end = program_alloc(program, objects, sizeof *t.end);
    t.compared = program_alloc(program, program->value_count, sizeof *t.compared);
    find_followed(&t);
    struct ssa_variable *variables = program_alloc(program, objects * ENDS, sizeof *variables);
    for (uint32_t i = 1; i < objects; i++)
        if (t.unit[i]) {
            vid first =
                program_const(program, 64, first_end(program, &program->objects[i], t.unit[i]));
            t.end[i] = count;
            for (unsigned k = 0; k < ENDS; k++)
                variables[count++] = (struct ssa_variable){KIND_INT, 64, first};
        }
    program->has_texts = count > 0;
    if (count == 0)
        return;
    t.ssa = ssa_new(program, variables, count);
    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n], values = program->blocks[b].count;
        vid *list = program->blocks[b].values;
        ssa_begin_block(t.ssa, b);
        for (uint32_t i = 0; i < values; i++)
            visit(&t, list[i]);
    }
    ssa_finish(t.ssa);
}
