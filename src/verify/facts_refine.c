/* What branches say of a value where it is used. */
#include <math.h>

#include "verify/facts_internal.h"

#define REFINE_DEPTH 3

static struct range refined(const struct facts *facts, vid v, uint32_t block, unsigned depth);

uint64_t facts_root(uint64_t number)
{
    uint64_t root = (uint64_t)sqrt((double)number);

    while (root > 0 && (unsigned __int128)root * root > number)
        root--;
    while ((unsigned __int128)(root + 1) * (root + 1) <= number)
        root++;
    return root;
}

/* Of v * v < c: v is at most the root, if the square did not wrap. */
static struct range apply_square(const struct facts *facts, vid v, struct range range, vid square,
                                 enum predicate predicate, vid other, uint32_t block,
                                 unsigned depth)
{
    const struct value *s = value_at(facts->program, square);
    bool below = predicate == ICMP_ULT || predicate == ICMP_ULE || predicate == ICMP_SLT ||
                 predicate == ICMP_SLE;

    if (!below || s->op != OP_MUL || s->operands[0] != v || s->operands[1] != v || range.empty)
        return range;
    bool is_signed = predicate == ICMP_SLT || predicate == ICMP_SLE;
    uint64_t most = is_signed ? width_mask(s->width) >> 1 : width_mask(s->width);
    if ((unsigned __int128)range.high * range.high > most)
        return range;
    struct range bound = refined(facts, other, block, depth + 1);
    if (bound.empty || (is_signed && bound.signed_high < 0))
        return range;
    uint64_t root = facts_root(is_signed ? (uint64_t)bound.signed_high : bound.high);
    struct range limit = range_unsigned(0, root, s->width);
    return range_meet(range, limit, s->width);
}

/*
 * Of (v & mask) == 0 or != 0: with a bit of the mask set, v is at least the lowest of these; with
 * none set, and nothing above the mask's highest run of bits, v lies below that run.
 */
static struct range apply_mask(const struct facts *facts, vid v, struct range range, vid masked,
                               enum predicate predicate, vid other)
{
    const struct program *program = facts->program;
    const struct value *and = value_at(program, masked);

    if (range.empty || and->op != OP_AND || and->operands[0] != v ||
        !value_is_const(program, and->operands[1]) || !value_is_const(program, other) ||
        value_at(program, other)->imm != 0)
        return range;
    uint64_t mask = value_at(program, and->operands[1])->imm & width_mask(and->width);
    if (mask == 0)
        return range;
    if (predicate == ICMP_NE || predicate == ICMP_UGT)
        return range_meet(
            range, range_unsigned(mask & -mask, width_mask(and->width), and->width), and->width);
    if (predicate != ICMP_EQ)
        return range;
    unsigned top = 63 - (unsigned)__builtin_clzll(mask);
    if (range.high >> top > 1)
        return range;
    while (top > 0 && (mask >> (top - 1) & 1))
        top--;
    return range_meet(range, range_unsigned(0, ((uint64_t)1 << top) - 1, and->width), and->width);
}

/* What a condition says of `v`, given that it holds (or not). */
struct range facts_apply(const struct facts *facts, vid v, struct range range, vid condition,
                         bool holds, uint32_t block, unsigned depth)
{
    const struct program *program = facts->program;
    const struct value *c = value_at(program, condition);
    const struct value *value = value_at(program, v);

    if (condition == v)
        return range_meet(range, range_of(holds, 1), 1);
    if (c->op == OP_AND && holds) {
        range = facts_apply(facts, v, range, c->operands[0], true, block, depth);
        return facts_apply(facts, v, range, c->operands[1], true, block, depth);
    }
    if (c->op == OP_OR && !holds) {
        range = facts_apply(facts, v, range, c->operands[0], false, block, depth);
        return facts_apply(facts, v, range, c->operands[1], false, block, depth);
    }
    if (c->op == OP_XOR && value_is_const(program, c->operands[1]))
        return facts_apply(facts, v, range, c->operands[0],
                           holds != (bool)value_at(program, c->operands[1])->imm, block, depth);
    if (c->op != OP_ICMP || value_at(program, c->operands[0])->kind != KIND_INT)
        return range;
    enum predicate predicate = (enum predicate)c->sub;
    if (!holds)
        predicate = predicate_negate(predicate);
    for (unsigned side = 0; side < 2; side++) {
        if (c->operands[side] == v) {
            struct range other = refined(facts, c->operands[1 - side], block, depth + 1);
            range = range_refine(range, side ? predicate_swap(predicate) : predicate, other,
                                 value->width);
        }
        range = apply_square(facts, v, range, c->operands[side],
                             side ? predicate_swap(predicate) : predicate, c->operands[1 - side],
                             block, depth);
        range = apply_mask(facts, v, range, c->operands[side],
                           side ? predicate_swap(predicate) : predicate, c->operands[1 - side]);
    }
    return range;
}

/* v is a widened or moved x, of which more may be known here: computed again from it. */
static struct range recompute(const struct facts *facts, vid v, uint32_t block, unsigned depth)
{
    const struct program *program = facts->program;
    const struct value *value = value_at(program, v);
    struct range operands[3];

    switch (value->op) {
    case OP_ZEXT:
    case OP_SEXT:
    case OP_TRUNC:
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_SHL:
    case OP_LSHR:
    case OP_ASHR:
    case OP_AND:
    case OP_UDIV:
    case OP_UREM:
        break;
    case OP_PTRADD:
        operands[0] = refined(facts, value->operands[0], block, depth + 1);
        operands[1] = refined(facts, value->operands[1], block, depth + 1);
        if (operands[0].empty || operands[1].empty)
            return (struct range){.empty = true};
        return range_operation(OP_ADD, 0, 64, 64, operands);
    case OP_NARROW:
        return refined(facts, value->operands[0], block, depth);
    default:
        return facts->ranges[v];
    }
    for (unsigned i = 0; i < value->count; i++) {
        operands[i] = refined(facts, value->operands[i], block, depth + 1);
        if (operands[i].empty)
            return operands[i];
    }
    return range_operation((enum operation)value->op, value->sub, value->width,
                           value_at(program, value->operands[0])->width, operands);
}

static struct range refined(const struct facts *facts, vid v, uint32_t block, unsigned depth)
{
    const struct value *value = value_at(facts->program, v);
    struct range range = facts->ranges[v];

    if (value->op == OP_CONST || range.empty || depth > REFINE_DEPTH)
        return range;
    unsigned width = value->kind == KIND_POINTER ? 64 : value->width;
    for (const struct known_branch *known = facts->branches[v]; known; known = known->next)
        if (block_dominates(facts->program, known->block, block))
            range = facts_apply(facts, v, range, known->condition, known->holds, block, depth);
    if (value->block != block || value->kind == KIND_POINTER)
        range = range_meet(range, recompute(facts, v, block, depth), width);
    return range;
}

struct range facts_range(const struct facts *facts, vid value, uint32_t block)
{
    if (block == UINT32_MAX)
        return facts->ranges[value];
    return refined(facts, value, block, 0);
}

struct range facts_range_on_edge(const struct facts *facts, vid value, uint32_t from, uint32_t to)
{
    const struct program *program = facts->program;
    const struct block *block = &program->blocks[from];
    struct range range = refined(facts, value, from, 0);

    if (range.empty || value_at(program, value)->kind == KIND_POINTER)
        return range;
    if (block->exit == EXIT_BRANCH && block->targets[0] != block->targets[1]) {
        range =
            facts_apply(facts, value, range, block->condition, block->targets[0] == to, from, 0);
        /* zext x where the branch speaks of x, and so on. */
        const struct value *v = value_at(program, value);
        if (!range.empty && v->count > 0 && v->op >= OP_ADD && v->op <= OP_TRUNC &&
            v->op != OP_ICMP && v->op != OP_SELECT && v->op != OP_CTLZ) {
            struct range operands[3];
            for (unsigned i = 0; i < v->count; i++) {
                operands[i] = refined(facts, v->operands[i], from, 1);
                operands[i] = facts_apply(facts, v->operands[i], operands[i], block->condition,
                                          block->targets[0] == to, from, 1);
                if (operands[i].empty)
                    return operands[i];
            }
            range = range_meet(range,
                               range_operation((enum operation)v->op, v->sub, v->width,
                                               value_at(program, v->operands[0])->width, operands),
                               v->width);
        }
    }
    return range;
}

/* Ordered comparisons with a number, where they hold. */
static struct float_range refine_float(const struct facts *facts, struct float_range range, vid v,
                                       const struct value *c, bool holds)
{
    enum { LESS = 4, EQUAL = 1, GREATER = 2, UNORDERED = 8 };
    unsigned sub = c->sub; /* LLVMRealPredicate: bits of the outcomes that it is true for */

    if (c->op != OP_FCMP || (c->operands[0] != v) == (c->operands[1] != v))
        return range;
    unsigned outcomes = holds ? sub : ~sub & 15u;
    vid other = c->operands[0] == v ? c->operands[1] : c->operands[0];
    struct float_range bound = facts->floats[other];
    if (bound.empty)
        return range;
    if (c->operands[0] != v && c->operands[1] == v)
        outcomes = (outcomes & (EQUAL | UNORDERED)) | (outcomes & LESS ? GREATER : 0u) |
                   (outcomes & GREATER ? LESS : 0u);
    /* Where the other one may be no number nothing is said, unless the outcome says that it is one.
     */
    bool ordered = !bound.nan || !(outcomes & UNORDERED);
    if (ordered && !(outcomes & GREATER) && range.high > bound.high)
        range.high = bound.high;
    if (ordered && !(outcomes & LESS) && range.low < bound.low)
        range.low = bound.low;
    if (!(outcomes & UNORDERED))
        range.nan = false;
    if (range.low > range.high && !range.nan)
        range.empty = true;
    return range;
}

struct float_range facts_float(const struct facts *facts, vid value, uint32_t block)
{
    struct float_range range = facts->floats[value];

    if (block == UINT32_MAX || range.empty)
        return range;
    for (const struct known_branch *known = facts->branches[value]; known; known = known->next)
        if (block_dominates(facts->program, known->block, block))
            range = refine_float(facts, range, value, value_at(facts->program, known->condition),
                                 known->holds);
    return range;
}

/* At the end of `from`, on its edge to `to`. */
struct float_range facts_float_on_edge(const struct facts *facts, vid value, uint32_t from,
                                       uint32_t to)
{
    const struct block *block = &facts->program->blocks[from];
    struct float_range range = facts_float(facts, value, from);

    if (range.empty || block->exit != EXIT_BRANCH || block->targets[0] == block->targets[1])
        return range;
    return refine_float(facts, range, value, value_at(facts->program, block->condition),
                        block->targets[0] == to);
}
