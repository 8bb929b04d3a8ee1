/* "YYYY-MM-DD": the day of the week and of the year. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
static const char names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static int number(const uint8_t *p, size_t n)
{
    int v = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        v = v * 10 + (p[i] - '0');
    }
    return v;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < 10 || in[4] != '-' || in[7] != '-' || out_cap < 3)
        return -1;
    int y = number(in, 4), m = number(in + 5, 2), d = number(in + 8, 2);
    if (y < 1583 || y > 9999 || m < 1 || m > 12 || d < 1)
        return -2;
    int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (d > days[m - 1] + (m == 2 && leap))
        return -2;
    int doy = before[m - 1] + d + (m > 2 && leap);
    int w = (y + (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400 + doy + 6) % 7;
    memcpy(out, names[w], 3);
    return doy;
}
