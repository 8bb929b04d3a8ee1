/* Obligations, invariants, ranks: what turns facts and formulas into a verdict. */
#pragma once

#include "verify/encode.h"
#include "verify/interpret.h"

/* ---- linear forms over the state at a loop header (affine.c) ---- */

#define AFFINE_TERMS 6
#define AFFINE_SIZE_OF 0x80000000u /* of a pointer: the size of its object */

struct affine_term {
    vid value; /* a phi of the header, or a value from before the loop; 0: rounds so far */
    int64_t factor;
};

struct affine {
    struct affine_term terms[AFFINE_TERMS];
    uint8_t count;
    int64_t constant;
};

/* sum of factor * value + constant >= 0 whenever the header is reached; `equal`: = 0, or (if there
 * is one) a multiple of `modulus`; `later`: but for the first time. */
struct invariant {
    uint32_t header;
    bool equal, later;
    bool alive;
    int64_t modulus;
    struct affine form;
    Z3_ast literal, now, violated;
};

struct invariants {
    struct invariant *items;
    uint32_t count, room;
};

/*
 * Why a loop ends: each time round the first form falls by at least one, or it stays and the second
 * one falls; at the header each is in [low, high]. So the header is entered again `most` times, and
 * no more.
 */
struct rank {
    struct affine forms[2];
    __int128 low[2], high[2];
    unsigned count; /* of forms; 0: none is known */
    uint64_t most;
};

#define RANK_MOST (UINT64_MAX - 1)
/* How often the forms can fall between their bounds; RANK_MOST: that often, or more. */
uint64_t rank_most(const struct rank *rank);

/* Adds `factor` times a form; false: too many terms, or too large. */
bool affine_add(struct affine *to, const struct affine *from, int64_t factor);
bool affine_add_term(struct affine *to, vid value, int64_t factor);
/* A value as a form over the header's state; a guess, which may ignore that numbers wrap. */
bool affine_of(const struct encoding *e, vid value, uint32_t header, struct affine *ret);
Z3_ast affine_now(struct encoding *e, const struct affine *form, uint32_t header);
/* As it is behind the header's predecessor edge number `edge`. */
Z3_ast affine_next(struct encoding *e, const struct affine *form, uint32_t header, uint32_t edge);
/* What intervals say of the form, at its header; false: nothing, of rounds and sizes. */
bool affine_between(const struct encoding *e, const struct affine *form, __int128 *ret_low,
                    __int128 *ret_high);
/* Rounds of a loop so far, for closed forms. */
Z3_ast encode_rounds(struct encoding *e, uint32_t header);

struct proof;

/* That what an operation does with addresses is right (addresses.c); NULL: it never is. */
Z3_ast addresses_safe(struct encoding *e, vid id);

/* ---- what arrays hold (contents.c) ---- */

/* Guesses what elements of arrays are, whenever they are read; NULL: nothing. */
struct contents *contents_find(struct proof *proof);
/* A fresh encoding takes what is left of them as known. */
void contents_attach(struct encoding *e, struct contents *contents);
uint32_t contents_count(const struct contents *contents);
/* What must not be satisfiable for number `index` to hold; NULL: it was dropped. */
Z3_ast contents_broken(struct encoding *e, uint32_t index);
/* Those that some store breaks are dropped. Were there any? */
bool contents_drop_broken(struct proof *proof);
/* Adds what the variables of a loop are that take elements. */
void contents_find_candidates(struct proof *proof, uint32_t header);
/* Values that matter because of them. */
bool contents_concern(const struct encoding *e, vid value);
/* Does what was read and written in `block`, which a run just left, agree? `drops`: what does not
 * is dropped. */
bool contents_hold(struct encoding *e, const struct interpreter *interpreter, uint32_t block,
                   bool drops);
/* For tests of the check: says more (or less) than was found. False: it was dropped. */
bool contents_move(struct contents *contents, uint32_t index, int64_t by);

/* ---- obligations (obligations.c) ---- */

enum obligation_state { OBLIGATION_OPEN, OBLIGATION_PROVED, OBLIGATION_FAILED };

struct obligation {
    enum place_kind kind;
    uint32_t block;
    vid value;    /* the operation; 0: the end of the block */
    uint8_t part; /* 0: its first pointer, 1: its second; for loops 0 */
    struct place place;
    enum obligation_state state;
    const char *prover; /* "domain", "run", "Z3"; "bits": Z3, bit by bit */
};

struct obligations {
    struct obligation *items;
    uint32_t count, room;
};

void obligations_collect(const struct facts *facts, struct obligations *ret);
/* Those that intervals alone show. */
void obligations_by_domain(struct facts *facts, struct obligations *obligations);
/* What must not be satisfiable; NULL: nothing can show it. */
Z3_ast obligation_violation(struct encoding *e, const struct obligation *obligation);

/* ---- proving ---- */

struct proof_limits {
    unsigned step;  /* Z3 resource units for one query */
    uint64_t total; /* for all */
};

struct proof {
    struct program *original; /* as it was before promote.c and simplify.c */
    struct encoding *encoding;
    struct obligations *obligations;
    struct invariants invariants;
    struct proof_limits limits;
    bool follows_arrays; /* what they hold is asked for, and nothing else is tried first */
    bool *relevant;      /* values that obligations or loops' ends depend on */
    struct rank *ranks;  /* of each header */
    bool exhausted;      /* a limit was reached */
    uint64_t bound;      /* of instructions; UINT64_MAX: none known */
    uint64_t bound_ns;   /* of processor time, on any processor; UINT64_MAX: none known */
    uint64_t spent;      /* resource units of Z3 */
    unsigned unknowns;   /* queries of this attempt without an answer */
    unsigned given_up;   /* of all attempts: a limit of one query ended it */
    bool contradicted;   /* our own mistake: nothing is proved */
    struct example {
        bool found;
        uint8_t *in;
        size_t in_len, out_cap;
        enum place_kind kind;
        struct place place;
    } example;
};

Z3_lbool proof_check(struct proof *proof, unsigned count, const Z3_ast *assumptions);
/* Guesses of what holds at the headers (candidates.c), and which of them do (houdini.c). */
void proof_find_candidates(struct proof *proof);
/* What is compared with the buffers' sizes on every way to a header; at most `room`. */
unsigned proof_find_guards(const struct proof *proof, uint32_t header, struct affine *ret,
                           unsigned room);
void proof_add_candidate(struct proof *proof, const struct invariant *guess);
/* Adds those that runs suggest (samples.c). */
void proof_find_samples(struct proof *proof);
void proof_keep_inductive(struct proof *proof);
/* Each invariant, obligation and rank again, in a fresh solver: if that refuses anything, nothing
 * is proved. Returns how many it refused (independent.c). */
uint32_t proof_check_again(struct proof *proof);
/* What a form's term is in a run that stands at the header; 0: `rounds`. */
__int128 proof_number(const struct proof *proof, const struct interpreter *interpreter, vid value,
                      uint64_t rounds);
/* The invariant at its header, and behind one of the header's edges, in any encoding. */
Z3_ast invariant_now(struct encoding *e, const struct invariant *invariant);
Z3_ast invariant_next(struct encoding *e, const struct invariant *invariant, uint32_t edge);
/*
 * Runs the program on random inputs. Drops guesses that a run shows to be wrong; finds an input
 * that makes an open obligation fail. Returns false if a run contradicts what is taken as proved:
 * an interval, a proved obligation, or (when `proved_invariants`) an invariant or a rank
 * (rehearse.c).
 */
bool proof_rehearse(struct proof *proof, unsigned runs, bool proved_invariants);
/* The program as it was, run beside the one that is proved: false if it fails somewhere, or does
 * something else (replay.c). */
bool proof_replay(struct proof *proof);
/*
 * Of a program without input: its one run, as a proof of all that is open, or as what shows that it
 * fails (only_run.c). The obligations that intervals show have been looked for before.
 */
enum only_run { ONLY_RUN_UNDECIDED, ONLY_RUN_SAFE, ONLY_RUN_FAULT };
enum only_run proof_only_run(struct proof *proof);
/* The same of one obligation, bit by bit (bits.c): slow, and independent of how numbers are read
 * as linear terms. */
bool bits_prove(struct proof *proof, const struct obligation *obligation);
/* A rank for each loop; obligations of kind PLACE_TERMINATION are its result. */
void proof_find_ranks(struct proof *proof);
/* What all blocks together cost, each as often as the loops around it go round (bound.c). */
void proof_find_bound(struct proof *proof);
void proof_run(struct proof *proof);
/* By its one run and nothing else, of a program that is beyond all other means; false: undecided.
 */
bool proof_run_alone(struct proof *proof);
