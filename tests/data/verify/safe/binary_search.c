#include <stdint.h>
#include <stddef.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < 1)
        return -1;
    uint8_t want = in[0];
    size_t lo = 1, hi = in_len;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (in[mid] == want)
            return (int64_t)mid;
        if (in[mid] < want)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}
