/* The table of layers and entries. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "allow/allow.h"
#include "base/cleanup.h"
#include "guest/platform.h"

#define VALUE               \
    {                       \
        .kind = ALLOW_VALUE \
    }
#define LONG               \
    {                      \
        .kind = ALLOW_LONG \
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

/* Of a path, without its NUL. */
#define PATH_BYTES_MAX 4095

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

    /* Proved code calls these by <unistd.h> and its like, which the verifier's library makes of
     * them; translated code has WASI. Each answers what it says, or -errno. */
    {"open",
     ALLOW_IO,
     NULL,
     {READ(1), SIZE(PATH_BYTES_MAX), VALUE},
     ALLOW_ANY,
     .contract = "a descriptor of a file below a folder that vireo.yaml grants, or negative"},
    {"read",
     ALLOW_IO,
     NULL,
     {VALUE, WRITE(2), SIZE(0)},
     ALLOW_COUNT,
     2,
     .contract = "bytes of a file or connection; how many, 0 at its end, or negative"},
    {"pread",
     ALLOW_IO,
     NULL,
     {VALUE, WRITE(2), SIZE(0), LONG},
     ALLOW_COUNT,
     2,
     .contract = "bytes of a file from a place; how many, 0 at its end, or negative"},
    {"write",
     ALLOW_IO,
     NULL,
     {VALUE, READ(2), SIZE(0)},
     ALLOW_COUNT,
     2,
     .contract = "bytes into a file, a connection or the log; how many, or negative"},
    {"pwrite",
     ALLOW_IO,
     NULL,
     {VALUE, READ(2), SIZE(0), LONG},
     ALLOW_COUNT,
     2,
     .contract = "bytes into a file at a place; how many, or negative"},
    {"lseek",
     ALLOW_IO,
     NULL,
     {VALUE, LONG, VALUE, FILL_FIXED(8)},
     ALLOW_STATUS,
     .contract = "sets a file's position, and says it; 0, or negative and position 0"},
    {"ftruncate",
     ALLOW_IO,
     NULL,
     {VALUE, LONG},
     ALLOW_STATUS,
     .contract = "sets a file's length; 0, or negative"},
    {"fsync",
     ALLOW_IO,
     NULL,
     {VALUE},
     ALLOW_STATUS,
     .contract = "writes a file out; 0, or negative"},
    {"close",
     ALLOW_IO,
     NULL,
     {VALUE},
     ALLOW_STATUS,
     .contract = "gives a descriptor back; 0, or negative"},
    {"mkdir",
     ALLOW_IO,
     NULL,
     {READ(1), SIZE(PATH_BYTES_MAX)},
     ALLOW_STATUS,
     .contract = "makes a folder below one that is granted; 0, or negative"},
    {"unlink",
     ALLOW_IO,
     NULL,
     {READ(1), SIZE(PATH_BYTES_MAX)},
     ALLOW_STATUS,
     .contract = "removes a file below a folder that is granted; 0, or negative"},
    {"rmdir",
     ALLOW_IO,
     NULL,
     {READ(1), SIZE(PATH_BYTES_MAX)},
     ALLOW_STATUS,
     .contract = "removes an empty folder below one that is granted; 0, or negative"},
    {"rename",
     ALLOW_IO,
     NULL,
     {READ(1), SIZE(PATH_BYTES_MAX), READ(3), SIZE(PATH_BYTES_MAX)},
     ALLOW_STATUS,
     .contract = "gives a file below a folder that is granted another name; 0, or negative"},
    {"poll",
     ALLOW_IO,
     NULL,
     {VALUE, VALUE, VALUE},
     ALLOW_ANY,
     .contract = "waits for a descriptor; what it is ready for, 0 after the time, or negative"},
    {"shutdown",
     ALLOW_IO,
     NULL,
     {VALUE, VALUE},
     ALLOW_STATUS,
     .contract = "ends a connection in one direction or both; 0, or negative"},
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
    {"vireo_exec",
     ALLOW_RISKY,
     "exec",
     {READ(1), SIZE(PLATFORM_KEY_MAX), READ(3), SIZE(PLATFORM_DATA_MAX), WRITE(5), SIZE(0)},
     ALLOW_COUNT,
     5,
     .disjoint = true,
     .contract = "runs a program that vireo.yaml names; how many bytes it wrote, or negative"},
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
    [ALLOW_HTTP_ANY] = "vireo_http_any_raw", [ALLOW_EXEC] = "vireo_exec",
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

const struct allow_entry *allow_find_native(const char *symbol)
{
    const size_t prefix = sizeof ALLOW_NATIVE - 1;

    if (strncmp(symbol, ALLOW_NATIVE, prefix) != 0)
        return NULL;
    for (size_t i = 0; i < allow_entry_count; i++) {
        const struct allow_entry *entry = &allow_entries[i];
        if (entry->layer != ALLOW_BASE &&
            strcmp(entry->import ? entry->import : entry->name, symbol + prefix) == 0)
            return entry;
    }
    return NULL;
}

void allow_calls_add(char calls[ALLOW_CALLS_BYTES], const char *symbol)
{
    const struct allow_entry *entry = allow_find_native(symbol);
    const char *name = entry ? entry->name : symbol;
    size_t used = strlen(calls);

    if (strncmp(symbol, "vireo_", 6) != 0 || allow_calls_have(calls, name))
        return;
    snprintf(calls + used, ALLOW_CALLS_BYTES - used, "%s%s", used ? " " : "", name);
}

bool allow_calls_have(const char *calls, const char *name)
{
    for (size_t bytes; *calls; calls += bytes + (calls[bytes] == ' ')) {
        bytes = strcspn(calls, " ");
        if (bytes == strlen(name) && strncmp(calls, name, bytes) == 0)
            return true;
    }
    return false;
}

const char *allow_served_name(enum allow_served which)
{
    return served[which];
}
