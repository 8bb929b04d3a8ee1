/* A library as the files of the linker see it: its image in memory, its file, its symbol table. */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/library.h"

struct err;

/* No library of ours has more than six segments; ld's layouts have four. */
#define IMAGE_SEGMENTS_MAX 8
/* Of an image in memory: code and constants of LIBRARY_MAX_BYTES fit with room. */
#define IMAGE_BYTES_MAX (512ull << 20)

/* What was found in the file and checked against its bounds; all addresses are the image's own. */
struct elf_image {
    const uint8_t *file; /* the whole file, mapped read-only: it is sealed */
    uint64_t file_bytes;
    Elf64_Phdr segments[IMAGE_SEGMENTS_MAX]; /* PT_LOAD, ascending */
    uint32_t segment_count;
    uint64_t span;                    /* from address 0, whole pages */
    uint64_t text_start, text_end;    /* the one executable segment */
    uint64_t relro_start, relro_end;  /* whole pages inside one writable segment; 0, 0: none */
    const Elf64_Sym *dynamic_symbols; /* in `file` */
    uint64_t dynamic_symbol_count;
    const char *dynamic_strings;
    uint64_t dynamic_string_bytes;
    const Elf64_Rela *relocations[2]; /* DT_RELA, DT_JMPREL */
    uint64_t relocation_count[2];
    const Elf64_Sym *symbols; /* .symtab, for names in traps; NULL when stripped */
    uint64_t symbol_count;
    const char *strings;
    uint64_t string_bytes;
};

struct library {
    struct elf_image image;
    uint8_t *base; /* where address 0 of the image is */
    const struct library_face *face;
    bool initialized; /* init_module() has run */
};

/* Reads and checks headers, segments, the dynamic table and symbol tables. -ENOEXEC. */
int elf_image_read(const uint8_t *file, uint64_t file_bytes, struct elf_image *ret_image,
                   struct err *err);

/*
 * Runs init_module() if it has not run: it registers the module's types and nothing else.
 * -ENOEXEC when they are too many.
 */
int library_init_module(const struct library *library, struct err *err);

/* `bytes` of the file that lie at an address of the image, or NULL. */
const void *elf_image_at(const struct elf_image *image, uint64_t address, uint64_t bytes);

/* True when [address, address + bytes) is inside the memory of one writable segment. */
bool elf_image_writable(const struct elf_image *image, uint64_t address, uint64_t bytes);

/* A NUL-terminated string of a table, or NULL. */
const char *elf_string(const char *table, uint64_t table_bytes, uint64_t at);

/* True when `address` is in the library's code. Async-signal-safe. */
static inline bool library_holds(const struct library *library, uintptr_t address)
{
    return library && address >= (uintptr_t)library->base + library->image.text_start &&
           address < (uintptr_t)library->base + library->image.text_end;
}
