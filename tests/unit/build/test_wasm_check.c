/* The check of WebAssembly modules, on modules of real tools and on bytes that no tool writes. */
#include <errno.h>

#include "test.h"

#include "build/build.h"
#include "build/wasm.h"

static const char *directory; /* of the modules that were built for this test */

static int check_file(const char *name, struct wasm_facts *facts, struct err *err)
{
    char path[4096];
    size_t size;

    snprintf(path, sizeof path, "%s/%s.wasm", directory, name);
    _cleanup_(freep) char *module = test_file(path, &size);
    return wasm_check((const uint8_t *)module, size, "m.wasm", facts, err);
}

static void a_command_of_clang_is_accepted(void **state)
{
    (void)state;
    struct wasm_facts facts = {0};
    struct err err = {0};
    if (check_file("hello", &facts, &err) < 0)
        fail_msg("%s", err.message);
    assert_true(facts.has_start_export && facts.has_memory_export && facts.imports_wasi);
    assert_false(facts.has_handler_exports || facts.imports_vireo || facts.has_start_section);
    assert_int_equal(facts.import_module_count, 1);
    assert_true(facts.memory_pages_min >= 2);
    assert_int_equal(facts.memory_pages_max, 65536);
}

static void every_wasi_function_has_the_type_of_wasi_libc(void **state)
{
    (void)state;
    struct wasm_facts facts;
    struct err err = {0};
    if (check_file("wasi_all", &facts, &err) < 0)
        fail_msg("%s", err.message);
    assert_true(facts.imports_wasi);
}

static void what_wasm2c_takes_by_default_is_accepted(void **state)
{
    (void)state;
    struct wasm_facts facts;
    struct err err = {0};
    if (check_file("good_features", &facts, &err) < 0)
        fail_msg("%s", err.message);
    assert_true(facts.has_handler_exports && facts.has_initialize_export);
    assert_true(facts.imports_vireo && facts.imports_wasi && facts.has_start_section);
    assert_false(facts.has_start_export);
    assert_int_equal(facts.import_module_count, 2);
    assert_int_equal(facts.memory_pages_min, 2);
    assert_int_equal(facts.memory_pages_max, 100);
}

static void refused_modules_say_why_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *name, *reason;
    } refused[] = {
        {"simd_op", "uses SIMD (instruction 0xfd"},
        {"simd_type", "uses SIMD (type v128"},
        {"simd_local", "uses SIMD (type v128"},
        {"threads_op", "uses threads (instruction 0xfe"},
        {"threads_memory", "uses threads (a shared memory"},
        {"tail_call", "uses tail calls (instruction 0x12"},
        {"tail_call_indirect", "uses tail calls (instruction 0x13"},
        {"memory64", "uses memory64"},
        {"tag", "uses exceptions (the tag section"},
        {"try", "uses exceptions (instruction 0x06"},
        {"throw", "uses exceptions"},
        {"multi_memory", "uses multiple memories"},
        {"extended_const", "uses extended constant expressions"},
        {"import_memory", "imports 'env.memory', a memory"},
        {"import_global", "imports 'env.g', a global"},
        {"import_table", "imports 'env.t', a table"},
        {"import_env", "imports 'env.foo'"},
        {"import_preview0", "imports 'wasi_unstable.fd_write' (that is WASI preview 0"},
        {"import_preview2", "WASI preview 2"},
        {"import_wrong_type", "'wasi_snapshot_preview1.fd_write' with another type than the host's,"
                              " (i32 i32 i32 i32) -> (i32)"},
        {"import_wrong_result", "'wasi_snapshot_preview1.fd_seek' with another type"},
        {"import_missing", "'wasi_snapshot_preview1.fd_explode', which does not exist"},
        {"import_bpf", "'wasm_bpf.wasm_load_bpf_object' with another type than the host's"},
        {"no_memory", "does not export its memory"},
        {"memory_not_exported", "does not export its memory"},
        {"start_wrong_type", "'_start' has the wrong type"},
        {"start_not_function", "'_start' is not a function"},
        {"handler_in_part", "some but not all of vireo_request_buffer"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct wasm_facts facts = {.memory_pages_min = 12345};
        struct err err = {0};
        assert_int_equal(check_file(refused[i].name, &facts, &err), -EINVAL);
        assert_message(err, refused[i].reason);
        assert_message(err, "offset 0x");
        assert_message(err, "cannot use 'm.wasm': it");
        assert_int_equal(facts.memory_pages_min, 12345);
    }
}

static void the_offset_is_where_the_instruction_is(void **state)
{
    (void)state;
    size_t size;
    char path[4096], wanted[32];
    struct wasm_facts facts;
    struct err err = {0};
    snprintf(path, sizeof path, "%s/threads_op.wasm", directory);
    _cleanup_(freep) char *module = test_file(path, &size);
    size_t at = 0;
    while (at < size && (uint8_t)module[at] != 0xfe)
        at++;
    assert_true(wasm_check((const uint8_t *)module, size, "m.wasm", &facts, &err) < 0);
    snprintf(wanted, sizeof wanted, "at offset 0x%zx)", at);
    assert_message(err, wanted);
}

/* A module by hand: the header, then these bytes. */
#define HEADER "\0asm\1\0\0\0"
#define TYPE "\1\4\1\x60\0\0"
#define FUNCTION "\3\2\1\0"
#define MEMORY "\5\3\1\0\1"
#define EXPORT "\7\x0a\1\6memory\2\0"
#define BYTES(text) text, sizeof text - 1
/* One function with a body of these bytes, whose count is given. */
#define CODE(section, body, text) HEADER TYPE FUNCTION MEMORY EXPORT "\x0a" section "\1" body text

static void malformed_modules_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *reason;
    } refused[] = {
        {BYTES(""), "not a WebAssembly module"},
        {BYTES("\0asm"), "not a WebAssembly module"},
        {BYTES("\x7f"
               "ELF\2\1\1\0"),
         "not a WebAssembly module"},
        {BYTES("\0asm\2\0\0\0"), "version is not 1"},
        {BYTES("\0asm\x0d\0\1\0"), "the component model (layer 1"},
        {BYTES(HEADER), "does not export its memory"},
        {BYTES(HEADER "\1"), "ends within a section's size"},
        {BYTES(HEADER "\1\4\1\x60"), "ends behind the file"},
        {BYTES(HEADER "\x0e\0"), "unknown section 14"},
        {BYTES(HEADER TYPE TYPE), "twice there or out of order"},
        {BYTES(HEADER MEMORY TYPE), "out of order"},
        {BYTES(HEADER "\1\xff\xff\xff\xff\x7f"), "does not fit in 32 bits"},
        {BYTES(HEADER "\1\x80\x80\x80\x80\x80\0"), "does not fit in 32 bits"},
        {BYTES(HEADER "\1\5\xff\xff\xff\xff\x0f"), "4294967295 are announced"},
        {BYTES(HEADER "\1\5\1\x60\0\0\0"), "goes on behind its end"},
        {BYTES(HEADER "\1\3\1\x5f\0"), "garbage collection (type form 0x5f"},
        {BYTES(HEADER "\1\3\1\x5e\0"), "garbage collection (type form 0x5e"},
        {BYTES(HEADER "\1\3\1\x4e\0"), "garbage collection (type form 0x4e"},
        {BYTES(HEADER "\1\3\1\x61\0"), "unknown type form 0x61"},
        {BYTES(HEADER "\1\5\1\x60\1\x6e\0"), "garbage collection (type 0x6e"},
        {BYTES(HEADER "\1\5\1\x60\1\x69\0"), "exceptions (type 0x69"},
        {BYTES(HEADER "\1\5\1\x60\1\x64\0"), "function references (type 0x64"},
        {BYTES(HEADER "\1\5\1\x60\1\x10\0"), "unknown type 0x10"},
        {BYTES(HEADER "\2\7\1\1x\1y\0\0"), "there is no type 0"},
        {BYTES(HEADER "\2\7\1\1\xff\1y\0\0"), "is not UTF-8"},
        {BYTES(HEADER "\2\4\1\x70xx"), "ends within an import's module"},
        {BYTES(HEADER "\2\7\1\1x\1y\4\0"), "exceptions (an imported tag"},
        {BYTES(HEADER "\2\x09\1\1x\1y\2\3\1\2"), "uses threads (a shared memory at offset 0x10)"},
        {BYTES(HEADER "\2\x08\1\1x\1y\2\4\1"), "uses memory64 (a 64-bit memory at offset 0x10)"},
        {BYTES(HEADER "\2\x09\1\1x\1y\1\x70\4\1"), "memory64 (a 64-bit table"},
        {BYTES(HEADER "\2\x09\1\1x\1y\1\x7f\0\1"), "is not a reference"},
        {BYTES(HEADER "\2\7\1\1x\1y\2\0"), "ends within"},
        {BYTES(HEADER TYPE "\3\2\1\1"), "there is no type 1"},
        {BYTES(HEADER TYPE FUNCTION MEMORY EXPORT), "have no code"},
        {BYTES(HEADER "\4\5\1\x70\0\xff"), "ends behind the file"},
        {BYTES(HEADER "\4\4\1\x7f\0\1"), "is not a reference"},
        {BYTES(HEADER "\4\x0a\1\x40\0\x70\0\1\xd2\0\x0b\0"), "initial value"},
        {BYTES(HEADER "\4\x08\1\x70\0\xff\xff\xff\xff\x0f"), "is too large"},
        {BYTES(HEADER "\4\6\1\x70\0\x81\x80\x40"), "1048577 elements is too large"},
        {BYTES(HEADER "\4\7\1\x70\0\x80\xad\xe2\4"), "10000000 elements is too large"},
        {BYTES(HEADER "\4\4\1\x70\4\1"), "memory64 (a 64-bit table"},
        {BYTES(HEADER "\5\5\1\0\x81\x80\4"), "65537 pages is too large"},
        {BYTES(HEADER "\5\4\1\1\2\1"), "is too large"},
        {BYTES(HEADER "\5\3\1\x10\1"), "unknown flags 0x10"},
        {BYTES(HEADER "\5\4\1\x08\1\0"), "custom page sizes"},
        {BYTES(HEADER "\6\5\1\x7f\2\x41\0"), "threads (a shared global"},
        {BYTES(HEADER "\6\5\1\x7f\0\x6a\x0b"), "0x6a is not constant"},
        {BYTES(HEADER "\6\4\1\x7f\0\x41"), "ends within a constant"},
        {BYTES(HEADER "\6\7\1\x7f\0\xfd\x0c\0\x0b"), "SIMD (instruction 0xfd 12"},
        {BYTES(HEADER "\6\7\1\x7f\0\xfb\x1c\0\x0b"), "garbage collection (instruction 0xfb 28"},
        {BYTES(HEADER MEMORY "\7\x0a\1\6memory\2\1"), "'memory' does not exist"},
        {BYTES(HEADER MEMORY "\7\x0a\1\6memory\0\0"), "'memory' does not exist"},
        {BYTES(HEADER MEMORY "\7\x13\2\6memory\2\0\6memory\2\0"), "exports 'memory' twice"},
        {BYTES(HEADER MEMORY "\7\x0a\1\6memory\4\0"), "exceptions (an exported tag"},
        {BYTES(HEADER MEMORY EXPORT "\x08\1\0"), "there is no function 0"},
        {BYTES(HEADER MEMORY EXPORT "\x0b\6\1\0\x41\0\x0b\5"), "ends within a data segment"},
        {BYTES(HEADER MEMORY EXPORT "\x0b\2\1\3"), "unknown flags 3 of a data segment"},
        {BYTES(HEADER MEMORY EXPORT "\x0b\7\1\2\1\x41\0\x0b\0"), "multiple memories"},
        {BYTES(HEADER "\x0b\6\1\0\x41\0\x0b\0"), "data and no memory"},
        {BYTES(HEADER MEMORY EXPORT "\x0c\1\3"), "3 data segments are announced"},
        {BYTES(HEADER "\x09\6\1\0\x41\0\x0b\0"), "there is no table 0"},
        {BYTES(HEADER "\x09\2\1\x08"), "unknown flags 8 of an element segment"},
        {BYTES(HEADER "\x0a\1\1"), "1 are announced"},
        {BYTES(CODE("\4", "\2", "\0\x0b") "\0\1\1"), "ends within a custom section's name"},
        {BYTES(CODE("\4", "\3", "\0\x0b")), "ends behind the code"},
        {BYTES(CODE("\4", "\2", "\0\1")), "ends within an instruction"},
        {BYTES(CODE("\5", "\3", "\0\x0b\x0b")), "goes on behind its end"},
        {BYTES(CODE("\5", "\3", "\0\x27\x0b")), "unknown instruction 0x27"},
        {BYTES(CODE("\5", "\3", "\0\xff\x0b")), "unknown instruction 0xff"},
        {BYTES(CODE("\6", "\4", "\0\x14\0\x0b")), "function references (instruction 0x14"},
        {BYTES(CODE("\5", "\3", "\0\xd4\x0b")), "function references (instruction 0xd4"},
        {BYTES(CODE("\5", "\3", "\0\xd3\x0b")), "garbage collection (instruction 0xd3"},
        {BYTES(CODE("\6", "\4", "\0\x1f\x40\x0b")), "exceptions (instruction 0x1f"},
        {BYTES(CODE("\6", "\4", "\0\x10\1\x0b")), "there is no function 1"},
        {BYTES(CODE("\6", "\4", "\0\x20\0\x0b")), "there is no local 0"},
        {BYTES(CODE("\6", "\4", "\0\x0c\1\x0b")), "there is no block to branch to 1"},
        {BYTES(CODE("\7", "\5", "\0\x11\0\0\x0b")), "there is no table 0"},
        {BYTES(CODE("\6", "\4", "\0\x02\1\x0b")), "there is no type 1"},
        {BYTES(CODE("\6", "\4", "\0\x02\x7b\x0b")), "SIMD (type v128"},
        {BYTES(CODE("\7", "\5", "\0\x28\x42\0\x0b")), "multiple memories (a memory index"},
        {BYTES(CODE("\7", "\5", "\0\x28\4\0\x0b")), "alignment of 2^4"},
        {BYTES(CODE("\6", "\4", "\0\x3f\1\x0b")), "multiple memories (memory index"},
        {BYTES(CODE("\6", "\4", "\0\xfc\x12\x0b")), "unknown instruction 0xfc 18"},
        {BYTES(CODE("\x0a", "\x08", "\0\x41\xff\xff\xff\xff\x4f\x0b")), "does not fit in 32 bits"},
        {BYTES(CODE("\x0a", "\x08", "\0\x0e\xff\xff\xff\xff\x0f\x0b")), "4294967295 are announced"},
        {BYTES(CODE("\x0b", "\x09", "\1\xff\xff\xff\xff\x0f\x7f\x0b\x0b")), "more than 50000"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct wasm_facts facts;
        struct err err = {0};
        int r = wasm_check((const uint8_t *)refused[i].bytes, refused[i].size, "m", &facts, &err);
        if (r != -EINVAL)
            fail_msg("row %zu (%s): %d %s", i, refused[i].reason, r, err.message);
        assert_message(err, refused[i].reason);
    }
}

static void deep_blocks_are_refused(void **state)
{
    (void)state;
    enum { DEEP = 20000 };
    /* As one function's body: `DEEP` blocks, each "block []", never ended. */
    const size_t body = 1 + 2 * DEEP;
    uint8_t *module = malloc(body + 128);
    static const char start[] = HEADER TYPE FUNCTION MEMORY EXPORT "\x0a";
    size_t at = sizeof start - 1;
    memcpy(module, start, at);
    for (int i = 0; i < 2; i++) { /* size of the section, then of the body, in three bytes each */
        size_t bytes = i == 0 ? body + 4 : body;
        module[at++] = (uint8_t)(bytes | 0x80);
        module[at++] = (uint8_t)(bytes >> 7 | 0x80);
        module[at++] = (uint8_t)(bytes >> 14);
        if (i == 0)
            module[at++] = 1;
    }
    module[at++] = 0;
    for (int i = 0; i < DEEP; i++) {
        module[at++] = 0x02;
        module[at++] = 0x40;
    }
    struct wasm_facts facts;
    struct err err = {0};
    assert_int_equal(wasm_check(module, at, "m", &facts, &err), -EINVAL);
    assert_message(err, "nested deeper than 10000");
    free(module);
}

static void a_name_in_a_message_has_no_control_characters(void **state)
{
    (void)state;
    static const char module[] = HEADER TYPE "\2\x0b\1\5\x1b[2J\n\1y\0\0";
    struct wasm_facts facts;
    struct err err = {0};
    assert_true(wasm_check((const uint8_t *)module, sizeof module - 1, "m", &facts, &err) < 0);
    assert_message(err, "'?[2J?.y'");
}

static void the_table_of_host_functions_is_the_list_of_symbols(void **state)
{
    (void)state;
#define LIBRARY_SYMBOL(name) #name,
    static const char *const symbols[] = {
#include "guest/library_symbols.h"
    };
#undef LIBRARY_SYMBOL
    size_t host_symbols = 0;
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++)
        host_symbols += strncmp(symbols[i], "Z_", 2) == 0;
    assert_int_equal(host_symbols, wasm_host_function_count);
    for (size_t i = 0; i < wasm_host_function_count; i++) {
        char name[128];
        size_t k = 0;
        /* wasm2c's way to write a hyphen. */
        bool callback = strcmp(wasm_host_functions[i].module, "callback-wrapper") == 0;
        snprintf(name, sizeof name, "Z_%sZ_%s",
                 callback ? "callbackZ2Dwrapper" : wasm_host_functions[i].module,
                 wasm_host_functions[i].name);
        while (k < ARRAY_LEN(symbols) && strcmp(symbols[k], name) != 0)
            k++;
        if (k == ARRAY_LEN(symbols))
            fail_msg("%s is not on the list", name);
    }
}

/* Under ASan this finds a read outside; the copies are of the exact size for it. */
static void mutations_and_cuts_are_survived(void **state)
{
    (void)state;
    static const char *const names[] = {"good_features", "wasi_all"};
    uint64_t seed = 0x9e3779b97f4a7c15;
    for (size_t n = 0; n < ARRAY_LEN(names); n++) {
        char path[4096];
        size_t size;
        snprintf(path, sizeof path, "%s/%s.wasm", directory, names[n]);
        _cleanup_(freep) char *module = test_file(path, &size);
        for (int round = 0; round < 4000; round++) {
            size_t kept = round % 4 == 0 ? test_random(&seed) % size : size;
            uint8_t *copy = malloc(kept + 1);
            memcpy(copy, module, kept);
            copy = realloc(copy, kept ? kept : 1);
            for (uint64_t k = test_random(&seed) % 8; kept > 8 && k > 0; k--)
                copy[8 + test_random(&seed) % (kept - 8)] = (uint8_t)test_random(&seed);
            struct wasm_facts facts;
            struct err err = {0};
            int r = wasm_check(copy, kept, "m", &facts, &err);
            assert_true(r == 0 || (r == -EINVAL && err.message[0]));
            free(copy);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_of_clang_is_accepted),
        cmocka_unit_test(every_wasi_function_has_the_type_of_wasi_libc),
        cmocka_unit_test(what_wasm2c_takes_by_default_is_accepted),
        cmocka_unit_test(refused_modules_say_why_and_where),
        cmocka_unit_test(the_offset_is_where_the_instruction_is),
        cmocka_unit_test(malformed_modules_are_refused),
        cmocka_unit_test(deep_blocks_are_refused),
        cmocka_unit_test(a_name_in_a_message_has_no_control_characters),
        cmocka_unit_test(the_table_of_host_functions_is_the_list_of_symbols),
        cmocka_unit_test(mutations_and_cuts_are_survived),
    };
    if (argc != 2)
        return 2;
    directory = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
