/*
 * Reads vireo.yaml. By libyaml's events, not by libcyaml's schemas: libcyaml tells where an error
 * is only in its log, ignores or refuses an unknown key without naming a near one, and lets the
 * last of two equal keys win. Here each event is matched against the one place where it may stand,
 * so that nesting is bounded by the shape of the manifest, and anchors, aliases and tags have no
 * meaning at all.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/suggest.h"
#include "build/manifest_reader.h"

int reader_refuse_at(struct reader *reader, const yaml_mark_t *mark, const char *reason)
{
    return err_say(reader->err, -EINVAL, "cannot read '%s': line %zu, column %zu: %s",
                   reader->where, mark->line + 1, mark->column + 1, reason);
}

int reader_refuse(struct reader *reader, const char *format, ...)
{
    char reason[320];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return reader_refuse_at(reader, &reader->event.start_mark, reason);
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
int reader_next(struct reader *reader)
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
        return reader_refuse_at(reader, &parser->problem_mark,
                                parser->problem ? parser->problem : "it is not YAML");
    }
    if (reader->event.type == YAML_ALIAS_EVENT)
        return reader_refuse(reader, "aliases are not allowed");
    if (has_anchor_or_tag(&reader->event))
        return reader_refuse(reader, "anchors and tags are not allowed");
    return 0;
}

/* The current event's text; good until reader_next(). */
int reader_scalar(struct reader *reader, const char *what, const char **ret_text)
{
    const yaml_event_t *event = &reader->event;

    if (event->type != YAML_SCALAR_EVENT)
        return reader_refuse(reader, "%s is one value, not a list or keys", what);
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (memchr(text, '\0', length))
        return reader_refuse(reader, "%s has a NUL", what);
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        (length == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
        return reader_refuse(reader, "%s has no value", what);
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
        return reader_refuse(reader, "unknown key '%s' (did you mean '%s'?)", value_show(key).text,
                             near);
    return reader_refuse(reader, "unknown key '%s'", value_show(key).text);
}

/* Reads a mapping whose keys are `entries`; the current event is its start, then its end. */
int reader_mapping(struct reader *reader, const char *what, const struct entry *entries,
                   size_t count, void *into)
{
    uint32_t seen = 0;

    if (reader->event.type != YAML_MAPPING_START_EVENT)
        return reader_refuse(reader, "%s has keys below it, not %s", what,
                             reader->event.type == YAML_SCALAR_EVENT ? "a value" : "a list");
    for (;;) {
        const char *key;
        size_t at = 0;
        int r = reader_next(reader);
        if (r < 0)
            return r;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        r = reader_scalar(reader, "a key", &key);
        if (r < 0)
            return r;
        while (at < count && strcmp(entries[at].name, key) != 0)
            at++;
        if (at == count)
            return unknown_key(reader, key, entries, count);
        if (seen & (1u << at))
            return reader_refuse(reader, "key '%s' is there twice", key);
        seen |= 1u << at;
        if (!entries[at].read)
            return reader_refuse(reader, "key '%s' is not available in this version", key);
        r = reader_next(reader);
        if (r == 0)
            r = entries[at].read(reader, &entries[at], into);
        if (r < 0)
            return r;
    }
}

int reader_text(struct reader *reader, const char *what, char *to, size_t size)
{
    const char *text;
    int r = reader_scalar(reader, what, &text);

    if (r < 0)
        return r;
    if (text[0] == '\0' || strlen(text) >= size)
        return reader_refuse(reader, "%s is empty or longer than %zu bytes", what, size - 1);
    strcpy(to, text);
    return 0;
}

int reader_bool(struct reader *reader, const struct entry *entry, bool *to)
{
    const char *text;
    int r = reader_scalar(reader, entry->name, &text);

    if (r < 0)
        return r;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return reader_refuse(reader, "%s '%s': it is true or false", entry->name,
                             value_show(text).text);
    *to = text[0] == 't';
    return 0;
}

int reader_list(struct reader *reader, const char *name, const char *what)
{
    return reader->event.type == YAML_SEQUENCE_START_EVENT
               ? 0
               : reader_refuse(reader, "%s is a list of %s", name, what);
}

int reader_item(struct reader *reader)
{
    int r = reader_next(reader);

    return r < 0 ? r : reader->event.type != YAML_SEQUENCE_END_EVENT;
}

int reader_texts(struct reader *reader, const char *name, const char *what, const char *item,
                 int (*add)(struct manifest *, const char *, struct err *), struct manifest *into)
{
    int r = reader_list(reader, name, what);

    while (r == 0 && (r = reader_item(reader)) > 0) {
        struct err reason = {0};
        const char *text;
        r = reader_scalar(reader, item, &text);
        if (r == 0 && add(into, text, &reason) < 0)
            r = reader_refuse(reader, "%s", reason.message);
    }
    return r;
}
