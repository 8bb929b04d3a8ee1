/*
 * The allow-list: what functions may call that is not their own code, in layers, each entry with
 * its contract. Data alone: the build, the verifier, the platform's process and the audit read this
 * one table.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum allow_layer {
    ALLOW_BASE,     /* arithmetic, memory and strings, formatting, pools: no system call */
    ALLOW_IO,       /* files under its own tmp, connections that its manifest names */
    ALLOW_PLATFORM, /* SQL, keys, queues, HTTP: served by vireo-platform */
    ALLOW_RISKY,    /* on the list by a vote only, for translated modules only */
    ALLOW_LAYERS,
};

/* A bit for each layer. What a manifest has that names none: base and io, as far as its grants go.
 */
#define ALLOW_BIT(layer) (1u << (layer))
#define ALLOW_DEFAULT (ALLOW_BIT(ALLOW_BASE) | ALLOW_BIT(ALLOW_IO))

const char *allow_layer_name(enum allow_layer layer);
/* -ENOENT. ALLOW_RISKY is no layer that a manifest can name. */
int allow_layer_find(const char *name, enum allow_layer *ret_layer);

/* What one parameter is to the callee. */
enum allow_kind {
    ALLOW_END = 0, /* there are no more */
    ALLOW_VALUE,   /* a number, any */
    ALLOW_LONG,    /* the same, of 64 bits */
    ALLOW_SIZE,    /* how many bytes the pointers that name it have */
    ALLOW_READ,    /* reads at most so many bytes; they must be there and set */
    ALLOW_WRITE,   /* writes at most so many bytes; what it leaves out keeps its value */
    ALLOW_FILL,    /* writes all of them */
};

struct allow_param {
    enum allow_kind kind;
    uint8_t size;  /* READ, WRITE, FILL: the parameter that says how many; ALLOW_FIXED: `most` */
    uint32_t most; /* SIZE: more is refused (0: any); with ALLOW_FIXED how many bytes there are */
};
#define ALLOW_FIXED 0xff

enum allow_result {
    ALLOW_NOTHING,
    ALLOW_ANY,
    ALLOW_FIRST,  /* its first argument */
    ALLOW_STATUS, /* 0, or negative */
    ALLOW_COUNT,  /* at most the value of the parameter `result_of`, or negative */
};

#define ALLOW_PARAMS 6

struct allow_entry {
    const char *name; /* in C */
    enum allow_layer layer;
    const char *import; /* of WebAssembly's module "vireo"; NULL: compiled into the function */
    struct allow_param params[ALLOW_PARAMS];
    enum allow_result result;
    uint8_t result_of;
    bool disjoint;        /* what it writes must not overlap what it reads */
    const char *contract; /* for people */
};

extern const struct allow_entry allow_entries[];
extern const size_t allow_entry_count;

/* By its C name; NULL. */
const struct allow_entry *allow_find(const char *name);
/* By the name that native code has of it: ALLOW_NATIVE, then its import's name, or its own where
 * modules have no import for it. NULL. */
#define ALLOW_NATIVE "vireo_import_"
const struct allow_entry *allow_find_native(const char *symbol);

/* What proved code calls, as a text: names of the list, and of <vireo/function.h>, a blank between
 * two. */
#define ALLOW_CALLS_BYTES 512
/* Adds what a symbol that it leaves undefined is there; what is neither is none. Once each. */
void allow_calls_add(char calls[ALLOW_CALLS_BYTES], const char *symbol);
bool allow_calls_have(const char *calls, const char *name);

/* The entries that vireo-platform serves, in the order of its counters. */
enum allow_served {
    ALLOW_KV_GET,
    ALLOW_KV_PUT,
    ALLOW_KV_DELETE,
    ALLOW_SQL,
    ALLOW_QUEUE_PUSH,
    ALLOW_HTTP,
    ALLOW_HTTP_ANY,
    ALLOW_EXEC,
    ALLOW_SERVED,
};
/* Its name in the table. */
const char *allow_served_name(enum allow_served served);
