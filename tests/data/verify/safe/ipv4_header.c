#include <stdint.h>
#include <stddef.h>
#include <string.h>
/* Checks an IPv4 packet with UDP in it and copies the payload. */
struct ipv4 {
    uint8_t version_ihl, tos;
    uint16_t length, id, fragment;
    uint8_t ttl, protocol;
    uint16_t checksum;
    uint32_t source, destination;
};
struct udp {
    uint16_t source, destination, length, checksum;
};
static uint16_t swap16(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}
static uint16_t checksum(const uint8_t *p, size_t n)
{
    uint32_t s = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        s += (uint32_t)p[i] << 8 | p[i + 1];
    if (n & 1)
        s += (uint32_t)p[n - 1] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct ipv4 ip;
    struct udp udp;
    if (in_len < sizeof ip)
        return -1;
    memcpy(&ip, in, sizeof ip);
    size_t header = (size_t)(ip.version_ihl & 15) * 4, length = swap16(ip.length);
    if (ip.version_ihl >> 4 != 4 || header < sizeof ip || length > in_len || header > length)
        return -1;
    if (checksum(in, header) != 0 || ip.protocol != 17)
        return -1;
    if (length - header < sizeof udp)
        return -1;
    memcpy(&udp, in + header, sizeof udp);
    size_t payload = swap16(udp.length);
    if (payload < sizeof udp || payload > length - header || payload - sizeof udp > out_cap)
        return -1;
    memcpy(out, in + header + sizeof udp, payload - sizeof udp);
    return (int64_t)(payload - sizeof udp);
}
