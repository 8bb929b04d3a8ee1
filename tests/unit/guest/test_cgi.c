/* What a command is told of its call, and what it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "guest/cgi.h"

static struct cgi_environment *environment;
static struct guest_call *call;

static struct call_text text_of(const char *words)
{
    return (struct call_text){words, (uint32_t)strlen(words)};
}

static int set_up(void **state)
{
    (void)state;
    /* From malloc: an overrun is found by the sanitizer. */
    environment = malloc(sizeof *environment);
    call = calloc(1, sizeof *call);
    if (!environment || !call)
        return -1;
    call->method = text_of("POST");
    call->path = text_of("/a/b");
    call->query = text_of("x=%41");
    call->host = text_of("http://host");
    call->remote = text_of("192.0.2.7");
    call->body_bytes = 11;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(environment);
    free(call);
    return 0;
}

static void put_header(const char *name, const char *value)
{
    call->header_names[call->header_count] = text_of(name);
    call->header_values[call->header_count++] = text_of(value);
}

static void fill(void)
{
    cgi_environment_fill(environment, call, "name", NULL, 0);
}

/* The value, or NULL; each variable is there once. */
static const char *value_of(const char *name)
{
    const char *found = NULL;
    size_t length = strlen(name);

    for (size_t i = 0; i < environment->count; i++) {
        const char *variable = environment->variables[i];
        if (strncmp(variable, name, length) != 0 || variable[length] != '=')
            continue;
        assert_null(found);
        found = variable + length + 1;
    }
    return found;
}

static void a_call_has_the_variables_of_the_rfc(void **state)
{
    (void)state;
    put_header("content-type", "text/plain");
    put_header("x-some-thing", "one");
    fill();
    assert_string_equal(value_of("GATEWAY_INTERFACE"), "CGI/1.1");
    assert_string_equal(value_of("SERVER_PROTOCOL"), "HTTP/1.1");
    assert_string_equal(value_of("REQUEST_METHOD"), "POST");
    assert_string_equal(value_of("SCRIPT_NAME"), "/function/name");
    assert_string_equal(value_of("PATH_INFO"), "/a/b");
    assert_string_equal(value_of("QUERY_STRING"), "x=%41"); /* 4.1.7: as it came */
    assert_string_equal(value_of("REMOTE_ADDR"), "192.0.2.7");
    assert_string_equal(value_of("CONTENT_TYPE"), "text/plain");
    assert_null(value_of("HTTP_CONTENT_TYPE"));
    assert_string_equal(value_of("HTTP_X_SOME_THING"), "one");
}

static void the_path_is_decoded_once(void **state)
{
    static const struct {
        const char *path, *info;
    } cases[] = {
        {"/", "/"},
        {"/a%20b", "/a b"},
        {"/%C3%a9", "/\xc3\xa9"},
        {"/%2541", "/%41"}, /* once: what comes out is not looked at again */
        {"/%2F..%2f", "//../"},
        {"/a%3D%3d=", "/a==="},
        {"/%00", "/%00"}, /* would end the text */
        {"/a%00%41", "/a%00A"},
        {"/%", "/%"},
        {"/%4", "/%4"},
        {"/%zz", "/%zz"},
        {"/%4x", "/%4x"},
        {"/%%41", "/%A"},
        {"/100%", "/100%"},
        {"/a+b", "/a+b"},
        {"/%0a%0D", "/\n\r"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        call->path = text_of(cases[i].path);
        fill();
        assert_string_equal(value_of("PATH_INFO"), cases[i].info);
        assert_string_equal(value_of("QUERY_STRING"), "x=%41");
    }
}

/* httpoxy: programs take HTTP_PROXY for a setting. */
static void a_proxy_header_is_left_out(void **state)
{
    (void)state;
    put_header("proxy", "http://evil.example");
    put_header("proxy-authorization", "secret");
    fill();
    assert_null(value_of("HTTP_PROXY"));
    assert_string_equal(value_of("HTTP_PROXY_AUTHORIZATION"), "secret");
}

static void the_length_is_that_of_the_body(void **state)
{
    (void)state;
    put_header("content-length", "999999");
    fill();
    assert_string_equal(value_of("CONTENT_LENGTH"), "11");
    assert_null(value_of("HTTP_CONTENT_LENGTH"));
    call->body_bytes = 0;
    fill();
    assert_string_equal(value_of("CONTENT_LENGTH"), "0");
}

static void hosts_of_every_form_give_a_name_and_a_port(void **state)
{
    static const struct {
        const char *host, *name, *port;
    } cases[] = {
        {"http://host", "host", "80"},
        {"https://host", "host", "443"},
        {"http://host:8080", "host", "8080"},
        {"http://[::1]", "[::1]", "80"},
        {"http://[::1]:81", "[::1]", "81"},
        {"host:1", "host", "1"},
        {"", "", "80"},
        {"http://", "", "80"},
        {"http://:1", "", "1"},
        {"http://host:", "host", ""},
        {"http://[", "[", "80"},
        {"http://]", "]", "80"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        call->host = text_of(cases[i].host);
        fill();
        assert_string_equal(value_of("SERVER_NAME"), cases[i].name);
        assert_string_equal(value_of("SERVER_PORT"), cases[i].port);
    }
}

static void a_repeated_header_is_one_variable(void **state)
{
    (void)state;
    put_header("x-forwarded-for", "192.0.2.1");
    put_header("cookie", "a=1");
    put_header("x-forwarded-for-all", "other");
    put_header("x-forwarded-for", "192.0.2.2");
    put_header("cookie", "b=2");
    put_header("x-forwarded-for", "");
    put_header("cookie", "c=3");
    fill();
    assert_string_equal(value_of("HTTP_X_FORWARDED_FOR"), "192.0.2.1, 192.0.2.2, ");
    assert_string_equal(value_of("HTTP_X_FORWARDED_FOR_ALL"), "other");
    assert_string_equal(value_of("HTTP_COOKIE"), "a=1; b=2; c=3");
}

/* Two names that make one variable: what the gateway or a proxy has checked is not replaced. */
static void names_that_would_stand_in_for_others_are_left_out(void **state)
{
    static const char *const odd[] = {"x_request_id", "x.request.id", "x_request-id",
                                      "x!request#id"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        put_header(odd[i], "evil");
    put_header("content_type", "evil");
    put_header("", "evil");
    put_header("x-request-id", "checked");
    fill();
    assert_string_equal(value_of("HTTP_X_REQUEST_ID"), "checked");
    assert_null(value_of("HTTP_CONTENT_TYPE"));
    for (size_t i = 0; i < environment->count; i++)
        assert_null(strstr(environment->variables[i], "evil"));
}

static void repetitions_that_do_not_fit_are_left_out_whole(void **state)
{
    size_t bytes = sizeof environment->text / 2;
    _cleanup_(freep) char *large = malloc(bytes);

    (void)state;
    assert_non_null(large);
    memset(large, 'v', bytes);
    large[bytes - 1] = '\0';
    put_header("x-a", large);
    put_header("x-a", large);
    put_header("x-b", "kept");
    fill();
    assert_string_equal(value_of("HTTP_X_A"), large);
    assert_string_equal(value_of("HTTP_X_B"), "kept");
}

static void odd_names_become_proper_variables(void **state)
{
    char long_name[200];

    (void)state;
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    put_header(long_name, "2"); /* left out */
    put_header("x-9", "");
    fill();
    assert_string_equal(value_of("HTTP_X_9"), "");
    for (size_t i = 0; i < environment->count; i++)
        assert_null(strstr(environment->variables[i], "AAAA"));
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
    size_t bytes = sizeof environment->text;
    _cleanup_(freep) char *large = malloc(bytes);
    static const char *const base[] = {"OWN=1", "OTHER=2"};

    (void)state;
    assert_non_null(large);
    memset(large, 'v', bytes);
    large[bytes - 1] = '\0';
    put_header("x-large", large);
    put_header("x-small", "kept");
    cgi_environment_fill(environment, call, "name", base, 2);
    assert_string_equal(value_of("OWN"), "1");
    assert_string_equal(value_of("OTHER"), "2");
    assert_null(value_of("HTTP_X_LARGE"));
    assert_string_equal(value_of("HTTP_X_SMALL"), "kept");

    /* A path that leaves no room takes no other variable's text. */
    large[0] = '/';
    call->path = text_of(large);
    fill();
    assert_null(value_of("PATH_INFO"));
    assert_string_equal(value_of("REQUEST_METHOD"), "POST");
    assert_string_equal(value_of("QUERY_STRING"), "x=%41");
}

static void the_most_headers_fit(void **state)
{
    static const char *base[GRANT_ENV_MAX + 5];
    static char names[REQUEST_HEADERS_MAX][16];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(base); i++)
        base[i] = "A=1";
    for (size_t i = 0; i < REQUEST_HEADERS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "x-%zu", i);
        put_header(names[i], "v");
    }
    cgi_environment_fill(environment, call, "name", base, ARRAY_LEN(base));
    assert_string_equal(value_of("HTTP_X_0"), "v");
    assert_string_equal(value_of("HTTP_X_127"), "v");
    assert_true(environment->count <= ARRAY_LEN(environment->variables));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_has_the_variables_of_the_rfc, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_path_is_decoded_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_proxy_header_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_length_is_that_of_the_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hosts_of_every_form_give_a_name_and_a_port, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_repeated_header_is_one_variable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_that_would_stand_in_for_others_are_left_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(repetitions_that_do_not_fit_are_left_out_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(odd_names_become_proper_variables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_left_out_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_most_headers_fit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
