/*
 * Puts a module's data and table where the version before had them.
 *
 * What is placed is an atom: what lies under one symbol, or under several that overlap. Code and
 * data refer to atoms by symbol, never across, so each may be anywhere.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/layout.h"

#define HEAP_BASE "__heap_base"
#define SLACK_ALIGN 64u

static int out_of_memory(struct err *err)
{
    return err_set(err, -ENOMEM, "cannot lay the module out");
}

static uint32_t align_up(uint32_t value, uint32_t align)
{
    return (value + align - 1) & ~(align - 1);
}

/* ---- atoms ---- */

static int by_place(const void *a, const void *b)
{
    const struct layout_symbol *one = *(const struct layout_symbol *const *)a;
    const struct layout_symbol *two = *(const struct layout_symbol *const *)b;

    if (one->index != two->index)
        return one->index < two->index ? -1 : 1;
    return (one->offset > two->offset) - (one->offset < two->offset);
}

/* The alignment that a part of a segment has by its offset. */
static uint32_t align_at(const struct layout_segment *segment, uint32_t offset)
{
    uint32_t low = offset & -offset;

    return low && low < segment->align ? low : segment->align;
}

/* What a part begins with lies at its base in all versions, and is no variable. */
static bool is_part_begin(const struct layout_module *module, const struct layout_symbol *symbol)
{
    return module->part && symbol->name && strcmp(symbol->name, LAYOUT_PART_BEGIN) == 0;
}

/* A part's data is one segment, of which no section is known any more: literals are known by their
 * names, all else by its type (attach_types). */
static bool is_constant(const struct layout_module *module, const struct layout_segment *segment,
                        const struct layout_symbol *symbol)
{
    return module->part ? symbol->name && strncmp(symbol->name, ".L", 2) == 0
                        : strncmp(segment->name, ".rodata", 7) == 0;
}

static int make_atoms(struct layout_module *module, struct err *err)
{
    _cleanup_(freep) struct layout_symbol **order =
        calloc(module->symbol_count + 1, sizeof(struct layout_symbol *));
    size_t count = 0;

    module->atoms = calloc(module->symbol_count + 1, sizeof *module->atoms);
    if (!order || !module->atoms)
        return out_of_memory(err);
    for (size_t i = 0; i < module->symbol_count; i++)
        if (module->symbols[i].kind == 1 && !module->symbols[i].undefined &&
            !is_part_begin(module, &module->symbols[i]))
            order[count++] = &module->symbols[i];
    qsort(order, count, sizeof *order, by_place);
    for (size_t i = 0; i < count; i++) {
        struct layout_symbol *symbol = order[i];
        const struct layout_segment *segment = &module->segments[symbol->index];
        struct layout_atom *last =
            module->atom_count ? &module->atoms[module->atom_count - 1] : NULL;
        if (last && last->segment == symbol->index &&
            (symbol->offset < last->offset + last->size || symbol->offset == last->offset)) {
            uint32_t end = symbol->offset + symbol->size;
            if (end > last->offset + last->size)
                last->size = end - last->offset;
        } else {
            module->atoms[module->atom_count++] = (struct layout_atom){
                .known = symbol->name ? symbol->name : "",
                .segment = symbol->index,
                .offset = symbol->offset,
                .size = symbol->size,
                .align = align_at(segment, symbol->offset),
                .constant = is_constant(module, segment, symbol),
                .address = segment->address + symbol->offset,
            };
        }
        symbol->atom = (uint32_t)(module->atom_count - 1);
    }
    return 0;
}

/* The atom at an address as the linker gave it. */
static struct layout_atom *atom_at(struct layout_module *module, uint32_t address)
{
    for (size_t i = 0; i < module->atom_count; i++) {
        struct layout_atom *atom = &module->atoms[i];
        uint32_t start = module->segments[atom->segment].address + atom->offset;
        if (address >= start && (address < start + atom->size || address == start))
            return atom;
    }
    return NULL;
}

static int attach_types(struct layout_module *module, const struct layout_types *types,
                        struct err *err)
{
    for (size_t i = 0; i < types->count; i++) {
        const struct layout_type *type = &types->list[i];
        struct layout_atom *atom =
            type->kind == SYMBOL_VARIABLE && type->address ? atom_at(module, type->address) : NULL;
        if (!atom || atom->type)
            continue;
        atom->ours = true;
        atom->constant = atom->constant || (module->part && type->constant);
        atom->type = strdup(type->type);
        if (!atom->type)
            return out_of_memory(err);
    }
    return 0;
}

/* ---- names ---- */

static void hash_add(uint64_t *hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        *hash = (*hash ^ bytes[i]) * 0x100000001b3ull; /* FNV-1a */
}

/*
 * What an atom holds, but for addresses, which change; of these the name of what they point to,
 * and of a literal its bytes. `depth` ends what points to itself.
 */
static uint64_t content_hash(const struct layout_module *module, const struct layout_atom *atom,
                             int depth)
{
    const struct layout_segment *segment = &module->segments[atom->segment];
    uint64_t hash = 0xcbf29ce484222325ull;
    size_t at = segment->at + atom->offset, end = at + atom->size;

    if (!segment->at)
        return hash;
    for (size_t i = 0; i < module->reloc_count; i++) {
        const struct layout_reloc *reloc = &module->relocs[i];
        const struct layout_symbol *symbol = &module->symbols[reloc->symbol];
        if (reloc->at < at || reloc->at + 4 > end)
            continue;
        hash_add(&hash, module->bytes + at, reloc->at - at);
        hash_add(&hash, &reloc->addend, sizeof reloc->addend);
        if (symbol->kind == 1 && !symbol->undefined && depth < 4 &&
            module->atoms[symbol->atom].constant) {
            uint64_t inner = content_hash(module, &module->atoms[symbol->atom], depth + 1);
            hash_add(&hash, &inner, sizeof inner);
        } else if (symbol->name) {
            hash_add(&hash, symbol->name, strlen(symbol->name));
        }
        at = reloc->at + 4;
    }
    hash_add(&hash, module->bytes + at, end - at);
    return hash;
}

static int name_atom(const struct layout_module *module, struct layout_atom *atom)
{
    int n;

    if (!atom->constant)
        n = asprintf(&atom->name, "%s", atom->known);
    else if (strncmp(atom->known, ".L", 2) == 0)
        n = asprintf(&atom->name, "literal %016" PRIx64 " of %u bytes",
                     content_hash(module, atom, 0), atom->size);
    else
        n = asprintf(&atom->name, "%s of %u bytes", atom->known, atom->size);
    return n < 0 ? -ENOMEM : 0;
}

static int by_atom_name(const void *a, const void *b)
{
    const struct layout_atom *one = *(const struct layout_atom *const *)a;
    const struct layout_atom *two = *(const struct layout_atom *const *)b;

    if (one->constant != two->constant)
        return one->constant ? 1 : -1;
    int r = strcmp(one->name, two->name);
    return r ? r : (one > two) - (one < two);
}

static int name_atoms(struct layout_module *module, struct err *err)
{
    _cleanup_(freep) struct layout_atom **order =
        calloc(module->atom_count + 1, sizeof(struct layout_atom *));

    if (!order)
        return out_of_memory(err);
    for (size_t i = 0; i < module->atom_count; i++) {
        order[i] = &module->atoms[i];
        if (name_atom(module, order[i]) < 0)
            return out_of_memory(err);
    }
    qsort(order, module->atom_count, sizeof *order, by_atom_name);
    for (size_t i = 1; i < module->atom_count; i++)
        if (order[i]->constant == order[i - 1]->constant &&
            strcmp(order[i]->name, order[i - 1]->name) == 0)
            order[i]->ordinal = order[i - 1]->ordinal + 1;
    return 0;
}

/* ---- places ---- */

static bool is_heap_base(const struct layout_atom *atom)
{
    return strcmp(atom->known, HEAP_BASE) == 0;
}

static int place_first(struct layout_module *module, const struct layout_options *options,
                       struct layout_place *place, struct err *err)
{
    uint32_t end = options->stack_bytes;

    for (size_t i = 0; i < module->atom_count; i++) {
        const struct layout_atom *atom = &module->atoms[i];
        if (!is_heap_base(atom) && atom->address + atom->size > end)
            end = atom->address + atom->size;
        if (atom->address < options->stack_bytes)
            return err_say(err, -EINVAL,
                           "cannot lay the module out: its data begins below the "
                           "stack's end");
    }
    place->slack_at = place->slack_next = align_up(end, SLACK_ALIGN);
    place->slack_end = align_up(place->slack_at + options->slack_bytes, SLACK_ALIGN);
    return 0;
}

/* Where the version before had this atom; NULL: it is new. */
static const struct symbol *place_before(const struct symbol_map *old,
                                         const struct layout_atom *atom)
{
    const struct symbol *before = symbol_find(
        old, atom->constant ? SYMBOL_CONSTANT : SYMBOL_VARIABLE, atom->name, atom->ordinal);

    return before && before->address ? before : NULL;
}

static int place_again(struct layout_module *module, const struct symbol_map *old,
                       struct layout_place *place, struct err *err)
{
    const struct symbol_map_header *header = old->header;
    uint32_t wanted = 0;

    place->slack_at = header->slack_at;
    place->slack_next = header->slack_next;
    place->slack_end = header->slack_end;
    for (size_t i = 0; i < module->atom_count; i++) {
        struct layout_atom *atom = &module->atoms[i];
        const struct symbol *before = place_before(old, atom);
        if (is_heap_base(atom))
            continue;
        /* Of a part only a bound is known; nothing in WebAssembly needs more. */
        if (before && !module->part && before->address % atom->align != 0)
            return err_say(err, -EPERM, "the alignment of '%.80s' changed: %u to %u bytes",
                           atom->known, before->align, atom->align);
        if (before && !atom->constant && before->size != atom->size)
            return err_say(err, -EPERM, "the size of variable '%.80s' changed: %u to %u bytes",
                           atom->known, before->size, atom->size);
        if (before) {
            atom->address = before->address;
            continue;
        }
        uint64_t at = align_up(place->slack_next, atom->align);
        wanted += atom->size;
        if (at + atom->size > header->slack_end)
            return err_say(err, -EPERM,
                           "its slack is exhausted: '%.80s' and what else is new take %u bytes, "
                           "%u are left (vireo.yaml, update: slack:, counts from a deploy)",
                           atom->known, wanted, header->slack_end - header->slack_next);
        atom->address = (uint32_t)at;
        place->slack_next = (uint32_t)(at + atom->size);
    }
    return 0;
}

/* ---- the table ---- */

/* The ordinal of an element among those of its name. */
static uint32_t element_ordinal(const struct layout_module *module, uint32_t element)
{
    const char *name = layout_function_name(module, module->elements[element]);
    uint32_t ordinal = 0;

    for (uint32_t i = 1; i < element; i++)
        ordinal += strcmp(layout_function_name(module, module->elements[i]), name) == 0;
    return ordinal;
}

static int place_elements(const struct layout_module *module, const struct symbol_map *old,
                          struct layout_place *place, struct err *err)
{
    place->table_size = old ? old->header->table_size : module->element_count;
    place->index = calloc(module->element_count, sizeof *place->index);
    if (!place->index)
        return out_of_memory(err);
    for (uint32_t i = 1; i < module->element_count; i++) {
        const char *name = layout_function_name(module, module->elements[i]);
        const struct symbol *before =
            old ? symbol_find(old, SYMBOL_FUNCTION, name, element_ordinal(module, i)) : NULL;
        if (!old)
            place->index[i] = i;
        else if (before && (before->flags & SYMBOL_TABLE))
            place->index[i] = before->address;
        else
            place->index[i] = place->table_size++;
    }
    return place->table_size <= LAYOUT_ELEMENTS_MAX
               ? 0
               : err_say(err, -EFBIG, "cannot lay the module out: its table is too large");
}

uint32_t layout_element_of(const struct layout_module *module, uint32_t function)
{
    for (uint32_t i = 1; i < module->element_count; i++)
        if (module->elements[i] == function)
            return i;
    return 0;
}

/* ---- patches ---- */

static uint32_t get_leb(const uint8_t *at)
{
    uint32_t value = 0;

    for (int i = 0; i < 5; i++)
        value |= (uint32_t)(at[i] & 0x7f) << (7 * i);
    return value;
}

static int patch_one(const struct layout_module *module, const struct layout_place *place,
                     const struct layout_reloc *reloc, struct err *err)
{
    enum {
        TABLE_SLEB = 1,
        TABLE_I32,
        MEMORY_LEB,
        MEMORY_SLEB,
        MEMORY_I32,
        MEMORY_REL_SLEB = 11,
        TABLE_REL_SLEB
    };
    const struct layout_symbol *symbol = &module->symbols[reloc->symbol];
    uint8_t *at = module->bytes + reloc->at;
    uint32_t before, after, found;

    if (reloc->type == 0 || symbol->undefined)
        return 0;
    bool word = reloc->type == TABLE_I32 || reloc->type == MEMORY_I32;
    /* A part has code that puts these in place: layout_part.c. */
    if (module->part && word)
        return 0;
    if (module->part != (reloc->type >= MEMORY_REL_SLEB))
        return err_say(err, -EINVAL,
                       "cannot lay the module out: it has relocations of another "
                       "kind");
    if (reloc->type == TABLE_REL_SLEB) {
        before = layout_element_of(module, symbol->index) - 1;
        after = place->index[before + 1] - 1;
    } else if (reloc->type == TABLE_SLEB || reloc->type == TABLE_I32) {
        before = layout_element_of(module, symbol->index);
        after = place->index[before];
    } else {
        const struct layout_atom *atom = &module->atoms[symbol->atom];
        uint32_t linked = module->segments[symbol->index].address + symbol->offset;
        before = linked + (uint32_t)reloc->addend;
        after = atom->address + (symbol->offset - atom->offset) + (uint32_t)reloc->addend;
    }
    if (word)
        memcpy(&found, at, sizeof found);
    else
        found = get_leb(at);
    /* That what was read of the linker's layout is so. */
    if (found != before)
        return err_say(err, -EINVAL, "cannot lay the module out: '%.80s' is at %u, not at %u",
                       symbol->name ? symbol->name : "?", found, before);
    if (word)
        memcpy(at, &after, sizeof after);
    else
        layout_put_leb(at, after, reloc->type != MEMORY_LEB);
    return 0;
}

/* ---- the whole ---- */

static int place_all(struct layout_module *module, const struct layout_options *options,
                     struct layout_place *place, struct err *err)
{
    place->stack_bytes = options->stack_bytes;
    if (options->old && options->old->header->stack_bytes != options->stack_bytes)
        return err_say(err, -EPERM, "the size of the stack changed: %u to %u bytes",
                       options->old->header->stack_bytes, options->stack_bytes);
    int r = options->old ? place_again(module, options->old, place, err)
                         : place_first(module, options, place, err);
    for (size_t i = 0; i < module->atom_count; i++)
        if (is_heap_base(&module->atoms[i]))
            module->atoms[i].address = place->slack_end;
    return r < 0 ? r : place_elements(module, options->old, place, err);
}

/* The heap's first bytes are not the data's. */
static void forget_heap_base(struct layout_module *module)
{
    size_t kept = 0;

    for (size_t i = 0; i < module->atom_count; i++) {
        struct layout_atom *atom = &module->atoms[i];
        if (is_heap_base(atom)) {
            free(atom->name);
            free(atom->type);
            continue;
        }
        module->atoms[kept++] = *atom;
    }
    module->atom_count = kept;
}

static int make_map(struct layout_module *module, const struct layout_types *types,
                    const struct layout_place *place, const struct symbol_map *old, void **ret_map,
                    size_t *ret_size, struct err *err)
{
    struct symbol_map map;
    void *bytes = NULL;
    size_t size = 0;

    int r = layout_map_make(module, types, place, old, &bytes, &size, err);
    if (r == 0)
        r = symbol_map_read(bytes, size, &map, err);
    if (r == 0 && old)
        r = symbol_map_compare(old, &map, false, err);
    if (r < 0) {
        free(bytes);
        return r;
    }
    *ret_map = bytes;
    *ret_size = size;
    return 0;
}

/* What can be refused by types is refused by them first: they say more than sizes. */
static int check_types(struct layout_module *module, const struct layout_types *types,
                       const struct layout_options *options, struct err *err)
{
    struct layout_place place = {.stack_bytes = options->stack_bytes};
    void *map = NULL;
    size_t size;

    if (!options->old)
        return 0;
    place.slack_at = options->old->header->slack_at;
    place.slack_next = options->old->header->slack_next;
    place.slack_end = options->old->header->slack_end;
    /* With every variable where it was, or nowhere. */
    for (size_t i = 0; i < module->atom_count; i++) {
        const struct symbol *before = place_before(options->old, &module->atoms[i]);
        module->atoms[i].address = before ? before->address : 0;
    }
    int r = place_elements(module, options->old, &place, err);
    if (r == 0)
        r = make_map(module, types, &place, options->old, &map, &size, err);
    free(map);
    free(place.index);
    return r;
}

int layout_make(uint8_t *bytes, size_t size, const struct layout_options *options,
                void **ret_module, size_t *ret_module_size, void **ret_map, size_t *ret_map_size,
                struct err *err)
{
    _cleanup_(layout_module_clear) struct layout_module module = {0};
    _cleanup_(layout_types_clear) struct layout_types types = {0};
    struct layout_place place = {0};

    int r = layout_module_read(bytes, size, options->stack_bytes, &module, err);
    if (r == 0)
        r = make_atoms(&module, err);
    if (r == 0)
        r = layout_types_read(&module, options->directory, &types, err);
    if (r == 0)
        r = attach_types(&module, &types, err);
    if (r == 0)
        r = name_atoms(&module, err);
    if (r == 0)
        r = check_types(&module, &types, options, err);
    if (r == 0)
        r = place_all(&module, options, &place, err);
    for (size_t i = 0; r == 0 && i < module.reloc_count; i++)
        r = patch_one(&module, &place, &module.relocs[i], err);
    forget_heap_base(&module);
    if (r == 0)
        r = make_map(&module, &types, &place, options->old, ret_map, ret_map_size, err);
    if (r == 0)
        r = layout_write(&module, &place, ret_module, ret_module_size, err);
    free(place.index);
    return r;
}
