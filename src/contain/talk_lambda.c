/*
 * The AWS Lambda Runtime API (version 2018-06-01): the program asks for the next call and posts
 * what came of it, over HTTP to $AWS_LAMBDA_RUNTIME_API; so custom runtimes (`bootstrap`) work as
 * they are. Served by libmicrohttpd in the keeper, on 127.0.0.1 of the container's own network.
 *
 * What is asked for while there is no call waits (its connection is suspended) until there is one.
 */
#include <errno.h>
#include <json-c/json.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "contain/lambda_offer.h"
#include "contain/lambda_stream.h"
#include "contain/talk.h"

#define PREFIX "/2018-06-01/runtime/"
#define INVOCATION PREFIX "invocation/"
#define ERROR_BYTES (64u << 10)
/* Of a connection on which nothing comes or goes; one that asked for a call may wait for ever. */
#define CONNECTION_SECONDS 60u

enum phase {
    IDLE,     /* no call */
    OFFERED,  /* a call waits to be asked for */
    WORKING,  /* it was given */
    ANSWERED, /* response or error came */
};

struct request;

struct lambda {
    struct MHD_Daemon *daemon;
    struct MHD_Connection *asking; /* suspended: it wants the next call */
    struct request *asker;         /* its request */
    struct keeper *keeper;
    struct request *answering; /* whose body is the answer; NULL: none has begun */
    enum phase phase;
    uint32_t given;                  /* how often a call was */
    struct MHD_Connection *given_on; /* open still: who has the call asked by it; else NULL */
    bool asked_again;                /* the next call, though this was not answered */
    char id[LAMBDA_ID_BYTES];
    bool too_large;   /* the answer passed its limit */
    bool failed;      /* by an error; its text: */
    bool init_failed; /* before any call */
    char error[CHANNEL_MESSAGE_BYTES + 1];
};

/* One request of the program. */
struct request {
    char *body; /* of an error: bounded */
    size_t body_bytes;
    bool too_large;
    bool superseded;             /* another began to answer the same call after it, or asks */
    uint32_t given;              /* it asked, and has the call that was given as this one */
    uint64_t received, promised; /* of its body, by Content-Length; 0: it was not said */
};

/* ---- what is answered ---- */

/*
 * Who errs has its connection closed. (libmicrohttpd does not see the end of a client that ended
 * together with its request, until the connection's time is over: there would soon be too many.)
 */
static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "application/json");
    if (status >= MHD_HTTP_BAD_REQUEST)
        MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result r = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return r;
}

static enum MHD_Result reply_error(struct MHD_Connection *connection, unsigned status,
                                   const char *type, const char *message)
{
    char text[256];

    snprintf(text, sizeof text, "{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}", message, type);
    return reply(connection, status, text);
}

static enum MHD_Result accepted(struct MHD_Connection *connection)
{
    return reply(connection, MHD_HTTP_ACCEPTED, "{\"status\":\"OK\"}");
}

/* What its client's socket has to say, which libmicrohttpd does not look at while it waits: 0 for
 * an end, 1 for more, -errno. */
static int peek(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    char next;

    if (!info)
        return -ENOTCONN;
    ssize_t n = recv(info->connect_fd, &next, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 ? -errno : (int)n;
}

/* The call, to whoever asked. */
static enum MHD_Result give_call(struct lambda *lambda, struct MHD_Connection *connection,
                                 struct request *request)
{
    struct MHD_Response *response =
        lambda_offer(lambda->keeper->contain, &lambda->keeper->call, lambda->id);

    if (!response)
        return MHD_NO;
    enum MHD_Result r = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    if (r == MHD_YES) {
        lambda->phase = WORKING;
        lambda->asked_again = false;
        lambda->given_on = connection;
        request->given = ++lambda->given;
    }
    return r;
}

static void fail(struct lambda *lambda, const char *text)
{
    lambda->failed = true;
    snprintf(lambda->error, sizeof lambda->error, "%s", text);
}

/* ---- what is asked ---- */

/*
 * Whether nobody works at the call any more: a runtime process took it and died, and one that was
 * started in its place asks. Who took it keeps its connection, or is told once that it has not
 * answered yet, and may; a second time, without that connection and while no answer is on its way,
 * there is nobody to wait for until the deadline.
 */
static bool is_abandoned(struct lambda *lambda)
{
    int left = lambda->given_on ? peek(lambda->given_on) : 0;

    if ((left > 0 || left == -EAGAIN) || lambda->answering)
        return false;
    bool again = lambda->asked_again;
    lambda->asked_again = true;
    return again;
}

static enum MHD_Result take_next(struct lambda *lambda, struct MHD_Connection *connection,
                                 struct request *request)
{
    if (request->superseded)
        return reply_error(connection, MHD_HTTP_FORBIDDEN, "InvalidStateTransition",
                           "another asks for the next call");
    if (lambda->phase == OFFERED)
        return give_call(lambda, connection, request);
    /* Who asked may have gone, and what asks now be in its place. */
    int left = lambda->asking ? peek(lambda->asking) : -EAGAIN;
    if (left <= 0 && left != -EAGAIN) {
        lambda->asker->superseded = true;
        MHD_resume_connection(lambda->asking);
        lambda->asking = NULL;
    }
    if (lambda->asking)
        return reply_error(connection, MHD_HTTP_FORBIDDEN, "InvalidStateTransition",
                           "the next call is asked for already");
    if (lambda->phase == WORKING && !is_abandoned(lambda))
        return reply_error(connection, MHD_HTTP_FORBIDDEN, "InvalidStateTransition",
                           "the last call has no response yet");
    if (lambda->phase == WORKING) {
        fail(lambda, "Runtime.ExitError: its runtime took the call, and asks for another instead "
                     "of answering");
        lambda->phase = ANSWERED;
    }
    lambda->asking = connection;
    lambda->asker = request;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

/* "{"errorMessage": …, "errorType": …}" as one line; the type may be in a header alone. */
static void take_error(struct lambda *lambda, struct MHD_Connection *connection,
                       const struct request *request, const char *fallback)
{
    struct json_object *object = request->body ? json_tokener_parse(request->body) : NULL,
                       *type = NULL, *message = NULL;
    const char *type_text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                        "Lambda-Runtime-Function-Error-Type");

    if (json_object_is_type(object, json_type_object)) {
        json_object_object_get_ex(object, "errorType", &type);
        json_object_object_get_ex(object, "errorMessage", &message);
    }
    if (type)
        type_text = json_object_get_string(type);
    snprintf(lambda->error, sizeof lambda->error, "%.60s%s%.180s", type_text ? type_text : "",
             type_text ? ": " : "", message ? json_object_get_string(message) : fallback);
    for (char *at = lambda->error; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    json_object_put(object);
}

/* Whether "ID/…" is the call that it works at. */
static bool is_its_call(const struct lambda *lambda, const char *rest)
{
    size_t id_bytes = strcspn(rest, "/");

    return lambda->phase == WORKING && id_bytes == strlen(lambda->id) &&
           memcmp(rest, lambda->id, id_bytes) == 0;
}

/* The answer is the last that was begun: a client that broke off tries again, and the end of the
 * first may not have been seen. */
static void begin_answer(struct lambda *lambda, struct request *request)
{
    if (lambda->answering == request)
        return;
    if (lambda->answering)
        lambda->answering->superseded = true;
    lambda->answering = request;
    lambda->keeper->call.answer_bytes = 0;
}

/* What the runtime says of its answer, if it means it: curl calls all a form. */
static void take_type(struct lambda *lambda, struct MHD_Connection *connection)
{
    const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");

    if (type && strcasecmp(type, LAMBDA_INTEGRATION) == 0) {
        if (lambda_integration(&lambda->keeper->call) < 0)
            fail(lambda, "the response does not begin with a proper prelude");
        return;
    }
    if (!type || strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0)
        type = "application/json";
    call_response_header(&lambda->keeper->call, "Content-Type", 12, type, strlen(type));
}

/* invocation/ID/response or invocation/ID/error, whole. */
static enum MHD_Result take_result(struct lambda *lambda, struct MHD_Connection *connection,
                                   struct request *request, const char *rest)
{
    const char *what = rest + strcspn(rest, "/");
    bool is_response = strcmp(what, "/response") == 0;

    if (!is_response && strcmp(what, "/error") != 0)
        return reply_error(connection, MHD_HTTP_NOT_FOUND, "NotFound", "there is no such path");
    if (!is_its_call(lambda, rest))
        return reply_error(connection, MHD_HTTP_BAD_REQUEST, "InvalidRequestID",
                           "there is no such call");
    if (request->superseded)
        return reply_error(connection, MHD_HTTP_BAD_REQUEST, "InvalidRequestID",
                           "the call has another response");
    begin_answer(lambda, request);
    lambda->answering = NULL;
    lambda->failed = !is_response;
    if (lambda->failed)
        take_error(lambda, connection, request, "it said no more");
    else if (lambda_trailer_error(connection, lambda->error, sizeof lambda->error))
        lambda->failed = true;
    else
        take_type(lambda, connection);
    lambda->phase = ANSWERED;
    lambda->too_large = is_response && request->too_large;
    if (lambda->too_large)
        return reply_error(connection, MHD_HTTP_CONTENT_TOO_LARGE, "RequestEntityTooLarge",
                           "the answer passes its limit");
    return accepted(connection);
}

static enum MHD_Result whole_request(struct lambda *lambda, struct MHD_Connection *connection,
                                     const char *method, const char *path, struct request *request)
{
    bool post = strcmp(method, "POST") == 0;

    if (!post && strcmp(path, PREFIX "invocation/next") == 0)
        return take_next(lambda, connection, request);
    if (post && strcmp(path, PREFIX "init/error") == 0) {
        take_error(lambda, connection, request, "its start failed");
        lambda->init_failed = true;
        return accepted(connection);
    }
    if (post && strncmp(path, INVOCATION, strlen(INVOCATION)) == 0)
        return take_result(lambda, connection, request, path + strlen(INVOCATION));
    return reply_error(connection, MHD_HTTP_NOT_FOUND, "NotFound", "there is no such path");
}

/* An answer's body goes where it belongs at once, one answer's alone; of an error some is kept. */
static void take_piece(struct lambda *lambda, struct request *request, const char *path,
                       const char *data, size_t bytes)
{
    size_t length = strlen(path), end = strlen("/response");
    bool answer = length > end && strcmp(path + length - end, "/response") == 0;

    if (answer && strncmp(path, INVOCATION, strlen(INVOCATION)) == 0 &&
        is_its_call(lambda, path + strlen(INVOCATION))) {
        if (!request->superseded)
            begin_answer(lambda, request);
        if (lambda->answering == request && call_answer(&lambda->keeper->call, data, bytes) < 0)
            request->too_large = true;
        return;
    }
    if (answer || request->body_bytes + bytes >= ERROR_BYTES)
        return;
    char *grown = realloc(request->body, request->body_bytes + bytes + 1);
    if (!grown)
        return;
    memcpy(grown + request->body_bytes, data, bytes);
    request->body = grown;
    request->body_bytes += bytes;
    grown[request->body_bytes] = '\0';
}

static uint64_t content_length(struct MHD_Connection *connection)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");

    return text ? strtoull(text, NULL, 10) : 0;
}

/*
 * Its client has closed and the rest of its body can't come. libmicrohttpd does not see this where
 * the end came together with what it reads now, and would keep the connection.
 */
static bool is_cut(const struct request *request, struct MHD_Connection *connection)
{
    return request->received < request->promised && peek(connection) == 0;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_bytes, void **state)
{
    struct lambda *lambda = user;
    struct request *request = *state;

    (void)version;
    if (!request) {
        *state = request = calloc(1, sizeof *request);
        if (!request)
            return MHD_NO;
        request->promised = content_length(connection);
        return MHD_YES;
    }
    if (*data_bytes > 0) {
        take_piece(lambda, request, path, data, *data_bytes);
        request->received += *data_bytes;
        *data_bytes = 0;
        return is_cut(request, connection) ? MHD_NO : MHD_YES;
    }
    return whole_request(lambda, connection, method, path, request);
}

/* By a client that has not read all that was sent; recv(2) tells of its earlier end alone. */
static bool is_reset(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd fd = {.fd = info ? info->connect_fd : -1};

    return poll(&fd, 1, 0) > 0 && fd.revents & (POLLHUP | POLLERR);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct lambda *lambda = user;
    struct request *request = *state;

    if (lambda->asking == connection)
        lambda->asking = NULL;
    /* It had gone, and was told by the reset that came back: whoever asks next has the call. */
    if (request && request->given && request->given == lambda->given && lambda->phase == WORKING &&
        (code != MHD_REQUEST_TERMINATED_COMPLETED_OK || is_reset(connection)))
        lambda->phase = OFFERED;
    /* It broke off: another may answer, from the beginning. */
    if (request && lambda->answering == request) {
        lambda->answering = NULL;
        lambda->keeper->call.answer_bytes = 0;
    }
    if (request)
        free(request->body);
    free(request);
}

static void on_connection(void *user, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code)
{
    struct lambda *lambda = user;

    (void)state;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED && lambda->given_on == connection)
        lambda->given_on = NULL;
}

/* ---- a talk ---- */

static int lambda_open(struct keeper *keeper, struct err *err)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(TALK_LAMBDA_PORT),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct lambda *lambda = calloc(1, sizeof *lambda);

    if (!lambda)
        return err_set(err, -ENOMEM, "cannot serve the Runtime API");
    lambda->keeper = keeper;
    lambda->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, lambda,
        MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT, 16u,
        MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, lambda, MHD_OPTION_NOTIFY_CONNECTION, on_connection, lambda, MHD_OPTION_END);
    keeper->talk_data = lambda;
    if (!lambda->daemon)
        return err_say(err, -EIO, "cannot serve the Runtime API");
    keeper->talk_fd = MHD_get_daemon_info(lambda->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return 0;
}

/* Runs the server until the wanted phase, or until nothing can come any more. */
static bool run_until(struct lambda *lambda, bool (*done)(const struct lambda *lambda))
{
    for (;;) {
        MHD_run(lambda->daemon);
        if (done(lambda))
            return true;
        if (lambda->keeper->ended || lambda->init_failed)
            return false;
        MHD_UNSIGNED_LONG_LONG timeout;
        int wait_ms = -1;
        if (MHD_get_timeout(lambda->daemon, &timeout) == MHD_YES)
            wait_ms = timeout > 1000 ? 1000 : (int)timeout;
        struct pollfd fd = {.fd = lambda->keeper->talk_fd, .events = POLLIN};
        if (keeper_wait(lambda->keeper, &fd, 1, wait_ms) < 0)
            return false;
    }
}

static bool is_asking(const struct lambda *lambda)
{
    return lambda->asking != NULL;
}

static bool is_answered(const struct lambda *lambda)
{
    return lambda->phase == ANSWERED;
}

static void cannot(struct lambda *lambda, struct verdict *verdict)
{
    verdict->last = true;
    if (lambda->init_failed) {
        verdict->outcome = CHANNEL_BROKEN;
        snprintf(verdict->message, sizeof verdict->message, "%s", lambda->error);
        return;
    }
    keeper_gone(lambda->keeper, verdict);
    if (verdict->outcome == CHANNEL_EXITED && verdict->code != 0)
        return;
    verdict->outcome = CHANNEL_BROKEN;
    snprintf(verdict->message, sizeof verdict->message, "it ended without an answer");
}

static int lambda_ready(struct keeper *keeper, struct verdict *verdict)
{
    struct lambda *lambda = keeper->talk_data;

    if (run_until(lambda, is_asking))
        return 0;
    cannot(lambda, verdict);
    return -ESRCH;
}

static void lambda_serve(struct keeper *keeper, struct verdict *verdict)
{
    struct lambda *lambda = keeper->talk_data;

    lambda->phase = OFFERED;
    lambda->failed = lambda->too_large = false;
    lambda->answering = NULL;
    if (lambda->asking) {
        struct MHD_Connection *connection = lambda->asking;
        lambda->asking = NULL;
        MHD_resume_connection(connection);
    }
    if (!run_until(lambda, is_answered)) {
        cannot(lambda, verdict);
        return;
    }
    lambda->phase = IDLE;
    lambda->id[0] = '\0';
    /* The program's next request waits for the answer to this one, which is on its way. */
    MHD_run(lambda->daemon);
    if (lambda->failed && !lambda->too_large) {
        verdict->outcome = CHANNEL_ERROR;
        snprintf(verdict->message, sizeof verdict->message, "%s", lambda->error);
    } else if (lambda->too_large) {
        verdict->outcome = CHANNEL_TOO_LARGE;
    }
}

static void lambda_idle(struct keeper *keeper)
{
    MHD_run(((struct lambda *)keeper->talk_data)->daemon);
}

static const char *const env[] = {"AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001", NULL};
_Static_assert(TALK_LAMBDA_PORT == 9001, "$AWS_LAMBDA_RUNTIME_API says so");

const struct talk talk_lambda = {
    .name = "lambda",
    .library = "libmicrohttpd.so.12",
    .env = env,
    .directory = "/var/task",
    .usual = lambda_variables,
    .open = lambda_open,
    .ready = lambda_ready,
    .idle = lambda_idle,
    .serve = lambda_serve,
};
