#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_PAIRS 64
struct pair {
    uint16_t section_at, section_len, key_at, key_len, value_at, value_len;
};
static struct pair pairs[MAX_PAIRS];
static int space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len > 65535)
        return -1;
    size_t count = 0, section_at = 0, section_len = 0;
    for (size_t i = 0; i < in_len;) {
        size_t start = i;
        while (i < in_len && in[i] != '\n')
            i++;
        size_t end = i;
        if (i < in_len)
            i++;
        while (start < end && space(in[start]))
            start++;
        while (end > start && space(in[end - 1]))
            end--;
        if (start == end || in[start] == ';' || in[start] == '#')
            continue;
        if (in[start] == '[') {
            if (in[end - 1] != ']' || end - start < 2)
                return -2;
            section_at = start + 1;
            section_len = end - start - 2;
            continue;
        }
        size_t eq = start;
        while (eq < end && in[eq] != '=')
            eq++;
        if (eq == end)
            return -3;
        size_t key_end = eq;
        while (key_end > start && space(in[key_end - 1]))
            key_end--;
        size_t value = eq + 1;
        while (value < end && space(in[value]))
            value++;
        if (count == MAX_PAIRS)
            return -4;
        struct pair *p = &pairs[count++];
        p->section_at = (uint16_t)section_at;
        p->section_len = (uint16_t)section_len;
        p->key_at = (uint16_t)start;
        p->key_len = (uint16_t)(key_end - start);
        p->value_at = (uint16_t)value;
        p->value_len = (uint16_t)(end - value);
    }
    size_t o = 0;
    for (size_t k = 0; k < count; k++) {
        const struct pair *p = &pairs[k];
        size_t need = (size_t)p->section_len + p->key_len + p->value_len + 3;
        if (need > out_cap - o)
            return -5;
        if ((size_t)p->section_at + p->section_len > in_len ||
            (size_t)p->key_at + p->key_len > in_len || (size_t)p->value_at + p->value_len > in_len)
            return -6;
        memcpy(out + o, in + p->section_at, p->section_len);
        o += p->section_len;
        out[o++] = '.';
        memcpy(out + o, in + p->key_at, p->key_len);
        o += p->key_len;
        out[o++] = '=';
        memcpy(out + o, in + p->value_at, p->value_len);
        o += p->value_len;
        out[o++] = '\n';
    }
    return (int64_t)o;
}
