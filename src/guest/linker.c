/*
 * Maps a library from its sealed memfd and binds it: eagerly, to our own list of symbols, with four
 * kinds of relocation. When it is done nothing of the library is writable but its own .data/.bss.
 * Linking runs no code of the library.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <getopt.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/linker.h"
#include "guest/linker_internal.h"
#include "guest/native_stdio.h"
#include "guest/wasm_internal.h"

/* Z_m_instance_t holds the module's globals; a module of a million globals has 8 MiB. */
#define INSTANCE_BYTES_MAX (64u << 20)

/* Before the macro gets its other meaning. */
static const char face_name[] = LIBRARY_SYMBOL;
#undef LIBRARY_SYMBOL

/* Entry points behind the check for room on the call stack: wasm_thunks.c. */
#define LIBRARY_SYMBOL(name) extern void wasm_thunk_##name(void);
#include "guest/library_symbols.h"
#undef LIBRARY_SYMBOL

#define NATIVE_SYMBOL(name, bound, proved) extern void native_thunk_##name(void);
#define NATIVE_VARIABLE(name, bound)
#include "guest/native_symbols.h"
#undef NATIVE_VARIABLE
#undef NATIVE_SYMBOL

struct host_symbol {
    const char *name;
    union {
        void (*function)(void);
        void *variable;
    };
};

static const struct host_symbol host_symbols[] = {
#define LIBRARY_SYMBOL(name) {#name, {.function = wasm_thunk_##name}},
#include "guest/library_symbols.h"
#undef LIBRARY_SYMBOL
};

static const struct host_symbol native_symbols[] = {
#define NATIVE_SYMBOL(name, bound, proved) {#name, {.function = native_thunk_##name}},
#define NATIVE_VARIABLE(name, bound) {#name, {.variable = &(bound)}},
#include "guest/native_symbols.h"
#undef NATIVE_VARIABLE
#undef NATIVE_SYMBOL
};

/* Places of native_symbols, by name: linking looks there for each symbol. */
#define NATIVE_PLACES 1024u
_Static_assert(ARRAY_LEN(native_symbols) < NATIVE_PLACES / 2, "at most half full");

static uint32_t native_place(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash % NATIVE_PLACES;
}

uintptr_t library_host_function(const char *name)
{
    static uint16_t places[NATIVE_PLACES]; /* index and 1 */
    static bool filled;

    /* Written once: in a fork that would be a copy of the page. */
    for (size_t i = 0; !filled && i < ARRAY_LEN(native_symbols); i++) {
        uint32_t at = native_place(native_symbols[i].name);
        while (places[at])
            at = (at + 1) % NATIVE_PLACES;
        places[at] = (uint16_t)(i + 1);
    }
    if (!filled)
        filled = true;
    for (uint32_t at = native_place(name); places[at]; at = (at + 1) % NATIVE_PLACES) {
        const struct host_symbol *symbol = &native_symbols[places[at] - 1];
        if (strcmp(symbol->name, name) == 0)
            return (uintptr_t)symbol->function;
    }
    return 0;
}

static int refuse(struct err *err, const char *cause)
{
    return err_say(err, -ENOEXEC, "cannot link library: %s", cause);
}

/* Native code and translated code are given different functions. */
static const struct host_symbol *find_host_symbol(const struct library *library, const char *name)
{
    const struct host_symbol *symbols = library->native ? native_symbols : host_symbols;
    size_t count = library->native ? ARRAY_LEN(native_symbols) : ARRAY_LEN(host_symbols);

    for (size_t i = 0; i < count; i++)
        if (strcmp(symbols[i].name, name) == 0)
            return &symbols[i];
    return NULL;
}

/* The value of a symbol that a relocation names. */
static int bind_symbol(const struct library *library, uint64_t index, uint64_t *ret_value,
                       struct err *err)
{
    const struct elf_image *image = &library->image;
    Elf64_Sym symbol;

    if (index == 0 || index >= image->dynamic_symbol_count)
        return refuse(err, "a relocation names a symbol that is not there");
    memcpy(&symbol, &image->dynamic_symbols[index], sizeof symbol);
    const char *name =
        elf_string(image->dynamic_strings, image->dynamic_string_bytes, symbol.st_name);
    if (!name)
        return refuse(err, "a symbol's name lies outside of the file");
    unsigned type = ELF64_ST_TYPE(symbol.st_info);
    if (type == STT_GNU_IFUNC)
        return err_say(err, -ENOEXEC, "cannot link library: '%.100s' is an ifunc", name);
    if (type == STT_TLS)
        return err_say(err, -ENOEXEC, "cannot link library: '%.100s' is thread-local", name);
    if (symbol.st_shndx != SHN_UNDEF) {
        if (symbol.st_shndx >= SHN_LORESERVE || symbol.st_value > image->span)
            return err_say(err, -ENOEXEC, "cannot link library: '%.100s' lies outside of it", name);
        *ret_value = (uintptr_t)library->base + symbol.st_value;
        return 0;
    }
    const struct host_symbol *host = find_host_symbol(library, name);
    if (host) {
        *ret_value = (uintptr_t)host->function;
        return 0;
    }
    return err_say(err, -ENOENT, "cannot link library: it needs '%.100s', which is not there",
                   name);
}

static int relocate_one(const struct library *library, const Elf64_Rela *relocation,
                        struct err *err)
{
    const struct elf_image *image = &library->image;
    uint64_t symbol = ELF64_R_SYM(relocation->r_info);
    uint64_t addend = (uint64_t)relocation->r_addend;
    uint64_t value = 0;

    if (!elf_image_writable(image, relocation->r_offset, sizeof value))
        return refuse(err, "a relocation lies outside of its data");
    switch (ELF64_R_TYPE(relocation->r_info)) {
    case R_X86_64_RELATIVE:
        if (addend > image->span)
            return refuse(err, "a relocation points outside of it");
        value = (uintptr_t)library->base + addend;
        break;
    case R_X86_64_64:
    case R_X86_64_GLOB_DAT:
    case R_X86_64_JUMP_SLOT: {
        int r = bind_symbol(library, symbol, &value, err);
        if (r < 0)
            return r;
        if (addend != 0)
            return refuse(err, "a relocation points beside a symbol");
        break;
    }
    default:
        return err_say(err, -ENOEXEC, "cannot link library: relocation of kind %u",
                       (unsigned)ELF64_R_TYPE(relocation->r_info));
    }
    memcpy(library->base + relocation->r_offset, &value, sizeof value);
    return 0;
}

static int relocate(const struct library *library, struct err *err)
{
    const struct elf_image *image = &library->image;

    for (int which = 0; which < 2; which++) {
        for (uint64_t i = 0; i < image->relocation_count[which]; i++) {
            Elf64_Rela one;

            memcpy(&one, &image->relocations[which][i], sizeof one);
            int r = relocate_one(library, &one, err);
            if (r < 0)
                return r;
        }
    }
    return library_protect(library, err);
}

/* A function of the face: NULL if it may be, else in the library's code. */
static bool in_code(const struct library *library, uintptr_t function, bool required)
{
    return function ? library_holds(library, function) : !required;
}

/* Whole in the library's image. */
static bool is_inside(const struct library *library, const void *at, size_t bytes)
{
    uint64_t offset = (uint64_t)((uintptr_t)at - (uintptr_t)library->base);

    return offset < library->image.span && bytes <= library->image.span - offset;
}

/* Native code has its handler or its start, and nothing that is of WebAssembly. */
static int check_native_face(const struct library *library, struct err *err)
{
    const struct library_face *face = library->face;

    if (!in_code(library, (uintptr_t)face->native_handler, false) ||
        !in_code(library, (uintptr_t)face->start, false) || (face->native_handler && face->start) ||
        face->start_section || face->init_module || face->instantiate || face->free_instance ||
        face->memory || face->initialize || face->links || face->request_buffer || face->handle ||
        face->answer_buffer)
        return refuse(err, "its face is not that of native code");
    return 0;
}

static int check_face(const struct library *library, struct err *err)
{
    const struct library_face *face = library->face;

    if (library->native)
        return check_native_face(library, err);
    if (face->links && !is_inside(library, face->links, sizeof *face->links))
        return refuse(err, "its face names what is not its own");
    if (face->instance_bytes > INSTANCE_BYTES_MAX)
        return refuse(err, "its instances have a bad size");
    if (!in_code(library, (uintptr_t)face->init_module, true) ||
        !in_code(library, (uintptr_t)face->instantiate, true) ||
        !in_code(library, (uintptr_t)face->free_instance, true) ||
        !in_code(library, (uintptr_t)face->memory, true) ||
        !in_code(library, (uintptr_t)face->start, false) ||
        !in_code(library, (uintptr_t)face->initialize, false) ||
        !in_code(library, (uintptr_t)face->handle, false) ||
        !in_code(library, (uintptr_t)face->request_buffer, face->handle != NULL) ||
        !in_code(library, (uintptr_t)face->answer_buffer, face->handle != NULL) ||
        face->native_handler)
        return refuse(err, "its face names what is not its code");
    return 0;
}

/* Its numbers are read as they are in the file: no relocation has been applied, and none may. */
static int take_face(struct library *library, const Elf64_Sym *symbol, struct err *err)
{
    const struct elf_image *image = &library->image;
    struct library_face face;

    /* In RELRO: nothing that the library does later can change it. */
    const void *bytes = elf_image_at(image, symbol->st_value, sizeof face);
    if (ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT || !bytes || symbol->st_size < sizeof face ||
        symbol->st_value % 8 != 0 || symbol->st_value < image->relro_start ||
        symbol->st_value > image->relro_end || image->relro_end - symbol->st_value < sizeof face)
        return refuse(err, "its face is not read-only data");
    memcpy(&face, bytes, sizeof face);
    if (face.abi != LIBRARY_ABI)
        return err_say(err, -ENOEXEC, "cannot link library: it is of ABI %u, not %u", face.abi,
                       LIBRARY_ABI);
    library->native = face.instance_bytes == 0;
    library->face = (const struct library_face *)(library->base + symbol->st_value);
    return 0;
}

static int find_face(struct library *library, struct err *err)
{
    const struct elf_image *image = &library->image;

    for (uint64_t i = 1; i < image->dynamic_symbol_count; i++) {
        Elf64_Sym symbol;

        memcpy(&symbol, &image->dynamic_symbols[i], sizeof symbol);
        const char *name =
            elf_string(image->dynamic_strings, image->dynamic_string_bytes, symbol.st_name);
        if (symbol.st_shndx != SHN_UNDEF && name && strcmp(name, face_name) == 0)
            return take_face(library, &symbol, err);
    }
    return err_say(err, -ENOEXEC, "cannot link library: it does not export '%s'", face_name);
}

DEFINE_CLEANUP(struct library, library_close)

int library_open(int fd, struct library **ret_library, struct err *err)
{
    return library_open_bytes(fd, 0, ret_library, err);
}

int library_open_bytes(int fd, uint64_t bytes, struct library **ret_library, struct err *err)
{
    _cleanup_(library_closep) struct library *library = calloc(1, sizeof *library);
    if (!library)
        return err_set(err, -ENOMEM, "cannot link library");

    int r = library_map_file(fd, bytes, library, err);
    if (r == 0)
        r = elf_image_read(library->image.file, library->image.file_bytes, &library->image, err);
    if (r == 0)
        r = library_map_image(library, fd, err);
    if (r == 0)
        r = find_face(library, err);
    if (r == 0)
        r = relocate(library, err);
    /* A relocation may not have made it another kind of library than its symbols were bound for. */
    if (r == 0 && (library->face->abi != LIBRARY_ABI ||
                   (library->face->instance_bytes == 0) != library->native))
        r = refuse(err, "a relocation changes its face");
    if (r == 0)
        r = check_face(library, err);
    if (r == 0)
        *ret_library = steal_ptr(&library);
    return r;
}

int library_take_face(struct library *library, struct err *err)
{
    int r = find_face(library, err);

    if (r == 0 && (!library->native || library->face->abi != LIBRARY_ABI))
        r = refuse(err, "it is not native code, and is to be linked with native libraries");
    return r < 0 ? r : check_face(library, err);
}

int library_open_tree(struct link_tree *tree, const struct link_file *files, size_t count,
                      struct library **ret_library, struct err *err)
{
    int r = link_tree_add(tree, files, count, err);
    if (r < 0)
        return r;
    struct library *library = link_tree_find(tree, files[0].name);
    r = library_take_face(library, err);
    if (r == 0)
        *ret_library = library;
    return r;
}

int library_init_module(const struct library *library, struct err *err)
{
    if (library->initialized || library->native)
        return 0;
    /* With a type missing, indirect calls could be confused: such a library never runs. */
    wasm_types_begin();
    library->face->init_module();
    if (!wasm_types_complete())
        return err_say(err, -ENOEXEC, "cannot link library: it has too many or too long types");
    ((struct library *)(uintptr_t)library)->initialized = true;
    return 0;
}

void library_close(struct library *library)
{
    if (!library)
        return;
    library_unmap(library);
    free(library->exports.all);
    free(library);
}

const struct library_face *library_face(const struct library *library)
{
    return library->face;
}
