/* Kernels without input, in the manner of suites for embedded and numeric programs. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <math.h>
#define R(name) int name(void)
/* ---- PolyBench: macros, init with floats, fixed dims ---- */
#define N 16
static double A[N][N], B[N][N], C[N][N], D[N][N], x[N], y[N], tmp[N];
static void init(void)
{
    for (int i = 0; i < N; i++) {
        x[i] = i % N / (double)N;
        y[i] = 0;
        for (int j = 0; j < N; j++) {
            A[i][j] = (double)((i * j + 1) % N) / N;
            B[i][j] = (double)(i * (j + 1) % N) / N;
            C[i][j] = 0;
            D[i][j] = i == j ? 20 : 1.0 / (1 + i + j);
        }
    }
}
R(poly_2mm)
{
    init();
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            C[i][j] = 0;
            for (int k = 0; k < N; ++k)
                C[i][j] += 1.5 * A[i][k] * B[k][j];
        }
    return C[3][3] > 0;
}
R(poly_cholesky)
{
    init();
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++)
                D[i][j] -= D[i][k] * D[j][k];
            D[i][j] /= D[j][j];
        }
        for (int k = 0; k < i; k++)
            D[i][i] -= D[i][k] * D[i][k];
        D[i][i] = sqrt(D[i][i]);
    }
    return D[0][0] > 0;
}
R(poly_jacobi)
{
    init();
    for (int t = 0; t < 10; t++) {
        for (int i = 1; i < N - 1; i++)
            for (int j = 1; j < N - 1; j++)
                B[i][j] = 0.2 * (A[i][j] + A[i][j - 1] + A[i][1 + j] + A[1 + i][j] + A[i - 1][j]);
        for (int i = 1; i < N - 1; i++)
            for (int j = 1; j < N - 1; j++)
                A[i][j] = 0.2 * (B[i][j] + B[i][j - 1] + B[i][1 + j] + B[1 + i][j] + B[i - 1][j]);
    }
    return A[2][2] > 0;
}
R(poly_durbin)
{
    double z[N], sum, alpha, beta;
    init();
    y[0] = -x[0];
    beta = 1.0;
    alpha = -x[0];
    for (int k = 1; k < N; k++) {
        beta = (1 - alpha * alpha) * beta;
        sum = 0;
        for (int i = 0; i < k; i++)
            sum += x[k - i - 1] * y[i];
        alpha = -(x[k] + sum) / beta;
        for (int i = 0; i < k; i++)
            z[i] = y[i] + alpha * y[k - i - 1];
        for (int i = 0; i < k; i++)
            y[i] = z[i];
        y[k] = alpha;
    }
    return y[N - 1] > 0;
}
R(poly_nussinov)
{
    static int table[N][N];
    static char seq[N];
    for (int i = 0; i < N; i++)
        seq[i] = (char)((i + 1) % 4);
    for (int i = N - 1; i >= 0; i--)
        for (int j = i + 1; j < N; j++) {
            if (j - 1 >= 0 && table[i][j - 1] > table[i][j])
                table[i][j] = table[i][j - 1];
            if (i + 1 < N && table[i + 1][j] > table[i][j])
                table[i][j] = table[i + 1][j];
            if (j - 1 >= 0 && i + 1 < N) {
                int m = table[i + 1][j - 1] + (i < j - 1 ? (seq[i] + seq[j] == 3 ? 1 : 0) : 0);
                if (m > table[i][j])
                    table[i][j] = m;
            }
            for (int k = i + 1; k < j; k++)
                if (table[i][k] + table[k + 1][j] > table[i][j])
                    table[i][j] = table[i][k] + table[k + 1][j];
        }
    return table[0][N - 1];
}
static void kernel_gemver(int n, double alpha, double beta, double M[N][N], double u1[N],
                          double v1[N])
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            M[i][j] = M[i][j] + u1[i] * v1[j];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            x[i] = x[i] + beta * M[j][i] * y[j];
    for (int i = 0; i < n; i++)
        tmp[i] = alpha * x[i];
}
R(poly_gemver)
{
    int n = N;
    init();
    kernel_gemver(n, 1.5, 1.2, A, x, y);
    return tmp[0] > 0;
}
R(poly_floyd)
{
    static int path[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            path[i][j] = i * j % 7 + 1;
            if ((i + j) % 13 == 0 || (i + j) % 7 == 0)
                path[i][j] = 999;
        }
    for (int k = 0; k < N; k++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                path[i][j] =
                    path[i][j] < path[i][k] + path[k][j] ? path[i][j] : path[i][k] + path[k][j];
    return path[1][2];
}
/* ---- MiBench bitcount: table of functions, several counters ---- */
static int bit_count(long v)
{
    int n = 0;
    if (v)
        do
            n++;
        while (0 != (v = v & (v - 1)));
    return n;
}
static char bits[256];
static int ntbl_bitcnt(long v)
{
    int c = 0;
    while (v) {
        c += bits[v & 0xf];
        v = (long)((unsigned long)v >> 4);
    }
    return c;
}
static int btbl(long v)
{
    unsigned char *p = (unsigned char *)&v;
    return bits[p[0]] + bits[p[1]] + bits[p[2]] + bits[p[3]];
}
static int bit_shifter(long v)
{
    int i, n;
    for (i = n = 0; v && (i < (int)(sizeof(long) * 8)); ++i, v >>= 1)
        n += (int)(v & 1L);
    return n;
}
R(bitcnts)
{
    static int (*const fns[4])(long) = {bit_count, ntbl_bitcnt, btbl, bit_shifter};
    int n = 0;
    for (int i = 0; i < 256; i++)
        bits[i] = (char)bit_count(i);
    for (int i = 0; i < 4; i++) {
        long seed = 1;
        for (int j = 0; j < 50; j++, seed += 13)
            n += fns[i](seed);
    }
    return n;
}
/* ---- stringsearch: Boyer-Moore-Horspool, skip table ---- */
static size_t table[256];
static size_t len;
static char *findme;
static void init_search(const char *string)
{
    size_t i;
    len = strlen(string);
    for (i = 0; i <= 255; i++)
        table[i] = len;
    for (i = 0; i < len; i++)
        table[(unsigned char)string[i]] = len - i - 1;
    findme = (char *)string;
}
static const char *strsearch(const char *string)
{
    size_t shift, pos = len - 1;
    const char *here;
    size_t limit = strlen(string);
    while (pos < limit) {
        while (pos < limit && (shift = table[(unsigned char)string[pos]]) > 0)
            pos += shift;
        if (0 == shift) {
            if (0 == strncmp(findme, here = &string[pos - len + 1], len))
                return here;
            else
                pos++;
        }
    }
    return NULL;
}
R(stringsearch)
{
    static char *find[] = {"Kur", "gent", "lass", "suns", NULL};
    static char *in[] = {"Kurt Vonnegut", "an agenter", "the last class", "sunshine"};
    int n = 0;
    for (int i = 0; find[i]; i++) {
        init_search(find[i]);
        if (strsearch(in[i]))
            n++;
    }
    return n;
}
/* ---- dijkstra with queue in a pool (linked by address) ---- */
struct qitem {
    int node, dist, prev;
    struct qitem *next;
};
static struct qitem pool[400];
static int pooln;
static struct qitem *head;
static int adj[10][10];
static int dist[10];
static void enqueue(int node, int d, int p)
{
    struct qitem *q = &pool[pooln++ % 400], *last = head;
    q->node = node;
    q->dist = d;
    q->prev = p;
    q->next = NULL;
    if (!last)
        head = q;
    else {
        while (last->next)
            last = last->next;
        last->next = q;
    }
}
R(dijkstra)
{
    for (int i = 0; i < 10; i++) {
        dist[i] = 9999;
        for (int j = 0; j < 10; j++)
            adj[i][j] = (i * 7 + j * 3) % 23 + 1;
    }
    dist[0] = 0;
    enqueue(0, 0, -1);
    while (head) {
        int node = head->node, d = head->dist;
        head = head->next;
        for (int i = 0; i < 10; i++)
            if (dist[i] > adj[node][i] + d) {
                dist[i] = d + adj[node][i];
                enqueue(i, dist[i], node);
            }
    }
    return dist[9];
}
/* ---- SHA with struct state by pointer ---- */
typedef struct {
    uint32_t digest[5];
    uint32_t count_lo, count_hi;
    uint32_t data[16];
} SHA_INFO;
#define ROT32(x, n) ((x << n) | (x >> (32 - n)))
static void sha_transform(SHA_INFO *s)
{
    uint32_t t, Aa, Bb, Cc, Dd, Ee, W[80];
    for (int i = 0; i < 16; ++i)
        W[i] = s->data[i];
    for (int i = 16; i < 80; ++i)
        W[i] = W[i - 3] ^ W[i - 8] ^ W[i - 14] ^ W[i - 16];
    Aa = s->digest[0];
    Bb = s->digest[1];
    Cc = s->digest[2];
    Dd = s->digest[3];
    Ee = s->digest[4];
    for (int i = 0; i < 80; i++) {
        t = ROT32(Aa, 5) + (i < 20 ? (Bb & Cc) | (~Bb & Dd) : Bb ^ Cc ^ Dd) + Ee + W[i] +
            0x5a827999u;
        Ee = Dd;
        Dd = Cc;
        Cc = ROT32(Bb, 30);
        Bb = Aa;
        Aa = t;
    }
    s->digest[0] += Aa;
    s->digest[1] += Bb;
    s->digest[2] += Cc;
    s->digest[3] += Dd;
    s->digest[4] += Ee;
}
static void sha_update(SHA_INFO *s, uint8_t *buffer, int count)
{
    if ((s->count_lo + ((uint32_t)count << 3)) < s->count_lo)
        ++s->count_hi;
    s->count_lo += (uint32_t)count << 3;
    s->count_hi += (uint32_t)count >> 29;
    while (count >= 64) {
        memcpy(s->data, buffer, 64);
        sha_transform(s);
        buffer += 64;
        count -= 64;
    }
    memcpy(s->data, buffer, (size_t)count);
}
static void sha_final(SHA_INFO *s)
{
    uint32_t lo = s->count_lo, hi = s->count_hi;
    int count = (int)((lo >> 3) & 0x3f);
    ((uint8_t *)s->data)[count++] = 0x80;
    if (count > 56) {
        memset((uint8_t *)&s->data + count, 0, (size_t)(64 - count));
        sha_transform(s);
        memset(&s->data, 0, 56);
    } else
        memset((uint8_t *)&s->data + count, 0, (size_t)(56 - count));
    s->data[14] = hi;
    s->data[15] = lo;
    sha_transform(s);
}
static SHA_INFO sha;
static uint8_t sha_msg[1000];
R(sha_)
{
    for (int i = 0; i < 1000; i++)
        sha_msg[i] = (uint8_t)(i * 7);
    sha.digest[0] = 0x67452301;
    sha.digest[1] = 0xefcdab89;
    sha.digest[2] = 0x98badcfe;
    sha.digest[3] = 0x10325476;
    sha.digest[4] = 0xc3d2e1f0;
    sha_update(&sha, sha_msg, 1000);
    sha_final(&sha);
    return (int)(sha.digest[0] >> 1);
}
/* ---- rijndael key expansion through a context struct ---- */
static uint8_t sbox[256];
struct aes {
    uint32_t Nkey, Nrnd;
    uint32_t e_key[64];
};
static uint32_t subw(uint32_t w)
{
    return (uint32_t)sbox[w & 255] | (uint32_t)sbox[(w >> 8) & 255] << 8 |
           (uint32_t)sbox[(w >> 16) & 255] << 16 | (uint32_t)sbox[w >> 24] << 24;
}
static int set_key(const uint8_t *key, uint32_t n, struct aes *cx)
{
    uint32_t rc = 1;
    cx->Nkey = n / 4;
    cx->Nrnd = cx->Nkey + 6;
    for (uint32_t i = 0; i < cx->Nkey; i++)
        memcpy(&cx->e_key[i], key + 4 * i, 4);
    for (uint32_t i = cx->Nkey; i < 4 * (cx->Nrnd + 1); i++) {
        uint32_t t = cx->e_key[i - 1];
        if (i % cx->Nkey == 0) {
            t = subw((t >> 8) | (t << 24)) ^ rc;
            rc = (rc << 1) ^ ((rc >> 7) * 0x1b);
        }
        cx->e_key[i] = cx->e_key[i - cx->Nkey] ^ t;
    }
    return 0;
}
R(rijndael)
{
    static struct aes cx;
    static uint8_t key[32];
    for (int i = 0; i < 256; i++)
        sbox[i] = (uint8_t)(i * 73 + 5);
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    return set_key(key, 32, &cx) + (int)(cx.e_key[59] & 1);
}
/* ---- blowfish-ish feistel over arrays via pointer walk ---- */
static uint32_t Pb[18], Sb[4][256];
static void bf_enc(uint32_t *l, uint32_t *r)
{
    uint32_t xl = *l, xr = *r, t;
    for (int i = 0; i < 16; i++) {
        xl ^= Pb[i];
        xr ^= ((Sb[0][xl >> 24] + Sb[1][xl >> 16 & 255]) ^ Sb[2][xl >> 8 & 255]) + Sb[3][xl & 255];
        t = xl;
        xl = xr;
        xr = t;
    }
    *l = xr ^ Pb[17];
    *r = xl ^ Pb[16];
}
R(blowfish)
{
    uint32_t l = 0, r = 0;
    for (int i = 0; i < 18; i += 2) {
        bf_enc(&l, &r);
        Pb[i] = l;
        Pb[i + 1] = r;
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 256; j += 2) {
            bf_enc(&l, &r);
            Sb[i][j] = l;
            Sb[i][j + 1] = r;
        }
    return (int)(l & 1);
}
