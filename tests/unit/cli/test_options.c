/* Options in every order and spelling, and what is refused. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cmocka_all.h"

/* The table that help and suggestions look verbs up in. */
static int never(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return CLI_BUG;
}
const struct cli_verb cli_verbs[] = {
    {"paint", "THING", "paint a thing", "", never},
    {NULL, NULL, NULL, NULL, NULL},
};

static bool loud;
static const char *colour;
static struct cli_list layers;
static const struct cli_option options[] = {
    {.name = "--loud", .letter = 'l', .flag = &loud},
    {.name = "--colour", .letter = 'c', .text = &colour},
    {.name = "--layer", .list = &layers},
};

static int reset(void **state)
{
    (void)state;
    loud = false;
    colour = NULL;
    layers.count = 0;
    cli.json = cli.quiet = cli.verbose = false;
    cli.state_dir = "/var/lib/vireo";
    return 0;
}

/* Parses words ended by NULL; the words left are in argv[1..]. */
#define PARSE(flags, ...)                                                                        \
    char *argv[] = {W("paint"), __VA_ARGS__, NULL};                                              \
    int words = -1, exit = -1;                                                                   \
    bool go_on = cli_options((int)ARRAY_LEN(argv) - 1, argv, options, ARRAY_LEN(options), flags, \
                             &words, &exit)
/* Words live as long as the process, as those of a real argv do. */
#define W(text)                    \
    ({                             \
        static char word[] = text; \
        word;                      \
    })

static void options_may_stand_on_both_sides_of_words(void **state)
{
    (void)state;
    PARSE(0, W("-l"), W("wall"), W("--colour"), W("red"), W("door"), W("-q"));
    assert_true(go_on);
    assert_int_equal(words, 2);
    assert_string_equal(argv[1], "wall");
    assert_string_equal(argv[2], "door");
    assert_null(argv[3]);
    assert_true(loud);
    assert_true(cli.quiet);
    assert_string_equal(colour, "red");
}

static void a_value_may_be_joined(void **state)
{
    (void)state;
    PARSE(0, W("--colour=blue"), W("--layer=a=b"), W("--layer"), W("--loud"), W("-o"), W("json"));
    assert_true(go_on);
    assert_int_equal(words, 0);
    assert_string_equal(colour, "blue");
    assert_int_equal(layers.count, 2);
    assert_string_equal(layers.items[0], "a=b");
    /* What follows an option that needs a value is its value, whatever it looks like. */
    assert_string_equal(layers.items[1], "--loud");
    assert_false(loud);
    assert_true(cli.json);
}

static void a_letter_takes_its_value_joined_or_not(void **state)
{
    (void)state;
    PARSE(0, W("-cgreen"), W("-"));
    assert_true(go_on);
    assert_string_equal(colour, "green");
    /* A lone "-" is a word: standard input. */
    assert_int_equal(words, 1);
    assert_string_equal(argv[1], "-");
}

static void two_hyphens_end_the_options(void **state)
{
    (void)state;
    PARSE(0, W("--"), W("--loud"), W("--"));
    assert_true(go_on);
    assert_int_equal(words, 2);
    assert_string_equal(argv[1], "--loud");
    assert_string_equal(argv[2], "--");
    assert_false(loud);
}

static void what_follows_the_first_word_can_belong_to_somebody_else(void **state)
{
    (void)state;
    PARSE(CLI_STOP_AT_FIRST, W("-l"), W("wall"), W("--colour"), W("-x"), W("--"));
    assert_true(go_on);
    assert_true(loud);
    assert_int_equal(words, 4);
    assert_string_equal(argv[2], "--colour");
    assert_string_equal(argv[4], "--");
    assert_null(colour);
}

static void an_unknown_option_is_refused(void **state)
{
    (void)state;
    PARSE(0, W("--color"), W("red"));
    assert_false(go_on);
    assert_int_equal(exit, CLI_USAGE);
    assert_null(colour);
}

static void an_unknown_letter_is_refused(void **state)
{
    (void)state;
    PARSE(0, W("-z"));
    assert_false(go_on);
    assert_int_equal(exit, CLI_USAGE);
}

static void a_missing_value_is_refused(void **state)
{
    (void)state;
    PARSE(0, W("wall"), W("--colour"));
    assert_false(go_on);
    assert_int_equal(exit, CLI_USAGE);
}

static void a_value_for_a_flag_is_refused(void **state)
{
    (void)state;
    PARSE(0, W("--loud=yes"));
    assert_false(go_on);
    assert_int_equal(exit, CLI_USAGE);
}

static void an_unknown_format_is_refused(void **state)
{
    (void)state;
    PARSE(0, W("-o"), W("yaml"));
    assert_false(go_on);
    assert_int_equal(exit, CLI_USAGE);
}

static void an_empty_state_directory_is_refused(void **state)
{
    (void)state;
    PARSE(0, W("--state="));
    assert_false(go_on);
    assert_int_equal(exit, CLI_USAGE);
}

static void a_list_has_an_end(void **state)
{
    char *argv[CLI_LIST_MAX + 3];
    int words, exit = -1;

    (void)state;
    argv[0] = W("paint");
    for (size_t i = 1; i < ARRAY_LEN(argv) - 1; i++)
        argv[i] = W("--layer=x");
    argv[ARRAY_LEN(argv) - 1] = NULL;
    assert_false(
        cli_options((int)ARRAY_LEN(argv) - 1, argv, options, ARRAY_LEN(options), 0, &words, &exit));
    assert_int_equal(exit, CLI_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(options_may_stand_on_both_sides_of_words, reset),
        cmocka_unit_test_setup(a_value_may_be_joined, reset),
        cmocka_unit_test_setup(a_letter_takes_its_value_joined_or_not, reset),
        cmocka_unit_test_setup(two_hyphens_end_the_options, reset),
        cmocka_unit_test_setup(what_follows_the_first_word_can_belong_to_somebody_else, reset),
        cmocka_unit_test_setup(an_unknown_option_is_refused, reset),
        cmocka_unit_test_setup(an_unknown_letter_is_refused, reset),
        cmocka_unit_test_setup(a_missing_value_is_refused, reset),
        cmocka_unit_test_setup(a_value_for_a_flag_is_refused, reset),
        cmocka_unit_test_setup(an_empty_state_directory_is_refused, reset),
        cmocka_unit_test_setup(a_list_has_an_end, reset),
        /* Last: a refused format stays set for the rest of the process. */
        cmocka_unit_test_setup(an_unknown_format_is_refused, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
