#include <stdint.h>
#include <stddef.h>
#include <string.h>
/* A hash table with chains in a static pool; links are indices. */
#define BUCKETS 64
#define NODES 256
#define NONE 0xffff
struct node {
    uint32_t key;
    uint32_t count;
    uint16_t next;
};
static struct node pool[NODES];
static uint16_t bucket[BUCKETS];
static uint32_t used;
static int count_word(uint32_t key)
{
    uint32_t h = key * 2654435761u >> 26;
    uint16_t at = bucket[h];
    for (unsigned steps = 0; at < NODES && steps < NODES; steps++) {
        if (pool[at].key == key) {
            pool[at].count++;
            return 0;
        }
        at = pool[at].next;
    }
    if (used >= NODES)
        return -1;
    pool[used].key = key;
    pool[used].count = 1;
    pool[used].next = bucket[h];
    bucket[h] = (uint16_t)used++;
    return 0;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    used = 0;
    for (int i = 0; i < BUCKETS; i++)
        bucket[i] = NONE;
    uint32_t key = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] == ' ') {
            if (count_word(key) < 0)
                return -1;
            key = 0;
        } else {
            key = key * 31 + in[i];
        }
    }
    if (out_cap < 4)
        return -1;
    memcpy(out, &used, 4);
    return 4;
}
