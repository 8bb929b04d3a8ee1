/*
 * What is proved is the program after promote.c and simplify.c have rewritten it. Neither is
 * believed: the program as it came from LLVM is run beside it, with memory as bytes and each access
 * looked at. A program without input has but one run: there that is a whole second proof.
 */
#include <string.h>

#include "verify/inputs.h"
#include "verify/prove.h"

#define RUNS 60
#define STEPS_MAX 24000 /* of one run */
#define LONG_RUNS 3     /* where calls may be longer */
#define STEPS_TOTAL UINT64_C(1000000)
#define ONLY_STEPS_MAX \
    UINT64_C(160000000) /* what memory is not taken out of takes some four times as many */
#define SEED 4711

/* Did it do the same? What no input decides is not compared. */
static bool same_answer(const struct interpreter *a, const struct interpreter *b)
{
    struct interpreter_answer x, y;

    if (!interpreter_answer(a, &x) || !interpreter_answer(b, &y))
        return true;
    return x.value == y.value && x.out_len == y.out_len &&
           (x.out_len == 0 || memcmp(x.out, y.out, x.out_len) == 0);
}

static bool agree_on_inputs(struct interpreter *original, struct interpreter *rewritten,
                            struct program *program, unsigned runs, uint64_t steps_max)
{
    struct inputs inputs;
    uint64_t steps = 0;

    inputs_begin(&inputs, program, SEED);
    interpreter_scatter(original, SEED);
    interpreter_scatter(rewritten, SEED);
    for (unsigned i = 0; i < runs && steps < STEPS_TOTAL; i++) {
        struct interpreter_input input = inputs_next(&inputs);
        struct run_result a = interpreter_call(original, &input, steps_max),
                          b = interpreter_call(rewritten, &input, steps_max);
        steps += a.steps + b.steps;
        if (!a.guessed && !b.guessed && a.end != RUN_LONG && b.end != RUN_LONG) {
            if (a.end != RUN_RETURNED || b.end != RUN_RETURNED || !same_answer(original, rewritten))
                return false;
            continue;
        }
        /* Where one went on by a guess the other may have gone another way. */
        interpreter_reset(original);
        interpreter_reset(rewritten);
    }
    return true;
}

/* Where there is what nobody knows: some of what it may be. */
static bool survives_chance(struct interpreter *original, struct program *program)
{
    struct inputs inputs;
    uint64_t steps = 0;

    inputs_begin(&inputs, program, SEED + 1);
    interpreter_make_up(original, SEED);
    interpreter_scatter(original, SEED);
    for (unsigned i = 0; i < RUNS && steps < STEPS_TOTAL; i++) {
        struct interpreter_input input = inputs_next(&inputs);
        struct run_result result = interpreter_call(original, &input, STEPS_MAX);
        steps += result.steps;
        if (result.end == RUN_FAULT && !result.guessed)
            return false;
        if (result.end != RUN_RETURNED || !program->repeated)
            interpreter_reset(original);
    }
    return true;
}

bool proof_replay(struct proof *proof)
{
    struct interpreter *original = interpreter_new(facts_none(proof->original)), *rewritten;

    if (!original)
        return true; /* too large to be run, as the rewritten one is */
    if (!proof->original->repeated) {
        enum run_end end = interpreter_only_run(original, NULL, ONLY_STEPS_MAX).end;
        if (end != RUN_GUESS)
            return end != RUN_FAULT;
        original = interpreter_new(facts_none(proof->original));
        return !original || survives_chance(original, proof->original);
    }
    rewritten = interpreter_new(proof->encoding->facts);
    struct program *program = proof->encoding->program;
    if (rewritten && (!agree_on_inputs(original, rewritten, program, RUNS, STEPS_MAX) ||
                      (proof->bound > STEPS_MAX / 4 &&
                       !agree_on_inputs(original, rewritten, program, LONG_RUNS, ONLY_STEPS_MAX))))
        return false;
    interpreter_reset(original);
    return survives_chance(original, proof->original);
}
