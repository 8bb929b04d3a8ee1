/* Inside the build: what build.c, build_source.c and build_hash.c share. */
#pragma once

#include "build/build.h"
#include "build/sandbox.h"

/* A packed source, looked through. Pointers lead into the tar. */
struct build_source {
    const void *tar;
    size_t tar_size;
    struct manifest manifest;
    char *names[BUILD_SOURCES_MAX]; /* C files to compile; owned */
    size_t name_count;
    const uint8_t *module; /* a WebAssembly module instead, or NULL */
    size_t module_size;
    char module_name[256];
};

/* Checks the tar, reads vireo.yaml, lays `override` over it and picks the sources. build_run()'s
 * errors. */
int build_source_open(struct build_source *source, const void *tar, size_t tar_size,
                      int (*override)(struct manifest *manifest, void *user, struct err *err),
                      void *user, struct err *err);
void build_source_clear(struct build_source *source);

/* The name for messages. */
const char *build_source_title(const struct build_source *source);

/* SHA-256 of the packed source and of what in the manifest changes the library: the note's
 * source_hash. */
void build_hash_source(const struct build_source *source, uint8_t ret_digest[BUILD_HASH_BYTES]);

/*
 * SHA-256 of all that a library comes from: the source's digest, vireo-build with the SDK in it,
 * and the compilers. -ENOENT names a compiler that is not installed and its Debian package.
 */
int build_hash_input(const uint8_t source_digest[BUILD_HASH_BYTES], const char *program_dir,
                     char ret_hash[BUILD_HASH_TEXT], struct err *err);
