/* Integer operations as linear terms; what is not linear as anything in its interval, with what is
 * known of it beside. */
#include <string.h>

#include "verify/encode.h"

static __int128 modulus(unsigned width)
{
    return (__int128)1 << width;
}

struct op {
    struct encoding *e;
    vid id;
    const struct value *value;
    unsigned width;
    struct range range;
    struct range operands[3];
    Z3_ast guard;
};

static bool fits(const struct range *r, bool is_signed, __int128 low, __int128 high)
{
    return is_signed ? low >= r->signed_low && high <= r->signed_high
                     : low >= (__int128)r->low && high <= (__int128)r->high;
}

static Z3_ast bounded(struct op *op, Z3_ast term)
{
    struct encoding *e = op->e;
    struct range r = op->range;
    bool is_signed = e->is_signed[op->id];

    if (r.empty)
        r = range_full(op->width);
    __int128 low = is_signed ? (__int128)r.signed_low : (__int128)r.low;
    __int128 high = is_signed ? (__int128)r.signed_high : (__int128)r.high;
    term_assert(
        e, op->guard,
        term_and(e, term_le(e, term_number(e, low), term), term_le(e, term, term_number(e, high))));
    return term;
}

Z3_ast encode_opaque(struct encoding *e, vid value)
{
    const struct value *v = value_at(e->program, value);
    struct op op = {.e = e,
                    .id = value,
                    .value = v,
                    .width = v->kind == KIND_POINTER ? 64 : v->width,
                    .range = e->facts->ranges[value],
                    .guard = encode_reached(e, v->block)};

    return bounded(&op, term_fresh(e, "v"));
}

static Z3_ast operand(struct op *op, unsigned index, bool is_signed)
{
    return encode_view(op->e, op->value->operands[index], is_signed);
}

/* A number that is right modulo 2^width: itself if the exact interval fits, else less some 2^width.
 */
static Z3_ast wrap(struct op *op, Z3_ast exact, __int128 low, __int128 high)
{
    struct encoding *e = op->e;
    bool is_signed = e->is_signed[op->id];
    struct range full = range_full(op->width);

    if (fits(&full, is_signed, low, high))
        return exact;
    Z3_ast times = term_fresh(e, "wraps");
    Z3_ast result = term_fresh(e, "wrapped");
    term_assert(e, NULL,
                term_eq(e, exact, term_add(e, result, term_scale(e, modulus(op->width), times))));
    __int128 least = is_signed ? -(modulus(op->width) / 2) : 0;
    term_assert(e, NULL,
                term_and(e, term_le(e, term_number(e, least), result),
                         term_lt(e, result, term_number(e, least + modulus(op->width)))));
    return bounded(op, result);
}

/* The view in which this operand is read, and its interval in it. */
static void interval(const struct range *r, bool is_signed, __int128 *low, __int128 *high)
{
    *low = is_signed ? (__int128)r->signed_low : (__int128)r->low;
    *high = is_signed ? (__int128)r->signed_high : (__int128)r->high;
}

static Z3_ast add_or_subtract(struct op *op)
{
    struct encoding *e = op->e;
    bool subtract = op->value->op == OP_SUB;
    __int128 low[2], high[2];
    Z3_ast terms[2];

    /* Modulo 2^width any view is right; the one that can't wrap is best. */
    for (unsigned i = 0; i < 2; i++) {
        vid v = op->value->operands[i];
        bool view = value_is_const(e->program, v) || e->is_signed[v];
        terms[i] = operand(op, i, view);
        interval(&op->operands[i], view, &low[i], &high[i]);
    }
    if (subtract)
        return wrap(op, term_sub(e, terms[0], terms[1]), low[0] - high[1], high[0] - low[1]);
    return wrap(op, term_add(e, terms[0], terms[1]), low[0] + low[1], high[0] + high[1]);
}

static bool constant(const struct op *op, unsigned index, uint64_t *ret)
{
    const struct value *v = value_at(op->e->program, op->value->operands[index]);

    *ret = v->imm;
    return v->op == OP_CONST;
}

static Z3_ast scale(struct op *op, unsigned index, __int128 by)
{
    vid v = op->value->operands[index];
    bool view = op->e->is_signed[v];
    __int128 low, high;

    interval(&op->operands[index], view, &low, &high);
    if (by > ((__int128)1 << 62) || by < -((__int128)1 << 62))
        return encode_opaque(op->e, op->id);
    __int128 a = low * by, b = high * by;
    return wrap(op, term_scale(op->e, by, operand(op, index, view)), a < b ? a : b, a < b ? b : a);
}

/*
 * x * y, neither constant: what is true of it where both are in the box (not negative, and not so
 * large that the product could wrap): its sides, and what other products and quotients say.
 */
static Z3_ast product(struct op *op, const struct range box[2])
{
    struct encoding *e = op->e;
    Z3_ast x = operand(op, 0, false), y = operand(op, 1, false);
    const struct range *a = &box[0], *b = &box[1];
    Z3_ast result = bounded(op, term_fresh(e, "product")), zero = term_number(e, 0);
    Z3_ast one = term_number(e, 1);

    e->terms[op->id] = result;
    /* (x - xl)(y - yl) >= 0 and so on: McCormick's bounds. */
    __int128 xl = a->low, xh = a->high, yl = b->low, yh = b->high;
    Z3_ast low_low = term_sub(e, term_add(e, term_scale(e, yl, x), term_scale(e, xl, y)),
                              term_number(e, xl * yl));
    Z3_ast high_high = term_sub(e, term_add(e, term_scale(e, yh, x), term_scale(e, xh, y)),
                                term_number(e, xh * yh));
    Z3_ast high_low = term_sub(e, term_add(e, term_scale(e, yl, x), term_scale(e, xh, y)),
                               term_number(e, xh * yl));
    Z3_ast low_high = term_sub(e, term_add(e, term_scale(e, yh, x), term_scale(e, xl, y)),
                               term_number(e, xl * yh));
    Z3_ast in_box = term_and(
        e, term_and(e, term_le(e, term_number(e, xl), x), term_le(e, x, term_number(e, xh))),
        term_and(e, term_le(e, term_number(e, yl), y), term_le(e, y, term_number(e, yh))));
    Z3_ast guard = term_and(e, op->guard, in_box);
    term_assert(e, guard, term_le(e, low_low, result));
    term_assert(e, guard, term_le(e, high_high, result));
    term_assert(e, guard, term_le(e, result, high_low));
    term_assert(e, guard, term_le(e, result, low_high));
    term_assert(e, guard, term_implies(e, term_le(e, one, y), term_le(e, x, result)));
    term_assert(e, guard, term_implies(e, term_le(e, one, x), term_le(e, y, result)));
    term_assert(e, guard,
                term_implies(e, term_or(e, term_eq(e, x, zero), term_eq(e, y, zero)),
                             term_eq(e, result, zero)));
    relate_product(e, op->id, (const Z3_ast[2]){x, y}, guard);
    return result;
}

/* Where a factor is not known to be small enough, it may still be: the box is cut so that it is. */
static bool find_box(const struct op *op, struct range box[2])
{
    const uint64_t most = (op->width < 62 ? width_mask(op->width) : (uint64_t)1 << 62) >> 1;

    for (unsigned i = 0; i < 2; i++) {
        box[i] = op->operands[i];
        const struct range *other = &op->operands[1 - i];
        if (other->high > 0 && box[i].high > most / other->high && other->high <= 1 << 30)
            box[i].high = most / other->high;
    }
    return box[0].low <= box[0].high && box[1].low <= box[1].high &&
           (unsigned __int128)box[0].high * box[1].high <= most;
}

static Z3_ast multiply(struct op *op)
{
    const struct range *a = &op->operands[0], *b = &op->operands[1];
    uint64_t by;

    for (unsigned i = 0; i < 2; i++)
        if (constant(op, i, &by))
            return scale(op, 1 - i, sign_extend(by, op->width));
    struct range box[2];
    unsigned __int128 most = (unsigned __int128)a->high * b->high;
    if (!op->e->is_signed[op->id] && most <= width_mask(op->width) &&
        most <= (unsigned __int128)1 << 62)
        return product(op, op->operands);
    return find_box(op, box) ? product(op, box) : encode_opaque(op->e, op->id);
}

/* exact = by * quotient + remainder with 0 <= remainder < by: the floor. */
static void divide_floor(struct encoding *e, Z3_ast exact, __int128 by, Z3_ast *ret_quotient,
                         Z3_ast *ret_remainder)
{
    *ret_quotient = term_fresh(e, "quotient");
    *ret_remainder = term_fresh(e, "remainder");
    term_assert(e, NULL,
                term_eq(e, exact, term_add(e, term_scale(e, by, *ret_quotient), *ret_remainder)));
    term_assert(e, NULL,
                term_and(e, term_le(e, term_number(e, 0), *ret_remainder),
                         term_lt(e, *ret_remainder, term_number(e, by))));
}

/* Of numbers that are not negative (or unsigned). */
static Z3_ast divide_unsigned(struct op *op, bool want_remainder)
{
    struct encoding *e = op->e;
    Z3_ast a = operand(op, 0, false), quotient, remainder;
    uint64_t by;

    if (e->is_signed[op->id])
        return encode_opaque(e, op->id);
    if (constant(op, 1, &by) && by > 0) {
        divide_floor(e, a, by, &quotient, &remainder);
        return want_remainder ? remainder : quotient;
    }
    Z3_ast b = operand(op, 1, false), result = bounded(op, term_fresh(e, "divided"));
    term_assert(e, op->guard, term_le(e, result, a));
    if (want_remainder) {
        term_assert(e, op->guard,
                    term_implies(e, term_le(e, term_number(e, 1), b), term_lt(e, result, b)));
        term_assert(e, op->guard, term_implies(e, term_lt(e, a, b), term_eq(e, result, a)));
    } else {
        term_assert(e, op->guard,
                    term_implies(e, term_le(e, term_number(e, 2), b),
                                 term_le(e, term_scale(e, 2, result), a)));
        term_assert(e, op->guard,
                    term_implies(e, term_lt(e, a, b), term_eq(e, result, term_number(e, 0))));
        e->terms[op->id] = result;
        relate_quotient(e, op->id, op->guard);
    }
    return result;
}

static Z3_ast divide_signed(struct op *op, bool want_remainder)
{
    struct encoding *e = op->e;
    uint64_t bits;

    if (op->operands[0].signed_low >= 0 && op->operands[1].signed_low >= 0)
        return divide_unsigned(op, want_remainder);
    if (!constant(op, 1, &bits) || sign_extend(bits, op->width) <= 0)
        return encode_opaque(e, op->id);
    __int128 by = sign_extend(bits, op->width);
    Z3_ast a = operand(op, 0, true), quotient = term_fresh(e, "quotient"),
           remainder = term_fresh(e, "remainder");
    Z3_ast zero = term_number(e, 0);
    term_assert(e, NULL, term_eq(e, a, term_add(e, term_scale(e, by, quotient), remainder)));
    term_assert(e, NULL,
                term_implies(e, term_le(e, zero, a),
                             term_and(e, term_le(e, zero, remainder),
                                      term_lt(e, remainder, term_number(e, by)))));
    term_assert(e, NULL,
                term_implies(e, term_lt(e, a, zero),
                             term_and(e, term_le(e, remainder, zero),
                                      term_lt(e, term_number(e, -by), remainder))));
    /* Signed results: shown in the signed view. */
    Z3_ast result = want_remainder ? remainder : quotient;
    if (e->is_signed[op->id])
        return result;
    if (op->range.signed_low >= 0 && !op->range.empty)
        return bounded(op, result);
    return encode_opaque(e, op->id);
}

static Z3_ast mask(struct op *op)
{
    struct encoding *e = op->e;
    uint64_t bits;

    if (e->is_signed[op->id])
        return encode_opaque(e, op->id);
    for (unsigned i = 0; i < 2; i++) {
        if (!constant(op, i, &bits))
            continue;
        Z3_ast a = operand(op, 1 - i, false), quotient, remainder;
        if ((bits & (bits + 1)) == 0 && bits != UINT64_MAX) {
            divide_floor(e, a, (__int128)bits + 1, &quotient, &remainder);
            return remainder;
        }
        uint64_t low = ~bits & width_mask(op->width);
        if ((low & (low + 1)) == 0) {
            divide_floor(e, a, (__int128)low + 1, &quotient, &remainder);
            return term_sub(e, a, remainder);
        }
    }
    Z3_ast result = bounded(op, term_fresh(e, "and"));
    term_assert(e, op->guard, term_le(e, result, operand(op, 0, false)));
    term_assert(e, op->guard, term_le(e, result, operand(op, 1, false)));
    return result;
}

/* Is every bit of x that is set a multiple of 2^bits? */
static bool is_multiple(const struct encoding *e, vid x, unsigned bits, unsigned depth)
{
    const struct value *v = value_at(e->program, x);

    if (bits == 0)
        return true;
    if (depth > 6 || bits > 63)
        return false;
    if (v->op == OP_CONST)
        return (v->imm & (((uint64_t)1 << bits) - 1)) == 0;
    if (v->op == OP_SHL && value_is_const(e->program, v->operands[1]))
        return value_at(e->program, v->operands[1])->imm >= bits;
    if (v->op == OP_OR || v->op == OP_AND || v->op == OP_ADD) {
        bool a = is_multiple(e, v->operands[0], bits, depth + 1);
        bool b = is_multiple(e, v->operands[1], bits, depth + 1);
        return v->op == OP_AND ? a || b : a && b;
    }
    if (v->op == OP_ZEXT)
        return is_multiple(e, v->operands[0], bits, depth + 1);
    return false;
}

static Z3_ast combine_bits(struct op *op)
{
    struct encoding *e = op->e;
    uint64_t bits;

    if (op->value->op == OP_XOR)
        for (unsigned i = 0; i < 2; i++)
            if (constant(op, i, &bits) && bits == width_mask(op->width)) /* not: -1 - x */
                return wrap(op, term_sub(e, term_number(e, -1), operand(op, 1 - i, true)),
                            -1 - (__int128)op->operands[1 - i].signed_high,
                            -1 - (__int128)op->operands[1 - i].signed_low);
    if (e->is_signed[op->id])
        return encode_opaque(e, op->id);
    Z3_ast a = operand(op, 0, false), b = operand(op, 1, false);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t high = op->operands[1 - i].high;
        unsigned needed = high ? 64 - (unsigned)__builtin_clzll(high) : 0;
        if (is_multiple(e, op->value->operands[i], needed, 0))
            return wrap(op, term_add(e, a, b), 0,
                        (__int128)op->operands[0].high + op->operands[1].high);
    }
    Z3_ast result = bounded(op, term_fresh(e, "bits"));
    term_assert(e, op->guard, term_le(e, result, term_add(e, a, b)));
    if (op->value->op == OP_OR) {
        term_assert(e, op->guard, term_le(e, a, result));
        term_assert(e, op->guard, term_le(e, b, result));
    }
    return result;
}

static Z3_ast shift(struct op *op)
{
    struct encoding *e = op->e;
    Z3_ast quotient, remainder;
    uint64_t by;

    if (!constant(op, 1, &by) || by >= op->width) {
        if (op->value->op == OP_LSHR && !e->is_signed[op->id]) {
            Z3_ast result = bounded(op, term_fresh(e, "shifted"));
            term_assert(e, op->guard, term_le(e, result, operand(op, 0, false)));
            return result;
        }
        return encode_opaque(e, op->id);
    }
    if (op->value->op == OP_SHL)
        return scale(op, 0, (__int128)1 << by);
    if (op->value->op == OP_LSHR && e->is_signed[op->id])
        return encode_opaque(e, op->id);
    divide_floor(e, operand(op, 0, op->value->op == OP_ASHR), (__int128)1 << by, &quotient,
                 &remainder);
    if (op->value->op == OP_ASHR && !e->is_signed[op->id])
        return op->range.signed_low >= 0 && !op->range.empty ? bounded(op, quotient)
                                                             : encode_opaque(e, op->id);
    return quotient;
}

static Z3_ast extreme(struct op *op)
{
    struct encoding *e = op->e;
    bool by_sign = op->value->op == OP_SMIN || op->value->op == OP_SMAX;
    Z3_ast less = term_le(e, operand(op, 0, by_sign), operand(op, 1, by_sign));
    bool view = e->is_signed[op->id];
    Z3_ast a = operand(op, 0, view), b = operand(op, 1, view);

    if (op->value->op == OP_UMIN || op->value->op == OP_SMIN)
        return Z3_mk_ite(e->z3, less, a, b);
    return Z3_mk_ite(e->z3, less, b, a);
}

static Z3_ast truncate_to(struct op *op)
{
    struct encoding *e = op->e;
    vid from = op->value->operands[0];
    bool view = e->is_signed[from];
    __int128 low, high;

    if (value_at(e->program, from)->width == 1)
        return encode_opaque(e, op->id);
    interval(&op->operands[0], view, &low, &high);
    return wrap(op, operand(op, 0, view), low, high);
}

/* What a constant ends with is known: the zero of a text, above all. */
static Z3_ast load(struct op *op)
{
    struct encoding *e = op->e;
    vid pointer = op->value->operands[0];
    const struct pointees *to = &e->facts->pointees[pointer];
    Z3_ast result = bounded(op, term_fresh(e, "load"));
    unsigned bytes = op->width / 8u;

    for (uint32_t i = 0; i < to->count && to->count <= 64; i++) {
        const struct object *object = &e->program->objects[to->objects[i]];
        uint64_t bits = 0;
        if (!object->readonly || !object->bytes || object->cell_count > 0 || object->size < bytes)
            continue;
        memcpy(&bits, object->bytes + object->size - bytes, bytes);
        __int128 last =
            e->is_signed[op->id] ? (__int128)sign_extend(bits, op->width) : (__int128)bits;
        Z3_ast there = term_eq(e, encode_offset(e, pointer), term_number(e, object->size - bytes));
        there = term_and(e, there,
                         term_eq(e, encode_object(e, pointer), term_number(e, to->objects[i])));
        term_assert(e, term_and(e, op->guard, there), term_eq(e, result, term_number(e, last)));
    }
    e->terms[op->id] = result;
    /* Of memory that changes only with what arrays hold, or in texts: dear, too. */
    if (e->relates_loads && (e->contents || e->program->has_texts || op->value->count < 2 ||
                             value_is_const(e->program, op->value->operands[1])))
        relate_load(e, op->id, op->guard);
    if (e->contents)
        contents_of_load(e, op->id, op->guard);
    return result;
}

/* The difference of two addresses is that of their offsets, if they turn out to be of one object.
 */
static Z3_ast distance(struct op *op, vid a, vid b)
{
    struct encoding *e = op->e;
    Z3_ast result = bounded(op, term_fresh(e, "distance")), wraps = term_fresh(e, "wraps");
    Z3_ast object = encode_object(e, a);
    Z3_ast same = term_and(e, term_eq(e, object, encode_object(e, b)),
                           term_not(e, term_eq(e, object, term_number(e, 0))));
    Z3_ast offsets = term_sub(e, encode_offset(e, a), encode_offset(e, b));

    term_assert(e, term_and(e, op->guard, same),
                term_eq(e, offsets, term_add(e, result, term_scale(e, (__int128)1 << 64, wraps))));
    return result;
}

/* Zeros before or behind the first bit that is set: as many as bits only if none is. */
static Z3_ast count_zeros(struct op *op)
{
    struct encoding *e = op->e;
    Z3_ast result = bounded(op, term_fresh(e, "zeros")), zero = term_number(e, 0);

    if (!e->is_signed[op->id])
        term_assert(e, term_and(e, op->guard, term_not(e, term_eq(e, operand(op, 0, false), zero))),
                    term_le(e, result, term_number(e, op->width - 1)));
    return result;
}

static const struct value *address(const struct encoding *e, vid id)
{
    const struct value *value = value_at(e->program, id);

    return value->op == OP_PTRTOINT && value->sub == 0 && value->width == 64 ? value : NULL;
}

Z3_ast encode_operation(struct encoding *e, vid id)
{
    const struct value *value = value_at(e->program, id);
    struct op op = {
        .e = e, .id = id, .value = value, .width = value->width, .range = e->facts->ranges[id]};

    op.guard = encode_reached(e, value->block);
    /* A load's second operand is no number: it names a state of memory. */
    for (unsigned i = 0; i < value->count && i < (value->op == OP_LOAD ? 1u : 3u); i++) {
        op.operands[i] = facts_range(e->facts, value->operands[i], value->block);
        if (op.operands[i].empty) /* not reached: any number will do */
            return encode_opaque(e, id);
    }
    switch (value->op) {
    case OP_SUB:
        if (address(e, value->operands[0]) && address(e, value->operands[1]))
            return distance(&op, address(e, value->operands[0])->operands[0],
                            address(e, value->operands[1])->operands[0]);
        return add_or_subtract(&op);
    case OP_ADD:
        return add_or_subtract(&op);
    case OP_CTLZ:
    case OP_CTTZ:
        return count_zeros(&op);
    case OP_MUL:
        return multiply(&op);
    case OP_UDIV:
    case OP_UREM:
        return divide_unsigned(&op, value->op == OP_UREM);
    case OP_SDIV:
    case OP_SREM:
        return divide_signed(&op, value->op == OP_SREM);
    case OP_AND:
        return mask(&op);
    case OP_OR:
    case OP_XOR:
        return combine_bits(&op);
    case OP_SHL:
    case OP_LSHR:
    case OP_ASHR:
        return shift(&op);
    case OP_UMIN:
    case OP_UMAX:
    case OP_SMIN:
    case OP_SMAX:
        return extreme(&op);
    case OP_TRUNC:
        return truncate_to(&op);
    case OP_LOAD:
        return load(&op);
    default:
        return encode_opaque(e, id);
    }
}
