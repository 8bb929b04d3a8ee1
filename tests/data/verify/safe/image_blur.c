#include <stdint.h>
#include <stddef.h>
#include <string.h>
#define W 64
#define H 48
static uint8_t a[H][W], b[H][W];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < sizeof a || out_cap < sizeof b)
        return -1;
    memcpy(a, in, sizeof a);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int sum = 0, count = 0;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++) {
                    int yy = y + dy, xx = x + dx;
                    if (yy < 0 || yy >= H || xx < 0 || xx >= W)
                        continue;
                    sum += a[yy][xx];
                    count++;
                }
            b[y][x] = count ? (uint8_t)(sum / count) : 0;
        }
    memcpy(out, b, sizeof b);
    return sizeof b;
}
