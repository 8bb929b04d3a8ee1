#include <stdint.h>
#include <stddef.h>
#include <string.h>
#define N 16
static float a[N][N], b[N][N], c[N][N];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len != sizeof a + sizeof b || out_cap < sizeof c)
        return -1;
    memcpy(a, in, sizeof a);
    memcpy(b, in + sizeof a, sizeof b);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            float s = 0;
            for (int k = 0; k < N; k++)
                s += a[i][k] * b[k][j];
            c[i][j] = s;
        }
    memcpy(out, c, sizeof c);
    return sizeof c;
}
