/* Out of memory: scalars, fields of structures, and what is known of the rest (promote*.c). */
#pragma once

#include "verify/program.h"
#include "verify/ssa.h"

/* Where a pointer may point, as far as its text shows. */
enum where_state { WHERE_UNSEEN, WHERE_AT, WHERE_WITHIN, WHERE_MANY };

struct where {
    enum where_state state;
    uint32_t object;
    int64_t offset;        /* WHERE_AT */
    uint64_t first, bytes; /* the part that C lets it move in */
};

/* It is known of which object. */
static inline bool where_is_single(const struct where *where)
{
    return where->state == WHERE_AT || where->state == WHERE_WITHIN;
}

/* For every pointer of the program; marks objects that pointers of several kinds may mean. */
struct where *promote_locate(struct program *program, bool *ret_shared);

/* The distance of a pointer from the beginning of its object, as an integer. */
vid promote_offset(struct ssa *ssa, struct program *program, vid pointer, struct place place);

/* Scalars become values until nothing changes; then the rest of memory gets its ghosts. */
void program_promote(struct program *program);
/* Addresses are kept in memory there: this leaves the program to its one run, or refuses it. */
void promote_keeps_addresses(struct program *program, struct place place);

/*
 * For each array that begins indeterminate: how many of its first bytes have been written, as a
 * value of the program, required to be enough wherever it is read. And for each object a version
 * that changes with every store, so that two loads of the same version are one.
 */
void promote_ghosts(struct program *program);

/* For each array that is looked through for a text's end: where a zero is known to be, as a value
 * of the program that each write keeps right. What is read there is zero. */
void promote_texts(struct program *program);
