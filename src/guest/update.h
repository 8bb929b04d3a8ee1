/*
 * Live update, the instance's side: the library of a running instance is replaced by another
 * version of it, and the instance goes on with its memory.
 *
 * For translated code the state is the linear memory and nothing else: at an update no code of the
 * library is on the stack. The build has put what both versions have at the same addresses, and at
 * the same indices of the table (build/layout.h); the maps of both say so, and are compared here
 * again. What is new in the memory is copied from a fresh instance of the new version.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/symbol_map.h"

struct err;
struct host;
struct library;

/* How long the phases took, in nanoseconds. */
struct update_times {
    uint64_t load;      /* mapping and relocating the new library */
    uint64_t tables;    /* its instance: fresh data, the table of functions */
    uint64_t functions; /* comparing the maps: signatures, types, places */
    uint64_t variables; /* new variables and constants into the memory, which changes its owner */
};

/*
 * Replaces the library of `host`, whose instance is open or not, by the one in the sealed memfd
 * `fd`, of so many bytes. The old one is unmapped. `going_back` as in symbol_map_compare(). On
 * failure nothing has changed: -EPERM names the symbol, -ENOEXEC what the linker refuses.
 */
int update_library(struct host *host, int fd, uint64_t bytes, bool going_back,
                   const struct library **ret_library, struct update_times *ret_times,
                   struct err *err);
/* The same with a library that is open. Both stay so: the one before is the caller's to close. */
int update_replace(struct host *host, const struct library *library, bool going_back,
                   struct update_times *ret_times, struct err *err);

/* The map of a library, which ends with it. -EPERM: "the WHICH library has no symbol map: ...". */
int update_map_of(const struct library *library, const char *which, struct symbol_map *ret_map,
                  struct err *err);
/* What is new in `to`, and all constants, from fresh data into the one that stays; addresses of the
 * maps count from both. */
void update_copy_new(const struct symbol_map *from, const struct symbol_map *to,
                     const uint8_t *fresh, uint8_t *data);
