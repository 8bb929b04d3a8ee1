/* The reader of packed sources: plain files come out, everything else is refused by name. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "build/tar.h"
#include "tar_make.h"

static int read_all(const struct tar_made *tar, struct err *err)
{
    struct tar_reader reader = {.bytes = tar->bytes, .size = tar->size};
    struct tar_entry entry;
    int r;

    while ((r = tar_next(&reader, &entry, err)) > 0)
        ;
    return r;
}

static void files_come_out_as_they_went_in(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct tar_entry entry;

    tar_add(&tar, '5', "./", "", 0);
    tar_add(&tar, '5', "dir/", "", 0);
    tar_file(&tar, "./dir/a.c", "int a;");
    tar_file(&tar, "empty", "");
    tar_end(&tar);
    struct tar_reader reader = {.bytes = tar.bytes, .size = tar.size};
    assert_int_equal(tar_next(&reader, &entry, NULL), 1);
    assert_string_equal(entry.name, "dir");
    assert_true(entry.directory);
    assert_int_equal(tar_next(&reader, &entry, NULL), 1);
    assert_string_equal(entry.name, "dir/a.c");
    assert_int_equal(entry.size, 6);
    assert_memory_equal(entry.data, "int a;", 6);
    assert_int_equal(tar_next(&reader, &entry, NULL), 1);
    assert_int_equal(entry.size, 0);
    assert_int_equal(tar_next(&reader, &entry, NULL), 0);
}

static void long_names_of_pax_and_gnu_are_read(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct tar_entry entry;

    tar_add(&tar, 'x', "h", "27 path=some/longer/name.c\n11 uid=100\n", 38);
    tar_file(&tar, "short", "x");
    tar_add(&tar, 'L', "././@LongLink", "gnu/name.c", 11);
    tar_file(&tar, "short", "x");
    tar_end(&tar);
    struct tar_reader reader = {.bytes = tar.bytes, .size = tar.size};
    assert_int_equal(tar_next(&reader, &entry, NULL), 1);
    assert_string_equal(entry.name, "some/longer/name.c");
    assert_int_equal(tar_next(&reader, &entry, NULL), 1);
    assert_string_equal(entry.name, "gnu/name.c");
    assert_int_equal(tar_next(&reader, &entry, NULL), 0);
}

static void what_is_no_file_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        char type;
        const char *name, *data, *message;
    } refused[] = {
        {'2', "link.c", "/etc/shadow", "'link.c' is a symbolic link"},
        {'1', "hard.c", "", "'hard.c' is a hard link"},
        {'3', "zero", "", "'zero' is a device"},
        {'4', "disk", "", "'disk' is a device"},
        {'6', "fifo.c", "", "'fifo.c' is a FIFO"},
        {'S', "holes", "", "'holes' is a sparse file"},
        {'7', "odd", "", "'odd' is of an unknown type"},
        {'0', "../a.c", "x", "the name of its entry 1 leads out"},
        {'0', "a/../../b.c", "x", "leads out"},
        {'0', "/etc/passwd", "x", "leads out"},
        {'0', "a//b.c", "x", "leads out"},
        {'0', "a/./b.c", "x", "leads out"},
        {'0', "..", "x", "leads out"},
        {'0', "a\nb.c", "x", "improper"},
        {'0', "a\033[2J.c", "x", "improper"},
        {'0', "", "x", "damaged"},
        {'x', "pax", "8 path=a\n", "damaged"},
        {'x', "pax", "99999999 path=a\n", "damaged"},
        {'x', "pax", "0 path=a\n", "damaged"},
        {'x', "pax", "11 size=99\n", "damaged"},
        {'x', "pax", "garbage", "damaged"},
    };

    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        _cleanup_(tar_made_clear) struct tar_made tar = {0};
        struct err err = {0};
        tar_add(&tar, refused[i].type, refused[i].name, refused[i].data, strlen(refused[i].data));
        tar_file(&tar, "after.c", "");
        tar_end(&tar);
        assert_int_equal(read_all(&tar, &err), -EINVAL);
        if (!strstr(err.message, refused[i].message))
            fail_msg("case %zu: '%s'", i, err.message);
        assert_null(strchr(err.message, '\033'));
    }
}

static void a_long_name_that_leads_out_is_refused(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    char name[400];

    tar_add(&tar, 'L', "././@LongLink", "../../etc/passwd", 17);
    tar_file(&tar, "short", "x");
    tar_end(&tar);
    assert_int_equal(read_all(&tar, NULL), -EINVAL);

    _cleanup_(tar_made_clear) struct tar_made longer = {0};
    memset(name, 'n', sizeof name);
    tar_add(&longer, 'L', "././@LongLink", name, sizeof name);
    tar_file(&longer, "short", "x");
    tar_end(&longer);
    assert_int_equal(read_all(&longer, NULL), -EINVAL);
}

static void a_damaged_header_is_refused(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct err err = {0};

    tar_file(&tar, "a.c", "int a;");
    tar_end(&tar);
    tar.bytes[0] ^= 1;
    assert_int_equal(read_all(&tar, &err), -EINVAL);
    assert_non_null(strstr(err.message, "damaged at byte 0"));
    tar.bytes[0] ^= 1;

    /* Sizes that pass the end, or are no octal number. */
    static const char *const sizes[] = {"77777777777", "00000010000", "0000000000x", "           ",
                                        "\200\0\0\0\0\0\0\0\0\0\1"};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        memcpy(tar.bytes + 124, sizes[i], 11);
        tar_checksum(tar.bytes);
        assert_int_equal(read_all(&tar, NULL), -EINVAL);
    }
}

/* Whatever the length, nothing past it is read (the sanitizers would say so). */
static void a_tar_cut_anywhere_is_read_or_refused(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};

    tar_add(&tar, 'x', "h", "27 path=some/longer/name.c\n", 27);
    tar_file(&tar, "a.c", "int a;");
    tar_end(&tar);
    for (size_t size = 0; size < tar.size; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, tar.bytes, size);
        struct tar_made cut = {copy, size};
        int r = read_all(&cut, NULL);
        free(copy);
        assert_true(r == 0 || r == -EINVAL);
    }
}

static void more_files_than_the_limit_are_refused(void **state)
{
    (void)state;
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct err err = {0};

    for (int i = 0; i <= SOURCE_MAX_FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.c", i);
        tar_file(&tar, name, "");
    }
    tar_end(&tar);
    assert_int_equal(read_all(&tar, &err), -EFBIG);
    assert_non_null(strstr(err.message, "more than 4096 files"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_out_as_they_went_in),
        cmocka_unit_test(long_names_of_pax_and_gnu_are_read),
        cmocka_unit_test(what_is_no_file_is_refused_by_name),
        cmocka_unit_test(a_long_name_that_leads_out_is_refused),
        cmocka_unit_test(a_damaged_header_is_refused),
        cmocka_unit_test(a_tar_cut_anywhere_is_read_or_refused),
        cmocka_unit_test(more_files_than_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
