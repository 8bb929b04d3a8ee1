#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Is it JSON? An own stack of brackets instead of recursion. */
#define DEPTH 256
struct parser {
    const uint8_t *p, *end;
};
static void skip(struct parser *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
}
static int string(struct parser *s)
{
    if (s->p == s->end || *s->p != '"')
        return 0;
    s->p++;
    while (s->p < s->end) {
        uint8_t c = *s->p++;
        if (c == '"')
            return 1;
        if (c < 32)
            return 0;
        if (c == '\\') {
            if (s->p == s->end)
                return 0;
            c = *s->p++;
            if (c == 'u') {
                if (s->end - s->p < 4)
                    return 0;
                for (int i = 0; i < 4; i++) {
                    uint8_t h = s->p[i];
                    if (!((h >= '0' && h <= '9') || (h >= 'a' && h <= 'f') ||
                          (h >= 'A' && h <= 'F')))
                        return 0;
                }
                s->p += 4;
            } else if (!memchr("\"\\/bfnrt", c, 8)) {
                return 0;
            }
        }
    }
    return 0;
}
static int digits(struct parser *s)
{
    const uint8_t *start = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > start;
}
static int number(struct parser *s)
{
    if (s->p < s->end && *s->p == '-')
        s->p++;
    if (!digits(s))
        return 0;
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!digits(s))
            return 0;
    }
    if (s->p < s->end && (*s->p | 32) == 'e') {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (!digits(s))
            return 0;
    }
    return 1;
}
static int word(struct parser *s, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, w, n) != 0)
        return 0;
    s->p += n;
    return 1;
}
static int valid(const uint8_t *in, size_t n)
{
    struct parser s = {in, in + n};
    char stack[DEPTH];
    int depth = 0;
    for (;;) {
        skip(&s);
        if (s.p == s.end)
            return 0;
        uint8_t c = *s.p;
        if (c == '{' || c == '[') {
            if (depth == DEPTH)
                return 0;
            stack[depth++] = (char)c;
            s.p++;
            skip(&s);
            if (s.p < s.end && *s.p == (c == '{' ? '}' : ']')) {
                s.p++;
                depth--;
            } else {
                if (c == '{') {
                    if (!string(&s))
                        return 0;
                    skip(&s);
                    if (s.p == s.end || *s.p++ != ':')
                        return 0;
                }
                continue;
            }
        } else if (c == '"') {
            if (!string(&s))
                return 0;
        } else if (c == 't') {
            if (!word(&s, "true"))
                return 0;
        } else if (c == 'f') {
            if (!word(&s, "false"))
                return 0;
        } else if (c == 'n') {
            if (!word(&s, "null"))
                return 0;
        } else if (!number(&s)) {
            return 0;
        }
        for (;;) {
            skip(&s);
            if (depth == 0)
                return s.p == s.end;
            if (s.p == s.end)
                return 0;
            c = *s.p++;
            if (c == ',') {
                if (stack[depth - 1] == '{') {
                    skip(&s);
                    if (!string(&s))
                        return 0;
                    skip(&s);
                    if (s.p == s.end || *s.p++ != ':')
                        return 0;
                }
                break;
            }
            if (c != (stack[depth - 1] == '{' ? '}' : ']'))
                return 0;
            depth--;
        }
    }
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (out_cap < 1)
        return -1;
    out[0] = valid(in, in_len) ? '1' : '0';
    return 1;
}
