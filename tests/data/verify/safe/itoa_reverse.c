#include <stdint.h>
#include <stddef.h>
#include <string.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint64_t v;
    char text[24];
    int n = 0;
    if (in_len < 8)
        return -1;
    memcpy(&v, in, 8);
    do {
        text[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0 && n < 24);
    if ((size_t)n > out_cap)
        return -1;
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)text[n - 1 - i];
    return n;
}
