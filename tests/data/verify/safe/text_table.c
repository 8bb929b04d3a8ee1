#include <stdint.h>
#include <stddef.h>
#include <string.h>
static const char *const names[] = {"zero", "one", "two",   "three", "four",
                                    "five", "six", "seven", "eight", "nine"};
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t o = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] < '0' || in[i] > '9')
            continue;
        const char *name = names[in[i] - '0'];
        for (size_t k = 0; name[k] != 0; k++) {
            if (o == out_cap)
                return -1;
            out[o++] = (uint8_t)name[k];
        }
    }
    return (int64_t)o;
}
