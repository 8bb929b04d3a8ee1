/* Validators of the names that requests carry. */
#include <string.h>

#include "faas/trace.h"

bool request_id_is_valid(const char *id)
{
    size_t bytes = strnlen(id, REQUEST_ID_TEXT);

    return bytes > 0 && bytes < REQUEST_ID_TEXT &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:+=/@") ==
               bytes;
}

bool trace_is_valid(const char *trace)
{
    static const char form[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";

    /* A text that is too short fails at its NUL. */
    for (size_t i = 0; form[i]; i++)
        if (form[i] == '-'
                ? trace[i] != '-'
                : !((trace[i] >= '0' && trace[i] <= '9') || (trace[i] >= 'a' && trace[i] <= 'f')))
            return false;
    if (strncmp(trace, "ff", 2) == 0)
        return false;
    char behind = trace[sizeof form - 1];
    if (behind != '\0' && (behind != '-' || strncmp(trace, "00", 2) == 0))
        return false;
    return strspn(trace + 3, "0") < 32 && strspn(trace + 36, "0") < 16;
}
