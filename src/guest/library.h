/*
 * The face of a library translated from WebAssembly: what the generated shim in it exports and
 * what the guest's linker gives it. The build compiles this header into each library.
 */
#pragma once

#include <stdint.h>

#define LIBRARY_ABI 2
#define LIBRARY_SYMBOL "vireo_library" /* the one symbol that a library exports */

struct wasm_memory; /* wasm_rt_memory_t */

/*
 * All functions run in the instance that is their first argument. Absent ones are NULL: a command
 * has `start`; a handler built by us is a reactor and has `initialize` and the three of the call.
 */
struct library_face {
    uint32_t abi; /* LIBRARY_ABI */
    uint32_t instance_bytes;
    /* 1: instantiate() runs the module's start section, which is tenant code: only in an instance,
     * never in a template. Set by -DSHIM_START_SECTION (struct wasm_facts.has_start_section). */
    uint32_t start_section;
    void (*init_module)(void); /* once a library, before any instance */
    void (*instantiate)(void *instance, void *host);
    void (*free_instance)(void *instance);
    void *(*memory)(void *instance);    /* wasm_rt_memory_t of export "memory" */
    void (*start)(void *instance);      /* "_start" */
    void (*initialize)(void *instance); /* "_initialize" */
    /* The guest address of a buffer that holds `bytes`, or 0: export vireo_request_buffer. */
    uint32_t (*request_buffer)(void *instance, uint32_t bytes);
    /* Runs the handler on that buffer; bytes written, or negative: export vireo_handle. */
    uint64_t (*handle)(void *instance, uint32_t request_bytes, uint32_t answer_max);
    /* The guest address of what it wrote: export vireo_answer_buffer. */
    uint32_t (*answer_buffer)(void *instance);
};

/*
 * Every imported module's instance is the same `host` pointer: struct host of guest/host.h.
 * Symbols that a library may leave undefined (the linker binds these and no others) are listed in
 * library_symbols.h, which the build's check and the guest's linker both read.
 */
