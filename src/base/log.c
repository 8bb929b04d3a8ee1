/* The log: what is the same in each form, and the writing. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_form.h"
#include "base/printable.h"

static enum log_level highest = LOG_NOTICE;
static enum log_format form = LOG_TEXT;
static const char *program = "vireo";
static int journal = -1;
static bool stream_known, journal_stream;
static _Atomic uint64_t lost;

static const char *const format_words[] = {
    [LOG_TEXT] = "text", [LOG_JSON] = "json", [LOG_JOURNAL] = "journal"};

bool log_format_parse(const char *word, enum log_format *ret_format)
{
    for (size_t i = 0; i < sizeof format_words / sizeof *format_words; i++)
        if (strcmp(word, format_words[i]) == 0) {
            *ret_format = (enum log_format)i;
            return true;
        }
    return false;
}

const char *log_format_word(enum log_format format)
{
    return format_words[format];
}

void log_open(enum log_format format, const char *name, int journal_fd)
{
    form = format;
    program = name;
    journal = journal_fd;
    journal_stream = log_stderr_is_journal();
    stream_known = true;
}

enum log_format log_format(void)
{
    return form;
}

void log_set_level(enum log_level level)
{
    highest = level;
}

uint64_t log_lost(void)
{
    return atomic_load_explicit(&lost, memory_order_relaxed);
}

/*
 * One write, so that lines of several processes don't mix. A pipe that says it can be written has
 * room for a line (PIPE_BUF): a reader that is stuck does not stop us.
 */
static bool line_write(const char *line, size_t bytes)
{
    struct pollfd standard_error = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (poll(&standard_error, 1, 0) == 1 && !(standard_error.revents & POLLOUT))
        return false;
    if (standard_error.revents == 0)
        return false;
    return write(STDERR_FILENO, line, bytes) == (ssize_t)bytes;
}

void log_record(enum log_level level, uint64_t time_ms, const struct log_field *fields,
                size_t field_count, const char *message, size_t bytes)
{
    char text[LOG_LINE_BYTES], line[LOG_LINE_BYTES];
    struct log_message log = {
        .level = level,
        .time_ms = time_ms,
        .program = program,
        .fields = fields,
        .field_count = field_count,
        .text = text,
        .bytes = printable(text, LOG_MESSAGE_BYTES, message, bytes),
    };
    bool done;

    if (time_ms == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        log.time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    }
    switch (form) {
    case LOG_JSON:
        done = line_write(line, log_form_json(&log, line));
        break;
    case LOG_JOURNAL:
        done = send(journal, line, log_form_journal(&log, line), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
        break;
    default:
        log.bare = !(stream_known ? journal_stream : log_stderr_is_journal());
        done = line_write(line, log_form_text(&log, line));
    }
    if (!done)
        atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
}

void log_line(enum log_level level, const char *format, ...)
{
    char text[1024];
    va_list args;

    if (level > highest)
        return;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        return;
    log_record(level, 0, NULL, 0, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}
