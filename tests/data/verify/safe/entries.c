/* Loops that are entered in two places: a switch or a goto into one, as coders do that go on where
 * the call before stopped. */
#include <stddef.h>
#include <stdint.h>
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)

static uint8_t kept, step;

H(halves)
{
    size_t i = 0, n = 0;
    unsigned both = kept;
    if (out_cap / 2 < in_len)
        return -1;
    if (step == 1)
        goto second;
    for (;;) {
        if (i == in_len) {
            step = 0;
            break;
        }
        both = in[i++];
        out[n++] = (uint8_t)(both >> 4);
    second:
        if (i == in_len) {
            step = 1;
            break;
        }
        both += in[i++];
        out[n++] = (uint8_t)both;
    }
    kept = (uint8_t)both;
    return (int64_t)n;
}
H(three_bytes_to_four)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static unsigned state, rest;
    const uint8_t *p = in, *end = in + in_len;
    uint8_t *to = out, *room = out + out_cap, byte;
    switch (state) {
        for (;;) {
        case 0:
            if (p == end || to + 2 > room) {
                state = 0;
                return to - out;
            }
            byte = *p++;
            *to++ = (uint8_t)digits[byte >> 2];
            rest = (byte & 3u) << 4;
        case 1:
            if (p == end || to + 2 > room) {
                state = 1;
                return to - out;
            }
            byte = *p++;
            *to++ = (uint8_t)digits[(rest & 0x30) | byte >> 4];
            rest = (byte & 15u) << 2;
        case 2:
            if (p == end || to + 2 > room) {
                state = 2;
                return to - out;
            }
            byte = *p++;
            *to++ = (uint8_t)digits[(rest & 0x3C) | byte >> 6];
            *to++ = (uint8_t)digits[byte & 63];
        }
    }
    return to - out;
}
H(goes_on_at_a_line)
{
    static int line;
    static size_t count;
    int64_t sum = 0;
    size_t i = 0;
    switch (line) {
    case 0:
        while (i < in_len) {
            count = in[i++];
            while (count > 0) {
                if (i == in_len) {
                    line = 1;
                    return sum;
                case 1:
                    if (i == in_len)
                        return sum;
                }
                sum += in[i++];
                count--;
                if (count == 0)
                    break;
            }
        }
        line = 0;
    }
    return sum;
}
