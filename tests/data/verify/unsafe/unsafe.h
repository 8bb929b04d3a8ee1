/* Of these files every function H(name), for some input, and R(name) is unsafe: none may be
 * accepted. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
/* One without input. */
#define R(name) int name(void)
