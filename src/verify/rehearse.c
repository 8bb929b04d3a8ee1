/* Runs before and after a proof: see proof_rehearse(). */
#include <string.h>

#include "verify/inputs.h"
#include "verify/prove.h"

#define STEPS_MAX 6000
#define STEPS_TOTAL 400000

struct rehearsal {
    struct proof *proof;
    uint64_t *rounds;     /* of headers */
    __int128 (*forms)[2]; /* of headers: what the rank's forms were */
    bool strict; /* invariants and ranks must hold; else invariants that don't are dropped */
};

__int128 proof_number(const struct proof *proof, const struct interpreter *interpreter, vid value,
                      uint64_t rounds)
{
    const struct encoding *e = proof->encoding;

    if (value == 0)
        return rounds;
    if (value & AFFINE_SIZE_OF)
        return interpreter_size_behind(interpreter, value & ~AFFINE_SIZE_OF);
    const struct value *v = value_at(e->program, value);
    uint64_t bits = interpreter_value(interpreter, value);
    if (v->kind == KIND_POINTER)
        return (int64_t)bits;
    return e->is_signed[value] && v->width > 1 ? (__int128)sign_extend(bits, v->width)
                                               : (__int128)bits;
}

static __int128 number_of(const struct rehearsal *r, const struct interpreter *interpreter,
                          const struct affine *form, uint32_t header)
{
    __int128 sum = form->constant;

    for (uint8_t i = 0; i < form->count; i++)
        sum += proof_number(r->proof, interpreter, form->terms[i].value, r->rounds[header]) *
               form->terms[i].factor;
    return sum;
}

/* Less than it was, between its bounds, and not too often so. */
static bool rank_holds(struct rehearsal *r, const struct interpreter *interpreter, uint32_t header)
{
    const struct rank *rank = &r->proof->ranks[header];
    bool less = r->rounds[header] == 0, same = true;

    if (rank->count == 0)
        return true;
    for (unsigned i = 0; i < rank->count; i++) {
        __int128 now = number_of(r, interpreter, &rank->forms[i], header);
        if (now < rank->low[i] || now > rank->high[i])
            return false;
        less = less || (same && now < r->forms[header][i]);
        same = same && now == r->forms[header][i];
        r->forms[header][i] = now;
    }
    return less && r->rounds[header] <= rank->most;
}

static bool watch(struct interpreter *interpreter, uint32_t header, uint32_t from, void *user)
{
    struct rehearsal *r = user;
    struct invariants *list = &r->proof->invariants;

    if (from != UINT32_MAX && r->proof->encoding->contents &&
        !contents_hold(r->proof->encoding, interpreter, from, !r->strict) && r->strict)
        return false;
    if (!r->proof->encoding->program->blocks[header].header)
        return true;
    bool again = from != UINT32_MAX && block_dominates(r->proof->encoding->program, header, from);
    r->rounds[header] = again ? r->rounds[header] + 1 : 0;
    if (r->strict && !rank_holds(r, interpreter, header))
        return false;
    for (uint32_t i = 0; i < list->count; i++) {
        struct invariant *invariant = &list->items[i];
        if (!invariant->alive || invariant->header != header ||
            (invariant->later && r->rounds[header] == 0))
            continue;
        __int128 sum = number_of(r, interpreter, &invariant->form, header);
        if (invariant->modulus)
            sum %= invariant->modulus;
        if (invariant->equal ? sum == 0 : sum >= 0)
            continue;
        if (r->strict)
            return false;
        invariant->alive = false;
    }
    return true;
}

/* The obligation that a run failed at. */
static struct obligation *failed_one(struct proof *proof, const struct run_result *result)
{
    for (uint32_t i = 0; i < proof->obligations->count; i++) {
        struct obligation *o = &proof->obligations->items[i];
        if (o->kind == result->kind && o->value == result->value &&
            (o->value != 0 || o->block == result->block))
            return o;
    }
    return NULL;
}

static void keep_example(struct proof *proof, const struct interpreter_input *input,
                         const struct run_result *result)
{
    struct example *example = &proof->example;

    if (example->found)
        return;
    example->found = true;
    example->in = program_alloc(proof->encoding->program, input->in_len + 1, 1);
    memcpy(example->in, input->in, input->in_len);
    example->in_len = input->in_len;
    example->out_cap = input->out_cap;
    example->kind = result->kind;
    example->place = result->place;
}

bool proof_rehearse(struct proof *proof, unsigned runs, bool proved_invariants)
{
    struct program *program = proof->encoding->program;
    struct rehearsal r = {.proof = proof, .strict = proved_invariants};
    struct interpreter *interpreter = interpreter_new(proof->encoding->facts);
    struct inputs inputs;
    uint64_t steps = 0;

    if (!interpreter)
        return true;
    r.rounds = program_alloc(program, program->block_count, sizeof *r.rounds);
    r.forms = program_alloc(program, program->block_count, sizeof *r.forms);
    interpreter_watch_blocks(interpreter, watch, &r);
    interpreter_scatter(interpreter, runs);
    inputs_begin(&inputs, program, proved_invariants ? 77 : runs);
    if (!program->repeated)
        runs = 1;
    for (unsigned i = 0; i < runs && steps < STEPS_TOTAL; i++) {
        struct interpreter_input input = inputs_next(&inputs);
        struct run_result result = interpreter_call(interpreter, &input, STEPS_MAX);
        steps += result.steps;
        if (result.end == RUN_MISMATCH)
            return false;
        if (result.end == RUN_FAULT) {
            const struct obligation *o = failed_one(proof, &result);
            /* Of arrays a run sees byte by byte what an obligation says of the whole. */
            bool of_array = result.kind == PLACE_INITIALISED || result.kind == PLACE_ALIVE;
            if (o ? o->state == OBLIGATION_PROVED : proved_invariants || !of_array)
                return false;
            if (!result.guessed)
                keep_example(proof, &input, &result);
            /* What it left in static variables no call of a program that is right would. */
            return true;
        }
    }
    return true;
}
