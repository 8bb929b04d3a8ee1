/* In every shape: what a call leaves for the next one, loops, switches, copies over themselves,
 * layouts, widths. */
#include <stdlib.h>
#include <vireo/platform.h>
#include "unsafe.h"

static int cells[8];
static uint8_t bytes[16];
/* state left by a former call */
static uint32_t left_index;
H(index_left_by_a_call)
{
    int r = 0;
    if (left_index < 8)
        r = cells[left_index];
    left_index = left_index + 1;
    if (left_index == 8 && in_len == 3)
        r += cells[left_index];
    if (left_index > 100)
        left_index = 0;
    return r;
}
static int ready;
static uint8_t table_made[256];
H(table_of_a_former_call)
{
    if (!ready) {
        for (int i = 0; i < 256; i++)
            table_made[i] = (uint8_t)i;
        ready = 1;
    }
    return in_len ? cells[table_made[in[0]]] : 0;
}
static uint32_t depth;
static uint8_t stack_kept[32];
H(stack_kept_over_calls)
{
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] == '(' && depth <= 32)
            stack_kept[depth++] = 1;
        else if (in[i] == ')' && depth > 0)
            depth--;
    }
    return depth;
}
static int8_t wrap8;
H(counter_of_8_bits_kept)
{
    wrap8++;
    return cells[wrap8 & 0x80 ? (wrap8 & 15) : 0];
}
static struct {
    uint32_t n;
    uint8_t d[12];
} message;
H(struct_kept_and_checked_late)
{
    for (size_t i = 0; i < in_len; i++) {
        message.d[message.n] = in[i];
        message.n++;
        if (message.n >= 12)
            message.n = in[i] == 7 ? 12 : 0;
    }
    return message.n;
}
/* loops */
H(down_by_two_to_zero)
{
    for (size_t i = in_len; i != 0; i -= 2)
        cells[0] += in[i - 1];
    return cells[0];
}
H(down_unsigned_ge_zero)
{
    uint32_t s = 0;
    for (uint32_t i = (uint32_t)(in_len & 7); i >= 0; i--)
        s += cells[i & 7];
    return s;
}
H(up_by_three_not_equal)
{
    int s = 0;
    for (uint32_t i = 0; i != (uint32_t)(in_len & 31); i += 3)
        s += (int)i;
    return s;
}
H(byte_counter_to_256)
{
    int s = 0;
    for (uint8_t i = 0; i < 256; i++)
        s += bytes[i & 15];
    return s;
}
H(short_counter_to_length)
{
    int64_t s = 0;
    for (uint16_t i = 0; i < in_len; i++)
        s += in[i];
    return s;
}
H(int_counter_of_long_length)
{
    int64_t s = 0;
    for (int8_t i = 0; (size_t)i < in_len && i < 127; i++)
        s += in[(uint8_t)i + 1];
    return s;
}
H(inner_depends_on_outer)
{
    int s = 0;
    for (int i = 0; i < 8; i++)
        for (int k = 0; k <= i; k++)
            s += cells[i + k > 7 ? k + 1 : i + k];
    return s;
}
H(early_exit_leaves_index)
{
    int i;
    for (i = 0; i < 8; i++)
        if (in_len > 2 && cells[i] == in[0])
            break;
    return cells[i];
}
H(two_exits_one_behind)
{
    size_t i = 0;
    while (i < in_len) {
        if (in[i] == 0)
            break;
        i++;
        if (in[i - 1] == 5)
            i += 2;
    }
    return i < in_len + 1 ? in[i] : 0;
}
H(step_from_input)
{
    size_t i = 0;
    int s = 0;
    while (i < in_len) {
        s++;
        i += in[i];
    }
    return s;
}
H(step_doubles)
{
    int s = 0;
    for (uint32_t i = 1; i < in_len || i == 0x80000000u; i <<= 1)
        s++;
    for (uint32_t i = in_len & 1; i < 100; i *= 2)
        s++;
    return s;
}
H(counter_reset_inside)
{
    int s = 0;
    for (size_t i = 0; i < in_len; i++) {
        s++;
        if (in[i] == 1 && i > 3)
            i = 2;
    }
    return s;
}
H(wrap_of_sum_in_condition)
{
    if (in_len < 8)
        return 0;
    uint32_t off, len;
    memcpy(&off, in, 4);
    memcpy(&len, in + 4, 4);
    if (off + len <= in_len)
        return in[off];
    return 0;
}
H(wrap_of_multiplication)
{
    if (in_len < 4)
        return 0;
    uint32_t n;
    memcpy(&n, in, 4);
    if (n * 4 <= sizeof bytes)
        for (uint32_t i = 0; i < n; i++)
            bytes[i * 4] = 1;
    return 0;
}
/* switches */
H(switch_without_case)
{
    int i;
    switch (in_len % 5) {
    case 0:
        i = 1;
        break;
    case 1:
        i = 2;
        break;
    case 2:
        i = 3;
        break;
    case 3:
        i = 4;
        break;
    }
    return cells[i];
}
H(switch_falls)
{
    uint32_t i = 0;
    switch (in_len) {
    case 1:
        i += 3;
    case 2:
        i += 3;
    case 3:
        i += 3;
        break;
    default:
        i = 1;
    }
    return cells[i];
}
H(switch_range)
{
    switch (in_len) {
    case 0 ... 8:
        return cells[in_len];
    }
    return 0;
}
H(switch_negative)
{
    int8_t c = in_len ? (int8_t)in[0] : 0;
    switch (c) {
    case -1:
        return cells[c & 7];
    case -2:
        return cells[(uint8_t)c & 15];
    }
    return 0;
}
/* memory functions */
H(moved_past_the_end)
{
    memmove(bytes + 1, bytes, 16);
    return bytes[0];
}
H(copied_over_itself_by_input)
{
    size_t k = in_len & 7;
    memcpy(bytes + k, bytes, 8);
    return bytes[3];
}
H(set_by_signed_length)
{
    int n = (int)(in_len & 15) - 8;
    memset(bytes, 0, n);
    return 0;
}
H(moved_between_halves)
{
    memmove(bytes + 8, bytes, in_len & 15);
    return 0;
}
H(compared_beyond)
{
    return memcmp(bytes, in, in_len < 17 ? in_len : 17);
}
struct pair {
    int a;
    int b[3];
};
static struct pair pairs[4];
H(field_array_end)
{
    return pairs[in_len & 3].b[(in_len >> 2) & 3];
}
H(pair_pointer_walks_out)
{
    struct pair *p = pairs;
    int s = 0;
    for (int i = 0; i <= 4; i++, p++)
        s += p->a;
    return s;
}
H(field_through_int_pointer)
{
    int *p = &pairs[3].b[0];
    return p[in_len & 3];
}
struct __attribute__((packed)) packed {
    uint8_t kind;
    uint32_t n;
    uint8_t d[3];
};
H(packed_too_short)
{
    struct packed p;
    if (in_len < sizeof p - 1)
        return 0;
    memcpy(&p, in, sizeof p);
    return p.n;
}
H(packed_field_index)
{
    struct packed p;
    if (in_len < sizeof p)
        return 0;
    memcpy(&p, in, sizeof p);
    return p.d[p.kind & 3];
}
struct bits {
    unsigned a : 3;
    int b : 4;
    unsigned c : 25;
};
H(bit_field_signed)
{
    struct bits x;
    x.a = in_len & 7;
    x.b = (int)(in_len & 15);
    x.c = 0;
    return cells[x.b];
}
H(bit_field_unset)
{
    struct bits x;
    x.a = in_len & 7;
    return cells[x.b & 7];
}
union u {
    uint32_t n;
    float f;
    uint8_t b[4];
};
H(union_of_float)
{
    union u u;
    u.f = (float)(in_len & 7);
    return cells[u.b[3] & 15];
}
H(union_half)
{
    union {
        uint64_t n;
        uint32_t h;
    } u;
    u.h = 3;
    return cells[u.n & 7];
}
static const int constants[4] = {1, 2, 3, 9};
H(constant_as_index)
{
    return cells[constants[in_len & 3]];
}
H(write_to_constant)
{
    ((int *)constants)[in_len & 3] = 1;
    return 0;
}
H(write_to_text)
{
    char *s = "abc";
    if (in_len == 1)
        s[0] = 'x';
    return s[1];
}
H(address_compare_out_of_object)
{
    uint8_t *p = bytes + in_len, *end = bytes + 16;
    if (p <= end)
        return *p;
    return 0;
}
H(address_compare_signed)
{
    ptrdiff_t d = (ptrdiff_t)(in_len * 0x1000000000000000ull);
    uint8_t *p = bytes + d;
    if (p <= bytes + 8)
        return *p;
    return 0;
}
H(dead_local_in_a_loop)
{
    int *p = NULL, s = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (p)
            s += *p;
        int x = in[i];
        p = &x;
        s += *p;
    }
    return s;
}
H(select_of_two_sizes)
{
    static uint8_t small[4], large[64];
    uint8_t *p = in_len & 1 ? small : large;
    return p[in_len & 63];
}
H(select_size_other_way)
{
    static uint8_t small[4], large[64];
    uint8_t *p = in_len & 1 ? small : large;
    size_t n = in_len & 1 ? 64 : 4;
    int s = 0;
    for (size_t i = 0; i < n; i++)
        s += p[i];
    return s;
}
H(remainder_signed_index)
{
    return cells[(int)(in_len - 5) % 8];
}
H(shift_signed_negative_index)
{
    int x = (int)(in_len << 28);
    return cells[x >> 28];
}
H(rounded_division)
{
    int n = (int)(in_len & 63);
    return cells[(n + 7) / 8];
}
H(truncated_then_used)
{
    uint64_t n = in_len * 257;
    if ((uint8_t)n < 8)
        return cells[n];
    return 0;
}
H(sign_lost)
{
    int n = in_len > 3 ? -1 : (int)in_len;
    if (n < 8)
        return cells[(unsigned)n];
    return 0;
}
H(not_mask)
{
    return cells[~in_len & 8];
}
H(xor_index)
{
    size_t i = in_len & 7;
    return cells[i ^ 8];
}
H(clz_of_zero)
{
    return cells[__builtin_clz((unsigned)in_len & 0xff) & 7];
}
H(clz_index)
{
    return cells[__builtin_clz((unsigned)(in_len & 0xff) | 1) - 23];
}
H(popcount_index)
{
    return cells[__builtin_popcount((unsigned)in_len & 0xff)];
}
H(float_index_up)
{
    float f = (float)(in_len & 15) / 2;
    return cells[(int)(f + 0.5f)];
}
H(double_minus)
{
    double d = (double)(in_len & 255) - 1;
    return cells[(unsigned)d & 7];
}
H(kv_bytes_differ)
{
    uint8_t b[2] = {0, 0};
    if (vireo_kv_get("k", 1, b, 2) == 2 && b[0] != b[1])
        return cells[8 + in_len % 2];
    return 0;
}
H(any_of_two_rounds_differ)
{
    uint32_t first = 0, differ = 0;
    for (int i = 0; i < 2; i++) {
        uint32_t b = 0;
        vireo_kv_get("k", 1, &b, 4);
        if (i == 0)
            first = b;
        else
            differ = b != first;
    }
    return cells[differ * 8];
}
/* ---- copies over themselves ---- */
H(copied_by_one)
{
    memcpy(bytes + 1, bytes, 8);
    return bytes[3];
}
H(moved_by_one)
{
    uint8_t b[4] = {0, 9, 0, 0};
    memmove(b + 1, b, 3);
    return cells[b[2]];
}
H(moved_back_by_one)
{
    uint8_t b[4] = {0, 0, 0, 9};
    memmove(b, b + 1, 3);
    return cells[b[2]];
}
struct four {
    int a, b, c, d;
};
H(fields_moved)
{
    struct four f = {1, 20, 3, 4};
    memmove(&f.b, &f.a, sizeof f - sizeof f.a);
    return cells[f.c];
}
H(fields_moved_in_global)
{
    static struct four f;
    f.a = 1;
    f.b = 20;
    f.c = 3;
    f.d = 4;
    memmove((int *)&f + 1, &f, 12);
    return cells[f.c];
}
R(moved_once)
{
    uint8_t b[4] = {0, 9, 0, 0};
    memmove(b + 1, b, 3);
    return cells[b[2]];
}
R(copied_over)
{
    uint8_t b[8] = {0, 1, 2, 3};
    memcpy(b + 1, b, 3);
    return b[2];
}
