/* What a runtime that streams its response says beside the body (Lambda's response streaming): the
 * HTTP prelude of the body, and the error in the trailers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;
struct guest_call;

#define LAMBDA_INTEGRATION "application/vnd.awslambda.http-integration-response"

/*
 * Of a body of that content type: takes the prelude, {"statusCode": N, "headers": {…}, "cookies":
 * […]} and eight NUL bytes, out of the answer and makes status and headers of it. -EBADMSG when
 * there is no proper one.
 */
int lambda_integration(struct guest_call *call);
/* The error that came in the trailers, "TYPE: message", where the response broke off in the middle;
 * false: none did. Never longer than `size`. */
bool lambda_trailer_error(struct MHD_Connection *connection, char *text, size_t size);
