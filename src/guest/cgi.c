/* CGI variables (RFC 3875) of a call, for commands. */
#include <stdarg.h>
#include <stdbool.h>
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

/*
 * "x-name" as the end of a variable's name. False for what is no letter, digit or "-": it would
 * become
 * "_" too, so that who sends x_name could give the variable of x-name, even of x-request-id, which
 * the gateway has checked, another value.
 */
static bool variable_name(char *ret_variable, size_t size, const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length >= size)
        return false;
    for (size_t i = 0; i <= length; i++) {
        char c = name[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        else if (c == '-')
            c = '_';
        else if (c && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z'))
            return false;
        ret_variable[i] = c;
    }
    return true;
}

static bool is_named(const struct guest_call *call, uint32_t header, const char *name)
{
    return strcmp(call->header_names[header].data, name) == 0;
}

/* What the first of this name begins, its repetitions go on: one variable, as RFC 3875, 4.1.18
 * wants it. Cookies have their own mark (RFC 6265, 5.4). */
static void add_repetitions(struct cgi_environment *environment, const struct guest_call *call,
                            uint32_t first)
{
    const char *name = call->header_names[first].data;
    const char *mark = strcmp(name, "cookie") == 0 ? "; " : ", ";
    char *end = environment->text + environment->used - 1;

    for (uint32_t i = first + 1; i < call->header_count; i++) {
        size_t room = (size_t)(environment->text + sizeof environment->text - end);

        if (!is_named(call, i, name))
            continue;
        int n = snprintf(end, room, "%s%s", mark, call->header_values[i].data);
        if (n < 0 || (size_t)n >= room) {
            *end = '\0';
            break;
        }
        end += n;
    }
    environment->used = (size_t)(end + 1 - environment->text);
}

/* "content-type" becomes CONTENT_TYPE, others HTTP_NAME, as RFC 3875, 4.1.18 says. */
static void add_header(struct cgi_environment *environment, const struct guest_call *call,
                       uint32_t header)
{
    const char *name = call->header_names[header].data;
    const char *value = call->header_values[header].data;
    size_t count = environment->count;
    char variable[128];

    /* content-length is said of the body that there is, not of the header. */
    if (strcmp(name, "proxy") == 0 || strcmp(name, "content-length") == 0 ||
        !variable_name(variable, sizeof variable, name))
        return;
    for (uint32_t i = 0; i < header; i++)
        if (is_named(call, i, name))
            return;
    if (strcmp(name, "content-type") == 0)
        add(environment, "%s=%s", variable, value);
    else
        add(environment, "HTTP_%s=%s", variable, value);
    if (environment->count > count)
        add_repetitions(environment, call, header);
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
        add_header(environment, call, i);
}
