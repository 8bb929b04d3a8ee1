/*
 * Inside vireo-build: the stages of a build as they run in their sandboxes. Descriptor 0 is the
 * input (a sealed memfd), 1 the result, 2 the diagnostics; STAGE_SCRATCH is an empty directory and
 * the only place that can be written. Each stage is its own process in its own sandbox, so that a
 * compiler subverted in one can't write what a later one makes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "build/sandbox.h" /* enum stage_status */

struct stage {
    uint64_t memory_bytes; /* of address space, for each tool */
    uint32_t cpu_seconds;  /* for each tool */
    const char *const *args;
    size_t arg_count;
};

/* Each runs one stage and returns an enum stage_status. */
typedef int stage_function(const struct stage *stage);
stage_function stage_compile;   /* tar of C sources -> bundle of WebAssembly module, symbol map */
stage_function stage_translate; /* module -> bundle of m.c, m.h */
stage_function stage_quick;     /* bundle of module, note.c -> shared object, of the first tier */
stage_function stage_native;    /* bundle of m.c, m.h, note.c -> shared object */
stage_function stage_library;   /* bundle of a tar of C sources, two notes -> shared object */
stage_function stage_program;   /* tar of C sources -> tar with a static program */
stage_function stage_link; /* bundle of a proved function's object, its note -> shared object */

/* What the stages hand on: sizes of the parts, little-endian as the machine, then the parts. */
struct stage_bundle {
    uint64_t sizes[4];
};

/* ---- stage_split.c ---- */

/* Begins the first line of m.c that is behind wasm2c's helpers. */
#define STAGE_HELPERS_END "static bool s_module_initialized"

/* How many pieces an m.c of `size` bytes has at most: none has more than `piece_bytes` of functions
 * and one function. The last ones may define nothing. */
size_t stage_piece_count(size_t size, size_t piece_bytes);

/* Writes piece number `piece` of the m.c `text` to a new file. Returns -errno. */
int stage_write_piece(const char *path, const char *text, size_t size, size_t piece_bytes,
                      size_t piece);

/* What vireo-verify says of a handler, in front of the IR and the report (stage "prove"). */
struct stage_facts {
    uint32_t version; /* STAGE_FACTS_VERSION */
    uint32_t proved;  /* 1; else 0 and why */
    uint64_t instructions;
    uint64_t ns; /* of processor time, of the code itself; UINT64_MAX: none known */
    char entry[64];
    char reason[256];
};
#define STAGE_FACTS_VERSION 2

/* The function that the object of a proved handler defines, as the guest calls it. */
#define STAGE_PROVED_ENTRY "vireo_proved_handler"

/* ---- stage_tool.c ---- */

/*
 * The first of a stage's program: takes its arguments (argv[1] is a name, the stage's own begin at
 * argv[4]; at least `min` of them), forbids calls, makes a directory for temporary files. STAGE_OK,
 * or the program's exit status. Outside a pid namespace of its own it would leave processes behind
 * and write to the host: then it refuses.
 */
int stage_begin(int argc, char **argv, size_t min, struct stage *ret_stage);

/* Says a line of diagnostics; returns `status`. */
int stage_say(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Runs a compiler to its end under the limits of `stage`, in directory `cwd`, with its standard
 * output in the file `output` (NULL: to the diagnostics). Returns a stage_status.
 */
int stage_run_tool(const struct stage *stage, const char *cwd, const char *const *argv,
                   const char *output);

/* Room for a path of the tar, and "./". */
#define STAGE_NAME_BYTES 320

/*
 * How a file of the author's is named to a tool that runs in its folder. What begins with anything
 * but a letter, digit or underscore gets "./": it could be an option or (@) a file of options, to
 * clang, to the cc1 that clang starts without "--", to wasm-ld or to llvm-nm. The others stay as
 * they are, for they are what messages show.
 */
void stage_file_argument(const char *name, char text[STAGE_NAME_BYTES]);

/* ---- stage_objects.c ---- */

#define STAGE_OBJECTS STAGE_SCRATCH "/objects"

/* Named after their sources, since the linker's messages name them; relative to STAGE_OBJECTS. Ours
 * lie with the SDK, where no source's object can. */
struct stage_objects {
    /* Three more, for files of the SDK. */
    char names[BUILD_SOURCES_MAX + 3][STAGE_NAME_BYTES];
    size_t count;
};

/* Makes their directory, and writes the SDK. A stage_status, as all of these. */
int stage_prepare_objects(void);
/* The name of a source's object, and an empty file of that name. */
int stage_object_make(const char *source, char name[STAGE_NAME_BYTES]);
/* llvm-nm's list of what they define, a line "NAME TYPE VALUE SIZE" each; malloc'ed. */
int stage_read_symbols(const struct stage *stage, const struct stage_objects *objects,
                       char **ret_text);
/* Does such a list define this function? Weak ones count. */
bool stage_defines(const char *symbols, const char *name);

/* ---- stage_file.c ---- */

/* Makes the directories of `path` (relative to `dir_fd`) and the file itself, which must be new. */
int stage_write_file(int dir_fd, const char *path, const void *data, size_t size);
/* The whole of descriptor 0, mapped. */
int stage_map_input(const uint8_t **ret_data, size_t *ret_size);
/* Unpacks descriptor 0, a packed source, into STAGE_SOURCE; a stage_status. */
int stage_unpack(void);
/* The same of a packed source that is a part of the input. */
int stage_unpack_bytes(const uint8_t *tar, size_t size);
/* Sends a file, or several as a bundle, as the result. */
int stage_send_file(const char *path);
int stage_send_bundle(const char *const *paths, size_t count);

/* ---- stage_seccomp.c ---- */

/* Forbids, for ever and for all children, the calls by which kernels were broken and no compiler
 * needs. */
int stage_forbid_calls(void);

/* ---- the SDK, compiled in (embed.py) ---- */

struct stage_sdk_file {
    const char *path; /* below the SDK's directory */
    const unsigned char *data;
    size_t size;
};
extern const struct stage_sdk_file stage_sdk_files[]; /* ended by a NULL path */
/* Writes them below STAGE_SDK. */
int stage_write_sdk(void);

#define STAGE_SDK STAGE_SCRATCH "/sdk"
#define STAGE_SOURCE STAGE_SCRATCH "/source"
