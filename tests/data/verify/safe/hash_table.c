/* Words counted in a table with open addressing. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slot {
    uint32_t key, count;
};
static struct slot slots[256];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    memset(slots, 0, sizeof slots);
    uint32_t used = 0, most = 0;
    for (size_t i = 0; i < in_len;) {
        while (i < in_len && in[i] == ' ')
            i++;
        uint32_t h = 5381;
        size_t first = i;
        for (; i < in_len && in[i] != ' '; i++)
            h = h * 33 + in[i];
        if (i == first)
            break;
        h |= 1;
        uint32_t at = h % 256;
        for (int tries = 0; tries < 256 && slots[at].key != 0 && slots[at].key != h; tries++)
            at = (at + 1) % 256;
        if (slots[at].key != h) {
            if (used == 255)
                return -1;
            used++;
            slots[at].key = h;
            slots[at].count = 0;
        }
        if (++slots[at].count > most)
            most = slots[at].count;
    }
    if (out_cap > 0)
        out[0] = (uint8_t)used;
    return most;
}
