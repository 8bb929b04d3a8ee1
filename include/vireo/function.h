/*
 * vireo/function.h: what the author of a function includes.
 *
 *     #include <vireo/function.h>
 *
 *     int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
 *     {
 *         const char *name = vireo_request_header("x-name");
 *         vireo_response_header("Content-Type", "text/plain");
 *         return snprintf((char *)out, out_cap, "Hello, %s\n", name ? name : "world");
 *     }
 *
 * A function lives from call to call (unless its manifest says `isolation: request`): globals and
 * allocations stay. One call runs at a time.
 */
#ifndef VIREO_FUNCTION_H
#define VIREO_FUNCTION_H

#include <stddef.h>
#include <stdint.h>

#include "vireo/update.h" /* of a server: vireo_update_point() */

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Written by you. `in` holds the request's body, `out` has room for the answer's: `out_cap` bytes,
 * the function's answer limit, or less when its memory limit has no room for that. Neither
 * is NULL, also when it is empty; both are good until you return. Returns how many bytes of `out`
 * are the answer (at most out_cap), or a negative number of your own, which the caller sees as an
 * error with that number.
 */
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap);

/*
 * The request. Texts are good until the handler returns; NULL when there is none.
 * The path is what follows /function/NAME ("/" if nothing does); the query has no "?".
 */
const char *vireo_request_method(void);
const char *vireo_request_path(void);
const char *vireo_request_query(void);
/* A header's value, by its name in capital or small letters; the first when there are several. */
const char *vireo_request_header(const char *name);

/* The answer's status, 200 to 599; 200 when never set. Returns 0, or -1 for another number: an
 * answer for which only such a number was said is refused (502). */
int vireo_response_status(int status);

/*
 * Adds a header to the answer. Returns 0, or -1 when HTTP does not allow that name or value, when
 * it is the server's own business (Content-Length, Connection, Transfer-Encoding, ...), or when
 * there are too many.
 */
int vireo_response_header(const char *name, const char *value);

#ifdef __cplusplus
}
#endif

#endif
