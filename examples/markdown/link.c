/* Labels, destinations, titles and definitions of links (CommonMark 0.31, sections 4.7 and 6.3). */
#include <stdint.h>
#include <string.h>

#include "character.h"
#include "link.h"

#define BUCKETS 4096
#define PARENTHESES_MAX 32 /* nested ones in a destination; more is not a link */

struct definition {
    struct definition *next; /* of the same bucket */
    const char *label;
    size_t label_size;
    struct link_target target;
};

struct definitions {
    struct arena *arena;
    struct definition *buckets[BUCKETS];
};

const char *link_unescape(struct arena *arena, const char *data, size_t size, size_t *ret_size)
{
    char *plain = arena_take(arena, size + 1); /* no entity is shorter than what it stands for */
    size_t used = 0;

    for (size_t i = 0; i < size;) {
        char bytes[4];
        size_t count, length = entity_at(data + i, size - i, bytes, &count);
        if (length > 0) {
            memcpy(plain + used, bytes, count);
            used += count;
            i += length;
            continue;
        }
        if (data[i] == '\\' && i + 1 < size && is_ascii_punctuation(data[i + 1]))
            i++;
        plain[used++] = data[i++];
    }
    *ret_size = used;
    return plain;
}

size_t link_space(const char *data, size_t size)
{
    size_t at = 0;
    bool newline = false;

    for (; at < size && is_ascii_space(data[at]); at++) {
        if (data[at] != '\n')
            continue;
        if (newline)
            break;
        newline = true;
    }
    return at;
}

size_t link_label(const char *data, size_t size)
{
    bool blank = true;

    if (size == 0 || data[0] != '[')
        return 0;
    for (size_t i = 1; i < size && i <= LABEL_MAX_BYTES + 1; i++) {
        if (data[i] == ']')
            return blank ? 0 : i + 1;
        if (data[i] == '[')
            return 0;
        blank = blank && is_ascii_space(data[i]);
        if (data[i] == '\\' && i + 1 < size && is_ascii_punctuation(data[i + 1]))
            i++;
    }
    return 0;
}

/* A destination's length, its text in *ret_start and *ret_size (without the angle brackets). */
static bool destination(const char *data, size_t size, size_t *ret_length, size_t *ret_start,
                        size_t *ret_size)
{
    size_t at = 0;
    int depth = 0;

    if (size > 0 && data[0] == '<') {
        for (at = 1; at < size && data[at] != '>'; at++) {
            if (data[at] == '\n' || data[at] == '<')
                return false;
            if (data[at] == '\\' && at + 1 < size && is_ascii_punctuation(data[at + 1]))
                at++;
        }
        if (at >= size)
            return false;
        *ret_start = 1;
        *ret_size = at - 1;
        *ret_length = at + 1;
        return true;
    }
    for (; at < size; at++) {
        if ((unsigned char)data[at] <= ' ' || data[at] == 0x7f)
            break;
        if (data[at] == '\\' && at + 1 < size && is_ascii_punctuation(data[at + 1]))
            at++;
        else if (data[at] == '(' && ++depth > PARENTHESES_MAX)
            return false;
        else if (data[at] == ')' && --depth < 0)
            break;
    }
    if (depth > 0)
        return false;
    *ret_start = 0;
    *ret_size = *ret_length = at;
    return true;
}

/* A title with its quotes; 0 when there is none. */
static size_t title(const char *data, size_t size)
{
    char close;

    if (size < 2)
        return 0;
    if (data[0] == '"' || data[0] == '\'')
        close = data[0];
    else if (data[0] == '(')
        close = ')';
    else
        return 0;
    for (size_t i = 1; i < size; i++) {
        if (data[i] == close)
            return i + 1;
        if (data[i] == '(' && close == ')')
            return 0;
        if (data[i] == '\n' && i + 1 < size && data[i + 1] == '\n')
            return 0;
        if (data[i] == '\\' && i + 1 < size)
            i++;
    }
    return 0;
}

static void target_fill(struct arena *arena, struct link_target *target, const char *url,
                        size_t url_size, const char *quoted, size_t quoted_size)
{
    target->url = link_unescape(arena, url, url_size, &target->url_size);
    target->title = NULL;
    target->title_size = 0;
    if (quoted_size > 0)
        target->title = link_unescape(arena, quoted + 1, quoted_size - 2, &target->title_size);
}

size_t link_inline(struct arena *arena, const char *data, size_t size, struct link_target *target)
{
    size_t at, length, start, url_size;

    if (size == 0 || data[0] != '(')
        return 0;
    at = 1 + link_space(data + 1, size - 1);
    if (!destination(data + at, size - at, &length, &start, &url_size))
        return 0;
    const char *url = data + at + start;
    at += length;

    size_t space = link_space(data + at, size - at);
    size_t quoted_size = space > 0 ? title(data + at + space, size - at - space) : 0;
    const char *quoted = data + at + space;
    at += space + quoted_size;
    at += link_space(data + at, size - at);
    if (at >= size || data[at] != ')')
        return 0;
    target_fill(arena, target, url, url_size, quoted, quoted_size);
    return at + 1;
}

struct definitions *definitions_new(struct arena *arena)
{
    struct definitions *definitions = arena_take(arena, sizeof *definitions);

    definitions->arena = arena;
    return definitions;
}

/* Lower case, white space collapsed: labels that match are equal bytes then. */
static const char *normalise(struct arena *arena, const char *label, size_t size, size_t *ret_size)
{
    char *normal = arena_take(arena, size + 1);
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        char c = label[i];
        if (is_ascii_space(c)) {
            if (used > 0 && normal[used - 1] != ' ')
                normal[used++] = ' ';
            continue;
        }
        normal[used++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    while (used > 0 && normal[used - 1] == ' ')
        used--;
    *ret_size = used;
    return normal;
}

static uint32_t bucket_of(const char *label, size_t size)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)label[i]) * 16777619u;
    return hash % BUCKETS;
}

static const struct link_target *find(struct definitions *definitions, const char *normal,
                                      size_t size)
{
    struct definition *at = definitions->buckets[bucket_of(normal, size)];

    for (; at; at = at->next)
        if (at->label_size == size && memcmp(at->label, normal, size) == 0)
            return &at->target;
    return NULL;
}

const struct link_target *definition_find(struct definitions *definitions, const char *label,
                                          size_t size)
{
    if (size > LABEL_MAX_BYTES)
        return NULL;
    const char *normal = normalise(definitions->arena, label, size, &size);
    return size > 0 ? find(definitions, normal, size) : NULL;
}

/* The rest of the line is blank: its length with the newline, or -1. */
static long blank_rest(const char *data, size_t size)
{
    size_t at = 0;

    while (at < size && is_space_or_tab(data[at]))
        at++;
    if (at < size && data[at] != '\n')
        return -1;
    return (long)(at < size ? at + 1 : at);
}

size_t definition_take(struct definitions *definitions, const char *data, size_t size)
{
    size_t label_size = link_label(data, size), at = label_size, length, start, url_size;

    if (label_size == 0 || at >= size || data[at] != ':')
        return 0;
    at++;
    at += link_space(data + at, size - at);
    if (!destination(data + at, size - at, &length, &start, &url_size) || length == 0)
        return 0;
    const char *url = data + at + start;
    at += length;

    /* A title that leaves something behind on its line is none, unless it began on this one. */
    size_t space = link_space(data + at, size - at);
    const char *quoted = data + at + space;
    size_t quoted_size = space > 0 ? title(quoted, size - at - space) : 0;
    long rest = -1;
    if (quoted_size > 0) {
        rest = blank_rest(quoted + quoted_size, size - at - space - quoted_size);
        if (rest >= 0)
            at += space + quoted_size + (size_t)rest;
    }
    if (rest < 0) {
        quoted_size = 0;
        rest = blank_rest(data + at, size - at);
        if (rest < 0)
            return 0;
        at += (size_t)rest;
    }

    size_t normal_size;
    const char *normal = normalise(definitions->arena, data + 1, label_size - 2, &normal_size);
    if (find(definitions, normal, normal_size))
        return at; /* the first definition of a label holds */
    struct definition *definition = arena_take(definitions->arena, sizeof *definition);
    struct definition **bucket = &definitions->buckets[bucket_of(normal, normal_size)];
    definition->label = normal;
    definition->label_size = normal_size;
    target_fill(definitions->arena, &definition->target, url, url_size, quoted, quoted_size);
    definition->next = *bucket;
    *bucket = definition;
    return at;
}
