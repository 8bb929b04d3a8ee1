/* A kernel without input: edn. */
#define N 100
#define ORDER 50
static short a[200], b[200];
static short c1 = 3;
static int d1 = 0xAAAA, e1[1] = {0xEEEE};
static void vec_mpy1(short y[], const short x[], short scaler)
{
    for (long i = 0; i < 150; i++)
        y[i] += ((scaler * x[i]) >> 15);
}
static long mac(const short *a, const short *b, long sqr, long *sum)
{
    long dotp = *sum;
    for (long i = 0; i < 150; i++) {
        dotp += b[i] * a[i];
        sqr += b[i] * b[i];
    }
    *sum = dotp;
    return sqr;
}
static void fir(const short x[], const short h[], long out[])
{
    for (long i = 0; i < N - ORDER; i++) {
        long s = 0;
        for (long j = 0; j < ORDER; j++)
            s += x[i + j] * h[j];
        out[i] = s >> 15;
    }
}
static long latsynth(short b[], const short k[], long n, long f)
{
    f -= b[n - 1] * k[n - 1];
    for (long i = n - 2; i >= 0; i--) {
        f -= b[i] * k[i];
        b[i + 1] = b[i] + ((k[i] * (f >> 16)) >> 16);
    }
    b[0] = f >> 16;
    return f;
}
static void iir1(const short *coefs, const short *in, long *opt, long *state)
{
    long x = in[0];
    for (long n = 0; n < 50; n++) {
        long t = x + ((state[2] * coefs[0] + state[3] * coefs[1]) >> 15);
        x = t + ((state[2] * coefs[2] + state[3] * coefs[3]) >> 15);
        state[3] = state[2];
        state[2] = t;
        coefs += 4;
        state += 2;
    }
    *opt++ = x;
}
static long codebook(long mask, long bitchanged, long numbasis, long codeword, long g,
                     const short *d, short ddim, short theta)
{
    long tmpMask = mask << 1;
    for (long j = bitchanged + 1; j <= numbasis; j++) {
        if (theta == !(!(codeword & tmpMask)))
            g += *(d + bitchanged * ddim + j);
        else
            g -= *(d + bitchanged * ddim + j);
        tmpMask <<= 1;
    }
    return g;
}
static void jpegdct(short *d, short *r)
{
    long t[12];
    short i, j, k, m, n, p;
    for (k = 1, m = 0, n = 13, p = 8; k <= 8; k += 7, m += 3, n += 3, p -= 7, d -= 64)
        for (i = 0; i < 8; i++, d += p) {
            for (j = 0; j < 4; j++) {
                t[j] = d[k * j] + d[k * (7 - j)];
                t[7 - j] = d[k * j] - d[k * (7 - j)];
            }
            t[8] = t[0] + t[3];
            t[9] = t[0] - t[3];
            t[10] = t[1] + t[2];
            t[11] = t[1] - t[2];
            d[0] = (t[8] + t[10]) >> m;
            d[4 * k] = (t[8] - t[10]) >> m;
            t[8] = (short)(t[11] + t[9]) * r[10];
            d[2 * k] = t[8] + (short)((t[9] * r[9]) >> n);
        }
}
static short blk[512], rr[20];
int main(void)
{
    static long output[200];
    long d = 0xAAAA;
    for (int i = 0; i < 200; i++) {
        a[i] = i * 7;
        b[i] = 13 * i + 1;
    }
    vec_mpy1(a, b, c1);
    c1 = mac(a, b, c1, output);
    fir(a, b, output);
    d = latsynth(a, b, N, d);
    static long st[300];
    iir1(a, b, &output[100], st);
    e1[0] = codebook(d & 7, 1, 17, e1[0], d, a, c1 & 1, 1);
    for (int i = 0; i < 512; i++)
        blk[i] = i;
    jpegdct(blk + 64, rr);
    return output[3] & 1;
}
