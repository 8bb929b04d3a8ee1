/*
 * What abstract interpretation knows of a program: an interval for each number, for each pointer
 * its objects and the interval of its offset. Everything here holds in every execution that met no
 * failed obligation before.
 */
#pragma once

#include "verify/promote.h"
#include "verify/range.h"

struct pointees {
    uint32_t count;
    const uint32_t *objects; /* 0 among them: it may point at nothing */
};

struct facts {
    struct program *program;
    struct range *ranges;       /* of integers, by vid; of pointers the offset, as i64 */
    struct float_range *floats; /* of floats */
    struct pointees *pointees;
    struct where *where;
    /* Conditions that mention a value: by vid, lists of struct known_branch. */
    struct known_branch **branches;
    bool known;            /* else all of this says nothing: facts_none() */
    bool *leaks_padding;   /* of objects: bytes between fields may be indeterminate in it */
    bool *addresses;       /* of numbers: made of an address, whole (addresses.c) */
    uint8_t *address_uses; /* enum address_use, of all values */
    vid *bounds;           /* of pointers: the innermost OP_NARROW that holds; 0: the object's */
};

struct known_branch {
    struct known_branch *next;
    uint32_t block; /* what it dominates */
    vid condition;
    bool holds;
};

/* (Of a program that turns out to keep addresses in memory nothing is known.) */
struct facts *facts_find(struct program *program);
/* Nothing known of anything. */
struct facts *facts_none(struct program *program);
/* An integer's (or offset's) interval where it is used in `block`: its own, and what the branches
 * that lead there say. */
struct range facts_range(const struct facts *facts, vid value, uint32_t block);
/* The same at the end of `from`, on its edge to `to`. */
struct range facts_range_on_edge(const struct facts *facts, vid value, uint32_t from, uint32_t to);
/* The size of an object in bytes, as an interval. */
struct range facts_size(const struct facts *facts, uint32_t object);
/* May this operation come upon bytes between fields that nobody set (padding.c)? */
bool padding_concerns(const struct facts *facts, const struct value *value);
/* Such bytes are not read by it, and go to bytes between fields only. */
bool padding_is_kept(const struct facts *facts, const struct value *value);
struct float_range facts_float(const struct facts *facts, vid value, uint32_t block);

/* What a value does with addresses that must be shown to be right (addresses.c). */
enum address_use {
    ADDRESS_UNUSED,     /* nothing, or what is always right */
    ADDRESS_COMPARED,   /* two, perhaps of different variables */
    ADDRESS_SUBTRACTED, /* the same */
    ADDRESS_STRAYS      /* a number made of one is an index, is kept, or compared as a number */
};
/* Fills `addresses` and `address_uses`, from pointees and ranges, if these are known. */
void addresses_find(struct facts *facts);

/* What a write does to bytes [remainder, remainder + bytes) of every `stride` bytes of an object.
 */
enum facts_write {
    WRITE_BESIDE,  /* nothing */
    WRITE_ELEMENT, /* a store of just these bytes of one element */
    WRITE_FILL,    /* a constant byte, in whole ones */
    WRITE_OTHER    /* anything */
};
enum facts_write facts_write_kind(const struct facts *facts, vid write, uint32_t stride,
                                  uint32_t remainder, uint32_t bytes);
/* The remainder of a pointer's offset by `stride`; false: not known. */
bool facts_remainder(const struct facts *facts, vid pointer, uint32_t stride, uint32_t *ret);
