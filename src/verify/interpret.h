/*
 * Runs a program as it stands, on given inputs, and checks every obligation on the way: what fails
 * here has failed. Also measures what the other parts believe against what happens.
 */
#pragma once

#include "verify/facts.h"

struct interpreter_input {
    const uint8_t *in;
    size_t in_len, out_cap;
};

enum run_end {
    RUN_RETURNED,
    RUN_FAULT,    /* an obligation failed: `kind`, `place` */
    RUN_LONG,     /* too many steps */
    RUN_MISMATCH, /* a value outside the interval that was found for it: our own mistake */
};

struct run_result {
    enum run_end end;
    enum place_kind kind;
    struct place place;
    vid value; /* of the obligation; 0: the end of `block` */
    uint32_t block;
    bool guessed; /* a value was needed that no input gives */
    uint64_t steps;
};

struct interpreter;

/* Looks at the state at the beginning of a block, each time it is reached from `from`; false ends
 * the run as RUN_MISMATCH. */
typedef bool interpreter_watch(struct interpreter *interpreter, uint32_t block, uint32_t from,
                               void *user);

/* Its memory is the program's. NULL when the objects are too large to run. */
struct interpreter *interpreter_new(const struct facts *facts);
void interpreter_watch_blocks(struct interpreter *interpreter, interpreter_watch *watch,
                              void *user);
/* One call; static variables keep what the call before left. */
struct run_result interpreter_call(struct interpreter *interpreter,
                                   const struct interpreter_input *input, uint64_t steps_max);
/* A value as it is now: bits of an integer, or of a pointer the offset. */
/* The size of the object that a pointer means now. */
uint64_t interpreter_size_behind(const struct interpreter *interpreter, vid pointer);
uint64_t interpreter_value(const struct interpreter *interpreter, vid value);
