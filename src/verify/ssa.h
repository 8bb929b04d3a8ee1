/* SSA form for variables that are read and written block by block (Braun et al., Simple and
 * Efficient Construction of Static Single Assignment Form, 2013). */
#pragma once

#include "verify/program.h"

struct ssa_variable {
    enum value_kind kind;
    unsigned width;
    vid initial; /* at the program's entry */
};

struct ssa;

/* Blocks must then be processed in program->order, each begun and ended. */
struct ssa *ssa_new(struct program *program, const struct ssa_variable *variables, uint32_t count);
void ssa_begin_block(struct ssa *ssa, uint32_t block);
/* Only of the block that is being processed; what stands there now. */
void ssa_write(struct ssa *ssa, uint32_t variable, vid value);
vid ssa_read(struct ssa *ssa, uint32_t variable);
/* Operations made for the block that is being processed go behind what it has so far. */
vid ssa_emit(struct ssa *ssa, enum operation op, enum value_kind kind, unsigned width,
             unsigned count, const vid *operands, unsigned sub, uint64_t imm, struct place place);
void ssa_keep(struct ssa *ssa, vid value);
/* All blocks are processed: completes the joins and puts the blocks together anew. `replaced[v]` is
 * what now stands for v (0: itself) and is applied to every operand. */
void ssa_finish(struct ssa *ssa);
void ssa_replace(struct ssa *ssa, vid value, vid by);
vid ssa_resolve(const struct ssa *ssa, vid value);
