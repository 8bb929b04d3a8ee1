/* The usual mistakes of parsers, tables, pointers, loops and numbers, and of what is kept. */
#include "unsafe.h"
int abs(int);
static uint8_t t16[16], t64[64], t256[256];
static uint32_t w8[8];
struct s {
    uint8_t a[4];
    uint8_t b;
    uint16_t c[3];
    uint32_t d;
};
static struct s one, many[4];
struct nested {
    struct {
        uint8_t x[2][3];
    } in[2];
    uint8_t tail;
};
static struct nested nest;

H(field_runs_into_next)
{
    size_t i = in_len & 7;
    return one.a[i];
}
H(matrix_column_too_far)
{
    size_t i = in_len & 1, j = in_len % 4;
    return nest.in[i].x[i][j];
}
H(matrix_row_too_far)
{
    return nest.in[1].x[in_len % 3][0];
}
H(pointer_in_field_steps_out)
{
    uint8_t *p = one.a;
    p += in_len % 5;
    return *p;
}
H(struct_pointer_past)
{
    struct s *p = many + in_len % 5;
    return p->b;
}
H(struct_pointer_before)
{
    struct s *p = many + (in_len & 3);
    return p[-1].b;
}
H(loop_le_struct)
{
    int64_t r = 0;
    for (struct s *p = many; p <= many + 4; p++)
        r += p->b;
    return r;
}
H(ushort_index_sum)
{
    uint16_t a = in_len ? in[0] * 256 : 0, b = 65535;
    return t256[(uint16_t)(a + b) & 511];
}
H(countdown_unsigned)
{
    int64_t r = 0;
    for (size_t i = in_len; i >= 0; i--)
        r += in[i];
    return r;
}
H(countdown_from_len)
{
    int64_t r = 0;
    for (size_t i = in_len; i > 0; i--)
        r += in[i];
    return r;
}
H(two_pointers_cross)
{
    const uint8_t *l = in, *r = in + in_len;
    int64_t k = 0;
    while (l <= r) {
        k += *l++ - *r--;
    }
    return k;
}
H(binary_search_hi_is_len)
{
    size_t lo = 0, hi = in_len;
    while (lo <= hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (mid > in_len)
            return -1;
        if (in[mid] == 7)
            return (int64_t)mid;
        if (in[mid] < 7)
            lo = mid + 1;
        else {
            if (!mid)
                return -1;
            hi = mid - 1;
        }
    }
    return -1;
}
H(binary_search_no_progress)
{
    size_t lo = 0, hi = in_len;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (in[mid] < 7)
            lo = mid;
        else
            hi = mid;
    }
    return (int64_t)lo;
}
H(parse_len_prefix)
{
    size_t at = 0;
    int64_t r = 0;
    while (at < in_len) {
        size_t n = in[at++];
        for (size_t k = 0; k < n; k++)
            r += in[at + k];
        at += n;
    }
    return r;
}
H(parse_len_checked_late)
{
    size_t at = 0;
    int64_t r = 0;
    while (at < in_len) {
        size_t n = in[at++];
        r += in[at];
        if (at + n > in_len)
            return -1;
        at += n;
    }
    return r;
}
H(parse_len16_wraps)
{
    uint16_t at = 0;
    int64_t r = 0;
    while (at < in_len) {
        r += in[at];
        at = (uint16_t)(at + in[at] + 1);
    }
    return r;
}
H(parse_int_overflow)
{
    int n = 0;
    for (size_t i = 0; i < in_len && in[i] >= '0' && in[i] <= '9'; i++)
        n = n * 10 + in[i] - '0';
    if (n > 15)
        return -1;
    return t16[n];
}
H(parse_int_index_char)
{
    char c = in_len ? (char)in[0] : 0;
    return t256[c];
}
H(hex_digit_table)
{
    static const int8_t v[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    return in_len ? v[in[0] - '0'] : 0;
}
H(state_from_body)
{
    static const uint8_t next[4][2] = {{1, 2}, {3, 0}, {2, 2}, {4, 0}};
    unsigned s = 0;
    for (size_t i = 0; i < in_len; i++)
        s = next[s][in[i] & 1];
    return (int64_t)s;
}
H(counter_kept_between_calls)
{
    static uint32_t n;
    w8[n++ & 15] = 1;
    return 0;
}
H(kept_reset_too_late)
{
    static uint32_t n;
    if (n > 8)
        n = 0;
    w8[n]++;
    n++;
    return 0;
}
H(kept_length)
{
    static size_t len;
    static uint8_t copy[64];
    if (in_len) {
        len = in_len;
        memcpy(copy, in, len < 64 ? len : 64);
        return 0;
    }
    return copy[len - 1];
}
H(kept_index_by_other_path)
{
    static uint8_t at;
    uint8_t r = t64[at];
    if (in_len == 3)
        at = in[0];
    return r;
}
H(memcpy_to_struct_tail)
{
    if (in_len > sizeof one)
        return -1;
    memcpy(&one.b, in, in_len);
    return 0;
}
H(memmove_down)
{
    if (in_len < 2 || out_cap < in_len)
        return -1;
    memcpy(out, in, in_len);
    memmove(out, out + 1, in_len);
    return 0;
}
H(memcmp_longer)
{
    return memcmp(in, "secret", 6);
}
H(memchr_wrong_len)
{
    const uint8_t *p = memchr(in, 'x', in_len + 1);
    return p ? 1 : 0;
}
H(strlen_of_body)
{
    return (int64_t)strlen((const char *)in);
}
H(strncpy_and_strlen)
{
    static char b[8];
    strncpy(b, (const char *)in, in_len < 8 ? in_len : 8);
    return (int64_t)strlen(b);
}
H(uninit_on_one_path)
{
    uint8_t v[4];
    if (in_len > 2)
        memset(v, 1, 4);
    return v[in_len & 3];
}
H(uninit_partly)
{
    uint8_t v[8];
    for (size_t i = 0; i < in_len && i < 8; i++)
        v[i] = in[i];
    return v[7];
}
H(uninit_by_loop)
{
    uint8_t v[8];
    for (size_t i = 0; i < 8; i += 2)
        v[i] = 1;
    return v[in_len & 7];
}
H(uninit_scalar_switch)
{
    int x;
    switch (in_len) {
    case 0:
        x = 1;
        break;
    case 1:
        x = 2;
        break;
    }
    return x;
}
H(uninit_struct_copy)
{
    struct s a, b;
    a.b = 1;
    b = a;
    return b.d;
}
H(divide_difference)
{
    uint32_t a = (uint32_t)in_len, b = out_cap & 255;
    return (int64_t)(a / (b - 7));
}
H(mod_of_len)
{
    return in_len ? (int64_t)(1000 % (in[0] & 15)) : 0;
}
H(shift_len)
{
    return (int64_t)(1u << (in_len % 33));
}
H(shift_negative_clz)
{
    uint32_t x = 0;
    if (in_len >= 4)
        memcpy(&x, in, 4);
    return x ? (int64_t)(1u << (32 - __builtin_clz(x))) : 0;
}
H(rotate_by_zero)
{
    uint32_t x = (uint32_t)in_len;
    unsigned n = x & 31;
    return (int64_t)(x << n | x >> (32 - n));
}
H(collatz)
{
    uint64_t n = in_len;
    while (n != 1)
        n = n & 1 ? 3 * n + 1 : n / 2;
    return 0;
}
H(gcd_by_subtraction)
{
    uint32_t a = (uint32_t)in_len, b = (uint32_t)out_cap;
    while (a != b) {
        if (a > b)
            a -= b;
        else
            b -= a;
    }
    return a;
}
H(float_loop)
{
    float x = 0;
    int64_t n = 0;
    while (x < 20000000.0f) {
        x += 1.0f;
        n++;
    }
    return n;
}
H(double_index)
{
    double d = (double)in_len * 0.1;
    return in_len < 640 ? t64[(size_t)(d + 0.5)] : 0;
}
H(float_to_small)
{
    float f = in_len ? (float)in[0] * 300.0f : 0;
    return (uint8_t)(int16_t)f;
}
H(float_to_index)
{
    double d = 0;
    if (in_len >= 8)
        memcpy(&d, in, 8);
    return t16[(int)(d - (double)(int64_t)d) + 16];
}
H(linked_list_cycle)
{
    static uint8_t next[16];
    if (in_len < 16)
        return -1;
    for (int i = 0; i < 16; i++)
        next[i] = in[i] & 15;
    unsigned n = 0;
    for (unsigned k = next[0]; k != 0; k = next[k])
        n++;
    return n;
}
H(union_find_loop)
{
    static uint8_t parent[16];
    if (in_len < 16)
        return -1;
    for (int i = 0; i < 16; i++)
        parent[i] = in[i] & 15;
    unsigned x = 3;
    while (parent[x] != x)
        x = parent[x];
    return x;
}
H(permutation_cycle)
{
    static uint8_t p[8];
    if (in_len < 8)
        return -1;
    memcpy(p, in, 8);
    unsigned k = 0, n = 0;
    do {
        if (p[k] > 7)
            return -1;
        k = p[k];
        n++;
    } while (k);
    return n;
}
H(toctou)
{
    if (out_cap < 1 || in_len < 1)
        return -1;
    out[0] = in[0];
    if (out[0] < 16) {
        out[0] += 200;
        return t16[out[0]];
    }
    return 0;
}
H(alias_changes_check)
{
    static uint32_t idx;
    uint32_t *p = in_len & 1 ? &idx : &w8[0];
    if (in_len)
        idx = in[0];
    if (idx < 8) {
        *p = 9;
        return w8[idx];
    }
    return 0;
}
H(callee_changes_global)
{
    static uint32_t idx;
    idx = (uint32_t)in_len;
    if (idx < 8) {
        memset(&idx, 1, 4);
        return w8[idx];
    }
    return 0;
}
static void grow(uint32_t *n)
{
    *n += 3;
}
H(callee_changes_local)
{
    uint32_t n = in_len & 7;
    grow(&n);
    return w8[n];
}
static uint32_t pick(uint32_t n)
{
    if (n > 7)
        return 8;
    return n;
}
H(callee_returns_bound)
{
    return w8[pick((uint32_t)in_len)];
}
static const uint8_t *find(const uint8_t *s, size_t n)
{
    while (n && *s != ':') {
        s++;
        n--;
    }
    return s;
}
H(found_at_the_end)
{
    const uint8_t *p = find(in, in_len);
    return *p;
}
H(skips_two)
{
    size_t i = 0;
    int64_t r = 0;
    while (i < in_len) {
        if (in[i] == '\\') {
            i++;
            r += in[i];
        }
        i++;
    }
    return r;
}
H(quotes)
{
    size_t i = 0;
    while (i < in_len && in[i] != '"')
        i++;
    i++;
    size_t start = i;
    while (in[i] != '"')
        i++;
    return (int64_t)(i - start);
}
H(out_by_pairs)
{
    size_t o = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (o >= out_cap)
            break;
        out[o++] = in[i];
        out[o++] = ' ';
    }
    return (int64_t)o;
}
H(out_needs_three)
{
    size_t o = 0;
    for (size_t i = 0; i < in_len && o + 2 <= out_cap; i++) {
        out[o] = '%';
        out[o + 1] = '2';
        out[o + 2] = '0';
        o += 3;
    }
    return 0;
}
H(product_of_sizes)
{
    uint32_t w = in_len > 1 ? in[0] * 257 : 0, h = in_len > 1 ? in[1] * 65537u : 0;
    if (w * h > out_cap)
        return -1;
    for (uint32_t y = 0; y < h; y++)
        for (uint32_t x = 0; x < w; x++)
            out[(size_t)y * w + x] = 0;
    return 0;
}
H(blur_edges)
{
    if (in_len < 64 || out_cap < 64)
        return -1;
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            out[y * 8 + x] = in[(y + 1) * 8 + x];
    return 0;
}
H(triangle)
{
    static uint8_t tri[36];
    int64_t r = 0;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j <= i; j++)
            r += tri[i * (i + 1) / 2 + j + 1];
    return r;
}
H(diagonal)
{
    static uint8_t m[8][8];
    int64_t r = 0;
    for (int i = 0; i < 8; i++)
        r += m[i][8 - i];
    return r;
}
H(sieve_root)
{
    static uint8_t s[100];
    for (int i = 2; i * i <= 100; i++)
        for (int j = i * i; j <= 100; j += i)
            s[j] = 1;
    return s[7];
}
H(insertion_down)
{
    static int v[16];
    for (size_t i = 0; i < 16 && i < in_len; i++)
        v[i] = in[i];
    for (int i = 1; i < 16; i++) {
        int k = v[i], j = i - 1;
        while (v[j] > k && j >= 0) {
            v[j + 1] = v[j];
            j--;
        }
        v[j + 1] = k;
    }
    return v[0];
}
H(heap_child)
{
    static int h[16];
    size_t n = in_len < 16 ? in_len : 16, i = 0;
    while (2 * i + 1 < n) {
        size_t c = 2 * i + 1;
        if (h[c + 1] > h[c])
            c++;
        if (c >= 16)
            break;
        h[i] = h[c];
        i = c;
    }
    return 0;
}
H(ring_mod_grows)
{
    static uint8_t r[12];
    static uint8_t head;
    for (size_t i = 0; i < in_len; i++)
        r[head++ % 13] = in[i];
    return 0;
}
H(hash_negative)
{
    int32_t h = 0;
    for (size_t i = 0; i < in_len; i++)
        h = h * 31 + in[i];
    return t64[abs(h) % 65];
}
