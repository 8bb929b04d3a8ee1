/* The linker refuses what is not a library of ours, and never crashes on it. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/linker.h"
#include "library_file.h"

static uint8_t *good;
static size_t good_size;
static uint8_t *copy;

static int read_good(void **state)
{
    (void)state;
    good = library_bytes("traps", &good_size);
    copy = malloc(good_size);
    return copy ? 0 : -1;
}

static int free_good(void **state)
{
    (void)state;
    free(good);
    free(copy);
    return 0;
}

/* Opens these bytes, and closes what opened. */
static int open_bytes(const uint8_t *bytes, size_t size, struct err *err)
{
    struct library *library = NULL;

    _cleanup_(closep) int fd = library_fd(bytes, size);
    int r = library_open(fd, &library, err);
    library_close(library);
    return r;
}

static Elf64_Ehdr *header_of(uint8_t *bytes)
{
    return (Elf64_Ehdr *)(void *)bytes;
}

/* The nth program header of a type. */
static Elf64_Phdr *program_header(uint8_t *bytes, uint32_t type, int nth)
{
    Elf64_Phdr *table = (Elf64_Phdr *)(void *)(bytes + header_of(bytes)->e_phoff);

    for (int i = 0; i < header_of(bytes)->e_phnum; i++) {
        if (table[i].p_type == type && nth-- == 0)
            return &table[i];
    }
    fail_msg("no program header %u", type);
    return NULL;
}

/* The segments of these libraries: headers, code, constants, data. */
enum { HEADERS, CODE, CONSTANTS, DATA };

static Elf64_Dyn *dynamic_entry(uint8_t *bytes, int64_t tag)
{
    Elf64_Dyn *entry =
        (Elf64_Dyn *)(void *)(bytes + program_header(bytes, PT_DYNAMIC, 0)->p_offset);

    while (entry->d_tag != tag) {
        if (entry->d_tag == DT_NULL)
            fail_msg("no dynamic tag %ld", (long)tag);
        entry++;
    }
    return entry;
}

/* In the first segment addresses are offsets in the file. */
static Elf64_Rela *relocation_of(uint8_t *bytes, uint32_t type)
{
    Elf64_Rela *table = (Elf64_Rela *)(void *)(bytes + dynamic_entry(bytes, DT_RELA)->d_un.d_ptr);
    uint64_t count = dynamic_entry(bytes, DT_RELASZ)->d_un.d_val / sizeof *table;

    for (uint64_t i = 0; i < count; i++) {
        if (ELF64_R_TYPE(table[i].r_info) == type)
            return &table[i];
    }
    fail_msg("no relocation %u", type);
    return NULL;
}

static uint8_t *fresh_copy(void)
{
    return memcpy(copy, good, good_size);
}

/* The copy is refused, for a reason with these words in it. */
static void expect_refused(int code, const char *words)
{
    struct err err = {0};

    assert_int_equal(open_bytes(copy, good_size, &err), code);
    if (!strstr(err.message, words))
        fail_msg("'%s' is not in '%s'", words, err.message);
}

static void a_good_library_opens(void **state)
{
    struct library *library = NULL;
    struct err err = {0};
    char name[64];

    (void)state;
    _cleanup_(closep) int fd = library_fd(good, good_size);
    assert_int_equal(library_open(fd, &library, &err), 0);
    const struct library_face *face = library_face(library);
    assert_int_equal(face->abi, LIBRARY_ABI);
    assert_non_null(face->handle);
    assert_null(face->start);
    assert_int_equal(library_function_at(library, (uintptr_t)face->init_module, name, sizeof name),
                     0);
    assert_string_equal(name, "Z_m_init_module");
    assert_int_equal(library_function_at(library, (uintptr_t)face, name, sizeof name), -ENOENT);
    assert_int_equal(library_function_at(library, 0, name, sizeof name), -ENOENT);
    /* Cut, not overrun. */
    assert_int_equal(library_function_at(library, (uintptr_t)face->init_module, name, 4), 0);
    assert_string_equal(name, "Z_m");
    library_close(library);
    library_close(NULL);
}

static void nothing_of_a_library_is_writable_and_executable(void **state)
{
    struct library *library = NULL;
    struct err err = {0};
    char line[256];
    int executable = 0;

    (void)state;
    _cleanup_(closep) int fd = library_fd(good, good_size);
    assert_int_equal(library_open(fd, &library, &err), 0);
    uintptr_t face = (uintptr_t)library_face(library);
    uintptr_t code = (uintptr_t)library_face(library)->init_module;
    _cleanup_(fclosep) FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char protection[8];
        if (sscanf(line, "%lx-%lx %7s", &start, &end, protection) != 3)
            continue;
        assert_null(strstr(protection, "wx"));
        if (face >= start && face < end)
            assert_string_equal(protection, "r--p");
        if (code >= start && code < end) {
            assert_string_equal(protection, "r-xp");
            executable++;
        }
    }
    assert_int_equal(executable, 1);
    library_close(library);
}

static void a_file_that_can_change_is_refused(void **state)
{
    struct library *library = NULL;

    (void)state;
    for (int seals = 0; seals < 8; seals++) {
        struct err err = {0};
        _cleanup_(closep) int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_int_equal(write(fd, good, good_size), (ssize_t)good_size);
        int wanted = (seals & 1 ? F_SEAL_WRITE : 0) | (seals & 2 ? F_SEAL_SHRINK : 0) |
                     (seals & 4 ? F_SEAL_GROW : 0);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, wanted), 0);
        if (seals == 7)
            continue; /* enough: the good case */
        assert_int_equal(library_open(fd, &library, &err), -ENOEXEC);
        assert_non_null(strstr(err.message, "not sealed"));
    }
    _cleanup_(closep) int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(library_open(file, &library, NULL), -ENOEXEC);
}

static void cut_files_are_refused_or_opened(void **state)
{
    (void)state;
    for (size_t size = 1; size < good_size; size += size < 4096 ? 16 : 64)
        open_bytes(good, size, NULL);
    assert_int_equal(open_bytes(good, 63, NULL), -ENOEXEC);
    assert_int_equal(open_bytes(good, 4096, NULL), -ENOEXEC);
    _cleanup_(closep) int empty = library_fd(good, 0);
    struct library *library = NULL;
    assert_int_equal(library_open(empty, &library, NULL), -ENOEXEC);
}

static void other_kinds_of_file_are_refused(void **state)
{
    (void)state;
    header_of(fresh_copy())->e_ident[1] = 'F';
    expect_refused(-ENOEXEC, "not an ELF file");
    header_of(fresh_copy())->e_machine = EM_AARCH64;
    expect_refused(-ENOEXEC, "not for x86-64");
    header_of(fresh_copy())->e_ident[EI_CLASS] = ELFCLASS32;
    expect_refused(-ENOEXEC, "not for x86-64");
    header_of(fresh_copy())->e_type = ET_EXEC;
    expect_refused(-ENOEXEC, "not a shared object");
    header_of(fresh_copy())->e_phoff = UINT64_MAX - 8;
    expect_refused(-ENOEXEC, "program headers lie outside");
    header_of(fresh_copy())->e_phnum = 1000;
    expect_refused(-ENOEXEC, "bad program headers");
    header_of(fresh_copy())->e_shoff = UINT64_MAX - 8;
    expect_refused(-ENOEXEC, "section headers lie outside");
}

static void bad_segments_are_refused(void **state)
{
    (void)state;
    program_header(fresh_copy(), PT_LOAD, CODE)->p_flags |= PF_W;
    expect_refused(-ENOEXEC, "writable and executable");
    program_header(fresh_copy(), PT_LOAD, DATA)->p_flags |= PF_X;
    expect_refused(-ENOEXEC, "writable and executable");
    program_header(fresh_copy(), PT_LOAD, CONSTANTS)->p_flags |= PF_X;
    expect_refused(-ENOEXEC, "two executable segments");
    program_header(fresh_copy(), PT_LOAD, CODE)->p_flags &= ~(uint32_t)PF_X;
    expect_refused(-ENOEXEC, "no code");
    program_header(fresh_copy(), PT_LOAD, CODE)->p_vaddr = 0;
    expect_refused(-ENOEXEC, "overlap");
    program_header(fresh_copy(), PT_LOAD, CODE)->p_offset += 8;
    expect_refused(-ENOEXEC, "not aligned");
    program_header(fresh_copy(), PT_LOAD, CODE)->p_filesz = UINT64_MAX - 64;
    expect_refused(-ENOEXEC, "outside of the file");
    program_header(fresh_copy(), PT_LOAD, DATA)->p_memsz = UINT64_MAX - 64;
    expect_refused(-ENOEXEC, "bad size");
    program_header(fresh_copy(), PT_LOAD, DATA)->p_memsz = 1ull << 40;
    expect_refused(-ENOEXEC, "bad size");
    program_header(fresh_copy(), PT_LOAD, CONSTANTS)->p_memsz += 1;
    expect_refused(-ENOEXEC, "longer than its bytes");
    program_header(fresh_copy(), PT_GNU_STACK, 0)->p_flags |= PF_X;
    expect_refused(-ENOEXEC, "executable stack");
    program_header(fresh_copy(), PT_GNU_STACK, 0)->p_type = PT_TLS;
    expect_refused(-ENOEXEC, "thread-local");
    program_header(fresh_copy(), PT_GNU_STACK, 0)->p_type = PT_INTERP;
    expect_refused(-ENOEXEC, "interpreter");
    program_header(fresh_copy(), PT_GNU_STACK, 0)->p_type = 0x12345;
    expect_refused(-ENOEXEC, "unknown program header 0x12345");
    program_header(fresh_copy(), PT_DYNAMIC, 0)->p_type = PT_NULL;
    expect_refused(-ENOEXEC, "no dynamic table");
    program_header(fresh_copy(), PT_GNU_RELRO, 0)->p_vaddr = 0;
    expect_refused(-ENOEXEC, "RELRO");
    /* Without RELRO the face could be written to. */
    program_header(fresh_copy(), PT_GNU_RELRO, 0)->p_type = PT_NULL;
    expect_refused(-ENOEXEC, "not read-only");
}

static void bad_dynamic_tables_are_refused(void **state)
{
    static const struct {
        int64_t tag;
        const char *words;
    } cases[] = {
        {DT_NEEDED, "another library"},     {DT_INIT, "constructor"},
        {DT_INIT_ARRAY, "constructors"},    {DT_FINI_ARRAY, "destructors"},
        {DT_PREINIT_ARRAY, "constructors"}, {DT_TEXTREL, "text relocations"},
        {DT_RUNPATH, "search path"},        {DT_REL, "without addends"},
        {DT_RELR, "unknown dynamic tag"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        dynamic_entry(fresh_copy(), DT_RELACOUNT)->d_tag = cases[i].tag;
        expect_refused(-ENOEXEC, cases[i].words);
    }
    dynamic_entry(fresh_copy(), DT_FLAGS)->d_un.d_val |= DF_TEXTREL;
    expect_refused(-ENOEXEC, "dynamic flags");
    dynamic_entry(fresh_copy(), DT_FLAGS)->d_un.d_val |= DF_STATIC_TLS;
    expect_refused(-ENOEXEC, "dynamic flags");
    dynamic_entry(fresh_copy(), DT_HASH)->d_un.d_ptr = UINT64_MAX - 4;
    expect_refused(-ENOEXEC, "DT_HASH");
    dynamic_entry(fresh_copy(), DT_SYMTAB)->d_un.d_ptr = UINT64_MAX - 4;
    expect_refused(-ENOEXEC, "dynamic symbols lie outside");
    dynamic_entry(fresh_copy(), DT_STRSZ)->d_un.d_val = UINT64_MAX;
    expect_refused(-ENOEXEC, "dynamic strings lie outside");
    dynamic_entry(fresh_copy(), DT_RELASZ)->d_un.d_val = UINT64_MAX - 23;
    expect_refused(-ENOEXEC, "relocations lie outside");
    dynamic_entry(fresh_copy(), DT_RELASZ)->d_un.d_val -= 1;
    expect_refused(-ENOEXEC, "relocations lie outside");
    dynamic_entry(fresh_copy(), DT_RELAENT)->d_un.d_val = 16;
    expect_refused(-ENOEXEC, "another form");
}

static void bad_relocations_are_refused(void **state)
{
    uint64_t code = program_header(fresh_copy(), PT_LOAD, CODE)->p_vaddr;
    const Elf64_Phdr *data = program_header(copy, PT_LOAD, DATA);
    uint64_t data_end = data->p_vaddr + data->p_memsz;

    (void)state;
    relocation_of(fresh_copy(), R_X86_64_RELATIVE)->r_offset = code;
    expect_refused(-ENOEXEC, "outside of its data");
    relocation_of(fresh_copy(), R_X86_64_RELATIVE)->r_offset = 0;
    expect_refused(-ENOEXEC, "outside of its data");
    relocation_of(fresh_copy(), R_X86_64_RELATIVE)->r_offset = data_end - 7;
    expect_refused(-ENOEXEC, "outside of its data");
    relocation_of(fresh_copy(), R_X86_64_RELATIVE)->r_offset = UINT64_MAX - 3;
    expect_refused(-ENOEXEC, "outside of its data");
    relocation_of(fresh_copy(), R_X86_64_RELATIVE)->r_addend = -8;
    expect_refused(-ENOEXEC, "points outside");
    relocation_of(fresh_copy(), R_X86_64_RELATIVE)->r_addend = 1 << 30;
    expect_refused(-ENOEXEC, "points outside");
    relocation_of(fresh_copy(), R_X86_64_GLOB_DAT)->r_addend = 8;
    expect_refused(-ENOEXEC, "beside a symbol");
    relocation_of(fresh_copy(), R_X86_64_GLOB_DAT)->r_info = ELF64_R_INFO(0, R_X86_64_GLOB_DAT);
    expect_refused(-ENOEXEC, "symbol that is not there");
    relocation_of(fresh_copy(), R_X86_64_GLOB_DAT)->r_info =
        ELF64_R_INFO(0xffffffffull, R_X86_64_GLOB_DAT);
    expect_refused(-ENOEXEC, "symbol that is not there");
    static const uint32_t kinds[] = {R_X86_64_IRELATIVE, R_X86_64_COPY, R_X86_64_DTPMOD64,
                                     R_X86_64_TPOFF64,   R_X86_64_PC32, 999};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        relocation_of(fresh_copy(), R_X86_64_RELATIVE)->r_info = ELF64_R_INFO(1, kinds[i]);
        expect_refused(-ENOEXEC, "relocation of kind");
    }
}

static Elf64_Sym *symbol_of(uint8_t *bytes, const char *name)
{
    const char *strings = (const char *)bytes + dynamic_entry(bytes, DT_STRTAB)->d_un.d_ptr;
    Elf64_Sym *symbol = (Elf64_Sym *)(void *)(bytes + dynamic_entry(bytes, DT_SYMTAB)->d_un.d_ptr);

    while (strcmp(strings + symbol->st_name, name) != 0)
        symbol++;
    return symbol;
}

static void symbols_that_are_not_on_the_list_are_refused(void **state)
{
    (void)state;
    char *strings = (char *)fresh_copy() + dynamic_entry(copy, DT_STRTAB)->d_un.d_ptr;
    memcpy(strings + symbol_of(copy, "wasm_rt_trap")->st_name, "system", 7);
    expect_refused(-ENOENT, "it needs 'system', which is not there");
    symbol_of(fresh_copy(), "wasm_rt_trap")->st_name = UINT32_MAX;
    expect_refused(-ENOEXEC, "name lies outside");
    symbol_of(fresh_copy(), "wasm_rt_trap")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
    expect_refused(-ENOEXEC, "is an ifunc");
    symbol_of(fresh_copy(), "wasm_rt_trap")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_TLS);
    expect_refused(-ENOEXEC, "is thread-local");
    Elf64_Sym *symbol = symbol_of(fresh_copy(), "wasm_rt_trap");
    symbol->st_shndx = 1;
    symbol->st_value = 1ull << 40;
    expect_refused(-ENOEXEC, "lies outside of it");
}

static void a_bad_face_is_refused(void **state)
{
    uint64_t code = program_header(fresh_copy(), PT_LOAD, CODE)->p_vaddr;

    (void)state;
    symbol_of(copy, "vireo_library")->st_name = 0;
    expect_refused(-ENOEXEC, "does not export 'vireo_library'");
    symbol_of(fresh_copy(), "vireo_library")->st_value = code;
    expect_refused(-ENOEXEC, "not read-only data");
    symbol_of(fresh_copy(), "vireo_library")->st_value = UINT64_MAX - 7;
    expect_refused(-ENOEXEC, "not read-only data");
    symbol_of(fresh_copy(), "vireo_library")->st_size = 8;
    expect_refused(-ENOEXEC, "not read-only data");
    /* A function outside of its code: the relocation that fills init_module. */
    uint64_t face = symbol_of(fresh_copy(), "vireo_library")->st_value;
    Elf64_Rela *relocation = relocation_of(copy, R_X86_64_RELATIVE);
    while (relocation->r_offset != face + offsetof(struct library_face, init_module))
        relocation++;
    relocation->r_addend = (int64_t)face;
    expect_refused(-ENOEXEC, "names what is not its code");
    relocation->r_addend = 0;
    expect_refused(-ENOEXEC, "names what is not its code");
    const Elf64_Phdr *data = program_header(fresh_copy(), PT_LOAD, DATA);
    uint8_t *abi = copy + data->p_offset + (face - data->p_vaddr);
    abi[0] = LIBRARY_ABI + 1;
    expect_refused(-ENOEXEC, "not 5");
    /* As if it were native code, which is given other functions. */
    data = program_header(fresh_copy(), PT_LOAD, DATA);
    memset(copy + data->p_offset + (face - data->p_vaddr) +
               offsetof(struct library_face, instance_bytes),
           0, 4);
    expect_refused(-ENOENT, "which is not there");
}

/* A pseudo-random sequence that is the same in each run: finds can be repeated. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void mutated_headers_and_tables_never_crash(void **state)
{
    uint32_t seed = 2026;
    size_t opened = 0, refused = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint8_t *bytes = fresh_copy();
        const Elf64_Phdr *dynamic = program_header(bytes, PT_DYNAMIC, 0);
        /* ELF and program headers; the first segment's tables; the dynamic table; sections. */
        const struct {
            uint64_t start, size;
        } areas[] = {
            {0, 64 + 56u * header_of(bytes)->e_phnum},
            {0, program_header(bytes, PT_LOAD, HEADERS)->p_filesz},
            {dynamic->p_offset, dynamic->p_filesz},
            {header_of(bytes)->e_shoff, 64u * header_of(bytes)->e_shnum},
        };
        size_t area = next_random(&seed) % ARRAY_LEN(areas);
        uint32_t changes = 1 + next_random(&seed) % 3;
        for (uint32_t i = 0; i < changes; i++) {
            uint64_t at = areas[area].start + next_random(&seed) % areas[area].size;
            static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
            bytes[at] = next_random(&seed) % 2 ? edges[next_random(&seed) % sizeof edges]
                                               : (uint8_t)next_random(&seed);
        }
        if (open_bytes(bytes, good_size, NULL) == 0)
            opened++;
        else
            refused++;
    }
    /* Both happen, or the mutations are no test. */
    assert_true(opened > 100);
    assert_true(refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_library_opens),
        cmocka_unit_test(nothing_of_a_library_is_writable_and_executable),
        cmocka_unit_test(a_file_that_can_change_is_refused),
        cmocka_unit_test(cut_files_are_refused_or_opened),
        cmocka_unit_test(other_kinds_of_file_are_refused),
        cmocka_unit_test(bad_segments_are_refused),
        cmocka_unit_test(bad_dynamic_tables_are_refused),
        cmocka_unit_test(bad_relocations_are_refused),
        cmocka_unit_test(symbols_that_are_not_on_the_list_are_refused),
        cmocka_unit_test(a_bad_face_is_refused),
        cmocka_unit_test(mutated_headers_and_tables_never_crash),
    };
    return cmocka_run_group_tests(tests, read_good, free_good);
}
