/*
 * Static files over HTTP/1.1: a parent that forks workers and makes another when one ends; each
 * worker accepts from the same socket and serves its connections in one loop of poll().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CLIENTS_MAX 960       /* of a worker: a pVM has 1,024 descriptors */
#define HEAD_MAX 8192         /* bytes of a request's head */
#define CACHED_MAX (64 << 10) /* files up to this size are kept in memory */
#define CACHE_FILES 256
#define PATH_BYTES 1024

/* ---- cache.c ---- */

/* A file as it was at most a second ago. */
struct file {
    char path[PATH_BYTES];
    int64_t checked_ms;
    uint64_t bytes;
    int64_t modified;
    char *data; /* NULL: it is larger than CACHED_MAX, or there was no memory */
};

/* The file of this path, or NULL and errno. Good until the next call. */
const struct file *cache_find(const char *path, int64_t now_ms);

/* ---- request.c ---- */

struct request {
    bool head_only, keep_alive;
    unsigned refused;      /* the status of a request that is not answered with a file; else 0 */
    char path[PATH_BYTES]; /* decoded, below the root: "index.html", "css/a.css" */
    char since[40];        /* If-Modified-Since */
    char range[64];        /* Range; one that is longer is more than one range */
    char if_range[40];     /* If-Range */
    uint32_t bytes;        /* of its head */
};

/* 1: a request's head is whole; 0: not yet. What is not HTTP is a request that is refused. */
int request_parse(const char *data, uint32_t bytes, struct request *ret_request);

/* ---- range.c ---- */

/* Which bytes of a file follow an answer's head, unless only the head was asked for. */
struct part {
    unsigned status; /* 200, 206, 304 or 416; without a file any other */
    uint64_t first, bytes;
};

/* `modified` is the file's time as http_date() writes it. */
struct part part_of(const struct request *request, const struct file *file, const char *modified,
                    time_t now);

/* ---- answer.c ---- */

/*
 * The head of an answer into `out`: how long it is, and what of the file follows. Without a file
 * (NULL) the status is the caller's, in *part.
 */
uint32_t answer_head(char *out, size_t size, const struct file *file, const struct request *request,
                     time_t now, struct part *part);
/* "Sun, 06 Nov 1994 08:49:37 GMT" */
void http_date(int64_t seconds, char text[static 40]);

/* ---- worker.c ---- */

/* Serves until the process is ended. */
_Noreturn void worker_run(int listener, const char *root);
