/* Unknown numbers, as public sets of programs write them. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
extern int __VERIFIER_nondet_int(void);
extern unsigned __VERIFIER_nondet_uint(void);
extern char __VERIFIER_nondet_char(void);
extern _Bool __VERIFIER_nondet_bool(void);
extern void __VERIFIER_assume(int);
extern void abort(void);
extern void __assert_fail(const char *, const char *, unsigned, const char *)
    __attribute__((noreturn));
void reach_error()
{
    __assert_fail("0", "x.c", 3, "reach_error");
}
void assume_abort_if_not(int cond)
{
    if (!cond) {
        abort();
    }
}
void __VERIFIER_assert(int cond)
{
    if (!(cond)) {
    ERROR : {
        reach_error();
        abort();
    }
    }
}
#define N 1000
static int A[N], B[N];
static void swap(int *a, int *b)
{
    int t = *a;
    *a = *b;
    *b = t;
}

static int s1(void)
{
    for (int i = 0; i < N; i++)
        A[i] = __VERIFIER_nondet_int();
    int m = A[0];
    for (int i = 0; i < N; i++)
        if (A[i] > m)
            m = A[i];
    return m;
}
static int s2(void)
{
    int n = __VERIFIER_nondet_int();
    if (n < 1 || n > N)
        return 0;
    for (int i = 0; i < n; i++)
        A[i] = i;
    int j = n - 1;
    while (j >= 0) {
        B[j] = A[j];
        j--;
    }
    return 0;
}
static int s3(void)
{
    int x = __VERIFIER_nondet_int(), y = __VERIFIER_nondet_int();
    assume_abort_if_not(y > 0);
    while (x > 0) {
        x = x - y;
    }
    return x;
}
static int s4(void)
{
    char s[64];
    for (int i = 0; i < 63; i++)
        s[i] = __VERIFIER_nondet_char();
    s[63] = 0;
    int n = 0;
    while (n < 64 && s[n] != 0)
        n++;
    return n;
}
static int s5(void)
{
    unsigned n = __VERIFIER_nondet_uint();
    unsigned i = 0, j = 0;
    __VERIFIER_assume(n < 100);
    while (i < n) {
        j = 0;
        while (j < i) {
            A[j] += B[i];
            j++;
        }
        i++;
    }
    return 0;
}
static int s6(void)
{
    int a = __VERIFIER_nondet_int(), b = __VERIFIER_nondet_int();
    if (b != 0 && !(a == (-2147483647 - 1) && b == -1))
        return a / b;
    return 0;
}
static int s7(void)
{
    int lo = 0, hi = N - 1, k = __VERIFIER_nondet_int();
    while (lo <= hi) {
        int mid = (lo + hi) / 2;
        if (A[mid] == k)
            return mid;
        if (A[mid] < k)
            lo = mid + 1;
        else
            hi = mid - 1;
    }
    return -1;
}
static int s8(void)
{
    for (int i = 0; i < 20; i++)
        A[i] = __VERIFIER_nondet_int();
    for (int i = 0; i < 20; i++)
        for (int j = 0; j < 19 - i; j++)
            if (A[j] > A[j + 1])
                swap(&A[j], &A[j + 1]);
    for (int i = 0; i < 19; i++)
        B[i] = A[i + 1];
    return 0;
}
static int s11(void)
{
    int st = 0, n = 0;
    while (n < 50) {
        switch (st) {
        case 0:
            if (__VERIFIER_nondet_bool())
                st = 1;
            break;
        case 1:
            st = __VERIFIER_nondet_bool() ? 2 : 0;
            break;
        case 2:
            st = 0;
            break;
        default:
            __VERIFIER_assert(0);
        }
        n++;
    }
    return st;
}
static int s12(void)
{
    unsigned x = __VERIFIER_nondet_uint(), y = __VERIFIER_nondet_uint();
    while (y != 0) {
        unsigned t = x % y;
        x = y;
        y = t;
    }
    return x;
}
static int s13(void)
{
    int i = __VERIFIER_nondet_int(), j = __VERIFIER_nondet_int();
    while (i < 100 && j < 100) {
        if (__VERIFIER_nondet_bool())
            i++;
        else
            j++;
    }
    return 0;
}
static int s14(void)
{
    int q[16], h = 0, t = 0, n = 0;
    for (int k = 0; k < 100; k++) {
        if (__VERIFIER_nondet_bool()) {
            if (n < 16) {
                q[t] = k;
                t = (t + 1) % 16;
                n++;
            }
        } else if (n > 0) {
            h = (h + 1) % 16;
            n--;
        }
    }
    return h + t;
}
static int s15(void)
{
    int x = 0, y = 0;
    int n = __VERIFIER_nondet_int();
    if (n < 0 || n > 1000)
        return 0;
    while (x < n) {
        x++;
        y += 2;
    }
    __VERIFIER_assert(y == 2 * n);
    return 0;
}
int main(void)
{
    int r = 0;
    r += s1();
    r += s2();
    r += s3();
    r += s4();
    r += s5();
    r += s6();
    r += s7();
    r += s8();
    r += s11();
    r += s12();
    r += s13();
    r += s14();
    r += s15();
    return r;
}
