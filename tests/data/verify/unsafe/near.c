/* Addresses before and behind their variables: what a comparison says of them where they are so far
 * away that they wrap, and where it says one too little. */
#include "unsafe.h"

static int64_t eight_bytes(const uint8_t *p)
{
    int64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return n;
}

H(asks_for_four_reads_five)
{
    int64_t sum = 0;
    for (const uint8_t *p = in, *end = in + in_len; p + 4 <= end; p += 4)
        sum += p[4];
    return sum;
}
H(asks_for_one_less)
{
    int64_t sum = 0;
    for (const uint8_t *p = in, *end = in + in_len; p + 3 <= end; p += 4)
        sum += p[3];
    return sum;
}
H(length_that_wraps)
{
    if (in_len < 8)
        return 0;
    int64_t n = eight_bytes(in);
    return in + n < in + in_len ? in[n] : 0;
}
H(length_that_wraps_unsigned)
{
    if (in_len < 8)
        return 0;
    uint64_t n = (uint64_t)eight_bytes(in);
    return in + n < in + in_len ? in[n] : 0;
}
H(length_times_eight_wraps)
{
    if (in_len < 8)
        return 0;
    uint64_t n = (uint64_t)eight_bytes(in);
    const uint64_t *words = (const uint64_t *)in;
    return words + n < words + in_len / 8 ? (int64_t)words[n] : 0;
}
H(record_is_longer_by_one)
{
    int64_t sum = 0;
    const uint8_t *p = in, *end = in + in_len;
    while (p + 1 <= end) {
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
H(signed_length_goes_back)
{
    if (in_len < 4)
        return 0;
    int32_t n =
        (int32_t)((uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3]);
    return in + n < in + in_len ? in[n] : 0;
}
H(short_length_goes_back)
{
    if (in_len < 4)
        return 0;
    const int8_t n = (int8_t)in[0];
    return in + n < in + in_len ? in[n] : 0;
}
H(stops_before_the_last_seven)
{
    int64_t sum = 0;
    const uint8_t *limit = in + in_len - 7;
    for (const uint8_t *p = in; p <= limit; p++)
        sum += p[7];
    return sum;
}
H(limit_before_the_first_page)
{
    const uint8_t *limit = in + in_len - 8192;
    return in <= limit ? 0 : in[8191];
}
H(more_than_a_page_before_is_no_less)
{
    return in - 4097 < in ? 0 : in[in_len];
}
H(far_behind_is_no_more)
{
    return in + ((uint64_t)1 << 33) > in ? 0 : in[in_len];
}
H(as_far_as_it_wraps)
{
    return in + ((uint64_t)1 << 63) > in ? in[in_len] : 0;
}
H(behind_one_is_not_before_another)
{
    static uint8_t a[8], b[8];
    uint8_t *p = in_len & 1 ? a : b, *q = in_len & 2 ? a : b;
    return p + 9 > q ? b[in_len] : 0;
}
H(loop_that_steps_over_its_end)
{
    int64_t sum = 0;
    const uint8_t *end = in + in_len;
    for (const uint8_t *p = in; p != end && p < end + 4; p += 2)
        sum += *p;
    return sum;
}
H(loop_to_an_end_below)
{
    int64_t sum = 0;
    for (const uint8_t *p = in + in_len; p >= in - 1; p--)
        sum += p > in ? p[-1] : p[0];
    return sum;
}
