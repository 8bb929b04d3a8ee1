/* The program of `ledger`: what it wants of that is linked when it is deployed, or later. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

int ledger_line(int value, char *text, size_t size);

EXPORT int desk_factor = 2;
static unsigned calls;

EXPORT int desk_twice(int value)
{
    return 2 * value;
}

EXPORT int desk_apply(int (*function)(int), int value)
{
    return function(value);
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    char text[16] = "", line[128] = "-";

    memcpy(text, in, in_len < sizeof text ? in_len : sizeof text - 1);
    calls++;
    if (text[0] >= '0' && text[0] <= '9')
        ledger_line(atoi(text), line, sizeof line);
    return snprintf((char *)out, out_cap, "%s; calls %u", line, calls);
}
