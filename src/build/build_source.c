/* What a packed source holds: its manifest, and the files that the function is built from. */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/build_internal.h"
#include "build/tar.h"

const char *build_source_title(const struct build_source *source)
{
    return source->manifest.name[0] ? source->manifest.name : "function";
}

void build_source_clear(struct build_source *source)
{
    for (size_t i = 0; i < source->name_count; i++)
        free(source->names[i]);
    source->name_count = 0;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), wanted = strlen(suffix);

    return length > wanted && strcmp(name + length - wanted, suffix) == 0;
}

/* Goes through every entry once, so that nothing is built from a source that is not sound to its
 * end. */
static int find_manifest(const struct build_source *source, struct tar_entry *ret_manifest,
                         bool *ret_found, struct err *err)
{
    struct tar_reader reader = {.bytes = source->tar, .size = source->tar_size};
    struct tar_entry entry;
    int r;

    *ret_found = false;
    while ((r = tar_next(&reader, &entry, err)) > 0) {
        if (entry.directory || strcmp(entry.name, SOURCE_MANIFEST) != 0)
            continue;
        if (*ret_found)
            return err_say(err, -EINVAL, "cannot read the packed source: it has two 'vireo.yaml'");
        *ret_found = true;
        *ret_manifest = entry;
    }
    return r;
}

static int read_manifest(struct build_source *source, struct err *err)
{
    struct tar_entry entry;
    bool found;

    manifest_default(&source->manifest);
    int r = find_manifest(source, &entry, &found, err);
    if (r < 0 || !found)
        return r;
    r = manifest_parse((const char *)entry.data, entry.size, "vireo.yaml", &source->manifest, err);
    source->manifest.given = true;
    return r;
}

/* Which pattern of the manifest names this file: its index, or -1. */
static int pattern_of(const struct manifest *manifest, const char *name)
{
    for (uint32_t i = 0; i < manifest->source_count; i++)
        if (fnmatch(manifest->sources[i], name, FNM_PATHNAME | FNM_PERIOD) == 0)
            return (int)i;
    return -1;
}

static int add_module(struct build_source *source, const struct tar_entry *entry, struct err *err)
{
    if (source->module)
        return err_say(err, -EINVAL,
                       "cannot build '%s': there are two modules, '%s' and '%.200s' (name one in "
                       "vireo.yaml: sources)",
                       build_source_title(source), source->module_name, entry->name);
    source->module = entry->data;
    source->module_size = entry->size;
    strcpy(source->module_name, entry->name);
    return 0;
}

static int add_library(struct build_source *source, const struct tar_entry *entry, struct err *err)
{
    if (source->library)
        return err_say(err, -EINVAL,
                       "cannot build '%s': there are two libraries, '%s' and '%.200s' (name one in "
                       "vireo.yaml: sources)",
                       build_source_title(source), source->library_name, entry->name);
    source->library = entry->data;
    source->library_size = entry->size;
    strcpy(source->library_name, entry->name);
    return 0;
}

static int add_source(struct build_source *source, const struct tar_entry *entry, struct err *err)
{
    if (ends_with(entry->name, ".wasm"))
        return add_module(source, entry, err);
    if (ends_with(entry->name, ".so"))
        return add_library(source, entry, err);
    bool ir = ends_with(entry->name, ".ll") || ends_with(entry->name, ".bc");
    if (!ir && !ends_with(entry->name, ".c"))
        return err_say(err, -EINVAL,
                       "cannot build '%s': '%.200s' is neither C, WebAssembly (.wasm), LLVM IR "
                       "(.ll, .bc) nor a library (.so)",
                       build_source_title(source), entry->name);
    source->has_ir = source->has_ir || ir;
    if (source->name_count == BUILD_SOURCES_MAX)
        return err_say(err, -EFBIG, "cannot build '%s': it has more than %d files to build from",
                       build_source_title(source), BUILD_SOURCES_MAX);
    source->names[source->name_count] = strdup(entry->name);
    if (!source->names[source->name_count])
        return err_set(err, -ENOMEM, "cannot build '%s'", build_source_title(source));
    source->name_count++;
    return 0;
}

/* The root file system of a container; nothing is built beside it. */
static int find_image(struct build_source *source, struct err *err)
{
    struct tar_reader reader = {.bytes = source->tar, .size = source->tar_size};
    const struct manifest_container *container = &source->manifest.container;
    struct tar_entry entry;
    int r;

    while ((r = tar_next(&reader, &entry, err)) > 0) {
        if (entry.directory || strcmp(entry.name, SOURCE_IMAGE) != 0)
            continue;
        source->image = entry.data;
        source->image_size = entry.size;
    }
    if (r < 0)
        return r;
    if (source->image && container->word_count == 0)
        return err_say(
            err, -EINVAL,
            "cannot deploy '%s': a container needs a command (command: in vireo.yaml, or "
            "-- CMD...)",
            build_source_title(source));
    if (!source->image && container->word_count > 0)
        return err_say(err, -EINVAL,
                       "cannot build '%s': a command is a container's, and there is no "
                       "root file system in it",
                       build_source_title(source));
    return 0;
}

/* Without `sources:` it is every .c file of the folder itself, else its IR, else its .wasm file,
 * else its .so file. */
static int pick_by_default(struct build_source *source, struct err *err)
{
    static const char *const suffixes[] = {".c", ".ll", ".bc", ".wasm", ".so"};
    struct tar_entry entry;
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(suffixes) && source->name_count == 0 && !source->module; i++) {
        struct tar_reader reader = {.bytes = source->tar, .size = source->tar_size};
        while ((r = tar_next(&reader, &entry, err)) > 0) {
            if (entry.directory || strchr(entry.name, '/') || !ends_with(entry.name, suffixes[i]))
                continue;
            r = add_source(source, &entry, err);
            if (r < 0)
                return r;
        }
    }
    return r;
}

static int pick_by_manifest(struct build_source *source, struct err *err)
{
    struct tar_reader reader = {.bytes = source->tar, .size = source->tar_size};
    bool used[ARRAY_LEN(source->manifest.sources)] = {0};
    struct tar_entry entry;
    int r;

    while ((r = tar_next(&reader, &entry, err)) > 0) {
        int pattern = entry.directory ? -1 : pattern_of(&source->manifest, entry.name);
        if (pattern < 0)
            continue;
        used[pattern] = true;
        r = add_source(source, &entry, err);
        if (r < 0)
            return r;
    }
    /* A pattern may be covered by an earlier one; a plain name that is not there is a mistake. */
    for (uint32_t i = 0; r == 0 && i < source->manifest.source_count; i++)
        if (!used[i] && !strpbrk(source->manifest.sources[i], "*?["))
            return err_say(err, -EINVAL,
                           "cannot build '%s': source '%s' of vireo.yaml is not there",
                           build_source_title(source), source->manifest.sources[i]);
    return r;
}

int build_source_open(struct build_source *source, const void *tar, size_t tar_size,
                      int (*override)(struct manifest *manifest, void *user, struct err *err),
                      void *user, struct err *err)
{
    source->tar = tar;
    source->tar_size = tar_size;
    if (tar_size > SOURCE_MAX_BYTES)
        return err_say(err, -EFBIG, "cannot build a source of more than %d MiB",
                       SOURCE_MAX_BYTES >> 20);
    int r = read_manifest(source, err);
    if (r == 0 && source->manifest.source_count == 0 && build_source_is_python(source))
        source->manifest.runtime = MANIFEST_RUNTIME_PYTHON;
    if (r == 0 && override)
        r = override(&source->manifest, user, err);
    if (r == 0)
        r = manifest_settle(&source->manifest, err);
    if (r < 0)
        return r;
    r = find_image(source, err);
    if (r < 0 || source->image)
        return r;
    if (source->manifest.runtime != MANIFEST_RUNTIME_NONE)
        return build_python_entry(source, err);
    r = source->manifest.source_count ? pick_by_manifest(source, err)
                                      : pick_by_default(source, err);
    if (r < 0)
        return r;
    if (source->name_count == 0 && !source->module && !source->library)
        return err_say(err, -EINVAL,
                       "cannot build '%s': there is no .c, .ll, .bc, .wasm or .so file in it",
                       build_source_title(source));
    if (source->library && (source->name_count > 0 || source->module))
        return err_say(err, -EINVAL, "cannot build '%s': it has both sources and the library '%s'",
                       build_source_title(source), source->library_name);
    if (source->name_count > 0 && source->module)
        return err_say(err, -EINVAL, "cannot build '%s': it has both sources and the module '%s'",
                       build_source_title(source), source->module_name);
    return 0;
}
