/* Errors that a person can act on. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static void message_format(struct err *err, const char *format, va_list args)
{
    vsnprintf(err->message, sizeof err->message, format, args);
}

int err_set(struct err *err, int code, const char *format, ...)
{
    if (!err || err->code)
        return code;

    va_list args;
    va_start(args, format);
    message_format(err, format, args);
    va_end(args);

    /* What the user wrote may be as long as a path can be: it is cut, not the cause. */
    const size_t cause_bytes = 80;
    size_t used = strlen(err->message);
    if (used > sizeof err->message - cause_bytes)
        strcpy(err->message + (used = sizeof err->message - cause_bytes) - 3, "...");
    snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(-code));
    err->code = code;
    return code;
}

int err_say(struct err *err, int code, const char *format, ...)
{
    if (!err || err->code)
        return code;

    va_list args;
    va_start(args, format);
    message_format(err, format, args);
    va_end(args);
    err->code = code;
    return code;
}

int err_at(struct err *err, int code, const char *path, ...)
{
    char where[96] = " (";

    if (code >= 0 || !err)
        return code;

    va_list args;
    va_start(args, path);
    vsnprintf(where + 2, sizeof where - 3, path, args);
    va_end(args);
    size_t bytes = strlen(where), end = strlen(err->message);
    where[bytes++] = ')';
    if (end + bytes >= sizeof err->message)
        end = sizeof err->message - bytes - 1;
    memcpy(err->message + end, where, bytes);
    err->message[end + bytes] = '\0';
    return code;
}
