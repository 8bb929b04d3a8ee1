/* Inside dist: one registry, and requests to it (http.c), with the credentials that it asks for
 * (auth.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dist/dist.h"

#define DIST_URL_MAX 4096
#define DIST_BODY_MAX (4u << 20) /* of an answer that is kept in memory */

struct dist_registry {
    const struct dist_reference *reference;
    const struct dist_options *options;
    void *curl;
    char base[DIST_HOST_MAX + 16]; /* "https://HOST" */
    char authorization[8192];      /* "Bearer ...", "Basic ..." or "" */
    char basic[1024];              /* what is known of this registry: "Basic ...", or "" */
};

struct dist_request {
    const char *method;
    const char *url; /* or a path below base */
    const char *accept, *content_type;
    const void *body;
    size_t body_bytes;
    char range[64];    /* "bytes=1000-", or Content-Range with a body; "": none */
    int file_fd;       /* > 0: the answer's body goes there */
    uint64_t file_max; /* bytes of it at most */
};

struct dist_answer {
    long status;
    char *body; /* malloc'ed, ends with a NUL */
    size_t bytes;
    char location[DIST_URL_MAX];
    char challenge[2048], range[64], content_type[128], digest[DIST_DIGEST_TEXT];
    bool has_subject; /* the registry keeps referrers itself */
};
void dist_answer_clear(struct dist_answer *answer);

int dist_registry_open(const struct dist_reference *reference, const struct dist_options *options,
                       struct dist_registry *registry, struct err *err);
void dist_registry_close(struct dist_registry *registry);
/*
 * One request; asked for credentials it answers once. 0 whatever the status is; -EIO when there was
 * none (the answer may have begun: what went to the file stays). The answer is cleared first.
 */
int dist_http(struct dist_registry *registry, const struct dist_request *request,
              struct dist_answer *answer, struct err *err);
/* An error for a status that was not hoped for, with the registry's own words. */
int dist_http_refused(const struct dist_registry *registry, const char *verb,
                      const struct dist_answer *answer, struct err *err);

/* auth.c: "Basic ..." from the user's files, "" if they have none. */
void dist_credentials(const struct dist_options *options, const char *host, char *text,
                      size_t size);
/* What is asked for by `challenge` goes to registry->authorization. -EACCES: there is nothing. */
int dist_authorize(struct dist_registry *registry, const char *challenge, struct err *err);
