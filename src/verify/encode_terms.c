/* Terms of Z3, kept as long as the context (which keeps them by itself). */
#include "verify/encode.h"

Z3_ast term_number(struct encoding *e, __int128 number)
{
    char text[48];
    unsigned at = sizeof text;
    bool negative = number < 0;
    unsigned __int128 rest = negative ? -(unsigned __int128)number : (unsigned __int128)number;

    text[--at] = '\0';
    do {
        text[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    if (negative)
        text[--at] = '-';
    return Z3_mk_numeral(e->z3, text + at, e->integer);
}

Z3_ast term_fresh(struct encoding *e, const char *name)
{
    return Z3_mk_fresh_const(e->z3, name, e->integer);
}

Z3_ast term_fresh_bool(struct encoding *e)
{
    return Z3_mk_fresh_const(e->z3, "b", Z3_mk_bool_sort(e->z3));
}

Z3_ast term_add(struct encoding *e, Z3_ast a, Z3_ast b)
{
    return Z3_mk_add(e->z3, 2, (Z3_ast[]){a, b});
}

Z3_ast term_sub(struct encoding *e, Z3_ast a, Z3_ast b)
{
    return Z3_mk_sub(e->z3, 2, (Z3_ast[]){a, b});
}

Z3_ast term_scale(struct encoding *e, __int128 by, Z3_ast a)
{
    return by == 1 ? a : Z3_mk_mul(e->z3, 2, (Z3_ast[]){term_number(e, by), a});
}

Z3_ast term_and(struct encoding *e, Z3_ast a, Z3_ast b)
{
    return Z3_mk_and(e->z3, 2, (Z3_ast[]){a, b});
}

Z3_ast term_or(struct encoding *e, Z3_ast a, Z3_ast b)
{
    return Z3_mk_or(e->z3, 2, (Z3_ast[]){a, b});
}

Z3_ast term_not(struct encoding *e, Z3_ast a)
{
    return Z3_mk_not(e->z3, a);
}

Z3_ast term_le(struct encoding *e, Z3_ast a, Z3_ast b)
{
    return Z3_mk_le(e->z3, a, b);
}

Z3_ast term_lt(struct encoding *e, Z3_ast a, Z3_ast b)
{
    return Z3_mk_lt(e->z3, a, b);
}

Z3_ast term_eq(struct encoding *e, Z3_ast a, Z3_ast b)
{
    return Z3_mk_eq(e->z3, a, b);
}

Z3_ast term_implies(struct encoding *e, Z3_ast a, Z3_ast b)
{
    return Z3_mk_implies(e->z3, a, b);
}

void term_assert(struct encoding *e, Z3_ast guard, Z3_ast fact)
{
    Z3_solver_assert(e->z3, e->solver, guard ? term_implies(e, guard, fact) : fact);
}
