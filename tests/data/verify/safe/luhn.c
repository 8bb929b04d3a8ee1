/* Is it a card's number? */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    unsigned sum = 0;
    int twice = 0;
    if (in_len < 12 || in_len > 19)
        return 0;
    for (size_t i = in_len; i-- > 0; twice = !twice) {
        if (in[i] < '0' || in[i] > '9')
            return 0;
        unsigned d = in[i] - '0';
        if (twice) {
            d *= 2;
            if (d > 9)
                d -= 9;
        }
        sum += d;
    }
    if (out_cap > 0)
        out[0] = sum % 10 == 0 ? 'y' : 'n';
    return sum % 10 == 0;
}
