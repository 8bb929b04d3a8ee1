#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_N 64
static int32_t a[MAX_N * MAX_N], b[MAX_N * MAX_N];
/* a byte with n, then two n by n matrices of bytes; answers n by n sums of 32 bits */
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < 1)
        return -1;
    size_t n = in[0];
    if (n == 0 || n > MAX_N)
        return -2;
    if (in_len != 1 + 2 * n * n)
        return -3;
    if (out_cap < 4 * n * n)
        return -4;
    const uint8_t *p = in + 1;
    for (size_t i = 0; i < n * n; i++)
        a[i] = (int8_t)*p++;
    for (size_t i = 0; i < n * n; i++)
        b[i] = (int8_t)*p++;
    uint8_t *q = out;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            int32_t sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += a[i * n + k] * b[k * n + j];
            memcpy(q, &sum, sizeof sum);
            q += sizeof sum;
        }
    return q - out;
}
