#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Seconds since 1970, in decimal, to 2026-11-23T13:54:58Z. */
static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
static int leap(unsigned y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}
static uint8_t *two(uint8_t *p, unsigned v)
{
    *p++ = (uint8_t)('0' + v / 10);
    *p++ = (uint8_t)('0' + v % 10);
    return p;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len == 0 || in_len > 11 || out_cap < 20)
        return -1;
    uint64_t t = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] < '0' || in[i] > '9')
            return -2;
        t = t * 10 + (in[i] - '0');
    }
    unsigned second = (unsigned)(t % 60), minute = (unsigned)(t / 60 % 60),
             hour = (unsigned)(t / 3600 % 24);
    unsigned days = (unsigned)(t / 86400), year = 1970;
    while (days >= (leap(year) ? 366u : 365u)) {
        days -= leap(year) ? 366 : 365;
        year++;
    }
    unsigned month = 0;
    for (;;) {
        unsigned n = month_days[month] + (month == 1 && leap(year));
        if (days < n)
            break;
        days -= n;
        month++;
    }
    if (year > 9999)
        return -3;
    uint8_t *p = out;
    p = two(p, year / 100);
    p = two(p, year % 100);
    *p++ = '-';
    p = two(p, month + 1);
    *p++ = '-';
    p = two(p, days + 1);
    *p++ = 'T';
    p = two(p, hour);
    *p++ = ':';
    p = two(p, minute);
    *p++ = ':';
    p = two(p, second);
    *p++ = 'Z';
    return p - out;
}
