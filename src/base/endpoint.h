/*
 * Places in a network as people write them: "db.example.org:5432", "127.0.0.1:7000",
 * "[2001:db8::1]:443"; and what bounds them: "10.0.0.0/8:443", "127.0.0.1:7000-7999",
 * "*.example.org:*". No look-up is ever made here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct err;

/* An address of either family; an IPv6 one that only wraps an IPv4 one is that IPv4 one. */
struct net_address {
    bool v6;
    uint8_t bytes[16]; /* network order; 4 of IPv4, the rest zero */
};

#define ENDPOINT_UDP "/udp" /* behind the port */

struct endpoint {
    char host[ENDPOINT_MAX_BYTES + 1]; /* lower case; "" for an address */
    bool is_address;
    struct net_address address;
    uint16_t port;
    bool udp; /* of what is connected to; else TCP */
};

/*
 * "HOST:PORT": a name (letters, digits, '-', '_', '.'; nothing that could be read as an address),
 * an IPv4 address, or an IPv6 one in brackets; port 1 to 65535. `reason` says why not. -EINVAL.
 */
int endpoint_parse(const char *text, struct endpoint *ret_endpoint, struct err *reason);
/* The same of what is connected to: "HOST:PORT/udp", too. */
int endpoint_connect_parse(const char *text, struct endpoint *ret_endpoint, struct err *reason);

/*
 * "ADDR:PORT" to listen on: an address as above, none (":8080": every IPv4 one); port 0 too, for
 * which the kernel chooses one. Names are refused. -EINVAL.
 */
int endpoint_listen_parse(const char *text, struct endpoint *ret_endpoint, struct err *reason);

/* A bound: a name, "*" or "*.suffix", an address, or addresses ("10.0.0.0/8"); and ports ("443",
 * "7000-7999", "*"). */
struct endpoint_rule {
    char host[ENDPOINT_MAX_BYTES + 1]; /* "" for addresses; "*" any; "*.x": any below x */
    bool is_address;
    struct net_address address;
    uint8_t prefix_bits;
    uint16_t port_first, port_last;
    bool udp; /* of that alone; else of TCP alone */
};
int endpoint_rule_parse(const char *text, struct endpoint_rule *ret_rule, struct err *reason);
/* The same of connecting: with "/udp" behind, too. */
int endpoint_connect_rule_parse(const char *text, struct endpoint_rule *ret_rule,
                                struct err *reason);

/* The rule's addresses hold this one, at this port; never true of a rule of names. */
bool endpoint_rule_has_address(const struct endpoint_rule *rule, const struct net_address *address,
                               uint16_t port);
/* The rule's names hold this one, at this port. "*" holds every name. */
bool endpoint_rule_has_name(const struct endpoint_rule *rule, const char *host, uint16_t port);

/*
 * The address is one of the public Internet: not of this machine, not of its links, not private,
 * not shared (RFC 6598), not for documents or tests, no multicast or broadcast, not reserved, and
 * not a translation of such a one (6to4, NAT64). A cloud's metadata address is link-local.
 */
bool net_address_is_public(const struct net_address *address);

/*
 * What the rules of connecting say. A place: some rule of names holds its name, or some rule of
 * addresses its address; "*" holds a public address too. The address that a place turned out to
 * have: it is public, or some rule of addresses holds it. Names alone never lead to an address that
 * is not public.
 */
bool endpoint_rules_allow(const struct endpoint_rule *rules, size_t count,
                          const struct endpoint *endpoint);
bool endpoint_rules_allow_address(const struct endpoint_rule *rules, size_t count,
                                  const struct endpoint *endpoint,
                                  const struct net_address *address);

/* From 4 or 16 bytes in network order. */
struct net_address net_address_from(bool v6, const void *bytes);
/* "127.0.0.1", "2001:db8::1". */
void net_address_text(const struct net_address *address, char *text, size_t size);
