/* The forms of the log's lines: for log.c and its tests. Texts are printable() already. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

/* Of a message's text: in JSON it and the fields fit a line even if most of it is escaped. */
#define LOG_MESSAGE_BYTES 3000
/* Of all fields together, as text. */
#define LOG_FIELDS_BYTES 1500

struct log_message {
    enum log_level level;
    uint64_t time_ms;
    const char *program;
    const struct log_field *fields;
    size_t field_count;
    const char *text;
    size_t bytes;
    bool bare; /* text form: no level before it */
};

/* Each returns the length; no NUL. */
size_t log_form_text(const struct log_message *message, char ret_line[static LOG_LINE_BYTES]);
size_t log_form_json(const struct log_message *message, char ret_line[static LOG_LINE_BYTES]);
size_t log_form_journal(const struct log_message *message, char ret_line[static LOG_LINE_BYTES]);
