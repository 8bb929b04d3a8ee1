/* The Mandelbrot set, 2000 x 2000 points of up to 120 rounds: doubles in a loop with an exit. */
#include "timed.h"

#define SIDE 2000
#define ROUNDS_MAX 120

static uint8_t *rounds;

static void prepare(void)
{
    rounds = timed_memory((size_t)SIDE * SIDE);
}

static uint8_t rounds_at(double real, double imaginary)
{
    double x = 0, y = 0;
    int round = 0;

    for (; round < ROUNDS_MAX && x * x + y * y <= 4; round++) {
        double next = x * x - y * y + real;
        y = 2 * x * y + imaginary;
        x = next;
    }
    return (uint8_t)round;
}

static uint64_t work(void)
{
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++)
            rounds[(size_t)row * SIDE + column] =
                rounds_at(column * 3.0 / SIDE - 2.1, row * 3.0 / SIDE - 1.5);
    return timed_hash(TIMED_HASH_START, rounds, (size_t)SIDE * SIDE);
}

TIMED_MAIN(prepare, work)
