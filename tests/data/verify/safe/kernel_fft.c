#include <math.h>
#define N 64
static double re[N], im[N];
static void fft(void)
{
    int i, j = 0, k, n1, n2 = 1, a;
    double c, s, t1, t2;
    n1 = N / 2;
    for (i = 1; i < N - 1; i++) {
        n1 = N / 2;
        while (j >= n1 && n1 > 0) {
            j -= n1;
            n1 /= 2;
        }
        j += n1;
        if (i < j && j < N) {
            t1 = re[i];
            re[i] = re[j];
            re[j] = t1;
            t1 = im[i];
            im[i] = im[j];
            im[j] = t1;
        }
    }
    for (i = 0; i < 6; i++) {
        n1 = n2;
        n2 = n2 + n2;
        a = 0;
        for (j = 0; j < n1; j++) {
            c = cos(-6.283185307179586 * a / N);
            s = sin(-6.283185307179586 * a / N);
            a += 1 << (6 - i - 1);
            for (k = j; k < N; k += n2) {
                t1 = c * re[k + n1] - s * im[k + n1];
                t2 = s * re[k + n1] + c * im[k + n1];
                re[k + n1] = re[k] - t1;
                im[k + n1] = im[k] - t2;
                re[k] += t1;
                im[k] += t2;
            }
        }
    }
}
int main(void)
{
    for (int i = 0; i < N; i++) {
        re[i] = i;
        im[i] = 0;
    }
    fft();
    return re[3] > 0;
}
