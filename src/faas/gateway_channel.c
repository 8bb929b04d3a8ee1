/* The host's side of an instance's channel: requests in, checked responses out. */
#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* ---- which slots are in use ---- */

void port_open(struct channel_port *port, struct channel *channel)
{
    *port = (struct channel_port){.channel = channel};
}

uint32_t port_slot(const struct channel_port *port)
{
    /* The lowest: what was used last, and what keeps the memory small while there is no load. */
    return (uint32_t)__builtin_ctz(~port->used);
}

void port_send(struct channel_port *port)
{
    struct channel *channel = port->channel;
    uint32_t slot = port_slot(port);
    uint32_t place = ++port->sent % CHANNEL_SLOTS;

    port->used |= 1u << slot;
    port->withdrawn &= ~(1u << place);
    port->slot[place] = (uint8_t)slot;
    channel->order[place] = (uint8_t)slot;
    atomic_store_explicit(&channel->slots[slot].state, CHANNEL_READY, memory_order_relaxed);
    atomic_store(&channel->request_sequence, port->sent);
    port->wake_owed = true;
}

void port_wake(struct channel_port *port)
{
    bool owed = port->wake_owed;

    port->wake_owed = false;
    if (owed && atomic_load(&port->channel->guest_waits) != 0)
        syscall(SYS_futex, &port->channel->request_sequence, FUTEX_WAKE, 1, NULL, NULL, 0);
}

bool port_withdraw(struct channel_port *port)
{
    uint32_t number = port->sent;

    while (number != port->done && (port->withdrawn & 1u << number % CHANNEL_SLOTS))
        number--;
    if (number == port->done)
        return false;
    uint32_t place = number % CHANNEL_SLOTS;
    uint32_t ready = CHANNEL_READY;
    if (!atomic_compare_exchange_strong(&port->channel->slots[port->slot[place]].state, &ready,
                                        CHANNEL_FREE))
        return false;
    port->withdrawn |= 1u << place;
    return true;
}

bool port_begun(const struct channel_port *port)
{
    uint32_t slot = port->slot[(port->done + 1) % CHANNEL_SLOTS];

    return atomic_load_explicit(&port->channel->slots[slot].state, memory_order_relaxed) ==
           CHANNEL_TAKEN;
}

uint32_t port_flags(const struct channel_port *port)
{
    uint32_t slot = port->slot[(port->done + 1) % CHANNEL_SLOTS];
    const volatile struct channel_response *shared = &port->channel->slots[slot].response;

    return shared->flags;
}

int port_response(struct channel_port *port, uint32_t *ret_slot)
{
    /* Acquire: pairs with the guest's store after it has written the response. */
    uint32_t said = atomic_load_explicit(&port->channel->response_sequence, memory_order_acquire);

    if (said - port->done > port->sent - port->done)
        return -EBADMSG;
    while (said != port->done) {
        uint32_t place = (port->done + 1) % CHANNEL_SLOTS;
        *ret_slot = port->slot[place];
        if (!(port->withdrawn & 1u << place))
            return 1;
        port_pass(port);
    }
    return 0;
}

void port_pass(struct channel_port *port)
{
    port->used &= ~(1u << port->slot[++port->done % CHANNEL_SLOTS]);
}

bool port_wait_begin(struct channel_port *port)
{
    return channel_wait_begin(&port->channel->host_waits, &port->channel->response_sequence,
                              port->done);
}

/* ---- responses ---- */

/* Why there is no answer, as the guest says it: printable. `bytes` is checked. */
static void message_copy(struct channel *channel, uint32_t slot, uint32_t bytes,
                         char message[static CHANNEL_MESSAGE_BYTES + 1])
{
    memcpy(message, channel_response_text(channel, slot, bytes, 0), bytes);
    message[bytes] = '\0';
    for (char *c = message; *c; c++)
        if (*c < 0x20 || *c >= 0x7f)
            *c = '?';
}

int response_check(struct channel *channel, uint32_t slot, uint32_t answer_max,
                   struct response *ret_response, struct err *err)
{
    /* Through volatile: each number is read once, whatever the compiler would rather do. */
    const volatile struct channel_response *shared = &channel->slots[slot].response;
    struct response response = {
        .slot = slot,
        .outcome = shared->outcome,
        .flags = shared->flags,
        .status = shared->status,
        .code = shared->code,
        .head_bytes = shared->head_bytes,
        .body_bytes = shared->body_bytes,
        .header_count = shared->header_count,
        .log_end = shared->log_end,
        .length = shared->length,
    };

    if (response.outcome > CHANNEL_ERROR)
        return err_say(err, -EBADMSG, "outcome %u is unknown", response.outcome);
    if (response.outcome != CHANNEL_ANSWERED) {
        if (response.head_bytes > CHANNEL_MESSAGE_BYTES)
            return err_say(err, -EBADMSG, "a message of %u bytes is too long", response.head_bytes);
        message_copy(channel, slot, response.head_bytes, response.message);
        response.head_bytes = response.body_bytes = response.header_count = 0;
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
    if (response.flags & CHANNEL_LENGTH && (response.body_bytes > 0 || response.length > INT64_MAX))
        return err_say(err, -EBADMSG, "an answer with a body has a length besides, or none has it");
    *ret_response = response;
    return 0;
}

void response_copy(struct channel *channel, const struct response *response, void *ret_text)
{
    memcpy(
        ret_text,
        channel_response_text(channel, response->slot, response->head_bytes, response->body_bytes),
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

size_t channel_log_take(struct channel *channel, uint64_t *read, uint32_t most, char *ret_text,
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

    if (written - from > most)
        written = from + most;
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
