/*
 * Native handlers: of libraries that are proved or operator-signed. They run on the call stack that
 * translated code has (its guard page is theirs), with a request's body and the answer's room in
 * memory of the instance, and ask by the functions of include/vireo/function.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "guest/library.h"

struct err;
struct host;

static inline bool library_is_native(const struct library_face *face)
{
    return face->instance_bytes == 0;
}

/*
 * A call of proved code may take so much processor time and, at most, as much again: then it is
 * left with a trap. One timer for all calls of the process, armed once; a call costs no system
 * call. 0 or -errno. Before the filter.
 */
int native_limit_cpu(uint32_t cpu_ms);
/* Around each call. */
void native_call_begins(void);
void native_call_ends(void);

/* Where a native handler finds the body and puts the answer: of this process, with guards. */
struct native_buffers {
    uint8_t *in;  /* REQUEST_BODY_MAX_BYTES and a page */
    uint8_t *out; /* RESPONSE_BODY_MAX_BYTES */
};

/* Reserves them, once, in the template: instances inherit the place, and their pages are their own
 * when they are touched. 0 or -errno with a message. */
int native_prepare(struct native_buffers *buffers, struct err *err);

/*
 * Around what native code calls and what is not to be entered anew by a handler: all but what only
 * reads the request. Signals that come in between are noted, and their handlers run at the end.
 * native_enter() answers whose code runs, NULL when nobody's does: EPERM then. native_leave() makes
 * -errno a -1 with errno, or answers the result. They nest: the outermost one runs the handlers.
 */
struct host *native_enter(void);
long native_leave(struct host *host, long result);
/* For _cleanup_(): after all that is declared below it. */
static inline void native_leavep(struct host *const *host)
{
    native_leave(*host, 0);
}
/* Whether native code runs, outside of these. Async-signal-safe. */
bool native_in_code(void);
/* The number of such calls that have begun; a handler's code runs in none of them. */
int native_calls_set(int depth);

/* native_io.c: what a path in a granted folder leads to. 0 or -errno. System calls: openat2, fstat,
 * close; none outside of all folders. */
struct stat;
int native_status(const char *path, struct stat *ret_status);
