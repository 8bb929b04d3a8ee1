/* Places in a network, and what bounds them: text in, structure out. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/err.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

struct net_address net_address_from(bool v6, const void *bytes)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct net_address address = {.v6 = v6};

    memcpy(address.bytes, bytes, v6 ? 16 : 4);
    if (v6 && memcmp(address.bytes, mapped, sizeof mapped) == 0)
        return net_address_from(false, (const uint8_t *)bytes + 12);
    return address;
}

void net_address_text(const struct net_address *address, char *text, size_t size)
{
    if (!inet_ntop(address->v6 ? AF_INET6 : AF_INET, address->bytes, text, (socklen_t)size) &&
        size > 0)
        text[0] = '\0';
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) & (0xff00u >> rest & 0xff)) == 0;
}

/* ---- what is public ---- */

struct block {
    uint8_t bytes[16];
    uint8_t bits;
};

/* The IANA registries of special-purpose addresses (RFC 6890 and later). */
static const struct block special_v4[] = {
    {{0}, 8},
    {{10}, 8},
    {{100, 64}, 10},
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 0, 2}, 24},
    {{192, 88, 99}, 24},
    {{192, 168}, 16},
    {{198, 18}, 15},
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 4},
    {{240}, 4},
};

/* Only 2000::/3 is given out; these of it are not the Internet's. */
static const struct block special_v6[] = {
    {{0x20, 0x01, 0x00}, 23},       /* protocols, Teredo, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documents */
    {{0x20, 0x02}, 16},             /* 6to4: an IPv4 address within, perhaps a private one */
    {{0x3f, 0xff}, 20},             /* documents */
};

static bool in_any(const uint8_t *bytes, const struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same_bits(bytes, blocks[i].bytes, blocks[i].bits))
            return true;
    return false;
}

bool net_address_is_public(const struct net_address *address)
{
    static const uint8_t given_out[] = {0x20};

    if (!address->v6)
        return !in_any(address->bytes, special_v4, ARRAY_LEN(special_v4));
    /* Outside are ::, ::1, NAT64 (64:ff9b::/96), unique local, link-local and multicast. */
    return same_bits(address->bytes, given_out, 3) &&
           !in_any(address->bytes, special_v6, ARRAY_LEN(special_v6));
}

/* ---- text ---- */

/* Decimal, without sign or leading zero. */
static int number(const char *text, unsigned long max, unsigned long *ret_number)
{
    unsigned long value = 0;

    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0') || strlen(text) > 5)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        value = value * 10 + (unsigned long)(*text - '0');
    }
    if (value > max)
        return -EINVAL;
    *ret_number = value;
    return 0;
}

static int port_number(const char *text, uint16_t *ret_port, struct err *reason)
{
    unsigned long port;

    if (number(text, UINT16_MAX, &port) < 0 || port == 0)
        return err_say(reason, -EINVAL, "its port is no number from 1 to 65535");
    *ret_port = (uint16_t)port;
    return 0;
}

/* Takes "HOST:PORTS" apart; an IPv6 host loses its brackets. Both are in `copy`. */
static int split(const char *text, char copy[ENDPOINT_MAX_BYTES + 1], char **ret_host,
                 char **ret_ports, bool *ret_brackets, struct err *reason)
{
    if (strlen(text) > ENDPOINT_MAX_BYTES)
        return err_say(reason, -EINVAL, "it is longer than %d bytes", ENDPOINT_MAX_BYTES);
    strcpy(copy, text);
    char *colon = strrchr(copy, ':');
    if (!colon || colon == copy)
        return err_say(reason, -EINVAL, "it is not HOST:PORT");
    *colon = '\0';
    *ret_brackets = copy[0] == '[';
    *ret_host = copy;
    *ret_ports = colon + 1;
    if (*ret_brackets) {
        char *end = strchr(copy, ']');
        if (!end || (end[1] != '\0' && end[1] != '/'))
            return err_say(reason, -EINVAL, "it has no ']' behind its IPv6 address");
        /* "[::1]/128" becomes "::1/128". */
        memmove(end, end + 1, strlen(end + 1) + 1);
        *ret_host = copy + 1;
    } else if (strchr(copy, ':')) {
        return err_say(reason, -EINVAL, "an IPv6 address stands in brackets: [::1]:PORT");
    }
    return 0;
}

static bool address_parse(const char *host, bool v6, struct net_address *ret_address)
{
    uint8_t bytes[16];

    if (inet_pton(v6 ? AF_INET6 : AF_INET, host, bytes) != 1)
        return false;
    *ret_address = net_address_from(v6, bytes);
    return true;
}

/*
 * A name as DNS and /etc/hosts have them. The last label has a letter: "1", "0x7f.1" or "127.1"
 * would be addresses to getaddrinfo(3).
 */
static int name_check(char *host, struct err *reason)
{
    size_t length = strlen(host);

    for (char *c = host; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    if (length == 0 || length > 253 || host[strspn(host, LETTERS DIGITS "-_.")] != '\0')
        return err_say(reason, -EINVAL, "its host is no name, IPv4 address or [IPv6 address]");
    for (const char *label = host;;) {
        size_t bytes = strcspn(label, ".");
        if (bytes == 0 || bytes > 63 || label[0] == '-' || label[bytes - 1] == '-')
            return err_say(reason, -EINVAL, "its host has a part that is no name");
        if (label[bytes] == '\0')
            return strcspn(label, LETTERS) == bytes || strncmp(label, "0x", 2) == 0
                       ? err_say(reason, -EINVAL, "its host is a number, but no address")
                       : 0;
        label += bytes + 1;
    }
}

int endpoint_parse(const char *text, struct endpoint *ret_endpoint, struct err *reason)
{
    struct endpoint endpoint = {0};
    char copy[ENDPOINT_MAX_BYTES + 1];
    char *host, *port;
    bool brackets;

    int r = split(text, copy, &host, &port, &brackets, reason);
    if (r == 0)
        r = port_number(port, &endpoint.port, reason);
    if (r < 0)
        return r;
    endpoint.is_address = address_parse(host, brackets, &endpoint.address);
    if (!endpoint.is_address) {
        if (brackets)
            return err_say(reason, -EINVAL, "its host is no IPv6 address");
        r = name_check(host, reason);
        if (r < 0)
            return r;
        strcpy(endpoint.host, host);
    }
    *ret_endpoint = endpoint;
    return 0;
}

/* A text without "/udp" behind it, and whether it had that. */
static bool strip_udp(const char **text, char copy[ENDPOINT_MAX_BYTES + 1])
{
    size_t length = strlen(*text), suffix = strlen(ENDPOINT_UDP);

    if (length < suffix || length > ENDPOINT_MAX_BYTES ||
        strcmp(*text + length - suffix, ENDPOINT_UDP) != 0)
        return false;
    memcpy(copy, *text, length - suffix);
    copy[length - suffix] = '\0';
    *text = copy;
    return true;
}

int endpoint_connect_parse(const char *text, struct endpoint *ret_endpoint, struct err *reason)
{
    char copy[ENDPOINT_MAX_BYTES + 1];
    bool udp = strip_udp(&text, copy);
    int r = endpoint_parse(text, ret_endpoint, reason);

    if (r == 0)
        ret_endpoint->udp = udp;
    return r;
}

int endpoint_listen_parse(const char *text, struct endpoint *ret_endpoint, struct err *reason)
{
    struct endpoint endpoint = {.is_address = true};
    char copy[ENDPOINT_MAX_BYTES + 1];
    const char *port_text = text + 1;
    unsigned long port;
    char *host, *ports;
    bool brackets;

    if (text[0] != ':' || strchr(text + 1, ':')) {
        int r = split(text, copy, &host, &ports, &brackets, reason);
        if (r < 0)
            return r;
        if (!address_parse(host, brackets, &endpoint.address))
            return err_say(reason, -EINVAL, "its host is no IPv4 address or [IPv6 address]");
        port_text = ports;
    }
    if (number(port_text, UINT16_MAX, &port) < 0)
        return err_say(reason, -EINVAL, "its port is no number from 0 to 65535");
    endpoint.port = (uint16_t)port;
    *ret_endpoint = endpoint;
    return 0;
}

static int rule_ports(char *text, struct endpoint_rule *rule, struct err *reason)
{
    if (strcmp(text, "*") == 0) {
        rule->port_first = 1;
        rule->port_last = UINT16_MAX;
        return 0;
    }
    char *dash = strchr(text, '-');
    if (dash)
        *dash = '\0';
    int r = port_number(text, &rule->port_first, reason);
    if (r == 0)
        r = port_number(dash ? dash + 1 : text, &rule->port_last, reason);
    if (r == 0 && rule->port_last < rule->port_first)
        return err_say(reason, -EINVAL, "its last port is before its first");
    return r;
}

static int rule_address(char *host, bool v6, struct endpoint_rule *rule, struct err *reason)
{
    char *slash = strchr(host, '/');
    unsigned long bits = v6 ? 128 : 32;

    if (slash)
        *slash = '\0';
    if (!address_parse(host, v6, &rule->address))
        return slash || v6 ? err_say(reason, -EINVAL, "its host is no address") : -ENOENT;
    if (slash && number(slash + 1, bits, &bits) < 0)
        return err_say(reason, -EINVAL, "its prefix is no number of bits");
    if (v6 && !rule->address.v6) {
        /* ::ffff:10.0.0.0/104 is 10.0.0.0/8. */
        if (bits < 96)
            return err_say(reason, -EINVAL, "it has IPv4 addresses and others");
        bits -= 96;
    }
    rule->prefix_bits = (uint8_t)bits;
    rule->is_address = true;
    return 0;
}

int endpoint_rule_parse(const char *text, struct endpoint_rule *ret_rule, struct err *reason)
{
    struct endpoint_rule rule = {0};
    char copy[ENDPOINT_MAX_BYTES + 1];
    char *host, *ports;
    bool brackets;

    int r = split(text, copy, &host, &ports, &brackets, reason);
    if (r == 0)
        r = rule_ports(ports, &rule, reason);
    if (r == 0)
        r = rule_address(host, brackets, &rule, reason);
    if (r == -ENOENT) {
        r = 0;
        if (strcmp(host, "*") != 0)
            r = name_check(strncmp(host, "*.", 2) == 0 ? host + 2 : host, reason);
        strcpy(rule.host, host);
    }
    if (r < 0)
        return r;
    *ret_rule = rule;
    return 0;
}

int endpoint_connect_rule_parse(const char *text, struct endpoint_rule *ret_rule,
                                struct err *reason)
{
    char copy[ENDPOINT_MAX_BYTES + 1];
    bool udp = strip_udp(&text, copy);
    int r = endpoint_rule_parse(text, ret_rule, reason);

    if (r == 0)
        ret_rule->udp = udp;
    return r;
}

bool endpoint_rule_has_address(const struct endpoint_rule *rule, const struct net_address *address,
                               uint16_t port)
{
    return rule->is_address && rule->address.v6 == address->v6 && port >= rule->port_first &&
           port <= rule->port_last &&
           same_bits(rule->address.bytes, address->bytes, rule->prefix_bits);
}

bool endpoint_rule_has_name(const struct endpoint_rule *rule, const char *host, uint16_t port)
{
    size_t length = strlen(host);

    if (rule->is_address || port < rule->port_first || port > rule->port_last)
        return false;
    if (strcmp(rule->host, "*") == 0)
        return true;
    if (rule->host[0] != '*')
        return strcmp(rule->host, host) == 0;
    const char *suffix = rule->host + 1; /* ".example.org" */
    size_t bytes = strlen(suffix);
    return length > bytes && strcmp(host + length - bytes, suffix) == 0;
}

static bool has_address(const struct endpoint_rule *rules, size_t count,
                        const struct net_address *address, const struct endpoint *endpoint)
{
    for (size_t i = 0; i < count; i++)
        if (rules[i].udp == endpoint->udp &&
            endpoint_rule_has_address(&rules[i], address, endpoint->port))
            return true;
    return false;
}

bool endpoint_rules_allow(const struct endpoint_rule *rules, size_t count,
                          const struct endpoint *endpoint)
{
    if (endpoint->is_address && has_address(rules, count, &endpoint->address, endpoint))
        return true;
    for (size_t i = 0; i < count; i++) {
        if (rules[i].udp != endpoint->udp)
            continue;
        if (!endpoint->is_address &&
            endpoint_rule_has_name(&rules[i], endpoint->host, endpoint->port))
            return true;
        /* No name is "", so that only "*" holds it. */
        if (endpoint->is_address && endpoint_rule_has_name(&rules[i], "", endpoint->port) &&
            net_address_is_public(&endpoint->address))
            return true;
    }
    return false;
}

bool endpoint_rules_allow_address(const struct endpoint_rule *rules, size_t count,
                                  const struct endpoint *endpoint,
                                  const struct net_address *address)
{
    return endpoint_rules_allow(rules, count, endpoint) &&
           (net_address_is_public(address) || has_address(rules, count, address, endpoint));
}
