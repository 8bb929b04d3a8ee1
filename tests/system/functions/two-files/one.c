/* A function of two files. */
#include <stdio.h>

#include <vireo/function.h>

#include "two.h"

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)in;
    (void)in_len;
    return snprintf((char *)out, out_cap, "the answer is %d\n", answer());
}
