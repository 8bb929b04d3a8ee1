#include <stdint.h>
#include <stddef.h>
/* Strips C comments, by a table of states. */
enum { CODE, SLASH, BLOCK, STAR, LINE, STATES };
enum { OTHER, IS_SLASH, IS_STAR, IS_NEWLINE, CLASSES };
static const uint8_t next[STATES][CLASSES] = {
    [CODE] = {CODE, SLASH, CODE, CODE},    [SLASH] = {CODE, LINE, BLOCK, CODE},
    [BLOCK] = {BLOCK, BLOCK, STAR, BLOCK}, [STAR] = {BLOCK, CODE, STAR, BLOCK},
    [LINE] = {LINE, LINE, LINE, CODE},
};
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    unsigned state = CODE;
    size_t o = 0;
    for (size_t i = 0; i < in_len; i++) {
        unsigned class = in[i] == '/'    ? IS_SLASH
                         : in[i] == '*'  ? IS_STAR
                         : in[i] == '\n' ? IS_NEWLINE
                                         : OTHER;
        state = next[state][class];
        if (state == CODE) {
            if (o == out_cap)
                return -1;
            out[o++] = in[i];
        }
    }
    return (int64_t)o;
}
