/*
 * The program that the verifier reasons about: one control-flow graph, everything called copied
 * into it, in SSA. It is made from LLVM IR by lower.c, which refuses what it does not know by name;
 * promote.c takes scalars out of memory; all later parts read it. Every operation here has one
 * meaning for every bit pattern (two's complement, no poison): what LLVM leaves undefined is an
 * obligation (PLACE_*) instead.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits: past them a program is refused, by name. */
#define PROGRAM_VALUES_MAX 400000
#define PROGRAM_BLOCKS_MAX 40000
#define PROGRAM_OBJECTS_MAX 4096
#define PROGRAM_DEPTH_MAX 64          /* of calls inside calls */
#define PROGRAM_STACK_MAX (512 << 10) /* bytes of all local variables together */
/* No variable lies in the first page of addresses, nor ends in the last 4 GiB of them. */
#define BEFORE_MAX UINT64_C(4096)
#define BEHIND_MAX (UINT64_C(1) << 32)

typedef uint32_t vid; /* a value: an index into program.values; 0 is none */

enum value_kind { KIND_VOID, KIND_INT, KIND_POINTER, KIND_FLOAT };

enum operation {
    OP_NONE,
    /* Constants and inputs. */
    OP_CONST,   /* imm; for floats the bits */
    OP_UNKNOWN, /* any value of its width in [imm, imm2] (integers), or any at all (floats) */
    OP_NULL,    /* the null pointer, and every pointer that points at nothing */
    OP_OBJECT,  /* address of object imm */
    /* Integers of equal width. */
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_UDIV,
    OP_SDIV,
    OP_UREM,
    OP_SREM,
    OP_SHL,
    OP_LSHR,
    OP_ASHR,
    OP_AND,
    OP_OR,
    OP_XOR,
    OP_UMIN,
    OP_UMAX,
    OP_SMIN,
    OP_SMAX,
    OP_CTPOP,
    OP_CTLZ,
    OP_CTTZ,
    OP_BSWAP,
    OP_ICMP,   /* sub: enum predicate; integers or pointers */
    OP_SELECT, /* condition, then, else */
    OP_ZEXT,
    OP_SEXT,
    OP_TRUNC,
    /* Pointers. */
    OP_PTRADD,   /* pointer, i64: modulo 2^64 */
    OP_NARROW,   /* the same address; accesses must stay in [here, here + imm) */
    OP_PTRTOINT, /* of sub 1: the distance from its object's beginning */
    /* Floats: sub says which; their values matter to intervals only. */
    OP_FBINARY,
    OP_FUNARY,
    OP_FCMP,
    OP_FCONVERT, /* between widths */
    OP_SITOFP,
    OP_UITOFP,
    OP_FPTOSI,
    OP_FPTOUI,
    OP_BITCAST /* float <-> integer of its width */,
    /* Joins: an operand for each predecessor of its block, in that order. */
    OP_PHI,
    /* Memory. */
    OP_LOAD,    /* pointer (and what memory it sees, see promote_ghosts()); width / 8 bytes */
    OP_STORE,   /* pointer, value */
    OP_MEMSET,  /* pointer, i8, i64 length; sub: MEMSET_OF_PADDING, or 0 */
    OP_MEMCPY,  /* to, from, i64 length; sub: enum copying */
    OP_BEGIN,   /* the life of object imm begins: its content is indeterminate */
    OP_END,     /* it ends: no access until it begins again */
    OP_REQUIRE, /* i1 must be true; imm: enum place_kind; sub: REQUIRE_OF_ARRAY, or 0 */
};

/* The condition is what is known of an array as a whole: more than each byte that is accessed
 * needs. */
#define REQUIRE_OF_ARRAY 1

/* Whether overlap is an obligation, and (of a place to itself) that all of it is set. */
enum copying { COPY_APART, COPY_MOVE, COPY_OF_SET };

/* What is filled in is between fields: indeterminate, as it was where it is copied from. */
#define MEMSET_OF_PADDING 1

enum predicate {
    ICMP_EQ,
    ICMP_NE,
    ICMP_UGT,
    ICMP_UGE,
    ICMP_ULT,
    ICMP_ULE,
    ICMP_SGT,
    ICMP_SGE,
    ICMP_SLT,
    ICMP_SLE
};

enum float_operation {
    FLOAT_ADD,
    FLOAT_SUB,
    FLOAT_MUL,
    FLOAT_DIV,
    FLOAT_REM,
    FLOAT_NEG,
    FLOAT_ABS,
    FLOAT_SQRT,
    FLOAT_FLOOR,
    FLOAT_CEIL,
    FLOAT_TRUNC,
    FLOAT_ROUND,
    FLOAT_MIN,
    FLOAT_MAX,
    /* libm's: what it answers nobody knows to the bit. */
    FLOAT_OTHER,
    FLOAT_UNIT,  /* sin, cos, tanh: within 1 */
    FLOAT_ANGLE, /* asin, acos, atan, atan2: within a turn */
    FLOAT_EXP,
};

/* What an obligation is about. */
enum place_kind {
    PLACE_READ,
    PLACE_WRITE,
    PLACE_DIVISION,
    PLACE_SHIFT,
    PLACE_SUBSCRIPT,
    PLACE_CONVERSION,
    PLACE_UNREACHABLE,
    PLACE_INITIALISED,
    PLACE_ALIVE,
    PLACE_OVERLAP,
    PLACE_CONTRACT,
    PLACE_ADDRESS,
    PLACE_TERMINATION,
    PLACE_KINDS
};

struct place {
    uint32_t line; /* 0: unknown */
    uint16_t column;
    uint16_t file; /* index of program.files */
};

struct value {
    uint8_t op, kind, width, sub;
    uint16_t count; /* of operands */
    bool checked;   /* its own obligations were made elsewhere */
    uint32_t block;
    vid *operands;
    uint64_t imm, imm2;
    struct place place;
};

enum exit_kind { EXIT_NONE, EXIT_JUMP, EXIT_BRANCH, EXIT_SWITCH, EXIT_RETURN, EXIT_UNREACHABLE };

struct block {
    vid *values; /* in order; phis first */
    uint32_t count, room;
    enum exit_kind exit;
    vid condition;     /* of a branch or switch; a returned value (0: none) */
    uint32_t *targets; /* branch: true, false; switch: default, then one a case */
    uint64_t *cases;   /* of targets[1...] */
    uint32_t target_count;
    struct place place;
    uint32_t *predecessors; /* a block once for each edge */
    uint32_t predecessor_count;
    /* Made by program_analyse(). */
    uint32_t order; /* in reverse post-order; UINT32_MAX: not reachable */
    uint32_t dominator;
    uint32_t loop;  /* header of the innermost loop; UINT32_MAX: none. A header's own loop is its */
    uint32_t depth; /* of loops around it */
    bool header;
    uint32_t outer; /* of a header: the header of the loop around it */
};

struct pointer_cell { /* in a constant: an address */
    uint64_t offset;
    uint32_t object;
    int64_t addend;
};

struct object {
    char *name;
    uint64_t size;               /* bytes, when size_value is 0 */
    vid size_value;              /* i64 in bytes: in and out */
    bool readonly, stack, input; /* input: content unknown, initialised */
    bool function;               /* its address is a function's: nothing may be accessed there */
    bool unsplit;                /* promote.c must leave it whole */
    bool scoped;                 /* OP_BEGIN and OP_END tell its life */
    bool literal;                /* a compound literal: IR does not say where its block ends */
    bool dead;                   /* nothing refers to it any more */
    uint8_t *bytes;              /* of a global: initial content */
    uint8_t *padding;            /* of each byte: between fields; NULL: none, or not known */
    struct pointer_cell *cells;
    uint32_t cell_count;
    uint32_t alignment; /* of a global: its address is a multiple, a power of two; 0: none known */
    uint32_t stride;    /* of its elements: what the content's intervals are kept by */
    struct place place;
};

struct refusal {
    struct place place;
    char *what;   /* "inline assembly" */
    char *change; /* what the author may do */
};

#define REFUSALS_MAX 32

struct arena;

struct program {
    struct arena *arena;
    struct value *values;
    uint32_t value_count, value_room;
    struct block *blocks;
    uint32_t block_count, block_room;
    struct object *objects; /* [0] is nothing */
    uint32_t object_count, object_room;
    uint32_t entry;
    uint32_t *order; /* blocks in reverse post-order */
    uint32_t order_count;
    char *files[64];
    uint32_t file_count;
    const char *library_folder;  /* places below are those of whoever calls them; NULL: none */
    const char *only_run;        /* what makes it provable by its one run only (only_run.c) */
    const char *only_run_change; /* what to change, were it not so */
    struct place only_run_place;
    enum unrolling {
        UNROLL_NOTHING,
        UNROLL_DIGITS,
        UNROLL_ALL
    } unrolls;                   /* program_promote() writes loops of known rounds out */
    bool follows_answers;        /* program_simplify() leads known answers past who asks for them */
    bool follows_texts;          /* program_promote() says where texts end */
    bool has_texts;              /* and there were some */
    bool repeated;               /* called again and again: globals keep what a call left in them */
    vid in_length, out_capacity; /* of a handler */
    uint64_t stack_bytes;
    struct refusal refusals[REFUSALS_MAX];
    uint32_t refusal_count;
    jmp_buf *stop; /* where program_refuse() and a lack of memory go */
    bool out_of_memory;
};

/* ---- memory: all of a program's, given back at once ---- */
struct program *program_new(void);
void program_free(struct program *program);
/* As it is now, to be run and looked at but not to be added to; its memory is the program's, with
 * which it goes. */
struct program *program_copy(struct program *program);
/* Zeroed; does not return when there is none (program->stop). */
void *program_alloc(struct program *program, size_t count, size_t size);
char *program_text(struct program *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Values one after another; zeroed it is empty. */
struct vid_list {
    vid *items;
    uint32_t count, room;
};
void vid_list_push(struct program *program, struct vid_list *list, vid item);

/* Notes a refusal and goes to program->stop. */
_Noreturn void program_refuse(struct program *program, struct place place, const char *change,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Notes one and returns, so that more can be found. */
void program_note_refusal(struct program *program, struct place place, const char *change,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- building ---- */
uint32_t program_add_block(struct program *program);
uint32_t program_add_object(struct program *program, const char *name);
vid program_add_value(struct program *program, enum operation op, enum value_kind kind,
                      unsigned width, const vid *operands, unsigned count);
/* Appends a value to a block; folds constants, then nothing is appended. */
vid program_append(struct program *program, uint32_t block, enum operation op, enum value_kind kind,
                   unsigned width, const vid *operands, unsigned count, unsigned sub, uint64_t imm,
                   struct place place);
vid program_const(struct program *program, unsigned width, uint64_t imm);
void block_append(struct program *program, uint32_t block, vid value);
void block_jump(struct program *program, uint32_t block, uint32_t target, struct place place);
void block_branch(struct program *program, uint32_t block, vid condition, uint32_t yes, uint32_t no,
                  struct place place);

static inline struct value *value_at(const struct program *program, vid id)
{
    return &program->values[id];
}

static inline bool value_is_const(const struct program *program, vid id)
{
    return program->values[id].op == OP_CONST;
}

static inline uint64_t width_mask(unsigned width)
{
    return width >= 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

/* Is it this integer, of whatever width it has? */
static inline bool value_is(const struct program *program, vid id, uint64_t imm)
{
    const struct value *value = &program->values[id];

    return value->op == OP_CONST && value->kind == KIND_INT &&
           value->imm == (imm & width_mask(value->width));
}

static inline int64_t sign_extend(uint64_t value, unsigned width)
{
    return width >= 64 ? (int64_t)value : (int64_t)(value << (64 - width)) >> (64 - width);
}

/*
 * What an integer operation gives for these operands, as bits: the one definition of it, for
 * folding, for the interpreter, and for tests of the encoding. False: it has no meaning (division
 * by zero, a shift too far, an operation that is not of integers).
 */
bool operation_evaluate(enum operation op, unsigned sub, unsigned width, unsigned operand_width,
                        const uint64_t *operands, uint64_t *ret_value);
enum predicate predicate_negate(enum predicate predicate);
/* The one that holds of the operands in the other order. */
enum predicate predicate_swap(enum predicate predicate);
bool predicate_holds(enum predicate predicate, uint64_t a, uint64_t b, unsigned width);

/* ---- graph (graph.c) ---- */

/* Lists each block's predecessors, once for each edge; once, before any phi has operands. */
void program_link(struct program *program);
/* Takes the edge number `index` (of block->targets) away, from the phis behind it too. */
void block_remove_edge(struct program *program, uint32_t block, uint32_t index);
/* Order, dominators, loops; cuts off what can't be reached; loops with two entries are none, and
 * leave the program to its one run. */
void program_analyse(struct program *program);
/* Refuses for what program->only_run says. */
_Noreturn void program_refuse_all_but_run(struct program *program);
bool block_dominates(const struct program *program, uint32_t a, uint32_t b);
/* Is `block` in the loop with this header (or in one inside it)? */
bool loop_contains(const struct program *program, uint32_t header, uint32_t block);

/* ---- simplify.c ---- */

/* Folds, removes branches that constants decide, equal values, values nobody uses; until nothing
 * changes. Obligations stay. */
void program_simplify(struct program *program);
/* Part of it (simplify_threads.c): who brings a constant to a joint goes past it. Did anything
 * change? Afterwards the program has to be analysed. */
bool simplify_thread_joins(struct program *program);
/* Blocks that always follow one another are one; to be analysed afterwards, too. */
bool simplify_chains(struct program *program);
/* The same of one block that asks something of what it joins. `work`: values that may be looked at,
 * which it takes from. */
bool simplify_thread_answers(struct program *program, uint32_t *work);

/* program_analyse(), with loops that are entered in two places made such with one entry
 * (entries.c); program->only_run says where some are left. */
void program_split_entries(struct program *program);

/* Loops that go round a known, small number of times are written out, or those over the digits of
 * numbers only (unroll.c). Were there any? */
bool program_unroll(struct program *program, bool digits_only);
