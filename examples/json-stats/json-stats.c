/*
 * Statistics of a JSON document: how many values of which kind, how deep, which paths, and of each
 * path's numbers the least, the greatest, mean, median and standard deviation. The reader is
 * strict: what is not JSON is answered with 400, line and column.
 */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vireo/function.h>

#include "parse.h"
#include "stats.h"

struct answer {
    char *data;
    size_t size, capacity;
    bool full;
};

__attribute__((format(printf, 2, 3))) static void put(struct answer *answer, const char *format,
                                                      ...)
{
    va_list args;

    if (answer->full)
        return;
    va_start(args, format);
    int length =
        vsnprintf(answer->data + answer->size, answer->capacity - answer->size, format, args);
    va_end(args);
    /* vsnprintf needs one byte more, for its NUL. */
    if (length < 0 || (size_t)length >= answer->capacity - answer->size)
        answer->full = true;
    else
        answer->size += (size_t)length;
}

/* The shortest form that reads back as the same double. */
static void put_number(struct answer *answer, double number)
{
    char text[32];

    if (!isfinite(number)) {
        put(answer, "null"); /* a sum or a mean that no double holds */
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    put(answer, "%s", text);
}

/* Inside a JSON string; `size` bytes of UTF-8. */
static void put_escaped(struct answer *answer, const char *data, size_t size)
{
    for (size_t i = 0; i < size && !answer->full; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '"' || c == '\\')
            put(answer, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            put(answer, "\\u%04x", c);
        else
            put(answer, "%c", c);
    }
}

static bool is_plain_key(const struct path *path)
{
    for (size_t i = 0; i < path->key_size; i++) {
        char c = path->key[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return path->key_size > 0;
}

/* "$.orders[].price"; a key that is no plain word as in JavaScript: $["unit price"]. */
static void put_path(struct answer *answer, const struct path *path)
{
    const struct path *chain[JSON_DEPTH_MAX + 2];
    size_t length = 0;

    for (; path && length < sizeof chain / sizeof *chain; path = path->parent)
        chain[length++] = path;
    put(answer, "$");
    while (length-- > 0) {
        if (chain[length]->key && is_plain_key(chain[length])) {
            put(answer, ".%.*s", (int)chain[length]->key_size, chain[length]->key);
        } else if (chain[length]->key) {
            struct answer quoted = {.capacity = chain[length]->key_size * 6 + 1};
            quoted.data = malloc(quoted.capacity);
            if (!quoted.data) {
                answer->full = true;
                return;
            }
            /* Escaped twice: the path is text in a JSON string, and quotes its key itself. */
            put_escaped(&quoted, chain[length]->key, chain[length]->key_size);
            put(answer, "[\\\"");
            put_escaped(answer, quoted.data, quoted.size);
            put(answer, "\\\"]");
            free(quoted.data);
        } else if (chain[length]->parent) {
            put(answer, "[]");
        }
    }
}

static void put_kinds(struct answer *answer, const uint64_t kinds[JSON_KINDS])
{
    static const char *const names[JSON_KINDS] = {"null",   "false", "true",  "number",
                                                  "string", "array", "object"};
    const char *comma = "";

    put(answer, "{");
    for (int kind = 0; kind < JSON_KINDS; kind++) {
        if (kinds[kind] == 0)
            continue;
        put(answer, "%s\"%s\":%llu", comma, names[kind], (unsigned long long)kinds[kind]);
        comma = ",";
    }
    put(answer, "}");
}

static void put_numbers(struct answer *answer, struct path *path)
{
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {"min", path->min},
        {"max", path->max},
        {"mean", path->mean},
        {"median", path_median(path)},
        {"stddev", path_deviation(path)},
        {"sum", path->total},
    };

    put(answer, ",\"numbers\":{\"count\":%zu", path->number_count);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        put(answer, ",\"%s\":", figures[i].name);
        put_number(answer, figures[i].value);
    }
    put(answer, "}");
}

static void put_stats(struct answer *answer, struct stats *stats, size_t bytes)
{
    uint64_t values = 0;

    for (int kind = 0; kind < JSON_KINDS; kind++)
        values += stats->kinds[kind];
    put(answer,
        "{\"bytes\":%zu,\"values\":%llu,\"depth\":%zu,\"keys\":%llu,\"duplicate_keys\":%llu", bytes,
        (unsigned long long)values, stats->deepest, (unsigned long long)stats->keys,
        (unsigned long long)stats->duplicate_keys);
    put(answer, ",\"kinds\":");
    put_kinds(answer, stats->kinds);
    put(answer, ",\"paths\":[");
    for (size_t i = 0; i < stats->path_count && !answer->full; i++) {
        struct path *path = stats->paths[i];
        put(answer, "%s\n {\"path\":\"", i > 0 ? "," : "");
        if (path == stats->rest)
            put(answer, "(others)");
        else
            put_path(answer, path);
        put(answer, "\",\"kinds\":");
        put_kinds(answer, path->kinds);
        if (path->kinds[JSON_STRING] > 0)
            put(answer, ",\"longest_string\":%zu", path->longest_string);
        if (path->number_count > 0)
            put_numbers(answer, path);
        put(answer, "}");
    }
    put(answer, "\n]}\n");
}

static int64_t refuse(int status, struct answer *answer, const char *message)
{
    vireo_response_status(status);
    vireo_response_header("content-type", "text/plain; charset=utf-8");
    answer->size = 0;
    answer->full = false;
    put(answer, "%s\n", message);
    return (int64_t)answer->size;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct answer answer = {.data = (char *)out, .capacity = out_cap};
    struct stats *stats = stats_new();
    char *text = malloc(in_len + 1);
    int64_t result;

    if (!stats || !text) {
        free(text);
        stats_free(stats);
        return refuse(507, &answer, "cannot read the document: out of memory");
    }
    memcpy(text, in, in_len);
    text[in_len] = 0;

    struct json_visitor visitor = stats_visitor(stats);
    struct json_error error;
    if (!json_parse(text, in_len, &visitor, &error)) {
        char message[200];
        snprintf(message, sizeof message, "cannot read the document: line %zu, column %zu: %s",
                 error.line, error.column, error.message);
        result = refuse(400, &answer, message);
    } else if (stats->out_of_memory) {
        result = refuse(507, &answer, "cannot count the document: out of memory");
    } else {
        put_stats(&answer, stats, in_len);
        vireo_response_header("content-type", "application/json");
        result = answer.full ? refuse(413, &answer, "cannot answer: the answer is too large")
                             : (int64_t)answer.size;
    }
    free(text);
    stats_free(stats);
    return result;
}
