/* CGI variables (RFC 3875) of a call, for commands. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "guest/cgi.h"

__attribute__((format(printf, 2, 3))) static void add(struct cgi_environment *environment,
                                                      const char *format, ...)
{
    size_t room = sizeof environment->text - environment->used;
    char *at = environment->text + environment->used;
    va_list args;

    if (environment->count == sizeof environment->variables / sizeof *environment->variables)
        return;
    va_start(args, format);
    int n = vsnprintf(at, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room)
        return;
    environment->variables[environment->count++] = at;
    environment->used += (size_t)n + 1;
}

/* "content-type" becomes CONTENT_TYPE, others HTTP_NAME, as RFC 3875, 4.1.18 says. */
static void add_header(struct cgi_environment *environment, const char *name, const char *value)
{
    char variable[128];
    size_t length = strlen(name);

    /* content-length is said of the body that there is, not of the header. */
    if (length >= sizeof variable || strcmp(name, "proxy") == 0 ||
        strcmp(name, "content-length") == 0)
        return;
    for (size_t i = 0; i <= length; i++) {
        char c = name[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        else if (c && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z'))
            c = '_';
        variable[i] = c;
    }
    if (strcmp(name, "content-type") == 0)
        add(environment, "%s=%s", variable, value);
    else
        add(environment, "HTTP_%s=%s", variable, value);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/*
 * RFC 3875, 4.1.5: PATH_INFO is not URL-encoded. Decoded once, in place, for the text only becomes
 * shorter; an escape that is none, or of NUL, which would end the variable, stays as it came.
 */
static void decode(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        int high = *from == '%' ? hex_value(from[1]) : -1;
        int low = high >= 0 ? hex_value(from[2]) : -1;
        if (low >= 0 && high * 16 + low != 0) {
            *to++ = (char)(high * 16 + low);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static void add_path(struct cgi_environment *environment, const char *path)
{
    size_t used = environment->used;

    add(environment, "PATH_INFO=%s", path);
    if (environment->used > used)
        decode(environment->text + used);
}

/* "http://host:port" in two: SERVER_NAME and SERVER_PORT. An IPv6 address keeps its brackets. */
static void add_server(struct cgi_environment *environment, const char *host)
{
    const char *mark = strstr(host, "://");
    size_t scheme_bytes = mark ? (size_t)(mark - host) + strlen("://") : 0;
    const char *name = host + scheme_bytes;
    const char *bracket = strchr(name, ']');
    const char *colon = strchr(bracket ? bracket : name, ':');

    int length = (int)(colon ? (size_t)(colon - name) : strlen(name));

    add(environment, "SERVER_NAME=%.*s", length, name);
    if (colon)
        add(environment, "SERVER_PORT=%s", colon + 1);
    else
        add(environment, "SERVER_PORT=%s", strncmp(host, "https:", 6) == 0 ? "443" : "80");
}

void cgi_environment_fill(struct cgi_environment *environment, const struct guest_call *call,
                          const char *function, const char *const *base, size_t base_count)
{
    environment->count = 0;
    environment->used = 0;
    for (size_t i = 0; i < base_count && i < GRANT_ENV_MAX; i++)
        environment->variables[environment->count++] = base[i];

    add(environment, "GATEWAY_INTERFACE=CGI/1.1");
    add(environment, "SERVER_PROTOCOL=HTTP/1.1");
    add(environment, "SERVER_SOFTWARE=vireo/" VIREO_VERSION);
    add(environment, "REQUEST_METHOD=%s", call->method.data);
    add(environment, "SCRIPT_NAME=/function/%s", function);
    add_path(environment, call->path.data);
    add(environment, "QUERY_STRING=%s", call->query.data);
    add(environment, "REMOTE_ADDR=%s", call->remote.data);
    add_server(environment, call->host.data);
    add(environment, "CONTENT_LENGTH=%u", call->body_bytes);
    for (uint32_t i = 0; i < call->header_count; i++)
        add_header(environment, call->header_names[i].data, call->header_values[i].data);
}
