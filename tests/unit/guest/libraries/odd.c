int even_is(unsigned value);

int odd_is(unsigned value)
{
    return value != 0 && even_is(value - 1);
}
