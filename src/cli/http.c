/* Requests to the daemon, by libcurl. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/http.h"

DEFINE_CLEANUP(CURL, curl_easy_cleanup)
DEFINE_CLEANUP(struct curl_slist, curl_slist_free_all)

struct exchange {
    CURL *curl;
    const struct http_request *request;
    struct http_answer answer;
    size_t capacity;
    bool too_large;
};

/* Bytes of the answer. A count other than `size * count` makes libcurl give up. */
static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct exchange *exchange = user;
    struct http_answer *answer = &exchange->answer;
    size_t bytes = size * count;

    if (exchange->request->piece) {
        long status = 0;
        curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
        if (status == 200)
            return exchange->request->piece(data, bytes, exchange->request->user) == 0 ? bytes : 0;
    }
    if (bytes > HTTP_ANSWER_MAX_BYTES - answer->size) {
        exchange->too_large = true;
        return 0;
    }
    if (answer->size + bytes + 1 > exchange->capacity) {
        size_t capacity = (answer->size + bytes + 1) * 2;
        char *grown = realloc(answer->body, capacity);
        if (!grown)
            return 0;
        answer->body = grown;
        exchange->capacity = capacity;
    }
    memcpy(answer->body + answer->size, data, bytes);
    answer->size += bytes;
    answer->body[answer->size] = '\0';
    return bytes;
}

/* Keeps the value of one header line if it is `name`. */
static void header_keep(const char *line, size_t length, const char *name, char *value, size_t size)
{
    size_t name_length = strlen(name);

    if (length <= name_length || line[name_length] != ':' ||
        strncasecmp(line, name, name_length) != 0)
        return;
    line += name_length + 1;
    length -= name_length + 1;
    while (length > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        length--;
    }
    while (length > 0 && strchr("\r\n \t", line[length - 1]))
        length--;
    snprintf(value, size, "%.*s", (int)length, line);
}

static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    struct http_answer *answer = &((struct exchange *)user)->answer;
    size_t length = size * count;

    header_keep(line, length, "Content-Type", answer->content_type, sizeof answer->content_type);
    header_keep(line, length, "X-Vireo-Start", answer->start, sizeof answer->start);
    header_keep(line, length, "X-Request-Id", answer->request_id, sizeof answer->request_id);
    return length;
}

/* What libcurl could not do, as an error of ours. `where` is what was to be reached. */
static int failure(struct exchange *exchange, CURLcode code, const char *where, struct err *err)
{
    long os_error = 0;

    curl_easy_getinfo(exchange->curl, CURLINFO_OS_ERRNO, &os_error);
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        if (os_error == EACCES)
            return err_set(err, -EACCES, "cannot reach the daemon at '%s'", where);
        return err_say(err, -ECONNREFUSED, "cannot reach the daemon at '%s': %s", where,
                       os_error ? strerror((int)os_error) : "nothing listens there");
    case CURLE_COULDNT_RESOLVE_HOST:
        return err_say(err, -EHOSTUNREACH, "cannot reach the daemon at '%s': unknown host", where);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return err_say(err, -EINVAL, "cannot reach the daemon at '%s': it is not http://HOST:PORT",
                       where);
    case CURLE_WRITE_ERROR:
        if (exchange->too_large)
            return err_say(err, -EFBIG, "cannot read the answer of '%s': it is longer than %u MiB",
                           where, HTTP_ANSWER_MAX_BYTES >> 20);
        return err_say(err, -EIO, "cannot take the answer of '%s'", where);
    case CURLE_OUT_OF_MEMORY:
        return err_set(err, -ENOMEM, "cannot ask '%s'", where);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
        return err_say(err, -ECONNRESET,
                       "cannot finish the request to '%s': the daemon ended the connection", where);
    default:
        /* The connection was lost on the way: something between broke. */
        return err_say(err, -ECONNRESET, "cannot finish the request to '%s': %s", where,
                       curl_easy_strerror(code));
    }
}

static int headers_make(const struct http_request *request, struct curl_slist **ret_list,
                        struct err *err)
{
    /* libcurl would wait a second for a "100 Continue" that nobody sends. */
    _cleanup_(curl_slist_free_allp) struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    bool typed = false;

    for (size_t i = 0; list && i < request->header_count; i++) {
        const char *header = request->headers[i];
        const char *colon = strchr(header, ':');
        if (!colon || colon == header || strpbrk(header, "\r\n"))
            return err_say(err, -EINVAL, "cannot send header '%s': it must be 'Name: value'",
                           header);
        typed = typed || (colon - header == 12 && strncasecmp(header, "content-type", 12) == 0);
        struct curl_slist *longer = curl_slist_append(list, header);
        if (!longer)
            return err_set(err, -ENOMEM, "cannot send headers");
        list = longer;
    }
    /* To libcurl every body is a form. */
    if (list && request->has_body && !typed) {
        struct curl_slist *longer =
            curl_slist_append(list, "Content-Type: application/octet-stream");
        if (!longer)
            return err_set(err, -ENOMEM, "cannot send headers");
        list = longer;
    }
    if (!list)
        return err_set(err, -ENOMEM, "cannot send headers");
    *ret_list = steal_ptr(&list);
    return 0;
}

static int exchange_run(const struct http_request *request, const char *socket_path,
                        const char *base, const char *where, struct http_answer *ret_answer,
                        struct err *err)
{
    struct exchange exchange = {.request = request};
    _cleanup_(freep) char *url = NULL;
    _cleanup_(curl_slist_free_allp) struct curl_slist *headers = NULL;

    _cleanup_(curl_easy_cleanupp) CURL *curl = curl_easy_init();
    if (!curl || asprintf(&url, "%s%s", base, request->target) < 0)
        return err_set(err, -ENOMEM, "cannot ask '%s'", where);
    exchange.curl = curl;
    int r = headers_make(request, &headers, err);
    if (r < 0)
        return r;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    /* The daemon is named by the user: neither a proxy nor a redirect stands between. */
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "vireo/" VIREO_VERSION);
    if (socket_path)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    if (request->has_body) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body_size ? request->body : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
    }
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);

    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        free(exchange.answer.body);
        return failure(&exchange, code, where, err);
    }
    long status = 0;
    curl_off_t total = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &total);
    exchange.answer.status = (int)status;
    exchange.answer.total_us = total;
    *ret_answer = exchange.answer;
    return 0;
}

int http_admin(const struct http_request *request, struct http_answer *ret_answer, struct err *err)
{
    char path[sizeof((struct sockaddr_un *)0)->sun_path];

    int n = snprintf(path, sizeof path, "%s/admin.sock", cli.state_dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_say(err, -ENAMETOOLONG,
                       "cannot reach the daemon at '%s/admin.sock': a socket's path has at most "
                       "%zu bytes",
                       cli.state_dir, sizeof path - 1);
    return exchange_run(request, path, "http://localhost", path, ret_answer, err);
}

int http_call(const struct http_request *request, struct http_answer *ret_answer, struct err *err)
{
    return exchange_run(request, NULL, cli.server, cli.server, ret_answer, err);
}

void http_answer_clear(struct http_answer *answer)
{
    free(answer->body);
    *answer = (struct http_answer){0};
}

char *http_escape(const char *text)
{
    char *encoded = curl_easy_escape(NULL, text, 0);
    char *copy = encoded ? strdup(encoded) : NULL;

    curl_free(encoded);
    return copy;
}
