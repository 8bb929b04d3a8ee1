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
    RUN_GUESS,    /* interpreter_only_run(): what comes next no input decides */
    RUN_MISMATCH, /* a value outside the interval that was found for it: our own mistake */
};

struct run_result {
    enum run_end end;
    enum place_kind kind;
    struct place place;
    vid value; /* of the obligation; 0: the end of `block` */
    uint32_t block;
    bool guessed; /* it went on by a value that no input gives */
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
/* One call; static variables keep what the call before left. (One that was cut short leaves none:
 * they are as before the first call.) */
struct run_result interpreter_call(struct interpreter *interpreter,
                                   const struct interpreter_input *input, uint64_t steps_max);
/*
 * The one run that a program without input has: it guesses nothing, so that what it meets is all
 * that can happen. Where it branches on what nobody knows each way is gone, as if all of them could
 * be. Of a handler each call that there can be: of its input nothing is known, of static variables
 * what calls before can have left (RUN_FAULT is not said of one). `settled` says by value which
 * obligations are proved already: where an unknown value meets one the run goes on. RUN_RETURNED:
 * no obligation fails, and `steps` is the bound of a call.
 */
struct run_result interpreter_only_run(struct interpreter *interpreter, const bool *settled,
                                       uint64_t steps_max);
/* From now on what nobody knows is made up, differently each time, from this seed: a run is then
 * one that can happen, and no guess. */
void interpreter_make_up(struct interpreter *interpreter, uint64_t seed);
/* From now on objects lie somewhere, elsewhere in each call, from this seed: what depends on it is
 * known, and no guess. */
void interpreter_scatter(struct interpreter *interpreter, uint64_t seed);
/* Memory as it is before the first call. */
void interpreter_reset(struct interpreter *interpreter);
/* Of a call of a handler that returned. */
struct interpreter_answer {
    uint64_t value;     /* 0 of one without */
    const uint8_t *out; /* the interpreter's, until the next call */
    uint64_t out_len;
};
/* False: some of it no input decides. */
bool interpreter_answer(const struct interpreter *interpreter,
                        struct interpreter_answer *ret_answer);
/* The size of the object that a pointer means now. */
uint64_t interpreter_size_behind(const struct interpreter *interpreter, vid pointer);
/* A value as it is now: bits of an integer, or of a pointer the offset. */
uint64_t interpreter_value(const struct interpreter *interpreter, vid value);
