/* Calls through pointers: a table of operations, a sort with a comparison. */
#include <stddef.h>
#include <stdint.h>

static int tab[8];
static int f_add(int a, int b)
{
    return a + b;
}
static int f_tab(int a, int b)
{
    return tab[(a + b) & 7];
}
static int cmp(const int *a, const int *b)
{
    return *a - *b;
}
static int cmp_down(const int *a, const int *b)
{
    return *b - *a;
}
typedef int (*op)(int, int);
static const op ops[2] = {f_add, f_tab};
static void sort(int *a, int n, int (*c)(const int *, const int *))
{
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && c(&a[j - 1], &a[j]) > 0; j--) {
            int t = a[j];
            a[j] = a[j - 1];
            a[j - 1] = t;
        }
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    int v[16] = {0};
    for (size_t i = 0; i < 16; i++)
        v[i] = i < in_len ? in[i] : 0;
    sort(v, 16, in_len & 1 ? cmp : cmp_down);
    if (out_cap > 0)
        out[0] = (uint8_t)v[15];
    return ops[in_len & 1](v[0] & 3, 4);
}
