/* Shared by promote.c and promote_plan.c. */
#pragma once

#include "verify/promote.h"

struct atom {
    uint32_t object;
    uint32_t first, bytes;
    enum value_kind kind;
    unsigned width;
    bool gap; /* nobody loads or stores it: it has no value */
};

/* What is known of one object in this round. */
struct split {
    bool possible, bare; /* bare: something to gain */
    uint8_t *region;     /* of each byte: in one */
    uint8_t *cut;        /* an atom begins here */
    uint8_t *kinds;      /* of each byte, 1 << enum value_kind of what accesses it */
    uint32_t *part;      /* of each byte: atom + 1, or object of the region */
    uint32_t alive;      /* variable */
};

struct promoter {
    struct program *program;
    struct where *where;
    struct split *splits;
    struct atom *atoms;
    uint32_t atom_count, atom_room;
    struct ssa_variable *variables; /* atoms, their ghosts, lives */
    bool exits_only;                /* clang's note of how a scope is left, and nothing else */
    struct ssa *ssa;
};

/* Cuts the objects of this round; false: there is nothing to gain. */
bool promote_plan(struct promoter *p);
/* The length of a copy or a fill, if it is known and not too large to take apart. */
bool promote_length(const struct promoter *p, const struct value *value, uint64_t *ret);
