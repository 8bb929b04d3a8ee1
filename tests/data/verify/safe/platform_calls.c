/* What vireo-platform serves, by contract. */
#include <vireo/function.h>
#include <vireo/platform.h>
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
static uint8_t kept[4096];
H(get_into_static)
{
    int32_t n = vireo_kv_get("hits", 4, kept, sizeof kept);
    if (n < 0)
        return -1;
    size_t m = (size_t)n < out_cap ? (size_t)n : out_cap;
    for (size_t i = 0; i < m; i++)
        out[i] = kept[i];
    return (int64_t)m;
}
H(get_local)
{
    uint8_t b[64];
    int32_t n = vireo_kv_get("hits", 4, b, sizeof b);
    int s = 0;
    for (int32_t i = 0; i < n; i++)
        s += b[i];
    return s;
}
H(put_body)
{
    uint32_t n = in_len < 512 ? (uint32_t)in_len : 512;
    if (n == 0)
        return 0;
    return vireo_kv_put(in, n, in, n) < 0 ? -errno : n;
}
H(count)
{
    uint32_t v = 0;
    if (vireo_kv_get("n", 1, &v, sizeof v) != sizeof v)
        v = 0;
    v++;
    if (vireo_kv_put("n", 1, &v, sizeof v) < 0)
        return -2;
    return v;
}
H(push)
{
    uint32_t n = in_len < 65536 ? (uint32_t)in_len : 65536;
    return vireo_queue_push("resize", in, n);
}
H(http)
{
    static char b[4096];
    int status = 0;
    int32_t n = vireo_http("GET http://127.66.0.1:80/\n", "", 0, b, sizeof b, &status);
    if (n < 0)
        return n;
    size_t m = (size_t)n < out_cap ? (size_t)n : out_cap;
    memcpy(out, b, m);
    return (int64_t)m;
}
static uint8_t rows[4096];
H(sql)
{
    uint8_t space[256];
    struct vireo_sql_params p = VIREO_SQL_PARAMS(space);
    struct vireo_sql_rows r;
    struct vireo_sql_cell c;
    vireo_sql_text(&p, in, in_len < 100 ? (uint32_t)in_len : 100);
    if (vireo_sql("SELECT name FROM users WHERE id = ?", &p, rows, sizeof rows, &r) < 0)
        return -1;
    int64_t n = 0;
    while (vireo_sql_cell(&r, &c))
        n += c.length;
    return n;
}
H(sqlbytes)
{
    uint8_t space[256];
    struct vireo_sql_params p = VIREO_SQL_PARAMS(space);
    struct vireo_sql_rows r;
    struct vireo_sql_cell c;
    vireo_sql_text(&p, in, in_len < 100 ? (uint32_t)in_len : 100);
    if (vireo_sql("SELECT name FROM users WHERE id = ?", &p, rows, sizeof rows, &r) < 0)
        return -1;
    size_t n = 0;
    while (vireo_sql_cell(&r, &c))
        if (c.kind == 't')
            for (uint32_t i = 0; i < c.length && n < out_cap; i++)
                out[n++] = c.bytes[i];
    return n;
}
H(sqllocal)
{
    uint8_t rows[1024];
    struct vireo_sql_rows r;
    struct vireo_sql_cell c;
    if (vireo_sql("SELECT count(*) FROM users", NULL, rows, sizeof rows, &r) < 0)
        return -1;
    int64_t n = 0;
    while (vireo_sql_cell(&r, &c))
        n += c.integer;
    return n;
}
