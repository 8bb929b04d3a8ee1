/* Unknown numbers, as public sets of programs write them. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include "unsafe.h"

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

R(maximum_behind)
{
    for (int i = 0; i < N; i++)
        A[i] = __VERIFIER_nondet_int();
    int m = A[0];
    for (int i = 0; i <= N; i++)
        if (A[i] > m)
            m = A[i];
    return m;
}
R(copied_down_from_behind)
{
    int n = __VERIFIER_nondet_int();
    if (n < 1 || n > N)
        return 0;
    for (int i = 0; i < n; i++)
        A[i] = i;
    int j = n;
    while (j >= 0) {
        B[j] = A[j];
        j--;
    }
    return 0;
}
R(step_not_positive)
{
    int x = __VERIFIER_nondet_int(), y = __VERIFIER_nondet_int();
    while (x > 0) {
        x = x - y;
    }
    return x;
}
R(text_without_end)
{
    char s[64];
    for (int i = 0; i < 64; i++)
        s[i] = __VERIFIER_nondet_char();
    int n = 0;
    while (s[n] != 0)
        n++;
    return n;
}
R(assumed_too_little)
{
    unsigned n = __VERIFIER_nondet_uint();
    unsigned i = 0;
    __VERIFIER_assume(n < 1002);
    while (i < n) {
        A[i] = 1;
        i++;
    }
    return 0;
}
R(smallest_by_minus_one_unknown)
{
    int a = __VERIFIER_nondet_int(), b = __VERIFIER_nondet_int();
    if (b != 0)
        return a / b;
    return 0;
}
R(search_from_behind)
{
    int lo = 0, hi = N, k = __VERIFIER_nondet_int();
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
R(remainder_negative)
{
    int n = __VERIFIER_nondet_int();
    for (int i = 0; i < n; i++)
        A[i % N] = i;
    return A[n % N];
}
R(unknown_to_end)
{
    unsigned x = __VERIFIER_nondet_uint();
    while (x != 1) {
        if (x % 2)
            x = 3 * x + 1;
        else
            x /= 2;
    }
    return 0;
}
R(queue_counted_apart)
{
    int q[16], h = 0, t = 0, n = 0;
    for (int k = 0; k < 100; k++) {
        if (__VERIFIER_nondet_bool()) {
            if (n <= 16) {
                q[t] = k;
                t = t + 1;
                n++;
            }
        } else if (n > 0) {
            h = (h + 1) % 16;
            n--;
            t--;
        }
    }
    return h + t;
}

/* What is given an address changes what stands there. */
extern void __VERIFIER_nondet_memory(void *, size_t);
extern int __VERIFIER_nondet_into(int *);
R(unknown_memory)
{
    int n = 0;
    __VERIFIER_nondet_memory(&n, sizeof n);
    return A[n];
}
R(unknown_by_its_address)
{
    int n = 0;
    __VERIFIER_nondet_into(&n);
    return A[n];
}
