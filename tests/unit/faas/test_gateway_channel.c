/* A response is hostile until it is checked; a request's head is what the guest will parse. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/gateway_channel.h"
#include "gateway_test.h"

/* Any but the first: nothing depends on it. */
#define SLOT 7u

static struct channel *channel;

static int make_channel(void **state)
{
    (void)state;
    channel = calloc(1, CHANNEL_BYTES);
    return channel ? 0 : -1;
}

static int free_channel(void **state)
{
    (void)state;
    free(channel);
    return 0;
}

static void numbers_past_their_limits_are_refused(void **state)
{
    (void)state;
    static const struct channel_response refused[] = {
        {.outcome = CHANNEL_ERROR + 1},
        {.outcome = UINT32_MAX},
        {.status = 1},
        {.status = 101},
        {.status = 199},
        {.status = 600},
        {.status = UINT32_MAX},
        {.head_bytes = RESPONSE_HEAD_MAX_BYTES + 1},
        {.head_bytes = UINT32_MAX},
        {.body_bytes = RESPONSE_BODY_MAX_BYTES + 1},
        {.body_bytes = UINT32_MAX},
        {.head_bytes = 16, .body_bytes = UINT32_MAX - 15}, /* their sum wraps to 0 */
        {.header_count = REQUEST_HEADERS_MAX + 1},
        {.header_count = UINT32_MAX},
        {.flags = CHANNEL_LENGTH, .body_bytes = 1},
        {.flags = CHANNEL_LENGTH, .length = 1ull << 63},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct response response = {.status = 7};
        channel->slots[SLOT].response = refused[i];
        assert_int_equal(response_check(channel, SLOT, RESPONSE_BODY_MAX_BYTES, &response, NULL),
                         -EBADMSG);
        assert_int_equal(response.status, 7);
    }
}

static void a_body_past_the_functions_limit_is_refused(void **state)
{
    (void)state;
    struct response response;
    channel->slots[SLOT].response = (struct channel_response){.body_bytes = 1001};
    assert_int_equal(response_check(channel, SLOT, 1000, &response, NULL), -EBADMSG);
    channel->slots[SLOT].response.body_bytes = 1000;
    assert_int_equal(response_check(channel, SLOT, 1000, &response, NULL), 0);
    assert_int_equal(response.status, 200);
}

static void what_changes_after_the_check_changes_nothing(void **state)
{
    (void)state;
    struct response response;
    char text[64] = {0};
    channel->slots[SLOT].response =
        (struct channel_response){.head_bytes = 4, .body_bytes = 3, .header_count = 1};
    memcpy(channel_response_text(channel, SLOT, 4, 3), "a\0b\0xyz", 7);
    assert_int_equal(response_check(channel, SLOT, 1000, &response, NULL), 0);
    channel->slots[SLOT].response.head_bytes = UINT32_MAX;
    channel->slots[SLOT].response.body_bytes = UINT32_MAX;
    channel->slots[SLOT].response.header_count = UINT32_MAX;
    response_copy(channel, &response, text);
    memset(channel_response_text(channel, SLOT, 4, 3), '\r', 7);

    struct response_header headers[REQUEST_HEADERS_MAX];
    assert_int_equal(response_headers(text, &response, headers, NULL), 0);
    assert_string_equal(headers[0].name, "a");
    assert_string_equal(headers[0].value, "b");
    assert_memory_equal(text + 4, "xyz", 4);
}

static void a_message_is_bounded_and_printable(void **state)
{
    (void)state;
    struct response response;
    channel->slots[SLOT].response = (struct channel_response){
        .outcome = CHANNEL_TRAPPED, .head_bytes = CHANNEL_MESSAGE_BYTES + 1};
    assert_int_equal(response_check(channel, SLOT, 1000, &response, NULL), -EBADMSG);
    channel->slots[SLOT].response.head_bytes = CHANNEL_MESSAGE_BYTES;
    channel->slots[SLOT].response.body_bytes = UINT32_MAX;
    memset(channel_response_text(channel, SLOT, CHANNEL_MESSAGE_BYTES, 0), '\n',
           CHANNEL_MESSAGE_BYTES);
    assert_int_equal(response_check(channel, SLOT, 1000, &response, NULL), 0);
    assert_int_equal(strlen(response.message), sizeof response.message - 1);
    assert_null(strchr(response.message, '\n'));
    assert_int_equal(response.body_bytes, 0);
}

struct head {
    const char *text;
    uint32_t bytes, count;
};
#define HEAD(text, count)            \
    {                                \
        text, sizeof text - 1, count \
    }

static void improper_heads_are_refused(void **state)
{
    (void)state;
    static const struct head refused[] = {
        HEAD("a\0b\0", 2),         /* fewer than said */
        HEAD("a\0b\0", 0),         /* more than said */
        HEAD("a\0b", 1),           /* the value has no end */
        HEAD("a", 1),              /* the name has no end */
        HEAD("a\0", 1),            /* no value at all */
        HEAD("\0b\0", 1),          /* no name */
        HEAD("a b\0c\0", 1),       /* a space in a name */
        HEAD("a:\0c\0", 1),        /* a colon in a name */
        HEAD("a\r\nb\0c\0", 1),    /* a line end in a name */
        HEAD("\xc3\xa4\0c\0", 1),  /* not ASCII */
        HEAD("a\0b\r\nc: d\0", 1), /* splits the answer */
        HEAD("a\0b\nc\0", 1),
        HEAD("a\0b\rc\0", 1),
        HEAD("a\0\x01\0", 1),
        HEAD("a\0\x7f\0", 1),
        HEAD("content-length\0"
             "5\0",
             1),
        HEAD("Content-Length\0"
             "5\0",
             1),
        HEAD("transfer-encoding\0chunked\0", 1),
        HEAD("Connection\0close\0", 1),
        HEAD("keep-alive\0x\0", 1),
        HEAD("upgrade\0h2c\0", 1),
        HEAD("trailer\0x\0", 1),
        HEAD("te\0x\0", 1),
        HEAD("proxy-authenticate\0x\0", 1),
        HEAD("", 1),
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct response response = {.head_bytes = refused[i].bytes,
                                    .header_count = refused[i].count};
        struct response_header headers[REQUEST_HEADERS_MAX];
        /* A copy of exactly its size: reading past it is seen by the sanitizer. */
        _cleanup_(freep) char *copy = malloc(refused[i].bytes + 1);
        memcpy(copy, refused[i].text, refused[i].bytes);
        if (response_headers(copy, &response, headers, NULL) != -EBADMSG)
            fail_msg("head %zu was accepted", i);
    }
}

static void proper_heads_are_taken(void **state)
{
    (void)state;
    static const char head[] = "set-cookie\0a=1\0set-cookie\0b=2\0x-empty\0\0x-tab\0a\tb\xc3\xa4";
    struct response response = {.head_bytes = sizeof head, .header_count = 4};
    struct response_header headers[REQUEST_HEADERS_MAX];

    assert_int_equal(response_headers(head, &response, headers, NULL), 0);
    assert_string_equal(headers[1].value, "b=2");
    assert_string_equal(headers[2].value, "");
}

static void a_request_head_never_passes_its_room(void **state)
{
    (void)state;
    for (size_t room = 1; room < 24; room++) {
        _cleanup_(freep) char *text = malloc(room);
        struct request_head head = {.text = text, .capacity = room};
        request_head_text(&head, "GET", 3);
        request_head_header(&head, "X-Name", 6, "value", 5);
        assert_int_equal(head.failed, room < 4 + 7 + 6);
        assert_true(head.bytes <= room);
        if (!head.failed)
            assert_memory_equal(text, "GET\0x-name\0value", 17);
    }
}

static void a_request_head_has_a_bounded_count(void **state)
{
    (void)state;
    static char text[REQUEST_HEAD_MAX_BYTES];
    struct request_head head = {.text = text, .capacity = sizeof text};
    for (int i = 0; i < REQUEST_HEADERS_MAX; i++)
        request_head_header(&head, "a", 1, "b", 1);
    assert_false(head.failed);
    request_head_header(&head, "a", 1, "b", 1);
    assert_true(head.failed);
    assert_int_equal(head.header_count, REQUEST_HEADERS_MAX);
}

static size_t log_take(uint64_t *read, char *text, uint64_t *dropped)
{
    return channel_log_take(channel, read, CHANNEL_LOG_BYTES, text, dropped);
}

static void a_log_that_lies_about_its_length_gives_one_ring(void **state)
{
    (void)state;
    static char text[CHANNEL_LOG_BYTES];
    static const uint64_t lies[] = {CHANNEL_LOG_BYTES + 1, 1ull << 40, UINT64_MAX};
    uint64_t dropped;

    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        uint64_t read = 0;
        channel->log_written = lies[i];
        assert_int_equal(log_take(&read, text, &dropped), CHANNEL_LOG_BYTES);
        assert_int_equal(dropped, lies[i] - CHANNEL_LOG_BYTES);
        assert_int_equal(log_take(&read, text, &dropped), 0);
    }
    uint64_t read = 100; /* back in time */
    channel->log_written = 50;
    assert_int_equal(log_take(&read, text, &dropped), CHANNEL_LOG_BYTES);
    assert_int_equal(dropped, 0);
}

static void a_log_is_read_across_the_end_of_its_ring(void **state)
{
    (void)state;
    static char text[CHANNEL_LOG_BYTES];
    uint64_t read = CHANNEL_LOG_BYTES - 2, dropped;
    char *ring = (char *)channel + CHANNEL_LOG;

    memcpy(ring + CHANNEL_LOG_BYTES - 2, "ab", 2);
    memcpy(ring, "cd", 2);
    channel->log_written = read + 4;
    channel->log_dropped = 9;
    assert_int_equal(log_take(&read, text, &dropped), 4);
    assert_memory_equal(text, "abcd", 4);
    assert_int_equal(dropped, 9);
    assert_int_equal(channel->log_read, channel->log_written);
    assert_int_equal(channel->log_dropped, 0);
}

static void the_output_of_one_call_can_be_taken_alone(void **state)
{
    (void)state;
    static char text[CHANNEL_LOG_BYTES];
    uint64_t read = 0, dropped;

    memcpy((char *)channel + CHANNEL_LOG, "onetwo", 6);
    channel->log_written = 6;
    assert_int_equal(channel_log_take(channel, &read, 3, text, &dropped), 3);
    assert_memory_equal(text, "one", 3);
    assert_int_equal(channel->log_read, 3);
    assert_int_equal(channel_log_take(channel, &read, UINT32_MAX, text, &dropped), 3);
    assert_memory_equal(text, "two", 3);
    channel->log_written = 0;
}

/* ---- slots ---- */

/* What the guest does with the next request: its slot, or -1 when it was withdrawn. */
static int guest_takes(uint32_t number)
{
    uint32_t slot = channel->order[number % CHANNEL_SLOTS];
    uint32_t ready = CHANNEL_READY;

    assert_true(channel->request_sequence - number < CHANNEL_SLOTS);
    return atomic_compare_exchange_strong(&channel->slots[slot].state, &ready, CHANNEL_TAKEN)
               ? (int)slot
               : -1;
}

static void requests_come_and_go_in_order(void **state)
{
    struct channel_port port;
    uint32_t slot;

    (void)state;
    port_open(&port, channel);
    for (uint32_t number = 1; number < 1000; number++) {
        assert_int_equal(port_slot(&port), 0); /* while there is one at a time, it is always one */
        port_send(&port);
        assert_int_equal(port_response(&port, &slot), 0);
        assert_false(port_begun(&port));
        assert_int_equal(guest_takes(number), 0);
        assert_true(port_begun(&port));
        assert_false(port_withdraw(&port));
        channel->response_sequence = number;
        assert_int_equal(port_response(&port, &slot), 1);
        assert_int_equal(slot, 0);
        port_pass(&port);
    }
}

static void withdrawn_requests_are_passed_over(void **state)
{
    struct channel_port port;
    uint32_t slot;

    (void)state;
    port_open(&port, channel);
    for (int i = 0; i < 6; i++)
        port_send(&port);
    assert_int_equal(guest_takes(1), 0);
    for (int i = 0; i < 3; i++)
        assert_true(port_withdraw(&port)); /* 6, 5, 4 */
    assert_int_equal(guest_takes(2), 1);
    assert_int_equal(guest_takes(3), 2);
    assert_false(port_withdraw(&port));
    /* Their slots are not used again until the guest is past them. */
    assert_int_equal(port_slot(&port), 6);
    port_send(&port); /* 7 */
    assert_int_equal(guest_takes(4), -1);
    channel->response_sequence = 4;
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(port_response(&port, &slot), 1);
        assert_int_equal(slot, i);
        port_pass(&port);
    }
    assert_int_equal(port_response(&port, &slot), 0);
    assert_int_equal(guest_takes(5), -1);
    assert_int_equal(guest_takes(6), -1);
    assert_int_equal(guest_takes(7), 6);
    channel->response_sequence = 7;
    assert_int_equal(port_response(&port, &slot), 1);
    assert_int_equal(slot, 6);
    port_pass(&port);
    assert_int_equal(port.used, 0);
}

static void numbers_that_were_not_asked_are_lies(void **state)
{
    static const uint32_t lies[] = {3, 4, 1000, UINT32_MAX};
    uint32_t slot;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        struct channel_port port;
        port_open(&port, channel);
        port_send(&port);
        port_send(&port);
        channel->response_sequence = lies[i];
        assert_int_equal(port_response(&port, &slot), -EBADMSG);
    }
    channel->response_sequence = 0;
}

/* Numbers and slots that the guest writes over its own copies change nothing here. */
static void the_hosts_notes_are_its_own(void **state)
{
    struct channel_port port;
    uint32_t slot;

    (void)state;
    port_open(&port, channel);
    port_send(&port);
    memset(channel->order, 0xff, sizeof channel->order);
    channel->request_sequence = 77;
    channel->response_sequence = 1;
    assert_int_equal(port_response(&port, &slot), 1);
    assert_int_equal(slot, 0);
    port_pass(&port);
    assert_int_equal(port_slot(&port), 0);
    channel->request_sequence = channel->response_sequence = 0;
}

static void who_sleeps_is_woken_once(void **state)
{
    struct channel_port port;

    (void)state;
    port_open(&port, channel);
    channel->response_sequence = channel->request_sequence = 0;
    assert_true(port_wait_begin(&port));
    assert_true(channel_must_tell(channel));
    assert_false(channel_must_tell(channel));
    port_send(&port);
    channel->response_sequence = 1;
    assert_false(port_wait_begin(&port)); /* the answer is there: no sleep */
    assert_true(channel_wait_begin(&channel->guest_waits, &channel->request_sequence, 1));
    assert_false(channel_wait_begin(&channel->guest_waits, &channel->request_sequence, 0));
    assert_true(port.wake_owed);
    port_wake(&port);
    assert_false(port.wake_owed);
    assert_int_equal(channel->guest_waits, 1); /* the guest's to clear */
    channel->guest_waits = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_past_their_limits_are_refused),
        cmocka_unit_test(a_body_past_the_functions_limit_is_refused),
        cmocka_unit_test(what_changes_after_the_check_changes_nothing),
        cmocka_unit_test(the_output_of_one_call_can_be_taken_alone),
        cmocka_unit_test(requests_come_and_go_in_order),
        cmocka_unit_test(withdrawn_requests_are_passed_over),
        cmocka_unit_test(numbers_that_were_not_asked_are_lies),
        cmocka_unit_test(the_hosts_notes_are_its_own),
        cmocka_unit_test(who_sleeps_is_woken_once),
        cmocka_unit_test(a_message_is_bounded_and_printable),
        cmocka_unit_test(improper_heads_are_refused),
        cmocka_unit_test(proper_heads_are_taken),
        cmocka_unit_test(a_request_head_never_passes_its_room),
        cmocka_unit_test(a_request_head_has_a_bounded_count),
        cmocka_unit_test(a_log_that_lies_about_its_length_gives_one_ring),
        cmocka_unit_test(a_log_is_read_across_the_end_of_its_ring),
    };
    return cmocka_run_group_tests(tests, make_channel, free_channel);
}
