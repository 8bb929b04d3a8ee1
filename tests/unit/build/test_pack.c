/* A source as a tar: read back by the system's tar. */
#include <errno.h>

#include "test_library.h"

static void shell(const char *command)
{
    char whole[1024];

    snprintf(whole, sizeof whole, "cd %s && { %s; }", scratch, command);
    assert_int_equal(system(whole), 0);
}

static int pack(const char *name, void **ret_tar, size_t *ret_size, struct err *err)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return source_pack(path, ret_tar, ret_size, err);
}

/* Writes the tar where `tar` finds it. */
static void put_tar(const void *tar, size_t size)
{
    char path[256];

    snprintf(path, sizeof path, "%s/out.tar", scratch);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(tar, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void a_folder_is_packed_without_what_is_hidden(void **state)
{
    (void)state;
    _cleanup_(freep) void *tar = NULL;
    size_t size;
    struct err err = {0};
    shell("mkdir -p f/src/deep f/.git f/empty && echo a >f/main.c && echo b >f/src/b.c && "
          "printf '' >f/src/deep/zero.h && echo name: n >f/vireo.yaml && echo x >f/.git/config && "
          "echo x >f/.hidden && ln -s /etc/passwd f/.link && chmod 700 f/main.c");
    if (pack("f", &tar, &size, &err) < 0)
        fail_msg("%s", err.message);
    put_tar(tar, size);
    shell(
        "printf '%s\\n' main.c src/b.c src/deep/zero.h vireo.yaml >wanted && "
        "tar -tf out.tar >got && cmp wanted got && "
        "mkdir x && tar -xf out.tar -C x && cmp x/src/b.c f/src/b.c && test ! -s x/src/deep/zero.h"
        " && tar --numeric-owner --utc -tvf out.tar | grep -q '^-rw-r--r-- 0/0  *2 1970-01-01 00:00"
        " main.c$'");
}

static void equal_sources_are_equal_bytes(void **state)
{
    (void)state;
    _cleanup_(freep) void *first = NULL, *second = NULL, *changed = NULL;
    size_t first_size, second_size, changed_size;
    /* One path that the format must split in two, and a name that is not ASCII. */
    shell("for d in one two; do p=$d/$(printf 'long%.0s' $(seq 30))/$(printf 'na\\303\\251%.0s' "
          "$(seq "
          "20)); mkdir -p $d/src $(dirname $p) && echo a >$p.c; done && echo 1 >one/a.c && echo 2 "
          ">one/b.c && echo 2 >two/b.c && echo 1 >two/a.c && touch -d 2001-01-01 two/a.c && chmod "
          "600 "
          "two/b.c");
    assert_int_equal(pack("one", &first, &first_size, NULL), 0);
    assert_int_equal(pack("two", &second, &second_size, NULL), 0);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    put_tar(first, first_size);
    shell("test $(tar -tf out.tar | wc -l) = 3 && tar -tf out.tar | grep -q 'long.*/na.*c$'");
    shell("echo 3 >two/b.c");
    assert_int_equal(pack("two", &changed, &changed_size, NULL), 0);
    assert_int_equal(changed_size, second_size);
    assert_memory_not_equal(changed, second, second_size);
}

static void a_single_file_is_packed_by_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"one.c", "m.wasm"};
    shell("echo 'int main;' >one.c && printf '\\0asm' >m.wasm");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        _cleanup_(freep) void *tar = NULL;
        size_t size;
        char command[256];
        assert_int_equal(pack(names[i], &tar, &size, NULL), 0);
        put_tar(tar, size);
        snprintf(command, sizeof command, "test \"$(tar -tf out.tar)\" = %s", names[i]);
        shell(command);
    }
}

static void what_is_not_a_source_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *make, *name, *reason;
    } refused[] = {
        {"true", "nothing", "No such file"},
        {"echo x >r/a.rb", "r/a.rb",
         "a source is a .c file, LLVM IR (.ll, .bc), a .wasm file, a .py file, a library (.so) or "
         "a folder"},
        {"echo x >r/.c", "r/.c", "a source is a .c file"},
        {"echo x >r/.a.c", "r/.a.c", "its name is not proper"},
        {"mkfifo r/f.c", "r/f.c", "is not a regular file"},
        {"ln -s /etc/passwd r/k.c", "r/k.c", "it is a symbolic link (name the file itself)"},
        {"ln -s none r/v.wasm", "r/v.wasm", "it is a symbolic link"},
        {"mkdir r/e", "r/e", "the folder has no files"},
        {"mkdir r/h && echo x >r/h/.c", "r/h", "the folder has no files"},
        {"mkdir r/l && ln -s /etc/passwd r/l/p.c", "r/l", "'p.c' is a symbolic link"},
        {"mkdir r/d && ln -s / r/d/up", "r/d", "'up' is a symbolic link"},
        {"mkdir r/p && mkfifo r/p/q", "r/p", "is neither a regular file nor a folder"},
        {"mkdir r/n && touch \"$(printf 'r/n/a\\nb')\"", "r/n", "control characters"},
        {"mkdir r/b && touch 'r/b/a\\b'", "r/b", "backslash"},
        {"mkdir r/s && truncate -s 65M r/s/a.c", "r/s", "is larger than 64 MiB"},
        {"mkdir r/t && truncate -s 40M r/t/a.c r/t/b.c", "r/t", "is larger than 64 MiB"},
        {"mkdir r/m && (cd r/m && seq -f %g.c 4097 | xargs touch)", "r/m", "more than 4096 files"},
        {"mkdir -p r/y/$(printf 'a/%.0s' $(seq 40)) && touch r/y/$(printf 'a/%.0s' $(seq 40))x.c",
         "r/y", "is nested too deep"},
        {"d=$(printf 'd%.0s' $(seq 200)); mkdir -p r/z/$d/$d && touch r/z/$d/$d/x.c", "r/z",
         "has a path that is too long"},
        {"mkdir r/w && touch r/w/$(printf 'w%.0s' $(seq 120)).c", "r/w",
         "has a path that is too long"},
    };
    shell("mkdir r");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        void *tar = NULL;
        size_t size;
        struct err err = {0};
        shell(refused[i].make);
        if (pack(refused[i].name, &tar, &size, &err) >= 0)
            fail_msg("'%s' is packed", refused[i].make);
        assert_null(tar);
        assert_message(err, refused[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_packed_without_what_is_hidden),
        cmocka_unit_test(equal_sources_are_equal_bytes),
        cmocka_unit_test(a_single_file_is_packed_by_its_name),
        cmocka_unit_test(what_is_not_a_source_is_refused),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
