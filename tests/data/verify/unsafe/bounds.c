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
H(length_asked_on_one_way)
{
    int64_t sum = 0;
    if (in_len >= 33)
        sum = in[0];
    return sum + in[32];
}
H(length_asked_of_either)
{
    if (in_len < 33 && out_cap < 33)
        return -1;
    out[32] = 1;
    return in[32];
}
H(length_of_the_other_asked)
{
    if (out_cap < 33)
        return -1;
    return in[32];
}
H(length_asked_too_late)
{
    int64_t sum = in[32];
    return in_len < 33 ? -1 : sum;
}
H(length_asked_for_one_less)
{
    if (in_len < 32)
        return -1;
    return in[32];
}
