/* A round of the game of life on a grid that stays. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint8_t grid[32][32], next[32][32];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    for (size_t i = 0; i < in_len && i < 1024; i++)
        grid[i / 32][i % 32] = in[i] == '#';
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 32; x++) {
            int n = 0;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++)
                    if (dx || dy)
                        n += grid[(y + dy + 32) % 32][(x + dx + 32) % 32];
            next[y][x] = n == 3 || (n == 2 && grid[y][x]);
        }
    memcpy(grid, next, sizeof grid);
    if (out_cap < 1024)
        return -1;
    for (size_t i = 0; i < 1024; i++)
        out[i] = grid[i / 32][i % 32] ? '#' : '.';
    return 1024;
}
