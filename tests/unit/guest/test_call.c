/* Requests are refused unless they are what channel.h says; answers, CGI heads, the log. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "guest/call.h"

/* Any but the first: nothing depends on it. */
#define SLOT 5u

static struct channel *channel;
static struct guest_call *call;
static char *head_copy;

static int set_up(void **state)
{
    (void)state;
    channel = mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    /* Exactly as long as it must be: an overrun is found by the sanitizer. */
    head_copy = malloc(REQUEST_HEAD_MAX_BYTES + 1);
    call = calloc(1, sizeof *call);
    return channel == MAP_FAILED || !head_copy || !call ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    munmap(channel, CHANNEL_BYTES);
    free(head_copy);
    free(call);
    return 0;
}

/* Puts a request with this head (its NULs in it) and body into the channel. */
static void put_request(const char *head, size_t head_bytes, uint32_t header_count,
                        const char *body)
{
    channel->slots[SLOT].request = (struct channel_request){
        .head_bytes = (uint32_t)head_bytes,
        .body_bytes = (uint32_t)strlen(body),
        .header_count = header_count,
        .answer_max = 64,
    };
    uint8_t *text =
        channel_request_text(channel, SLOT, (uint32_t)head_bytes, (uint32_t)strlen(body));
    memcpy(text, head, head_bytes);
    memcpy(text + head_bytes, body, strlen(body));
}

#define PUT(head, headers, body) put_request(head, sizeof(head) - 1, headers, body)

#define GOOD_HEAD                   \
    "GET\0/a/b\0x=1\0http://host\0" \
    "127.0.0.1\0accept\0*/*\0x-one\0\0"

static void a_request_is_taken_apart(void **state)
{
    (void)state;
    PUT(GOOD_HEAD, 2, "body");
    assert_int_equal(call_parse(call, channel, SLOT, head_copy), 0);
    assert_string_equal(call->method.data, "GET");
    assert_string_equal(call->path.data, "/a/b");
    assert_string_equal(call->query.data, "x=1");
    assert_string_equal(call->host.data, "http://host");
    assert_string_equal(call->remote.data, "127.0.0.1");
    assert_int_equal(call->header_count, 2);
    assert_string_equal(call->header_names[0].data, "accept");
    assert_string_equal(call->header_values[0].data, "*/*");
    assert_string_equal(call->header_names[1].data, "x-one");
    assert_int_equal(call->header_values[1].bytes, 0);
    assert_int_equal(call->body_bytes, 4);
    assert_memory_equal(call->body, "body", 4);
    assert_int_equal(call->answer_max, 64);
    assert_null(call->answer);
}

static void the_head_is_a_private_copy(void **state)
{
    (void)state;
    PUT(GOOD_HEAD, 2, "");
    assert_int_equal(call_parse(call, channel, SLOT, head_copy), 0);
    memset(channel_request_text(channel, SLOT, CHANNEL_SMALL_BYTES, 0), 'x', CHANNEL_SMALL_BYTES);
    assert_string_equal(call->method.data, "GET");
    assert_string_equal(call->header_names[1].data, "x-one");
}

static void expect_bad(const char *why)
{
    if (call_parse(call, channel, SLOT, head_copy) != -EBADMSG)
        fail_msg("was not refused: %s", why);
}

static void lengths_beyond_their_limits_are_refused(void **state)
{
    (void)state;
    PUT(GOOD_HEAD, 2, "");
    channel->slots[SLOT].request.head_bytes = REQUEST_HEAD_MAX_BYTES + 1;
    expect_bad("head");
    PUT(GOOD_HEAD, 2, "");
    channel->slots[SLOT].request.head_bytes = UINT32_MAX;
    expect_bad("head wraps");
    PUT(GOOD_HEAD, 2, "");
    channel->slots[SLOT].request.body_bytes = REQUEST_BODY_MAX_BYTES + 1;
    expect_bad("body");
    PUT(GOOD_HEAD, 2, "");
    channel->slots[SLOT].request.body_bytes = UINT32_MAX;
    expect_bad("body wraps");
    PUT(GOOD_HEAD, 2, "");
    channel->slots[SLOT].request.header_count = REQUEST_HEADERS_MAX + 1;
    expect_bad("headers");
    PUT(GOOD_HEAD, 2, "");
    channel->slots[SLOT].request.answer_max = RESPONSE_BODY_MAX_BYTES + 1;
    expect_bad("answer");
}

static void heads_that_are_not_whole_are_refused(void **state)
{
    (void)state;
    PUT("", 0, "");
    expect_bad("empty");
    PUT("GET\0/\0\0\0", 0, "");
    expect_bad("a text is missing");
    PUT("GET\0/\0\0\0last", 0, "\0");
    expect_bad("the last text does not end");
    PUT(GOOD_HEAD, 3, "");
    expect_bad("more headers than there are");
    PUT(GOOD_HEAD, 1, "");
    expect_bad("fewer headers than there are");
    PUT("GET\0/\0\0\0\0name\0", 1, "");
    expect_bad("a header without a value");
    PUT("\0/\0\0\0\0", 0, "");
    expect_bad("no method");
    PUT("G T\0/\0\0\0\0", 0, "");
    expect_bad("a bad method");
    PUT("GET\0/\0\0\0\0\0v\0", 1, "");
    expect_bad("a header without a name");
    PUT("GET\0/\0\0\0\0X-One\0v\0", 1, "");
    expect_bad("a name in capitals");
    PUT("GET\0/\0\0\0\0x one\0v\0", 1, "");
    expect_bad("a bad name");
}

static void a_head_of_the_greatest_length_is_taken(void **state)
{
    size_t bytes = REQUEST_HEAD_MAX_BYTES;
    _cleanup_(freep) char *head = malloc(bytes);

    (void)state;
    memset(head, 'p', bytes);
    memcpy(head, "GET", 4);
    memcpy(head + bytes - 4, "\0\0\0", 4);
    put_request(head, bytes, 0, "far");
    assert_int_equal(call_parse(call, channel, SLOT, head_copy), 0);
    assert_int_equal(call->path.bytes, bytes - 8);
    assert_memory_equal(call->body, "far", 3);
    head[bytes - 1] = 'x';
    put_request(head, bytes, 0, "far");
    expect_bad("no end");
}

static uint8_t answer[128];

static void take_good_request(void)
{
    PUT(GOOD_HEAD, 2, "");
    assert_int_equal(call_parse(call, channel, SLOT, head_copy), 0);
    call->answer = answer;
}

static void answers_keep_to_their_limit(void **state)
{
    char bytes[65] = {0};

    (void)state;
    take_good_request();
    assert_int_equal(call_answer(call, bytes, 65), -EFBIG);
    assert_int_equal(call->answer_bytes, 0);
    assert_int_equal(call_answer(call, bytes, 60), 0);
    assert_int_equal(call_answer(call, bytes, 5), -EFBIG);
    assert_int_equal(call_answer(call, bytes, SIZE_MAX), -EFBIG);
    assert_int_equal(call_answer(call, bytes, 4), 0);
    assert_int_equal(call_answer(call, NULL, 0), 0);
    assert_int_equal(call->answer_bytes, 64);
}

static int add(const char *name, const char *value)
{
    return call_response_header(call, name, strlen(name), value, strlen(value));
}

static void headers_that_http_does_not_allow_are_refused(void **state)
{
    static const char *const names[] = {
        "", "a b", "a:", "a\r", "a\n", "a\t", "\"a\"", "(a)", "a/b", "a\x80", "a\x7f",
    };
    static const char *const values[] = {"a\rb", "a\nb", "a\r\nSet-Cookie: b", "\x01", "a\x7f"};
    static const char *const hops[] = {
        "Connection",
        "content-length",
        "CONTENT-LENGTH",
        "Transfer-Encoding",
        "keep-alive",
        "Upgrade",
        "TE",
        "Proxy-Authenticate",
        "proxy-connection",
        "trailer",
    };

    (void)state;
    take_good_request();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(add(names[i], "v"), -EINVAL);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        assert_int_equal(add("x", values[i]), -EINVAL);
    for (size_t i = 0; i < ARRAY_LEN(hops); i++)
        assert_int_equal(add(hops[i], "v"), -EINVAL);
    assert_int_equal(call_response_header(call, "x", 1, "a\0b", 3), -EINVAL);
    assert_int_equal(call_response_header(call, "x\0y", 3, "a", 1), -EINVAL);
    assert_int_equal(call->response_header_count, 0);
    assert_int_equal(add("X-Good", "a\tb \x80"), 0);
    assert_int_equal(add("x-empty", ""), 0);
    assert_int_equal(add("Teapot", "v"), 0);
    assert_memory_equal(call->response_head, "X-Good\0a\tb \x80\0x-empty\0\0Teapot\0v", 31);
    assert_int_equal(call->response_header_count, 3);
}

static void too_many_or_too_long_headers_are_refused(void **state)
{
    static char value[RESPONSE_HEAD_MAX_BYTES];

    (void)state;
    take_good_request();
    for (int i = 0; i < REQUEST_HEADERS_MAX; i++)
        assert_int_equal(add("x", "v"), 0);
    assert_int_equal(add("x", "v"), -E2BIG);
    take_good_request();
    memset(value, 'v', sizeof value);
    assert_int_equal(call_response_header(call, "x", 1, value, sizeof value), -E2BIG);
    assert_int_equal(call_response_header(call, "x", 1, value, sizeof value - 2), -E2BIG);
    assert_int_equal(call_response_header(call, "x", 1, value, sizeof value - 3), 0);
    assert_int_equal(call->response_head_bytes, RESPONSE_HEAD_MAX_BYTES);
    assert_int_equal(call_response_header(call, "x", 1, "", 0), -E2BIG);
}

static void a_response_is_published_whole(void **state)
{
    (void)state;
    take_good_request();
    call->status = 201;
    assert_int_equal(add("x", "v"), 0);
    assert_int_equal(call_answer(call, "hello", 5), 0);
    call_respond(call, CHANNEL_ANSWERED, 0, CHANNEL_FINISHED, NULL);
    assert_int_equal(channel->slots[SLOT].response.outcome, CHANNEL_ANSWERED);
    assert_int_equal(channel->slots[SLOT].response.status, 201);
    assert_int_equal(channel->slots[SLOT].response.flags, CHANNEL_FINISHED);
    assert_int_equal(channel->slots[SLOT].response.header_count, 1);
    assert_int_equal(channel->slots[SLOT].response.head_bytes, 4);
    assert_memory_equal(channel_response_text(channel, SLOT, 4, 5), "x\0v\0hello", 9);
}

static void a_failure_brings_its_message_and_no_answer(void **state)
{
    char message[400];

    (void)state;
    take_good_request();
    assert_int_equal(add("x", "v"), 0);
    assert_int_equal(call_answer(call, "hello", 5), 0);
    memset(message, 'm', sizeof message);
    message[sizeof message - 1] = '\0';
    call_respond(call, CHANNEL_TRAPPED, -1, 0, message);
    assert_int_equal(channel->slots[SLOT].response.outcome, CHANNEL_TRAPPED);
    assert_int_equal(channel->slots[SLOT].response.body_bytes, 0);
    assert_int_equal(channel->slots[SLOT].response.header_count, 0);
    assert_int_equal(channel->slots[SLOT].response.code, -1);
    assert_int_equal(channel->slots[SLOT].response.head_bytes, CHANNEL_MESSAGE_BYTES);
    assert_memory_equal(channel_response_text(channel, SLOT, CHANNEL_MESSAGE_BYTES, 0), message,
                        CHANNEL_MESSAGE_BYTES);
}

static void large_answers_lie_in_the_large_area(void **state)
{
    uint8_t *large = calloc(1, 100000);

    (void)state;
    take_good_request();
    large[99999] = 7;
    call->answer = large;
    call->answer_bytes = 100000;
    call_respond(call, CHANNEL_ANSWERED, 0, 0, "");
    assert_int_equal(channel_response_text(channel, SLOT, 0, 100000)[99999], 7);
    free(large);
}

/* ---- the log ---- */

static void reset_log(uint64_t written, uint64_t read)
{
    channel->log_written = written;
    channel->log_read = read;
    channel->log_dropped = 0;
    call->channel = channel;
}

static void the_log_wraps(void **state)
{
    const uint8_t *ring = (const uint8_t *)channel + CHANNEL_LOG;

    (void)state;
    reset_log(CHANNEL_LOG_BYTES - 3, CHANNEL_LOG_BYTES - 3);
    call_log(call, "abcdef", 6);
    assert_memory_equal(ring + CHANNEL_LOG_BYTES - 3, "abc", 3);
    assert_memory_equal(ring, "def", 3);
    assert_int_equal(channel->log_written, CHANNEL_LOG_BYTES + 3);
    assert_int_equal(channel->log_dropped, 0);
}

static void what_does_not_fit_the_log_is_counted(void **state)
{
    static char text[2 * CHANNEL_LOG_BYTES];

    (void)state;
    reset_log(0, 0);
    call_log(call, text, CHANNEL_LOG_BYTES - 2);
    call_log(call, "abcdef", 6);
    assert_int_equal(channel->log_written, CHANNEL_LOG_BYTES);
    assert_int_equal(channel->log_dropped, 4);
    call_log(call, "x", 1);
    assert_int_equal(channel->log_dropped, 5);
    channel->log_read = CHANNEL_LOG_BYTES;
    call_log(call, text, sizeof text);
    assert_int_equal(channel->log_written, 2 * CHANNEL_LOG_BYTES);
    assert_int_equal(channel->log_dropped, 5 + CHANNEL_LOG_BYTES);
}

static void a_host_that_lies_about_the_log_gets_nothing(void **state)
{
    (void)state;
    reset_log(10, 20); /* read more than was written */
    call_log(call, "abc", 3);
    assert_int_equal(channel->log_written, 10);
    assert_int_equal(channel->log_dropped, 3);
    call->channel = NULL;
    call_log(call, "abc", 3);
}

/* ---- CGI ---- */

static int cgi(const char *output)
{
    static uint8_t body[4096];

    PUT(GOOD_HEAD, 2, "");
    assert_int_equal(call_parse(call, channel, SLOT, head_copy), 0);
    assert_true(strlen(output) < sizeof body);
    memcpy(body, output, strlen(output));
    call->answer = body;
    call->answer_max = sizeof body;
    call->answer_bytes = (uint32_t)strlen(output);
    return call_cgi_head(call);
}

static void a_cgi_head_becomes_status_and_headers(void **state)
{
    (void)state;
    assert_int_equal(cgi("Status: 404 Not Found\r\nContent-Type:  text/plain \r\n\r\nbody\n"), 0);
    assert_int_equal(call->status, 404);
    assert_int_equal(call->response_header_count, 1);
    assert_memory_equal(call->response_head, "Content-Type\0text/plain", 24);
    assert_int_equal(call->answer_bytes, 5);
    assert_memory_equal(call->answer, "body\n", 5);
    assert_int_equal(cgi("Content-Type: a/b\n\n"), 0);
    assert_int_equal(call->status, 0);
    assert_int_equal(call->answer_bytes, 0);
    assert_int_equal(cgi("Location: /there\n\n"), 0);
    assert_int_equal(call->status, 302);
    assert_int_equal(cgi("Content-Type: a/b\nContent-Length: 4\nstatus:200\n\nbody"), 0);
    assert_int_equal(call->status, 200);
    assert_int_equal(call->response_header_count, 1);
}

static void improper_cgi_heads_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "\r\nbody",
        "body without a head",
        "body\nof two lines\n\n",
        "Content-Type: a/b\n",
        "Content-Type: a/b",
        "Content-Type: a/b\nno colon\n\n",
        "Content Type: a/b\n\n",
        ": a/b\n\n",
        "Connection: close\n\n",
        "Transfer-Encoding: chunked\n\n",
        "X: a\rb\n\n",
        " X: folded\n\n",
        "Status: 99\n\n",
        "Status: 100 Continue\n\n",
        "Status: 600\n\n",
        "Status: 2000\n\n",
        "Status: abc\n\n",
        "Status:\n\n",
        "Status: 200\nStatus: 404\n\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (cgi(bad[i]) != -EBADMSG)
            fail_msg("was not refused: '%s'", bad[i]);
        assert_int_equal(call->status, 0);
        assert_int_equal(call->response_header_count, 0);
        assert_int_equal(call->answer_bytes, strlen(bad[i]));
    }
}

static void a_cgi_head_without_end_is_refused(void **state)
{
    size_t bytes = RESPONSE_HEAD_MAX_BYTES + 100;
    _cleanup_(freep) char *text = malloc(bytes);

    (void)state;
    take_good_request();
    memset(text, 'a', bytes);
    memcpy(text, "X: ", 3);
    memcpy(text + bytes - 2, "\n\n", 2);
    call->answer = (uint8_t *)text;
    call->answer_bytes = (uint32_t)bytes;
    assert_int_equal(call_cgi_head(call), -EBADMSG);
}

static void an_answer_with_a_bad_status_only_is_improper(void **state)
{
    static const uint32_t bad[] = {0, 99, 101, 199, 600, 999, (uint32_t)-1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        take_good_request();
        call->has_bad_status = true;
        call->bad_status = bad[i];
        call_respond(call, CHANNEL_ANSWERED, 0, 0, NULL);
        assert_int_equal(channel->slots[SLOT].response.outcome, CHANNEL_IMPROPER);
        const char *text = (const char *)channel_response_text(
            channel, SLOT, channel->slots[SLOT].response.head_bytes, 0);
        assert_non_null(memmem(text, channel->slots[SLOT].response.head_bytes,
                               "is not within 200 and 599", 25));
    }
    /* A proper one counts, before or after; the next call begins anew. */
    call->status = 404;
    call_respond(call, CHANNEL_ANSWERED, 0, 0, NULL);
    assert_int_equal(channel->slots[SLOT].response.outcome, CHANNEL_ANSWERED);
    assert_int_equal(channel->slots[SLOT].response.status, 404);
    take_good_request();
    call_respond(call, CHANNEL_ANSWERED, 0, 0, NULL);
    assert_int_equal(channel->slots[SLOT].response.outcome, CHANNEL_ANSWERED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(the_head_is_a_private_copy),
        cmocka_unit_test(lengths_beyond_their_limits_are_refused),
        cmocka_unit_test(heads_that_are_not_whole_are_refused),
        cmocka_unit_test(a_head_of_the_greatest_length_is_taken),
        cmocka_unit_test(answers_keep_to_their_limit),
        cmocka_unit_test(headers_that_http_does_not_allow_are_refused),
        cmocka_unit_test(too_many_or_too_long_headers_are_refused),
        cmocka_unit_test(a_response_is_published_whole),
        cmocka_unit_test(a_failure_brings_its_message_and_no_answer),
        cmocka_unit_test(large_answers_lie_in_the_large_area),
        cmocka_unit_test(the_log_wraps),
        cmocka_unit_test(what_does_not_fit_the_log_is_counted),
        cmocka_unit_test(a_host_that_lies_about_the_log_gets_nothing),
        cmocka_unit_test(a_cgi_head_becomes_status_and_headers),
        cmocka_unit_test(improper_cgi_heads_are_refused),
        cmocka_unit_test(a_cgi_head_without_end_is_refused),
        cmocka_unit_test(an_answer_with_a_bad_status_only_is_improper),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
