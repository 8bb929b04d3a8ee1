/* Reads a linked module with its linking and relocation sections (WebAssembly tool conventions). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/layout.h"

enum {
    SECTION_CUSTOM,
    SECTION_IMPORT = 2,
    SECTION_MEMORY = 5,
    SECTION_ELEMENT = 9,
    SECTION_CODE = 10,
    SECTION_DATA = 11
};
enum { LINKING_SEGMENTS = 5, LINKING_SYMBOLS = 8 };
enum { SYMBOL_UNDEFINED = 0x10, SYMBOL_EXPLICIT_NAME = 0x40 };

static int refuse(struct err *err, const char *why)
{
    return err_say(err, -EINVAL, "cannot lay the module out: %s", why);
}

uint64_t layout_unsigned(struct layout_reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = reader->bytes[reader->at++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader->failed = true;
    reader->at = reader->end;
    return 0;
}

int64_t layout_signed(struct layout_reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 63 && reader->at < reader->end; shift += 7) {
        uint8_t byte = reader->bytes[reader->at++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            if (byte & 0x40)
                value |= ~0ull << (shift + 7);
            return (int64_t)value;
        }
    }
    reader->failed = true;
    reader->at = reader->end;
    return 0;
}

static uint8_t one_byte(struct layout_reader *reader)
{
    if (reader->at == reader->end) {
        reader->failed = true;
        return 0;
    }
    return reader->bytes[reader->at++];
}

/* Passes over `bytes`; where they begin. */
static size_t skip(struct layout_reader *reader, uint64_t bytes)
{
    size_t at = reader->at;

    if (bytes > reader->end - at) {
        reader->failed = true;
        reader->at = reader->end;
    } else {
        reader->at += (size_t)bytes;
    }
    return at;
}

static char *take_name(struct layout_reader *reader)
{
    uint64_t bytes = layout_unsigned(reader);
    size_t at = skip(reader, bytes);

    return reader->failed ? NULL : strndup((const char *)reader->bytes + at, (size_t)bytes);
}

/* A count of things that each take a byte at least. */
static uint32_t take_count(struct layout_reader *reader)
{
    uint64_t count = layout_unsigned(reader);

    if (count > reader->end - reader->at || count > LAYOUT_SYMBOLS_MAX)
        reader->failed = true;
    return reader->failed ? 0 : (uint32_t)count;
}

static struct layout_reader read_section(const struct layout_module *module,
                                         const struct layout_section *section)
{
    return (struct layout_reader){
        .bytes = module->bytes, .at = section->at, .end = section->at + section->size};
}

const struct layout_section *layout_section_find(const struct layout_module *module, uint8_t id,
                                                 const char *name)
{
    for (size_t i = 0; i < module->section_count; i++)
        if (module->sections[i].id == id && (id || strcmp(module->sections[i].name, name) == 0))
            return &module->sections[i];
    return NULL;
}

int layout_sections_read(struct layout_module *module, struct err *err)
{
    struct layout_reader reader = {.bytes = module->bytes, .at = 8, .end = module->size};

    module->sections =
        calloc(module->size / 2 < 256 ? module->size / 2 + 1 : 256, sizeof *module->sections);
    if (!module->sections)
        return err_set(err, -ENOMEM, "cannot lay the module out");
    while (!reader.failed && reader.at < reader.end) {
        if (module->section_count == 256)
            return refuse(err, "it has too many sections");
        struct layout_section *section = &module->sections[module->section_count++];
        section->begin = reader.at;
        section->id = one_byte(&reader);
        uint64_t bytes = layout_unsigned(&reader);
        section->at = skip(&reader, bytes);
        section->size = reader.at - section->at;
        if (section->id != SECTION_CUSTOM || reader.failed)
            continue;
        struct layout_reader inside = read_section(module, section);
        _cleanup_(freep) char *name = take_name(&inside);
        if (!name)
            return refuse(err, "a section has no name");
        /* Longer ones are none that is looked for. */
        strncpy(section->name, name, sizeof section->name - 1);
        section->size -= inside.at - section->at;
        section->at = inside.at;
    }
    return reader.failed ? refuse(err, "its sections do not fill it") : 0;
}

static void read_symbol(struct layout_module *module, struct layout_reader *reader)
{
    struct layout_symbol *symbol = &module->symbols[module->symbol_count++];
    uint8_t kind = one_byte(reader);
    uint64_t flags = layout_unsigned(reader);

    symbol->kind = kind;
    symbol->undefined = flags & SYMBOL_UNDEFINED;
    if (kind == 1) {
        symbol->name = take_name(reader);
        if (symbol->undefined)
            return;
        symbol->index = (uint32_t)layout_unsigned(reader);
        symbol->offset = (uint32_t)layout_unsigned(reader);
        symbol->size = (uint32_t)layout_unsigned(reader);
        return;
    }
    symbol->index = (uint32_t)layout_unsigned(reader);
    /* Of a section there is no more. */
    if (kind != 3 && (!symbol->undefined || (flags & SYMBOL_EXPLICIT_NAME)))
        symbol->name = take_name(reader);
}

static int read_segment_names(struct layout_module *module, struct layout_reader *reader,
                              struct err *err)
{
    uint32_t count = take_count(reader);

    module->segments = calloc(count + 1, sizeof *module->segments);
    if (!module->segments)
        return err_set(err, -ENOMEM, "cannot lay the module out");
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        struct layout_segment *segment = &module->segments[module->segment_count++];
        segment->name = take_name(reader);
        uint64_t power = layout_unsigned(reader);
        layout_unsigned(reader);
        segment->align = power < 16 ? 1u << power : 0;
        if (!segment->align)
            reader->failed = true;
    }
    return 0;
}

static int read_linking(struct layout_module *module, struct err *err)
{
    const struct layout_section *section = layout_section_find(module, SECTION_CUSTOM, "linking");

    if (!section)
        return refuse(err, "it has no symbols");
    struct layout_reader reader = read_section(module, section);
    layout_unsigned(&reader); /* the version of the conventions: the linker is ours */
    while (!reader.failed && reader.at < reader.end) {
        uint8_t kind = one_byte(&reader);
        uint64_t bytes = layout_unsigned(&reader);
        struct layout_reader part = {.bytes = module->bytes, .at = skip(&reader, bytes)};
        part.end = reader.at;
        int r = 0;
        if (kind == LINKING_SEGMENTS && !module->segments) {
            r = read_segment_names(module, &part, err);
        } else if (kind == LINKING_SYMBOLS && !module->symbols) {
            uint32_t count = take_count(&part);
            module->symbols = calloc(count + 1, sizeof *module->symbols);
            if (!module->symbols)
                r = err_set(err, -ENOMEM, "cannot lay the module out");
            while (r == 0 && module->symbol_count < count && !part.failed)
                read_symbol(module, &part);
        }
        if (r < 0)
            return r;
        if (part.failed)
            return refuse(err, "its symbols are damaged");
    }
    return reader.failed || !module->symbols ? refuse(err, "its symbols are damaged") : 0;
}

/* Segments that are in the file come first; of the others only the alignment is known, and where
 * their symbols end. */
static int read_data(struct layout_module *module, uint32_t data_at, struct err *err)
{
    const struct layout_section *section = layout_section_find(module, SECTION_DATA, NULL);
    struct layout_reader reader = {0};
    uint32_t count = 0;

    if (section) {
        reader = read_section(module, section);
        count = take_count(&reader);
    }
    if (count > module->segment_count)
        return refuse(err, "it has data without a name");
    for (uint32_t i = 0; i < count; i++) {
        struct layout_segment *segment = &module->segments[i];
        /* Active, of memory 0, at a constant address; a part's, all of it, at its base. */
        if (layout_unsigned(&reader) != 0 || one_byte(&reader) != (module->part ? 0x23 : 0x41))
            return refuse(err, "it has data without a place");
        segment->address = (uint32_t)layout_signed(&reader);
        if (module->part && (count > 1 || segment->address != module->memory_base))
            return refuse(err, "it has data without a place");
        segment->address = module->part ? 0 : segment->address;
        one_byte(&reader);
        segment->size = (uint32_t)layout_unsigned(&reader);
        segment->at = skip(&reader, segment->size);
    }
    for (size_t i = 0; i < module->symbol_count; i++) {
        const struct layout_symbol *symbol = &module->symbols[i];
        if (symbol->kind != 1 || symbol->undefined)
            continue;
        uint64_t end = (uint64_t)symbol->offset + symbol->size;
        if (symbol->index >= module->segment_count || end > UINT32_MAX / 4)
            return refuse(err, "a variable lies nowhere");
        struct layout_segment *segment = &module->segments[symbol->index];
        if (symbol->index >= count && segment->size < end)
            segment->size = (uint32_t)end;
        else if (symbol->index < count && end > segment->size)
            return refuse(err, "a variable lies outside of its segment");
    }
    for (size_t i = count; i < module->segment_count; i++) {
        struct layout_segment *segment = &module->segments[i];
        uint64_t before =
            i ? (uint64_t)module->segments[i - 1].address + module->segments[i - 1].size : data_at;
        uint64_t address = (before + segment->align - 1) & ~(uint64_t)(segment->align - 1);
        if (address + segment->size > UINT32_MAX / 2)
            return refuse(err, "its data is too large");
        segment->address = (uint32_t)address;
    }
    return reader.failed ? refuse(err, "its data is damaged") : 0;
}

static int read_elements(struct layout_module *module, struct err *err)
{
    const struct layout_section *section = layout_section_find(module, SECTION_ELEMENT, NULL);

    module->element_count = 1;
    module->elements = calloc(LAYOUT_ELEMENTS_MAX, sizeof *module->elements);
    if (!module->elements)
        return err_set(err, -ENOMEM, "cannot lay the module out");
    if (!section)
        return 0;
    struct layout_reader reader = read_section(module, section);
    if (layout_unsigned(&reader) != 1 || layout_unsigned(&reader) != 0 ||
        one_byte(&reader) != (module->part ? 0x23 : 0x41) ||
        layout_signed(&reader) != (module->part ? module->table_base : 1))
        return refuse(err, "its table is not as the linker makes it");
    one_byte(&reader);
    uint64_t count = layout_unsigned(&reader);
    if (count >= LAYOUT_ELEMENTS_MAX)
        return refuse(err, "its table is too large");
    for (uint64_t i = 0; i < count; i++)
        module->elements[module->element_count++] = (uint32_t)layout_unsigned(&reader);
    return reader.failed ? refuse(err, "its table is damaged") : 0;
}

/* One import; an index is counted for those that have one. */
static void read_import(struct layout_module *module, struct layout_reader *reader,
                        uint32_t *globals)
{
    enum { FUNCTION, TABLE, MEMORY, GLOBAL };
    _cleanup_(freep) char *from = take_name(reader);
    _cleanup_(freep) char *name = take_name(reader);
    uint8_t kind = one_byte(reader);

    if (kind > GLOBAL || !from || !name)
        reader->failed = true;
    if (kind == TABLE || kind == GLOBAL)
        one_byte(reader);
    if (kind == TABLE || kind == MEMORY) {
        uint64_t flags = layout_unsigned(reader);
        layout_unsigned(reader);
        if (flags & 1)
            layout_unsigned(reader);
        return;
    }
    if (kind == FUNCTION) {
        layout_unsigned(reader);
        module->function_imports++;
        return;
    }
    one_byte(reader);
    if (!reader->failed && strcmp(name, "__memory_base") == 0)
        module->memory_base = *globals;
    if (!reader->failed && strcmp(name, "__table_base") == 0)
        module->table_base = *globals;
    ++*globals;
}

/* What a part is put at, and how many functions it has of others. */
static int read_imports(struct layout_module *module, struct err *err)
{
    const struct layout_section *section = layout_section_find(module, SECTION_IMPORT, NULL);

    module->part = layout_section_find(module, SECTION_CUSTOM, LAYOUT_DYLINK) != NULL;
    module->memory_base = module->table_base = UINT32_MAX;
    if (!module->part || !section)
        return 0;
    struct layout_reader reader = read_section(module, section);
    uint32_t count = take_count(&reader);
    for (uint32_t i = 0; i < count && !reader.failed; i++)
        read_import(module, &reader, &module->global_imports);
    return reader.failed ? refuse(err, "its imports are damaged") : 0;
}

static int read_counts(struct layout_module *module, struct err *err)
{
    if (module->part)
        return 0; /* the memory is another's */
    const struct layout_section *memory = layout_section_find(module, SECTION_MEMORY, NULL);
    if (!memory)
        return refuse(err, "it has no memory");
    struct layout_reader reader = read_section(module, memory);
    layout_unsigned(&reader);
    layout_unsigned(&reader);
    module->pages_min = (uint32_t)layout_unsigned(&reader);
    return reader.failed ? refuse(err, "its memory is damaged") : 0;
}

static int has_addend(uint8_t type)
{
    return type == 3 || type == 4 || type == 5 || type == 8 || type == 9 || type == 11;
}

static int read_relocs(struct layout_module *module, uint8_t id, const char *name, struct err *err)
{
    const struct layout_section *target = layout_section_find(module, id, NULL);
    const struct layout_section *section = layout_section_find(module, SECTION_CUSTOM, name);

    if (!section || !target)
        return 0;
    struct layout_reader reader = read_section(module, section);
    layout_unsigned(&reader); /* the index of the section: its name says it */
    uint32_t count = take_count(&reader);
    void *grown =
        realloc(module->relocs, (module->reloc_count + count + 1) * sizeof *module->relocs);
    if (!grown)
        return err_set(err, -ENOMEM, "cannot lay the module out");
    module->relocs = grown;
    for (uint32_t i = 0; i < count; i++) {
        struct layout_reloc reloc = {.type = one_byte(&reader)};
        uint64_t offset = layout_unsigned(&reader);
        reloc.symbol = (uint32_t)layout_unsigned(&reader);
        if (has_addend(reloc.type))
            reloc.addend = (int32_t)layout_signed(&reader);
        /* Each fills five bytes, or four. */
        if (reader.failed || offset + 5 > target->size + 1 || target->size < 5)
            return refuse(err, "its relocations are damaged");
        reloc.at = target->at + (size_t)offset;
        if (reloc.type <= 5 || (module->part && (reloc.type == 11 || reloc.type == 12))) {
            if (reloc.symbol >= module->symbol_count)
                return refuse(err, "a relocation names no symbol");
            module->relocs[module->reloc_count++] = reloc;
        } else if (reloc.type == 11 || (reloc.type >= 14 && reloc.type <= 19)) {
            return refuse(err, "it has relocations of another kind");
        }
    }
    return 0;
}

const char *layout_function_name(const struct layout_module *module, uint32_t function)
{
    for (size_t i = 0; i < module->symbol_count; i++)
        if (module->symbols[i].kind == 0 && module->symbols[i].index == function &&
            module->symbols[i].name)
            return module->symbols[i].name;
    return "";
}

int layout_module_read(uint8_t *bytes, size_t size, uint32_t data_at,
                       struct layout_module *ret_module, struct err *err)
{
    struct layout_module module = {.bytes = bytes, .size = size};

    int r = size < 8 ? refuse(err, "it is empty") : layout_sections_read(&module, err);
    if (r == 0)
        r = read_imports(&module, err);
    if (r == 0)
        r = read_linking(&module, err);
    if (r == 0)
        r = read_data(&module, data_at, err);
    if (r == 0)
        r = read_elements(&module, err);
    if (r == 0)
        r = read_counts(&module, err);
    if (r == 0)
        r = read_relocs(&module, SECTION_CODE, "reloc.CODE", err);
    if (r == 0)
        r = read_relocs(&module, SECTION_DATA, "reloc.DATA", err);
    *ret_module = module; /* what there is of it is the caller's in any case */
    return r;
}

void layout_module_clear(struct layout_module *module)
{
    for (size_t i = 0; i < module->symbol_count; i++)
        free(module->symbols[i].name);
    for (size_t i = 0; i < module->segment_count; i++)
        free(module->segments[i].name);
    for (size_t i = 0; i < module->atom_count; i++) {
        free(module->atoms[i].name);
        free(module->atoms[i].type);
    }
    free(module->sections);
    free(module->symbols);
    free(module->segments);
    free(module->relocs);
    free(module->atoms);
    free(module->elements);
    *module = (struct layout_module){0};
}
