/*
 * Streams of native code: the C library's own, over the function's descriptors instead of the
 * process's (native_stdio.c).
 */
#pragma once

#include <stdio.h>

struct err;

/* Bound to native code's stdin, stdout and stderr. NULL: it has closed that one. */
extern FILE *native_stdin, *native_stdout, *native_stderr;

/* Makes these three, once, in the template. 0 or -ENOMEM with a message. */
int native_stdio_open(struct err *err);
/* At the end of a handler's call: what it has printed is in the log. Costs nothing if it has not.
 */
void native_stdio_flush(void);
/* As exit() does with all that is open. */
void native_stdio_end(void);
