/* What vireo-platform serves, with less than its contract asks for, or more made of an answer than
 * it promises. */
#include "unsafe.h"
#include <vireo/platform.h>

static uint8_t kept[4096];
static int cells[8];
H(get_room)
{
    return vireo_kv_get("hits", 4, kept, sizeof kept + 1);
}
H(get_key)
{
    return vireo_kv_get("hits", 6, kept, sizeof kept);
}
H(get_unset)
{
    uint8_t b[64];
    int32_t n = vireo_kv_get("hits", 4, b, sizeof b);
    return n >= 0 ? b[n ? n - 1 : 0] : 0;
}
H(get_unset_tail)
{
    uint8_t b[64];
    int32_t n = vireo_kv_get("hits", 4, b, sizeof b);
    return n > 3 ? b[4] : 0;
}
H(get_end)
{
    uint8_t b[64] = {0};
    int32_t n = vireo_kv_get("hits", 4, b, sizeof b);
    if (n >= 0)
        b[n] = 0;
    return b[0];
}
H(get_negative)
{
    return cells[vireo_kv_get("hits", 4, kept, 7)];
}
H(get_value)
{
    uint32_t v = 0;
    vireo_kv_get("n", 1, &v, sizeof v);
    return cells[v & 15];
}
H(get_into_out)
{
    return vireo_kv_get("hits", 4, out, 64);
}
H(get_into_in)
{
    return vireo_kv_get("hits", 4, (void *)in, (uint32_t)(in_len < 64 ? in_len : 64));
}
H(put_unset)
{
    uint8_t b[64];
    return vireo_kv_put("k", 1, b, sizeof b);
}
H(put_body)
{
    return vireo_kv_put("k", 1, in, (uint32_t)in_len + 1);
}
H(put_long)
{
    return vireo_kv_put(in, 512, "v", 1);
}
H(status_negative)
{
    return cells[vireo_kv_put("k", 1, "v", 1)];
}
H(push_long)
{
    return vireo_queue_push("resize", kept, 4097);
}
H(any)
{
    int s;
    return vireo_http_any("GET http://example.org/\n", "", 0, kept, sizeof kept, &s);
}
H(exec)
{
    return vireo_exec("sorter", in, in_len < 99 ? (uint32_t)in_len : 0, kept, sizeof kept);
}
H(http_status)
{
    int s;
    vireo_http("GET http://example.org/\n", "", 0, kept, sizeof kept, &s);
    return s;
}
H(http_length)
{
    int s = 0;
    int32_t n = vireo_http("GET http://example.org/\n", "", 0, kept, sizeof kept, &s);
    return n > 0 ? cells[s & 15] : 0;
}
H(sql_cell)
{
    uint8_t rows[64];
    struct vireo_sql_rows r;
    struct vireo_sql_cell c = {0};
    if (vireo_sql("SELECT 1", NULL, rows, sizeof rows, &r) < 0)
        return 0;
    vireo_sql_cell(&r, &c);
    return c.kind == 't' ? c.bytes[c.length] : 0;
}
