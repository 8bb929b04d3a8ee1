/* Functions of libraries that are loaded late: when first called, or all at once before any fork.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/late.h"

/* What the libraries' headers would say. */
const char *zlibVersion(void);
unsigned long crc32(unsigned long crc, const unsigned char *bytes, unsigned count);
const char *yaml_get_version_string(void);
double vireo_no_such_function(double number);
int of_no_library(void);

#define LATE_LIBRARY "libz.so.1"
LATE(const char *, zlibVersion, (void), ())
LATE(unsigned long, crc32, (unsigned long crc, const unsigned char *bytes, unsigned count),
     (crc, bytes, count))
#undef LATE_LIBRARY

#define LATE_LIBRARY "libyaml-0.so.2"
LATE(const char *, yaml_get_version_string, (void), ())
#undef LATE_LIBRARY

#define LATE_LIBRARY "libm.so.6"
LATE(double, vireo_no_such_function, (double number), (number))
#undef LATE_LIBRARY

#define LATE_LIBRARY "libvireo-no-such-library.so.1"
LATE(int, of_no_library, (void), ())
#undef LATE_LIBRARY

extern struct late __start_late_functions[], __stop_late_functions[];

/* How many of this library's are listed, and found. */
static int listed(const char *library, int *ret_found)
{
    int count = 0;

    *ret_found = 0;
    for (struct late *late = __start_late_functions; late < __stop_late_functions; late++) {
        if (strcmp(late->library, library) != 0)
            continue;
        count++;
        *ret_found += late->function != NULL;
    }
    return count;
}

static void a_library_is_loaded_with_all_its_functions(void **state)
{
    struct err err = {0};
    int found;

    (void)state;
    assert_int_equal(listed("libz.so.1", &found), 2);
    assert_int_equal(found, 0);
    assert_int_equal(late_load("libz.so.1", &err), 0);
    assert_int_equal(listed("libz.so.1", &found), 2);
    assert_int_equal(found, 2);
    assert_int_equal(listed("libyaml-0.so.2", &found), 1);
    assert_int_equal(found, 0);
    assert_int_equal(crc32(0, (const unsigned char *)"123456789", 9), 0xcbf43926);
    assert_int_equal(zlibVersion()[0], '1');
}

static void a_function_is_found_when_it_is_called(void **state)
{
    int found;

    (void)state;
    assert_int_equal(yaml_get_version_string()[0], '0');
    assert_int_equal(listed("libyaml-0.so.2", &found), 1);
    assert_int_equal(found, 1);
}

static void what_is_not_there_is_told(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(late_load("libvireo-no-such-library.so.1", &err), -ELIBACC);
    assert_non_null(strstr(err.message, "cannot load 'libvireo-no-such-library.so.1': "));
    err = (struct err){0};
    assert_int_equal(late_load("libm.so.6", &err), -ELIBACC);
    assert_non_null(strstr(err.message, "vireo_no_such_function"));
}

static int end_of(void (*call)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        close(2);
        call();
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void call_function(void)
{
    vireo_no_such_function(1);
}

static void call_library(void)
{
    of_no_library();
}

static void a_call_of_what_is_not_there_ends_the_program(void **state)
{
    (void)state;
    assert_int_equal(end_of(call_function), 127);
    assert_int_equal(end_of(call_library), 127);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_is_loaded_with_all_its_functions),
        cmocka_unit_test(a_function_is_found_when_it_is_called),
        cmocka_unit_test(what_is_not_there_is_told),
        cmocka_unit_test(a_call_of_what_is_not_there_ends_the_program),
    };

    return cmocka_run_group_tests_name("late", tests, NULL, NULL);
}
