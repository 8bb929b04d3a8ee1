/* What is safe by a product, a quotient, a bit, a byte that is read twice, or what variables add up
 * to: handlers in the manner of the embedded suites. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)

static const int indexTable[16] = {-1, -1, -1, -1, 2, 4, 6, 8, -1, -1, -1, -1, 2, 4, 6, 8};
static const int stepsizeTable[89] = {
    7,     8,     9,     10,    11,    12,    13,    14,    16,    17,    19,   21,    23,
    25,    28,    31,    34,    37,    41,    45,    50,    55,    60,    66,   73,    80,
    88,    97,    107,   118,   130,   143,   157,   173,   190,   209,   230,  253,   279,
    307,   337,   371,   408,   449,   494,   544,   598,   658,   724,   796,  876,   963,
    1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,  2272,  2499,  2749, 3024,  3327,
    3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845,  8630,  9493, 10442, 11487,
    12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767};
struct adpcm_state {
    short valprev;
    char index;
};
static struct adpcm_state state;
static void adpcm_coder(const short *indata, signed char *outdata, int len, struct adpcm_state *st)
{
    const short *inp = indata;
    signed char *outp = outdata;
    int val, sign, delta, diff, step, valpred, vpdiff, index, outputbuffer = 0, bufferstep;
    valpred = st->valprev;
    index = st->index;
    step = stepsizeTable[index];
    bufferstep = 1;
    for (; len > 0; len--) {
        val = *inp++;
        diff = val - valpred;
        sign = (diff < 0) ? 8 : 0;
        if (sign)
            diff = -diff;
        delta = 0;
        vpdiff = step >> 3;
        if (diff >= step) {
            delta = 4;
            diff -= step;
            vpdiff += step;
        }
        step >>= 1;
        if (diff >= step) {
            delta |= 2;
            diff -= step;
            vpdiff += step;
        }
        step >>= 1;
        if (diff >= step) {
            delta |= 1;
            vpdiff += step;
        }
        if (sign)
            valpred -= vpdiff;
        else
            valpred += vpdiff;
        if (valpred > 32767)
            valpred = 32767;
        else if (valpred < -32768)
            valpred = -32768;
        delta |= sign;
        index += indexTable[delta];
        if (index < 0)
            index = 0;
        if (index > 88)
            index = 88;
        step = stepsizeTable[index];
        if (bufferstep)
            outputbuffer = (delta << 4) & 0xf0;
        else
            *outp++ = (delta & 0x0f) | outputbuffer;
        bufferstep = !bufferstep;
    }
    if (!bufferstep)
        *outp++ = outputbuffer;
    st->valprev = valpred;
    st->index = index;
}
H(adpcm_enc)
{
    static short pcm[1000];
    static signed char code[500];
    size_t n = in_len / 2 < 1000 ? in_len / 2 : 1000;
    memcpy(pcm, in, n * 2);
    state.valprev = 0;
    state.index = 0;
    adpcm_coder(pcm, code, (int)n, &state);
    size_t m = (n + 1) / 2;
    if (m > out_cap)
        return -1;
    memcpy(out, code, m);
    return m;
}
H(adpcm_dec)
{
    int valpred = 0, index = 0, step = 7, bufferstep = 0, delta, inputbuffer = 0;
    size_t n = in_len * 2, o = 0;
    if (n * 2 > out_cap)
        return -1;
    const uint8_t *p = in;
    for (size_t k = 0; k < n; k++) {
        if (bufferstep)
            delta = inputbuffer & 0xf;
        else {
            inputbuffer = *p++;
            delta = (inputbuffer >> 4) & 0xf;
        }
        bufferstep = !bufferstep;
        index += indexTable[delta];
        if (index < 0)
            index = 0;
        if (index > 88)
            index = 88;
        int sign = delta & 8;
        delta &= 7;
        int vpdiff = step >> 3;
        if (delta & 4)
            vpdiff += step;
        if (delta & 2)
            vpdiff += step >> 1;
        if (delta & 1)
            vpdiff += step >> 2;
        if (sign)
            valpred -= vpdiff;
        else
            valpred += vpdiff;
        if (valpred > 32767)
            valpred = 32767;
        else if (valpred < -32768)
            valpred = -32768;
        step = stepsizeTable[index];
        out[o++] = valpred;
        out[o++] = valpred >> 8;
    }
    return o;
}
static const short cos_t[8][8] = {
    {362, 362, 362, 362, 362, 362, 362, 362},     {502, 426, 284, 100, -100, -284, -426, -502},
    {473, 196, -196, -473, -473, -196, 196, 473}, {426, -100, -502, -284, 284, 502, 100, -426},
    {362, -362, -362, 362, 362, -362, -362, 362}, {284, -502, 100, 426, -426, -100, 502, -284},
    {196, -473, 473, -196, -196, 473, -473, 196}, {100, -284, 426, -502, 502, -426, 284, -100}};
H(dct8x8)
{
    if (in_len < 2)
        return -1;
    size_t bw = in[0], bh = in[1];
    size_t w = bw * 8, h = bh * 8;
    if (in_len - 2 < w * h || out_cap < w * h * 2)
        return -1;
    const uint8_t *src = in + 2;
    for (size_t by = 0; by < bh; by++)
        for (size_t bx = 0; bx < bw; bx++) {
            int tmp[8][8], blk[8][8];
            for (int y = 0; y < 8; y++)
                for (int x = 0; x < 8; x++)
                    blk[y][x] = src[(by * 8 + y) * w + bx * 8 + x] - 128;
            for (int y = 0; y < 8; y++)
                for (int u = 0; u < 8; u++) {
                    int s = 0;
                    for (int x = 0; x < 8; x++)
                        s += blk[y][x] * cos_t[u][x];
                    tmp[y][u] = s >> 8;
                }
            for (int v = 0; v < 8; v++)
                for (int u = 0; u < 8; u++) {
                    int s = 0;
                    for (int y = 0; y < 8; y++)
                        s += tmp[y][u] * cos_t[v][y];
                    s >>= 12;
                    size_t at = ((by * bw + bx) * 64 + v * 8 + u) * 2;
                    out[at] = s;
                    out[at + 1] = s >> 8;
                }
        }
    return w * h * 2;
}
static int parse_int(const uint8_t *p, size_t n, size_t *at, int *v)
{
    int neg = 0;
    long acc = 0;
    size_t i = *at;
    while (i < n && p[i] == ' ')
        i++;
    if (i < n && p[i] == '-') {
        neg = 1;
        i++;
    }
    if (i >= n || p[i] < '0' || p[i] > '9')
        return 0;
    while (i < n && p[i] >= '0' && p[i] <= '9') {
        if (acc > 100000000)
            return 0;
        acc = acc * 10 + (p[i] - '0');
        i++;
    }
    *v = neg ? -acc : acc;
    *at = i;
    return 1;
}
H(index_of_text)
{
    int buffer[10] = {0};
    size_t at = 0;
    int v;
    while (parse_int(in, in_len, &at, &v))
        if (v >= 0 && v < 10)
            buffer[v] = 1;
    if (out_cap < 10)
        return -1;
    for (int i = 0; i < 10; i++)
        out[i] = buffer[i];
    return 10;
}
H(matmul_n)
{
    if (in_len < 1)
        return -1;
    size_t n = in[0];
    if (n > 64 || in_len < 1 + 2 * n * n || out_cap < n * n)
        return -1;
    const uint8_t *a = in + 1, *b = a + n * n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            unsigned s = 0;
            for (size_t k = 0; k < n; k++)
                s += a[i * n + k] * b[k * n + j];
            out[i * n + j] = s;
        }
    return n * n;
}
H(scale_nearest)
{
    if (in_len < 4)
        return -1;
    unsigned sw = in[0], sh = in[1], dw = in[2], dh = in[3];
    if (!sw || !sh || !dw || !dh || in_len < 4 + sw * sh || out_cap < dw * dh)
        return -1;
    for (unsigned y = 0; y < dh; y++)
        for (unsigned x = 0; x < dw; x++)
            out[y * dw + x] = in[4 + (y * sh / dh) * sw + x * sw / dw];
    return dw * dh;
}
static uint8_t gexp[512], glog[256];
H(reed_solomon)
{
    unsigned x = 1;
    for (unsigned i = 0; i < 255; i++) {
        gexp[i] = x;
        gexp[i + 255] = x;
        glog[x] = i;
        x <<= 1;
        if (x & 0x100)
            x ^= 0x11d;
    }
    enum { NP = 16 };
    uint8_t gen[NP + 1], par[NP];
    memset(gen, 0, sizeof gen);
    gen[0] = 1;
    for (int i = 0; i < NP; i++) {
        for (int j = i + 1; j > 0; j--)
            gen[j] = gen[j - 1] ^ (gen[j] ? gexp[glog[gen[j]] + i] : 0);
        gen[0] = gen[0] ? gexp[glog[gen[0]] + i] : 0;
    }
    memset(par, 0, sizeof par);
    size_t n = in_len < 239 ? in_len : 239;
    for (size_t i = 0; i < n; i++) {
        uint8_t fb = in[i] ^ par[NP - 1];
        for (int j = NP - 1; j > 0; j--)
            par[j] = par[j - 1] ^ (fb && gen[j] ? gexp[glog[fb] + glog[gen[j]]] : 0);
        par[0] = fb && gen[0] ? gexp[glog[fb] + glog[gen[0]]] : 0;
    }
    if (out_cap < NP)
        return -1;
    memcpy(out, par, NP);
    return NP;
}
H(toposort)
{
    static uint8_t deg[64], adj[64][64], order[64], q[64];
    if (in_len < 1)
        return -1;
    int n = in[0] & 63;
    memset(deg, 0, sizeof deg);
    memset(adj, 0, sizeof adj);
    for (size_t i = 1; i + 1 < in_len; i += 2) {
        int a = in[i], b = in[i + 1];
        if (a >= n || b >= n)
            return -1;
        if (!adj[a][b]) {
            adj[a][b] = 1;
            deg[b]++;
        }
    }
    int qh = 0, qt = 0, k = 0;
    for (int i = 0; i < n; i++)
        if (deg[i] == 0)
            q[qt++] = i;
    while (qh < qt) {
        int u = q[qh++];
        if (k < 64)
            order[k++] = u;
        for (int v = 0; v < n; v++)
            if (adj[u][v] && --deg[v] == 0 && qt < 64)
                q[qt++] = v;
    }
    if ((size_t)k > out_cap)
        return -1;
    memcpy(out, order, k);
    return k;
}
