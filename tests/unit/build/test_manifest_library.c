/* What an image asks of libraries: read, refused with its place, written back; and versions. */
#include <errno.h>

#include "test.h"

#include "build/manifest.h"
#include "build/version.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int parse(const char *text, struct manifest *manifest, struct err *err)
{
    return manifest_parse(text, strlen(text), "vireo.yaml", manifest, err);
}

static void what_it_asks_of_libraries_is_read_and_written(void **state)
{
    (void)state;
    static struct manifest m, again;
    _cleanup_(freep) char *text = NULL;
    assert_int_equal(parse("name: shop\napplication: store\n"
                           "library:\n  signature: " HEX "\n  versions: '>=1.2 <2'\n"
                           "  loader: application\n"
                           "dependencies:\n  - name: tax\n    versions: '>=3'\n    signer: " HEX
                           "\n  - {name: money, hash: " HEX "}\n"
                           "grants: {link: true}\n",
                           &m, NULL),
                     0);
    assert_string_equal(manifest_application(&m), "store");
    assert_string_equal(m.library.signer, HEX);
    assert_string_equal(m.library.versions, ">=1.2 <2");
    assert_int_equal(m.library.loader, MANIFEST_LOADER_APPLICATION);
    assert_int_equal(m.dependency_count, 2);
    assert_string_equal(m.dependencies[0].name, "tax");
    assert_string_equal(m.dependencies[0].versions, ">=3");
    assert_string_equal(m.dependencies[1].hash, HEX);
    assert_true(m.link);
    assert_int_equal(manifest_format(&m, &text, NULL), 0);
    assert_int_equal(parse(text, &again, NULL), 0);
    assert_memory_equal(&m, &again, sizeof m);
}

static void nothing_said_is_any_trusted_library(void **state)
{
    (void)state;
    static struct manifest m;
    assert_int_equal(parse("name: shop\nlibrary: {signature: trusted}\n", &m, NULL), 0);
    assert_string_equal(manifest_application(&m), "shop");
    assert_string_equal(m.library.signer, "");
    assert_string_equal(m.library.versions, "");
    assert_int_equal(m.library.loader, MANIFEST_LOADER_ANY);
    assert_false(m.link);
}

static void mistakes_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"library: {loader: everybody}", "loader 'everybody': it is self, application, any"},
        {"library: {signature: mine}", "signature 'mine': it is 'trusted' or a key's 64 hex"},
        {"library: {versions: 'the newest!'}", "versions 'the newest!': a range is conditions"},
        {"library: {version: 1}", "unknown key 'version' (did you mean 'versions'?)"},
        {"library: yes", "library has keys below it, not a value"},
        {"application: A B", "application 'A B': a name is lower-case letters"},
        {"dependencies: {}", "dependencies is a list of libraries, each with a name"},
        {"dependencies: [{versions: '1'}]", "a dependency has no name"},
        {"dependencies: [{name: a}, {name: a}]", "dependency 'a' is there twice"},
        {"dependencies: [{name: ../a}]", "name '../a': a name is lower-case letters"},
        {"dependencies: [{name: a, signer: me}]", "signer 'me': it is not 64 hex digits"},
        {"dependencies: [{name: a, versions: '>='}]", "versions '>=': a range is conditions"},
        {"dependencies: [{name: a, loader: any}]", "unknown key 'loader'"},
        {"grants: {link: maybe}", "link 'maybe': it is true or false"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        static struct manifest m;
        struct err err = {0};
        assert_int_equal(parse(cases[i].text, &m, &err), -EINVAL);
        if (!strstr(err.message, cases[i].message) || !strstr(err.message, "line 1, column "))
            fail_msg("'%s': '%s'", cases[i].text, err.message);
    }
}

static void there_is_a_limit_of_dependencies(void **state)
{
    (void)state;
    static struct manifest m;
    char text[2048] = "dependencies:\n";
    struct err err = {0};

    for (int i = 0; i <= DEPENDENCIES_MAX; i++) {
        char line[32];
        snprintf(line, sizeof line, "  - name: lib-%d\n", i);
        strcat(text, line);
    }
    assert_int_equal(parse(text, &m, &err), -EINVAL);
    assert_non_null(strstr(err.message, "there are more than 12 dependencies"));
}

static void versions_are_ordered(void **state)
{
    (void)state;
    static const char *const ascending[] = {
        "0",   "0.9",  "1.0-alpha", "1.0-rc1", "1.0-rc2", "1.0", "1.0.1",
        "1.2", "1.10", "1.10.a",    "1.10.b",  "2",       "10",  "100000000000000000000"};

    for (size_t i = 0; i < ARRAY_LEN(ascending); i++)
        for (size_t k = 0; k < ARRAY_LEN(ascending); k++) {
            int order = version_compare(ascending[i], ascending[k]);
            if ((order < 0) != (i < k) || (order > 0) != (i > k))
                fail_msg("'%s' and '%s': %d", ascending[i], ascending[k], order);
        }
    assert_int_equal(version_compare("1", "1.0.0"), 0);
    assert_int_equal(version_compare("1.02", "1.2"), 0);
    assert_int_equal(version_compare("1.2+build7", "1.2"), 0);
}

static void a_range_is_conditions_that_all_hold(void **state)
{
    (void)state;
    static const struct {
        const char *range, *version;
        bool in;
    } cases[] = {
        {"", "", true},
        {"*", "7", true},
        {">=1.2 <2", "1.2", true},
        {">=1.2 <2", "1.99.3", true},
        {">=1.2 <2", "2", false},
        {">=1.2 <2", "1.1.9", false},
        {">=1.2, <2", "1.5", true},
        {"1.4.1", "1.4.1", true},
        {"= 1.4.1", "1.4.2", false},
        {"!=1.3 >1 <=1.4", "1.3", false},
        {"!=1.3 >1 <=1.4", "1.4", true},
        {">1", "1", false},
        {">=1", "1.0-rc1", false},
        {">=1", "", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(version_range_check(cases[i].range, NULL), 0);
        if (version_in_range(cases[i].version, cases[i].range) != cases[i].in)
            fail_msg("'%s' in '%s'", cases[i].version, cases[i].range);
    }
    static const char *const none[] = {">=", "<>1", "~1", ">=1 or 2;", "=-1", "1 || 2", ">= >= 1"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (version_range_check(none[i], NULL) == 0)
            fail_msg("'%s' is a range", none[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_asks_of_libraries_is_read_and_written),
        cmocka_unit_test(nothing_said_is_any_trusted_library),
        cmocka_unit_test(mistakes_are_refused_with_their_place),
        cmocka_unit_test(there_is_a_limit_of_dependencies),
        cmocka_unit_test(versions_are_ordered),
        cmocka_unit_test(a_range_is_conditions_that_all_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
