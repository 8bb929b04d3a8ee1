/* What an IPv4 packet carries. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
struct ip {
    uint8_t vihl, tos;
    uint16_t len, id, off;
    uint8_t ttl, proto;
    uint16_t sum;
    uint32_t src, dst;
};
static uint16_t be16(uint16_t v)
{
    return (uint16_t)(v >> 8 | v << 8);
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct ip h;
    if (in_len < sizeof h)
        return -1;
    memcpy(&h, in, sizeof h);
    if (h.vihl >> 4 != 4)
        return -2;
    size_t hl = (size_t)(h.vihl & 15) * 4;
    if (hl < 20 || hl > in_len)
        return -3;
    uint32_t s = 0;
    for (size_t i = 0; i < hl; i += 2)
        s += (uint32_t)in[i] << 8 | in[i + 1];
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    if (s != 0xffff)
        return -4;
    size_t tl = be16(h.len);
    if (tl < hl || tl > in_len)
        return -5;
    size_t n = tl - hl;
    if (n > out_cap)
        n = out_cap;
    memcpy(out, in + hl, n);
    return (int64_t)n;
}
