/* Jumps through blocks that only join what they branch on. */
#include <string.h>

#include "verify/program.h"

/* An operand more for each phi of a block that gets an edge: what came along the edge from `like`.
 */
static void add_edge(struct program *program, uint32_t from, uint32_t to, uint32_t like)
{
    struct block *block = &program->blocks[to];
    uint32_t count = block->predecessor_count, at = 0;
    uint32_t *predecessors = program_alloc(program, count + 1, sizeof *predecessors);

    while (at < count && block->predecessors[at] != like)
        at++;
    memcpy(predecessors, block->predecessors, count * sizeof *predecessors);
    predecessors[count] = from;
    block->predecessors = predecessors;
    block->predecessor_count = count + 1;
    for (uint32_t i = 0; i < block->count; i++) {
        struct value *phi = value_at(program, block->values[i]);
        if (phi->op != OP_PHI)
            continue;
        vid *operands = program_alloc(program, count + 1, sizeof *operands);
        memcpy(operands, phi->operands, count * sizeof *operands);
        operands[count] = operands[at];
        phi->operands = operands;
        phi->count++;
    }
}

/* Where a value takes the exit of a block. */
static uint32_t exit_for(const struct block *block, uint64_t value)
{
    if (block->exit == EXIT_BRANCH)
        return block->targets[value ? 0 : 1];
    for (uint32_t i = 1; i < block->target_count; i++)
        if (block->cases[i - 1] == value)
            return block->targets[i];
    return block->targets[0];
}

/* A block that only joins what its exit asks for: beside that phi it makes no value. */
static bool is_joint(const struct program *program, const struct block *block, uint32_t b,
                     const uint32_t *uses)
{
    if ((block->exit != EXIT_BRANCH && block->exit != EXIT_SWITCH) || uses[block->condition] != 1 ||
        value_at(program, block->condition)->op != OP_PHI ||
        value_at(program, block->condition)->block != b)
        return false;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *value = value_at(program, block->values[i]);
        /* A store that loads name as the memory they see would be two, under one name. */
        if (block->values[i] != block->condition &&
            (value->kind != KIND_VOID || value->op == OP_PHI || uses[block->values[i]] > 0))
            return false;
    }
    for (uint32_t i = 0; i < block->target_count; i++)
        if (block->targets[i] == b)
            return false;
    return true;
}

/* What the block does beside joining, for one that no longer comes through it. */
static uint32_t copy_joint(struct program *program, uint32_t b, uint32_t from)
{
    uint32_t copy = program_add_block(program),
             *predecessors = program_alloc(program, 1, sizeof *predecessors);

    predecessors[0] = from;
    program->blocks[copy].predecessors = predecessors;
    program->blocks[copy].predecessor_count = 1;
    program->blocks[copy].place = program->blocks[b].place;
    for (uint32_t i = 0; i < program->blocks[b].count; i++) {
        const struct value old = *value_at(program, program->blocks[b].values[i]);
        if (old.op == OP_PHI)
            continue;
        vid id = program_add_value(program, (enum operation)old.op, (enum value_kind)old.kind,
                                   old.width, old.operands, old.count);
        struct value *value = value_at(program, id);
        value->sub = old.sub;
        value->imm = old.imm;
        value->imm2 = old.imm2;
        value->place = old.place;
        block_append(program, copy, id);
    }
    return copy;
}

static unsigned count_edges(const struct program *program, uint32_t from, uint32_t to)
{
    unsigned count = 0;

    for (uint32_t k = 0; k < program->blocks[from].target_count; k++)
        count += program->blocks[from].targets[k] == to;
    return count;
}

static bool thread_edge(struct program *program, uint32_t b, uint32_t index)
{
    struct value *phi = value_at(program, program->blocks[b].condition);
    uint32_t from = program->blocks[b].predecessors[index], edge = 0;

    if (!value_is_const(program, phi->operands[index]) || count_edges(program, from, b) != 1)
        return false;
    while (program->blocks[from].targets[edge] != b)
        edge++;
    uint32_t to = exit_for(&program->blocks[b], value_at(program, phi->operands[index])->imm),
             next = to;
    /* Of two edges between two blocks nobody could say which value came along which. */
    if (program->blocks[b].count > 1 || count_edges(program, from, to) > 0) {
        next = copy_joint(program, b, from);
        block_jump(program, next, to, program->blocks[b].place);
        add_edge(program, next, to, b);
    } else {
        add_edge(program, from, to, b);
    }
    struct block *block = &program->blocks[b];
    uint32_t behind = block->predecessor_count - index - 1;
    memmove(block->predecessors + index, block->predecessors + index + 1,
            behind * sizeof *block->predecessors);
    phi = value_at(program, block->condition);
    memmove(phi->operands + index, phi->operands + index + 1, behind * sizeof *phi->operands);
    phi->count--;
    block->predecessor_count--;
    program->blocks[from].targets[edge] = next;
    return true;
}

/*
 * C's && and ||, and the ends of its scopes, come as blocks that join constants and branch on what
 * they got. Who brings a constant goes on by itself: then each condition's branch says what holds
 * behind it, and a return inside a loop is no way round it.
 */
bool simplify_thread_joins(struct program *program)
{
    bool changed = false;
    uint32_t *uses = program_alloc(program, program->value_count, sizeof *uses);

    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        uses[block->condition]++;
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            for (unsigned k = 0; k < value->count; k++)
                uses[value->operands[k]]++;
        }
    }
    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        if (!is_joint(program, &program->blocks[b], b, uses))
            continue;
        for (uint32_t i = program->blocks[b].predecessor_count; i-- > 0;)
            if (program->blocks[b].predecessor_count > 1 && thread_edge(program, b, i))
                changed = true;
    }
    return changed;
}
