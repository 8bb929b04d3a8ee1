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

/* The same with a directory that the guest was given as the target, which means what its name
 * would ("/sys/fs/cgroup"); negative: none. */
VIREO_BPF_IMPORT(wasm_attach_bpf_program_fd)
int wasm_attach_bpf_program_fd(bpf_object_handle object, const char *program, int directory);

/* A descriptor of a map, of this instance only. */
VIREO_BPF_IMPORT(wasm_bpf_map_fd_by_name)
int wasm_bpf_map_fd_by_name(bpf_object_handle object, const char *map);

/* Takes one sample, of `bytes` in `data`. What it returns is not looked at. */
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

/*
 * ---- Beyond wasm-bpf: module "vireo_bpf". A guest that uses these runs with vireo alone. ----
 */
#define VIREO_BPF_OWN_IMPORT(name) __attribute__((import_module("vireo_bpf"), import_name(#name)))

/* What is set before the next load, and for that one alone. -E2BIG: too much. What the object does
 * not have is refused by the load. */
enum vireo_bpf_setting {
    VIREO_BPF_SET_PROGRAM = 1, /* uint32_t: 0, the program is not loaded; 1, it is */
    VIREO_BPF_SET_GLOBAL,      /* the first value of a global variable, of .rodata too */
    VIREO_BPF_SET_ENTRIES,     /* uint32_t: how many a map has room for */
};
VIREO_BPF_OWN_IMPORT(set)
int vireo_bpf_set(int setting, const char *name, const void *data, int bytes);

/* A global variable of an object that is loaded, by its name; `bytes` is its size. What is in
 * .rodata can't be written: -EPERM. The memory is the programs' own. */
VIREO_BPF_OWN_IMPORT(global)
int vireo_bpf_global(bpf_object_handle object, const char *name, void *data, int bytes, int writes);
/* The same of any array that was made with BPF_F_MMAPABLE: bytes from `at` on; each element begins
 * at a multiple of eight. */
VIREO_BPF_OWN_IMPORT(copy)
int vireo_bpf_copy(int map, uint64_t at, void *data, int bytes, int writes);

/* One sample, copied to `data` (at most data_bytes of it): how many bytes that were. 0: none came
 * within `timeout_ms`; less than 0 waits for a minute. For guests whose language has no functions
 * that wasm_bpf_buffer_poll() could call. */
VIREO_BPF_OWN_IMPORT(take)
int vireo_bpf_take(bpf_object_handle object, int map, void *data, int data_bytes, int timeout_ms);

/* Puts a sample into a BPF_MAP_TYPE_USER_RINGBUF. -ENOSPC: the programs have not taken enough. */
VIREO_BPF_OWN_IMPORT(send)
int vireo_bpf_send(int map, const void *data, int bytes);

/* Many elements at once; 64 KiB of them at most. `count` is how many there is room for, and then
 * how many there were; a lookup goes on where it was as long as `begun` is 1. */
struct vireo_bpf_batch {
    uint32_t count, begun;
    uint64_t flags;
    uint8_t token[64];
};
enum vireo_bpf_batch_command {
    VIREO_BPF_BATCH_LOOKUP = 24,
    VIREO_BPF_BATCH_LOOKUP_DELETE,
    VIREO_BPF_BATCH_UPDATE,
    VIREO_BPF_BATCH_DELETE,
};
VIREO_BPF_OWN_IMPORT(batch)
int vireo_bpf_batch(int map, int command, struct vireo_bpf_batch *batch, void *keys, void *values);

/* The program is attached no longer (a struct_ops: by its map's name); it may be again. */
VIREO_BPF_OWN_IMPORT(detach)
int vireo_bpf_detach(bpf_object_handle object, const char *program);
/* Where `program` is attached, `by` of the object `other` is from now on: nothing is missed
 * between. -EINVAL for kinds whose links can't be updated. */
VIREO_BPF_OWN_IMPORT(replace)
int vireo_bpf_replace(bpf_object_handle object, const char *program, bpf_object_handle other,
                      const char *by);

struct vireo_bpf_statistics {
    uint64_t runs, run_ns; /* counted while the machine's sysctl kernel.bpf_stats_enabled is 1 */
    uint64_t missed;       /* runs that were left out: it ran already on that processor */
    uint64_t instructions; /* that the verifier looked at */
    uint64_t loaded_ns;    /* since the machine's start */
    uint32_t id, code_bytes;
};
VIREO_BPF_OWN_IMPORT(statistics)
int vireo_bpf_statistics(bpf_object_handle object, const char *program,
                         struct vireo_bpf_statistics *statistics);

/* Runs an iterator that is attached: what it says, up to 64 KiB at once, for which there must be
 * room. 0: that was all. `anew` begins again. */
VIREO_BPF_OWN_IMPORT(iterate)
int vireo_bpf_iterate(bpf_object_handle object, const char *program, void *data, int bytes,
                      int anew);

/* A map of the function's, by a name of its own: it is there for the next instances, also of
 * another version, until it is unpinned or the function is removed. Maps of an object with
 * `__uint(pinning, LIBBPF_PIN_BY_NAME)` are pinned and found by their names as they are loaded. */
VIREO_BPF_OWN_IMPORT(pin)
int vireo_bpf_pin(int map, const char *name);
VIREO_BPF_OWN_IMPORT(unpin)
int vireo_bpf_unpin(const char *name);
/* An object that is this one map, of that name. 0: there is none. */
VIREO_BPF_OWN_IMPORT(open)
bpf_object_handle vireo_bpf_open(const char *name);

/* What a program is attached to, by a name like a map's: with `host` it stays attached when the
 * instance ends, until its name is unpinned or the function is removed. -EPERM: without `host`. */
VIREO_BPF_OWN_IMPORT(keep)
int vireo_bpf_keep(bpf_object_handle object, const char *program, const char *name);
/* Another version's program in the place of one that was kept, under that name from now on. No
 * event is missed; where the kernel can't put one in the other's place (tracepoints, probes) those
 * of a moment are seen by both. -EINVAL: it is another kind of program, of another point, or
 * attached. -EDQUOT: its maps, which the pin would keep, are more than the policy has left. */
VIREO_BPF_OWN_IMPORT(take_over)
int vireo_bpf_take_over(bpf_object_handle object, const char *program, const char *name);

/* An object for other modules, by a name that `bpf: share` grants to this one and to those: they
 * join it and have its maps. With `host` what is attached of it stays so until the last has closed
 * it or ended; each ring buffer, perf event array and user ring buffer is one module's at a time
 * (-EBUSY). -EPERM: not granted; -EEXIST. */
VIREO_BPF_OWN_IMPORT(share)
int vireo_bpf_share(bpf_object_handle object, const char *name);
/* 0: there is none of that name, or it is not granted. */
VIREO_BPF_OWN_IMPORT(join)
bpf_object_handle vireo_bpf_join(const char *name);

/* An object that is one new map. 0: it was refused. */
struct vireo_bpf_map {
    uint32_t type, key_bytes, value_bytes, entries, flags; /* as of bpf(2) */
};
VIREO_BPF_OWN_IMPORT(create_map)
bpf_object_handle vireo_bpf_create_map(const char *name, const struct vireo_bpf_map *map);

/* An object that is one program, of instructions that the guest made: struct bpf_insn, eight bytes
 * each, in which maps are named by this instance's descriptors. The policy is the same. 0: it was
 * refused. */
VIREO_BPF_OWN_IMPORT(load_program)
bpf_object_handle vireo_bpf_load_program(const char *name, const char *section, const char *license,
                                         const void *instructions, int count);

#ifdef __cplusplus
}
#endif
