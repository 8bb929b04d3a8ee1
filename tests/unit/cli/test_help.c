/* Verbs are found exactly, and a mistyped one is suggested. */
#include "cli/cli.h"
#include "cli/help.h"
#include "cmocka_all.h"

static int never(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return CLI_BUG;
}
const struct cli_verb cli_verbs[] = {
    {"deploy", "SRC", "deploy it", "", never},
    {"describe", "NAME", "describe it", "", never},
    {NULL, NULL, NULL, NULL, NULL},
};

static void a_verb_is_found_by_its_whole_name_only(void **state)
{
    (void)state;
    assert_ptr_equal(cli_verb_find("deploy"), &cli_verbs[0]);
    assert_ptr_equal(cli_verb_find("describe"), &cli_verbs[1]);
    assert_null(cli_verb_find("deplo"));
    assert_null(cli_verb_find("deployy"));
    assert_null(cli_verb_find("DEPLOY"));
    assert_null(cli_verb_find(""));
}

static void a_mistyped_verb_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(cli_verb_suggest("delpoy"), "deploy");
    assert_string_equal(cli_verb_suggest("descibe"), "describe");
    assert_null(cli_verb_suggest("zzz"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verb_is_found_by_its_whole_name_only),
        cmocka_unit_test(a_mistyped_verb_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
