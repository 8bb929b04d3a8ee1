/*
 * A program without input has one run. Made from beginning to end without a guess it is a proof by
 * itself: all paths are looked at, since there is one. It says the bound exactly, and sees what no
 * linear invariant does: the strides of an FFT, a permutation in an array, a hash's tables.
 */
#include "verify/interpret.h"
#include "verify/prove.h"

/* About two seconds. */
#define STEPS_MAX UINT64_C(40000000)

static bool *settled_values(const struct proof *proof)
{
    struct program *program = proof->encoding->program;
    bool *settled = program_alloc(program, program->value_count, sizeof *settled);

    for (uint32_t i = 0; i < proof->obligations->count; i++)
        settled[proof->obligations->items[i].value] = true;
    settled[0] = false;
    for (uint32_t i = 0; i < proof->obligations->count; i++) {
        const struct obligation *o = &proof->obligations->items[i];
        settled[o->value] = settled[o->value] && o->state == OBLIGATION_PROVED;
    }
    return settled;
}

static void keep_all(struct proof *proof, uint64_t steps)
{
    for (uint32_t i = 0; i < proof->obligations->count; i++) {
        struct obligation *o = &proof->obligations->items[i];
        if (o->state == OBLIGATION_PROVED)
            continue;
        o->state = OBLIGATION_PROVED;
        o->prover = "run";
    }
    proof->bound = steps;
}

enum only_run proof_only_run(struct proof *proof)
{
    const struct facts *facts = proof->encoding->facts;
    struct interpreter *interpreter = interpreter_new(facts);

    if (!interpreter)
        return ONLY_RUN_UNDECIDED;
    struct run_result result = interpreter_only_run(interpreter, settled_values(proof), STEPS_MAX);
    switch (result.end) {
    case RUN_RETURNED:
        keep_all(proof, result.steps);
        return ONLY_RUN_SAFE;
    case RUN_FAULT:
        proof->example =
            (struct example){.found = true, .kind = result.kind, .place = result.place};
        return ONLY_RUN_FAULT;
    case RUN_MISMATCH:
        proof->contradicted = true;
        return ONLY_RUN_FAULT;
    default:
        return ONLY_RUN_UNDECIDED;
    }
}
