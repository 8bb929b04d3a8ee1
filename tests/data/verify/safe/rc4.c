#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes after a key (one byte of its length first), through RC4. */
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < 2)
        return -1;
    size_t key_len = in[0];
    if (key_len == 0 || in_len < 1 + key_len)
        return -2;
    const uint8_t *key = in + 1, *text = key + key_len;
    size_t n = in_len - 1 - key_len;
    if (n > out_cap)
        return -3;
    uint8_t s[256];
    for (int i = 0; i < 256; i++)
        s[i] = (uint8_t)i;
    for (int i = 0, j = 0; i < 256; i++) {
        j = (j + s[i] + key[i % key_len]) & 255;
        uint8_t t = s[i];
        s[i] = s[j];
        s[j] = t;
    }
    uint8_t i = 0, j = 0;
    for (size_t k = 0; k < n; k++) {
        i++;
        j += s[i];
        uint8_t t = s[i];
        s[i] = s[j];
        s[j] = t;
        out[k] = text[k] ^ s[(uint8_t)(s[i] + s[j])];
    }
    return (int64_t)n;
}
