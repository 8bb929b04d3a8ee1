/* A maze of fixed size, searched with a queue. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define W 32
#define H 32
static uint8_t seen[H][W];
static uint16_t queue[W * H];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < W * H)
        return -1;
    memset(seen, 0, sizeof seen);
    unsigned head = 0, tail = 0;
    queue[tail++] = 0;
    seen[0][0] = 1;
    static const int dx[4] = {1, -1, 0, 0}, dy[4] = {0, 0, 1, -1};
    while (head < tail) {
        unsigned c = queue[head++];
        int x = (int)(c % W), y = (int)(c / W);
        for (int d = 0; d < 4; d++) {
            int nx = x + dx[d], ny = y + dy[d];
            if (nx < 0 || ny < 0 || nx >= W || ny >= H)
                continue;
            if (in[ny * W + nx] == '#' || seen[ny][nx])
                continue;
            seen[ny][nx] = 1;
            if (tail >= W * H)
                return -1;
            queue[tail++] = (uint16_t)(ny * W + nx);
        }
    }
    return tail;
}
