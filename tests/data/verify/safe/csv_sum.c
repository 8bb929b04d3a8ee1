#include <stdint.h>
#include <stddef.h>
#include <string.h>
/* Sums the columns of a CSV of integers, at most 16. */
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    int64_t sums[16];
    size_t column = 0, columns = 0;
    int64_t value = 0;
    int negative = 0;
    memset(sums, 0, sizeof sums);
    for (size_t i = 0; i <= in_len; i++) {
        uint8_t c = i < in_len ? in[i] : '\n';
        if (c == ',' || c == '\n') {
            if (column < 16) {
                sums[column] += negative ? -value : value;
                if (column + 1 > columns)
                    columns = column + 1;
            }
            value = 0;
            negative = 0;
            column = c == ',' ? column + 1 : 0;
        } else if (c == '-') {
            negative = 1;
        } else if (c >= '0' && c <= '9') {
            value = value * 10 + (c - '0');
        }
    }
    if (out_cap < columns * 8)
        return -1;
    memcpy(out, sums, columns * 8);
    return (int64_t)(columns * 8);
}
