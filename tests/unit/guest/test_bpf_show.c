/* Samples as lines of JSON: whole, however long they are. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "guest/bpf_internal.h"

#define LINE_MAX_BYTES 200000

/* What it writes to standard output. */
static char *shown(const struct bpf_object *object, const uint8_t *data, uint32_t bytes)
{
    _cleanup_(closep) int file = memfd_create("shown", MFD_CLOEXEC);
    _cleanup_(closep) int before = dup(1);
    char *text = calloc(1, LINE_MAX_BYTES);

    assert_true(file >= 0 && before >= 0 && text);
    assert_int_equal(fflush(stdout), 0);
    assert_int_equal(dup2(file, 1), 1);
    bpf_show(object, "events", data, bytes);
    assert_int_equal(dup2(before, 1), 1);
    assert_true(pread(file, text, LINE_MAX_BYTES - 1, 0) > 0);
    return text;
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;

    while ((text = strstr(text, word))) {
        count++;
        text += strlen(word);
    }
    return count;
}

static void ends_with(const char *text, const char *end)
{
    assert_true(strlen(text) > strlen(end));
    assert_string_equal(text + strlen(text) - strlen(end), end);
}

static void a_long_array_is_closed_and_has_all_its_numbers(void **state)
{
    static struct broker_field fields[] = {
        {.name = "wide", .kind = BROKER_FIELD_STRUCT, .bytes = 8192},
        {.name = "first", .kind = BROKER_FIELD_UNSIGNED, .bytes = 1, .count = 8188},
        {.name = "last", .kind = BROKER_FIELD_UNSIGNED, .at = 8188, .bytes = 4},
    };
    const struct bpf_object object = {.fields = fields, .field_count = 3};
    static uint8_t data[8192];

    (void)state;
    memset(data, 255, sizeof data);
    _cleanup_(freep) char *text = shown(&object, data, sizeof data);
    assert_memory_equal(text, "{\"map\":\"events\",\"type\":\"wide\",\"first\":[255,", 42);
    ends_with(text, ",255],\"last\":4294967295}\n");
    assert_int_equal(count_of(text, "255,") + count_of(text, "255]"), 8188);
}

static void a_long_text_is_closed(void **state)
{
    static struct broker_field fields[] = {
        {.name = "text", .kind = BROKER_FIELD_STRUCT, .bytes = 8000},
        {.name = "name", .kind = BROKER_FIELD_TEXT, .bytes = 8000},
    };
    const struct bpf_object object = {.fields = fields, .field_count = 2};
    static uint8_t data[8000];

    (void)state;
    memset(data, 1, sizeof data);
    _cleanup_(freep) char *text = shown(&object, data, sizeof data);
    ends_with(text, "\\u0001\\u0001\"}\n");
    assert_int_equal(count_of(text, "\\u0001"), 8000);
}

static void a_long_sample_of_no_known_type_is_there_as_bytes(void **state)
{
    const struct bpf_object object = {0};
    static uint8_t data[60000];

    (void)state;
    memset(data, 0xab, sizeof data);
    _cleanup_(freep) char *text = shown(&object, data, sizeof data);
    ends_with(text, "abab\"}\n");
    assert_int_equal(count_of(text, "ab"), 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_array_is_closed_and_has_all_its_numbers),
        cmocka_unit_test(a_long_text_is_closed),
        cmocka_unit_test(a_long_sample_of_no_known_type_is_there_as_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
