/* Inputs by chance: see inputs.h. */
#include <string.h>

#include "verify/inputs.h"

static uint32_t next_random(struct inputs *inputs)
{
    inputs->state = inputs->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(inputs->state >> 33);
}

static void note_asked(struct inputs *inputs, bool *known, uint64_t number)
{
    if (number > UINT8_MAX || known[number])
        return;
    known[number] = true;
    inputs->asked[inputs->asked_count++] = (uint8_t)number;
}

void inputs_begin(struct inputs *inputs, struct program *program, uint64_t seed)
{
    bool known[UINT8_MAX + 1] = {0};

    *inputs = (struct inputs){.state = seed, .asked = program_alloc(program, UINT8_MAX + 1, 1)};
    for (uint32_t b = 0; b < program->block_count; b++) {
        const struct block *block = &program->blocks[b];
        if (block->exit == EXIT_SWITCH)
            for (uint32_t k = 1; k < block->target_count; k++)
                note_asked(inputs, known, block->cases[k - 1]);
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            for (unsigned k = 0; value->op == OP_ICMP && k < value->count; k++)
                if (value_is_const(program, value->operands[k]))
                    note_asked(inputs, known, value_at(program, value->operands[k])->imm);
        }
    }
}

/* Bytes such as parsers meet: any, or text, or small numbers, or extremes, or what is asked for. */
static uint8_t next_byte(struct inputs *inputs, uint32_t kind)
{
    static const char likely[] = "0123456789 \"\\{}[]:,-.eE+%/*\n=aAfFzZ<&()";

    switch (kind % 5) {
    case 0:
        return (uint8_t)next_random(inputs);
    case 1:
        return (uint8_t)likely[next_random(inputs) % (sizeof likely - 1)];
    case 2:
        return (uint8_t)(next_random(inputs) % 5);
    case 3:
        return next_random(inputs) % 3 ? (uint8_t)(next_random(inputs) % 20)
                                       : (uint8_t)(253 + next_random(inputs) % 3);
    default:
        return inputs->asked_count > 0 && next_random(inputs) % 8
                   ? inputs->asked[next_random(inputs) % inputs->asked_count]
                   : (uint8_t)next_random(inputs);
    }
}

struct interpreter_input inputs_next(struct inputs *inputs)
{
    unsigned i = inputs->made++;
    uint32_t kind = next_random(inputs);
    struct interpreter_input input = {.in = inputs->body};

    input.in_len = i < 4 ? i : next_random(inputs) % (i % 4 ? 40 : INPUT_BODY_MAX);
    input.out_cap = i < 3 ? i : next_random(inputs) % (i % 5 ? 60 : 4000);
    for (size_t k = 0; k < input.in_len; k++)
        inputs->body[k] = next_byte(inputs, kind);
    return input;
}
