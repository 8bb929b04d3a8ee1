/* Strict JSON: see the header. json-c parses; a second look at the text finds what it forgives. */
#include "oci/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/printable.h"
#include "oci/config.h"

#define PATH_TEXT_MAX 200

/* Where in the document a position of the text is. Keys point into the text, quotes left out. */
struct level {
    bool array, in_value;
    size_t index;
    const char *key;
    size_t key_bytes;
    struct json_object *seen; /* keys of this object; only in find_duplicate() */
};

struct scan {
    const char *text, *end;
    struct level levels[OCI_CONFIG_DEPTH_MAX + 1];
    size_t depth;
    bool keep_keys;
};

static void path_text(const struct scan *scan, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < scan->depth && used < size; i++) {
        const struct level *level = &scan->levels[i];
        int n = 0;
        if (level->array) {
            n = snprintf(out + used, size - used, "[%zu]", level->index);
        } else if (level->key) {
            char key[64];
            size_t bytes = printable(key, sizeof key, level->key, level->key_bytes);
            n = snprintf(out + used, size - used, "%s%.*s", used ? "." : "", (int)bytes, key);
        }
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Past a string that begins at `p` (its opening quote); NULL: it has no end. */
static const char *string_end(const struct scan *scan, const char *p)
{
    for (p++; p < scan->end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '"')
            return p + 1;
    }
    return NULL;
}

/* Whether the innermost object has this key already; keys are compared as they are decoded. */
static bool key_is_new(struct level *level)
{
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *key = NULL;
    bool is_new = true;

    if (tokener)
        key = json_tokener_parse_ex(tokener, level->key - 1, (int)level->key_bytes + 2);
    if (!level->seen)
        level->seen = json_object_new_object();
    if (key && level->seen) {
        const char *word = json_object_get_string(key);
        is_new = !json_object_object_get_ex(level->seen, word, NULL);
        json_object_object_add(level->seen, word, NULL);
    }
    json_object_put(key);
    if (tokener)
        json_tokener_free(tokener);
    return is_new;
}

static void leave(struct scan *scan)
{
    if (scan->depth > 0)
        json_object_put(scan->levels[--scan->depth].seen);
}

/* Follows the text to its end, or to what can't be followed, or (keep_keys) to a key that is there
 * for the second time: then true. The text need not be valid. */
static bool follow(struct scan *scan)
{
    for (const char *p = scan->text; p && p < scan->end;) {
        struct level *level = scan->depth > 0 ? &scan->levels[scan->depth - 1] : NULL;
        if (*p == '"') {
            const char *past = string_end(scan, p);
            if (past && level && !level->array && !level->in_value) {
                level->key = p + 1;
                level->key_bytes = (size_t)(past - p) - 2;
                if (scan->keep_keys && !key_is_new(level))
                    return true;
            }
            p = past;
            continue;
        }
        if (*p == '{' || *p == '[') {
            if (scan->depth == ARRAY_LEN(scan->levels))
                return false;
            scan->levels[scan->depth++] = (struct level){.array = *p == '['};
        } else if (*p == '}' || *p == ']') {
            leave(scan);
        } else if (*p == ':' && level) {
            level->in_value = true;
        } else if (*p == ',' && level) {
            level->in_value = false;
            level->index++;
        }
        p++;
    }
    return false;
}

static int refuse_at(const char *name, const char *text, size_t offset, const char *what,
                     struct err *err)
{
    struct scan scan = {.text = text, .end = text + offset};
    char path[PATH_TEXT_MAX];
    size_t line = 1;

    follow(&scan);
    path_text(&scan, path, sizeof path);
    for (size_t i = 0; i < offset; i++)
        line += text[i] == '\n';
    return err_say(err, -EINVAL, "cannot read '%s': %s%sline %zu: %s", name, path,
                   path[0] ? ": " : "", line, what);
}

static const char *syntax_cause(enum json_tokener_error error)
{
    if (error == json_tokener_success)
        return "there is more behind the end of the JSON text";
    if (error == json_tokener_continue)
        return "the JSON text ends too early";
    return json_tokener_error_desc(error);
}

static int refuse_duplicate(const char *name, const char *text, size_t bytes, struct err *err)
{
    struct scan scan = {.text = text, .end = text + bytes, .keep_keys = true};
    char path[PATH_TEXT_MAX];

    follow(&scan);
    path_text(&scan, path, sizeof path);
    while (scan.depth > 0)
        leave(&scan);
    return err_say(err, -EINVAL, "cannot read '%s': %s: the key is there twice", name, path);
}

/* Whether a whole number at `p` is beyond what 64 bits hold: json-c would make it the largest. */
static bool is_beyond(const char *p, const char *end, size_t *ret_length)
{
    const bool negative = *p == '-';
    const char *digits = p + negative, *past = digits;
    const char *largest = negative ? "9223372036854775808" : "18446744073709551615";
    const size_t length = strlen(largest);

    while (past < end && *past >= '0' && *past <= '9')
        past++;
    *ret_length = (size_t)(past - p) + (past == p);
    if (past < end && (*past == '.' || *past == 'e' || *past == 'E'))
        return false;
    size_t count = (size_t)(past - digits);
    return count > length || (count == length && memcmp(digits, largest, length) > 0);
}

struct census {
    size_t members;
    const char *beyond;   /* the first number that 64 bits don't hold */
    const char *control;  /* a control character in a string, which json-c lets pass */
    const char *infinite; /* 1e400, NaN */
    const char *garbled;  /* bytes that are no UTF-8, of which json-c lets pass some */
};

static void take_string_census(const char *p, const char *past, struct census *census)
{
    for (size_t step; p < past; p += step) {
        step = (unsigned char)*p < 0x80 ? 1 : utf8_sequence(p, (size_t)(past - p));
        if (step == 0 && !census->garbled)
            census->garbled = p;
        if ((unsigned char)*p < 0x20 && !census->control)
            census->control = p;
        step += step == 0;
    }
}

/* Members of all objects of the text, which is valid: each has one colon outside of strings. */
static void take_text_census(const char *text, size_t bytes, struct census *census)
{
    struct scan scan = {.text = text, .end = text + bytes};
    size_t length;

    for (const char *p = text; p && p < scan.end && !census->beyond;) {
        if (*p == '"') {
            const char *past = string_end(&scan, p);
            if (past)
                take_string_census(p, past, census);
            p = past;
        } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
            if (is_beyond(p, scan.end, &length))
                census->beyond = p;
            const char *number = p;
            p += length;
            /* The fraction and the exponent have digits without end. */
            while (p < scan.end && *p && strchr("0123456789.eE+-", *p))
                p++;
            /* What ends it stands in the text, or it is all of the text and no object. */
            if (!census->infinite && p < scan.end && !isfinite(strtod(number, NULL)))
                census->infinite = number;
        } else {
            if ((*p == 'N' || *p == 'I') && !census->infinite)
                census->infinite = p;
            census->members += *p++ == ':';
        }
    }
}

static void take_census(struct json_object *object, struct census *census)
{
    if (json_object_is_type(object, json_type_object)) {
        json_object_object_foreach(object, key, value)
        {
            (void)key;
            census->members++;
            take_census(value, census);
        }
    } else if (json_object_is_type(object, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(object); i++)
            take_census(json_object_array_get_idx(object, i), census);
    }
}

DEFINE_CLEANUP(struct json_tokener, json_tokener_free)

int oci_json_parse(const char *name, const char *text, size_t bytes,
                   struct json_object **ret_object, struct err *err)
{
    _cleanup_(json_tokener_freep) struct json_tokener *tokener =
        json_tokener_new_ex(OCI_CONFIG_DEPTH_MAX);
    struct census census = {0}, text_census = {0};

    if (!tokener)
        return err_set(err, -ENOMEM, "cannot read '%s'", name);
    if (bytes > OCI_CONFIG_MAX_BYTES)
        return err_say(err, -EFBIG, "cannot read '%s': it is longer than %d bytes", name,
                       OCI_CONFIG_MAX_BYTES);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, text, (int)bytes);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    size_t offset = json_tokener_get_parse_end(tokener);
    if (error == json_tokener_continue) {
        /* Behind a bare word or number json-c waits for what ends it. */
        object = json_tokener_parse_ex(tokener, " ", 1);
        error = json_tokener_get_error(tokener);
        offset = bytes;
    }
    while (error == json_tokener_success && offset < bytes && memchr(" \t\r\n", text[offset], 4))
        offset++;
    if (error != json_tokener_success || offset < bytes) {
        json_object_put(object);
        return refuse_at(name, text, offset, syntax_cause(error), err);
    }
    take_census(object, &census);
    take_text_census(text, bytes, &text_census);
    int r = 0;
    if (text_census.beyond)
        r = refuse_at(name, text, (size_t)(text_census.beyond - text),
                      "the number is too large for 64 bits", err);
    else if (text_census.control)
        r = refuse_at(name, text, (size_t)(text_census.control - text),
                      "there is a control character in a string", err);
    else if (text_census.garbled)
        r = refuse_at(name, text, (size_t)(text_census.garbled - text),
                      "there are bytes in it that are not UTF-8", err);
    else if (census.members != text_census.members)
        r = refuse_duplicate(name, text, bytes, err);
    else if (text_census.infinite)
        r = refuse_at(name, text, (size_t)(text_census.infinite - text), "the number is not finite",
                      err);
    if (r < 0) {
        json_object_put(object);
        return r;
    }
    *ret_object = object;
    return 0;
}
