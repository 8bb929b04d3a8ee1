/* For bench/run-platform.sh: the body "get N", "put N" or "sql N" does it N times; the answer is
 * the microseconds of one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vireo/function.h>
#include <vireo/platform.h>

static char value[100];
static uint8_t space[256], rows[4096];

static int once(const char *what, int i)
{
    char key[32];
    uint32_t bytes = (uint32_t)snprintf(key, sizeof key, "key:%d", i % 1000);

    if (strcmp(what, "get") == 0)
        return vireo_kv_get(key, bytes, rows, sizeof rows) < 0;
    if (strcmp(what, "put") == 0)
        return vireo_kv_put(key, bytes, value, sizeof value) < 0;
    struct vireo_sql_params params = VIREO_SQL_PARAMS(space);
    struct vireo_sql_rows result;
    vireo_sql_int(&params, i % 1000);
    return vireo_sql("SELECT ? + 1", &params, rows, sizeof rows, &result) < 0;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    char what[8] = "", body[64] = "";
    struct timespec from, to;
    int count = 0;

    memcpy(body, in, in_len < sizeof body ? in_len : sizeof body - 1);
    if (sscanf(body, "%7s %d", what, &count) != 2 || count < 1)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < count; i++)
        if (once(what, i))
            return -2;
    clock_gettime(CLOCK_MONOTONIC, &to);
    double us = (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
    return snprintf((char *)out, out_cap, "%.2f", us / count);
}
