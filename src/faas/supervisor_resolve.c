/*
 * Who may be linked with whom: each of the two images says in its manifest (`library:`) what it
 * asks of the other: its signature, its version, and who loads. docs/linking.md.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/version.h"
#include "faas/supervisor.h"
#include "faas/supervisor_link.h"

struct link_party link_party_of_image(const char *name, const struct image *image)
{
    const struct library_demands *demands = &image->note.demands;

    return (struct link_party){
        .name = name,
        .version = image->note.version,
        .signer = image->note.signer,
        .application = demands->application[0] ? demands->application : name,
        .asks = &demands->library,
    };
}

struct link_party link_party_of_function(const struct manifest *manifest, const char *signer)
{
    return (struct link_party){
        .name = manifest->name,
        .version = manifest->version,
        .signer = signer,
        .application = manifest_application(manifest),
        .asks = &manifest->library,
    };
}

static bool loader_allows(enum manifest_loader loader, bool same_application, struct link_way way)
{
    switch (loader) {
    case MANIFEST_LOADER_ANY:
        return true;
    case MANIFEST_LOADER_APPLICATION:
        return same_application;
    case MANIFEST_LOADER_SELF:
        return way.named;
    case MANIFEST_LOADER_BLANK:
        return way.blank;
    }
    return false;
}

/* What `one` asks of `other`. */
static int satisfied(const struct link_party *one, const struct link_party *other,
                     struct link_way way, const char *what, struct err *err)
{
    static const char *const loaders[] = {
        [MANIFEST_LOADER_APPLICATION] = "pVMs of its own application",
        [MANIFEST_LOADER_SELF] = "what an image itself names among its dependencies",
        [MANIFEST_LOADER_BLANK] = "blank pVMs",
    };
    const struct manifest_library *asks = one->asks;

    if (asks->signer[0] && strcmp(asks->signer, other->signer) != 0)
        return err_say(err, -EPERM,
                       "cannot link %s: signature: '%s' asks for key %.16s..., and '%s' is signed "
                       "by %.16s...",
                       what, one->name, asks->signer, other->name, other->signer);
    if (!version_in_range(other->version, asks->versions))
        return err_say(err, -EPERM,
                       "cannot link %s: version: '%s' asks for '%s', and '%s' is version '%s'",
                       what, one->name, asks->versions, other->name, other->version);
    if (!loader_allows(asks->loader, strcmp(one->application, other->application) == 0, way))
        return err_say(err, -EPERM, "cannot link %s: loader: '%s' is for %s", what, one->name,
                       loaders[asks->loader]);
    return 0;
}

int link_allowed(const struct link_party *function, const struct link_party *library,
                 struct link_way way, struct err *err)
{
    char what[2 * NAME_MAX_BYTES + 16];

    snprintf(what, sizeof what, "'%s' with '%s'", library->name, function->name);
    int r = satisfied(function, library, way, what, err);
    return r < 0 ? r : satisfied(library, function, way, what, err);
}

/* ---- at deploy ---- */

/* Which library it is: what the manifest pins, or what is deployed by that name. */
static int find_hash(struct supervisor *supervisor, const struct manifest *manifest,
                     struct manifest_dependency *dependency, struct err *err)
{
    struct registry_function row = {0};

    if (dependency->hash[0])
        return 0;
    int r = registry_get(supervisor->registry, dependency->name, &row, NULL);
    if (r == 0 && strcmp(row.kind, "library") != 0)
        r = err_say(err, -EINVAL, "cannot link '%s' with '%s': it is a function, not a library",
                    dependency->name, manifest->name);
    else if (r < 0)
        r = err_say(err, -ENOENT, "cannot link '%s' with '%s': no such library is deployed",
                    dependency->name, manifest->name);
    else
        memcpy(dependency->hash, row.library_hash, sizeof dependency->hash);
    registry_function_clear(&row);
    return r;
}

int dependency_fits(const char *who, const struct manifest_dependency *asked,
                    const struct image *image, struct err *err)
{
    const struct library_note *note = &image->note;

    if (strcmp(note->kind, "library") != 0)
        return err_say(err, -EINVAL, "cannot link '%s' with '%s': it is a function, not a library",
                       asked->name, who);
    if (!version_in_range(note->version, asked->versions))
        return err_say(err, -EPERM,
                       "cannot link '%s' with '%s': version: '%s' is asked for, and it is version "
                       "'%s'",
                       asked->name, who, asked->versions, note->version);
    if (asked->signer[0] && strcmp(asked->signer, note->signer) != 0)
        return err_say(err, -EPERM,
                       "cannot link '%s' with '%s': signature: key %.16s... is asked for, and it "
                       "is signed by %.16s...",
                       asked->name, who, asked->signer, note->signer);
    return 0;
}

/* What one library needs in turn joins the manifest's list, or is there and must fit. */
static int add_needs(struct supervisor *supervisor, struct manifest *manifest,
                     const struct library_demands *demands, struct err *err)
{
    struct err reason = {0};

    for (uint32_t i = 0; i < demands->dependency_count; i++) {
        const struct manifest_dependency *need = &demands->dependencies[i];
        uint32_t at = 0;
        while (at < manifest->dependency_count &&
               strcmp(manifest->dependencies[at].name, need->name) != 0)
            at++;
        if (at == manifest->dependency_count) {
            if (manifest_add_dependency(manifest, need, &reason) < 0)
                return err_say(err, -E2BIG, "cannot link '%s' with '%s': %s", need->name,
                               manifest->name, reason.message);
            continue;
        }
        struct image image;
        int r = find_hash(supervisor, manifest, &manifest->dependencies[at], err);
        if (r == 0)
            r = image_open(supervisor, manifest->dependencies[at].hash, &image, err);
        if (r < 0)
            return r;
        r = dependency_fits(manifest->name, need, &image, err);
        image_close(&image);
        if (r < 0)
            return r;
    }
    return 0;
}

int dependencies_resolve(struct supervisor *supervisor, struct manifest *manifest,
                         const char *signer, struct err *err)
{
    const struct link_party function = link_party_of_function(manifest, signer);
    const struct link_way way = {.named = true,
                                 .blank = manifest->recycle != MANIFEST_RECYCLE_NONE};

    /* The list grows while it is gone through. */
    for (uint32_t i = 0; i < manifest->dependency_count; i++) {
        struct manifest_dependency *dependency = &manifest->dependencies[i];
        struct image image;
        int r = find_hash(supervisor, manifest, dependency, err);
        if (r == 0)
            r = image_open(supervisor, dependency->hash, &image, err);
        if (r < 0)
            return r;
        const struct link_party library = link_party_of_image(dependency->name, &image);
        r = dependency_fits(manifest->name, dependency, &image, err);
        if (r == 0)
            r = link_allowed(&function, &library, way, err);
        if (r == 0)
            r = add_needs(supervisor, manifest, &image.note.demands, err);
        image_close(&image);
        if (r < 0)
            return r;
    }
    return 0;
}

int dependencies_open(struct supervisor *supervisor, const struct manifest *manifest,
                      int fds[static DEPENDENCIES_MAX], struct err *err)
{
    for (uint32_t i = 0; i < manifest->dependency_count; i++) {
        struct image image;
        const char *hash = manifest->dependencies[i].hash;
        int r = hash[0] ? image_open(supervisor, hash, &image, err)
                        : err_say(err, -ENOENT, "cannot link '%s' with '%s': it is not resolved",
                                  manifest->dependencies[i].name, manifest->name);
        if (r < 0)
            return r;
        fds[i] = image.fd;
    }
    return 0;
}
