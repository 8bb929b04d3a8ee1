#include <stdint.h>
#include <stddef.h>
static int64_t pack(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    size_t o = 0, i = 0;
    while (i < n) {
        size_t run = 1;
        while (i + run < n && run < 255 && in[i + run] == in[i])
            run++;
        if (cap - o < 2)
            return -1;
        out[o++] = (uint8_t)run;
        out[o++] = in[i];
        i += run;
    }
    return (int64_t)o;
}
static int64_t unpack(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    size_t o = 0;
    for (size_t i = 0; i + 1 < n; i += 2) {
        size_t run = in[i];
        if (run > cap - o)
            return -1;
        for (size_t k = 0; k < run; k++)
            out[o++] = in[i + 1];
    }
    return (int64_t)o;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len == 0)
        return -1;
    return in[0] == 'p' ? pack(in + 1, in_len - 1, out, out_cap)
                        : unpack(in + 1, in_len - 1, out, out_cap);
}
