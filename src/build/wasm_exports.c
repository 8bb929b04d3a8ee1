/* What a module exports: the functions that the shim in the library calls, and the memory. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/wasm.h"

/* An export that the shim or the host calls. */
struct known_export {
    const char *name, *params, *results;
    size_t seen; /* offset of its bool in struct wasm_check */
};

#define SEEN(member) offsetof(struct wasm_check, member)
static const struct known_export known_exports[] = {
    {"_start", "", "", SEEN(facts.has_start_export)},
    {"_initialize", "", "", SEEN(facts.has_initialize_export)},
    {"vireo_request_buffer", "i", "i", SEEN(has_request_buffer)},
    {"vireo_handle", "ii", "I", SEEN(has_handle)},
    {"vireo_answer_buffer", "", "i", SEEN(has_answer_buffer)},
    {"go-callback", "iii", "i", SEEN(facts.has_go_callback)},
    {"memory", NULL, NULL, SEEN(facts.has_memory_export)},
};

static const struct known_export *known_export_find(const char *name, uint32_t bytes)
{
    for (size_t i = 0; i < ARRAY_LEN(known_exports); i++)
        if (bytes == strlen(known_exports[i].name) &&
            memcmp(name, known_exports[i].name, bytes) == 0)
            return &known_exports[i];
    return NULL;
}

bool wasm_export_is_known(const char *name, uint32_t bytes)
{
    return known_export_find(name, bytes) != NULL;
}

static int known_export_check(struct wasm_check *check, const struct known_export *known,
                              size_t start, uint8_t kind, uint32_t index)
{
    struct wasm_reader *reader = &check->reader;
    bool *seen = (bool *)((char *)check + known->seen);

    if (*seen)
        return wasm_refuse(reader, start, "it exports '%s' twice", known->name);
    *seen = true;
    if (!known->params) {
        if (kind != 2)
            return wasm_refuse(reader, start, "its export '%s' is not a memory", known->name);
        return 0;
    }
    if (kind != 0)
        return wasm_refuse(reader, start, "its export '%s' is not a function", known->name);
    if (!wasm_type_is(reader, &check->module.types[check->module.functions[index]], known->params,
                      known->results))
        return wasm_refuse(reader, start, "its export '%s' has the wrong type", known->name);
    return 0;
}

static int export_read(struct wasm_check *check)
{
    struct wasm_reader *reader = &check->reader;
    size_t start = reader->at;
    const char *name;
    uint32_t bytes, index;
    uint8_t kind;

    int r = wasm_name(reader, "an export's name", &name, &bytes);
    if (r == 0)
        r = wasm_byte(reader, "an export", &kind);
    if (r == 0)
        r = wasm_u32(reader, "an export", &index);
    if (r < 0)
        return r;
    if (kind == 4)
        return wasm_refuse_feature(reader, start, "exceptions", "an exported tag");
    if (kind > 4)
        return wasm_refuse(reader, start, "there is an export of unknown kind 0x%02x", kind);
    if ((kind == 0 && index >= check->module.function_count) ||
        (kind == 1 && index >= check->module.table_count) ||
        (kind == 2 && index >= check->module.memory_count))
        return wasm_refuse(reader, start, "its export '%s' does not exist",
                           wasm_show(name, bytes).text);
    const struct known_export *known = known_export_find(name, bytes);
    if (!known && check->links)
        return wasm_link_export(check, name, bytes, kind, index);
    return known ? known_export_check(check, known, start, kind, index) : 0;
}

int wasm_export_section(struct wasm_check *check)
{
    uint32_t count;
    int r = wasm_count(&check->reader, "the exports", WASM_FUNCTIONS_MAX, &count);

    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = export_read(check);
    return r;
}
