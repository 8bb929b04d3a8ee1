/*
 * The check of a WebAssembly module before any tool sees it: header, sections in their order, and
 * what each declares (WebAssembly core specification 2.0, chapter 5; features by the numbers of
 * their proposals).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "build/build.h"
#include "build/wasm.h"

enum section {
    SECTION_CUSTOM = 0,
    SECTION_TYPE = 1,
    SECTION_IMPORT = 2,
    SECTION_FUNCTION = 3,
    SECTION_TABLE = 4,
    SECTION_MEMORY = 5,
    SECTION_GLOBAL = 6,
    SECTION_EXPORT = 7,
    SECTION_START = 8,
    SECTION_ELEMENT = 9,
    SECTION_CODE = 10,
    SECTION_DATA = 11,
    SECTION_DATA_COUNT = 12,
    SECTION_TAG = 13,
};

static int value_types(struct wasm_check *check, const char *what, uint32_t *ret_at,
                       uint16_t *ret_count)
{
    uint32_t count;
    uint8_t type;
    int r = wasm_count(&check->reader, what, WASM_SIGNATURE_MAX, &count);

    *ret_at = (uint32_t)check->reader.at;
    *ret_count = (uint16_t)count;
    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = wasm_value_type(&check->reader, &type);
    return r;
}

static int type_section(struct wasm_check *check)
{
    struct wasm_reader *reader = &check->reader;
    uint32_t count;
    int r = wasm_count(reader, "the types", WASM_TYPES_MAX, &count);

    if (r < 0)
        return r;
    check->module.types = calloc(count + 1, sizeof *check->module.types);
    if (!check->module.types)
        return err_set(reader->err, -ENOMEM, "cannot use '%s'", reader->where);
    for (uint32_t i = 0; i < count; i++) {
        struct wasm_type *type = &check->module.types[i];
        uint8_t form;
        r = wasm_byte(reader, "a type", &form);
        if (r < 0)
            return r;
        if (form == 0x4e || form == 0x4f || form == 0x50 || form == 0x5e || form == 0x5f)
            return wasm_refuse_feature(reader, reader->at - 1, "garbage collection",
                                       "type form 0x%02x", form);
        if (form != 0x60)
            return wasm_refuse(reader, reader->at - 1, "there is an unknown type form 0x%02x",
                               form);
        r = value_types(check, "parameters", &type->params_at, &type->param_count);
        if (r == 0)
            r = value_types(check, "results", &type->results_at, &type->result_count);
        if (r < 0)
            return r;
    }
    check->module.type_count = count;
    return 0;
}

/* Appends a function with a type; room was made for the whole section. */
static int function_add(struct wasm_check *check)
{
    struct wasm_module *module = &check->module;
    size_t start = check->reader.at;
    uint32_t type;
    int r = wasm_u32(&check->reader, "a function's type", &type);

    if (r < 0)
        return r;
    if (type >= module->type_count)
        return wasm_refuse(&check->reader, start, "there is no type %u", type);
    module->functions[module->function_count++] = type;
    return 0;
}

static int functions_reserve(struct wasm_check *check, uint32_t more)
{
    size_t count = (size_t)check->module.function_count + more;
    uint32_t *grown = realloc(check->module.functions, (count + 1) * sizeof *grown);

    if (!grown)
        return err_set(check->reader.err, -ENOMEM, "cannot use '%s'", check->reader.where);
    check->module.functions = grown;
    return 0;
}

/* Remembers which modules are imported. wasm_import_check() lets few through, so this is short. */
static void imported_module_note(struct wasm_check *check, const char *name, uint32_t bytes)
{
    uint32_t count = check->facts.import_module_count;

    for (uint32_t i = 0; i < count; i++)
        if (check->imported_bytes[i] == bytes && memcmp(check->imported[i], name, bytes) == 0)
            return;
    if (count == ARRAY_LEN(check->imported))
        return;
    check->imported[count] = name;
    check->imported_bytes[count] = bytes;
    check->facts.import_module_count++;
    if (bytes == strlen("vireo"))
        check->facts.imports_vireo = true;
    else if (bytes == strlen("wasm_bpf") || bytes == strlen("vireo_bpf") ||
             bytes == strlen("callback-wrapper") || bytes == strlen("env"))
        check->facts.imports_bpf = true;
    else
        check->facts.imports_wasi = true;
}

/* Flags, minimum and maximum of a memory or table. */
static int limits_read(struct wasm_check *check, const char *what, uint32_t max, uint32_t *ret_min,
                       uint32_t *ret_max)
{
    struct wasm_reader *reader = &check->reader;
    size_t start = reader->at;
    uint8_t flags;
    uint32_t low, high = max;
    int r = wasm_byte(reader, what, &flags);

    if (r < 0)
        return r;
    if (flags & 0x04)
        return wasm_refuse_feature(reader, start, "memory64", "a 64-bit %s", what);
    if (flags & 0x02)
        return wasm_refuse_feature(reader, start, "threads", "a shared %s", what);
    if (flags & 0x08)
        return wasm_refuse_feature(reader, start, "custom page sizes", "flags 0x%02x", flags);
    if (flags > 1)
        return wasm_refuse(reader, start, "there are unknown flags 0x%02x of a %s", flags, what);
    r = wasm_u32(reader, what, &low);
    if (r == 0 && (flags & 1))
        r = wasm_u32(reader, what, &high);
    if (r < 0)
        return r;
    if (low > max || low > high)
        return wasm_refuse(reader, start, "a %s of %u is too large", what, low);
    *ret_min = low;
    *ret_max = high < max ? high : max;
    return 0;
}

/* The features that come with an imported memory or table are named; wasi-threads modules bring
 * their memory so. 0: there is none. */
static int import_feature_check(struct wasm_check *check, uint8_t kind)
{
    uint32_t low, high;
    int r = 0;

    if (kind == 1) {
        r = wasm_reference_type(&check->reader);
        if (r == 0)
            r = limits_read(check, "table", UINT32_MAX, &low, &high);
    } else if (kind == 2) {
        r = limits_read(check, "memory", UINT32_MAX, &low, &high);
    }
    return r;
}

static int import_read(struct wasm_check *check)
{
    static const char *const kinds[] = {"function", "table", "memory", "global", "tag"};
    struct wasm_reader *reader = &check->reader;
    size_t start = reader->at;
    const char *module, *name;
    uint32_t module_bytes, name_bytes;
    uint8_t kind;

    int r = wasm_name(reader, "an import's module", &module, &module_bytes);
    if (r == 0)
        r = wasm_name(reader, "an import's name", &name, &name_bytes);
    if (r == 0)
        r = wasm_byte(reader, "an import", &kind);
    if (r < 0)
        return r;
    if (kind == 4)
        return wasm_refuse_feature(reader, start, "exceptions", "an imported tag");
    if (check->links && wasm_link_is_import(module, module_bytes)) {
        r = kind == 0 ? function_add(check) : 0;
        return r < 0 ? r
                     : wasm_link_import(check, start, module, module_bytes, name, name_bytes, kind);
    }
    r = import_feature_check(check, kind);
    if (r < 0)
        return r;
    if (kind != 0)
        return wasm_refuse(reader, start,
                           "it imports '%s.%s', a %s (only functions may be imported)",
                           wasm_show(module, module_bytes).text, wasm_show(name, name_bytes).text,
                           kind < ARRAY_LEN(kinds) ? kinds[kind] : "thing of unknown kind");
    r = function_add(check);
    if (r < 0)
        return r;
    uint32_t type = check->module.functions[check->module.function_count - 1];
    r = wasm_import_check(reader, start, module, module_bytes, name, name_bytes,
                          &check->module.types[type]);
    if (r == 0)
        imported_module_note(check, module, module_bytes);
    if (r == 0 && module_bytes == strlen("vireo") && name_bytes == strlen("signal") &&
        memcmp(name, "signal", name_bytes) == 0)
        check->facts.has_handlers = true;
    return r;
}

static int import_section(struct wasm_check *check)
{
    uint32_t count;
    int r = wasm_count(&check->reader, "the imports", WASM_IMPORTS_MAX, &count);

    if (r == 0)
        r = functions_reserve(check, count);
    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = import_read(check);
    check->module.import_count = check->module.function_count;
    return r;
}

static int function_section(struct wasm_check *check)
{
    uint32_t count;
    int r = wasm_count(&check->reader, "the functions", WASM_DEFINED_MAX, &count);

    if (r == 0)
        r = functions_reserve(check, count);
    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = function_add(check);
    return r;
}

static int table_section(struct wasm_check *check)
{
    struct wasm_reader *reader = &check->reader;
    uint32_t count, low, high;
    int r = wasm_count(reader, "the tables", WASM_SIGNATURE_MAX, &count);

    for (uint32_t i = 0; r == 0 && i < count; i++) {
        if (reader->at < reader->end && reader->module[reader->at] == 0x40)
            return wasm_refuse_feature(reader, reader->at, "typed function references",
                                       "a table with an initial value");
        if (i == 0 && reader->at < reader->end)
            check->facts.has_table = reader->module[reader->at] == WASM_FUNCREF;
        r = wasm_reference_type(reader);
        if (r == 0)
            r = limits_read(check, "table", UINT32_MAX, &low, &high);
        if (r == 0 && low > WASM_TABLE_MAX)
            return wasm_refuse(reader, reader->at,
                               "a table of %u elements is too large (the limit is %u)", low,
                               WASM_TABLE_MAX);
    }
    check->module.table_count = r == 0 ? check->module.table_count + count : 0;
    return r;
}

static int memory_section(struct wasm_check *check)
{
    struct wasm_reader *reader = &check->reader;
    size_t start = reader->at;
    uint32_t count;
    int r = wasm_count(reader, "the memories", UINT32_MAX, &count);

    if (r < 0)
        return r;
    if (count > 1)
        return wasm_refuse_feature(reader, start, "multiple memories", "%u memories", count);
    if (count == 1 && check->module.memory_count == 1)
        return wasm_refuse_feature(reader, start, "multiple memories",
                                   "one that is imported and one of its own");
    if (count == 1) {
        size_t limits_at = reader->at;
        r = limits_read(check, "memory", UINT32_MAX, &check->facts.memory_pages_min,
                        &check->facts.memory_pages_max);
        if (r < 0)
            return r;
        /* The specification refuses more than 4 GiB as a maximum too; tools write 65536. */
        if (check->facts.memory_pages_min > WASM_PAGES_MAX)
            return wasm_refuse(reader, limits_at, "a memory of %u pages is too large",
                               check->facts.memory_pages_min);
        if (check->facts.memory_pages_max > WASM_PAGES_MAX)
            check->facts.memory_pages_max = WASM_PAGES_MAX;
    }
    check->module.memory_count += count;
    return 0;
}

static int global_section(struct wasm_check *check)
{
    struct wasm_reader *reader = &check->reader;
    uint32_t count;
    int r = wasm_count(reader, "the globals", WASM_FUNCTIONS_MAX, &count);

    for (uint32_t i = 0; r == 0 && i < count; i++) {
        uint8_t type, mutable;
        r = wasm_value_type(reader, &type);
        if (r == 0)
            r = wasm_byte(reader, "a global", &mutable);
        if (r < 0)
            return r;
        if (mutable & 0x02)
            return wasm_refuse_feature(reader, reader->at - 1, "threads", "a shared global");
        if (mutable > 1)
            return wasm_refuse(reader, reader->at - 1, "there are unknown flags 0x%02x of a global",
                               mutable);
        size_t at = reader->at;
        r = wasm_constant(reader, &check->module);
        if (r == 0 && check->links)
            r = wasm_link_global(check, at);
    }
    return r;
}

static int function_index(struct wasm_check *check)
{
    size_t start = check->reader.at;
    uint32_t index;
    int r = wasm_u32(&check->reader, "a function index", &index);

    if (r == 0 && index >= check->module.function_count)
        return wasm_refuse(&check->reader, start, "there is no function %u", index);
    return r;
}

static int start_section(struct wasm_check *check)
{
    check->facts.has_start_section = true;
    return function_index(check);
}

/* Flags of a segment: bit 0 passive or declared, bit 1 a table index, bit 2 expressions. */
static int element_read(struct wasm_check *check)
{
    struct wasm_reader *reader = &check->reader;
    size_t start = reader->at;
    uint32_t flags, table = 0, count;
    int r = wasm_u32(reader, "an element segment", &flags);

    if (r < 0)
        return r;
    if (flags > 7)
        return wasm_refuse(reader, start, "there are unknown flags %u of an element segment",
                           flags);
    bool active = !(flags & 1);
    bool expressions = flags & 4;
    if (active && (flags & 2))
        r = wasm_u32(reader, "an element segment", &table);
    if (r < 0)
        return r;
    if (active && table >= check->module.table_count)
        return wasm_refuse(reader, start, "there is no table %u", table);
    if (active)
        r = wasm_constant(reader, &check->module);
    if (r == 0 && (flags & 3) != 0) {
        uint8_t kind;
        if (expressions) {
            r = wasm_reference_type(reader);
        } else {
            r = wasm_byte(reader, "an element segment", &kind);
            if (r == 0 && kind != 0)
                return wasm_refuse(reader, reader->at - 1,
                                   "there is an unknown element kind 0x%02x", kind);
        }
    }
    if (r == 0)
        r = wasm_count(reader, "an element segment", WASM_TABLE_MAX, &count);
    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = expressions ? wasm_constant(reader, &check->module) : function_index(check);
    return r;
}

static int element_section(struct wasm_check *check)
{
    uint32_t count;
    int r = wasm_count(&check->reader, "the element segments", WASM_FUNCTIONS_MAX, &count);

    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = element_read(check);
    return r;
}

static int code_section(struct wasm_check *check)
{
    struct wasm_reader *reader = &check->reader;
    const struct wasm_module *module = &check->module;
    size_t start = reader->at;
    size_t section_end = reader->end;
    uint32_t count;
    int r = wasm_count(reader, "the code", WASM_DEFINED_MAX, &count);

    if (r < 0)
        return r;
    if (count != module->function_count - module->import_count)
        return wasm_refuse(reader, start, "%u functions are declared and %u have code",
                           module->function_count - module->import_count, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bytes;
        r = wasm_u32(reader, "a function's size", &bytes);
        if (r < 0)
            return r;
        if (bytes > section_end - reader->at)
            return wasm_refuse(reader, reader->at, "a function of %u bytes ends behind the code",
                               bytes);
        reader->end = reader->at + bytes;
        r = wasm_body(reader, module, &module->types[module->functions[module->import_count + i]]);
        reader->end = section_end;
        if (r < 0)
            return r;
    }
    check->code_count = count;
    return 0;
}

static int data_section(struct wasm_check *check)
{
    struct wasm_reader *reader = &check->reader;
    uint32_t count;
    int r = wasm_count(reader, "the data segments", WASM_FUNCTIONS_MAX, &count);

    for (uint32_t i = 0; r == 0 && i < count; i++) {
        size_t start = reader->at;
        uint32_t flags, memory = 0, bytes;
        r = wasm_u32(reader, "a data segment", &flags);
        if (r < 0)
            return r;
        if (flags > 2)
            return wasm_refuse(reader, start, "there are unknown flags %u of a data segment",
                               flags);
        if (flags == 2)
            r = wasm_u32(reader, "a data segment", &memory);
        if (r == 0 && memory != 0)
            return wasm_refuse_feature(reader, start, "multiple memories", "data for memory %u",
                                       memory);
        if (r == 0 && flags != 1 && check->module.memory_count == 0)
            return wasm_refuse(reader, start, "there is data and no memory");
        if (r == 0 && flags != 1)
            r = wasm_constant(reader, &check->module);
        if (r == 0)
            r = wasm_u32(reader, "a data segment", &bytes);
        if (r == 0)
            r = wasm_skip(reader, "a data segment", bytes);
    }
    check->data_count = r == 0 ? count : 0;
    return r;
}

static int data_count_section(struct wasm_check *check)
{
    check->data_is_announced = true;
    return wasm_u32(&check->reader, "the data count", &check->data_announced);
}

static int custom_section(struct wasm_check *check)
{
    const char *name;
    uint32_t bytes;

    if (check->links)
        wasm_link_custom(check);
    int r = wasm_name(&check->reader, "a custom section's name", &name, &bytes);
    check->reader.at = r == 0 ? check->reader.end : check->reader.at;
    return r;
}

static int tag_section(struct wasm_check *check)
{
    return wasm_refuse_feature(&check->reader, check->reader.at, "exceptions", "the tag section");
}

/* A section's reader and its place in the file: the numbers of the later ones are out of order. */
static const struct {
    int (*read)(struct wasm_check *check);
    uint8_t order;
} sections[] = {
    [SECTION_CUSTOM] = {custom_section, 0},
    [SECTION_TYPE] = {type_section, 1},
    [SECTION_IMPORT] = {import_section, 2},
    [SECTION_FUNCTION] = {function_section, 3},
    [SECTION_TABLE] = {table_section, 4},
    [SECTION_MEMORY] = {memory_section, 5},
    [SECTION_TAG] = {tag_section, 6},
    [SECTION_GLOBAL] = {global_section, 7},
    [SECTION_EXPORT] = {wasm_export_section, 8},
    [SECTION_START] = {start_section, 9},
    [SECTION_ELEMENT] = {element_section, 10},
    [SECTION_DATA_COUNT] = {data_count_section, 11},
    [SECTION_CODE] = {code_section, 12},
    [SECTION_DATA] = {data_section, 13},
};

static int section_read(struct wasm_check *check, size_t file_end, uint8_t *order)
{
    struct wasm_reader *reader = &check->reader;
    size_t start = reader->at;
    uint8_t id;

    int r = wasm_section(reader, &id);
    if (r < 0)
        return r;
    if (id >= ARRAY_LEN(sections))
        return wasm_refuse(reader, start, "there is an unknown section %u", id);
    if (id != SECTION_CUSTOM) {
        if (sections[id].order <= *order)
            return wasm_refuse(reader, start, "section %u is twice there or out of order", id);
        *order = sections[id].order;
    }
    r = sections[id].read(check);
    if (r < 0)
        return r;
    if (reader->at != reader->end)
        return wasm_refuse(reader, reader->at, "section %u goes on behind its end", id);
    reader->end = file_end;
    return 0;
}

static int header_read(struct wasm_check *check)
{
    struct wasm_reader *reader = &check->reader;
    const uint8_t *p = reader->module;

    if (reader->end > WASM_MAX_BYTES)
        return err_say(reader->err, -EFBIG, "cannot use '%s': it is longer than %u MiB",
                       reader->where, WASM_MAX_BYTES >> 20);
    if (reader->end < 8 || memcmp(p, "\0asm", 4) != 0)
        return wasm_refuse(reader, 0, "it is not a WebAssembly module: no \\0asm");
    if (p[6] == 1 && p[7] == 0)
        return wasm_refuse_feature(reader, 4, "the component model", "layer 1");
    if (memcmp(p + 4, "\1\0\0\0", 4) != 0)
        return wasm_refuse(reader, 4, "its WebAssembly version is not 1");
    reader->at = 8;
    return 0;
}

/* What only the whole file shows. */
static int module_complete(struct wasm_check *check)
{
    struct wasm_reader *reader = &check->reader;
    const struct wasm_module *module = &check->module;
    bool some = check->has_request_buffer || check->has_handle || check->has_answer_buffer;

    if (check->code_count != module->function_count - module->import_count)
        return wasm_refuse(reader, reader->at, "functions are declared and have no code");
    if (check->data_is_announced && check->data_announced != check->data_count)
        return wasm_refuse(reader, reader->at, "%u data segments are announced and %u are there",
                           check->data_announced, check->data_count);
    check->facts.has_ref_func = reader->ref_func_seen;
    check->facts.function_count = module->function_count;
    check->facts.has_handler_exports =
        check->has_request_buffer && check->has_handle && check->has_answer_buffer;
    if (some && !check->facts.has_handler_exports)
        return wasm_refuse(reader, reader->at,
                           "it exports some but not all of vireo_request_buffer, vireo_handle and "
                           "vireo_answer_buffer");
    if (!check->facts.has_memory_export && !(check->links && check->links->part))
        return wasm_refuse(reader, reader->at, "it does not export its memory as 'memory'");
    return 0;
}

int wasm_check_linked(const uint8_t *module, size_t size, const char *where,
                      struct wasm_links *links, struct wasm_facts *ret_facts, struct err *err)
{
    struct wasm_check check = {
        .reader = {.module = module, .end = size, .where = where, .err = err},
        .links = links,
    };
    uint8_t order = 0;
    int r = header_read(&check);

    while (r == 0 && check.reader.at < size)
        r = section_read(&check, size, &order);
    if (r == 0)
        r = module_complete(&check);
    if (r == 0)
        *ret_facts = check.facts;
    free(check.module.types);
    free(check.module.functions);
    return r;
}

int wasm_check(const uint8_t *module, size_t size, const char *where, struct wasm_facts *ret_facts,
               struct err *err)
{
    return wasm_check_linked(module, size, where, NULL, ret_facts, err);
}
