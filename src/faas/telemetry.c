/* Messages between the gateways: their check. */
#include <errno.h>
#include <string.h>

#include "faas/telemetry.h"

static bool name_is_proper(const char name[NAME_MAX_BYTES + 1])
{
    size_t bytes = strnlen(name, NAME_MAX_BYTES + 1);

    return bytes > 0 && bytes <= NAME_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == bytes;
}

/* Either is empty when there is none. */
static bool names_are_proper(const char request_id[REQUEST_ID_TEXT], const char trace[TRACE_TEXT])
{
    if (!memchr(request_id, 0, REQUEST_ID_TEXT) || !memchr(trace, 0, TRACE_TEXT))
        return false;
    return (request_id[0] == '\0' || request_id_is_valid(request_id)) &&
           (trace[0] == '\0' || trace_is_valid(trace));
}

static int call_check(const struct telemetry_call *call, size_t bytes)
{
    if (bytes != sizeof *call || call->status < 100 || call->status > 599 ||
        call->cause >= PROBLEM_CAUSES || call->start >= METRICS_STARTS ||
        (call->function[0] != '\0' && !name_is_proper(call->function)) ||
        !names_are_proper(call->request_id, call->trace))
        return -EBADMSG;
    return 0;
}

static int log_check(const struct telemetry_log *log, size_t bytes)
{
    if (bytes < TELEMETRY_LOG_HEAD || log->bytes > TELEMETRY_TEXT_BYTES ||
        bytes != TELEMETRY_LOG_HEAD + log->bytes || !name_is_proper(log->function) ||
        !names_are_proper(log->request_id, log->trace))
        return -EBADMSG;
    return 0;
}

int telemetry_check(const void *message, size_t bytes, bool from_calls)
{
    uint32_t type;

    if (bytes < sizeof type)
        return -EBADMSG;
    memcpy(&type, message, sizeof type);
    if (!from_calls)
        return type == TELEMETRY_PULL && bytes == sizeof(struct telemetry_pull) ? 0 : -EBADMSG;
    switch (type) {
    case TELEMETRY_LOG:
        return log_check(message, bytes);
    case TELEMETRY_FUNCTION:
        if (bytes != sizeof(struct telemetry_function) ||
            !name_is_proper(((const struct telemetry_function *)message)->metrics.name))
            return -EBADMSG;
        return 0;
    case TELEMETRY_CALL:
        return call_check(message, bytes);
    case TELEMETRY_END:
        return bytes == sizeof(struct telemetry_end) ? 0 : -EBADMSG;
    default:
        return -EBADMSG;
    }
}

size_t telemetry_piece(const char *text, size_t bytes)
{
    if (bytes <= TELEMETRY_TEXT_BYTES)
        return bytes;
    const char *end = memrchr(text, '\n', TELEMETRY_TEXT_BYTES);
    return end ? (size_t)(end - text) + 1 : TELEMETRY_TEXT_BYTES;
}
