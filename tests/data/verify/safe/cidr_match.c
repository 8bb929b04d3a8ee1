#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Lines "10.0.0.0/8 name"; the last line is an address: the name of the longest prefix. */
#define MAX_ROUTES 128
struct route {
    uint32_t net;
    uint8_t bits;
    size_t name, name_len;
};
static struct route routes[MAX_ROUTES];
static const uint8_t *parse_ip(const uint8_t *p, const uint8_t *end, uint32_t *ip)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        unsigned part = 0;
        int digits = 0;
        while (p < end && *p >= '0' && *p <= '9' && digits < 3) {
            part = part * 10 + (*p++ - '0');
            digits++;
        }
        if (digits == 0 || part > 255)
            return NULL;
        v = v << 8 | part;
        if (i < 3) {
            if (p == end || *p != '.')
                return NULL;
            p++;
        }
    }
    *ip = v;
    return p;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    const uint8_t *p = in, *end = in + in_len;
    size_t count = 0;
    while (p < end) {
        uint32_t ip;
        p = parse_ip(p, end, &ip);
        if (!p)
            return -1;
        if (p == end || *p == '\n') {
            int best = -1, best_bits = -1;
            for (size_t i = 0; i < count; i++) {
                uint32_t mask = routes[i].bits == 0 ? 0 : 0xffffffffu << (32 - routes[i].bits);
                if ((ip & mask) == (routes[i].net & mask) && routes[i].bits > best_bits) {
                    best = (int)i;
                    best_bits = routes[i].bits;
                }
            }
            if (best < 0)
                return 0;
            if (routes[best].name_len > out_cap)
                return -2;
            memcpy(out, in + routes[best].name, routes[best].name_len);
            return (int64_t)routes[best].name_len;
        }
        if (*p++ != '/')
            return -3;
        unsigned bits = 0;
        while (p < end && *p >= '0' && *p <= '9') {
            bits = bits * 10 + (*p++ - '0');
            if (bits > 32)
                return -4;
        }
        if (p == end || *p++ != ' ')
            return -5;
        const uint8_t *name = p;
        while (p < end && *p != '\n')
            p++;
        if (count == MAX_ROUTES)
            return -6;
        routes[count].net = ip;
        routes[count].bits = (uint8_t)bits;
        routes[count].name = (size_t)(name - in);
        routes[count].name_len = (size_t)(p - name);
        count++;
        if (p < end)
            p++;
    }
    return -7;
}
