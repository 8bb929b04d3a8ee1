/* A handler that uses all of function.h: the answer says what it saw. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <vireo/function.h>

static const char *or_none(const char *text)
{
    return text ? text : "(none)";
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    const char *command = vireo_request_query();

    if (command && strcmp(command, "capacity") == 0)
        return (int64_t)out_cap;
    if (command && strcmp(command, "fail") == 0)
        return -42;
    if (command && strcmp(command, "headers") == 0) {
        int good = vireo_response_status(201) == 0 && vireo_response_status(99) == -1 &&
                   vireo_response_header("Content-Type", "text/x-test") == 0 &&
                   vireo_response_header("Content-Length", "5") == -1 &&
                   vireo_response_header("X-Bad", "a\r\nX-Other: b") == -1 &&
                   vireo_response_header("Bad Name", "a") == -1;
        return snprintf((char *)out, out_cap, "%s", good ? "good" : "bad");
    }
    const char *one = vireo_request_header("X-One");
    const char *again = vireo_request_header("X-One");
    int used = snprintf((char *)out, out_cap, "%s %s %s %s %s %s ", or_none(vireo_request_method()),
                        or_none(vireo_request_path()), or_none(command), or_none(one),
                        or_none(vireo_request_header("x-absent")), one == again ? "same" : "other");
    if (used < 0 || (size_t)used + in_len > out_cap)
        return -1;
    for (size_t i = 0; i < in_len; i++)
        out[(size_t)used + i] = (uint8_t)toupper(in[i]);
    return used + (int64_t)in_len;
}
