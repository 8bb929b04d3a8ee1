/*
 * Linear memories and tables. A memory is reserved whole and without access; its pages become
 * accessible as it grows, so it never moves and a stray access faults. Never executable.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "guest/family.h"
#include "guest/template.h"
#include "guest/wasm_internal.h"

/* What grows by so much at once is forked by its huge pages: 16 MiB in a seventh of the time of
 * small ones. The first write to one beside a child makes small ones of it, as everywhere. */
#define HUGE_GROWTH_PAGES ((4u << 20) / WASM_PAGE_BYTES)

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint32_t initial_pages, uint32_t max_pages)
{
    const struct host *host = wasm_frame_current()->host;
    uint32_t limit =
        host->memory_pages_max < WASM_PAGES_MAX ? host->memory_pages_max : WASM_PAGES_MAX;

    if (initial_pages > limit)
        wasm_refuse(-E2BIG, initial_pages);
    void *data = wasm_base_reserve();
    if (!data)
        wasm_refuse(-errno, initial_pages);
    uint64_t bytes = (uint64_t)initial_pages * WASM_PAGE_BYTES;
    if (bytes && mprotect(data, bytes, PROT_READ | PROT_WRITE) < 0) {
        int refused = -errno;
        wasm_base_release(data);
        wasm_refuse(refused, initial_pages);
    }
    memory->data = data;
    memory->pages = initial_pages;
    memory->max_pages = max_pages < WASM_PAGES_MAX ? max_pages : WASM_PAGES_MAX;
    memory->size = (uint32_t)bytes;
    wasm_base_set(data); /* a start section may follow */
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t pages)
{
    struct host *host = wasm_frame_current()->host;
    uint32_t before = memory->pages;
    uint64_t after = (uint64_t)before + pages;

    if (pages == 0)
        return before;
    if (after > memory->max_pages)
        return UINT32_MAX; /* the module's own limit */
    if (after > host->memory_pages_max) {
        host->memory_refused = true;
        return UINT32_MAX;
    }
    if (mprotect(memory->data + (uint64_t)before * WASM_PAGE_BYTES,
                 (uint64_t)pages * WASM_PAGE_BYTES, PROT_READ | PROT_WRITE) < 0) {
        host->memory_refused = true;
        return UINT32_MAX;
    }
    if (pages >= HUGE_GROWTH_PAGES && host->family && (host->family->grants & GUEST_GRANT_FORK))
        madvise(memory->data + (uint64_t)before * WASM_PAGE_BYTES,
                (uint64_t)pages * WASM_PAGE_BYTES, MADV_HUGEPAGE);
    memory->pages = (uint32_t)after;
    memory->size = (uint32_t)(after * WASM_PAGE_BYTES);
    return before;
}

void wasm_rt_free_memory(wasm_rt_memory_t *memory)
{
    if (memory->data)
        wasm_base_release(memory->data);
    *memory = (wasm_rt_memory_t){0};
}

/* Zeroed: null references. */
static void *allocate_table(uint32_t elements, size_t element_bytes)
{
    if (elements > WASM_TABLE_MAX)
        wasm_refuse(-EOVERFLOW, elements);
    void *data = calloc(elements ? elements : 1, element_bytes);
    if (!data)
        wasm_refuse(-ENOMEM, elements);
    return data;
}

/* The table's new data, with room for `delta` more, or NULL: it stays as it was. */
static void *grow_table(void *data, uint32_t size, uint32_t max_size, uint32_t delta,
                        size_t element_bytes)
{
    uint64_t after = (uint64_t)size + delta;

    if (after > max_size || after > WASM_TABLE_MAX)
        return NULL;
    return realloc(data, (after ? after : 1) * element_bytes);
}

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t elements,
                                    uint32_t max_elements)
{
    table->data = allocate_table(elements, sizeof *table->data);
    table->size = elements;
    table->max_size = max_elements;
}

void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table)
{
    free(table->data);
    *table = (wasm_rt_funcref_table_t){0};
}

uint32_t wasm_rt_grow_funcref_table(wasm_rt_funcref_table_t *table, uint32_t delta,
                                    wasm_rt_funcref_t init)
{
    uint32_t before = table->size;

    void *data = grow_table(table->data, before, table->max_size, delta, sizeof *table->data);
    if (!data)
        return UINT32_MAX;
    table->data = data;
    table->size = before + delta;
    for (uint32_t i = before; i < table->size; i++)
        table->data[i] = init;
    return before;
}

void wasm_rt_allocate_externref_table(wasm_rt_externref_table_t *table, uint32_t elements,
                                      uint32_t max_elements)
{
    table->data = allocate_table(elements, sizeof *table->data);
    table->size = elements;
    table->max_size = max_elements;
}

void wasm_rt_free_externref_table(wasm_rt_externref_table_t *table)
{
    free(table->data);
    *table = (wasm_rt_externref_table_t){0};
}

uint32_t wasm_rt_grow_externref_table(wasm_rt_externref_table_t *table, uint32_t delta,
                                      wasm_rt_externref_t init)
{
    uint32_t before = table->size;

    void *data = grow_table(table->data, before, table->max_size, delta, sizeof *table->data);
    if (!data)
        return UINT32_MAX;
    table->data = data;
    table->size = before + delta;
    for (uint32_t i = before; i < table->size; i++)
        table->data[i] = init;
    return before;
}
