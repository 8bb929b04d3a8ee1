#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
static bool continuation(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t i = 0, count = 0;
    while (i < in_len) {
        uint8_t c = in[i];
        size_t n = c < 0x80                 ? 1
                   : c >= 0xc2 && c <= 0xdf ? 2
                   : (c & 0xf0) == 0xe0     ? 3
                   : c >= 0xf0 && c <= 0xf4 ? 4
                                            : 0;
        if (n == 0 || n > in_len - i)
            return -1;
        for (size_t k = 1; k < n; k++)
            if (!continuation(in[i + k]))
                return -1;
        if (n == 3 && c == 0xe0 && in[i + 1] < 0xa0)
            return -1;
        if (n == 4 && c == 0xf0 && in[i + 1] < 0x90)
            return -1;
        i += n;
        count++;
    }
    return (int64_t)count;
}
