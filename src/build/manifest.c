/*
 * Reads vireo.yaml. By libyaml's events, not by libcyaml's schemas: libcyaml tells where an error
 * is only in its log, ignores or refuses an unknown key without naming a near one, and lets the
 * last of two equal keys win. Here each event is matched against the one place where it may stand,
 * so that nesting is bounded by the shape of the manifest, and anchors, aliases and tags have no
 * meaning at all.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "build/manifest_internal.h"

#define ENTRIES_MAX 32 /* keys of one mapping: a bit each */

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    const char *where;
    struct manifest *manifest;
    struct err *err;
};

/* A key that may stand in a mapping, and what reads its value (the current event, to its end). */
struct entry {
    const char *name;
    int (*read)(struct reader *reader, const struct entry *entry, void *into);
    const char *section; /* of manifest_keys, for scalars */
};

static int refuse_at(struct reader *reader, const yaml_mark_t *mark, const char *reason)
{
    return err_say(reader->err, -EINVAL, "cannot read '%s': line %zu, column %zu: %s",
                   reader->where, mark->line + 1, mark->column + 1, reason);
}

static int refuse(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int refuse(struct reader *reader, const char *format, ...)
{
    char reason[320];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return refuse_at(reader, &reader->event.start_mark, reason);
}

static bool has_anchor_or_tag(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor || event->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor || event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor || event->data.mapping_start.tag;
    default:
        return false;
    }
}

/* Moves to the next event. */
static int next(struct reader *reader)
{
    yaml_event_delete(&reader->event);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        const yaml_parser_t *parser = &reader->parser;
        memset(&reader->event, 0, sizeof reader->event);
        if (parser->error == YAML_MEMORY_ERROR)
            return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->where);
        /* Bytes that are not text have an offset and no place in the text. */
        if (parser->error == YAML_READER_ERROR)
            return err_say(reader->err, -EINVAL, "cannot read '%s': byte %zu: %s", reader->where,
                           parser->problem_offset, parser->problem);
        return refuse_at(reader, &parser->problem_mark,
                         parser->problem ? parser->problem : "it is not YAML");
    }
    if (reader->event.type == YAML_ALIAS_EVENT)
        return refuse(reader, "aliases are not allowed");
    if (has_anchor_or_tag(&reader->event))
        return refuse(reader, "anchors and tags are not allowed");
    return 0;
}

/* The current event's text; good until next(). */
static int scalar(struct reader *reader, const char *what, const char **ret_text)
{
    const yaml_event_t *event = &reader->event;

    if (event->type != YAML_SCALAR_EVENT)
        return refuse(reader, "%s is one value, not a list or keys", what);
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (memchr(text, '\0', length))
        return refuse(reader, "%s has a NUL", what);
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        (length == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
        return refuse(reader, "%s has no value", what);
    *ret_text = text;
    return 0;
}

/* Refuses a key that is not among the entries, and says which it may have been. */
static int unknown_key(struct reader *reader, const char *key, const struct entry *entries,
                       size_t count)
{
    const char *words[ENTRIES_MAX];

    for (size_t i = 0; i < count; i++)
        words[i] = entries[i].name;
    const char *near = suggest_word(key, words, count);
    if (near)
        return refuse(reader, "unknown key '%s' (did you mean '%s'?)", value_show(key).text, near);
    return refuse(reader, "unknown key '%s'", value_show(key).text);
}

/* Reads a mapping whose keys are `entries`; the current event is its start, then its end. */
static int mapping(struct reader *reader, const char *what, const struct entry *entries,
                   size_t count, void *into)
{
    uint32_t seen = 0;

    if (reader->event.type != YAML_MAPPING_START_EVENT)
        return refuse(reader, "%s has keys below it, not %s", what,
                      reader->event.type == YAML_SCALAR_EVENT ? "a value" : "a list");
    for (;;) {
        const char *key;
        size_t at = 0;
        int r = next(reader);
        if (r < 0)
            return r;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        r = scalar(reader, "a key", &key);
        if (r < 0)
            return r;
        while (at < count && strcmp(entries[at].name, key) != 0)
            at++;
        if (at == count)
            return unknown_key(reader, key, entries, count);
        if (seen & (1u << at))
            return refuse(reader, "key '%s' is there twice", key);
        seen |= 1u << at;
        if (!entries[at].read)
            return refuse(reader, "key '%s' is not available in this version", key);
        r = next(reader);
        if (r == 0)
            r = entries[at].read(reader, &entries[at], into);
        if (r < 0)
            return r;
    }
}

static int scalar_read(struct reader *reader, const struct entry *entry, void *into)
{
    const struct manifest_key *key = manifest_key_find(entry->section, entry->name);
    struct err reason = {0};
    const char *text;
    int r = scalar(reader, entry->name, &text);

    if (r == 0 && manifest_key_set(key, into, text, &reason) < 0)
        return refuse(reader, "%s", reason.message);
    return r;
}

static int sources_read(struct reader *reader, const struct entry *entry, void *into)
{
    if (reader->event.type != YAML_SEQUENCE_START_EVENT)
        return refuse(reader, "%s is a list of files: [main.c, src/*.c]", entry->name);
    for (;;) {
        struct err reason = {0};
        const char *text;
        int r = next(reader);
        if (r < 0)
            return r;
        if (reader->event.type == YAML_SEQUENCE_END_EVENT) {
            const struct manifest *manifest = into;
            if (manifest->source_count == 0)
                return refuse(reader, "%s is empty (without it, every .c file is one)",
                              entry->name);
            return 0;
        }
        r = scalar(reader, "a source", &text);
        if (r < 0)
            return r;
        if (manifest_add_source(into, text, &reason) < 0)
            return refuse(reader, "%s", reason.message);
    }
}

static int io_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"bytes_per_second", scalar_read, "io"},
        {"operations_per_second", scalar_read, "io"},
    };

    return mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

static int limits_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"memory", scalar_read, "limits"}, {"cpus", scalar_read, "limits"},
        {"pids", scalar_read, "limits"},   {"timeout", scalar_read, "limits"},
        {"stack", scalar_read, "limits"},  {"request", scalar_read, "limits"},
        {"answer", scalar_read, "limits"}, {"io", io_read, NULL},
    };

    return mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

static int pool_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"instances", scalar_read, "pool"},
        {"spares", scalar_read, "pool"},
        {"queue", scalar_read, "pool"},
        {"idle", scalar_read, "pool"},
    };

    return mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

/* A grant of files while its keys are read. */
struct file_grant {
    struct manifest_file file;
    bool writable_is_set;
};

static int file_text_read(struct reader *reader, const char *what, char *to, size_t size)
{
    const char *text;
    int r = scalar(reader, what, &text);

    if (r < 0)
        return r;
    if (text[0] == '\0' || strlen(text) >= size)
        return refuse(reader, "%s is empty or longer than %zu bytes", what, size - 1);
    strcpy(to, text);
    return 0;
}

static int file_path_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct file_grant *grant = into;

    return file_text_read(reader, entry->name, grant->file.path, sizeof grant->file.path);
}

static int file_host_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct file_grant *grant = into;

    return file_text_read(reader, entry->name, grant->file.host, sizeof grant->file.host);
}

static int file_size_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct file_grant *grant = into;
    struct err reason = {0};
    const char *text;
    int r = scalar(reader, entry->name, &text);

    if (r == 0 && value_bytes(text, &grant->file.size_bytes, &reason) < 0)
        return refuse(reader, "size '%s': %s", value_show(text).text, reason.message);
    if (r == 0 && (grant->file.size_bytes < (64 << 10) || grant->file.size_bytes > (4ull << 30)))
        return refuse(reader, "size '%s': it is not within 64KiB and 4GiB", value_show(text).text);
    return r;
}

static int file_writable_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct file_grant *grant = into;
    const char *text;
    int r = scalar(reader, entry->name, &text);

    if (r < 0)
        return r;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return refuse(reader, "writable '%s': it is true or false", value_show(text).text);
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

    if (reader->event.type != YAML_SEQUENCE_START_EVENT)
        return refuse(reader, "%s is a list of folders, each with a path", entry->name);
    for (;;) {
        struct file_grant grant = {0};
        struct err reason = {0};
        int r = next(reader);
        if (r < 0)
            return r;
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        yaml_mark_t start = reader->event.start_mark;
        r = mapping(reader, "a grant of files", entries, ARRAY_LEN(entries), &grant);
        if (r < 0)
            return r;
        if (manifest_add_file(into, &grant.file, grant.writable_is_set, &reason) < 0)
            return refuse_at(reader, &start, reason.message);
    }
}

static int env_file_read(struct reader *reader, const struct entry *entry, void *into)
{
    return file_text_read(reader, entry->name, into, sizeof((struct manifest_env *)0)->file);
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
        r = mapping(reader, "a variable", entries, ARRAY_LEN(entries), file);
        if (r == 0 && manifest_put_secret(manifest, name, file, &reason) < 0)
            return refuse_at(reader, &start, reason.message);
        return r;
    }
    r = scalar(reader, "a variable", &text);
    if (r == 0 && manifest_put_env(manifest, name, text, &reason) < 0)
        return refuse(reader, "%s", reason.message);
    return r;
}

/* Any name may be a key here. */
static int env_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest *manifest = into;

    if (reader->event.type != YAML_MAPPING_START_EVENT)
        return refuse(reader, "%s has names and values below it", entry->name);
    for (;;) {
        char name[sizeof manifest->env[0].name + 1];
        const char *text;
        int r = next(reader);
        if (r < 0)
            return r;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        r = scalar(reader, "a variable's name", &text);
        if (r < 0)
            return r;
        snprintf(name, sizeof name, "%s", text); /* one byte too long is refused below */
        for (uint32_t i = 0; i < manifest->env_count; i++)
            if (strcmp(manifest->env[i].name, name) == 0)
                return refuse(reader, "variable '%s' is there twice", name);
        r = next(reader);
        if (r == 0)
            r = variable_read(reader, manifest, name);
        if (r < 0)
            return r;
    }
}

/* A list of HOST:PORT, each taken by `add`. */
static int endpoints_read(struct reader *reader, const struct entry *entry,
                          int (*add)(struct manifest *, const char *, struct err *), void *into)
{
    if (reader->event.type != YAML_SEQUENCE_START_EVENT)
        return refuse(reader, "%s is a list of addresses: ['127.0.0.1:7000']", entry->name);
    for (;;) {
        struct err reason = {0};
        const char *text;
        int r = next(reader);
        if (r < 0 || reader->event.type == YAML_SEQUENCE_END_EVENT)
            return r;
        r = scalar(reader, "an address", &text);
        if (r < 0)
            return r;
        if (add(into, text, &reason) < 0)
            return refuse(reader, "%s", reason.message);
    }
}

static int listen_read(struct reader *reader, const struct entry *entry, void *into)
{
    return endpoints_read(reader, entry, manifest_add_listen, into);
}

static int connect_read(struct reader *reader, const struct entry *entry, void *into)
{
    return endpoints_read(reader, entry, manifest_add_connect, into);
}

static int bool_read(struct reader *reader, const struct entry *entry, bool *to)
{
    const char *text;
    int r = scalar(reader, entry->name, &text);

    if (r < 0)
        return r;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return refuse(reader, "%s '%s': it is true or false", entry->name, value_show(text).text);
    *to = text[0] == 't';
    return 0;
}

static int fork_read(struct reader *reader, const struct entry *entry, void *into)
{
    return bool_read(reader, entry, &((struct manifest *)into)->fork);
}

static int ipc_read(struct reader *reader, const struct entry *entry, void *into)
{
    return bool_read(reader, entry, &((struct manifest *)into)->ipc);
}

static int grants_read(struct reader *reader, const struct entry *entry, void *into)
{
    static const struct entry entries[] = {
        {"files", files_read, NULL},     {"env", env_read, NULL},   {"listen", listen_read, NULL},
        {"connect", connect_read, NULL}, {"fork", fork_read, NULL}, {"ipc", ipc_read, NULL},
    };

    return mapping(reader, entry->name, entries, ARRAY_LEN(entries), into);
}

static int document(struct reader *reader)
{
    /* Without `read`: named in the design, refused until what they ask for is there. */
    static const struct entry entries[] = {
        {"name", scalar_read, ""},
        {"version", scalar_read, ""},
        {"sources", sources_read, NULL},
        {"entry", scalar_read, ""},
        {"http", scalar_read, ""},
        {"isolation", scalar_read, ""},
        {"limits", limits_read, NULL},
        {"grants", grants_read, NULL},
        {"pool", pool_read, NULL},
        {"allow", NULL, NULL},
        {"library", NULL, NULL},
        {"vkernel", NULL, NULL},
        {"bpf", NULL, NULL},
    };
    static_assert(ARRAY_LEN(entries) <= ENTRIES_MAX, "a bit each");

    int r = next(reader);
    if (r == 0)
        r = mapping(reader, "the manifest", entries, ARRAY_LEN(entries), reader->manifest);
    if (r == 0)
        r = next(reader); /* the document's end */
    return r;
}

static int stream(struct reader *reader)
{
    int r = next(reader); /* the stream's start */

    if (r == 0)
        r = next(reader);
    if (r < 0 || reader->event.type == YAML_STREAM_END_EVENT)
        return r; /* empty, or comments only: the defaults */
    r = document(reader);
    if (r == 0)
        r = next(reader);
    if (r == 0 && reader->event.type != YAML_STREAM_END_EVENT)
        return refuse(reader, "a second document is not allowed");
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
