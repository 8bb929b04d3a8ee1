/* A function for the tests: answers the variable that the body names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vireo/function.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    char name[64] = "";

    if (in_len < sizeof name)
        memcpy(name, in, in_len);
    const char *value = getenv(name);
    return snprintf((char *)out, out_cap, "%s", value ? value : "(none)");
}
