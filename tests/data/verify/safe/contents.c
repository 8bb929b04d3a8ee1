/* What is safe by what arrays hold: links, parents, failures and orders that stay below a number,
 * or below their own index. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)

static int fail[64];
H(kmp)
{
    if (in_len < 1)
        return -1;
    int m = in[0] % 64;
    if (m == 0 || in_len < (size_t)m + 1)
        return -1;
    const uint8_t *p = in + 1;
    int k = 0;
    fail[0] = 0;
    for (int i = 1; i < m; i++) {
        while (k > 0 && p[k] != p[i])
            k = fail[k - 1];
        if (p[k] == p[i])
            k++;
        fail[i] = k;
    }
    int q = 0;
    int64_t hits = 0;
    for (size_t i = 1 + m; i < in_len; i++) {
        while (q > 0 && p[q] != in[i])
            q = fail[q - 1];
        if (p[q] == in[i])
            q++;
        if (q == m) {
            hits++;
            q = fail[q - 1];
        }
    }
    return hits > (int64_t)out_cap ? -2 : 0;
}
H(union_find)
{
    static uint16_t parent[512];
    if (in_len < 2)
        return -1;
    unsigned n = (in[0] | in[1] << 8) % 512;
    for (unsigned i = 0; i < n; i++)
        parent[i] = i;
    unsigned comps = n;
    for (size_t k = 2; k + 3 < in_len; k += 4) {
        unsigned a = in[k] | in[k + 1] << 8, b = in[k + 2] | in[k + 3] << 8;
        if (a >= n || b >= n)
            return -1;
        for (unsigned s = 0; s < n && parent[a] != a; s++)
            a = parent[a];
        for (unsigned s = 0; s < n && parent[b] != b; s++)
            b = parent[b];
        if (a != b) {
            parent[a] = b;
            comps--;
        }
    }
    if (out_cap < 2)
        return -1;
    out[0] = comps;
    out[1] = comps >> 8;
    return 2;
}
H(dijkstra)
{
    static int dist[32], done[32];
    static uint8_t prev[32];
    if (in_len < 2)
        return -1;
    int n = in[0] & 31, src = in[1];
    if (n == 0 || src >= n || in_len < 2 + (size_t)n * n || out_cap < (size_t)n)
        return -1;
    for (int i = 0; i < n; i++) {
        dist[i] = 1 << 20;
        done[i] = 0;
        prev[i] = 255;
    }
    dist[src] = 0;
    for (int r = 0; r < n; r++) {
        int u = -1;
        for (int i = 0; i < n; i++)
            if (!done[i] && (u < 0 || dist[i] < dist[u]))
                u = i;
        if (u < 0)
            break;
        done[u] = 1;
        for (int v = 0; v < n; v++) {
            int c = in[2 + u * n + v];
            if (c && dist[u] + c < dist[v]) {
                dist[v] = dist[u] + c;
                prev[v] = u;
            }
        }
    }
    int last = n - 1, o = 0;
    while (last != src && prev[last] != 255 && o < n) {
        out[o++] = last;
        last = prev[last];
    }
    return o;
}
H(order_of_bytes)
{
    int order[64];
    int n = in_len < 64 ? (int)in_len : 64;
    if (out_cap < (size_t)n)
        return -1;
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (in[order[j]] < in[order[i]]) {
                int swap = order[i];
                order[i] = order[j];
                order[j] = swap;
            }
    for (int i = 0; i < n; i++)
        out[i] = in[order[i]];
    return n;
}
H(work_list)
{
    uint16_t list[100];
    size_t n = in_len < 100 ? in_len : 100, waiting = 0, done = 0;
    for (size_t i = 0; i < n; i++)
        if (in[i] >= 'a')
            list[waiting++] = (uint16_t)i;
    while (waiting > 0 && done < out_cap) {
        uint16_t at = list[--waiting];
        out[done++] = in[at];
    }
    return (int64_t)done;
}
H(ends_at_a_number)
{
    size_t n = in_len < out_cap ? in_len : out_cap;
    for (size_t i = 0; i != n; i++)
        out[i] = in[n - 1 - i];
    return (int64_t)n;
}
