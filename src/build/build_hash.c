/* What a library comes from, as one hash: equal hashes mean that building again gives the same. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build_internal.h"
#include "build/note_demands.h"
#include "build/tar.h"
#include "guest/library.h"

static_assert(BUILD_HASH_BYTES == crypto_hash_sha256_BYTES, "one hash everywhere");

#define PROGRAM_MAX_BYTES (64 << 20)

/*
 * The files that make code. Their size and time of change stand for their version: Debian sets the
 * time when it builds a package, so this is the same on every machine with that package, it tells
 * apart two builds of a compiler that call themselves the same version, and it costs no run of a
 * compiler.
 */
static const struct {
    const char *path;
    const char *package; /* NULL: counts only where it is there */
} TOOLS[] = {
    {"/usr/bin/tcc", "tcc"},
    {"/usr/bin/clang", "clang"},
    {"/usr/bin/llvm-nm-14", "llvm-14"},
    {"/usr/bin/llc-14", "llvm-14"},
    {"/usr/bin/wasm-ld", "lld"},
    {"/usr/bin/wasm2c", "wabt"},
    {"/usr/bin/gcc", "gcc"},
    {"/usr/bin/as", "binutils"},
    {"/usr/bin/ld", "binutils"},
    {"/usr/include/wasm-rt.h", "wabt"},
    {"/usr/lib/wasm32-wasi/libc.a", "wasi-libc"},
    {"/usr/lib/gcc/x86_64-linux-gnu/12/cc1", NULL},
    {"/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1", NULL},
    {"/usr/lib/x86_64-linux-gnu/libclang-cpp.so.14", NULL},
    {"/usr/lib/clang/14/lib/wasi/libclang_rt.builtins-wasm32.a", NULL},
    {"/usr/lib/llvm-14/lib/clang/14.0.6/lib/wasi/libclang_rt.builtins-wasm32.a", NULL},
};

/* The first ones, which are for the first tier alone. */
#define QUICK_TOOLS 1

static void add(crypto_hash_sha256_state *state, const void *data, size_t size)
{
    uint64_t length = size;

    /* Each part with its length: no two lists of parts look the same. */
    crypto_hash_sha256_update(state, (const uint8_t *)&length, sizeof length);
    crypto_hash_sha256_update(state, data, size);
}

static void add_text(crypto_hash_sha256_state *state, const char *text)
{
    add(state, text, strlen(text));
}

/*
 * The files as the compilers see them, one after another. vireo.yaml is not among them: of what it
 * says only what follows here makes code, and a function whose limits change is not built again.
 */
static void add_files(crypto_hash_sha256_state *state, const struct build_source *source)
{
    struct tar_reader reader = {.bytes = source->tar, .size = source->tar_size};
    struct tar_entry entry;

    while (tar_next(&reader, &entry, NULL) > 0) { /* to its end: it was read once already */
        if (entry.directory || strcmp(entry.name, SOURCE_MANIFEST) == 0)
            continue;
        add_text(state, entry.name);
        add(state, entry.data, entry.size);
    }
}

/* What goes into native code's second note; nothing where the manifest asks for nothing. */
static void add_demands(crypto_hash_sha256_state *state, const struct manifest *manifest)
{
    uint8_t bytes[NOTE_DEMANDS_MAX_BYTES];
    struct library_demands demands;

    library_demands_of(manifest, &demands);
    ssize_t size = demands.given ? note_demands_put(&demands, bytes, NULL) : 0;
    if (size > 0)
        add(state, bytes, (size_t)size);
}

void build_hash_source(const struct build_source *source, uint8_t ret_digest[BUILD_HASH_BYTES])
{
    const struct manifest *manifest = &source->manifest;
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    add_text(&state, "vireo source 3");
    add_files(&state, source);
    add_text(&state, ""); /* a file has a name */
    add_text(&state, manifest->name);
    add_text(&state, manifest->version);
    add_text(&state, manifest->entry);
    if (manifest->runtime != MANIFEST_RUNTIME_NONE)
        add_text(&state, manifest_runtime_name(manifest->runtime));
    add(&state, &manifest->limits.stack_bytes, sizeof manifest->limits.stack_bytes);
    const uint32_t slack = build_slack(manifest);
    add(&state, &slack, sizeof slack);
    for (uint32_t i = 0; i < manifest->source_count; i++)
        add_text(&state, manifest->sources[i]);
    add_demands(&state, manifest);
    /* What was built with the grant was let pass for it (check_module()). */
    if (manifest->bpf.given)
        add_text(&state, "bpf");
    crypto_hash_sha256_final(&state, ret_digest);
}

static int add_tools(crypto_hash_sha256_state *state, bool quick, struct err *err)
{
    for (size_t i = quick ? 0 : QUICK_TOOLS; i < ARRAY_LEN(TOOLS); i++) {
        struct stat status;
        char line[256];
        if (stat(TOOLS[i].path, &status) < 0) {
            if (TOOLS[i].package)
                return err_set(err, -errno, "cannot build: '%s' of package %s", TOOLS[i].path,
                               TOOLS[i].package);
            continue;
        }
        snprintf(line, sizeof line, "%s %lld %lld.%09ld", TOOLS[i].path, (long long)status.st_size,
                 (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
        add_text(state, line);
    }
    return 0;
}

static int add_program(crypto_hash_sha256_state *state, const char *program_dir, const char *name,
                       struct err *err)
{
    _cleanup_(freep) char *program = NULL;
    uint8_t digest[crypto_generichash_BYTES];
    char path[4096];
    size_t size;

    snprintf(path, sizeof path, "%s/%s", program_dir, name);
    int r = fd_read_file(AT_FDCWD, path, PROGRAM_MAX_BYTES, &program, &size, err);
    if (r < 0)
        return r;
    /* BLAKE2b: each start looks, and SHA-256 takes a millisecond. */
    crypto_generichash(digest, sizeof digest, (const uint8_t *)program, size, NULL, 0);
    add(state, digest, sizeof digest);
    return 0;
}

int build_hash_input(const uint8_t source_digest[BUILD_HASH_BYTES], const char *safety,
                     const struct build_options *options, char ret_hash[BUILD_HASH_TEXT],
                     struct err *err)
{
    crypto_hash_sha256_state state;
    uint8_t digest[BUILD_HASH_BYTES];
    uint32_t abi = LIBRARY_ABI;

    crypto_hash_sha256_init(&state);
    /* The number grows when the trusted side treats the same module otherwise: 2, wasm_rewrite().
     */
    add_text(&state, "vireo input 2");
    add(&state, source_digest, BUILD_HASH_BYTES);
    add_text(&state, safety);
    add(&state, &abi, sizeof abi);
    if (options->base_map)
        add(&state, options->base_map, options->base_map_size);
    bool ready = strcmp(safety, BUILD_READY) == 0;
    /* The SDK and every compiler flag are in it. */
    int r = ready ? 0 : add_program(&state, options->program_dir, "vireo-build", err);
    /* Another verifier may prove what this one can't. */
    if (r == 0 && (strcmp(safety, "ladder") == 0 || strcmp(safety, "proved") == 0))
        r = add_program(&state, options->program_dir, "vireo-verify", err);
    if (r == 0 && !ready)
        r = add_tools(&state, strcmp(safety, BUILD_QUICK) == 0, err);
    if (r < 0)
        return r;
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(ret_hash, BUILD_HASH_TEXT, digest, sizeof digest);
    return 0;
}
