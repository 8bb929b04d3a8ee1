/* Needs `odd`, which needs it. */
int odd_is(unsigned value);

int even_is(unsigned value)
{
    return value == 0 || odd_is(value - 1);
}
