/* Intervals of machine integers, seen unsigned and signed at once, and of floats. */
#pragma once

#include "verify/program.h"

struct range {
    uint64_t low, high; /* unsigned */
    int64_t signed_low, signed_high;
    bool empty; /* no value: not reached (yet) */
};

struct float_range {
    double low, high; /* of what is a number */
    bool nan;         /* may be none */
    bool empty;
};

struct range range_full(unsigned width);
struct range range_of(uint64_t value, unsigned width);
struct range range_unsigned(unsigned __int128 low, unsigned __int128 high, unsigned width);
struct range range_signed(__int128 low, __int128 high, unsigned width);
struct range range_meet(struct range a, struct range b, unsigned width);
struct range range_join(struct range a, struct range b);
bool range_equal(const struct range *a, const struct range *b);
bool range_within(const struct range *a, const struct range *b);
/* What an operation gives for operands in these intervals, its own obligations taken as met. */
struct range range_operation(enum operation op, unsigned sub, unsigned width,
                             unsigned operand_width, const struct range *operands);
/* `a` as far as `a predicate b` can hold. */
struct range range_refine(struct range a, enum predicate predicate, struct range b, unsigned width);

struct float_range float_full(void);
struct float_range float_of(uint64_t bits, unsigned width);
struct float_range float_join(struct float_range a, struct float_range b);
struct float_range float_operation(enum operation op, unsigned sub, unsigned width,
                                   struct float_range a, struct float_range b);
/* Of one number with itself. */
struct float_range float_square(struct float_range a, unsigned width);
struct float_range float_from_range(bool is_signed, struct range range, unsigned width);
