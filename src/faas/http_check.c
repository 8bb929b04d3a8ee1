/* Refusals of requests that HTTP does not allow, where libmicrohttpd has none of its own. */
#include <ctype.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "faas/gateway_channel.h"
#include "faas/http_check.h"

/* A name or an address and perhaps a port (RFC 9110, 7.2): programs make addresses of it. */
static bool host_is_proper(const char *host, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (!isalnum((unsigned char)host[i]) &&
            (!host[i] || !strchr("-._~%!$&'()*+,;=[]:", host[i])))
            return false;
    return bytes <= 255;
}

const char *http_target_split(char *text, struct http_target *ret_target,
                              enum problem_cause *ret_cause)
{
    size_t bytes = strlen(text);
    struct http_target target = {.bytes = bytes};
    char *at = text;

    *ret_cause = PROBLEM_URI_TOO_LONG;
    if (bytes > HTTP_TARGET_MAX_BYTES)
        return "the target is longer than 16 KiB";
    *ret_cause = PROBLEM_BAD_REQUEST;
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)at[i] <= 0x20 || at[i] == 0x7f || at[i] == '#')
            return "the target is not proper";
    if (strncasecmp(at, "http://", 7) == 0 || strncasecmp(at, "https://", 8) == 0) {
        at = strstr(at, "://") + 3;
        target.authority = at;
        target.authority_bytes = strcspn(at, "/?");
        at += target.authority_bytes;
        if (*at != '/' || target.authority_bytes == 0 ||
            !host_is_proper(target.authority, target.authority_bytes))
            return "the target is not proper";
    }
    target.path = at;
    target.path_bytes = strcspn(at, "?");
    at += target.path_bytes;
    if (*at == '?')
        *at++ = '\0';
    target.query = at;
    target.query_bytes = strlen(at);
    *ret_target = target;
    return NULL;
}

/* The fields that say where a request ends and whom it is for. */
struct framing {
    const char *host, *length, *coding;
    int hosts, lengths, codings;
    bool bad; /* a name or a value is not what HTTP allows */
    /* Behind what was looked at, in the head as it came; and how long the ends of its lines are. */
    const char *at;
    size_t line_end;
};

/*
 * libmicrohttpd cuts a head in place: what it gives us are pieces of the very bytes that came, in
 * their order. So we see what it does not show: a line that was folded onto another, which it
 * drops, even a Content-Length; what stands in a value behind a NUL; and that it takes a line which
 * begins with a colon for the head's end and what follows for the next request. Between two lines
 * is CR LF, or LF everywhere, and nothing else.
 */
static bool line_follows(struct framing *framing, const char *line)
{
    size_t gap = (size_t)((uintptr_t)line - (uintptr_t)framing->at);

    if (framing->line_end == 0 && (gap == 1 || gap == 2))
        framing->line_end = gap;
    return gap == framing->line_end && gap != 0;
}

/* Method, target and version with one blank between two; no NUL cuts the target short. */
static bool request_line_is_whole(const char *method, const struct http_target *target,
                                  const char *version)
{
    return (uintptr_t)version - (uintptr_t)method == strlen(method) + 1 + target->bytes + 1;
}

/* The head's end is where its last line is followed by an empty one. */
static bool head_ends(struct MHD_Connection *connection, const struct framing *framing,
                      const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    if (!info)
        return false;
    size_t gap = (size_t)((uintptr_t)method + info->header_size - (uintptr_t)framing->at);
    return framing->line_end ? gap == 2 * framing->line_end : gap == 2 || gap == 4;
}

static enum MHD_Result look(void *user, enum MHD_ValueKind kind, const char *name,
                            size_t name_bytes, const char *value, size_t value_bytes)
{
    struct framing *framing = user;

    (void)kind;
    if (!line_follows(framing, name))
        framing->bad = true;
    if (!value) {
        value = "";
        value_bytes = 0;
        framing->at = name + name_bytes + 1;
    } else {
        framing->at = value + value_bytes;
    }
    /* A blank before the colon, a line end in a value, a NUL: where one reader ends another's does
     * not. */
    if (!header_name_is_valid(name, name_bytes) || !header_value_is_valid(value, value_bytes))
        framing->bad = true;
    if (strcasecmp(name, "host") == 0) {
        framing->host = value;
        framing->hosts++;
    } else if (strcasecmp(name, "content-length") == 0) {
        framing->length = value;
        framing->lengths++;
    } else if (strcasecmp(name, "transfer-encoding") == 0) {
        framing->coding = value;
        framing->codings++;
    }
    return MHD_YES;
}

static const char *body_check(const struct framing *framing, int64_t *ret_body_bytes)
{
    char *end;

    *ret_body_bytes = framing->coding ? -1 : 0;
    if (framing->lengths + framing->codings > 1)
        return "the body's length is said twice";
    if (framing->coding && strcasecmp(framing->coding, "chunked") != 0)
        return "of transfer codings only 'chunked' is known";
    if (!framing->length)
        return NULL;
    errno = 0;
    long long bytes = strtoll(framing->length, &end, 10);
    if (framing->length[0] < '0' || framing->length[0] > '9' || *end != '\0' || errno != 0)
        return "Content-Length is not a number";
    *ret_body_bytes = bytes;
    return NULL;
}

const char *http_head_check(struct MHD_Connection *connection, const char *method,
                            const char *version, const struct http_target *target,
                            int64_t *ret_body_bytes, enum problem_cause *ret_cause)
{
    struct framing framing = {.at = version + strlen(version)};

    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look, &framing);
    *ret_cause = PROBLEM_NOT_IMPLEMENTED;
    if (strcmp(method, "CONNECT") == 0)
        return "this is not a proxy";
    *ret_cause = PROBLEM_BAD_REQUEST;
    /* libmicrohttpd passes on whatever stands before the first blank. */
    if (!header_name_is_valid(method, strlen(method)))
        return "the method is not what HTTP allows";
    if (target->path[0] != '/' &&
        (strcmp(target->path, "*") != 0 || strcmp(method, "OPTIONS") != 0))
        return "the target is not proper";
    if (!request_line_is_whole(method, target, version))
        return "the request line is not what HTTP allows";
    if (framing.bad || !head_ends(connection, &framing, method))
        return "a header is not what HTTP allows";
    if (framing.hosts == 0 && strcmp(version, "HTTP/1.1") == 0)
        return "there is no Host";
    if (framing.hosts > 1 || (framing.host && !host_is_proper(framing.host, strlen(framing.host))))
        return "Host is not proper";
    if (framing.host && target->authority &&
        (strlen(framing.host) != target->authority_bytes ||
         strncasecmp(framing.host, target->authority, target->authority_bytes) != 0))
        return "the target and Host are not of one host";
    return body_check(&framing, ret_body_bytes);
}
