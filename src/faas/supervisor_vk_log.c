/*
 * The kernel logs of pVMs: what the kernel did to each, of which a pVM itself can't read or say
 * anything. Told from how its process ended and from its group's counters, never from a text. A
 * function's lines are kept for itself, so no other's can push them out.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "faas/supervisor.h"
#include "guest/template.h"

#define LINES 32

struct vk_log {
    uint64_t next; /* number of the line to come */
    struct line {
        uint64_t pvm, time_us;
        char text[96];
    } lines[LINES];
};

/* What the kernel did; false: it ended by itself, or by somebody's word. */
static bool say(const struct instance *instance, const struct gateway_ended *ended, char *text,
                size_t size)
{
    const int status = ended->status;

    switch (ended->end) {
    case GATEWAY_END_SYSCALL:
        snprintf(text, size, "seccomp: killed by a system call that its table ends it for");
        return true;
    case GATEWAY_END_MEMORY:
        snprintf(text, size, "out of memory: killed at its group's limit");
        return true;
    case GATEWAY_END_PIDS:
        snprintf(text, size, "pids: fork refused at its group's limit");
        return true;
    default:
        break;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == GUEST_EXIT_TRAPPED)
        snprintf(text, size, "fault: its code trapped");
    else if (WIFSIGNALED(status) && !instance->stopped && !instance->killed)
        snprintf(text, size, "%s: signal %d", WTERMSIG(status) == SIGKILL ? "killed" : "fault",
                 WTERMSIG(status));
    else
        return false;
    return true;
}

void vk_log_ended(const struct instance *instance, const struct gateway_ended *ended)
{
    struct function *function = instance->slot ? instance->slot->function : NULL;
    char text[sizeof((struct line *)0)->text];

    if (!function || !say(instance, ended, text, sizeof text))
        return;
    if (!function->log)
        function->log = calloc(1, sizeof *function->log);
    if (!function->log)
        return;
    struct line *line = &function->log->lines[function->log->next++ % LINES];
    *line = (struct line){.pvm = instance->id, .time_us = (uint64_t)clock_now_ns() / 1000};
    memcpy(line->text, text, sizeof text);
}

/* As a container's line: `number` has a gap where older ones went. */
static void add_lines(struct json_object *array, const struct function *function, uint64_t pvm)
{
    const struct vk_log *log = function->log;
    char id[24];

    if (!log)
        return;
    for (uint64_t i = log->next > LINES ? log->next - LINES : 0; i < log->next; i++) {
        const struct line *line = &log->lines[i % LINES];
        if (pvm && line->pvm != pvm)
            continue;
        struct json_object *object = json_object_new_object();
        snprintf(id, sizeof id, "%" PRIu64, line->pvm);
        json_add_text(object, "id", id);
        json_add_text(object, "function", function->row.name);
        json_add_number(object, "number", i);
        json_add_number(object, "time_us", line->time_us);
        json_add_text(object, "from", "kernel");
        json_add_text(object, "text", line->text);
        json_object_array_add(array, object);
    }
}

struct json_object *vk_log_json(struct supervisor *supervisor, const char *of)
{
    struct json_object *answer = json_object_new_object(), *lines = json_object_new_array();
    const uint64_t pvm = of[strspn(of, "0123456789")] ? 0 : strtoull(of, NULL, 10);
    const struct function *one = *of && !pvm ? function_find(supervisor, of) : NULL;
    struct instance *instance;
    bool known = !*of || one || instance_named(supervisor, of, &instance, NULL) == 0;

    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++)
        for (const struct function *function = supervisor->by_id[i]; function;
             function = function->next_id)
            if (!*of || pvm || function == one)
                add_lines(lines, function, pvm);
    known = known || json_object_array_length(lines) > 0;
    json_object_object_add(answer, "known", json_object_new_boolean(known));
    json_object_object_add(answer, "lines", lines);
    return answer;
}
