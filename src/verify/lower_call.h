/* Shared by lower_call.c and lower_outside.c: one call of a function that is not in the module. */
#pragma once

#include "verify/lower.h"

struct call {
    struct lowering *low;
    LLVMValueRef instruction;
    const char *name;
    struct scalar result[PARTS_MAX];
    uint32_t result_count;
};

vid call_argument(const struct call *call, unsigned index);
/* What the call gives. */
void call_give(const struct call *call, vid first, vid second);
/* What always stops: it must not be reached. */
void call_stop(const struct call *call, unsigned op);

/* ---- lower_function.c ---- */
void lower_call_defined(struct lowering *low, LLVMValueRef at, LLVMValueRef function);
/* Through a pointer: one of the functions of that type whose address is taken. */
void lower_call_pointer(struct lowering *low, LLVMValueRef at);

/* ---- lower_outside.c: what has effects outside, or answers from there ---- */

/* vireo_response_status(number), vireo_response_header(constant text, constant text): 0 or -1. */
void call_response(const struct call *call, unsigned texts);
/* Any number (of `bits` bits, if not 0): what the arguments are does not matter. */
void call_number(const struct call *call, unsigned bits);
/* __VERIFIER_nondet_int() and its like: any number. */
void call_nondet(const struct call *call, unsigned op);
/* Reads its first argument as a text (of 4 bytes a character if `wide`). */
void call_puts(const struct call *call, unsigned wide);
/* The program ends, where a program may: a handler may not. */
void call_exit(const struct call *call, unsigned op);
/* The program ends there, unless the argument is true. */
void call_end_unless(const struct call *call, unsigned op);

/* Any answer, of `bits` bits (0: all of its type). */
void call_give_any(const struct call *call, unsigned bits);
/* A text that ends inside its constant, the program's; NULL: it is not one. */
const char *call_constant_text(const struct call *call, vid pointer, unsigned wide);
/* A text is read to its end, as the library does it: a loop over its characters. */
void call_read_text(const struct call *call, vid text, unsigned wide);

/* ---- lower_loop.c: a loop over bytes ---- */

struct byte_loop {
    uint32_t before, head, body, after; /* blocks */
    vid at;                             /* bytes that are done, 0 at first */
    struct pending_phi *pending;        /* no other phi is made before loop_end() */
};

/* Begins one here, at its head. */
struct byte_loop loop_begin(struct lowering *low);
/* Where it stands in what begins at `pointer`. */
vid loop_address(struct lowering *low, const struct byte_loop *loop, vid pointer);
/* From the head into the body while `goes_on`. */
void loop_body(struct lowering *low, const struct byte_loop *loop, vid goes_on);
/* `step` bytes on, and round again; what comes next stands behind the loop. */
void loop_end(struct lowering *low, const struct byte_loop *loop, unsigned step);

/* ---- lower_allow.c ---- */

/* A call of what the allow-list serves; false: it is none. */
bool call_allowed(const struct call *call);

/* ---- lower_format.c ---- */

#define CALL_WIDE 16u
/* printf(constant format, ...) and its like; `op` is which argument is the format, and CALL_WIDE.
 */
void call_format(const struct call *call, unsigned op);
void call_snprintf(const struct call *call, unsigned op);
/* Only if what comes out is bounded by the format. */
void call_sprintf(const struct call *call, unsigned op);
/* Bits of an integer by the one length that stands at `*at` (hh, h, l, ll, z, j, t or none), which
 * is skipped. A second one the library does not know, and what it makes of it is no conversion. */
unsigned call_format_width(const char **at);

/* ---- lower_scan.c ---- */

/* Any text into a buffer of `room` characters, a number of 64 bits that is at least 1; where it
 * ends is not said. */
void call_text_into(const struct call *call, vid buffer, vid room, unsigned wide);
/* If there is a text (of one bit `got`; 0: there is), it ends somewhere in its buffer. */
void call_text_ends(const struct call *call, vid buffer, vid room, vid got, unsigned wide);
void call_fgets(const struct call *call, unsigned wide);
void call_getchar(const struct call *call, unsigned op);
void call_time(const struct call *call, unsigned op);
void call_of_text(const struct call *call, unsigned op);
/* scanf() and its like; `at` is which argument is the format. */
void call_scan(const struct call *call, unsigned at);
