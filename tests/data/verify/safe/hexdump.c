#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t o = 0;
    for (size_t row = 0; row < in_len; row += 16) {
        char line[80];
        size_t n = in_len - row < 16 ? in_len - row : 16;
        size_t p = 0;
        for (int s = 28; s >= 0; s -= 4)
            line[p++] = digits[row >> s & 15];
        line[p++] = ' ';
        for (size_t i = 0; i < 16; i++) {
            line[p++] = ' ';
            if (i < n) {
                line[p++] = digits[in[row + i] >> 4];
                line[p++] = digits[in[row + i] & 15];
            } else {
                line[p++] = ' ';
                line[p++] = ' ';
            }
        }
        line[p++] = ' ';
        line[p++] = '|';
        for (size_t i = 0; i < n; i++) {
            uint8_t c = in[row + i];
            line[p++] = c >= 32 && c < 127 ? (char)c : '.';
        }
        line[p++] = '|';
        line[p++] = '\n';
        if (out_cap - o < p)
            return -1;
        memcpy(out + o, line, p);
        o += p;
    }
    return (int64_t)o;
}
