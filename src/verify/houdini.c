/*
 * Which guesses hold (Flanagan and Leino, Houdini, 2001): all of them are assumed where a header is
 * reached; what some way to a header breaks is dropped, until nothing breaks. Nests of loops in
 * order, so that a later one builds on what is known. An edge's own violation is never behind the
 * condition that its header is reached: assumptions at a header say nothing of the way to it.
 */
#include "verify/prove.h"

static Z3_ast holds(struct encoding *e, const struct invariant *i, Z3_ast sum)
{
    Z3_ast zero = term_number(e, 0);

    if (i->modulus)
        sum = Z3_mk_mod(e->z3, sum, term_number(e, i->modulus));
    return i->equal ? term_eq(e, sum, zero) : term_le(e, zero, sum);
}

static const struct affine ROUNDS = {.terms = {{.value = 0, .factor = 1}}, .count = 1};

Z3_ast invariant_now(struct encoding *e, const struct invariant *i)
{
    Z3_ast good = holds(e, i, affine_now(e, &i->form, i->header));

    if (!i->later)
        return good;
    Z3_ast rounds = affine_now(e, &ROUNDS, i->header);
    return term_or(e, term_eq(e, rounds, term_number(e, 0)), good);
}

Z3_ast invariant_next(struct encoding *e, const struct invariant *i, uint32_t edge)
{
    Z3_ast good = holds(e, i, affine_next(e, &i->form, i->header, edge));

    if (!i->later)
        return good;
    Z3_ast rounds = affine_next(e, &ROUNDS, i->header, edge);
    return term_or(e, term_eq(e, rounds, term_number(e, 0)), good);
}

static void define(struct proof *proof, struct invariant *i)
{
    struct encoding *e = proof->encoding;
    const struct block *block = &e->program->blocks[i->header];
    Z3_ast violated = Z3_mk_false(e->z3);

    i->literal = term_fresh_bool(e);
    i->now = invariant_now(e, i);
    term_assert(e, term_and(e, i->literal, encode_reached(e, i->header)), i->now);
    for (uint32_t k = 0; k < block->predecessor_count; k++) {
        Z3_ast next = invariant_next(e, i, k);
        violated =
            term_or(e, violated, term_and(e, encode_at_edge(e, i->header, k), term_not(e, next)));
    }
    i->violated = term_fresh_bool(e);
    term_assert(e, NULL, term_eq(e, i->violated, violated));
}

static bool is_true(struct encoding *e, Z3_model model, Z3_ast term)
{
    Z3_ast value;

    return Z3_model_eval(e->z3, model, term, true, &value) &&
           Z3_get_bool_value(e->z3, value) == Z3_L_TRUE;
}

/* Guesses with many terms go first when a query is too hard. */
static bool drop_hardest(struct invariant **group, uint32_t count)
{
    uint8_t most = 0;
    bool any = false;

    for (uint32_t i = 0; i < count; i++)
        if (group[i]->alive && group[i]->form.count > most)
            most = group[i]->form.count;
    for (uint32_t i = 0; i < count; i++)
        if (group[i]->alive && group[i]->form.count == most) {
            group[i]->alive = false;
            any = true;
        }
    return any;
}

static void settle_group(struct proof *proof, struct invariant **group, uint32_t count)
{
    struct encoding *e = proof->encoding;
    Z3_ast *assumptions = program_alloc(e->program, count + 1, sizeof *assumptions);
    Z3_ast *breaks = program_alloc(e->program, count + 1, sizeof *breaks);

    for (uint32_t i = 0; i < count; i++) {
        define(proof, group[i]);
        breaks[i] = term_and(e, group[i]->literal, group[i]->violated);
    }
    Z3_ast any = term_fresh_bool(e);
    term_assert(e, any, Z3_mk_or(e->z3, count, breaks));
    for (;;) {
        bool alive = false;
        for (uint32_t i = 0; i < count; i++) {
            assumptions[i] = group[i]->alive ? group[i]->literal : term_not(e, group[i]->literal);
            alive = alive || group[i]->alive;
        }
        assumptions[count] = any;
        if (!alive)
            break;
        Z3_lbool result = proof_check(proof, count + 1, assumptions);
        if (result == Z3_L_FALSE)
            break;
        bool changed = false;
        if (result == Z3_L_TRUE) {
            Z3_model model = Z3_solver_get_model(e->z3, e->solver);
            Z3_model_inc_ref(e->z3, model);
            for (uint32_t i = 0; i < count; i++)
                if (group[i]->alive && is_true(e, model, group[i]->violated)) {
                    group[i]->alive = false;
                    changed = true;
                }
            Z3_model_dec_ref(e->z3, model);
        }
        /* Unknown, or a model that breaks nothing: nothing of this nest is sure until it is less.
         */
        if (!changed && !drop_hardest(group, count))
            break;
    }
    for (uint32_t i = 0; i < count; i++)
        Z3_solver_assert(e->z3, e->solver,
                         group[i]->alive ? group[i]->literal : term_not(e, group[i]->literal));
}

static uint32_t outermost(const struct program *program, uint32_t header)
{
    while (program->blocks[header].outer != UINT32_MAX)
        header = program->blocks[header].outer;
    return header;
}

void proof_keep_inductive(struct proof *proof)
{
    struct program *program = proof->encoding->program;
    struct invariant **group =
        program_alloc(program, proof->invariants.count + 1, sizeof(struct invariant *));

    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t header = program->order[n], count = 0;
        if (!program->blocks[header].header || program->blocks[header].outer != UINT32_MAX)
            continue;
        for (uint32_t i = 0; i < proof->invariants.count; i++)
            if (outermost(program, proof->invariants.items[i].header) == header)
                group[count++] = &proof->invariants.items[i];
        if (count > 0)
            settle_group(proof, group, count);
    }
}
