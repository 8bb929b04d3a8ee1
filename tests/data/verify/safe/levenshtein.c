#include <stdint.h>
#include <stddef.h>
#include <string.h>
#define MAX 64
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint8_t row[MAX + 1];
    size_t n = 0;
    while (n < in_len && in[n] != '\n')
        n++;
    if (n == in_len || n > MAX || in_len - n - 1 > MAX)
        return -1;
    const uint8_t *b = in + n + 1;
    size_t m = in_len - n - 1;
    for (size_t j = 0; j <= m; j++)
        row[j] = (uint8_t)j;
    for (size_t i = 1; i <= n; i++) {
        uint8_t diagonal = row[0];
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= m; j++) {
            uint8_t up = row[j], cost = in[i - 1] == b[j - 1] ? 0 : 1;
            uint8_t best = (uint8_t)(diagonal + cost);
            if (up + 1 < best)
                best = (uint8_t)(up + 1);
            if (row[j - 1] + 1 < best)
                best = (uint8_t)(row[j - 1] + 1);
            row[j] = best;
            diagonal = up;
        }
    }
    return row[m];
}
