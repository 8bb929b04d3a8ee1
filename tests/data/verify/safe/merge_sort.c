#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX 2048
struct record {
    uint32_t key;
    uint32_t value;
};
static struct record items[MAX], spare[MAX];
static void merge(struct record *dst, const struct record *src, size_t lo, size_t mid, size_t hi)
{
    size_t i = lo, j = mid;
    for (size_t k = lo; k < hi; k++) {
        if (i < mid && (j >= hi || src[i].key <= src[j].key))
            dst[k] = src[i++];
        else
            dst[k] = src[j++];
    }
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t n = in_len / sizeof(struct record);
    if (n > MAX)
        return -1;
    if (out_cap < n * sizeof(struct record))
        return -2;
    memcpy(items, in, n * sizeof(struct record));
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t mid = lo + width < n ? lo + width : n;
            size_t hi = lo + 2 * width < n ? lo + 2 * width : n;
            merge(spare, items, lo, mid, hi);
        }
        memcpy(items, spare, n * sizeof(struct record));
    }
    memcpy(out, items, n * sizeof(struct record));
    return (int64_t)(n * sizeof(struct record));
}
