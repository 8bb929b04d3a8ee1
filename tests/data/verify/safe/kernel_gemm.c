/* A kernel without input: gemm. */
#include <stdio.h>
#include <math.h>
#define NI 60
#define NJ 70
#define NK 80
static double C[NI][NJ], A[NI][NK], B[NK][NJ];
static void init_array(int ni, int nj, int nk, double *alpha, double *beta)
{
    *alpha = 1.5;
    *beta = 1.2;
    for (int i = 0; i < ni; i++)
        for (int j = 0; j < nj; j++)
            C[i][j] = (double)((i * j + 1) % ni) / ni;
    for (int i = 0; i < ni; i++)
        for (int j = 0; j < nk; j++)
            A[i][j] = (double)(i * (j + 1) % nk) / nk;
    for (int i = 0; i < nk; i++)
        for (int j = 0; j < nj; j++)
            B[i][j] = (double)(i * (j + 2) % nj) / nj;
}
static void kernel_gemm(int ni, int nj, int nk, double alpha, double beta, double C[NI][NJ],
                        double A[NI][NK], double B[NK][NJ])
{
    for (int i = 0; i < ni; i++) {
        for (int j = 0; j < nj; j++)
            C[i][j] *= beta;
        for (int k = 0; k < nk; k++)
            for (int j = 0; j < nj; j++)
                C[i][j] += alpha * A[i][k] * B[k][j];
    }
}
int main(int argc, char **argv)
{
    double alpha, beta;
    init_array(NI, NJ, NK, &alpha, &beta);
    kernel_gemm(NI, NJ, NK, alpha, beta, C, A, B);
    for (int i = 0; i < NI; i++)
        for (int j = 0; j < NJ; j++)
            fprintf(stderr, "%0.2lf ", C[i][j]);
    return 0;
}
