/* Replaces the library of a running instance. The comment in update.h says how. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/symbol_map.h"
#include "guest/host.h"
#include "guest/linker.h"
#include "guest/linker_internal.h"
#include "guest/parts.h"
#include "guest/update.h"
#include "guest/wasm_internal.h"

DEFINE_CLEANUP(struct library, library_close)

static uint64_t since(int64_t *begin_ns)
{
    int64_t now = clock_now_ns();
    uint64_t passed = (uint64_t)(now - *begin_ns);

    *begin_ns = now;
    return passed;
}

int update_map_of(const struct library *library, const char *which, struct symbol_map *ret_map,
                  struct err *err)
{
    const struct elf_image *image = &library->image;

    if (image->file_bytes < SYMBOL_MAP_BEHIND_BYTES)
        return err_say(err, -EPERM, "the %s library has no symbol map", which);
    int r = symbol_map_of(image->file, image->file_bytes - SYMBOL_MAP_BEHIND_BYTES, ret_map, err);
    if (r == -ENOENT)
        return err_say(err, -EPERM,
                       "the %s library has no symbol map: it is no C source that was built with "
                       "slack for updates",
                       which);
    return r;
}

/* Both maps agree, and the memory has the place that they speak of. */
static int compare(const struct library *from, const struct library *to, bool going_back,
                   const wasm_rt_memory_t *memory, struct symbol_map *ret_from,
                   struct symbol_map *ret_to, struct err *err)
{
    int r = update_map_of(from, "running", ret_from, err);
    if (r == 0)
        r = update_map_of(to, "new", ret_to, err);
    if (r == 0)
        r = symbol_map_compare(ret_from, ret_to, going_back, err);
    if (r == 0 && memory && ret_to->header->slack_end > memory->size)
        r = err_say(err, -EPERM, "its data lies outside of the instance's memory");
    return r;
}

/* A variable that both have keeps what is in it; so does one that the version before had no use
 * for: its place was kept for it. */
static bool keeps(const struct symbol *before, const struct symbol *symbol)
{
    return symbol->kind == SYMBOL_VARIABLE && before && before->address == symbol->address;
}

void update_copy_new(const struct symbol_map *from, const struct symbol_map *to,
                     const uint8_t *fresh, uint8_t *data)
{
    const struct symbol *before = from->symbols, *end = before + from->header->symbol_count;

    for (uint32_t i = 0; i < to->header->symbol_count; i++) {
        const struct symbol *symbol = &to->symbols[i];
        if (symbol->kind < SYMBOL_VARIABLE || !symbol->address || (symbol->flags & SYMBOL_KEPT))
            continue;
        int order = -1;
        for (; before < end; before++) {
            order = symbol_order(from, before, to, symbol);
            if (order >= 0)
                break;
        }
        if (before < end && order == 0 && keeps(before, symbol))
            continue;
        memcpy(data + symbol->address, fresh + symbol->address, symbol->size);
    }
}

/*
 * A fresh instance of the library in the place of the open one, with that one's memory. It is made
 * with the very host that it keeps: what it imports is bound to that address.
 */
static int take_over(struct host *host, const struct library *library,
                     const struct symbol_map *from, const struct symbol_map *to,
                     struct update_times *ret_times, int64_t *at_ns, struct err *err)
{
    struct host before = *host;

    /* What is linked stays with the one that is open until the other is. */
    host->parts = NULL;
    int r = wasm_instance_open(library, host, err);
    host->parts = before.parts;
    if (r == 0) {
        r = parts_move(host, &before, err);
        if (r < 0) {
            host->parts = NULL;
            wasm_instance_close(host);
        }
    }
    ret_times->tables = since(at_ns);
    if (r < 0) {
        *host = before;
        wasm_base_set(host->memory->data);
        return r;
    }
    before.parts = NULL;
    update_copy_new(from, to, host->memory->data, before.memory->data);
    wasm_rt_memory_t memory = *before.memory;
    *before.memory = *host->memory;
    *host->memory = memory;
    wasm_instance_close(&before); /* with the fresh memory */
    wasm_base_set(host->memory->data);
    return 0;
}

int update_replace(struct host *host, const struct library *library, bool going_back,
                   struct update_times *ret_times, struct err *err)
{
    const struct library *old = host->library;
    struct symbol_map from, to;
    int64_t at_ns = clock_now_ns();
    const struct library_face *face = library_face(library), *face_before = library_face(old);

    if (!face->handle != !face_before->handle || !face->start != !face_before->start)
        return err_say(err, -EPERM, "one version is a handler, the other a program");
    int r = parts_may_move(host, library, err);
    if (r < 0)
        return r;
    if (face->start_section)
        return err_say(err, -EPERM, "the new library has a start section");
    r = compare(old, library, going_back, host->instance ? host->memory : NULL, &from, &to, err);
    ret_times->functions = since(&at_ns);
    if (r == 0 && host->instance)
        r = take_over(host, library, &from, &to, ret_times, &at_ns, err);
    else if (r == 0)
        host->library = library;
    ret_times->variables = since(&at_ns);
    return r;
}

int update_library(struct host *host, int fd, uint64_t bytes, bool going_back,
                   const struct library **ret_library, struct update_times *ret_times,
                   struct err *err)
{
    _cleanup_(library_closep) struct library *library = NULL;
    struct library *old = (struct library *)(uintptr_t)host->library;
    int64_t at_ns = clock_now_ns();

    int r = library_open_bytes(fd, bytes, &library, err);
    ret_times->load = since(&at_ns);
    if (r == 0)
        r = update_replace(host, library, going_back, ret_times, err);
    if (r < 0)
        return r;
    library_close(old);
    *ret_library = steal_ptr(&library);
    return 0;
}
