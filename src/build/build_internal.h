/* Inside the build: what build.c, build_source.c and build_hash.c share. */
#pragma once

#include "build/build.h"
#include "build/sandbox.h"

/* A packed source, looked through. Pointers lead into the tar. */
struct build_source {
    const void *tar;
    size_t tar_size;
    struct manifest manifest;
    char *names[BUILD_SOURCES_MAX]; /* C files to compile, or LLVM IR; owned */
    size_t name_count;
    bool has_ir;           /* what is proved, or nothing */
    const uint8_t *module; /* a WebAssembly module instead, or NULL */
    size_t module_size;
    char module_name[256];
    const uint8_t *library; /* a signed library instead of all that, or NULL */
    size_t library_size;
    char library_name[256];
    const uint8_t *image; /* a container's image instead of all that, or NULL */
    size_t image_size;
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

/* ---- build_map.c ---- */

/* Bytes of slack behind the data of a function with this manifest; 0: it gets no symbol map. */
uint32_t build_slack(const struct manifest *manifest);
/* Puts a symbol map behind an ELF file (malloc'ed). */
int library_map_append(void **elf, size_t *size, const void *map, size_t map_size, struct err *err);

/* In the place of a safety: of the first tier; of what came ready, for which no compiler counts. */
#define BUILD_QUICK "sfi quick"
#define BUILD_READY "ready"

/*
 * SHA-256 of all that a library comes from: the source's digest, which safety is made of it,
 * the map that it is laid out against, vireo-build with the SDK in it, and the compilers. -ENOENT
 * names a compiler that is not installed and its Debian package.
 */
int build_hash_input(const uint8_t source_digest[BUILD_HASH_BYTES], const char *safety,
                     const struct build_options *options, char ret_hash[BUILD_HASH_TEXT],
                     struct err *err);

/* One build while it runs. */
struct build {
    const struct build_options *options;
    struct build_source source;
    struct sandbox *sandbox;
    struct library_note note; /* what the library must say of itself */
    struct wasm_facts facts;
    struct wasm_links links; /* of a module that others are linked with, or that is for others */
    int module_fd, translated_fd; /* sealed memfds */
    void *map;                    /* its symbol map, or NULL */
    size_t map_size;
    void *elf;
    size_t elf_size;
    char ladder[BUILD_LADDER_BYTES];  /* struct build_result's */
    char calls[ALLOW_CALLS_BYTES];    /* of proved code */
    char not_proved[400];             /* why */
    bool compiles;                    /* for this machine */
    bool quick;                       /* to be of the first tier, if it can be */
    char quick_hash[BUILD_HASH_TEXT]; /* its input's, then: build_hash_input() */
    void *image;                      /* the container's that it became; malloc'ed, or NULL */
    size_t image_size;
    void *report; /* the verifier's, of what is proved; malloc'ed, or NULL */
    size_t report_size;
};

/* ---- build.c ---- */

void build_progress_say(const struct build *build, const char *stage);
/* Runs a stage, shows what it said, and gives its result. */
int build_run_stage(struct build *build, const struct sandbox_stage *stage, int *ret_fd,
                    size_t *ret_size, struct err *err);
/* Takes the ELF file that a stage made. */
int build_take_elf(struct build *build, int fd, size_t size, struct err *err);
/* The same of a bundle of a library and its symbol map. */
int build_take_bundle(struct build *build, int fd, size_t size, struct err *err);

/* Is the module linked with others, or for others? */
bool build_is_linked(const struct build *build);

/* ---- build_translated.c ---- */

/* The checked module as native code: build->elf, not checked. */
int build_translated(struct build *build, struct err *err);
/* The same of the first tier. Any error: build_translated() may do it yet. */
int build_quick(struct build *build, struct err *err);

/* A sealed memfd's bytes; data is NULL when it has none. */
struct build_mapping {
    void *data;
    size_t size;
};
int build_map_memfd(int fd, struct build_mapping *ret_mapping, struct err *err);
void build_mapping_clear(struct build_mapping *mapping);

/* ---- build_native.c ---- */

/* Native code of C sources, by their compiler: build->elf, not checked. */
int build_native(struct build *build, struct err *err);
/* A source that is a library already: its signature and what it says of itself are checked, and it
 * is put into the store (may be NULL) as it is. */
int build_take_library(struct build *build, struct store *store, const struct sign_key *key,
                       struct build_result *result, struct err *err);

/* ---- build_interpreted.c ---- */

/* At its top are Python modules, and nothing that is built. */
bool build_source_is_python(const struct build_source *source);
/* Gives a Python function's manifest its entry where it says none. -EINVAL. */
int build_python_entry(struct build_source *source, struct err *err);
/* The image of a source with a runtime: build->elf, checked. */
int build_interpreted(struct build *build, struct err *err);

/* ---- build_proved.c ---- */

/*
 * The proved rung: build->elf, not checked, and the proof in build->note. 1: it could not be
 * proved, and `reason` says why; else 0, or an error that is no verdict.
 */
int build_proved(struct build *build, char *reason, size_t reason_size, struct err *err);

/*
 * Gives the code generator what was verified: `ir_fd` must hold the bytes of this hash (-EPERM).
 * *ret_fd is the object, a sealed memfd.
 */
int build_generate(struct sandbox *sandbox, int ir_fd, const uint8_t ir_hash[BUILD_HASH_BYTES],
                   const char *entry, int *ret_fd, size_t *ret_size, struct err *err);

/* ---- build_container.c ---- */

/* The container rung: the image as it came, under its hash. */
int build_take_image(struct build *build, struct store *store, struct build_result *result,
                     struct err *err);

/* C as a program in an image of its own: build->image. What its manifest says of a container is
 * set, for build->source and for the result. */
int build_contain(struct build *build, struct err *err);

/* ---- object_check.c ---- */

struct object_facts {
    uint64_t static_bytes; /* of variables */
    uint64_t stack_bytes;  /* of all functions' frames together */
    bool calls_out;        /* to the kernel or a service */
    char calls[ALLOW_CALLS_BYTES];
};

/* The object of a proved function, whose frames may take `stack_max` bytes. -ENOEXEC with the
 * reason. */
int object_check(const void *bytes, size_t size, uint64_t stack_max, struct object_facts *ret_facts,
                 struct err *err);

/* ---- build_ladder.c ---- */

/* Notes a rung: "proved", "sfi"; taken when `reason` is NULL. */
void build_ladder_note(struct build *build, const char *rung, const char *reason);
/* Notes the proof of build->note. */
void build_ladder_note_proof(struct build *build);
/* Whether the ladder is walked for this source. */
bool build_has_ladder(const struct build *build);
/*
 * Walks it: proved, else whatever `translate` makes; build->elf is not checked. -EPERM when what is
 * required can't be had, with the reason.
 */
int build_ladder(struct build *build, int (*translate)(struct build *build, struct err *err),
                 struct err *err);
