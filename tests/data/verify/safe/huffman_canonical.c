/* Codes of canonical order, as deflate has them. */
#include <stddef.h>
#include <stdint.h>
struct bits {
    const uint8_t *p;
    size_t n, pos;
};
static int bit(struct bits *b)
{
    if (b->pos >= b->n * 8)
        return -1;
    int r = b->p[b->pos >> 3] >> (7 - (b->pos & 7)) & 1;
    b->pos++;
    return r;
}
static uint8_t count[16], symbol[256];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < 16)
        return -1;
    unsigned total = 0;
    for (int i = 0; i < 16; i++) {
        count[i] = in[i];
        total += count[i];
    }
    if (total > 256 || in_len < 16 + total)
        return -1;
    for (unsigned i = 0; i < total; i++)
        symbol[i] = in[16 + i];
    struct bits b = {in + 16 + total, in_len - 16 - total, 0};
    size_t o = 0;
    while (o < out_cap) {
        int code = 0, first = 0, index = 0;
        int found = -1;
        for (int len = 0; len < 16; len++) {
            int x = bit(&b);
            if (x < 0)
                return (int64_t)o;
            code |= x;
            int c = count[len];
            if (code - c < first) {
                int at = index + (code - first);
                if (at < 0 || at >= 256)
                    return -1;
                found = symbol[at];
                break;
            }
            index += c;
            first += c;
            first <<= 1;
            code <<= 1;
        }
        if (found < 0)
            return -1;
        out[o++] = (uint8_t)found;
    }
    return (int64_t)o;
}
