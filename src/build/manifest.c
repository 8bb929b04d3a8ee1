/* vireo.yaml: which keys may stand where, and what reads their values (manifest_reader.h). */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "build/manifest_internal.h"
#include "build/manifest_reader.h"

static int scalar_read(struct reader *reader, const struct entry *entry, void *into)
{
    const struct manifest_key *key = manifest_key_find(entry->section, entry->name);
    struct err reason = {0};
    const char *text;
    int r = reader_scalar(reader, entry->name, &text);

    if (r == 0 && manifest_key_set(key, into, text, &reason) < 0)
        return reader_refuse(reader, "%s", reason.message);
    return r;
}

static int sources_read(struct reader *reader, const struct entry *entry, void *into)
{
    const struct manifest *manifest = into;
    int r = reader_texts(reader, entry->name, "files: [main.c, src/*.c]", "a source",
                         manifest_add_source, into);

    if (r == 0 && manifest->source_count == 0)
        return reader_refuse(reader, "%s is empty (without it, every .c file is one)", entry->name);
    return r;
}

static int io_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"bytes_per_second", scalar_read, "io"},
        {"operations_per_second", scalar_read, "io"},
    };

    return reader_mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

static int limits_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"memory", scalar_read, "limits"}, {"cpus", scalar_read, "limits"},
        {"pids", scalar_read, "limits"},   {"timeout", scalar_read, "limits"},
        {"stack", scalar_read, "limits"},  {"request", scalar_read, "limits"},
        {"answer", scalar_read, "limits"}, {"io", io_read, NULL},
    };

    return reader_mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

static int pool_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"instances", scalar_read, "pool"},       {"spares", scalar_read, "pool"},
        {"queue", scalar_read, "pool"},           {"idle", scalar_read, "pool"},
        {"started", manifest_started_read, NULL}, {"policy", manifest_policy_read, NULL},
    };

    return reader_mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

static int family_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"depth", scalar_read, "family"},
        {"group", scalar_read, "family"},
    };

    return reader_mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

static int update_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {{"slack", scalar_read, "update"}};

    return reader_mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

/* A grant of files while its keys are read. */
struct file_grant {
    struct manifest_file file;
    bool writable_is_set;
};

static int file_path_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct file_grant *grant = into;

    return reader_text(reader, entry->name, grant->file.path, sizeof grant->file.path);
}

static int file_host_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct file_grant *grant = into;

    return reader_text(reader, entry->name, grant->file.host, sizeof grant->file.host);
}

static int file_size_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct file_grant *grant = into;
    struct err reason = {0};
    const char *text;
    int r = reader_scalar(reader, entry->name, &text);

    if (r == 0 && value_bytes(text, &grant->file.size_bytes, &reason) < 0)
        return reader_refuse(reader, "size '%s': %s", value_show(text).text, reason.message);
    if (r == 0 && (grant->file.size_bytes < (64 << 10) || grant->file.size_bytes > (4ull << 30)))
        return reader_refuse(reader, "size '%s': it is not within 64KiB and 4GiB",
                             value_show(text).text);
    return r;
}

static int file_writable_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct file_grant *grant = into;
    const char *text;
    int r = reader_scalar(reader, entry->name, &text);

    if (r < 0)
        return r;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return reader_refuse(reader, "writable '%s': it is true or false", value_show(text).text);
    grant->file.writable = text[0] == 't';
    grant->writable_is_set = true;
    return 0;
}

static int files_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"path", file_path_read, NULL},
        {"host", file_host_read, NULL},
        {"size", file_size_read, NULL},
        {"writable", file_writable_read, NULL},
    };

    int r = reader_list(reader, entry->name, "folders, each with a path");

    while (r == 0 && (r = reader_item(reader)) > 0) {
        struct file_grant grant = {0};
        struct err reason = {0};
        yaml_mark_t start = reader->event.start_mark;
        r = reader_mapping(reader, "a grant of files", entries, ARRAY_LEN(entries), &grant);
        if (r == 0 && manifest_add_file(into, &grant.file, grant.writable_is_set, &reason) < 0)
            r = reader_refuse_at(reader, &start, reason.message);
    }
    return r;
}

static int env_file_read(struct reader *reader, const struct entry *entry, void *into)
{
    return reader_text(reader, entry->name, into, sizeof((struct manifest_env *)0)->file);
}

/* One variable's value, or {file: PATH}. */
static int variable_read(struct reader *reader, struct manifest *manifest, const char *name)
{
    static const struct entry entries[] = {{"file", env_file_read, NULL}};
    char file[sizeof manifest->env[0].file] = "";
    struct err reason = {0};
    yaml_mark_t start = reader->event.start_mark;
    const char *text;
    int r;

    if (reader->event.type == YAML_MAPPING_START_EVENT) {
        r = reader_mapping(reader, "a variable", entries, ARRAY_LEN(entries), file);
        if (r == 0 && manifest_put_secret(manifest, name, file, &reason) < 0)
            return reader_refuse_at(reader, &start, reason.message);
        return r;
    }
    r = reader_scalar(reader, "a variable", &text);
    if (r == 0 && manifest_put_env(manifest, name, text, &reason) < 0)
        return reader_refuse(reader, "%s", reason.message);
    return r;
}

/* Any name may be a key here. */
static int env_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest *manifest = into;

    if (reader->event.type != YAML_MAPPING_START_EVENT)
        return reader_refuse(reader, "%s has names and values below it", entry->name);
    for (;;) {
        char name[sizeof manifest->env[0].name + 1];
        const char *text;
        int r = reader_next(reader);
        if (r < 0)
            return r;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        r = reader_scalar(reader, "a variable's name", &text);
        if (r < 0)
            return r;
        snprintf(name, sizeof name, "%s", text); /* one byte too long is refused below */
        for (uint32_t i = 0; i < manifest->env_count; i++)
            if (strcmp(manifest->env[i].name, name) == 0)
                return reader_refuse(reader, "variable '%s' is there twice", name);
        r = reader_next(reader);
        if (r == 0)
            r = variable_read(reader, manifest, name);
        if (r < 0)
            return r;
    }
}

static int listen_read(struct reader *reader, const struct entry *entry, void *into)
{
    return reader_texts(reader, entry->name, "addresses: ['127.0.0.1:7000']", entry->name,
                        manifest_add_listen, into);
}

static int connect_read(struct reader *reader, const struct entry *entry, void *into)
{
    return reader_texts(reader, entry->name, "addresses: ['127.0.0.1:7000']", entry->name,
                        manifest_add_connect, into);
}

static int imports_read(struct reader *reader, const struct entry *entry, void *into)
{
    return reader_texts(reader, entry->name, "modules: [json, re]", entry->name,
                        manifest_add_import, into);
}

static int queue_read(struct reader *reader, const struct entry *entry, void *into)
{
    return reader_texts(reader, entry->name, "functions: [resize]", entry->name, manifest_add_queue,
                        into);
}

static int exec_read(struct reader *reader, const struct entry *entry, void *into)
{
    return reader_texts(reader, entry->name, "programs: [sorter]", entry->name, manifest_add_exec,
                        into);
}

static int allow_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest *manifest = into;

    manifest->allow_said = true;
    manifest->layers = 0;
    return reader_texts(reader, entry->name, "layers: [base, io, platform]", entry->name,
                        manifest_add_layer, into);
}

static int fork_read(struct reader *reader, const struct entry *entry, void *into)
{
    return reader_bool(reader, entry, &((struct manifest *)into)->fork);
}

static int ipc_read(struct reader *reader, const struct entry *entry, void *into)
{
    return reader_bool(reader, entry, &((struct manifest *)into)->ipc);
}

static int link_read(struct reader *reader, const struct entry *entry, void *into)
{
    return reader_bool(reader, entry, &((struct manifest *)into)->link);
}

static int grants_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"files", files_read, NULL},   {"env", env_read, NULL},
        {"listen", listen_read, NULL}, {"connect", connect_read, NULL},
        {"fork", fork_read, NULL},     {"ipc", ipc_read, NULL},
        {"queue", queue_read, NULL},   {"exec", exec_read, NULL},
        {"link", link_read, NULL},     {"bpf", manifest_grant_bpf_read, NULL},
    };

    return reader_mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

static int document(struct reader *reader)
{
    /* Without `read`: named in the design, refused until what they ask for is there. */
    static const struct entry entries[] = {
        {"name", scalar_read, ""},
        {"version", scalar_read, ""},
        {"sources", sources_read, NULL},
        {"entry", scalar_read, ""},
        {"runtime", scalar_read, ""},
        {"imports", imports_read, NULL},
        {"http", scalar_read, ""},
        {"isolation", scalar_read, ""},
        {"limits", limits_read, NULL},
        {"grants", grants_read, NULL},
        {"pool", pool_read, NULL},
        {"update", update_read, NULL},
        {"allow", allow_read, NULL},
        {"recycle", scalar_read, ""},
        {"application", manifest_application_read, NULL},
        {"library", manifest_library_read, NULL},
        {"dependencies", manifest_dependencies_read, NULL},
        {"family", family_read, NULL},
        {"vkernel", manifest_vkernel_read, NULL},
        {"bpf", manifest_bpf_read, NULL},
        {"command", manifest_command_read, NULL},
        {"talk", scalar_read, ""},
        {"directory", scalar_read, ""},
    };
    static_assert(ARRAY_LEN(entries) <= ENTRIES_MAX, "a bit each");

    int r = reader_next(reader);
    if (r == 0)
        r = reader_mapping(reader, "the manifest", entries, ARRAY_LEN(entries), reader->manifest);
    if (r == 0 && reader->contained.reason[0] && reader->manifest->container.word_count == 0)
        r = reader_refuse_at(reader, &reader->contained.mark, reader->contained.reason);
    if (r == 0)
        r = reader_next(reader); /* the document's end */
    return r;
}

static int stream(struct reader *reader)
{
    int r = reader_next(reader); /* the stream's start */

    if (r == 0)
        r = reader_next(reader);
    if (r < 0 || reader->event.type == YAML_STREAM_END_EVENT)
        return r; /* empty, or comments only: the defaults */
    r = document(reader);
    if (r == 0)
        r = reader_next(reader);
    if (r == 0 && reader->event.type != YAML_STREAM_END_EVENT)
        return reader_refuse(reader, "a second document is not allowed");
    return r;
}

int manifest_parse(const char *text, size_t size, const char *where, struct manifest *ret_manifest,
                   struct err *err)
{
    _cleanup_(freep) struct manifest *manifest = malloc(sizeof *manifest);
    struct reader reader = {.where = where, .manifest = manifest, .err = err};

    if (size > MANIFEST_MAX_BYTES)
        return err_say(err, -EFBIG, "cannot read '%s': it is longer than %d KiB", where,
                       MANIFEST_MAX_BYTES >> 10);
    if (!manifest || !yaml_parser_initialize(&reader.parser))
        return err_set(err, -ENOMEM, "cannot read '%s'", where);
    manifest_default(manifest);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
    int r = stream(&reader);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    struct err reason = {0};
    if (r == 0 && manifest_check(manifest, &reason) < 0)
        r = err_say(err, -EINVAL, "cannot read '%s': %s", where, reason.message);
    if (r == 0)
        *ret_manifest = *manifest;
    return r;
}
