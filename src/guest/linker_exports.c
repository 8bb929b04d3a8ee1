/*
 * What a native library exports, checked against its image and put into a table of our own: its
 * hash tables are not asked, for they could loop or leave things out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "guest/linker_internal.h"

/* A library of a million exports would cost each pVM 48 MiB. */
#define EXPORTS_MAX 65536u
/* Longer than what compilers make of C. */
#define SYMBOL_NAME_MAX 1024u

/* Each library has one: it is nobody else's business. */
static const char face_name[] = LIBRARY_SYMBOL;

static int lie(struct err *err, const char *name, const char *what)
{
    return err_say(err, -ENOEXEC, "cannot link library: its symbol '%.100s' %s", name, what);
}

/* FNV-1a. */
static uint32_t hash_name(const char *name)
{
    uint32_t hash = 2166136261u;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

/* A function lies whole in the code, data whole in one other segment. */
static int check_place(const struct elf_image *image, const Elf64_Sym *symbol, const char *name,
                       struct err *err)
{
    uint64_t end;

    if (symbol->st_shndx >= SHN_LORESERVE)
        return lie(err, name, "lies outside of it");
    if (__builtin_add_overflow(symbol->st_value, symbol->st_size, &end))
        return lie(err, name, "has a bad size");
    switch (ELF64_ST_TYPE(symbol->st_info)) {
    case STT_FUNC:
        if (symbol->st_value < image->text_start || symbol->st_value >= image->text_end ||
            end > image->text_end)
            return lie(err, name, "is said to be a function, and is not in its code");
        return 0;
    case STT_OBJECT:
        for (uint32_t i = 0; i < image->segment_count; i++) {
            const Elf64_Phdr *segment = &image->segments[i];
            if (!(segment->p_flags & PF_X) && symbol->st_value >= segment->p_vaddr &&
                end <= segment->p_vaddr + segment->p_memsz)
                return 0;
        }
        return lie(err, name, "is said to be data, and is not in its data");
    case STT_GNU_IFUNC:
        return lie(err, name, "is an ifunc");
    case STT_TLS:
        return lie(err, name, "is thread-local");
    default:
        return lie(err, name, "is neither a function nor data");
    }
}

/* The place of a name: where it is, or the free one where it belongs. */
static uint32_t *place_of(const struct library_exports *exports, const char *name, uint32_t hash)
{
    uint32_t mask = exports->place_count - 1;

    for (uint32_t at = hash & mask;; at = (at + 1) & mask) {
        uint32_t place = exports->places[at];
        if (!place || (exports->all[place - 1].hash == hash &&
                       strcmp(exports->all[place - 1].name, name) == 0))
            return &exports->places[at];
    }
}

static int add_export(struct library *library, const Elf64_Sym *symbol, const char *name,
                      struct err *err)
{
    uint32_t hash = hash_name(name);
    int r = check_place(&library->image, symbol, name, err);

    if (r < 0)
        return r;
    struct library_exports *exports = &library->exports;
    uint32_t *place = place_of(exports, name, hash);
    if (*place)
        return lie(err, name, "is there twice");
    exports->all[exports->count] =
        (struct library_export){.name = name,
                                .hash = hash,
                                .function = ELF64_ST_TYPE(symbol->st_info) == STT_FUNC,
                                .value = (uint32_t)symbol->st_value,
                                .bytes = (uint32_t)symbol->st_size};
    *place = ++exports->count;
    return 0;
}

static int add_exports(struct library *library, struct err *err)
{
    const struct elf_image *image = &library->image;

    for (uint64_t i = 1; i < image->dynamic_symbol_count; i++) {
        Elf64_Sym symbol;

        memcpy(&symbol, &image->dynamic_symbols[i], sizeof symbol);
        if (symbol.st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol.st_info) == STT_SECTION)
            continue;
        const char *name =
            elf_string(image->dynamic_strings, image->dynamic_string_bytes, symbol.st_name);
        if (!name || !*name || strnlen(name, SYMBOL_NAME_MAX) == SYMBOL_NAME_MAX)
            return err_say(err, -ENOEXEC, "cannot link library: a symbol has no proper name");
        if (strcmp(name, face_name) == 0)
            continue;
        if (library->exports.count == EXPORTS_MAX)
            return err_say(err, -E2BIG, "cannot link library: it exports more than %u symbols",
                           EXPORTS_MAX);
        int r = add_export(library, &symbol, name, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int library_index_exports(struct library *library, struct err *err)
{
    /* It may need symbols, too: then there is room for more than it exports, which nobody touches.
     */
    uint64_t most = library->image.dynamic_symbol_count;
    uint32_t places = 8;

    if (most > EXPORTS_MAX)
        most = EXPORTS_MAX;
    while (places < 2 * most)
        places *= 2;
    size_t all_bytes = most * sizeof *library->exports.all;
    library->exports.all = calloc(1, all_bytes + places * sizeof *library->exports.places);
    if (!library->exports.all)
        return err_set(err, -ENOMEM, "cannot link library");
    library->exports.places = (uint32_t *)(library->exports.all + most);
    library->exports.place_count = places;
    return add_exports(library, err);
}

const struct library_export *library_export_find_hashed(const struct library *library,
                                                        const char *name, uint32_t hash)
{
    if (!library->exports.places)
        return NULL;
    uint32_t place = *place_of(&library->exports, name, hash);
    return place ? &library->exports.all[place - 1] : NULL;
}

const struct library_export *library_export_find(const struct library *library, const char *name)
{
    return library_export_find_hashed(library, name, hash_name(name));
}
