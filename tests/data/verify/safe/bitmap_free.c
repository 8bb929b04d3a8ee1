/* Numbers from a bitmap: the first that is free. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define BITS 4096
static uint64_t map[BITS / 64];
static int find_free(void)
{
    for (int w = 0; w < BITS / 64; w++)
        if (~map[w])
            return w * 64 + __builtin_ctzll(~map[w]);
    return -1;
}
static void set(int b)
{
    map[b >> 6] |= 1ull << (b & 63);
}
static void clear(int b)
{
    map[b >> 6] &= ~(1ull << (b & 63));
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t o = 0;
    for (size_t i = 0; i + 3 <= in_len; i += 3) {
        int b = in[i + 1] | in[i + 2] << 8;
        switch (in[i]) {
        case 'a':
            b = find_free();
            if (b >= 0) {
                set(b);
            }
            break;
        case 'f':
            if (b >= BITS)
                return -1;
            clear(b);
            break;
        case 't':
            if (b >= BITS)
                return -1;
            b = (map[b / 64] >> (b % 64)) & 1;
            break;
        case 'r':
            memset(map, 0, sizeof map);
            break;
        default:
            return -1;
        }
        if (o + 2 > out_cap)
            return -1;
        out[o++] = (uint8_t)b;
        out[o++] = (uint8_t)(b >> 8);
    }
    return (int64_t)o;
}
