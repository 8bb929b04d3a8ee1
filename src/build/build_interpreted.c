/*
 * A function that an interpreter runs is not built: its source is looked through, sealed into an
 * image and signed as it is. Nothing of it is executed before its template's walls stand.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/build_internal.h"
#include "build/source_image.h"
#include "build/tar.h"

/* Without `entry:`: this function of the one module at the top, or of app.py. */
#define FUNCTION "handler"
#define MODULE "app"

static bool is_module(const struct tar_entry *entry)
{
    size_t length = strlen(entry->name);

    return !entry->directory && !strchr(entry->name, '/') && length > 3 &&
           strcmp(entry->name + length - 3, ".py") == 0;
}

bool build_source_is_python(const struct build_source *source)
{
    struct tar_reader reader = {.bytes = source->tar, .size = source->tar_size};
    struct tar_entry entry;
    bool found = false;

    while (tar_next(&reader, &entry, NULL) > 0) {
        const char *dot = strrchr(entry.name, '.');
        if (entry.directory || strchr(entry.name, '/') || !dot)
            continue;
        if (strcmp(dot, ".c") == 0 || strcmp(dot, ".wasm") == 0 || strcmp(dot, ".so") == 0)
            return false;
        found |= is_module(&entry);
    }
    return found;
}

int build_python_entry(struct build_source *source, struct err *err)
{
    struct tar_reader reader = {.bytes = source->tar, .size = source->tar_size};
    struct manifest *manifest = &source->manifest;
    struct tar_entry entry;
    char only[ENTRY_MAX_BYTES + 1] = "";
    unsigned count = 0;
    bool has_app = false;

    if (manifest->entry[0])
        return 0;
    while (tar_next(&reader, &entry, NULL) > 0) {
        if (!is_module(&entry))
            continue;
        count++;
        has_app |= strcmp(entry.name, MODULE ".py") == 0;
        snprintf(only, sizeof only, "%.*s", (int)strlen(entry.name) - 3, entry.name);
    }
    if (count != 1 && !has_app)
        return err_say(err, -EINVAL,
                       "cannot build '%s': it has neither one Python file nor 'app.py' at its top "
                       "(name the function in vireo.yaml: entry: module:function)",
                       build_source_title(source));
    snprintf(manifest->entry, sizeof manifest->entry, "%.100s:%s", has_app ? MODULE : only,
             FUNCTION);
    if (!manifest_entry_is_of_module(manifest->entry))
        return err_say(err, -EINVAL, "cannot build '%s': '%.100s.py' is no name of a module",
                       build_source_title(source), only);
    return 0;
}

int build_interpreted(struct build *build, struct err *err)
{
    char reason[64];
    const char *runtime = manifest_runtime_name(build->source.manifest.runtime);

    build_progress_say(build, "check");
    strcpy(build->note.safety, "container");
    strcpy(build->note.kind, "handler");
    snprintf(reason, sizeof reason, "its source is for %s", runtime);
    build_ladder_note(build, "proved", reason);
    build_ladder_note(build, "sfi", reason);
    build_ladder_note(build, "container", NULL);
    int r = source_image_make(&build->note, runtime, build->source.tar, build->source.tar_size,
                              &build->elf, &build->elf_size, err);
    if (r < 0)
        return r;
    struct library_note note;
    return source_image_check(build->elf, build->elf_size, &note, err);
}
