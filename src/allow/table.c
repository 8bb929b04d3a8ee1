/* The table of layers and entries. */
#include <errno.h>
#include <string.h>

#include "allow/allow.h"
#include "base/cleanup.h"
#include "guest/platform.h"

#define VALUE               \
    {                       \
        .kind = ALLOW_VALUE \
    }
#define SIZE(limit)                       \
    {                                     \
        .kind = ALLOW_SIZE, .most = limit \
    }
#define READ(of)                       \
    {                                  \
        .kind = ALLOW_READ, .size = of \
    }
#define WRITE(of)                       \
    {                                   \
        .kind = ALLOW_WRITE, .size = of \
    }
#define FILL(of)                       \
    {                                  \
        .kind = ALLOW_FILL, .size = of \
    }
#define FILL_FIXED(bytes)                                      \
    {                                                          \
        .kind = ALLOW_FILL, .size = ALLOW_FIXED, .most = bytes \
    }

const struct allow_entry allow_entries[] = {
    {"memcpy",
     ALLOW_BASE,
     NULL,
     {FILL(2), READ(2), SIZE(0)},
     ALLOW_FIRST,
     .disjoint = true,
     .contract = "copies n bytes; the two do not overlap"},
    {"memmove",
     ALLOW_BASE,
     NULL,
     {FILL(2), READ(2), SIZE(0)},
     ALLOW_FIRST,
     .contract = "copies n bytes; the two may overlap"},
    {"memset",
     ALLOW_BASE,
     NULL,
     {FILL(2), VALUE, SIZE(0)},
     ALLOW_FIRST,
     .contract = "sets n bytes"},
    {"memcmp",
     ALLOW_BASE,
     NULL,
     {READ(2), READ(2), SIZE(0)},
     ALLOW_ANY,
     .contract = "compares n bytes"},
    {"vireo_copy",
     ALLOW_BASE,
     NULL,
     {WRITE(1), SIZE(0), READ(3), SIZE(0)},
     ALLOW_COUNT,
     1,
     .disjoint = true,
     .contract = "copies a text of n bytes if it fits; how many, or -1"},
    {"vireo_equal",
     ALLOW_BASE,
     NULL,
     {READ(1), SIZE(0), READ(3), SIZE(0)},
     ALLOW_ANY,
     .contract = "1 if two texts are the same, else 0"},
    {"vireo_find",
     ALLOW_BASE,
     NULL,
     {READ(1), SIZE(0), VALUE},
     ALLOW_COUNT,
     1,
     .contract = "where a byte is first, or -1"},
    {"vireo_format_u64",
     ALLOW_BASE,
     NULL,
     {WRITE(1), SIZE(0), VALUE},
     ALLOW_COUNT,
     1,
     .contract = "a number in decimal if it fits; how many bytes, or -1"},
    {"vireo_format_i64",
     ALLOW_BASE,
     NULL,
     {WRITE(1), SIZE(0), VALUE},
     ALLOW_COUNT,
     1,
     .contract = "a number in decimal, with its sign, if it fits; how many bytes, or -1"},
    {"vireo_format_hex",
     ALLOW_BASE,
     NULL,
     {WRITE(1), SIZE(0), READ(3), SIZE(0)},
     ALLOW_COUNT,
     1,
     .disjoint = true,
     .contract = "bytes as hexadecimal digits if they fit; how many, or -1"},
    {"vireo_parse_u64",
     ALLOW_BASE,
     NULL,
     {READ(1), SIZE(0), FILL_FIXED(8)},
     ALLOW_STATUS,
     .disjoint = true,
     .contract = "a decimal number that is the whole text and fits; 0, or -1"},

    {"vireo_connect",
     ALLOW_IO,
     "connect",
     {READ(1), SIZE(0)},
     ALLOW_ANY,
     .contract = "a descriptor connected to a place that vireo.yaml names, or negative"},

    {"vireo_kv_get",
     ALLOW_PLATFORM,
     "kv_get",
     {READ(1), SIZE(PLATFORM_KEY_MAX), WRITE(3), SIZE(0)},
     ALLOW_COUNT,
     3,
     .disjoint = true,
     .contract = "the key's value if it fits; how many bytes, or negative"},
    {"vireo_kv_put",
     ALLOW_PLATFORM,
     "kv_put",
     {READ(1), SIZE(PLATFORM_KEY_MAX), READ(3), SIZE(PLATFORM_DATA_MAX)},
     ALLOW_STATUS,
     .contract = "sets the key's value; 0, or negative"},
    {"vireo_kv_delete",
     ALLOW_PLATFORM,
     "kv_delete",
     {READ(1), SIZE(PLATFORM_KEY_MAX)},
     ALLOW_STATUS,
     .contract = "removes the key; 0, or negative"},
    {"vireo_sql_raw",
     ALLOW_PLATFORM,
     "sql",
     {READ(1), SIZE(PLATFORM_TEXT_MAX), READ(3), SIZE(PLATFORM_DATA_MAX), WRITE(5), SIZE(0)},
     ALLOW_COUNT,
     5,
     .disjoint = true,
     .contract = "one statement with bound parameters; how many bytes of rows, or negative"},
    {"vireo_queue_push",
     ALLOW_PLATFORM,
     "queue_push",
     {READ(1), SIZE(PLATFORM_KEY_MAX), READ(3), SIZE(PLATFORM_DATA_MAX)},
     ALLOW_STATUS,
     .contract = "a message that a function of this name is called with; 0, or negative"},
    {"vireo_http_raw",
     ALLOW_PLATFORM,
     "http",
     {READ(1), SIZE(PLATFORM_TEXT_MAX), READ(3), SIZE(PLATFORM_DATA_MAX), WRITE(5), SIZE(0)},
     ALLOW_COUNT,
     5,
     .disjoint = true,
     .contract = "a request to a host that vireo.yaml names; how many bytes came, or negative"},
    {"vireo_http_any_raw",
     ALLOW_RISKY,
     "http_any",
     {READ(1), SIZE(PLATFORM_TEXT_MAX), READ(3), SIZE(PLATFORM_DATA_MAX), WRITE(5), SIZE(0)},
     ALLOW_COUNT,
     5,
     .disjoint = true,
     .contract = "a request to any public host; how many bytes came, or negative"},
};
const size_t allow_entry_count = ARRAY_LEN(allow_entries);

static const char *const layers[ALLOW_LAYERS] = {
    [ALLOW_BASE] = "base",
    [ALLOW_IO] = "io",
    [ALLOW_PLATFORM] = "platform",
    [ALLOW_RISKY] = "risky",
};

static const char *const served[ALLOW_SERVED] = {
    [ALLOW_KV_GET] = "vireo_kv_get",         [ALLOW_KV_PUT] = "vireo_kv_put",
    [ALLOW_KV_DELETE] = "vireo_kv_delete",   [ALLOW_SQL] = "vireo_sql_raw",
    [ALLOW_QUEUE_PUSH] = "vireo_queue_push", [ALLOW_HTTP] = "vireo_http_raw",
    [ALLOW_HTTP_ANY] = "vireo_http_any_raw",
};

const char *allow_layer_name(enum allow_layer layer)
{
    return layers[layer];
}

int allow_layer_find(const char *name, enum allow_layer *ret_layer)
{
    for (enum allow_layer layer = ALLOW_BASE; layer < ALLOW_RISKY; layer++)
        if (strcmp(layers[layer], name) == 0) {
            *ret_layer = layer;
            return 0;
        }
    return -ENOENT;
}

const struct allow_entry *allow_find(const char *name)
{
    for (size_t i = 0; i < allow_entry_count; i++)
        if (strcmp(allow_entries[i].name, name) == 0)
            return &allow_entries[i];
    return NULL;
}

const char *allow_served_name(enum allow_served which)
{
    return served[which];
}
