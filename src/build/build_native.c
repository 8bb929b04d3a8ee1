/*
 * Native code that nothing proves: of C, for whoever signs it to answer for; and libraries that
 * come ready-made, which are taken if their signature says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build_internal.h"
#include "build/source_image.h"
#include "build/stage.h"

#define COMPILE_CPU_SECONDS 60

/* The packed source and a note for each kind: which it is shows when it is compiled. */
static int bundle(const struct build *build, int *ret_fd, struct err *err)
{
    static const char *const kinds[] = {"handler", "library", "command"};
    const char *title = build_source_title(&build->source);
    struct stage_bundle bundle = {.sizes = {build->source.tar_size}};
    struct library_note note = build->note;
    _cleanup_(freep) char *bytes = NULL;
    size_t size;

    FILE *out = open_memstream(&bytes, &size);
    if (!out)
        return err_set(err, -ENOMEM, "cannot build '%s'", title);
    fwrite(&bundle, sizeof bundle, 1, out);
    fwrite(build->source.tar, 1, build->source.tar_size, out);
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++) {
        _cleanup_(freep) char *source = NULL;
        strcpy(note.kind, kinds[i]);
        r = library_note_source(&note, &source, err);
        if (r < 0)
            continue;
        bundle.sizes[1 + i] = strlen(source);
        fputs(source, out);
    }
    if (fclose(out) != 0)
        return err_set(err, -ENOMEM, "cannot build '%s'", title);
    if (r < 0)
        return r;
    memcpy(bytes, &bundle, sizeof bundle);
    return fd_sealed_copy("source", bytes, size, ret_fd, err);
}

int build_native(struct build *build, struct err *err)
{
    _cleanup_(closep) int input_fd = -1;
    _cleanup_(closep) int library_fd = -1;
    const char *args[BUILD_SOURCES_MAX + 3];
    size_t count = 0, size;

    if (build->source.module)
        return err_say(err, -EINVAL,
                       "cannot build '%s' as native code: '%s' is WebAssembly, which is translated",
                       build_source_title(&build->source), build->source.module_name);
    if (build->source.has_ir)
        return err_say(err, -EINVAL,
                       "cannot build '%s' as native code: LLVM IR is for functions that are proved",
                       build_source_title(&build->source));
    build_progress_say(build, "compile");
    const struct library_demands *demands = &build->note.demands;
    args[count++] = build->source.manifest.entry;
    args[count++] = demands->link || demands->dependency_count > 0 ? "lazy" : "now";
    for (size_t i = 0; i < build->source.name_count; i++)
        args[count++] = build->source.names[i];
    args[count] = NULL;
    int r = bundle(build, &input_fd, err);
    if (r < 0)
        return r;
    struct sandbox_stage stage = {
        .name = "library",
        .args = args,
        .input_fd = input_fd,
        .output_max = LIBRARY_MAX_BYTES,
        .cpu_seconds = COMPILE_CPU_SECONDS,
    };
    r = build_run_stage(build, &stage, &library_fd, &size, err);
    return r < 0 ? r : build_take_bundle(build, library_fd, size, err);
}

/* Translated and proved libraries are of one function by name; native code, and what is for others
 * to be linked with, is whose it is told. */
static int take_names(struct build *build, const struct library_note *note, struct err *err)
{
    struct manifest *manifest = &build->source.manifest;
    const char *file = build->source.library_name;

    if (strcmp(note->safety, "native") != 0 && strcmp(note->kind, "library") != 0 &&
        strcmp(manifest->name, note->name) != 0)
        return err_say(err, -EINVAL,
                       "cannot use '%s' as '%s': it was built as '%s' (build it with --name %s)",
                       file, manifest->name, note->name, manifest->name);
    if (manifest->version[0] && strcmp(manifest->version, note->version) != 0)
        return err_say(err, -EINVAL,
                       "cannot use '%s' as version '%s': it was built as version '%s'", file,
                       manifest->version, note->version);
    memcpy(manifest->version, note->version, sizeof manifest->version);
    if (!manifest->given)
        library_demands_take(&note->demands, manifest);
    return 0;
}

int build_take_library(struct build *build, struct store *store, const struct sign_key *key,
                       struct build_result *result, struct err *err)
{
    const struct build_source *source = &build->source;
    uint8_t digest[BUILD_HASH_BYTES];
    struct library_note note;
    size_t elf_size;

    if (build->options->native)
        return err_say(err, -EINVAL, "cannot build '%s': it is a library already",
                       source->library_name);
    build_progress_say(build, "check");
    int r = library_accept(key, build->options->trust, source->library, source->library_size, &note,
                           &elf_size, err);
    /* Not damaged: refused, as who sent it shall be told. */
    if (r == -EBADMSG || r == -EKEYREJECTED)
        r = err->code = -EPERM;
    if (r == 0 && source_image_is(source->library, source->library_size))
        r = err_say(err, -EINVAL, "cannot use '%s': it is a source image (deploy its source)",
                    source->library_name);
    if (r == 0)
        r = take_names(build, &note, err);
    if (r < 0)
        return r;
    result->library = malloc(source->library_size);
    if (!result->library)
        return err_set(err, -ENOMEM, "cannot use '%s'", source->library_name);
    memcpy(result->library, source->library, source->library_size);
    result->size = source->library_size;
    result->note = note;
    result->manifest = source->manifest;
    crypto_hash_sha256(digest, result->library, result->size);
    sodium_bin2hex(result->library_hash, sizeof result->library_hash, digest, sizeof digest);
    if (strcmp(note.safety, "proved") == 0) {
        build->note = note;
        build_ladder_note(build, "proved", NULL);
        memcpy(build->calls, note.calls, sizeof build->calls);
        build_ladder_note_proof(build);
    }
    memcpy(result->ladder, build->ladder, sizeof result->ladder);
    if (!store)
        return 0;
    r = store_put(store, result->library, result->size, result->library_hash, err);
    return r < 0 ? r
                 : store_record_built(store, result->input_hash, result->library_hash,
                                      result->ladder, err);
}
