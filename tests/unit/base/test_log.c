/* The forms of the log's lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_form.h"
#include "base/printable.h"

static char line[LOG_LINE_BYTES + 1];

static const struct log_field fields[] = {{.name = "function", .text = "hello"},
                                          {.name = "request_id", .text = "a\"b\\c\n"},
                                          {.name = "status", .number = 502}};

static struct log_message message_of(const char *text)
{
    return (struct log_message){
        .level = LOG_WARNING,
        .time_ms = 1769860800123,
        .program = "vireo-test",
        .fields = fields,
        .field_count = 3,
        .text = text,
        .bytes = strlen(text),
    };
}

static void json_is_one_object_a_line(void **state)
{
    (void)state;
    const struct log_message message = message_of("say \"no\"\tand \\x1b[2J \xc3\xa4");

    line[log_form_json(&message, line)] = '\0';
    assert_string_equal(
        line,
        "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"warning\",\"program\":"
        "\"vireo-test\",\"function\":\"hello\",\"request_id\":\"a\\\"b\\\\c\\\\x0a\",\"status\":"
        "502,\"message\":\"say \\\"no\\\"\\tand \\\\x1b[2J \xc3\xa4\"}\n");
}

static void a_long_message_is_cut_and_its_end_is_whole(void **state)
{
    (void)state;
    static char text[LOG_MESSAGE_BYTES + 1];
    memset(text, '"', LOG_MESSAGE_BYTES); /* each is two in JSON */
    const struct log_message message = message_of(text);

    size_t bytes = log_form_json(&message, line);
    assert_true(bytes <= LOG_LINE_BYTES);
    assert_memory_equal(line + bytes - 6, "...\"}\n", 6);
    bytes = log_form_journal(&message, line);
    assert_true(bytes <= LOG_LINE_BYTES);
    assert_int_equal(line[bytes - 1], '\n');
    bytes = log_form_text(&message, line);
    assert_true(bytes <= LOG_LINE_BYTES);
    assert_int_equal(line[bytes - 1], '\n');
}

static void journald_gets_a_field_a_line(void **state)
{
    (void)state;
    const struct log_message message = message_of("two words");

    line[log_form_journal(&message, line)] = '\0';
    assert_string_equal(line, "PRIORITY=4\nSYSLOG_IDENTIFIER=vireo\nVIREO_PROGRAM=vireo-test\n"
                              "FUNCTION=hello\nREQUEST_ID=a\"b\\c\\x0a\nSTATUS=502\n"
                              "MESSAGE=two words\n");
}

static void text_has_its_level_unless_a_person_reads_it(void **state)
{
    (void)state;
    struct log_message message = message_of("two words");

    line[log_form_text(&message, line)] = '\0';
    assert_string_equal(line,
                        "<4>vireo: two words function=hello request_id=a\"b\\c\\x0a status=502\n");
    message.bare = true;
    message.field_count = 0;
    line[log_form_text(&message, line)] = '\0';
    assert_string_equal(line, "vireo: two words\n");
}

static void what_is_printable_drives_no_terminal(void **state)
{
    (void)state;
    char to[64];
    static const char from[] = "a\tb\x1b\n\x7f\xff\xc2\x9b\xc0\x80\xed\xa0\x80\xf0\x9f\x98\x80";

    to[printable(to, sizeof to, from, sizeof from - 1)] = '\0';
    assert_string_equal(to, "a\tb\\x1b\\x0a\\x7f\\xff\\xc2\\x9b\\xc0\\x80\\xed\\xa0\\x80"
                            "\xf0\x9f\x98\x80");
    static const char turned[] = "\xe2\x80\xae\xe2\x80\xa8\xe2\x81\xa6\xd8\x9c\xe2\x80\xa7\xd8\x9b";
    to[printable(to, sizeof to, turned, sizeof turned - 1)] = '\0';
    assert_string_equal(
        to, "\\xe2\\x80\\xae\\xe2\\x80\\xa8\\xe2\\x81\\xa6\\xd8\\x9c\xe2\x80\xa7\xd8\x9b");
    size_t bytes = printable(to, 12, "\x01\x02\x03\x04", 4);
    assert_int_equal(bytes, 11);
    assert_memory_equal(to, "\\x01\\x02...", 11);
}

/* A pipe that nobody reads takes what it has room for; the rest is lost, and nothing waits. */
static void a_full_pipe_stops_nobody(void **state)
{
    (void)state;
    char text[1000];
    int ends[2], saved = dup(STDERR_FILENO);
    uint64_t before = log_lost();

    memset(text, 'x', sizeof text);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_open(LOG_JSON, "vireo-test", -1);
    alarm(20); /* it would wait for ever */
    for (int i = 0; i < 200; i++)
        log_record(LOG_INFO, 0, NULL, 0, text, sizeof text);
    alarm(0);
    dup2(saved, STDERR_FILENO);
    log_open(LOG_TEXT, "vireo-test", -1);
    close(saved);
    close(ends[0]);
    close(ends[1]);
    assert_true(log_lost() - before > 100);
    assert_true(log_lost() - before < 190);
}

static void the_journals_stream_is_known_by_its_inode(void **state)
{
    (void)state;
    struct stat status;
    char stream[64];
    static const char *const bad[] = {"", "1", "1:", ":1", "x:y", "0:0"};

    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    assert_true(log_stderr_is_journal());
    strcat(stream, " ");
    setenv("JOURNAL_STREAM", stream, 1);
    assert_false(log_stderr_is_journal());
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("JOURNAL_STREAM", bad[i], 1);
        assert_false(log_stderr_is_journal());
    }
    unsetenv("JOURNAL_STREAM");
    assert_false(log_stderr_is_journal());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_one_object_a_line),
        cmocka_unit_test(a_long_message_is_cut_and_its_end_is_whole),
        cmocka_unit_test(journald_gets_a_field_a_line),
        cmocka_unit_test(text_has_its_level_unless_a_person_reads_it),
        cmocka_unit_test(what_is_printable_drives_no_terminal),
        cmocka_unit_test(a_full_pipe_stops_nobody),
        cmocka_unit_test(the_journals_stream_is_known_by_its_inode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
