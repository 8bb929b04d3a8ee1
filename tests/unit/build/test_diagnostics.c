/* Compilers' messages: cleaned of what a terminal obeys, and the line that matters found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "build/diagnostics.h"

static void terminal_controls_are_replaced(void **state)
{
    (void)state;
    char text[] = "a\033[31mb\007\tc\n\x9b\x7f\0d";

    diagnostics_clean(text, sizeof text - 1);
    assert_string_equal(text, "a?[31mb?\tc\n???d");
}

static void the_first_error_is_found(void **state)
{
    (void)state;
    char line[64];

    diagnostics_first("In file included from a.c:1:\na.h:3:5: error: no such thing\n", line,
                      sizeof line);
    assert_string_equal(line, "a.h:3:5: error: no such thing");
    diagnostics_first("a.o: in function `main':\na.c:1: undefined reference to `f'\n"
                      "collect2: error: ld returned 1 exit status\n",
                      line, sizeof line);
    assert_string_equal(line, "a.c:1: undefined reference to `f'");
    diagnostics_first("a.c:1:1: warning: w\nnote\n", line, sizeof line);
    assert_string_equal(line, "a.c:1:1: warning: w");
    diagnostics_first("\n\n  later\n", line, sizeof line);
    assert_string_equal(line, "later");
    diagnostics_first("", line, sizeof line);
    assert_string_equal(line, "");
    diagnostics_first("error: a line that is longer than its room", line, 16);
    assert_string_equal(line, "error: a line t");
}

static void only_a_whole_line_says_out_of_memory(void **state)
{
    (void)state;

    assert_true(diagnostics_out_of_memory("x\nLLVM ERROR: out of memory\n"));
    assert_true(diagnostics_out_of_memory("cc1: out of memory allocating 65536 bytes"));
    assert_false(diagnostics_out_of_memory("a.c:1:2: error: \"LLVM ERROR: out of memory\"\n"));
    assert_false(diagnostics_out_of_memory(""));
}

static void the_head_is_limited_in_lines_and_bytes(void **state)
{
    (void)state;
    _cleanup_(freep) char *lines = diagnostics_head("1\n2\n3\n4\n", 2, 100);
    _cleanup_(freep) char *bytes = diagnostics_head("123456", 2, 3);

    assert_string_equal(lines, "1\n2\n");
    assert_string_equal(bytes, "123");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terminal_controls_are_replaced),
        cmocka_unit_test(the_first_error_is_found),
        cmocka_unit_test(only_a_whole_line_says_out_of_memory),
        cmocka_unit_test(the_head_is_limited_in_lines_and_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
