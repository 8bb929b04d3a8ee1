/*
 * The symbol map of a library: which functions, variables, constants and structures its source
 * has, with their types, and where they lie in linear memory and in the table of functions. The
 * build makes it, and lays version N + 1 out by the map of version N; the guest compares the two
 * before it gives a running instance a new library. What a map says is checked here and trusted by
 * nobody further than the memory of the instance that it belongs to.
 *
 * A map is one block of bytes: header, symbols in ascending order (kind, name, ordinal), text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define SYMBOL_MAP_MAGIC 0x70616d6f65726976ull /* "vireomap" */
#define SYMBOL_MAP_VERSION 1
#define SYMBOL_MAP_MAX_BYTES (8u << 20)

enum symbol_kind { SYMBOL_STRUCTURE = 1, SYMBOL_FUNCTION, SYMBOL_VARIABLE, SYMBOL_CONSTANT };

/* Bits of symbol.flags. */
#define SYMBOL_OURS 1u /* of the author's source: it may not go or change */
/* Not in this version: its place is kept for pointers to it, and for a version that has it again.
 */
#define SYMBOL_KEPT 2u
#define SYMBOL_EXTERNAL 4u /* a function that is not static */
#define SYMBOL_TABLE 8u    /* a function that has an index, which is its address */

struct symbol {
    uint32_t kind;    /* enum symbol_kind */
    uint32_t name;    /* offset in the text */
    uint32_t ordinal; /* among those of one kind and name, as static ones may be */
    uint32_t flags;
    uint32_t type; /* offset in the text: what is compared; "" is: not known */
    uint32_t address, size, align;
};

struct symbol_map_header {
    uint64_t magic;
    uint32_t version, bytes; /* of the whole map */
    uint32_t symbol_count, text_bytes;
    uint32_t stack_bytes;
    uint32_t table_size;                      /* functions, index 0 included */
    uint32_t slack_at, slack_next, slack_end; /* in linear memory: where new ones come */
    /* 1: of native code. Addresses are those of its image, and each version has its own; functions
     * have none here. */
    uint32_t native;
};

/* Behind the map: a library's file ends with it, but for the signature. */
struct symbol_map_footer {
    uint64_t bytes, magic;
};

/* Behind that: the signature (LIBRARY_TRAILER_BYTES of build/build.h). */
#define SYMBOL_MAP_BEHIND_BYTES 128

struct symbol_map {
    const struct symbol_map_header *header;
    const struct symbol *symbols;
    const char *text;
};

/*
 * Checks a map and gives a view of it; the bytes (aligned to 8) must stay. -EBADMSG: "the symbol
 * map is damaged: ...".
 */
int symbol_map_read(const void *bytes, size_t size, struct symbol_map *ret_map, struct err *err);

/* The map of a library: `size` bytes of its file, without the signature, at an address that is a
 * multiple of 8. -ENOENT, without a message, when it has none. */
int symbol_map_of(const void *file, size_t size, struct symbol_map *ret_map, struct err *err);

static inline const char *symbol_name(const struct symbol_map *map, const struct symbol *symbol)
{
    return map->text + symbol->name;
}

static inline const char *symbol_type(const struct symbol_map *map, const struct symbol *symbol)
{
    return map->text + symbol->type;
}

/* How two symbols of two maps are ordered: by kind, name, ordinal. */
int symbol_order(const struct symbol_map *a_map, const struct symbol *a,
                 const struct symbol_map *b_map, const struct symbol *b);

/* The symbol of this kind, name and ordinal, or NULL. */
const struct symbol *symbol_find(const struct symbol_map *map, enum symbol_kind kind,
                                 const char *name, uint32_t ordinal);

/*
 * Whether a running instance of the one can become the other's: no function or variable of the
 * author's is gone, no signature, type, size or field has changed, everything that both have is
 * where it was. -EPERM: "function 'f' was removed", ... `going_back`: what is gone may be gone,
 * for a rollback takes away what the newer version had added.
 */
int symbol_map_compare(const struct symbol_map *from, const struct symbol_map *to, bool going_back,
                       struct err *err);
