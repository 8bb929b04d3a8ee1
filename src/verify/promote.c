/*
 * Scalars out of memory. An object is cut into parts: regions, which are reached by computed
 * addresses and stay memory, each an object of its own; and atoms, which are only reached at known
 * places and become values. Each atom has a ghost beside it, whether it has been written: reading
 * one that may not have been is an obligation.
 */
#include <string.h>

#include "verify/promote_internal.h"

#define ROUNDS_MAX 12

static struct atom *atom_at(struct promoter *p, const struct split *split, uint64_t offset)
{
    return &p->atoms[split->part[offset] - 1];
}

static uint32_t ghost_of(const struct promoter *p, const struct atom *atom)
{
    return p->atom_count + (uint32_t)(atom - p->atoms);
}

static vid constant_of(struct promoter *p, enum value_kind kind, unsigned width, uint64_t bits)
{
    vid id = program_add_value(p->program, kind == KIND_POINTER ? OP_NULL : OP_CONST, kind, width,
                               NULL, 0);

    value_at(p->program, id)->imm = kind == KIND_POINTER ? 0 : bits & width_mask(width);
    return id;
}

/* A value as an integer of its width, or of an integer as what the atom holds. */
static vid convert(struct promoter *p, vid value, enum value_kind kind, struct place place)
{
    const struct value *from = value_at(p->program, value);

    if (from->kind == kind)
        return value;
    return ssa_emit(p->ssa, OP_BITCAST, kind, from->width, 1, &value, 0, 0, place);
}

/* Bytes [at, at + bytes) of atoms as one integer. */
static vid gather(struct promoter *p, const struct split *split, uint64_t at, uint64_t bytes,
                  struct place place)
{
    unsigned width = (unsigned)bytes * 8;
    vid result = 0;

    for (uint64_t done = 0; done < bytes;) {
        const struct atom *atom = atom_at(p, split, at + done);
        vid part = ssa_read(p->ssa, (uint32_t)(atom - p->atoms));
        part = convert(p, part, KIND_INT, place);
        if (atom->width < width)
            part = ssa_emit(p->ssa, OP_ZEXT, KIND_INT, width, 1, &part, 0, 0, place);
        if (done > 0) {
            vid operands[] = {part, program_const(p->program, width, done * 8)};
            part = ssa_emit(p->ssa, OP_SHL, KIND_INT, width, 2, operands, 0, 0, place);
            operands[0] = result;
            operands[1] = part;
            part = ssa_emit(p->ssa, OP_OR, KIND_INT, width, 2, operands, 0, 0, place);
        }
        result = part;
        done += atom->bytes;
    }
    return result;
}

static void scatter(struct promoter *p, const struct split *split, uint64_t at, uint64_t bytes,
                    vid value, struct place place)
{
    vid whole = value;

    for (uint64_t done = 0; done < bytes;) {
        const struct atom *atom = atom_at(p, split, at + done);
        vid part = whole;
        if (atom->bytes < bytes) {
            unsigned width = (unsigned)bytes * 8;
            part = convert(p, part, KIND_INT, place);
            if (done > 0)
                part = ssa_emit(p->ssa, OP_LSHR, KIND_INT, width, 2,
                                (vid[]){part, program_const(p->program, width, done * 8)}, 0, 0,
                                place);
            part = ssa_emit(p->ssa, OP_TRUNC, KIND_INT, atom->width, 1, &part, 0, 0, place);
        }
        ssa_write(p->ssa, (uint32_t)(atom - p->atoms), convert(p, part, atom->kind, place));
        ssa_write(p->ssa, ghost_of(p, atom), program_const(p->program, 1, 1));
        done += atom->bytes;
    }
}

static void require_alive(struct promoter *p, const struct split *split, struct place place)
{
    vid alive = ssa_read(p->ssa, split->alive);

    if (!value_is_const(p->program, alive) || value_at(p->program, alive)->imm != 1)
        ssa_emit(p->ssa, OP_REQUIRE, KIND_VOID, 0, 1, &alive, 0, PLACE_ALIVE, place);
}

static void require_written(struct promoter *p, const struct atom *atom, struct place place)
{
    vid ghost = ssa_read(p->ssa, ghost_of(p, atom));

    if (!value_is_const(p->program, ghost) || value_at(p->program, ghost)->imm != 1)
        ssa_emit(p->ssa, OP_REQUIRE, KIND_VOID, 0, 1, &ghost, 0, PLACE_INITIALISED, place);
}

/* The split of an access whose bytes are atoms; NULL: it stays an access. */
static const struct split *atoms_at(struct promoter *p, vid pointer)
{
    const struct where *where = pointer < p->program->value_count ? &p->where[pointer] : NULL;

    if (!where || where->state != WHERE_AT || !p->splits[where->object].possible)
        return NULL;
    const struct split *split = &p->splits[where->object];
    return (uint64_t)where->offset < p->program->objects[where->object].size &&
                   !split->region[where->offset]
               ? split
               : NULL;
}

static vid object_address(struct promoter *p, uint32_t object, uint64_t offset, struct place place)
{
    vid address = program_add_value(p->program, OP_OBJECT, KIND_POINTER, 64, NULL, 0);

    value_at(p->program, address)->imm = object;
    if (offset == 0)
        return address;
    return ssa_emit(p->ssa, OP_PTRADD, KIND_POINTER, 64, 2,
                    (vid[]){address, program_const(p->program, 64, offset)}, 0, 0, place);
}

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
        return object_address(p, side->split->part[at], at - first, place);
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

static vid unknown(struct promoter *p, enum value_kind kind, unsigned width, struct place place)
{
    if (kind == KIND_POINTER)
        return constant_of(p, kind, width, 0);
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
    vid ghost = ssa_read(p->ssa, ghost_of(p, atom));
    bool set = value_is_const(p->program, ghost) && value_at(p->program, ghost)->imm == 1;
    bool padding = !set && is_padding(p->program, from, offset);

    if (!padding)
        require_written(p, atom, place);
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
    if (to_atom && from_atom) {
        bool whole = to_atom->bytes == run && from_atom->bytes == run;
        if (to_atom->gap || from_atom->gap || !whole) {
            vid known = whole && to_atom->gap ? ssa_read(p->ssa, ghost_of(p, from_atom))
                                              : program_const(p->program, 1, 0);
            ssa_write(p->ssa, ghost_of(p, to_atom), known);
            return;
        }
        vid value = ssa_read(p->ssa, (uint32_t)(from_atom - p->atoms));
        vid ghost = ssa_read(p->ssa, ghost_of(p, from_atom));
        if (value_at(p->program, value)->kind != to_atom->kind &&
            (to_atom->kind == KIND_POINTER || value_at(p->program, value)->kind == KIND_POINTER)) {
            value = constant_of(p, to_atom->kind, to_atom->width, 0);
            ghost = program_const(p->program, 1, 0);
        }
        ssa_write(p->ssa, (uint32_t)(to_atom - p->atoms), convert(p, value, to_atom->kind, place));
        ssa_write(p->ssa, ghost_of(p, to_atom), ghost);
    } else if (to_atom) {
        if (to_atom->gap || run != to_atom->bytes) {
            bool set = run == to_atom->bytes && !may_be_padding(p->program, from, offset);
            ssa_write(p->ssa, ghost_of(p, to_atom), program_const(p->program, 1, set));
            return;
        }
        vid address = side_address(p, from, offset, place);
        vid value =
            ssa_emit(p->ssa, OP_LOAD, to_atom->kind, to_atom->width, 1, &address, 0, 0, place);
        ssa_write(p->ssa, (uint32_t)(to_atom - p->atoms), value);
        ssa_write(p->ssa, ghost_of(p, to_atom), program_const(p->program, 1, 1));
    } else if (from_atom) {
        vid address = side_address(p, to, offset, place);
        if (from_atom->gap || run != from_atom->bytes) {
            copy_gap(p, from, from_atom, offset, address, run, place);
            return;
        }
        require_written(p, from_atom, place);
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

static bool rewrite_copy(struct promoter *p, const struct value *value)
{
    struct side to = side_of(p, value->operands[0]), from = side_of(p, value->operands[1]);
    uint64_t length;

    if ((!to.split && !from.split) || !promote_length(p, value, &length))
        return false;
    if (to.split)
        require_alive(p, to.split, value->place);
    if (from.split)
        require_alive(p, from.split, value->place);
    int64_t behind = overlap_of(&to, &from, length);
    if (behind != 0 && value->sub != 1)
        ssa_emit(p->ssa, OP_REQUIRE, KIND_VOID, 0, 1, (vid[]){program_const(p->program, 1, 0)}, 0,
                 PLACE_OVERLAP, value->place);
    uint64_t *starts = program_alloc(p->program, (uint32_t)length + 1, sizeof *starts);
    uint32_t runs = 0;
    for (uint64_t done = 0; done < length;) {
        const struct atom *atom;
        starts[runs++] = done;
        done += run_of(p, &from, done, run_of(p, &to, done, length - done, &atom), &atom);
    }
    starts[runs] = length;
    /* From the end on where it would run over what is still to be moved. */
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t k = behind > 0 ? runs - 1 - i : i;
        copy_run(p, &to, &from, starts[k], starts[k + 1] - starts[k], value);
    }
    return true;
}

static bool rewrite_set(struct promoter *p, const struct value *value)
{
    struct side to = side_of(p, value->operands[0]);
    vid byte = ssa_resolve(p->ssa, value->operands[1]);
    uint64_t length;

    if (!to.split || !promote_length(p, value, &length))
        return false;
    struct place place = value->place;
    require_alive(p, to.split, place);
    for (uint64_t done = 0; done < length;) {
        const struct atom *atom;
        uint64_t run = run_of(p, &to, done, length - done, &atom);
        if (!atom) {
            fill_memory(p, side_address(p, &to, done, place), byte, run, 0, place);
        } else if (atom->gap) {
            if (run == atom->bytes)
                ssa_write(p->ssa, ghost_of(p, atom), program_const(p->program, 1, 1));
        } else {
            bool known = value_is_const(p->program, byte);
            uint64_t bits =
                known ? value_at(p->program, byte)->imm * UINT64_C(0x0101010101010101) : 0;
            vid filled = !known || (atom->kind == KIND_POINTER && bits != 0)
                             ? unknown(p, atom->kind, atom->width, place)
                             : constant_of(p, atom->kind, atom->width, bits);
            /* An address made of bytes is none that may be used, nor compared with. */
            bool good = known || atom->kind != KIND_POINTER;
            ssa_write(p->ssa, (uint32_t)(atom - p->atoms), filled);
            ssa_write(
                p->ssa, ghost_of(p, atom),
                program_const(p->program, 1, good && !(atom->kind == KIND_POINTER && bits != 0)));
        }
        done += run;
    }
    return true;
}

/* A pointer that means a part that is an object of its own now; 0: as it was. */
static vid rewrite_pointer(struct promoter *p, vid id, struct place place)
{
    const struct where *where = &p->where[id];

    if (where->state != WHERE_AT || !p->splits[where->object].possible)
        return 0;
    const struct split *split = &p->splits[where->object];
    uint64_t size = p->program->objects[where->object].size;
    if (where->bytes == 0 || where->first >= size || !split->region[where->first])
        return 0;
    /* All of the part that it may move in lies in one region. */
    for (uint64_t i = where->first; i < where->first + where->bytes; i++)
        if (i >= size || split->part[i] != split->part[where->first] || !split->region[i])
            return 0;
    uint64_t first = where->first;
    while (first > 0 && split->region[first - 1] &&
           split->part[first - 1] == split->part[where->first])
        first--;
    vid address =
        object_address(p, split->part[where->first], (uint64_t)where->offset - first, place);
    /* Where several fields make one region its bounds are still the field's. */
    return ssa_emit(p->ssa, OP_NARROW, KIND_POINTER, 64, 1, &address, 0,
                    where->bytes - ((uint64_t)where->offset - where->first), place);
}

static void scope(struct promoter *p, vid id, const struct value *value)
{
    const struct split *split = &p->splits[value->imm];
    struct program *program = p->program;
    bool begin = value->op == OP_BEGIN;
    uint64_t object = value->imm;
    struct place place = value->place;

    if (!split->possible) {
        ssa_keep(p->ssa, id);
        return;
    }
    ssa_write(p->ssa, split->alive, program_const(program, 1, begin));
    for (uint64_t i = 0; i < program->objects[object].size;) {
        if (!split->region[i]) {
            const struct atom *atom = &p->atoms[split->part[i] - 1];
            ssa_write(p->ssa, ghost_of(p, atom), program_const(program, 1, 0));
            i += atom->bytes;
        } else {
            uint32_t part = split->part[i];
            ssa_emit(p->ssa, begin ? OP_BEGIN : OP_END, KIND_VOID, 0, 0, NULL, 0, part, place);
            while (i < program->objects[object].size && split->region[i] && split->part[i] == part)
                i++;
        }
    }
}

/* A load or store at a known place of what stays memory: in the region's own object now. */
static void rebase(struct promoter *p, vid id)
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

static void rewrite(struct promoter *p, vid id)
{
    struct program *program = p->program;
    const struct value copy = *value_at(program, id);
    const struct split *split;

    switch (copy.op) {
    case OP_LOAD:
        split = atoms_at(p, copy.operands[0]);
        if (!split) {
            rebase(p, id);
            return;
        }
        uint64_t at = (uint64_t)p->where[copy.operands[0]].offset;
        require_alive(p, split, copy.place);
        for (uint64_t done = 0; done < copy.width / 8u;) {
            const struct atom *atom = atom_at(p, split, at + done);
            require_written(p, atom, copy.place);
            done += atom->bytes;
        }
        vid value = atom_at(p, split, at)->bytes * 8 == copy.width
                        ? ssa_read(p->ssa, (uint32_t)(atom_at(p, split, at) - p->atoms))
                        : gather(p, split, at, copy.width / 8u, copy.place);
        ssa_replace(p->ssa, id, convert(p, value, (enum value_kind)copy.kind, copy.place));
        return;
    case OP_STORE:
        split = atoms_at(p, copy.operands[0]);
        if (!split) {
            rebase(p, id);
            return;
        }
        require_alive(p, split, copy.place);
        scatter(p, split, (uint64_t)p->where[copy.operands[0]].offset, copy.width / 8u,
                ssa_resolve(p->ssa, copy.operands[1]), copy.place);
        return;
    case OP_MEMCPY:
        if (rewrite_copy(p, &copy))
            return;
        break;
    case OP_MEMSET:
        if (rewrite_set(p, &copy))
            return;
        break;
    case OP_BEGIN:
    case OP_END:
        scope(p, id, &copy);
        return;
    default:
        if (copy.kind == KIND_POINTER) {
            vid by = rewrite_pointer(p, id, copy.place);
            if (by) {
                ssa_replace(p->ssa, id, by);
                return;
            }
        }
    }
    ssa_keep(p->ssa, id);
}

/* What an atom of a global holds when the program is entered. */
static vid initial_value(struct promoter *p, const struct atom *atom)
{
    struct program *program = p->program;
    const struct object *object = &program->objects[atom->object];
    struct place place = object->place;
    uint64_t bits = 0;

    if (!object->bytes || atom->gap)
        return constant_of(p, atom->kind, atom->width, 0);
    bool address = false;
    for (uint32_t i = 0; i < object->cell_count; i++)
        address = address || (object->cells[i].offset < atom->first + atom->bytes &&
                              atom->first < object->cells[i].offset + 8);
    if (!program->repeated && !address) {
        memcpy(&bits, object->bytes + atom->first, atom->bytes);
        if (atom->kind != KIND_POINTER || bits == 0)
            return constant_of(p, atom->kind, atom->width, bits);
    }
    vid pointer = object_address(p, atom->object, atom->first, place);
    return ssa_emit(p->ssa, OP_LOAD, atom->kind, atom->width, 1, &pointer, 0, 0, place);
}

static bool is_between_fields(const struct program *program, const struct atom *atom)
{
    const struct object *object = &program->objects[atom->object];

    return atom->gap && object->padding && object->padding[atom->first];
}

/* What a call leaves the next one finds, and takes for written. */
static void write_back(struct promoter *p, const struct block *block)
{
    for (uint32_t i = 0; i < p->atom_count; i++) {
        const struct atom *atom = &p->atoms[i];
        if (!p->program->objects[atom->object].bytes || is_between_fields(p->program, atom))
            continue;
        require_written(p, atom, block->place);
        if (atom->gap)
            continue;
        vid operands[] = {object_address(p, atom->object, atom->first, block->place),
                          ssa_read(p->ssa, i)};
        ssa_emit(p->ssa, OP_STORE, KIND_VOID, atom->width, 2, operands, 0, 0, block->place);
    }
}

/* Objects that copies go to: what is between their fields may be what it was elsewhere. */
static bool *copied_objects(const struct promoter *p, uint32_t objects)
{
    struct program *program = p->program;
    bool *copied = program_alloc(program, objects, sizeof *copied);

    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            if (value->op == OP_MEMCPY)
                copied[p->where[value->operands[0]].object] = true;
        }
    }
    return copied;
}

static void make_variables(struct promoter *p, uint32_t objects)
{
    struct program *program = p->program;
    uint32_t count = p->atom_count * 2;
    const bool *copied = copied_objects(p, objects);

    p->variables = program_alloc(program, count + objects + 1, sizeof *p->variables);
    for (uint32_t i = 0; i < p->atom_count; i++) {
        const struct atom *atom = &p->atoms[i];
        unsigned width = atom->gap ? 8 : atom->width;
        p->variables[i] =
            (struct ssa_variable){atom->kind, width, constant_of(p, atom->kind, width, 0)};
        bool written =
            program->objects[atom->object].bytes != NULL &&
            !(program->repeated && is_between_fields(program, atom) && copied[atom->object]);
        p->variables[p->atom_count + i] =
            (struct ssa_variable){KIND_INT, 1, program_const(program, 1, written)};
    }
    for (uint32_t i = 1; i < objects; i++)
        if (p->splits[i].possible) {
            bool global = program->objects[i].bytes != NULL;
            p->splits[i].alive = count;
            p->variables[count++] =
                (struct ssa_variable){KIND_INT, 1, program_const(program, 1, global)};
        }
    p->ssa = ssa_new(program, p->variables, count);
}

/* The base address of an object that was split means nothing any more, but in what is left of it
 * for globals: their atoms' home between calls. */
static bool promote_once(struct program *program, bool exits_only)
{
    struct promoter p = {.program = program, .exits_only = exits_only};
    uint32_t objects = program->object_count;

    program_analyse(program);
    if (!promote_plan(&p))
        return false;
    make_variables(&p, objects);
    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        ssa_begin_block(p.ssa, b);
        if (b == program->entry)
            for (uint32_t i = 0; i < p.atom_count; i++)
                if (program->objects[p.atoms[i].object].bytes)
                    ssa_write(p.ssa, i, initial_value(&p, &p.atoms[i]));
        uint32_t count = program->blocks[b].count;
        vid *list = program->blocks[b].values;
        for (uint32_t i = 0; i < count; i++)
            rewrite(&p, list[i]);
        if (program->blocks[b].exit == EXIT_RETURN && program->repeated)
            write_back(&p, &program->blocks[b]);
    }
    ssa_finish(p.ssa);
    for (uint32_t i = 1; i < objects; i++)
        if (p.splits[i].possible) {
            program->objects[i].unsplit = true;
            program->objects[i].dead = !program->objects[i].bytes;
        }
    return true;
}

static bool refers_to_memory(const struct program *program, vid *ret_value)
{
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            *ret_value = block->values[i];
            if (value->op == OP_STORE &&
                value_at(program, value->operands[1])->kind == KIND_POINTER)
                return true;
        }
    }
    return false;
}

void promote_keeps_addresses(struct program *program, struct place place)
{
    program->only_run = "an address stored in memory";
    program->only_run_change = "keep an index instead, or the address in a local variable";
    program->only_run_place = place;
    if (program->repeated)
        program_refuse_all_but_run(program);
}

static void promote_all(struct program *program)
{
    for (unsigned round = 0; round < ROUNDS_MAX && promote_once(program, false); round++)
        program_simplify(program);
}

void program_promote(struct program *program)
{
    vid stored;

    program_simplify(program);
    if (promote_once(program, true))
        program_simplify(program);
    promote_all(program);
    if (program->unrolls && program_unroll(program))
        promote_all(program);
    /* Addresses that are still kept in memory are beyond the model, but not beyond a run. */
    if (refers_to_memory(program, &stored))
        promote_keeps_addresses(program, value_at(program, stored)->place);
    promote_ghosts(program);
    program_simplify(program);
}
