/*
 * A program as linear arithmetic over the integers, for Z3. Machine numbers are integers in the
 * view (unsigned or signed) that their interval fits best; what may wrap says by how often. Loops
 * are cut at their headers: the model of a satisfiable formula is one pass from the entry or from
 * some state at headers on. Whatever a real execution does satisfies every assertion: assertions
 * are definitions that any integers satisfy, or stand behind the condition that their block is
 * reached. So "unsatisfiable" means that no execution does it; the converse is not promised.
 */
#pragma once

#include <z3.h>

#include "verify/facts.h"

struct encoding {
    struct facts *facts;
    struct program *program;
    Z3_context z3;
    Z3_solver solver;
    Z3_sort integer;
    Z3_ast *terms;   /* of integers in their view; of i1 booleans; of pointers the offset */
    Z3_ast *objects; /* of pointers: which object */
    bool *is_signed; /* the view */
    Z3_ast *reached; /* of blocks */
    Z3_ast *rounds;  /* of headers: how often the loop went round */
    struct related {
        vid value;
        Z3_ast guard; /* where it is what its assertions say */
        struct related *next;
    } * products, *quotients, *loads; /* so far; of products and quotients what is not constant */
    bool relates_loads;               /* what is read twice is the same: dear, and seldom of use */
    struct contents *contents;        /* what arrays hold (contents.c); NULL: nothing is known */
    Z3_ast now;                       /* with contents: the position that a query is about */
    uint32_t *positions;              /* of values, in the order of a pass */
    uint32_t *ends;                   /* of blocks */
    uint64_t queries;
};

struct encoding *encoding_new(struct facts *facts);
void encoding_free(struct encoding *e);

/* ---- terms; all of them live as long as the encoding ---- */
Z3_ast encode_int(struct encoding *e, vid value); /* in the value's own view */
Z3_ast encode_view(struct encoding *e, vid value, bool is_signed);
Z3_ast encode_bool(struct encoding *e, vid value); /* of an i1 */
Z3_ast encode_offset(struct encoding *e, vid pointer);
Z3_ast encode_object(struct encoding *e, vid pointer);
Z3_ast encode_size(struct encoding *e, uint32_t object);
/* Control comes along this edge. */
Z3_ast encode_edge(struct encoding *e, uint32_t from, uint32_t index);
Z3_ast encode_reached(struct encoding *e, uint32_t block);
/* Of a block with predecessors: along the edge number `index` of its predecessors. */
Z3_ast encode_incoming(struct encoding *e, uint32_t block, uint32_t index);
/* `length` bytes at a pointer may be read (or written). */
Z3_ast encode_access(struct encoding *e, vid pointer, Z3_ast length, bool write);

/* What a load may give, of an array of which something is known. */
void contents_of_load(struct encoding *e, vid load, Z3_ast guard);
/* `fact`, said of a moment of the pass: what arrays hold is known of loads before it only, so that
 * no fact about a later load can exclude what is asked. */
Z3_ast encode_when(struct encoding *e, uint32_t position, Z3_ast fact);
/* The end of the predecessor, where its edge is taken. */
Z3_ast encode_at_edge(struct encoding *e, uint32_t block, uint32_t index);

/* ---- small helpers (encode_terms.c) ---- */
Z3_ast term_number(struct encoding *e, __int128 number);
Z3_ast term_fresh(struct encoding *e, const char *name);
Z3_ast term_fresh_bool(struct encoding *e);
Z3_ast term_add(struct encoding *e, Z3_ast a, Z3_ast b);
Z3_ast term_sub(struct encoding *e, Z3_ast a, Z3_ast b);
Z3_ast term_scale(struct encoding *e, __int128 by, Z3_ast a);
Z3_ast term_and(struct encoding *e, Z3_ast a, Z3_ast b);
Z3_ast term_or(struct encoding *e, Z3_ast a, Z3_ast b);
Z3_ast term_not(struct encoding *e, Z3_ast a);
Z3_ast term_le(struct encoding *e, Z3_ast a, Z3_ast b);
Z3_ast term_lt(struct encoding *e, Z3_ast a, Z3_ast b);
Z3_ast term_eq(struct encoding *e, Z3_ast a, Z3_ast b);
Z3_ast term_implies(struct encoding *e, Z3_ast a, Z3_ast b);
/* Asserts `fact` behind `guard`. */
void term_assert(struct encoding *e, Z3_ast guard, Z3_ast fact);

/* ---- encode_operation.c ---- */
/* The term of an integer operation, its view set; operands are encoded as needed. */
Z3_ast encode_operation(struct encoding *e, vid value);
/* A fresh integer in the value's view and interval. */
Z3_ast encode_opaque(struct encoding *e, vid value);

/* ---- encode_related.c ---- */
/*
 * Asserts behind `guard` what the operation and those of its kinds before it say of each other, and
 * notes it for those that come. Its term is there (e->terms). `factors` are the operands' terms
 * without sign.
 */
void relate_product(struct encoding *e, vid product, const Z3_ast factors[2], Z3_ast guard);
void relate_quotient(struct encoding *e, vid quotient, Z3_ast guard);
void relate_load(struct encoding *e, vid load, Z3_ast guard);
