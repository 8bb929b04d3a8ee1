/* Two decimal numbers, separated by a plus sign, of any length up to 512 digits. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint8_t a[512], b[512], r[513];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t plus = 0;
    while (plus < in_len && in[plus] != '+')
        plus++;
    if (plus == in_len)
        return -1;
    size_t na = plus, nb = in_len - plus - 1;
    if (na > 512 || nb > 512)
        return -2;
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    for (size_t i = 0; i < na; i++)
        a[na - 1 - i] = (uint8_t)(in[i] - '0');
    for (size_t i = 0; i < nb; i++)
        b[nb - 1 - i] = (uint8_t)(in[plus + 1 + i] - '0');
    size_t n = na > nb ? na : nb;
    unsigned carry = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned s = a[i] + b[i] + carry;
        r[i] = (uint8_t)(s % 10);
        carry = s / 10;
    }
    r[n] = (uint8_t)carry;
    n += carry ? 1 : 0;
    if (n > out_cap)
        return -3;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)('0' + r[n - 1 - i]);
    return (int64_t)n;
}
