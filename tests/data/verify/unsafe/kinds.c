/* Kinds of mistakes that public sets have, in programs without input or with unknown numbers, each
 * beside its safe twin: BAD(unsafe, safe) is what differs. */
#include "../pairs.h"
#include <ctype.h>
#ifdef SAFE
#define BAD(bad, good) good
#else
#define BAD(bad, good) bad
#endif
extern int __VERIFIER_nondet_int(void);
extern unsigned __VERIFIER_nondet_uint(void);
extern unsigned char __VERIFIER_nondet_uchar(void);
extern long __VERIFIER_nondet_long(void);
extern void __VERIFIER_assume(int);
static char text32[32];
static int table[10];

/* Juliet's 121 to 127, 131, 170, 193, 665 */
R(k121_snprintf_returns_what_it_wanted)
{
    char to[8];
    int n = snprintf(to, sizeof to, "%s", "0123456789");
    to[BAD(n, n < 8 ? n : 7)] = 0;
    return 0;
}
R(k121_sprintf_of_smallest)
{
    char to[BAD(11, 12)];
    sprintf(to, "%d", INT_MIN);
    return to[0];
}
R(k121_sprintf_of_unknown)
{
    char to[BAD(11, 12)];
    sprintf(to, "%d", __VERIFIER_nondet_int());
    return to[0];
}
R(k121_strncat_writes_one_more)
{
    char to[10] = "12345";
    strncat(to, "67890", BAD(5, 4));
    return to[0];
}
R(k121_strncpy_fills)
{
    char to[10];
    strncpy(to, "a", BAD(11, 10));
    return to[0];
}
R(k121_wide_bytes_and_letters)
{
    wchar_t to[10];
    wmemset(to, L'A', 9);
    to[9] = 0;
    memset(to, 0, BAD(11, 10) * sizeof(wchar_t));
    return to[0];
}
R(k121_wcsncpy_by_bytes)
{
    wchar_t to[8];
    wcsncpy(to, L"abc", BAD(sizeof to, sizeof to / sizeof to[0]));
    return to[0];
}
R(k122_pool_of_too_few)
{
    static int pool[BAD(9, 10)];
    for (int i = 0; i < 10; i++)
        pool[i] = i;
    return pool[3];
}
R(k122_size_of_the_pointer)
{
    static double numbers[2];
    double *p = numbers;
    memset(p, 0, BAD(sizeof p * 3, sizeof *p * 2));
    return (int)p[0];
}
R(k124_underwrite_by_loop)
{
    char line[10];
    char *p = line + 9;
    while (p >= line BAD(-1, ))
        *p-- = 'x';
    return line[0];
}
R(k124_trim)
{
    char line[8] = BAD("       ", "a      ");
    int i = 6;
    while (line[i] == ' ')
        line[i--] = 0;
    return line[0];
}
R(k126_strlen_of_full)
{
    char line[4] = {'a', 'b', 'c', BAD('d', 0)};
    return (int)strlen(line);
}
R(k126_strcmp_of_full)
{
    char a[3] = {'a', 'b', BAD('c', 0)}, b[4] = "abc";
    return strcmp(a, b);
}
R(k126_memcmp_longer)
{
    char a[3] = "ab", b[8] = "ab";
    return memcmp(a, b, BAD(4, 3));
}
R(k126_printed_with_precision)
{
    char a[4] = {'a', 'b', 'c', 'd'};
    printf("%.*s\n", BAD(5, 4), a);
    return 0;
}
R(k127_index_of_minus_one)
{
    const char *found = strchr("abc", 'd');
    return table[BAD(found - "abc" > 0 ? 0 : found == NULL ? -1 : 0, found ? 1 : 0)];
}
R(k127_ctype_of_negative)
{
    static const unsigned char classes[256] = {0};
    char c = (char)__VERIFIER_nondet_uchar();
    return classes[BAD(c, (unsigned char)c)];
}
R(k131_missing_room_for_end)
{
    static char copy[BAD(5, 6)];
    strcpy(copy, "hello");
    return copy[0];
}
R(k170_end_overwritten)
{
    char a[6] = "hello";
    a[BAD(5, 4)] = '!';
    return (int)strlen(a);
}
R(k193_one_of_a_copy_loop)
{
    char from[] = "hello", to[BAD(5, 6)];
    for (size_t i = 0; i < strlen(from) + 1; i++)
        to[i] = from[i];
    return to[0];
}
R(k665_appended_to_unset)
{
    char to[20] BAD(, = "");
    strcat(to, "text");
    return to[0];
}

/* 190, 191, 194 to 197, 369, 680, 681 */
R(k190_room_wraps)
{
    unsigned n = __VERIFIER_nondet_uint();
    if (BAD(n + 1 > 32, n >= 32))
        return 0;
    text32[n] = 0;
    return 0;
}
R(k190_square)
{
    int n = __VERIFIER_nondet_int();
    if (BAD(n * n<100, n> - 10 && n < 10 && n * n < 100))
        return table[n < 0 ? BAD(-n, -n) : n];
    return 0;
}
R(k191_decrement_to_huge)
{
    unsigned n = __VERIFIER_nondet_uint() % 11;
    return table[BAD(n - 1, n ? n - 1 : 0)];
}
R(k194_short_as_size)
{
    short n = (short)__VERIFIER_nondet_int();
    if (n < 32 BAD(, &&n >= 0))
        memset(text32, 0, n);
    return 0;
}
R(k195_negative_length)
{
    int n = __VERIFIER_nondet_int();
    if (n < 32 BAD(, &&n > 0))
        memcpy(text32, "0123456789012345678901234567890", (unsigned)n);
    return 0;
}
R(k196_large_as_negative)
{
    unsigned n = __VERIFIER_nondet_uint();
    int i = (int)n;
    return i < 10 BAD(, &&i >= 0) ? table[i] : 0;
}
R(k197_cut_to_char)
{
    int n = __VERIFIER_nondet_int();
    if (n < 0 || n > BAD(1000, 9))
        return 0;
    return table[BAD((signed char)n % 10, n)];
}
R(k197_long_to_int)
{
    long n = __VERIFIER_nondet_long();
    if (BAD((int)n, n) >= 0 && BAD((int)n, n) < 10)
        return table[n];
    return 0;
}
R(k369_remainder)
{
    int n = __VERIFIER_nondet_int();
    return n > BAD(-1, 0) ? 100 % n : 0;
}
R(k369_quotient_of_a_quotient)
{
    unsigned n = __VERIFIER_nondet_uint() % 100 + 1;
    return (int)(1000 / (n / BAD(2, 1)));
}
R(k369_smallest)
{
    int a = __VERIFIER_nondet_int(), b = __VERIFIER_nondet_int();
    return b != 0 BAD(, &&b != -1) ? a / b : 0;
}
R(k681_root_of_negative)
{
    int n = __VERIFIER_nondet_int() % 100;
    return table[(int)sqrt(BAD((double)n, (double)(n < 0 ? -n : n))) % 10];
}

/* 457, 476, 480s, 562, 588, 617, 674, 758, 761, 835, 843 */
R(k457_set_in_a_loop_of_no_rounds)
{
    int last BAD(, = 0), n = (int)(__VERIFIER_nondet_uint() % 3);
    for (int i = 0; i < n; i++)
        last = i;
    return last;
}
R(k457_one_field_of_three)
{
    struct {
        int a, b, c;
    } s;
    s.a = s.b = 1;
    BAD(, s.c = 1;)
    return s.a + s.b + s.c;
}
R(k476_null_by_chance)
{
    int *p = __VERIFIER_nondet_int() ? table : NULL;
    return BAD(*p, p ? *p : 0);
}
R(k476_wrong_and)
{
    int *p = __VERIFIER_nondet_int() ? table : NULL;
    if (BAD(p != NULL | *p > 0, p != NULL && *p > 0))
        return 1;
    return 0;
}
R(k480_assigned)
{
    int n = (int)(__VERIFIER_nondet_uint() % 20);
    if (BAD(n = 10, n == 9))
        return table[n];
    return 0;
}
R(k484_falls_through)
{
    int i = 0;
    switch (__VERIFIER_nondet_int()) {
    case 0:
        i = 9;
        BAD(, break;)
    case 1:
        i++;
        break;
    }
    return table[i];
}
static int *inner(void)
{
    int n = 3;
    static int kept;
    kept = n;
    return BAD(&n, &kept);
}
R(k562_local_of_a_call)
{
    return *inner();
}
R(k588_child_that_is_none)
{
    struct {
        int a, b;
    } * p;
    static int one[BAD(1, 2)];
    p = (void *)one;
    return p->b;
}
R(k674_depth)
{
    static int depth;
    int left = (int)(__VERIFIER_nondet_uint() % 100);
    while (left BAD(>= 0, > 0)) {
        left -= BAD(depth, 1);
        depth = 0;
    }
    return 0;
}
R(k761_not_at_its_start)
{
    char line[] = "find";
    char *p = line;
    while (*p != BAD('x', 'n'))
        p++;
    return *p;
}
R(k835_never_equal)
{
    unsigned char i = 0;
    while (i != BAD(251, 250))
        i += 2;
    return i;
}
R(k835_unknown_step)
{
    unsigned i = 0, by = __VERIFIER_nondet_uint() % 8 + BAD(0, 1);
    while (i < 1000)
        i += by;
    return 0;
}
R(k843_other_type)
{
    union {
        int number;
        char *text;
    } u;
    u.text = "text";
    BAD(u.number = 7;, )
    return *u.text;
}

/* Termination and memory tasks */
R(sv_gcd_of_unknown)
{
    unsigned a = __VERIFIER_nondet_uint() % 50, b = __VERIFIER_nondet_uint() % 50;
    while (BAD(a != b, b != 0)) {
        unsigned t = BAD(a > b ? a - b : a, a % b);
        BAD(if (a <= b) b -= a;, a = b;)
        BAD(a, b) = t;
    }
    return 0;
}
R(sv_two_phases)
{
    int x = __VERIFIER_nondet_int() % 100, y = 1;
    while (x > 0) {
        x -= y;
        y -= BAD(1, 0);
    }
    return 0;
}
R(sv_alternates)
{
    int i = 0, up = 1;
    while (i < 10) {
        i += up ? 1 : -1;
        BAD(up = !up;, )
    }
    return 0;
}
R(sv_sum_of_pool)
{
    unsigned n = __VERIFIER_nondet_uint();
    __VERIFIER_assume(n <= BAD(11, 10));
    int sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += table[i];
    return sum;
}
R(sv_assumed_from_another)
{
    int i = __VERIFIER_nondet_int(), k = __VERIFIER_nondet_int();
    __VERIFIER_assume(k >= 0 && k < 10);
    __VERIFIER_assume(BAD(i <= k, i == k));
    return table[i];
}
R(sv_two_indices)
{
    unsigned i = __VERIFIER_nondet_uint() % 10, k = __VERIFIER_nondet_uint() % 10;
    if (i + k BAD(<= 10, < 10))
        return table[i + k];
    return 0;
}
R(sv_search_of_unknown)
{
    int wanted = __VERIFIER_nondet_int(), i = 0;
    while (BAD(true, i < 10) && table[i] != wanted)
        i++;
    return i;
}
R(sv_unknown_each_round)
{
    int i = 0;
    while (__VERIFIER_nondet_int() && i < BAD(11, 10))
        table[i++] = 0;
    return i;
}
R(sv_nested_triangle)
{
    int n = 0;
    for (int i = 0; i < 5; i++)
        for (int k = 0; k BAD(<=, <) i; k++)
            table[n++] = i;
    return n;
}
R(sv_shift_by_unknown)
{
    unsigned s = __VERIFIER_nondet_uint();
    return (int)(1u << (s & BAD(32, 31)));
}
