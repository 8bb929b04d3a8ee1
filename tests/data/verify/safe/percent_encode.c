/* URL: what is not plain becomes %XX. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static int plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (plain(in[i])) {
            if (n >= out_cap)
                return -1;
            out[n++] = in[i];
        } else {
            if (out_cap - n < 3)
                return -1;
            out[n++] = '%';
            out[n++] = hex[in[i] >> 4];
            out[n++] = hex[in[i] & 15];
        }
    }
    return (int64_t)n;
}
