/* The value of the header "content-length" of a request. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)out;
    (void)out_cap;
    static const char name[] = "content-length:";
    for (size_t at = 0; at < in_len;) {
        size_t k = 0;
        while (k < sizeof name - 1 && at + k < in_len && lower(in[at + k]) == (uint8_t)name[k])
            k++;
        if (k == sizeof name - 1) {
            size_t i = at + k;
            int64_t v = 0;
            while (i < in_len && in[i] == ' ')
                i++;
            if (i == in_len || in[i] < '0' || in[i] > '9')
                return -1;
            for (; i < in_len && in[i] >= '0' && in[i] <= '9'; i++) {
                v = v * 10 + (in[i] - '0');
                if (v > 1 << 30)
                    return -2;
            }
            return v;
        }
        while (at < in_len && in[at] != '\n')
            at++;
        at++;
    }
    return -3;
}
