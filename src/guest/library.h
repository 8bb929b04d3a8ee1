/*
 * The face of a library: what the shim in it exports (sdk/shim.c for one translated from
 * WebAssembly, sdk/native.c for native code) and what the guest's linker gives it. The build
 * compiles this header into each library.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LIBRARY_ABI 4
#define LIBRARY_SYMBOL "vireo_library" /* the one symbol that a library exports */

struct wasm_memory; /* wasm_rt_memory_t */

/*
 * All functions run in the instance that is their first argument. Absent ones are NULL: a command
 * has `start`; a handler built by us is a reactor and has `initialize` and the three of the call.
 */
struct library_face {
    uint32_t abi;            /* LIBRARY_ABI */
    uint32_t instance_bytes; /* 0: native code, which has no instance and no linear memory */
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
    /*
     * Native code: the handler, called with buffers of the process itself. All others above are
     * NULL then. NULL too where there are only exported functions, for other libraries.
     */
    int64_t (*native_handler)(const uint8_t *in, size_t in_bytes, uint8_t *out, size_t out_max);
    /* Of modules that import eBPF: the table of functions (wasm_rt_funcref_table_t), and TinyGo's
     * callback: export go-callback. */
    void *(*table)(void *instance);
    uint32_t (*go_callback)(void *instance, uint32_t context, uint32_t data, uint32_t bytes);
};

/*
 * Every imported module's instance is the same `host` pointer: struct host of guest/host.h.
 * Symbols that a library may leave undefined (the linker binds these and no others) are listed in
 * library_symbols.h, which the build's check and the guest's linker both read; those of native
 * libraries in native_symbols.h.
 */
