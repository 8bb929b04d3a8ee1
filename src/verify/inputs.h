/* Inputs to try a program with: lengths at their edges, and bytes such as it asks for. */
#pragma once

#include "verify/interpret.h"

#define INPUT_BODY_MAX 600

struct inputs {
    uint64_t state;
    unsigned made;
    uint8_t *asked; /* bytes that the program compares with something */
    uint32_t asked_count;
    uint8_t body[INPUT_BODY_MAX];
};

/* The same ones for the same seed; its memory is the program's. */
void inputs_begin(struct inputs *inputs, struct program *program, uint64_t seed);
/* The next one; its body is good until the one after. */
struct interpreter_input inputs_next(struct inputs *inputs);
