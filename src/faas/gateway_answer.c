/* A checked answer of an instance becomes the reply to its caller. */
#include <string.h>
#include <strings.h>

#include "faas/gateway_calls.h"

static void answer_release(void *owner)
{
    struct buffer *buffer = owner;
    struct calls *calls;

    memcpy(&calls, buffer->data, sizeof calls);
    buffer_put(calls, buffer);
}

void call_reply(struct call *call, const struct response *response,
                const struct response_header *headers, struct buffer *answer, const char *start)
{
    struct http_header list[REQUEST_HEADERS_MAX + 4];
    size_t count = 0;
    bool typed = false;

    for (uint32_t i = 0; i < response->header_count; i++) {
        /* Said by the gateway only, whatever the function says; an empty value says nothing, and
         * MHD takes none. */
        if (headers[i].value[0] == '\0' || strcasecmp(headers[i].name, "x-request-id") == 0 ||
            strcasecmp(headers[i].name, "traceparent") == 0 ||
            strcasecmp(headers[i].name, "x-vireo-start") == 0)
            continue;
        typed = typed || strcasecmp(headers[i].name, "content-type") == 0;
        list[count++] = (struct http_header){headers[i].name, headers[i].value};
    }
    if (!typed && response->body_bytes > 0)
        list[count++] = (struct http_header){"Content-Type", "application/octet-stream"};
    list[count++] = (struct http_header){"X-Request-Id", call->id};
    list[count++] = (struct http_header){"traceparent", call->trace};
    list[count++] = (struct http_header){"X-Vireo-Start", start};

    struct http_reply reply = {
        .status = response->status,
        .headers = list,
        .header_count = count,
        .body = answer->data + ANSWER_TEXT + response->head_bytes,
        .body_bytes = response->body_bytes,
        .has_length = response->flags & CHANNEL_LENGTH,
        .length = response->length,
        .release = answer_release,
        .owner = answer,
    };
    call->replied = true;
    http_reply(call->request, &reply);
}
