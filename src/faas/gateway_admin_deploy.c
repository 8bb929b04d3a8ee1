/* POST /system/functions and /system/functions/NAME/update: the source goes into a sealed memory
 * file, progress comes back. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "faas/admin_query.h"
#include "faas/gateway_admin.h"

/* Deploys at once: six are built, the others wait for them. Fewer than the supervisor takes jobs,
 * so that what is quick finds room. And what their sources take of memory. */
#define UPLOADS_MAX 48
#define UPLOADS_MAX_BYTES (4 * SOURCE_MAX_BYTES)

void admin_deploy_over(struct admin_call *call)
{
    if (!call->counted)
        return;
    call->counted = false;
    call->admin->uploads--;
    call->admin->upload_bytes -= call->source_bytes;
}

void admin_deploy_begin(struct admin_call *call)
{
    struct err err = {0};

    if (call->request->body_bytes > SOURCE_MAX_BYTES) {
        admin_problem(call, PROBLEM_REQUEST_TOO_LARGE, "the packed source is longer than 64 MiB");
        return;
    }
    if (call->admin->uploads == UPLOADS_MAX) {
        admin_problem(call, PROBLEM_BUSY, "other deploys are running; try again");
        return;
    }
    call->deploy = calloc(1, sizeof *call->deploy);
    if (!call->deploy) {
        admin_problem(call, PROBLEM_INTERNAL, "there is no memory for the source");
        return;
    }
    call->deploy->type = call->name[0] ? ADMIN_UPDATE : ADMIN_DEPLOY;
    strcpy(call->deploy->name, call->name);
    if (admin_query_deploy(call->request->query, call->deploy, &err) < 0) {
        admin_problem(call, PROBLEM_BAD_REQUEST, err.message);
        return;
    }
    call->source_fd = memfd_create("vireo-source", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (call->source_fd < 0) {
        admin_problem(call, PROBLEM_INTERNAL, "there is no memory for the source");
        return;
    }
    call->counted = true;
    call->admin->uploads++;
}

void admin_deploy_body(struct admin_call *call, const void *data, size_t bytes)
{
    if (bytes > SOURCE_MAX_BYTES - call->source_bytes) {
        admin_problem(call, PROBLEM_REQUEST_TOO_LARGE, "the packed source is longer than 64 MiB");
    } else if (bytes > UPLOADS_MAX_BYTES - call->admin->upload_bytes) {
        admin_problem(call, PROBLEM_BUSY, "other deploys are running; try again");
    } else if (fd_write_full(call->source_fd, data, bytes) < 0) {
        admin_problem(call, PROBLEM_INTERNAL, "there is no memory for the source");
    } else {
        call->source_bytes += bytes;
        call->admin->upload_bytes += bytes;
        return;
    }
    closep(&call->source_fd);
    call->source_fd = -1;
}

/* The client wants to see stages as they come. */
static bool wants_lines(const struct admin_call *call)
{
    const char *accept = http_header(call->request, "accept");

    return accept && strcasestr(accept, "application/x-ndjson");
}

void admin_deploy_complete(struct admin_call *call)
{
    static const struct http_header headers[] = {{"Content-Type", "application/x-ndjson"}};

    if (call->source_bytes == 0) {
        admin_problem(call, PROBLEM_BAD_REQUEST, "the body is empty: it is a tar of the source");
        return;
    }
    if (fcntl(call->source_fd, F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        admin_problem(call, PROBLEM_INTERNAL, "the source can't be sealed");
        return;
    }
    admin_ask(call, call->deploy, steal_fd(&call->source_fd));
    if (!call->replied && wants_lines(call)) {
        call->replied = call->streaming = true;
        http_reply_stream(call->request, 200, headers, 1, admin_stream_read);
    }
}

static void object_put(json_object **object)
{
    json_object_put(*object);
}

void admin_deploy_progress(struct admin_call *call, const char *stage)
{
    if (!call->streaming)
        return;
    _cleanup_(object_put) json_object *line = json_object_new_object();
    json_object *word = json_object_new_string(stage);
    if (!line || !word || json_object_object_add(line, "stage", word) < 0) {
        json_object_put(word);
        return;
    }
    const char *text = json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN);
    if (!text)
        return;
    text_bytes(&call->stream, text, strlen(text));
    text_bytes(&call->stream, "\n", 1);
    http_stream_wake(call->request);
}

/*
 * The function's JSON as one line: the supervisor's is passed on as it is but for its ends of line,
 * which JSON has between its words only.
 */
static void function_line(struct text *stream, char *json)
{
    for (char *c = json; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    text_add(stream, "{\"function\":");
    text_bytes(stream, json, strlen(json));
    text_add(stream, "}\n");
}

void admin_deploy_answered(struct admin_call *call, const struct admin_reply *reply, char *json)
{
    _cleanup_(freep) char *owned = json;
    enum problem_cause cause = problem_from_errno(reply->error);
    /* Of a failed deploy the body is what the compiler said, more than fits one line. */
    const char *detail = reply->error && json ? json : reply->message;

    admin_deploy_over(call);
    if (!call->streaming) {
        if (reply->error) {
            admin_problem(call, cause, detail);
        } else {
            if (!owned)
                owned = strdup("{}\n");
            size_t bytes = owned ? strlen(owned) : 0;
            if (owned)
                admin_reply_json(call, steal_ptr(&owned), bytes);
            else
                admin_problem(call, PROBLEM_INTERNAL, "there is no memory for the answer");
        }
        return;
    }
    if (reply->error) {
        char problem[PROBLEM_JSON_MAX];
        size_t bytes = problem_json(cause, detail, problem);
        text_add(&call->stream, "{\"problem\":");
        text_bytes(&call->stream, problem, bytes - 1); /* without its end of line */
        text_add(&call->stream, "}\n");
    } else {
        function_line(&call->stream, owned ? owned : (char[]){"{}"});
    }
    call->stream_over = true;
    http_stream_wake(call->request);
}
