/*
 * From source to signed library. The compilers run on untrusted input: vireo-build runs each stage
 * in a sandbox of its own, under a uid of its own, and what comes back is checked before it is
 * signed here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "allow/allow.h"
#include "build/manifest.h"

struct err;

#define BUILD_HASH_BYTES 32
#define BUILD_HASH_TEXT 65 /* lower-case hex and NUL */
#define BUILD_LADDER_BYTES 2048

/* ---- note and signature (note.c, sign.c): see docs/library.md for the bytes ---- */

/* What native code asks of what it is linked with: its manifest's word, in a note of type 2. */
struct library_demands {
    bool given; /* there is such a note */
    bool link;  /* libraries may be linked while it runs: it may need what nobody has yet */
    char application[NAME_MAX_BYTES + 1];
    struct manifest_library library;
    struct manifest_dependency dependencies[DEPENDENCIES_MAX]; /* without hashes */
    uint32_t dependency_count;
};

/* Of a manifest; not given when it asks for nothing. */
void library_demands_of(const struct manifest *manifest, struct library_demands *ret_demands);
bool library_demands_equal(const struct library_demands *one, const struct library_demands *other);
/* Lays them over a manifest that says nothing itself. */
void library_demands_take(const struct library_demands *demands, struct manifest *manifest);

/* What was proved, of what, and with which bounds: a call's sandbox is made from it. */
struct library_proof {
    uint8_t ir_hash[BUILD_HASH_BYTES];     /* SHA-256 of the bitcode that was verified */
    uint8_t report_hash[BUILD_HASH_BYTES]; /* of the verifier's report */
    uint64_t instructions;                 /* at most in one call */
    uint64_t stack_bytes;                  /* of all its frames together */
    uint64_t static_bytes;                 /* of its variables */
    uint64_t cpu_ms;                       /* one call takes less, on any processor of today */
};

/* Section .note.vireo, owner "vireo", types 1 and 2: what a library says of itself. */
struct library_note {
    char name[NAME_MAX_BYTES + 1];
    char version[VERSION_MAX_BYTES + 1];
    /* "sfi": translated from WebAssembly; "proved"; "native": its signer answers for it */
    char safety[16];
    uint32_t abi;                          /* LIBRARY_ABI */
    char kind[16];                         /* "handler", "command"; "library": functions only */
    uint8_t source_hash[BUILD_HASH_BYTES]; /* SHA-256 of the packed source and manifest */
    struct library_proof proof;            /* of "proved"; else zero */
    struct library_demands demands;
    /* Not in the note: the id of the key, set by library_accept(); and of "proved" what its symbols
     * say that it calls, set by library_check(). */
    char signer[BUILD_HASH_TEXT];
    char calls[ALLOW_CALLS_BYTES];
};

/*
 * The note as a C source that the build compiles and links into the library (gcc or clang, x86-64):
 * top-level assembly for section .note.vireo, which the linker keeps and covers by a PT_NOTE.
 * malloc'ed, the caller's. -EINVAL when a field is not what library_note_parse() accepts.
 */
int library_note_source(const struct library_note *note, char **ret_source, struct err *err);

/*
 * Finds the one note of owner "vireo" in the bytes of a PT_NOTE segment and checks its fields.
 * `align` is the segment's: 4 or 8. -ENOENT when there is none, -ENOEXEC when it is not well made
 * or there are two.
 */
int library_note_parse(const void *notes, size_t size, size_t align, struct library_note *ret_note,
                       struct err *err);

struct sign_key; /* Ed25519 pair */

/*
 * Opens the key of `path`, or makes it on first use (mode 0600; refused when others can read it).
 * The caller frees it; it is wiped.
 */
int sign_key_open(const char *path, struct sign_key **ret_key, struct err *err);
void sign_key_free(struct sign_key *key);
/* The public half as hex. */
void sign_key_id(const struct sign_key *key, char ret_text[BUILD_HASH_TEXT]);

/* Signs a text that is no library: plain Ed25519, which no library's signature is. */
#define SIGN_TEXT_BYTES 64
int sign_text(const struct sign_key *key, const void *text, size_t size,
              uint8_t ret_signature[SIGN_TEXT_BYTES]);

/* Bytes that a signature adds behind an ELF file. */
#define LIBRARY_TRAILER_BYTES 128

/* malloc'ed: the ELF file followed by the trailer. */
int library_sign(const struct sign_key *key, const void *elf, size_t elf_size, void **ret_library,
                 size_t *ret_size, struct err *err);

/*
 * Checks a signed library: trailer, signature by `key`, ELF (library_check()). On success *ret_note
 * and *ret_elf_size are set. -EBADMSG: not signed or altered; -EKEYREJECTED: another key;
 * -ENOEXEC: not a library that may run.
 */
int library_verify(const struct sign_key *key, const void *library, size_t size,
                   struct library_note *ret_note, size_t *ret_elf_size, struct err *err);

/* Public keys whose libraries are taken beside one's own: the operator's word. */
#define SIGN_TRUSTED_MAX 64
struct sign_trust {
    uint32_t count;
    uint8_t keys[SIGN_TRUSTED_MAX][BUILD_HASH_BYTES];
};

/* Adds the key of this id (64 hex digits). -EINVAL: it is none; -E2BIG. */
int sign_trust_add(struct sign_trust *trust, const char *id);

/*
 * Checks a library as library_verify() does, whose key may also be one of `trust`. What runs
 * unproved and untranslated ("native") must be signed by one of those; with `trust` NULL one's own
 * key will do (-EPERM). What claims to be proved must be of one's own key: only that says that it
 * was proved here (-EKEYREJECTED).
 */
int library_accept(const struct sign_key *key, const struct sign_trust *trust, const void *library,
                   size_t size, struct library_note *ret_note, size_t *ret_elf_size,
                   struct err *err);

/*
 * The check of a built library (elf_check.c), or of a source image (source_image.h). A library: an
 * x86-64 ET_DYN without interpreter, needed libraries, constructors, ifuncs, TLS, text relocations,
 * writable or executable-stack code; W^X segments; relocations of four kinds inside writable
 * segments; undefined symbols only from guest/library_symbols.h (native code:
 * guest/native_symbols.h); one exported symbol (native code: functions, too). -ENOEXEC with the
 * reason.
 */
int library_check(const void *elf, size_t size, struct library_note *ret_note, struct err *err);

/* ---- a WebAssembly module (wasm_check.c) ---- */

struct wasm_facts {
    bool has_start_export;      /* _start: a command */
    bool has_initialize_export; /* _initialize: a reactor */
    bool has_handler_exports;   /* vireo_request_buffer, vireo_handle, vireo_answer_buffer */
    bool has_memory_export;
    bool has_start_section; /* code that runs at instantiation: -DSHIM_START_SECTION */
    bool imports_wasi, imports_vireo, imports_bpf;
    bool has_handlers;       /* it imports vireo.signal: functions of its table are called */
    bool has_table;          /* table 0 is one of functions */
    bool has_go_callback;    /* go-callback */
    bool has_ref_func;       /* an instruction that makes a reference to a function */
    uint32_t function_count; /* with the imported ones */
    /* Distinct modules imported: wasm2c's instantiate() takes one pointer for each. */
    uint32_t import_module_count;
    uint32_t memory_pages_min; /* of its memory, 64 KiB each */
    uint32_t memory_pages_max; /* 65536 when it names none */
};

/*
 * Walks a whole module: structure, limits, every instruction. Refused with the reason and the
 * offset in the file: what wasm2c lacks (SIMD, threads, tail calls, memory64, exceptions, GC,
 * multiple memories), imports that we don't have ("env.foo at offset 0x1c") or of another type,
 * no memory export. Types of values on the stack are not checked here: wasm2c validates them, in
 * its sandbox. A module may be neither a command nor a handler: the facts say what it is. Linear
 * time. `where` is what messages call the file. -EINVAL; -EFBIG: over a limit; -ENOMEM.
 */
int wasm_check(const uint8_t *module, size_t size, const char *where, struct wasm_facts *ret_facts,
               struct err *err);

/*
 * The module as the translator may see it, of one that wasm_check() accepted with these facts
 * (wasm_rewrite.c): without custom sections and without exports that neither shim nor host uses;
 * all else byte for byte. Functions keep their names, in a section "name" made anew: at most 200
 * bytes of [A-Za-z0-9_.$], other bytes become '_'. (Where functions are taken references of, other
 * exported functions stay exported, as "f<index>".) Of its own result it makes the same again.
 * *ret_module is malloc'ed, the caller's. -ENOMEM; -EINVAL when wasm_check() would not have
 * accepted it.
 */
int wasm_rewrite(const uint8_t *module, size_t size, const struct wasm_facts *facts,
                 const char *where, void **ret_module, size_t *ret_size, struct err *err);

/* ---- modules that are linked with others (wasm_links.c) ---- */

/* Of each kind: what a module wants of others, and what it has for them. */
#define WASM_LINKS_MAX 4096

enum wasm_link_kind {
    WASM_LINK_FUNCTION,
    WASM_LINK_DATA,    /* the address of a variable */
    WASM_LINK_ADDRESS, /* the table's index of a function */
    WASM_LINK_MEMORY,  /* the program's, as the three that follow */
    WASM_LINK_TABLE,
    WASM_LINK_STACK,       /* its stack pointer */
    WASM_LINK_MEMORY_BASE, /* where a part's own data lie */
    WASM_LINK_TABLE_BASE,  /* and its elements of the table */
};

struct wasm_link {
    enum wasm_link_kind kind;
    char name[128];
    char type[72];  /* of a function: "ii:I", parameters and results */
    uint32_t index; /* of an exported function */
    uint32_t value; /* of an exported variable: its address, in a part behind its base */
};

/*
 * What clang's convention for dynamic linking of WebAssembly says (tool-conventions,
 * DynamicLinking.md): a program wants functions of module "env"; a part, which has no memory of its
 * own, wants that and the program's memory, table and stack, and what "GOT.mem" and "GOT.func"
 * name.
 */
struct wasm_links {
    struct wasm_link *imports, *exports;
    uint32_t import_count, export_count;
    bool part;           /* it imports its memory: a library of others */
    bool variables_move; /* set before: variables are laid out anew, none is exported */
    bool has_stack, has_constructors;
    uint32_t stack_global,
        constructors; /* indices of what a program, and a part, exports of these */
    uint32_t memory_bytes, memory_align; /* of a part's data; the alignment's logarithm */
    uint32_t table_elements;             /* of a part */
    /* Of each global, while the module is read: its value, or UINT64_MAX. */
    uint64_t *globals;
    uint32_t global_count;
};
void wasm_links_clear(struct wasm_links *links);

/* As wasm_check() and wasm_rewrite(), of a module that may be linked with others; *links is empty
 * but for variables_move. The rewritten one wants all of it of a module "link", by numbers. */
int wasm_check_linked(const uint8_t *module, size_t size, const char *where,
                      struct wasm_links *links, struct wasm_facts *ret_facts, struct err *err);
int wasm_rewrite_linked(const uint8_t *module, size_t size, const struct wasm_facts *facts,
                        const struct wasm_links *links, const char *where, void **ret_module,
                        size_t *ret_size, struct err *err);
/* The C that binds it: `vireo_links`, a struct library_links (guest/library.h). malloc'ed. */
int wasm_links_source(const struct wasm_links *links, char **ret_source, struct err *err);

/* ---- the store (store.c): STATE/store, content-addressed ---- */

struct store;
int store_open(const char *state_dir, struct store **ret_store, struct err *err);
void store_close(struct store *store);
/* Puts a signed library; its name is the SHA-256 of its bytes. Atomic; durable when it returns. */
int store_put(struct store *store, const void *library, size_t size, char ret_hash[BUILD_HASH_TEXT],
              struct err *err);
/*
 * A library as a sealed memfd, copied first and checked there: hash, signature and ELF
 * (library_accept()). The caller owns *ret_fd. -ENOENT.
 */
int store_get(struct store *store, const char *hash, const struct sign_key *key,
              const struct sign_trust *trust, int *ret_fd, struct library_note *ret_note,
              struct err *err);
/* The same, without waiting for a disk and of at most 64 KiB, for a loop that has more to do.
 * -EAGAIN (or any other error): store_get() may succeed. */
int store_get_quick(struct store *store, const char *hash, const struct sign_key *key,
                    const struct sign_trust *trust, int *ret_fd, struct library_note *ret_note);
/* A container's image, or a report, as a sealed memfd: its hash is all that is checked. The caller
 * owns *ret_fd. -ENOENT. */
int store_get_image(struct store *store, const char *hash, int *ret_fd, struct err *err);
/* The same in two steps, for who has something else to do while it is checked (4 ms for a MiB):
 * nothing of a copy is to be used before it was. */
int store_copy_image(struct store *store, const char *hash, int *ret_fd, struct err *err);
int store_check_image(int fd, const char *hash, struct err *err);
/* What was built from this input before: "" when nothing was. */
int store_find_built(struct store *store, const char *input_hash, char ret_hash[BUILD_HASH_TEXT]);
/* `ladder`: what build_result.ladder is. */
int store_record_built(struct store *store, const char *input_hash, const char *library_hash,
                       const char *ladder, struct err *err);
/* What was recorded of that build; "": nothing. */
void store_find_ladder(struct store *store, const char *input_hash,
                       char ret_ladder[BUILD_LADDER_BYTES]);
/* The library counts as used now: store_purge() goes by that. -ENOENT. */
int store_touch(struct store *store, const char *hash);
/*
 * Removes what none of `keep` names and was last used `age_seconds` ago or earlier; what is kept
 * counts as used now. Returns the count removed. Nothing here knows of libraries that are about to
 * be registered: who registers one stores it again if it is gone (-ENOENT of store_get()), from the
 * thread that purges.
 */
int store_purge(struct store *store, const char *const *keep, size_t keep_count,
                uint32_t age_seconds);

/* ---- a source, packed (pack.c) ---- */

/*
 * Packs a `.c` file, a `.wasm` file, a library (`.so`) or a folder into an uncompressed tar (sorted
 * names, no owner, no times: equal sources are equal bytes), regular files only, links refused.
 * malloc'ed.
 */
int source_pack(const char *path, void **ret_tar, size_t *ret_size, struct err *err);

/*
 * The same of a container's root file system: an image of the directory `root`, and the file
 * `manifest_path` as its vireo.yaml (NULL: none). Changes the current directory and goes back.
 */
int source_pack_image(const char *root, const char *manifest_path, void **ret_tar, size_t *ret_size,
                      struct err *err);
/* The name of a container's image in a packed source; beside it there may be a vireo.yaml. */
#define SOURCE_IMAGE "rootfs.tar"

/* ---- the build (build.c) ---- */

/*
 * What a build tells while it runs: "compile", "translate", "optimise", "check", "sign"; "optimise
 * (large)" when that may take a minute.
 */
typedef void build_progress(const char *stage, void *user);
/* What the compilers said: at most 20 lines and 4 KiB, printable ASCII. Called for the stage that
 * failed, and for warnings of one that did not. */
typedef void build_diagnostics(const char *text, void *user);

struct build_options {
    const char *program_dir; /* where vireo-build is */
    const char *program;     /* what runs in the sandbox; NULL: vireo-build */
    const char *state_dir;   /* store and scratch; may be NULL for `build` without a store */
    uid_t uid;               /* of the sandboxes, nobody else's; ignored when not root */
    bool rootless;           /* in a user namespace of the caller's own */
    bool native;             /* C to native code that nothing proves: "native" */
    bool ladder;             /* C is proved if it can be, else translated */
    bool contain;            /* with it: C that is neither is made a container's program */
    const char *require;     /* with it: "proved", "sfi", "container", or NULL */
    /* A module may become code of the first tier: compiled in a few milliseconds, and several times
     * slower. It is signed and stored like any; the next build without this word makes the other.
     */
    bool quick;
    bool quick_calls;               /* with it: only what starts anew for each call */
    const struct sign_trust *trust; /* of a source that is a library; NULL: one's own key only */
    const char *cgroup_name;        /* unused when "" */
    build_progress *progress;       /* may be NULL */
    build_diagnostics *diagnostics; /* may be NULL: the first line is in the error anyway */
    void *progress_user;            /* of both */
    /* The symbol map of the version that runs: the module is laid out so that its instances can go
     * on with it, or refused with -EPERM. NULL: it begins anew. */
    const void *base_map;
    size_t base_map_size;
    /* 0: defaults. Beside them each compiler of C has 15 s of CPU, and results are limited. */
    uint32_t timeout_ms;   /* of all stages together: 600 s */
    int stop_fd;           /* 0: none. The build ends when it becomes readable: -ECANCELED */
    uint64_t memory_bytes; /* of each process, and of all of a stage where it has a group: 3 GiB */
};

struct build_result {
    void *library; /* signed; malloc'ed, the caller's */
    size_t size;
    char input_hash[BUILD_HASH_TEXT];
    char library_hash[BUILD_HASH_TEXT];
    struct library_note note;
    struct manifest manifest; /* vireo.yaml of the source, over the defaults */
    bool from_store;          /* it had been built before */
    bool quick;               /* it is of the first tier */
    /* With build_options.ladder, a line for each rung that was tried: the rung, "taken" or
     * "refused", and why, with a tab between. */
    char ladder[BUILD_LADDER_BYTES];
};

/*
 * Builds a packed source. `options_manifest` (may be NULL) holds what the command line set and is
 * laid over vireo.yaml by `override`, called between reading it and using it. With a store the
 * result is put there and unchanged input is not built again. Errors carry the compiler's first
 * lines. -EINVAL: bad source or manifest; -EPERM: refused; -ETIME, -ENOMEM, -EFBIG: a limit.
 * Any thread; several builds may run at once. Leaves no process, mount or file behind.
 */
int build_run(const struct build_options *options, const void *tar, size_t tar_size,
              int (*override)(struct manifest *manifest, void *user, struct err *err), void *user,
              struct store *store, const struct sign_key *key, struct build_result *ret_result,
              struct err *err);
void build_result_clear(struct build_result *result);
/* The proof that build_result.ladder tells of, in a line of its own: false when there is none. */
bool build_ladder_proof(const char *ladder, struct library_proof *ret_proof);
/* The verifier's report of that proof, which the store has under its hash; malloc'ed, NULL: there
 * is none. */
char *build_ladder_report(struct store *store, const char *ladder);
/* It counts as used now (store_touch()). False: there should be one, and is none. */
bool build_ladder_touch_report(struct store *store, const char *ladder);
/* Its hash, as the store has it. False: the ladder tells of no proof. */
bool build_ladder_report_hash(const char *ladder, char ret_hash[BUILD_HASH_TEXT]);
/*
 * Another line of it: "calls", what proved code calls of vireo's (entries of the allow-list, a
 * space between two); "below", the hash of the library that is one rung lower. False: it is not
 * there.
 */
bool build_ladder_line(const char *ladder, const char *key, char *to, size_t size);
/* Is `safety` as safe as what is required (NULL or "": anything)? An unknown word is not. */
bool build_is_as_safe(const char *safety, const char *require);

/* ---- verification (build_verify.c) ---- */

/* What is verified: a packed source (`tar`), or LLVM IR as it is. */
struct build_verify_input {
    const void *bytes;
    size_t size;
    bool ir;
    const char *name;  /* for messages */
    const char *entry; /* "": handler, else main */
};

/*
 * Runs vireo-verify on it in a sandbox; *ret_json (malloc'ed, the caller's) is its report. The
 * verdict is in there, and is not proved where a limit was reached: -ETIME, -ENOMEM and -EFBIG.
 * -EINVAL: the compiler refused the source. -EPROTO: the verifier died of it. Uses of `options`:
 * program_dir, uid, rootless, cgroup_name, timeout_ms, diagnostics.
 */
int build_verify(const struct build_options *options, const struct build_verify_input *input,
                 char **ret_json, struct err *err);
