/* Shared by promote*.c. */
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

/* ---- promote_atoms.c: `offset`, `at` and `bytes` are bytes of a split object ---- */

struct atom *promoter_atom(struct promoter *p, const struct split *split, uint64_t offset);
/* The variable that says whether the atom has been written. */
uint32_t promoter_ghost(const struct promoter *p, const struct atom *atom);
vid promoter_constant(struct promoter *p, enum value_kind kind, unsigned width, uint64_t bits);
/* A value as an integer of its width, or of an integer as what the atom holds. */
vid promoter_convert(struct promoter *p, vid value, enum value_kind kind, struct place place);
/* Bytes [at, at + bytes) of atoms as one integer, and back. */
vid promoter_gather(struct promoter *p, const struct split *split, uint64_t at, uint64_t bytes,
                    struct place place);
void promoter_scatter(struct promoter *p, const struct split *split, uint64_t at, uint64_t bytes,
                      vid value, struct place place);
/* Obligations: the object's scope has begun and not ended; the atom has been written. */
void promoter_require_alive(struct promoter *p, const struct split *split, struct place place);
void promoter_require_written(struct promoter *p, const struct atom *atom, struct place place);
/* The split of an access whose bytes are atoms; NULL: it stays an access. */
const struct split *promoter_atoms(struct promoter *p, vid pointer);
vid promoter_address(struct promoter *p, uint32_t object, uint64_t offset, struct place place);

/* ---- promote_copy.c ---- */

/* A copy or a fill, taken apart where one of its sides is split; false: it stays as it is. */
bool promoter_copy(struct promoter *p, const struct value *value);
bool promoter_set(struct promoter *p, const struct value *value);
/* A load or store at a known place of what stays memory: in the region's own object now. */
void promoter_rebase(struct promoter *p, vid id);
