/* What each integer operation gives: the one definition that all parts are measured by. */
#include "verify/program.h"

bool predicate_holds(enum predicate predicate, uint64_t a, uint64_t b, unsigned width)
{
    int64_t signed_a = sign_extend(a, width), signed_b = sign_extend(b, width);

    switch (predicate) {
    case ICMP_EQ:
        return a == b;
    case ICMP_NE:
        return a != b;
    case ICMP_UGT:
        return a > b;
    case ICMP_UGE:
        return a >= b;
    case ICMP_ULT:
        return a < b;
    case ICMP_ULE:
        return a <= b;
    case ICMP_SGT:
        return signed_a > signed_b;
    case ICMP_SGE:
        return signed_a >= signed_b;
    case ICMP_SLT:
        return signed_a < signed_b;
    case ICMP_SLE:
        return signed_a <= signed_b;
    }
    return false;
}

static bool divide(enum operation op, unsigned width, uint64_t a, uint64_t b, uint64_t *ret)
{
    int64_t signed_a = sign_extend(a, width), signed_b = sign_extend(b, width);

    if (b == 0)
        return false;
    if (op == OP_UDIV || op == OP_UREM) {
        *ret = op == OP_UDIV ? a / b : a % b;
        return true;
    }
    /* The smallest number by -1 does not fit. */
    if (signed_b == -1) {
        if (a == UINT64_C(1) << (width - 1))
            return false;
        *ret = op == OP_SDIV ? (uint64_t)-signed_a : 0;
        return true;
    }
    *ret = (uint64_t)(op == OP_SDIV ? signed_a / signed_b : signed_a % signed_b);
    return true;
}

static bool shift(enum operation op, unsigned width, uint64_t a, uint64_t by, uint64_t *ret)
{
    if (by >= width)
        return false;
    if (op == OP_SHL)
        *ret = a << by;
    else if (op == OP_LSHR)
        *ret = a >> by;
    else
        *ret = (uint64_t)(sign_extend(a, width) >> by);
    return true;
}

static uint64_t count_bits(enum operation op, unsigned width, uint64_t a)
{
    switch (op) {
    case OP_CTPOP:
        return (uint64_t)__builtin_popcountll(a);
    case OP_CTLZ:
        return a ? (uint64_t)__builtin_clzll(a) - (64 - width) : width;
    case OP_CTTZ:
        return a ? (uint64_t)__builtin_ctzll(a) : width;
    default:
        return __builtin_bswap64(a) >> (64 - width);
    }
}

static uint64_t select_of(enum operation op, unsigned width, uint64_t a, uint64_t b)
{
    static const enum predicate takes_first[] = {ICMP_ULT, ICMP_UGT, ICMP_SLT, ICMP_SGT};

    return predicate_holds(takes_first[op - OP_UMIN], a, b, width) ? a : b;
}

bool operation_evaluate(enum operation op, unsigned sub, unsigned width, unsigned operand_width,
                        const uint64_t *operands, uint64_t *ret_value)
{
    uint64_t a = operands[0], result;

    switch (op) {
    case OP_ADD:
        result = a + operands[1];
        break;
    case OP_SUB:
        result = a - operands[1];
        break;
    case OP_MUL:
        result = a * operands[1];
        break;
    case OP_UDIV:
    case OP_SDIV:
    case OP_UREM:
    case OP_SREM:
        if (!divide(op, width, a, operands[1], &result))
            return false;
        break;
    case OP_SHL:
    case OP_LSHR:
    case OP_ASHR:
        if (!shift(op, width, a, operands[1], &result))
            return false;
        break;
    case OP_AND:
        result = a & operands[1];
        break;
    case OP_OR:
        result = a | operands[1];
        break;
    case OP_XOR:
        result = a ^ operands[1];
        break;
    case OP_UMIN:
    case OP_UMAX:
    case OP_SMIN:
    case OP_SMAX:
        result = select_of(op, width, a, operands[1]);
        break;
    case OP_CTPOP:
    case OP_CTLZ:
    case OP_CTTZ:
    case OP_BSWAP:
        result = count_bits(op, width, a);
        break;
    case OP_ICMP:
        result = predicate_holds((enum predicate)sub, a, operands[1], operand_width);
        break;
    case OP_SELECT:
        result = a ? operands[1] : operands[2];
        break;
    case OP_ZEXT:
    case OP_TRUNC:
        result = a;
        break;
    case OP_SEXT:
        result = (uint64_t)sign_extend(a, operand_width);
        break;
    default:
        return false;
    }
    *ret_value = result & width_mask(width);
    return true;
}

enum predicate predicate_negate(enum predicate predicate)
{
    static const uint8_t negated[] = {ICMP_NE,  ICMP_EQ,  ICMP_ULE, ICMP_ULT, ICMP_UGE,
                                      ICMP_UGT, ICMP_SLE, ICMP_SLT, ICMP_SGE, ICMP_SGT};

    return (enum predicate)negated[predicate];
}

enum predicate predicate_swap(enum predicate predicate)
{
    static const uint8_t swapped[] = {ICMP_EQ,  ICMP_NE,  ICMP_ULT, ICMP_ULE, ICMP_UGT,
                                      ICMP_UGE, ICMP_SLT, ICMP_SLE, ICMP_SGT, ICMP_SGE};

    return (enum predicate)swapped[predicate];
}
