/* The spectral norm of an infinite matrix's corner, 1,400 wide: divisions of doubles. */
#include <math.h>
#include <string.h>

#include "timed.h"

#define SIDE 1400
#define ROUNDS 30

static double u[SIDE], v[SIDE], between[SIDE];

static void prepare(void)
{
    for (int i = 0; i < SIDE; i++)
        u[i] = 1;
}

static double element(int row, int column)
{
    return 1.0 / ((row + column) * (row + column + 1) / 2 + row + 1);
}

static void multiply(const double *in, double *out)
{
    for (int row = 0; row < SIDE; row++) {
        double sum = 0;
        for (int column = 0; column < SIDE; column++)
            sum += element(row, column) * in[column];
        out[row] = sum;
    }
}

static void multiply_transposed(const double *in, double *out)
{
    for (int row = 0; row < SIDE; row++) {
        double sum = 0;
        for (int column = 0; column < SIDE; column++)
            sum += element(column, row) * in[column];
        out[row] = sum;
    }
}

static uint64_t work(void)
{
    double uv = 0, vv = 0;
    uint64_t bits;

    for (int round = 0; round < ROUNDS; round++) {
        multiply(u, between);
        multiply_transposed(between, v);
        multiply(v, between);
        multiply_transposed(between, u);
    }
    for (int i = 0; i < SIDE; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    double norm = sqrt(uv / vv);
    memcpy(&bits, &norm, sizeof bits);
    return bits;
}

TIMED_MAIN(prepare, work)
