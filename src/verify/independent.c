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
        if (o->state != OBLIGATION_PROVED || o->kind == PLACE_TERMINATION || o->prover[0] != 'Z')
            continue;
        Z3_ast violation = obligation_violation(e, o);
        wrong += !violation || refuted(e, violation);
    }
    proof->encoding->queries += e->queries;
    encoding_free(e);
    return wrong;
}
