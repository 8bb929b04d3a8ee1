#include <stdint.h>
#include <stddef.h>
#include <string.h>
#define MAX 64
static int32_t a[MAX * MAX], b[MAX * MAX], c[MAX * MAX];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t n;
    if (in_len < 4)
        return -1;
    memcpy(&n, in, 4);
    if (n == 0 || n > MAX)
        return -1;
    size_t size = (size_t)n * n * 4;
    if (in_len < 4 + 2 * size || out_cap < size)
        return -1;
    memcpy(a, in + 4, size);
    memcpy(b, in + 4 + size, size);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            uint32_t s = 0;
            for (uint32_t k = 0; k < n; k++)
                s += (uint32_t)a[i * n + k] * (uint32_t)b[k * n + j];
            c[i * n + j] = (int32_t)s;
        }
    memcpy(out, c, size);
    return (int64_t)size;
}
