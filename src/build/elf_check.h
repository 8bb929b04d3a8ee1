/* Inside the check of a library: what elf_check.c and elf_check_symbols.c share. */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/build.h"

#define ELF_SEGMENTS_MAX 32
#define ELF_SYMBOLS_MAX 512 /* dynamic ones: exported, and what it may leave undefined */

struct elf {
    const uint8_t *data;
    size_t size;
    Elf64_Ehdr head;
    Elf64_Phdr load[ELF_SEGMENTS_MAX]; /* PT_LOADs in the order of their addresses */
    size_t load_count;
    uint64_t image_end;
    Elf64_Phdr dynamic;
    bool has_dynamic, has_stack, has_note;
    struct library_note note;

    /* From the dynamic section: addresses, and sizes in bytes. */
    uint64_t hash, gnu_hash, symbols, strings, strings_size;
    uint64_t relocations[2], relocations_size[2]; /* RELA and JMPREL */
    uint64_t tags_seen;                           /* a bit a row of `tags` */
    uint32_t symbol_count;
    struct err *err;
};

/* Says why and returns -ENOEXEC. */
int elf_refuse(struct elf *elf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The file's bytes behind an address range that lies in one segment, or NULL. */
const uint8_t *elf_mapped(const struct elf *elf, uint64_t address, uint64_t bytes);
/* The same for a linker's table: where relocations can't change it after it was checked. */
const uint8_t *elf_mapped_constant(const struct elf *elf, uint64_t address, uint64_t bytes);

/* The last two steps: what it exports and needs, and what is relocated. */
int elf_symbols_check(struct elf *elf);
int elf_relocations_check(struct elf *elf);
