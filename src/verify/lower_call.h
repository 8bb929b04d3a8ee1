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
/* printf(constant format, ...) and its like; `at` is which argument is the format. */
void call_format(const struct call *call, unsigned at);
void call_puts(const struct call *call, unsigned op);
/* Any number (of `bits` bits, if not 0): what the arguments are does not matter. */
void call_number(const struct call *call, unsigned bits);
void call_fgets(const struct call *call, unsigned op);
/* The program ends, where a program may: a handler may not. */
void call_exit(const struct call *call, unsigned op);
/* The program ends there, unless the argument is true. */
void call_end_unless(const struct call *call, unsigned op);
