/*
 * A library for others ("part") that was placed. It lies anywhere in a program's memory and table:
 * its addresses count from two globals, all its data is one segment and all its functions are one
 * run of the table. Where its data holds addresses, code that the linker made puts them there when
 * it is instantiated: the start function, or those that it calls. It is written anew here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/layout.h"

enum { DYLINK = 0, GLOBAL = 6, EXPORT = 7, START = 8, ELEMENT = 9, CODE = 10, DATA = 11 };
enum { OP_CALL = 0x10, OP_GET = 0x23, OP_SET, OP_CONST = 0x41, OP_ADD = 0x6a, OP_STORE = 0x36 };
#define OP_END 0x0b

bool layout_part_changes(const struct layout_section *section)
{
    return section->id == DYLINK ? strcmp(section->name, LAYOUT_DYLINK) == 0
                                 : section->id == GLOBAL || section->id == ELEMENT ||
                                       section->id == CODE || section->id == DATA;
}

static struct layout_reader read_section(const struct layout_module *module,
                                         const struct layout_section *section)
{
    struct layout_reader reader = {.bytes = module->bytes};

    if (section) {
        reader.at = section->at;
        reader.end = section->at + section->size;
    }
    reader.failed = !section;
    return reader;
}

static uint8_t next_byte(struct layout_reader *reader)
{
    reader->failed = reader->failed || reader->at == reader->end;
    return reader->failed ? 0 : reader->bytes[reader->at++];
}

/* What lies at an address of the linker's, where it is put. UINT32_MAX: nothing does. */
static uint32_t moved(const struct layout_module *module, uint32_t address)
{
    uint32_t behind = UINT32_MAX;

    for (size_t i = 0; i < module->atom_count; i++) {
        const struct layout_atom *atom = &module->atoms[i];
        if (address >= atom->offset && address - atom->offset < atom->size)
            return atom->address + (address - atom->offset);
        if (address == atom->offset)
            behind = atom->address;
    }
    return behind;
}

/* The index, from the table's base, of the function that the linker gave one. */
static uint32_t moved_element(const struct layout_module *module, const struct layout_place *place,
                              uint32_t index)
{
    return index < module->element_count - 1 ? place->index[index + 1] - 1 : UINT32_MAX;
}

/* ---- what it needs ---- */

static int write_dylink(FILE *to, struct layout_reader *reader, const struct layout_place *place)
{
    enum { SIZES = 1, NUMBERS = 4 };
    uint8_t kind = next_byte(reader);
    uint64_t bytes = layout_unsigned(reader), numbers[NUMBERS];
    size_t end = reader->at + (size_t)bytes;
    char text[64];

    for (size_t i = 0; i < NUMBERS; i++)
        numbers[i] = layout_unsigned(reader);
    if (reader->failed || kind != SIZES || reader->at != end)
        return -EINVAL;
    numbers[0] = place->slack_end;
    numbers[2] = (uint64_t)place->table_size - 1 + LAYOUT_PART_ELEMENTS;
    FILE *sizes = fmemopen(text, sizeof text, "w");
    if (!sizes)
        return -ENOMEM;
    for (size_t i = 0; i < NUMBERS; i++)
        layout_write_unsigned(sizes, numbers[i]);
    long size = ftell(sizes);
    if (fclose(sizes) != 0)
        return -ENOMEM;
    layout_write_unsigned(to, strlen(LAYOUT_DYLINK));
    fputs(LAYOUT_DYLINK, to);
    fputc(SIZES, to);
    layout_write_unsigned(to, (uint64_t)size);
    fwrite(text, 1, (size_t)size, to);
    fwrite(reader->bytes + reader->at, 1, reader->end - reader->at, to);
    return 0;
}

/* ---- globals: the addresses of its variables for others ---- */

/* The variable that a global is exported as, or NULL. */
static const struct layout_symbol *exported_as(const struct layout_module *module, uint32_t global)
{
    struct layout_reader reader = read_section(module, layout_section_find(module, EXPORT, NULL));
    uint64_t count = layout_unsigned(&reader);

    for (uint64_t i = 0; i < count && !reader.failed; i++) {
        size_t bytes = (size_t)layout_unsigned(&reader), at = reader.at;
        if (bytes > reader.end - at)
            return NULL;
        reader.at += bytes;
        uint8_t kind = next_byte(&reader);
        if (layout_unsigned(&reader) != global || kind != 3)
            continue;
        for (size_t k = 0; k < module->symbol_count; k++) {
            const struct layout_symbol *symbol = &module->symbols[k];
            if (symbol->kind == 1 && !symbol->undefined && symbol->name &&
                strlen(symbol->name) == bytes &&
                memcmp(symbol->name, reader.bytes + at, bytes) == 0)
                return symbol;
        }
    }
    return NULL;
}

static int write_globals(FILE *to, const struct layout_module *module, struct layout_reader *reader)
{
    uint64_t count = layout_unsigned(reader);

    layout_write_unsigned(to, count);
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        const struct layout_symbol *symbol =
            exported_as(module, module->global_imports + (uint32_t)i);
        fputc(next_byte(reader), to);
        fputc(next_byte(reader), to);
        if (next_byte(reader) != OP_CONST)
            return -EINVAL;
        uint32_t value = (uint32_t)layout_signed(reader);
        if (next_byte(reader) != OP_END)
            return -EINVAL;
        layout_write_constant(to, symbol ? moved(module, symbol->offset) : value);
    }
    return reader->failed ? -EINVAL : 0;
}

/* ---- the table and the data ---- */

/* One run; an index whose function is gone has one that traps. */
static int write_elements(FILE *to, const struct layout_module *module,
                          const struct layout_place *place)
{
    _cleanup_(freep) uint32_t *functions = calloc(place->table_size, sizeof *functions);
    uint32_t gone = 0;

    if (!functions)
        return -ENOMEM;
    for (uint32_t i = 1; i < module->element_count; i++) {
        if (strcmp(layout_function_name(module, module->elements[i]), LAYOUT_PART_GONE) == 0)
            gone = module->elements[i];
        functions[place->index[i]] = module->elements[i];
    }
    layout_write_unsigned(to, 1);
    fputc(0, to);
    fputc(OP_GET, to);
    layout_write_unsigned(to, module->table_base);
    fputc(OP_END, to);
    layout_write_unsigned(to, place->table_size - 1);
    for (uint32_t i = 1; i < place->table_size; i++)
        layout_write_unsigned(to, functions[i] ? functions[i] : gone);
    return gone ? 0 : -EINVAL;
}

static int write_data(FILE *to, const struct layout_module *module,
                      const struct layout_place *place)
{
    _cleanup_(freep) uint8_t *data = calloc(1, (size_t)place->slack_next + 1);

    if (!data)
        return -ENOMEM;
    for (size_t i = 0; i < module->atom_count; i++) {
        const struct layout_atom *atom = &module->atoms[i];
        memcpy(data + atom->address,
               module->bytes + module->segments[atom->segment].at + atom->offset, atom->size);
    }
    layout_write_unsigned(to, 1);
    fputc(0, to);
    fputc(OP_GET, to);
    layout_write_unsigned(to, module->memory_base);
    fputc(OP_END, to);
    layout_write_unsigned(to, place->slack_next);
    fwrite(data, 1, place->slack_next, to);
    return 0;
}

/* ---- the code that puts addresses in place ---- */

struct rewrite {
    const struct layout_module *module;
    const struct layout_place *place;
    struct layout_reader reader;
    FILE *to;
};

static uint32_t get_base(struct rewrite *rewrite)
{
    uint64_t global = layout_unsigned(&rewrite->reader);

    fputc(OP_GET, rewrite->to);
    layout_write_unsigned(rewrite->to, global);
    return (uint32_t)global;
}

/* "i32.const N; i32.add" behind the global that N counts from. */
static uint32_t get_offset(struct rewrite *rewrite)
{
    uint32_t value = (uint32_t)layout_signed(&rewrite->reader);

    if (next_byte(&rewrite->reader) != OP_ADD)
        rewrite->reader.failed = true;
    return value;
}

static void put_offset(struct rewrite *rewrite, uint32_t value)
{
    uint8_t leb[5];

    layout_put_leb(leb, value, true);
    fputc(OP_CONST, rewrite->to);
    fwrite(leb, 1, sizeof leb, rewrite->to);
    fputc(OP_ADD, rewrite->to);
}

/* The relocation of the word at an address of the linker's; NULL: there is none. */
static const struct layout_reloc *reloc_at(const struct layout_module *module, uint32_t address)
{
    size_t at = module->segments[0].at + address;

    for (size_t i = 0; i < module->reloc_count; i++)
        if (module->relocs[i].at == at)
            return &module->relocs[i];
    return NULL;
}

/* What is stored at `address`: where the variable or function went that its relocation names. */
static uint32_t stored_value(const struct rewrite *rewrite, uint32_t address, uint32_t base,
                             uint32_t value)
{
    const struct layout_module *module = rewrite->module;
    const struct layout_reloc *reloc = reloc_at(module, address);

    if (!reloc || module->symbols[reloc->symbol].undefined)
        return UINT32_MAX;
    const struct layout_symbol *symbol = &module->symbols[reloc->symbol];
    if (base == module->table_base && symbol->kind == 0)
        return moved_element(module, rewrite->place, value);
    if (base != module->memory_base || symbol->kind != 1 ||
        value != symbol->offset + (uint32_t)reloc->addend)
        return UINT32_MAX;
    const struct layout_atom *atom = &module->atoms[symbol->atom];
    return atom->address + (symbol->offset - atom->offset) + (uint32_t)reloc->addend;
}

/* A word of the data gets an address; behind where it lies. */
static int write_store(struct rewrite *rewrite, uint32_t address)
{
    const struct layout_module *module = rewrite->module;
    uint32_t base = get_base(rewrite);
    uint8_t op = next_byte(&rewrite->reader);

    if (op == OP_CONST) {
        uint32_t value = get_offset(rewrite);
        if (base == module->memory_base || base == module->table_base) {
            value = stored_value(rewrite, address, base, value);
            if (value == UINT32_MAX)
                return -EINVAL;
        }
        put_offset(rewrite, value);
        op = next_byte(&rewrite->reader);
    }
    if (op != OP_STORE)
        return -EINVAL;
    fputc(OP_STORE, rewrite->to);
    layout_write_unsigned(rewrite->to, layout_unsigned(&rewrite->reader));
    layout_write_unsigned(rewrite->to, layout_unsigned(&rewrite->reader));
    return 0;
}

/* "global.get base; i32.const N; i32.add", then "global.set G", or what is stored there. */
static int write_one(struct rewrite *rewrite)
{
    const struct layout_module *module = rewrite->module;
    uint32_t base = get_base(rewrite);
    struct layout_reader *reader = &rewrite->reader;

    if (next_byte(reader) != OP_CONST)
        return -EINVAL;
    uint32_t linked = get_offset(rewrite);
    uint32_t now = base == module->memory_base  ? moved(module, linked)
                   : base == module->table_base ? moved_element(module, rewrite->place, linked)
                                                : UINT32_MAX;
    if (now == UINT32_MAX)
        return -EINVAL;
    put_offset(rewrite, now);
    uint8_t op = next_byte(reader);
    if (op == OP_GET && base == module->memory_base)
        return write_store(rewrite, linked);
    if (op != OP_SET)
        return -EINVAL;
    fputc(OP_SET, rewrite->to);
    layout_write_unsigned(rewrite->to, layout_unsigned(reader));
    return 0;
}

/* The body of a function in [reader.at, reader.end). */
static int write_body(struct rewrite *rewrite)
{
    struct layout_reader *reader = &rewrite->reader;
    int r = layout_unsigned(reader) == 0 ? 0 : -EINVAL; /* no locals */

    layout_write_unsigned(rewrite->to, 0);
    while (r == 0 && !reader->failed) {
        uint8_t op = next_byte(reader);
        if (op == OP_END) {
            fputc(OP_END, rewrite->to);
            return reader->at == reader->end ? 0 : -EINVAL;
        }
        if (op == OP_CALL) {
            fputc(OP_CALL, rewrite->to);
            layout_write_unsigned(rewrite->to, layout_unsigned(reader));
        } else {
            r = op == OP_GET ? write_one(rewrite) : -EINVAL;
        }
    }
    return -EINVAL;
}

/* The functions that do it: the start function, and what it calls. */
struct starters {
    uint64_t functions[4];
    size_t count;
};

/* Where the body of a function of the module is. */
static struct layout_reader body_of(const struct layout_module *module, uint64_t function)
{
    struct layout_reader reader = read_section(module, layout_section_find(module, CODE, NULL));
    uint64_t count = layout_unsigned(&reader), index = module->function_imports;

    for (uint64_t i = 0; i < count && !reader.failed; i++, index++) {
        uint64_t bytes = layout_unsigned(&reader);
        if (bytes > reader.end - reader.at)
            break;
        if (index == function) {
            reader.end = reader.at + (size_t)bytes;
            return reader;
        }
        reader.at += (size_t)bytes;
    }
    reader.failed = true;
    return reader;
}

static int find_starters(const struct layout_module *module, struct starters *starters)
{
    const struct layout_section *section = layout_section_find(module, START, NULL);

    if (!section)
        return 0;
    struct layout_reader reader = read_section(module, section);
    starters->functions[starters->count++] = layout_unsigned(&reader);
    reader = body_of(module, starters->functions[0]);
    if (layout_unsigned(&reader) != 0)
        return -EINVAL;
    while (!reader.failed && reader.at < reader.end && reader.bytes[reader.at] == OP_CALL) {
        reader.at++;
        if (starters->count == ARRAY_LEN(starters->functions))
            return -EINVAL;
        starters->functions[starters->count++] = layout_unsigned(&reader);
    }
    return reader.failed ? -EINVAL : 0;
}

static int write_code(FILE *to, const struct layout_module *module,
                      const struct layout_place *place, struct layout_reader *reader)
{
    struct starters starters = {0};
    uint64_t count = layout_unsigned(reader);
    int r = find_starters(module, &starters);

    layout_write_unsigned(to, count);
    for (uint64_t i = 0; r == 0 && i < count && !reader->failed; i++) {
        _cleanup_(freep) char *text = NULL;
        uint64_t bytes = layout_unsigned(reader);
        bool starts = false;
        size_t size = 0;
        for (size_t k = 0; k < starters.count; k++)
            starts = starts || starters.functions[k] == module->function_imports + i;
        if (bytes > reader->end - reader->at)
            return -EINVAL;
        struct rewrite rewrite = {.module = module, .place = place, .reader = *reader};
        rewrite.reader.end = reader->at + (size_t)bytes;
        if (!starts) {
            layout_write_unsigned(to, bytes);
            fwrite(reader->bytes + reader->at, 1, (size_t)bytes, to);
        } else if ((rewrite.to = open_memstream(&text, &size)) != NULL) {
            r = write_body(&rewrite);
            r = fclose(rewrite.to) != 0 ? -ENOMEM : r;
            layout_write_unsigned(to, size);
            fwrite(text, 1, size, to);
        } else {
            r = -ENOMEM;
        }
        reader->at += (size_t)bytes;
    }
    return r < 0 ? r : reader->failed ? -EINVAL : 0;
}

int layout_part_write(FILE *to, const struct layout_module *module,
                      const struct layout_section *section, const struct layout_place *place)
{
    struct layout_reader reader = read_section(module, section);

    switch (section->id) {
    case DYLINK:
        return write_dylink(to, &reader, place);
    case GLOBAL:
        return write_globals(to, module, &reader);
    case ELEMENT:
        return write_elements(to, module, place);
    case CODE:
        return write_code(to, module, place, &reader);
    default:
        return write_data(to, module, place);
    }
}
