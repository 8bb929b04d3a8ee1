/* The accessors of vireo/function.h for a handler that runs natively in a test. */
#pragma once

#include <stdio.h>

/* The query of the calls to come; NULL: none. Borrowed. */
void native_call_query(const char *query);
/* Forgets status and headers of the last call. */
void native_call_reset(void);
/* "status N", then one header a line. */
void native_call_print(FILE *file);
