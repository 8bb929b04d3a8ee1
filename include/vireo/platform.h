/*
 * vireo/platform.h: what a function with the layer platform can keep and ask for: keys and values,
 * SQL, messages to functions, HTTP, programs. For handlers and for programs with main(); any other
 * language imports kv_get, kv_put, kv_delete, sql, queue_push, http and exec of module "vireo"
 * itself.
 *
 *     allow: [base, platform]
 *
 * What is kept is the function's own: no other function's calls reach it, all of its instances
 * share it, and it goes with `vireo rm`.
 *
 * Each returns a number that is not negative, or -1 with errno: EACCES (the layer, the place or the
 * queue is not granted), ENOSPC (the quota is full), EMSGSIZE (too long, or the answer does not
 * fit), ENOENT (no such key), EINVAL, ETIMEDOUT, EIO (the platform's process ended: try again).
 */
#ifndef VIREO_PLATFORM_H
#define VIREO_PLATFORM_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIREO_KEY_MAX 512u
#define VIREO_DATA_MAX (64u << 10)

#define VIREO_PLATFORM_IMPORT(name) \
    __attribute__((import_module("vireo"), import_name(#name))) int32_t vireo_import_##name

VIREO_PLATFORM_IMPORT(kv_get)(const void *key, uint32_t key_bytes, void *to, uint32_t room);
VIREO_PLATFORM_IMPORT(kv_put)
(const void *key, uint32_t key_bytes, const void *value, uint32_t bytes);
VIREO_PLATFORM_IMPORT(kv_delete)(const void *key, uint32_t key_bytes);
VIREO_PLATFORM_IMPORT(sql)
(const char *text, uint32_t text_bytes, const void *params, uint32_t params_bytes, void *to,
 uint32_t room);
VIREO_PLATFORM_IMPORT(queue_push)
(const char *name, uint32_t name_bytes, const void *body, uint32_t bytes);
VIREO_PLATFORM_IMPORT(http)
(const char *head, uint32_t head_bytes, const void *body, uint32_t bytes, void *to, uint32_t room);
VIREO_PLATFORM_IMPORT(http_any)
(const char *head, uint32_t head_bytes, const void *body, uint32_t bytes, void *to, uint32_t room);
VIREO_PLATFORM_IMPORT(exec)
(const char *name, uint32_t name_bytes, const void *input, uint32_t bytes, void *to, uint32_t room);

static inline int32_t vireo_platform_result(int32_t result)
{
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}

/* ---- keys and values: a key has at most 512 bytes, a value 64 KiB ---- */

/* The value's length. EMSGSIZE: it is longer than `room`. */
static inline int32_t vireo_kv_get(const void *key, uint32_t key_bytes, void *to, uint32_t room)
{
    return vireo_platform_result(vireo_import_kv_get(key, key_bytes, to, room));
}

static inline int32_t vireo_kv_put(const void *key, uint32_t key_bytes, const void *value,
                                   uint32_t bytes)
{
    return vireo_platform_result(vireo_import_kv_put(key, key_bytes, value, bytes));
}

static inline int32_t vireo_kv_delete(const void *key, uint32_t key_bytes)
{
    return vireo_platform_result(vireo_import_kv_delete(key, key_bytes));
}

/* ---- messages ---- */

/*
 * The function of this name is called with the message as its body, at least once, soon; again
 * later when the call fails, ten times in some minutes. vireo.yaml names it: `grants: queue:
 * [resize]`. EAGAIN: as many wait as the operator allows.
 */
static inline int32_t vireo_queue_push(const char *function, const void *body, uint32_t bytes)
{
    return vireo_platform_result(
        vireo_import_queue_push(function, (uint32_t)strlen(function), body, bytes));
}

/* ---- HTTP ---- */

/*
 * A request to a place that `grants: connect` names ("api.example.org:443"). `head` is "METHOD
 * URL\n" and then lines "Name: value\n". *ret_status is the answer's; its body's length is
 * returned. Redirections are followed to places that are granted as well. EHOSTUNREACH,
 * ECONNREFUSED, EPROTO.
 */
static inline int32_t vireo_http_result(int32_t n, void *to, int *ret_status)
{
    uint32_t status;

    n = vireo_platform_result(n);
    if (n < (int32_t)sizeof status)
        return n < 0 ? n : vireo_platform_result(-EIO);
    memcpy(&status, to, sizeof status);
    memmove(to, (char *)to + sizeof status, (uint32_t)n - sizeof status);
    *ret_status = (int)status;
    return n - (int32_t)sizeof status;
}

static inline int32_t vireo_http(const char *head, const void *body, uint32_t bytes, void *to,
                                 uint32_t room, int *ret_status)
{
    return vireo_http_result(vireo_import_http(head, (uint32_t)strlen(head), body, bytes, to, room),
                             to, ret_status);
}

/*
 * The same, to any place of the public Internet, named or not: a risky entry of the allow-list,
 * which is EACCES until a vote has allowed it (`vireo allow`).
 */
static inline int32_t vireo_http_any(const char *head, const void *body, uint32_t bytes, void *to,
                                     uint32_t room, int *ret_status)
{
    return vireo_http_result(
        vireo_import_http_any(head, (uint32_t)strlen(head), body, bytes, to, room), to, ret_status);
}

/* ---- programs ---- */

/*
 * Runs a program that `grants: exec` names, a function in a container that reads standard input:
 * `input` is that, what it writes is in `to`, and its length is returned. A risky entry of the
 * allow-list, which is EACCES until a vote has allowed it. ENOENT: there is no such program now.
 * EPROTO: it ended with another status than 0. EAGAIN: too many of it run. ETIMEDOUT.
 */
static inline int32_t vireo_exec(const char *program, const void *input, uint32_t bytes, void *to,
                                 uint32_t room)
{
    return vireo_platform_result(
        vireo_import_exec(program, (uint32_t)strlen(program), input, bytes, to, room));
}

/* ---- SQL: SQLite's ---- */

/*
 * Parameters of a statement, in the order of its '?': written into a buffer of yours.
 *
 *     uint8_t space[256], rows[4096];
 *     struct vireo_sql_params params = VIREO_SQL_PARAMS(space);
 *     struct vireo_sql_rows result;
 *     struct vireo_sql_cell name;
 *
 *     vireo_sql_int(&params, 7);
 *     if (vireo_sql("SELECT name FROM people WHERE id = ?", &params, rows, sizeof rows, &result) <
 * 0)
 *         ...
 *     while (vireo_sql_cell(&result, &name))
 *         use(name.bytes, name.length);
 */
struct vireo_sql_params {
    uint8_t *bytes;
    uint32_t room, used;
    int overflow;
};
#define VIREO_SQL_PARAMS(array)                                           \
    {                                                                     \
        .bytes = (array), .room = sizeof(array), .used = 0, .overflow = 0 \
    }

struct vireo_sql_rows {
    uint32_t columns, rows, changes;
    const uint8_t *bytes;
    uint32_t at, end; /* in `bytes`: the next cell, and where they end */
};

struct vireo_sql_cell {
    char kind; /* 'i' integer, 'd' real, 't' text, 'b' bytes, 'n' NULL */
    int64_t integer;
    double real;
    const uint8_t *bytes; /* of a text, too, which has no NUL behind it */
    uint32_t length;
};

static inline void vireo_sql_append(struct vireo_sql_params *params, char tag, const void *head,
                                    uint32_t head_bytes, const void *bytes, uint32_t count)
{
    if (params->overflow || count > params->room ||
        params->room - params->used < 1 + head_bytes + count) {
        params->overflow = 1;
        return;
    }
    params->bytes[params->used++] = (uint8_t)tag;
    memcpy(params->bytes + params->used, head, head_bytes);
    params->used += head_bytes;
    if (count > 0)
        memcpy(params->bytes + params->used, bytes, count);
    params->used += count;
}

static inline void vireo_sql_int(struct vireo_sql_params *params, int64_t value)
{
    vireo_sql_append(params, 'i', &value, sizeof value, NULL, 0);
}

static inline void vireo_sql_real(struct vireo_sql_params *params, double value)
{
    vireo_sql_append(params, 'd', &value, sizeof value, NULL, 0);
}

static inline void vireo_sql_text(struct vireo_sql_params *params, const char *text, uint32_t bytes)
{
    vireo_sql_append(params, 't', &bytes, sizeof bytes, text, bytes);
}

static inline void vireo_sql_blob(struct vireo_sql_params *params, const void *data, uint32_t bytes)
{
    vireo_sql_append(params, 'b', &bytes, sizeof bytes, data, bytes);
}

static inline void vireo_sql_null(struct vireo_sql_params *params)
{
    vireo_sql_append(params, 'n', NULL, 0, NULL, 0);
}

/*
 * Runs one statement, which is a transaction of its own; `params` may be NULL. 0, and what came is
 * in `rows`, which points into `room`. EACCES: a statement that is not for functions (ATTACH,
 * PRAGMA, BEGIN, ...). EMSGSIZE: the rows do not fit. EPERM: a constraint.
 */
static inline int32_t vireo_sql(const char *text, const struct vireo_sql_params *params, void *room,
                                uint32_t room_bytes, struct vireo_sql_rows *rows)
{
    uint32_t head[3];

    *rows = (struct vireo_sql_rows){.bytes = (const uint8_t *)room};
    if (params && params->overflow)
        return vireo_platform_result(-EMSGSIZE);
    int32_t n = vireo_platform_result(
        vireo_import_sql(text, (uint32_t)strlen(text), params ? params->bytes : NULL,
                         params ? params->used : 0, room, room_bytes));
    if (n < (int32_t)sizeof head)
        return n < 0 ? n : vireo_platform_result(-EIO);
    memcpy(head, room, sizeof head);
    rows->columns = head[0];
    rows->rows = head[1];
    rows->changes = head[2];
    rows->at = sizeof head;
    rows->end = (uint32_t)n;
    return 0;
}

/* The next cell, row by row; 0 when there are no more. It never looks behind the answer's end. */
static inline int vireo_sql_cell(struct vireo_sql_rows *rows, struct vireo_sql_cell *cell)
{
    uint32_t at = rows->at, size;

    memset(cell, 0, sizeof *cell);
    if (at >= rows->end)
        return 0;
    cell->kind = (char)rows->bytes[at++];
    rows->at = rows->end; /* what does not fit is the last one */
    size = cell->kind == 'n' ? 0 : cell->kind == 'i' || cell->kind == 'd' ? 8 : 4;
    if (rows->end - at < size)
        return 0;
    if (cell->kind == 'i') {
        memcpy(&cell->integer, rows->bytes + at, sizeof cell->integer);
    } else if (cell->kind == 'd') {
        memcpy(&cell->real, rows->bytes + at, sizeof cell->real);
    } else if (cell->kind != 'n') {
        memcpy(&cell->length, rows->bytes + at, sizeof cell->length);
        if (rows->end - at - size < cell->length)
            return 0;
        cell->bytes = rows->bytes + at + size;
        size += cell->length;
    }
    rows->at = at + size;
    return 1;
}

#ifdef __cplusplus
}
#endif

#endif
