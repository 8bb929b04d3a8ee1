/* A container's kernel log: its size, its numbers, and what no text can do to it. */
#include <string.h>

#include "cmocka_all.h"
#include "vkernel/log_ring.h"

static void put(struct log_ring *ring, const char *text)
{
    assert_int_equal(log_ring_put(ring, 14, 1500000, text, strlen(text)), 0);
}

static void the_oldest_go_when_it_is_full(void **state)
{
    struct log_ring *ring = log_ring_new(1024);
    char text[100];

    (void)state;
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(log_ring_put(ring, 6, 0, text, sizeof text), 0);
    assert_int_equal(log_ring_next(ring), 1000);
    assert_int_equal(log_ring_first(ring), 1000 - 1024 / 164);
    assert_null(log_ring_get(ring, log_ring_first(ring) - 1));
    assert_null(log_ring_get(ring, 1000));
    assert_int_equal(log_ring_get(ring, 999)->number, 999);
    /* As many records as there can be: of no text. */
    for (int i = 0; i < 1000; i++)
        assert_int_equal(log_ring_put(ring, 6, 0, "", 0), 0);
    assert_int_equal(log_ring_next(ring) - log_ring_first(ring), 1024 / 64);
    log_ring_free(ring);
}

static void no_text_begins_another_record(void **state)
{
    struct log_ring *ring = log_ring_new(4096);
    char line[LOG_RING_LINE_BYTES];

    (void)state;
    put(ring, "one\n<0>two\x1b[2J\x80");
    size_t length = log_record_kmsg(log_ring_get(ring, 0), line);
    assert_string_equal(line, "14,0,1500000,-;one\\x0a<0>two\\x1b[2J\\x80\n");
    assert_int_equal(length, strlen(line));
    log_record_syslog(log_ring_get(ring, 0), line);
    assert_string_equal(line, "<14>[    1.500000] one\\x0a<0>two\\x1b[2J\\x80\n");
    log_ring_free(ring);
}

static void a_message_that_is_too_long_is_cut(void **state)
{
    struct log_ring *ring = log_ring_new(16384);
    char text[5000], line[LOG_RING_LINE_BYTES];

    (void)state;
    memset(text, '\1', sizeof text);
    assert_int_equal(log_ring_put(ring, 0xffff, UINT64_MAX, text, sizeof text), 0);
    assert_true(log_ring_get(ring, 0)->length <= LOG_RING_TEXT_BYTES);
    assert_true(log_record_kmsg(log_ring_get(ring, 0), line) < sizeof line);
    assert_true(log_record_syslog(log_ring_get(ring, 0), line) < sizeof line);
    log_ring_free(ring);
}

static void what_is_read_is_the_last_that_fits_whole(void **state)
{
    struct log_ring *ring = log_ring_new(4096);
    char text[64];

    (void)state;
    put(ring, "first");
    put(ring, "second");
    put(ring, "third");
    assert_int_equal(log_ring_read_all(ring, 0, text, 10), 0);
    size_t n = log_ring_read_all(ring, 0, text, 60);
    assert_int_equal(n, strlen("<14>[    1.500000] second\n<14>[    1.500000] third\n"));
    assert_memory_equal(text, "<14>[    1.500000] second\n", 26);
    n = log_ring_read_all(ring, 2, text, sizeof text);
    assert_memory_equal(text, "<14>[    1.500000] third\n", n);
    assert_int_equal(log_ring_read_all(ring, 3, text, sizeof text), 0);
    log_ring_free(ring);
}

static void a_written_level_is_taken_and_no_facility_of_the_kernel(void **state)
{
    static const struct {
        const char *text, *rest;
        unsigned priority;
    } rows[] = {
        {"plain", "plain", 1 << 3 | 4}, {"<3>x", "x", 1 << 3 | 3},
        {"<14>x\n\n", "x", 14},         {"<165>x", "x", 165},
        {"<x>y", "<x>y", 1 << 3 | 4},   {"<>y", "<>y", 1 << 3 | 4},
        {"<12", "<12", 1 << 3 | 4},     {"<99999>y", "<99999>y", 1 << 3 | 4},
        {"\n", "", 1 << 3 | 4},         {"<-1>y", "<-1>y", 1 << 3 | 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t length = strlen(rows[i].text);
        unsigned priority;
        const char *at = log_parse_write(rows[i].text, &length, &priority);
        assert_int_equal(priority, rows[i].priority);
        assert_int_equal(length, strlen(rows[i].rest));
        assert_memory_equal(at, rows[i].rest, length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_go_when_it_is_full),
        cmocka_unit_test(no_text_begins_another_record),
        cmocka_unit_test(a_message_that_is_too_long_is_cut),
        cmocka_unit_test(what_is_read_is_the_last_that_fits_whole),
        cmocka_unit_test(a_written_level_is_taken_and_no_facility_of_the_kernel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
