/* How a program of the Lambda Runtime API sees its function and a call: the headers and the body
 * of invocation/next, and its variables. */
#pragma once

#include <stdio.h>

struct contain;
struct guest_call;
struct MHD_Response;

#define LAMBDA_ID_BYTES 37 /* a UUID and NUL */

/* What gives a call to who asked for one, under an id of its own; the caller's to queue and to
 * destroy. NULL: there is no memory. */
struct MHD_Response *lambda_offer(const struct contain *contain, const struct guest_call *call,
                                  char ret_id[LAMBDA_ID_BYTES]);

/* The variables that Lambda sets, each ended by a NUL. */
void lambda_variables(const struct contain *contain, FILE *out);
