/*
 * Scalars out of memory. An object is cut into parts: regions, which are reached by computed
 * addresses and stay memory, each an object of its own; and atoms, which are only reached at known
 * places and become values. Each atom has a ghost beside it, whether it has been written: reading
 * one that may not have been is an obligation.
 */
#include <string.h>

#include "verify/promote_internal.h"

#define ROUNDS_MAX 12

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
        promoter_address(p, split->part[where->first], (uint64_t)where->offset - first, place);
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
            ssa_write(p->ssa, promoter_ghost(p, atom), program_const(program, 1, 0));
            i += atom->bytes;
        } else {
            uint32_t part = split->part[i];
            ssa_emit(p->ssa, begin ? OP_BEGIN : OP_END, KIND_VOID, 0, 0, NULL, 0, part, place);
            while (i < program->objects[object].size && split->region[i] && split->part[i] == part)
                i++;
        }
    }
}

static void rewrite(struct promoter *p, vid id)
{
    struct program *program = p->program;
    const struct value copy = *value_at(program, id);
    const struct split *split;

    switch (copy.op) {
    case OP_LOAD:
        split = promoter_atoms(p, copy.operands[0]);
        if (!split) {
            promoter_rebase(p, id);
            return;
        }
        uint64_t at = (uint64_t)p->where[copy.operands[0]].offset;
        promoter_require_alive(p, split, copy.place);
        for (uint64_t done = 0; done < copy.width / 8u;) {
            const struct atom *atom = promoter_atom(p, split, at + done);
            promoter_require_written(p, atom, copy.place);
            done += atom->bytes;
        }
        vid value = promoter_atom(p, split, at)->bytes * 8 == copy.width
                        ? ssa_read(p->ssa, (uint32_t)(promoter_atom(p, split, at) - p->atoms))
                        : promoter_gather(p, split, at, copy.width / 8u, copy.place);
        ssa_replace(p->ssa, id, promoter_convert(p, value, (enum value_kind)copy.kind, copy.place));
        return;
    case OP_STORE:
        split = promoter_atoms(p, copy.operands[0]);
        if (!split) {
            promoter_rebase(p, id);
            return;
        }
        promoter_require_alive(p, split, copy.place);
        promoter_scatter(p, split, (uint64_t)p->where[copy.operands[0]].offset, copy.width / 8u,
                         ssa_resolve(p->ssa, copy.operands[1]), copy.place);
        return;
    case OP_MEMCPY:
        if (promoter_copy(p, &copy))
            return;
        break;
    case OP_MEMSET:
        if (promoter_set(p, &copy))
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
        return promoter_constant(p, atom->kind, atom->width, 0);
    bool address = false;
    for (uint32_t i = 0; i < object->cell_count; i++)
        address = address || (object->cells[i].offset < atom->first + atom->bytes &&
                              atom->first < object->cells[i].offset + 8);
    if (!program->repeated && !address) {
        memcpy(&bits, object->bytes + atom->first, atom->bytes);
        if (atom->kind != KIND_POINTER || bits == 0)
            return promoter_constant(p, atom->kind, atom->width, bits);
    }
    vid pointer = promoter_address(p, atom->object, atom->first, place);
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
        promoter_require_written(p, atom, block->place);
        if (atom->gap)
            continue;
        vid operands[] = {promoter_address(p, atom->object, atom->first, block->place),
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
            (struct ssa_variable){atom->kind, width, promoter_constant(p, atom->kind, width, 0)};
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
}

static void promote_all(struct program *program)
{
    for (unsigned round = 0; round < ROUNDS_MAX && promote_once(program, false); round++)
        program_simplify(program);
}

void program_promote(struct program *program)
{
    vid stored;

    program_split_entries(program);
    program_simplify(program);
    if (promote_once(program, true))
        program_simplify(program);
    promote_all(program);
    if (program->unrolls && program_unroll(program, program->unrolls == UNROLL_DIGITS))
        promote_all(program);
    /* Addresses that are still kept in memory are beyond the model, but not beyond a run. */
    if (refers_to_memory(program, &stored))
        promote_keeps_addresses(program, value_at(program, stored)->place);
    if (program->follows_texts) {
        promote_texts(program);
        program_simplify(program);
    }
    promote_ghosts(program);
    program_simplify(program);
}
