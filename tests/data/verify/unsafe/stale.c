/* What was true before a store, a joint or a round, and is not behind it. */
#include "unsafe.h"

static int cells[8];
static uint8_t kept[64];
static int a4[4], b4[4];
H(stale_through_choice)
{
    int *p = in_len & 1 ? a4 : b4, *q = in_len & 2 ? a4 : b4;
    size_t i = in_len & 3;
    a4[i] = 1;
    b4[i] = 1;
    int x = p[i];
    if (x < 0 || x > 7)
        return 0;
    q[i] = 100;
    return cells[p[i]];
}
H(stale_after_copy)
{
    size_t i = in_len & 3;
    int x = a4[i];
    if (x < 0 || x > 7)
        return 0;
    memcpy(a4, b4, sizeof a4);
    b4[i] = 99;
    return cells[a4[i]];
}
H(stale_after_call)
{
    size_t i = in_len & 3;
    if (a4[i] >= 0 && a4[i] < 8) {
        for (int k = 0; k < 4; k++)
            a4[k] += 8;
        return cells[a4[i]];
    }
    return 0;
}
H(stale_in_loop)
{
    size_t i = in_len & 3;
    int s = 0;
    if (a4[i] < 0 || a4[i] > 7)
        return 0;
    for (int k = 0; k < 3; k++) {
        s += cells[a4[i]];
        a4[(i + 1) & 3] = 3;
        a4[(in_len >> 2) & 3] = 50;
    }
    return s;
}
H(overlapping_words)
{
    size_t i = in_len & 7;
    uint32_t *w = (uint32_t *)(kept + i);
    uint8_t *b = kept + 4;
    *w = 1;
    b[(in_len >> 3) & 3] = 200;
    return *w < 4 || i == 0 ? 0 : cells[*w];
}
H(phi_of_flags)
{
    bool ok = false;
    size_t v = 20;
    if (in_len > 5) {
        ok = true;
        v = 1;
    } else if (out_cap > 9)
        ok = in_len == 4;
    if (ok)
        return cells[v];
    return 0;
}
H(phi_of_flags_and_store)
{
    bool ok;
    size_t v;
    if (in_len > 5) {
        v = 1;
        ok = true;
    } else {
        v = in_len == 3 ? 2 : 9;
        ok = v == 9 || out_cap == 1;
    }
    kept[0] = (uint8_t)v;
    if (ok && in_len < 60)
        return cells[kept[0]];
    return 0;
}
H(switch_of_flags)
{
    int state = 0;
    size_t v = 3;
    for (size_t i = 0; i < in_len; i++) {
        switch (state) {
        case 0:
            state = in[i] ? 1 : 2;
            v = 5;
            break;
        case 1:
            state = 2;
            v = in[i] & 7;
            break;
        case 2:
            state = 3;
            v += 4;
            break;
        default:
            state = 0;
            break;
        }
    }
    return cells[v];
}
H(early_or)
{
    size_t v = 8;
    if (in_len == 0 || in[0] == 3 || (v = in[0] & 7) == 2)
        return cells[v];
    return 0;
}
H(flag_kept_round_a_loop)
{
    bool seen = true;
    size_t v = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (seen)
            v = in[i] & 7;
        else
            v = v + 1;
        seen = in[i] & 1;
    }
    return cells[v];
}
static uint8_t *chosen(uint8_t *p, uint8_t *q, size_t n)
{
    return n & 4 ? p : q;
}
H(size_by_choice_of_call)
{
    uint8_t x[4] = {0}, y[8] = {0};
    uint8_t *p = chosen(x, y, in_len);
    size_t n = in_len & 8 ? 4 : 8;
    int s = 0;
    for (size_t i = 0; i < n; i++)
        s += p[i];
    return s;
}
H(local_of_two_calls)
{
    uint8_t *p = NULL;
    for (int r = 0; r < 2; r++) {
        uint8_t b[4];
        if (r == 0) {
            memset(b, 0, 4);
            p = b;
        } else if (in_len > 3)
            return p[0] + b[1];
    }
    return 0;
}
/* a variable that begins anew is another one: its former address means nothing */
H(kept_over_rounds)
{
    int *p = 0, r = 0;
    for (int i = 0; i < 3; i++) {
        int x = i;
        if (p && in_len > 4 && in[0] == 77 && in[1] == 78 && in[3] == 99)
            r += *p;
        p = &x;
    }
    return r;
}
R(kept_over_rounds_once)
{
    int *p = 0, r = 0;
    for (int i = 0; i < 3; i++) {
        int x = i;
        if (p)
            r += *p;
        p = &x;
    }
    return r;
}
H(kept_and_walked)
{
    int *p = cells, r = 0;
    for (int i = 0; i < 3; i++) {
        int x[2] = {i, i};
        for (int k = 0; k < 2; k++) {
            if (in_len > 4 && in[0] == 77 && in[1] == 78)
                r += *p;
            p++;
        }
        p = x;
    }
    return r;
}
H(kept_and_chosen)
{
    int *p = cells, r = 0;
    for (int i = 0; i < 3; i++) {
        int x = i;
        int *q = in_len > 700 && in[0] == 3 ? p : cells;
        r += *q;
        p = &x;
    }
    return r;
}
H(kept_by_a_jump_back)
{
    int n = 0, *p = cells;
again:;
    {
        int x = n;
        if (n == 2 && in_len == 477)
            return *p;
        p = &x;
        if (n++ < 3)
            goto again;
    }
    return 0;
}
R(kept_in_an_array)
{
    int *kept[2] = {cells, cells}, r = 0;
    for (int i = 0; i < 2; i++) {
        int x = i;
        r += *kept[0];
        kept[0] = &x;
    }
    return r;
}
