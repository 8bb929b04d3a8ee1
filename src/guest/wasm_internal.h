/* What the files of the WebAssembly run time share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "guest/wasm_runtime.h"

/*
 * A load or store reaches u32 address + u32 offset + 8 bytes behind the memory's start: 8 GiB and
 * a guard cover all of them, so that translated code needs no check.
 */
#define WASM_RESERVED_BYTES ((8ull << 30) + (64u << 10))
/* wasm2c keeps a memory's size in 32 bits. */
#define WASM_PAGES_MAX 65535u
#define WASM_PAGE_BYTES 65536u

/* One wasm_enter() that has not returned; they nest when a host function calls the guest back. */
struct wasm_frame {
    struct wasm_frame *outer;
    struct host *host;
    void *outer_return; /* wasm_stack.c: where leaving the outer frame goes */
    /* Why an instance could not be made; 0 when it trapped. */
    int refused;
    uint64_t wanted; /* pages or elements that it asked for */
};

/* The innermost frame of this thread, or NULL. */
struct wasm_frame *wasm_frame_current(void);

/*
 * Leaves the innermost frame with a trap met at `address` of the library's code: the instruction,
 * or one byte before a call's return address. From a signal handler too: no locks, no allocation.
 */
void wasm_trap_at(const char *trap, uintptr_t address) __attribute__((noreturn));

/* Leaves the innermost frame: it could not be given what it needs. -ENOMEM or -E2BIG. */
void wasm_refuse(int refused, uint64_t wanted) __attribute__((noreturn));

/* ---- the segment of linear memory (wasm_base.c) ---- */

/*
 * Finds out how the base can be set; for this thread, before the forks. `by_call`: by system call,
 * as if the processor had no instruction for it, from now on (tests). 0 or -errno.
 */
int wasm_base_init(bool by_call, struct err *err);
/* Makes `memory` the one that translated code in this thread reads and writes. */
void wasm_base_set(const void *memory);
/* WASM_RESERVED_BYTES without access, or NULL and errno; and its end. */
void *wasm_base_reserve(void);
void wasm_base_release(void *memory);

/* ---- memory.copy (wasm_move.c) ---- */

/* memmove(), bound to it for libraries. */
void *wasm_move(void *to, const void *from, size_t bytes);

/* ---- the call stack (wasm_stack.c) ---- */

/* Host functions get at least this much of the call stack: wasm_thunks.c checks. */
#define WASM_STACK_HOST_BYTES (64u << 10)
#define WASM_STACK_GUARD_BYTES (64u << 10)

/* Makes this thread's call stack if it has none. 0 or -errno. */
int wasm_stack_prepare(void);

/* Puts the pages of its first `bytes` in place, if they are few: faults less in the first call. */
void wasm_stack_touch(uint64_t bytes);

/* Whether this thread's call stack, from a frame on towards the outermost one, holds what may be a
 * return address into the library's code. */
bool wasm_stack_calls(const void *frame, const struct library *library);

/* True when `address` is in the guard below this thread's call stack. Async-signal-safe. */
bool wasm_stack_guards(uintptr_t address);

/*
 * Runs function(argument) on this thread's call stack, or further down on it when it is already
 * in use. Returns 0 when it returned, 1 when wasm_stack_leave() ended it.
 */
int wasm_stack_run(struct wasm_frame *frame, void (*function)(void *argument), void *argument);

/* Ends the innermost wasm_stack_run(): drops all that runs in it. From a signal handler too. */
void wasm_stack_leave(void) __attribute__((noreturn));

/* Where wasm_thunks.c goes when the stack has no room: the trap, on the host's side. */
void wasm_stack_exhausted(uintptr_t return_address) __attribute__((noreturn, used));

/* ---- function types (wasm_types.c) ---- */

/* Begins and checks a run of registrations: false when one did not fit. */
void wasm_types_begin(void);
bool wasm_types_complete(void);
/* The number of a type in letters, as struct library_symbol has it; 0: there is no room. */
uint32_t wasm_type_number(const char *type);
