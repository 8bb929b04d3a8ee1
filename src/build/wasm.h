/* Inside the check of WebAssembly modules: the wasm_*.c files. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/build.h"

struct err;

/* Bytes of a module that are being read; `at` never passes `end`, nor `end` the file. */
struct wasm_reader {
    const uint8_t *module;
    size_t at, end; /* offsets in the file */
    const char *where;
    struct err *err;
    bool ref_func_seen; /* by what walks instructions */
};

/* Most of what a module may have of a thing; each also takes at least a byte of the file. */
#define WASM_TYPES_MAX 100000
#define WASM_FUNCTIONS_MAX 1000000 /* and globals, segments, exports */
/* Functions with code. wasm2c's time grows with their square, whatever is in them: 1.7 s of CPU for
 * 10,000, 7 s for 20,000, more than 100 s for 60,000. Go's hello world has fewer than 6,000. */
#define WASM_DEFINED_MAX 32768
#define WASM_IMPORTS_MAX 4096
#define WASM_SIGNATURE_MAX 1000 /* parameters, and results, of one type */
#define WASM_LOCALS_MAX 50000   /* of one function */
#define WASM_DEPTH_MAX 10000    /* blocks within blocks: wasm2c's C nests as deep */
#define WASM_PAGES_MAX 65536

/* Types of values that are accepted. */
enum {
    WASM_I32 = 0x7f,
    WASM_I64 = 0x7e,
    WASM_F32 = 0x7d,
    WASM_F64 = 0x7c,
    WASM_V128 = 0x7b,
    WASM_FUNCREF = 0x70,
    WASM_EXTERNREF = 0x6f,
};

/* A type or signature as its bytes in the file: parameters, then results. */
struct wasm_type {
    uint32_t params_at, results_at; /* offsets of the first byte of each */
    uint16_t param_count, result_count;
};

struct wasm_module {
    struct wasm_type *types;
    uint32_t type_count;
    uint32_t *functions; /* the type of each function, imported ones first */
    uint32_t function_count, import_count;
    uint32_t memory_count, table_count;
};

/* What is gathered while the sections pass. */
struct wasm_check {
    struct wasm_reader reader;
    struct wasm_module module;
    struct wasm_facts facts;
    const char *imported[8]; /* names of imported modules: only known ones get this far */
    uint32_t imported_bytes[8];
    bool has_request_buffer, has_handle, has_answer_buffer;
    uint32_t code_count, data_count, data_announced;
    bool data_is_announced;
    struct wasm_links *links; /* NULL: it is not linked with others */
};

/* Refuses the module: "cannot use 'a.wasm': <reason> at offset 0x1c". Returns -EINVAL. */
int wasm_refuse(struct wasm_reader *reader, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for something that wasm2c lacks: "it uses <feature> (<what> at offset 0x1c), which ...".
 */
int wasm_refuse_feature(struct wasm_reader *reader, size_t offset, const char *feature,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Each reads one thing and moves on, or refuses and returns -EINVAL. `what` is for the message. */
int wasm_byte(struct wasm_reader *reader, const char *what, uint8_t *ret_value);
int wasm_u32(struct wasm_reader *reader, const char *what, uint32_t *ret_value);
/* The head of a section. The reader ends with the section then; setting `end` back is the caller's.
 */
int wasm_section(struct wasm_reader *reader, uint8_t *ret_id);
/* A signed LEB128 of at most `bits` (32, 33 or 64). */
int wasm_signed(struct wasm_reader *reader, const char *what, unsigned bits, int64_t *ret_value);
int wasm_skip(struct wasm_reader *reader, const char *what, size_t bytes);
/* A count of things that take at least a byte each, and are at most `max`. */
int wasm_count(struct wasm_reader *reader, const char *what, uint32_t max, uint32_t *ret_count);
/* A name: UTF-8; *ret_name points into the module and has no NUL. */
int wasm_name(struct wasm_reader *reader, const char *what, const char **ret_name,
              uint32_t *ret_bytes);
/* A value type that we have; others are refused by their feature's name. */
int wasm_value_type(struct wasm_reader *reader, uint8_t *ret_type);
/* funcref or externref. */
int wasm_reference_type(struct wasm_reader *reader);

/* A name for messages: at most 48 bytes of it, without control characters. */
struct wasm_shown {
    char text[64];
};
struct wasm_shown wasm_show(const char *name, uint32_t bytes);

/* Reads a constant expression up to its `end` (wasm_code.c). */
int wasm_constant(struct wasm_reader *reader, const struct wasm_module *module);
/* Walks one function's locals and instructions; the reader ends at the body's end (wasm_code.c). */
int wasm_body(struct wasm_reader *reader, const struct wasm_module *module,
              const struct wasm_type *type);

/* Does the type have these parameters and results? One letter each: i I f F for i32 i64 f32 f64. */
bool wasm_type_is(const struct wasm_reader *reader, const struct wasm_type *type,
                  const char *params, const char *results);
/* Checks one imported function against what the host has (wasm_imports.c). */
int wasm_import_check(struct wasm_reader *reader, size_t offset, const char *module,
                      uint32_t module_bytes, const char *name, uint32_t name_bytes,
                      const struct wasm_type *type);

/* The type as wasm_link.type has it; false: it has values that don't pass between modules, or more
 * than fit. */
bool wasm_type_text(const struct wasm_reader *reader, const struct wasm_type *type, char *text,
                    size_t size);

/* ---- wasm_links.c ---- */

/* What is imported of module "env", "GOT.mem" or "GOT.func". */
bool wasm_link_is_import(const char *module, uint32_t module_bytes);
/* Takes such an import; the reader is behind its kind, and then behind it. */
int wasm_link_import(struct wasm_check *check, size_t start, const char *module,
                     uint32_t module_bytes, const char *name, uint32_t name_bytes, uint8_t kind);
/* Takes an export that nobody else uses. */
int wasm_link_export(struct wasm_check *check, const char *name, uint32_t bytes, uint8_t kind,
                     uint32_t index);
/* Notes a global; `at` is where its value's expression begins. -ENOMEM. */
int wasm_link_global(struct wasm_check *check, size_t at);
/* Reads a custom section that may be "dylink.0"; one that is not well made says nothing. */
void wasm_link_custom(struct wasm_check *check);
/* The name that import number `i` has in module "link". */
void wasm_link_import_name(const struct wasm_links *links, uint32_t i, char name[16]);

/* Is it the name of an export that shim or host uses? */
bool wasm_export_is_known(const char *name, uint32_t bytes);
/* Reads the export section (wasm_exports.c). */
int wasm_export_section(struct wasm_check *check);

/* A row of the host's functions, for the test that compares it with guest/library_symbols.h. */
struct wasm_host_function {
    const char *module, *name, *params, *results;
};
extern const struct wasm_host_function wasm_host_functions[];
extern const size_t wasm_host_function_count;
