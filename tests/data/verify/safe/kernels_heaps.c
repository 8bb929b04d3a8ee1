/* Programs without input, in the manner of small benchmark sets: a heap of their own in a static
 * array, lists and trees with addresses in them, handlers in structures, tables, rows, bits. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <stdlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <ctype.h>
#define R(name) int name(void)
/* ---- a heap of its own, as small benchmark sets bring one ---- */
static char heap[8192] __attribute__((aligned));
static void *heap_ptr, *heap_end;
static void init_heap(void *h, size_t size)
{
    heap_ptr = h;
    heap_end = (void *)((char *)h + size);
}
static void *malloc_b(size_t size)
{
    void *p = heap_ptr;
    if (((void *)((char *)heap_ptr + size) > heap_end) || (size == 0))
        return NULL;
    heap_ptr = (void *)((char *)heap_ptr + size);
    if (((size_t)heap_ptr & 7) != 0) {
        size_t d = 8 - ((size_t)heap_ptr & 7);
        heap_ptr = (void *)((char *)heap_ptr + d);
    }
    return p;
}
static void *malloc_c(size_t size)
{
    void *p = heap_ptr;
    size = (size + 7) & ~(size_t)7;
    if (size == 0 || size > (size_t)((char *)heap_end - (char *)heap_ptr))
        return NULL;
    heap_ptr = (char *)heap_ptr + size;
    return p;
}
struct lnode {
    int key;
    struct lnode *next;
};
R(heap_list)
{
    init_heap(heap, sizeof heap);
    struct lnode *head = NULL;
    for (int i = 0; i < 50; i++) {
        struct lnode *n = malloc_c(sizeof *n);
        if (!n)
            return -1;
        n->key = (i * 7) % 31;
        n->next = head;
        head = n;
    }
    int s = 0;
    for (struct lnode *n = head; n; n = n->next)
        s += n->key;
    return s;
}
R(heap_list_aligned)
{
    init_heap(heap, sizeof heap);
    struct lnode *head = NULL;
    for (int i = 0; i < 50; i++) {
        struct lnode *n = malloc_b(sizeof *n);
        if (!n)
            return -1;
        n->key = (i * 7) % 31;
        n->next = head;
        head = n;
    }
    int s = 0;
    for (struct lnode *n = head; n; n = n->next)
        s += n->key;
    return s;
}
typedef struct tnode {
    int v;
    struct tnode *l, *r;
} tnode;
static tnode *insert_t(tnode *root, int v)
{
    tnode *n = malloc_c(sizeof(tnode)), **at = &root;
    n->v = v;
    n->l = n->r = NULL;
    while (*at)
        at = v < (*at)->v ? &(*at)->l : &(*at)->r;
    *at = n;
    return root;
}
R(heap_tree)
{
    init_heap(heap, sizeof heap);
    tnode *root = NULL;
    unsigned x = 12345;
    for (int i = 0; i < 60; i++) {
        x = x * 1103515245 + 12345;
        root = insert_t(root, (int)(x >> 16 & 0x3ff));
    }
    tnode *stack[64];
    int sp = 0, s = 0, k = 0;
    tnode *p = root;
    while (p || sp > 0) {
        while (p) {
            stack[sp++] = p;
            p = p->l;
        }
        p = stack[--sp];
        s += p->v * ++k;
        p = p->r;
    }
    return s & 0xff;
}
/* ---- huffbench: tree on arrays of pointers ---- */
typedef struct {
    unsigned long count;
    int parent, left, right;
} hnode;
static hnode hn[512];
static unsigned char hdata[500], hcomp[1000];
static unsigned long hcode[256];
static unsigned char hbits[256];
R(huffbench)
{
    static const char ch[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/abcdefghijklmnop";
    unsigned seed = 1;
    for (int i = 0; i < 500; i++) {
        seed = seed * 1103515245u + 12345u;
        hdata[i] = (unsigned char)ch[(seed >> 16) % (sizeof ch - 1)];
    }
    for (int i = 0; i < 512; i++) {
        hn[i].count = 0;
        hn[i].parent = -1;
        hn[i].left = hn[i].right = -1;
    }
    for (int i = 0; i < 500; i++)
        hn[hdata[i]].count++;
    int heap[256], n = 0;
    for (int i = 0; i < 256; i++)
        if (hn[i].count)
            heap[n++] = i;
    int next = 256;
    while (n > 1) {
        for (int r = 0; r < 2; r++) {
            int least = 0;
            for (int i = 1; i < n; i++)
                if (hn[heap[i]].count < hn[heap[least]].count)
                    least = i;
            int t = heap[least];
            heap[least] = heap[n - 1];
            heap[n - 1] = t;
            n--;
        }
        int a = heap[n], b = heap[n + 1];
        hn[next].count = hn[a].count + hn[b].count;
        hn[next].left = a;
        hn[next].right = b;
        hn[a].parent = next;
        hn[b].parent = -next;
        heap[n++] = next++;
    }
    for (int i = 0; i < 256; i++) {
        if (!hn[i].count)
            continue;
        unsigned long x = 0, b = 1;
        int m = hn[i].parent, bits = 0;
        while (m != -1) {
            if (m < 0) {
                x |= b;
                m = -m;
            }
            m = hn[m].parent;
            b <<= 1;
            bits++;
        }
        hcode[i] = x;
        hbits[i] = (unsigned char)bits;
    }
    int bit = -1, out = -1;
    unsigned mask = 0;
    for (int j = 0; j < 500; j++) {
        unsigned long m = 1ul << (hbits[hdata[j]] - 1);
        for (int i = 0; i < hbits[hdata[j]]; i++) {
            if (bit == -1 || bit == 7) {
                bit = -1;
                hcomp[++out] = 0;
            }
            bit++;
            if (hcode[hdata[j]] & m)
                hcomp[out] |= (unsigned char)(1 << (7 - bit));
            m >>= 1;
        }
    }
    (void)mask;
    return out;
}
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
/* ---- tarfind ---- */
typedef struct {
    char filename[100];
    char mode[8];
    char uID[8];
    char gID[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char isLink;
    char linked[100];
    char _pad[255];
} tar_header;
static char archive[20 * 512];
R(tarfind_fixed)
{
    tar_header *hdr = (tar_header *)archive;
    unsigned seed = 3;
    for (int i = 0; i < 20; i++) {
        tar_header *c = &hdr[i];
        c->isLink = '0';
        int len = 5 + i % 30;
        for (int p = 0; p < len; p++) {
            seed = seed * 1103515245u + 12345u;
            c->filename[p] = (char)((seed >> 16) % 26 + 65);
        }
        c->filename[len] = 0;
    }
    int found = 0;
    for (int p = 0; p < 5; p++) {
        char *name = hdr[p * 3].filename;
        for (int i = 0; i < 20; i++)
            if (strcmp(hdr[i].filename, name) == 0) {
                found++;
                break;
            }
    }
    return found != 5;
}
/* ---- wikisort-like: a comparison by pointer, structs moved ---- */
typedef struct {
    int value, index;
} Test;
typedef bool (*Comparison)(Test, Test);
static bool TestCompare(Test a, Test b)
{
    return a.value < b.value;
}
static void InsertionSort(Test array[], long start, long end, const Comparison compare)
{
    for (long i = start + 1; i < end; i++) {
        const Test temp = array[i];
        long j;
        for (j = i; j > start && compare(temp, array[j - 1]); j--)
            array[j] = array[j - 1];
        array[j] = temp;
    }
}
static Test wiki[100], cache[100];
R(wikisort)
{
    for (int i = 0; i < 100; i++) {
        wiki[i].value = (i * 37) % 101;
        wiki[i].index = i;
    }
    for (long s = 0; s < 100; s += 20)
        InsertionSort(wiki, s, s + 20, TestCompare);
    for (long w = 20; w < 100; w *= 2)
        for (long s = 0; s < 100; s += 2 * w) {
            long m = s + w < 100 ? s + w : 100, e = s + 2 * w < 100 ? s + 2 * w : 100, a = s, b = m,
                 k = s;
            while (k < e)
                cache[k++] =
                    a < m && (b >= e || !TestCompare(wiki[b], wiki[a])) ? wiki[a++] : wiki[b++];
            memcpy(&wiki[s], &cache[s], (size_t)(e - s) * sizeof(Test));
        }
    for (int i = 1; i < 100; i++)
        if (wiki[i - 1].value > wiki[i].value)
            return 1;
    return 0;
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
/* ---- slre: a matcher without recursion ---- */
R(glob)
{
    static const char *const texts[] = {"GET /a/b.html", "POST /x", "abc.c", ""};
    static const char *const pats[] = {"GET *", "*.c", "a?c*", "*"};
    int hits = 0;
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++) {
            const char *s = texts[i], *p = pats[k], *star = NULL, *from = NULL;
            while (*s) {
                if (*p == '?' || *p == *s) {
                    p++;
                    s++;
                } else if (*p == '*') {
                    star = p++;
                    from = s;
                } else if (star) {
                    p = star + 1;
                    s = ++from;
                } else
                    break;
            }
            while (*p == '*')
                p++;
            hits += !*s && !*p;
        }
    return hits;
}
/* ---- state machine with struct pointers and a table of handlers ---- */
struct machine;
typedef int (*state_fn)(struct machine *, int);
struct machine {
    state_fn now;
    int count, flags;
};
static int st_idle(struct machine *m, int e);
static int st_run(struct machine *m, int e);
static int st_stop(struct machine *m, int e);
static int st_idle(struct machine *m, int e)
{
    if (e == 1) {
        m->now = st_run;
        m->count = 0;
    }
    return 0;
}
static int st_run(struct machine *m, int e)
{
    m->count++;
    if (e == 2)
        m->now = st_stop;
    return m->count;
}
static int st_stop(struct machine *m, int e)
{
    if (e == 0)
        m->now = st_idle;
    return -1;
}
R(machine_of_pointers)
{
    static const unsigned char ev[] = {0, 1, 0, 0, 2, 1, 0, 1, 2, 0};
    struct machine m = {st_idle, 0, 0};
    int s = 0;
    for (unsigned i = 0; i < sizeof ev; i++)
        s += m.now(&m, ev[i]);
    return s;
}
/* ---- lift/powerwindow: many globals, reads of a table of inputs ---- */
static unsigned char sensors[36], io_out, io_type[5];
static int lift_level = 1, lift_dir, lift_counter, tickets[14];
static const unsigned char pattern[8][36] = {
    {1, 0, 1}, {0, 1, 1, 1}, {1, 1, 1, 1, 0, 1}, {[20] = 1, [30] = 1}};
static void set_values(void)
{
    for (int i = 0; i < 36; i++)
        sensors[i] = pattern[lift_counter & 7][i];
}
static void check_level(void)
{
    lift_level = 13;
    if (sensors[3])
        lift_level = 0;
    if (sensors[9])
        lift_level = 1;
    if (sensors[8])
        lift_level = 2;
    if (sensors[20])
        lift_level = 12;
}
R(lift)
{
    for (lift_counter = 0; lift_counter < 500; lift_counter++) {
        set_values();
        check_level();
        switch (lift_dir) {
        case 0:
            if (tickets[lift_level]) {
                tickets[lift_level] = 0;
                io_out |= 1;
            }
            lift_dir = lift_level < 7 ? 1 : 2;
            break;
        case 1:
            io_type[lift_level % 5]++;
            if (lift_level == 13)
                lift_dir = 2;
            else
                tickets[lift_level]++;
            break;
        default:
            io_out &= 0xfe;
            lift_dir = 0;
        }
    }
    return tickets[3];
}
/* ---- epic: convolution with reflected edges by pointers ---- */
static float ep_img[64 * 64], ep_low[32 * 32];
static const float filt[9] = {.02f, -.05f, -.1f, .3f, .7f, .3f, -.1f, -.05f, .02f};
R(epic)
{
    for (int i = 0; i < 64 * 64; i++)
        ep_img[i] = (float)((i * 13) & 255);
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 32; x++) {
            float s = 0;
            for (int k = -4; k <= 4; k++) {
                int at = 2 * x + k;
                if (at < 0)
                    at = -at;
                if (at > 63)
                    at = 126 - at;
                s += filt[k + 4] * ep_img[2 * y * 64 + at];
            }
            ep_low[y * 32 + x] = s;
        }
    return ep_low[33] > 0;
}
/* ---- mpeg2 block distance, saturate by table into the middle of an array ---- */
static unsigned char m_cur[32 * 32], m_ref[32 * 32], clip_[1024], *clp;
static int dist1(const unsigned char *blk1, const unsigned char *blk2, int lx, int hx, int hy,
                 int h, int lim)
{
    int s = 0;
    const unsigned char *p1 = blk1, *p2 = blk2, *p1a;
    if (!hx && !hy)
        for (int j = 0; j < h; j++) {
            int v;
            if ((v = p1[0] - p2[0]) < 0)
                v = -v;
            s += v;
            for (int i = 1; i < 8; i++) {
                v = p1[i] - p2[i];
                s += v < 0 ? -v : v;
            }
            if (s >= lim)
                break;
            p1 += lx;
            p2 += lx;
        }
    else if (hx && !hy)
        for (int j = 0; j < h; j++) {
            for (int i = 0; i < 8; i++) {
                int v = ((p1[i] + p1[i + 1] + 1) >> 1) - p2[i];
                s += v < 0 ? -v : v;
            }
            p1 += lx;
            p2 += lx;
        }
    else {
        p1a = p1 + lx;
        for (int j = 0; j < h; j++) {
            for (int i = 0; i < 8; i++) {
                int v = ((p1[i] + p1a[i] + 1) >> 1) - p2[i];
                s += v < 0 ? -v : v;
            }
            p1 = p1a;
            p1a += lx;
            p2 += lx;
        }
    }
    return s;
}
R(mpeg2)
{
    clp = clip_ + 384;
    for (int i = -384; i < 640; i++)
        clp[i] = (unsigned char)((i < 0) ? 0 : ((i > 255) ? 255 : i));
    for (int i = 0; i < 1024; i++) {
        m_cur[i] = (unsigned char)(i * 7);
        m_ref[i] = clp[(i * 7) % 300 - 20];
    }
    int best = 65536, bx = 0;
    for (int dy = 0; dy < 8; dy++)
        for (int dx = 0; dx < 8; dx++) {
            int d = dist1(m_ref + dy * 32 + dx, m_cur + 4 * 32 + 4, 32, dx & 1, dy & 1, 8, best);
            if (d < best) {
                best = d;
                bx = dx;
            }
        }
    return bx;
}
/* ---- anagram-like: a word packed in bits ---- */
static const char *const words[] = {"duke", "rip", "carl", "otis", "tim", "kidd", 0};
R(anagram)
{
    unsigned freq[26] = {0};
    int fit = 0;
    const char *phrase = "dutch korp";
    for (const char *p = phrase; *p; p++) {
        int ch = tolower((unsigned char)*p);
        if (isalpha(ch))
            freq[ch - 'a']++;
    }
    for (int w = 0; words[w]; w++) {
        unsigned left[26];
        memcpy(left, freq, sizeof left);
        int good = 1;
        for (const char *p = words[w]; *p && good; p++) {
            if (left[*p - 'a'] == 0)
                good = 0;
            else
                left[*p - 'a']--;
        }
        fit += good;
    }
    return fit;
}
/* ---- cjpeg wrbmp / rgb to ycc with a pointer table of rows ---- */
static unsigned char pixels[16][48], *rows[16], ycc[16 * 16];
static int tab_r[256], tab_g[256], tab_b[256];
R(rgb_rows)
{
    for (int i = 0; i < 256; i++) {
        tab_r[i] = 19595 * i;
        tab_g[i] = 38470 * i;
        tab_b[i] = 7471 * i + 32768;
    }
    for (int i = 0; i < 16; i++)
        rows[i] = pixels[i];
    unsigned char *outptr = ycc;
    for (int r = 0; r < 16; r++) {
        unsigned char *inptr = rows[r];
        for (int c = 16; c > 0; c--) {
            int R_ = inptr[0], G = inptr[1], B = inptr[2];
            inptr += 3;
            *outptr++ = (unsigned char)((tab_r[R_] + tab_g[G] + tab_b[B]) >> 16);
        }
    }
    return ycc[3];
}
/* ---- h264 pieces ---- */
static int h_blk[4][4] = {{5, 11, 8, 10}, {9, 8, 4, 12}, {1, 10, 11, 4}, {19, 6, 15, 7}};
static const unsigned char zig[16] = {0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15};
R(h264)
{
    int m[4][4], lev[16], run[16], n = 0, r = 0;
    for (int i = 0; i < 4; i++) {
        int p0 = h_blk[i][0] + h_blk[i][3], p3 = h_blk[i][0] - h_blk[i][3],
            p1 = h_blk[i][1] + h_blk[i][2], p2 = h_blk[i][1] - h_blk[i][2];
        m[i][0] = p0 + p1;
        m[i][2] = p0 - p1;
        m[i][1] = (p3 << 1) + p2;
        m[i][3] = p3 - (p2 << 1);
    }
    for (int k = 0; k < 16; k++) {
        int v = m[zig[k] >> 2][zig[k] & 3] >> 3;
        if (v) {
            lev[n] = v;
            run[n++] = r;
            r = 0;
        } else
            r++;
    }
    int s = 0;
    for (int i = 0; i < n; i++)
        s += lev[i] * run[i];
    return s;
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
/* ---- md5sum with a struct and an unaligned tail ---- */
static const uint32_t md_k[64] = {0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee};
static const uint32_t md_r[64] = {7, 12, 17, 22, 7, 12, 17, 22, 7, 12, 17, 22, 7, 12, 17, 22,
                                  5, 9,  14, 20, 5, 9,  14, 20, 5, 9,  14, 20, 5, 9,  14, 20,
                                  4, 11, 16, 23, 4, 11, 16, 23, 4, 11, 16, 23, 4, 11, 16, 23,
                                  6, 10, 15, 21, 6, 10, 15, 21, 6, 10, 15, 21, 6, 10, 15, 21};
#define LEFTROTATE(x, c) (((x) << (c)) | ((x) >> (32 - (c))))
R(md5sum)
{
    static uint8_t buf[1200];
    init_heap(heap, sizeof heap);
    size_t initial_len = 1000, new_len = ((((initial_len + 8) / 64) + 1) * 64) - 8;
    uint32_t h0 = 0x67452301, h1 = 0xefcdab89, h2 = 0x98badcfe, h3 = 0x10325476;
    uint8_t *msg = malloc_c(new_len + 64);
    if (!msg)
        return 1;
    memset(msg, 0, new_len + 64);
    for (size_t i = 0; i < initial_len; i++)
        buf[i] = (uint8_t)i;
    memcpy(msg, buf, initial_len);
    msg[initial_len] = 128;
    uint32_t bits = (uint32_t)(8 * initial_len);
    memcpy(msg + new_len, &bits, 4);
    for (size_t off = 0; off < new_len; off += 64) {
        uint32_t *w = (uint32_t *)(msg + off), a = h0, b = h1, c = h2, d = h3;
        for (uint32_t i = 0; i < 64; i++) {
            uint32_t f, g;
            if (i < 16) {
                f = (b & c) | ((~b) & d);
                g = i;
            } else if (i < 32) {
                f = (d & b) | ((~d) & c);
                g = (5 * i + 1) % 16;
            } else if (i < 48) {
                f = b ^ c ^ d;
                g = (3 * i + 5) % 16;
            } else {
                f = c ^ (b | (~d));
                g = (7 * i) % 16;
            }
            uint32_t t = d;
            d = c;
            c = b;
            b = b + LEFTROTATE((a + f + md_k[i] + w[g]), md_r[i]);
            a = t;
        }
        h0 += a;
        h1 += b;
        h2 += c;
        h3 += d;
    }
    return (int)(h0 ^ h1 ^ h2 ^ h3);
}
/* ---- picojpeg-like: a reader by a callback, bit buffer ---- */
static const unsigned char jdata[64] = {0xff, 0xd8, 0xff, 0xc4, 0, 20, 1, 2, 3};
static unsigned jpos;
static unsigned char jbuf[16];
static unsigned char joff, jleft;
static uint16_t bitbuf;
static uint8_t bitsleft;
typedef unsigned char (*need_bytes)(unsigned char *buf, unsigned char n, unsigned char *read,
                                    void *user);
static unsigned char jneed(unsigned char *buf, unsigned char n, unsigned char *read, void *user)
{
    unsigned k = sizeof jdata - jpos < n ? sizeof jdata - jpos : n;
    memcpy(buf, jdata + jpos, k);
    jpos += k;
    *read = (unsigned char)k;
    return 0;
}
static need_bytes jcall;
static unsigned char getc_(void)
{
    if (!jleft) {
        joff = 0;
        jcall(jbuf, 16, &jleft, NULL);
        if (!jleft)
            return 0;
    }
    jleft--;
    return jbuf[joff++];
}
static uint16_t getbits(uint8_t n)
{
    uint8_t on = n;
    uint16_t ret = bitbuf;
    if (n > 8) {
        n -= 8;
        bitbuf = (uint16_t)(bitbuf << bitsleft);
        bitbuf |= getc_();
        bitbuf = (uint16_t)(bitbuf << (8 - bitsleft));
        ret = (ret & 0xff00) | (bitbuf >> 8);
    }
    if (bitsleft < n) {
        bitbuf = (uint16_t)(bitbuf << bitsleft);
        bitbuf |= getc_();
        bitbuf = (uint16_t)(bitbuf << (n - bitsleft));
        bitsleft = (uint8_t)(8 - (n - bitsleft));
    } else {
        bitsleft = (uint8_t)(bitsleft - n);
        bitbuf = (uint16_t)(bitbuf << n);
    }
    return ret >> (16 - on);
}
R(picojpeg)
{
    jcall = jneed;
    int s = 0;
    bitsleft = 8;
    bitbuf = (uint16_t)(getc_() << 8);
    bitbuf |= getc_();
    for (int i = 0; i < 60; i++)
        s += getbits((uint8_t)(1 + i % 9));
    return s;
}
/* ---- qrduino: a frame in bits, set by macros ---- */
static unsigned char strinbuf[200], qrframe[600];
static unsigned char WD = 41, WDB = 6;
#define SETQRBIT(x, y) qrframe[((x) >> 3) + (y)*WDB] |= 0x80 >> ((x)&7)
#define QRBIT(x, y) ((qrframe[((x) >> 3) + (y)*WDB] >> (7 - ((x)&7))) & 1)
R(qrduino)
{
    for (unsigned char y = 0; y < WD; y++)
        for (unsigned char x = 0; x < WD; x++)
            if ((x * y) % 3 == 0)
                SETQRBIT(x, y);
    for (unsigned i = 0; i < 100; i++)
        strinbuf[i] = (unsigned char)i;
    for (int i = 98; i >= 0; i--) {
        strinbuf[i + 1] |= (unsigned char)(strinbuf[i] << 4);
        strinbuf[i] = strinbuf[i] >> 4;
    }
    int n = 0;
    for (unsigned char y = 0; y < WD; y++)
        for (unsigned char x = 0; x < WD; x++)
            n += QRBIT(x, y);
    return n;
}
/* ---- depthconv / int8 network ---- */
static int8_t dw_in[10][10][4], dw_k[3][3][4];
static int32_t dw_out[8][8][4];
R(depthconv)
{
    for (int i = 0; i < 100; i++)
        for (int c = 0; c < 4; c++)
            dw_in[i / 10][i % 10][c] = (int8_t)(i - c);
    for (int i = 0; i < 9; i++)
        for (int c = 0; c < 4; c++)
            dw_k[i / 3][i % 3][c] = (int8_t)(c - i);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            for (int c = 0; c < 4; c++) {
                int32_t acc = 0;
                for (int ky = 0; ky < 3; ky++)
                    for (int kx = 0; kx < 3; kx++)
                        acc += dw_in[y + ky][x + kx][c] * dw_k[ky][kx][c];
                dw_out[y][x][c] = acc;
            }
    return dw_out[2][3][1];
}
/* ---- xgboost-like: trees in tables ---- */
typedef struct {
    uint8_t feat;
    int16_t thresh;
    int8_t left, right;
} xnode;
static const xnode xtree[3][7] = {{{0, 10, 1, 2},
                                   {1, 5, 3, 4},
                                   {2, 7, 5, 6},
                                   {0, 1, -1, -1},
                                   {0, 2, -1, -1},
                                   {0, 3, -1, -1},
                                   {0, 4, -1, -1}},
                                  {{2, 10, 1, 2}, {1, 5, -1, -1}, {2, 7, -1, -1}},
                                  {{1, 0, 1, 2}, {1, 5, -1, -1}, {2, 7, -1, -1}}};
R(xgboost)
{
    int s = 0;
    for (int x = 0; x < 20; x++) {
        int f[3] = {x, x / 2, 20 - x};
        for (int t = 0; t < 3; t++) {
            int n = 0;
            while (xtree[t][n].left >= 0)
                n = f[xtree[t][n].feat] < xtree[t][n].thresh ? xtree[t][n].left : xtree[t][n].right;
            s += xtree[t][n].thresh;
        }
    }
    return s;
}
