/* Intervals: every function gives an interval that holds all results, never fewer. */
#include "verify/range.h"

typedef unsigned __int128 u128;
typedef __int128 i128;

static int64_t signed_max(unsigned width)
{
    return (int64_t)(width_mask(width) >> 1);
}

static int64_t signed_min(unsigned width)
{
    return -signed_max(width) - 1;
}

struct range range_full(unsigned width)
{
    return (struct range){.high = width_mask(width),
                          .signed_low = signed_min(width),
                          .signed_high = signed_max(width)};
}

static const struct range EMPTY = {.empty = true};

/* Each view learns from the other. */
static struct range settle(struct range r, unsigned width)
{
    uint64_t most = (uint64_t)signed_max(width), mask = width_mask(width);

    for (unsigned round = 0; round < 2; round++) {
        if (r.low > r.high || r.signed_low > r.signed_high)
            return EMPTY;
        if (r.high <= most || r.low > most) {
            int64_t low = sign_extend(r.low, width), high = sign_extend(r.high, width);
            r.signed_low = r.signed_low > low ? r.signed_low : low;
            r.signed_high = r.signed_high < high ? r.signed_high : high;
        }
        if (r.signed_low > r.signed_high)
            return EMPTY;
        if (r.signed_low >= 0 || r.signed_high < 0) {
            uint64_t low = (uint64_t)r.signed_low & mask, high = (uint64_t)r.signed_high & mask;
            r.low = r.low > low ? r.low : low;
            r.high = r.high < high ? r.high : high;
        }
    }
    return r.low > r.high ? EMPTY : r;
}

struct range range_of(uint64_t value, unsigned width)
{
    int64_t extended = sign_extend(value, width);

    return (struct range){value, value, extended, extended, false};
}

struct range range_unsigned(u128 low, u128 high, unsigned width)
{
    struct range r = range_full(width);

    if (high <= width_mask(width)) {
        r.low = (uint64_t)low;
        r.high = (uint64_t)high;
    }
    return settle(r, width);
}

struct range range_signed(i128 low, i128 high, unsigned width)
{
    struct range r = range_full(width);

    if (low >= signed_min(width) && high <= signed_max(width)) {
        r.signed_low = (int64_t)low;
        r.signed_high = (int64_t)high;
    }
    return settle(r, width);
}

struct range range_meet(struct range a, struct range b, unsigned width)
{
    if (a.empty || b.empty)
        return EMPTY;
    a.low = a.low > b.low ? a.low : b.low;
    a.high = a.high < b.high ? a.high : b.high;
    a.signed_low = a.signed_low > b.signed_low ? a.signed_low : b.signed_low;
    a.signed_high = a.signed_high < b.signed_high ? a.signed_high : b.signed_high;
    return settle(a, width);
}

struct range range_join(struct range a, struct range b)
{
    if (a.empty)
        return b;
    if (b.empty)
        return a;
    a.low = a.low < b.low ? a.low : b.low;
    a.high = a.high > b.high ? a.high : b.high;
    a.signed_low = a.signed_low < b.signed_low ? a.signed_low : b.signed_low;
    a.signed_high = a.signed_high > b.signed_high ? a.signed_high : b.signed_high;
    return a;
}

bool range_equal(const struct range *a, const struct range *b)
{
    if (a->empty || b->empty)
        return a->empty == b->empty;
    return a->low == b->low && a->high == b->high && a->signed_low == b->signed_low &&
           a->signed_high == b->signed_high;
}

bool range_within(const struct range *a, const struct range *b)
{
    if (a->empty || b->empty)
        return a->empty;
    return a->low >= b->low && a->high <= b->high && a->signed_low >= b->signed_low &&
           a->signed_high <= b->signed_high;
}

/* The least and the greatest of four, as the corners of a product or quotient are. */
static struct range corners(const i128 c[4], unsigned width)
{
    i128 low = c[0], high = c[0];

    for (unsigned i = 1; i < 4; i++) {
        low = c[i] < low ? c[i] : low;
        high = c[i] > high ? c[i] : high;
    }
    return range_signed(low, high, width);
}

static struct range multiply(struct range a, struct range b, unsigned width)
{
    i128 c[4] = {(i128)a.signed_low * b.signed_low, (i128)a.signed_low * b.signed_high,
                 (i128)a.signed_high * b.signed_low, (i128)a.signed_high * b.signed_high};

    return range_meet(range_unsigned((u128)a.low * b.low, (u128)a.high * b.high, width),
                      corners(c, width), width);
}

static struct range divide_signed(struct range a, struct range b, unsigned width)
{
    /* Divisors next to zero give the extremes; zero itself is an obligation. */
    int64_t divisors[4], count = 0;
    struct range result = EMPTY;

    if (b.signed_low > 0 || b.signed_high < 0) {
        divisors[count++] = b.signed_low;
        divisors[count++] = b.signed_high;
    } else {
        if (b.signed_low < 0) {
            divisors[count++] = b.signed_low;
            divisors[count++] = -1;
        }
        if (b.signed_high > 0) {
            divisors[count++] = 1;
            divisors[count++] = b.signed_high;
        }
    }
    for (int64_t i = 0; i < count; i++)
        for (unsigned k = 0; k < 2; k++) {
            i128 quotient = (i128)(k ? a.signed_high : a.signed_low) / divisors[i];
            if (quotient > signed_max(width))
                return range_full(width);
            result = range_join(result, range_signed(quotient, quotient, width));
        }
    if (result.empty)
        return range_full(width);
    return range_signed(result.signed_low, result.signed_high, width);
}

static struct range remainder_signed(struct range a, struct range b, unsigned width)
{
    i128 low = b.signed_low < 0 ? -(i128)b.signed_low : b.signed_low;
    i128 high = b.signed_high < 0 ? -(i128)b.signed_high : b.signed_high;
    i128 most = (low > high ? low : high) - 1;

    if (most < 0)
        return range_full(width); /* the divisor is zero: an obligation fails */
    i128 least = -most;
    if (a.signed_low >= 0)
        least = 0;
    else if (a.signed_low > least)
        least = a.signed_low;
    if (a.signed_high <= 0)
        most = 0;
    else if (a.signed_high < most)
        most = a.signed_high;
    return range_signed(least, most, width);
}

/* All bits below the highest one set. */
static uint64_t fill(uint64_t bits)
{
    return bits ? UINT64_MAX >> __builtin_clzll(bits) : 0;
}

/* Bits up to the highest one set. */
static unsigned bit_length(uint64_t bits)
{
    return bits ? 64 - (unsigned)__builtin_clzll(bits) : 0;
}

/* The bits above those in which either may vary are the same in every result. */
static struct range common_prefix(enum operation op, struct range a, struct range b, unsigned width)
{
    uint64_t varies = fill((a.low ^ a.high) | (b.low ^ b.high));
    uint64_t prefix = op == OP_AND ? a.low & b.low : op == OP_OR ? a.low | b.low : a.low ^ b.low;

    return range_unsigned(prefix & ~varies, prefix | varies, width);
}

static struct range bitwise_bounds(enum operation op, struct range a, struct range b,
                                   unsigned width)
{
    if (op == OP_AND) {
        struct range r = range_unsigned(0, a.high < b.high ? a.high : b.high, width);
        if (a.signed_high < 0 && b.signed_high < 0)
            r = range_meet(r, range_signed(signed_min(width), -1, width), width);
        return r;
    }
    uint64_t low = op == OP_OR ? (a.low > b.low ? a.low : b.low) : 0;
    struct range r = range_unsigned(low, fill(a.high | b.high), width);
    if (op == OP_OR && (a.signed_high < 0 || b.signed_high < 0))
        r = range_meet(r, range_signed(signed_min(width), -1, width), width);
    return r;
}

static struct range bitwise(enum operation op, struct range a, struct range b, unsigned width)
{
    return range_meet(bitwise_bounds(op, a, b, width), common_prefix(op, a, b, width), width);
}

static struct range shift(enum operation op, struct range a, struct range b, unsigned width)
{
    uint64_t least = b.low < width ? b.low : width - 1, most = b.high < width ? b.high : width - 1;

    if (op == OP_SHL) {
        i128 small = (i128)1 << least, large = (i128)1 << most;
        i128 c[4] = {a.signed_low * small, a.signed_low * large, a.signed_high * small,
                     a.signed_high * large};
        return range_meet(range_unsigned((u128)a.low << least, (u128)a.high << most, width),
                          corners(c, width), width);
    }
    if (op == OP_LSHR)
        return range_unsigned(a.low >> most, a.high >> least, width);
    i128 c[4] = {a.signed_low >> least, a.signed_low >> most, a.signed_high >> least,
                 a.signed_high >> most};
    return corners(c, width);
}

static struct range add(struct range a, struct range b, unsigned width)
{
    return range_meet(
        range_unsigned((u128)a.low + b.low, (u128)a.high + b.high, width),
        range_signed((i128)a.signed_low + b.signed_low, (i128)a.signed_high + b.signed_high, width),
        width);
}

static struct range subtract(struct range a, struct range b, unsigned width)
{
    struct range r =
        range_signed((i128)a.signed_low - b.signed_high, (i128)a.signed_high - b.signed_low, width);

    if (a.low >= b.high)
        r = range_meet(r, range_unsigned(a.low - b.high, a.high - b.low, width), width);
    return r;
}

static struct range extreme(enum operation op, struct range a, struct range b, unsigned width)
{
#define LESS(x, y) ((x) < (y) ? (x) : (y))
#define MORE(x, y) ((x) > (y) ? (x) : (y))
    switch (op) {
    case OP_UMIN:
        return range_unsigned(LESS(a.low, b.low), LESS(a.high, b.high), width);
    case OP_UMAX:
        return range_unsigned(MORE(a.low, b.low), MORE(a.high, b.high), width);
    case OP_SMIN:
        return range_signed(LESS(a.signed_low, b.signed_low), LESS(a.signed_high, b.signed_high),
                            width);
    default:
        return range_signed(MORE(a.signed_low, b.signed_low), MORE(a.signed_high, b.signed_high),
                            width);
    }
#undef LESS
#undef MORE
}

static struct range compare(enum predicate predicate, struct range a, struct range b,
                            unsigned width)
{
    if (range_refine(a, predicate, b, width).empty)
        return range_of(0, 1);
    if (range_refine(a, predicate_negate(predicate), b, width).empty)
        return range_of(1, 1);
    return range_full(1);
}

/* Of two single numbers: what they give. */
static bool single(enum operation op, unsigned width, const struct range *operands,
                   struct range *ret)
{
    uint64_t bits[2] = {operands[0].low, operands[1].low}, result;

    if (op < OP_ADD || op > OP_SMAX || operands[0].low != operands[0].high ||
        operands[1].low != operands[1].high ||
        !operation_evaluate(op, 0, width, width, bits, &result))
        return false;
    *ret = range_of(result, width);
    return true;
}

struct range range_operation(enum operation op, unsigned sub, unsigned width,
                             unsigned operand_width, const struct range *operands)
{
    struct range a = operands[0], b = operands[1], exact;

    if (single(op, width, operands, &exact))
        return exact;
    switch (op) {
    case OP_ADD:
        return add(a, b, width);
    case OP_SUB:
        return subtract(a, b, width);
    case OP_MUL:
        return multiply(a, b, width);
    case OP_UDIV:
        if (b.high == 0)
            return range_full(width);
        return range_unsigned(a.low / b.high, a.high / (b.low ? b.low : 1), width);
    case OP_UREM:
        if (b.high == 0)
            return range_full(width);
        if (a.high < b.low)
            return a;
        return range_unsigned(0, a.high < b.high - 1 ? a.high : b.high - 1, width);
    case OP_SDIV:
        return divide_signed(a, b, width);
    case OP_SREM:
        return remainder_signed(a, b, width);
    case OP_SHL:
    case OP_LSHR:
    case OP_ASHR:
        return shift(op, a, b, width);
    case OP_AND:
    case OP_OR:
    case OP_XOR:
        return bitwise(op, a, b, width);
    case OP_UMIN:
    case OP_UMAX:
    case OP_SMIN:
    case OP_SMAX:
        return extreme(op, a, b, width);
    case OP_CTPOP:
        return range_unsigned(a.low > 0, bit_length(a.high), width);
    case OP_CTLZ:
        return range_unsigned(width - bit_length(a.high), width - bit_length(a.low), width);
    case OP_CTTZ:
        return range_unsigned(0, a.low > 0 ? bit_length(a.high) - 1 : width, width);
    case OP_ICMP:
        return compare((enum predicate)sub, a, b, operand_width);
    case OP_SELECT:
        if (a.low == a.high)
            return a.low ? b : operands[2];
        return range_join(b, operands[2]);
    case OP_ZEXT:
        return range_unsigned(a.low, a.high, width);
    case OP_SEXT:
        return range_signed(a.signed_low, a.signed_high, width);
    case OP_TRUNC:
        return range_meet(range_unsigned(a.low, a.high, width),
                          range_signed(a.signed_low, a.signed_high, width), width);
    default:
        return range_full(width);
    }
}

struct range range_refine(struct range a, enum predicate predicate, struct range b, unsigned width)
{
    if (a.empty || b.empty)
        return EMPTY;
    switch (predicate) {
    case ICMP_EQ:
        return range_meet(a, b, width);
    case ICMP_NE:
        if (b.low != b.high)
            return a;
        if (a.low == b.low && a.high == b.low)
            return EMPTY;
        a.low += a.low == b.low;
        a.high -= a.high == b.low;
        if (a.signed_low == b.signed_low)
            a.signed_low++;
        if (a.signed_high == b.signed_low)
            a.signed_high--;
        return settle(a, width);
    case ICMP_UGT:
        if (b.low == width_mask(width))
            return EMPTY;
        a.low = a.low > b.low ? a.low : b.low + 1;
        return settle(a, width);
    case ICMP_UGE:
        a.low = a.low > b.low ? a.low : b.low;
        return settle(a, width);
    case ICMP_ULT:
        if (b.high == 0)
            return EMPTY;
        a.high = a.high < b.high ? a.high : b.high - 1;
        return settle(a, width);
    case ICMP_ULE:
        a.high = a.high < b.high ? a.high : b.high;
        return settle(a, width);
    case ICMP_SGT:
        if (b.signed_low == signed_max(width))
            return EMPTY;
        a.signed_low = a.signed_low > b.signed_low ? a.signed_low : b.signed_low + 1;
        return settle(a, width);
    case ICMP_SGE:
        a.signed_low = a.signed_low > b.signed_low ? a.signed_low : b.signed_low;
        return settle(a, width);
    case ICMP_SLT:
        if (b.signed_high == signed_min(width))
            return EMPTY;
        a.signed_high = a.signed_high < b.signed_high ? a.signed_high : b.signed_high - 1;
        return settle(a, width);
    case ICMP_SLE:
        a.signed_high = a.signed_high < b.signed_high ? a.signed_high : b.signed_high;
        return settle(a, width);
    }
    return a;
}
