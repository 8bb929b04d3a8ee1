/* Exports a name of `sum`. */
int clash_first(void)
{
    return 1;
}

int sum_add(int a, int b)
{
    return a * b;
}
