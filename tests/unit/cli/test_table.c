/* Tables line up, whatever is in them. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/table.h"
#include "cmocka_all.h"

DEFINE_CLEANUP(struct table, table_free)

static const char *const headings[] = {"NAME", "VERSION", "URL", NULL};

/* The table as text; malloc'ed. */
static char *text_of(const struct table *table)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    table_print(table, out);
    fclose(out);
    return text;
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    _cleanup_(table_freep) struct table *table = table_new(headings);
    (void)state;
    assert_int_equal(table_row(table, (const char *const[]){"a-long-name", "1", "u"}), 0);
    assert_int_equal(table_row(table, (const char *const[]){"b", "1.2.3-rc4", "v"}), 0);
    _cleanup_(freep) char *text = text_of(table);
    assert_string_equal(text, "NAME         VERSION    URL\n"
                              "a-long-name  1          u\n"
                              "b            1.2.3-rc4  v\n");
}

static void the_last_column_has_nothing_behind_it(void **state)
{
    _cleanup_(table_freep) struct table *table = table_new(headings);
    (void)state;
    assert_int_equal(table_row(table, (const char *const[]){"a", "1", ""}), 0);
    _cleanup_(freep) char *text = text_of(table);
    assert_null(strstr(text, "URL "));
}

static void letters_of_several_bytes_count_as_one(void **state)
{
    _cleanup_(table_freep) struct table *table = table_new(headings);
    (void)state;
    assert_int_equal(table_row(table, (const char *const[]){"g\xc3\xbcnt", "1", "u"}), 0);
    assert_int_equal(table_row(table, (const char *const[]){"gunter", "1", "u"}), 0);
    _cleanup_(freep) char *text = text_of(table);
    assert_non_null(strstr(text, "g\xc3\xbcnt    1        u\n"));
}

static void bytes_that_drive_a_terminal_are_not_printed(void **state)
{
    _cleanup_(table_freep) struct table *table = table_new(headings);
    (void)state;
    assert_int_equal(table_row(table, (const char *const[]){"a\x1b[2J", "1\n2", "x\xc2\x9by\x7f"}),
                     0);
    _cleanup_(freep) char *text = text_of(table);
    assert_null(strchr(text, '\x1b'));
    assert_null(strchr(text, '\x7f'));
    assert_null(strstr(text, "\xc2\x9b"));
    assert_non_null(strstr(text, "a?[2J"));
    assert_non_null(strstr(text, "1?2"));
}

static void lines_and_tabs_stay_when_asked_for(void **state)
{
    char text[] = "a\tb\nc\rd\x1b";
    (void)state;
    text_make_printable(text, strlen(text), 1);
    assert_string_equal(text, "a\tb\nc?d?");
}

static void durations_are_in_the_largest_fitting_unit(void **state)
{
    static const struct {
        unsigned long long ms;
        const char *text;
    } durations[] = {{0, "0 ms"},      {999, "999 ms"}, {1000, "1 s"},      {1250, "1.2 s"},
                     {60000, "1 min"}, {61000, "61 s"}, {3600000, "60 min"}};
    char text[32];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        text_duration(durations[i].ms, text, sizeof text);
        assert_string_equal(text, durations[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(the_last_column_has_nothing_behind_it),
        cmocka_unit_test(letters_of_several_bytes_count_as_one),
        cmocka_unit_test(bytes_that_drive_a_terminal_are_not_printed),
        cmocka_unit_test(lines_and_tabs_stay_when_asked_for),
        cmocka_unit_test(durations_are_in_the_largest_fitting_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
