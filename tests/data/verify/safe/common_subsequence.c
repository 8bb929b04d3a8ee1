/* The longest common subsequence of two lines. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define M 128
static uint16_t dp[M + 1][M + 1];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    const uint8_t *sep = memchr(in, '\n', in_len);
    if (!sep)
        return -1;
    size_t n = (size_t)(sep - in), m = in_len - n - 1;
    if (n > M || m > M)
        return -1;
    const uint8_t *a = in, *b = sep + 1;
    for (size_t i = 0; i <= n; i++)
        dp[i][0] = 0;
    for (size_t j = 0; j <= m; j++)
        dp[0][j] = 0;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++)
            dp[i][j] = a[i - 1] == b[j - 1]
                           ? dp[i - 1][j - 1] + 1
                           : (dp[i - 1][j] > dp[i][j - 1] ? dp[i - 1][j] : dp[i][j - 1]);
    size_t k = dp[n][m], i = n, j = m;
    if (k > out_cap)
        return -1;
    int64_t r = (int64_t)k;
    while (i > 0 && j > 0) {
        if (a[i - 1] == b[j - 1]) {
            if (k == 0)
                return -1;
            out[--k] = a[i - 1];
            i--;
            j--;
        } else if (dp[i - 1][j] >= dp[i][j - 1])
            i--;
        else
            j--;
    }
    return r;
}
