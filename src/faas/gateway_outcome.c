/* Calls without an answer: the cause, and what their callers are told. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "faas/gateway_calls.h"

/* Memory limits as people write them. */
static void memory_text(char *text, size_t size, uint64_t bytes)
{
    if (bytes >= 1 << 20 && bytes % (1 << 20) == 0)
        snprintf(text, size, "memory limit %llu MiB reached", (unsigned long long)(bytes >> 20));
    else
        snprintf(text, size, "memory limit %llu KiB reached", (unsigned long long)(bytes >> 10));
}

enum problem_cause outcome_problem(const struct response *response,
                                   const struct gateway_function *facts, char *detail, size_t size)
{
    if ((response->flags & CHANNEL_MEMORY_REFUSED) && response->outcome != CHANNEL_TOO_LARGE &&
        response->outcome != CHANNEL_BROKEN && response->outcome != CHANNEL_IMPROPER) {
        memory_text(detail, size, facts->memory_bytes);
        return PROBLEM_MEMORY;
    }
    if ((response->flags & CHANNEL_PIDS_REFUSED) &&
        (response->outcome == CHANNEL_FAILED || response->outcome == CHANNEL_EXITED ||
         response->outcome == CHANNEL_TRAPPED)) {
        snprintf(detail, size, "pids limit %u reached", facts->pids);
        return PROBLEM_PIDS;
    }
    switch (response->outcome) {
    case CHANNEL_FAILED:
        snprintf(detail, size, "the handler returned %d", response->code);
        return PROBLEM_FAILED;
    case CHANNEL_EXITED:
        snprintf(detail, size, "exit status %d", response->code);
        return PROBLEM_EXIT;
    case CHANNEL_TRAPPED:
        snprintf(detail, size, "%s%s",
                 strncmp(response->message, "trap", 4) == 0 ? "" : "trap: ", response->message);
        return PROBLEM_TRAP;
    case CHANNEL_TOO_LARGE:
        snprintf(detail, size, "the answer is longer than %u bytes", facts->answer_bytes);
        return PROBLEM_ANSWER_TOO_LARGE;
    case CHANNEL_IMPROPER:
        snprintf(detail, size, "the answer is not proper: %s", response->message);
        return PROBLEM_BAD_ANSWER;
    case CHANNEL_ERROR:
        snprintf(detail, size, "the function failed: %s", response->message);
        return PROBLEM_FAILED;
    default:
        snprintf(detail, size, "the function could not be set up: %s", response->message);
        return PROBLEM_START;
    }
}

enum problem_cause end_problem(const struct gateway_ended *ended,
                               const struct gateway_function *facts, char *detail, size_t size)
{
    int status = ended->status;
    const char *signal_name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
    int message_bytes = (int)strnlen(ended->message, sizeof ended->message);

    switch (ended->end) {
    case GATEWAY_END_MEMORY:
        memory_text(detail, size, facts->memory_bytes);
        return PROBLEM_MEMORY;
    case GATEWAY_END_PIDS:
        snprintf(detail, size, "pids limit %u reached", facts->pids);
        return PROBLEM_PIDS;
    case GATEWAY_END_SYSCALL:
        snprintf(detail, size, "system call refused%s%.*s", message_bytes > 0 ? ": " : "",
                 message_bytes, ended->message);
        return PROBLEM_SYSCALL;
    case GATEWAY_END_NOT_STARTED:
        snprintf(detail, size, "cannot start an instance: %.*s", message_bytes, ended->message);
        return pool_start_cause(status);
    case GATEWAY_END_EXIT:
        snprintf(detail, size, "it ended without an answer, exit status %d",
                 WIFEXITED(status) ? WEXITSTATUS(status) : 0);
        return PROBLEM_EXIT;
    default:
        if (signal_name && message_bytes == 0)
            snprintf(detail, size, "crashed: signal %d (SIG%s)", WTERMSIG(status), signal_name);
        else
            snprintf(detail, size, "crashed: %.*s", message_bytes > 0 ? message_bytes : 16,
                     message_bytes > 0 ? ended->message : "it was ended");
        return PROBLEM_CRASH;
    }
}
