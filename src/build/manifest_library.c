/*
 * application:, library: and dependencies: what an image asks of what it is linked with.
 * docs/linking.md says what each means.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/manifest_reader.h"
#include "build/version.h"

static const char *const loaders[] = {
    [MANIFEST_LOADER_ANY] = "any",
    [MANIFEST_LOADER_APPLICATION] = "application",
    [MANIFEST_LOADER_SELF] = "self",
    [MANIFEST_LOADER_BLANK] = "blank",
};

const char *manifest_loader_name(enum manifest_loader loader)
{
    return loaders[loader];
}

static bool is_name(const char *text)
{
    return text[0] != '\0' && text[0] != '-' &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* 64 lower-case hex digits: a key's id, or the hash of a library. */
static bool is_hex(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static int name_read(struct reader *reader, const struct entry *entry, char *to, size_t size)
{
    int r = reader_text(reader, entry->name, to, size);

    if (r == 0 && !is_name(to))
        return reader_refuse(reader, "%s '%s': a name is lower-case letters, digits and '-'",
                             entry->name, value_show(to).text);
    return r;
}

static int hex_read(struct reader *reader, const struct entry *entry, char *to, size_t size)
{
    int r = reader_text(reader, entry->name, to, size);

    if (r == 0 && !is_hex(to))
        return reader_refuse(reader, "%s '%s': it is not 64 hex digits", entry->name,
                             value_show(to).text);
    return r;
}

static int range_read(struct reader *reader, const struct entry *entry, char *to, size_t size)
{
    struct err reason = {0};
    int r = reader_text(reader, entry->name, to, size);

    if (r == 0 && version_range_check(to, &reason) < 0)
        return reader_refuse(reader, "%s '%s': %s", entry->name, value_show(to).text,
                             reason.message);
    return r;
}

/* ---- library ---- */

static int signature_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest *manifest = into;
    char *signer = manifest->library.signer;
    int r = reader_text(reader, entry->name, signer, sizeof manifest->library.signer);

    if (r < 0)
        return r;
    if (strcmp(signer, "trusted") == 0) {
        signer[0] = '\0';
        return 0;
    }
    if (!is_hex(signer))
        return reader_refuse(reader, "signature '%s': it is 'trusted' or a key's 64 hex digits",
                             value_show(signer).text);
    return 0;
}

static int versions_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest *manifest = into;

    return range_read(reader, entry, manifest->library.versions, sizeof manifest->library.versions);
}

static int loader_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest *manifest = into;
    const char *text;
    int r = reader_scalar(reader, entry->name, &text);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(loaders); i++) {
        if (strcmp(loaders[i], text) != 0)
            continue;
        manifest->library.loader = (enum manifest_loader)i;
        return 0;
    }
    return reader_refuse(reader, "loader '%s': it is self, application, any or blank",
                         value_show(text).text);
}

int manifest_library_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"signature", signature_read, NULL},
        {"versions", versions_read, NULL},
        {"loader", loader_read, NULL},
    };

    return reader_mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

int manifest_application_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest *manifest = into;

    return name_read(reader, entry, manifest->application, sizeof manifest->application);
}

/* ---- dependencies ---- */

static int dependency_name_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest_dependency *dependency = into;

    return name_read(reader, entry, dependency->name, sizeof dependency->name);
}

static int dependency_versions_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest_dependency *dependency = into;

    return range_read(reader, entry, dependency->versions, sizeof dependency->versions);
}

static int dependency_signer_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest_dependency *dependency = into;

    return hex_read(reader, entry, dependency->signer, sizeof dependency->signer);
}

static int dependency_hash_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest_dependency *dependency = into;

    return hex_read(reader, entry, dependency->hash, sizeof dependency->hash);
}

int manifest_add_dependency(struct manifest *manifest, const struct manifest_dependency *dependency,
                            struct err *reason)
{
    if (manifest->dependency_count == DEPENDENCIES_MAX)
        return err_say(reason, -EINVAL, "there are more than %d dependencies", DEPENDENCIES_MAX);
    if (dependency->name[0] == '\0')
        return err_say(reason, -EINVAL, "a dependency has no name");
    for (uint32_t i = 0; i < manifest->dependency_count; i++)
        if (strcmp(manifest->dependencies[i].name, dependency->name) == 0)
            return err_say(reason, -EINVAL, "dependency '%s' is there twice", dependency->name);
    manifest->dependencies[manifest->dependency_count++] = *dependency;
    return 0;
}

int manifest_dependencies_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"name", dependency_name_read, NULL},
        {"versions", dependency_versions_read, NULL},
        {"signer", dependency_signer_read, NULL},
        {"hash", dependency_hash_read, NULL},
    };

    int r = reader_list(reader, entry->name, "libraries, each with a name");

    while (r == 0 && (r = reader_item(reader)) > 0) {
        struct manifest_dependency dependency = {0};
        struct err reason = {0};
        yaml_mark_t start = reader->event.start_mark;
        r = reader_mapping(reader, "a dependency", entries, ARRAY_LEN(entries), &dependency);
        if (r == 0 && manifest_add_dependency(into, &dependency, &reason) < 0)
            r = reader_refuse_at(reader, &start, reason.message);
    }
    return r;
}
