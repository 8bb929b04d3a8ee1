/* Calls through pointers. */
#include "unsafe.h"

static int tab[8];
static int f_add(int a, int b)
{
    return a + b;
}
static int f_tab(int a, int b)
{
    return tab[(a + b) & 7];
}
static int f_bad(int a, int b)
{
    return tab[a];
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
static const op ops_bad[2] = {f_add, f_bad};
static const op ops_null[2] = {f_add, NULL};
static void sort(int *a, int n, int (*c)(const int *, const int *))
{
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && c(&a[j - 1], &a[j]) > 0; j--) {
            int t = a[j];
            a[j] = a[j - 1];
            a[j - 1] = t;
        }
}
static void badSink(char *d)
{
    d[3] = 1;
}
H(table_of_functions)
{
    return ops_bad[in_len & 1](9, 4);
}
H(null_in_table)
{
    return ops_null[in_len & 1](1, 4);
}
H(table_index)
{
    op f = ops[in_len & 3];
    return f(1, 2);
}
R(sink_by_pointer)
{
    void (*fp)(char *) = badSink;
    char d[3];
    fp(d);
    return d[0];
}
H(maybe_null_function)
{
    op f = in_len > 3 ? f_add : NULL;
    return f(1, 2);
}
R(function_unset)
{
    op local[4];
    for (int i = 0; i < 3; i++)
        local[i] = f_add;
    return local[3](1, 2);
}
static int again(int a, int b);
static op pagain = again;
static int again(int a, int b)
{
    return a > 0 ? pagain(a - 1, b) : 0;
}
H(itself_by_pointer)
{
    return again(3, 4);
}
