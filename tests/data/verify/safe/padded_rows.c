/* Structures with bytes between their fields, copied whole. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
struct mix {
    uint8_t kind;
    uint32_t number;
};
struct item {
    uint8_t key;
    uint16_t n;
    uint64_t v;
    char name[3];
    uint32_t z;
    uint64_t w;
};
static struct mix mixes[8];
static struct item items[16];
static unsigned used;
H(table_of_mixes)
{
    int64_t s = 0;
    for (size_t i = 0; i < in_len && i < 8; i++) {
        struct mix m;
        m.kind = in[i];
        m.number = (uint32_t)i;
        mixes[i] = m;
    }
    for (size_t i = 0; i < 8; i++)
        s += mixes[i].kind + mixes[i].number;
    return s;
}
H(local_table)
{
    struct mix t[4];
    int64_t s = 0;
    unsigned n = 0;
    for (size_t i = 0; i < in_len && n < 4; i++) {
        struct mix m = {in[i], (uint32_t)i};
        t[n++] = m;
    }
    for (unsigned i = 0; i < n; i++)
        s += t[i].number;
    return s;
}
H(sorted_items)
{
    used = 0;
    for (size_t i = 0; i + 4 < in_len && used < 16; i += 4) {
        struct item it;
        it.key = in[i];
        it.n = in[i + 1];
        it.v = i;
        it.z = 1, it.w = 2;
        memset(it.name, 7, 3);
        unsigned k = used++;
        while (k > 0 && items[k - 1].key > it.key) {
            items[k] = items[k - 1];
            k--;
        }
        items[k] = it;
    }
    size_t o = 0;
    for (struct item *p = items; p < items + used && o < out_cap; p++)
        out[o++] = p->key;
    return (int64_t)o;
}
H(zeroed_first)
{
    struct mix m;
    memset(&m, 0, sizeof m);
    m.kind = 1;
    m.number = 2;
    if (out_cap >= sizeof m)
        memcpy(out, &m, sizeof m);
    return 0;
}
H(swap_structs)
{
    if (in_len < 2)
        return 0;
    unsigned a = in[0] & 7, b = in[1] & 7;
    struct mix t = mixes[a];
    mixes[a] = mixes[b];
    mixes[b] = t;
    return mixes[a].number;
}
H(returned_struct)
{
    struct mix m = mixes[in_len & 7];
    struct mix *p = &mixes[0];
    m.number++;
    *p = m;
    return p->number;
}
