/* The exit code of each kind of failure: docs/cli.md. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cmocka_all.h"

static void each_kind_of_failure_has_its_code(void **state)
{
    static const struct {
        int error, exit;
    } kinds[] = {
        {0, CLI_OK},
        {-EINVAL, CLI_USAGE},
        {-ENOEXEC, CLI_USAGE},
        {-ENOENT, CLI_NOT_FOUND},
        {-EPERM, CLI_REFUSED},
        {-EACCES, CLI_REFUSED},
        {-EBADMSG, CLI_REFUSED},
        {-EKEYREJECTED, CLI_REFUSED},
        {-ETIME, CLI_LIMIT},
        {-ENOMEM, CLI_LIMIT},
        {-EFBIG, CLI_LIMIT},
        {-ENOSPC, CLI_LIMIT},
        {-ECONNREFUSED, CLI_UNREACHABLE},
        {-ECONNRESET, CLI_UNREACHABLE},
        {-ENOTRECOVERABLE, CLI_BUG},
        {-EIO, CLI_FAILED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_int_equal(cli_exit_code(kinds[i].error), kinds[i].exit);
}

static void a_failure_without_a_code_is_never_success(void **state)
{
    struct err err = {.message = "cannot tell why"};
    (void)state;
    assert_int_equal(cli_error(&err, NULL), CLI_BUG);
}

static void every_other_errno_is_a_plain_failure(void **state)
{
    (void)state;
    for (int error = 1; error < 134; error++)
        assert_int_not_equal(cli_exit_code(-error), CLI_OK);
    assert_int_equal(cli_exit_code(-9999), CLI_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_failure_has_its_code),
        cmocka_unit_test(a_failure_without_a_code_is_never_success),
        cmocka_unit_test(every_other_errno_is_a_plain_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
