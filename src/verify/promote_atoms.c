/* Atoms of objects that are values now: read, written, required. */
#include "verify/promote_internal.h"

struct atom *promoter_atom(struct promoter *p, const struct split *split, uint64_t offset)
{
    return &p->atoms[split->part[offset] - 1];
}

uint32_t promoter_ghost(const struct promoter *p, const struct atom *atom)
{
    return p->atom_count + (uint32_t)(atom - p->atoms);
}

vid promoter_constant(struct promoter *p, enum value_kind kind, unsigned width, uint64_t bits)
{
    vid id = program_add_value(p->program, kind == KIND_POINTER ? OP_NULL : OP_CONST, kind, width,
                               NULL, 0);

    value_at(p->program, id)->imm = kind == KIND_POINTER ? 0 : bits & width_mask(width);
    return id;
}

vid promoter_convert(struct promoter *p, vid value, enum value_kind kind, struct place place)
{
    const struct value *from = value_at(p->program, value);

    if (from->kind == kind)
        return value;
    return ssa_emit(p->ssa, OP_BITCAST, kind, from->width, 1, &value, 0, 0, place);
}

vid promoter_gather(struct promoter *p, const struct split *split, uint64_t at, uint64_t bytes,
                    struct place place)
{
    unsigned width = (unsigned)bytes * 8;
    vid result = 0;

    for (uint64_t done = 0; done < bytes;) {
        const struct atom *atom = promoter_atom(p, split, at + done);
        vid part = ssa_read(p->ssa, (uint32_t)(atom - p->atoms));
        part = promoter_convert(p, part, KIND_INT, place);
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

void promoter_scatter(struct promoter *p, const struct split *split, uint64_t at, uint64_t bytes,
                      vid value, struct place place)
{
    vid whole = value;

    for (uint64_t done = 0; done < bytes;) {
        const struct atom *atom = promoter_atom(p, split, at + done);
        vid part = whole;
        if (atom->bytes < bytes) {
            unsigned width = (unsigned)bytes * 8;
            part = promoter_convert(p, part, KIND_INT, place);
            if (done > 0)
                part = ssa_emit(p->ssa, OP_LSHR, KIND_INT, width, 2,
                                (vid[]){part, program_const(p->program, width, done * 8)}, 0, 0,
                                place);
            part = ssa_emit(p->ssa, OP_TRUNC, KIND_INT, atom->width, 1, &part, 0, 0, place);
        }
        ssa_write(p->ssa, (uint32_t)(atom - p->atoms),
                  promoter_convert(p, part, atom->kind, place));
        ssa_write(p->ssa, promoter_ghost(p, atom), program_const(p->program, 1, 1));
        done += atom->bytes;
    }
}

void promoter_require_alive(struct promoter *p, const struct split *split, struct place place)
{
    vid alive = ssa_read(p->ssa, split->alive);

    if (!value_is_const(p->program, alive) || value_at(p->program, alive)->imm != 1)
        ssa_emit(p->ssa, OP_REQUIRE, KIND_VOID, 0, 1, &alive, 0, PLACE_ALIVE, place);
}

void promoter_require_written(struct promoter *p, const struct atom *atom, struct place place)
{
    vid ghost = ssa_read(p->ssa, promoter_ghost(p, atom));

    if (!value_is_const(p->program, ghost) || value_at(p->program, ghost)->imm != 1)
        ssa_emit(p->ssa, OP_REQUIRE, KIND_VOID, 0, 1, &ghost, 0, PLACE_INITIALISED, place);
}

const struct split *promoter_atoms(struct promoter *p, vid pointer)
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

vid promoter_address(struct promoter *p, uint32_t object, uint64_t offset, struct place place)
{
    vid address = program_add_value(p->program, OP_OBJECT, KIND_POINTER, 64, NULL, 0);

    value_at(p->program, address)->imm = object;
    if (offset == 0)
        return address;
    return ssa_emit(p->ssa, OP_PTRADD, KIND_POINTER, 64, 2,
                    (vid[]){address, program_const(p->program, 64, offset)}, 0, 0, place);
}
