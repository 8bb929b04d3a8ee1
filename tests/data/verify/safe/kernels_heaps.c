/* Programs without input, in the manner of small benchmark sets: a heap of their own in a static
 * array, lists and trees with addresses in them, records that are moved, handlers in structures. */
#include <stdint.h>
#include <string.h>
#include <stdbool.h>
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
