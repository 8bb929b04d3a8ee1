#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX 4096
static uint32_t heap[MAX];
static void sift_down(uint32_t *a, size_t root, size_t n)
{
    while (2 * root + 1 < n) {
        size_t child = 2 * root + 1;
        if (child + 1 < n && a[child] < a[child + 1])
            child++;
        if (a[root] >= a[child])
            return;
        uint32_t t = a[root];
        a[root] = a[child];
        a[child] = t;
        root = child;
    }
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t n = in_len / 4;
    if (n > MAX || n * 4 > out_cap)
        return -1;
    memcpy(heap, in, n * 4);
    for (size_t i = n / 2; i-- > 0;)
        sift_down(heap, i, n);
    for (size_t end = n; end > 1; end--) {
        uint32_t t = heap[0];
        heap[0] = heap[end - 1];
        heap[end - 1] = t;
        sift_down(heap, 0, end - 1);
    }
    memcpy(out, heap, n * 4);
    return (int64_t)(n * 4);
}
