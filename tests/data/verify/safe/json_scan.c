#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
/* Checks JSON with a stack of its own, 64 deep. */
struct scanner {
    const uint8_t *text;
    size_t length, at;
    uint8_t stack[64];
    unsigned depth;
};
static void blanks(struct scanner *s)
{
    while (s->at < s->length && (s->text[s->at] == ' ' || s->text[s->at] == '\n' ||
                                 s->text[s->at] == '\t' || s->text[s->at] == '\r'))
        s->at++;
}
static bool string(struct scanner *s)
{
    if (s->at >= s->length || s->text[s->at] != '"')
        return false;
    s->at++;
    while (s->at < s->length) {
        uint8_t c = s->text[s->at++];
        if (c == '"')
            return true;
        if (c < 32)
            return false;
        if (c == '\\') {
            if (s->at >= s->length)
                return false;
            uint8_t e = s->text[s->at++];
            if (e == 'u') {
                for (int i = 0; i < 4; i++) {
                    if (s->at >= s->length)
                        return false;
                    uint8_t h = s->text[s->at++];
                    if (!((h >= '0' && h <= '9') || (h >= 'a' && h <= 'f') ||
                          (h >= 'A' && h <= 'F')))
                        return false;
                }
            } else if (e != '"' && e != '\\' && e != '/' && e != 'b' && e != 'f' && e != 'n' &&
                       e != 'r' && e != 't') {
                return false;
            }
        }
    }
    return false;
}
static bool digits(struct scanner *s)
{
    size_t begin = s->at;
    while (s->at < s->length && s->text[s->at] >= '0' && s->text[s->at] <= '9')
        s->at++;
    return s->at > begin;
}
static bool number(struct scanner *s)
{
    if (s->at < s->length && s->text[s->at] == '-')
        s->at++;
    if (!digits(s))
        return false;
    if (s->at < s->length && s->text[s->at] == '.') {
        s->at++;
        if (!digits(s))
            return false;
    }
    if (s->at < s->length && (s->text[s->at] == 'e' || s->text[s->at] == 'E')) {
        s->at++;
        if (s->at < s->length && (s->text[s->at] == '+' || s->text[s->at] == '-'))
            s->at++;
        return digits(s);
    }
    return true;
}
static bool word(struct scanner *s, const char *w, size_t n)
{
    if (n > s->length - s->at)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s->text[s->at + i] != (uint8_t)w[i])
            return false;
    s->at += n;
    return true;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct scanner s = {.text = in, .length = in_len};
    bool want_value = true;
    for (;;) {
        blanks(&s);
        if (s.at >= s.length)
            return want_value || s.depth > 0 ? -1 : 0;
        uint8_t c = s.text[s.at];
        if (want_value) {
            if (c == '{' || c == '[') {
                if (s.depth == 64)
                    return -2;
                s.stack[s.depth++] = c;
                s.at++;
                blanks(&s);
                if (s.at < s.length && s.text[s.at] == (c == '{' ? '}' : ']')) {
                    s.at++;
                    s.depth--;
                    want_value = false;
                } else if (c == '{') {
                    if (!string(&s))
                        return -1;
                    blanks(&s);
                    if (s.at >= s.length || s.text[s.at] != ':')
                        return -1;
                    s.at++;
                }
                continue;
            }
            bool good = c == '"'   ? string(&s)
                        : c == 't' ? word(&s, "true", 4)
                        : c == 'f' ? word(&s, "false", 5)
                        : c == 'n' ? word(&s, "null", 4)
                                   : number(&s);
            if (!good)
                return -1;
            want_value = false;
        } else {
            if (s.depth == 0)
                return -1;
            uint8_t open = s.stack[s.depth - 1];
            s.at++;
            if (c == ',') {
                want_value = true;
                if (open == '{') {
                    blanks(&s);
                    if (!string(&s))
                        return -1;
                    blanks(&s);
                    if (s.at >= s.length || s.text[s.at] != ':')
                        return -1;
                    s.at++;
                }
            } else if (c == (open == '{' ? '}' : ']')) {
                s.depth--;
            } else {
                return -1;
            }
        }
    }
}
