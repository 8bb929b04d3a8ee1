/* MD5 of whole blocks, its state in a structure. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct md5 {
    uint32_t a, b, c, d;
};
static const uint8_t turn[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
static uint32_t roll(uint32_t x, unsigned n)
{
    return n == 0 ? x : x << (n & 31) | x >> ((32 - n) & 31);
}
static void block(struct md5 *s, const uint8_t *p)
{
    uint32_t w[16], a = s->a, b = s->b, c = s->c, d = s->d;
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] | (uint32_t)p[4 * i + 1] << 8 | (uint32_t)p[4 * i + 2] << 16 |
               (uint32_t)p[4 * i + 3] << 24;
    for (int i = 0; i < 64; i++) {
        uint32_t f;
        int g;
        switch (i / 16) {
        case 0:
            f = (b & c) | (~b & d);
            g = i;
            break;
        case 1:
            f = (d & b) | (~d & c);
            g = (5 * i + 1) % 16;
            break;
        case 2:
            f = b ^ c ^ d;
            g = (3 * i + 5) % 16;
            break;
        default:
            f = c ^ (b | ~d);
            g = 7 * i % 16;
        }
        uint32_t t = d;
        d = c;
        c = b;
        b += roll(a + f + 0x5a827999u * (uint32_t)i + w[g], turn[i / 16][i % 4]);
        a = t;
    }
    s->a += a;
    s->b += b;
    s->c += c;
    s->d += d;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct md5 s = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    if (out_cap < 16)
        return -1;
    for (size_t i = 0; in_len - i >= 64; i += 64)
        block(&s, in + i);
    uint32_t r[4] = {s.a, s.b, s.c, s.d};
    for (int i = 0; i < 16; i++)
        out[i] = (uint8_t)(r[i / 4] >> (i % 4 * 8));
    return 16;
}
