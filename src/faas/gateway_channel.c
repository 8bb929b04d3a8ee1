/* The host's side of an instance's channel: requests in, checked responses out. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/gateway_channel.h"

void request_head_text(struct request_head *head, const char *text, size_t bytes)
{
    if (head->failed || bytes >= head->capacity - head->bytes) {
        head->failed = true;
        return;
    }
    memcpy(head->text + head->bytes, text, bytes);
    head->text[head->bytes + bytes] = '\0';
    head->bytes += bytes + 1;
}

void request_head_header(struct request_head *head, const char *name, size_t name_bytes,
                         const char *value, size_t value_bytes)
{
    size_t at = head->bytes;

    if (head->header_count == REQUEST_HEADERS_MAX)
        head->failed = true;
    request_head_text(head, name, name_bytes);
    request_head_text(head, value, value_bytes);
    if (head->failed)
        return;
    for (size_t i = at; i < at + name_bytes; i++)
        if (head->text[i] >= 'A' && head->text[i] <= 'Z')
            head->text[i] = (char)(head->text[i] + ('a' - 'A'));
    head->header_count++;
}

bool header_is_hop_by_hop(const char *name, size_t bytes)
{
    static const struct {
        const char *name;
        size_t bytes;
    } listed[] = {
#define LISTED(text) {text, sizeof text - 1}
        LISTED("connection"), LISTED("keep-alive"),          LISTED("proxy-authenticate"),
        LISTED("te"),         LISTED("proxy-authorization"), LISTED("proxy-connection"),
        LISTED("trailer"),    LISTED("transfer-encoding"),   LISTED("upgrade"),
#undef LISTED
    };
    for (size_t i = 0; i < ARRAY_LEN(listed); i++)
        if (listed[i].bytes == bytes && strncasecmp(name, listed[i].name, bytes) == 0)
            return true;
    return false;
}

bool header_name_is_valid(const char *name, size_t bytes)
{
    if (bytes == 0)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)name[i];
        bool alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alphanumeric && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return true;
}

bool header_value_is_valid(const char *value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

int response_check(struct channel *channel, uint32_t answer_max, struct response *ret_response,
                   struct err *err)
{
    /* Through volatile: each number is read once, whatever the compiler would rather do. */
    const volatile struct channel_response *shared = &channel->response;
    struct response response = {
        .outcome = shared->outcome,
        .flags = shared->flags,
        .status = shared->status,
        .code = shared->code,
        .head_bytes = shared->head_bytes,
        .body_bytes = shared->body_bytes,
        .header_count = shared->header_count,
    };

    if (response.outcome > CHANNEL_IMPROPER)
        return err_say(err, -EBADMSG, "outcome %u is unknown", response.outcome);
    if (response.outcome != CHANNEL_ANSWERED) {
        response.head_bytes = response.body_bytes = response.header_count = 0;
        for (size_t i = 0; i < sizeof response.message - 1; i++) {
            unsigned char c = (unsigned char)shared->message[i];
            if (c == '\0')
                break;
            response.message[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
        }
        *ret_response = response;
        return 0;
    }
    if (response.status == 0)
        response.status = 200;
    /* An interim status (1xx) is not an answer, and 101 would hand the connection over. */
    if (response.status < 200 || response.status > 599)
        return err_say(err, -EBADMSG, "status %u is not a final HTTP status", response.status);
    if (response.head_bytes > RESPONSE_HEAD_MAX_BYTES)
        return err_say(err, -EBADMSG, "a head of %u bytes is too long", response.head_bytes);
    if (response.body_bytes > RESPONSE_BODY_MAX_BYTES || response.body_bytes > answer_max)
        return err_say(err, -EBADMSG, "a body of %u bytes is too long", response.body_bytes);
    if (response.header_count > REQUEST_HEADERS_MAX)
        return err_say(err, -EBADMSG, "%u headers are too many", response.header_count);
    *ret_response = response;
    return 0;
}

void response_copy(struct channel *channel, const struct response *response, void *ret_text)
{
    memcpy(ret_text, channel_response_text(channel, response->head_bytes, response->body_bytes),
           (size_t)response->head_bytes + response->body_bytes);
}

int response_headers(const char *head, const struct response *response,
                     struct response_header ret_headers[static REQUEST_HEADERS_MAX],
                     struct err *err)
{
    const char *at = head;
    const char *end = head + response->head_bytes;

    for (uint32_t i = 0; i < response->header_count; i++) {
        const char *name_end = memchr(at, '\0', (size_t)(end - at));
        const char *value = name_end ? name_end + 1 : end;
        const char *value_end = memchr(value, '\0', (size_t)(end - value));
        if (!name_end || !value_end)
            return err_say(err, -EBADMSG, "header %u is cut off", i + 1);
        size_t name_bytes = (size_t)(name_end - at);
        if (!header_name_is_valid(at, name_bytes))
            return err_say(err, -EBADMSG, "header %u has a name that HTTP does not allow", i + 1);
        if (!header_value_is_valid(value, (size_t)(value_end - value)))
            return err_say(err, -EBADMSG, "header '%.64s' has a control character", at);
        if (header_is_hop_by_hop(at, name_bytes) || strcasecmp(at, "content-length") == 0)
            return err_say(err, -EBADMSG, "header '%.64s' belongs to the connection", at);
        ret_headers[i] = (struct response_header){.name = at, .value = value};
        at = value_end + 1;
    }
    if (at != end)
        return err_say(err, -EBADMSG, "%zu bytes follow the headers", (size_t)(end - at));
    return 0;
}

size_t channel_log_take(struct channel *channel, uint64_t *read, char *ret_text,
                        uint64_t *ret_dropped)
{
    uint64_t written = atomic_load_explicit(&channel->log_written, memory_order_acquire);
    uint64_t from = *read;

    *ret_dropped = 0;
    if (atomic_load_explicit(&channel->log_dropped, memory_order_relaxed) != 0)
        *ret_dropped = atomic_exchange_explicit(&channel->log_dropped, 0, memory_order_relaxed);
    if (written == from)
        return 0;
    /* A counter that went back or ran more than a ring ahead is a lie: the newest ring is taken. */
    if (written - from > CHANNEL_LOG_BYTES) {
        *ret_dropped += written > from ? written - from - CHANNEL_LOG_BYTES : 0;
        from = written - CHANNEL_LOG_BYTES;
    }

    const char *ring = (const char *)channel + CHANNEL_LOG;
    size_t bytes = (size_t)(written - from);
    size_t at = (size_t)(from % CHANNEL_LOG_BYTES);
    size_t first = bytes < CHANNEL_LOG_BYTES - at ? bytes : CHANNEL_LOG_BYTES - at;
    memcpy(ret_text, ring + at, first);
    memcpy(ret_text + first, ring, bytes - first);
    *read = written;
    atomic_store_explicit(&channel->log_read, written, memory_order_release);
    return bytes;
}
