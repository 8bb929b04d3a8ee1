/*
 * The container rung of a build. An image that came is not built, and nothing in one is looked at
 * here: what unpacks it has no rights (contain/image.c). It goes into the store under its hash. C
 * that came this far becomes a program in an image of its own.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build_internal.h"

#define PROGRAM_CPU_SECONDS 30

int build_take_image(struct build *build, struct store *store, struct build_result *result,
                     struct err *err)
{
    const struct build_source *source = &build->source;
    uint8_t digest[BUILD_HASH_BYTES];

    if (build->options->native)
        return err_say(err, -EINVAL, "cannot build '%s': it is a container's image",
                       build_source_title(source));
    strcpy(build->note.safety, "container");
    strcpy(build->note.kind, "container");
    if (!build->image)
        build_ladder_note(build, "container", NULL);
    result->library = malloc(source->image_size);
    if (!result->library)
        return err_set(err, -ENOMEM, "cannot take the image of '%s'", build_source_title(source));
    memcpy(result->library, source->image, source->image_size);
    result->size = source->image_size;
    crypto_hash_sha256(digest, result->library, result->size);
    sodium_bin2hex(result->library_hash, sizeof result->library_hash, digest, sizeof digest);
    result->note = build->note;
    memcpy(result->ladder, build->ladder, sizeof result->ladder);
    if (!store)
        return 0;
    int r = store_put(store, result->library, result->size, result->library_hash, err);
    return r < 0 ? r
                 : store_record_built(store, result->input_hash, result->library_hash,
                                      build->ladder, err);
}

/* In a sandbox as the other stages; what comes back is bytes. */
int build_contain(struct build *build, struct err *err)
{
    const char *args[BUILD_SOURCES_MAX + 1];
    struct manifest *manifest = &build->source.manifest;
    _cleanup_(closep) int source = -1, image = -1;
    struct err reason = {0};
    size_t size;

    for (size_t i = 0; i < build->source.name_count; i++)
        args[i] = build->source.names[i];
    args[build->source.name_count] = NULL;
    build_progress_say(build, "contain");
    int r = fd_sealed_copy("source", build->source.tar, build->source.tar_size, &source, err);
    if (r < 0)
        return r;
    const struct sandbox_stage stage = {
        .name = "program",
        .args = args,
        .input_fd = source,
        .output_max = SOURCE_MAX_BYTES,
        .cpu_seconds = PROGRAM_CPU_SECONDS,
    };
    r = build_run_stage(build, &stage, &image, &size, err);
    if (r < 0)
        return r;
    build->image = malloc(size ? size : 1);
    if (!build->image)
        return err_set(err, -ENOMEM, "cannot build '%s'", build_source_title(&build->source));
    build->image_size = size;
    if (fd_read_full(image, build->image, size) != (ssize_t)size)
        return err_say(err, -EIO, "cannot read the image of '%s'",
                       build_source_title(&build->source));
    r = manifest_add_word(manifest, "/function", &reason);
    return r < 0 ? err_say(err, r, "%s", reason.message) : manifest_settle(manifest, err);
}
