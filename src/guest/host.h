/*
 * A WebAssembly instance inside a pVM, as the host functions see it: `struct host` is what every
 * imported function gets as its first argument. Many may live in one process; none is global.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wasm-rt.h>

struct library;      /* linker.h: a mapped library */
struct wasi;         /* wasi.h: descriptors, arguments, environment */
struct guest_call;   /* call.h: the request being served and the answer so far */
struct family;       /* family.h: its process and those that it forked */
struct update_point; /* update_point.h: a program that is updated while it runs */
struct parts;        /* parts.h: libraries that are linked with it */
struct signals;      /* signals.h: handlers of its code */

/* Why the guest's code was left before it returned. */
enum host_exit {
    HOST_RUNNING = 0,
    HOST_RETURNED,  /* ran to its end */
    HOST_EXITED,    /* proc_exit: exit_status */
    HOST_TRAPPED,   /* trap, trap_function */
    HOST_TOO_LARGE, /* the answer passed its limit */
    HOST_UPDATED,   /* at an update point: another version of the library is in place */
};

struct host {
    const struct library *library;
    void *instance;            /* Z_m_instance_t of the library */
    wasm_rt_memory_t *memory;  /* its export "memory"; data and size change when it grows */
    uint32_t memory_pages_max; /* of this instance, from the manifest's limit */
    bool memory_refused;       /* a memory.grow passed that limit */
    struct wasi *wasi;
    struct guest_call *call;    /* NULL when there is none: `vireo run` */
    struct family *family;      /* NULL: it may not fork, nor make pipes */
    struct update_point *point; /* NULL: it is not updated while it runs */
    struct parts *parts;        /* NULL: it is not linked with libraries */
    struct signals *signals;    /* NULL: it has asked for no handler */
    int bpf_socket;             /* to vireo-broker (bpf.h); 0 or -1: none */
    void *bpf_state;            /* struct bpf_state of bpf_internal.h, once an object was loaded */

    /* Set by host_leave() or a trap, which leave the innermost wasm_enter(). */
    enum host_exit exit;
    uint32_t exit_status;
    const char *trap; /* WebAssembly's own words: "out of bounds memory access" */
    /* As the name section has it, odd characters as '_'; "" if not known. */
    char trap_function[128];
};

/*
 * `bytes` of the instance's memory at `address`, or NULL when they are not all inside. The one
 * bounds check of every pointer that comes from a guest. A pointer is good until memory grows.
 */
static inline void *host_memory(const struct host *host, uint32_t address, uint64_t bytes)
{
    if (!host->memory || (uint64_t)address + bytes > host->memory->size)
        return NULL;
    return host->memory->data + address;
}

/*
 * Leaves the guest's code at once: host->exit is set first, and wasm_enter() returns it. Only from
 * a host function that this instance called; what that function owned must be released before.
 */
void host_leave(struct host *host, enum host_exit exit) __attribute__((noreturn));
