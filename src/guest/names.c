/*
 * Names of functions for people: from the library's symbol table, without what wasm2c and gcc put
 * round them. wasm2c 1.0.32 writes `w2c_` and the name with each odd character as '_'; wrappers of
 * exports are `Z_mZ_` and the name with odd characters as Z and two hex digits; gcc adds
 * ".constprop.0", ".part.0", ".cold" to what it clones and splits.
 */
#include <errno.h>
#include <string.h>

#include "guest/linker.h"
#include "guest/linker_internal.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Copies a symbol's name; export escapes are undone when `escaped`. */
static void copy_name(const char *symbol, bool escaped, char *name, size_t size)
{
    size_t used = 0;

    for (; *symbol && *symbol != '.' && used + 1 < size; symbol++) {
        char c = *symbol;
        if (escaped && c == 'Z' && hex_digit(symbol[1]) >= 0 && hex_digit(symbol[2]) >= 0) {
            c = (char)(hex_digit(symbol[1]) << 4 | hex_digit(symbol[2]));
            symbol += 2;
        }
        /* It ends in logs and in an HTTP answer. */
        name[used++] = c > ' ' && c < 0x7f ? c : '_';
    }
    name[used] = '\0';
}

int library_function_at(const struct library *library, uintptr_t address, char *name, size_t size)
{
    const struct elf_image *image = &library->image;

    if (size == 0 || !library_holds(library, address))
        return -ENOENT;
    uint64_t offset = address - (uintptr_t)library->base;
    for (uint64_t i = 0; i < image->symbol_count; i++) {
        Elf64_Sym symbol;

        memcpy(&symbol, &image->symbols[i], sizeof symbol);
        if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || offset < symbol.st_value ||
            offset - symbol.st_value >= symbol.st_size)
            continue;
        const char *text = elf_string(image->strings, image->string_bytes, symbol.st_name);
        if (!text)
            continue;
        if (strncmp(text, "w2c_", 4) == 0)
            copy_name(text + 4, false, name, size);
        else if (strncmp(text, "Z_mZ_", 5) == 0)
            copy_name(text + 5, true, name, size);
        else
            copy_name(text, false, name, size);
        return 0;
    }
    return -ENOENT;
}
