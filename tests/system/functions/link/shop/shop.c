/* A function of native code that is linked with `tax` when it is deployed, or while it runs. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long tax_of(long cents);

static unsigned calls;

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    char text[32] = "";

    memcpy(text, in, in_len < sizeof text ? in_len : sizeof text - 1);
    calls++;
    if (strncmp(text, "busy", 4) == 0) {
        volatile unsigned long turns = 0;
        while (turns < 12000000000ul)
            turns++;
    }
    long tax = text[0] >= '0' && text[0] <= '9' ? tax_of(strtol(text, NULL, 10)) : 0;
    return snprintf((char *)out, out_cap, "tax %ld calls %u\n", tax, calls);
}
