/*
 * What operations say of each other that linear arithmetic does not see: products and quotients
 * that share a number, and loads from one place.
 */
#include "verify/encode.h"

#define LOADS_RELATED 12 /* a load is compared with so many others */

/* What is true of x * y and z * y of numbers that are not negative. */
static void products_of_one_factor(struct encoding *e, Z3_ast guard, Z3_ast x, Z3_ast p, Z3_ast z,
                                   Z3_ast q, Z3_ast y)
{
    term_assert(e, guard, term_implies(e, term_le(e, x, z), term_le(e, p, q)));
    term_assert(e, guard, term_implies(e, term_lt(e, x, z), term_le(e, term_add(e, p, y), q)));
    term_assert(e, guard, term_implies(e, term_le(e, z, x), term_le(e, q, p)));
    term_assert(e, guard, term_implies(e, term_lt(e, z, x), term_le(e, term_add(e, q, y), p)));
}

/* What is true of p = u * y and the quotient q of x by y, of numbers that are not negative. (That y
 * is not zero is for the division's own obligation to show, of which this must say nothing.) */
static void product_and_quotient(struct encoding *e, Z3_ast guard, Z3_ast u, Z3_ast y, Z3_ast p,
                                 Z3_ast x, Z3_ast q)
{
    guard = term_and(e, guard, term_le(e, term_number(e, 1), y));
    term_assert(e, guard, term_implies(e, term_le(e, u, q), term_le(e, p, x)));
    term_assert(e, guard, term_implies(e, term_lt(e, u, q), term_le(e, term_add(e, p, y), x)));
    term_assert(e, guard, term_implies(e, term_lt(e, q, u), term_lt(e, x, p)));
}

/* What a number is made of by widening it alone: as numbers without sign the two are one. */
static vid narrowest(const struct encoding *e, vid id)
{
    const struct value *value = value_at(e->program, id);

    while (value->op == OP_ZEXT ||
           (value->op == OP_SEXT && !e->facts->ranges[value->operands[0]].empty &&
            e->facts->ranges[value->operands[0]].signed_low >= 0)) {
        id = value->operands[0];
        value = value_at(e->program, id);
    }
    return id;
}

/* A number as a multiple of another one, no smaller part of which wraps: of w * 8 it is w, and 8.
 */
static vid multiple_of(const struct encoding *e, vid id, __int128 *ret_factor)
{
    const struct program *program = e->program;

    *ret_factor = 1;
    for (;;) {
        id = narrowest(e, id);
        const struct value *value = value_at(program, id);
        if ((value->op != OP_MUL && value->op != OP_SHL) ||
            !value_is_const(program, value->operands[1]))
            return id;
        uint64_t by = value_at(program, value->operands[1])->imm;
        if (value->op == OP_SHL)
            by = by < 24 ? (uint64_t)1 << by : 0;
        const struct range *r = &e->facts->ranges[value->operands[0]];
        if (by == 0 || by > 1 << 24 || *ret_factor > 1 << 24 || r->empty ||
            (unsigned __int128)r->high * by > width_mask(value->width))
            return id;
        *ret_factor *= by;
        id = value->operands[0];
    }
}

struct scaled {
    vid factors[2];
    __int128 by;
};

static struct scaled scaled_product(const struct encoding *e, vid product)
{
    const struct value *value = value_at(e->program, product);
    struct scaled s;
    __int128 by;

    s.factors[0] = multiple_of(e, value->operands[0], &s.by);
    s.factors[1] = multiple_of(e, value->operands[1], &by);
    s.by *= by;
    return s;
}

/* The same of p = a * x * y and q = b * z * y. */
static void multiples_of_one_factor(struct encoding *e, Z3_ast guard, vid product, vid other)
{
    const struct scaled a = scaled_product(e, product), b = scaled_product(e, other);
    Z3_ast p = term_scale(e, b.by, e->terms[product]), q = term_scale(e, a.by, e->terms[other]);

    if (a.by == 1 && b.by == 1)
        return; /* said already */
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < 2; k++)
            if (a.factors[i] == b.factors[k])
                products_of_one_factor(
                    e, guard, encode_view(e, a.factors[1 - i], false), p,
                    encode_view(e, b.factors[1 - k], false), q,
                    term_scale(e, a.by * b.by, encode_view(e, a.factors[i], false)));
}

/* Of the quotient of x * y by z: with x below z it is below y. */
static void quotient_of_product(struct encoding *e, Z3_ast guard, vid quotient, vid product)
{
    const struct value *p = value_at(e->program, product), *q = value_at(e->program, quotient);
    Z3_ast by = encode_view(e, q->operands[1], false), one = term_number(e, 1);

    guard = term_and(e, guard, term_le(e, one, by));
    for (unsigned i = 0; i < 2; i++) {
        Z3_ast x = encode_view(e, p->operands[i], false);
        Z3_ast y = encode_view(e, p->operands[1 - i], false);
        term_assert(e, guard,
                    term_implies(e, term_le(e, x, by), term_le(e, e->terms[quotient], y)));
        term_assert(e, guard,
                    term_implies(e, term_and(e, term_lt(e, x, by), term_le(e, one, y)),
                                 term_lt(e, e->terms[quotient], y)));
    }
}

/* Of a product and a quotient that share the factor and the divisor. */
static void relate_both(struct encoding *e, Z3_ast guard, vid product, vid quotient)
{
    const struct value *p = value_at(e->program, product), *q = value_at(e->program, quotient);
    for (unsigned i = 0; i < 2; i++)
        if (narrowest(e, p->operands[i]) == narrowest(e, q->operands[1]))
            product_and_quotient(e, guard, encode_view(e, p->operands[1 - i], false),
                                 encode_view(e, p->operands[i], false), e->terms[product],
                                 encode_view(e, q->operands[0], false), e->terms[quotient]);
}

static struct related *note(struct encoding *e, struct related *next, vid value, Z3_ast guard)
{
    struct related *mine = program_alloc(e->program, 1, sizeof *mine);

    mine->value = value;
    mine->guard = guard;
    mine->next = next;
    return mine;
}

void relate_product(struct encoding *e, vid id, const Z3_ast factors[2], Z3_ast guard)
{
    const struct value *value = value_at(e->program, id);

    for (struct related *p = e->products; p; p = p->next) {
        const struct value *other = value_at(e->program, p->value);
        for (unsigned i = 0; i < 2; i++)
            for (unsigned k = 0; k < 2; k++)
                if (narrowest(e, value->operands[i]) == narrowest(e, other->operands[k]))
                    products_of_one_factor(e, term_and(e, guard, p->guard), factors[1 - i],
                                           e->terms[id],
                                           encode_view(e, other->operands[1 - k], false),
                                           e->terms[p->value], factors[i]);
        multiples_of_one_factor(e, term_and(e, guard, p->guard), id, p->value);
    }
    for (struct related *q = e->quotients; q; q = q->next)
        relate_both(e, term_and(e, guard, q->guard), id, q->value);
    e->products = note(e, e->products, id, guard);
}

void relate_quotient(struct encoding *e, vid id, Z3_ast guard)
{
    vid divided = narrowest(e, value_at(e->program, id)->operands[0]);

    for (struct related *p = e->products; p; p = p->next) {
        relate_both(e, term_and(e, guard, p->guard), p->value, id);
        if (p->value == divided)
            quotient_of_product(e, term_and(e, guard, p->guard), id, p->value);
    }
    e->quotients = note(e, e->quotients, id, guard);
}

/* Is neither in a loop that the other is in, but for loops around both? */
static bool apart(const struct program *program, uint32_t a, uint32_t b)
{
    uint32_t x = program->blocks[a].loop, y = program->blocks[b].loop;

    return x != y && x != UINT32_MAX && y != UINT32_MAX && !loop_contains(program, x, b) &&
           !loop_contains(program, y, a);
}

/* What `a` gave last is what it gave before `b` is reached: it stands before b, and in no loop that
 * b is not in. */
static bool stands_before(const struct program *program, uint32_t a, uint32_t b)
{
    uint32_t loop = program->blocks[a].loop;

    return block_dominates(program, a, b) &&
           (loop == UINT32_MAX || loop_contains(program, loop, b));
}

/* Do both read one object, and see the same of it? */
static bool reads_the_same(const struct encoding *e, const struct value *a, const struct value *b)
{
    const struct pointees *x = &e->facts->pointees[a->operands[0]],
                          *y = &e->facts->pointees[b->operands[0]];

    if ((!apart(e->program, a->block, b->block) && !stands_before(e->program, a->block, b->block) &&
         !stands_before(e->program, b->block, a->block)) ||
        a->count != 2 || b->count != 2 || a->width != b->width || x->count != 1 || y->count != 1 ||
        x->objects[0] != y->objects[0] || x->objects[0] == 0)
        return false;
    const struct value *v = value_at(e->program, a->operands[1]),
                       *w = value_at(e->program, b->operands[1]);
    return a->operands[1] == b->operands[1] ||
           (v->op == OP_CONST && w->op == OP_CONST && v->imm == w->imm);
}

/* What is read twice at one place, with no store between, is the same. */
void relate_load(struct encoding *e, vid id, Z3_ast guard)
{
    const struct value *load = value_at(e->program, id);
    Z3_ast offset = encode_offset(e, load->operands[0]);
    unsigned left = LOADS_RELATED;

    for (struct related *other = e->loads; other && left > 0; other = other->next) {
        const struct value *value = value_at(e->program, other->value);
        if (!reads_the_same(e, load, value) || e->is_signed[id] != e->is_signed[other->value])
            continue;
        left--;
        Z3_ast same = term_eq(e, offset, encode_offset(e, value->operands[0]));
        term_assert(e, term_and(e, term_and(e, guard, other->guard), same),
                    term_eq(e, e->terms[id], e->terms[other->value]));
    }
    e->loads = note(e, e->loads, id, guard);
}
