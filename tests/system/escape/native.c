/* attacks.c as a library: what the translator would never make, signed with the daemon's own key.
 */
#include <wasm-rt.h>

#include "attacks.h"
#include "guest/library.h"

/* Where request and answer lie in the linear memory, which it has only for them. */
#define REQUEST_AT 4096
#define REQUEST_BYTES 61440
#define ANSWER_AT 65536
#define MEMORY_PAGES 4

extern void wasm_rt_allocate_memory(wasm_rt_memory_t *, uint32_t, uint32_t);

struct instance {
    wasm_rt_memory_t memory;
};

static void native_init(void)
{
}

static void native_instantiate(void *instance, void *host)
{
    (void)host;
    wasm_rt_allocate_memory(&((struct instance *)instance)->memory, MEMORY_PAGES, MEMORY_PAGES);
}

static void native_free(void *instance)
{
    (void)instance;
}

static void *native_memory(void *instance)
{
    return &((struct instance *)instance)->memory;
}

static uint32_t native_request(void *instance, uint32_t bytes)
{
    (void)instance;
    return bytes <= REQUEST_BYTES - 1 ? REQUEST_AT : 0;
}

static uint64_t native_handle(void *instance, uint32_t bytes, uint32_t answer_max)
{
    char *memory = (char *)((struct instance *)instance)->memory.data;

    return attack(memory + REQUEST_AT, bytes, memory + ANSWER_AT,
                  answer_max < 65536 ? answer_max : 65536);
}

static uint32_t native_answer(void *instance)
{
    (void)instance;
    return ANSWER_AT;
}

__attribute__((visibility("default"))) extern const struct library_face vireo_library;
const struct library_face vireo_library = {
    .abi = LIBRARY_ABI,
    .instance_bytes = sizeof(struct instance),
    .init_module = native_init,
    .instantiate = native_instantiate,
    .free_instance = native_free,
    .memory = native_memory,
    .handle = native_handle,
    .request_buffer = native_request,
    .answer_buffer = native_answer,
};
