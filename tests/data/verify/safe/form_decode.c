/* Form data decoded into a text that always ends. */
#include <stddef.h>
#include <stdint.h>
static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}
static size_t url_decode(char *dst, size_t cap, const char *src, size_t n)
{
    size_t o = 0;
    for (const char *p = src, *e = src + n; p < e && o + 1 < cap; p++) {
        if (*p == '%' && e - p > 2) {
            int h = hex((uint8_t)p[1]), l = hex((uint8_t)p[2]);
            if (h >= 0 && l >= 0) {
                dst[o++] = (char)(h << 4 | l);
                p += 2;
                continue;
            }
        }
        dst[o++] = *p == '+' ? ' ' : *p;
    }
    if (cap)
        dst[o] = 0;
    return o;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    return (int64_t)url_decode((char *)out, out_cap, (const char *)in, in_len);
}
