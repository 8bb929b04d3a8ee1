/* Corners of what C leaves undefined: loops, contents of arrays. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <stdlib.h>
#include "unsafe.h"

static uint8_t small[16];
static uint8_t large[300];
static int32_t numbers[32];

/* Loops: counters that wrap, conditions that move. */
H(byte_counter)
{
    for (uint8_t i = 0; i < in_len; i++)
        if (in[i] == 0xff && out_cap == 1)
            return i;
    return 0;
}
H(down_past_zero)
{
    for (size_t i = in_len; i >= 0; i--)
        if (i < 16 && small[i] == 77)
            return 1;
    return 0;
}
H(step_over_the_end)
{
    for (uint32_t i = 0; i != 300; i += 7)
        large[i] = 0;
    return 0;
}
H(step_from_input)
{
    if (in_len < 1)
        return 0;
    for (unsigned i = 0; i < 100; i += in[0])
        large[i] = 1;
    return 0;
}
H(two_ahead)
{
    for (size_t i = 0; i + 1 < in_len; i++) {
        if (in[i] == '\\')
            i++;
        if (in[i + 1] == 0)
            return (int64_t)i;
    }
    return 0;
}
H(nested_continue_keeps)
{
    size_t i = 0;
    while (i < in_len) {
        if (in[i] == 7)
            continue;
        i++;
    }
    return 0;
}
H(nested_break_leaves_index)
{
    unsigned x = 0, y = 0;
    for (y = 0; y < 4; y++) {
        for (x = 0; x < 4; x++)
            if (in_len > x && in[x] == y)
                break;
    }
    return small[y * 4 + x];
}
H(found_never)
{
    int i;
    for (i = 0; i < 32; i++)
        if (in_len > 0 && numbers[i] == in[0])
            break;
    return numbers[i];
}
H(swapped_variables)
{
    unsigned a = 0, b = 20;
    for (size_t i = 0; i < in_len; i++) {
        unsigned t = a;
        a = b;
        b = t;
    }
    return small[a];
}
H(rotation_of_three)
{
    unsigned a = 1, b = 2, c = 17;
    for (size_t i = 0; i < in_len; i++) {
        unsigned t = a;
        a = b, b = c, c = t;
        if (in[i] == 9)
            break;
    }
    return small[a & 31];
}
H(fibonacci_index)
{
    unsigned a = 0, b = 1;
    for (unsigned i = 0; i < (in_len > 9 ? 9u : in_len); i++) {
        unsigned t = a + b;
        a = b;
        b = t;
    }
    return small[a];
}
H(doubling_too_often)
{
    unsigned n = 1;
    for (size_t i = 0; i < in_len && i < 5; i++)
        n *= 2;
    return small[n / 2];
}
H(every_second_one_too_far)
{
    uint8_t *to = small;
    int odd = 0;
    for (int i = 0; i < 33; i++) {
        if (odd)
            *to++ = (uint8_t)i;
        odd = !odd;
    }
    *to++ = 1;
    return 0;
}
H(goes_in_sideways)
{
    size_t i = 0;
    if (in_len > 3 && in[0] == 1)
        goto middle;
    for (i = 0; i <= 16; i++) {
    middle:
        if (small[i] == 3)
            i += 2;
    }
    return 0;
}
H(stack_pops_below)
{
    int stack[8], top = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] == '(' && top < 8)
            stack[top++] = (int)i;
        else if (in[i] == ')')
            top--;
        if (top > 0 && stack[top - 1] > 5)
            return 1;
    }
    return top;
}
H(ring_reads_unset)
{
    uint8_t ring[8];
    unsigned head = 0, tail = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] & 1)
            ring[head++ % 8] = in[i];
        else if (head != tail + 1)
            (void)ring[tail++ % 8];
    }
    return ring[0];
}

/* Contents of arrays. */
H(content_too_large)
{
    uint8_t next[16];
    for (int i = 0; i < 16; i++)
        next[i] = (uint8_t)(i + 1);
    unsigned at = 0;
    for (size_t i = 0; i < in_len; i++)
        at = next[at];
    return at;
}
H(content_below_its_index_but_once)
{
    uint8_t parent[16];
    for (int i = 0; i < 16; i++)
        parent[i] = (uint8_t)(i > 0 ? i - 1 : 0);
    if (in_len > 1)
        parent[in[0] % 16] = in[1] % 16;
    unsigned at = 15;
    while (at > 0)
        at = parent[at];
    return 0;
}
H(skip_of_zero)
{
    unsigned skip[256];
    for (int i = 0; i < 256; i++)
        skip[i] = 3;
    for (unsigned i = 0; i < 3; i++)
        if (i < in_len)
            skip[in[i]] = 2 - i;
    size_t at = 0;
    while (at < in_len)
        at += skip[in[at]];
    return 0;
}
H(link_to_itself)
{
    static int32_t next[8];
    for (int i = 0; i < 8; i++)
        next[i] = i - 1;
    if (in_len > 0)
        next[in[0] % 8] = in[0] % 8;
    for (int i = 7; i >= 0;)
        i = next[i];
    return 0;
}
H(written_by_other_width)
{
    uint32_t fail[8];
    for (uint32_t i = 0; i < 8; i++)
        fail[i] = i;
    if (in_len > 0)
        ((uint8_t *)fail)[in[0] % 32] = 1;
    return small[fail[7] + fail[3] > 15 ? 0 : fail[2]] + large[fail[1]];
}
H(kept_from_last_call)
{
    static uint32_t depth;
    depth = depth + 1;
    return small[depth - 1];
}
H(kept_length_of_another)
{
    static uint32_t length;
    int64_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum += small[i];
    length = in_len > 0 ? in[0] % 18 : 0;
    return sum;
}
