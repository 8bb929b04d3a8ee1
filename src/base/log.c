/* The daemon's own log. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static enum log_level highest = LOG_NOTICE;

void log_set_level(enum log_level level)
{
    highest = level;
}

/* Copies with control characters as \xNN; returns the length. */
static size_t escape(char *to, size_t size, const char *from)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;

    for (; *from && used + 5 < size; from++) {
        unsigned char c = (unsigned char)*from;
        if (c >= ' ' && c != 127) {
            to[used++] = *from;
            continue;
        }
        to[used++] = '\\';
        to[used++] = 'x';
        to[used++] = digits[c >> 4];
        to[used++] = digits[c & 15];
    }
    return used;
}

void log_line(enum log_level level, const char *format, ...)
{
    char text[1024];
    char line[2048];
    va_list args;

    if (level > highest)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    int prefix = isatty(STDERR_FILENO) ? snprintf(line, sizeof line, "vireo: ")
                                       : snprintf(line, sizeof line, "<%d>vireo: ", (int)level);
    size_t used = (size_t)prefix + escape(line + prefix, sizeof line - (size_t)prefix - 1, text);
    line[used++] = '\n';
    /* One write, so that lines of several processes don't mix; a full pipe loses it, not us. */
    if (write(STDERR_FILENO, line, used) < 0)
        return;
}
