/* Requests to the daemon: administration over STATE/admin.sock, calls over plain HTTP. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Most that an answer is gathered of: far above what the daemon sends. */
#define HTTP_ANSWER_MAX_BYTES (64u << 20)

struct http_request {
    const char *method;
    const char *target;         /* path and query, encoded: "/system/functions" */
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    const void *body; /* sent when has_body, also when it is empty */
    size_t body_size;
    bool has_body;
    /* Where the body of a 200 goes as it comes; NULL: it is gathered. Non-zero ends the request. */
    int (*piece)(const char *data, size_t size, void *user);
    void *user;
};

struct http_answer {
    int status;
    char content_type[128];
    char start[16];      /* X-Vireo-Start; "" when there is none */
    char request_id[72]; /* X-Request-Id */
    char *body;          /* gathered, NUL behind its end; the caller's: http_answer_clear() */
    size_t size;
    long long total_us; /* from the first byte sent to the last received */
};

/*
 * Sends to the daemon's admin socket, or to cli.server, and waits for the whole answer. Any HTTP
 * status is success. -ECONNREFUSED (or another of its kind): there is no daemon; -EACCES: not
 * allowed to administer; -EINVAL: the server's address or a header is not one.
 */
int http_admin(const struct http_request *request, struct http_answer *ret_answer, struct err *err);
int http_call(const struct http_request *request, struct http_answer *ret_answer, struct err *err);
void http_answer_clear(struct http_answer *answer);

/* Percent-encodes one path segment or query value; malloc'ed. NULL: no memory. */
char *http_escape(const char *text);
