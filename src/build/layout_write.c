/* Writes a module that was placed: its sections as they were, but for data, table and memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/layout.h"

#define WASM_PAGE 65536u

void layout_put_leb(uint8_t *at, uint32_t value, bool is_signed)
{
    uint8_t last = (uint8_t)(value >> 28);

    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (7 * i) & 0x7f) | 0x80;
    at[4] = is_signed && (value & 0x80000000u) ? (last & 0x0f) | 0x70 : last & 0x0f;
}

void layout_write_unsigned(FILE *to, uint64_t value)
{
    do {
        fputc((int)((value & 0x7f) | (value > 0x7f ? 0x80 : 0)), to);
        value >>= 7;
    } while (value);
}

void layout_write_constant(FILE *to, uint32_t value)
{
    uint8_t leb[5];

    layout_put_leb(leb, value, true);
    fputc(0x41, to); /* i32.const */
    fwrite(leb, 1, sizeof leb, to);
    fputc(0x0b, to);
}

static int by_address(const void *a, const void *b)
{
    const struct layout_atom *one = *(const struct layout_atom *const *)a;
    const struct layout_atom *two = *(const struct layout_atom *const *)b;

    return (one->address > two->address) - (one->address < two->address);
}

static size_t data_count(const struct layout_module *module)
{
    size_t count = 0;

    for (size_t i = 0; i < module->atom_count; i++)
        count += module->segments[module->atoms[i].segment].at && module->atoms[i].size > 0;
    return count;
}

static void write_data(FILE *to, const struct layout_module *module)
{
    _cleanup_(freep) const struct layout_atom **order =
        calloc(module->atom_count + 1, sizeof(struct layout_atom *));

    if (!order)
        return; /* the count does not fit then, and the module is refused */
    for (size_t i = 0; i < module->atom_count; i++)
        order[i] = &module->atoms[i];
    qsort(order, module->atom_count, sizeof *order, by_address);
    layout_write_unsigned(to, data_count(module));
    for (size_t i = 0; i < module->atom_count; i++) {
        const struct layout_segment *segment = &module->segments[order[i]->segment];
        if (!segment->at || order[i]->size == 0)
            continue;
        fputc(0, to);
        layout_write_constant(to, order[i]->address);
        layout_write_unsigned(to, order[i]->size);
        fwrite(module->bytes + segment->at + order[i]->offset, 1, order[i]->size, to);
    }
}

/* The table in runs: an index whose function is gone stays empty. */
static void write_elements(FILE *to, const struct layout_module *module,
                           const struct layout_place *place)
{
    _cleanup_(freep) uint32_t *functions = calloc(place->table_size + 1, sizeof *functions);
    uint32_t runs = 0;

    if (!functions)
        return;
    for (uint32_t i = 1; i < module->element_count; i++)
        functions[place->index[i]] = module->elements[i] + 1;
    for (uint32_t i = 1; i < place->table_size; i++)
        runs += functions[i] && !functions[i - 1];
    layout_write_unsigned(to, runs);
    for (uint32_t i = 1, end; i < place->table_size; i = end) {
        end = i + 1;
        if (!functions[i])
            continue;
        while (end < place->table_size && functions[end])
            end++;
        fputc(0, to);
        layout_write_constant(to, i);
        layout_write_unsigned(to, end - i);
        for (uint32_t j = i; j < end; j++)
            layout_write_unsigned(to, functions[j] - 1);
    }
}

static void write_memory(FILE *to, const struct layout_module *module,
                         const struct layout_section *section, const struct layout_place *place)
{
    struct layout_reader reader = {
        .bytes = module->bytes, .at = section->at, .end = section->at + section->size};
    uint32_t pages = (place->slack_end + 16 + WASM_PAGE - 1) / WASM_PAGE;

    layout_write_unsigned(to, layout_unsigned(&reader));
    uint64_t flags = layout_unsigned(&reader);
    layout_unsigned(&reader);
    layout_write_unsigned(to, flags);
    layout_write_unsigned(to, pages > module->pages_min ? pages : module->pages_min);
    if (flags & 1) {
        uint64_t most = layout_unsigned(&reader);
        layout_write_unsigned(to, most < pages ? pages : most);
    }
}

static void write_table(FILE *to, const struct layout_place *place)
{
    layout_write_unsigned(to, 1);
    fputc(0x70, to); /* funcref */
    fputc(1, to);
    layout_write_unsigned(to, place->table_size);
    layout_write_unsigned(to, place->table_size);
}

/* One section; a custom one only if it names functions, or says what a part needs. */
static int write_section(FILE *to, const struct layout_module *module,
                         const struct layout_section *section, const struct layout_place *place)
{
    enum { TABLE = 4, MEMORY = 5, ELEMENT = 9, DATA = 11, DATA_COUNT = 12, PART };
    _cleanup_(freep) char *text = NULL;
    size_t size = 0;
    int r = 0;

    if (section->id == 0 && strcmp(section->name, "name") != 0 &&
        strcmp(section->name, LAYOUT_DYLINK) != 0)
        return 0;
    FILE *body = open_memstream(&text, &size);
    if (!body)
        return -ENOMEM;
    switch (module->part && layout_part_changes(section) ? PART : section->id) {
    case PART:
        r = layout_part_write(body, module, section, place);
        break;
    case TABLE:
        write_table(body, place);
        break;
    case MEMORY:
        write_memory(body, module, section, place);
        break;
    case ELEMENT:
        write_elements(body, module, place);
        break;
    case DATA:
        write_data(body, module);
        break;
    case DATA_COUNT:
        layout_write_unsigned(body, data_count(module));
        break;
    case 0:
        layout_write_unsigned(body, strlen(section->name));
        fputs(section->name, body);
        __attribute__((fallthrough));
    default:
        fwrite(module->bytes + section->at, 1, section->size, body);
    }
    if (fclose(body) != 0 || r < 0)
        return r < 0 ? r : -ENOMEM;
    fputc(section->id, to);
    layout_write_unsigned(to, size);
    fwrite(text, 1, size, to);
    return 0;
}

int layout_write(const struct layout_module *module, const struct layout_place *place,
                 void **ret_module, size_t *ret_size, struct err *err)
{
    char *text = NULL;
    int r = 0;

    FILE *to = open_memstream(&text, ret_size);
    if (!to)
        return err_set(err, -ENOMEM, "cannot lay the module out");
    fwrite(module->bytes, 1, 8, to);
    for (size_t i = 0; r == 0 && i < module->section_count; i++)
        r = write_section(to, module, &module->sections[i], place);
    if (fclose(to) != 0 || r < 0) {
        free(text);
        return err_set(err, r < 0 ? r : -ENOMEM, "cannot lay the module out");
    }
    *ret_module = text;
    return 0;
}
