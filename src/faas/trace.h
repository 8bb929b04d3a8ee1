/* What names a request on its way: X-Request-Id, and traceparent (W3C Trace Context). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_ID_TEXT 65 /* 64 characters and NUL; ours have 32 */
#define TRACE_TEXT 56      /* 55 characters and NUL */

/* 1 to 64 of A-Z a-z 0-9 - . _ ~ : + = / @ : nothing that a log or a header would read otherwise.
 */
bool request_id_is_valid(const char *id);

/*
 * Lower-case hexadecimal "VERSION-TRACE-PARENT-FLAGS", no id all zeros, not version ff. A version
 * above 00 may have more behind a further "-": the first 55 characters are what we know of it.
 */
bool trace_is_valid(const char *trace);
