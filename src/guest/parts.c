/* Parts of a program: see parts.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/linker.h"
#include "guest/linker_internal.h"
#include "guest/parts_internal.h"
#include "guest/wasm_internal.h"

/* Elements of the table that are left free before the first part, for the functions that later
 * versions of the program add. */
#define TABLE_ROOM 256

int parts_new(struct parts **ret_parts, struct err *err)
{
    *ret_parts = calloc(1, sizeof **ret_parts);
    return *ret_parts ? 0 : err_set(err, -ENOMEM, "cannot link libraries");
}

size_t parts_count(const struct host *host)
{
    return host->parts ? host->parts->count : 0;
}

bool parts_are_busy(const struct host *host)
{
    return host->parts && host->parts->busy;
}

const struct library *parts_holder(const struct host *host, uintptr_t address)
{
    if (library_holds(host->library, address))
        return host->library;
    for (size_t i = 0; i < parts_count(host); i++)
        if (library_holds(host->parts->all[i].library, address))
            return host->parts->all[i].library;
    return NULL;
}

/* ---- who has a name ---- */

const struct library_symbol *part_symbol(const struct library *library, const char *name)
{
    const struct library_links *links = library ? library_face(library)->links : NULL;

    for (uint32_t i = 0; links && i < links->symbol_count; i++)
        if (strcmp(links->symbols[i].name, name) == 0)
            return &links->symbols[i];
    return NULL;
}

bool part_owner_find(const struct host *host, const char *name, struct part_owner *ret_owner)
{
    *ret_owner = (struct part_owner){.symbol = part_symbol(host->library, name)};
    for (size_t i = 0; !ret_owner->symbol && i < parts_count(host); i++) {
        ret_owner->part = &host->parts->all[i];
        ret_owner->symbol = part_symbol(ret_owner->part->library, name);
    }
    return ret_owner->symbol != NULL;
}

static void *instance_of(const struct host *host, const struct part_owner *owner)
{
    return owner->part ? owner->part->instance : host->instance;
}

void vireo_link_bind(struct host *host, struct library_slot *slot, const void *from)
{
    static char said[128];
    struct part_owner owner;

    said[0] = '\0';
    if (!part_owner_find(host, slot->name, &owner) || !owner.symbol->function ||
        !instance_of(host, &owner))
        snprintf(said, sizeof said, "no library that is linked has '%.80s'", slot->name);
    else if (strcmp(owner.symbol->type, slot->type) != 0)
        snprintf(said, sizeof said, "'%.80s' is linked with another type", slot->name);
    if (said[0])
        wasm_trap_at(said, (uintptr_t)from - 1);
    slot->instance = instance_of(host, &owner);
    slot->function = owner.symbol->function;
}

void part_unbind(const struct library *library)
{
    const struct library_links *links = library_face(library)->links;

    for (uint32_t i = 0; links && i < links->slot_count; i++)
        links->slots[i].function = NULL;
}

/* ---- putting them in place: all of it on the call stack ---- */

/* The first reason is the one. */
static void fail(struct parts *parts, int error, const char *reason, const struct part *part)
{
    if (!parts->error)
        snprintf(parts->reason, sizeof parts->reason, "%s: '%s'", reason, part->name);
    parts->error = parts->error ? parts->error : error;
}

/* Whole pages behind the program's memory: its allocator finds that they are somebody's. */
static void place_data(struct host *host, struct part *part, const struct library_links *links)
{
    uint64_t pages = ((uint64_t)links->memory_bytes + WASM_PAGE_BYTES - 1) / WASM_PAGE_BYTES;

    if (pages == 0)
        return;
    uint32_t before =
        pages < WASM_PAGES_MAX ? wasm_rt_grow_memory(host->memory, (uint32_t)pages) : UINT32_MAX;
    if (before == UINT32_MAX)
        fail(host->parts, -ENOMEM, "no memory for it", part);
    part->memory_base = before * WASM_PAGE_BYTES;
}

void part_set_place(const struct host *host, const struct part *part)
{
    const struct library_face *program = library_face(host->library);

    *library_face(part->library)->links->place = (struct library_place){
        .memory = host->memory,
        .table = program->table(host->instance),
        .stack = program->links->stack(host->instance),
        .memory_base = part->memory_base,
        .table_base = part->table_base,
    };
}

static void place_one(struct host *host, struct part *part)
{
    const struct library_face *program = library_face(host->library);
    const struct library_links *links = library_face(part->library)->links;
    wasm_rt_funcref_table_t *table = program->table ? program->table(host->instance) : NULL;
    uint32_t elements = 0;

    part->memory_base = 0;
    /* The most that the program's own code may have of it is not what is linked. */
    if (table)
        table->max_size = UINT32_MAX;
    if (!table || !program->links || !program->links->stack)
        fail(host->parts, -ENOEXEC, "the function was not built to be linked with", part);
    else
        place_data(host, part, links);
    if (!host->parts->error && !host->parts->table_base) {
        if (wasm_rt_grow_funcref_table(table, TABLE_ROOM, wasm_rt_funcref_null_value) == UINT32_MAX)
            fail(host->parts, -ENOMEM, "no room in the table for it", part);
        else
            host->parts->table_base = table->size;
    }
    if (!host->parts->error && links->table_elements)
        elements =
            wasm_rt_grow_funcref_table(table, links->table_elements, wasm_rt_funcref_null_value);
    if (elements == UINT32_MAX)
        fail(host->parts, -ENOMEM, "no room in the table for it", part);
    if (host->parts->error)
        return;
    part->instance = calloc(1, library_face(part->library)->instance_bytes);
    if (!part->instance)
        fail(host->parts, -ENOMEM, "no memory for it", part);
    part->table_base = elements;
    part->table_elements = links->table_elements;
    part_set_place(host, part);
}

/* The table's index of a function, the same for all who ask; 0: there is no room. */
static uint32_t index_of(const struct host *host, const struct part_owner *owner)
{
    wasm_rt_funcref_table_t *table = library_face(host->library)->table(host->instance);
    const wasm_rt_funcref_t wanted = {
        .func_type = wasm_type_number(owner->symbol->type),
        .func = owner->symbol->function,
        .module_instance = instance_of(host, owner),
    };

    for (uint32_t i = 1; i < table->size; i++)
        if (table->data[i].func == wanted.func &&
            table->data[i].module_instance == wanted.module_instance)
            return i;
    uint32_t index = wanted.func_type ? wasm_rt_grow_funcref_table(table, 1, wanted) : UINT32_MAX;
    return index == UINT32_MAX ? 0 : index;
}

void part_fill_addresses(struct host *host, const struct part *part)
{
    const struct library_links *links = library_face(part->library)->links;

    for (uint32_t i = 0; i < links->address_count; i++) {
        struct library_address *address = &links->addresses[i];
        struct part_owner owner;
        /* That somebody has it was seen before. */
        if (!part_owner_find(host, address->name, &owner))
            continue;
        address->value = owner.symbol->value + (owner.part ? owner.part->memory_base : 0);
        if (address->is_function)
            address->value = index_of(host, &owner);
        if (address->is_function && !address->value)
            fail(host->parts, -ENOMEM, "no room in the table for it", part);
    }
}

static void put_in_place(void *argument)
{
    struct host *host = argument;
    struct parts *parts = host->parts;

    for (size_t i = parts->first; !parts->error && i < parts->count; i++)
        place_one(host, &parts->all[i]);
    for (size_t i = parts->first; !parts->error && i < parts->count; i++)
        part_fill_addresses(host, &parts->all[i]);
    for (size_t i = parts->first; !parts->error && i < parts->count; i++)
        library_face(parts->all[i].library)->instantiate(parts->all[i].instance, host);
    for (size_t i = parts->first; !parts->error && i < parts->count; i++)
        if (library_face(parts->all[i].library)->initialize)
            library_face(parts->all[i].library)->initialize(parts->all[i].instance);
}

/* Nothing in the program's table leads to what is closed. */
static void clear_elements(const struct host *host, const struct part *part)
{
    const struct library_face *program = library_face(host->library);
    wasm_rt_funcref_table_t *table = program->table ? program->table(host->instance) : NULL;

    for (uint32_t i = 0; table && i < table->size; i++)
        if (table->data[i].module_instance == part->instance)
            table->data[i] = wasm_rt_funcref_null_value;
}

static void close_from(struct host *host, size_t first)
{
    struct parts *parts = host->parts;

    part_unbind(host->library);
    for (size_t i = 0; i < parts->count; i++) {
        struct part *part = &parts->all[i];
        part_unbind(part->library);
        if (i < first || !part->instance)
            continue;
        clear_elements(host, part);
        library_face(part->library)->free_instance(part->instance);
        free(part->instance);
        part->instance = NULL;
    }
}

/* Parts number `first` and on. After a failure none of these is in place. */
static int open_from(struct host *host, size_t first, struct err *err)
{
    struct parts *parts = host->parts;
    enum host_exit exit_before = host->exit;
    int r = 0;

    parts->first = first;
    parts->error = 0;
    for (size_t i = first; r == 0 && i < parts->count; i++)
        r = library_init_module(parts->all[i].library, err);
    if (r < 0)
        return r;
    parts->busy = true;
    if (wasm_enter(host, put_in_place, host) != HOST_RETURNED) {
        r = err_say(err, -EFAULT, "cannot link library: its start failed: %s",
                    host->exit == HOST_TRAPPED ? host->trap : "it ended the instance");
    } else if (parts->error) {
        r = err_say(err, parts->error, "cannot link library: %s", parts->reason);
    }
    parts->busy = false;
    host->exit = exit_before;
    if (r < 0)
        close_from(host, first);
    return r;
}

int parts_open(struct host *host, struct err *err)
{
    return parts_count(host) ? open_from(host, 0, err) : 0;
}

void parts_close(struct host *host)
{
    if (!host->parts)
        return;
    close_from(host, 0);
    host->parts->table_base = 0;
}

/* ---- an update of the program ---- */

int parts_may_move(const struct host *host, const struct library *library, struct err *err)
{
    struct part_owner owner;

    for (size_t i = 0; i < parts_count(host); i++) {
        const struct part *part = &host->parts->all[i];
        const struct library_links *links = library_face(part->library)->links;
        for (uint32_t k = 0; k < links->symbol_count; k++)
            if (part_symbol(library, links->symbols[k].name))
                return err_say(err, -EPERM, "its '%.100s' is that of library '%s', which is linked",
                               links->symbols[k].name, part->name);
        for (uint32_t k = 0; k < links->address_count; k++)
            if (part_owner_find(host, links->addresses[k].name, &owner) && !owner.part &&
                !part_symbol(library, links->addresses[k].name))
                return err_say(err, -EPERM, "it lacks '%.100s', which library '%s' uses",
                               links->addresses[k].name, part->name);
    }
    const struct library_links *links = library_face(library)->links;
    if (parts_count(host) && (!links || !links->stack || !library_face(library)->table))
        return err_say(err, -EPERM, "it was not built to be linked with libraries");
    return 0;
}

void part_move_element(const struct library *before, const void *instance,
                       const struct library *library, void *owner, void *element)
{
    const struct library_links *links = library_face(before)->links;
    wasm_rt_funcref_t *at = element;

    if (!at->func || at->module_instance != instance)
        return;
    for (uint32_t i = 0; i < links->symbol_count; i++) {
        if (links->symbols[i].function != at->func)
            continue;
        const struct library_symbol *now = part_symbol(library, links->symbols[i].name);
        *at = wasm_rt_funcref_null_value;
        if (now && now->function)
            *at = (wasm_rt_funcref_t){wasm_type_number(now->type), now->function, owner};
        return;
    }
    *at = wasm_rt_funcref_null_value;
}

int parts_move(struct host *host, const struct host *before, struct err *err)
{
    struct parts *parts = host->parts;

    if (parts_count(host) == 0)
        return 0;
    wasm_rt_funcref_table_t *table = library_face(host->library)->table(host->instance);
    const wasm_rt_funcref_table_t *old = library_face(before->library)->table(before->instance);
    uint32_t base = parts->table_base;
    if (table->size > base)
        return err_say(err, -EPERM,
                       "it has %u functions more in its table than the version that libraries were "
                       "linked with, which is %u too many",
                       table->size - base + TABLE_ROOM, table->size - base);
    table->max_size = UINT32_MAX;
    if (wasm_rt_grow_funcref_table(table, old->size - table->size, wasm_rt_funcref_null_value) ==
        UINT32_MAX)
        return err_set(err, -ENOMEM, "no memory for its table");
    for (uint32_t i = base; i < old->size; i++) {
        table->data[i] = old->data[i];
        part_move_element(before->library, before->instance, host->library, host->instance,
                          &table->data[i]);
    }
    for (size_t i = 0; i < parts->count; i++) {
        const struct library_links *links = library_face(parts->all[i].library)->links;
        links->place->memory = host->memory;
        links->place->table = table;
        links->place->stack = library_face(host->library)->links->stack(host->instance);
        links->move(parts->all[i].instance);
        part_unbind(parts->all[i].library);
    }
    part_unbind(before->library);
    return 0;
}

/* ---- linking ---- */

/* Nothing that it exports is exported already. */
static int check_clash(const struct host *host, const struct part *part, struct err *err)
{
    const struct library_links *links = library_face(part->library)->links;
    struct part_owner other;

    for (uint32_t i = 0; i < links->symbol_count; i++)
        if (part_owner_find(host, links->symbols[i].name, &other))
            return err_say(err, -EEXIST,
                           "cannot link library '%s': symbol clash: '%.100s' is '%s' library's too",
                           part->name, links->symbols[i].name,
                           other.part ? other.part->name : "the function");
    return 0;
}

int part_check_wants(const struct host *host, const struct part *part, struct err *err)
{
    const struct library_links *links = library_face(part->library)->links;
    struct part_owner owner;

    for (uint32_t i = 0; i < links->address_count; i++) {
        const struct library_address *address = &links->addresses[i];
        if (!part_owner_find(host, address->name, &owner) ||
            !owner.symbol->function != !address->is_function)
            return err_say(err, -ENOENT,
                           "cannot link library '%s': it needs '%.100s', which nobody has",
                           part->name, address->name);
    }
    return 0;
}

int part_open(const struct host *host, const struct link_file *file, struct part *ret_part,
              struct err *err)
{
    struct part part = {0};

    memcpy(part.name, file->name, sizeof part.name);
    part.name[sizeof part.name - 1] = '\0';
    for (size_t i = 0; i < parts_count(host); i++)
        if (host->parts->all[i].library && strcmp(host->parts->all[i].name, part.name) == 0)
            return err_say(err, -EEXIST, "cannot link library '%s': it is linked already",
                           part.name);
    int r = library_open_bytes(file->fd, file->bytes, &part.library, err);
    if (r < 0)
        return r;
    const struct library_links *links = library_face(part.library)->links;
    if (!links || !links->place)
        r = err_say(err, -ENOEXEC,
                    "cannot link library '%s': the function is translated code, and it is not",
                    part.name);
    if (r == 0)
        r = check_clash(host, &part, err);
    if (r < 0)
        library_close(part.library);
    else
        *ret_part = part;
    return r;
}

void parts_drop(struct host *host, size_t count)
{
    struct parts *parts = host->parts;

    if (host->instance)
        close_from(host, count);
    while (parts->count > count)
        library_close(parts->all[--parts->count].library);
}

int parts_link(struct host *host, const struct link_file *files, size_t count, struct err *err)
{
    struct parts *parts = host->parts;
    size_t before = parts->count;
    int r = 0;

    if (count > LINK_LIBRARIES_MAX - before)
        return err_say(err, -E2BIG, "cannot link library: a pVM has at most %u",
                       LINK_LIBRARIES_MAX);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = part_open(host, &files[i], &parts->all[parts->count], err);
        parts->count += r == 0;
    }
    for (size_t i = before; r == 0 && i < parts->count; i++)
        r = part_check_wants(host, &parts->all[i], err);
    if (r == 0 && host->instance)
        r = open_from(host, before, err);
    if (r < 0)
        parts_drop(host, before);
    return r;
}
