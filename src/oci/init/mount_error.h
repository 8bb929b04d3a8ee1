/* Which of config.json's mounts an error is about: said by the runtime and by the init alike. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Adds " (mounts[INDEX])" to the message; one that is too long for it loses its end. */
static inline void mount_error_at(struct err *err, size_t index)
{
    if (!err)
        return;
    char where[40];
    const size_t bytes = (size_t)snprintf(where, sizeof where, " (mounts[%zu])", index) + 1;
    size_t end = strlen(err->message);

    if (end + bytes > sizeof err->message)
        end = sizeof err->message - bytes;
    memcpy(err->message + end, where, bytes);
}
