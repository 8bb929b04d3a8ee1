/* The longest common subsequence of the body's halves, of at most 128 bytes each. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint8_t table[129][129];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)out;
    (void)out_cap;
    size_t n = in_len / 2;
    if (n > 128)
        n = 128;
    for (size_t i = 0; i <= n; i++)
        table[i][0] = table[0][i] = 0;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= n; j++) {
            if (in[i - 1] == in[n + j - 1])
                table[i][j] = (uint8_t)(table[i - 1][j - 1] + 1);
            else
                table[i][j] = table[i - 1][j] > table[i][j - 1] ? table[i - 1][j] : table[i][j - 1];
        }
    return table[n][n];
}
