/* Words put into a trie whose nodes are a pool; how many are there. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct node {
    uint16_t child[26];
    uint8_t end;
};
static struct node nodes[500];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)out;
    (void)out_cap;
    uint16_t used = 1, at = 0;
    int words = 0;
    memset(nodes, 0, sizeof nodes);
    for (size_t i = 0; i < in_len; i++) {
        uint8_t c = in[i];
        if (c >= 'a' && c <= 'z') {
            uint16_t next = nodes[at].child[c - 'a'];
            if (next == 0) {
                if (used >= 500)
                    return -1;
                next = used++;
                nodes[at].child[c - 'a'] = next;
            }
            if (next >= 500)
                return -2;
            at = next;
        } else {
            if (at != 0 && !nodes[at].end) {
                nodes[at].end = 1;
                words++;
            }
            at = 0;
        }
    }
    return words;
}
