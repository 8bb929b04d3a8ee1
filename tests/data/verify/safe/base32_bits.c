#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[33] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t need = (in_len + 4) / 5 * 8;
    if (need > out_cap)
        return -1;
    size_t o = 0;
    uint64_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < in_len; i++) {
        acc = acc << 8 | in[i];
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out[o++] = alphabet[acc >> bits & 31];
        }
    }
    if (bits > 0)
        out[o++] = alphabet[acc << (5 - bits) & 31];
    while (o % 8 != 0)
        out[o++] = '=';
    return (int64_t)o;
}
