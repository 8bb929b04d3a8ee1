#include <stdint.h>
#include <stddef.h>
#include <string.h>
static uint32_t heap[1024];
static void sift(size_t root, size_t count)
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count)
            return;
        if (child + 1 < count && heap[child + 1] > heap[child])
            child++;
        if (heap[root] >= heap[child])
            return;
        uint32_t t = heap[root];
        heap[root] = heap[child];
        heap[child] = t;
        root = child;
    }
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t n = in_len / 4;
    if (n > 1024 || n * 4 > out_cap)
        return -1;
    memcpy(heap, in, n * 4);
    for (size_t i = n / 2; i-- > 0;)
        sift(i, n);
    for (size_t end = n; end > 1;) {
        end--;
        uint32_t t = heap[0];
        heap[0] = heap[end];
        heap[end] = t;
        sift(0, end);
    }
    memcpy(out, heap, n * 4);
    return (int64_t)(n * 4);
}
