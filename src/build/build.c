/*
 * A build from end to end, on the trusted side: each stage runs in a sandbox, and what comes back
 * is looked at here before the next one gets it. The signing key is used last and never leaves.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/symbol_map.h"
#include "build/build_internal.h"
#include "build/diagnostics.h"
#include "build/stage.h"
#include "guest/library.h"

/* Of each C file. Honest ones take less than 2 s; a macro bomb takes what it is given. */
#define COMPILE_CPU_SECONDS 15

#define SHOWN_LINES 20
#define SHOWN_BYTES 4096

static void build_clear(struct build *build)
{
    build_source_clear(&build->source);
    sandbox_close(build->sandbox);
    fd_close_all((int[]){build->module_fd, build->translated_fd}, 2);
    free(build->elf);
    free(build->map);
    free(build->image);
    free(build->report);
    wasm_links_clear(&build->links);
}

void build_result_clear(struct build_result *result)
{
    free(result->library);
    *result = (struct build_result){0};
}

void build_progress_say(const struct build *build, const char *stage)
{
    if (build->options->progress)
        build->options->progress(stage, build->options->progress_user);
}

static void show(const struct build *build, const char *log)
{
    if (!build->options->diagnostics || !log || !*log)
        return;
    _cleanup_(freep) char *head = diagnostics_head(log, SHOWN_LINES, SHOWN_BYTES);
    if (head)
        build->options->diagnostics(head, build->options->progress_user);
}

int build_run_stage(struct build *build, const struct sandbox_stage *stage, int *ret_fd,
                    size_t *ret_size, struct err *err)
{
    _cleanup_(sandbox_output_clear) struct sandbox_output output = {.fd = -1};

    int r = sandbox_run(build->sandbox, stage, &output, err);
    /* wasm2c warns of what is no fault of the author; what the C compilers say matters, but for
     * the quick one, which is not the last to try. */
    if ((r < 0 && strcmp(stage->name, "quick") != 0) || strcmp(stage->name, "compile") == 0)
        show(build, output.log);
    if (r < 0)
        return r;
    *ret_fd = steal_fd(&output.fd);
    *ret_size = output.size;
    return 0;
}

/* The symbol map that a stage made; none when it is empty. */
static int take_map(struct build *build, const void *bytes, size_t size, struct err *err)
{
    struct symbol_map map;

    if (size == 0)
        return 0;
    build->map_size = size;
    build->map = malloc(size);
    if (!build->map)
        return err_set(err, -ENOMEM, "cannot build '%s'", build_source_title(&build->source));
    memcpy(build->map, bytes, size);
    return symbol_map_read(build->map, size, &map, err);
}

/* Takes the module and its map out of what the first stage gave. */
static int take_compiled(struct build *build, int fd, size_t size, struct err *err)
{
    _cleanup_(build_mapping_clear) struct build_mapping bundle = {0};
    struct stage_bundle head;

    int r = build_map_memfd(fd, &bundle, err);
    if (r < 0)
        return r;
    if (size < sizeof head || bundle.size != size)
        return err_say(err, -EPROTO, "cannot build '%s': compile gave nothing",
                       build_source_title(&build->source));
    memcpy(&head, bundle.data, sizeof head);
    if (head.sizes[0] > size - sizeof head || head.sizes[1] != size - sizeof head - head.sizes[0] ||
        head.sizes[0] > WASM_MAX_BYTES)
        return err_say(err, -EFBIG, "cannot build '%s': its module has more than %d MiB",
                       build_source_title(&build->source), WASM_MAX_BYTES >> 20);
    const uint8_t *module = (const uint8_t *)bundle.data + sizeof head;
    r = fd_sealed_copy("module", module, (size_t)head.sizes[0], &build->module_fd, err);
    return r < 0 ? r : take_map(build, module + head.sizes[0], (size_t)head.sizes[1], err);
}

int build_take_bundle(struct build *build, int fd, size_t size, struct err *err)
{
    _cleanup_(build_mapping_clear) struct build_mapping bundle = {0};
    struct stage_bundle head;

    int r = build_map_memfd(fd, &bundle, err);
    if (r < 0)
        return r;
    if (bundle.size == size && size >= sizeof head)
        memcpy(&head, bundle.data, sizeof head);
    if (bundle.size != size || size < sizeof head || head.sizes[0] > size - sizeof head ||
        head.sizes[1] != size - sizeof head - head.sizes[0])
        return err_say(err, -EPROTO, "cannot build '%s': its stage gave nothing",
                       build_source_title(&build->source));
    const uint8_t *elf = (const uint8_t *)bundle.data + sizeof head;
    build->elf_size = (size_t)head.sizes[0];
    build->elf = malloc(build->elf_size + 1);
    if (!build->elf)
        return err_set(err, -ENOMEM, "cannot build '%s'", build_source_title(&build->source));
    memcpy(build->elf, elf, build->elf_size);
    return take_map(build, elf + build->elf_size, (size_t)head.sizes[1], err);
}

/* The packed source, and behind it the map that the module is laid out against. */
static int compile_input(const struct build *build, int *ret_fd, struct err *err)
{
    const struct build_options *options = build->options;

    if (!options->base_map)
        return fd_sealed_copy("source", build->source.tar, build->source.tar_size, ret_fd, err);
    _cleanup_(freep) uint8_t *input = malloc(build->source.tar_size + options->base_map_size);
    if (!input)
        return err_set(err, -ENOMEM, "cannot build '%s'", build_source_title(&build->source));
    memcpy(input, build->source.tar, build->source.tar_size);
    memcpy(input + build->source.tar_size, options->base_map, options->base_map_size);
    return fd_sealed_copy("source", input, build->source.tar_size + options->base_map_size, ret_fd,
                          err);
}

/* How it is linked with other modules: what its manifest asks for. */
static const char *linking(const struct build *build)
{
    const struct library_demands *demands = &build->note.demands;

    return demands->link || demands->dependency_count > 0 ? "parts"
           : demands->given                               ? "part"
                                                          : "whole";
}

static int compile(struct build *build, struct err *err)
{
    const char *args[BUILD_SOURCES_MAX + 6];
    char stack[24], slack[24], map[24];
    size_t count = 0, size;
    _cleanup_(closep) int bundle_fd = -1;

    build_progress_say(build, "compile");
    snprintf(stack, sizeof stack, "%llu",
             (unsigned long long)build->source.manifest.limits.stack_bytes);
    snprintf(slack, sizeof slack, "%u", build_slack(&build->source.manifest));
    snprintf(map, sizeof map, "%zu", build->options->base_map ? build->options->base_map_size : 0);
    args[count++] = build->source.manifest.entry;
    args[count++] = stack;
    args[count++] = slack;
    args[count++] = map;
    args[count++] = linking(build);
    for (size_t i = 0; i < build->source.name_count; i++)
        args[count++] = build->source.names[i];
    args[count] = NULL;

    _cleanup_(closep) int tar_fd = -1;
    int r = compile_input(build, &tar_fd, err);
    if (r < 0)
        return r;
    struct sandbox_stage stage = {
        .name = "compile",
        .args = args,
        .input_fd = tar_fd,
        .output_max = WASM_MAX_BYTES + SYMBOL_MAP_MAX_BYTES,
        .cpu_seconds = COMPILE_CPU_SECONDS,
    };
    r = build_run_stage(build, &stage, &bundle_fd, &size, err);
    return r < 0 ? r : take_compiled(build, bundle_fd, size, err);
}

/* The module, from the source as it is or from the compiler, in a memfd. */
static int make_module(struct build *build, struct err *err)
{
    if (!build->source.module)
        return compile(build, err);
    if (build->source.module_size > WASM_MAX_BYTES)
        return err_say(err, -EFBIG, "cannot build '%s': '%s' has more than %d MiB",
                       build_source_title(&build->source), build->source.module_name,
                       WASM_MAX_BYTES >> 20);
    return fd_sealed_copy("module", build->source.module, build->source.module_size,
                          &build->module_fd, err);
}

bool build_is_linked(const struct build *build)
{
    return build->links.part || strcmp(linking(build), "parts") == 0;
}

static int rewrite_module(struct build *build, const struct build_mapping *module,
                          const char *where, struct err *err)
{
    _cleanup_(freep) void *rewritten = NULL;
    size_t size;

    int r = wasm_rewrite_linked(module->data, module->size, &build->facts,
                                build_is_linked(build) ? &build->links : NULL, where, &rewritten,
                                &size, err);
    if (r < 0)
        return r;
    int fd = -1;
    r = fd_sealed_copy("module", rewritten, size, &fd, err);
    if (r < 0)
        return r;
    fd_close_all(&build->module_fd, 1);
    build->module_fd = fd;
    return 0;
}

/* Whatever made the module, it is walked here from its first byte to its last; what goes on has no
 * text of its author's. */
static int check_module(struct build *build, struct err *err)
{
    _cleanup_(build_mapping_clear) struct build_mapping module = {0};
    const char *where =
        build->source.module ? build->source.module_name : build_source_title(&build->source);

    int r = build_map_memfd(build->module_fd, &module, err);
    if (r < 0)
        return r;
    /* With slack the layout moves variables to where the version before had them. */
    build->links.variables_move = build_slack(&build->source.manifest) > 0;
    r = wasm_check_linked(module.data ? module.data : (const void *)"", module.size, where,
                          build->note.demands.given ? &build->links : NULL, &build->facts, err);
    if (r < 0)
        return r;
    bool part = build->links.part;
    if (!build->facts.has_memory_export && !part)
        return err_say(err, -EINVAL, "cannot use '%s': it does not export its memory", where);
    if (build->links.import_count > 0 && !build_is_linked(build))
        return err_say(err, -EINVAL,
                       "cannot use '%s': it needs '%s' of a library, and its vireo.yaml has no "
                       "dependencies and no grants: link",
                       where, build->links.imports[0].name);
    if (!build->facts.has_start_export && !build->facts.has_handler_exports && !part)
        return err_say(err, -EINVAL,
                       "cannot use '%s': it is no WASI command (it has no export '_start')", where);
    if (build->facts.imports_bpf && !build->source.manifest.bpf.given)
        return err_say(err, -EPERM,
                       "cannot use '%s': it imports 'wasm_bpf' (eBPF), which needs the grant bpf "
                       "(grants: bpf: true, or vireo run --grant bpf)",
                       where);
    uint64_t memory = (uint64_t)build->facts.memory_pages_min * 65536;
    if (memory > build->source.manifest.limits.memory_bytes) {
        char needs[32], limit[32];
        manifest_bytes_text(memory, needs, sizeof needs);
        manifest_bytes_text(build->source.manifest.limits.memory_bytes, limit, sizeof limit);
        return err_say(err, -EINVAL,
                       "cannot use '%s': it begins with %s of memory, the limit is %s", where,
                       needs, limit);
    }
    strcpy(build->note.kind, part                               ? "library"
                             : build->facts.has_handler_exports ? "handler"
                                                                : "command");
    return rewrite_module(build, &module, where, err);
}

int build_take_elf(struct build *build, int fd, size_t size, struct err *err)
{
    build->elf = malloc(size ? size : 1);
    if (!build->elf)
        return err_set(err, -ENOMEM, "cannot build '%s'", build_source_title(&build->source));
    ssize_t n = fd_read_full(fd, build->elf, size);
    if (n < 0 || (size_t)n != size)
        return err_set(err, n < 0 ? (int)n : -EIO, "cannot read the library of '%s'",
                       build_source_title(&build->source));
    build->elf_size = size;
    return 0;
}

static bool notes_equal(const struct library_note *a, const struct library_note *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->version, b->version) == 0 &&
           strcmp(a->safety, b->safety) == 0 && strcmp(a->kind, b->kind) == 0 && a->abi == b->abi &&
           memcmp(a->source_hash, b->source_hash, sizeof a->source_hash) == 0 &&
           library_demands_equal(&a->demands, &b->demands) &&
           memcmp(&a->proof, &b->proof, sizeof a->proof) == 0;
}

static int check_library(struct build *build, struct err *err)
{
    struct library_note note;

    build_progress_say(build, "check");
    int r = library_check(build->elf, build->elf_size, &note, err);
    if (r < 0)
        return r;
    /* Which of the kinds native code is shows in its sources' objects, in the sandbox. */
    bool native = strcmp(build->note.safety, "native") == 0;
    if (native && (strcmp(note.kind, "handler") == 0 || strcmp(note.kind, "library") == 0 ||
                   strcmp(note.kind, "command") == 0))
        memcpy(build->note.kind, note.kind, sizeof note.kind);
    if (!notes_equal(&note, &build->note))
        return err_say(err, -EPERM, "cannot sign '%s': its note is not the one that was asked for",
                       build_source_title(&build->source));
    return 0;
}

/* The library of an earlier build of the same input, if the store has it and it is sound. */
static bool take_from_store(const struct build *build, struct store *store,
                            const struct sign_key *key, const char *input_hash,
                            struct build_result *result)
{
    struct library_note note;
    _cleanup_(closep) int fd = -1;
    char hash[BUILD_HASH_TEXT] = "";
    struct stat status;

    if (!store || store_find_built(store, input_hash, hash) < 0 || !*hash)
        return false;
    if (store_get(store, hash, key, NULL, &fd, &note, NULL) < 0 || fstat(fd, &status) < 0)
        return false;
    /* Kind and rung are known only after compiling; they depend on nothing but the input. */
    struct library_note wanted = build->note;
    memcpy(wanted.kind, note.kind, sizeof wanted.kind);
    if (build_has_ladder(build)) {
        memcpy(wanted.safety, note.safety, sizeof wanted.safety);
        wanted.proof = note.proof;
    }
    store_find_ladder(store, input_hash, result->ladder);
    if (!notes_equal(&note, &wanted) || !build_ladder_touch_report(store, result->ladder))
        return false;
    _cleanup_(freep) char *library = malloc((size_t)status.st_size);
    if (!library || lseek(fd, 0, SEEK_SET) < 0 ||
        fd_read_full(fd, library, (size_t)status.st_size) != status.st_size)
        return false;
    result->library = steal_ptr(&library);
    result->size = (size_t)status.st_size;
    result->note = note;
    result->from_store = true;
    memcpy(result->library_hash, hash, sizeof hash);
    return true;
}

/* Whether nothing of it outlives a call: no state, and no instance of an older library. */
static bool starts_anew(const struct build *build, const char *kind)
{
    const struct manifest *manifest = &build->source.manifest;

    return manifest->listen_count == 0 &&
           (manifest->isolation == MANIFEST_REQUEST || strcmp(kind, "command") == 0);
}

static bool may_be_quick(const struct build *build, const char *kind)
{
    return build->quick && (!build->options->quick_calls || starts_anew(build, kind));
}

/* The optimised library first; that of the first tier is as good as none when it is not wanted. */
static bool find_built(struct build *build, struct store *store, const struct sign_key *key,
                       struct build_result *result)
{
    if (take_from_store(build, store, key, result->input_hash, result))
        return true;
    /* Without its compiler there is no first tier. */
    build->quick = build->options->quick && build->source.module &&
                   build_hash_input(build->note.source_hash, BUILD_QUICK, build->options,
                                    build->quick_hash, NULL) == 0;
    if (!build->quick || !take_from_store(build, store, key, build->quick_hash, result))
        return false;
    result->quick = may_be_quick(build, result->note.kind);
    if (result->quick)
        memcpy(result->input_hash, build->quick_hash, sizeof result->input_hash);
    else
        free(steal_ptr(&result->library));
    return result->quick;
}

static int sign_and_store(struct build *build, struct store *store, const struct sign_key *key,
                          struct build_result *result, struct err *err)
{
    uint8_t digest[BUILD_HASH_BYTES];

    build_progress_say(build, "sign");
    int r = library_sign(key, build->elf, build->elf_size, &result->library, &result->size, err);
    if (r < 0)
        return r;
    crypto_hash_sha256(digest, result->library, result->size);
    sodium_bin2hex(result->library_hash, sizeof result->library_hash, digest, sizeof digest);
    result->note = build->note;
    memcpy(result->ladder, build->ladder, sizeof result->ladder);
    result->quick = build->quick;
    if (build->quick)
        memcpy(result->input_hash, build->quick_hash, sizeof result->input_hash);
    if (!store)
        return 0;
    r = store_put(store, result->library, result->size, result->library_hash, err);
    char report_hash[BUILD_HASH_TEXT];
    if (r == 0 && build->report && strcmp(build->note.safety, "proved") == 0)
        r = store_put(store, build->report, build->report_size, report_hash, err);
    if (r < 0)
        return r;
    return store_record_built(store, result->input_hash, result->library_hash, build->ladder, err);
}

static int prepare(struct build *build, struct build_result *result, struct err *err)
{
    const struct manifest *manifest = &build->source.manifest;

    build->note.abi = LIBRARY_ABI;
    strcpy(build->note.safety, build->options->native ? "native" : "sfi");
    memcpy(build->note.name, manifest->name, sizeof build->note.name);
    memcpy(build->note.version, manifest->version, sizeof build->note.version);
    library_demands_of(manifest, &build->note.demands);
    build_hash_source(&build->source, build->note.source_hash);
    result->manifest = *manifest;
    bool ladder = build_has_ladder(build);
    bool patient =
        ladder && build->options->require && strcmp(build->options->require, "proved") == 0;
    return build_hash_input(build->note.source_hash,
                            build->source.library || build->source.image ? BUILD_READY
                            : patient                                    ? "proved"
                            : ladder                                     ? "ladder"
                                                                         : build->note.safety,
                            build->options, result->input_hash, err);
}

/* What the first tier's compiler does not take, or what does not pass the check, the other does. */
static bool make_quick(struct build *build)
{
    struct err reason = {0};

    build->quick = may_be_quick(build, build->note.kind) && !build_is_linked(build);
    if (build->quick && build_quick(build, &reason) == 0 && check_library(build, &reason) == 0)
        return true;
    build->quick = false;
    free(steal_ptr(&build->elf));
    return false;
}

static int translate_module(struct build *build, struct err *err)
{
    int r = make_module(build, err);

    if (r == 0)
        r = check_module(build, err);
    return r < 0 || make_quick(build) ? r : build_translated(build, err);
}

/* The stages in their order; the library ends in build->elf, checked. */
static int run_stages(struct build *build, struct err *err)
{
    if (build->source.manifest.runtime != MANIFEST_RUNTIME_NONE)
        return build_interpreted(build, err);
    int r = sandbox_open(build->options, build_source_title(&build->source), &build->sandbox, err);

    if (r == 0)
        r = build->options->native ? build_native(build, err)
                                   : build_ladder(build, translate_module, err);
    if (r == 0 && build->image)
        return 0;
    if (r == 0)
        r = check_library(build, err);
    if (r == 0 && build->map)
        r = library_map_append(&build->elf, &build->elf_size, build->map, build->map_size, err);
    return r;
}

int build_run(const struct build_options *options, const void *tar, size_t tar_size,
              int (*override)(struct manifest *manifest, void *user, struct err *err), void *user,
              struct store *store, const struct sign_key *key, struct build_result *ret_result,
              struct err *err)
{
    _cleanup_(build_result_clear) struct build_result result = {0};

    /* The manifest makes it too large for the stack of a thread. */
    _cleanup_(freep) struct build *memory = calloc(1, sizeof *memory);
    if (!memory)
        return err_set(err, -ENOMEM, "cannot build a function");
    memory->options = options;
    memory->module_fd = memory->translated_fd = -1;
    int r = build_source_open(&memory->source, tar, tar_size, override, user, err);
    if (r == 0)
        r = prepare(memory, &result, err);
    if (r == 0 && memory->source.library)
        r = build_take_library(memory, store, key, &result, err);
    else if (r == 0 && memory->source.image)
        r = build_take_image(memory, store, &result, err);
    else if (r == 0 && !find_built(memory, store, key, &result)) {
        r = run_stages(memory, err);
        if (r == 0 && memory->image) {
            memory->source.image = memory->image;
            memory->source.image_size = memory->image_size;
            result.manifest = memory->source.manifest;
            r = build_take_image(memory, store, &result, err);
        } else if (r == 0)
            r = sign_and_store(memory, store, key, &result, err);
    }
    if (r == 0 && !build_is_as_safe(result.note.safety, options->require))
        r = err_say(err, -EPERM, "cannot build '%s': it is '%s', and '%s' is required",
                    build_source_title(&memory->source), result.note.safety, options->require);
    build_clear(memory);
    if (r < 0)
        return r;
    *ret_result = result;
    result = (struct build_result){0};
    return 0;
}
