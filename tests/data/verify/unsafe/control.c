/* Loops without end, code that must not be reached, recursion, calls that are not on the list. */
#include "unsafe.h"

void *malloc(size_t);
int puts(const char *);
int system(const char *);

H(for_ever)
{
    for (;;)
        ;
}
H(while_true)
{
    while (in_len >= 0)
        ;
    return 0;
}
H(no_progress)
{
    size_t i = 0;
    while (i < in_len) {
        if (in[i] == 0)
            continue;
        i++;
    }
    return 0;
}
H(step_zero)
{
    if (in_len < 1)
        return 0;
    size_t i = 0;
    while (i < 100)
        i += in[0];
    return 0;
}
H(wraps_around)
{
    for (uint8_t i = 0; i < 256; i++)
        ;
    return 0;
}
H(down_unsigned)
{
    int s = 0;
    for (unsigned i = 10; i >= 0; i--)
        s += (int)i;
    return s;
}
H(not_equal_step)
{
    for (unsigned i = 1; i != 10; i += 2)
        ;
    return 0;
}
H(both_move)
{
    unsigned a = 0, b = 10;
    while (a < b) {
        a++;
        b++;
    }
    return 0;
}
H(collatz)
{
    if (in_len < 8)
        return 0;
    uint64_t n;
    memcpy(&n, in, 8);
    while (n != 1)
        n = n % 2 ? 3 * n + 1 : n / 2;
    return 0;
}
H(toggles)
{
    int x = 0;
    while (x != 2)
        x = 1 - x;
    return 0;
}
H(shift_ends_at_zero)
{
    if (in_len < 4)
        return 0;
    int32_t v;
    memcpy(&v, in, 4);
    int n = 0;
    while (v != 0) {
        v >>= 1;
        n++;
    }
    return n;
}
H(inner_resets)
{
    int i = 0, n = 0;
    while (i < 10) {
        for (int j = 0; j < 3; j++) {
            i = 0;
            n++;
        }
        i++;
    }
    return n;
}
H(outer_stuck)
{
    size_t i = 0;
    while (i < in_len) {
        size_t j = 0;
        while (j < 4)
            j++;
    }
    return 0;
}
H(list_cycle)
{
    static uint8_t next[16];
    uint8_t i = next[0] & 15;
    while (i != 0)
        i = next[i] & 15;
    if (in_len > 1)
        next[in[0] & 15] = in[1];
    return 0;
}
H(binary_search_stuck)
{
    size_t lo = 0, hi = in_len;
    while (lo < hi) {
        size_t m = (lo + hi) / 2;
        if (in[m] < 7)
            lo = m;
        else
            hi = m;
    }
    return (int64_t)lo;
}
H(gcd_subtracting)
{
    if (in_len < 2)
        return 0;
    unsigned a = in[0], b = in[1];
    while (a != b) {
        if (a > b)
            a -= b;
        else
            b -= a;
    }
    return a;
}
H(read_one_byte_records)
{
    size_t i = 0;
    while (i < in_len)
        i += in[i];
    return 0;
}
H(sleep_on_flag)
{
    static int flag;
    while (!flag)
        ;
    return 0;
}
H(varint_for_ever)
{
    size_t i = 0;
    while (i < in_len) {
        if (in[i] & 128)
            i = 0;
        else
            i++;
    }
    return 0;
}
H(unreachable_reached)
{
    if (in_len == 7)
        __builtin_unreachable();
    return 0;
}
H(trap_reached)
{
    if (in_len == 7)
        __builtin_trap();
    return 0;
}
H(no_return)
{
    if (in_len > 3)
        return 1;
}
H(assumed)
{
    __builtin_assume(in_len > 10);
    return in[0];
}
static int fib(int n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
H(recursion)
{
    return fib(10);
}
static int even(int n);
static int odd(int n)
{
    return n == 0 ? 0 : even(n - 1);
}
static int even(int n)
{
    return n == 0 ? 1 : odd(n - 1);
}
H(mutual_recursion)
{
    return even(8);
}
H(calls_malloc)
{
    return malloc(10) != 0;
}
H(calls_puts)
{
    return puts("hello");
}
H(calls_system)
{
    return system("id");
}
H(calls_pointer)
{
    static int (*f)(const char *);
    return f ? f("x") : 0;
}
static int one(int x)
{
    return x;
}
static int two(int x)
{
    return 2 * x;
}
H(calls_table)
{
    static int (*const t[2])(int) = {one, two};
    return t[in_len & 1](3);
}
H(assembly)
{
    __asm__ volatile("nop");
    return 0;
}
H(computed_jump)
{
    static void *t[] = {&&a, &&b};
    goto *t[in_len & 1];
a:
    return 1;
b:
    return 2;
}
H(variable_array)
{
    uint8_t a[in_len + 1];
    a[0] = 1;
    return a[0];
}
H(alloca_call)
{
    uint8_t *p = __builtin_alloca(in_len);
    return p != 0;
}
H(address_of_number)
{
    uint8_t *p = (uint8_t *)0x1000;
    return *p;
}
H(number_of_address)
{
    uintptr_t n = (uintptr_t)in;
    return *(const uint8_t *)(n + 1);
}
H(stored_address)
{
    static const uint8_t *kept;
    if (kept)
        return *kept;
    kept = in;
    return 0;
}
H(atomic)
{
    static int n;
    return __sync_fetch_and_add(&n, 1);
}
static __thread int local_to_thread;
H(thread_local_variable)
{
    return local_to_thread;
}
H(vector)
{
    typedef int v4 __attribute__((vector_size(16)));
    v4 a = {1, 2, 3, 4};
    return a[in_len & 7];
}
H(long_double)
{
    long double d = (long double)in_len;
    return (int64_t)(d * 2);
}
H(frame_address)
{
    return *(char *)__builtin_frame_address(0);
}
H(external)
{
    extern int elsewhere;
    return elsewhere;
}
H(deep_stack)
{
    uint8_t a[1 << 20];
    a[0] = 1;
    return a[0];
}
H(wide_integer)
{
    __int128 x = (__int128)in_len * 7;
    return (int64_t)(x >> 64);
}
