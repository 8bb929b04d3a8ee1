/* SSA construction on the fly: see ssa.h. */
#include <string.h>

#include "verify/ssa.h"

struct incomplete {
    vid phi;
    uint32_t variable, block;
};

struct ssa {
    struct program *program;
    const struct ssa_variable *variables;
    uint64_t *keys; /* (variable + 1) << 32 | block */
    vid *found;
    uint32_t room, used;
    bool *processed;
    struct vid_list *phis, *bodies; /* of each block */
    struct incomplete *incomplete;
    uint32_t incomplete_count, incomplete_room;
    vid *replaced;
    uint32_t replaced_room;
    uint32_t block;
    bool begun;
};

struct ssa *ssa_new(struct program *program, const struct ssa_variable *variables, uint32_t count)
{
    struct ssa *ssa = program_alloc(program, 1, sizeof *ssa);

    ssa->program = program;
    ssa->variables = variables;
    ssa->room = 1024;
    while (ssa->room < count * 8)
        ssa->room *= 2;
    ssa->keys = program_alloc(program, ssa->room, sizeof *ssa->keys);
    ssa->found = program_alloc(program, ssa->room, sizeof *ssa->found);
    ssa->processed = program_alloc(program, program->block_count, sizeof *ssa->processed);
    ssa->phis = program_alloc(program, program->block_count, sizeof *ssa->phis);
    ssa->bodies = program_alloc(program, program->block_count, sizeof *ssa->bodies);
    return ssa;
}

static uint32_t slot_of(const struct ssa *ssa, uint64_t key)
{
    uint32_t at = (uint32_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 33) & (ssa->room - 1);

    while (ssa->keys[at] && ssa->keys[at] != key)
        at = (at + 1) & (ssa->room - 1);
    return at;
}

static uint64_t key_of(uint32_t variable, uint32_t block)
{
    return (uint64_t)(variable + 1) << 32 | block;
}

static void put(struct ssa *ssa, uint32_t variable, uint32_t block, vid value)
{
    if (ssa->used * 2 >= ssa->room) {
        uint64_t *keys = ssa->keys;
        vid *found = ssa->found;
        uint32_t room = ssa->room;
        ssa->room *= 2;
        ssa->keys = program_alloc(ssa->program, ssa->room, sizeof *ssa->keys);
        ssa->found = program_alloc(ssa->program, ssa->room, sizeof *ssa->found);
        for (uint32_t i = 0; i < room; i++)
            if (keys[i]) {
                uint32_t at = slot_of(ssa, keys[i]);
                ssa->keys[at] = keys[i];
                ssa->found[at] = found[i];
            }
    }
    uint32_t at = slot_of(ssa, key_of(variable, block));
    if (!ssa->keys[at])
        ssa->used++;
    ssa->keys[at] = key_of(variable, block);
    ssa->found[at] = value;
}

vid ssa_resolve(const struct ssa *ssa, vid value)
{
    while (value < ssa->replaced_room && ssa->replaced[value])
        value = ssa->replaced[value];
    return value;
}

void ssa_replace(struct ssa *ssa, vid value, vid by)
{
    if (value >= ssa->replaced_room) {
        uint32_t room = ssa->program->value_count * 2 + 64;
        vid *larger = program_alloc(ssa->program, room, sizeof *larger);
        if (ssa->replaced_room > 0)
            memcpy(larger, ssa->replaced, ssa->replaced_room * sizeof *larger);
        ssa->replaced = larger;
        ssa->replaced_room = room;
    }
    by = ssa_resolve(ssa, by);
    if (by != value)
        ssa->replaced[value] = by;
}

static vid new_phi(struct ssa *ssa, uint32_t variable, uint32_t block)
{
    struct program *program = ssa->program;
    vid phi = program_add_value(program, OP_PHI, ssa->variables[variable].kind,
                                ssa->variables[variable].width, NULL,
                                program->blocks[block].predecessor_count);

    value_at(program, phi)->block = block;
    vid_list_push(program, &ssa->phis[block], phi);
    put(ssa, variable, block, phi);
    return phi;
}

static vid read_at(struct ssa *ssa, uint32_t variable, uint32_t block);

static vid complete(struct ssa *ssa, vid phi, uint32_t variable, uint32_t block)
{
    struct program *program = ssa->program;
    vid same = 0;
    bool trivial = true;

    for (uint32_t i = 0; i < program->blocks[block].predecessor_count; i++) {
        vid operand = read_at(ssa, variable, program->blocks[block].predecessors[i]);
        value_at(program, phi)->operands[i] = operand;
        if (operand == phi || operand == same)
            continue;
        trivial = trivial && same == 0;
        same = operand;
    }
    if (!trivial || same == 0)
        return phi;
    ssa_replace(ssa, phi, same);
    return same;
}

static bool all_processed(const struct ssa *ssa, const struct block *block)
{
    for (uint32_t i = 0; i < block->predecessor_count; i++)
        if (!ssa->processed[block->predecessors[i]])
            return false;
    return true;
}

/* What stands in a variable at the end of a block (or so far). */
static vid read_at(struct ssa *ssa, uint32_t variable, uint32_t block)
{
    struct program *program = ssa->program;
    uint32_t at = block;
    vid value = 0;

    for (;;) {
        uint32_t slot = slot_of(ssa, key_of(variable, at));
        if (ssa->keys[slot]) {
            value = ssa_resolve(ssa, ssa->found[slot]);
            break;
        }
        const struct block *from = &program->blocks[at];
        if (from->predecessor_count == 0) {
            value = ssa->variables[variable].initial;
            break;
        }
        if (from->predecessor_count == 1 && ssa->processed[from->predecessors[0]]) {
            at = from->predecessors[0];
            continue;
        }
        value = new_phi(ssa, variable, at);
        if (all_processed(ssa, from)) {
            value = complete(ssa, value, variable, at);
        } else {
            if (ssa->incomplete_count == ssa->incomplete_room) {
                uint32_t room = ssa->incomplete_room ? ssa->incomplete_room * 2 : 64;
                struct incomplete *larger = program_alloc(program, room, sizeof *larger);
                if (ssa->incomplete_count > 0)
                    memcpy(larger, ssa->incomplete, ssa->incomplete_count * sizeof *larger);
                ssa->incomplete = larger;
                ssa->incomplete_room = room;
            }
            ssa->incomplete[ssa->incomplete_count++] = (struct incomplete){value, variable, at};
        }
        break;
    }
    for (; block != at; block = program->blocks[block].predecessors[0])
        put(ssa, variable, block, value);
    put(ssa, variable, at, value);
    return value;
}

void ssa_begin_block(struct ssa *ssa, uint32_t block)
{
    if (ssa->begun)
        ssa->processed[ssa->block] = true;
    ssa->begun = true;
    ssa->block = block;
}

void ssa_write(struct ssa *ssa, uint32_t variable, vid value)
{
    put(ssa, variable, ssa->block, value);
}

vid ssa_read(struct ssa *ssa, uint32_t variable)
{
    return read_at(ssa, variable, ssa->block);
}

vid ssa_emit(struct ssa *ssa, enum operation op, enum value_kind kind, unsigned width,
             unsigned count, const vid *operands, unsigned sub, uint64_t imm, struct place place)
{
    struct program *program = ssa->program;
    struct block *block = &program->blocks[ssa->block];
    uint32_t before = block->count;

    /* program_append() folds, and puts what it makes at the end of the old list: taken from there.
     */
    vid value =
        program_append(program, ssa->block, op, kind, width, operands, count, sub, imm, place);
    block = &program->blocks[ssa->block];
    if (block->count > before) {
        block->count = before;
        vid_list_push(program, &ssa->bodies[ssa->block], value);
    }
    return value;
}

void ssa_keep(struct ssa *ssa, vid value)
{
    bool phi = value_at(ssa->program, value)->op == OP_PHI;

    vid_list_push(ssa->program, phi ? &ssa->phis[ssa->block] : &ssa->bodies[ssa->block], value);
}

static void apply(const struct ssa *ssa, struct value *value)
{
    for (unsigned i = 0; i < value->count; i++)
        value->operands[i] = ssa_resolve(ssa, value->operands[i]);
}

void ssa_finish(struct ssa *ssa)
{
    struct program *program = ssa->program;

    for (uint32_t b = 0; b < program->block_count; b++)
        ssa->processed[b] = true;
    for (uint32_t i = 0; i < ssa->incomplete_count; i++)
        complete(ssa, ssa->incomplete[i].phi, ssa->incomplete[i].variable,
                 ssa->incomplete[i].block);
    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        struct block *block = &program->blocks[b];
        struct vid_list merged = {0};
        for (uint32_t i = 0; i < ssa->phis[b].count; i++)
            if (ssa_resolve(ssa, ssa->phis[b].items[i]) == ssa->phis[b].items[i])
                vid_list_push(program, &merged, ssa->phis[b].items[i]);
        for (uint32_t i = 0; i < ssa->bodies[b].count; i++)
            vid_list_push(program, &merged, ssa->bodies[b].items[i]);
        block->values = merged.items;
        block->count = merged.count;
        block->room = merged.room;
        block->condition = ssa_resolve(ssa, block->condition);
        for (uint32_t i = 0; i < block->count; i++) {
            value_at(program, block->values[i])->block = b;
            apply(ssa, value_at(program, block->values[i]));
        }
    }
    for (uint32_t i = 0; i < program->object_count; i++)
        program->objects[i].size_value = ssa_resolve(ssa, program->objects[i].size_value);
    program->in_length = ssa_resolve(ssa, program->in_length);
    program->out_capacity = ssa_resolve(ssa, program->out_capacity);
}
