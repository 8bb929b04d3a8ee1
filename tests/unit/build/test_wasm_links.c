/*
 * A module that is linked with others: what it wants and has, told right; what is not known, or has
 * names that are no names, refused; the C that binds it, and the module that the translator sees,
 * without a text of its author's but plain names.
 */
#include <errno.h>
#include <string.h>

#include "build/build.h"
#include "test.h"

/*
 * (import "env" "memory" (memory 1)) (import "env" "__indirect_function_table" (table 2 funcref))
 * (import "env" "__stack_pointer" (global (mut i32))) (import "env" "__memory_base" (global i32))
 * (import "GOT.mem" "rate" (global (mut i32))) (import "GOT.func" "apply" (global (mut i32)))
 * (import "env" "other" (func (param i32 i64) (result i32))) (global i32 (i32.const 12))
 * (export "tax_of" (func 1)) (export "calls" (global 4)) (export "__wasm_call_ctors" (func 2))
 */
static const uint8_t part[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0a, 0x02, 0x60, 0x02, 0x7f, 0x7e, 0x01,
    0x7f, 0x60, 0x00, 0x00, 0x02, 0x8b, 0x01, 0x07, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d,
    0x6f, 0x72, 0x79, 0x02, 0x00, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x19, 0x5f, 0x5f, 0x69, 0x6e, 0x64,
    0x69, 0x72, 0x65, 0x63, 0x74, 0x5f, 0x66, 0x75, 0x6e, 0x63, 0x74, 0x69, 0x6f, 0x6e, 0x5f, 0x74,
    0x61, 0x62, 0x6c, 0x65, 0x01, 0x70, 0x00, 0x02, 0x03, 0x65, 0x6e, 0x76, 0x0f, 0x5f, 0x5f, 0x73,
    0x74, 0x61, 0x63, 0x6b, 0x5f, 0x70, 0x6f, 0x69, 0x6e, 0x74, 0x65, 0x72, 0x03, 0x7f, 0x01, 0x03,
    0x65, 0x6e, 0x76, 0x0d, 0x5f, 0x5f, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x5f, 0x62, 0x61, 0x73,
    0x65, 0x03, 0x7f, 0x00, 0x07, 0x47, 0x4f, 0x54, 0x2e, 0x6d, 0x65, 0x6d, 0x04, 0x72, 0x61, 0x74,
    0x65, 0x03, 0x7f, 0x01, 0x08, 0x47, 0x4f, 0x54, 0x2e, 0x66, 0x75, 0x6e, 0x63, 0x05, 0x61, 0x70,
    0x70, 0x6c, 0x79, 0x03, 0x7f, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x05, 0x6f, 0x74, 0x68, 0x65, 0x72,
    0x00, 0x00, 0x03, 0x03, 0x02, 0x00, 0x01, 0x06, 0x06, 0x01, 0x7f, 0x00, 0x41, 0x0c, 0x0b, 0x07,
    0x26, 0x03, 0x06, 0x74, 0x61, 0x78, 0x5f, 0x6f, 0x66, 0x00, 0x01, 0x05, 0x63, 0x61, 0x6c, 0x6c,
    0x73, 0x03, 0x04, 0x11, 0x5f, 0x5f, 0x77, 0x61, 0x73, 0x6d, 0x5f, 0x63, 0x61, 0x6c, 0x6c, 0x5f,
    0x63, 0x74, 0x6f, 0x72, 0x73, 0x00, 0x02, 0x0a, 0x0d, 0x02, 0x08, 0x00, 0x20, 0x00, 0x20, 0x01,
    0x10, 0x00, 0x0b, 0x02, 0x00, 0x0b,
};

static void take_links(struct wasm_links *links, struct wasm_facts *facts)
{
    struct err err = {0};

    *links = (struct wasm_links){0};
    if (wasm_check_linked(part, sizeof part, "m", links, facts, &err) < 0)
        fail_msg("%s", err.message);
}

/* The module with one text in the place of another of the same length: refused with these words. */
static void refused_as(const char *from, const char *to, size_t bytes, const char *words)
{
    struct wasm_links links = {0};
    struct wasm_facts facts;
    struct err err = {0};
    uint8_t copy[sizeof part];

    memcpy(copy, part, sizeof part);
    uint8_t *at = memmem(copy, sizeof copy, from, bytes);
    assert_non_null(at);
    memcpy(at, to, bytes);
    assert_int_equal(wasm_check_linked(copy, sizeof copy, "m", &links, &facts, &err), -EINVAL);
    if (!strstr(err.message, words))
        fail_msg("%s", err.message);
    wasm_links_clear(&links);
}

static void what_a_part_wants_and_has_is_told(void **state)
{
    static const struct {
        enum wasm_link_kind kind;
        const char *name;
    } wanted[] = {{WASM_LINK_MEMORY, "memory"},
                  {WASM_LINK_TABLE, "__indirect_function_table"},
                  {WASM_LINK_STACK, "__stack_pointer"},
                  {WASM_LINK_MEMORY_BASE, "__memory_base"},
                  {WASM_LINK_DATA, "rate"},
                  {WASM_LINK_ADDRESS, "apply"},
                  {WASM_LINK_FUNCTION, "other"}};
    struct wasm_links links;
    struct wasm_facts facts;

    (void)state;
    take_links(&links, &facts);
    assert_true(links.part);
    assert_int_equal(links.import_count, sizeof wanted / sizeof *wanted);
    for (uint32_t i = 0; i < links.import_count; i++) {
        assert_int_equal(links.imports[i].kind, wanted[i].kind);
        assert_string_equal(links.imports[i].name, wanted[i].name);
    }
    assert_string_equal(links.imports[6].type, "iI:i");
    assert_int_equal(links.export_count, 2);
    assert_string_equal(links.exports[0].name, "tax_of");
    assert_string_equal(links.exports[0].type, "iI:i");
    assert_string_equal(links.exports[1].name, "calls");
    assert_int_equal(links.exports[1].value, 12);
    assert_true(links.has_constructors && facts.has_initialize_export);
    assert_int_equal(facts.import_module_count, 1);
    wasm_links_clear(&links);
}

static void the_translator_sees_numbers(void **state)
{
    static const char *const names[] = {"env", "GOT", "other", "rate", "apply", "tax_of", "calls"};
    struct wasm_links links;
    struct wasm_facts facts;
    struct err err = {0};
    void *rewritten;
    size_t size;

    (void)state;
    take_links(&links, &facts);
    assert_int_equal(
        wasm_rewrite_linked(part, sizeof part, &facts, &links, "m", &rewritten, &size, &err), 0);
    /* Names of functions, which traps show, are in the section "name" behind all that counts. */
    uint8_t *end = memmem(rewritten, size, "\4name", 5);
    size_t before = end ? (size_t)(end - (uint8_t *)rewritten) : size;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(memmem(rewritten, before, names[i], strlen(names[i])));
    assert_non_null(memmem(rewritten, before, "\4link\2f6", 8));
    assert_non_null(memmem(rewritten, before, "_initialize", 11));
    free(rewritten);
    wasm_links_clear(&links);
}

static void the_c_that_binds_it_has_them_by_name_and_type(void **state)
{
    struct wasm_links links;
    struct wasm_facts facts;
    struct err err = {0};
    char *source;

    (void)state;
    take_links(&links, &facts);
    assert_int_equal(wasm_links_source(&links, &source, &err), 0);
    assert_non_null(strstr(source, "{\"other\", \"iI:i\", NULL, NULL}"));
    assert_non_null(
        strstr(source, "u32 Z_linkZ_f6(struct Z_link_instance_t *host, u32 p0, u64 p1)"));
    assert_non_null(strstr(source, "{\"tax_of\", \"iI:i\", (void (*)(void))Z_mZ_x0, 0}"));
    assert_non_null(strstr(source, "{\"calls\", \"\", NULL, 12u}"));
    assert_non_null(strstr(source, "{\"apply\", 1, 0}"));
    free(source);
    wasm_links_clear(&links);
}

static void what_is_not_known_is_refused(void **state)
{
    struct wasm_facts facts;
    struct err err = {0};

    (void)state;
    refused_as("other", "o*/er", 5, "in a way that is not known");
    refused_as("other", "o\"er\\", 5, "in a way that is not known");
    refused_as("other", "o\0her", 5, "in a way that is not known");
    refused_as("rate", "ra e", 4, "in a way that is not known");
    refused_as("__memory_base", "__memory_bass", 13, "in a way that is not known");
    refused_as("__memory_base\3\x7f\0", "__memory_base\3\x7f\1", 16, "in a way that is not known");
    refused_as("__memory_base\3\x7f", "__memory_base\3\x7e", 15, "in a way that is not known");
    refused_as("rate\3\x7f\1", "rate\3\x7f\0", 7, "in a way that is not known");
    refused_as("table\1\x70", "table\1\x6f", 7, "in a way that is not known");
    /* One that is whole by itself wants nothing of others. */
    assert_int_equal(wasm_check(part, sizeof part, "m", &facts, &err), -EINVAL);
    assert_non_null(strstr(err.message, "env.memory"));
}

static void what_is_cut_off_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof part; size++) {
        struct wasm_links links = {0};
        struct wasm_facts facts;
        struct err err = {0};
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, part, size);
        int r = wasm_check_linked(copy, size, "m", &links, &facts, &err);
        /* At the end of a section what is left may be whole by itself. */
        assert_true(r == -EINVAL || (r == 0 && links.part));
        free(copy);
        wasm_links_clear(&links);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_part_wants_and_has_is_told),
        cmocka_unit_test(the_translator_sees_numbers),
        cmocka_unit_test(the_c_that_binds_it_has_them_by_name_and_type),
        cmocka_unit_test(what_is_not_known_is_refused),
        cmocka_unit_test(what_is_cut_off_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
