/* Addresses that are compared with others, or with an end, which lie a little before their variable
 * or some way behind it. */
#include <stddef.h>
#include <stdint.h>
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)

H(asks_for_four_at_once)
{
    int64_t sum = 0;
    for (const uint8_t *p = in, *end = in + in_len; p + 4 <= end; p += 4)
        sum += p[0] | p[3];
    return sum;
}
H(steps_over_records)
{
    int64_t sum = 0;
    const uint8_t *p = in, *end = in + in_len;
    while (p + 2 <= end) {
        size_t length = (size_t)p[0] << 8 | p[1];
        p += 2;
        if (p + length > end)
            break;
        for (size_t i = 0; i < length; i++)
            sum += p[i];
        p += length;
    }
    return sum;
}
H(length_of_four_bytes)
{
    const uint8_t *end = in + in_len;
    if (in_len < 5)
        return 0;
    uint32_t length = (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
    return in + 4 + length < end ? in[4 + length] : 0;
}
H(stops_before_the_last_eight)
{
    int64_t sum = 0;
    const uint8_t *limit = in + in_len - 8;
    for (const uint8_t *p = in; p <= limit; p++)
        sum += p[7];
    return sum;
}
H(wide_characters)
{
    int64_t last = 0;
    const uint8_t *p = in, *end = in + in_len;
    while (p < end) {
        if (*p < 0x80) {
            last = *p++;
        } else if (*p < 0xE0) {
            if (p + 1 >= end || (p[1] & 0xC0) != 0x80)
                return -1;
            last = (p[0] & 0x1F) << 6 | (p[1] & 0x3F);
            p += 2;
        } else {
            if (p + 2 >= end || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80)
                return -1;
            last = (p[0] & 0xF) << 12 | (p[1] & 0x3F) << 6 | (p[2] & 0x3F);
            p += 3;
        }
    }
    return last;
}
H(two_meet)
{
    const uint8_t *left = in, *right = in + in_len - 1;
    int64_t sum = 0;
    while (left <= right)
        sum += *left++ - *right--;
    return sum;
}
H(behind_as_much_as_there_is)
{
    static const uint8_t sixteen[16] = {1};
    const uint8_t *p = sixteen, *end = sixteen + 16;
    p += in_len; /* (as a subscript, UBSan would look at it) */
    return p < end ? *p : 0;
}
