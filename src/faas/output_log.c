/* What functions say, and their calls, in the daemon's log. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "faas/output_log.h"

/* Fields of a message, one after another; empty texts are left out. */
struct fields {
    struct log_field list[LOG_FIELDS_MAX];
    size_t count;
    char trace_id[33], span_id[17];
};

static void add_text(struct fields *fields, const char *name, const char *text)
{
    if (text[0])
        fields->list[fields->count++] = (struct log_field){.name = name, .text = text};
}

static void add_number(struct fields *fields, const char *name, uint64_t number)
{
    fields->list[fields->count++] = (struct log_field){.name = name, .number = number};
}

/* "00-TRACE-PARENT-FLAGS" */
static void add_request(struct fields *fields, const char *request_id, const char *trace)
{
    add_text(fields, "request_id", request_id);
    if (!trace[0])
        return;
    snprintf(fields->trace_id, sizeof fields->trace_id, "%.32s", trace + 3);
    snprintf(fields->span_id, sizeof fields->span_id, "%.16s", trace + 36);
    add_text(fields, "trace_id", fields->trace_id);
    add_text(fields, "span_id", fields->span_id);
}

void output_log(const struct telemetry_log *log)
{
    struct fields fields = {0};
    const char *text = log->text;
    size_t left = log->bytes;

    if (log_format() == LOG_TEXT)
        return;
    add_text(&fields, "function", log->function);
    add_number(&fields, "instance", log->pvm_id);
    add_request(&fields, log->request_id, log->trace);
    if (log->dropped > 0) {
        char line[80];
        int n =
            snprintf(line, sizeof line, "%" PRIu64 " bytes of output were dropped", log->dropped);
        log_record(LOG_WARNING, log->time_ms, fields.list, fields.count, line, (size_t)n);
    }
    while (left > 0) {
        const char *end = memchr(text, '\n', left);
        size_t length = end ? (size_t)(end - text) : left;
        size_t shown = length > 0 && text[length - 1] == '\r' ? length - 1 : length;
        log_record(log->ours ? LOG_ERROR : LOG_INFO, log->time_ms, fields.list, fields.count, text,
                   shown);
        length += end ? 1 : 0;
        text += length;
        left -= length;
    }
}

void output_log_call(const struct telemetry_call *call)
{
    static const char message[] = "call";
    struct fields fields = {0};

    add_text(&fields, "function", call->function);
    add_request(&fields, call->request_id, call->trace);
    add_number(&fields, "status", call->status);
    if (call->cause)
        add_text(&fields, "cause", problem_word((enum problem_cause)call->cause));
    if (call->cpu_ms) {
        add_number(&fields, "instance", call->pvm_id);
        add_text(&fields, "start", metrics_start_words[call->start]);
        add_number(&fields, "duration_us", call->duration_us);
        add_number(&fields, "duration_ms",
                   call->duration_us == 0
                       ? 1
                       : call->duration_us / 1000 + (call->duration_us % 1000 != 0));
        add_number(&fields, "cpu_ms", call->cpu_ms);
    }
    if (call->memory_bytes)
        add_number(&fields, "memory_bytes", call->memory_bytes);
    log_record(LOG_INFO, call->time_ms, fields.list, fields.count, message, sizeof message - 1);
}
