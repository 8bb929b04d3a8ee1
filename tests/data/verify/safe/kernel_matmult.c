#define U 20
typedef int matrix[U][U];
static int seed;
static matrix A, B, R;
static int rnd(void)
{
    seed = ((seed * 133) + 81) % 8095;
    return seed;
}
static void init(matrix a)
{
    for (int i = 0; i < U; i++)
        for (int j = 0; j < U; j++)
            a[i][j] = rnd();
}
static void mult(matrix a, matrix b, matrix r)
{
    for (int i = 0; i < U; i++)
        for (int j = 0; j < U; j++) {
            r[i][j] = 0;
            for (int k = 0; k < U; k++)
                r[i][j] += a[i][k] * b[k][j];
        }
}
int main(void)
{
    seed = 0;
    init(A);
    init(B);
    mult(A, B, R);
    return R[1][2];
}
