/* Whole builds through vireo-build and the real compilers: good sources become libraries. Needs
 * root. */
#include <sys/prctl.h>

#include "build_fixture.h"

static void a_handler_becomes_a_signed_library(void **state)
{
    (void)state;
    struct build_result result = {0};
    struct told told = {0};
    struct err err = {0};
    struct library_note note;
    size_t elf_size;

    need_root();
    int r = build_source_text("echo.c", HANDLER, &result, &told, &err);
    if (r < 0)
        fail_msg("%s", err.message);
    assert_string_equal(told.stages, "compile translate optimise check sign ");
#ifndef __SANITIZE_ADDRESS__ /* it complains of the missing /proc */
    assert_string_equal(told.diagnostics, "");
#endif
    assert_int_equal(library_verify(key, result.library, result.size, &note, &elf_size, NULL), 0);
    assert_string_equal(note.kind, "handler");
    assert_string_equal(note.safety, "sfi");
    assert_false(result.from_store);
    build_result_clear(&result);
}

static void main_becomes_a_command(void **state)
{
    (void)state;
    static const char *const mains[] = {
        "int main(void) { return 0; }",
        "int main(int c, char **v) { return v[0][c]; }",
        /* The handler is taken only where there is none of the other. */
        "#include <stdio.h>\nint main() { return puts(\"x\"); }",
    };

    need_root();
    for (size_t i = 0; i < ARRAY_LEN(mains); i++) {
        struct build_result result = {0};
        struct told told = {0};
        struct err err = {0};
        if (build_source_text("main.c", mains[i], &result, &told, &err) < 0)
            fail_msg("case %zu: %s", i, err.message);
        assert_string_equal(result.note.kind, "command");
        build_result_clear(&result);
    }
}

static void manifest_chooses_sources_and_entry(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct build_result result = {0};
    struct told told = {0};
    struct err err = {0};
    struct build_options options = standard(&told);

    need_root();
    tar_file(&tar, "vireo.yaml",
             "name: chosen\nversion: 1.2.3\nentry: serve\nsources: [src/*.c, main.c]\n");
    tar_file(&tar, "broken.c", "this is not C");
    tar_file(&tar, "main.c",
             "#include \"inc/part.h\"\n#include <vireo/function.h>\n"
             "int64_t serve(const uint8_t *in, size_t n, uint8_t *out, size_t c)\n"
             "{ return part(in[0]) + (int64_t)(n + c) + out[0]; }\n");
    tar_file(&tar, "inc/part.h", "int part(int);\n");
    tar_file(&tar, "src/part.c", "#include \"inc/part.h\"\nint part(int x) { return x + 1; }\n");
    tar_end(&tar);
    if (build_with(&options, &tar, NULL, &result, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(result.note.name, "chosen");
    assert_string_equal(result.note.version, "1.2.3");
    assert_string_equal(result.note.kind, "handler");
    assert_string_equal(result.manifest.entry, "serve");
    build_result_clear(&result);
}

static void unchanged_input_is_not_built_twice(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct build_result first = {0}, second = {0}, third = {0};
    struct told told = {0}, told_again = {0}, told_changed = {0};
    struct build_options options = standard(&told);
    struct store *store = NULL;
    struct err err = {0};

    need_root();
    assert_int_equal(store_open(scratch, &store, NULL), 0);
    tar_file(&tar, "echo.c", HANDLER);
    tar_end(&tar);
    assert_int_equal(build_with(&options, &tar, store, &first, &err), 0);
    options.progress_user = &told_again;
    assert_int_equal(build_with(&options, &tar, store, &second, &err), 0);
    assert_true(second.from_store);
    assert_string_equal(told_again.stages, "");
    assert_string_equal(second.library_hash, first.library_hash);
    assert_int_equal(second.size, first.size);
    assert_memory_equal(second.library, first.library, first.size);
    assert_string_equal(second.note.kind, "handler");

    _cleanup_(tar_made_clear) struct tar_made changed = {0};
    tar_file(&changed, "echo.c", HANDLER "/* changed */\n");
    tar_end(&changed);
    options.progress_user = &told_changed;
    assert_int_equal(build_with(&options, &changed, store, &third, &err), 0);
    assert_false(third.from_store);
    assert_string_not_equal(third.input_hash, first.input_hash);
    build_result_clear(&first);
    build_result_clear(&second);
    build_result_clear(&third);
    store_close(store);
}

static void a_library_is_the_same_when_built_again(void **state)
{
    (void)state;
    struct build_result first = {0}, second = {0};
    struct told told = {0};
    struct err err = {0};

    need_root();
    assert_int_equal(build_source_text("echo.c", HANDLER, &first, &told, &err), 0);
    assert_int_equal(build_source_text("echo.c", HANDLER, &second, &told, &err), 0);
    assert_string_equal(first.library_hash, second.library_hash);
    build_result_clear(&first);
    build_result_clear(&second);
}

/* Files whose names look like options: all but the first define a function that the first calls. */
static const char *const option_names[] = {
    "main.c",        "-Wx.c",      "-x.c",    "-E.c", "-fpass-plugin=./p.c",
    "--version.c",   "@options.c", "-o/x.c",  "-.c",  "-fsyntax-only.c",
    "-include/-x.c", " a,b.c",     "-Wl,x.c",
};

/* With an error in the file of index `broken`; 0: in none. */
static int build_option_names(size_t broken, struct err *err)
{
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct build_result result = {0};
    struct told told = {0};
    struct build_options options = standard(&told);
    char text[2048] = "int main(void) { int sum = 0;\n";

    for (size_t i = 1; i < ARRAY_LEN(option_names); i++)
        sprintf(text + strlen(text), "{ int part%zu(void); sum += part%zu(); }\n", i, i);
    strcat(text, "return sum; }\n");
    tar_file(&tar, "vireo.yaml", "sources: ['*.c', '*/*.c']\n");
    tar_file(&tar, option_names[0], text);
    for (size_t i = 1; i < ARRAY_LEN(option_names); i++) {
        if (i == broken)
            strcpy(text, "#error found\n");
        else
            sprintf(text, "int part%zu(void) { return 1; }\n", i);
        tar_file(&tar, option_names[i], text);
    }
    tar_end(&tar);
    int r = build_with(&options, &tar, NULL, &result, err);
    build_result_clear(&result);
    return r;
}

/* A name is no option to any tool: the file is compiled, and what is wrong in it is an error. */
static void names_of_files_are_never_options(void **state)
{
    (void)state;
    struct err err = {0};

    need_root();
    if (build_option_names(0, &err) < 0)
        fail_msg("%s", err.message);
    for (size_t i = 1; i < ARRAY_LEN(option_names); i++) {
        int r = build_option_names(i, &err);
        if (r != -EINVAL || !strstr(err.message, "found"))
            fail_msg("'%s': %d '%s'", option_names[i], r, err.message);
    }
}

static void messages_show_the_authors_names(void **state)
{
    (void)state;
    static const struct {
        const char *header, *source, *message;
    } cases[] = {
        {"\n", "int main(void) { return y; }\n", "cannot build 'function': main.c:1:"},
        {"#error bad\n", "#include \"inc/main.h\"\n", ": ./inc/h.h:1:2:"},
        {"\n", "int gone(void);\nint main(void) { return gone(); }\n",
         "main.o: undefined symbol: gone"},
    };

    need_root();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(tar_made_clear) struct tar_made tar = {0};
        struct build_result result = {0};
        struct told told = {0};
        struct err err = {0};
        struct build_options options = standard(&told);
        tar_file(&tar, "inc/h.h", cases[i].header);
        tar_file(&tar, "inc/main.h", "#include \"h.h\"\n");
        tar_file(&tar, "main.c", cases[i].source);
        tar_end(&tar);
        assert_int_equal(build_with(&options, &tar, NULL, &result, &err), -EINVAL);
        if (!strstr(err.message, cases[i].message) || strstr(err.message, "/build/") ||
            strstr(told.diagnostics, "/build/"))
            fail_msg("case %zu: '%s', '%s'", i, err.message, told.diagnostics);
    }
}

static void a_program_dir_without_vireo_build_is_named(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct build_result result = {0};
    struct told told = {0};
    struct err err = {0};
    struct build_options options = standard(&told);

    options.program_dir = "/no/such/dir";
    tar_file(&tar, "echo.c", HANDLER);
    tar_end(&tar);
    assert_int_equal(build_run(&options, tar.bytes, tar.size, NULL, NULL, NULL, key, &result, &err),
                     -ENOENT);
    assert_string_equal(err.message, "cannot open '/no/such/dir/vireo-build': No such file or "
                                     "directory");
}

/* A copy of vireo-build where everybody can reach it: this tree may be below a private directory.
 */
static void copy_builder(const char *directory)
{
    _cleanup_(freep) char *bytes = NULL;
    char path[4096];
    size_t size;

    snprintf(path, sizeof path, "%s/vireo-build", program_dir);
    assert_int_equal(fd_read_file(AT_FDCWD, path, 64 << 20, &bytes, &size, NULL), 0);
    assert_int_equal(chmod(directory, 0755), 0);
    snprintf(path, sizeof path, "%s/vireo-build", directory);
    assert_int_equal(fd_write_file_atomic(AT_FDCWD, path, bytes, size, 0755, NULL), 0);
}

/* In a user namespace of an ordinary user, with nothing but its own id. */
static void an_ordinary_user_can_build(void **state)
{
    (void)state;
    char directory[] = "/tmp/vireo-builder.XXXXXX";
    char builder[64];
    int status;

    need_root();
    assert_non_null(mkdtemp(directory));
    snprintf(builder, sizeof builder, "%s/vireo-build", directory);
    copy_builder(directory);
    pid_t pid = fork();
    if (pid == 0) {
        struct build_result result = {0};
        struct told told = {0};
        struct err err = {0};
        /* A change of ids without an exec leaves /proc/self to root. */
        if (setgid(65534) < 0 || setuid(65534) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
            _exit(1);
        _cleanup_(tar_made_clear) struct tar_made tar = {0};
        struct build_options options = standard(&told);
        options.program_dir = directory;
        tar_file(&tar, "echo.c", HANDLER);
        tar_end(&tar);
        int r = build_run(&options, tar.bytes, tar.size, NULL, NULL, NULL, key, &result, &err);
        if (r == -EPERM || r == -ENOSPC) {
            print_message("%s\n", err.message);
            _exit(77);
        }
        if (r < 0)
            print_message("%s\n", err.message);
        _exit(r < 0 ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    unlink(builder);
    rmdir(directory);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_becomes_a_signed_library),
        cmocka_unit_test(main_becomes_a_command),
        cmocka_unit_test(manifest_chooses_sources_and_entry),
        cmocka_unit_test(unchanged_input_is_not_built_twice),
        cmocka_unit_test(a_library_is_the_same_when_built_again),
        cmocka_unit_test(names_of_files_are_never_options),
        cmocka_unit_test(messages_show_the_authors_names),
        cmocka_unit_test(a_program_dir_without_vireo_build_is_named),
        cmocka_unit_test(an_ordinary_user_can_build),
    };
    return BUILD_TESTS_RUN(argc, argv, tests);
}
