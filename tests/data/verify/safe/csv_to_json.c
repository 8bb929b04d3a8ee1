#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_COLUMNS 32
#define MAX_NAME 64
struct writer {
    uint8_t *out;
    size_t len, cap;
    int full;
};
static void put(struct writer *w, uint8_t c)
{
    if (w->len < w->cap)
        w->out[w->len++] = c;
    else
        w->full = 1;
}
static void put_escaped(struct writer *w, uint8_t c)
{
    if (c == '"' || c == '\\')
        put(w, '\\');
    if (c < 32) {
        put(w, '\\');
        put(w, 'u');
        put(w, '0');
        put(w, '0');
        put(w, (uint8_t)('0' + (c >> 4)));
        put(w, (uint8_t) "0123456789abcdef"[c & 15]);
        return;
    }
    put(w, c);
}
static char names[MAX_COLUMNS][MAX_NAME];
static size_t name_len[MAX_COLUMNS];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct writer w = {out, 0, out_cap, 0};
    size_t i = 0, columns = 0;
    while (i < in_len && in[i] != '\n') {
        if (columns == MAX_COLUMNS)
            return -1;
        size_t n = 0;
        while (i < in_len && in[i] != ',' && in[i] != '\n') {
            if (n == MAX_NAME)
                return -2;
            names[columns][n++] = (char)in[i++];
        }
        name_len[columns++] = n;
        if (i < in_len && in[i] == ',')
            i++;
    }
    put(&w, '[');
    int first = 1;
    while (i < in_len) {
        i++;
        if (i >= in_len)
            break;
        if (!first)
            put(&w, ',');
        first = 0;
        put(&w, '{');
        for (size_t c = 0; c < columns; c++) {
            if (c > 0)
                put(&w, ',');
            put(&w, '"');
            for (size_t k = 0; k < name_len[c]; k++)
                put_escaped(&w, (uint8_t)names[c][k]);
            put(&w, '"');
            put(&w, ':');
            put(&w, '"');
            while (i < in_len && in[i] != ',' && in[i] != '\n')
                put_escaped(&w, in[i++]);
            put(&w, '"');
            if (i < in_len && in[i] == ',')
                i++;
        }
        put(&w, '}');
        while (i < in_len && in[i] != '\n')
            i++;
    }
    put(&w, ']');
    return w.full ? -3 : (int64_t)w.len;
}
