/* Kernels without input, in the manner of suites for embedded and numeric programs, more. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <math.h>
#define R(name) int name(void)

/* ---- susan-ish: brightness table with pointer into its middle ---- */
static unsigned char bp_table[516], img[20 * 20];
static int rimg[400];
R(susan)
{
    unsigned char *bp = bp_table + 258;
    for (int k = -256; k < 257; k++) {
        float t = (float)k / 20.f;
        t = t * t;
        t = t * t * t;
        t = 100.0f * expf(-t);
        bp[k] = (unsigned char)t;
    }
    for (int i = 0; i < 400; i++)
        img[i] = (unsigned char)(i * 3);
    for (int i = 3; i < 17; i++)
        for (int j = 3; j < 17; j++) {
            unsigned char *p = img + (i - 3) * 20 + j - 1, *cp = bp + img[i * 20 + j];
            int n = 100;
            n += *(cp - *p++);
            n += *(cp - *p++);
            n += *(cp - *p);
            p += 17;
            n += *(cp - *p);
            rimg[i * 20 + j] = n;
        }
    return rimg[63];
}
/* ---- fft with sine table; bit reversal ---- */
static float re[64], im[64], sn[32], cs[32];
R(fft1)
{
    for (int i = 0; i < 32; i++) {
        sn[i] = sinf((float)i * 0.098f);
        cs[i] = cosf((float)i * 0.098f);
    }
    for (int i = 0; i < 64; i++) {
        re[i] = (float)i;
        im[i] = 0;
    }
    for (int i = 0, j = 0; i < 63; i++) {
        if (i < j) {
            float t = re[i];
            re[i] = re[j];
            re[j] = t;
        }
        int k = 32;
        while (k <= j) {
            j -= k;
            k >>= 1;
        }
        j += k;
    }
    for (int le = 1, st = 32; le < 64; le *= 2, st /= 2)
        for (int j = 0; j < le; j++)
            for (int i = j; i < 64; i += 2 * le) {
                float tr = cs[j * st] * re[i + le] - sn[j * st] * im[i + le];
                re[i + le] = re[i] - tr;
                re[i] += tr;
            }
    return re[1] > 0;
}
/* ---- deg2rad, iir, lpc, mpeg idct row ---- */
static int blk[64];
static short iclip[1024], *iclp;
static void idctrow(int *b)
{
    int x0, x1, x4;
    if (!((x1 = b[4] << 11) | (x4 = b[1]))) {
        b[0] = b[1] = b[2] = b[3] = b[4] = b[5] = b[6] = b[7] = b[0] << 3;
        return;
    }
    x0 = (b[0] << 11) + 128;
    b[0] = (x0 + x1) >> 8;
    b[7] = (x0 - x4) >> 8;
}
static void idctcol(int *b)
{
    int v = (b[8 * 0] + 32) >> 6;
    b[0] = iclp[v < -512 ? -512 : v > 511 ? 511 : v];
}
R(mpeg_idct)
{
    iclp = iclip + 512;
    for (int i = -512; i < 512; i++)
        iclp[i] = (short)((i < -256) ? -256 : ((i > 255) ? 255 : i));
    for (int i = 0; i < 64; i++)
        blk[i] = i * 5 - 100;
    for (int i = 0; i < 8; i++)
        idctrow(blk + 8 * i);
    for (int i = 0; i < 8; i++)
        idctcol(blk + i);
    return blk[0];
}
static int filt_x[8], filt_c[8] = {1, 2, 3, 4, 4, 3, 2, 1};
R(fir_circular)
{
    int acc = 0;
    unsigned pos = 0;
    for (int n = 0; n < 200; n++) {
        filt_x[pos & 7] = n * 3 % 50;
        for (unsigned k = 0; k < 8; k++)
            acc += filt_c[k] * filt_x[(pos - k) & 7];
        pos++;
    }
    return acc;
}
/* ---- CoreMark-like: list in an array by address, matrix, state machine ---- */
enum st { ST_START, ST_INT, ST_FLOAT, ST_INVALID, ST_EXP, NUM };
static enum st next_state(const uint8_t **in, uint32_t *counts)
{
    const uint8_t *s = *in;
    uint8_t c;
    enum st state = ST_START;
    for (; *s && state != ST_INVALID; s++) {
        c = *s;
        if (c == ',') {
            s++;
            break;
        }
        switch (state) {
        case ST_START:
            if (c >= '0' && c <= '9')
                state = ST_INT;
            else if (c == '.')
                state = ST_FLOAT;
            else {
                state = ST_INVALID;
                counts[ST_INVALID]++;
            }
            counts[ST_START]++;
            break;
        case ST_INT:
            if (c == '.') {
                state = ST_FLOAT;
                counts[ST_INT]++;
            } else if (!(c >= '0' && c <= '9')) {
                state = ST_INVALID;
                counts[ST_INT]++;
            }
            break;
        case ST_FLOAT:
            if (c == 'e') {
                state = ST_EXP;
                counts[ST_FLOAT]++;
            }
            break;
        default:
            break;
        }
    }
    *in = s;
    return state;
}
R(coremark_state)
{
    static uint32_t fin[NUM], tr[NUM];
    const uint8_t *p = (const uint8_t *)"5012,1.25e3,T0.3e-1F,-4.2,+9,.5e,99x,";
    while (*p) {
        enum st s = next_state(&p, tr);
        fin[s]++;
    }
    return (int)fin[ST_INT];
}
struct ldata {
    int16_t data16, idx;
};
struct lhead {
    struct lhead *next;
    struct ldata *info;
};
static struct lhead heads[40];
static struct ldata datas[40];
static struct lhead *list_reverse(struct lhead *l)
{
    struct lhead *next = NULL, *t;
    while (l) {
        t = l->next;
        l->next = next;
        next = l;
        l = t;
    }
    return next;
}
R(coremark_list)
{
    for (int i = 0; i < 40; i++) {
        heads[i].next = i < 39 ? &heads[i + 1] : NULL;
        heads[i].info = &datas[i];
        datas[i].data16 = (int16_t)(i * 37 % 41);
        datas[i].idx = (int16_t)i;
    }
    struct lhead *l = list_reverse(heads);
    /* merge sort, bottom up */
    int insize = 1, n;
    do {
        struct lhead *p = l, *q, *e, *tail = NULL;
        int ps, qs;
        l = NULL;
        n = 0;
        while (p) {
            n++;
            q = p;
            ps = 0;
            for (int i = 0; i < insize; i++) {
                ps++;
                q = q->next;
                if (!q)
                    break;
            }
            qs = insize;
            while (ps > 0 || (qs > 0 && q)) {
                if (ps == 0) {
                    e = q;
                    q = q->next;
                    qs--;
                } else if (qs == 0 || !q) {
                    e = p;
                    p = p->next;
                    ps--;
                } else if (p->info->data16 <= q->info->data16) {
                    e = p;
                    p = p->next;
                    ps--;
                } else {
                    e = q;
                    q = q->next;
                    qs--;
                }
                if (tail)
                    tail->next = e;
                else
                    l = e;
                tail = e;
            }
            p = q;
        }
        if (tail)
            tail->next = NULL;
        insize *= 2;
    } while (n > 1);
    int s = 0;
    for (struct lhead *p = l; p; p = p->next)
        s = s * 3 + p->info->data16;
    return s & 0xffff;
}
/* ---- Dhrystone-ish: records through pointers, unions, strings ---- */
typedef enum { Id1, Id2, Id3 } En;
typedef struct rec {
    struct rec *Ptr;
    En Discr;
    union {
        struct {
            En E;
            int I;
            char S[31];
        } v1;
        struct {
            char c1, c2;
        } v3;
    } variant;
} Rec;
static Rec g1, g2;
static Rec *Ptr_Glob, *Next;
static int Arr1[50], Arr2[50][50];
static char Ch1 = 'A';
static void Proc7(int a, int b, int *r)
{
    *r = a + 2 + b;
}
static void Proc3(Rec **p)
{
    if (Ptr_Glob)
        *p = Ptr_Glob->Ptr;
    Proc7(10, 5, &Ptr_Glob->variant.v1.I);
}
static void Proc1(Rec *p)
{
    Rec *n = p->Ptr;
    *p->Ptr = *Ptr_Glob;
    p->variant.v1.I = 5;
    n->variant.v1.I = p->variant.v1.I;
    n->Ptr = p->Ptr;
    Proc3(&n->Ptr);
    if (n->Discr == Id1)
        n->variant.v1.I = 6;
    else
        *p = *p->Ptr;
}
static void Proc8(int a1[50], int a2[50][50], int i, int v)
{
    int l = i + 5;
    a1[l] = v;
    a1[l + 1] = a1[l];
    a1[l + 30] = l;
    for (int k = l; k <= l + 1; ++k)
        a2[l][k] = l;
    a2[l][l - 1] += 1;
    a2[l + 20][l] = a1[l];
}
R(dhry)
{
    char s1[31], s2[31];
    int i1, i2, i3 = 0;
    Next = &g2;
    Ptr_Glob = &g1;
    Ptr_Glob->Ptr = Next;
    Ptr_Glob->Discr = Id1;
    Ptr_Glob->variant.v1.E = Id3;
    Ptr_Glob->variant.v1.I = 40;
    strcpy(Ptr_Glob->variant.v1.S, "DHRYSTONE PROGRAM, SOME STRING");
    strcpy(s1, "DHRYSTONE PROGRAM, 1'ST STRING");
    Arr2[8][7] = 10;
    for (int run = 1; run <= 50; ++run) {
        i1 = 2;
        i2 = 3;
        strcpy(s2, "DHRYSTONE PROGRAM, 2'ND STRING");
        int b = strcmp(s1, s2) > 0;
        (void)b;
        while (i1 < i2) {
            i3 = 5 * i1 - i2;
            Proc7(i1, i2, &i3);
            i1 += 1;
        }
        Proc8(Arr1, Arr2, i1, i3);
        Proc1(Ptr_Glob);
        for (char c = 'A'; c <= Ch1 + 1; ++c)
            i3 += c;
        i2 = i2 * i1;
        i1 = i2 / i3;
        i2 = 7 * (i2 - i3) - i1;
    }
    return i1;
}
