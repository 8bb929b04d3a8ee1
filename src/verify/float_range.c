/* Intervals of floats. Every bound is moved outward by a step, which covers any rounding. */
#include <math.h>
#include <string.h>

#include "verify/range.h"

struct float_range float_full(void)
{
    return (struct float_range){-INFINITY, INFINITY, true, false};
}

struct float_range float_of(uint64_t bits, unsigned width)
{
    double number;
    float single;

    if (width == 32) {
        uint32_t half = (uint32_t)bits;
        memcpy(&single, &half, sizeof single);
        number = single;
    } else {
        memcpy(&number, &bits, sizeof number);
    }
    if (isnan(number))
        return (struct float_range){0, 0, true, false};
    return (struct float_range){number, number, false, false};
}

struct float_range float_join(struct float_range a, struct float_range b)
{
    if (a.empty)
        return b;
    if (b.empty)
        return a;
    return (struct float_range){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high,
                                a.nan || b.nan, false};
}

/* Outward by a step of the result's width; a float's steps are wider than a double's. */
static struct float_range outward(double low, double high, bool nan, unsigned width)
{
    if (isnan(low) || isnan(high))
        return float_full();
    if (width == 32) {
        low = (double)nextafterf((float)low, -INFINITY);
        high = (double)nextafterf((float)high, INFINITY);
        low = (double)nextafterf((float)low, -INFINITY);
        high = (double)nextafterf((float)high, INFINITY);
    } else {
        low = nextafter(low, -INFINITY);
        high = nextafter(high, INFINITY);
    }
    return (struct float_range){low, high, nan, false};
}

static struct float_range corners(const double c[4], bool nan, unsigned width)
{
    double low = c[0], high = c[0];

    for (unsigned i = 0; i < 4; i++) {
        if (isnan(c[i]))
            return float_full();
        low = c[i] < low ? c[i] : low;
        high = c[i] > high ? c[i] : high;
    }
    return outward(low, high, nan, width);
}

/* What the library answers, which is off by less than a part in a thousand, whoever wrote it. */
static struct float_range library(unsigned sub, unsigned width, struct float_range a)
{
    bool nan = a.nan || isinf(a.low) || isinf(a.high);

    switch (sub) {
    case FLOAT_UNIT:
        return (struct float_range){-1.001, 1.001, nan, false};
    case FLOAT_ANGLE:
        return (struct float_range){-3.15, 3.15, true, false};
    case FLOAT_EXP: { /* it grows; the steps of the smallest numbers are larger than a part of them
                       */
        double low = exp(a.low) * 0.999;
        /* (What no float holds is infinite.) */
        struct float_range r = outward(low, exp(a.high) * 1.001 + 1e-37, a.nan, width);
        r.low = low < 1e-37 ? 0 : r.low;
        return r;
    }
    default:
        return float_full();
    }
}

static struct float_range binary(unsigned sub, unsigned width, struct float_range a,
                                 struct float_range b)
{
    bool nan = a.nan || b.nan;
    bool infinite = isinf(a.low) || isinf(a.high) || isinf(b.low) || isinf(b.high);

    switch (sub) {
    case FLOAT_ADD:
        return infinite ? float_full() : outward(a.low + b.low, a.high + b.high, nan, width);
    case FLOAT_SUB:
        return infinite ? float_full() : outward(a.low - b.high, a.high - b.low, nan, width);
    case FLOAT_MUL:
        if (infinite)
            return float_full();
        return corners((double[]){a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high},
                       nan, width);
    case FLOAT_DIV:
        if (infinite || (b.low <= 0 && b.high >= 0))
            return float_full();
        return corners((double[]){a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high},
                       nan, width);
    case FLOAT_MIN: /* of a number and none: the number */
        if (nan)
            return float_join(a, b);
        return (struct float_range){fmin(a.low, b.low), fmin(a.high, b.high), false, false};
    case FLOAT_MAX:
        if (nan)
            return float_join(a, b);
        return (struct float_range){fmax(a.low, b.low), fmax(a.high, b.high), false, false};
    default:
        return library(sub, width, float_join(a, b));
    }
}

struct float_range float_square(struct float_range a, unsigned width)
{
    struct float_range result = binary(FLOAT_MUL, width, a, a);

    if (!a.empty && result.low < 0)
        result.low = 0;
    return a.empty ? a : result;
}

static struct float_range unary(unsigned sub, unsigned width, struct float_range a)
{
    switch (sub) {
    case FLOAT_NEG:
        return (struct float_range){-a.high, -a.low, a.nan, false};
    case FLOAT_ABS: {
        double high = fabs(a.low) > fabs(a.high) ? fabs(a.low) : fabs(a.high);
        double low = a.low > 0 ? a.low : a.high < 0 ? -a.high : 0;
        return (struct float_range){low, high, a.nan, false};
    }
    case FLOAT_SQRT:
        if (a.low < 0)
            return float_full();
        return outward(sqrt(a.low), sqrt(a.high), a.nan, width);
    case FLOAT_FLOOR:
        return (struct float_range){floor(a.low), floor(a.high), a.nan, false};
    case FLOAT_CEIL:
        return (struct float_range){ceil(a.low), ceil(a.high), a.nan, false};
    case FLOAT_TRUNC:
        return (struct float_range){trunc(a.low), trunc(a.high), a.nan, false};
    case FLOAT_ROUND:
        return (struct float_range){round(a.low), round(a.high), a.nan, false};
    default:
        return library(sub, width, a);
    }
}

struct float_range float_operation(enum operation op, unsigned sub, unsigned width,
                                   struct float_range a, struct float_range b)
{
    if (a.empty || (op == OP_FBINARY && b.empty))
        return (struct float_range){.empty = true};
    if (op == OP_FBINARY)
        return binary(sub, width, a, b);
    if (op == OP_FUNARY)
        return unary(sub, width, a);
    if (op == OP_FCONVERT)
        return outward(a.low, a.high, a.nan, width);
    return float_full();
}

struct float_range float_from_range(bool is_signed, struct range range, unsigned width)
{
    if (range.empty)
        return (struct float_range){.empty = true};
    return is_signed ? outward((double)range.signed_low, (double)range.signed_high, false, width)
                     : outward((double)range.low, (double)range.high, false, width);
}
