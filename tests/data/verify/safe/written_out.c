/* Loops of a known number of rounds, which are proved when they are written out: transforms in
 * place. */
#include <stdint.h>
#include <stddef.h>
#include <math.h>
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
#define N 64
static double re[N], im[N];
H(transform)
{
    if (in_len < N || out_cap < N)
        return -1;
    for (int i = 0; i < N; i++) {
        re[i] = in[i];
        im[i] = 0;
    }
    for (int i = 1, j = 0; i < N; i++) {
        int bit = N >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            double t = re[i];
            re[i] = re[j];
            re[j] = t;
            t = im[i];
            im[i] = im[j];
            im[j] = t;
        }
    }
    for (int len = 2; len <= N; len <<= 1) {
        double ang = 2 * 3.14159265358979 / len;
        double wr = cos(ang), wi = sin(ang);
        for (int i = 0; i < N; i += len) {
            double cr = 1, ci = 0;
            for (int j = 0; j < len / 2; j++) {
                double ur = re[i + j], ui = im[i + j];
                double vr = re[i + j + len / 2] * cr - im[i + j + len / 2] * ci;
                double vi = re[i + j + len / 2] * ci + im[i + j + len / 2] * cr;
                re[i + j] = ur + vr;
                im[i + j] = ui + vi;
                re[i + j + len / 2] = ur - vr;
                im[i + j + len / 2] = ui - vi;
                double nr = cr * wr - ci * wi;
                ci = cr * wi + ci * wr;
                cr = nr;
            }
        }
    }
    for (int i = 0; i < N; i++) {
        double p = sqrt(re[i] * re[i] + im[i] * im[i]);
        out[i] = p > 255 ? 255 : p >= 0 ? (uint8_t)p : 0;
    }
    return N;
}
#define LOGN 7
#define M (1 << LOGN)
static int16_t fr[M], fi[M];
static const int16_t sine[M] = {0,    804,  1608, 2410, 3212, 4011,  4808,  5602,
                                6393, 7179, 7962, 8739, 9512, 10278, 11039, 11793};
static inline int16_t fix_mpy(int16_t a, int16_t b)
{
    int c = ((int)a * (int)b) >> 14;
    b = c & 1;
    return (int16_t)((c >> 1) + b);
}
H(transform_fixed)
{
    int mr, nn, i, j, l, k, istep, n, m;
    int16_t qr, qi, tr, ti, wr, wi;
    if (in_len < M || out_cap < M)
        return -1;
    for (i = 0; i < M; i++) {
        fr[i] = (int16_t)(in[i] << 4);
        fi[i] = 0;
    }
    n = 1 << LOGN;
    mr = 0;
    nn = n - 1;
    for (m = 1; m <= nn; ++m) {
        l = n;
        do {
            l >>= 1;
        } while (mr + l > nn);
        mr = (mr & (l - 1)) + l;
        if (mr <= m)
            continue;
        tr = fr[m];
        fr[m] = fr[mr];
        fr[mr] = tr;
        ti = fi[m];
        fi[m] = fi[mr];
        fi[mr] = ti;
    }
    l = 1;
    k = LOGN - 1;
    while (l < n) {
        istep = l << 1;
        for (m = 0; m < l; ++m) {
            j = m << k;
            wr = sine[(j + M / 4) & (M - 1)];
            wi = -sine[j & (M - 1)];
            wr >>= 1;
            wi >>= 1;
            for (i = m; i < n; i += istep) {
                j = i + l;
                tr = fix_mpy(wr, fr[j]) - fix_mpy(wi, fi[j]);
                ti = fix_mpy(wr, fi[j]) + fix_mpy(wi, fr[j]);
                qr = fr[i] >> 1;
                qi = fi[i] >> 1;
                fr[j] = qr - tr;
                fi[j] = qi - ti;
                fr[i] = qr + tr;
                fi[i] = qi + ti;
            }
        }
        --k;
        l = istep;
    }
    for (i = 0; i < M; i++)
        out[i] = (uint8_t)(fr[i] >> 4);
    return M;
}

/* Columns first: what is written when lies apart. */
H(columns_first)
{
    int32_t grid[6][6];
    if (in_len < 36 || out_cap < 36)
        return -1;
    for (int x = 0; x < 6; x++)
        for (int y = 0; y < 6; y++)
            grid[y][x] = in[x * 6 + y];
    for (int i = 0; i < 36; i++)
        out[i] = (uint8_t)grid[i / 6][i % 6];
    return 36;
}
