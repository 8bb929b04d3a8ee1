/* A long decimal number, in hexadecimal. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
struct big {
    uint32_t d[32];
    int n;
};
static void mul_small(struct big *b, uint32_t m, uint32_t c)
{
    for (int i = 0; i < b->n; i++) {
        uint64_t t = (uint64_t)b->d[i] * m + c;
        b->d[i] = (uint32_t)t;
        c = (uint32_t)(t >> 32);
    }
    if (c && b->n < 32)
        b->d[b->n++] = c;
}
static uint32_t div_small(struct big *b, uint32_t m)
{
    uint64_t r = 0;
    for (int i = b->n - 1; i >= 0; i--) {
        r = r << 32 | b->d[i];
        b->d[i] = (uint32_t)(r / m);
        r %= m;
    }
    while (b->n > 0 && b->d[b->n - 1] == 0)
        b->n--;
    return (uint32_t)r;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct big b;
    memset(&b, 0, sizeof b);
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] < '0' || in[i] > '9')
            return -1;
        mul_small(&b, 10, in[i] - '0');
    }
    size_t o = 0;
    while (b.n > 0 && o < out_cap) {
        uint32_t r = div_small(&b, 16);
        out[o++] = "0123456789abcdef"[r];
    }
    for (size_t i = 0; i < o / 2; i++) {
        uint8_t t = out[i];
        out[i] = out[o - 1 - i];
        out[o - 1 - i] = t;
    }
    return (int64_t)o;
}
