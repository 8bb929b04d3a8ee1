/* Copies and fills of objects of which parts are values now and parts stay memory. */
#include "verify/promote_internal.h"

/* One side of a copy at `offset` bytes in: an atom, or an address in memory. */
struct side {
    const struct split *split; /* NULL: memory throughout */
    const struct where *where;
    vid pointer;
};

static uint64_t run_of(struct promoter *p, const struct side *side, uint64_t offset, uint64_t most,
                       const struct atom **ret_atom)
{
    *ret_atom = NULL;
    if (!side->split)
        return most;
    uint64_t at = (uint64_t)side->where->offset + offset,
             size = p->program->objects[side->where->object].size;
    if (!side->split->region[at]) {
        *ret_atom = &p->atoms[side->split->part[at] - 1];
        uint64_t left = (*ret_atom)->first + (*ret_atom)->bytes - at;
        return left < most ? left : most;
    }
    uint64_t run = 1;
    while (run < most && at + run < size && side->split->region[at + run])
        run++;
    return run;
}

static vid side_address(struct promoter *p, const struct side *side, uint64_t offset,
                        struct place place)
{
    if (side->split) {
        uint64_t at = (uint64_t)side->where->offset + offset, first = at;
        while (first > 0 && side->split->region[first - 1] &&
               side->split->part[first - 1] == side->split->part[at])
            first--;
        return promoter_address(p, side->split->part[at], at - first, place);
    }
    vid operands[] = {side->pointer, program_const(p->program, 64, offset)};
    return offset == 0 ? side->pointer
                       : ssa_emit(p->ssa, OP_PTRADD, KIND_POINTER, 64, 2, operands, 0, 0, place);
}

static struct side side_of(struct promoter *p, vid pointer)
{
    const struct where *where = &p->where[pointer];
    struct side side = {.where = where, .pointer = ssa_resolve(p->ssa, pointer)};

    if (where->state == WHERE_AT && p->splits[where->object].possible)
        side.split = &p->splits[where->object];
    return side;
}

static void fill_memory(struct promoter *p, vid address, vid byte, uint64_t bytes,
                        unsigned of_padding, struct place place)
{
    vid operands[] = {address, byte, program_const(p->program, 64, bytes)};

    ssa_emit(p->ssa, OP_MEMSET, KIND_VOID, 0, 3, operands, of_padding, 0, place);
}

/* What must not be reached. */
static void never(struct promoter *p, enum place_kind kind, struct place place)
{
    vid no = program_const(p->program, 1, 0);

    ssa_emit(p->ssa, OP_REQUIRE, KIND_VOID, 0, 1, &no, 0, kind, place);
}

static vid unknown(struct promoter *p, enum value_kind kind, unsigned width, struct place place)
{
    if (kind == KIND_POINTER)
        return promoter_constant(p, kind, width, 0);
    vid id = ssa_emit(p->ssa, OP_UNKNOWN, kind, width, 0, NULL, 0, 0, place);
    value_at(p->program, id)->imm2 = width_mask(width);
    return id;
}

/* Bytes between fields: copied with a structure, never set. (Cuts are where they begin and end.) */
static bool is_padding(const struct program *program, const struct side *side, uint64_t offset)
{
    const struct object *object = &program->objects[side->where->object];
    uint64_t at = (uint64_t)side->where->offset + offset;

    return object->padding && at < object->size && object->padding[at];
}

/* The same of what is copied from memory, where that may not be known. */
static bool may_be_padding(const struct program *program, const struct side *side, uint64_t offset)
{
    if (side->where->state == WHERE_AT)
        return is_padding(program, side, offset);
    if (side->where->state == WHERE_WITHIN)
        return program->objects[side->where->object].padding != NULL;
    for (uint32_t i = 1; i < program->object_count; i++)
        if (program->objects[i].padding)
            return true;
    return false;
}

/* What nobody loads or stores whole goes to memory as bytes that nobody knows. */
static void copy_gap(struct promoter *p, const struct side *from, const struct atom *atom,
                     uint64_t offset, vid address, uint64_t run, struct place place)
{
    vid ghost = ssa_read(p->ssa, promoter_ghost(p, atom));
    bool set = value_is(p->program, ghost, 1);
    bool padding = !set && is_padding(p->program, from, offset);

    if (!padding)
        promoter_require_written(p, atom, place);
    fill_memory(p, address, unknown(p, KIND_INT, 8, place), run, padding ? MEMSET_OF_PADDING : 0,
                place);
}

/* `run` bytes at `offset`: one atom (spread_cuts() saw to it) or memory on either side. */
static void copy_run(struct promoter *p, const struct side *to, const struct side *from,
                     uint64_t offset, uint64_t run, const struct value *copy)
{
    const struct atom *to_atom, *from_atom;
    struct place place = copy->place;

    run_of(p, to, offset, run, &to_atom);
    run_of(p, from, offset, run, &from_atom);
    if (copy->sub == COPY_OF_SET && from_atom) {
        promoter_require_written(p, from_atom, place);
    } else if (to_atom && from_atom) {
        bool whole = to_atom->bytes == run && from_atom->bytes == run;
        if (to_atom->gap || from_atom->gap || !whole) {
            vid known = whole && to_atom->gap ? ssa_read(p->ssa, promoter_ghost(p, from_atom))
                                              : program_const(p->program, 1, 0);
            ssa_write(p->ssa, promoter_ghost(p, to_atom), known);
            return;
        }
        vid value = ssa_read(p->ssa, (uint32_t)(from_atom - p->atoms));
        vid ghost = ssa_read(p->ssa, promoter_ghost(p, from_atom));
        if (value_at(p->program, value)->kind != to_atom->kind &&
            (to_atom->kind == KIND_POINTER || value_at(p->program, value)->kind == KIND_POINTER)) {
            value = promoter_constant(p, to_atom->kind, to_atom->width, 0);
            ghost = program_const(p->program, 1, 0);
        }
        ssa_write(p->ssa, (uint32_t)(to_atom - p->atoms),
                  promoter_convert(p, value, to_atom->kind, place));
        ssa_write(p->ssa, promoter_ghost(p, to_atom), ghost);
    } else if (to_atom) {
        if (to_atom->gap || run != to_atom->bytes) {
            bool set = run == to_atom->bytes && !may_be_padding(p->program, from, offset);
            ssa_write(p->ssa, promoter_ghost(p, to_atom), program_const(p->program, 1, set));
            return;
        }
        vid address = side_address(p, from, offset, place);
        vid value =
            ssa_emit(p->ssa, OP_LOAD, to_atom->kind, to_atom->width, 1, &address, 0, 0, place);
        ssa_write(p->ssa, (uint32_t)(to_atom - p->atoms), value);
        ssa_write(p->ssa, promoter_ghost(p, to_atom), program_const(p->program, 1, 1));
    } else if (from_atom) {
        vid address = side_address(p, to, offset, place);
        if (from_atom->gap || run != from_atom->bytes) {
            copy_gap(p, from, from_atom, offset, address, run, place);
            return;
        }
        promoter_require_written(p, from_atom, place);
        vid operands[] = {address, ssa_read(p->ssa, (uint32_t)(from_atom - p->atoms))};
        ssa_emit(p->ssa, OP_STORE, KIND_VOID, from_atom->width, 2, operands, 0, 0, place);
    } else {
        vid operands[] = {side_address(p, to, offset, place), side_address(p, from, offset, place),
                          program_const(p->program, 64, run)};
        ssa_emit(p->ssa, OP_MEMCPY, KIND_VOID, 0, 3, operands, copy->sub, 0, place);
    }
}

/* How far the destination lies behind the source, where bytes are in both; 0: none is. */
static int64_t overlap_of(const struct side *to, const struct side *from, uint64_t length)
{
    if (!to->split || !from->split || to->where->object != from->where->object)
        return 0;
    int64_t behind = to->where->offset - from->where->offset;
    return (uint64_t)(behind < 0 ? -behind : behind) < length ? behind : 0;
}

/* The other side lies somewhere in a part of the variable that bytes of this one are in, too. */
static bool may_meet(const struct side *side, const struct side *other, uint64_t length)
{
    const struct split *split = side->split;

    if (!split || other->where->state != WHERE_WITHIN ||
        other->where->object != side->where->object)
        return false;
    for (uint64_t at = (uint64_t)side->where->offset, end = at + length; at < end; at++)
        if (split->region[at] && split->part[at] == split->part[other->where->first])
            return true;
    return false;
}

/* Of a copy or a fill of nothing: also then its ends are places of what they mean. (One that may
 * only be read is refused where it is computed.) */
static void require_place(struct promoter *p, const struct side *side, struct place place)
{
    bool known = side->where->state == WHERE_AT && side->where->offset >= 0 &&
                 (uint64_t)side->where->offset <= p->program->objects[side->where->object].size;

    if (known)
        return;
    if (side->split)
        never(p, PLACE_SUBSCRIPT, place);
    else
        fill_memory(p, side->pointer, program_const(p->program, 8, 0), 0, 0, place);
}

bool promoter_copy(struct promoter *p, const struct value *value)
{
    struct side to = side_of(p, value->operands[0]), from = side_of(p, value->operands[1]);
    uint64_t length;

    if ((!to.split && !from.split) || !promote_length(p, value, &length))
        return false;
    if (to.split)
        promoter_require_alive(p, to.split, value->place);
    if (from.split)
        promoter_require_alive(p, from.split, value->place);
    if (length == 0) {
        require_place(p, &to, value->place);
        require_place(p, &from, value->place);
    }
    int64_t behind = overlap_of(&to, &from, length);
    if (behind != 0 && value->sub == COPY_APART)
        never(p, PLACE_OVERLAP, value->place);
    uint64_t *starts = program_alloc(p->program, (uint32_t)length + 1, sizeof *starts);
    uint32_t runs = 0;
    for (uint64_t done = 0; done < length;) {
        const struct atom *atom;
        starts[runs++] = done;
        done += run_of(p, &from, done, run_of(p, &to, done, length - done, &atom), &atom);
    }
    starts[runs] = length;
    /* Which of the runs would have to be the first nobody knows then. */
    if (runs > 1 && (may_meet(&to, &from, length) || may_meet(&from, &to, length)))
        never(p, PLACE_OVERLAP, value->place);
    /* From the end on where it would run over what is still to be moved. */
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t k = behind > 0 ? runs - 1 - i : i;
        copy_run(p, &to, &from, starts[k], starts[k + 1] - starts[k], value);
    }
    return true;
}

bool promoter_set(struct promoter *p, const struct value *value)
{
    struct side to = side_of(p, value->operands[0]);
    vid byte = ssa_resolve(p->ssa, value->operands[1]);
    uint64_t length;

    if (!to.split || !promote_length(p, value, &length))
        return false;
    struct place place = value->place;
    promoter_require_alive(p, to.split, place);
    if (length == 0)
        require_place(p, &to, place);
    for (uint64_t done = 0; done < length;) {
        const struct atom *atom;
        uint64_t run = run_of(p, &to, done, length - done, &atom);
        if (!atom) {
            fill_memory(p, side_address(p, &to, done, place), byte, run, 0, place);
        } else if (atom->gap) {
            if (run == atom->bytes)
                ssa_write(p->ssa, promoter_ghost(p, atom), program_const(p->program, 1, 1));
        } else {
            bool known = value_is_const(p->program, byte);
            uint64_t bits =
                known ? value_at(p->program, byte)->imm * UINT64_C(0x0101010101010101) : 0;
            vid filled = !known || (atom->kind == KIND_POINTER && bits != 0)
                             ? unknown(p, atom->kind, atom->width, place)
                             : promoter_constant(p, atom->kind, atom->width, bits);
            /* An address made of bytes is none that may be used, nor compared with. */
            bool good = known || atom->kind != KIND_POINTER;
            ssa_write(p->ssa, (uint32_t)(atom - p->atoms), filled);
            ssa_write(
                p->ssa, promoter_ghost(p, atom),
                program_const(p->program, 1, good && !(atom->kind == KIND_POINTER && bits != 0)));
        }
        done += run;
    }
    return true;
}

void promoter_rebase(struct promoter *p, vid id)
{
    struct value *value = value_at(p->program, id);
    const struct where *where = &p->where[value->operands[0]];
    struct place place = value->place;

    if (where->state == WHERE_AT && p->splits[where->object].possible) {
        struct side side = side_of(p, value->operands[0]);
        vid address = side_address(p, &side, 0, place);
        value_at(p->program, id)->operands[0] = address;
    }
    ssa_keep(p->ssa, id);
}
