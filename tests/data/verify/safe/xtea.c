#include <stdint.h>
#include <stddef.h>
#include <string.h>
static void encipher(uint32_t v[2], const uint32_t key[4])
{
    uint32_t v0 = v[0], v1 = v[1], sum = 0;
    for (unsigned i = 0; i < 32; i++) {
        v0 += ((v1 << 4 ^ v1 >> 5) + v1) ^ (sum + key[sum & 3]);
        sum += 0x9e3779b9;
        v1 += ((v0 << 4 ^ v0 >> 5) + v0) ^ (sum + key[sum >> 11 & 3]);
    }
    v[0] = v0;
    v[1] = v1;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t key[4], v[2];
    if (in_len < 16)
        return -1;
    memcpy(key, in, 16);
    in += 16;
    in_len -= 16;
    size_t o = 0;
    while (in_len - o >= 8 && out_cap - o >= 8) {
        memcpy(v, in + o, 8);
        encipher(v, key);
        memcpy(out + o, v, 8);
        o += 8;
    }
    return (int64_t)o;
}
