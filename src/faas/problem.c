/* Problems as HTTP says them. */
#include <errno.h>
#include <stdio.h>

#include "faas/problem.h"

static const struct {
    const char *word;
    const char *title;
    unsigned status;
} problems[PROBLEM_CAUSES] = {
    [PROBLEM_NONE] = {"none", "OK", 200},
    [PROBLEM_BAD_REQUEST] = {"bad-request", "Bad Request", 400},
    [PROBLEM_UNAUTHORIZED] = {"unauthorized", "Unauthorized", 401},
    [PROBLEM_FORBIDDEN] = {"forbidden", "Forbidden", 403},
    [PROBLEM_NOT_FOUND] = {"not-found", "Not Found", 404},
    [PROBLEM_METHOD] = {"method", "Method Not Allowed", 405},
    [PROBLEM_SLOW] = {"slow", "Request Timeout", 408},
    [PROBLEM_CONFLICT] = {"conflict", "Conflict", 409},
    [PROBLEM_IN_USE] = {"in-use", "Conflict", 409},
    [PROBLEM_SERVER] = {"server", "Conflict", 409},
    [PROBLEM_NOT_ALLOWED] = {"not-allowed", "Forbidden", 403},
    [PROBLEM_REQUEST_TOO_LARGE] = {"request-too-large", "Content Too Large", 413},
    [PROBLEM_URI_TOO_LONG] = {"uri-too-long", "URI Too Long", 414},
    [PROBLEM_BUSY] = {"busy", "Too Many Requests", 429},
    [PROBLEM_HEAD_TOO_LARGE] = {"head-too-large", "Request Header Fields Too Large", 431},
    [PROBLEM_GONE] = {"gone", "Client Closed Request", 499},
    [PROBLEM_TRAP] = {"trap", "Bad Gateway", 502},
    [PROBLEM_EXIT] = {"exit", "Bad Gateway", 502},
    [PROBLEM_FAILED] = {"failed", "Bad Gateway", 502},
    [PROBLEM_CRASH] = {"crash", "Bad Gateway", 502},
    [PROBLEM_MEMORY] = {"memory", "Bad Gateway", 502},
    [PROBLEM_PIDS] = {"pids", "Bad Gateway", 502},
    [PROBLEM_SYSCALL] = {"syscall", "Bad Gateway", 502},
    [PROBLEM_ANSWER_TOO_LARGE] = {"answer-too-large", "Bad Gateway", 502},
    [PROBLEM_BAD_ANSWER] = {"bad-answer", "Bad Gateway", 502},
    [PROBLEM_START] = {"start", "Bad Gateway", 502},
    [PROBLEM_STOPPING] = {"stopping", "Service Unavailable", 503},
    [PROBLEM_TIMEOUT] = {"timeout", "Gateway Timeout", 504},
    [PROBLEM_NO_SPACE] = {"no-space", "Insufficient Storage", 507},
    [PROBLEM_LIMIT] = {"limit", "Unprocessable Content", 422},
    [PROBLEM_NOT_IMPLEMENTED] = {"not-implemented", "Not Implemented", 501},
    [PROBLEM_INTERNAL] = {"internal", "Internal Server Error", 500},
};

unsigned problem_status(enum problem_cause cause)
{
    return problems[cause].status;
}

const char *problem_word(enum problem_cause cause)
{
    return problems[cause].word;
}

enum problem_cause problem_from_errno(int error)
{
    switch (error < 0 ? -error : error) {
    case 0:
        return PROBLEM_NONE;
    case ENOENT:
        return PROBLEM_NOT_FOUND;
    case EINVAL:
    case ENOEXEC:
        return PROBLEM_BAD_REQUEST;
    case EPERM:
    case EACCES:
        return PROBLEM_FORBIDDEN;
    case EEXIST:
    case EBUSY:
        return PROBLEM_CONFLICT;
    case EADDRINUSE:
        return PROBLEM_IN_USE;
    case EADDRNOTAVAIL:
        return PROBLEM_BAD_REQUEST;
    case ENOSPC:
        return PROBLEM_NO_SPACE;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
        return PROBLEM_BUSY;
    case E2BIG:
    case EFBIG:
        return PROBLEM_REQUEST_TOO_LARGE;
    case ENOMEM:
    case ETIME:
        return PROBLEM_LIMIT;
    default:
        return PROBLEM_INTERNAL;
    }
}

/* Appends `text` as the inside of a JSON string; leaves `reserve` bytes at the end free. */
static size_t json_escape(char *json, size_t at, const char *text, size_t reserve)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (at + 6 + reserve > PROBLEM_JSON_MAX)
            break;
        if (*c == '"' || *c == '\\') {
            json[at++] = '\\';
            json[at++] = (char)*c;
        } else if (*c == '\n') {
            json[at++] = '\\';
            json[at++] = 'n';
        } else if (*c < 0x20 || *c >= 0x7f) {
            /* Bytes above 0x7f may be cut or broken UTF-8: each is shown as Latin-1. */
            at += (size_t)snprintf(json + at, PROBLEM_JSON_MAX - at, "\\u%04x", *c);
        } else {
            json[at++] = (char)*c;
        }
    }
    return at;
}

size_t problem_json(enum problem_cause cause, const char *detail, char ret_json[PROBLEM_JSON_MAX])
{
    size_t at = (size_t)snprintf(ret_json, PROBLEM_JSON_MAX,
                                 "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,"
                                 "\"detail\":\"",
                                 problems[cause].title, problems[cause].status);
    at = json_escape(ret_json, at, detail, 64);
    at += (size_t)snprintf(ret_json + at, PROBLEM_JSON_MAX - at, "\",\"cause\":\"%s\"}\n",
                           problems[cause].word);
    return at;
}
