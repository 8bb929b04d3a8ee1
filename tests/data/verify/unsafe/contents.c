/* What arrays hold, a step beyond what holds of it: too large by one, not yet set, set by a call
 * before, of another element, or stored behind the place where it is looked at. */
#include "unsafe.h"

static int32_t fail[64];
static uint16_t parent[512];
static uint8_t links[32];
static int16_t heads[16];

/* ---- bounds that some store does not keep ---- */

H(links_one_too_large)
{
    if (in_len < 64)
        return -1;
    for (int i = 0; i < 32; i++)
        links[i] = (uint8_t)(in[i] % 33);
    int at = in[40] & 31;
    for (int i = 0; i < 5; i++)
        at = links[at];
    return out_cap > 0 ? at : 0;
}
H(links_kept_but_for_one)
{
    if (in_len < 64)
        return -1;
    for (int i = 0; i < 32; i++)
        links[i] = (uint8_t)(in[i] & 31);
    if (in[50] == 77 && in[51] == 78)
        links[in[52] & 31] = in[53];
    int at = in[40] & 31;
    for (int i = 0; i < 5; i++)
        at = links[at];
    return out_cap > 0 ? at : 0;
}
H(parents_of_another_number)
{
    if (in_len < 4)
        return -1;
    unsigned n = (in[0] | in[1] << 8) % 512, m = in[2] | in[3] << 8;
    for (unsigned i = 0; i < n; i++)
        parent[i] = (uint16_t)i;
    for (size_t k = 4; k + 3 < in_len; k += 4) {
        unsigned a = in[k] | in[k + 1] << 8, b = in[k + 2] | in[k + 3] << 8;
        if (a >= n || b >= m) /* m is not the number of them */
            return -1;
        for (unsigned s = 0; s < n && parent[a] != a; s++)
            a = parent[a];
        parent[a] = (uint16_t)b;
    }
    return out_cap > 0;
}
H(failures_beyond_their_place)
{
    if (in_len < 1)
        return -1;
    int m = in[0] % 64, k = 0;
    if (m == 0 || in_len < (size_t)m + 1)
        return -1;
    const uint8_t *p = in + 1;
    fail[0] = 0;
    for (int i = 1; i < m; i++) {
        while (k > 0 && p[k] != p[i])
            k = fail[k]; /* not of k - 1: it may stay what it is */
        if (p[k] == p[i])
            k++;
        fail[i] = k;
    }
    return out_cap > 0 ? k : 0;
}
H(failures_counted_twice)
{
    if (in_len < 1)
        return -1;
    int m = in[0] % 64, k = 0;
    if (m == 0 || in_len < (size_t)m + 1)
        return -1;
    const uint8_t *p = in + 1;
    fail[0] = 0;
    for (int i = 1; i < m; i++) {
        while (k > 0 && p[k] != p[i])
            k = fail[k - 1];
        if (p[k] == p[i])
            k += 2;
        fail[i] = k;
    }
    return out_cap > 0 ? k : 0;
}

/* ---- what a call before left ---- */

H(heads_of_a_call_before)
{
    if (in_len < 20)
        return -1;
    unsigned n = in[0] & 15; /* a smaller one, the next time */
    int64_t sum = 0;
    for (unsigned i = 0; i < n; i++)
        heads[i] = (int16_t)(in[i + 1] % (n + 1));
    for (int i = 0; i < 16; i++)
        if (heads[i] >= 0 && n > 0 && (size_t)n < out_cap && out_cap < 16)
            out[heads[i] % 16] = 1; /* below 16, which out need not have */
    return sum;
}
static uint8_t turn[8], wide[4];
H(every_call_a_little_more)
{
    for (int i = 0; i < 8; i++)
        turn[i] = (uint8_t)(turn[i] + 1);
    return in_len + out_cap > 0 ? wide[turn[0] - 1] : 0;
}

/* ---- bounds that are numbers of their own ---- */

H(stack_of_a_bound_of_zero)
{
    int stack[8], n = in_len > 0 ? in[0] & 7 : 0;
    static uint8_t table[8];
    stack[0] = 5; /* of n == 0, too */
    stack[1] = n;
    if (in_len < 2)
        return -1;
    for (int i = 0; i < n; i++)
        table[i] = in[1];
    int at = stack[in[1] & 1];
    return out_cap > 0 ? in[at < n ? 0 : (size_t)at + in_len - 2] : 0;
}
H(stack_checked_behind_its_use)
{
    int stack[8], n = in_len > 0 ? in[0] : 0, top = 0;
    for (size_t i = 1; i < in_len && top < 8; i++) {
        stack[top] = in[i];
        if (stack[top] >= n)
            return -1; /* this one was not kept, but it has been used */
        top++;
    }
    int64_t sum = 0;
    for (int i = 0; i < top; i++)
        sum += in[stack[i]]; /* below n, which is no length */
    return out_cap > 0 ? sum : 0;
}
H(read_before_the_check_that_ends_it)
{
    int list[4];
    static uint8_t table[4];
    if (in_len < 5 || out_cap < 1)
        return -1;
    for (int i = 0; i < 4; i++) {
        list[i] = in[i];
        out[0] = table[list[i]];
        if (list[i] > 3)
            return -1;
    }
    return 1;
}
H(marks_beside_another_mark)
{
    static uint8_t previous[32];
    if (in_len < 64)
        return -1;
    memset(previous, 255, sizeof previous);
    for (int i = 0; i < 32; i++)
        if (in[i] & 1)
            previous[i] = in[i] == 9 ? 254 : in[i + 32] & 31;
    int at = in[40] & 31;
    for (int i = 0; i < 40 && previous[at] != 255; i++)
        at = previous[at]; /* 254 */
    return out_cap > 0 ? at : 0;
}

/* ---- other places and widths ---- */

H(fields_that_share_bytes)
{
    static union {
        uint16_t of_two[16];
        uint8_t of_one[32];
    } both;
    static uint8_t table[256];
    if (in_len < 64)
        return -1;
    for (int i = 0; i < 16; i++)
        both.of_two[i] = in[i];
    both.of_one[in[20] & 31] = in[21]; /* the high byte of one */
    return out_cap > 0 ? table[both.of_two[in[22] & 15]] : 0;
}
H(negative_as_a_wide_number)
{
    static int8_t steps[16];
    static uint8_t table[16];
    if (in_len < 64)
        return -1;
    for (int i = 0; i < 16; i++)
        steps[i] = (int8_t)(in[i] % 16 - (in[i] == 99)); /* 99 % 16 is 3; 0 it is never */
    steps[in[20] & 15] = (int8_t)(in[21] % 3 - 1);
    unsigned at = (unsigned)steps[in[22] & 15];
    return out_cap > 0 ? table[at] : 0;
}
H(copied_from_the_body)
{
    static uint8_t from[32];
    static uint8_t table[32];
    if (in_len < 40)
        return -1;
    for (int i = 0; i < 32; i++)
        from[i] = in[i] & 31;
    if (in[33] == 5)
        memcpy(from + 3, in + 34, 2);
    return out_cap > 0 ? table[from[in[38] & 31]] : 0;
}
H(through_one_of_two_pointers)
{
    static uint8_t low[16], high[16];
    static uint8_t table[16];
    if (in_len < 64)
        return -1;
    for (int i = 0; i < 16; i++)
        low[i] = in[i] & 15;
    uint8_t *either = in[20] & 1 ? low : high;
    either[in[21] & 15] = in[22];
    return out_cap > 0 ? table[low[in[23] & 15]] : 0;
}

/* ---- flags and rounds ---- */

H(set_in_the_first_round_if_any)
{
    size_t pos = in_len > 0 ? in[0] : 0;
    unsigned shift;
    while (pos < in_len && (shift = in[pos]) > 0)
        pos += shift;
    return out_cap > 0 && shift == 0 ? (int64_t)pos : 0; /* with no round it is not set */
}
H(ends_when_they_meet_or_pass)
{
    size_t n = in_len > 0 ? in[0] : 0;
    int64_t sum = 0;
    for (size_t i = 0; i != n; i += 1 + (in_len > 3 && in[3] == 9)) /* an odd one is passed */
        sum += (int64_t)i;
    return out_cap > 0 ? sum : 0;
}
