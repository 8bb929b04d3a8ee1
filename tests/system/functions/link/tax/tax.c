/* A library that needs `money`. */
long money_round(long cents);

__attribute__((visibility("default"))) long tax_of(long cents)
{
    return money_round(cents * 19 / 100);
}
