/* Kernels without input, in the usual manner of sets for worst-case execution times, more. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <math.h>
#include <stdlib.h>
#define R(name) int name(void)
static double my_fabs(double n)
{
    return n >= 0 ? n : -n;
}

/* ---- ns, jfdctint, fdct ---- */
static short dct_block[64];
#define CONST_BITS 13
#define PASS1_BITS 2
#define DESCALE(x, n) (((x) + (1 << ((n)-1))) >> (n))
R(jfdctint)
{
    int32_t tmp0, tmp1, tmp2, tmp3, tmp10, tmp11, tmp12, tmp13, z1;
    short *dataptr;
    int seed = 1;
    for (int i = 0; i < 64; i++) {
        seed = (seed * 133 + 81) % 65535;
        dct_block[i] = (short)seed;
    }
    dataptr = dct_block;
    for (int ctr = 8 - 1; ctr >= 0; ctr--) {
        tmp0 = dataptr[0] + dataptr[7];
        tmp1 = dataptr[1] + dataptr[6];
        tmp2 = dataptr[2] + dataptr[5];
        tmp3 = dataptr[3] + dataptr[4];
        tmp10 = tmp0 + tmp3;
        tmp13 = tmp0 - tmp3;
        tmp11 = tmp1 + tmp2;
        tmp12 = tmp1 - tmp2;
        dataptr[0] = (short)((tmp10 + tmp11) << PASS1_BITS);
        dataptr[4] = (short)((tmp10 - tmp11) << PASS1_BITS);
        z1 = (tmp12 + tmp13) * 4433;
        dataptr[2] = (short)DESCALE(z1 + tmp13 * 6270, CONST_BITS - PASS1_BITS);
        dataptr[6] = (short)DESCALE(z1 + tmp12 * -15137, CONST_BITS - PASS1_BITS);
        dataptr += 8;
    }
    dataptr = dct_block;
    for (int ctr = 8 - 1; ctr >= 0; ctr--) {
        tmp0 = dataptr[8 * 0] + dataptr[8 * 7];
        tmp1 = dataptr[8 * 1] + dataptr[8 * 6];
        dataptr[8 * 0] = (short)DESCALE(tmp0 + tmp1, PASS1_BITS);
        dataptr[8 * 4] = (short)DESCALE(tmp0 - tmp1, PASS1_BITS);
        dataptr++;
    }
    return dct_block[0];
}

/* ---- minver ---- */
static double mv_a[3][3] = {{3.0, -6.0, 7.0}, {9.0, 0.0, -5.0}, {5.0, -8.0, 6.0}}, mv_det;
static int minver_(int side, double eps)
{
    int work[500], i, j, k, iw, r = 0, u, v;
    double w, wmax, pivot, api, w1;
    if (side < 2 || side > 500 || eps <= 0.0)
        return 999;
    w1 = 1.0;
    for (i = 0; i < side; i++)
        work[i] = i;
    for (k = 0; k < side; k++) {
        wmax = 0.0;
        for (i = k; i < side; i++) {
            w = my_fabs(mv_a[i][k]);
            if (w > wmax) {
                wmax = w;
                r = i;
            }
        }
        pivot = mv_a[r][k];
        api = my_fabs(pivot);
        if (api <= eps) {
            mv_det = w1;
            return 1;
        }
        w1 *= pivot;
        u = k * 3;
        v = r * 3;
        (void)u;
        (void)v;
        if (r != k) {
            w1 = -w;
            iw = work[k];
            work[k] = work[r];
            work[r] = iw;
            for (j = 0; j < side; j++) {
                w = mv_a[k][j];
                mv_a[k][j] = mv_a[r][j];
                mv_a[r][j] = w;
            }
        }
        for (i = 0; i < side; i++)
            mv_a[k][i] /= pivot;
        for (i = 0; i < side; i++)
            if (i != k) {
                w = mv_a[i][k];
                if (w != 0.0) {
                    for (j = 0; j < side; j++)
                        if (j != k)
                            mv_a[i][j] -= w * mv_a[k][j];
                    mv_a[i][k] = -w / pivot;
                }
            }
        mv_a[k][k] = 1.0 / pivot;
    }
    for (i = 0; i < side;) {
        k = work[i];
        if (k == i) {
            i++;
            continue;
        }
        iw = work[k];
        work[k] = work[i];
        work[i] = iw;
        for (j = 0; j < side; j++) {
            w = mv_a[j][k];
            mv_a[j][k] = mv_a[j][i];
            mv_a[j][i] = w;
        }
    }
    mv_det = w1;
    return 0;
}
R(minver)
{
    return minver_(3, 1.0e-6);
}

/* ---- compress (LZW) ---- */
#define HSIZE 257
static long htab[HSIZE];
static unsigned short codetab[HSIZE];
static unsigned char cp_in[50], cp_out[200];
static int cp_outn;
static void cp_put(int code)
{
    if (cp_outn < 198) {
        cp_out[cp_outn++] = (unsigned char)code;
        cp_out[cp_outn++] = (unsigned char)(code >> 8);
    }
}
R(compress)
{
    long fcode;
    int i = 0, c, ent, disp, hshift = 0, free_ent = 257, n = 0;
    int seed = 1;
    for (int k = 0; k < 50; k++) {
        seed = (seed * 133 + 81) % 8095;
        cp_in[k] = (unsigned char)(seed % 256);
    }
    for (fcode = HSIZE; fcode < 65536L; fcode *= 2L)
        hshift++;
    hshift = 8 - hshift;
    for (int k = 0; k < HSIZE; k++)
        htab[k] = -1;
    ent = cp_in[n++];
    while (n < 50) {
        c = cp_in[n++];
        fcode = ((long)c << 9) + ent;
        i = (c << (hshift & 7)) ^ ent;
        i %= HSIZE;
        if (htab[i] == fcode) {
            ent = codetab[i];
            continue;
        }
        if (htab[i] >= 0) {
            disp = HSIZE - i;
            if (i == 0)
                disp = 1;
            int found = 0;
            for (int t = 0; t < HSIZE; t++) {
                if ((i -= disp) < 0)
                    i += HSIZE;
                if (htab[i] == fcode) {
                    ent = codetab[i];
                    found = 1;
                    break;
                }
                if (htab[i] < 0)
                    break;
            }
            if (found)
                continue;
        }
        cp_put(ent);
        ent = c;
        if (free_ent < 512) {
            codetab[i] = (unsigned short)free_ent++;
            htab[i] = fcode;
        }
    }
    cp_put(ent);
    return cp_outn;
}

/* ---- ndes-like permutations with 1-based arrays and structs passed by value ---- */
typedef struct {
    unsigned long l, r;
} immense;
typedef struct {
    unsigned long l, c, r;
} great;
static const char ipc[65] = {0,  58, 50, 42, 34, 26, 18, 10, 2,  60, 52, 44, 36, 28, 20, 12, 4,
                             62, 54, 46, 38, 30, 22, 14, 6,  64, 56, 48, 40, 32, 24, 16, 8,  57,
                             49, 41, 33, 25, 17, 9,  1,  59, 51, 43, 35, 27, 19, 11, 3,  61, 53,
                             45, 37, 29, 21, 13, 5,  63, 55, 47, 39, 31, 23, 15, 7};
static unsigned long bit[33];
static unsigned long getbit(immense source, int bitno, int nbits)
{
    if (bitno <= nbits)
        return bit[bitno] & source.r ? 1L : 0L;
    return bit[bitno - nbits] & source.l ? 1L : 0L;
}
static great ks_of(immense k)
{
    great g = {0, 0, 0};
    int j, n;
    for (j = 1, n = 17; j <= 16; j++, n++) {
        g.l = (g.l << 1) | getbit(k, ipc[j], 32);
        g.c = (g.c << 1) | getbit(k, ipc[n], 32);
        g.r = (g.r << 1) | getbit(k, ipc[n + 16], 32);
    }
    return g;
}
R(ndes)
{
    immense in = {35, 26}, out = {0, 0};
    bit[1] = 1;
    for (int i = 2; i <= 32; i++)
        bit[i] = bit[i - 1] << 1;
    for (int j = 32, k = 64; j >= 1; j--, k--) {
        out.r = (out.r <<= 1) | getbit(in, ipc[j], 32);
        out.l = (out.l <<= 1) | getbit(in, ipc[k], 32);
    }
    great g = ks_of(out);
    return (int)(g.l ^ g.c ^ g.r);
}

/* ---- gsm: saturating arithmetic, norm, autocorrelation ---- */
typedef short word;
typedef int32_t longword;
#define MIN_WORD (-32767 - 1)
#define MAX_WORD 32767
#define SASR(x, by) ((x) >> (by))
static word gsm_add(word a, word b)
{
    longword s = (longword)a + (longword)b;
    return s < MIN_WORD ? MIN_WORD : s > MAX_WORD ? MAX_WORD : (word)s;
}
static word gsm_mult(word a, word b)
{
    if (a == MIN_WORD && b == MIN_WORD)
        return MAX_WORD;
    return (word)SASR((longword)a * (longword)b, 15);
}
static const unsigned char bitoff[256] = {8, 7, 6, 6, 5, 5, 5, 5, 4, 4, 4, 4, 4, 4, 4, 4,
                                          3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3};
static word gsm_norm(longword a)
{
    if (a < 0) {
        if (a <= -1073741824)
            return 0;
        a = ~a;
    }
    return (
        word)(a & 0xffff0000
                  ? (a & 0xff000000 ? -1 + bitoff[0xFF & (a >> 24)] : 7 + bitoff[0xFF & (a >> 16)])
                  : (a & 0xff00 ? 15 + bitoff[0xFF & (a >> 8)] : 23 + bitoff[0xFF & a]));
}
static word gsm_div(word num, word denum)
{
    longword L_num = num, L_denum = denum;
    word div = 0;
    int k = 15;
    if (num == 0)
        return 0;
    while (k--) {
        div = (word)(div << 1);
        L_num <<= 1;
        if (L_num >= L_denum) {
            L_num -= L_denum;
            div++;
        }
    }
    return div;
}
static word gsm_s[160];
R(gsm)
{
    longword L_ACF[9] = {0};
    word smax = 0, temp, scalauto, ACF[9], r[8], P[9], K[9];
    for (int k = 0; k < 160; k++)
        gsm_s[k] = (word)((k * 771) % 4096 - 2048);
    for (int k = 0; k <= 159; k++) {
        temp = gsm_s[k] < 0 ? (gsm_s[k] == MIN_WORD ? MAX_WORD : (word)-gsm_s[k]) : gsm_s[k];
        if (temp > smax)
            smax = temp;
    }
    if (smax == 0)
        scalauto = 0;
    else
        scalauto = (word)(4 - gsm_norm((longword)smax << 16));
    if (scalauto > 0)
        for (int k = 0; k <= 159; k++)
            gsm_s[k] = gsm_mult(gsm_s[k], (word)(16384 >> (scalauto - 1)));
    word *sp = gsm_s;
    word sl;
    for (int i = 0; i < 160; i++) {
        sl = sp[i];
        for (int k = 0; k <= 8 && k <= i; k++)
            L_ACF[k] += (longword)sl * sp[i - k];
    }
    for (int k = 9; k--; L_ACF[k] <<= 1)
        ;
    if (L_ACF[0] == 0) {
        for (int i = 0; i < 8; i++)
            r[i] = 0;
        return r[0];
    }
    temp = gsm_norm(L_ACF[0]);
    if (temp < 0 || temp >= 32)
        return 1;
    for (int i = 0; i <= 8; i++)
        ACF[i] = (word)SASR(L_ACF[i] << temp, 16);
    for (int i = 1; i <= 7; i++)
        K[i] = ACF[i];
    for (int i = 0; i <= 8; i++)
        P[i] = ACF[i];
    for (int n = 1; n <= 8; n++) {
        temp = P[1];
        temp = (word)(temp < 0 ? -temp : temp);
        if (P[0] < temp) {
            for (int i = n; i <= 8; i++)
                r[i - 1] = 0;
            return 0;
        }
        r[n - 1] = gsm_div(temp, P[0]);
        if (P[1] > 0)
            r[n - 1] = (word)-r[n - 1];
        if (n == 8)
            return r[0];
        temp = gsm_mult(P[1], r[n - 1]);
        P[0] = gsm_add(P[0], temp);
        for (int m = 1; m <= 8 - n; m++) {
            temp = gsm_mult(K[m], r[n - 1]);
            word p = gsm_add(P[m + 1], temp);
            temp = gsm_mult(P[m + 1], r[n - 1]);
            K[m] = gsm_add(K[m], temp);
            P[m] = p;
        }
    }
    return r[0];
}

/* ---- g72x quantiser ---- */
static short power2[15] = {1,     2,     4,     8,     0x10,   0x20,   0x40,  0x80,
                           0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000};
static int quan(int val, short *table, int size)
{
    int i, j = 0, k = 1;
    for (i = 0; (i < size) && k; ++i) {
        if (val < *table++) {
            k = 0;
            j = i;
        }
    }
    return k ? i : j;
}
static int fmult(int an, int srn)
{
    short anmag = (short)((an > 0) ? an : ((-an) & 0x1FFF)),
          anexp = (short)(quan(anmag, power2, 15) - 6);
    short anmant = (short)((anmag == 0) ? 32 : (anexp >= 0) ? anmag >> anexp : anmag << -anexp);
    short wanexp = (short)(anexp + ((srn >> 6) & 0xF) - 13),
          wanmant = (short)((anmant * (srn & 077) + 0x30) >> 4);
    short retval = (short)((wanexp >= 0) ? ((wanmant << wanexp) & 0x7FFF) : (wanmant >> -wanexp));
    return ((an ^ srn) < 0) ? -retval : retval;
}
R(g72x)
{
    int s = 0;
    for (int i = 0; i < 256; i++)
        s += fmult((i * 77) % 8192 - 4096, (i * 31) % 1024);
    return s;
}

/* ---- huffman decoding from a tree in arrays with a bit reader ---- */
static const unsigned char enc_bytes[] = {0x5a, 0xb3, 0x1f, 0x7e, 0x00, 0xc4};
static const short tree_left[] = {1, -1, 3, -3, -4}, tree_right[] = {2, -2, 4, -5, -6};
static int hpos;
static unsigned char hout[64];
static int hn;
static int read_bit(void)
{
    int b = (enc_bytes[hpos >> 3] >> (7 - (hpos & 7))) & 1;
    hpos++;
    return b;
}
R(huff_dec)
{
    while (hpos < (int)sizeof enc_bytes * 8) {
        int node = 0;
        while (node >= 0 && hpos < (int)sizeof enc_bytes * 8)
            node = read_bit() ? tree_right[node] : tree_left[node];
        if (node < 0)
            hout[hn++] = (unsigned char)-node;
    }
    return hn;
}

/* ---- cosf by a series; rad2deg; cubic ---- */
static float my_cosf(float x)
{
    float term = 1, sum = 1;
    for (int n = 1; n < 10; n++) {
        term *= -x * x / (float)((2 * n - 1) * (2 * n));
        sum += term;
    }
    return sum;
}
R(cosf_)
{
    float c = 0;
    for (float v = 0.0f; v < 10.0f; v += 0.1f)
        c += my_cosf(v);
    return (int)c;
}
static void solve_cubic(double a, double b, double c, double d, int *solutions, double *x)
{
    double a1 = b / a, a2 = c / a, a3 = d / a;
    double Q = (a1 * a1 - 3.0 * a2) / 9.0,
           Rr = (2.0 * a1 * a1 * a1 - 9.0 * a1 * a2 + 27.0 * a3) / 54.0;
    double R2_Q3 = Rr * Rr - Q * Q * Q, theta;
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
R(basicmath)
{
    double x[3];
    int n = 0, s = 0;
    for (double a = 1; a < 3; a += 1)
        for (double b = 10; b > 8; b -= .5)
            for (double c = 5; c < 7; c += 0.61) {
                solve_cubic(a, b, c, -1, &n, x);
                for (int i = 0; i < n; i++)
                    s += x[i] > 0;
            }
    return s;
}
