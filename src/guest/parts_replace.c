/*
 * A part is replaced by another version of itself, in the place that it has: the build has put what
 * both have at the same addresses behind its base, and at the same indices of the table, so that
 * pointers from wherever stay right. What is new comes from the new version's own start: it writes
 * its data and its functions where the old one's are, and all but what is new is put back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/symbol_map.h"
#include "guest/host.h"
#include "guest/linker_internal.h"
#include "guest/parts_internal.h"
#include "guest/update.h"
#include "guest/wasm_internal.h"

struct replacing {
    struct host *host;
    struct part old, *slot; /* what was, and where the new one is */
    struct symbol_map from, to;
    /* As they were, for what is kept, or for all of it. */
    uint8_t *data, *fresh;
    wasm_rt_funcref_t *elements;
    uint32_t data_bytes, element_count;
};

static wasm_rt_funcref_table_t *table_of(const struct host *host)
{
    return library_face(host->library)->table(host->instance);
}

/* Whoever was bound to the old one finds the same in the new one. */
static int check_exports(const struct part *old, const struct part *next, struct err *err)
{
    const struct library_links *links = library_face(old->library)->links;

    for (uint32_t i = 0; i < links->symbol_count; i++) {
        const struct library_symbol *before = &links->symbols[i];
        const struct library_symbol *now = part_symbol(next->library, before->name);
        const char *what = before->function ? "function" : "variable";
        if (!now || !now->function != !before->function)
            return err_say(err, -EPERM, "%s '%.80s' was removed", what, before->name);
        if (strcmp(now->type, before->type) != 0)
            return err_say(err, -EPERM, "the signature of function '%.80s' changed", before->name);
        if (now->value != before->value && !before->function)
            return err_say(err, -EPERM,
                           "variable '%.80s' lies elsewhere: it was not built against the other",
                           before->name);
    }
    return 0;
}

/* Built against the one that runs, or what that was built against: then what it had added goes. */
static int compare_maps(const struct symbol_map *from, const struct symbol_map *to, struct err *err)
{
    struct err ignored = {0};
    int r = symbol_map_compare(from, to, false, err);

    if (r == 0 || symbol_map_compare(to, from, false, &ignored) < 0)
        return r;
    return symbol_map_compare(from, to, true, err);
}

static int compare(struct replacing *replacing, const struct part *next, struct err *err)
{
    const struct part *old = &replacing->old;
    const struct library_links *links = library_face(next->library)->links;
    const struct library_links *before = library_face(old->library)->links;

    int r = update_map_of(old->library, "running", &replacing->from, err);
    if (r == 0)
        r = update_map_of(next->library, "new", &replacing->to, err);
    if (r == 0)
        r = compare_maps(&replacing->from, &replacing->to, err);
    if (r == 0)
        r = check_exports(old, next, err);
    const struct symbol_map_header *header = replacing->to.header;
    if (r == 0 &&
        (links->memory_bytes != before->memory_bytes || header->slack_end > links->memory_bytes))
        r = err_say(err, -EPERM, "its data lies elsewhere: it was not built against the other");
    if (r == 0 && old->instance && header->table_size - 1 > old->table_elements)
        r = err_say(err, -EPERM,
                    "it has %u functions whose address is taken, and there is room for %u",
                    header->table_size - 1, old->table_elements);
    if (r == 0)
        r = library_init_module(next->library, err);
    return r;
}

/* On the call stack: the new one's own start, in the old one's place. */
static void start_new(void *argument)
{
    const struct replacing *replacing = argument;
    const struct part *old = &replacing->old, *slot = replacing->slot;
    struct host *host = replacing->host;
    wasm_rt_funcref_table_t *table = table_of(host);

    for (uint32_t i = 0; i < table->size; i++) {
        if (i >= old->table_base && i - old->table_base < old->table_elements)
            table->data[i] = wasm_rt_funcref_null_value;
        else
            part_move_element(old->library, old->instance, slot->library, slot->instance,
                              &table->data[i]);
    }
    part_set_place(host, slot);
    part_fill_addresses(host, slot);
    if (!host->parts->error)
        library_face(slot->library)->instantiate(slot->instance, host);
}

static int save(struct replacing *replacing, struct err *err)
{
    const struct host *host = replacing->host;
    const wasm_rt_funcref_table_t *table = table_of(host);

    /* Behind that there is nothing but slack of both. */
    replacing->data_bytes = replacing->from.header->slack_next;
    if (replacing->data_bytes < replacing->to.header->slack_next)
        replacing->data_bytes = replacing->to.header->slack_next;
    replacing->element_count = table->size;
    replacing->data = malloc((size_t)replacing->data_bytes + 1);
    replacing->fresh = malloc((size_t)replacing->data_bytes + 1);
    replacing->elements = calloc(table->size, sizeof *table->data);
    replacing->slot->instance = calloc(1, library_face(replacing->slot->library)->instance_bytes);
    if (!replacing->data || !replacing->fresh || !replacing->elements || !replacing->slot->instance)
        return err_set(err, -ENOMEM, "cannot replace library '%s'", replacing->old.name);
    memcpy(replacing->data, host->memory->data + replacing->old.memory_base, replacing->data_bytes);
    memcpy(replacing->elements, table->data, table->size * sizeof *table->data);
    return 0;
}

static void restore(const struct replacing *replacing)
{
    const struct host *host = replacing->host;
    wasm_rt_funcref_table_t *table = table_of(host);

    memcpy(host->memory->data + replacing->old.memory_base, replacing->data, replacing->data_bytes);
    for (uint32_t i = 0; i < table->size; i++)
        table->data[i] =
            i < replacing->element_count ? replacing->elements[i] : wasm_rt_funcref_null_value;
}

static int put_in_place(struct replacing *replacing, struct err *err)
{
    struct host *host = replacing->host;
    struct parts *parts = host->parts;
    enum host_exit exit_before = host->exit;
    int r = 0;

    parts->error = 0;
    parts->busy = true;
    if (wasm_enter(host, start_new, replacing) != HOST_RETURNED)
        r = err_say(err, -EFAULT, "its start failed: %s",
                    host->exit == HOST_TRAPPED ? host->trap : "it ended the instance");
    else if (parts->error)
        r = err_say(err, parts->error, "%s", parts->reason);
    parts->busy = false;
    host->exit = exit_before;
    if (r < 0) {
        restore(replacing);
        return r;
    }
    uint8_t *data = host->memory->data + replacing->old.memory_base;
    memcpy(replacing->fresh, data, replacing->data_bytes);
    memcpy(data, replacing->data, replacing->data_bytes);
    update_copy_new(&replacing->from, &replacing->to, replacing->fresh, data);
    return 0;
}

static void close_instance(const struct part *part)
{
    if (!part->instance)
        return;
    library_face(part->library)->free_instance(part->instance);
    free(part->instance);
}

/* The new one is in the slot; all that were bound to the old one are bound anew. */
static void settle(struct host *host)
{
    part_unbind(host->library);
    for (size_t i = 0; i < host->parts->count; i++)
        part_unbind(host->parts->all[i].library);
    for (size_t i = 0; host->instance && i < host->parts->count; i++)
        part_fill_addresses(host, &host->parts->all[i]);
}

static int replace_one(struct host *host, struct part *slot, const struct link_file *file,
                       struct err *err)
{
    struct replacing replacing = {.host = host, .slot = slot, .old = *slot};
    struct part next = {0};

    /* What it exports is nobody's meanwhile. */
    slot->library = NULL;
    int r = part_open(host, file, &next, err);
    slot->library = replacing.old.library;
    if (r < 0)
        return r;
    next.memory_base = slot->memory_base;
    next.table_base = slot->table_base;
    next.table_elements = slot->table_elements;
    r = compare(&replacing, &next, err);
    if (r == 0) {
        *slot = next;
        r = part_check_wants(host, slot, err);
        if (r == 0 && replacing.old.instance)
            r = save(&replacing, err);
        if (r == 0 && replacing.old.instance)
            r = put_in_place(&replacing, err);
        next = *slot;
    }
    if (r < 0)
        *slot = replacing.old;
    else
        settle(host);
    const struct part *gone = r < 0 ? &next : &replacing.old;
    close_instance(gone);
    library_close(gone->library);
    free(replacing.data);
    free(replacing.fresh);
    free(replacing.elements);
    return r;
}

int parts_replace(struct host *host, const char *name, const struct link_file *files, size_t count,
                  const void *frame, struct err *err)
{
    struct parts *parts = host->parts;
    size_t before = parts->count, at = 0;

    while (at < before && strcmp(parts->all[at].name, name) != 0)
        at++;
    if (at == before)
        return err_say(err, -ENOENT, "no library '%s' is linked", name);
    if (frame && wasm_stack_calls(frame, parts->all[at].library))
        return err_say(err, -EBUSY,
                       "it is on the stack: vireo_update_point() is called from within it");
    int r = count > 1 ? parts_link(host, files + 1, count - 1, err) : 0;
    if (r < 0)
        return r;
    r = replace_one(host, &parts->all[at], &files[0], err);
    if (r < 0)
        parts_drop(host, before);
    return r;
}
