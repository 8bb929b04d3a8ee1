/* Shared by interpret*.c. */
#pragma once

#include "verify/interpret.h"

struct cell {
    uint64_t bits;      /* of a pointer the offset */
    int64_t first, end; /* of a pointer: the offsets that it may be used at */
    uint32_t object;    /* of a pointer */
    uint32_t life; /* of one that was kept: which of its object's lives it means; 0: not kept */
    bool unknown;  /* no input decides it: the rest is a guess */
};

/* Of each byte of memory. */
#define SHADOW_SET 1     /* it has been written */
#define SHADOW_UNKNOWN 2 /* with what is unknown, as a number */
#define SHADOW_ADDRESS 4 /* it is part of an address: see `addresses` */
#define SHADOW_PART 8    /* it is part of an address that is not whole */

/* Of a byte that may be what it was, or not. */
static inline uint8_t shadow_unknown(uint8_t shadow)
{
    return (shadow & SHADOW_SET) | SHADOW_UNKNOWN |
           (shadow & (SHADOW_ADDRESS | SHADOW_PART) ? SHADOW_PART : 0);
}

/* Which way each branch on an unknown value goes, in the order in which a run meets them. */
#define WAYS_MAX 256
struct ways {
    uint32_t taken[WAYS_MAX], of[WAYS_MAX];
    unsigned count, met;
};

struct interpreter {
    const struct facts *facts;
    const struct program *program;
    struct cell *cells, *scratch;
    uint8_t **memory, **shadow;
    struct cell **addresses; /* in each object, by offset / 8; NULL: none yet */
    uint64_t *sizes;
    bool *alive;
    uint32_t *lives; /* how often each object's life has begun, and one */
    interpreter_watch *watch;
    void *user;
    struct run_result result;
    vid in_len, out_cap; /* the unknowns behind them */
    const struct interpreter_input *input;
    const bool *settled; /* obligations that need no look, by value; NULL: none */
    bool exact;          /* the run ends where it would have to guess */
    struct ways *ways;   /* of an exact run: where it goes on by what nobody knows; NULL: nowhere */
    uint64_t least[2], most[2]; /* of an exact run: the sizes of `in` and `out` on this way */
    uint64_t chance;            /* what is unknown is made up from it; 0: it is not */
    uint64_t places;            /* chance of the next run's addresses */
    uint64_t *bases;            /* of objects; NULL: nobody knows where they lie */
    bool believes;              /* in the intervals of `facts`, which runs are checked by */
};

/* An address that is kept over time means a variable as it is now: when that has ended it means
 * none, even if one begins at the same place. */
static inline struct cell interpreter_keep(const struct interpreter *i, struct cell cell)
{
    if (cell.object != 0 && cell.life == 0)
        cell.life = i->lives[cell.object];
    return cell;
}
/* The obligation of `value` failed. Returns false. */
bool interpreter_fail(struct interpreter *i, enum place_kind kind, vid value, struct place place);
/* The run goes on with something that no input decides; false: it ends here. */
bool interpreter_guess(struct interpreter *i);

/* From the beginning, with memory as it is. */
struct run_result interpreter_run(struct interpreter *i, uint64_t steps_max);
/* Where `block` branches on what nobody knows: a way that was not gone yet, all of them one after
 * another (interpret_runs.c); false: it can't be followed any more. */
bool interpreter_choose_way(struct interpreter *i, const struct block *block, uint32_t *ret_target);

/* Another place for each object (interpret_places.c). */
void interpreter_lay_out(struct interpreter *i);

/* ---- interpret_memory.c: false ends the run ---- */
bool interpreter_make_memory(struct interpreter *i);
/* The buffers of this call. */
void interpreter_make_buffers(struct interpreter *i);
bool interpreter_load(struct interpreter *i, vid id, const struct value *value);
bool interpreter_store(struct interpreter *i, vid id, const struct value *value);
/* OP_MEMSET, OP_MEMCPY. */
bool interpreter_move(struct interpreter *i, vid id, const struct value *value);
void interpreter_scope(struct interpreter *i, const struct value *value);

/* ---- interpret_float.c ---- */
bool interpreter_float(struct interpreter *i, vid id, const struct value *value);
/* A float's number, of the value's width. */
double float_number(const struct value *value, uint64_t bits);
