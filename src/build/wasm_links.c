/*
 * What a module wants of other modules and has for them, when it is one that is linked: a program
 * that calls libraries, or such a library ("part"), by clang's convention for dynamic linking. All
 * that is found here is made into C of ours, which binds it; of its author's text only plain names
 * get there, in quotes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/build.h"
#include "build/wasm.h"

#define DYLINK "dylink.0"
#define DYLINK_MEMORY 1 /* its subsection of sizes */
#define ALIGN_MAX 16    /* as a logarithm: a page of 64 KiB */

void wasm_links_clear(struct wasm_links *links)
{
    free(links->imports);
    free(links->exports);
    free(links->globals);
    *links = (struct wasm_links){0};
}

static bool is_text(const char *name, uint32_t bytes, const char *wanted)
{
    return bytes == strlen(wanted) && memcmp(name, wanted, bytes) == 0;
}

bool wasm_link_is_import(const char *module, uint32_t module_bytes)
{
    return is_text(module, module_bytes, "env") || is_text(module, module_bytes, "GOT.mem") ||
           is_text(module, module_bytes, "GOT.func");
}

/* What C can say in quotes. */
static bool is_plain(const char *name, uint32_t bytes)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

    if (bytes == 0 || bytes >= sizeof((struct wasm_link *)0)->name)
        return false;
    for (uint32_t i = 0; i < bytes; i++)
        if (!name[i] || !strchr(letters, name[i]))
            return false;
    return true;
}

/* A new last one of a list that doubles. NULL: no memory. */
static struct wasm_link *append(struct wasm_link **list, uint32_t *count, const char *name,
                                uint32_t bytes)
{
    if ((*count & (*count - 1)) == 0) {
        struct wasm_link *grown = realloc(*list, (*count ? *count * 2 : 1) * sizeof *grown);
        if (!grown)
            return NULL;
        *list = grown;
    }
    struct wasm_link *link = &(*list)[(*count)++];
    *link = (struct wasm_link){0};
    memcpy(link->name, name, bytes);
    return link;
}

/* ---- imports ---- */

/* What of the program a part uses, and how it must be declared: flags of a table or memory are
 * bounded by what wasm2c makes of them; of a global: type and whether it changes. */
static const struct {
    const char *name;
    uint8_t kind;
    uint8_t changes;
    enum wasm_link_kind link;
} programs[] = {
    {"__indirect_function_table", 1, 0, WASM_LINK_TABLE},
    {"memory", 2, 0, WASM_LINK_MEMORY},
    {"__stack_pointer", 3, 1, WASM_LINK_STACK},
    {"__memory_base", 3, 0, WASM_LINK_MEMORY_BASE},
    {"__table_base", 3, 0, WASM_LINK_TABLE_BASE},
};

static int refuse(struct wasm_check *check, size_t start, const char *name, uint32_t bytes)
{
    return wasm_refuse(&check->reader, start,
                       "it imports '%s' of others in a way that is not known",
                       wasm_show(name, bytes).text);
}

/* Flags, minimum and, if there is one, maximum. */
static int read_limits(struct wasm_check *check, size_t start)
{
    uint32_t any;
    uint8_t flags;
    int r = wasm_byte(&check->reader, "an import", &flags);

    if (r == 0 && flags > 1)
        return wasm_refuse(&check->reader, start, "there are flags 0x%02x of an import", flags);
    if (r == 0)
        r = wasm_u32(&check->reader, "an import", &any);
    if (r == 0 && flags)
        r = wasm_u32(&check->reader, "an import", &any);
    return r;
}

static int note_global(struct wasm_check *check, uint64_t value)
{
    struct wasm_links *links = check->links;

    if ((links->global_count & (links->global_count - 1)) == 0) {
        uint32_t room = links->global_count ? links->global_count * 2 : 1;
        uint64_t *grown = realloc(links->globals, room * sizeof *grown);
        if (!grown)
            return err_set(check->reader.err, -ENOMEM, "cannot use '%s'", check->reader.where);
        links->globals = grown;
    }
    links->globals[links->global_count++] = value;
    return 0;
}

/* An i32 that changes or not. */
static int read_global(struct wasm_check *check, size_t start, const char *name, uint32_t bytes,
                       bool changes)
{
    uint8_t type, is_mutable;
    int r = wasm_byte(&check->reader, "an import", &type);

    if (r == 0)
        r = wasm_byte(&check->reader, "an import", &is_mutable);
    if (r == 0 && (type != WASM_I32 || is_mutable != changes))
        return refuse(check, start, name, bytes);
    return r < 0 ? r : note_global(check, UINT64_MAX);
}

static int read_programs(struct wasm_check *check, size_t start, const char *name, uint32_t bytes,
                         uint8_t kind, struct wasm_link *link)
{
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        if (kind != programs[i].kind || !is_text(name, bytes, programs[i].name))
            continue;
        for (uint32_t k = 0; k + 1 < check->links->import_count; k++)
            if (check->links->imports[k].kind == programs[i].link)
                return wasm_refuse(&check->reader, start, "it imports '%s' twice",
                                   programs[i].name);
        link->kind = programs[i].link;
        int r = 0;
        if (kind == 3)
            return read_global(check, start, name, bytes, programs[i].changes);
        if (kind == 1)
            r = wasm_reference_type(&check->reader);
        if (r == 0 && kind == 1 && check->reader.module[check->reader.at - 1] != WASM_FUNCREF)
            return refuse(check, start, name, bytes);
        check->module.table_count += kind == 1;
        check->module.memory_count += kind == 2;
        check->links->part |= kind == 2;
        return r < 0 ? r : read_limits(check, start);
    }
    return refuse(check, start, name, bytes);
}

/* One pointer of instantiate() is for all of them. */
static void note_module(struct wasm_check *check)
{
    struct wasm_facts *facts = &check->facts;

    if (check->links->import_count == 1 &&
        facts->import_module_count < ARRAY_LEN(check->imported)) {
        check->imported[facts->import_module_count] = "";
        check->imported_bytes[facts->import_module_count++] = 0;
    }
}

int wasm_link_import(struct wasm_check *check, size_t start, const char *module,
                     uint32_t module_bytes, const char *name, uint32_t name_bytes, uint8_t kind)
{
    struct wasm_links *links = check->links;
    bool table = is_text(module, module_bytes, "GOT.func");

    if (!is_plain(name, name_bytes))
        return refuse(check, start, name, name_bytes);
    if (links->import_count == WASM_LINKS_MAX)
        return wasm_refuse(&check->reader, start, "it imports more than %d things", WASM_LINKS_MAX);
    struct wasm_link *link = append(&links->imports, &links->import_count, name, name_bytes);
    if (!link)
        return err_set(check->reader.err, -ENOMEM, "cannot use '%s'", check->reader.where);
    note_module(check);
    if (table || is_text(module, module_bytes, "GOT.mem")) {
        link->kind = table ? WASM_LINK_ADDRESS : WASM_LINK_DATA;
        return kind == 3 ? read_global(check, start, name, name_bytes, true)
                         : refuse(check, start, name, name_bytes);
    }
    if (kind != 0)
        return read_programs(check, start, name, name_bytes, kind, link);
    uint32_t type = check->module.functions[check->module.function_count - 1];
    link->kind = WASM_LINK_FUNCTION;
    if (!wasm_type_text(&check->reader, &check->module.types[type], link->type, sizeof link->type))
        return wasm_refuse(&check->reader, start,
                           "it imports '%s' with a type that can't be linked", link->name);
    return 0;
}

void wasm_link_import_name(const struct wasm_links *links, uint32_t i, char name[16])
{
    static const char *const names[] = {
        [WASM_LINK_MEMORY] = "memory",         [WASM_LINK_TABLE] = "table",
        [WASM_LINK_STACK] = "stack",           [WASM_LINK_MEMORY_BASE] = "memory_base",
        [WASM_LINK_TABLE_BASE] = "table_base",
    };
    enum wasm_link_kind kind = i < links->import_count ? links->imports[i].kind : WASM_LINK_DATA;

    if (kind >= WASM_LINK_MEMORY)
        snprintf(name, 16, "%s", names[kind]);
    else
        snprintf(name, 16, "%c%u", kind == WASM_LINK_FUNCTION ? 'f' : 'g', i);
}

/* ---- exports ---- */

int wasm_link_global(struct wasm_check *check, size_t at)
{
    struct err ignored = {0};
    struct wasm_reader reader = check->reader;
    uint64_t known = UINT64_MAX;
    int64_t value;
    uint8_t op;

    reader.at = at;
    reader.err = &ignored;
    if (wasm_byte(&reader, "a global", &op) == 0 && op == 0x41 &&
        wasm_signed(&reader, "a global", 32, &value) == 0)
        known = (uint32_t)value;
    return note_global(check, known);
}

int wasm_link_export(struct wasm_check *check, const char *name, uint32_t bytes, uint8_t kind,
                     uint32_t index)
{
    struct wasm_links *links = check->links;
    const struct wasm_type *type = NULL;
    char text[sizeof links->exports->type];

    if (kind == 0)
        type = &check->module.types[check->module.functions[index]];
    if (kind == 3 && is_text(name, bytes, "__stack_pointer")) {
        links->has_stack = true;
        links->stack_global = index;
        return 0;
    }
    if (type && links->part && is_text(name, bytes, "__wasm_call_ctors") &&
        wasm_type_is(&check->reader, type, "", "")) {
        links->has_constructors = check->facts.has_initialize_export = true;
        links->constructors = index;
        return 0;
    }
    bool variable = kind == 3 && index < links->global_count &&
                    links->globals[index] != UINT64_MAX && (links->part || !links->variables_move);
    /* What can't be linked is the module's own business. */
    if ((!variable && !(type && wasm_type_text(&check->reader, type, text, sizeof text))) ||
        !is_plain(name, bytes) || links->export_count == WASM_LINKS_MAX)
        return 0;
    struct wasm_link *link = append(&links->exports, &links->export_count, name, bytes);
    if (!link)
        return err_set(check->reader.err, -ENOMEM, "cannot use '%s'", check->reader.where);
    link->kind = variable ? WASM_LINK_DATA : WASM_LINK_FUNCTION;
    link->index = index;
    if (variable)
        link->value = (uint32_t)links->globals[index];
    else
        memcpy(link->type, text, sizeof text);
    return 0;
}

void wasm_link_custom(struct wasm_check *check)
{
    struct err ignored = {0};
    struct wasm_reader reader = check->reader;
    uint32_t bytes, size, numbers[4];
    const char *name;
    uint8_t id;

    reader.err = &ignored;
    if (wasm_name(&reader, "a name", &name, &bytes) < 0 || !is_text(name, bytes, DYLINK) ||
        wasm_byte(&reader, "sizes", &id) < 0 || wasm_u32(&reader, "sizes", &size) < 0 ||
        id != DYLINK_MEMORY)
        return;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (wasm_u32(&reader, "sizes", &numbers[i]) < 0)
            return;
    if (numbers[1] > ALIGN_MAX || numbers[2] > WASM_TABLE_MAX)
        return;
    check->links->memory_bytes = numbers[0];
    check->links->memory_align = numbers[1];
    check->links->table_elements = numbers[2];
}

/* ---- the C that binds it ---- */

static const char *c_type(char letter)
{
    return letter == 'i' ? "u32" : letter == 'I' ? "u64" : letter == 'f' ? "f32" : "f64";
}

/* "u32 (*)(void *, u64)", or with names of the parameters for a definition. */
static void put_signature(FILE *out, const char *type, const char *between, bool named)
{
    const char *results = strchr(type, ':') + 1;

    fprintf(out, "%s%s", *results ? c_type(*results) : "void", between);
    for (const char *at = type; *at != ':'; at++) {
        fprintf(out, ", %s", c_type(*at));
        if (named)
            fprintf(out, " p%td", at - type);
    }
    fputc(')', out);
}

/* Each function that it wants calls whatever its slot was bound to. */
static void put_calls(FILE *out, const struct wasm_links *links)
{
    uint32_t slot = 0;

    for (uint32_t i = 0; i < links->import_count; i++) {
        const struct wasm_link *link = &links->imports[i];
        char between[64];
        if (link->kind != WASM_LINK_FUNCTION)
            continue;
        snprintf(between, sizeof between, " Z_linkZ_f%u(struct Z_link_instance_t *host", i);
        put_signature(out, link->type, between, true);
        fprintf(out,
                "\n{\n    struct library_slot *slot = &slots[%u];\n"
                "    if (__builtin_expect(!slot->function, 0))\n"
                "        vireo_link_bind(host, slot, __builtin_return_address(0));\n    %s((",
                slot++, strchr(link->type, ':')[1] ? "return " : "");
        put_signature(out, link->type, " (*)(void *", false);
        fputs(")slot->function)(slot->instance", out);
        for (const char *at = link->type; *at != ':'; at++)
            fprintf(out, ", p%td", at - link->type);
        fputs(");\n}\n", out);
    }
}

/* What of the program it uses, and the addresses that it wants. */
static void put_places(FILE *out, const struct wasm_links *links)
{
    static const struct {
        const char *type, *value;
    } places[] = {
        [WASM_LINK_MEMORY] = {"wasm_rt_memory_t *", "place.memory"},
        [WASM_LINK_TABLE] = {"wasm_rt_funcref_table_t *", "place.table"},
        [WASM_LINK_STACK] = {"u32 *", "place.stack"},
        [WASM_LINK_MEMORY_BASE] = {"u32 *", "&place.memory_base"},
        [WASM_LINK_TABLE_BASE] = {"u32 *", "&place.table_base"},
    };
    uint32_t address = 0;
    char name[16];

    for (uint32_t i = 0; i < links->import_count; i++) {
        enum wasm_link_kind kind = links->imports[i].kind;
        wasm_link_import_name(links, i, name);
        if (kind >= WASM_LINK_MEMORY)
            fprintf(out, "%sZ_linkZ_%s(struct Z_link_instance_t *host)\n{\n    return %s;\n}\n",
                    places[kind].type, name, places[kind].value);
        else if (kind != WASM_LINK_FUNCTION)
            fprintf(out,
                    "u32 *Z_linkZ_%s(struct Z_link_instance_t *host)\n{\n"
                    "    return &addresses[%u].value;\n}\n",
                    name, address++);
    }
}

/* After an update the program's memory, table and stack pointer are another instance's. */
static void put_move(FILE *out, const struct wasm_links *links)
{
    char name[16];

    fputs("static void move(void *instance)\n{\n    Z_m_instance_t *part = instance;\n    "
          "(void)part;\n",
          out);
    for (uint32_t i = 0; i < links->import_count; i++) {
        enum wasm_link_kind kind = links->imports[i].kind;
        wasm_link_import_name(links, i, name);
        if (kind == WASM_LINK_MEMORY || kind == WASM_LINK_TABLE || kind == WASM_LINK_STACK)
            fprintf(out, "    part->Z_linkZ_%s = place.%s;\n", name, name);
    }
    fputs("}\n", out);
}

static void put_wanted(FILE *out, const struct wasm_links *links, uint32_t *ret_slots,
                       uint32_t *ret_addresses)
{
    *ret_slots = *ret_addresses = 0;
    fputs("static struct library_slot slots[] = {\n", out);
    for (uint32_t i = 0; i < links->import_count; i++) {
        const struct wasm_link *link = &links->imports[i];
        if (link->kind == WASM_LINK_FUNCTION && ++*ret_slots)
            fprintf(out, "    {\"%s\", \"%s\", NULL, NULL},\n", link->name, link->type);
    }
    fputs("    {NULL, NULL, NULL, NULL}};\nstatic struct library_address addresses[] = {\n", out);
    for (uint32_t i = 0; i < links->import_count; i++) {
        const struct wasm_link *link = &links->imports[i];
        if ((link->kind == WASM_LINK_DATA || link->kind == WASM_LINK_ADDRESS) && ++*ret_addresses)
            fprintf(out, "    {\"%s\", %d, 0},\n", link->name, link->kind == WASM_LINK_ADDRESS);
    }
    fputs("    {NULL, 0, 0}};\nstatic struct library_place place;\n", out);
}

static void put_symbols(FILE *out, const struct wasm_links *links)
{
    fputs("static const struct library_symbol symbols[] = {\n", out);
    for (uint32_t i = 0; i < links->export_count; i++) {
        const struct wasm_link *link = &links->exports[i];
        if (link->kind == WASM_LINK_FUNCTION)
            fprintf(out, "    {\"%s\", \"%s\", (void (*)(void))Z_mZ_x%u, 0},\n", link->name,
                    link->type, i);
        else
            fprintf(out, "    {\"%s\", \"\", NULL, %uu},\n", link->name, link->value);
    }
    fputs("    {NULL, NULL, NULL, 0}};\n", out);
}

int wasm_links_source(const struct wasm_links *links, char **ret_source, struct err *err)
{
    _cleanup_(freep) char *source = NULL;
    uint32_t slots, addresses;
    size_t size;

    FILE *out = open_memstream(&source, &size);
    if (!out)
        return err_set(err, -ENOMEM, "cannot write what a library is linked by");
    fputs("#include <stddef.h>\n#include \"m.h\"\n#include \"library.h\"\n"
          "void vireo_link_bind(void *host, struct library_slot *slot, void *from);\n",
          out);
    put_wanted(out, links, &slots, &addresses);
    put_calls(out, links);
    put_places(out, links);
    put_symbols(out, links);
    if (links->part)
        put_move(out, links);
    fprintf(out,
            "extern const struct library_links vireo_links;\n"
            "const struct library_links vireo_links = {\n"
            "    .symbols = symbols, .slots = slots, .addresses = addresses, .place = %s,\n"
            "    .symbol_count = %u, .slot_count = %u, .address_count = %u,\n"
            "    .memory_bytes = %uu, .memory_align = %u, .table_elements = %u,\n%s%s};\n",
            links->part ? "&place" : "NULL", links->export_count, slots, addresses,
            links->memory_bytes, links->memory_align, links->table_elements,
            links->has_stack ? "    .stack = (u32 *(*)(void *))Z_mZ_vireo_stack,\n" : "",
            links->part ? "    .move = move,\n" : "");
    if (fclose(out) != 0)
        return err_set(err, -ENOMEM, "cannot write what a library is linked by");
    *ret_source = steal_ptr(&source);
    return 0;
}
