/*
 * What of a module the translator gets to see. wasm2c 1.0.32 writes names of exports as they are
 * into comments of its C, so that an export named `... code ...` between an end and a start of a
 * comment would be native code in the library. No text of the module's author goes on, therefore:
 * exports that nobody calls are dropped, custom sections too, and the names of functions, which
 * traps show, are made anew of letters that mean nothing to C. (Names of imports are those of our
 * own list, byte for byte: wasm_imports.c.)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/build.h"
#include "build/wasm.h"

#define SECTION_CUSTOM 0
#define SECTION_IMPORT 2
#define SECTION_EXPORT 7
#define NAMES_OF_FUNCTIONS 1 /* the subsection of "name" */
#define NAME_MAX_KEPT 200

/* Bytes that grow. After a failure it stays failed, so that only the end need be looked at. */
struct bytes {
    uint8_t *data;
    size_t size, room;
    bool failed;
};

struct text {
    const char *text; /* in the module; NULL: none */
    uint32_t bytes;
};

struct rewrite {
    struct wasm_reader reader;
    const struct wasm_facts *facts;
    const struct wasm_links *links; /* NULL: it is not linked with others */
    /* Of each function: */
    struct text *named;    /* by the section "name" */
    struct text *exported; /* by an export that is not kept under its name */
    struct bytes out;
};

static void bytes_clear(struct bytes *bytes)
{
    free(bytes->data);
}

static void put(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->failed)
        return;
    if (size > bytes->room - bytes->size) {
        size_t room = (bytes->size + size) * 2;
        uint8_t *grown = realloc(bytes->data, room);
        if (!grown) {
            bytes->failed = true;
            return;
        }
        bytes->data = grown;
        bytes->room = room;
    }
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void put_byte(struct bytes *bytes, uint8_t value)
{
    put(bytes, &value, 1);
}

static void put_u32(struct bytes *bytes, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        put_byte(bytes, (uint8_t)(value | 0x80));
    put_byte(bytes, (uint8_t)value);
}

/* A vector or section: its count or size, then what is in it. */
static void put_counted(struct bytes *bytes, size_t count, const struct bytes *content)
{
    put_u32(bytes, (uint32_t)count);
    put(bytes, content->data, content->size);
    bytes->failed |= content->failed;
}

static void put_name(struct bytes *bytes, const char *name, uint32_t length)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$";
    uint32_t kept = length < NAME_MAX_KEPT ? length : NAME_MAX_KEPT;

    put_u32(bytes, kept);
    for (uint32_t i = 0; i < kept; i++)
        put_byte(bytes, name[i] && strchr(good, name[i]) ? (uint8_t)name[i] : '_');
}

/*
 * A function that only its export declares could no more be the operand of ref.func: where there
 * is that instruction such exports stay, once each, under names of ours.
 */
static bool put_declaring_export(struct rewrite *rewrite, struct bytes *exports, uint32_t function)
{
    char name[16];

    if (!rewrite->facts->has_ref_func || rewrite->exported[function].text)
        return false;
    snprintf(name, sizeof name, "f%u", function);
    put_name(exports, name, (uint32_t)strlen(name));
    put_byte(exports, 0);
    put_u32(exports, function);
    return true;
}

/* What eBPF and signals call is an element of the table, and parts add theirs: the shim must reach
 * it. */
static bool put_table_export(const struct rewrite *rewrite, struct bytes *exports)
{
    static const char name[] = "vireo_table";
    const struct wasm_facts *facts = rewrite->facts;

    if ((!facts->imports_bpf && !facts->has_handlers && !rewrite->links) || !facts->has_table)
        return false;
    put_name(exports, name, sizeof name - 1);
    put_byte(exports, 1);
    put_u32(exports, 0);
    return true;
}

static void put_export(struct bytes *exports, const char *name, uint8_t kind, uint32_t index)
{
    put_name(exports, name, (uint32_t)strlen(name));
    put_byte(exports, kind);
    put_u32(exports, index);
}

/* What others are linked to, under names of ours. How many. */
static uint32_t put_link_exports(const struct rewrite *rewrite, struct bytes *exports)
{
    const struct wasm_links *links = rewrite->links;
    uint32_t count = 0;
    char name[16];

    for (uint32_t i = 0; links && i < links->export_count; i++) {
        if (links->exports[i].kind != WASM_LINK_FUNCTION)
            continue;
        snprintf(name, sizeof name, "x%u", i);
        put_export(exports, name, 0, links->exports[i].index);
        count++;
    }
    if (links && links->has_stack && ++count)
        put_export(exports, "vireo_stack", 3, links->stack_global);
    if (links && links->has_constructors && ++count)
        put_export(exports, "_initialize", 0, links->constructors);
    return count;
}

static int export_section(struct rewrite *rewrite)
{
    struct wasm_reader *reader = &rewrite->reader;
    _cleanup_(bytes_clear) struct bytes exports = {0};
    _cleanup_(bytes_clear) struct bytes section = {0};
    uint32_t count, kept = 0;
    int r = wasm_u32(reader, "the exports", &count);

    for (uint32_t i = 0; r == 0 && i < count; i++) {
        size_t start = reader->at;
        const char *name;
        uint32_t bytes, index;
        uint8_t kind;
        r = wasm_name(reader, "an export's name", &name, &bytes);
        if (r == 0)
            r = wasm_byte(reader, "an export", &kind);
        if (r == 0)
            r = wasm_u32(reader, "an export", &index);
        if (r < 0)
            return r;
        if (wasm_export_is_known(name, bytes)) {
            put(&exports, reader->module + start, reader->at - start);
            kept++;
        } else if (kind == 0 && index < rewrite->facts->function_count) {
            kept += put_declaring_export(rewrite, &exports, index);
            if (!rewrite->exported[index].text)
                rewrite->exported[index] = (struct text){bytes ? name : "_", bytes ? bytes : 1};
        }
    }
    if (r < 0)
        return r;
    kept += put_table_export(rewrite, &exports);
    kept += put_link_exports(rewrite, &exports);
    put_counted(&section, kept, &exports);
    put_byte(&rewrite->out, SECTION_EXPORT);
    put_counted(&rewrite->out, section.size, &section);
    return 0;
}

/* What is wanted of others has names of ours; all else is as it was. */
static int import_section(struct rewrite *rewrite)
{
    struct wasm_reader *reader = &rewrite->reader;
    _cleanup_(bytes_clear) struct bytes section = {0};
    uint32_t count, number = 0, bytes, name_bytes, any;
    const char *module, *name;
    uint8_t kind, flags;
    char linked[16];
    int r = wasm_u32(reader, "the imports", &count);

    put_u32(&section, count);
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        size_t start = reader->at;
        r = wasm_name(reader, "an import's module", &module, &bytes);
        if (r == 0)
            r = wasm_name(reader, "an import's name", &name, &name_bytes);
        bool is_link = r == 0 && wasm_link_is_import(module, bytes);
        if (is_link) {
            put_name(&section, "link", strlen("link"));
            wasm_link_import_name(rewrite->links, number++, linked);
            put_name(&section, linked, (uint32_t)strlen(linked));
            start = reader->at;
        }
        if (r == 0)
            r = wasm_byte(reader, "an import", &kind);
        if (r == 0 && (kind == 1 || kind == 3))
            r = wasm_byte(reader, "an import", &flags);
        if (r == 0 && kind != 0)
            r = wasm_byte(reader, "an import", &flags);
        if (r == 0 && kind != 3)
            r = wasm_u32(reader, "an import", &any);
        if (r == 0 && (kind == 1 || kind == 2) && (flags & 1))
            r = wasm_u32(reader, "an import", &any);
        if (r == 0)
            put(&section, reader->module + start, reader->at - start);
    }
    if (r < 0)
        return r;
    put_byte(&rewrite->out, SECTION_IMPORT);
    put_counted(&rewrite->out, section.size, &section);
    return 0;
}

/* The names of functions out of the subsections of a section "name". */
static int name_section(struct rewrite *rewrite, struct wasm_reader *reader)
{
    const size_t end = reader->end;
    int r = 0;

    while (r == 0 && reader->at < end) {
        uint8_t id;
        uint32_t bytes, count = 0;
        r = wasm_byte(reader, "the names", &id);
        if (r == 0)
            r = wasm_u32(reader, "the names", &bytes);
        if (r == 0 && bytes > end - reader->at)
            r = -EINVAL;
        if (r < 0)
            return r;
        reader->end = reader->at + bytes;
        if (id == NAMES_OF_FUNCTIONS)
            r = wasm_u32(reader, "the names", &count);
        for (uint32_t i = 0; r == 0 && i < count; i++) {
            uint32_t index, length;
            r = wasm_u32(reader, "a name", &index);
            if (r == 0)
                r = wasm_u32(reader, "a name", &length);
            size_t start = reader->at;
            if (r == 0)
                r = wasm_skip(reader, "a name", length);
            if (r == 0 && length > 0 && index < rewrite->facts->function_count &&
                !rewrite->named[index].text)
                rewrite->named[index] = (struct text){(const char *)reader->module + start, length};
        }
        reader->at = reader->end;
        reader->end = end;
    }
    return r;
}

static int custom_section(struct rewrite *rewrite)
{
    struct err ignored = {0};
    struct wasm_reader reader = rewrite->reader;
    const char *name;
    uint32_t bytes;

    reader.err = &ignored;
    int r = wasm_name(&reader, "a custom section's name", &name, &bytes);
    /* No tool refuses a module for what its names are: those before the fault count. */
    if (r == 0 && bytes == strlen("name") && memcmp(name, "name", bytes) == 0)
        name_section(rewrite, &reader);
    return 0;
}

static void put_names(struct rewrite *rewrite)
{
    _cleanup_(bytes_clear) struct bytes names = {0};
    _cleanup_(bytes_clear) struct bytes subsection = {0};
    _cleanup_(bytes_clear) struct bytes section = {0};
    uint32_t count = 0;

    for (uint32_t i = 0; i < rewrite->facts->function_count; i++) {
        /* wasm2c takes the export's name for a function that has none: so do we. */
        const struct text *name =
            rewrite->named[i].text ? &rewrite->named[i] : &rewrite->exported[i];
        if (!name->text)
            continue;
        put_u32(&names, i);
        put_name(&names, name->text, name->bytes);
        count++;
    }
    if (count == 0)
        return;
    put_counted(&subsection, count, &names);
    put_name(&section, "name", strlen("name"));
    put_byte(&section, NAMES_OF_FUNCTIONS);
    put_counted(&section, subsection.size, &subsection);
    put_byte(&rewrite->out, SECTION_CUSTOM);
    put_counted(&rewrite->out, section.size, &section);
}

static int section(struct rewrite *rewrite, size_t file_end)
{
    struct wasm_reader *reader = &rewrite->reader;
    size_t start = reader->at;
    uint8_t id;

    int r = wasm_section(reader, &id);
    if (r < 0)
        return r;
    size_t end = reader->end;
    if (id == SECTION_CUSTOM)
        r = custom_section(rewrite);
    else if (id == SECTION_EXPORT)
        r = export_section(rewrite);
    else if (id == SECTION_IMPORT && rewrite->links)
        r = import_section(rewrite);
    else
        put(&rewrite->out, reader->module + start, end - start);
    reader->at = end;
    reader->end = file_end;
    return r;
}

static void rewrite_clear(struct rewrite *rewrite)
{
    free(rewrite->named);
    free(rewrite->exported);
    bytes_clear(&rewrite->out);
}

int wasm_rewrite(const uint8_t *module, size_t size, const struct wasm_facts *facts,
                 const char *where, void **ret_module, size_t *ret_size, struct err *err)
{
    return wasm_rewrite_linked(module, size, facts, NULL, where, ret_module, ret_size, err);
}

int wasm_rewrite_linked(const uint8_t *module, size_t size, const struct wasm_facts *facts,
                        const struct wasm_links *links, const char *where, void **ret_module,
                        size_t *ret_size, struct err *err)
{
    _cleanup_(rewrite_clear) struct rewrite rewrite = {
        .reader = {.module = module, .at = 8, .end = size, .where = where, .err = err},
        .facts = facts,
        .links = links,
        .named = calloc((size_t)facts->function_count + 1, sizeof *rewrite.named),
        .exported = calloc((size_t)facts->function_count + 1, sizeof *rewrite.exported),
    };
    int r = 0;

    if (!rewrite.named || !rewrite.exported)
        return err_set(err, -ENOMEM, "cannot use '%s'", where);
    if (size < 8)
        return wasm_refuse(&rewrite.reader, 0, "it is not a WebAssembly module");
    put(&rewrite.out, module, 8);
    while (r == 0 && rewrite.reader.at < size)
        r = section(&rewrite, size);
    if (r < 0)
        return r;
    put_names(&rewrite);
    if (rewrite.out.failed)
        return err_set(err, -ENOMEM, "cannot use '%s'", where);
    *ret_module = steal_ptr(&rewrite.out.data);
    *ret_size = rewrite.out.size;
    return 0;
}
