/* The value of key "port" in section "server" of an INI file. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static size_t line_end(const uint8_t *p, size_t at, size_t n)
{
    while (at < n && p[at] != '\n')
        at++;
    return at;
}
static int is(const uint8_t *p, size_t len, const char *word, size_t word_len)
{
    return len == word_len && memcmp(p, word, len) == 0;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    int inside = 0;
    for (size_t at = 0; at < in_len;) {
        size_t end = line_end(in, at, in_len), eq = at;
        if (in[at] == '[') {
            size_t close = at + 1;
            while (close < end && in[close] != ']')
                close++;
            inside = is(in + at + 1, close - at - 1, "server", 6);
        } else if (inside) {
            while (eq < end && in[eq] != '=')
                eq++;
            if (eq < end && is(in + at, eq - at, "port", 4)) {
                size_t len = end - eq - 1;
                if (len > out_cap)
                    return -2;
                memcpy(out, in + eq + 1, len);
                return (int64_t)len;
            }
        }
        at = end + 1;
    }
    return -1;
}
