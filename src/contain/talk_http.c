/*
 * HTTP on $PORT: the program listens on 127.0.0.1 of the container's own network, in which there is
 * nobody but it and its keeper, and is called once a request. libcurl speaks to it, over one
 * connection that is kept.
 */
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "contain/talk.h"

/* How often a program that starts is asked whether it listens. */
#define KNOCK_FIRST_MS 1
#define KNOCK_LAST_MS 20
/* So long it is waited for the end of a program that listens no more. */
#define DYING_MS 1000

struct http {
    CURLM *multi;
    CURL *easy;
    bool listens;   /* it was seen to */
    bool too_large; /* the answer of this call */
    bool improper;
    bool bare; /* the answer has no body, but may say how long it would be */
    bool has_length;
    bool chunked;
    uint64_t length; /* what it says */
};

static int http_open(struct keeper *keeper, struct err *err)
{
    struct http *http = calloc(1, sizeof *http);

    if (http && curl_global_init(CURL_GLOBAL_NOTHING) == CURLE_OK) {
        http->multi = curl_multi_init();
        http->easy = curl_easy_init();
    }
    keeper->talk_data = http;
    return http && http->multi && http->easy
               ? 0
               : err_say(err, -ENOMEM, "cannot prepare the container: no memory for HTTP");
}

/* ---- does it listen? ---- */

static bool knock(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(TALK_HTTP_PORT),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    _cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

/* Until it does or has ended: how long that may take, the time limit of the call says. */
static int http_ready(struct keeper *keeper, struct verdict *verdict)
{
    struct http *http = keeper->talk_data;
    int wait_ms = KNOCK_FIRST_MS;

    while (!http->listens) {
        http->listens = knock();
        if (http->listens)
            break;
        if (keeper->ended) {
            keeper_gone(keeper, verdict);
            if (verdict->outcome == CHANNEL_EXITED && verdict->code == 0) {
                verdict->outcome = CHANNEL_BROKEN;
                snprintf(verdict->message, sizeof verdict->message,
                         "it ended before it listened on port %d", TALK_HTTP_PORT);
            }
            return -ESRCH;
        }
        if (keeper_wait(keeper, NULL, 0, wait_ms) < 0)
            return -EIO;
        wait_ms = wait_ms * 2 < KNOCK_LAST_MS ? wait_ms * 2 : KNOCK_LAST_MS;
    }
    return 0;
}

/* ---- one call ---- */

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    struct keeper *keeper = user;
    struct http *http = keeper->talk_data;

    if (call_answer(&keeper->call, data, size * count) < 0) {
        http->too_large = true;
        return 0;
    }
    return size * count;
}

/* A line of the answer's head; those before the last status line (100 Continue) are dropped. */
static size_t take_header(char *data, size_t size, size_t count, void *user)
{
    struct keeper *keeper = user;
    struct guest_call *call = &keeper->call;
    struct http *http = keeper->talk_data;
    size_t length = size * count;

    if (length >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        call->response_head_bytes = call->response_header_count = 0;
        http->has_length = http->chunked = false;
        http->bare = strcmp(call->method.data, "HEAD") == 0 ||
                     (length >= 12 && memcmp(data + 8, " 304", 4) == 0);
        return length;
    }
    while (length > 0 && (data[length - 1] == '\n' || data[length - 1] == '\r'))
        length--;
    const char *colon = memchr(data, ':', length);
    if (!colon)
        return size * count;
    size_t name_bytes = (size_t)(colon - data);
    const char *value = colon + 1;
    while (value < data + length && (*value == ' ' || *value == '\t'))
        value++;
    /* Hop-by-hop ones are refused there, and the length is the gateway's to say. */
    if (name_bytes == 14 && strncasecmp(data, "content-length", 14) == 0) {
        /* libcurl has seen that it is a number. */
        http->length = strtoull(value, NULL, 10);
        http->has_length = http->length <= INT64_MAX;
        return size * count;
    }
    if (name_bytes == 17 && strncasecmp(data, "transfer-encoding", 17) == 0)
        http->chunked = true;
    if (call_response_header(call, data, name_bytes, value, (size_t)(data + length - value)) ==
        -E2BIG) {
        http->improper = true;
        return 0;
    }
    return size * count;
}

static bool is_ours(const char *name)
{
    static const char *const names[] = {"connection", "content-length", "transfer-encoding",
                                        "expect",     "upgrade",        "keep-alive",
                                        "te",         "trailer",        "proxy-connection"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static int add_line(struct curl_slist **list, const char *name, const char *value)
{
    _cleanup_(freep) char *line = NULL;

    /* "NAME;" is how libcurl is told of a header without a value. */
    if (asprintf(&line, value[0] ? "%s: %s" : "%s;", name, value) < 0)
        return -ENOMEM;
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return -ENOMEM;
    *list = longer;
    return 0;
}

static int make_headers(const struct guest_call *call, struct curl_slist **ret_list)
{
    int r = add_line(ret_list, "X-Forwarded-For", call->remote.data);

    for (uint32_t i = 0; r == 0 && i < call->header_count; i++)
        if (!is_ours(call->header_names[i].data))
            r = add_line(ret_list, call->header_names[i].data, call->header_values[i].data);
    /* Said by nobody: libcurl shall not say it either. */
    static const char *const silent[] = {"Expect:", "Accept:", "User-Agent:", "Content-Type:"};
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(silent); i++) {
        bool said = false;
        for (uint32_t k = 0; k < call->header_count; k++)
            said = said ||
                   strncasecmp(silent[i], call->header_names[k].data, strlen(silent[i]) - 1) == 0;
        struct curl_slist *longer = said ? *ret_list : curl_slist_append(*ret_list, silent[i]);
        if (!longer)
            return -ENOMEM;
        *ret_list = longer;
    }
    return r;
}

static int set_up(struct keeper *keeper, const char *url, struct curl_slist *headers)
{
    struct http *http = keeper->talk_data;
    const struct guest_call *call = &keeper->call;
    CURL *easy = http->easy;
    bool head = strcmp(call->method.data, "HEAD") == 0;
    bool bare = call->body_bytes == 0 && (head || strcmp(call->method.data, "GET") == 0);
    CURLcode code = CURLE_OK;

    curl_easy_reset(easy);
#define SET(option, value) code = code == CURLE_OK ? curl_easy_setopt(easy, option, value) : code
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, keeper);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, keeper);
    if (head)
        SET(CURLOPT_NOBODY, 1L);
    if (!bare) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_bytes);
        SET(CURLOPT_POSTFIELDS, (const char *)call->body);
    }
    if (!head)
        SET(CURLOPT_CUSTOMREQUEST, call->method.data);
#undef SET
    return code == CURLE_OK ? 0 : -EINVAL;
}

/* Runs the transfer while the program's output is read and its end is seen. */
static CURLcode perform(struct keeper *keeper)
{
    struct http *http = keeper->talk_data;
    int running = 1, left;

    while (running && curl_multi_perform(http->multi, &running) == CURLM_OK && running) {
        struct curl_waitfd extra[] = {{.fd = keeper->log_pipe, .events = CURL_WAIT_POLLIN},
                                      {.fd = keeper->process_fd, .events = CURL_WAIT_POLLIN}};
        bool dead = keeper->ended;
        if (curl_multi_poll(http->multi, extra, keeper->log_pipe >= 0 && !dead ? 2 : 0, 1000,
                            NULL) != CURLM_OK)
            return CURLE_FAILED_INIT;
        keeper_wait(keeper, NULL, 0, 0);
    }
    const CURLMsg *message = curl_multi_info_read(http->multi, &left);
    return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_FAILED_INIT;
}

/*
 * An answer without a length ends with its connection, and so does one whose program is killed in
 * the middle. Who dies has closed the port before the connection, as the lower descriptor or of the
 * process that the kernel ends first, and is known to have ended much later: so the port is asked.
 */
static bool is_cut(struct keeper *keeper)
{
    const struct http *http = keeper->talk_data;

    if (http->bare || http->has_length || http->chunked)
        return false;
    for (int left = DYING_MS; !keeper->ended && left > 0; left--) {
        if (knock())
            return false;
        keeper_wait(keeper, NULL, 0, 1);
    }
    return keeper->ended && (!WIFEXITED(keeper->status) || WEXITSTATUS(keeper->status) != 0);
}

static void judge(struct keeper *keeper, CURLcode code, struct verdict *verdict)
{
    struct http *http = keeper->talk_data;
    struct guest_call *call = &keeper->call;
    long status = 0;

    if (code == CURLE_OK && is_cut(keeper)) {
        keeper_gone(keeper, verdict);
        return;
    }
    if (code == CURLE_OK) {
        curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
        call->status = status >= 200 && status <= 599 ? (uint32_t)status : 0;
        call->has_bad_status = call->status == 0;
        call->bad_status = (uint32_t)status;
        call->has_length = http->bare && http->has_length;
        call->length = http->length;
        return;
    }
    if (http->too_large) {
        verdict->outcome = CHANNEL_TOO_LARGE;
        return;
    }
    /* It may have died of the call. */
    if (!keeper->ended)
        keeper_wait(keeper, NULL, 0, 20);
    if (keeper->ended) {
        keeper_gone(keeper, verdict);
        if (verdict->code)
            return;
    }
    verdict->outcome = CHANNEL_IMPROPER;
    snprintf(verdict->message, sizeof verdict->message, "%.200s",
             http->improper ? "its answer has too many headers" : curl_easy_strerror(code));
}

static void http_serve(struct keeper *keeper, struct verdict *verdict)
{
    struct http *http = keeper->talk_data;
    const struct guest_call *call = &keeper->call;
    struct curl_slist *headers = NULL;
    _cleanup_(freep) char *url = NULL;

    if (http_ready(keeper, verdict) < 0)
        return;
    http->too_large = http->improper = http->bare = http->has_length = http->chunked = false;
    int r = asprintf(&url, "http://127.0.0.1:%d%s%s%s", TALK_HTTP_PORT, call->path.data,
                     call->query.bytes ? "?" : "", call->query.data) < 0
                ? -ENOMEM
                : make_headers(call, &headers);
    if (r == 0)
        r = set_up(keeper, url, headers);
    if (r < 0) {
        verdict->outcome = CHANNEL_BROKEN;
        snprintf(verdict->message, sizeof verdict->message, "cannot call it: %s", strerror(-r));
    } else {
        curl_multi_add_handle(http->multi, http->easy);
        judge(keeper, perform(keeper), verdict);
        curl_multi_remove_handle(http->multi, http->easy);
    }
    curl_slist_free_all(headers);
}

static const char *const env[] = {"PORT=8080", NULL};
_Static_assert(TALK_HTTP_PORT == 8080, "$PORT says so");

const struct talk talk_http = {
    .name = "http",
    .library = "libcurl.so.4",
    .env = env,
    .open = http_open,
    .ready = http_ready,
    .serve = http_serve,
};
