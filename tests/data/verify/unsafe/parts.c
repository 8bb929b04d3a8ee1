/* Parts of a buffer that a loop finds and that are read behind it, and bounds that are asked for
 * before it, a step beyond. */
#include "unsafe.h"

struct part {
    const uint8_t *at;
    size_t len;
};

static size_t find(const uint8_t *p, size_t n, uint8_t c)
{
    size_t i = 0;
    while (i < n && p[i] != c)
        i++;
    return i;
}

/* Lines; the last one that begins with 'x' is answered. */
#define LINES(BODY)                              \
    struct part found = {in, 0};                 \
    const uint8_t *p = in;                       \
    size_t left = in_len;                        \
    while (left > 0) {                           \
        size_t n = find(p, left, '\n');          \
        if (n == left)                           \
            break;                               \
        if (n > 3 && p[0] == 'x' && p[1] == 'y') \
            BODY;                                \
        p += n + 1;                              \
        left -= n + 1;                           \
    }                                            \
    if (found.len > out_cap)                     \
        return -1;                               \
    memcpy(out, found.at, found.len);            \
    return (int64_t)found.len

H(part_is_longer_by_two)
{
    LINES((found = (struct part){p + 1, n + 2}));
}
H(part_begins_later_than_its_length_says)
{
    LINES((found.at = p + 3, found.len = n));
}
H(part_of_which_only_the_length_is_new)
{
    LINES((found.len = n, found.at = found.at == in ? p : found.at + 40));
}
H(part_of_which_only_the_beginning_is_new)
{
    LINES((found.at = p, found.len = found.len > n ? found.len : n));
}
H(part_of_all_that_is_left_and_more)
{
    LINES((found = (struct part){p + 1, left}));
}
H(part_with_a_length_that_wraps)
{
    LINES((found = (struct part){p, (uint8_t)(n - 5)}));
}

/* ---- asked for before ---- */

H(need_is_less_than_is_written)
{
    size_t need = in_len / 5 * 8, o = 0;
    if (need > out_cap)
        return -1;
    for (size_t i = 0; i < in_len; i++)
        if (i % 5 == 0)
            o += 2;
    while (o % 8 != 0)
        out[o++] = '=';
    return (int64_t)o;
}
H(need_is_no_multiple)
{
    size_t need = in_len + 1, o = in_len;
    if (need > out_cap)
        return -1;
    while (o % 8 != 0)
        out[o++] = '=';
    return (int64_t)o;
}
H(need_wraps)
{
    size_t need = in_len * ((size_t)1 << 62), o = 0;
    if (need > out_cap)
        return -1;
    while (o < in_len && o != need + 1)
        out[o++] = '=';
    return (int64_t)o;
}
H(need_is_asked_the_wrong_way)
{
    size_t need = (in_len + 7) / 8 * 8, o = in_len;
    if (need < out_cap)
        return -1;
    while (o % 8 != 0)
        out[o++] = '=';
    return (int64_t)o;
}
H(need_is_passed_by_a_step_of_three)
{
    size_t need = (in_len + 7) / 8 * 8, o = in_len;
    if (need > out_cap)
        return -1;
    while (o % 8 != 0) {
        out[o] = '=';
        o += 3;
    }
    return (int64_t)o;
}
H(never_at_need)
{
    size_t need = (in_len + 7) / 8 * 8, o = in_len;
    if (need > out_cap)
        return -1;
    while (o % 8 != 0) {
        out[o] = '=';
        o += in_len == 77 ? 0 : 1;
    }
    return (int64_t)o;
}
