/* Programs without input, in the manner of small benchmark sets: pictures, their rows and blocks,
 * readers of bits, small networks and trees in tables. */
#include <stdint.h>
#include <string.h>
#define R(name) int name(void)
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
