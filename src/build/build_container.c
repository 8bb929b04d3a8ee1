/*
 * The container rung of a build. An image is not built, and nothing in it is looked at here: what
 * unpacks it has no rights (contain/image.c). It goes into the store under its hash.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/build_internal.h"

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
