/* A function for the tests: the body is a line "put KEY VALUE", "get KEY", "delete KEY", "fill
 * BYTES", "sql STATEMENT", "bind VALUE STATEMENT", "push FUNCTION TEXT", "http METHOD URL",
 * "exec PROGRAM TEXT" or "count"; the answer is what came, or why nothing did. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vireo/function.h>
#include <vireo/platform.h>

static uint8_t data[VIREO_DATA_MAX], space[VIREO_DATA_MAX];

static int64_t say(uint8_t *out, size_t cap, long result)
{
    if (result < 0)
        return snprintf((char *)out, cap, "%s", strerror(errno));
    return snprintf((char *)out, cap, "%ld", result);
}

static size_t print_cell(const struct vireo_sql_cell *cell, char *to, size_t room)
{
    switch (cell->kind) {
    case 'i':
        return (size_t)snprintf(to, room, "%lld ", (long long)cell->integer);
    case 'd':
        return (size_t)snprintf(to, room, "%g ", cell->real);
    case 'n':
        return (size_t)snprintf(to, room, "NULL ");
    default:
        return (size_t)snprintf(to, room, "%.*s ", (int)cell->length, (const char *)cell->bytes);
    }
}

static int64_t sql(const char *statement, const char *value, uint8_t *out, size_t cap)
{
    struct vireo_sql_params params = VIREO_SQL_PARAMS(space);
    struct vireo_sql_rows rows;
    struct vireo_sql_cell cell;
    size_t used = 0;

    if (value)
        vireo_sql_text(&params, value, (uint32_t)strlen(value));
    if (vireo_sql(statement, &params, data, sizeof data, &rows) < 0)
        return say(out, cap, -1);
    used = (size_t)snprintf((char *)out, cap, "%u rows, %u changed: ", rows.rows, rows.changes);
    while (used + 256 < cap && vireo_sql_cell(&rows, &cell))
        used += print_cell(&cell, (char *)out + used, cap - used);
    return (int64_t)used;
}

/* Puts keys of 1 KiB until it may not: how many and why. */
static int64_t fill(uint8_t *out, size_t cap)
{
    char key[32];
    int count = 0;

    do
        snprintf(key, sizeof key, "fill%d", count);
    while (vireo_kv_put(key, (uint32_t)strlen(key), data, 1024) == 0 && ++count < 100000);
    return snprintf((char *)out, cap, "%d: %s", count, strerror(errno));
}

static int64_t http(char *head, bool any, uint8_t *out, size_t cap)
{
    int status;
    char lines[2048];

    snprintf(lines, sizeof lines, "%s\nX-Test: yes\n", head);
    int32_t n = any ? vireo_http_any(lines, "", 0, data, sizeof data, &status)
                    : vireo_http(lines, "", 0, data, sizeof data, &status);
    if (n < 0)
        return say(out, cap, -1);
    return snprintf((char *)out, cap, "%d %.*s", status, (int)n, (const char *)data);
}

static char *word(char **rest)
{
    char *at = *rest, *end = strchr(at, ' ');

    *rest = end ? end + 1 : at + strlen(at);
    if (end)
        *end = '\0';
    return at;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    static char body[8192];
    char *rest = body;

    memset(body, 0, sizeof body);
    memcpy(body, in, in_len < sizeof body - 1 ? in_len : sizeof body - 1);
    const char *verb = word(&rest);
    if (strcmp(verb, "sql") == 0)
        return sql(rest, NULL, out, out_cap);
    if (strcmp(verb, "http") == 0 || strcmp(verb, "any") == 0)
        return http(rest, verb[0] == 'a', out, out_cap);
    if (strcmp(verb, "trap") == 0)
        __builtin_trap();
    if (strcmp(verb, "fill") == 0)
        return fill(out, out_cap);
    char *key = word(&rest);
    uint32_t key_bytes = (uint32_t)strlen(key), bytes = (uint32_t)strlen(rest);
    if (strcmp(verb, "bind") == 0)
        return sql(rest, key, out, out_cap);
    if (strcmp(verb, "put") == 0)
        return say(out, out_cap, vireo_kv_put(key, key_bytes, rest, bytes));
    if (strcmp(verb, "delete") == 0)
        return say(out, out_cap, vireo_kv_delete(key, key_bytes));
    if (strcmp(verb, "exec") == 0) {
        int32_t wrote = vireo_exec(key, rest, bytes, data, sizeof data);
        if (wrote < 0)
            return say(out, out_cap, -1);
        memcpy(out, data, (size_t)wrote);
        return wrote;
    }
    if (strcmp(verb, "push") == 0)
        return say(out, out_cap, vireo_queue_push(key, rest, bytes));
    int32_t n = vireo_kv_get(key, key_bytes, data, sizeof data);
    if (n < 0)
        return say(out, out_cap, -1);
    memcpy(out, data, (size_t)n);
    return n;
}
