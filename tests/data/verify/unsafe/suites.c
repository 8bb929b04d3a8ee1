/* In the manner of public sets of weaknesses and of verification tasks: bounds, lengths, lives,
 * termination. */
#include "../pairs.h"
extern int __VERIFIER_nondet_int(void);
extern unsigned __VERIFIER_nondet_uint(void);
extern unsigned char __VERIFIER_nondet_uchar(void);
extern long __VERIFIER_nondet_long(void);
extern void __VERIFIER_assume(int);
static int g_idx;
R(j124_source)
{
    char buf[50];
    memset(buf, 'A', 49);
    buf[49] = 0;
    char *data = buf - 8;
    data[0] = 1;
    return 0;
}
R(j124_cpy)
{
    char src[100], buf[100];
    memset(src, 'C', 99);
    src[99] = 0;
    memset(buf, 'A', 99);
    buf[99] = 0;
    char *data = buf - 8;
    memcpy(data, src, 100);
    data[99] = 0;
    printLine(data);
    return 0;
}
R(j127_loop)
{
    char buf[100], dest[100];
    memset(buf, 'A', 99);
    buf[99] = 0;
    char *data = buf - 8;
    memset(dest, 'C', 99);
    dest[99] = 0;
    for (size_t i = 0; i < 99; i++)
        dest[i] = data[i];
    printLine(dest);
    return 0;
}
R(j126_cast)
{
    double d = 1;
    char *p = (char *)&d;
    int s = 0;
    for (int i = 0; i <= 8; i++)
        s += p[i];
    return s;
}
R(j126_char_alloca)
{
    char data[50];
    memset(data, 'A', 50);
    printLine(data);
    return 0;
}
R(j121_fgets_neg)
{
    int data = -1;
    if (globalReturnsTrueOrFalse()) {
        char in[CHAR_ARRAY_SIZE] = "";
        if (fgets(in, CHAR_ARRAY_SIZE, stdin))
            data = atoi(in);
    } else
        data = 7;
    int buffer[10] = {0};
    if (data < 10)
        buffer[data] = 1;
    return 0;
}
R(j122_struct_void)
{
    struct {
        char first[16];
        void *second;
        void *third;
    } s;
    s.second = "x";
    memcpy(s.first, "0123456789abcdef0123456789abcde", sizeof s);
    s.first[15] = 0;
    printLine(s.first);
    return 0;
}
R(j135_wide)
{
    wchar_t *w = L"abcdef";
    char dst[7];
    memcpy(dst, w, wcslen(w) * sizeof(wchar_t));
    return dst[0];
}
R(j170_memcpy)
{
    char data[150], dest[100];
    memset(data, 'A', 149);
    data[149] = 0;
    memcpy(dest, data, 99);
    printLine(dest);
    return 0;
}
R(j190_multiply)
{
    int data = RAND32();
    if (data > 0) {
        int r = data * 2;
        int a[4] = {0};
        if (r < 4)
            a[r] = 1;
    }
    return 0;
}
R(j191_sub)
{
    int64_t data = RAND64();
    int a[4] = {0};
    if (data < 0) {
        int64_t r = data - 1;
        if (r < 0)
            return 0;
        a[r & 7] = 1;
    }
    return 0;
}
R(j194_short)
{
    short data = 0;
    fscanf(stdin, "%hd", &data);
    char src[100], dst[100] = "";
    memset(src, 'A', 99);
    src[99] = 0;
    if (data < 100) {
        memcpy(dst, src, data);
        dst[data] = 0;
    }
    return 0;
}
R(j195_strtol)
{
    int data = (int)strtol("-5", NULL, 10);
    char src[100], dst[100] = "";
    memset(src, 'A', 99);
    src[99] = 0;
    if (data < 100)
        memcpy(dst, src, (size_t)data);
    return 0;
}
R(j197_to_char)
{
    int data = RAND32();
    char c = (char)data;
    int a[100] = {0};
    if (data >= 0 && data < 100)
        return a[c] + a[(unsigned char)c + (data > 98)];
    return 0;
}
R(j369_mod)
{
    int data = RAND32();
    if (data != 0)
        data--;
    return 100 % data;
}
R(j369_float)
{
    float data = 0.0f;
    if (globalReturnsTrueOrFalse())
        data = 2.0f;
    int r = (int)(100.0 / data);
    return r;
}
R(j457_struct)
{
    twoIntsStruct d[10];
    for (int i = 0; i < 5; i++) {
        d[i].intOne = i;
        d[i].intTwo = i;
    }
    for (int i = 0; i < 10; i++)
        printIntLine(d[i].intOne);
    return 0;
}
R(j457_switch)
{
    int data;
    switch (globalReturnsTrueOrFalse()) {
    case 1:
        data = 5;
        break;
    }
    printIntLine(data);
    return 0;
}
R(j476_binary_if)
{
    twoIntsStruct *p = NULL;
    if ((p != NULL) & (p->intOne == 5))
        return 1;
    return 0;
}
R(j476_null_check_after)
{
    static int v;
    int *p = globalReturnsTrueOrFalse() ? &v : NULL;
    *p = 5;
    if (p)
        return *p;
    return 0;
}
R(j562)
{
    char *helper;
    {
        char local[20];
        memset(local, 'A', 19);
        local[19] = 0;
        helper = local;
    }
    printLine(helper);
    return 0;
}
R(j587)
{
    char *p = (char *)0x400000;
    return *p;
}
R(j588)
{
    int v = 100;
    twoIntsStruct *p = (twoIntsStruct *)&v;
    return p->intTwo;
}
R(j680)
{
    int data = RAND32();
    size_t n = (size_t)data * sizeof(int);
    static char pool[64];
    if ((int)n <= 64) {
        int *p = (int *)pool;
        for (size_t i = 0; i < (size_t)data; i++)
            p[i] = 0;
    }
    return 0;
}
R(j690)
{
    char *p = NULL;
    if (globalFive == 5)
        p = strchr("abc", 'z');
    return *p;
}
R(j758)
{
    int *p;
    int x;
    if (globalFive != 5) {
        p = &x;
    }
    return *p;
}
R(j787_ring)
{
    static int ring[8];
    unsigned head = 0;
    for (int i = 0; i < 9; i++) {
        ring[head] = i;
        if (++head > 8)
            head = 0;
    }
    return ring[0];
}
R(j823)
{
    char b[10] = "";
    int off = 0;
    fscanf(stdin, "%d", &off);
    char *p = b + off;
    if (p < b + 10)
        *p = 1;
    return 0;
}
R(j835_do)
{
    int i = 0;
    do {
        if (i != 10)
            i = (i + 1) % 10;
    } while (i >= 0);
    return 0;
}
R(j835_for)
{
    for (unsigned i = 0; i < 10; i = (i + 1) & 7)
        g_idx++;
    return 0;
}
R(sv_array)
{
    unsigned n = __VERIFIER_nondet_uint();
    static int a[100];
    if (n == 0)
        return 0;
    __VERIFIER_assume(n <= 101);
    for (unsigned i = 0; i < n; i++)
        a[i] = 0;
    return 0;
}
R(sv_bubble)
{
    int n = __VERIFIER_nondet_int();
    static int a[10];
    if (n < 1 || n > 10)
        return 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n - i; j++)
            if (a[j] > a[j + 1]) {
                int t = a[j];
                a[j] = a[j + 1];
                a[j + 1] = t;
            }
    return 0;
}
R(sv_cstrcat)
{
    char s[10], t[10];
    unsigned n = __VERIFIER_nondet_uint() % 10, m = __VERIFIER_nondet_uint() % 10;
    for (unsigned i = 0; i < 9; i++)
        s[i] = t[i] = 'a';
    s[n % 10] = 0;
    s[9] = 0;
    t[m] = 0;
    t[9] = 0;
    unsigned i = 0, j = 0;
    while (s[i])
        i++;
    while ((s[i] = t[j])) {
        i++;
        j++;
    }
    return 0;
}
R(sv_cstrncpy)
{
    char s[8], d[4];
    unsigned n = __VERIFIER_nondet_uint();
    memset(s, 'x', 7);
    s[7] = 0;
    unsigned i = 0;
    for (; i < n && s[i]; i++)
        d[i] = s[i];
    return 0;
}
R(sv_term_collatz)
{
    unsigned n = __VERIFIER_nondet_uint();
    while (n > 1)
        n = n & 1 ? 3 * n + 1 : n / 2;
    return 0;
}
R(sv_term_xy)
{
    int x = __VERIFIER_nondet_int(), y = __VERIFIER_nondet_int();
    while (x > 0) {
        x += y;
        y--;
        if (y < -5)
            y = 5;
    }
    return 0;
}
R(sv_term_wrap)
{
    int x = __VERIFIER_nondet_int();
    while (x > 10)
        x++;
    while (x <= 10 && x != 11)
        x += 2;
    return 0;
}
R(sv_term_gcd)
{
    unsigned a = __VERIFIER_nondet_uint(), b = __VERIFIER_nondet_uint();
    while (a != b)
        if (a > b)
            a -= b;
        else
            b -= a;
    return 0;
}
R(sv_term_equal)
{
    int i = __VERIFIER_nondet_int(), j = __VERIFIER_nondet_int();
    while (i != j) {
        i++;
        j++;
        if (i > 100) {
            i = 0;
            j = 1;
        }
    }
    return 0;
}
R(sv_nested_term)
{
    unsigned n = __VERIFIER_nondet_uint();
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = i; k <= n; k++)
            g_idx++;
    return 0;
}
R(sv_le_max)
{
    unsigned char n = __VERIFIER_nondet_uchar();
    for (unsigned char i = 0; i <= n; i++)
        g_idx++;
    return 0;
}
R(sv_count_up_down)
{
    unsigned n = __VERIFIER_nondet_uint(), x = n, y = 0;
    while (x > 0) {
        x--;
        y++;
    }
    static int a[4];
    if (y != n)
        a[0] = 1;
    return a[y & 3 ? (y & 3) + (n > 5) : 0];
}
R(sv_shift)
{
    int s = __VERIFIER_nondet_int();
    if (s >= 0 && s <= 32)
        return 1 << s;
    return 0;
}
R(sv_shift64)
{
    unsigned s = __VERIFIER_nondet_uint();
    return (int)(1ull >> (s & 127));
}
R(sv_div_min)
{
    int a = __VERIFIER_nondet_int(), b = __VERIFIER_nondet_int();
    if (b == 0)
        return 0;
    return a / b;
}
R(sv_rem_min)
{
    long a = __VERIFIER_nondet_long(), b = __VERIFIER_nondet_long();
    if (b == 0 || b > 0)
        return 0;
    return (int)(a % b);
}
R(sv_bsearch)
{
    static int a[16];
    int lo = 0, hi = 16, k = __VERIFIER_nondet_int();
    while (lo <= hi) {
        int mid = lo + (hi - lo) / 2;
        if (a[mid] < k)
            lo = mid + 1;
        else
            hi = mid - 1;
    }
    return 0;
}
R(sv_stack)
{
    int st[4], top = -1;
    for (int i = 0; i < 20; i++) {
        if (__VERIFIER_nondet_int() > 0) {
            if (top < 4)
                st[++top] = i;
        } else if (top >= 0)
            g_idx += st[top--];
    }
    return 0;
}
R(sv_queue)
{
    static int q[8];
    unsigned h = 0, n = 0;
    for (int i = 0; i < 30; i++) {
        if (__VERIFIER_nondet_int()) {
            if (n <= 8) {
                q[(h + n) % 8] = i;
                n++;
            }
        } else if (n) {
            h++;
            n--;
        }
    }
    static int fill[9];
    return fill[n];
}
R(sv_strided)
{
    static int a[30];
    for (int i = 0; i < 31; i += 3)
        a[i] = 1;
    return 0;
}
R(sv_matrix)
{
    static int m[4][5];
    int r = __VERIFIER_nondet_int(), c = __VERIFIER_nondet_int();
    if (r >= 0 && r < 5 && c >= 0 && c < 4)
        return m[r][c];
    return 0;
}
R(sv_alloca_scope)
{
    int *p;
    int n = __VERIFIER_nondet_int();
    for (int i = 0; i < 2; i++) {
        int x = i;
        if (n > 5)
            p = &x;
    }
    return n > 5 ? *p : 0;
}
R(sv_uninit_loop)
{
    int x;
    unsigned n = __VERIFIER_nondet_uint();
    for (unsigned i = 0; i < (n & 3); i++)
        x = (int)i;
    return x > 0;
}
