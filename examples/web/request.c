/* The head of a request, as far as a server of files needs it. */
#define _GNU_SOURCE /* memmem */
#include <string.h>
#include <strings.h>

#include "web.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes "/a%20b/?query" to "a b/index.html". False: it is no path below the root. */
static bool path_of(const char *target, size_t bytes, char path[PATH_BYTES])
{
    size_t at = 0;

    if (bytes == 0 || target[0] != '/')
        return false;
    for (size_t i = 1; i < bytes && target[i] != '?' && target[i] != '#'; i++) {
        char c = target[i];
        if (c == '%') {
            int high = i + 2 < bytes ? hex_digit(target[i + 1]) : -1;
            int low = i + 2 < bytes ? hex_digit(target[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if ((unsigned char)c < 0x20 || c == 0x7f || at + sizeof "index.html" >= PATH_BYTES)
            return false;
        path[at++] = c;
    }
    if (at == 0 || path[at - 1] == '/') {
        memcpy(path + at, "index.html", 10);
        at += 10;
    }
    path[at] = '\0';
    /* No part may be "..", nor empty. */
    for (const char *part = path;; part = strchr(part, '/') + 1) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        if (!strchr(part, '/'))
            return true;
    }
}

/* The rest of a header's line when it has this name. */
static const char *value_of(const char *line, size_t bytes, const char *name, size_t *ret_bytes)
{
    size_t length = strlen(name);

    if (bytes <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
        return NULL;
    line += length + 1;
    bytes -= length + 1;
    while (bytes > 0 && (*line == ' ' || *line == '\t'))
        line++, bytes--;
    while (bytes > 0 && (line[bytes - 1] == ' ' || line[bytes - 1] == '\t'))
        bytes--;
    *ret_bytes = bytes;
    return line;
}

/* The value as text; one that does not fit is `instead`. */
static void text_take(char *text, size_t size, const char *value, size_t bytes, const char *instead)
{
    if (bytes >= size)
        value = instead, bytes = strlen(instead);
    memcpy(text, value, bytes);
    text[bytes] = '\0';
}

static void header_take(const char *line, size_t bytes, struct request *request)
{
    const char *value;
    size_t length;

    if ((value = value_of(line, bytes, "connection", &length))) {
        if (length == 5 && strncasecmp(value, "close", 5) == 0)
            request->keep_alive = false;
        if (length == 10 && strncasecmp(value, "keep-alive", 10) == 0)
            request->keep_alive = true;
    } else if ((value = value_of(line, bytes, "if-modified-since", &length))) {
        text_take(request->since, sizeof request->since, value, length, "");
    } else if ((value = value_of(line, bytes, "range", &length))) {
        text_take(request->range, sizeof request->range, value, length, "");
    } else if ((value = value_of(line, bytes, "if-range", &length))) {
        text_take(request->if_range, sizeof request->if_range, value, length, "none of ours");
    } else if ((value = value_of(line, bytes, "content-length", &length))) {
        if (length != 1 || value[0] != '0')
            request->refused = 413;
    } else if (value_of(line, bytes, "transfer-encoding", &length)) {
        request->refused = 413;
    } else if (line[0] == ' ' || line[0] == '\t' || !memchr(line, ':', bytes)) {
        request->refused = 400;
    }
}

/* "GET /path HTTP/1.1" */
static void line_take(const char *line, size_t bytes, struct request *request)
{
    const char *target = memchr(line, ' ', bytes);
    const char *version =
        target ? memchr(target + 1, ' ', bytes - (size_t)(target + 1 - line)) : NULL;

    request->refused = 400;
    if (!version || bytes - (size_t)(version - line) != 9 || memcmp(version, " HTTP/1.", 8) != 0 ||
        (version[8] != '0' && version[8] != '1'))
        return;
    request->keep_alive = version[8] == '1';
    size_t method = (size_t)(target - line);
    request->head_only = method == 4 && memcmp(line, "HEAD", 4) == 0;
    if (!request->head_only && !(method == 3 && memcmp(line, "GET", 3) == 0))
        request->refused = 405;
    else if (path_of(target + 1, (size_t)(version - target - 1), request->path))
        request->refused = 0;
}

int request_parse(const char *data, uint32_t bytes, struct request *ret_request)
{
    const char *end = memmem(data, bytes, "\r\n\r\n", 4);
    struct request *request = ret_request;

    memset(request, 0, offsetof(struct request, path) + 1);
    request->since[0] = request->range[0] = request->if_range[0] = '\0';
    if (!end) {
        if (bytes < HEAD_MAX)
            return 0;
        request->refused = 431;
        request->bytes = bytes;
        return 1;
    }
    request->bytes = (uint32_t)(end + 4 - data);
    const char *line = data;
    const char *next = memmem(line, request->bytes, "\r\n", 2);
    line_take(line, (size_t)(next - line), request);
    unsigned of_line = request->refused;
    for (line = next + 2; line < end + 2; line = next + 2) {
        next = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
        header_take(line, (size_t)(next - line), request);
    }
    /* A body that was announced would be taken for the next request. */
    if (of_line)
        request->refused = of_line;
    if (request->refused)
        request->keep_alive = false;
    return 1;
}
