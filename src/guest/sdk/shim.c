/*
 * The face of one library: the only thing in it that the guest's linker looks for by name.
 *
 * wasm2c turns a module into m.c and m.h; this file is compiled with them (m.c as part of
 * module.c), so that no code of ours is generated. What the module has is told by macros, from the
 * build's own look at it (struct wasm_facts), never from the text of m.h:
 *
 *   SHIM_IMPORTS=N     number of *distinct modules* it imports from (0 to 6: "vireo", "wasm_bpf",
 *                      "vireo_bpf", "callback-wrapper", "env", "wasi_snapshot_preview1");
 *                      Z_m_instantiate() takes a pointer for each
 *   SHIM_START         it exports function "_start" () -> ()        (a command)
 *   SHIM_INITIALIZE    it exports function "_initialize" () -> ()   (a reactor)
 *   SHIM_HANDLER       it exports vireo_request_buffer, vireo_handle, vireo_answer_buffer
 *   SHIM_START_SECTION it has a start section: code that runs at instantiation
 *   SHIM_TABLE         table 0 is exported as "vireo_table": for callbacks of eBPF and signals
 *   SHIM_GO_CALLBACK   it exports function "go-callback"
 *   SHIM_LINK          it is linked with others: note.c has `vireo_links` (build/wasm_links.c)
 *   SHIM_STACK         it exports its stack pointer, as "vireo_stack"
 *   SHIM_PART          it is a library for others, in their memory: no SHIM_MEMORY
 *   SHIM_MEMORY        it exports memory "memory": required, nothing runs without it
 *
 * An export of another kind or type than these is a compile error here, not a cast.
 *
 * The commands, for module.wasm, in a directory that then holds m.c and m.h. SDK is a directory
 * with this file, module.c and library.h; note.o holds section .note.vireo (any further .o may be
 * linked):
 *
 *   wasm2c -n m module.wasm -o m.c
 *   gcc -DSHIM_IMPORTS=1 -DSHIM_MEMORY -DSHIM_INITIALIZE -DSHIM_HANDLER -I. -ISDK
 *       -std=gnu17 -O2 -w -DNDEBUG -march=x86-64-v2
 *       -fPIC -fvisibility=hidden -fno-plt
 *       -fno-math-errno -frounding-math -fsignaling-nans -ffp-contract=off
 *       -fwrapv -fno-strict-aliasing -fno-delete-null-pointer-checks -fstack-clash-protection
 *       -fno-tree-loop-distribute-patterns -fno-ipa-icf
 *       -fno-inline-functions -fno-inline-small-functions -fno-inline-functions-called-once
 *       -fno-partial-inlining -fno-stack-protector -fcf-protection=none
 *       -fno-asynchronous-unwind-tables -fno-unwind-tables -U_FORTIFY_SOURCE -U__SUPPORT_SNAN__
 *       -shared -nostdlib -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
 *       -Wl,--build-id=none,--hash-style=sysv
 *       SDK/shim.c SDK/module.c note.o -o library.so
 *
 * Why, where it is not plain: -fno-plt leaves GLOB_DAT relocations only. -march=x86-64-v2 (every
 * x86-64 since 2009) makes floor, ceil, trunc, nearest and popcnt one instruction each.
 * -fsignaling-nans keeps x*1.0, which must quiet a NaN; glibc's isnan() would then be a call, so
 * its macro is undefined. -fstack-clash-protection touches each page of a large frame, so that no
 * frame steps over the guard of the call stack. -fno-delete-null-pointer-checks: address 0 is as
 * good as any in a linear memory. -fno-tree-loop-distribute-patterns keeps loops of unchecked
 * stores from becoming a memset() whose fault would lie outside the library.
 * -fno-ipa-icf and -fno-inline-* (clang has inlined already: measured, no slower) leave each
 * function its own name and frame; `static inline` helpers of m.c are inlined all the same.
 *
 * The symbol table (.symtab) stays in: traps take the function's name from it. Don't strip.
 */
#include <stdbool.h>
#include <stddef.h>

#include "m.h"

#include "library.h"

#if !defined(SHIM_MEMORY) && !defined(SHIM_PART)
#error "a library needs the export \"memory\""
#endif

#define TYPE_IS(function, type)                                               \
    _Static_assert(__builtin_types_compatible_p(__typeof__(&function), type), \
                   "export " #function " has another type")

static void shim_instantiate(void *instance, void *host)
{
#if SHIM_IMPORTS == 0
    (void)host;
    Z_m_instantiate(instance);
#elif SHIM_IMPORTS == 1
    Z_m_instantiate(instance, host);
#elif SHIM_IMPORTS == 2
    Z_m_instantiate(instance, host, host);
#elif SHIM_IMPORTS == 3
    Z_m_instantiate(instance, host, host, host);
#elif SHIM_IMPORTS == 4
    Z_m_instantiate(instance, host, host, host, host);
#elif SHIM_IMPORTS == 5
    Z_m_instantiate(instance, host, host, host, host, host);
#elif SHIM_IMPORTS == 6
    Z_m_instantiate(instance, host, host, host, host, host, host);
#else
#error "SHIM_IMPORTS is 0 to 6"
#endif
}

static void shim_free_instance(void *instance)
{
    Z_m_free(instance);
}

#ifdef SHIM_MEMORY
TYPE_IS(Z_mZ_memory, wasm_rt_memory_t *(*)(Z_m_instance_t *));
static void *shim_memory(void *instance)
{
    return Z_mZ_memory(instance);
}
#else
static void *shim_memory(void *instance)
{
    (void)instance;
    return NULL;
}
#endif

#ifdef SHIM_START
TYPE_IS(Z_mZ__start, void (*)(Z_m_instance_t *));
static void shim_start(void *instance)
{
    Z_mZ__start(instance);
}
#endif

#ifdef SHIM_INITIALIZE
TYPE_IS(Z_mZ__initialize, void (*)(Z_m_instance_t *));
static void shim_initialize(void *instance)
{
    Z_mZ__initialize(instance);
}
#endif

#ifdef SHIM_HANDLER
TYPE_IS(Z_mZ_vireo_request_buffer, u32 (*)(Z_m_instance_t *, u32));
TYPE_IS(Z_mZ_vireo_handle, u64 (*)(Z_m_instance_t *, u32, u32));
TYPE_IS(Z_mZ_vireo_answer_buffer, u32 (*)(Z_m_instance_t *));
static uint32_t shim_request_buffer(void *instance, uint32_t bytes)
{
    return Z_mZ_vireo_request_buffer(instance, bytes);
}

static uint64_t shim_handle(void *instance, uint32_t request_bytes, uint32_t answer_max)
{
    return Z_mZ_vireo_handle(instance, request_bytes, answer_max);
}

static uint32_t shim_answer_buffer(void *instance)
{
    return Z_mZ_vireo_answer_buffer(instance);
}
#endif

#ifdef SHIM_TABLE
TYPE_IS(Z_mZ_vireo_table, wasm_rt_funcref_table_t *(*)(Z_m_instance_t *));
static void *shim_table(void *instance)
{
    return Z_mZ_vireo_table(instance);
}
#endif

#ifdef SHIM_GO_CALLBACK
TYPE_IS(Z_mZ_goZ2Dcallback, u32 (*)(Z_m_instance_t *, u32, u32, u32));
static uint32_t shim_go_callback(void *instance, uint32_t context, uint32_t data, uint32_t bytes)
{
    return Z_mZ_goZ2Dcallback(instance, context, data, bytes);
}
#endif

#ifdef SHIM_STACK
TYPE_IS(Z_mZ_vireo_stack, u32 *(*)(Z_m_instance_t *));
#endif
#ifdef SHIM_LINK
extern const struct library_links vireo_links;
#endif

/* Its addresses are relocated, and read-only from then on: tcc would put it among the variables. */
#ifdef __TINYC__
#define SHIM_PLACE __attribute__((section(".data.rel.ro")))
#else
#define SHIM_PLACE
#endif
__attribute__((visibility("default"))) extern const struct library_face vireo_library;

const struct library_face vireo_library SHIM_PLACE = {
    .abi = LIBRARY_ABI,
    .instance_bytes = sizeof(Z_m_instance_t),
#ifdef SHIM_START_SECTION
    .start_section = 1,
#endif
    .init_module = Z_m_init_module,
    .instantiate = shim_instantiate,
    .free_instance = shim_free_instance,
    .memory = shim_memory,
#ifdef SHIM_START
    .start = shim_start,
#endif
#ifdef SHIM_INITIALIZE
    .initialize = shim_initialize,
#endif
#ifdef SHIM_HANDLER
    .request_buffer = shim_request_buffer,
    .handle = shim_handle,
    .answer_buffer = shim_answer_buffer,
#endif
#ifdef SHIM_TABLE
    .table = shim_table,
#endif
#ifdef SHIM_GO_CALLBACK
    .go_callback = shim_go_callback,
#endif
#ifdef SHIM_LINK
    .links = &vireo_links,
#endif
};
