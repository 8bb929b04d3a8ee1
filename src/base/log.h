/*
 * The daemon's own log: one line a message on standard error, with a level that journald reads
 * ("<4>") when standard error is not a terminal. Never for the output of functions.
 */
#pragma once

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_NOTICE = 5, LOG_DEBUG = 7 };

/* Lines above this level are dropped; LOG_NOTICE at first. */
void log_set_level(enum log_level level);

/* One line. Control characters in it are escaped: a message may quote what a tenant wrote. Any
 * thread. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
