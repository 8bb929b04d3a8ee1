/* A library that needs `sum` and, when asked, what nobody has. */
extern int sum_calls;
int sum_add(int a, int b);
long sum_many(long a, long b, long c, long d, long e, long f, double g, double h, double i,
              double j, double k, double l, double m, double n, long on_stack);
int host_twice(int value);
int nobody_has(int value);

int *mean_sees = &sum_calls;

int mean_of(int a, int b)
{
    return sum_add(a, b) / 2;
}

long mean_many(void)
{
    return sum_many(1, 2, 3, 4, 5, 6, 1., 2., 3., 4., 5., 6., 7., 8., 9);
}

int mean_twice(int value)
{
    return host_twice(value);
}

int mean_missing(int value)
{
    return nobody_has(value);
}
