#include <stdint.h>
#include <stddef.h>
#include <string.h>
/* Quicksort with a stack of its own. */
static uint8_t a[256];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    int lo[32], hi[32], top = 0, rounds = 0;
    if (in_len > 256 || in_len > out_cap || in_len == 0)
        return -1;
    memcpy(a, in, in_len);
    memset(lo, 0, sizeof lo);
    memset(hi, 0, sizeof hi);
    lo[0] = 0;
    hi[0] = (int)in_len - 1;
    top = 1;
    while (top > 0 && rounds++ < 1000) {
        top--;
        int l = lo[top], h = hi[top];
        if (l < 0 || h >= (int)in_len || l >= h)
            continue;
        uint8_t pivot = a[h];
        int i = l;
        for (int j = l; j < h; j++)
            if (a[j] < pivot) {
                uint8_t t = a[i];
                a[i] = a[j];
                a[j] = t;
                i++;
            }
        uint8_t t = a[i];
        a[i] = a[h];
        a[h] = t;
        if (top + 2 > 32)
            return -2;
        lo[top] = l;
        hi[top++] = i - 1;
        lo[top] = i + 1;
        hi[top++] = h;
    }
    memcpy(out, a, in_len);
    return (int64_t)in_len;
}
