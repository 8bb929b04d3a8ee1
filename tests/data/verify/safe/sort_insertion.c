#include <stdint.h>
#include <stddef.h>
#include <string.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len > out_cap)
        return -1;
    memcpy(out, in, in_len);
    for (size_t i = 1; i < in_len; i++) {
        uint8_t v = out[i];
        size_t j = i;
        while (j > 0 && out[j - 1] > v) {
            out[j] = out[j - 1];
            j--;
        }
        out[j] = v;
    }
    return (int64_t)in_len;
}
