/* Type information whose functions are made static: all of them, and nothing else is touched. */
#include <errno.h>
#include <linux/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/types.h"

#define INFO(kind, members) ((uint32_t)(kind) << 24 | (members))

static struct made {
    struct btf_header header;
    uint32_t words[64];
} made;
static uint32_t words;

static void add(uint32_t kind, uint32_t members, uint32_t more)
{
    made.words[words] = 1;
    made.words[words + 1] = INFO(kind, members);
    made.words[words + 2] = 7;
    for (uint32_t i = 0; i < more; i++)
        made.words[words + 3 + i] = INFO(BTF_KIND_FUNC, 1); /* data, not a type */
    words += 3 + more;
}

static int begin(void **state)
{
    (void)state;
    memset(&made, 0, sizeof made);
    words = 0;
    add(BTF_KIND_INT, 0, 1);
    add(BTF_KIND_FUNC_PROTO, 2, 4);
    add(BTF_KIND_FUNC, BTF_FUNC_GLOBAL, 0);
    add(BTF_KIND_STRUCT, 1, 3);
    add(BTF_KIND_FUNC, BTF_FUNC_EXTERN, 0);
    add(BTF_KIND_ENUM, 2, 4);
    made.header = (struct btf_header){.magic = BTF_MAGIC,
                                      .version = 1,
                                      .hdr_len = sizeof made.header,
                                      .type_len = words * 4,
                                      .str_off = words * 4};
    return 0;
}

static int make_static(size_t bytes)
{
    /* Of its own size, so that what is read behind it is seen. */
    uint8_t *copy = malloc(bytes ? bytes : 1);

    assert_non_null(copy);
    memcpy(copy, &made, bytes);
    int r = types_make_static(copy, bytes);
    memcpy(&made, copy, bytes);
    free(copy);
    return r;
}

static void every_function_is_static_and_nothing_else_differs(void **state)
{
    struct made wanted = made;

    (void)state;
    for (uint32_t i = 0; i < words; i++)
        if (wanted.words[i] == INFO(BTF_KIND_FUNC, BTF_FUNC_EXTERN) ||
            (wanted.words[i] == INFO(BTF_KIND_FUNC, BTF_FUNC_GLOBAL) && i == 4 + 7 + 1))
            wanted.words[i] = INFO(BTF_KIND_FUNC, BTF_FUNC_STATIC);
    assert_int_equal(make_static(sizeof made.header + words * 4), 0);
    assert_memory_equal(&made, &wanted, sizeof made);
}

static void what_is_cut_is_refused(void **state)
{
    const size_t whole = sizeof made.header + words * 4;

    (void)state;
    for (size_t bytes = 0; bytes < whole; bytes++)
        assert_int_equal(make_static(bytes), -EBADMSG);
    for (uint32_t length = words * 4 - 1; length > words * 4 - 8; length--) {
        made.header.type_len = length;
        assert_int_equal(make_static(whole), -EBADMSG);
    }
}

static void what_lies_is_refused(void **state)
{
    const size_t whole = sizeof made.header + words * 4;
    const struct btf_header good = made.header;

    (void)state;
    made.header.magic = 0x9feb;
    assert_int_equal(make_static(whole), -EBADMSG);
    made.header = good;
    made.header.hdr_len = 4;
    assert_int_equal(make_static(whole), -EBADMSG);
    made.header = good;
    made.header.hdr_len = made.header.type_off = made.header.type_len = UINT32_MAX;
    assert_int_equal(make_static(whole), -EBADMSG);
    made.header = good;
    made.words[1] = INFO(31, 0); /* a kind that there is not */
    assert_int_equal(make_static(whole), -EBADMSG);
    made.words[1] = INFO(BTF_KIND_STRUCT, 0xffff); /* longer than all */
    assert_int_equal(make_static(whole), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_function_is_static_and_nothing_else_differs, begin),
        cmocka_unit_test_setup(what_is_cut_is_refused, begin),
        cmocka_unit_test_setup(what_lies_is_refused, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
