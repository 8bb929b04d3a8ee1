/* CGI (RFC 3875, section 6): the header block at the beginning of a command's output. */
#include <errno.h>
#include <string.h>

#include "guest/call.h"
#include "guest/http_text.h"

struct line {
    const char *name, *value;
    size_t name_bytes, value_bytes;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/*
 * Takes one line, ended by LF or CR LF, from *at. 1: a field; 0: the empty line; -EBADMSG: neither.
 */
static int take_line(const char **at, const char *end, struct line *ret_line)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));

    if (!newline)
        return -EBADMSG;
    const char *start = *at;
    const char *stop = newline > start && newline[-1] == '\r' ? newline - 1 : newline;
    *at = newline + 1;
    if (stop == start)
        return 0;
    const char *colon = memchr(start, ':', (size_t)(stop - start));
    if (!colon)
        return -EBADMSG;
    const char *value = colon + 1;
    while (value < stop && is_blank(*value))
        value++;
    while (stop > value && is_blank(stop[-1]))
        stop--;
    *ret_line = (struct line){
        .name = start,
        .value = value,
        .name_bytes = (size_t)(colon - start),
        .value_bytes = (size_t)(stop - value),
    };
    return 1;
}

/* "404" or "404 Not Found"; 0 when it is neither. */
static uint32_t parse_status(const char *value, size_t bytes)
{
    uint32_t status = 0;

    if (bytes < 3 || (bytes > 3 && value[3] != ' '))
        return 0;
    for (int i = 0; i < 3; i++) {
        if (value[i] < '0' || value[i] > '9')
            return 0;
        status = status * 10 + (uint32_t)(value[i] - '0');
    }
    return status >= 200 && status <= 599 ? status : 0;
}

static bool named(const struct line *line, const char *name)
{
    return http_same(line->name, line->name_bytes, name, strlen(name));
}

/* One field into the call. *location: there was one. */
static int take_field(struct guest_call *call, const struct line *line, bool *location)
{
    if (named(line, "Status")) {
        if (call->status)
            return -EBADMSG;
        call->status = parse_status(line->value, line->value_bytes);
        return call->status ? 0 : -EBADMSG;
    }
    /* Programs say it; the length of what they wrote is known better here. */
    if (named(line, "Content-Length"))
        return 0;
    if (named(line, "Location"))
        *location = true;
    return call_response_header(call, line->name, line->name_bytes, line->value,
                                line->value_bytes) < 0
               ? -EBADMSG
               : 0;
}

static int take_block(struct guest_call *call, const char *at, const char *end,
                      const char **ret_body)
{
    bool location = false;
    uint32_t fields = 0;
    struct line line;
    int more;

    call->status = 0;
    while ((more = take_line(&at, end, &line)) > 0) {
        int r = take_field(call, &line, &location);
        if (r < 0)
            return r;
        fields++;
    }
    if (more < 0 || fields == 0)
        return -EBADMSG;
    if (location && !call->status)
        call->status = 302;
    *ret_body = at;
    return 0;
}

int call_cgi_head(struct guest_call *call)
{
    uint32_t status = call->status;
    uint32_t head_bytes = call->response_head_bytes;
    uint32_t header_count = call->response_header_count;
    uint32_t bytes =
        call->answer_bytes < RESPONSE_HEAD_MAX_BYTES ? call->answer_bytes : RESPONSE_HEAD_MAX_BYTES;
    const char *start = (const char *)call->answer;
    const char *body;

    if (bytes == 0 || take_block(call, start, start + bytes, &body) < 0) {
        call->status = status;
        call->response_head_bytes = head_bytes;
        call->response_header_count = header_count;
        return -EBADMSG;
    }
    call->answer += body - start;
    call->answer_bytes -= (uint32_t)(body - start);
    call->answer_max -= (uint32_t)(body - start);
    return 0;
}
