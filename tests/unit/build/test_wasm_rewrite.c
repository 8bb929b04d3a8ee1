/* What of a module goes on to the translator: no text of its author. wasm2c itself is the judge. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "build/build.h"

static const char *directory; /* of the modules that were built for this test */

struct module {
    uint8_t data[8192];
    size_t size;
};

static void add(struct module *module, const void *data, size_t size)
{
    assert_true(size <= sizeof module->data - module->size);
    memcpy(module->data + module->size, data, size);
    module->size += size;
}

static void add_u32(struct module *module, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        add(module, &(uint8_t){(uint8_t)(value | 0x80)}, 1);
    add(module, &(uint8_t){(uint8_t)value}, 1);
}

static void add_section(struct module *module, uint8_t id, const struct module *content)
{
    add(module, &id, 1);
    add_u32(module, (uint32_t)content->size);
    add(module, content->data, content->size);
}

static void add_name(struct module *module, const char *name, size_t size)
{
    add_u32(module, (uint32_t)size);
    add(module, name, size);
}

#define NAMED(text) text, sizeof text - 1

/* A command of two functions; `export` names the second, `name` both in the section "name". */
static struct module module_make(const char *export, size_t export_size, const char *name,
                                 size_t name_size)
{
    struct module module = {0}, exports = {0}, names = {0}, section = {0};

    add(&module, NAMED("\0asm\1\0\0\0\1\4\1\x60\0\0\3\3\2\0\0\5\3\1\0\1"));
    add(&exports, "\3", 1);
    add_name(&exports, NAMED("memory"));
    add(&exports, "\2\0", 2);
    add_name(&exports, export, export_size);
    add(&exports, "\0\1", 2);
    add_name(&exports, NAMED("_start"));
    add(&exports, "\0\0", 2);
    add_section(&module, 7, &exports);
    add(&module, NAMED("\x0a\x09\2\4\0\x10\1\x0b\2\0\x0b"));
    if (!name)
        return module;
    add(&names, "\2\0", 2);
    add_name(&names, name, name_size);
    add(&names, "\1", 1);
    add_name(&names, name, name_size);
    add_name(&section, NAMED("name"));
    add_section(&section, 1, &names);
    add_section(&section, 2, &(struct module){.data = {0}, .size = 1});
    add_section(&module, 0, &section);
    return module;
}

static int rewrite(const void *module, size_t size, uint8_t **ret_module, size_t *ret_size)
{
    struct wasm_facts facts;
    struct err err = {0};
    void *rewritten = NULL;

    int r = wasm_check(module, size, "m", &facts, &err);
    if (r < 0)
        return r;
    r = wasm_rewrite(module, size, &facts, "m", &rewritten, ret_size, &err);
    if (r < 0)
        fail_msg("accepted and not rewritten: %s", err.message);
    *ret_module = rewritten;
    return 0;
}

/* The result is accepted with the same facts, and is its own result. */
static void check_result(const uint8_t *module, size_t size, const struct wasm_facts *facts)
{
    struct wasm_facts again;
    struct err err = {0};
    void *twice;
    size_t twice_size;

    if (wasm_check(module, size, "m", &again, &err) < 0)
        fail_msg("%s", err.message);
    assert_memory_equal(&again, facts, sizeof again);
    assert_int_equal(wasm_rewrite(module, size, &again, "m", &twice, &twice_size, &err), 0);
    assert_int_equal(twice_size, size);
    assert_memory_equal(twice, module, size);
    free(twice);
}

static bool contains(const void *data, size_t size, const char *text)
{
    return memmem(data, size, text, strlen(text)) != NULL;
}

/* The C that wasm2c makes of a module; NULL: it is refused. The caller frees it. */
static char *translate(const void *module, size_t size)
{
    char folder[] = "/tmp/test-rewrite.XXXXXX", wasm[64], c[64], h[64], log[64], command[400];
    size_t c_size;

    assert_non_null(mkdtemp(folder));
    snprintf(wasm, sizeof wasm, "%s/m.wasm", folder);
    snprintf(c, sizeof c, "%s/m.c", folder);
    snprintf(h, sizeof h, "%s/m.h", folder);
    snprintf(log, sizeof log, "%s/log", folder);
    FILE *file = fopen(wasm, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(module, 1, size, file), size);
    fclose(file);
    snprintf(command, sizeof command, "wasm2c -n m %s -o %s >%s 2>&1", wasm, c, log);
    int status = system(command);
    char *text = status == 0 ? test_file(c, &c_size) : NULL;
    if (text) {
        text = realloc(text, c_size + 1);
        text[c_size] = '\0';
    }
    unlink(wasm);
    unlink(c);
    unlink(h);
    unlink(log);
    assert_int_equal(rmdir(folder), 0);
    return text;
}

#define EVIL_INJECTED "*/ int evil(void) { return 1; } /*"

static const struct {
    const char *name;
    size_t size;

} hostile_names[] = {
    {NAMED(EVIL_INJECTED)},
    {NAMED("evil' */ \" evil")},
    {NAMED("evil\n#include \"/etc/passwd\"\n")},
    {NAMED("\r\n\\\nevil")},
    {NAMED("\?\?/evil\?\?/\n")},
    {NAMED("*\\\n/ evil")},
    {NAMED("\xc2\xa0\xe2\x80\xae evil \xf0\x9f\x98\x80")},
    {NAMED("evil\0*/\0")},
    {NAMED("\x1b[2J evil")},
    {NAMED("memory ")},
    {NAMED(" _start")},
    {NAMED("")},
};

static void check_hostile(const struct module *module)
{
    struct wasm_facts facts;
    struct err err = {0};
    uint8_t *made;
    size_t size;

    if (wasm_check(module->data, module->size, "m", &facts, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(rewrite(module->data, module->size, &made, &size), 0);
    check_result(made, size, &facts);
    _cleanup_(freep) char *text = translate(made, size);
    assert_non_null(text);
    assert_null(strstr(text, "int evil"));
    assert_null(strstr(text, "#include \"/etc"));
    assert_non_null(strstr(text, "/* export: 'memory' */\n"));
    assert_non_null(strstr(text, "/* export: '_start' */\n"));
    size_t exports = 0;
    for (const char *at = text; (at = strstr(at, "/* export: ")); at++)
        exports++;
    assert_int_equal(exports, 2);
    free(made);
}

static void no_export_of_another_name_reaches_the_c(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile_names); i++) {
        struct module module = module_make(hostile_names[i].name, hostile_names[i].size, NULL, 0);
        check_hostile(&module);
    }
}

static void names_of_functions_are_made_anew(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile_names); i++) {
        struct module module =
            module_make(NAMED("other"), hostile_names[i].name, hostile_names[i].size);
        check_hostile(&module);
    }
    struct module raw = module_make(NAMED("other"), NAMED("\xff\xfe*/"));
    check_hostile(&raw);
}

static void ordinary_names_stay(void **state)
{
    (void)state;
    uint8_t *made;
    size_t size;
    struct module module = module_make(NAMED("other"), NAMED("_ZN3foo3barE.llvm$12"));
    assert_int_equal(rewrite(module.data, module.size, &made, &size), 0);
    assert_true(contains(made, size, "\x14_ZN3foo3barE.llvm$12"));
    assert_false(contains(made, size, "other"));
    free(made);
    /* Without a section "name" a function is called as it was exported, as before. */
    module = module_make(NAMED("other"), NULL, 0);
    assert_int_equal(rewrite(module.data, module.size, &made, &size), 0);
    _cleanup_(freep) char *text = translate(made, size);
    assert_non_null(strstr(text, "w2c_other("));
    assert_null(strstr(text, "'other'"));
    free(made);
}

static void long_names_are_cut(void **state)
{
    (void)state;
    char name[600];
    uint8_t *made;
    size_t size;
    memset(name, 'n', sizeof name);
    struct module module = module_make(name, sizeof name, name, sizeof name);
    assert_int_equal(rewrite(module.data, module.size, &made, &size), 0);
    name[201] = '\0';
    assert_false(contains(made, size, name));
    name[200] = '\0';
    assert_true(contains(made, size, name));
    free(made);
}

static void a_broken_name_section_is_no_fault(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } broken[] = {
        {NAMED("\0\5\4name")},
        {NAMED("\0\6\4name\1")},
        {NAMED("\0\7\4name\1\x7f")},
        {NAMED("\0\x08\4name\1\1\5")},
        {NAMED("\0\x0b\4name\1\4\1\x09\1x")},
        {NAMED("\0\x0b\4name\1\4\1\0\x40x")},
        {NAMED("\0\x0c\4name\1\5\xff\xff\xff\xff\x7f")},
        {NAMED("\0\x0e\4name\1\7\2\1\1b\0\1a")},
        {NAMED("\0\x0a\4evil*/ /*x")},
        {NAMED("\0\x09\x08linking\2")},
    };
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct module module = module_make(NAMED("x"), NULL, 0);
        add(&module, broken[i].bytes, broken[i].size);
        struct wasm_facts facts;
        struct err err = {0};
        if (wasm_check(module.data, module.size, "m", &facts, &err) < 0)
            continue; /* the length of the custom section's name itself: refused before */
        check_hostile(&module);
    }
}

/* ref.func needs its function declared: an export of any name does that. */
static void references_to_exported_functions_stay_valid(void **state)
{
    (void)state;
    struct module module = {0}, exports = {0};
    add(&module, NAMED("\0asm\1\0\0\0\1\4\1\x60\0\0\3\3\2\0\0\5\3\1\0\1"));
    add(&exports, "\4", 1);
    add_name(&exports, NAMED("memory"));
    add(&exports, "\2\0", 2);
    add_name(&exports, NAMED(EVIL_INJECTED));
    add(&exports, "\0\1", 2);
    add_name(&exports, NAMED("f1"));
    add(&exports, "\0\1", 2);
    add_name(&exports, NAMED("_start"));
    add(&exports, "\0\0", 2);
    add_section(&module, 7, &exports);
    add(&module, NAMED("\x0a\x0a\2\5\0\xd2\1\x1a\x0b\2\0\x0b"));

    struct wasm_facts facts;
    struct err err = {0};
    uint8_t *made;
    size_t size;
    if (wasm_check(module.data, module.size, "m", &facts, &err) < 0)
        fail_msg("%s", err.message);
    assert_true(facts.has_ref_func);
    assert_int_equal(rewrite(module.data, module.size, &made, &size), 0);
    check_result(made, size, &facts);
    _cleanup_(freep) char *text = translate(made, size);
    assert_non_null(text);
    assert_null(strstr(text, "int evil"));
    assert_non_null(strstr(text, "/* export: 'f1' */\n"));
    free(made);
}

static void modules_of_tools_are_translated_as_before(void **state)
{
    (void)state;
    static const char *const names[] = {"hello", "wasi_all", "good_features"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[4096];
        size_t size, made_size;
        uint8_t *made;
        struct wasm_facts facts;
        struct err err = {0};
        snprintf(path, sizeof path, "%s/%s.wasm", directory, names[i]);
        _cleanup_(freep) char *module = test_file(path, &size);
        assert_int_equal(wasm_check((uint8_t *)module, size, "m", &facts, &err), 0);
        assert_int_equal(rewrite(module, size, &made, &made_size), 0);
        check_result(made, made_size, &facts);
        assert_true(made_size <= size);
        _cleanup_(freep) char *text = translate(made, made_size);
        assert_non_null(text);
        assert_non_null(strstr(text, "Z_mZ_memory("));
        if (i == 0)
            assert_non_null(strstr(text, "w2c_main"));
        free(made);
    }
}

static void what_the_check_accepts_is_rewritten(void **state)
{
    (void)state;
    static const char *const names[] = {"good_features", "wasi_all", "hello"};
    uint64_t seed = 0x2545f4914f6cdd1d;
    size_t accepted = 0;
    for (size_t n = 0; n < ARRAY_LEN(names); n++) {
        char path[4096];
        size_t size, made_size;
        snprintf(path, sizeof path, "%s/%s.wasm", directory, names[n]);
        _cleanup_(freep) char *module = test_file(path, &size);
        for (int round = 0; round < 3000; round++) {
            uint8_t *copy = malloc(size), *made;
            memcpy(copy, module, size);
            for (uint64_t k = 1 + test_random(&seed) % 3; k > 0; k--)
                copy[8 + test_random(&seed) % (size - 8)] = (uint8_t)test_random(&seed);
            struct wasm_facts facts;
            struct err err = {0};
            if (wasm_check(copy, size, "m", &facts, &err) == 0) {
                assert_int_equal(rewrite(copy, size, &made, &made_size), 0);
                check_result(made, made_size, &facts);
                accepted++;
                free(made);
            }
            free(copy);
        }
    }
    assert_true(accepted > 100);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_export_of_another_name_reaches_the_c),
        cmocka_unit_test(names_of_functions_are_made_anew),
        cmocka_unit_test(ordinary_names_stay),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(a_broken_name_section_is_no_fault),
        cmocka_unit_test(references_to_exported_functions_stay_valid),
        cmocka_unit_test(modules_of_tools_are_translated_as_before),
        cmocka_unit_test(what_the_check_accepts_is_rewritten),
    };
    if (argc != 2)
        return 2;
    directory = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
