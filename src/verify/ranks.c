/*
 * Termination: for each loop a linear form over its header's state that falls by at least one each
 * time round. The numbers in it are machine numbers, so that it can't fall for ever; how long it
 * can is the bound on the rounds. Where no form falls on every way round, one that never rises
 * and, where it stays, a second one that falls.
 */
#include "verify/prove.h"

#define RANKS_MAX 48
#define PAIR_RANKS_MAX 8

struct ranks {
    struct affine items[RANKS_MAX];
    unsigned count;
};

static bool same_form(const struct affine *a, const struct affine *b)
{
    if (a->count != b->count)
        return false;
    for (uint8_t i = 0; i < a->count; i++)
        if (a->terms[i].value != b->terms[i].value || a->terms[i].factor != b->terms[i].factor)
            return false;
    return true;
}

static void add(struct ranks *ranks, const struct affine *form)
{
    if (form->count == 0 || ranks->count == RANKS_MAX)
        return;
    for (unsigned i = 0; i < ranks->count; i++)
        if (same_form(&ranks->items[i], form))
            return;
    ranks->items[ranks->count++] = *form;
}

/* The distance between what a condition compares, either way. */
static void from_condition(struct proof *proof, uint32_t header, vid condition, unsigned depth,
                           struct ranks *ranks)
{
    struct encoding *e = proof->encoding;
    const struct value *value = value_at(e->program, condition);
    struct affine a, c;

    if (depth > 0 && (value->op == OP_AND || value->op == OP_OR || value->op == OP_XOR))
        for (unsigned i = 0; i < 2; i++)
            from_condition(proof, header, value->operands[i], depth - 1, ranks);
    if (value->op != OP_ICMP || !affine_of(e, value->operands[0], header, &a) ||
        !affine_of(e, value->operands[1], header, &c))
        return;
    struct affine left = c;
    if (affine_add(&left, &a, -1))
        add(ranks, &left);
    left = a;
    if (affine_add(&left, &c, -1))
        add(ranks, &left);
}

/* What the ends of the loop compare: the distance that is left. */
static void from_exits(struct proof *proof, uint32_t header, struct ranks *ranks)
{
    const struct program *program = proof->encoding->program;

    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        const struct block *block = &program->blocks[b];
        if (!loop_contains(program, header, b) || block->exit != EXIT_BRANCH)
            continue;
        if (loop_contains(program, header, block->targets[0]) &&
            loop_contains(program, header, block->targets[1]))
            continue;
        from_condition(proof, header, block->condition, 3, ranks);
    }
}

static void from_variables(struct proof *proof, uint32_t header, struct ranks *ranks)
{
    const struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[header];
    vid phis[6];
    unsigned count = 0;

    for (uint32_t i = 0; i < block->count; i++) {
        vid v = block->values[i];
        const struct value *value = value_at(program, v);
        if (value->op != OP_PHI || value->width < 8 || !proof->relevant[v] ||
            (value->kind != KIND_INT && value->kind != KIND_POINTER))
            continue;
        for (int sign = -1; sign <= 1; sign += 2) {
            struct affine form = {0};
            affine_add_term(&form, v, sign);
            add(ranks, &form);
        }
        if (count < sizeof phis / sizeof *phis)
            phis[count++] = v;
    }
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < i; k++)
            for (unsigned signs = 0; signs < 4; signs++) {
                struct affine form = {0};
                affine_add_term(&form, phis[i], signs & 1 ? 1 : -1);
                affine_add_term(&form, phis[k], signs & 2 ? 1 : -1);
                add(ranks, &form);
            }
}

/* Some way round the loop on which the forms do not fall, first by first. */
static Z3_ast stays(struct encoding *e, const struct affine *const *forms, unsigned count,
                    uint32_t header, int64_t by)
{
    const struct block *block = &e->program->blocks[header];
    Z3_ast any = Z3_mk_false(e->z3);

    for (uint32_t k = 0; k < block->predecessor_count; k++) {
        if (!block_dominates(e->program, header, block->predecessors[k]))
            continue;
        Z3_ast good = Z3_mk_false(e->z3), level = Z3_mk_true(e->z3);
        for (unsigned i = 0; i < count; i++) {
            Z3_ast now = affine_now(e, forms[i], header),
                   next = affine_next(e, forms[i], header, k);
            Z3_ast falls = term_le(e, term_add(e, next, term_number(e, by)), now);
            good = term_or(e, good, term_and(e, level, falls));
            level = term_and(e, level, term_le(e, next, now));
        }
        any = term_or(e, any, term_and(e, encode_at_edge(e, header, k), term_not(e, good)));
    }
    return any;
}

static bool falls(struct proof *proof, const struct affine *const *forms, unsigned count,
                  uint32_t header, int64_t by)
{
    struct encoding *e = proof->encoding;
    Z3_ast literal = term_fresh_bool(e);

    term_assert(e, literal, stays(e, forms, count, header, by));
    return proof_check(proof, 1, &literal) == Z3_L_FALSE;
}

/* Is the form, at its header, never beyond `limit` on this side? */
static bool stays_within(struct proof *proof, const struct affine *form, uint32_t header,
                         __int128 limit, bool above)
{
    struct encoding *e = proof->encoding;
    Z3_ast now = affine_now(e, form, header), number = term_number(e, limit),
           literal = term_fresh_bool(e);

    term_assert(e, literal,
                term_and(e, encode_reached(e, header),
                         above ? term_lt(e, number, now) : term_lt(e, now, number)));
    return proof_check(proof, 1, &literal) == Z3_L_FALSE;
}

/*
 * Between what the form is, at its header. Intervals say it, or, where they know too little, Z3:
 * the powers of two that hold it.
 */
static void bound_form(struct proof *proof, uint32_t header, struct rank *rank, unsigned index)
{
    static const unsigned powers[] = {8, 16, 24, 32, 40};
    const struct affine *form = &rank->forms[index];
    __int128 high = -1, low = 1;

    (void)affine_between(proof->encoding, form, &rank->low[index], &rank->high[index]);
    if (rank->high[index] - rank->low[index] < (1 << 25) - 1)
        return;
    for (size_t i = 0; i < sizeof powers / sizeof *powers && high < 0; i++)
        if (stays_within(proof, form, header, (__int128)1 << powers[i], true))
            high = (__int128)1 << powers[i];
    if (high < 0)
        return;
    /* Most ranks end at nothing. */
    if (stays_within(proof, form, header, -1, false))
        low = -1;
    for (size_t i = 0; i < sizeof powers / sizeof *powers && low > 0; i++)
        if (stays_within(proof, form, header, -((__int128)1 << powers[i]), false))
            low = -((__int128)1 << powers[i]);
    if (low > 0 || high - low >= rank->high[index] - rank->low[index])
        return;
    rank->low[index] = low;
    rank->high[index] = high;
}

uint64_t rank_most(const struct rank *rank)
{
    unsigned __int128 most = 1;

    for (unsigned i = 0; i < rank->count; i++) {
        unsigned __int128 values = (unsigned __int128)(rank->high[i] - rank->low[i]) + 1;
        if (rank->high[i] < rank->low[i] || values >= RANK_MOST / (uint64_t)most)
            return RANK_MOST;
        most *= values;
    }
    return (uint64_t)most;
}

/* Rounds and sizes are no machine numbers: they may fall for ever. */
static bool bounded(const struct proof *proof, const struct affine *form)
{
    __int128 low, high;

    return affine_between(proof->encoding, form, &low, &high);
}

/* What is left to a bound that was asked for before the loop. */
static void from_guards(struct proof *proof, uint32_t header, struct ranks *ranks)
{
    const struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[header];
    struct affine guards[2];
    unsigned count = proof_find_guards(proof, header, guards, 2);

    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *value = value_at(program, block->values[i]);
        if (value->op != OP_PHI || value->width < 32 || !proof->relevant[block->values[i]] ||
            value->kind != KIND_INT)
            continue;
        for (unsigned k = 0; k < count; k++) {
            struct affine left = guards[k];
            if (affine_add_term(&left, block->values[i], -1))
                add(ranks, &left);
        }
    }
}

static struct rank find_rank(struct proof *proof, uint32_t header)
{
    struct ranks ranks = {0};
    struct rank found = {.count = 1};
    const struct affine *steady[PAIR_RANKS_MAX];
    unsigned steady_count = 0;

    from_exits(proof, header, &ranks);
    from_variables(proof, header, &ranks);
    if (proof->encoding->relates_loads)
        from_guards(proof, header, &ranks);
    for (unsigned i = 0; i < ranks.count; i++) {
        const struct affine *form = &ranks.items[i];
        if (!bounded(proof, form) || !falls(proof, &form, 1, header, 1))
            continue;
        found.forms[0] = *form;
        bound_form(proof, header, &found, 0);
        return found;
    }
    for (unsigned i = 0; i < ranks.count && steady_count < PAIR_RANKS_MAX; i++) {
        const struct affine *form = &ranks.items[i];
        if (bounded(proof, form) && falls(proof, &form, 1, header, 0))
            steady[steady_count++] = form;
    }
    for (unsigned i = 0; i < steady_count; i++)
        for (unsigned k = 0; k < ranks.count; k++) {
            const struct affine *pair[] = {steady[i], &ranks.items[k]};
            if (pair[0] == pair[1] || !bounded(proof, pair[1]) || !falls(proof, pair, 2, header, 1))
                continue;
            found.count = 2;
            for (unsigned n = 0; n < 2; n++) {
                found.forms[n] = *pair[n];
                (void)affine_between(proof->encoding, pair[n], &found.low[n], &found.high[n]);
            }
            return found;
        }
    return (struct rank){0};
}

void proof_find_ranks(struct proof *proof)
{
    for (uint32_t i = 0; i < proof->obligations->count; i++) {
        struct obligation *o = &proof->obligations->items[i];
        if (o->kind != PLACE_TERMINATION)
            continue;
        struct rank *rank = &proof->ranks[o->block];
        *rank = find_rank(proof, o->block);
        rank->most = rank_most(rank);
        o->state = rank->count > 0 ? OBLIGATION_PROVED : OBLIGATION_FAILED;
        o->prover = "Z3";
    }
}
