/* Libraries to check, built by gcc as the build does it; and a scratch directory for them. */
#pragma once

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "build/build.h"
#include "guest/library.h"

#define TEST_CFLAGS "-O1 -fPIC -fvisibility=hidden -fno-stack-protector -fcf-protection=none -w"
#define TEST_LDFLAGS                                                                         \
    "-shared -nostdlib -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,--build-id=none," \
    "--hash-style=sysv"

static char scratch[64];

static inline int scratch_remove_one(const char *path, const struct stat *status, int type,
                                     struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static inline int scratch_make(void **state)
{
    (void)state;
    strcpy(scratch, "/tmp/vireo-test-XXXXXX");
    return mkdtemp(scratch) ? 0 : -1;
}

static inline int scratch_remove(void **state)
{
    (void)state;
    return nftw(scratch, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void scratch_write(const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* A face and a function of each kind that relocations are made for. */
static const char test_library_source[] =
    "#include <stdint.h>\n"
    "#include <stddef.h>\n"
    "#include \"guest/library.h\"\n"
    "extern void wasm_rt_trap(int);\n"
    "extern void *memcpy(void *, const void *, size_t);\n"
    "static int counter; int numbers[100];\n"
    "static void init(void) { counter++; if (counter > 3) wasm_rt_trap(counter); }\n"
    "static void make(void *i, void *h) { memcpy(i, h, (size_t)numbers[counter & 63]); }\n"
    "void (*volatile pointer)(int) = wasm_rt_trap;\n"
    "__attribute__((visibility(\"default\"))) const struct library_face vireo_library =\n"
    "    {.abi = LIBRARY_ABI, .instance_bytes = 64, .init_module = init, .instantiate = make};\n"
    "int *volatile address = &counter;\n";

static inline struct library_note test_note(void)
{
    struct library_note note = {.name = "hello",
                                .version = "1.2.3-rc+4",
                                .safety = "sfi",
                                .abi = LIBRARY_ABI,
                                .kind = "command"};

    for (size_t i = 0; i < sizeof note.source_hash; i++)
        note.source_hash[i] = (uint8_t)(i * 9 + 1);
    return note;
}

/* Runs gcc; `note` as source, or "" for none. The file is malloc'ed. */
static inline char *test_link(const char *source, const char *note, const char *cflags,
                              const char *ldflags, size_t *ret_size)
{
    char command[2048], path[256];

    scratch_write("library.c", source);
    scratch_write("note.c", note);
    snprintf(command, sizeof command,
             "cd %s && gcc " TEST_CFLAGS " -I%s %s library.c note.c " TEST_LDFLAGS
             " %s -o library.so 2>log || { cat log >&2; exit 1; }",
             scratch, TEST_INCLUDES, cflags, ldflags);
    if (system(command) != 0)
        fail_msg("%s", command);
    snprintf(path, sizeof path, "%s/library.so", scratch);
    return test_file(path, ret_size);
}

/* A library that is accepted; built once. Borrowed. */
static inline const char *test_good_library(size_t *ret_size)
{
    static char *library;
    static size_t size;

    if (!library) {
        struct library_note note = test_note();
        struct err err = {0};
        _cleanup_(freep) char *source = NULL;
        if (library_note_source(&note, &source, &err) < 0)
            fail_msg("%s", err.message);
        library = test_link(test_library_source, source, "", "", &size);
    }
    *ret_size = size;
    return library;
}
