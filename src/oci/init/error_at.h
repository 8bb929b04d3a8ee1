/* Which place of config.json an error is about: said by the runtime and by the init alike. */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/*
 * Adds " (PATH)" to the message where `r` is an error; one that is too long for it loses its end.
 * The path is as in "mounts[3]"; printf(3)'s words. Returns `r`. Without `err` nothing is said.
 */
__attribute__((format(printf, 3, 4))) static inline int error_at(struct err *err, int r,
                                                                 const char *path, ...)
{
    char where[96] = " (";
    va_list words;

    if (r >= 0 || !err)
        return r;
    va_start(words, path);
    vsnprintf(where + 2, sizeof where - 3, path, words);
    va_end(words);
    size_t bytes = strlen(where), end = strlen(err->message);
    where[bytes++] = ')';
    if (end + bytes >= sizeof err->message)
        end = sizeof err->message - bytes - 1;
    memcpy(err->message + end, where, bytes);
    err->message[end + bytes] = '\0';
    return r;
}
