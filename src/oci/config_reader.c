/* The readers of single values and lists, and the memory of a configuration. */
#include "oci/config_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/printable.h"

/* A chain of blocks from calloc: lists are few, and all end together. */
struct oci_arena {
    struct oci_arena *next;
    max_align_t data[];
};

void *config_memory(struct oci_config *config, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct oci_arena), &bytes))
        return NULL;
    struct oci_arena *block = calloc(1, bytes);
    if (!block)
        return NULL;
    block->next = config->arena;
    config->arena = block;
    return block->data;
}

void oci_config_free(struct oci_config *config)
{
    if (!config)
        return;
    json_object_put(config->document);
    for (struct oci_arena *block = config->arena, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(config);
}

static size_t path_text(const struct at *at, char *out, size_t size)
{
    if (!at)
        return 0;
    size_t used = path_text(at->up, out, size);
    int n = 0;
    if (!at->up)
        return 0;
    if (at->key) {
        char key[64];
        size_t bytes = printable(key, sizeof key, at->key, strlen(at->key));
        n = snprintf(out + used, size - used, "%s%.*s", used ? "." : "", (int)bytes, key);
    } else {
        n = snprintf(out + used, size - used, "[%zu]", at->index);
    }
    used += n > 0 ? (size_t)n : 0;
    return used < size ? used : size - 1;
}

int refuse(struct reader *reader, const struct at *at, const char *format, ...)
{
    char path[200] = "", what[240], harmless[240];
    va_list args;

    path_text(at, path, sizeof path);
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    size_t bytes = printable(harmless, sizeof harmless, what, strlen(what));
    return err_say(reader->err, -EINVAL, "cannot read '%s': %s%s%.*s", reader->name, path,
                   path[0] ? ": " : "", (int)bytes, harmless);
}

int config_warn(struct reader *reader, const struct at *at, const char *text)
{
    struct oci_strings *warnings = &reader->config->warnings;
    char path[200] = "";

    if (warnings->count % 16 == 0) {
        const char **more =
            config_memory(reader->config, warnings->count + 16, sizeof *warnings->list);
        if (!more)
            return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
        if (warnings->count > 0)
            memcpy(more, warnings->list, warnings->count * sizeof *more);
        warnings->list = more;
    }
    path_text(at, path, sizeof path);
    size_t size = strlen(path) + strlen(text) + 3;
    char *line = config_memory(reader->config, 1, size);
    if (!line)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    snprintf(line, size, "%s: %s", path, text);
    warnings->list[warnings->count++] = line;
    return 0;
}

int read_object(struct reader *reader, const struct at *at, const struct field *fields,
                size_t count, void *out)
{
    if (!json_object_is_type(at->value, json_type_object))
        return refuse(reader, at, "it must be an object");
    for (size_t i = 0; i < count; i++) {
        struct at inner = {.up = at, .key = fields[i].key};
        if (!json_object_object_get_ex(at->value, fields[i].key, &inner.value) || !inner.value) {
            if (fields[i].required)
                return refuse(reader, &inner, "it is missing");
            continue;
        }
        int r = fields[i].read(reader, &inner, &fields[i], (char *)out + fields[i].offset);
        if (r < 0)
            return r;
    }
    return 0;
}

int read_list(struct reader *reader, const struct at *at, size_t size, size_t max, read_value read,
              void **ret_list, size_t *ret_count)
{
    static const struct field none;

    if (!json_object_is_type(at->value, json_type_array))
        return refuse(reader, at, "it must be a list");
    size_t count = json_object_array_length(at->value);
    if (count > max)
        return refuse(reader, at, "it has more than %zu elements", max);
    /* One more, zeroed: lists of strings end with NULL. */
    char *list = config_memory(reader->config, count + 1, size);
    if (!list)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    for (size_t i = 0; i < count; i++) {
        struct at inner = {.up = at, .index = i, .value = json_object_array_get_idx(at->value, i)};
        int r = read(reader, &inner, &none, list + i * size);
        if (r < 0)
            return r;
    }
    *ret_list = list;
    *ret_count = count;
    return 0;
}

int read_string(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    (void)field;
    if (!json_object_is_type(at->value, json_type_string))
        return refuse(reader, at, "it must be a string");
    const char *text = json_object_get_string(at->value);
    if (strlen(text) != (size_t)json_object_get_string_len(at->value))
        return refuse(reader, at, "there is a NUL in it");
    *(const char **)out = text;
    return 0;
}

int read_word(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    int r = read_string(reader, at, field, out);

    return r == 0 && **(const char **)out == '\0' ? refuse(reader, at, "it is empty") : r;
}

int read_path(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    int r = read_word(reader, at, field, out);

    if (r < 0)
        return r;
    if (**(const char **)out != '/')
        return refuse(reader, at, "'%.100s' is not an absolute path", *(const char **)out);
    if (strlen(*(const char **)out) >= 4096)
        return refuse(reader, at, "the path is too long");
    return 0;
}

bool path_climbs(const char *path)
{
    for (const char *p = path; *p;) {
        size_t length = strcspn(p, "/");
        if (length == 2 && p[0] == '.' && p[1] == '.')
            return true;
        p += length + (p[length] == '/');
    }
    return false;
}

bool is_interface_name(const char *text)
{
    const size_t length = strlen(text);

    /* A '%' is a pattern to the kernel, which would choose the name. */
    return length > 0 && length < 16 && !strpbrk(text, "/:% \t\n\v\f\r") &&
           strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

int read_interface_name(struct reader *reader, const struct at *at, const struct field *field,
                        void *out)
{
    int r = read_word(reader, at, field, out);

    return r == 0 && !is_interface_name(*(const char **)out)
               ? refuse(reader, at, "'%.60s' is no name of an interface", *(const char **)out)
               : r;
}

bool is_cpu_list(const char *text)
{
    for (const char *p = text;;) {
        unsigned ends[2];
        int parts = 0;
        do {
            size_t digits = strspn(p, "0123456789");
            if (digits == 0 || digits > 5)
                return false;
            ends[parts++] = (unsigned)strtoul(p, NULL, 10);
            p += digits;
        } while (parts == 1 && *p == '-' && *p++);
        if (parts == 2 && ends[1] < ends[0])
            return false;
        if (*p == '\0')
            return true;
        if (*p++ != ',')
            return false;
    }
}

bool cpu_list_bits(const char *list, unsigned long *bits, size_t count)
{
    const size_t word = 8 * sizeof *bits;

    for (const char *at = list; *at;) {
        char *end;
        unsigned long first = strtoul(at, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        if (end == at || last >= count)
            return false;
        for (unsigned long i = first; i <= last; i++)
            bits[i / word] |= 1ul << (i % word);
        at = end + (*end == ',');
    }
    return true;
}

int read_cpu_list(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    int r = read_string(reader, at, field, out);

    if (r < 0)
        return r;
    if (**(const char **)out == '\0')
        *(const char **)out = NULL; /* docker writes "" for "not given" */
    else if (!is_cpu_list(*(const char **)out))
        return refuse(reader, at, "'%.60s' is no list such as 0-3,8", *(const char **)out);
    return 0;
}

int read_bool(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    (void)field;
    if (!json_object_is_type(at->value, json_type_boolean))
        return refuse(reader, at, "it must be true or false");
    *(bool *)out = json_object_get_boolean(at->value);
    return 0;
}

int read_flag(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    bool on = false;
    int r = read_bool(reader, at, field, &on);

    if (r == 0)
        *(struct oci_u64 *)out = (struct oci_u64){.value = on, .set = true};
    return r;
}

/* Fields whose type reaches over int64_t say so with min = max = 0. */
int read_u64_plain(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    if (!json_object_is_type(at->value, json_type_int))
        return refuse(reader, at, "it must be a whole number");
    /* json-c: negative numbers are 0 as uint64, those over INT64_MAX are INT64_MAX as int64. */
    if (json_object_get_int64(at->value) < 0)
        return refuse(reader, at, "it must not be negative");
    uint64_t value = json_object_get_uint64(at->value);
    if (field->max > 0 && (value < (uint64_t)field->min || value > (uint64_t)field->max))
        return refuse(reader, at, "%" PRIu64 " is not within %" PRId64 " to %" PRId64, value,
                      field->min, field->max);
    *(uint64_t *)out = value;
    return 0;
}

int read_i64_plain(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    if (!json_object_is_type(at->value, json_type_int))
        return refuse(reader, at, "it must be a whole number");
    int64_t value = json_object_get_int64(at->value);
    if (value == INT64_MAX && json_object_get_uint64(at->value) > INT64_MAX)
        return refuse(reader, at, "%" PRIu64 " is too large", json_object_get_uint64(at->value));
    if ((field->min != 0 || field->max != 0) && (value < field->min || value > field->max))
        return refuse(reader, at, "%" PRId64 " is not within %" PRId64 " to %" PRId64, value,
                      field->min, field->max);
    *(int64_t *)out = value;
    return 0;
}

int read_u64(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    uint64_t value;
    int r = read_u64_plain(reader, at, field, &value);

    if (r == 0)
        *(struct oci_u64 *)out = (struct oci_u64){.value = value, .set = true};
    return r;
}

int read_i64(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    int64_t value;
    int r = read_i64_plain(reader, at, field, &value);

    if (r == 0)
        *(struct oci_i64 *)out = (struct oci_i64){.value = value, .set = true};
    return r;
}

int read_u32(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    const struct field narrow = {.min = field->min,
                                 .max = field->max > 0 ? field->max : UINT32_MAX};
    uint64_t value;
    int r = read_u64_plain(reader, at, &narrow, &value);

    if (r == 0)
        *(uint32_t *)out = (uint32_t)value;
    return r;
}

int read_i32(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    const bool bounded = field->min != 0 || field->max != 0;
    const struct field narrow = {.min = bounded ? field->min : INT32_MIN,
                                 .max = bounded ? field->max : INT32_MAX};
    int64_t value;
    int r = read_i64_plain(reader, at, &narrow, &value);

    if (r == 0)
        *(int32_t *)out = (int32_t)value;
    return r;
}

int read_strings(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    struct oci_strings *strings = out;
    void *list = NULL;
    (void)field;
    int r = read_list(reader, at, sizeof *strings->list, OCI_LIST_MAX, read_string, &list,
                      &strings->count);

    strings->list = list;
    return r;
}

int read_env(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    const struct oci_strings *env = out;
    int r = read_strings(reader, at, field, out);

    for (size_t i = 0; r == 0 && i < env->count; i++)
        if (env->list[i][0] == '=' || !strchr(env->list[i], '='))
            r = refuse(reader, &(struct at){.up = at, .index = i},
                       "'%.60s' is not of the form NAME=VALUE", env->list[i]);
    return r;
}

int read_paths(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    struct oci_strings *strings = out;
    void *list = NULL;
    (void)field;
    int r = read_list(reader, at, sizeof *strings->list, OCI_LIST_MAX, read_path, &list,
                      &strings->count);

    strings->list = list;
    return r;
}

int read_pairs(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    struct oci_pairs *pairs = out;

    if (!json_object_is_type(at->value, json_type_object))
        return refuse(reader, at, "it must be an object");
    size_t count = (size_t)json_object_object_length(at->value);
    if (count > OCI_LIST_MAX)
        return refuse(reader, at, "it has more than %d keys", OCI_LIST_MAX);
    pairs->list = config_memory(reader->config, count + 1, sizeof *pairs->list);
    if (!pairs->list)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    json_object_object_foreach(at->value, key, value)
    {
        struct at inner = {.up = at, .key = key, .value = value};
        if (*key == '\0')
            return refuse(reader, at, "a key is empty");
        int r = read_string(reader, &inner, field, &pairs->list[pairs->count].value);
        if (r < 0)
            return r;
        pairs->list[pairs->count++].key = key;
    }
    return 0;
}

static const struct choice *choose(struct reader *reader, const struct at *at,
                                   const struct field *field)
{
    const char *word;

    if (read_string(reader, at, field, &word) < 0)
        return NULL;
    for (const struct choice *choice = field->choices; choice->word; choice++)
        if (strcmp(choice->word, word) == 0)
            return choice;
    refuse(reader, at, "there is no '%.100s' here", word);
    return NULL;
}

int read_choice(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    const struct choice *choice = choose(reader, at, field);

    if (!choice)
        return -EINVAL;
    *(int *)out = (int)choice->number;
    return 0;
}

int read_choice_flags(struct reader *reader, const struct at *at, const struct field *field,
                      void *out)
{
    const struct field words = {.choices = field->choices};

    if (!json_object_is_type(at->value, json_type_array))
        return refuse(reader, at, "it must be a list");
    if (json_object_array_length(at->value) > 64)
        return refuse(reader, at, "it has more than 64 elements");
    for (size_t i = 0; i < json_object_array_length(at->value); i++) {
        struct at inner = {.up = at, .index = i, .value = json_object_array_get_idx(at->value, i)};
        int flag;
        int r = read_choice(reader, &inner, &words, &flag);
        if (r < 0)
            return r;
        *(uint64_t *)out |= (uint64_t)flag;
    }
    return 0;
}

int read_choice_word(struct reader *reader, const struct at *at, const struct field *field,
                     void *out)
{
    const struct choice *choice = choose(reader, at, field);

    if (!choice)
        return -EINVAL;
    *(const char **)out = choice->word;
    return 0;
}
