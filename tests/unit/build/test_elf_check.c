/* The check of built libraries, on what gcc and ld make of good and hostile sources. */
#include <elf.h>
#include <errno.h>

#include "test_library.h"

static void a_library_as_the_build_links_it_is_accepted(void **state)
{
    (void)state;
    size_t size;
    struct library_note wanted = test_note(), note;
    struct err err = {0};
    const char *library = test_good_library(&size);
    if (library_check(library, size, &note, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(note.name, wanted.name);
    assert_string_equal(note.version, wanted.version);
    assert_string_equal(note.safety, "sfi");
    assert_string_equal(note.kind, "command");
    assert_int_equal(note.abi, LIBRARY_ABI);
    assert_memory_equal(note.source_hash, wanted.source_hash, sizeof note.source_hash);
}

static void other_ways_to_link_are_accepted(void **state)
{
    (void)state;
    static const char *const flags[] = {
        "-Wl,--hash-style=gnu",       "-Wl,-soname,lib.so", "-Wl,--build-id=sha1",
        "-Wl,-Bsymbolic -fno-plt -s", "-g -Wl,-z,norelro",
    };
    struct library_note note = test_note();
    _cleanup_(freep) char *source = NULL;
    assert_int_equal(library_note_source(&note, &source, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        struct err err = {0};
        size_t size;
        _cleanup_(freep) char *library =
            test_link(test_library_source, source, "", flags[i], &size);
        if (library_check(library, size, &note, &err) < 0)
            fail_msg("%s: %s", flags[i], err.message);
    }
}

static void what_must_not_be_in_a_library_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *source, *cflags, *ldflags, *reason;
    } refused[] = {
        {"", "", "-Wl,--no-as-needed -lm", "it needs another library"},
        {"__attribute__((constructor)) static void c(void) { counter = 9; }", "", "",
         "it has constructors"},
        {"__attribute__((destructor)) static void d(void) { counter = 9; }", "", "",
         "it has destructors"},
        {"void begin(void) { counter = 9; }", "", "-Wl,-init=begin", "it has a constructor"},
        {"void end(void) { counter = 9; }", "", "-Wl,-fini=end", "it has a destructor"},
        {"static void *pick(void) { return init; }\n"
         "__attribute__((ifunc(\"pick\"))) void chosen(void);\n"
         "void call(void) { chosen(); }",
         "", "", "indirect function"},
        {"__thread int mine; int get(void) { return mine; }", "-ftls-model=initial-exec", "",
         "thread-local storage"},
        {"extern int open(const char *, int, ...); int leak(void) { return open(\"/\", 0); }", "",
         "", "it needs 'open', which is not on the list"},
        {"void leak(void) { char b[64]; memcpy(b, numbers, 64); wasm_rt_trap(b[counter & 63]); }",
         "-fstack-protector-all", "", "it needs '__stack_chk_fail'"},
        {"__attribute__((visibility(\"default\"))) void more(void) {}", "", "", "exports 'more'"},
        {"extern void wasm_rt_free_memory(void *) __attribute__((weak));\n"
         "void *maybe(void) { return wasm_rt_free_memory; }",
         "", "", "is not a global symbol"},
        {"void *inside = (char *)wasm_rt_trap + 16;", "", "", "has an addend"},
        {"void *outside = (char *)numbers + (1 << 28);", "", "", "points outside it"},
        {"__asm__(\".text\\n.quad wasm_rt_trap\\n\");", "", "-Wl,-z,notext", "text relocations"},
        {"__asm__(\".section .wx,\\\"awx\\\"\\n.quad 1\\n.text\\n\");", "", "",
         "writable and executable"},
        {"static const char i[] __attribute__((section(\".interp\"), used)) = \"/lib/ld.so\";", "",
         "", "it names an interpreter"},
        {"", "", "-Wl,-z,execstack", "executable stack"},
        {"", "", "-Wl,-z,noseparate-code", "page"},
        {"", "", "-Wl,-rpath,/tmp", "search path"},
        {"", "", "-Wl,-z,pack-relative-relocs", "packed relocations"},
        {"", "", "-Wl,--default-symver", "versions of symbols"},
        {"", "", "-Wl,-z,max-page-size=0x200000", "not aligned to pages"},
        {"void begin(void) { counter = 9; }", "", "-Wl,-e,begin", "entry point"},
        {"", "", "-Wl,-z,nodelete", "improper value"},
        {"", "", "-Wl,-Ttext-segment=0x10000", "not at address 0"},
        {"__asm__(\".pushsection .note.vireo,\\\"a\\\",@note\\n.long 6,0,1\\n"
         ".ascii \\\"vireo\\\\0\\\\0\\\\0\\\"\\n.popsection\");",
         "", "", "note"},
    };
    struct library_note note = test_note();
    _cleanup_(freep) char *note_source = NULL;
    assert_int_equal(library_note_source(&note, &note_source, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        char source[4096];
        struct err err = {0};
        size_t size;
        snprintf(source, sizeof source, "%s%s\n", test_library_source, refused[i].source);
        _cleanup_(freep) char *library =
            test_link(source, note_source, refused[i].cflags, refused[i].ldflags, &size);
        if (library_check(library, size, &note, &err) != -ENOEXEC)
            fail_msg("row %zu (%s) is accepted", i, refused[i].reason);
        assert_message(err, "cannot accept a built library: ");
        assert_message(err, refused[i].reason);
    }
}

static void a_library_without_note_or_face_is_refused(void **state)
{
    (void)state;
    struct library_note note = test_note();
    struct err err = {0}, err_face = {0};
    _cleanup_(freep) char *note_source = NULL;
    size_t size;
    assert_int_equal(library_note_source(&note, &note_source, NULL), 0);

    _cleanup_(freep) char *without = test_link(test_library_source, "", "", "", &size);
    assert_int_equal(library_check(without, size, &note, &err), -ENOEXEC);
    assert_message(err, "no vireo note");

    _cleanup_(freep) char *faceless =
        test_link("extern void wasm_rt_trap(int); void f(void) { wasm_rt_trap(1); }\n", note_source,
                  "", "", &size);
    assert_int_equal(library_check(faceless, size, &note, &err_face), -ENOEXEC);
    assert_message(err_face, "it exports 0 faces");
}

/* One field of the good library changed. */
static void changed_headers_are_refused(void **state)
{
    (void)state;
    size_t size;
    const char *good = test_good_library(&size);
    Elf64_Ehdr head;
    memcpy(&head, good, sizeof head);
#define PH(index, field) head.e_phoff + (index) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field)
    const struct {
        size_t at;
        uint8_t value;
        const char *reason;
    } changes[] = {
        {EI_CLASS, ELFCLASS32, "not for x86-64"},
        {EI_DATA, ELFDATA2MSB, "not for x86-64"},
        {EI_OSABI, ELFOSABI_FREEBSD, "not for x86-64"},
        {EI_OSABI, ELFOSABI_GNU, "GNU's extensions"},
        {offsetof(Elf64_Ehdr, e_machine), EM_386, "not for x86-64"},
        {offsetof(Elf64_Ehdr, e_type), ET_EXEC, "not a shared object"},
        {offsetof(Elf64_Ehdr, e_type), ET_REL, "not a shared object"},
        {offsetof(Elf64_Ehdr, e_phnum), 0, "0 segments"},
        {offsetof(Elf64_Ehdr, e_phnum), 200, "200 segments"},
        {offsetof(Elf64_Ehdr, e_shnum), 0, "0 sections"},
        {offsetof(Elf64_Ehdr, e_shnum) + 1, 200, "sections"},
        {offsetof(Elf64_Ehdr, e_phentsize), 55, "unknown sizes"},
        {offsetof(Elf64_Ehdr, e_phoff) + 6, 1, "behind the file"},
        {offsetof(Elf64_Ehdr, e_shoff) + 6, 1, "behind the file"},
        {PH(0, p_type), PT_SHLIB, "unknown type 0x5"},
        {PH(0, p_flags), PF_R | PF_W | PF_X, "writable and executable"},
        {PH(0, p_flags), PF_X, "improper rights"},
        {PH(0, p_filesz) + 7, 0xff, "behind the file"},
        {PH(1, p_filesz), 1, "not all in the file"},
        {PH(1, p_vaddr) + 1, 0, "share a page"},
        {PH(2, p_offset) + 7, 0x80, "behind the file"},
        {PH(3, p_memsz) + 7, 0x7f, "improper size"},
        {PH(3, p_memsz) + 4, 1, "improper size"},
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        _cleanup_(freep) char *copy = malloc(size);
        struct library_note note;
        struct err err = {0};
        memcpy(copy, good, size);
        copy[changes[i].at] = (char)changes[i].value;
        if (library_check(copy, size, &note, &err) != -ENOEXEC)
            fail_msg("change %zu (%s) is accepted", i, changes[i].reason);
        assert_message(err, changes[i].reason);
    }
}

/* The rest of the last page of code would be mapped too. */
static void bytes_behind_the_code_in_its_page_are_refused(void **state)
{
    (void)state;
    size_t size;
    const char *good = test_good_library(&size);
    Elf64_Ehdr head;
    Elf64_Phdr code = {0};
    memcpy(&head, good, sizeof head);
    for (size_t i = 0; i < head.e_phnum && !(code.p_flags & PF_X); i++)
        memcpy(&code, good + head.e_phoff + i * sizeof code, sizeof code);
    _cleanup_(freep) char *copy = malloc(size);
    memcpy(copy, good, size);
    copy[code.p_offset + code.p_filesz] = (char)0xc3;
    struct library_note note;
    struct err err = {0};
    assert_int_equal(library_check(copy, size, &note, &err), -ENOEXEC);
    assert_message(err, "has other bytes");
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    size_t size;
    const char *good = test_good_library(&size);
    for (size_t kept = 0; kept < size; kept += kept < 4096 ? 1 : 61) {
        _cleanup_(freep) char *copy = malloc(kept ? kept : 1);
        struct library_note note;
        memcpy(copy, good, kept);
        assert_int_equal(library_check(copy, kept, &note, NULL), -ENOEXEC);
    }
}

/* Where the tables are, most of all. Under ASan this finds a read outside. */
static void mutations_are_survived(void **state)
{
    (void)state;
    size_t size;
    const char *good = test_good_library(&size);
    Elf64_Ehdr head;
    memcpy(&head, good, sizeof head);
    uint64_t seed = 0x2545f4914f6cdd1d;
    _cleanup_(freep) char *copy = malloc(size);
    unsigned refused = 0;
    for (int round = 0; round < 40000; round++) {
        memcpy(copy, good, size);
        for (uint64_t k = 1 + test_random(&seed) % 3; k > 0; k--) {
            static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, 8};
            size_t first = 0, span = size;
            if (test_random(&seed) % 4 != 0) { /* headers and dynamic tables, or the sections' */
                bool sections = test_random(&seed) % 3 == 0;
                first = sections ? head.e_shoff : 0;
                span = sections ? size - head.e_shoff : 0x600;
            }
            uint64_t value = test_random(&seed);
            copy[first + test_random(&seed) % span] =
                (char)(value % 2 ? odd[value / 2 % sizeof odd] : value / 2);
        }
        struct library_note note;
        struct err err = {0};
        int r = library_check(copy, size, &note, &err);
        assert_true(r == 0 || (r == -ENOEXEC && err.message[0]));
        refused += r < 0;
    }
    assert_true(refused > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_as_the_build_links_it_is_accepted),
        cmocka_unit_test(other_ways_to_link_are_accepted),
        cmocka_unit_test(what_must_not_be_in_a_library_is_refused),
        cmocka_unit_test(a_library_without_note_or_face_is_refused),
        cmocka_unit_test(changed_headers_are_refused),
        cmocka_unit_test(bytes_behind_the_code_in_its_page_are_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(mutations_are_survived),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
