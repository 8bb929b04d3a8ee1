/* SipHash-2-4 with a fixed key. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))
struct sip {
    uint64_t v[4];
};
static void turn(struct sip *s)
{
    s->v[0] += s->v[1];
    s->v[1] = ROTL(s->v[1], 13) ^ s->v[0];
    s->v[0] = ROTL(s->v[0], 32);
    s->v[2] += s->v[3];
    s->v[3] = ROTL(s->v[3], 16) ^ s->v[2];
    s->v[0] += s->v[3];
    s->v[3] = ROTL(s->v[3], 21) ^ s->v[0];
    s->v[2] += s->v[1];
    s->v[1] = ROTL(s->v[1], 17) ^ s->v[2];
    s->v[2] = ROTL(s->v[2], 32);
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct sip s = {
        {0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261, 0x7465646279746573}};
    size_t i = 0;
    for (; in_len - i >= 8; i += 8) {
        uint64_t m;
        memcpy(&m, in + i, 8);
        s.v[3] ^= m;
        turn(&s);
        turn(&s);
        s.v[0] ^= m;
    }
    uint64_t last = (uint64_t)in_len << 56;
    for (unsigned k = 0; i + k < in_len; k++)
        last |= (uint64_t)in[i + k] << (8 * k & 63);
    s.v[3] ^= last;
    turn(&s);
    turn(&s);
    s.v[0] ^= last;
    s.v[2] ^= 0xff;
    for (int k = 0; k < 4; k++)
        turn(&s);
    uint64_t h = s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
    if (out_cap < sizeof h)
        return -1;
    memcpy(out, &h, sizeof h);
    return 8;
}
