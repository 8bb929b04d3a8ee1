#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
#include <string.h>
/* Literals, ".", "*" and "?": as a set of states over the pattern. */
#define STATES 64
static bool now[STATES + 1], next[STATES + 1];
static bool match(const uint8_t *pattern, size_t m, const uint8_t *text, size_t n)
{
    memset(now, 0, sizeof now);
    now[0] = true;
    for (size_t t = 0; t <= n; t++) {
        for (size_t p = 0; p + 1 < m; p++)
            if (now[p] && (pattern[p + 1] == '*' || pattern[p + 1] == '?') && p + 2 <= STATES)
                now[p + 2] = true;
        if (t == n)
            break;
        memset(next, 0, sizeof next);
        for (size_t p = 0; p < m; p++) {
            if (!now[p] || (pattern[p] != '.' && pattern[p] != text[t]))
                continue;
            bool star = p + 1 < m && pattern[p + 1] == '*',
                 maybe = p + 1 < m && pattern[p + 1] == '?';
            if (star)
                next[p] = true;
            else if (maybe && p + 2 <= STATES)
                next[p + 2] = true;
            else if (!maybe)
                next[p + 1] = true;
        }
        memcpy(now, next, sizeof now);
    }
    return now[m];
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t m = 0;
    while (m < in_len && in[m] != '\n')
        m++;
    if (m == in_len || m > STATES)
        return -1;
    return match(in, m, in + m + 1, in_len - m - 1);
}
