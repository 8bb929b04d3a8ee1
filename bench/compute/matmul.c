/* Product of two 960 x 960 matrices of doubles, in the order that suits the cache. */
#include <string.h>

#include "timed.h"

#define SIDE 960

static double *left, *right, *product;

static void prepare(void)
{
    size_t count = (size_t)SIDE * SIDE;

    left = timed_memory(count * sizeof *left);
    right = timed_memory(count * sizeof *right);
    product = timed_memory(count * sizeof *product);
    for (size_t i = 0; i < count; i++) {
        left[i] = (double)(timed_random() % 2048) / 1024.0 - 1.0;
        right[i] = (double)(timed_random() % 2048) / 1024.0 - 1.0;
    }
}

static uint64_t work(void)
{
    memset(product, 0, (size_t)SIDE * SIDE * sizeof *product);
    for (int row = 0; row < SIDE; row++) {
        double *out = product + (size_t)row * SIDE;
        for (int k = 0; k < SIDE; k++) {
            double factor = left[(size_t)row * SIDE + k];
            const double *in = right + (size_t)k * SIDE;
            for (int column = 0; column < SIDE; column++)
                out[column] += factor * in[column];
        }
    }
    return timed_hash(TIMED_HASH_START, product, (size_t)SIDE * SIDE * sizeof *product);
}

TIMED_MAIN(prepare, work)
