/* Jumps through blocks that only join what they branch on, or what they ask something of. */
#include <string.h>

#include "verify/program.h"

#define ANSWER_DEPTH_MAX 8

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

/* What a value of block `b` is for who comes by its edge number `index`: that of a phi. */
static vid on_edge(const struct program *program, uint32_t b, uint32_t index, vid v)
{
    const struct value *value = value_at(program, v);

    return value->op == OP_PHI && value->block == b ? value->operands[index] : v;
}

/* What the block does beside joining, for one that no longer comes through it. */
static uint32_t copy_joint(struct program *program, uint32_t b, uint32_t index, uint32_t from)
{
    uint32_t copy = program_add_block(program),
             *predecessors = program_alloc(program, 1, sizeof *predecessors);

    predecessors[0] = from;
    program->blocks[copy].predecessors = predecessors;
    program->blocks[copy].predecessor_count = 1;
    program->blocks[copy].place = program->blocks[b].place;
    for (uint32_t i = 0; i < program->blocks[b].count; i++) {
        const struct value old = *value_at(program, program->blocks[b].values[i]);
        if (old.kind != KIND_VOID || old.op == OP_PHI)
            continue;
        vid id = program_add_value(program, (enum operation)old.op, (enum value_kind)old.kind,
                                   old.width, old.operands, old.count);
        struct value *value = value_at(program, id);
        value->sub = old.sub;
        value->imm = old.imm;
        value->imm2 = old.imm2;
        value->place = old.place;
        value->checked = old.checked;
        for (unsigned k = 0; k < value->count; k++)
            value->operands[k] = on_edge(program, b, index, value->operands[k]);
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

static bool does_something(const struct program *program, uint32_t b)
{
    const struct block *block = &program->blocks[b];

    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *value = value_at(program, block->values[i]);
        if (value->kind == KIND_VOID && value->op != OP_PHI)
            return true;
    }
    return false;
}

/* The block's edge number `index` leads past it, to where it would have gone. */
static void pass_by(struct program *program, uint32_t b, uint32_t index, uint32_t to)
{
    uint32_t from = program->blocks[b].predecessors[index], edge = 0, next = to;

    while (program->blocks[from].targets[edge] != b)
        edge++;
    /* Of two edges between two blocks nobody could say which value came along which. */
    if (does_something(program, b) || count_edges(program, from, to) > 0) {
        next = copy_joint(program, b, index, from);
        block_jump(program, next, to, program->blocks[b].place);
        add_edge(program, next, to, b);
    } else {
        add_edge(program, from, to, b);
    }
    for (uint32_t i = 0; i < program->blocks[to].count; i++) {
        struct value *phi = value_at(program, program->blocks[to].values[i]);
        if (phi->op == OP_PHI)
            phi->operands[phi->count - 1] =
                on_edge(program, b, index, phi->operands[phi->count - 1]);
    }
    struct block *block = &program->blocks[b];
    uint32_t behind = block->predecessor_count - index - 1;
    memmove(block->predecessors + index, block->predecessors + index + 1,
            behind * sizeof *block->predecessors);
    for (uint32_t i = 0; i < block->count; i++) {
        struct value *phi = value_at(program, block->values[i]);
        if (phi->op != OP_PHI)
            continue;
        memmove(phi->operands + index, phi->operands + index + 1, behind * sizeof *phi->operands);
        phi->count--;
    }
    block->predecessor_count--;
    program->blocks[from].targets[edge] = next;
}

static bool thread_edge(struct program *program, uint32_t b, uint32_t index)
{
    const struct value *phi = value_at(program, program->blocks[b].condition);

    if (!value_is_const(program, phi->operands[index]) ||
        count_edges(program, program->blocks[b].predecessors[index], b) != 1)
        return false;
    pass_by(program, b, index,
            exit_for(&program->blocks[b], value_at(program, phi->operands[index])->imm));
    return true;
}

static uint32_t *count_uses(struct program *program)
{
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
    return uses;
}

/*
 * C's && and ||, and the ends of its scopes, come as blocks that join constants and branch on what
 * they got. Who brings a constant goes on by itself: then each condition's branch says what holds
 * behind it, and a return inside a loop is no way round it.
 */
bool simplify_thread_joins(struct program *program)
{
    bool changed = false;
    const uint32_t *uses = count_uses(program);

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

/* ---- chains ---- */

/* A block that leads nowhere else takes in the one behind it, to which nothing else leads. */
static bool take_in_next(struct program *program, uint32_t b)
{
    struct block *block = &program->blocks[b];
    uint32_t next = block->exit == EXIT_JUMP ? block->targets[0] : b;
    struct block *behind = &program->blocks[next];

    if (next == b || b == program->entry || behind->predecessor_count != 1)
        return false;
    if (behind->count > 0 && value_at(program, behind->values[0])->op == OP_PHI)
        return false;
    for (uint32_t i = 0; i < behind->count; i++)
        block_append(program, b, behind->values[i]);
    block->exit = behind->exit;
    block->condition = behind->condition;
    block->targets = behind->targets;
    block->cases = behind->cases;
    block->target_count = behind->target_count;
    if (block->place.line == 0 || block->exit == EXIT_UNREACHABLE)
        block->place = behind->place;
    for (uint32_t i = 0; i < block->target_count; i++) {
        struct block *target = &program->blocks[block->targets[i]];
        for (uint32_t k = 0; k < target->predecessor_count; k++)
            if (target->predecessors[k] == next)
                target->predecessors[k] = b;
    }
    *behind = (struct block){.order = UINT32_MAX};
    return true;
}

bool simplify_chains(struct program *program)
{
    bool changed = false;

    for (uint32_t n = 0; n < program->order_count; n++)
        while (program->blocks[program->order[n]].order != UINT32_MAX &&
               take_in_next(program, program->order[n]))
            changed = true;
    return changed;
}

/* ---- answers ---- */

/* An operation of known numbers, for who comes by the edge number `index`. */
static bool evaluate(const struct program *program, uint32_t b, uint32_t index, vid v,
                     unsigned depth, uint64_t *ret)
{
    uint64_t operands[2];

    v = on_edge(program, b, index, v);
    const struct value *value = value_at(program, v);
    if (value->op == OP_CONST && value->kind == KIND_INT) {
        *ret = value->imm;
        return true;
    }
    if (value->block != b || value->op == OP_PHI || value->op == OP_LOAD ||
        value->kind != KIND_INT || value->count == 0 || value->count > 2 ||
        depth == ANSWER_DEPTH_MAX)
        return false;
    const struct value *first = value_at(program, on_edge(program, b, index, value->operands[0]));
    if (value->op == OP_ICMP && first->kind == KIND_POINTER) {
        const struct value *second =
            value_at(program, on_edge(program, b, index, value->operands[1]));
        if (first->op != OP_NULL || second->op != OP_NULL)
            return false;
        *ret = value->sub == ICMP_EQ;
        return value->sub == ICMP_EQ || value->sub == ICMP_NE;
    }
    for (unsigned k = 0; k < value->count; k++)
        if (!evaluate(program, b, index, value->operands[k], depth + 1, &operands[k]))
            return false;
    return operation_evaluate((enum operation)value->op, value->sub, value->width, first->width,
                              operands, ret);
}

/* A block that asks something of what it joins, and makes nothing else but what can be made
 * nowhere else as well, or left away. */
static bool is_question(const struct program *program, uint32_t b, const uint32_t *uses)
{
    const struct block *block = &program->blocks[b];

    if ((block->exit != EXIT_BRANCH && block->exit != EXIT_SWITCH) || block->header ||
        block->predecessor_count < 2 || value_at(program, block->condition)->block != b)
        return false;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *value = value_at(program, block->values[i]);
        if (value->op == OP_PHI)
            continue;
        if (value->op == OP_LOAD || value->op == OP_UNKNOWN || value->op == OP_FPTOSI ||
            value->op == OP_FPTOUI)
            return false;
        for (unsigned k = 0; value->kind == KIND_VOID && k < value->count; k++) {
            const struct value *operand = value_at(program, value->operands[k]);
            if (operand->block == b && operand->op != OP_PHI)
                return false;
        }
        if (value->kind == KIND_VOID && uses[block->values[i]] > 0)
            return false;
    }
    return true;
}

/* The exit of `b` that every way from it to `at` takes, and no other way leads to; UINT32_MAX: none
 * such. */
static uint32_t side_of(const struct program *program, uint32_t b, uint32_t at)
{
    const struct block *block = &program->blocks[b];

    for (uint32_t i = 0; i < block->target_count; i++) {
        uint32_t target = block->targets[i];
        if (program->blocks[target].predecessor_count == 1 && block_dominates(program, target, at))
            return target;
    }
    return UINT32_MAX;
}

/*
 * Can all that is made in `b` still be used where it is, when one that comes by goes to `to` by
 * itself? A phi that is used behind `to` gets one there, in `landed` (by value).
 */
static bool may_land(struct program *program, uint32_t b, uint32_t to, bool *landed)
{
    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t at = program->order[n];
        const struct block *block = &program->blocks[at];
        for (uint32_t i = 0; i <= block->count; i++) {
            const vid *operands = &block->condition;
            unsigned count = 1;
            bool joins = false;
            if (i < block->count) {
                const struct value *user = value_at(program, block->values[i]);
                operands = user->operands;
                count = user->count;
                joins = user->op == OP_PHI;
            }
            for (unsigned k = 0; k < count; k++) {
                const struct value *value = value_at(program, operands[k]);
                uint32_t place = joins ? block->predecessors[k] : at;
                if (operands[k] == 0 || value->block != b || value->count == 0)
                    continue;
                if (place == b) { /* here, or on its way to a join behind */
                    if (joins && at == to && value->op != OP_PHI)
                        return false;
                    continue;
                }
                uint32_t side = side_of(program, b, place);
                if (side == UINT32_MAX || (side == to && value->op != OP_PHI))
                    return false;
                landed[operands[k]] = landed[operands[k]] || side == to;
            }
        }
    }
    return true;
}

/* A phi at `to` for one of `b`, in place of which it is used from there on. */
static void land(struct program *program, uint32_t to, vid v)
{
    const struct value of = *value_at(program, v);
    vid by = program_add_value(program, OP_PHI, (enum value_kind)of.kind, of.width, &v, 1);

    value_at(program, by)->place = of.place;
    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t at = program->order[n];
        struct block *block = &program->blocks[at];
        bool behind = block_dominates(program, to, at);
        for (uint32_t i = 0; i < block->count; i++) {
            struct value *user = value_at(program, block->values[i]);
            for (unsigned k = 0; k < user->count; k++)
                if (user->operands[k] == v &&
                    (user->op == OP_PHI ? block_dominates(program, to, block->predecessors[k])
                                        : behind))
                    user->operands[k] = by;
        }
        if (behind && block->condition == v)
            block->condition = by;
    }
    block_append(program, to, by);
    struct block *block = &program->blocks[to];
    memmove(block->values + 1, block->values, (block->count - 1) * sizeof *block->values);
    block->values[0] = by;
}

static bool answer(struct program *program, uint32_t b, uint32_t index)
{
    const struct block *block = &program->blocks[b];
    uint64_t imm;

    if (count_edges(program, block->predecessors[index], b) != 1 ||
        !evaluate(program, b, index, block->condition, 0, &imm))
        return false;
    uint32_t to = exit_for(block, imm);
    bool *landed = program_alloc(program, program->value_count, sizeof *landed);
    if (count_edges(program, b, to) != 1 || !may_land(program, b, to, landed))
        return false;
    for (uint32_t i = 0; i < program->blocks[b].count; i++)
        if (landed[program->blocks[b].values[i]])
            land(program, to, program->blocks[b].values[i]);
    pass_by(program, b, index, to);
    return true;
}

/*
 * A function's answers, NULL or -1, meet where it ends, to be asked for by who called it. Who
 * brings a known one goes to where it leads to by itself: behind the question the answer is no
 * longer one of those. One block at a time; dominators are as they were before it, which is as
 * good: none but the block itself loses what it dominates.
 */
bool simplify_thread_answers(struct program *program, uint32_t *work)
{
    bool changed = false;
    const uint32_t *uses = count_uses(program);

    for (uint32_t n = 0; n < program->order_count && !changed; n++) {
        uint32_t b = program->order[n];
        if (!is_question(program, b, uses))
            continue;
        for (uint32_t i = program->blocks[b].predecessor_count; i-- > 0;) {
            if (program->blocks[b].predecessor_count < 2 || *work < program->value_count)
                break;
            *work -= program->value_count;
            changed = answer(program, b, i) || changed;
        }
    }
    return changed;
}
