/*
 * What the two gateways say to each other over descriptor 4 (SOCK_SEQPACKET): the functions'
 * output, as it is read out of the channels, and counters, when /metrics asks for them. Nothing
 * here decides anything: each side checks what it gets and at worst shows wrong numbers. No message
 * carries a descriptor; one that does is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "faas/metrics.h"
#include "faas/trace.h"

enum telemetry_type {
    /* calls to admin */
    TELEMETRY_LOG = 1,
    TELEMETRY_FUNCTION, /* counters of one function, answer to a pull */
    TELEMETRY_END,      /* counters of the gateway; the pull is answered */
    TELEMETRY_CALL,     /* a call is over: for the log, when that is wanted */
    /* admin to calls */
    TELEMETRY_PULL,
};

#define TELEMETRY_TEXT_BYTES (16u << 10)

struct telemetry_log {
    uint32_t type;    /* TELEMETRY_LOG */
    uint32_t bytes;   /* of text; the message ends behind them */
    uint64_t pvm_id;  /* of the instance */
    uint64_t time_ms; /* since 1970 */
    uint64_t dropped; /* bytes that were lost before these */
    uint32_t ours;    /* the gateway says it: why the call or the instance failed */
    char function[NAME_MAX_BYTES + 1];
    /* Of the call that runs; "" when none does. */
    char request_id[REQUEST_ID_TEXT];
    char trace[TRACE_TEXT];
    char text[TELEMETRY_TEXT_BYTES];
};
#define TELEMETRY_LOG_HEAD offsetof(struct telemetry_log, text)

struct telemetry_function {
    uint32_t type; /* TELEMETRY_FUNCTION */
    uint32_t reserved;
    uint64_t token; /* of the pull */
    struct metrics_function metrics;
};

struct telemetry_end {
    uint32_t type; /* TELEMETRY_END */
    uint32_t reserved;
    uint64_t token;
    struct gateway_counters counters;
};

struct telemetry_call {
    uint32_t type;   /* TELEMETRY_CALL */
    uint32_t status; /* HTTP */
    uint32_t cause;  /* enum problem_cause */
    uint32_t start;  /* enum metrics_start */
    uint64_t pvm_id; /* 0: no instance had it */
    uint64_t time_ms, duration_us;
    uint64_t cpu_ms;                   /* rounded up; 0: no instance had it */
    uint64_t memory_bytes;             /* 0: not known for this call alone */
    char function[NAME_MAX_BYTES + 1]; /* "": none */
    char request_id[REQUEST_ID_TEXT];
    char trace[TRACE_TEXT];
};

struct telemetry_pull {
    uint32_t type; /* TELEMETRY_PULL */
    uint32_t reserved;
    uint64_t token;
};

/*
 * Checks one message from the other gateway: exact size for its type, a proper and terminated
 * function name. 0, or -EBADMSG. `from_calls`: what the calls gateway may send, else what admin
 * may.
 */
int telemetry_check(const void *message, size_t bytes, bool from_calls);

/*
 * How much of `text` the next piece takes: all of it, or up to the last end of line that fits, so
 * that a line is cut only when it is longer than a piece.
 */
size_t telemetry_piece(const char *text, size_t bytes);
