#include <stdint.h>
#include <stddef.h>
#include <string.h>
static int32_t a[512];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t n = in_len / 4;
    if (n > 512 || out_cap < n * 4)
        return -1;
    memcpy(a, in, n * 4);
    for (size_t gap = n / 2; gap > 0; gap /= 2)
        for (size_t i = gap; i < n; i++) {
            int32_t t = a[i];
            size_t j = i;
            for (; j >= gap && a[j - gap] > t; j -= gap)
                a[j] = a[j - gap];
            a[j] = t;
        }
    memcpy(out, a, n * 4);
    return (int64_t)(n * 4);
}
