/* The proof once more, in a solver that has seen nothing of the search for it. */
#include "verify/prove.h"

static bool refuted(struct encoding *e, Z3_ast violation)
{
    Z3_ast literal = term_fresh_bool(e);

    term_assert(e, literal, violation);
    return Z3_solver_check_assumptions(e->z3, e->solver, 1, &literal) != Z3_L_FALSE;
}

/* All invariants together are the induction's hypothesis; each edge must keep each. */
static uint32_t check_invariants(struct proof *proof, struct encoding *e)
{
    uint32_t wrong = 0;

    for (uint32_t i = 0; i < proof->invariants.count; i++) {
        const struct invariant *invariant = &proof->invariants.items[i];
        if (invariant->alive)
            term_assert(e, encode_reached(e, invariant->header), invariant_now(e, invariant));
    }
    for (uint32_t n = 0; n < e->program->order_count; n++) {
        uint32_t header = e->program->order[n];
        const struct block *block = &e->program->blocks[header];
        for (uint32_t k = 0; block->header && k < block->predecessor_count; k++) {
            Z3_ast broken = Z3_mk_false(e->z3);
            for (uint32_t i = 0; i < proof->invariants.count; i++) {
                const struct invariant *invariant = &proof->invariants.items[i];
                if (invariant->alive && invariant->header == header)
                    broken = term_or(e, broken, term_not(e, invariant_next(e, invariant, k)));
            }
            wrong += refuted(e, term_and(e, encode_at_edge(e, header, k), broken));
        }
    }
    return wrong;
}

/* Between its bounds whenever its header is reached: as intervals say, or else Z3. */
static bool form_is_within(struct encoding *e, const struct rank *rank, unsigned index,
                           uint32_t header)
{
    const struct affine *form = &rank->forms[index];
    __int128 low, high;

    if (affine_between(e, form, &low, &high) && low >= rank->low[index] &&
        high <= rank->high[index])
        return true;
    Z3_ast now = affine_now(e, form, header),
           below = term_lt(e, now, term_number(e, rank->low[index])),
           above = term_lt(e, term_number(e, rank->high[index]), now);
    return !refuted(e, term_and(e, encode_reached(e, header), term_or(e, below, above)));
}

/* Some way round after which the forms, first by first, are not less than they were. */
static Z3_ast not_less(struct encoding *e, const struct rank *rank, uint32_t header, uint32_t edge)
{
    Z3_ast result = Z3_mk_true(e->z3);

    for (unsigned i = rank->count; i-- > 0;) {
        Z3_ast now = affine_now(e, &rank->forms[i], header),
               next = affine_next(e, &rank->forms[i], header, edge);
        result = term_or(e, term_lt(e, now, next), term_and(e, term_eq(e, now, next), result));
    }
    return term_and(e, encode_at_edge(e, header, edge), result);
}

/* That the loop ends, and after no more rounds than the bound of instructions is made of. */
static bool rank_is_right(struct encoding *e, const struct rank *rank, uint32_t header)
{
    const struct block *block = &e->program->blocks[header];

    if (rank->count == 0 || rank->most < rank_most(rank))
        return false;
    for (unsigned i = 0; i < rank->count; i++)
        if (!form_is_within(e, rank, i, header))
            return false;
    for (uint32_t k = 0; k < block->predecessor_count; k++)
        if (block_dominates(e->program, header, block->predecessors[k]) &&
            refuted(e, not_less(e, rank, header, k)))
            return false;
    return true;
}

uint32_t proof_check_again(struct proof *proof)
{
    struct encoding *e = encoding_new(proof->encoding->facts);
    e->relates_loads = proof->encoding->relates_loads;
    contents_attach(e, proof->encoding->contents);
    uint32_t wrong = check_invariants(proof, e);

    for (uint32_t i = 0; e->contents && i < contents_count(e->contents); i++) {
        Z3_ast broken = contents_broken(e, i);
        wrong += broken && refuted(e, broken);
    }

    for (uint32_t i = 0; i < proof->obligations->count && wrong == 0; i++) {
        const struct obligation *o = &proof->obligations->items[i];
        if (o->state == OBLIGATION_PROVED && o->prover[0] == 'b')
            wrong += !bits_prove(proof, o);
        if (o->state != OBLIGATION_PROVED || o->prover[0] != 'Z')
            continue;
        if (o->kind == PLACE_TERMINATION) {
            wrong += !rank_is_right(e, &proof->ranks[o->block], o->block);
            continue;
        }
        Z3_ast violation = obligation_violation(e, o);
        wrong += !violation || refuted(e, violation);
    }
    proof->encoding->queries += e->queries;
    encoding_free(e);
    return wrong;
}
