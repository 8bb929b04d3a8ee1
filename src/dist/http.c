/* Requests to one registry, by libcurl. */
#include "dist/http.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"

#define CONNECT_SECONDS 15L
/* Slower than a byte a second for half a minute: it is gone. */
#define STALL_SECONDS 30L
#define REDIRECTS_MAX 5L

/* Where an answer goes while it comes. */
struct sink {
    const struct dist_request *request;
    struct dist_answer *answer;
    CURL *curl;
    uint64_t written;
    int error;
};

void dist_answer_clear(struct dist_answer *answer)
{
    free(answer->body);
    *answer = (struct dist_answer){0};
}

static size_t on_body(char *data, size_t one, size_t bytes, void *user)
{
    struct sink *sink = user;
    struct dist_answer *answer = sink->answer;
    long status = 0;

    (void)one;
    curl_easy_getinfo(sink->curl, CURLINFO_RESPONSE_CODE, &status);
    if (sink->request->file_fd > 0 && (status == 200 || status == 206)) {
        sink->written += bytes;
        if (sink->written > sink->request->file_max)
            sink->error = -EFBIG;
        else
            sink->error = fd_write_full(sink->request->file_fd, data, bytes);
        return sink->error < 0 ? 0 : bytes;
    }
    if (bytes > DIST_BODY_MAX - answer->bytes)
        return 0;
    char *grown = realloc(answer->body, answer->bytes + bytes + 1);
    if (!grown)
        return 0;
    answer->body = grown;
    memcpy(grown + answer->bytes, data, bytes);
    answer->bytes += bytes;
    grown[answer->bytes] = '\0';
    return bytes;
}

static void take_header(const char *line, size_t bytes, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);

    if (bytes <= length || line[length] != ':' || strncasecmp(line, name, length) != 0)
        return;
    line += length + 1;
    bytes -= length + 1;
    while (bytes > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        bytes--;
    }
    while (bytes > 0 && (line[bytes - 1] == '\r' || line[bytes - 1] == '\n'))
        bytes--;
    if (bytes < size) {
        memcpy(value, line, bytes);
        value[bytes] = '\0';
    }
}

static size_t on_header(char *line, size_t one, size_t bytes, void *user)
{
    struct dist_answer *answer = user;
    char subject[DIST_DIGEST_TEXT] = "";

    (void)one;
    take_header(line, bytes, "Location", answer->location, sizeof answer->location);
    take_header(line, bytes, "WWW-Authenticate", answer->challenge, sizeof answer->challenge);
    take_header(line, bytes, "Range", answer->range, sizeof answer->range);
    take_header(line, bytes, "Content-Type", answer->content_type, sizeof answer->content_type);
    take_header(line, bytes, "Docker-Content-Digest", answer->digest, sizeof answer->digest);
    take_header(line, bytes, "OCI-Subject", subject, sizeof subject);
    answer->has_subject |= subject[0] != '\0';
    return bytes;
}

/* Credentials are for the registry alone, wherever it sends us. */
static bool is_ours(const struct dist_registry *registry, const char *url)
{
    size_t length = strlen(registry->base);

    return length == 0 || (strncmp(url, registry->base, length) == 0 && url[length] == '/');
}

static struct curl_slist *add(struct curl_slist *list, const char *name, const char *value)
{
    char line[8300];

    snprintf(line, sizeof line, "%s:%s%s", name, *value ? " " : "", value);
    struct curl_slist *longer = curl_slist_append(list, line);
    return longer ? longer : list;
}

static struct curl_slist *headers_of(const struct dist_registry *registry,
                                     const struct dist_request *request, const char *url)
{
    struct curl_slist *list = add(NULL, "Expect", "");

    if (registry->authorization[0] && is_ours(registry, url))
        list = add(list, "Authorization", registry->authorization);
    if (request->accept)
        list = add(list, "Accept", request->accept);
    if (request->content_type)
        list = add(list, "Content-Type", request->content_type);
    if (request->range[0])
        list = add(list, request->body ? "Content-Range" : "Range", request->range);
    return list;
}

static void set_up(CURL *curl, const struct dist_registry *registry,
                   const struct dist_request *request, const char *url, struct sink *sink)
{
    bool plain = strncmp(url, "http://", 7) == 0;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, plain ? "http,https" : "https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, plain ? "http,https" : "https");
    /* What is sent on is read only: a body goes nowhere else. */
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request->body ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, sink->answer);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "vireo/" VIREO_VERSION);
    if (registry->options->ca)
        curl_easy_setopt(curl, CURLOPT_CAINFO, registry->options->ca);
    if (dist_host_is_local(registry->reference->host))
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    if (request->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
    }
}

static int once(struct dist_registry *registry, const struct dist_request *request,
                struct dist_answer *answer, struct err *err)
{
    struct sink sink = {.request = request, .answer = answer, .curl = registry->curl};
    char url[DIST_URL_MAX + DIST_HOST_MAX + 16];

    dist_answer_clear(answer);
    snprintf(url, sizeof url, "%s%s", request->url[0] == '/' ? registry->base : "", request->url);
    set_up(registry->curl, registry, request, url, &sink);
    struct curl_slist *headers = headers_of(registry, request, url);
    curl_easy_setopt(registry->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(registry->curl);
    curl_slist_free_all(headers);
    curl_easy_getinfo(registry->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    if (sink.error < 0)
        return err_set(err, sink.error, "cannot keep what '%s' sends", registry->reference->host);
    if (code != CURLE_OK)
        return err_say(err, -EIO, "cannot reach registry '%s': %s", registry->reference->host,
                       curl_easy_strerror(code));
    return 0;
}

int dist_http(struct dist_registry *registry, const struct dist_request *request,
              struct dist_answer *answer, struct err *err)
{
    int r = once(registry, request, answer, err);
    char challenge[sizeof answer->challenge];

    if (r < 0 || answer->status != 401 || !answer->challenge[0] || !registry->base[0])
        return r;
    memcpy(challenge, answer->challenge, sizeof challenge);
    r = dist_authorize(registry, challenge, err);
    if (r == -EACCES && !err->code)
        return 0; /* the refusal itself is the answer */
    return r < 0 ? r : once(registry, request, answer, err);
}

int dist_http_refused(const struct dist_registry *registry, const char *verb,
                      const struct dist_answer *answer, struct err *err)
{
    const struct dist_reference *reference = registry->reference;
    int error = answer->status == 404                            ? -ENOENT
                : answer->status == 401 || answer->status == 403 ? -EACCES
                                                                 : -EIO;
    struct json_object *root = answer->body ? json_tokener_parse(answer->body) : NULL;
    struct json_object *errors = NULL, *message = NULL;
    const char *words = "";

    if (root && json_object_object_get_ex(root, "errors", &errors) &&
        json_object_is_type(errors, json_type_array) && json_object_array_length(errors) > 0 &&
        json_object_object_get_ex(json_object_array_get_idx(errors, 0), "message", &message))
        words = json_object_get_string(message);
    err_say(err, error, "cannot %s '%s/%s:%s': the registry answers %ld%s%.200s", verb,
            reference->host, reference->name, reference->tag, answer->status, *words ? ": " : "",
            words);
    json_object_put(root);
    return error;
}

int dist_registry_open(const struct dist_reference *reference, const struct dist_options *options,
                       struct dist_registry *registry, struct err *err)
{
    bool plain = options->plain_http || dist_host_is_local(reference->host);

    *registry = (struct dist_registry){.reference = reference, .options = options};
    /* A file that was named and is not there is no reason to go on without it. */
    const char *const files[] = {options->ca, options->auth};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (files[i] && access(files[i], R_OK) < 0)
            return err_set(err, -errno, "cannot read '%s'", files[i]);
    if (options->ca)
        plain = false;
    snprintf(registry->base, sizeof registry->base, "http%s://%s", plain ? "" : "s",
             reference->host);
    dist_credentials(options, reference->host, registry->basic, sizeof registry->basic);
    registry->curl = curl_easy_init();
    return registry->curl ? 0 : err_set(err, -ENOMEM, "cannot reach '%s'", reference->host);
}

void dist_registry_close(struct dist_registry *registry)
{
    if (registry->curl)
        curl_easy_cleanup(registry->curl);
    registry->curl = NULL;
}
