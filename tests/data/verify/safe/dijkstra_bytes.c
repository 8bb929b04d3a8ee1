#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Edges "from to weight" of three bytes; the distances from node 0, two bytes each. */
#define NODES 64
#define INFINITE 0xffff
static uint16_t weight[NODES][NODES];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint16_t dist[NODES];
    uint8_t done[NODES] = {0};
    if (out_cap < 2 * NODES || in_len % 3 != 0)
        return -1;
    for (int i = 0; i < NODES; i++) {
        dist[i] = INFINITE;
        for (int j = 0; j < NODES; j++)
            weight[i][j] = INFINITE;
    }
    for (size_t i = 0; i < in_len; i += 3) {
        uint8_t from = in[i], to = in[i + 1];
        if (from >= NODES || to >= NODES)
            return -2;
        weight[from][to] = in[i + 2];
    }
    dist[0] = 0;
    for (int round = 0; round < NODES; round++) {
        int u = -1;
        for (int i = 0; i < NODES; i++)
            if (!done[i] && dist[i] != INFINITE && (u < 0 || dist[i] < dist[u]))
                u = i;
        if (u < 0)
            break;
        done[u] = 1;
        for (int v = 0; v < NODES; v++)
            if (weight[u][v] != INFINITE && dist[u] + weight[u][v] < dist[v])
                dist[v] = (uint16_t)(dist[u] + weight[u][v]);
    }
    for (int i = 0; i < NODES; i++) {
        out[2 * i] = (uint8_t)(dist[i] >> 8);
        out[2 * i + 1] = (uint8_t)dist[i];
    }
    return 2 * NODES;
}
