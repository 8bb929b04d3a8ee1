/* Floats as the machine has them: each operation rounds once, to its own width. */
#include <math.h>
#include <string.h>

#include "verify/interpret_internal.h"

double float_number(const struct value *value, uint64_t bits)
{
    float single;
    double number;

    if (value->width == 32) {
        uint32_t half = (uint32_t)bits;
        memcpy(&single, &half, sizeof single);
        return single;
    }
    memcpy(&number, &bits, sizeof number);
    return number;
}

static uint64_t bits_of_float(float number)
{
    uint32_t bits;

    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static uint64_t bits_of_double(double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* Of one operation of floats the exact result fits a double well enough that rounding it again
 * gives what rounding once does (Figueroa, When is double rounding innocuous?, 1995). */
static uint64_t as_bits(unsigned width, double number)
{
    return width == 32 ? bits_of_float((float)number) : bits_of_double(number);
}

static double result_of(unsigned sub, double a, double b)
{
    switch (sub) {
    case FLOAT_ADD:
        return a + b;
    case FLOAT_SUB:
        return a - b;
    case FLOAT_MUL:
        return a * b;
    case FLOAT_DIV:
        return a / b;
    case FLOAT_REM:
        return fmod(a, b);
    case FLOAT_NEG:
        return -a;
    case FLOAT_ABS:
        return fabs(a);
    case FLOAT_SQRT:
        return sqrt(a);
    case FLOAT_FLOOR:
        return floor(a);
    case FLOAT_CEIL:
        return ceil(a);
    case FLOAT_TRUNC:
        return trunc(a);
    case FLOAT_ROUND:
        return round(a);
    case FLOAT_MIN:
        return fmin(a, b);
    case FLOAT_MAX:
        return fmax(a, b);
    case FLOAT_EXP:
        return exp(a);
    default:
        return 0;
    }
}

/* What the library may answer one way or another: its functions, and which of two zeros or what of
 * a NaN fmin() and fmax() give. */
static bool is_open(unsigned sub, double a, double b)
{
    return sub >= FLOAT_OTHER ||
           ((sub == FLOAT_MIN || sub == FLOAT_MAX) && (isnan(a) || isnan(b) || (a == 0 && b == 0)));
}

static bool compare(unsigned sub, double a, double b)
{
    unsigned outcome = isnan(a) || isnan(b) ? 8u : a == b ? 1u : a > b ? 2u : 4u;

    return sub & outcome;
}

static uint64_t from_integer(const struct value *value, uint64_t bits, unsigned from_width)
{
    int64_t number = sign_extend(bits, from_width);

    if (value->width == 32)
        return bits_of_float(value->op == OP_SITOFP ? (float)number : (float)bits);
    return bits_of_double(value->op == OP_SITOFP ? (double)number : (double)bits);
}

static bool to_integer(struct interpreter *i, vid id, const struct value *value, double number)
{
    bool is_signed = value->op == OP_FPTOSI;
    struct cell *to = &i->cells[id];
    double most = ldexp(1.0, is_signed ? value->width - 1 : value->width), whole = trunc(number);

    if (to->unknown && i->settled && i->settled[id])
        return true;
    if (to->unknown && !interpreter_guess(i))
        return false;
    if (isnan(number) || whole >= most || whole < (is_signed ? -most : 0.0))
        return interpreter_fail(i, PLACE_CONVERSION, id, value->place);
    to->bits = (is_signed ? (uint64_t)(int64_t)whole : (uint64_t)whole) & width_mask(value->width);
    return true;
}

bool interpreter_float(struct interpreter *i, vid id, const struct value *value)
{
    const struct value *first = value_at(i->program, value->operands[0]);
    const struct cell *operand = &i->cells[value->operands[0]];
    struct cell *to = &i->cells[id];
    bool unknown = operand->unknown;
    double a = first->kind == KIND_FLOAT ? float_number(first, operand->bits) : 0, b = 0;

    if (value->count > 1) {
        const struct cell *second = &i->cells[value->operands[1]];
        b = float_number(value_at(i->program, value->operands[1]), second->bits);
        unknown = unknown || second->unknown;
    }
    *to = (struct cell){.unknown = unknown};
    switch (value->op) {
    case OP_FBINARY:
    case OP_FUNARY:
        to->bits = as_bits(value->width, result_of(value->sub, a, b));
        to->unknown = unknown || is_open(value->sub, a, b);
        return true;
    case OP_FCMP:
        to->bits = compare(value->sub, a, b);
        return true;
    case OP_FCONVERT:
        to->bits = as_bits(value->width, a);
        return true;
    case OP_SITOFP:
    case OP_UITOFP:
        to->bits = from_integer(value, operand->bits, first->width);
        return true;
    default:
        return to_integer(i, id, value, a);
    }
}
