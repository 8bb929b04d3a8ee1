/* Off by one in every shape, and checks that are not there. */
#include "unsafe.h"

static uint8_t table[64];
static int grid[8][8];
static const uint8_t small[4] = {1, 2, 3, 4};

H(read_empty)
{
    return in[0];
}
H(write_empty)
{
    out[0] = 1;
    return 1;
}
H(read_le)
{
    int s = 0;
    for (size_t i = 0; i <= in_len; i++)
        s += in[i];
    return s;
}
H(write_le)
{
    for (size_t i = 0; i <= out_cap; i++)
        out[i] = 0;
    return 0;
}
H(write_in_length)
{
    for (size_t i = 0; i < in_len; i++)
        out[i] = in[i];
    return 0;
}
H(copy_unchecked)
{
    memcpy(out, in, in_len);
    return (int64_t)in_len;
}
H(copy_checked_wrong_way)
{
    if (in_len < out_cap)
        return -1;
    memcpy(out, in, in_len);
    return 0;
}
H(copy_plus_one)
{
    if (in_len > out_cap)
        return -1;
    memcpy(out, in, in_len);
    out[in_len] = 0;
    return 0;
}
H(set_plus_one)
{
    memset(out, 0, out_cap + 1);
    return 0;
}
H(read_last_unchecked)
{
    return in[in_len - 1];
}
H(read_next)
{
    int s = 0;
    for (size_t i = 0; i < in_len; i++)
        s += in[i] == in[i + 1];
    return s;
}
H(read_previous)
{
    int s = 0;
    for (size_t i = 0; i < in_len; i++)
        s += in[i] == in[i - 1];
    return s;
}
H(table_65)
{
    for (int i = 0; i <= 64; i++)
        table[i] = 0;
    return 0;
}
H(table_by_byte)
{
    if (in_len < 1)
        return 0;
    return table[in[0]];
}
H(table_by_mask)
{
    if (in_len < 1)
        return 0;
    return table[in[0] & 127];
}
H(table_by_remainder)
{
    if (in_len < 1)
        return 0;
    return table[in[0] % 65];
}
H(table_by_shift)
{
    if (in_len < 1)
        return 0;
    return table[in[0] >> 1];
}
H(table_by_sum)
{
    if (in_len < 2)
        return 0;
    return table[(in[0] & 63) + (in[1] & 1)];
}
H(table_by_product)
{
    if (in_len < 2)
        return 0;
    return table[(in[0] & 7) * (in[1] & 15)];
}
H(table_by_difference)
{
    if (in_len < 2)
        return 0;
    int i = (in[0] & 63) - (in[1] & 1);
    return table[i];
}
H(table_by_negative_remainder)
{
    if (in_len < 1)
        return 0;
    int x = (int8_t)in[0];
    return table[x % 64];
}
H(table_checked_above_only)
{
    if (in_len < 1)
        return 0;
    int x = (int8_t)in[0];
    if (x < 64)
        return table[x];
    return 0;
}
H(table_checked_below_only)
{
    if (in_len < 1)
        return 0;
    int x = in[0];
    if (x >= 0)
        return table[x];
    return 0;
}
H(table_checked_le)
{
    if (in_len < 1)
        return 0;
    if (in[0] <= 64)
        return table[in[0]];
    return 0;
}
H(table_checked_other)
{
    if (in_len < 2)
        return 0;
    if (in[0] < 64)
        return table[in[1]];
    return 0;
}
H(table_checked_or)
{
    if (in_len < 2)
        return 0;
    if (in[0] < 64 || in[1] < 64)
        return table[in[0]];
    return 0;
}
H(table_checked_late)
{
    if (in_len < 1)
        return 0;
    int v = table[in[0]];
    if (in[0] >= 64)
        return 0;
    return v;
}
H(table_checked_then_changed)
{
    if (in_len < 1)
        return 0;
    unsigned i = in[0];
    if (i >= 64)
        return 0;
    i += 1;
    return table[i];
}
H(table_sum_checked_apart)
{
    if (in_len < 2)
        return 0;
    unsigned a = in[0], b = in[1];
    if (a >= 64 || b >= 64)
        return 0;
    return table[a + b];
}
H(constant_table)
{
    if (in_len < 1)
        return 0;
    return small[in[0] & 7];
}
H(write_constant_table)
{
    if (in_len < 1)
        return 0;
    ((uint8_t *)small)[in[0] & 3] = 0;
    return 0;
}
H(write_input)
{
    if (in_len < 1)
        return 0;
    ((uint8_t *)in)[0] = 0;
    return 0;
}
H(pairs_odd)
{
    int s = 0;
    for (size_t i = 0; i < in_len; i += 2)
        s += in[i] + in[i + 1];
    return s;
}
H(quads_short)
{
    int s = 0;
    for (size_t i = 0; i + 2 < in_len; i += 4)
        s += in[i + 3];
    return s;
}
H(step_over_end)
{
    size_t i = 0;
    int s = 0;
    while (i != in_len) {
        s += in[i];
        i += 2;
    }
    return s;
}
H(down_from_length)
{
    int s = 0;
    for (size_t i = in_len; i > 0; i--)
        s += in[i];
    return s;
}
H(down_past_zero)
{
    int s = 0;
    for (int i = (int)in_len - 1; i >= -1; i--)
        s += in[i];
    return s;
}
H(doubled_output)
{
    if (in_len > out_cap)
        return -1;
    for (size_t i = 0; i < in_len; i++) {
        out[2 * i] = in[i];
        out[2 * i + 1] = 0;
    }
    return 0;
}
H(doubled_output_half_odd)
{
    for (size_t i = 0; i <= out_cap / 2 && i < in_len; i++)
        out[2 * i] = in[i];
    return 0;
}
H(escape_grows)
{
    size_t o = 0;
    for (size_t i = 0; i < in_len && o < out_cap; i++) {
        if (in[i] == '\\')
            out[o++] = '\\';
        out[o++] = in[i];
    }
    return (int64_t)o;
}
H(escape_grows_by_three)
{
    size_t o = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (o + 2 > out_cap)
            return -1;
        if (in[i] == '<') {
            memcpy(out + o, "&lt", 3);
            o += 3;
        } else
            out[o++] = in[i];
    }
    return (int64_t)o;
}
H(base64_output_floor)
{
    size_t need = in_len / 3 * 4;
    if (need > out_cap)
        return -1;
    size_t o = 0;
    for (size_t i = 0; i < in_len; i += 3) {
        out[o++] = 1;
        out[o++] = 2;
        out[o++] = 3;
        out[o++] = 4;
    }
    return (int64_t)o;
}
H(hex_output_not_doubled)
{
    static const char d[] = "0123456789abcdef";
    if (in_len > out_cap)
        return -1;
    for (size_t i = 0; i < in_len; i++) {
        out[2 * i] = (uint8_t)d[in[i] >> 4];
        out[2 * i + 1] = (uint8_t)d[in[i] & 15];
    }
    return 0;
}
H(hex_digit_wrong)
{
    static const char d[16] = "0123456789abcde";
    if (in_len < 1)
        return 0;
    return d[in[0] >> 3];
}
H(grid_swapped)
{
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 9; j++)
            grid[j][i] = 1;
    return 0;
}
H(grid_row_over)
{
    for (int i = 0; i < 8; i++)
        for (int j = 0; j <= 8; j++)
            grid[i][j] = 1;
    return 0;
}
H(grid_row_in_object)
{
    for (int j = 0; j <= 8; j++)
        grid[0][j] = 1;
    return 0;
}
H(grid_flat)
{
    int *p = &grid[0][0];
    for (int i = 0; i <= 64; i++)
        p[i] = 1;
    return 0;
}
H(grid_neighbour)
{
    int s = 0;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            s += grid[i + 1][j];
    return s;
}
H(grid_negative_neighbour)
{
    int s = 0;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            s += grid[i][j - 1];
    return s;
}
H(triangle)
{
    int s = 0;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j <= i + 1; j++)
            s += grid[i][j];
    return s;
}
H(bubble)
{
    uint8_t a[16] = {0};
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16 - i; j++)
            if (a[j] > a[j + 1]) {
                uint8_t t = a[j];
                a[j] = a[j + 1];
                a[j + 1] = t;
            }
    return a[0];
}
H(binary_search_high)
{
    size_t lo = 0, hi = in_len;
    while (lo <= hi) {
        size_t m = lo + (hi - lo) / 2;
        if (in[m] == 7)
            return 1;
        if (in[m] < 7)
            lo = m + 1;
        else {
            if (m == 0)
                break;
            hi = m - 1;
        }
    }
    return 0;
}
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
