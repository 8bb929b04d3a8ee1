/* CGI variables (RFC 3875) of a call, for commands. */
#pragma once

#include <stddef.h>

#include "guest/call.h"

#define CGI_VARIABLES_MAX (REQUEST_HEADERS_MAX + 20)

struct cgi_environment {
    const char *variables[CGI_VARIABLES_MAX + GRANT_ENV_MAX];
    size_t count;
    char text[REQUEST_HEAD_MAX_BYTES * 2];
    size_t used;
};

/*
 * Fills `environment` with the manifest's variables (`base`, borrowed) and those of the call. A
 * header that is there several times is one variable. Left out is what does not fit, a "Proxy"
 * header (which programs would take for the setting HTTP_PROXY), and a header with another
 * character in its name than letters, digits and "-".
 */
void cgi_environment_fill(struct cgi_environment *environment, const struct guest_call *call,
                          const char *function, const char *const *base, size_t base_count);
