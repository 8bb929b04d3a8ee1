/* What a mistyped word is taken for. */
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "cmocka_all.h"

static const char *const verbs[] = {"run",  "build", "deploy",   "invoke", "ls",
                                    "logs", "rm",    "describe", "serve",  "doctor"};

static const char *nearest(const char *word)
{
    return suggest_word(word, verbs, ARRAY_LEN(verbs));
}

static void a_slip_of_the_finger_is_understood(void **state)
{
    static const struct {
        const char *typed, *meant;
    } slips[] = {
        {"buidl", "build"},       {"biuld", "build"},   {"delpoy", "deploy"}, {"deply", "deploy"},
        {"invoek", "invoke"},     {"inovke", "invoke"}, {"log", "logs"},      {"sl", "ls"},
        {"descirbe", "describe"}, {"sevre", "serve"},   {"docter", "doctor"}, {"runn", "run"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(slips); i++)
        assert_string_equal(nearest(slips[i].typed), slips[i].meant);
}

static void a_word_that_is_near_nothing_has_no_suggestion(void **state)
{
    static const char *const words[] = {"", "xyzzy", "kubernetes", "x", "zz", "--", "frobnicate"};
    char longest[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_null(nearest(words[i]));
    memset(longest, 'r', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_null(nearest(longest));
}

static void the_nearest_of_several_wins(void **state)
{
    static const char *const names[] = {"hello-world", "hello", "hallo-welt"};

    (void)state;
    assert_string_equal(suggest_word("helo", names, ARRAY_LEN(names)), "hello");
    assert_string_equal(suggest_word("hello-wrld", names, ARRAY_LEN(names)), "hello-world");
}

static void no_words_or_overlong_words_are_harmless(void **state)
{
    char longest[300];
    const char *const one[] = {longest};

    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_null(suggest_word("run", NULL, 0));
    assert_null(suggest_word("aaaa", one, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slip_of_the_finger_is_understood),
        cmocka_unit_test(a_word_that_is_near_nothing_has_no_suggestion),
        cmocka_unit_test(the_nearest_of_several_wins),
        cmocka_unit_test(no_words_or_overlong_words_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
