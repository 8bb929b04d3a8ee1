#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SLOTS 1024
#define WORD 24
struct slot {
    char word[WORD];
    uint8_t len;
    uint32_t count;
};
static struct slot table[SLOTS];
static int letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static uint32_t hash(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)s[i]) * 16777619u;
    return h;
}
static struct slot *find(const char *word, size_t n)
{
    uint32_t at = hash(word, n) % SLOTS;
    for (int probe = 0; probe < SLOTS; probe++) {
        struct slot *s = &table[at];
        if (s->len == 0) {
            memcpy(s->word, word, n);
            s->len = (uint8_t)n;
            return s;
        }
        if (s->len == n && memcmp(s->word, word, n) == 0)
            return s;
        at = (at + 1) % SLOTS;
    }
    return NULL;
}
static size_t put_number(uint8_t *out, uint32_t v)
{
    char tmp[10];
    size_t n = 0;
    do {
        tmp[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)tmp[n - 1 - i];
    return n;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    char word[WORD];
    size_t n = 0;
    memset(table, 0, sizeof table);
    for (size_t i = 0; i <= in_len; i++) {
        if (i < in_len && letter(in[i])) {
            if (n < WORD)
                word[n++] = (char)(in[i] | 32);
        } else if (n > 0) {
            struct slot *s = find(word, n);
            if (!s)
                return -1;
            s->count++;
            n = 0;
        }
    }
    size_t o = 0;
    for (int i = 0; i < SLOTS; i++) {
        struct slot *s = &table[i];
        if (s->len == 0)
            continue;
        if (o + s->len + 12 > out_cap)
            return -2;
        memcpy(out + o, s->word, s->len);
        o += s->len;
        out[o++] = ' ';
        o += put_number(out + o, s->count);
        out[o++] = '\n';
    }
    return (int64_t)o;
}
