/*
 * Hostile sources, archives and modules: each becomes one line of error, and leaves nothing behind.
 * Needs root.
 */
#include "build_fixture.h"

/* Each is refused by what it does, in one line without a control character. */
static void hostile_sources_get_a_clear_error(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        int code;
        const char *message;
    } hostile[] = {
        {"#include \"/etc/shadow\"\n" HANDLER, -EINVAL, "'/etc/shadow' file not found"},
        {"#include \"/etc/passwd\"\n" HANDLER, -EINVAL, "'/etc/passwd' file not found"},
        {"#include \"/proc/self/environ\"\n" HANDLER, -EINVAL, "file not found"},
        {"#include \"/proc/1/root/etc/shadow\"\n" HANDLER, -EINVAL, "file not found"},
        {"#include \"/dev/zero\"\n" HANDLER, -EINVAL, "'/dev/zero' file not found"},
        {"#include \"/dev/stdin\"\n" HANDLER, -EINVAL, "file not found"},
        {"#include \"../../../etc/shadow\"\n" HANDLER, -EINVAL, "file not found"},
        {"#include \"self.c\"\n" HANDLER, -EINVAL, "self.c"},
        {"asm(\".incbin \\\"/etc/shadow\\\"\");\n" HANDLER, -EINVAL, "/etc/shadow"},
        {"asm(\".globl x\\n.include \\\"/etc/passwd\\\"\");\n" HANDLER, -EINVAL, "/etc/passwd"},
        {"asm(\"syscall\");\n" HANDLER, -EINVAL, "error:"},
        {"char a[4ULL << 30] = {1};\n" HANDLER, -EINVAL, "array is too large"},
        {"char a[3ULL << 30];\nchar *b(void) { return a; }\n" HANDLER, -ENOMEM,
         "compile: memory limit 1 GiB reached"},
        {"int x;\n", -EINVAL, "defines neither 'handler' nor 'main'"},
        {"static int main(void) { return 0; }\n", -EINVAL, "defines neither"},
        {"int handler;\n", -EINVAL, "defines neither"},
        {"int no_such_function(void);\nint main(void) { return no_such_function(); }\n", -EINVAL,
         "undefined symbol: no_such_function"},
        {"#error \033]0;title\007 \033[31mred\n", -EINVAL, "error:"},
        {"__attribute__((import_module(\"env\"), import_name(\"system\"))) int s(const char *);\n"
         "int main(void) { return s(\"id\"); }\n",
         -EINVAL, "env"},
        {"#pragma clang system_header\n#pragma GCC poison handler\n" HANDLER, -EINVAL, "poisoned"},
    };

    need_root();
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        struct build_result result = {0};
        struct told told = {0};
        struct err err = {0};
        int64_t start = seconds_now();
        int r = build_source_text("self.c", hostile[i].source, &result, &told, &err);
        if (r != hostile[i].code || !strstr(err.message, hostile[i].message) ||
            strpbrk(err.message, "\n\033\007") || strpbrk(told.diagnostics, "\033\007"))
            fail_msg("case %zu: %d '%s'", i, r, err.message);
        if (strstr(told.diagnostics, "root:"))
            fail_msg("case %zu: a file of the host in '%s'", i, told.diagnostics);
        assert_true(seconds_now() - start < 60);
        assert_null(result.library);
    }
}

/* 2^60 tokens: ends at a limit, and the message says which. */
static void a_macro_bomb_ends_at_a_limit(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct build_result result = {0};
    struct told told = {0};
    char text[8192];
    int used = snprintf(text, sizeof text, "#define A0 1,\n");

    need_root();
    for (int i = 1; i <= 60; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "#define A%d A%d A%d\n", i, i - 1,
                         i - 1);
    snprintf(text + used, sizeof text - (size_t)used, "int a[] = { A60 };\n" HANDLER);
    tar_file(&tar, "bomb.c", text);
    tar_end(&tar);

    struct build_options options = standard(&told);
    struct err by_memory = {0}, by_time = {0};
    options.memory_bytes = 256 << 20;
    assert_int_equal(build_with(&options, &tar, NULL, &result, &by_memory), -ENOMEM);
    assert_string_equal(by_memory.message,
                        "cannot build 'function': compile: memory limit 256 MiB reached");
    options = standard(&told);
    options.timeout_ms = 1500;
    int64_t start = seconds_now();
    assert_int_equal(build_with(&options, &tar, NULL, &result, &by_time), -ETIME);
    assert_string_equal(by_time.message, "cannot build 'function': compile: it took too long");
    assert_true(seconds_now() - start < 10);
}

/* Files that include each other: the compiler's own limit of depth ends it. */
static void endless_includes_end(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct build_result result = {0};
    struct told told = {0};
    struct err err = {0};
    struct build_options options = standard(&told);

    need_root();
    tar_file(&tar, "a.h", "#include \"b.h\"\n#include \"b.h\"\n");
    tar_file(&tar, "b.h", "#include \"a.h\"\n#include \"a.h\"\n");
    tar_file(&tar, "a.c", "#include \"a.h\"\n" HANDLER);
    tar_end(&tar);
    options.timeout_ms = 20000;
    int r = build_with(&options, &tar, NULL, &result, &err);
    assert_true(r == -EINVAL || r == -ETIME || r == -ENOMEM);
    assert_true(strlen(err.message) > 20);
}

static void hostile_tars_are_refused_before_a_compiler_runs(void **state)
{
    (void)state;
    static const struct {
        char type;
        const char *name, *data, *message;
    } hostile[] = {
        {'2', "link.h", "/etc/shadow", "is a symbolic link"},
        {'6', "pipe.c", "", "is a FIFO"},
        {'0', "../outside.c", "int x;", "leads out of it"},
        {'0', "vireo.yaml", "name: [", "vireo.yaml"},
        {'0', "vireo.yaml", "nmae: x\n", "unknown key 'nmae'"},
        {'0', "vireo.yaml", "sources: [gone.c]\n", "source 'gone.c' of vireo.yaml is not there"},
        {'0', "vireo.yaml", "sources: [notes.txt]\n", "is neither C, WebAssembly (.wasm), LLVM IR"},
    };

    need_root();
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        _cleanup_(tar_made_clear) struct tar_made tar = {0};
        struct build_result result = {0};
        struct told told = {0};
        struct err err = {0};
        struct build_options options = standard(&told);
        tar_file(&tar, "echo.c", HANDLER);
        tar_file(&tar, "notes.txt", "");
        tar_add(&tar, hostile[i].type, hostile[i].name, hostile[i].data, strlen(hostile[i].data));
        tar_end(&tar);
        int r = build_with(&options, &tar, NULL, &result, &err);
        if (r != -EINVAL || !strstr(err.message, hostile[i].message))
            fail_msg("case %zu: %d '%s'", i, r, err.message);
        assert_string_equal(told.stages, "");
    }
}

static void a_file_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct build_result result = {0};
    struct told told = {0};
    struct err err = {0};
    struct build_options options = standard(&told);

    need_root();
    tar_file(&tar, "echo.c", HANDLER);
    tar_file(&tar, "echo.c", HANDLER);
    tar_end(&tar);
    assert_int_equal(build_with(&options, &tar, NULL, &result, &err), -EINVAL);
    assert_non_null(strstr(err.message, "cannot unpack 'echo.c': File exists"));
}

static void improper_modules_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } modules[] = {
        {"", 0, "a.wasm"},
        {"\0asm\1\0\0", 7, "a.wasm"},
        {"\0asm\1\0\0\0", 8, "does not export its memory"},
        {"\177ELF\2\1\1\0", 8, "a.wasm"},
    };

    need_root();
    for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
        _cleanup_(tar_made_clear) struct tar_made tar = {0};
        struct build_result result = {0};
        struct told told = {0};
        struct err err = {0};
        struct build_options options = standard(&told);
        tar_add(&tar, '0', "a.wasm", modules[i].bytes, modules[i].size);
        tar_end(&tar);
        int r = build_with(&options, &tar, NULL, &result, &err);
        if (r != -EINVAL || !strstr(err.message, modules[i].message))
            fail_msg("case %zu: %d '%s'", i, r, err.message);
        /* Nothing runs on a module that was not found sound. */
        assert_string_equal(told.stages, "");
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_sources_get_a_clear_error),
        cmocka_unit_test(a_macro_bomb_ends_at_a_limit),
        cmocka_unit_test(endless_includes_end),
        cmocka_unit_test(hostile_tars_are_refused_before_a_compiler_runs),
        cmocka_unit_test(a_file_that_is_there_twice_is_refused),
        cmocka_unit_test(improper_modules_are_refused),
    };
    return BUILD_TESTS_RUN(argc, argv, tests);
}
