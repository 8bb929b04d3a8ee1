/* A kernel without input: sha1. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
typedef struct {
    uint32_t state[5];
    uint32_t count[2];
    uint8_t buffer[64];
} ctx;
#define rol(v, b) (((v) << (b)) | ((v) >> (32 - (b))))
static void transform(uint32_t st[5], const uint8_t buf[64])
{
    uint32_t w[80], a = st[0], b = st[1], c = st[2], d = st[3], e = st[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)buf[4 * i] << 24 | buf[4 * i + 1] << 16 | buf[4 * i + 2] << 8 |
               buf[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5A827999;
        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ED9EBA1;
        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8F1BBCDC;
        } else {
            f = b ^ c ^ d;
            k = 0xCA62C1D6;
        }
        uint32_t t = rol(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rol(b, 30);
        b = a;
        a = t;
    }
    st[0] += a;
    st[1] += b;
    st[2] += c;
    st[3] += d;
    st[4] += e;
}
static void init(ctx *x)
{
    x->state[0] = 0x67452301;
    x->state[1] = 0xEFCDAB89;
    x->state[2] = 0x98BADCFE;
    x->state[3] = 0x10325476;
    x->state[4] = 0xC3D2E1F0;
    x->count[0] = x->count[1] = 0;
}
static void update(ctx *x, const uint8_t *data, size_t len)
{
    size_t i, j = (x->count[0] >> 3) & 63;
    if ((x->count[0] += len << 3) < (len << 3))
        x->count[1]++;
    x->count[1] += len >> 29;
    if (j + len > 63) {
        memcpy(&x->buffer[j], data, (i = 64 - j));
        transform(x->state, x->buffer);
        for (; i + 63 < len; i += 64)
            transform(x->state, &data[i]);
        j = 0;
    } else
        i = 0;
    memcpy(&x->buffer[j], &data[i], len - i);
}
static void final(uint8_t d[20], ctx *x)
{
    uint8_t fc[8], c;
    for (unsigned i = 0; i < 8; i++)
        fc[i] = (uint8_t)(x->count[(i >= 4 ? 0 : 1)] >> ((3 - (i & 3)) * 8));
    c = 0200;
    update(x, &c, 1);
    while ((x->count[0] & 504) != 448) {
        c = 0;
        update(x, &c, 1);
    }
    update(x, fc, 8);
    for (unsigned i = 0; i < 20; i++)
        d[i] = (uint8_t)(x->state[i >> 2] >> ((3 - (i & 3)) * 8));
}
static uint8_t text[1000];
int main(void)
{
    ctx x;
    uint8_t d[20];
    for (int i = 0; i < 1000; i++)
        text[i] = i;
    init(&x);
    for (int i = 0; i < 1000; i += 100)
        update(&x, text + i, 100);
    final(d, &x);
    return d[0];
}
