/*
 * The log: one line a message on standard error, or one message to journald. The daemon's own
 * messages and, in the forms for programs, the output of functions.
 *   text     "vireo: MESSAGE NAME=VALUE...", with a level that journald reads ("<4>") before it
 * when standard error is a stream of journald json
 * {"time":..,"level":..,"program":..,NAME:VALUE..,"message":..}, at most LOG_LINE_BYTES journal
 * journald's native protocol: PRIORITY, SYSLOG_IDENTIFIER, VIREO_PROGRAM, NAME (in capitals),
 * MESSAGE A message is never waited for: what standard error or journald does not take at once is
 * lost, and counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_NOTICE = 5, LOG_INFO = 6, LOG_DEBUG = 7 };
enum log_format { LOG_TEXT, LOG_JSON, LOG_JOURNAL };

/* PIPE_BUF: lines of several processes that share a pipe don't mix. */
#define LOG_LINE_BYTES 4096
#define LOG_FIELDS_MAX 16

/* A field of a message: a name of a-z and _, and its text or number. */
struct log_field {
    const char *name;
    const char *text; /* NULL: number */
    uint64_t number;
};

/* "text", "json" or "journal". False: it is none of them. */
bool log_format_parse(const char *word, enum log_format *ret_format);
const char *log_format_word(enum log_format format);

/* Standard error is a stream of journald: JOURNAL_STREAM names its device and inode
 * (systemd.exec(5)). */
bool log_stderr_is_journal(void);
/* A socket to journald. The caller's. */
int log_journal_connect(int *ret_fd, struct err *err);

/*
 * How messages are written from now on; before threads are started. `program` and `journal_fd` (for
 * LOG_JOURNAL, else -1) stay the caller's, for as long as there are messages. Text before.
 */
void log_open(enum log_format format, const char *program, int journal_fd);
enum log_format log_format(void);

/* Lines of log_line() above this level are dropped; LOG_NOTICE at first. */
void log_set_level(enum log_level level);

/* A message of our own. Control characters are escaped: it may quote what a tenant wrote. Any
 * thread. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A message with fields, of any level; escaped in the same way. `time_ms` since 1970, 0: now (text
 * and journald have their own). Any thread.
 */
void log_record(enum log_level level, uint64_t time_ms, const struct log_field *fields,
                size_t field_count, const char *message, size_t bytes);

/* Messages that were lost. */
uint64_t log_lost(void);
