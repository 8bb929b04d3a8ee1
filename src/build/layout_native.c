/*
 * The symbol map of native code: its variables where they lie in the image, its functions and
 * structures by their types. Nothing is laid out by it: who replaces a library that runs copies its
 * variables by name, and changes what points to them (guest/linker_replace.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/layout.h"

/* The same names in several files are told apart by their order. */
static uint32_t ordinal_of(const struct layout_module *module, const char *name)
{
    uint32_t ordinal = 0;

    for (size_t i = 0; i < module->atom_count; i++)
        ordinal += strcmp(module->atoms[i].name, name) == 0;
    return ordinal;
}

/* Variables with a place, as a module has them. The names stay the types'. */
static int take_variables(const struct layout_types *types, struct layout_module *module)
{
    module->atoms = calloc(types->count + 1, sizeof *module->atoms);
    if (!module->atoms)
        return -ENOMEM;
    for (size_t i = 0; i < types->count; i++) {
        const struct layout_type *type = &types->list[i];
        if (type->kind != SYMBOL_VARIABLE || !type->address || type->size == 0)
            continue;
        module->atoms[module->atom_count] =
            (struct layout_atom){.name = type->name,
                                 .ordinal = ordinal_of(module, type->name),
                                 .address = type->address,
                                 .size = type->size,
                                 .align = 1,
                                 .type = type->type,
                                 .ours = true};
        module->atom_count++;
    }
    return 0;
}

int layout_native_map(void *elf, size_t size, const char *directory, void **ret_map,
                      size_t *ret_size, struct err *err)
{
    /* Where they may lie: anywhere in the image, whose bounds are checked where it is linked. */
    const struct layout_place place = {.slack_at = 0, .slack_next = 0, .slack_end = UINT32_MAX};
    struct layout_module module = {0};
    struct layout_types types = {0};

    int r = layout_types_read_elf(elf, size, directory, &types, err);
    if (r == 0 && take_variables(&types, &module) < 0)
        r = err_set(err, -ENOMEM, "cannot read the source's types");
    if (r == 0)
        r = layout_map_make(&module, &types, &place, NULL, ret_map, ret_size, err);
    if (r == 0)
        ((struct symbol_map_header *)*ret_map)->native = 1;
    free(module.atoms);
    layout_types_clear(&types);
    return r;
}
