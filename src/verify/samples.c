/*
 * Guesses of what holds at loop headers, from runs: the affine equalities between the variables
 * that all states which were met satisfy (as Karr's analysis, 1976, would find them), and what a
 * variable that moves by unequal steps is modulo their common divisor. As all guesses they are
 * proved or dropped by houdini.c.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/inputs.h"
#include "verify/prove.h"

#define VARIABLES_MAX 12 /* of one header; one of them is the number of rounds */
#define SAMPLES_MAX 48
#define SAMPLES_OF_RUN 12 /* one header's states from one call: the calls should differ */
#define RUNS 40
#define STEPS_MAX 6000
#define STEPS_TOTAL 250000
#define NUMBER_MAX ((__int128)1 << 40)
#define MODULUS_MAX 4096
#define PRIME ((uint64_t)2305843009213693951u) /* 2^61 - 1 */
#define FRACTION_MAX 64                        /* what programs count by */

struct header_samples {
    vid variables[VARIABLES_MAX];
    unsigned count, samples, of_run;
    int64_t (*states)[VARIABLES_MAX];
};

struct sampling {
    struct proof *proof;
    struct header_samples *headers; /* by block */
    uint64_t *rounds;
};

static uint64_t add_modulo(uint64_t a, uint64_t b)
{
    return (a + b) % PRIME;
}

static uint64_t multiply_modulo(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b % PRIME);
}

static uint64_t inverse_modulo(uint64_t a)
{
    uint64_t result = 1;

    for (uint64_t power = PRIME - 2; power > 0; power >>= 1) {
        if (power & 1)
            result = multiply_modulo(result, a);
        a = multiply_modulo(a, a);
    }
    return result;
}

static uint64_t residue(int64_t number)
{
    return number < 0 ? PRIME - (uint64_t)-number % PRIME : (uint64_t)number % PRIME;
}

/* The small fraction that is this number modulo the prime (Wang's reconstruction). */
static bool fraction_of(uint64_t number, int64_t *ret_over, int64_t *ret_under)
{
    int64_t a = (int64_t)PRIME, b = (int64_t)number, x = 0, y = 1;

    while (b > FRACTION_MAX) {
        int64_t quotient = a / b, rest = a - quotient * b, next = x - quotient * y;
        a = b;
        b = rest;
        x = y;
        y = next;
        if (y > FRACTION_MAX || y < -FRACTION_MAX)
            return false;
    }
    *ret_over = y < 0 ? -b : b;
    *ret_under = y < 0 ? -y : y;
    return *ret_under != 0;
}

/* ---- states ---- */

static bool watch(struct interpreter *interpreter, uint32_t header, uint32_t from, void *user)
{
    struct sampling *s = user;
    const struct program *program = s->proof->encoding->program;
    struct header_samples *h = &s->headers[header];
    int64_t state[VARIABLES_MAX];

    if (!program->blocks[header].header)
        return true;
    bool again = from != UINT32_MAX && block_dominates(program, header, from);
    s->rounds[header] = again ? s->rounds[header] + 1 : 0;
    if (!h->states || h->samples == SAMPLES_MAX || h->of_run == SAMPLES_OF_RUN)
        return true;
    for (unsigned i = 0; i < h->count; i++) {
        __int128 number = proof_number(s->proof, interpreter, h->variables[i], s->rounds[header]);
        if (number > NUMBER_MAX || number < -NUMBER_MAX)
            return true;
        state[i] = (int64_t)number;
    }
    for (unsigned k = 0; k < h->samples; k++)
        if (memcmp(h->states[k], state, h->count * sizeof *state) == 0)
            return true;
    memcpy(h->states[h->samples++], state, h->count * sizeof *state);
    h->of_run++;
    return true;
}

static void note_variable(struct header_samples *h, vid variable)
{
    for (unsigned i = 0; i < h->count; i++)
        if (h->variables[i] == variable)
            return;
    if (h->count < VARIABLES_MAX)
        h->variables[h->count++] = variable;
}

/* Its own variables, and what they were before the loop. */
static void choose_variables(struct sampling *s, uint32_t header)
{
    const struct proof *proof = s->proof;
    struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[header];
    struct header_samples *h = &s->headers[header];

    note_variable(h, 0);
    for (unsigned entries = 2; entries-- > 0;)
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *phi = value_at(program, block->values[i]);
            if (phi->op != OP_PHI || !proof->relevant[block->values[i]] || phi->width < 8 ||
                (phi->kind != KIND_INT && phi->kind != KIND_POINTER))
                continue;
            if (!entries)
                note_variable(h, block->values[i]);
            for (unsigned k = 0; entries && k < phi->count && h->count < VARIABLES_MAX / 2; k++) {
                const struct value *entry = value_at(program, phi->operands[k]);
                if (!block_dominates(program, header, block->predecessors[k]) &&
                    entry->op != OP_CONST && entry->op != OP_OBJECT && entry->op != OP_NULL)
                    note_variable(h, phi->operands[k]);
            }
        }
    if (h->count > 1)
        h->states = program_alloc(program, SAMPLES_MAX, sizeof *h->states);
}

static void run(struct sampling *s)
{
    struct program *program = s->proof->encoding->program;
    struct interpreter *interpreter = interpreter_new(s->proof->encoding->facts);
    struct inputs inputs;
    uint64_t steps = 0;

    if (!interpreter)
        return;
    interpreter_watch_blocks(interpreter, watch, s);
    inputs_begin(&inputs, program, 5);
    for (unsigned i = 0; i < (program->repeated ? RUNS : 1) && steps < STEPS_TOTAL; i++) {
        struct interpreter_input input = inputs_next(&inputs);
        struct run_result result = interpreter_call(interpreter, &input, STEPS_MAX);
        steps += result.steps;
        for (uint32_t b = 0; b < program->block_count; b++)
            s->headers[b].of_run = 0;
        if (result.end != RUN_RETURNED && result.end != RUN_LONG)
            return;
    }
}

/* ---- what they have in common ---- */

/* A row for each state, of its variables and 1: brought to reduced echelon form. Returns its rank;
 * `ret_pivots` says which column each row is the first of. */
static unsigned eliminate(uint64_t (*rows)[VARIABLES_MAX + 1], unsigned count, unsigned columns,
                          unsigned *ret_pivots)
{
    unsigned rank = 0;

    for (unsigned c = 0; c < columns && rank < count; c++) {
        unsigned at = rank;
        while (at < count && rows[at][c] == 0)
            at++;
        if (at == count)
            continue;
        for (unsigned i = 0; i < columns; i++) {
            uint64_t swap = rows[rank][i];
            rows[rank][i] = rows[at][i];
            rows[at][i] = swap;
        }
        uint64_t inverse = inverse_modulo(rows[rank][c]);
        for (unsigned i = 0; i < columns; i++)
            rows[rank][i] = multiply_modulo(rows[rank][i], inverse);
        for (unsigned r = 0; r < count; r++) {
            uint64_t by = rows[r][c];
            if (r == rank || by == 0)
                continue;
            for (unsigned i = 0; i < columns; i++)
                rows[r][i] =
                    add_modulo(rows[r][i], PRIME - multiply_modulo(by, rows[rank][i]) % PRIME);
        }
        ret_pivots[rank++] = c;
    }
    return rank;
}

/* The equality that gives the variable of column `c` by those of the pivots; column 0 is 1. */
static bool equality(const struct header_samples *h, uint64_t (*rows)[VARIABLES_MAX + 1],
                     unsigned rank, const unsigned *pivots, unsigned c, struct affine *ret)
{
    int64_t over[VARIABLES_MAX + 1], under[VARIABLES_MAX + 1], common = 1;

    for (unsigned r = 0; r < rank; r++) {
        if (!fraction_of(rows[r][c], &over[r], &under[r]))
            return false;
        int64_t a = common, b = under[r];
        while (b != 0) {
            int64_t rest = a % b;
            a = b;
            b = rest;
        }
        common = common / a * under[r];
        if (common > FRACTION_MAX)
            return false;
    }
    *ret = (struct affine){0};
    if (!affine_add_term(ret, h->variables[c - 1], common))
        return false;
    for (unsigned r = 0; r < rank; r++) {
        int64_t factor = -over[r] * (common / under[r]);
        if (pivots[r] == 0)
            ret->constant = factor;
        else if (!affine_add_term(ret, h->variables[pivots[r] - 1], factor))
            return false;
    }
    return true;
}

static void add_equalities(struct proof *proof, uint32_t header, const struct header_samples *h)
{
    uint64_t(*rows)[VARIABLES_MAX + 1] =
        program_alloc(proof->encoding->program, SAMPLES_MAX, sizeof *rows);
    unsigned pivots[VARIABLES_MAX + 1];

    for (unsigned k = 0; k < h->samples; k++) {
        rows[k][0] = 1;
        for (unsigned i = 0; i < h->count; i++)
            rows[k][i + 1] = residue(h->states[k][i]);
    }
    unsigned rank = eliminate(rows, h->samples, h->count + 1, pivots), next = 0;
    if (h->samples < rank + 3) /* too few to tell */
        return;
    for (unsigned c = 0; c <= h->count; c++) {
        struct invariant guess = {.header = header, .equal = true, .alive = true};
        if (next < rank && pivots[next] == c) {
            next++;
            continue;
        }
        if (equality(h, rows, rank, pivots, c, &guess.form))
            proof_add_candidate(proof, &guess);
    }
}

static void add_congruences(struct proof *proof, uint32_t header, const struct header_samples *h)
{
    for (unsigned i = 1; i < h->count; i++) {
        uint64_t divisor = 0;
        if (value_at(proof->encoding->program, h->variables[i])->block != header)
            continue;
        for (unsigned k = 1; k < h->samples; k++) {
            uint64_t b = (uint64_t)llabs(h->states[k][i] - h->states[0][i]);
            while (b != 0) {
                uint64_t rest = divisor % b;
                divisor = b;
                b = rest;
            }
        }
        if (divisor < 2 || divisor > MODULUS_MAX || h->samples < 4)
            continue;
        struct invariant guess = {
            .header = header, .equal = true, .alive = true, .modulus = (int64_t)divisor};
        affine_add_term(&guess.form, h->variables[i], 1);
        guess.form.constant = -(h->states[0][i] % (int64_t)divisor);
        proof_add_candidate(proof, &guess);
    }
}

void proof_find_samples(struct proof *proof)
{
    struct program *program = proof->encoding->program;
    struct sampling s = {.proof = proof};

    s.headers = program_alloc(program, program->block_count, sizeof *s.headers);
    s.rounds = program_alloc(program, program->block_count, sizeof *s.rounds);
    for (uint32_t n = 0; n < program->order_count; n++)
        if (program->blocks[program->order[n]].header)
            choose_variables(&s, program->order[n]);
    run(&s);
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct header_samples *h = &s.headers[program->order[n]];
        if (h->samples == 0)
            continue;
        add_equalities(proof, program->order[n], h);
        add_congruences(proof, program->order[n], h);
    }
}
