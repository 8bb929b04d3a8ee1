/* vireo-bpf skel NAME: reads an object from standard input, writes a header for guests. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The program's exit status. `name` is a C name. */
int skeleton_main(const char *name);

struct btf;
/* skeleton_types.c: whether the structures can be written at all. -ELOOP: one has itself, or too
 * many others in each other; -E2BIG: there are too many. */
int skeleton_types_check(const struct btf *types);
/* Writes the structures that guests meet, each as PREFIX__NAME: those of the maps
 * (their keys' and values' types), of the global variables, and what these point to. 0 or -ENOMEM.
 */
int skeleton_types(const char *prefix, const struct btf *types, const uint32_t *map_types,
                   size_t map_type_count);
