/* Heads and chunks: what can be read in two ways is refused, whatever pieces it comes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "faas/http_head.h"

/* A text that may hold NUL bytes. */
struct bytes {
    const char *text;
    size_t bytes;
};
#define BYTES(literal)                 \
    {                                  \
        literal, sizeof(literal) - 1u, \
    }
#define H "Host: a\r\n"

/* Scans and parses; what is left of the text begins at *ret_used. */
static int parse(const char *text, size_t bytes, struct http_head *head,
                 struct http_refusal *refusal, char **ret_copy)
{
    struct http_scan scan = {0};
    char *copy = malloc(bytes + 1);

    memcpy(copy, text, bytes);
    *ret_copy = copy;
    ssize_t n = http_head_scan(&scan, copy, bytes, refusal);
    if (n <= 0) {
        if (n == 0)
            refusal->cause = PROBLEM_NONE;
        return -1;
    }
    return http_head_parse(copy, (size_t)n, head, refusal);
}

static void a_request_is_taken_apart(void **state)
{
    static const char text[] = "POST /function/a/b?c=d HTTP/1.1\r\nHost: h:1\r\nX-Y:\t z \r\n"
                               "content-LENGTH: 12\r\n\r\nbody";
    _cleanup_(freep) char *copy = NULL;
    struct http_head head;
    struct http_refusal refusal;

    (void)state;
    assert_int_equal(parse(text, sizeof text - 1, &head, &refusal, &copy), 0);
    assert_string_equal(head.method, "POST");
    assert_string_equal(head.path, "/function/a/b");
    assert_string_equal(head.query, "c=d");
    assert_string_equal(http_head_find(&head, "HOST"), "h:1");
    assert_string_equal(http_head_find(&head, "x-y"), "z");
    assert_null(http_head_find(&head, "x-"));
    assert_int_equal(head.body_bytes, 12);
    assert_true(head.keep_alive);
    assert_false(head.chunked);
    assert_int_equal(head.field_count, 3);
}

static void an_absolute_target_says_the_host(void **state)
{
    static const char text[] = "GET http://real:80/p?q HTTP/1.1\r\nHost: other\r\n\r\n";
    _cleanup_(freep) char *copy = NULL;
    struct http_head head;
    struct http_refusal refusal;

    (void)state;
    assert_int_equal(parse(text, sizeof text - 1, &head, &refusal, &copy), 0);
    assert_string_equal(head.path, "/p");
    assert_string_equal(head.query, "q");
    assert_string_equal(http_head_find(&head, "host"), "real:80");
}

static void connections_are_kept_as_they_say(void **state)
{
    static const struct {
        const char *text;
        bool kept;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" H "\r\n", true},
        {"GET / HTTP/1.1\r\n" H "Connection: x, Close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"\r\nGET / HTTP/1.1\r\n" H "\r\n", true},
        {"OPTIONS * HTTP/1.1\r\n" H "\r\n", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(freep) char *copy = NULL;
        struct http_head head;
        struct http_refusal refusal;
        assert_int_equal(parse(cases[i].text, strlen(cases[i].text), &head, &refusal, &copy), 0);
        assert_int_equal(head.keep_alive, cases[i].kept);
    }
}

static void what_is_no_request_is_refused(void **state)
{
    static const struct {
        struct bytes sent;
        enum problem_cause cause;
    } cases[] = {
        /* the request line */
        {BYTES("\x16\x03\x01\x02"), PROBLEM_BAD_REQUEST},
        {BYTES("GET /\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("\n"), PROBLEM_BAD_REQUEST},
        {BYTES("\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET  / HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1 \r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET\t/ HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET /a b HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET /\x01 HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET /\0 HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET /#f HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET a HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET * HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET http:///p HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET http://u@h/p HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET http://h?q HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET ftp://h/ HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("G(T / HTTP/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / http/1.1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.10\r\n" H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("CONNECT h:1 HTTP/1.1\r\n" H "\r\n"), PROBLEM_NOT_IMPLEMENTED},
        {BYTES("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" H "\r\n"),
         PROBLEM_NOT_IMPLEMENTED},
        {BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), PROBLEM_VERSION},
        {BYTES("GET / HTTP/3.0\r\n" H "\r\n"), PROBLEM_VERSION},
        /* fields */
        {BYTES("GET / HTTP/1.1\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n " H "\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H "X : a\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H "X\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H ": a\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H "X: a\r\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("GET / HTTP/1.1\r\n" H "X: a\n\r\n"), PROBLEM_BAD_REQUEST},
        /* the body's framing */
        {BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
         PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
         PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 9999999999999999999\r\n\r\n"),
         PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
         PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
         PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H
               "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
         PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), PROBLEM_BAD_REQUEST},
        {BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n"),
         PROBLEM_NOT_IMPLEMENTED},
        {BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n"),
         PROBLEM_NOT_IMPLEMENTED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(freep) char *copy = NULL;
        struct http_head head;
        struct http_refusal refusal = {0};
        if (parse(cases[i].sent.text, cases[i].sent.bytes, &head, &refusal, &copy) == 0 ||
            refusal.cause != cases[i].cause)
            fail_msg("case %zu: cause %d: %s", i, (int)refusal.cause, cases[i].sent.text);
    }
}

/* Scans a growing text of `head`, then `unit` again and again; the refusal's cause. */
static enum problem_cause endless(const char *head, const char *unit)
{
    struct http_scan scan = {0};
    struct http_refusal refusal = {0};
    static char text[HTTP_HEAD_MAX_BYTES + 4096];
    size_t bytes = strlen(head), step = strlen(unit);

    memcpy(text, head, bytes);
    while (bytes + step < sizeof text) {
        memcpy(text + bytes, unit, step);
        bytes += step;
        ssize_t n = http_head_scan(&scan, text, bytes, &refusal);
        if (n < 0)
            return refusal.cause;
        assert_int_equal(n, 0);
    }
    return PROBLEM_NONE;
}

static void a_head_without_end_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(endless("GET /", "aaaaaaaa"), PROBLEM_URI_TOO_LONG);
    assert_int_equal(endless("", "a"), PROBLEM_URI_TOO_LONG);
    assert_int_equal(endless("GET / HTTP/1.1\r\nX: ", "aaaaaaaa"), PROBLEM_HEAD_TOO_LARGE);
    assert_int_equal(endless("GET / HTTP/1.1\r\n", "X: aaaa\r\n"), PROBLEM_HEAD_TOO_LARGE);
}

static void too_many_fields_are_refused(void **state)
{
    _cleanup_(freep) char *text = malloc(HTTP_HEAD_MAX_BYTES), *copy = NULL;
    struct http_head head;
    struct http_refusal refusal = {0};
    size_t at = (size_t)sprintf(text, "GET / HTTP/1.1\r\n" H);

    (void)state;
    for (int i = 0; i < HTTP_FIELDS_MAX; i++)
        at += (size_t)sprintf(text + at, "a: b\r\n");
    at += (size_t)sprintf(text + at, "\r\n");
    assert_int_equal(parse(text, at, &head, &refusal, &copy), -1);
    assert_int_equal(refusal.cause, PROBLEM_HEAD_TOO_LARGE);
}

/* The end is found at the same place, in whatever pieces the head comes. */
static void pieces_make_no_difference(void **state)
{
    static const char text[] = "\r\nPOST /x HTTP/1.1\r\n" H "A: b\r\n\r\nGET";
    const size_t end = sizeof text - 1 - 3;

    (void)state;
    for (size_t step = 1; step < sizeof text; step++) {
        struct http_scan scan = {0};
        struct http_refusal refusal;
        ssize_t n = 0;
        for (size_t bytes = step; n == 0; bytes += step)
            n = http_head_scan(&scan, text, bytes < sizeof text - 1 ? bytes : sizeof text - 1,
                               &refusal);
        assert_int_equal(n, (ssize_t)end);
    }
}

/* ---- chunks ---- */

/* Feeds `text` in steps; the body it makes, and what is left behind its end. -1: refused. */
static ssize_t chunks(const char *text, size_t bytes, size_t step, char *body, size_t *ret_left)
{
    struct http_chunks state = {0};
    size_t at = 0, length = 0;

    while (at < bytes && state.state != CHUNK_OVER) {
        size_t give = bytes - at < step ? bytes - at : step, from, count;
        ssize_t used = http_chunks_take(&state, text + at, give, &from, &count);
        if (used < 0)
            return -1;
        memcpy(body + length, text + at + from, count);
        length += count;
        at += (size_t)used;
    }
    *ret_left = bytes - at;
    return state.state == CHUNK_OVER ? (ssize_t)length : -2;
}

static void chunks_make_a_body(void **state)
{
    static const char text[] =
        "5\r\nhello\r\nA;x=\"y\"\r\n, you all!\r\n000\r\nTrail: er\r\n\r\nGET";
    char body[64];
    size_t left = 0;

    (void)state;
    for (size_t step = 1; step < sizeof text; step++) {
        assert_int_equal(chunks(text, sizeof text - 1, step, body, &left), 15);
        assert_memory_equal(body, "hello, you all!", 15);
        assert_int_equal(left, 3);
    }
}

static void what_is_no_chunk_is_refused(void **state)
{
    static const struct bytes cases[] = {
        BYTES("\r\n"),
        BYTES("g\r\n"),
        BYTES("0x5\r\nhello\r\n"),
        BYTES(" 5\r\nhello\r\n"),
        BYTES("5 \r\nhello\r\n"),
        BYTES("5\nhello\r\n"),
        BYTES("5\r\nhelloX"),
        BYTES("5\r\nhello\n0\r\n\r\n"),
        BYTES("5\r\nhello\rX"),
        BYTES("-5\r\nhello\r\n"),
        BYTES("1234567890123456\r\n"),
        BYTES("5;\x01\r\nhello\r\n"),
        BYTES("0\r\nNoColon\r\n\r\n"),
        BYTES("0\r\n: x\r\n\r\n"),
        BYTES("0\r\n x: y\r\n\r\n"),
        BYTES("0\r\nx: \0\r\n\r\n"),
        BYTES("0\r\n\rX"),
        BYTES("0\r\n\n"),
    };
    char body[64];
    size_t left;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t step = 1; step < 8; step++)
            if (chunks(cases[i].text, cases[i].bytes, step, body, &left) != -1)
                fail_msg("case %zu in steps of %zu", i, step);
}

static void trailers_are_bounded(void **state)
{
    struct http_chunks chunks_state = {0};
    size_t at, bytes, sent = 0;

    (void)state;
    assert_int_equal(http_chunks_take(&chunks_state, "0\r\n", 3, &at, &bytes), 3);
    while (http_chunks_take(&chunks_state, "a: b\r\n", 6, &at, &bytes) == 6)
        assert_true((sent += 6) < 64 << 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(an_absolute_target_says_the_host),
        cmocka_unit_test(connections_are_kept_as_they_say),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(a_head_without_end_is_bounded),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(chunks_make_a_body),
        cmocka_unit_test(what_is_no_chunk_is_refused),
        cmocka_unit_test(trailers_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
