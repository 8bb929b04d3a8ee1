/*
 * Where addresses of two variables meet. Behind "p == q" an optimiser takes one for the other, and
 * where numbers made of addresses add up to one it takes that; what it then knows of the variable
 * behind it holds of the other, although at the end of one another may begin (LLVM's bugs 34548
 * and 35229). So addresses are compared and subtracted where both are of one variable, or one is
 * null, or both lie before the ends of their variables, so that they differ; and numbers made of
 * them are not used as addresses, compared, or kept.
 */
#include "verify/prove.h"

/* No address is so small, and no two that differ by less are told apart by such a remainder. */
#define SMALL_MAX 4096

static const struct value *number_of_address(const struct program *program, vid id)
{
    const struct value *value = value_at(program, id);

    return value->op == OP_PTRTOINT && value->sub == 0 && value->width == 64 ? value : NULL;
}

/* The two addresses that an operation compares or subtracts, as such or as numbers. */
static bool both_addresses(const struct program *program, const struct value *value, vid *ret_both)
{
    if (value->op != OP_ICMP && value->op != OP_SUB)
        return false;
    for (unsigned k = 0; k < 2; k++) {
        const struct value *number = number_of_address(program, value->operands[k]);
        if (number)
            ret_both[k] = number->operands[0];
        else if (value_at(program, value->operands[k])->kind == KIND_POINTER)
            ret_both[k] = value->operands[k];
        else
            return false;
    }
    return true;
}

/* ---- numbers made of addresses ---- */

/* A table's addresses, read as numbers. */
static bool reads_addresses(const struct facts *facts, const struct value *value)
{
    const struct pointees *to = &facts->pointees[value->operands[0]];

    if (value->kind == KIND_POINTER)
        return false;
    for (uint32_t k = 0; k < to->count; k++)
        if (facts->program->objects[to->objects[k]].cell_count > 0)
            return true;
    return false;
}

static bool is_small(const struct program *program, const struct value *value)
{
    for (unsigned k = 0; k < 2 && value->count == 2; k++) {
        const struct value *by = value_at(program, value->operands[k]);
        if (by->op == OP_CONST && by->imm <= SMALL_MAX &&
            (value->op == OP_AND || (value->op == OP_UREM && k == 1)))
            return true;
    }
    return false;
}

static bool becomes_address(const struct facts *facts, vid id)
{
    const struct program *program = facts->program;
    const struct value *value = value_at(program, id);
    const struct range *range = &facts->ranges[id];
    vid both[2];

    if (value->op == OP_LOAD)
        return reads_addresses(facts, value);
    if (value->op == OP_BITCAST)
        return facts->addresses[value->operands[0]];
    if (value->width != 64 || value->kind != KIND_INT || value->op == OP_ICMP)
        return false;
    if (number_of_address(program, id))
        return true;
    if (is_small(program, value) || both_addresses(program, value, both) ||
        (facts->known && (range->empty || range->high <= SMALL_MAX)))
        return false;
    for (unsigned k = value->op == OP_SELECT; k < value->count; k++)
        if (facts->addresses[value->operands[k]])
            return true;
    return false;
}

/* ---- uses ---- */

/* At an object's beginning or inside it; behind its end, too, if `end`. */
static bool is_inside(const struct facts *facts, uint32_t object, struct range offset, bool end)
{
    const struct object *o = &facts->program->objects[object];
    struct range size = facts_size(facts, object);

    if (offset.signed_low < 0 || size.empty)
        return false;
    if (end || o->function)
        return (uint64_t)offset.signed_high <= size.low;
    return !o->scoped && (uint64_t)offset.signed_high < size.low;
}

/* Whichever of their objects two addresses mean. */
static bool never_meet(const struct facts *facts, const vid *both, uint32_t block)
{
    const struct pointees *a = &facts->pointees[both[0]], *b = &facts->pointees[both[1]];
    struct range at_a = facts_range(facts, both[0], block),
                 at_b = facts_range(facts, both[1], block);

    if (a->count == 0 || b->count == 0)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t k = 0; k < b->count; k++) {
            uint32_t x = a->objects[i], y = b->objects[k];
            if (x == y && x != 0)
                continue;
            if ((x == 0 && (at_a.low != 0 || at_a.high != 0)) ||
                (y == 0 && (at_b.low != 0 || at_b.high != 0)) ||
                (x != 0 && !is_inside(facts, x, at_a, y == 0)) ||
                (y != 0 && !is_inside(facts, y, at_b, x == 0)))
                return false;
        }
    return true;
}

static bool is_one_object(const struct facts *facts, const vid *both)
{
    const struct pointees *a = &facts->pointees[both[0]], *b = &facts->pointees[both[1]];

    return a->count == 1 && b->count == 1 && a->objects[0] == b->objects[0] && a->objects[0] != 0;
}

static enum address_use use_of(const struct facts *facts, vid id)
{
    const struct value *value = value_at(facts->program, id);
    vid both[2];

    if (both_addresses(facts->program, value, both)) {
        if (is_one_object(facts, both))
            return ADDRESS_UNUSED;
        if (value->op == OP_SUB)
            return ADDRESS_SUBTRACTED;
        return facts->known && never_meet(facts, both, value->block) ? ADDRESS_UNUSED
                                                                     : ADDRESS_COMPARED;
    }
    unsigned first = value->op == OP_ICMP ? 0 : value->op == OP_MEMCPY ? 2 : 1;
    if (value->op != OP_ICMP && value->op != OP_PTRADD && value->op != OP_STORE &&
        value->op != OP_MEMSET && value->op != OP_MEMCPY)
        return ADDRESS_UNUSED;
    for (unsigned k = first; k < value->count && k < 3; k++)
        if (facts->addresses[value->operands[k]])
            return ADDRESS_STRAYS;
    return ADDRESS_UNUSED;
}

void addresses_find(struct facts *facts)
{
    struct program *program = facts->program;
    bool changed;

    facts->addresses = program_alloc(program, program->value_count, sizeof *facts->addresses);
    facts->address_uses = program_alloc(program, program->value_count, sizeof *facts->address_uses);
    do {
        changed = false;
        for (uint32_t n = 0; n < program->order_count; n++) {
            const struct block *block = &program->blocks[program->order[n]];
            for (uint32_t i = 0; i < block->count; i++)
                if (!facts->addresses[block->values[i]] && becomes_address(facts, block->values[i]))
                    facts->addresses[block->values[i]] = changed = true;
        }
    } while (changed);
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++)
            facts->address_uses[block->values[i]] = (uint8_t)use_of(facts, block->values[i]);
    }
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        if (block->exit == EXIT_SWITCH && facts->addresses[block->condition])
            facts->address_uses[block->condition] = ADDRESS_STRAYS;
    }
}

/* ---- as formulas ---- */

static Z3_ast lies_in(struct encoding *e, vid pointer, bool end)
{
    const struct pointees *to = &e->facts->pointees[pointer];
    Z3_ast object = encode_object(e, pointer), offset = encode_offset(e, pointer),
           zero = term_number(e, 0), any = Z3_mk_false(e->z3);

    for (uint32_t k = 0; k < to->count; k++) {
        const struct object *o = &e->program->objects[to->objects[k]];
        if (to->objects[k] == 0 || (!end && o->scoped))
            continue;
        Z3_ast last = encode_size(e, to->objects[k]);
        if (!end && !o->function)
            last = term_sub(e, last, term_number(e, 1));
        any = term_or(e, any,
                      term_and(e, term_eq(e, object, term_number(e, to->objects[k])),
                               term_and(e, term_le(e, zero, offset), term_le(e, offset, last))));
    }
    return any;
}

static Z3_ast is_null(struct encoding *e, vid pointer)
{
    Z3_ast zero = term_number(e, 0);

    return term_and(e, term_eq(e, encode_object(e, pointer), zero),
                    term_eq(e, encode_offset(e, pointer), zero));
}

Z3_ast addresses_safe(struct encoding *e, vid id)
{
    vid p[2];

    if (e->facts->address_uses[id] == ADDRESS_STRAYS ||
        !both_addresses(e->program, value_at(e->program, id), p))
        return NULL;
    Z3_ast object = encode_object(e, p[0]);
    Z3_ast same = term_and(e, term_eq(e, object, encode_object(e, p[1])),
                           term_not(e, term_eq(e, object, term_number(e, 0))));
    if (e->facts->address_uses[id] == ADDRESS_SUBTRACTED)
        return same;
    Z3_ast one[] = {is_null(e, p[0]), is_null(e, p[1])};
    Z3_ast null = term_or(e, term_and(e, one[0], term_or(e, one[1], lies_in(e, p[1], true))),
                          term_and(e, one[1], lies_in(e, p[0], true)));
    Z3_ast apart = term_and(e, lies_in(e, p[0], false), lies_in(e, p[1], false));
    return term_or(e, same, term_or(e, null, apart));
}
