#include <stdint.h>
#include <stddef.h>
/* Keeps the last 256 bytes of all calls. */
static uint8_t ring[256];
static size_t head, size;
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    for (size_t i = 0; i < in_len; i++) {
        ring[head] = in[i];
        head = (head + 1) % 256;
        if (size < 256)
            size++;
    }
    size_t n = size < out_cap ? size : out_cap;
    for (size_t i = 0; i < n; i++)
        out[i] = ring[(head + 256 - n + i) % 256];
    return (int64_t)n;
}
