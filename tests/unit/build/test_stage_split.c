/* An m.c in pieces is the whole: gcc and ld are the judges, on real modules. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "build/stage.h"

static const char *modules; /* the directory of those that were built for this test */
static char directory[] = "/tmp/vireo-split.XXXXXX";

static void __attribute__((format(printf, 1, 2))) shell(const char *format, ...)
{
    char command[2048];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(command, sizeof command, format, args);
    va_end(args);
    assert_in_range(n, 1, sizeof command - 1);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static const char *text_of(const char *name, size_t *ret_size)
{
    struct stat status;
    char path[256];

    shell("cd %s && rm -f m.* piece* && wasm2c --enable-multi-memory -n m %s/%s.wasm -o m.c",
          directory, modules, name);
    snprintf(path, sizeof path, "%s/m.c", directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &status), 0);
    void *text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(text, MAP_FAILED);
    close(fd);
    *ret_size = (size_t)status.st_size;
    return text;
}

/* In pieces of `bytes`: all is defined once, and what is used from elsewhere is the same. */
static void check(const char *name, size_t bytes, size_t least)
{
    size_t size;
    const char *text = text_of(name, &size);
    size_t count = stage_piece_count(size, bytes);

    for (size_t i = 0; i < count; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/piece%zu.c", directory, i);
        assert_int_equal(stage_write_piece(path, text, size, bytes, i), 0);
    }
    assert_true(count >= least);
    shell("cd %s && for c in m.c piece*.c; do gcc -w -O0 -fPIC -c $c || exit 1; done && "
          "ld -r -o all.o piece*.o && for o in m all; do nm -u $o.o | sort >$o.u; "
          "nm $o.o | awk '$2 ~ /[TtDdBbRr]/ && $3 ~ /^(w2c_|Z_|data_|func_types)/ {print $3}' | "
          "sort >$o.d; done && diff m.u all.u && diff m.d all.d && test -s m.d",
          directory);
    munmap((void *)text, size);
}

static void pieces_are_the_whole(void **state)
{
    (void)state;
    check("wasi_all", 10000, 3);
    check("hello", 8000, 3);
    check("good_features", 1500, 3);
}

static void small_is_one_piece(void **state)
{
    (void)state;
    check("hello", 1 << 30, 1);
    assert_int_equal(stage_piece_count(0, 1 << 20), 1);
}

static void a_file_that_is_there_is_left(void **state)
{
    char path[256];

    (void)state;
    snprintf(path, sizeof path, "%s/there", directory);
    shell("touch %s", path);
    assert_true(stage_write_piece(path, "", 0, 1, 0) < 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_the_whole),
        cmocka_unit_test(small_is_one_piece),
        cmocka_unit_test(a_file_that_is_there_is_left),
    };

    if (argc != 2 || !mkdtemp(directory))
        return 2;
    modules = argv[1];
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    shell("rm -r %s", directory);
    return failed;
}
