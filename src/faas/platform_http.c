/*
 * HTTP for functions, by libcurl. Each place, that of the request and that of every redirection, is
 * one that the manifest names and the operator allows; its name is resolved here, once; the
 * addresses are checked, and curl gets those and no others, so that a name server that answers
 * otherwise a moment later changes nothing. No proxy, no other protocol, no file.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/platform_courier.h"

#define REDIRECTS_MAX 5
#define ADDRESSES_MAX 8
#define HEADERS_MAX 64
/* A message is done when the function that it is for is. */
#define MESSAGE_MS (300 * 1000)

struct transfer {
    const struct platform_options *options;
    const struct courier_request *request;
    struct net_address addresses[ADDRESSES_MAX];
    size_t address_count;
    bool open_place; /* the daemon's own port: not checked against rules of functions */
    uint8_t *to;
    size_t room, used;
    bool too_long;
};

static void easy_freep(CURL **easy)
{
    curl_easy_cleanup(*easy);
}

static void list_freep(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static void url_freep(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void text_freep(char **text)
{
    curl_free(*text);
}

/* ---- places ---- */

static struct net_address address_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return net_address_from(true, &((const struct sockaddr_in6 *)address)->sin6_addr);
    return net_address_from(false, &((const struct sockaddr_in *)address)->sin_addr);
}

/* "host:port" of a URL of HTTP; -EINVAL for any other. */
static int place_of(const char *text, struct endpoint *ret_endpoint)
{
    _cleanup_(url_freep) CURLU *url = curl_url();
    _cleanup_(text_freep) char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
    char place[ENDPOINT_MAX_BYTES + 1];

    if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return -EINVAL;
    if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        return -EINVAL;
    if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK)
        return -EINVAL;
    int n = snprintf(place, sizeof place, "%s:%s", host, port);
    if (n < 0 || (size_t)n >= sizeof place)
        return -EINVAL;
    return endpoint_parse(place, ret_endpoint, NULL);
}

static bool same_place(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && a->is_address == b->is_address &&
           (a->is_address ? memcmp(&a->address, &b->address, sizeof a->address) == 0
                          : strcmp(a->host, b->host) == 0);
}

/* The manifest names it, and the operator allows it as he does now. */
static bool place_is_granted(const struct transfer *transfer, const struct endpoint *place)
{
    const struct courier_request *request = transfer->request;

    /* A vote has allowed it; the address has to be public, or one that the operator names. */
    if (request->kind == COURIER_HTTP_ANY)
        return true;
    for (uint32_t i = 0; i < request->connect_count; i++) {
        struct endpoint granted;
        if (endpoint_parse(request->connects[i], &granted, NULL) == 0 &&
            same_place(&granted, place))
            return endpoint_rules_allow(transfer->options->rules, transfer->options->rule_count,
                                        place);
    }
    return false;
}

static int refuse(const struct transfer *transfer, const struct endpoint *place, const char *why)
{
    char shown[ENDPOINT_MAX_BYTES + 1];

    snprintf(shown, sizeof shown, "%s", place->host);
    if (place->is_address)
        net_address_text(&place->address, shown, sizeof shown);
    log_line(LOG_WARNING, "function %u may not ask '%s:%u': %s", transfer->request->function_id,
             shown, place->port, why);
    return -EACCES;
}

/* Fills in the addresses that may be had. */
static int resolve(struct transfer *transfer, const struct endpoint *place)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[ENDPOINT_MAX_BYTES + 1];
    char refused[64] = "";

    snprintf(host, sizeof host, "%s", place->host);
    if (place->is_address)
        net_address_text(&place->address, host, sizeof host);
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return -EHOSTUNREACH;
    transfer->address_count = 0;
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
            continue;
        struct net_address address = address_of(at->ai_addr);
        if (transfer->open_place ||
            endpoint_rules_allow_address(transfer->options->rules, transfer->options->rule_count,
                                         place, &address)) {
            if (transfer->address_count < ADDRESSES_MAX)
                transfer->addresses[transfer->address_count++] = address;
        } else {
            net_address_text(&address, refused, sizeof refused);
        }
    }
    freeaddrinfo(found);
    if (transfer->address_count > 0)
        return 0;
    char why[160];
    snprintf(why, sizeof why, "it is %s, which the operator's allow_grants do not name", refused);
    return refuse(transfer, place, why);
}

/* ---- curl's callbacks ---- */

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    size_t bytes = size * count;

    if (bytes > transfer->room - transfer->used) {
        transfer->too_long = true;
        return 0;
    }
    memcpy(transfer->to + transfer->used, data, bytes);
    transfer->used += bytes;
    return bytes;
}

/* The last word, whatever made curl want to connect: only to an address that was checked. */
static curl_socket_t on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct transfer *transfer = user;

    if (purpose != CURLSOCKTYPE_IPCXN ||
        (address->family != AF_INET && address->family != AF_INET6))
        return CURL_SOCKET_BAD;
    struct net_address wanted = address_of(&address->addr);
    for (size_t i = 0; i < transfer->address_count; i++)
        if (memcmp(&transfer->addresses[i], &wanted, sizeof wanted) == 0)
            return socket(address->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return CURL_SOCKET_BAD;
}

/* ---- a request ---- */

struct lines {
    const char *method, *url;
    char *headers[HEADERS_MAX];
    size_t header_count;
};

/* RFC 9110, section 5.6.2: what a field's name is made of. */
#define TOKEN "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* "METHOD URL\nName: value\n...", which is cut into pieces. */
static int lines_parse(char *head, struct lines *lines)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    static const char *const own[] = {
        "host:", "content-length:", "transfer-encoding:", "connection:", "expect:", "proxy-"};
    char *rest, *url = strchr(head, ' ');
    bool known = false;

    if (!url)
        return -EINVAL;
    *url++ = '\0';
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        known |= strcmp(methods[i], head) == 0;
    rest = strchr(url, '\n');
    if (!known || !rest)
        return -EINVAL;
    *rest++ = '\0';
    *lines = (struct lines){.method = head, .url = url};
    while (*rest) {
        char *end = strchr(rest, '\n');
        /* "Host :" is for some servers what "Host:" is. */
        size_t name = strspn(rest, TOKEN);
        if (!end || name == 0 || rest[name] != ':' || lines->header_count == HEADERS_MAX)
            return -EINVAL;
        *end = '\0';
        for (const char *at = rest; *at; at++)
            if ((unsigned char)*at < ' ' || *at == 0x7f)
                return -EINVAL;
        for (size_t i = 0; i < ARRAY_LEN(own); i++)
            if (strncasecmp(rest, own[i], strlen(own[i])) == 0)
                return -EINVAL;
        lines->headers[lines->header_count++] = rest;
        rest = end + 1;
    }
    for (const char *at = url; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f)
            return -EINVAL;
    return 0;
}

static int error_of(CURLcode code, const struct transfer *transfer)
{
    if (transfer->too_long)
        return -EMSGSIZE;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return -EHOSTUNREACH;
    case CURLE_COULDNT_CONNECT:
        return -ECONNREFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    default:
        return -EPROTO;
    }
}

/* Has curl know the addresses: it asks nobody. */
static struct curl_slist *addresses_list(const struct transfer *transfer,
                                         const struct endpoint *place)
{
    char line[ENDPOINT_MAX_BYTES + 16 + ADDRESSES_MAX * 64];
    size_t used = (size_t)snprintf(line, sizeof line, "%s:%u:", place->host, place->port);

    for (size_t i = 0; i < transfer->address_count; i++) {
        char text[64];
        net_address_text(&transfer->addresses[i], text, sizeof text);
        used += (size_t)snprintf(line + used, sizeof line - used,
                                 transfer->addresses[i].v6 ? "%s[%s]" : "%s%s", i ? "," : "", text);
    }
    return curl_slist_append(NULL, line);
}

static int setup(CURL *easy, struct transfer *transfer, const char *method, const char *url,
                 const uint8_t *body, uint32_t bytes, long timeout_ms)
{
    bool ok = true;
#define SET(option, value) ok &= curl_easy_setopt(easy, option, value) == CURLE_OK
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, timeout_ms);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(CURLOPT_OPENSOCKETDATA, transfer);
    if (strcmp(method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
    } else if (bytes > 0 || strcmp(method, "POST") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, bytes ? (const char *)body : "");
        SET(CURLOPT_POSTFIELDSIZE, (long)bytes);
    }
    SET(CURLOPT_CUSTOMREQUEST, strcmp(method, "HEAD") == 0 ? NULL : method);
#undef SET
    return ok ? 0 : -ENOMEM;
}

/* One exchange with one place. The status, or -errno; *ret_next is where it redirects to. */
static long exchange(struct transfer *transfer, const struct endpoint *place, struct lines *lines,
                     const uint8_t *body, uint32_t bytes, char **ret_next)
{
    _cleanup_(easy_freep) CURL *easy = curl_easy_init();
    _cleanup_(list_freep) struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    const char *next = NULL;
    long status = 0;

    int r = resolve(transfer, place);
    if (r < 0)
        return r;
    _cleanup_(list_freep) struct curl_slist *addresses = addresses_list(transfer, place);
    if (!easy || !headers || !addresses)
        return -ENOMEM;
    for (size_t i = 0; i < lines->header_count; i++)
        if (!curl_slist_append(headers, lines->headers[i]))
            return -ENOMEM;
    r = setup(easy, transfer, lines->method, lines->url, body, bytes,
              (long)transfer->request->timeout_ms);
    if (r < 0)
        return r;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, place->is_address ? NULL : addresses);
    transfer->used = 0;
    CURLcode code = curl_easy_perform(easy);
    if (code != CURLE_OK)
        return error_of(code, transfer);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &next);
    *ret_next = next && status >= 300 && status < 400 ? strdup(next) : NULL;
    return status;
}

int courier_http(const struct platform_options *options, const struct courier_request *request,
                 char *first, const uint8_t *second, uint8_t *to)
{
    struct transfer transfer = {.options = options, .request = request};
    _cleanup_(freep) char *held = NULL;
    uint32_t bytes = request->second_bytes;
    struct endpoint place, before;
    struct lines lines;
    uint32_t status;

    if (request->room < sizeof status)
        return -EMSGSIZE;
    transfer.to = to + sizeof status;
    transfer.room = request->room - sizeof status;
    int r = lines_parse(first, &lines);
    for (int i = 0; r == 0; i++) {
        char *next = NULL;
        r = place_of(lines.url, &place);
        if (r < 0)
            return r;
        if (!place_is_granted(&transfer, &place))
            return refuse(&transfer, &place, "it has no such grant");
        /* What was for one place is not for another. */
        if (i > 0 && !same_place(&before, &place))
            lines.header_count = 0;
        before = place;
        long answered = exchange(&transfer, &place, &lines, second, bytes, &next);
        if (answered < 0)
            return (int)answered;
        if (!next) {
            status = (uint32_t)answered;
            memcpy(to, &status, sizeof status);
            return (int)(sizeof status + transfer.used);
        }
        free(held);
        lines.url = held = next;
        if (answered != 307 && answered != 308 && strcmp(lines.method, "HEAD") != 0) {
            lines.method = "GET";
            bytes = 0;
        }
        if (i == REDIRECTS_MAX)
            return -ELOOP;
    }
    return r;
}

/* ---- a message ---- */

/* The public port, as it can be connected to: one that listens on all addresses has its own. */
static int calls_place(const char *calls, struct endpoint *ret_endpoint)
{
    static const uint8_t zero[16];

    int r = endpoint_listen_parse(calls, ret_endpoint, NULL);
    if (r < 0)
        return r;
    if (memcmp(ret_endpoint->address.bytes, zero, sizeof zero) == 0)
        ret_endpoint->address = net_address_from(false, (const uint8_t[]){127, 0, 0, 1});
    return 0;
}

/* Has the public port call a function. The answer's status, or -errno. */
static long call_function(struct transfer *transfer, const char *function, const uint8_t *body)
{
    char url[256], address[64];
    struct lines lines = {.method = "POST", .url = url};
    struct endpoint place;
    char *next = NULL;

    if (calls_place(transfer->options->calls, &place) < 0)
        return -EINVAL;
    transfer->open_place = true;
    net_address_text(&place.address, address, sizeof address);
    snprintf(url, sizeof url,
             place.address.v6 ? "http://[%s]:%u/function/%s" : "http://%s:%u/function/%s", address,
             place.port, function);
    long status = exchange(transfer, &place, &lines, body, transfer->request->second_bytes, &next);
    free(next);
    return status;
}

int courier_message(const struct platform_options *options, const struct courier_request *request,
                    const char *function, const uint8_t *body)
{
    struct courier_request patient = *request;
    static uint8_t dropped[PLATFORM_DATA_MAX];
    struct transfer transfer = {
        .options = options, .request = &patient, .to = dropped, .room = sizeof dropped};

    patient.timeout_ms = MESSAGE_MS;
    long status = call_function(&transfer, function, body);
    /* An answer that is longer than what is kept of it is an answer. */
    if (status == -EMSGSIZE || (status >= 200 && status < 300))
        return 0;
    if (status == 404)
        return -ENOENT;
    if (status == 429 || status >= 500 || status < 0)
        return -EAGAIN;
    return -EINVAL;
}

int courier_exec(const struct platform_options *options, const struct courier_request *request,
                 const char *program, const uint8_t *input, uint8_t *to)
{
    /* All that an answer has room for: why there is none is never longer. */
    struct transfer transfer = {
        .options = options, .request = request, .to = to, .room = PLATFORM_DATA_MAX};
    long status = call_function(&transfer, program, input);

    if (status < 0)
        return (int)status;
    if (status == 200)
        return transfer.used > request->room ? -EMSGSIZE : (int)transfer.used;
    return status == 404 ? -ENOENT : status == 429 ? -EAGAIN : status == 504 ? -ETIMEDOUT : -EPROTO;
}
