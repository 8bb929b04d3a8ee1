/* Places in a network and their bounds: what is read, what is refused, what is public. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "cmocka_all.h"

static void endpoints_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *address;
        uint16_t port;
    } cases[] = {
        {"db.example.org:5432", "db.example.org", NULL, 5432},
        {"LocalHost:1", "localhost", NULL, 1},
        {"my_db-1:65535", "my_db-1", NULL, 65535},
        {"127.0.0.1:7000", "", "127.0.0.1", 7000},
        {"[::1]:80", "", "::1", 80},
        {"[2001:DB8::0:1]:80", "", "2001:db8::1", 80},
        {"[::ffff:10.0.0.1]:80", "", "10.0.0.1", 80},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct endpoint endpoint;
        char text[64] = "";
        assert_int_equal(endpoint_parse(cases[i].text, &endpoint, NULL), 0);
        assert_string_equal(endpoint.host, cases[i].host);
        assert_int_equal(endpoint.port, cases[i].port);
        assert_int_equal(endpoint.is_address, cases[i].address != NULL);
        if (!cases[i].address)
            continue;
        net_address_text(&endpoint.address, text, sizeof text);
        assert_string_equal(text, cases[i].address);
    }
}

static void what_is_no_endpoint_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ":",
        ":80",
        "host",
        "host:",
        "host:0",
        "host:65536",
        "host:080",
        "host:-1",
        "host:8 0",
        "host:+1",
        "host:80x",
        "host:99999999999",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[::1]x:80",
        "[host]:80",
        "[127.0.0.1]:80",
        "a b:80",
        "a..b:80",
        ".a:80",
        "a.:80",
        "-a:80",
        "a-:80",
        "a/8:80",
        "10.0.0.0/8:80",
        "*:80",
        "*.org:80",
        "h\xc3\xb6st:80",
        "host\n:80",
        /* What getaddrinfo(3) would take for an address. */
        "127.1:80",
        "2130706433:80",
        "0x7f.1:80",
        "0x7f000001:80",
        "010.0.0.1:80",
        "1.2.3.4.5:80",
        "256.1.1.1:80",
        "example.0x1:80",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct endpoint endpoint;
        struct err reason = {0};
        if (endpoint_parse(texts[i], &endpoint, &reason) == 0)
            fail_msg("'%s' was read", texts[i]);
        assert_true(reason.message[0] != '\0');
    }
    char longest[400];
    struct endpoint endpoint;
    memset(longest, 'a', sizeof longest);
    strcpy(longest + 64, ".org:80");
    assert_true(endpoint_parse(longest, &endpoint, NULL) < 0);
    memset(longest, 'a', sizeof longest);
    strcpy(longest + 300, ":80");
    assert_true(endpoint_parse(longest, &endpoint, NULL) < 0);
}

static bool holds(const char *rule_text, const char *text)
{
    struct endpoint_rule rule;
    struct endpoint endpoint;

    assert_int_equal(endpoint_rule_parse(rule_text, &rule, NULL), 0);
    assert_int_equal(endpoint_parse(text, &endpoint, NULL), 0);
    return endpoint.is_address ? endpoint_rule_has_address(&rule, &endpoint.address, endpoint.port)
                               : endpoint_rule_has_name(&rule, endpoint.host, endpoint.port);
}

static void a_rule_holds_what_it_says_and_no_more(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *inside, *outside;
    } cases[] = {
        {"127.0.0.1:7000", "127.0.0.1:7000", "127.0.0.1:7001"},
        {"127.0.0.1:7000", "127.0.0.1:7000", "127.0.0.2:7000"},
        {"127.0.0.1:7000-7002", "127.0.0.1:7002", "127.0.0.1:7003"},
        {"127.0.0.1:7000-7002", "127.0.0.1:7000", "127.0.0.1:6999"},
        {"10.0.0.0/8:*", "10.255.255.255:65535", "11.0.0.0:80"},
        {"10.64.0.0/10:*", "10.127.1.1:1", "10.128.0.0:1"},
        {"0.0.0.0/0:80", "8.8.8.8:80", "[::1]:80"},
        {"[::]/0:80", "[::1]:80", "8.8.8.8:80"},
        {"[fd00::]/8:80", "[fdff::1]:80", "[fe00::1]:80"},
        {"[::ffff:10.0.0.0]/104:80", "10.1.2.3:80", "11.1.2.3:80"},
        {"example.org:443", "EXAMPLE.org:443", "www.example.org:443"},
        {"*.example.org:443", "www.example.org:443", "example.org:443"},
        {"*.example.org:443", "a.b.example.org:443", "wwwexample.org:443"},
        {"*.example.org:443", "www.example.org:443", "www.example.org.evil.net:443"},
        {"*:443", "example.org:443", "example.org:80"},
        {"*:443", "example.org:443", "8.8.8.8:443"},
        {"0.0.0.0/0:*", "8.8.8.8:1", "localhost:1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (!holds(cases[i].rule, cases[i].inside) || holds(cases[i].rule, cases[i].outside))
            fail_msg("'%s'", cases[i].rule);
    }
}

static void an_address_to_listen_on(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",        "foo",      "foo:80",          "127.0.0.1",   "127.0.0.1:",
        ":",       "127.1:80", "127.0.0.1:99999", ":65536",      ":4294985296",
        ":+18778", ": 18779",  ":18779 ",         ":-1",         ":080",
        "::1:80",  "[::1]",    "[127.0.0.1]:80",  "[::1%lo]:80", "1.2.3.4:80:80",
    };
    struct endpoint endpoint;
    struct err reason;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        reason = (struct err){0};
        if (endpoint_listen_parse(wrong[i], &endpoint, &reason) != -EINVAL || !reason.message[0])
            fail_msg("'%s'", wrong[i]);
    }
    assert_int_equal(endpoint_listen_parse("127.0.0.1:0", &endpoint, &reason), 0);
    assert_int_equal(endpoint.port, 0);
    assert_int_equal(endpoint.address.bytes[0], 127);
    assert_int_equal(endpoint_listen_parse(":65535", &endpoint, &reason), 0);
    assert_int_equal(endpoint.port, 65535);
    assert_false(endpoint.address.v6);
    assert_int_equal(endpoint.address.bytes[0], 0);
    assert_int_equal(endpoint_listen_parse("[::]:8080", &endpoint, &reason), 0);
    assert_true(endpoint.address.v6);
}

static void what_is_no_rule_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "10.0.0.0/8",
        "10.0.0.0/33:80",
        "10.0.0.0/:80",
        "10.0.0.0/08:80",
        "10.0.0/8:80",
        "[::1]/129:80",
        "[::ffff:0.0.0.0]/80:80",
        "host:80-79",
        "host:80-",
        "host:-80",
        "host:**",
        "*x:80",
        "*.:80",
        "a.*:80",
        "**.a:80",
        "example.org/8:80",
        "1.2.3:80",
        "host:1-2-3",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct endpoint_rule rule;
        if (endpoint_rule_parse(texts[i], &rule, NULL) == 0)
            fail_msg("'%s' was read", texts[i]);
    }
}

static bool public(const char *host)
{
    struct endpoint endpoint;
    char text[80];

    snprintf(text, sizeof text, strchr(host, ':') ? "[%s]:1" : "%s:1", host);
    assert_int_equal(endpoint_parse(text, &endpoint, NULL), 0);
    assert_true(endpoint.is_address);
    return net_address_is_public(&endpoint.address);
}

static void only_addresses_of_the_internet_are_public(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "8.8.8.8",     "1.1.1.1",         "172.32.0.1",      "100.128.0.1",  "169.253.0.1",
        "192.169.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"};
    static const char *const no[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "2002:7f00:1::",
        "100::1",
        "4000::1",
    };
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (!public(yes[i]))
            fail_msg("%s is public", yes[i]);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (public(no[i]))
            fail_msg("%s is not public", no[i]);
}

static void names_lead_to_public_addresses_only(void **state)
{
    (void)state;
    static const char *const texts[] = {"db.example.org:5432", "*.example.net:443",
                                        "10.1.0.0/16:80", "[fd00::]/8:80", "inner:80"};
    static const struct {
        const char *place, *address;
        bool place_allowed, address_allowed;
    } cases[] = {
        {"db.example.org:5432", "8.8.8.8", true, true},
        {"db.example.org:5432", "127.0.0.1", true, false},
        {"db.example.org:5432", "169.254.169.254", true, false},
        {"db.example.org:5432", "10.1.2.3", true, false}, /* the rule of it has another port */
        {"db.example.org:5432", "::ffff:127.0.0.1", true, false},
        {"db.example.org:80", "8.8.8.8", false, false},
        {"www.example.net:443", "8.8.8.8", true, true},
        {"example.net:443", "8.8.8.8", false, false},
        {"inner:80", "10.1.2.3", true, true},
        {"inner:80", "10.2.2.3", true, false},
        {"10.1.2.3:80", "10.1.2.3", true, true},
        {"10.2.2.3:80", "10.2.2.3", false, false},
        {"8.8.8.8:80", "8.8.8.8", false, false},
        {"[fd00::1]:80", "fd00::1", true, true},
    };
    struct endpoint_rule rules[ARRAY_LEN(texts)], any;
    struct endpoint endpoint, address;
    char text[80];

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(endpoint_rule_parse(texts[i], &rules[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(text, sizeof text, strchr(cases[i].address, ':') ? "[%s]:1" : "%s:1",
                 cases[i].address);
        assert_int_equal(endpoint_parse(cases[i].place, &endpoint, NULL), 0);
        assert_int_equal(endpoint_parse(text, &address, NULL), 0);
        if (endpoint_rules_allow(rules, ARRAY_LEN(rules), &endpoint) != cases[i].place_allowed ||
            endpoint_rules_allow_address(rules, ARRAY_LEN(rules), &endpoint, &address.address) !=
                cases[i].address_allowed)
            fail_msg("%s at %s", cases[i].place, cases[i].address);
    }
    assert_int_equal(endpoint_rule_parse("*:443", &any, NULL), 0);
    static const struct {
        const char *place;
        bool allowed;
    } open[] = {{"any.org:443", true},    {"any.org:444", false},  {"8.8.8.8:443", true},
                {"127.0.0.1:443", false}, {"10.0.0.1:443", false}, {"[::1]:443", false}};
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        assert_int_equal(endpoint_parse(open[i].place, &endpoint, NULL), 0);
        assert_int_equal(endpoint_rules_allow(&any, 1, &endpoint), open[i].allowed);
    }
    assert_false(endpoint_rules_allow(NULL, 0, &endpoint));
}

static void datagrams_are_other_places_with_other_rules(void **state)
{
    static const char *const texts[] = {"10.0.0.0/8:53/udp", "dns.example.org:53/udp", "*:443"};
    static const struct {
        const char *place;
        bool allowed;
    } cases[] = {
        {"10.1.2.3:53/udp", true},        {"10.1.2.3:53", false},        {"10.1.2.3:54/udp", false},
        {"dns.example.org:53/udp", true}, {"dns.example.org:53", false}, {"any.org:443", true},
        {"any.org:443/udp", false},       {"8.8.8.8:443/udp", false},
    };
    struct endpoint_rule rules[ARRAY_LEN(texts)];
    struct endpoint endpoint;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(endpoint_connect_rule_parse(texts[i], &rules[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(endpoint_connect_parse(cases[i].place, &endpoint, NULL), 0);
        assert_int_equal(endpoint_rules_allow(rules, ARRAY_LEN(rules), &endpoint),
                         cases[i].allowed);
    }
    /* An address is no better when it is a name's. */
    struct net_address inside = net_address_from(false, (uint8_t[]){127, 0, 0, 1});
    assert_int_equal(endpoint_connect_parse("dns.example.org:53/udp", &endpoint, NULL), 0);
    assert_false(endpoint_rules_allow_address(rules, ARRAY_LEN(rules), &endpoint, &inside));
    static const char *const refused[] = {"/udp",         ":53/udp",          "a.org/udp",
                                          "a.org:53/UDP", "a.org:53/udp/udp", "a.org:53/tcp",
                                          "a.org:0/udp"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_true(endpoint_connect_parse(refused[i], &endpoint, NULL) < 0);
        assert_true(endpoint_connect_rule_parse(refused[i], &rules[0], NULL) < 0);
    }
    /* Who listens, or speaks HTTP, has no such places. */
    assert_true(endpoint_parse("a.org:53/udp", &endpoint, NULL) < 0);
    assert_true(endpoint_listen_parse("127.0.0.1:53/udp", &endpoint, NULL) < 0);
    assert_true(endpoint_rule_parse("10.0.0.0/8:53/udp", &rules[0], NULL) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_read),
        cmocka_unit_test(what_is_no_endpoint_is_refused),
        cmocka_unit_test(a_rule_holds_what_it_says_and_no_more),
        cmocka_unit_test(an_address_to_listen_on),
        cmocka_unit_test(what_is_no_rule_is_refused),
        cmocka_unit_test(names_lead_to_public_addresses_only),
        cmocka_unit_test(only_addresses_of_the_internet_are_public),
        cmocka_unit_test(datagrams_are_other_places_with_other_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
