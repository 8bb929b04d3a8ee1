#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_LEN 256
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    const uint8_t *split = memchr(in, '\n', in_len);
    if (!split)
        return -1;
    const uint8_t *s = in, *t = split + 1;
    size_t n = (size_t)(split - in), m = in_len - n - 1;
    if (n > MAX_LEN || m > MAX_LEN)
        return -2;
    unsigned row[MAX_LEN + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = diagonal + (s[i - 1] != t[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    unsigned d = row[m];
    uint8_t text[12];
    size_t k = sizeof text;
    do {
        text[--k] = (uint8_t)('0' + d % 10);
        d /= 10;
    } while (d);
    if (sizeof text - k > out_cap)
        return -3;
    memcpy(out, text + k, sizeof text - k);
    return (int64_t)(sizeof text - k);
}
