/* Different words, counted in a table that is emptied before. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define SLOTS 256
struct entry {
    uint8_t key[16];
    uint8_t len;
    uint32_t count;
};
static struct entry table[SLOTS];
static uint32_t hash(const uint8_t *k, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) {
        h ^= k[i];
        h *= 16777619u;
    }
    return h;
}
static struct entry *lookup(const uint8_t *k, size_t n)
{
    uint32_t h = hash(k, n);
    for (uint32_t p = 0; p < SLOTS; p++) {
        struct entry *e = &table[(h + p) % SLOTS];
        if (e->len == 0) {
            memcpy(e->key, k, n);
            e->len = (uint8_t)n;
            e->count = 0;
            return e;
        }
        if (e->len == n && memcmp(e->key, k, n) == 0)
            return e;
    }
    return NULL;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    memset(table, 0, sizeof table);
    size_t i = 0;
    uint32_t words = 0;
    while (i < in_len) {
        while (i < in_len && in[i] <= ' ')
            i++;
        size_t s = i;
        while (i < in_len && in[i] > ' ')
            i++;
        size_t n = i - s;
        if (n == 0)
            break;
        if (n > 16)
            n = 16;
        struct entry *e = lookup(in + s, n);
        if (!e)
            return -1;
        if (e->count++ == 0)
            words++;
    }
    if (out_cap < 4)
        return -1;
    memcpy(out, &words, 4);
    return 4;
}
