/* Programs without input, in the manner of small benchmark sets: numbers of 64 bits and floats,
 * matrices, sorting. */
#include <stdint.h>
#include <math.h>
#define R(name) int name(void)
/* ---- aha-mont64 ---- */
static void mulul64(uint64_t u, uint64_t v, uint64_t *whi, uint64_t *wlo)
{
    uint64_t u0, u1, v0, v1, k, t, w0, w1, w2;
    u1 = u >> 32;
    u0 = u & 0xFFFFFFFF;
    v1 = v >> 32;
    v0 = v & 0xFFFFFFFF;
    t = u0 * v0;
    w0 = t & 0xFFFFFFFF;
    k = t >> 32;
    t = u1 * v0 + k;
    w1 = t & 0xFFFFFFFF;
    w2 = t >> 32;
    t = u0 * v1 + w1;
    k = t >> 32;
    *wlo = (t << 32) + w0;
    *whi = u1 * v1 + w2 + k;
}
static uint64_t modul64(uint64_t x, uint64_t y, uint64_t z)
{
    for (int64_t i = 1; i <= 64; i++) {
        int64_t t = (int64_t)x >> 63;
        x = (x << 1) | (y >> 63);
        y = y << 1;
        if ((x | (uint64_t)t) >= z) {
            x = x - z;
            y = y + 1;
        }
    }
    return x;
}
static void xbinGCD(uint64_t a, uint64_t b, uint64_t *pu, uint64_t *pv)
{
    uint64_t alpha = a, beta = b, u = 1, v = 0;
    while (a > 0) {
        a >>= 1;
        if ((u & 1) == 0) {
            u >>= 1;
            v >>= 1;
        } else {
            u = ((u ^ beta) >> 1) + (u & beta);
            v = (v >> 1) + alpha;
        }
    }
    *pu = u;
    *pv = v;
}
R(aha_mont64)
{
    uint64_t a = 0xfae849273928f89fULL, b = 0x14736defb9330573ULL, m = 0x0549372187237fefULL, hi,
             lo, rinv, mp;
    mulul64(a, b, &hi, &lo);
    uint64_t p1 = modul64(hi, lo, m);
    mulul64(p1, p1, &hi, &lo);
    p1 = modul64(hi, lo, m);
    xbinGCD(0x8000000000000000ULL, m, &rinv, &mp);
    return (int)(p1 ^ rinv ^ mp);
}
/* ---- nbody ---- */
struct body {
    double x[3], v[3], mass;
};
static struct body solar[5] = {{{0, 0, 0}, {0, 0, 0}, 39.47},
                               {{4.84, -1.16, -.10}, {.6, 2.8, -.02}, .0376},
                               {{8.34, 4.12, -.4}, {-1.01, 1.82, .008}, .0112},
                               {{12.89, -15.11, -.22}, {1.08, .86, -.01}, .0017},
                               {{15.37, -25.9, .17}, {.97, .59, -.03}, .002}};
R(nbody)
{
    for (int step = 0; step < 100; step++) {
        for (int i = 0; i < 5; i++)
            for (int j = i + 1; j < 5; j++) {
                double d[3], q = 0;
                for (int m = 0; m < 3; m++) {
                    d[m] = solar[i].x[m] - solar[j].x[m];
                    q += d[m] * d[m];
                }
                double mag = .01 / (q * sqrt(q));
                for (int m = 0; m < 3; m++) {
                    solar[i].v[m] -= d[m] * solar[j].mass * mag;
                    solar[j].v[m] += d[m] * solar[i].mass * mag;
                }
            }
        for (int i = 0; i < 5; i++)
            for (int m = 0; m < 3; m++)
                solar[i].x[m] += .01 * solar[i].v[m];
    }
    return solar[0].x[0] < 1;
}
/* ---- primecount ---- */
R(primecount)
{
    enum { SZ = 42 };
    int primes[SZ], sieve[SZ], nsieve = 0, n = 3;
    primes[0] = 2;
    sieve[0] = 4;
    nsieve++;
    for (;;) {
        while (1) {
            int i = 0;
            for (; i < nsieve; i++)
                if (n == sieve[i])
                    break;
            if (i < nsieve) {
                for (i = 0; i < nsieve; i++)
                    if (n == sieve[i])
                        sieve[i] += primes[i];
                n++;
                continue;
            }
            break;
        }
        primes[nsieve] = n;
        sieve[nsieve] = n + n;
        nsieve++;
        n++;
        if (nsieve >= SZ)
            return n - 1;
    }
}
/* ---- ud with long ---- */
static long int a_[20][20], b_[20], x_[20];
static int ludcmp_(int nmax, int n)
{
    long int w, y[100];
    for (int i = 0; i < n; i++) {
        for (int j = i + 1; j <= n; j++) {
            w = a_[j][i];
            if (i != 0)
                for (int k = 0; k < i; k++)
                    w -= a_[j][k] * a_[k][i];
            a_[j][i] = w / a_[i][i];
        }
        for (int j = i + 1; j <= n; j++) {
            w = a_[i + 1][j];
            for (int k = 0; k <= i; k++)
                w -= a_[i + 1][k] * a_[k][j];
            a_[i + 1][j] = w;
        }
    }
    y[0] = b_[0];
    for (int i = 1; i <= n; i++) {
        w = b_[i];
        for (int j = 0; j < i; j++)
            w -= a_[i][j] * y[j];
        y[i] = w;
    }
    x_[n] = y[n] / a_[n][n];
    for (int i = n - 1; i >= 0; i--) {
        w = y[i];
        for (int j = i + 1; j <= n; j++)
            w -= a_[i][j] * x_[j];
        x_[i] = w / a_[i][i];
    }
    return 0;
}
R(ud_)
{
    int n = 5;
    for (int i = 0; i <= n; i++) {
        long w = 0;
        for (int j = 0; j <= n; j++) {
            a_[i][j] = (i + 1) + (j + 1);
            if (i == j)
                a_[i][j] *= 2;
            w += a_[i][j];
        }
        b_[i] = w;
    }
    return ludcmp_(20, n);
}
/* ---- qsort-like with a stack, floats, 1-based ---- */
static float qarr[21] = {0,  5,   4,       10.3f, 1.1f, 5.7f, 100, 231,    111,    49.5f, 99,
                         10, 150, 222.22f, 101,   77,   44,   35,  20.54f, 99.99f, 88.88f};
#define SWAP(a, b) \
    temp = (a);    \
    (a) = (b);     \
    (b) = temp;
static void qs(unsigned long n)
{
    unsigned long i, ir = n, j, k, l = 1;
    int jstack = 0, flag;
    float a, temp;
    static unsigned long istack[100];
    flag = 0;
    for (;;) {
        if (ir - l < 7) {
            for (j = l + 1; j <= ir; j++) {
                a = qarr[j];
                for (i = j - 1; i >= l; i--) {
                    if (qarr[i] <= a)
                        break;
                    qarr[i + 1] = qarr[i];
                }
                qarr[i + 1] = a;
            }
            if (jstack == 0)
                break;
            ir = istack[jstack--];
            l = istack[jstack--];
        } else {
            k = (l + ir) >> 1;
            SWAP(qarr[k], qarr[l + 1])
            if (qarr[l + 1] > qarr[ir]) {
                SWAP(qarr[l + 1], qarr[ir])
            }
            if (qarr[l] > qarr[ir]) {
                SWAP(qarr[l], qarr[ir])
            }
            if (qarr[l + 1] > qarr[l]) {
                SWAP(qarr[l + 1], qarr[l])
            }
            i = l + 1;
            j = ir;
            a = qarr[l];
            for (;;) {
                i++;
                while (qarr[i] < a)
                    i++;
                j--;
                while (qarr[j] > a)
                    j--;
                if (j < i)
                    break;
                SWAP(qarr[i], qarr[j]);
            }
            qarr[l] = qarr[j];
            qarr[j] = a;
            jstack += 2;
            if (ir - i + 1 >= j - l) {
                istack[jstack] = ir;
                istack[jstack - 1] = i;
                ir = j - 1;
            } else {
                istack[jstack] = j - 1;
                istack[jstack - 1] = l;
                l = i;
            }
        }
    }
}
R(qsort_exam)
{
    qs(20);
    return qarr[1] > qarr[20];
}
/* ---- kalman / lms with 2-D float ---- */
static float P_[4][4], K_[4], X_[4];
R(kalman)
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            P_[i][j] = i == j ? 1.0f : .1f;
    for (int t = 0; t < 30; t++) {
        float s = .5f;
        for (int i = 0; i < 4; i++)
            s += P_[i][i];
        for (int i = 0; i < 4; i++) {
            K_[i] = P_[i][0] / s;
            X_[i] += K_[i] * ((float)t - X_[0]);
        }
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++)
                P_[i][j] -= K_[i] * P_[0][j];
    }
    return (int)X_[0];
}
/* ---- cubic ---- */
static void SolveCubic(double a, double b, double c, double d, int *solutions, double *x)
{
    double a1 = b / a, a2 = c / a, a3 = d / a, Q = (a1 * a1 - 3.0 * a2) / 9.0,
           Rr = (2.0 * a1 * a1 * a1 - 9.0 * a1 * a2 + 27.0 * a3) / 54.0,
           R2_Q3 = Rr * Rr - Q * Q * Q, theta;
    if (R2_Q3 <= 0) {
        *solutions = 3;
        theta = acos(Rr / sqrt(Q * Q * Q));
        x[0] = -2.0 * sqrt(Q) * cos(theta / 3.0) - a1 / 3.0;
        x[1] = -2.0 * sqrt(Q) * cos((theta + 2.0 * 3.14159) / 3.0) - a1 / 3.0;
        x[2] = -2.0 * sqrt(Q) * cos((theta + 4.0 * 3.14159) / 3.0) - a1 / 3.0;
    } else {
        *solutions = 1;
        x[0] = pow(sqrt(R2_Q3) + fabs(Rr), 1 / 3.0);
        x[0] += Q / x[0];
        x[0] *= (Rr < 0.0) ? 1 : -1;
        x[0] -= a1 / 3.0;
    }
}
static double soln[48];
static int soln_cnt;
R(cubic)
{
    double x[3];
    int n;
    for (int a = 1; a < 3; a++)
        for (int b = 10; b > 8; b--)
            for (double c = 5; c < 6; c += 0.451)
                for (double d = -1; d > -3; d -= 0.451) {
                    SolveCubic(a, b, c, d, &n, x);
                    soln[0] = x[0];
                    soln_cnt = n;
                }
    return soln_cnt;
}
