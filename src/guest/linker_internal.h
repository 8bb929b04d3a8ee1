/* A library as the files of the linker see it: its image in memory, its file, its symbol table. */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/library.h"
#include "guest/linker_tree.h"

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
    uint64_t plt_got;         /* DT_PLTGOT: the offset table of the linkage table; 0: none */
    bool bind_now;            /* it asks for all symbols to be bound when it is linked */
    const Elf64_Sym *symbols; /* .symtab, for names in traps; NULL when stripped */
    uint64_t symbol_count;
    const char *strings;
    uint64_t string_bytes;
};

/* One symbol that a native library exports. */
struct library_export {
    const char *name; /* in the file */
    uint32_t hash;
    /* Address in the image and size: an image has at most IMAGE_BYTES_MAX. */
    uint32_t value, bytes;
    bool function;
};

/* Each page that is written is a fault while a pVM stands still: all in one piece, without gaps. */
struct library_exports {
    struct library_export *all; /* `count` of them, in the file's order */
    uint32_t *places;           /* by hash, at most half full: which, and 1; 0: free */
    uint32_t place_count, count;
};

struct link_tree {
    struct link_tree_options options;
    struct library *libraries[LINK_LIBRARIES_MAX]; /* in the order in which they were linked */
    size_t count;
    uint64_t bound;
};

struct library {
    struct elf_image image;
    uint8_t *base; /* where address 0 of the image is */
    const struct library_face *face;
    bool native;      /* not translated: its symbols are those of native_symbols.h */
    bool initialized; /* init_module() has run */
    /* Of a tree only. */
    struct link_tree *tree;
    char name[NAME_MAX_BYTES + 1];
    struct library_exports exports;
};

/* Reads and checks headers, segments, the dynamic table and symbol tables. -ENOEXEC. */
int elf_image_read(const uint8_t *file, uint64_t file_bytes, struct elf_image *ret_image,
                   struct err *err);

/* ---- its memory (linker_map.c) ---- */

/* Maps the file of a sealed memfd, whole and read-only: `bytes` as in struct link_file. */
int library_map_file(int fd, uint64_t bytes, struct library *library, struct err *err);
/* Maps the segments of an image that was read; pages that nobody writes are the memfd's own. */
int library_map_image(struct library *library, int fd, struct err *err);
/* Takes the right to write from what is constant after relocation. */
int library_protect(const struct library *library, struct err *err);
void library_unmap(struct library *library);

/* ---- of a tree (linker_exports.c, linker_bind.c) ---- */

/* Maps and checks a library for a tree; nothing is bound yet. What it has on failure is for
 * library_close(). */
int library_open_one(struct link_tree *tree, const struct link_file *file, struct library *library,
                     struct err *err);
/* Binds it to what is in its tree. */
int library_relocate(struct library *library, struct err *err);
/* Finds and checks the face of a function of native code. */
int library_take_face(struct library *library, struct err *err);
/* Checks and indexes what it exports. -ENOEXEC naming the symbol that lies. */
int library_index_exports(struct library *library, struct err *err);
const struct library_export *library_export_find(const struct library *library, const char *name);
/* The same for who has the name's hash: that of its own export. */
const struct library_export *library_export_find_hashed(const struct library *library,
                                                        const char *name, uint32_t hash);
/* Has its linkage table ask the linker at the first call of each slot. */
void library_bind_lazily(struct library *library);

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
