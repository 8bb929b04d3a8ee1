#include <stdint.h>
#include <stddef.h>
#include <ctype.h>
static int hex(int c)
{
    return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t o = 0;
    if (out_cap < in_len)
        return -1;
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] == '%' && in_len - i > 2 && isxdigit(in[i + 1]) && isxdigit(in[i + 2])) {
            out[o++] = (uint8_t)(hex(in[i + 1]) * 16 + hex(in[i + 2]));
            i += 2;
        } else {
            out[o++] = in[i] == '+' ? ' ' : in[i];
        }
    }
    return (int64_t)o;
}
