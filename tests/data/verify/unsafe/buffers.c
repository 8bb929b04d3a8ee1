/* Buffers of parsers, codecs and matrices: a check that is not there, or off by one. */
#include "unsafe.h"

H(local_array)
{
    int a[10];
    memset(a, 0, sizeof a);
    for (int i = 0; i < 11; i++)
        a[i] = i;
    return a[3];
}
H(local_constant)
{
    int a[10];
    memset(a, 0, sizeof a);
    a[10] = 1;
    return a[0];
}
H(local_dead_store)
{
    int a[10];
    a[10] = 1;
    return 0;
}
H(local_dead_read)
{
    int a[10] = {0};
    int x = a[-1];
    (void)x;
    return 0;
}
H(local_too_large_copy)
{
    uint8_t a[16];
    if (in_len > 17)
        return -1;
    memcpy(a, in, in_len);
    return 0;
}
H(local_sizeof_pointer)
{
    uint8_t a[4];
    memset(a, 0, sizeof(uint8_t *));
    return a[0];
}
H(string_end)
{
    char s[4];
    memcpy(s, "abcd", 5);
    return s[0];
}
H(string_no_end)
{
    char s[4];
    memcpy(s, "abcd", 4);
    int n = 0;
    while (s[n])
        n++;
    return n;
}
H(scan_no_end)
{
    size_t i = 0;
    while (in[i] != 0)
        i++;
    return (int64_t)i;
}
H(scan_checked_late)
{
    size_t i = 0;
    while (in[i] != 0 && i < in_len)
        i++;
    return (int64_t)i;
}
H(skip_spaces)
{
    size_t i = 0;
    while (i < in_len && in[i] == ' ')
        i++;
    return in[i];
}
H(number_then_point)
{
    size_t i = 0;
    while (i < in_len && in[i] >= '0' && in[i] <= '9')
        i++;
    if (in[i] == '.')
        return 1;
    return 0;
}
H(header_short)
{
    if (in_len < 3)
        return -1;
    uint32_t v;
    memcpy(&v, in, 4);
    return v;
}
H(header_length)
{
    if (in_len < 2)
        return -1;
    size_t n = (size_t)in[0] << 8 | in[1];
    if (n > in_len)
        return -1;
    int s = 0;
    for (size_t i = 0; i < n; i++)
        s += in[2 + i];
    return s;
}
H(header_no_length_check)
{
    if (in_len < 1)
        return -1;
    size_t n = in[0];
    int s = 0;
    for (size_t i = 1; i <= n; i++)
        s += in[i];
    return s;
}
H(tlv)
{
    size_t i = 0;
    int s = 0;
    while (i + 2 <= in_len) {
        size_t n = in[i + 1];
        for (size_t k = 0; k < n; k++)
            s += in[i + 2 + k];
        i += 2 + n;
    }
    return s;
}
H(run_length)
{
    size_t o = 0;
    for (size_t i = 0; i + 1 < in_len; i += 2) {
        size_t n = in[i];
        if (o >= out_cap)
            return -1;
        for (size_t k = 0; k < n; k++)
            out[o++] = in[i + 1];
    }
    return (int64_t)o;
}
H(lz_match_before_start)
{
    size_t o = 0, i = 0;
    while (i + 1 < in_len) {
        if (in[i] & 128) {
            size_t d = in[i + 1], n = in[i] & 127;
            if (n > out_cap - o)
                return -1;
            for (size_t k = 0; k < n; k++) {
                out[o] = out[o - d];
                o++;
            }
            i += 2;
        } else {
            if (o >= out_cap)
                return -1;
            out[o++] = in[i++];
        }
    }
    return (int64_t)o;
}
H(lz_room_wrong)
{
    size_t o = 0, i = 0;
    while (i + 1 < in_len) {
        size_t n = in[i++];
        if (o > out_cap)
            return -1;
        for (size_t k = 0; k < n && i < in_len; k++)
            out[o++] = in[i++];
    }
    return (int64_t)o;
}
H(ring)
{
    static uint8_t ring[16];
    size_t h = 0;
    for (size_t i = 0; i < in_len; i++) {
        ring[h] = in[i];
        h = (h + 1) % 17;
    }
    return ring[0];
}
H(ring_or)
{
    static uint8_t ring[16];
    size_t h = 0;
    for (size_t i = 0; i < in_len; i++) {
        ring[h] = in[i];
        h = (h + 1) | 15;
    }
    return ring[0];
}
H(stack_push)
{
    uint8_t s[8] = {0};
    int n = 0;
    for (size_t i = 0; i < in_len; i++)
        s[n++] = in[i];
    return s[0];
}
H(stack_pop)
{
    uint8_t s[8] = {0};
    int n = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] == '(') {
            if (n == 8)
                return -1;
            s[n++] = 1;
        } else if (in[i] == ')') {
            n--;
            s[n] = 0;
        }
    }
    return n;
}
H(stack_check_9)
{
    uint8_t s[8] = {0};
    int n = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (n > 8)
            return -1;
        s[n++] = in[i];
    }
    return s[0];
}
H(histogram)
{
    int h[255] = {0};
    for (size_t i = 0; i < in_len; i++)
        h[in[i]]++;
    return h[0];
}
H(counting_sort)
{
    static unsigned n[256];
    memset(n, 0, sizeof n);
    for (size_t i = 0; i < in_len; i++)
        n[in[i]]++;
    size_t o = 0;
    for (int v = 0; v < 256; v++)
        for (unsigned k = 0; k < n[v]; k++)
            out[o++] = (uint8_t)v;
    return 0;
}
H(matrix)
{
    static int m[16];
    if (in_len < 2)
        return 0;
    int r = in[0] & 3, c = in[1] & 7;
    return m[r * 4 + c];
}
H(matrix_dynamic)
{
    static int m[64 * 64];
    if (in_len < 1)
        return 0;
    unsigned n = in[0];
    if (n > 65)
        return 0;
    int s = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < n; j++)
            s += m[i * n + j];
    return s;
}
H(image_rows)
{
    if (in_len < 2)
        return 0;
    size_t w = in[0], h = in[1];
    if (w * h > in_len)
        return 0;
    int s = 0;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            s += in[2 + y * w + x];
    return s;
}
H(image_stride)
{
    if (in_len < 2)
        return 0;
    size_t w = in[0], h = in[1];
    if (2 + w * h > in_len)
        return 0;
    int s = 0;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            s += in[2 + y * (w + 1) + x];
    return s;
}
