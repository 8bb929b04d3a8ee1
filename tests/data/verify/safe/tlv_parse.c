#include <stdint.h>
#include <stddef.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t i = 0;
    uint32_t sum = 0;
    while (in_len - i >= 2) {
        uint8_t type = in[i];
        size_t n = in[i + 1];
        i += 2;
        if (n > in_len - i)
            return -1;
        if (type == 1)
            for (size_t k = 0; k < n; k++)
                sum += in[i + k];
        i += n;
    }
    return sum;
}
