/*
 * The layout of a module for live update: inside vireo-build, between the linker and the result.
 *
 * The linker leaves its relocations and symbols in the module (--emit-relocs), and the debug
 * information of the source's types. From them the symbol map is made (base/symbol_map.h). Built
 * against the map of the version before, every variable and constant that both have is put where
 * it was, every function with an address keeps its index in the table, and what is new comes into
 * the slack behind the data.
 *
 * A module's own text is the author's: nothing here trusts it further than to make another module
 * of it, which the trusted side checks as every other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/symbol_map.h"

struct err;

#define LAYOUT_SYMBOLS_MAX 200000
#define LAYOUT_ELEMENTS_MAX 65536
/* A custom section that libraries for others have. */
#define LAYOUT_DYLINK "dylink.0"
/* What a library for others begins with, and the function of an index that has none: sdk/part.c. */
#define LAYOUT_PART_BEGIN "vireo_part_begin"
#define LAYOUT_PART_BEGIN_BYTES 16
#define LAYOUT_PART_GONE "vireo_part_gone"
/* Indices of the table that a library for others has for later versions' functions. */
#define LAYOUT_PART_ELEMENTS 64

/* A symbol of the linker's table. */
struct layout_symbol {
    uint8_t kind; /* 0: function, 1: data */
    bool undefined;
    uint32_t index;        /* of the function, or of the segment */
    uint32_t offset, size; /* in the segment */
    char *name;            /* owned; NULL: none */
    uint32_t atom;         /* data: which holds it */
};

struct layout_segment {
    char *name; /* ".data.x", owned */
    uint32_t align, size, address;
    size_t at; /* in the file; 0: its bytes are zero and not there */
};

struct layout_reloc {
    uint8_t type;
    size_t at; /* in the file */
    uint32_t symbol;
    int32_t addend;
};

/* What is placed as one: a variable, a constant, a literal. */
struct layout_atom {
    char *name; /* a variable's own; a constant's with its size, a literal's by its content */
    const char *known; /* the symbol's */
    uint32_t ordinal, segment, offset, size, align;
    bool constant;
    uint32_t address; /* where it goes */
    char *type;       /* owned; NULL: not known */
    bool ours;
};

/* A section of a module, in its order. */
struct layout_section {
    uint8_t id;
    char name[32];   /* of a custom one */
    size_t begin;    /* of the section itself */
    size_t at, size; /* its content; of a custom one behind the name */
};

struct layout_module {
    uint8_t *bytes; /* the whole file; patched in place. The caller's */
    size_t size;
    struct layout_section *sections;
    size_t section_count;
    struct layout_symbol *symbols;
    size_t symbol_count;
    struct layout_segment *segments;
    size_t segment_count;
    struct layout_reloc *relocs; /* by their place */
    size_t reloc_count;
    struct layout_atom *atoms; /* by segment and offset */
    size_t atom_count;
    uint32_t *elements; /* the function of each index of the table; 0 has none */
    uint32_t element_count;
    uint32_t pages_min;
    /* A library for others, to be put anywhere: its addresses count from these globals, and an
     * element's index is one less than here. */
    bool part;
    uint32_t memory_base, table_base;
    uint32_t function_imports, global_imports;
};

/* One thing that the debug information knows. */
struct layout_type {
    enum symbol_kind kind;
    char *name, *type; /* owned */
    bool external, constant;
    uint32_t address; /* a variable's, as the linker put it; 0: it is nowhere */
    uint32_t size;
};

struct layout_types {
    struct layout_type *list;
    size_t count, capacity;
};

/* ---- layout_module.c ---- */

/* Reads what the linker left; its data begins at `data_at`. -EINVAL: it is not as the linker makes
 * it. */
int layout_module_read(uint8_t *bytes, size_t size, uint32_t data_at,
                       struct layout_module *ret_module, struct err *err);
/* Its sections alone; what is taken is for layout_module_clear(). */
int layout_sections_read(struct layout_module *module, struct err *err);
void layout_module_clear(struct layout_module *module);
const struct layout_section *layout_section_find(const struct layout_module *module, uint8_t id,
                                                 const char *name);
/* The name of a function that is in the table; "" when it has none. */
const char *layout_function_name(const struct layout_module *module, uint32_t function);

/* LEB128 of a module's bytes; `failed` is set at its end and stays. */
struct layout_reader {
    const uint8_t *bytes;
    size_t at, end;
    bool failed;
};
uint64_t layout_unsigned(struct layout_reader *reader);
int64_t layout_signed(struct layout_reader *reader);

/* ---- layout_types.c ---- */

/* Functions, variables and structures of the sources that were compiled in `directory`. */
int layout_types_read(const struct layout_module *module, const char *directory,
                      struct layout_types *ret_types, struct err *err);
/* The same of an ELF file that has its debug information. */
int layout_types_read_elf(void *bytes, size_t size, const char *directory,
                          struct layout_types *ret_types, struct err *err);
void layout_types_clear(struct layout_types *types);

/* ---- layout_map.c ---- */

struct layout_place {
    uint32_t stack_bytes, slack_at, slack_next, slack_end;
    uint32_t *index; /* the new index of each of the module's elements */
    uint32_t table_size;
};

/* The map of a module that was placed; what `old` has and it does not is kept. malloc'ed. */
int layout_map_make(const struct layout_module *module, const struct layout_types *types,
                    const struct layout_place *place, const struct symbol_map *old, void **ret_map,
                    size_t *ret_size, struct err *err);

/* ---- layout_write.c ---- */

/* A number in the five bytes that the linker leaves for each that it may patch. */
void layout_put_leb(uint8_t *at, uint32_t value, bool is_signed);
/* The file of a module that was placed; malloc'ed. -ENOMEM. */
int layout_write(const struct layout_module *module, const struct layout_place *place,
                 void **ret_module, size_t *ret_size, struct err *err);

/* Numbers and constant addresses as a module has them. */
void layout_write_unsigned(FILE *to, uint64_t value);
void layout_write_constant(FILE *to, uint32_t value);

/* ---- layout_part.c: of a library for others ---- */

/* Whether its section is another one than before. */
bool layout_part_changes(const struct layout_section *section);
/* Writes the content of that section. -EINVAL: it is not as the linker makes it. */
int layout_part_write(FILE *to, const struct layout_module *module,
                      const struct layout_section *section, const struct layout_place *place);

/* ---- layout_exports.c ---- */

/* A library for others without the exports that are its own business; malloc'ed. */
int layout_hide(uint8_t *bytes, size_t size, void **ret_module, size_t *ret_size, struct err *err);

/* ---- layout.c ---- */

/* The index of a function's element; 0: its address is not taken. */
uint32_t layout_element_of(const struct layout_module *module, uint32_t function);

struct layout_options {
    const char *directory; /* where the author's sources were compiled */
    uint32_t slack_bytes;
    uint32_t stack_bytes;         /* where the data begins; a part's: LAYOUT_PART_BEGIN_BYTES */
    const struct symbol_map *old; /* of the version before, or NULL */
};

/*
 * A module with its map. Both are malloc'ed. -EPERM when it can't be laid out against `old`,
 * naming the symbol.
 */
int layout_make(uint8_t *module, size_t size, const struct layout_options *options,
                void **ret_module, size_t *ret_module_size, void **ret_map, size_t *ret_map_size,
                struct err *err);

/* ---- layout_native.c ---- */

/* The map of a library of native code, an ELF file with its debug information. malloc'ed. */
int layout_native_map(void *elf, size_t size, const char *directory, void **ret_map,
                      size_t *ret_size, struct err *err);
