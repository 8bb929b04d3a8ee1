/* Quoted-printable, decoded: =XX, and = at a line's end. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t n = 0, i = 0;
    while (i < in_len) {
        uint8_t c = in[i++];
        if (c == '=') {
            if (i < in_len && in[i] == '\n') {
                i++;
                continue;
            }
            if (in_len - i < 2)
                return -1;
            int a = digit(in[i]), b = digit(in[i + 1]);
            if (a < 0 || b < 0)
                return -1;
            c = (uint8_t)(a << 4 | b);
            i += 2;
        }
        if (n == out_cap)
            return -2;
        out[n++] = c;
    }
    return (int64_t)n;
}
