#include <stddef.h>
#include <stdint.h>
#include <string.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t i = 0, o = 0;
    while (i < in_len) {
        size_t run = 1;
        while (i + run < in_len && run < 128 && in[i + run] == in[i])
            run++;
        if (run >= 3) {
            if (out_cap - o < 2)
                return -1;
            out[o++] = (uint8_t)(257 - run);
            out[o++] = in[i];
            i += run;
            continue;
        }
        size_t start = i, n = 0;
        while (i < in_len && n < 128) {
            if (i + 2 < in_len && in[i] == in[i + 1] && in[i] == in[i + 2])
                break;
            i++;
            n++;
        }
        if (out_cap - o < n + 1)
            return -1;
        out[o++] = (uint8_t)(n - 1);
        memcpy(&out[o], &in[start], n);
        o += n;
    }
    return (int64_t)o;
}
