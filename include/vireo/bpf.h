/*
 * eBPF for WebAssembly guests: the functions of module "wasm_bpf", as wasm-bpf's modules import
 * them, so that a guest written with this header runs there too. Build with `vireo bpf build`,
 * whose skeleton (NAME.skel.h) embeds the object and has a function for each step.
 *
 * Results are 0 or more, or a negative errno. What the policy or the kernel's verifier says is in
 * the function's log. docs/bpf.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIREO_BPF_IMPORT(name) __attribute__((import_module("wasm_bpf"), import_name(#name)))

/* An object that is loaded; 0: none. It is this instance's alone, and ends with it. */
typedef uint64_t bpf_object_handle;

/* Loads an ELF object, with all of its programs and maps. 0: it was refused. */
VIREO_BPF_IMPORT(wasm_load_bpf_object)
bpf_object_handle wasm_load_bpf_object(const void *object, int bytes);

/* Detaches and frees everything of it. */
VIREO_BPF_IMPORT(wasm_close_bpf_object)
int wasm_close_bpf_object(bpf_object_handle object);

/*
 * Attaches a program by its name to what its section says. `target` is for those whose section
 * does not: an interface ("eth0", "eth0:egress"), a group, a frequency; else NULL.
 */
VIREO_BPF_IMPORT(wasm_attach_bpf_program)
int wasm_attach_bpf_program(bpf_object_handle object, const char *program, const char *target);

/* A descriptor of a map, of this instance only. */
VIREO_BPF_IMPORT(wasm_bpf_map_fd_by_name)
int wasm_bpf_map_fd_by_name(bpf_object_handle object, const char *map);

/* Takes one sample, of `bytes` in `data`. A negative result ends the poll and is its result. */
typedef int bpf_sample_function(void *context, void *data, int bytes);

/*
 * Waits at most `timeout_ms` for samples of a ring buffer or perf event array, copies each to
 * `data` (at most data_bytes of it) and calls `function`. Returns how many there were. Less than 0
 * waits for a minute.
 */
VIREO_BPF_IMPORT(wasm_bpf_buffer_poll)
int wasm_bpf_buffer_poll(bpf_object_handle object, int map, bpf_sample_function *function,
                         void *context, void *data, int data_bytes, int timeout_ms);

enum bpf_map_command {
    BPF_MAP_LOOKUP = 1, /* `value` is filled: for all processors where the map is per CPU */
    BPF_MAP_UPDATE,
    BPF_MAP_DELETE,
    BPF_MAP_NEXT_KEY, /* behind `key`, the first if that is NULL, into `next_key`; -ENOENT: none */
};
VIREO_BPF_IMPORT(wasm_bpf_map_operate)
int wasm_bpf_map_operate(int map, int command, const void *key, void *value, void *next_key,
                         uint64_t flags);

#ifdef __cplusplus
}
#endif
