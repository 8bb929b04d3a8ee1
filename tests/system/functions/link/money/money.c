/* A library that needs nobody. */
#define EXPORT __attribute__((visibility("default")))

EXPORT int money_rounded;

EXPORT long money_round(long cents)
{
    money_rounded++;
    return (cents + 2) / 5 * 5;
}
