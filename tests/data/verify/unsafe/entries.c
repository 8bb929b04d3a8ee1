/* Loops that are entered in two places: what holds for who enters at the one and not at the other.
 */
#include "unsafe.h"

static int cells[16];
static uint8_t step, kept;

H(second_entry_is_not_asked)
{
    size_t i = 0;
    int64_t sum = 0;
    if (step == 1)
        goto second;
    while (i < in_len) {
        sum += in[i++];
    second:
        sum += in[i++];
    }
    step ^= 1;
    return sum;
}
H(second_entry_has_no_room)
{
    size_t i = 0, n = 0;
    if (out_cap < in_len)
        return -1;
    if (step == 1)
        goto second;
    for (;;) {
        if (i == in_len)
            break;
        out[n++] = in[i];
    second:
        out[n++] = 1;
        i++;
    }
    step = 1;
    return (int64_t)n;
}
H(set_behind_the_first_entry)
{
    size_t i = 0;
    unsigned at;
    if (in_len > 5)
        goto second;
    while (i < in_len) {
        at = in[i++] & 15;
    second:
        cells[at]++;
        i++;
    }
    return 0;
}
H(ended_behind_the_first_entry)
{
    int *p = cells;
    size_t i = 0;
    int64_t sum = 0;
    if (in_len == 7)
        goto second;
    while (i < in_len) {
        {
            int inner = (int)i;
            p = &inner;
            sum += *p;
        }
    second:
        sum += *p;
        i++;
    }
    return sum;
}
H(ended_in_the_round_before)
{
    int *p = NULL;
    size_t i = 0;
    int64_t sum = 0;
    if (in_len == 0)
        return 0;
    if (in_len & 1)
        goto second;
    do {
        sum += i;
    second:;
        int inner;
        if (p)
            sum += *p;
        inner = (int)i;
        p = &inner;
        i++;
    } while (i < in_len);
    return sum;
}
H(never_ends_from_the_second)
{
    unsigned n = (unsigned)in_len;
    if (in_len & 1)
        goto second;
    while (n != 0) {
        n--;
    second:
        if (n == 0)
            continue;
        n += in_len == 9;
        n -= n % 2;
        kept++;
        if (in_len == 9)
            goto second;
    }
    return 0;
}
H(switch_into_the_loop)
{
    size_t i = 0, left = in_len / 4;
    int64_t sum = 0;
    switch (in_len % 4) {
        do {
        case 0:
            sum += in[i++];
        case 3:
            sum += in[i++];
        case 2:
            sum += in[i++];
        case 1:
            sum += in[i++];
        } while (left-- > 0);
    }
    return sum;
}
H(three_entries)
{
    size_t i = 0, n = 0;
    unsigned state = step % 3;
    if (out_cap < in_len)
        return -1;
    switch (state) {
        for (;;) {
        case 0:
            if (i == in_len)
                return step = 0;
            out[n++] = in[i++];
        case 1:
            if (i == in_len)
                return step = 1;
            out[n++] = in[i++];
        case 2:
            if (i > in_len)
                return step = 2;
            out[n++] = in[i++];
        }
    }
    return 0;
}
H(outer_round_enters_elsewhere)
{
    int64_t sum = 0;
    size_t i = 0;
    for (int round = 0; round < 3; round++) {
        if (round == 2)
            goto second;
        while (i < in_len) {
            sum += in[i];
        second:
            sum += in[i];
            i++;
        }
    }
    return sum;
}
H(answer_of_the_other_way)
{
    size_t i = 0;
    int at = in_len > 3 ? 16 : 1;
    if (in_len == 6)
        goto second;
    for (; i < in_len; i++) {
        at = in[i] > 9 ? 3 : 4;
    second:
        cells[at] = 1;
    }
    return 0;
}
R(without_input)
{
    int i = 3, at = 16;
    if (cells[3] == 0)
        goto second;
    while (i < 9) {
        at = 2;
    second:
        cells[at]++;
        i++;
    }
    return cells[2];
}
