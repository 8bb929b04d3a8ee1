#include <stdint.h>
#include <stddef.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t count[256] = {0};
    for (size_t i = 0; i < in_len; i++)
        count[in[i]]++;
    size_t seen = 0;
    for (int v = 0; v < 256; v++) {
        seen += count[v];
        if (seen * 2 >= in_len)
            return v;
    }
    return -1;
}
