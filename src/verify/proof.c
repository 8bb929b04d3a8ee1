/* The order of a proof: intervals, invariants, obligations, ranks. */
#include <string.h>

#include "verify/prove.h"

#define UNKNOWNS_MAX 6 /* queries that reach their limit, before all is given up */

#define BITS_TRIED_MAX 12 /* obligations; with more open than that it is something else */

/* Resource units that Z3 has used in this context so far. */
static uint64_t spent(const struct encoding *e)
{
    Z3_stats stats = Z3_solver_get_statistics(e->z3, e->solver);
    uint64_t units = 0;

    Z3_stats_inc_ref(e->z3, stats);
    for (unsigned i = 0; i < Z3_stats_size(e->z3, stats); i++)
        if (strcmp(Z3_stats_get_key(e->z3, stats, i), "rlimit count") == 0)
            units = Z3_stats_get_uint_value(e->z3, stats, i);
    Z3_stats_dec_ref(e->z3, stats);
    return units;
}

Z3_lbool proof_check(struct proof *proof, unsigned count, const Z3_ast *assumptions)
{
    struct encoding *e = proof->encoding;

    if (proof->exhausted || proof->spent > proof->limits.total) {
        proof->exhausted = true;
        return Z3_L_UNDEF;
    }
    e->queries++;
    Z3_lbool result = Z3_solver_check_assumptions(e->z3, e->solver, count, assumptions);
    proof->spent = spent(e);
    proof->given_up += result == Z3_L_UNDEF;
    /* A program that is too hard is so again and again. */
    if (result == Z3_L_UNDEF && ++proof->unknowns >= UNKNOWNS_MAX)
        proof->exhausted = true;
    return result;
}

static void limit_queries(struct proof *proof)
{
    struct encoding *e = proof->encoding;
    Z3_params params = Z3_mk_params(e->z3);

    Z3_params_inc_ref(e->z3, params);
    Z3_params_set_uint(e->z3, params, Z3_mk_string_symbol(e->z3, "rlimit"), proof->limits.step);
    Z3_params_set_uint(e->z3, params, Z3_mk_string_symbol(e->z3, "random_seed"), 1);
    Z3_solver_set_params(e->z3, e->solver, params);
    Z3_params_dec_ref(e->z3, params);
}

/* What the open obligations and the ends of loops are computed from. */
static void mark_relevant(struct proof *proof)
{
    struct program *program = proof->encoding->program;
    vid *stack = program_alloc(program, program->value_count + 1, sizeof *stack);
    uint32_t size = 0;

    proof->relevant = program_alloc(program, program->value_count, sizeof *proof->relevant);
#define MARK(v)                                 \
    do {                                        \
        vid mark_ = (v);                        \
        if (mark_ && !proof->relevant[mark_]) { \
            proof->relevant[mark_] = true;      \
            stack[size++] = mark_;              \
        }                                       \
    } while (0)
    for (uint32_t i = 0; i < proof->obligations->count; i++) {
        const struct obligation *o = &proof->obligations->items[i];
        if (o->state != OBLIGATION_OPEN)
            continue;
        /* What leads there. */
        for (uint32_t b = o->block; b != program->entry;) {
            b = program->blocks[b].dominator;
            MARK(program->blocks[b].condition);
        }
        if (!o->value)
            continue;
        /* What is stored, or filled in, does not decide whether it may be. */
        const struct value *value = value_at(program, o->value);
        for (unsigned k = 0; k < value->count; k++)
            if (k != 1 || (value->op != OP_STORE && value->op != OP_MEMSET))
                MARK(value->operands[k]);
    }
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->target_count; i++)
            if (block->loop != UINT32_MAX &&
                !loop_contains(program, block->loop, block->targets[i]))
                MARK(block->condition);
    }
    /* What arrays hold, each store has to keep. */
    for (uint32_t n = 0; proof->encoding->contents && n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            if (value->op != OP_STORE || !contents_concern(proof->encoding, block->values[i]))
                continue;
            MARK(value->operands[0]);
            MARK(value->operands[1]);
            for (uint32_t b = program->order[n]; b != program->entry;) {
                b = program->blocks[b].dominator;
                MARK(program->blocks[b].condition);
            }
        }
    }
    while (size > 0) {
        vid v = stack[--size];
        const struct value *value = value_at(program, v);
        if (value->op == OP_LOAD && !contents_concern(proof->encoding, v))
            continue;
        for (unsigned k = 0; k < value->count; k++)
            MARK(value->operands[k]);
    }
#undef MARK
}

static void prove_open(struct proof *proof)
{
    struct encoding *e = proof->encoding;

    for (uint32_t i = 0; i < proof->obligations->count; i++) {
        struct obligation *o = &proof->obligations->items[i];
        if (o->state != OBLIGATION_OPEN || o->kind == PLACE_TERMINATION)
            continue;
        Z3_ast violation = obligation_violation(e, o);
        o->state = OBLIGATION_FAILED;
        if (!violation)
            continue;
        Z3_ast literal = term_fresh_bool(e);
        term_assert(e, literal, violation);
        if (proof_check(proof, 1, &literal) == Z3_L_FALSE) {
            o->state = OBLIGATION_PROVED;
            o->prover = "Z3";
        }
    }
}

/* What linear terms don't show. */
static void prove_by_bits(struct proof *proof)
{
    unsigned tried = 0;

    for (uint32_t i = 0; i < proof->obligations->count; i++) {
        struct obligation *o = &proof->obligations->items[i];
        if (o->state != OBLIGATION_FAILED || proof->exhausted || tried == BITS_TRIED_MAX)
            continue;
        tried++;
        if (!bits_prove(proof, o))
            continue;
        o->state = OBLIGATION_PROVED;
        o->prover = "bits";
    }
}

static bool all_proved(const struct proof *proof)
{
    for (uint32_t i = 0; i < proof->obligations->count; i++)
        if (proof->obligations->items[i].state != OBLIGATION_PROVED)
            return false;
    return true;
}

/* More runs where something is open, for an input that shows it. */
static void find_example(struct proof *proof)
{
    if (!all_proved(proof) && !proof->example.found)
        (void)proof_rehearse(proof, 300, false);
}

static void contradict(struct proof *proof)
{
    proof->contradicted = true;
    for (uint32_t i = 0; i < proof->obligations->count; i++)
        proof->obligations->items[i].state = OBLIGATION_FAILED;
}

/* What is proved is looked at again, by other means: a fresh solver, and runs. */
static void check_again(struct proof *proof)
{
    if (proof_check_again(proof) != 0 || !proof_rehearse(proof, 40, true) || !proof_replay(proof))
        contradict(proof);
}

static bool any_open(const struct proof *proof)
{
    for (uint32_t i = 0; i < proof->obligations->count; i++)
        if (proof->obligations->items[i].state == OBLIGATION_OPEN)
            return true;
    return false;
}

static void find_invariants(struct proof *proof)
{
    limit_queries(proof);
    mark_relevant(proof);
    if (proof->encoding->relates_loads)
        proof_find_samples(proof);
    proof_find_candidates(proof);
    (void)proof_rehearse(proof, 60, false);
    proof_keep_inductive(proof);
}

static void use_invariants(struct proof *proof)
{
    prove_open(proof);
    prove_by_bits(proof);
    proof_find_ranks(proof);
    find_example(proof);
    proof_find_bound(proof);
}

static void prove_by_induction(struct proof *proof)
{
    find_invariants(proof);
    use_invariants(proof);
}

static void begin_encoding(struct proof *proof, struct contents *contents)
{
    struct facts *facts = proof->encoding->facts;
    uint64_t queries = proof->encoding->queries;

    encoding_free(proof->encoding);
    proof->encoding = encoding_new(facts);
    proof->encoding->queries = queries;
    proof->encoding->relates_loads = true;
    contents_attach(proof->encoding, contents);
    proof->invariants.count = 0;
    proof->unknowns = contents ? UNKNOWNS_MAX / 2 : 0;
    memset(proof->ranks, 0, facts->program->block_count * sizeof *proof->ranks);
    /* What intervals show stays; all else was shown by the invariants that are gone. */
    for (uint32_t i = 0; i < proof->obligations->count; i++)
        if (proof->obligations->items[i].state != OBLIGATION_PROVED ||
            proof->obligations->items[i].prover[0] != 'd')
            proof->obligations->items[i].state = OBLIGATION_OPEN;
    /* Each solver counts its own. */
    proof->limits.total -= proof->spent < proof->limits.total ? proof->spent : proof->limits.total;
    proof->spent = 0;
}

/*
 * What was read twice may matter: a word's first letter, by which the loop before it ended; so may
 * what variables add up to in runs. Told at once it makes other programs hard, so that it is told
 * where nothing else helped.
 */
static void prove_with_loads(struct proof *proof)
{
    begin_encoding(proof, NULL);
    prove_by_induction(proof);
}

/* What arrays hold, where that is still not enough; what is left of it has to be kept by what was
 * found with it. */
static void prove_with_contents(struct proof *proof)
{
    mark_relevant(proof);
    struct contents *contents = contents_find(proof);
    if (!contents)
        return;
    do {
        begin_encoding(proof, contents);
        find_invariants(proof);
    } while (contents_drop_broken(proof) && !proof->exhausted);
    if (proof->exhausted)
        begin_encoding(proof, NULL);
    use_invariants(proof);
}

static void begin(struct proof *proof)
{
    struct program *program = proof->encoding->program;

    proof->ranks = program_alloc(program, program->block_count, sizeof *proof->ranks);
    proof->bound = proof->bound_ns = UINT64_MAX;
    obligations_collect(proof->encoding->facts, proof->obligations);
}

bool proof_run_alone(struct proof *proof)
{
    begin(proof);
    enum only_run only = proof_only_run(proof);
    if (only == ONLY_RUN_SAFE && !proof_replay(proof))
        contradict(proof);
    return only != ONLY_RUN_UNDECIDED;
}

void proof_run(struct proof *proof)
{
    begin(proof);
    obligations_by_domain(proof->encoding->facts, proof->obligations);
    enum only_run only = any_open(proof) ? proof_only_run(proof) : ONLY_RUN_UNDECIDED;
    if (only == ONLY_RUN_UNDECIDED && any_open(proof) && proof->follows_arrays) {
        prove_with_contents(proof);
    } else if (only == ONLY_RUN_UNDECIDED && any_open(proof)) {
        prove_by_induction(proof);
        if (!all_proved(proof) && !proof->example.found && !proof->exhausted &&
            proof->spent < proof->limits.total / 2)
            prove_with_loads(proof);
        /* With what is proved now each call may be followed. */
        if (!all_proved(proof) && !proof->example.found && !proof->contradicted)
            (void)proof_only_run(proof);
    } else if (only == ONLY_RUN_UNDECIDED) {
        proof_find_bound(proof);
    }
    if (all_proved(proof))
        check_again(proof);
}
