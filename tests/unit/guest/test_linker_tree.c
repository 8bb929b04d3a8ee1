/* Libraries of a tree find each other, at the first call; what lies of itself is refused whole. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/linker_tree.h"
#include "library_file.h"

static struct link_tree *tree;
static jmp_buf called_missing;
static char missing_name[64];
static uintptr_t missing_from;

static int twice(int value)
{
    return 2 * value;
}

static uintptr_t host(const char *name)
{
    return strcmp(name, "host_twice") == 0 ? (uintptr_t)twice : 0;
}

__attribute__((noreturn)) static void missing(const char *name, uintptr_t return_address)
{
    snprintf(missing_name, sizeof missing_name, "%s", name);
    missing_from = return_address;
    longjmp(called_missing, 1);
}

static int make_tree(void **state)
{
    const struct link_tree_options options = {.host = host, .missing = missing};

    (void)state;
    return link_tree_new(&options, &tree, NULL);
}

static int free_tree(void **state)
{
    (void)state;
    link_tree_free(tree);
    tree = NULL;
    return 0;
}

/* Links libraries by name, in one go: the list ends with NULL. */
static int add(struct err *err, const char *first, ...)
{
    struct link_file files[8] = {0};
    size_t count = 0;
    va_list names;

    va_start(names, first);
    for (const char *name = first; name; name = va_arg(names, const char *)) {
        size_t size;
        _cleanup_(freep) uint8_t *bytes = library_bytes(name, &size);
        files[count].fd = library_fd(bytes, size);
        snprintf(files[count++].name, sizeof files->name, "%s", name);
    }
    va_end(names);
    int r = link_tree_add(tree, files, count, err);
    for (size_t i = 0; i < count; i++)
        close(files[i].fd);
    return r;
}

/* The symbol as a function; fails the test when nobody has it. */
static uintptr_t need(const char *name)
{
    uintptr_t value = link_tree_symbol(tree, name);

    if (!value)
        fail_msg("nobody has '%s'", name);
    return value;
}

static int call1(const char *name, int value)
{
    return ((int (*)(int))need(name))(value);
}

static int call2(const char *name, int a, int b)
{
    return ((int (*)(int, int))need(name))(a, b);
}

static void functions_are_bound_at_their_first_call(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(add(&err, "sum", "mean", NULL), 0);
    assert_int_equal(link_tree_bound(tree), 0);
    assert_int_equal(call2("mean_of", 4, 10), 7);
    assert_int_equal(link_tree_bound(tree), 1);
    assert_int_equal(call2("mean_of", 1, 5), 3);
    assert_int_equal(link_tree_bound(tree), 1);
    assert_int_equal(call1("mean_twice", 21), 42);
    assert_int_equal(link_tree_bound(tree), 2);
}

static void data_is_one_for_all(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(add(&err, "sum", "mean", NULL), 0);
    int *calls = (int *)need("sum_calls");
    assert_ptr_equal(*(int **)need("mean_sees"), calls);
    assert_ptr_equal(*(int **)need("sum_calls_at"), calls);
    call2("mean_of", 1, 1);
    call2("sum_add", 1, 1);
    assert_int_equal(*calls, 2);
    assert_int_equal(call2("sum_shift", 3, 1), 3 << 8);
}

static void arguments_pass_the_first_call_unchanged(void **state)
{
    struct err err = {0};
    const long wanted = 1 + 4 + 9 + 16 + 25 + 36 + 1 + 4 + 9 + 16 + 25 + 36 + 49 + 64 + 900;

    (void)state;
    assert_int_equal(add(&err, "sum", "mean", NULL), 0);
    long (*many)(void) = (long (*)(void))need("mean_many");
    assert_int_equal(many(), wanted);
    assert_int_equal(link_tree_bound(tree), 1);
    assert_int_equal(many(), wanted);
}

static void what_comes_later_is_found_by_who_was_there(void **state)
{
    struct err err = {0};

    (void)state;
    /* `mean` needs data of `sum`: alone it is refused, and nothing of it stays. */
    assert_int_equal(add(&err, "mean", NULL), -ENOENT);
    assert_non_null(strstr(err.message, "sum_calls"));
    assert_null(link_tree_find(tree, "mean"));
    /* `even` needs only a function, which may come later. */
    assert_int_equal(add(&err, "even", NULL), 0);
    if (setjmp(called_missing) == 0) {
        call1("even_is", 3);
        fail_msg("a call of nobody's function went on");
    }
    assert_string_equal(missing_name, "odd_is");
    assert_ptr_equal(link_tree_holder(tree, missing_from), link_tree_find(tree, "even"));
    assert_int_equal(add(&err, "odd", NULL), 0);
    assert_true(call1("even_is", 10));
    assert_false(call1("even_is", 7));
}

static void circles_are_linked(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(add(&err, "even", "odd", NULL), 0);
    assert_true(call1("odd_is", 5));
}

static void a_clash_is_refused_and_leaves_the_tree_as_it_was(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(add(&err, "sum", NULL), 0);
    assert_int_equal(add(&err, "clash", NULL), -EEXIST);
    assert_non_null(strstr(err.message, "symbol clash: 'sum_add' is 'sum' library's too"));
    assert_int_equal(link_tree_symbol(tree, "clash_first"), 0);
    assert_int_equal(call2("sum_add", 3, 4), 7);
    /* In one go too: the good one beside it does not stay. */
    assert_int_equal(add(&err, "even", "clash", NULL), -EEXIST);
    assert_null(link_tree_find(tree, "even"));
    err = (struct err){0};
    assert_int_equal(add(&err, "sum", NULL), -EEXIST);
    assert_non_null(strstr(err.message, "linked already"));
}

static void what_was_bound_to_a_library_that_goes_is_bound_anew(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(add(&err, "even", "odd", NULL), 0);
    assert_true(call1("even_is", 4));
    for (int i = 0; i < 1000; i++) {
        link_tree_remove(tree, link_tree_find(tree, "odd"));
        assert_int_equal(link_tree_symbol(tree, "odd_is"), 0);
        assert_int_equal(add(&err, "odd", NULL), 0);
        assert_true(call1("even_is", 4));
    }
}

/* ---- libraries that lie ---- */

static uint8_t *bytes;
static size_t bytes_size;

static void open_copy(const char *name)
{
    free(bytes);
    bytes = library_bytes(name, &bytes_size);
}

/* As it is now it is refused, for a reason with these words, and nothing of it stays. */
static void expect_refused(int code, const char *words)
{
    struct link_file file = {.fd = library_fd(bytes, bytes_size), .name = "liar"};
    struct err err = {0};

    int r = link_tree_add(tree, &file, 1, &err);
    close(file.fd);
    if (r != code || !strstr(err.message, words))
        fail_msg("%d '%s', not %d '%s'", r, err.message, code, words);
    assert_null(link_tree_find(tree, "liar"));
}

static Elf64_Phdr *segment(uint32_t type, uint32_t flags)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(void *)bytes;
    Elf64_Phdr *table = (Elf64_Phdr *)(void *)(bytes + header->e_phoff);

    for (int i = 0; i < header->e_phnum; i++) {
        if (table[i].p_type == type && (table[i].p_flags & flags) == flags)
            return &table[i];
    }
    fail_msg("no segment %u", type);
    return NULL;
}

static uint64_t dynamic(int64_t tag)
{
    const Elf64_Dyn *entry = (const Elf64_Dyn *)(void *)(bytes + segment(PT_DYNAMIC, 0)->p_offset);

    for (; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == tag)
            return entry->d_un.d_ptr;
    fail_msg("no dynamic tag %ld", (long)tag);
    return 0;
}

/* A dynamic symbol by name; tables lie in the first segment, where addresses are offsets. */
static Elf64_Sym *symbol(const char *name)
{
    Elf64_Sym *at = (Elf64_Sym *)(void *)(bytes + dynamic(DT_SYMTAB));
    const char *strings = (const char *)bytes + dynamic(DT_STRTAB);
    uint32_t count = ((const uint32_t *)(void *)(bytes + dynamic(DT_HASH)))[1];

    for (uint32_t i = 1; i < count; i++) {
        if (strcmp(strings + at[i].st_name, name) == 0)
            return &at[i];
    }
    fail_msg("no symbol '%s'", name);
    return NULL;
}

static Elf64_Rela *slot(void)
{
    return (Elf64_Rela *)(void *)(bytes + dynamic(DT_JMPREL));
}

static void a_library_that_lies_about_its_symbols_is_refused(void **state)
{
    (void)state;
    open_copy("sum");
    symbol("sum_add")->st_value = 0x10000000;
    expect_refused(-ENOEXEC, "'sum_add' is said to be a function, and is not in its code");
    open_copy("sum");
    symbol("sum_add")->st_value = symbol("sum_calls")->st_value;
    expect_refused(-ENOEXEC, "is not in its code");
    open_copy("sum");
    symbol("sum_add")->st_size = UINT64_MAX;
    expect_refused(-ENOEXEC, "has a bad size");
    open_copy("sum");
    symbol("sum_add")->st_size = 1 << 20;
    expect_refused(-ENOEXEC, "is not in its code");
    open_copy("sum");
    symbol("sum_calls")->st_value = symbol("sum_add")->st_value;
    expect_refused(-ENOEXEC, "'sum_calls' is said to be data, and is not in its data");
    open_copy("sum");
    symbol("sum_calls")->st_size = 1 << 20;
    expect_refused(-ENOEXEC, "is not in its data");
    open_copy("sum");
    symbol("sum_add")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
    expect_refused(-ENOEXEC, "'sum_add' is an ifunc");
    open_copy("sum");
    symbol("sum_add")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
    expect_refused(-ENOEXEC, "'sum_add' is neither a function nor data");
    open_copy("sum");
    symbol("sum_add")->st_shndx = SHN_ABS;
    expect_refused(-ENOEXEC, "'sum_add' lies outside of it");
    open_copy("sum");
    symbol("sum_add")->st_name = symbol("sum_shift")->st_name;
    expect_refused(-ENOEXEC, "'sum_shift' is there twice");
    open_copy("sum");
    symbol("sum_add")->st_name = 1u << 30;
    expect_refused(-ENOEXEC, "a symbol has no proper name");
}

static void relocations_outside_of_the_image_are_refused(void **state)
{
    (void)state;
    open_copy("even");
    slot()->r_offset = 0x7fffffff0000;
    expect_refused(-ENOEXEC, "a relocation lies outside of its data");
    open_copy("even");
    slot()->r_offset = segment(PT_LOAD, PF_X)->p_vaddr;
    expect_refused(-ENOEXEC, "a relocation lies outside of its data");
    open_copy("even");
    slot()->r_info = ELF64_R_INFO(1000, R_X86_64_JUMP_SLOT);
    expect_refused(-ENOEXEC, "a relocation names a symbol that is not there");
    open_copy("even");
    slot()->r_info = ELF64_R_INFO(1, R_X86_64_COPY);
    expect_refused(-ENOEXEC, "relocation of kind 5");
    open_copy("even");
    slot()->r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE);
    slot()->r_addend = 1 << 30;
    expect_refused(-ENOEXEC, "a relocation points outside of it");
    /* The slot's first word is where an unbound call goes. */
    open_copy("even");
    const Elf64_Phdr *data = segment(PT_LOAD, PF_W);
    uint64_t outside = 0x12345678;
    memcpy(bytes + data->p_offset + (slot()->r_offset - data->p_vaddr), &outside, sizeof outside);
    expect_refused(-ENOEXEC, "leads outside of its code");
}

static void a_library_that_is_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    open_copy("even");
    const Elf64_Phdr *data = segment(PT_LOAD, PF_W);
    size_t needed = data->p_offset + data->p_filesz;

    /* What lies behind the last segment are names for debuggers and section headers. */
    for (size_t size = 0; size < needed; size += 97) {
        struct link_file file = {.fd = library_fd(bytes, size ? size : 1), .name = "liar"};
        assert_true(link_tree_add(tree, &file, 1, NULL) < 0);
        close(file.fd);
    }
    assert_null(link_tree_find(tree, "liar"));
}

static void there_is_a_limit_of_libraries(void **state)
{
    struct link_file files[LINK_LIBRARIES_MAX + 1] = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(link_tree_add(tree, files, ARRAY_LEN(files), &err), -E2BIG);
}

int main(void)
{
#define WITH_TREE(name) cmocka_unit_test_setup_teardown(name, make_tree, free_tree)
    const struct CMUnitTest tests[] = {
        WITH_TREE(functions_are_bound_at_their_first_call),
        WITH_TREE(data_is_one_for_all),
        WITH_TREE(arguments_pass_the_first_call_unchanged),
        WITH_TREE(what_comes_later_is_found_by_who_was_there),
        WITH_TREE(circles_are_linked),
        WITH_TREE(a_clash_is_refused_and_leaves_the_tree_as_it_was),
        WITH_TREE(what_was_bound_to_a_library_that_goes_is_bound_anew),
        WITH_TREE(a_library_that_lies_about_its_symbols_is_refused),
        WITH_TREE(relocations_outside_of_the_image_are_refused),
        WITH_TREE(a_library_that_is_cut_off_anywhere_is_refused),
        WITH_TREE(there_is_a_limit_of_libraries),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(bytes);
    return failed;
}
