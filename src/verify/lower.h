/* LLVM IR becomes a struct program, or is refused: what lower*.c share. */
#pragma once

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>

#include "verify/program.h"

/* Parts of one first-class value: a scalar is one, {i64, i1} two. */
#define PARTS_MAX 16

struct lowered {
    LLVMValueRef key;
    uint32_t count;
    vid parts[PARTS_MAX];
};

struct value_map {
    struct lowered **slots;
    uint32_t room, count;
};

struct block_map_entry {
    LLVMBasicBlockRef key;
    uint32_t first, last; /* a call inside splits it */
    bool lowered;
};

/* A function that is being copied in. */
struct frame {
    struct frame *caller;
    LLVMValueRef function;
    struct place call; /* where it is called */
    struct value_map map;
    struct block_map_entry *blocks;
    uint32_t block_count;
    uint32_t *objects; /* its locals */
    uint32_t object_count, object_room;
    uint32_t *return_blocks;
    struct lowered *return_values;
    uint32_t return_count;
};

struct pending_phi {
    vid phi;
    uint32_t *blocks;
    vid *values;
    uint32_t count;
};

struct lowering {
    struct program *program;
    LLVMModuleRef module;
    LLVMTargetDataRef layout;
    struct frame *frame;
    uint32_t block; /* where the next instruction goes */
    uint32_t depth;
    struct value_map globals;
    struct pending_phi *phis;
    uint32_t phi_count, phi_room;
    LLVMValueRef instruction; /* for messages */
};

struct scalar {
    enum value_kind kind;
    unsigned width;
    uint64_t offset;
};

/* ---- lower_place.c ---- */

/*
 * Where the instruction that is looked at stands in the user's source. Of code that is a library's
 * (the SDK's, the system's headers, Rust's core) that is where the user calls it.
 */
struct place lower_place(struct lowering *low);

/* ---- lower.c ---- */

/*
 * Copies `entry` and all it calls into program. program->stop must be set. The entry is a
 * handler(in, in_len, out, out_cap) or has no arguments.
 */
void lower_module(struct program *program, LLVMModuleRef module, LLVMValueRef entry,
                  uint64_t buffer_max);
void lower_block_values(struct lowering *low, LLVMBasicBlockRef block);
/* The scalars that a type is made of; refuses types that are not on the list. */
uint32_t lower_type(struct lowering *low, LLVMTypeRef type, struct scalar ret[PARTS_MAX]);
uint64_t lower_size(struct lowering *low, LLVMTypeRef type);
/* Which bytes of `size` in such objects are between fields; NULL: none, or too many to look at. */
uint8_t *lower_padding(struct lowering *low, LLVMTypeRef type, uint64_t size);
vid lower_emit(struct lowering *low, enum operation op, enum value_kind kind, unsigned width,
               unsigned count, const vid *operands, unsigned sub, uint64_t imm);
void lower_require(struct lowering *low, vid condition, enum place_kind kind);
/* A phi here with `count` operands; where they come from is filled into *ret_pending (not NULL),
 * which is valid until the next one is made. */
vid lower_phi(struct lowering *low, enum value_kind kind, unsigned width, uint32_t count,
              struct pending_phi **ret_pending);
uint32_t lower_local(struct lowering *low, const char *name, uint64_t size, uint32_t stride);
uint32_t lower_stride(struct lowering *low, LLVMTypeRef type);
struct lowered *map_add(struct program *program, struct value_map *map, LLVMValueRef key);
struct lowered *map_find(const struct value_map *map, LLVMValueRef key);

/* ---- lower_value.c: constants, globals, addresses ---- */
const struct lowered *lower_operand(struct lowering *low, LLVMValueRef value);
vid lower_scalar(struct lowering *low, LLVMValueRef value);
vid lower_address(struct lowering *low, LLVMValueRef gep);
/* Is it stdin, stdout or stderr (or null)? */
vid lower_is_stream(struct lowering *low, vid pointer, bool null_too);

/* ---- lower_screen.c ---- */
void lower_screen_module(struct lowering *low);
/* Attributes, linkage and data that a function may not have. */
void lower_screen_function(struct lowering *low, LLVMValueRef function, const char *name);

/* ---- lower_instruction.c ---- */
void lower_instruction(struct lowering *low, LLVMValueRef instruction);
/* Refuses an instruction that is none of those that lower_instruction() and lower_end() know. */
void lower_screen_instruction(struct lowering *low, LLVMValueRef instruction);

/* ---- lower_call.c, lower_function.c ---- */
void lower_call(struct lowering *low, LLVMValueRef call);
/* Copies a function in; its result's parts. */
void lower_inline(struct lowering *low, LLVMValueRef function,
                  const struct lowered *const *arguments, uint32_t argument_count,
                  struct lowered *ret_result);
