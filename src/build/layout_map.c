/* Writes the symbol map of a module that was laid out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/layout.h"

/* One symbol before it is written. */
struct entry {
    const char *name, *type;
    struct symbol symbol;
    size_t order; /* of its kind and name: as it came */
};

struct writer {
    struct entry *entries;
    size_t count, capacity;
};

static int add(struct writer *writer, struct symbol symbol, const char *name, const char *type)
{
    if (writer->count == writer->capacity) {
        size_t capacity = writer->capacity ? writer->capacity * 2 : 512;
        void *grown = realloc(writer->entries, capacity * sizeof *writer->entries);
        if (!grown)
            return -ENOMEM;
        writer->entries = grown;
        writer->capacity = capacity;
    }
    writer->entries[writer->count] = (struct entry){
        .name = name, .type = type ? type : "", .symbol = symbol, .order = writer->count};
    writer->count++;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct entry *one = a, *two = b;

    if (one->symbol.kind != two->symbol.kind)
        return one->symbol.kind < two->symbol.kind ? -1 : 1;
    int r = strcmp(one->name, two->name);
    if (r == 0)
        r = (one->symbol.ordinal > two->symbol.ordinal) -
            (one->symbol.ordinal < two->symbol.ordinal);
    if (r == 0)
        r = (one->order > two->order) - (one->order < two->order);
    return r;
}

/* The index of a function in the table, or 0; the `ordinal`th of that name. */
static uint32_t index_of(const struct layout_module *module, const struct layout_place *place,
                         const char *name, uint32_t ordinal)
{
    for (uint32_t i = 1; i < module->element_count; i++)
        if (strcmp(layout_function_name(module, module->elements[i]), name) == 0 && ordinal-- == 0)
            return place->index[i];
    return 0;
}

static uint32_t flags_of(const struct layout_type *type, uint32_t index)
{
    return SYMBOL_OURS | (type->external ? SYMBOL_EXTERNAL : 0) | (index ? SYMBOL_TABLE : 0);
}

/* How many of this kind and name came before. */
static uint32_t ordinal_of(const struct layout_types *types, size_t i)
{
    uint32_t ordinal = 0;

    for (size_t j = 0; j < i; j++)
        ordinal += types->list[j].kind == types->list[i].kind &&
                   strcmp(types->list[j].name, types->list[i].name) == 0;
    return ordinal;
}

/* The same structure in another file, or another one of that name. */
static bool is_known(const struct layout_types *types, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (types->list[j].kind == types->list[i].kind &&
            strcmp(types->list[j].name, types->list[i].name) == 0 &&
            strcmp(types->list[j].type, types->list[i].type) == 0)
            return true;
    return false;
}

static int add_types(struct writer *writer, const struct layout_module *module,
                     const struct layout_types *types, const struct layout_place *place,
                     const struct symbol_map *old)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < types->count; i++) {
        const struct layout_type *type = &types->list[i];
        struct symbol symbol = {.kind = type->kind, .flags = SYMBOL_OURS};
        if (type->kind == SYMBOL_VARIABLE && type->address)
            continue; /* an atom has it */
        if (type->kind == SYMBOL_STRUCTURE && is_known(types, i))
            continue;
        symbol.ordinal = ordinal_of(types, i);
        if (type->kind == SYMBOL_FUNCTION) {
            symbol.address = index_of(module, place, type->name, symbol.ordinal);
            symbol.flags = flags_of(type, symbol.address);
        } else if (type->kind == SYMBOL_VARIABLE) {
            /* Declared, and used by nobody in this version: what it had it has again. */
            const struct symbol *before =
                old ? symbol_find(old, SYMBOL_VARIABLE, type->name, symbol.ordinal) : NULL;
            symbol.flags |= SYMBOL_KEPT;
            symbol.size = type->size;
            symbol.address = before ? before->address : 0;
            symbol.align = before ? before->align : 1;
        }
        r = add(writer, symbol, type->name, type->type);
    }
    return r;
}

static int add_atoms(struct writer *writer, const struct layout_module *module)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < module->atom_count; i++) {
        const struct layout_atom *atom = &module->atoms[i];
        const struct symbol symbol = {
            .kind = atom->constant ? SYMBOL_CONSTANT : SYMBOL_VARIABLE,
            .ordinal = atom->ordinal,
            .flags = atom->ours && !atom->constant ? SYMBOL_OURS : 0,
            .address = atom->address,
            .size = atom->size,
            .align = atom->align,
        };
        r = add(writer, symbol, atom->name, atom->type);
    }
    return r;
}

static bool is_added(const struct writer *writer, const struct symbol *symbol, const char *name)
{
    for (size_t i = 0; i < writer->count; i++)
        if (writer->entries[i].symbol.kind == symbol->kind &&
            writer->entries[i].symbol.ordinal == symbol->ordinal &&
            strcmp(writer->entries[i].name, name) == 0)
            return true;
    return false;
}

/* Functions of the table whose source has no debug information: the C library's, and ours. */
static int add_elements(struct writer *writer, const struct layout_module *module,
                        const struct layout_place *place)
{
    int r = 0;

    for (uint32_t i = 1; r == 0 && i < module->element_count; i++) {
        const char *name = layout_function_name(module, module->elements[i]);
        struct symbol symbol = {
            .kind = SYMBOL_FUNCTION, .flags = SYMBOL_TABLE, .address = place->index[i]};
        bool known = false;
        for (size_t j = 0; j < writer->count && !known; j++)
            known = writer->entries[j].symbol.kind == SYMBOL_FUNCTION &&
                    writer->entries[j].symbol.address == symbol.address;
        if (known)
            continue;
        while (is_added(writer, &symbol, name))
            symbol.ordinal++;
        r = add(writer, symbol, name, "");
    }
    return r;
}

/* What the version before had, or kept, and this one has not. */
static int add_kept(struct writer *writer, const struct symbol_map *old)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && old && i < old->header->symbol_count; i++) {
        struct symbol symbol = old->symbols[i];
        const char *name = symbol_name(old, &old->symbols[i]);
        bool has_place = symbol.kind >= SYMBOL_VARIABLE ? symbol.address != 0
                                                        : (symbol.flags & SYMBOL_TABLE) != 0;
        /* The author's own must not go: the comparison says so. */
        bool ours = (symbol.flags & SYMBOL_OURS) && symbol.kind != SYMBOL_CONSTANT;
        if (!has_place || ours || is_added(writer, &symbol, name))
            continue;
        symbol.flags |= SYMBOL_KEPT;
        r = add(writer, symbol, name, symbol_type(old, &old->symbols[i]));
    }
    return r;
}

static int write_map(struct writer *writer, const struct layout_place *place, void **ret_map,
                     size_t *ret_size, struct err *err)
{
    size_t text = 1;

    qsort(writer->entries, writer->count, sizeof *writer->entries, by_name);
    for (size_t i = 0; i < writer->count; i++)
        text += strlen(writer->entries[i].name) + strlen(writer->entries[i].type) + 2;
    size_t symbols = writer->count * sizeof(struct symbol);
    size_t size = (sizeof(struct symbol_map_header) + symbols + text + 7) & ~(size_t)7;
    if (size > SYMBOL_MAP_MAX_BYTES)
        return err_say(err, -EFBIG,
                       "cannot lay the module out: its symbol map has more than %u "
                       "MiB",
                       SYMBOL_MAP_MAX_BYTES >> 20);
    uint8_t *map = calloc(1, size);
    if (!map)
        return err_set(err, -ENOMEM, "cannot lay the module out");
    *(struct symbol_map_header *)(void *)map = (struct symbol_map_header){
        .magic = SYMBOL_MAP_MAGIC,
        .version = SYMBOL_MAP_VERSION,
        .bytes = (uint32_t)size,
        .symbol_count = (uint32_t)writer->count,
        .text_bytes = (uint32_t)text,
        .stack_bytes = place->stack_bytes,
        .table_size = place->table_size,
        .slack_at = place->slack_at,
        .slack_next = place->slack_next,
        .slack_end = place->slack_end,
    };
    struct symbol *to = (void *)(map + sizeof(struct symbol_map_header));
    char *words = (char *)to + symbols;
    size_t at = 1; /* offset 0 is "" */
    for (size_t i = 0; i < writer->count; i++) {
        const struct entry *entry = &writer->entries[i];
        to[i] = entry->symbol;
        to[i].name = (uint32_t)at;
        at += strlen(strcpy(words + at, entry->name)) + 1;
        to[i].type = *entry->type ? (uint32_t)at : 0;
        if (*entry->type)
            at += strlen(strcpy(words + at, entry->type)) + 1;
    }
    *ret_map = map;
    *ret_size = size;
    return 0;
}

int layout_map_make(const struct layout_module *module, const struct layout_types *types,
                    const struct layout_place *place, const struct symbol_map *old, void **ret_map,
                    size_t *ret_size, struct err *err)
{
    struct writer writer = {0};

    int r = add_types(&writer, module, types, place, old);
    if (r == 0)
        r = add_atoms(&writer, module);
    if (r == 0)
        r = add_elements(&writer, module, place);
    if (r == 0)
        r = add_kept(&writer, old);
    r = r < 0 ? err_set(err, r, "cannot lay the module out")
              : write_map(&writer, place, ret_map, ret_size, err);
    free(writer.entries);
    return r;
}
