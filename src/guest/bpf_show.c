/* Samples as lines of JSON (`vireo bpf run --events json`), by what the object's type information
 * says of them. What is printed is what the guest was given. */
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "guest/bpf_internal.h"

/* A line may be larger than any buffer: it goes out in pieces. */
struct line {
    char text[16384];
    size_t used;
};

static void flush_line(struct line *line)
{
    (void)fd_write_full(1, line->text, line->used);
    line->used = 0;
}

/* `text` is a name, a number or less. */
static void put(struct line *line, const char *text)
{
    size_t bytes = strlen(text);

    if (bytes > sizeof line->text - line->used)
        flush_line(line);
    memcpy(line->text + line->used, text, bytes);
    line->used += bytes;
}

static void put_text(struct line *line, const uint8_t *text, size_t bytes)
{
    char one[8];

    put(line, "\"");
    for (size_t i = 0; i < bytes && text[i]; i++) {
        if (text[i] < ' ' || text[i] > '~')
            snprintf(one, sizeof one, "\\u%04x", text[i]);
        else
            snprintf(one, sizeof one, "%s%c", text[i] == '"' || text[i] == '\\' ? "\\" : "",
                     text[i]);
        put(line, one);
    }
    put(line, "\"");
}

static void put_bytes(struct line *line, const uint8_t *data, size_t bytes)
{
    char one[4];

    put(line, "\"");
    for (size_t i = 0; i < bytes; i++) {
        snprintf(one, sizeof one, "%02x", data[i]);
        put(line, one);
    }
    put(line, "\"");
}

static uint64_t number_at(const uint8_t *data, uint32_t bytes)
{
    uint64_t number = 0;

    memcpy(&number, data, bytes);
    return number;
}

static void put_float(struct line *line, const uint8_t *data, uint32_t bytes)
{
    char text[40];
    double number = 0;
    float small;

    if (bytes == sizeof number) {
        memcpy(&number, data, sizeof number);
    } else if (bytes == sizeof small) {
        memcpy(&small, data, sizeof small);
        number = (double)small;
    }
    snprintf(text, sizeof text, "%.17g", number);
    put(line, number - number == 0 ? text : "null"); /* neither infinite nor no number */
}

static void put_number(struct line *line, const struct broker_field *field, const uint8_t *data)
{
    char text[40];

    if (field->bytes == 0 || field->bytes > sizeof(uint64_t) || field->kind == BROKER_FIELD_BYTES) {
        put_bytes(line, data, field->bytes);
        return;
    }
    if (field->kind == BROKER_FIELD_FLOAT) {
        put_float(line, data, field->bytes);
        return;
    }
    uint64_t number = number_at(data, field->bytes);
    bool part = field->bits > 0 && field->bits <= 64 && field->shift < 64;
    unsigned unused = 64 - (part ? field->bits : 8 * field->bytes);
    number = (part ? number >> field->shift : number) << unused;
    if (field->kind == BROKER_FIELD_SIGNED)
        snprintf(text, sizeof text, "%lld", (long long)((int64_t)number >> unused));
    else if (field->kind == BROKER_FIELD_POINTER)
        snprintf(text, sizeof text, "\"0x%llx\"", (unsigned long long)(number >> unused));
    else
        snprintf(text, sizeof text, "%llu", (unsigned long long)(number >> unused));
    put(line, text);
}

static void put_field(struct line *line, const struct broker_field *field, const uint8_t *data)
{
    put(line, ",");
    put_text(line, (const uint8_t *)field->name, sizeof field->name);
    put(line, ":");
    if (field->kind == BROKER_FIELD_TEXT) {
        put_text(line, data, field->bytes);
    } else if (field->count == 0) {
        put_number(line, field, data);
    } else {
        for (uint32_t i = 0; i < field->count; i++) {
            put(line, i ? "," : "[");
            put_number(line, field, data + (size_t)i * field->bytes);
        }
        put(line, "]");
    }
}

/* The structure of so many bytes, or of some less: perf events are filled up to eight. Its fields
 * follow. NULL: none is, or two are of that size and it could be either. */
static const struct broker_field *find(const struct bpf_object *object, uint32_t bytes)
{
    const struct broker_field *found = NULL;
    bool another = false;

    for (uint32_t i = 0; i < object->field_count; i++) {
        const struct broker_field *field = &object->fields[i];
        if (field->kind != BROKER_FIELD_STRUCT || field->bytes == 0 || field->bytes > bytes ||
            bytes - field->bytes >= 8 || (found && field->bytes < found->bytes))
            continue;
        another = found && field->bytes == found->bytes &&
                  strncmp(field->name, found->name, sizeof field->name) != 0;
        found = field;
    }
    return another ? NULL : found;
}

/* Its end is in the sample, whatever the description says. */
static bool is_inside(const struct broker_field *field, uint32_t bytes)
{
    uint64_t size = (uint64_t)field->bytes * (field->count ? field->count : 1);

    return field->at <= bytes && size <= bytes - field->at;
}

void bpf_show(const struct bpf_object *object, const char *map, const uint8_t *data, uint32_t bytes)
{
    const struct broker_field *type = find(object, bytes);
    const struct broker_field *end = object->fields + object->field_count;
    struct line line = {0};

    put(&line, "{\"map\":");
    put_text(&line, (const uint8_t *)map, strlen(map));
    if (type) {
        put(&line, ",\"type\":");
        put_text(&line, (const uint8_t *)type->name, sizeof type->name);
    } else {
        put(&line, ",\"bytes\":");
        put_bytes(&line, data, bytes);
    }
    for (const struct broker_field *field = type ? type + 1 : end;
         field < end && field->kind != BROKER_FIELD_STRUCT; field++)
        if (is_inside(field, bytes))
            put_field(&line, field, data + field->at);
    put(&line, "}\n");
    flush_line(&line);
}

void bpf_tell_lost(struct host *host, const char *map, bool shown, uint64_t count)
{
    struct line line = {0};
    char text[BROKER_NAME_MAX + 64];
    int n = snprintf(text, sizeof text, "lost %llu samples of '%s', whose buffer was full",
                     (unsigned long long)count, map);

    if (!shown) {
        bpf_tell(host, text, (uint32_t)n);
        return;
    }
    put(&line, "{\"map\":");
    put_text(&line, (const uint8_t *)map, strlen(map));
    snprintf(text, sizeof text, ",\"lost\":%llu}\n", (unsigned long long)count);
    put(&line, text);
    flush_line(&line);
}
