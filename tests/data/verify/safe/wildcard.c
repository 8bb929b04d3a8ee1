/* Does the pattern before the first zero byte match what is behind it? Stars and question marks. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)out;
    (void)out_cap;
    size_t plen = 0;
    while (plen < in_len && in[plen] != 0)
        plen++;
    if (plen == in_len)
        return -1;
    const uint8_t *s = in + plen + 1;
    size_t slen = in_len - plen - 1, p = 0, i = 0, star = plen, mark = 0;
    while (i < slen) {
        if (p < plen && (in[p] == '?' || in[p] == s[i]) && in[p] != '*') {
            p++;
            i++;
        } else if (p < plen && in[p] == '*') {
            star = p++;
            mark = i;
        } else if (star < plen) {
            p = star + 1;
            i = ++mark;
        } else
            return 0;
    }
    while (p < plen && in[p] == '*')
        p++;
    return p == plen;
}
