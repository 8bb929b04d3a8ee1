/* The forms of the log's lines. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log_form.h"
#include "base/printable.h"

/* A line being made. What does not fit `limit` is left out, so that its end always fits. */
struct line {
    char *text;
    size_t used, limit;
};

static void put(struct line *line, const char *text, size_t bytes)
{
    if (bytes > line->limit - line->used)
        return;
    memcpy(line->text + line->used, text, bytes);
    line->used += bytes;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_number(struct line *line, uint64_t number)
{
    char text[24];

    put(line, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, number));
}

/* A field's text, made harmless: what our own validators let through may still be odd. */
static size_t field_text(const struct log_field *field, char text[static 256])
{
    return printable(text, 256, field->text, strlen(field->text));
}

/* ---- text ---- */

size_t log_form_text(const struct log_message *message, char ret_line[static LOG_LINE_BYTES])
{
    struct line line = {.text = ret_line, .limit = LOG_LINE_BYTES - 1};
    char text[256];

    if (!message->bare) {
        put_text(&line, "<");
        put_number(&line, (uint64_t)message->level);
        put_text(&line, ">");
    }
    put_text(&line, "vireo: ");
    put(&line, message->text, message->bytes);
    for (size_t i = 0; i < message->field_count; i++) {
        const struct log_field *field = &message->fields[i];
        put_text(&line, " ");
        put_text(&line, field->name);
        put_text(&line, "=");
        if (field->text)
            put(&line, text, field_text(field, text));
        else
            put_number(&line, field->number);
    }
    ret_line[line.used++] = '\n';
    return line.used;
}

/* ---- JSON ---- */

static const char *level_word(enum log_level level)
{
    static const char *const words[] = {[LOG_ERROR] = "error",
                                        [LOG_WARNING] = "warning",
                                        [LOG_NOTICE] = "notice",
                                        [LOG_INFO] = "info",
                                        [LOG_DEBUG] = "debug"};
    return words[level];
}

/* A string's inside (RFC 8259). Cut where the line's limit is, with dots. */
static void put_escaped(struct line *line, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        /* A sequence of UTF-8 stays whole. */
        if (line->limit - line->used < 8 && (c < 0x80 || c >= 0xc0)) {
            put_text(line, "...");
            return;
        }
        if (c == '\t')
            put_text(line, "\\t");
        else if (c == '"' || c == '\\')
            put(line, (const char[]){'\\', (char)c}, 2);
        else
            put(line, text + i, 1);
    }
}

static void put_member(struct line *line, const char *name, const char *text, size_t bytes)
{
    put_text(line, "\"");
    put_text(line, name);
    put_text(line, "\":\"");
    put_escaped(line, text, bytes);
    put_text(line, "\"");
}

static void put_time(struct line *line, uint64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    char text[64];
    struct tm when;
    size_t at = 0;

    if (gmtime_r(&seconds, &when))
        at = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &when);
    at += (size_t)snprintf(text + at, 16, ".%03uZ", (unsigned)(time_ms % 1000));
    put_member(line, "time", text, at);
}

size_t log_form_json(const struct log_message *message, char ret_line[static LOG_LINE_BYTES])
{
    struct line line = {.text = ret_line, .limit = LOG_LINE_BYTES - 3};
    const char *level = level_word(message->level);
    char text[256];

    put_text(&line, "{");
    put_time(&line, message->time_ms);
    put_text(&line, ",");
    put_member(&line, "level", level, strlen(level));
    put_text(&line, ",");
    put_member(&line, "program", message->program, strlen(message->program));
    for (size_t i = 0; i < message->field_count && line.used < LOG_FIELDS_BYTES; i++) {
        const struct log_field *field = &message->fields[i];
        put_text(&line, ",");
        if (field->text) {
            put_member(&line, field->name, text, field_text(field, text));
            continue;
        }
        put_text(&line, "\"");
        put_text(&line, field->name);
        put_text(&line, "\":");
        put_number(&line, field->number);
    }
    put_text(&line, ",\"message\":\"");
    put_escaped(&line, message->text, message->bytes);
    /* The three bytes that the limit left. */
    memcpy(ret_line + line.used, "\"}\n", 3);
    return line.used + 3;
}

/* ---- journald: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ ---- */

/* No value has a line break in it: they are printable. */
static void put_journal(struct line *line, const char *name, const char *value, size_t bytes)
{
    char capitals[64];
    size_t length = strnlen(name, sizeof capitals);

    for (size_t i = 0; i < length; i++)
        capitals[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - ('a' - 'A')) : name[i];
    put(line, capitals, length);
    put_text(line, "=");
    put(line, value, bytes);
    put_text(line, "\n");
}

size_t log_form_journal(const struct log_message *message, char ret_line[static LOG_LINE_BYTES])
{
    struct line line = {.text = ret_line, .limit = LOG_LINE_BYTES};
    char text[256];

    put_journal(&line, "priority", (const char[]){(char)('0' + message->level)}, 1);
    put_journal(&line, "syslog_identifier", "vireo", 5);
    put_journal(&line, "vireo_program", message->program, strlen(message->program));
    for (size_t i = 0; i < message->field_count && line.used < LOG_FIELDS_BYTES / 2; i++) {
        const struct log_field *field = &message->fields[i];
        size_t bytes = field->text ? field_text(field, text)
                                   : (size_t)snprintf(text, sizeof text, "%" PRIu64, field->number);
        put_journal(&line, field->name, text, bytes);
    }
    put_journal(&line, "message", message->text, message->bytes);
    return line.used;
}
