/* The safe sides of what stands in ../unsafe: shapes, numbers, what the library is given, public
 * sets. */
#include <math.h>
#include "../pairs.h"
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
extern int __VERIFIER_nondet_int(void);
extern unsigned __VERIFIER_nondet_uint(void);
extern unsigned char __VERIFIER_nondet_uchar(void);
extern long __VERIFIER_nondet_long(void);
extern void __VERIFIER_assume(int);
static int cells[8], g_idx;
static uint8_t bytes[16];
H(t_sine_bound)
{
    double x = in_len ? in[0] : 0, most = 7;
    if (x <= most && x >= 0)
        return cells[(int)x];
    return 0;
}
H(t_quotient)
{
    if (in_len < 2 || in[1] == 0)
        return 0;
    uint64_t s = 0, u = 16 + (in_len & 7), y = in[1], x = in_len & 15, p = u * y, q = x / y;
    for (uint64_t i = 0; i < q; i++)
        s += i;
    for (uint64_t i = 0; i < p; i++)
        s += i;
    return (int64_t)s;
}
R(t_printed)
{
    FILE *f = globalReturnsTrueOrFalse() ? stderr : stdout;
    fprintf(f, "x%d\n", 1);
    return 0;
}
R(t_number)
{
    char b[16];
    sprintf(b, "%d", 0);
    return b[0];
}
R(t_pointer)
{
    char b[26];
    sprintf(b, "%p", (void *)b);
    return b[0];
}
R(t_text)
{
    char b[8], c[8] = "abc";
    snprintf(b, 8, "a%s", c);
    return b[0];
}
static uint32_t left_index;
H(t_left_by_a_call)
{
    int r = 0;
    if (left_index < 8)
        r = cells[left_index];
    left_index = left_index < 7 ? left_index + 1 : 0;
    return r;
}
static uint32_t depth;
static uint8_t stack_kept[32];
H(t_stack_kept)
{
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] == '(' && depth < 32)
            stack_kept[depth++] = 1;
        else if (in[i] == ')' && depth > 0)
            depth--;
    }
    return depth;
}
static struct {
    uint32_t n;
    uint8_t d[12];
} message;
H(t_struct_kept)
{
    for (size_t i = 0; i < in_len; i++) {
        if (message.n >= 12)
            message.n = 0;
        message.d[message.n] = in[i];
        message.n++;
    }
    return message.n;
}
H(t_down_by_two)
{
    int s = 0;
    for (size_t i = in_len; i >= 2; i -= 2)
        s += in[i - 1];
    return s;
}
H(t_down_unsigned)
{
    uint32_t s = 0;
    for (uint32_t i = (uint32_t)(in_len & 7) + 1; i-- > 0;)
        s += (uint32_t)cells[i];
    return s;
}
H(t_up_by_three)
{
    int s = 0;
    for (uint32_t i = 0; i < (uint32_t)(in_len & 31); i += 3)
        s += (int)i;
    return s;
}
H(t_byte_counter)
{
    int s = 0;
    for (int i = 0; i < 256; i++)
        s += bytes[i & 15];
    return s;
}
H(t_inner_triangle)
{
    int s = 0;
    for (int i = 0; i < 4; i++)
        for (int k = i; k < i + 4; k++)
            s += cells[k];
    return s;
}
H(t_early_exit)
{
    int i;
    for (i = 0; i < 8; i++)
        if (in_len > 2 && cells[i] == in[0])
            break;
    return i < 8 ? cells[i] : -1;
}
H(t_step_from_input)
{
    size_t i = 0;
    int s = 0;
    while (i < in_len) {
        s++;
        i += (size_t)in[i] + 1;
    }
    return s;
}
H(t_sum_checked)
{
    if (in_len < 8)
        return 0;
    uint32_t off, len;
    memcpy(&off, in, 4);
    memcpy(&len, in + 4, 4);
    if (off <= in_len && len <= in_len - off && len > 0)
        return in[off];
    return 0;
}
H(t_product_checked)
{
    if (in_len < 4)
        return 0;
    uint32_t n;
    memcpy(&n, in, 4);
    if (n <= sizeof bytes / 4)
        for (uint32_t i = 0; i < n; i++)
            bytes[i * 4] = 1;
    return 0;
}
H(t_switch)
{
    int i = 0;
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
    }
    return cells[i];
}
H(t_switch_range)
{
    switch (in_len) {
    case 0 ... 7:
        return cells[in_len];
    }
    return 0;
}
H(t_moved)
{
    memmove(bytes + 1, bytes, 15);
    return bytes[0];
}
H(t_copied_halves)
{
    size_t k = in_len & 7;
    memcpy(bytes + 8, bytes, k);
    return bytes[3];
}
H(t_moved_halves)
{
    memmove(bytes + 8, bytes, in_len & 7);
    return 0;
}
struct pair {
    int a;
    int b[3];
};
static struct pair pairs[4];
H(t_field_array)
{
    size_t k = (in_len >> 2) & 3;
    return k < 3 ? pairs[in_len & 3].b[k] : 0;
}
H(t_pair_pointer)
{
    struct pair *p = pairs;
    int s = 0;
    for (int i = 0; i < 4; i++, p++)
        s += p->a;
    return s;
}
struct __attribute__((packed)) packed {
    uint8_t kind;
    uint32_t n;
    uint8_t d[3];
};
H(t_packed)
{
    struct packed p;
    if (in_len < sizeof p)
        return 0;
    memcpy(&p, in, sizeof p);
    return p.kind < 3 ? p.d[p.kind] : 0;
}
static const int constants[4] = {1, 2, 3, 7};
H(t_constant)
{
    return cells[constants[in_len & 3]];
}
H(t_select)
{
    static uint8_t small[4], large[64];
    uint8_t *p = in_len & 1 ? small : large;
    size_t n = in_len & 1 ? 4 : 64;
    int s = 0;
    for (size_t i = 0; i < n; i++)
        s += p[i];
    return s;
}
H(t_select_index)
{
    static uint8_t small[4], large[64];
    uint8_t *p = in_len & 1 ? small : large;
    return p[in_len & 3];
}
H(t_rounded)
{
    int n = (int)(in_len & 63);
    int i = (n + 7) / 8;
    return i < 8 ? cells[i] : 0;
}
H(t_clz)
{
    return cells[__builtin_clz((unsigned)(in_len & 0xff) | 1) - 24];
}
H(t_popcount)
{
    return cells[__builtin_popcount((unsigned)in_len & 0x7f)];
}
H(t_float)
{
    float f = (float)(in_len & 15) / 2;
    return cells[(int)f];
}
H(t_and)
{
    int x;
    if (in_len < 4)
        return 0;
    memcpy(&x, in, 4);
    return cells[(unsigned)x % 8];
}
R(j_fgets)
{
    int data = -1;
    char in[CHAR_ARRAY_SIZE] = "";
    if (fgets(in, CHAR_ARRAY_SIZE, stdin))
        data = atoi(in);
    int buffer[10] = {0};
    if (data >= 0 && data < 10)
        buffer[data] = 1;
    return 0;
}
R(j_short)
{
    short data = 0;
    fscanf(stdin, "%hd", &data);
    char src[100], dst[100] = "";
    memset(src, 'A', 99);
    src[99] = 0;
    if (data >= 0 && data < 100) {
        memcpy(dst, src, (size_t)data);
        dst[data] = 0;
    }
    return 0;
}
R(j_mod)
{
    int data = RAND32();
    if (data != 0)
        return 100 % data;
    return 0;
}
R(j_null)
{
    static int v;
    int *p = globalReturnsTrueOrFalse() ? &v : NULL;
    if (p) {
        *p = 5;
        return *p;
    }
    return 0;
}
R(j_float)
{
    float data = 0;
    if (globalReturnsTrueOrFalse())
        data = 2.0f;
    if (fabs(data) > 0.000001)
        return (int)(100.0 / data);
    return 0;
}
R(j_ring)
{
    static int ring[8];
    unsigned head = 0;
    for (int i = 0; i < 9; i++) {
        ring[head] = i;
        if (++head > 7)
            head = 0;
    }
    return ring[0];
}
R(s_array)
{
    unsigned n = __VERIFIER_nondet_uint();
    static int a[100];
    if (n == 0)
        return 0;
    __VERIFIER_assume(n <= 100);
    for (unsigned i = 0; i < n; i++)
        a[i] = 0;
    return 0;
}
R(s_bubble)
{
    int n = __VERIFIER_nondet_int();
    static int a[10];
    if (n < 1 || n > 10)
        return 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n - i - 1; j++)
            if (a[j] > a[j + 1]) {
                int t = a[j];
                a[j] = a[j + 1];
                a[j + 1] = t;
            }
    return 0;
}
R(s_strncpy)
{
    char s[8], d[8];
    unsigned n = __VERIFIER_nondet_uint();
    memset(s, 'x', 7);
    s[7] = 0;
    unsigned i = 0;
    for (; i < n && i < 8 && s[i]; i++)
        d[i] = s[i];
    return 0;
}
R(s_nested)
{
    unsigned n = __VERIFIER_nondet_uint();
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = i; k < n; k++)
            g_idx++;
    return 0;
}
R(s_count)
{
    unsigned char n = __VERIFIER_nondet_uchar();
    for (unsigned i = 0; i <= n; i++)
        g_idx++;
    return 0;
}
R(s_up_down)
{
    unsigned n = __VERIFIER_nondet_uint(), x = n, y = 0;
    while (x > 0) {
        x--;
        y++;
    }
    static int a[4];
    if (y != n)
        a[4 + (n & 1)] = 1;
    return a[y & 3];
}
R(s_shift)
{
    int s = __VERIFIER_nondet_int();
    if (s >= 0 && s < 31)
        return 1 << s;
    return 0;
}
R(s_div)
{
    int a = __VERIFIER_nondet_int(), b = __VERIFIER_nondet_int();
    if (b == 0 || b == -1)
        return 0;
    return a / b;
}
R(s_bsearch)
{
    static int a[16];
    int lo = 0, hi = 15, k = __VERIFIER_nondet_int();
    while (lo <= hi) {
        int mid = lo + (hi - lo) / 2;
        if (a[mid] < k)
            lo = mid + 1;
        else
            hi = mid - 1;
    }
    return 0;
}
R(s_stack)
{
    int st[4], top = -1;
    for (int i = 0; i < 20; i++) {
        if (__VERIFIER_nondet_int() > 0) {
            if (top < 3)
                st[++top] = i;
        } else if (top >= 0)
            g_idx += st[top--];
    }
    return 0;
}
R(s_queue)
{
    static int q[8];
    unsigned h = 0, n = 0;
    for (int i = 0; i < 30; i++) {
        if (__VERIFIER_nondet_int()) {
            if (n < 8) {
                q[(h + n) % 8] = i;
                n++;
            }
        } else if (n) {
            h++;
            n--;
        }
    }
    return q[h % 8];
}
R(s_matrix)
{
    static int m[4][5];
    int r = __VERIFIER_nondet_int(), c = __VERIFIER_nondet_int();
    if (r >= 0 && r < 4 && c >= 0 && c < 5)
        return m[r][c];
    return 0;
}
R(s_xy)
{
    int x = __VERIFIER_nondet_int(), y = __VERIFIER_nondet_int();
    if (y >= 0 || y < -1000000)
        return 0;
    while (x > 0)
        x += y;
    return 0;
}
R(s_gcd)
{
    unsigned a = __VERIFIER_nondet_uint(), b = __VERIFIER_nondet_uint();
    while (b != 0) {
        unsigned t = a % b;
        a = b;
        b = t;
    }
    return (int)a;
}
R(s_heap)
{
    static int h[15];
    int i = 0, v = __VERIFIER_nondet_int();
    while (2 * i + 2 < 15) {
        int c = 2 * i + 1;
        if (h[c + 1] > h[c])
            c++;
        if (h[c] <= v)
            break;
        h[i] = h[c];
        i = c;
    }
    h[i] = v;
    return 0;
}
