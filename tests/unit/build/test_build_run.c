/*
 * Whole builds through vireo-build and the real compilers: good sources become libraries, hostile
 * ones become one line of error, and neither leaves anything behind. Needs root.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build.h"
#include "tar_make.h"

#define HANDLER                                                                \
    "#include <vireo/function.h>\n#include <string.h>\n"                       \
    "int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t cap)\n" \
    "{ memcpy(out, in, n < cap ? n : cap); return (int64_t)n; }\n"

/* Nobody else's, also while this test runs twice on one machine. */
static uid_t test_uid;
static const char *program_dir;
static char scratch[] = "/tmp/vireo-test-build-XXXXXX";
static struct sign_key *key;

/* What a build said of itself. */
struct told {
    char stages[256];
    char diagnostics[8192];
};

static void tell_stage(const char *stage, void *user)
{
    struct told *told = user;

    strncat(told->stages, stage, sizeof told->stages - strlen(told->stages) - 2);
    strcat(told->stages, " ");
}

static void tell_diagnostics(const char *text, void *user)
{
    struct told *told = user;

    snprintf(told->diagnostics, sizeof told->diagnostics, "%s", text);
}

static int64_t seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Processes of the sandboxes' uid, on the whole machine. */
static int processes_left(void)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    struct stat status;
    int count = 0;

    while ((entry = readdir(directory)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && status.st_uid == test_uid)
            count++;
    closedir(directory);
    return count;
}

static size_t mounts_here(void)
{
    _cleanup_(freep) char *text = NULL;
    size_t size, count = 0;

    if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &text, &size, NULL) < 0)
        return 0;
    for (size_t i = 0; i < size; i++)
        count += text[i] == '\n';
    return count;
}

static size_t descriptors_here(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t count = 0;

    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static struct build_options standard(struct told *told)
{
    return (struct build_options){
        .program_dir = program_dir,
        .uid = test_uid,
        .rootless = geteuid() != 0,
        .cgroup_name = "",
        .progress = tell_stage,
        .diagnostics = tell_diagnostics,
        .progress_user = told,
        .timeout_ms = 60000,
        .memory_bytes = 1 << 30,
    };
}

/* Builds, and checks that nothing is left whatever the end was. */
static int build_with(struct build_options *options, struct tar_made *tar, struct store *store,
                      struct build_result *result, struct err *err)
{
    size_t mounts = mounts_here(), descriptors = descriptors_here();

    int r = build_run(options, tar->bytes, tar->size, NULL, NULL, store, key, result, err);
    assert_int_equal(mounts_here(), mounts);
    assert_int_equal(descriptors_here(), descriptors);
    assert_int_equal(processes_left(), 0);
    assert_true(waitid(P_ALL, 0, NULL, WEXITED | WNOHANG | __WALL) < 0 && errno == ECHILD);
    return r;
}

static int build_source_text(const char *name, const char *text, struct build_result *result,
                             struct told *told, struct err *err)
{
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct build_options options = standard(told);

    tar_file(&tar, name, text);
    tar_end(&tar);
    return build_with(&options, &tar, NULL, result, err);
}

static void need_root(void)
{
    if (geteuid() == 0)
        return;
    print_message("needs root: sandboxes run under a uid of their own\n");
    skip();
}

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
        {'0', "vireo.yaml", "sources: [notes.txt]\n", "is neither a .c, a .wasm nor a .so file"},
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

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    char path[64];

    if (!mkdtemp(scratch))
        return -1;
    snprintf(path, sizeof path, "%s/key", scratch);
    return sign_key_open(path, &key, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    sign_key_free(key);
    return nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
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
        cmocka_unit_test(hostile_sources_get_a_clear_error),
        cmocka_unit_test(a_macro_bomb_ends_at_a_limit),
        cmocka_unit_test(endless_includes_end),
        cmocka_unit_test(hostile_tars_are_refused_before_a_compiler_runs),
        cmocka_unit_test(a_file_that_is_there_twice_is_refused),
        cmocka_unit_test(improper_modules_are_refused),
        cmocka_unit_test(a_program_dir_without_vireo_build_is_named),
        cmocka_unit_test(an_ordinary_user_can_build),
    };
    test_uid = 400000000 + (uid_t)getpid();
    program_dir = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
