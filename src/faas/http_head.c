/* The head of an HTTP/1.x request. */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "faas/http_head.h"

#define METHOD_MAX_BYTES 32

static int refuse(struct http_refusal *ret_refusal, enum problem_cause cause, const char *detail)
{
    *ret_refusal = (struct http_refusal){cause, detail};
    return -1;
}

static int bad(struct http_refusal *ret_refusal, const char *detail)
{
    return refuse(ret_refusal, PROBLEM_BAD_REQUEST, detail);
}

/* tchar of RFC 9110, 5.6.2. */
static bool is_token(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool all_token(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (!is_token((unsigned char)text[i]))
            return false;
    return bytes > 0;
}

/* ---- the end of the head ---- */

/* A request line "GET /" without a version would be HTTP/0.9, which has no head to wait for. */
static int first_line(const char *line, size_t bytes, struct http_refusal *ret_refusal)
{
    const char *space = memchr(line, ' ', bytes);
    const char *second = space ? memchr(space + 1, ' ', bytes - (size_t)(space + 1 - line)) : NULL;

    if (!second)
        return bad(ret_refusal, "the request line is not METHOD TARGET VERSION");
    if ((size_t)(second - space - 1) > HTTP_TARGET_MAX_BYTES)
        return refuse(ret_refusal, PROBLEM_URI_TOO_LONG, "the target is longer than 16 KiB");
    return 0;
}

ssize_t http_head_scan(struct http_scan *scan, const char *data, size_t bytes,
                       struct http_refusal *ret_refusal)
{
    /* Who speaks TLS, or nothing that we know, is told at the first byte. */
    if (bytes > 0 && data[0] != '\r' && !is_token((unsigned char)data[0]))
        return bad(ret_refusal, "this is not an HTTP request");
    while (scan->at < bytes) {
        const char *lf = memchr(data + scan->at, '\n', bytes - scan->at);
        if (!lf) {
            scan->at = (uint32_t)bytes;
            break;
        }
        uint32_t end = (uint32_t)(lf - data);
        if (end == scan->line || data[end - 1] != '\r')
            return bad(ret_refusal, "a line of the head does not end with CR LF");
        uint32_t length = end - 1 - scan->line;
        /* One empty line may stand before a request (RFC 9112, 2.2). */
        if (length > 0 && scan->lines == 0 &&
            first_line(data + scan->line, length, ret_refusal) < 0)
            return -1;
        if (length == 0 && (scan->lines > 0 || scan->line > 0))
            return scan->lines > 0 ? (ssize_t)end + 1
                                   : bad(ret_refusal, "this is not an HTTP request");
        scan->lines += length > 0;
        scan->line = scan->at = end + 1;
    }
    if (scan->lines == 0 && bytes - scan->line > HTTP_TARGET_MAX_BYTES + METHOD_MAX_BYTES + 16)
        return refuse(ret_refusal, PROBLEM_URI_TOO_LONG, "the target is longer than 16 KiB");
    if (bytes >= HTTP_HEAD_MAX_BYTES)
        return refuse(ret_refusal, PROBLEM_HEAD_TOO_LARGE,
                      "request line and headers are longer than 32 KiB");
    return 0;
}

/* ---- request line ---- */

/* host[:port], or [v6][:port]; no user, no path (RFC 3986, 3.2). */
static bool host_is_valid(const char *host, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)host[i];
        if (c <= 0x20 || c >= 0x7f || strchr("/?#@\\\"<>^`{|},", c))
            return false;
    }
    return bytes <= 255;
}

/* "http://host/path": the host is moved one byte to the front, so that a NUL fits behind it. */
static int absolute(char **target, char **ret_host, struct http_refusal *ret_refusal)
{
    char *host = strstr(*target, "://") + 3;
    size_t bytes = strcspn(host, "/?");

    if (host[bytes] != '/' || bytes == 0 || !host_is_valid(host, bytes))
        return bad(ret_refusal, "the target is not proper");
    memmove(host - 1, host, bytes);
    host[bytes - 1] = '\0';
    *ret_host = host - 1;
    *target = host + bytes;
    return 0;
}

static int target_parse(struct http_head *head, char *target, char **ret_host,
                        struct http_refusal *ret_refusal)
{
    for (const char *c = target; *c; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7f || *c == '#')
            return bad(ret_refusal, "the target is not proper");
    if (strcmp(head->method, "CONNECT") == 0)
        return refuse(ret_refusal, PROBLEM_NOT_IMPLEMENTED, "this is not a proxy");
    if (strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0) {
        if (absolute(&target, ret_host, ret_refusal) < 0)
            return -1;
    } else if (target[0] != '/' &&
               (strcmp(target, "*") != 0 || strcmp(head->method, "OPTIONS") != 0)) {
        return bad(ret_refusal, "the target is not proper");
    }
    head->path = target;
    head->path_bytes = strcspn(target, "?");
    head->query = target + head->path_bytes;
    if (*head->query == '?')
        *head->query++ = '\0';
    head->query_bytes = strlen(head->query);
    return 0;
}

static int request_line(struct http_head *head, char *line, size_t bytes, char **ret_host,
                        struct http_refusal *ret_refusal)
{
    /* http_head_scan() has seen two blanks. */
    char *target = memchr(line, ' ', bytes);
    char *version = target ? memchr(target + 1, ' ', bytes - (size_t)(target + 1 - line)) : NULL;

    if (!version || memchr(line, '\0', bytes))
        return bad(ret_refusal, "the request line is not METHOD TARGET VERSION");
    *target++ = '\0';
    *version++ = '\0';
    line[bytes] = '\0';
    head->method = line;
    if (!all_token(line, strlen(line)))
        return bad(ret_refusal, "the method is not proper");
    if (strlen(line) > METHOD_MAX_BYTES)
        return refuse(ret_refusal, PROBLEM_NOT_IMPLEMENTED, "no such method");
    if (strncmp(version, "HTTP/", 5) != 0 || strlen(version) != 8 || version[6] != '.' ||
        version[5] < '0' || version[5] > '9' || version[7] < '0' || version[7] > '9')
        return bad(ret_refusal, "the request line is not METHOD TARGET VERSION");
    if (version[5] != '1')
        return refuse(ret_refusal, PROBLEM_VERSION, "HTTP/1.1 and HTTP/1.0 are spoken here");
    head->minor_1 = version[7] != '0';
    return target_parse(head, target, ret_host, ret_refusal);
}

/* ---- fields ---- */

static int field_parse(struct http_head *head, char *line, size_t bytes,
                       struct http_refusal *ret_refusal)
{
    if (line[0] == ' ' || line[0] == '\t')
        return bad(ret_refusal, "a header is folded over two lines");
    char *colon = memchr(line, ':', bytes);
    if (!colon || !all_token(line, (size_t)(colon - line)))
        return bad(ret_refusal, "a header is not NAME: VALUE");
    if (head->field_count == HTTP_FIELDS_MAX)
        return refuse(ret_refusal, PROBLEM_HEAD_TOO_LARGE, "there are too many headers");

    char *value = colon + 1, *end = line + bytes;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    for (const char *c = value; c < end; c++)
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
            return bad(ret_refusal, "a header is not what HTTP allows");
    *colon = *end = '\0';
    head->fields[head->field_count++] = (struct http_field){
        .name = (uint16_t)(line - head->text),
        .name_bytes = (uint16_t)(colon - line),
        .value = (uint16_t)(value - head->text),
        .value_bytes = (uint16_t)(end - value),
    };
    return 0;
}

/* Is `word` an element of the comma-separated list? */
static bool list_has(const char *list, const char *word)
{
    size_t bytes = strlen(word);

    while (*list) {
        list += strspn(list, " \t,");
        size_t length = strcspn(list, " \t,");
        if (length == bytes && strncasecmp(list, word, bytes) == 0)
            return true;
        list += length;
    }
    return false;
}

static int length_parse(struct http_head *head, const char *value, struct http_refusal *ret_refusal)
{
    size_t digits = strspn(value, "0123456789");

    if (digits == 0 || value[digits] != '\0' || digits > 18)
        return bad(ret_refusal, "Content-Length is not a number");
    head->body_bytes = 0;
    for (; *value; value++)
        head->body_bytes = head->body_bytes * 10 + (*value - '0');
    return 0;
}

/* What the head says of its body and its connection. */
struct framing {
    const struct http_field *host, *length, *coding;
};

static int framing_take(struct http_head *head, const struct http_field *field,
                        struct framing *framing, struct http_refusal *ret_refusal)
{
    const char *name = head->text + field->name, *value = head->text + field->value;
    const struct http_field **once = NULL;

    switch (field->name_bytes) {
    case 4:
        once = strcasecmp(name, "host") == 0 ? &framing->host : NULL;
        break;
    case 6:
        if (strcasecmp(name, "expect") == 0 && strcasecmp(value, "100-continue") == 0)
            head->expects_continue = head->minor_1;
        break;
    case 10:
        if (strcasecmp(name, "connection") == 0) {
            if (list_has(value, "close"))
                head->keep_alive = false;
            else if (!head->minor_1 && list_has(value, "keep-alive"))
                head->keep_alive = true;
        }
        break;
    case 14:
        once = strcasecmp(name, "content-length") == 0 ? &framing->length : NULL;
        break;
    case 17:
        once = strcasecmp(name, "transfer-encoding") == 0 ? &framing->coding : NULL;
        break;
    default:
        break;
    }
    if (once && *once)
        return bad(ret_refusal, "Host, Content-Length or Transfer-Encoding is there twice");
    if (once)
        *once = field;
    return 0;
}

static int framing_settle(struct http_head *head, const struct framing *framing,
                          struct http_refusal *ret_refusal)
{
    const char *text = head->text;

    if (head->minor_1 && !framing->host)
        return bad(ret_refusal, "Host is missing");
    if (framing->host && !host_is_valid(text + framing->host->value, framing->host->value_bytes))
        return bad(ret_refusal, "Host is not proper");
    if (framing->coding && framing->length)
        return bad(ret_refusal, "Content-Length and Transfer-Encoding are both there");
    if (framing->coding && !head->minor_1)
        return bad(ret_refusal, "Transfer-Encoding is not of HTTP/1.0");
    if (framing->coding && strcasecmp(text + framing->coding->value, "chunked") != 0)
        return refuse(ret_refusal, PROBLEM_NOT_IMPLEMENTED,
                      "of transfer codings only 'chunked' is known");
    head->chunked = framing->coding;
    head->body_bytes = framing->coding ? -1 : 0;
    return framing->length ? length_parse(head, text + framing->length->value, ret_refusal) : 0;
}

int http_head_parse(char *text, size_t bytes, struct http_head *ret_head,
                    struct http_refusal *ret_refusal)
{
    struct http_head *head = ret_head;
    struct framing framing = {0};
    char *at = text, *end = text + bytes, *host = NULL;

    memset(head, 0, offsetof(struct http_head, fields));
    head->text = text;
    if (*at == '\r')
        at += 2;
    for (bool first = true; at < end; first = false) {
        /* Every line ends with CR LF: http_head_scan() has seen to it. */
        char *lf = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)(lf - 1 - at);
        if (length == 0)
            break;
        if ((first ? request_line(head, at, length, &host, ret_refusal)
                   : field_parse(head, at, length, ret_refusal)) < 0)
            return -1;
        if (first)
            head->keep_alive = head->minor_1;
        at = lf + 1;
    }
    for (uint32_t i = 0; i < head->field_count; i++)
        if (framing_take(head, &head->fields[i], &framing, ret_refusal) < 0)
            return -1;
    if (framing_settle(head, &framing, ret_refusal) < 0)
        return -1;
    if (host && framing.host) {
        struct http_field *field = &head->fields[framing.host - head->fields];
        field->value = (uint16_t)(host - text);
        field->value_bytes = (uint16_t)strlen(host);
    }
    return 0;
}

const char *http_head_find(const struct http_head *head, const char *name)
{
    size_t bytes = strlen(name);

    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];
        if (field->name_bytes == bytes && strcasecmp(head->text + field->name, name) == 0)
            return head->text + field->value;
    }
    return NULL;
}
