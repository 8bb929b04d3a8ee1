/*
 * The first tier of a module, in one stage: its C by wasm2c, compiled by tcc (sdk/quick.c says what
 * that needs), linked by ld. Arguments: the macros of sdk/shim.c. The input is a bundle of the
 * module and the note. A module that this can't compile well is refused: gcc takes it.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "build/stage.h"

#define MODULE STAGE_SCRATCH "/module.wasm"
#define TEXT STAGE_SCRATCH "/m.c"
#define HEAD STAGE_SCRATCH "/head.c"
#define BODY STAGE_SCRATCH "/body.c"
#define NOTE STAGE_SCRATCH "/note.c"
#define OBJECT STAGE_SCRATCH "/quick.o"
#define LIBRARY STAGE_SCRATCH "/library.so"
#define EXPORTS STAGE_SCRATCH "/exports"
#define MACROS_MAX 16

/*
 * tcc does not touch the pages of a large frame one after the other. What is smaller than this
 * can't step over the guard below the call stack (64 KiB, guest/wasm_internal.h).
 */
#define FRAME_MAX_BYTES (32u << 10)

/* A file, mapped to be changed in place. */
struct image {
    uint8_t *bytes;
    size_t size;
};

static void image_clear(struct image *image)
{
    if (image->bytes)
        munmap(image->bytes, image->size);
}

static int image_open(const char *path, struct image *ret_image)
{
    struct stat status;
    _cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) < 0 || status.st_size == 0)
        return stage_say(STAGE_BROKEN, "error: cannot read '%s'", path);
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return stage_say(STAGE_BROKEN, "error: cannot map '%s'", path);
    *ret_image = (struct image){bytes, (size_t)status.st_size};
    return STAGE_OK;
}

static int unpack(void)
{
    struct stage_bundle bundle;
    const uint8_t *data;
    size_t size;

    if (stage_map_input(&data, &size) < 0 || size < sizeof bundle)
        return stage_say(STAGE_BROKEN, "error: cannot read the module");
    memcpy(&bundle, data, sizeof bundle);
    data += sizeof bundle;
    size -= sizeof bundle;
    static const char exports[] = "{ global: vireo_library; local: *; };\n";
    if (bundle.sizes[0] > size || bundle.sizes[1] != size - bundle.sizes[0] ||
        stage_write_file(AT_FDCWD, MODULE, data, (size_t)bundle.sizes[0]) < 0 ||
        stage_write_file(AT_FDCWD, NOTE, data + bundle.sizes[0], (size_t)bundle.sizes[1]) < 0 ||
        stage_write_file(AT_FDCWD, EXPORTS, exports, sizeof exports - 1) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot unpack the module");
    return stage_write_sdk();
}

/* m.c as quick.c wants it: in two, with negations by its macro, which is of the same length. */
static int prepare_text(void)
{
    static const char from[] = "= -(w2c_", to[] = "=N_(w2c_";
    _cleanup_(image_clear) struct image text = {0};

    int status = image_open(TEXT, &text);
    if (status != STAGE_OK)
        return status;
    uint8_t *body = memmem(text.bytes, text.size, STAGE_HELPERS_END, sizeof STAGE_HELPERS_END - 1);
    if (!body)
        return stage_say(STAGE_BROKEN, "error: wasm2c is not of the version that is known");
    const uint8_t *end = text.bytes + text.size;
    for (uint8_t *at = body; (at = memmem(at, (size_t)(end - at), from, sizeof from - 1));)
        memcpy(at, to, sizeof to - 1);
    if (stage_write_file(AT_FDCWD, HEAD, text.bytes, (size_t)(body - text.bytes)) < 0 ||
        stage_write_file(AT_FDCWD, BODY, body, (size_t)(end - body)) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot write the module's C");
    return STAGE_OK;
}

static int compile(const struct stage *stage)
{
    const char *command[MACROS_MAX + 16] = {
        "/usr/bin/tcc", "-w", "-std=c11", "-DNDEBUG", "-I" STAGE_SCRATCH,
        "-I" STAGE_SDK, "-c", "-o",       OBJECT,     STAGE_SDK "/quick.c",
    };
    size_t count = 0;

    while (command[count])
        count++;
    for (size_t i = 0; i < stage->arg_count; i++)
        command[count++] = stage->args[i];
    return stage_run_tool(stage, STAGE_SCRATCH, command, NULL);
}

/* Each of tcc's functions begins with `sub $frame, %rsp` in its long form; elsewhere the same bytes
 * may be something else, and then a module is refused that need not be. */
static bool frames_are_small(const uint8_t *code, size_t size)
{
    static const uint8_t take[] = {0x48, 0x81, 0xec};
    const uint8_t *end = code + size;

    while ((code = memmem(code, (size_t)(end - code), take, sizeof take))) {
        uint32_t bytes;
        code += sizeof take;
        if ((size_t)(end - code) < sizeof bytes)
            return true;
        memcpy(&bytes, code, sizeof bytes);
        if (bytes > FRAME_MAX_BYTES)
            return false;
    }
    return true;
}

/* tcc does not know the type of the note's section. */
static int finish_object(void)
{
    _cleanup_(image_clear) struct image object = {0};
    int status = image_open(OBJECT, &object);

    if (status != STAGE_OK)
        return status;
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)object.bytes;
    if (object.size < sizeof *head || head->e_shoff > object.size ||
        head->e_shnum > (object.size - head->e_shoff) / sizeof(Elf64_Shdr) ||
        head->e_shstrndx >= head->e_shnum)
        return stage_say(STAGE_BROKEN, "error: tcc made no object");
    Elf64_Shdr *sections = (Elf64_Shdr *)(object.bytes + head->e_shoff);
    const Elf64_Shdr *names = &sections[head->e_shstrndx];
    for (size_t i = 1; i < head->e_shnum; i++) {
        Elf64_Shdr *section = &sections[i];
        if (section->sh_offset > object.size || section->sh_name >= names->sh_size ||
            names->sh_offset + names->sh_size > object.size)
            return stage_say(STAGE_BROKEN, "error: tcc made no object");
        const char *name = (const char *)object.bytes + names->sh_offset + section->sh_name;
        if (strcmp(name, ".note.vireo") == 0)
            section->sh_type = SHT_NOTE;
        if ((section->sh_flags & SHF_EXECINSTR) &&
            (section->sh_size > object.size - section->sh_offset ||
             !frames_are_small(object.bytes + section->sh_offset, section->sh_size)))
            return stage_say(STAGE_REFUSED, "error: a function has a frame of more than %u KiB",
                             FRAME_MAX_BYTES >> 10);
    }
    return STAGE_OK;
}

/* tcc's own helpers are for what it has no instruction for: unsigned numbers and floating point. */
static int link_library(const struct stage *stage)
{
    static const char *const command[] = {"/usr/bin/ld",
                                          "-shared",
                                          "-z",
                                          "relro",
                                          "-z",
                                          "now",
                                          "-z",
                                          "noexecstack",
                                          "-z",
                                          "separate-code",
                                          "--build-id=none",
                                          "--hash-style=sysv",
                                          "--version-script=" EXPORTS,
                                          OBJECT,
                                          "/usr/lib/x86_64-linux-gnu/tcc/libtcc1.a",
                                          "-o",
                                          LIBRARY,
                                          NULL};

    return stage_run_tool(stage, STAGE_SCRATCH, command, NULL);
}

int stage_quick(const struct stage *stage)
{
    static const char *const translate[] = {"/usr/bin/wasm2c", "-n", "m", MODULE, "-o", TEXT, NULL};

    if (stage->arg_count > MACROS_MAX)
        return stage_say(STAGE_BROKEN, "error: too many arguments");
    int status = unpack();
    if (status == STAGE_OK)
        status = stage_run_tool(stage, STAGE_SCRATCH, translate, NULL);
    if (status == STAGE_OK)
        status = prepare_text();
    if (status == STAGE_OK)
        status = compile(stage);
    if (status == STAGE_OK)
        status = finish_object();
    if (status == STAGE_OK)
        status = link_library(stage);
    return status == STAGE_OK ? stage_send_file(LIBRARY) : status;
}
