/* One call: the request out of the channel, the answer and the log into it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "guest/call.h"
#include "guest/family.h"
#include "guest/http_text.h"

/* ---- the request ---- */

/* Each length once: the other side may change them at any time. */
static struct channel_request copy_request(const struct channel_slot *slot)
{
    const volatile struct channel_request *shared = &slot->request;

    return (struct channel_request){
        .head_bytes = shared->head_bytes,
        .body_bytes = shared->body_bytes,
        .header_count = shared->header_count,
        .answer_max = shared->answer_max,
    };
}

/* The next NUL-terminated text of a head. */
static int take_text(const char **at, const char *end, struct call_text *ret_text)
{
    const char *nul = memchr(*at, '\0', (size_t)(end - *at));

    if (!nul)
        return -EBADMSG;
    *ret_text = (struct call_text){*at, (uint32_t)(nul - *at)};
    *at = nul + 1;
    return 0;
}

static int parse_head(struct guest_call *call, const char *head, uint32_t bytes,
                      uint32_t header_count)
{
    struct call_text *const texts[] = {&call->method, &call->path, &call->query, &call->host,
                                       &call->remote};
    const char *at = head;
    const char *end = head + bytes;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (take_text(&at, end, texts[i]) < 0)
            return -EBADMSG;
    }
    if (!http_is_token(call->method.data, call->method.bytes))
        return -EBADMSG;
    for (uint32_t i = 0; i < header_count; i++) {
        struct call_text *name = &call->header_names[i];
        if (take_text(&at, end, name) < 0 || take_text(&at, end, &call->header_values[i]) < 0 ||
            !http_is_token(name->data, name->bytes) || http_has_upper(name->data, name->bytes))
            return -EBADMSG;
    }
    call->header_count = header_count;
    return at == end ? 0 : -EBADMSG;
}

int call_parse(struct guest_call *call, struct channel *channel, uint32_t slot, char *head_copy)
{
    struct channel_request request = copy_request(&channel->slots[slot]);

    if (request.head_bytes > REQUEST_HEAD_MAX_BYTES ||
        request.body_bytes > REQUEST_BODY_MAX_BYTES || request.header_count > REQUEST_HEADERS_MAX ||
        request.answer_max > RESPONSE_BODY_MAX_BYTES)
        return -EBADMSG;
    const uint8_t *text =
        channel_request_text(channel, slot, request.head_bytes, request.body_bytes);
    memcpy(head_copy, text, request.head_bytes);
    head_copy[request.head_bytes] = '\0';

    /* Nothing of the call before stays, but the big arrays are not cleared: counts bound them. */
    call->header_count = 0;
    int r = parse_head(call, head_copy, request.head_bytes, request.header_count);
    if (r < 0)
        return r;
    call->body = text + request.head_bytes;
    call->body_bytes = request.body_bytes;
    call->body_read = 0;
    call->answer_max = request.answer_max;
    call->status = 0;
    call->has_bad_status = false;
    call->response_head_bytes = 0;
    call->response_header_count = 0;
    call->answer = NULL;
    call->answer_bytes = 0;
    call->has_length = false;
    call->length = 0;
    call->channel = channel;
    call->slot = slot;
    channel->slots[slot].response.flags = 0;
    return 0;
}

/* ---- forks ---- */

int call_keep_body(struct guest_call *call)
{
    /* A handler's body is in its memory already. */
    if (!call->channel || !call->answer || call->kept_body || call->body_read >= call->body_bytes)
        return 0;
    uint8_t *copy = malloc(call->body_bytes);
    if (!copy)
        return -ENOMEM;
    memcpy(copy + call->body_read, call->body + call->body_read,
           call->body_bytes - call->body_read);
    call->body = call->kept_body = copy;
    return 0;
}

void call_drop_body(struct guest_call *call)
{
    free(call->kept_body);
    call->kept_body = NULL;
}

void call_leave(struct guest_call *call, struct family *family)
{
    if (!call->kept_body) {
        call->body = NULL;
        call->body_bytes = call->body_read = 0;
    }
    call->answer = NULL;
    call->answer_max = call->answer_bytes = 0;
    call->channel = NULL;
    call->family = family;
}

void call_flag(struct guest_call *call, uint32_t flag)
{
    if (call->channel)
        call->channel->slots[call->slot].response.flags |= flag;
}

/* ---- the answer ---- */

int call_answer(struct guest_call *call, const void *data, size_t bytes)
{
    if (bytes > call->answer_max - call->answer_bytes)
        return -EFBIG;
    if (bytes > 0)
        memcpy(call->answer + call->answer_bytes, data, bytes);
    call->answer_bytes += (uint32_t)bytes;
    return 0;
}

int call_response_header(struct guest_call *call, const char *name, size_t name_bytes,
                         const char *value, size_t value_bytes)
{
    size_t used = call->response_head_bytes;

    if (!http_is_token(name, name_bytes) || !http_is_value(value, value_bytes) ||
        http_is_hop_by_hop(name, name_bytes))
        return -EINVAL;
    if (call->response_header_count >= REQUEST_HEADERS_MAX ||
        name_bytes > sizeof call->response_head - used ||
        value_bytes > sizeof call->response_head - used - name_bytes ||
        2 > sizeof call->response_head - used - name_bytes - value_bytes)
        return -E2BIG;
    char *at = call->response_head + used;
    memcpy(at, name, name_bytes);
    at[name_bytes] = '\0';
    if (value_bytes > 0)
        memcpy(at + name_bytes + 1, value, value_bytes);
    at[name_bytes + 1 + value_bytes] = '\0';
    call->response_head_bytes = (uint32_t)(used + name_bytes + value_bytes + 2);
    call->response_header_count++;
    return 0;
}

void call_respond(struct guest_call *call, enum channel_outcome outcome, int32_t code,
                  uint32_t flags, const char *message)
{
    struct channel *channel = call->channel;
    char bad_status[64];

    if (outcome == CHANNEL_ANSWERED && call->status == 0 && call->has_bad_status) {
        outcome = CHANNEL_IMPROPER;
        snprintf(bad_status, sizeof bad_status, "status %d is not within 200 and 599",
                 (int)call->bad_status);
        message = bad_status;
    }
    /* What a function wrote before it failed is no answer. */
    bool answered = outcome == CHANNEL_ANSWERED;
    size_t message_bytes = message && !answered ? strnlen(message, CHANNEL_MESSAGE_BYTES) : 0;
    const void *head = answered ? call->response_head : message;
    uint32_t head_bytes = answered ? call->response_head_bytes : (uint32_t)message_bytes;
    uint32_t body_bytes = answered ? call->answer_bytes : 0;
    uint8_t *text = channel_response_text(channel, call->slot, head_bytes, body_bytes);

    if (head_bytes > 0)
        memcpy(text, head, head_bytes);
    if (body_bytes > 0)
        memcpy(text + head_bytes, call->answer, body_bytes);
    channel->slots[call->slot].response = (struct channel_response){
        .outcome = outcome,
        .flags = flags | (answered && call->has_length ? CHANNEL_LENGTH : 0),
        .status = answered ? call->status : 0,
        .code = code,
        .head_bytes = head_bytes,
        .body_bytes = body_bytes,
        .header_count = answered ? call->response_header_count : 0,
        .log_end = (uint32_t)atomic_load_explicit(&channel->log_written, memory_order_relaxed),
        .length = call->length,
    };
}

/* ---- the log ---- */

void call_log(struct guest_call *call, const void *data, size_t bytes)
{
    struct channel *channel = call->channel;

    if (call->family)
        family_log(call->family, data, bytes);
    if (!channel)
        return;
    uint8_t *ring = (uint8_t *)channel + CHANNEL_LOG;
    uint64_t written = atomic_load_explicit(&channel->log_written, memory_order_relaxed);
    /* Pairs with the host's release after it has copied that far. */
    uint64_t used = written - atomic_load_explicit(&channel->log_read, memory_order_acquire);
    uint64_t room = used < CHANNEL_LOG_BYTES ? CHANNEL_LOG_BYTES - used : 0;
    size_t taken = bytes < room ? bytes : (size_t)room;
    size_t at = (size_t)(written % CHANNEL_LOG_BYTES);
    size_t first = taken < CHANNEL_LOG_BYTES - at ? taken : CHANNEL_LOG_BYTES - at;

    memcpy(ring + at, data, first);
    memcpy(ring, (const uint8_t *)data + first, taken - first);
    atomic_store_explicit(&channel->log_written, written + taken, memory_order_release);
    if (taken < bytes)
        atomic_fetch_add_explicit(&channel->log_dropped, bytes - taken, memory_order_relaxed);
}
