/*
 * The face of a library: what the shim in it exports (sdk/shim.c for one translated from
 * WebAssembly, sdk/native.c for native code) and what the guest's linker gives it. The build
 * compiles this header into each library.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LIBRARY_ABI 5
#define LIBRARY_SYMBOL "vireo_library" /* the one symbol that a library exports */

struct wasm_memory; /* wasm_rt_memory_t */

/* ---- of translated code that is linked with other translated code (guest/parts.h) ---- */

/* A function or variable for others. */
struct library_symbol {
    const char *name;
    const char *type;       /* of a function: "ii:I", parameters and results; "": a variable */
    void (*function)(void); /* called with its own instance first */
    uint32_t value;         /* of a variable: its address; in a part, behind the base of its data */
};

/* A function that it wants, bound at its first call; NULL until then. */
struct library_slot {
    const char *name, *type;
    void (*function)(void);
    void *instance;
};

/* An address that it wants: of a variable, or the table's index of a function. */
struct library_address {
    const char *name;
    uint32_t is_function;
    uint32_t value;
};

/* Where a part is put, before it is instantiated. */
struct library_place {
    void *memory, *table; /* the program's wasm_rt_memory_t and wasm_rt_funcref_table_t */
    uint32_t *stack;      /* its stack pointer */
    uint32_t memory_base, table_base;
};

struct library_links {
    const struct library_symbol *symbols;
    struct library_slot *slots;
    struct library_address *addresses;
    struct library_place *place; /* of a part; NULL: a program */
    uint32_t symbol_count, slot_count, address_count;
    /* What a part needs of the memory and the table. */
    uint32_t memory_bytes, memory_align, table_elements;
    uint32_t *(*stack)(void *instance); /* of a program */
    /* Of a part: its instance goes on with what `place` says now of memory, table and stack. */
    void (*move)(void *instance);
};

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
     * NULL then, but `start` of a program with main(), called with NULL. Both are NULL where there
     * are only exported functions, for other libraries.
     */
    int64_t (*native_handler)(const uint8_t *in, size_t in_bytes, uint8_t *out, size_t out_max);
    /* Of modules that import eBPF: the table of functions (wasm_rt_funcref_table_t), and TinyGo's
     * callback: export go-callback. */
    void *(*table)(void *instance);
    uint32_t (*go_callback)(void *instance, uint32_t context, uint32_t data, uint32_t bytes);
    const struct library_links *links; /* NULL: it is whole by itself */
};

/*
 * Every imported module's instance is the same `host` pointer: struct host of guest/host.h.
 * Symbols that a library may leave undefined (the linker binds these and no others) are listed in
 * library_symbols.h, which the build's check and the guest's linker both read; those of native
 * libraries in native_symbols.h.
 */
