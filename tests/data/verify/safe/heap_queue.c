/* A priority queue of the smallest 64 bytes of the body. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct queue {
    uint8_t items[64];
    int count;
};
static void push(struct queue *q, uint8_t v)
{
    if (q->count >= 64)
        return;
    int i = q->count++;
    while (i > 0 && q->items[(i - 1) / 2] < v) {
        q->items[i] = q->items[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    q->items[i] = v;
}
static uint8_t pop(struct queue *q)
{
    uint8_t top = q->items[0], last = q->items[--q->count];
    int i = 0;
    for (;;) {
        int c = 2 * i + 1;
        if (c >= q->count)
            break;
        if (c + 1 < q->count && q->items[c + 1] > q->items[c])
            c++;
        if (q->items[c] <= last)
            break;
        q->items[i] = q->items[c];
        i = c;
    }
    q->items[i] = last;
    return top;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    static struct queue q;
    q.count = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (q.count == 64) {
            if (in[i] >= q.items[0])
                continue;
            pop(&q);
        }
        push(&q, in[i]);
    }
    size_t n = 0;
    while (q.count > 0 && n < out_cap)
        out[n++] = pop(&q);
    return (int64_t)n;
}
