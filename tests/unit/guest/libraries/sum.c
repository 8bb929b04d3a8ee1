/* A library that needs nobody: functions, a variable and a pointer to it. */
int sum_calls;
int *sum_calls_at = &sum_calls;
static const int shifts[4] = {0, 8, 16, 24};

int sum_add(int a, int b)
{
    sum_calls++;
    return a + b;
}

long sum_many(long a, long b, long c, long d, long e, long f, double g, double h, double i,
              double j, double k, double l, double m, double n, long on_stack)
{
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f +
           (long)(g + 2 * h + 3 * i + 4 * j + 5 * k + 6 * l + 7 * m + 8 * n) + 100 * on_stack;
}

int sum_shift(int value, unsigned by)
{
    return value << shifts[by % 4];
}
