/* A TCP header and its options: the largest segment size. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct tcp {
    uint16_t from, to;
    uint32_t seq, ack;
    uint8_t length, flags;
    uint16_t window;
};
static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct tcp h;
    if (in_len < 20)
        return -1;
    h.from = get16(in);
    h.to = get16(in + 2);
    h.seq = get32(in + 4);
    h.ack = get32(in + 8);
    h.length = (uint8_t)((in[12] >> 4) * 4);
    h.flags = in[13];
    h.window = get16(in + 14);
    if (h.length < 20 || h.length > in_len)
        return -2;
    for (size_t i = 20; i < h.length;) {
        uint8_t kind = in[i];
        if (kind == 0)
            break;
        if (kind == 1) {
            i++;
            continue;
        }
        if (h.length - i < 2)
            return -3;
        uint8_t len = in[i + 1];
        if (len < 2 || len > h.length - i)
            return -3;
        if (kind == 2 && len == 4)
            return get16(in + i + 2);
        i += len;
    }
    if (out_cap >= sizeof h)
        memcpy(out, &h, 12);
    return h.flags & 2 ? 536 : 0;
}
