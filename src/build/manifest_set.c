/* A manifest's defaults, and its values as the command line sets them. */
#include <errno.h>
#include <string.h>

#include "allow/allow.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "build/manifest_internal.h"

/* At once, when the manifest does not say it. An instance that serves one call and ends does not
 * share the processors with its own next call: more of them are worth their memory. */
#define INSTANCES 4
#define REQUEST_INSTANCES 32

void manifest_default(struct manifest *manifest)
{
    memset(manifest, 0, sizeof *manifest);
    manifest->limits.memory_bytes = 64ull << 20;
    manifest->limits.pids = 16;
    manifest->limits.timeout_ms = MANIFEST_TIMEOUT_MS;
    manifest->limits.stack_bytes = 1ull << 20;
    manifest->limits.request_bytes = REQUEST_BODY_MAX_BYTES;
    manifest->limits.answer_bytes = RESPONSE_BODY_MAX_BYTES;
    manifest->family.depth = 16;
    manifest->pool.queue_max = 256;
    manifest->pool.idle_ms = 300000;
    manifest->layers = ALLOW_DEFAULT;
}

static uint32_t instances(const struct manifest *manifest)
{
    if (manifest->pool.instances_max)
        return manifest->pool.instances_max;
    return manifest->isolation == MANIFEST_REQUEST ? REQUEST_INSTANCES : INSTANCES;
}

/* A grant that is served by a layer which is not among those asked for is a mistake. */
static int layers_check(const struct manifest *manifest, struct err *err)
{
    const struct {
        bool asked;
        const char *grant;
        enum allow_layer layer;
    } grants[] = {
        {manifest->file_count > 0, "files", ALLOW_IO},
        {manifest->listen_count > 0, "listen", ALLOW_IO},
        /* A place is connected to by io, and asked by HTTP of the platform. */
        {manifest->connect_count > 0 && !(manifest->layers & ALLOW_BIT(ALLOW_PLATFORM)), "connect",
         ALLOW_IO},
        {manifest->queue_count > 0, "queue", ALLOW_PLATFORM},
        {manifest->exec_count > 0, "exec", ALLOW_PLATFORM},
    };

    for (size_t i = 0; i < ARRAY_LEN(grants); i++)
        if (grants[i].asked && !(manifest->layers & ALLOW_BIT(grants[i].layer)))
            return err_say(err, -EINVAL, "a grant of %s needs the layer %s in allow",
                           grants[i].grant, allow_layer_name(grants[i].layer));
    return 0;
}

int manifest_check(const struct manifest *manifest, struct err *err)
{
    char memory[32], part[32];

    manifest_bytes_text(manifest->limits.memory_bytes, memory, sizeof memory);
    if (manifest->limits.stack_bytes >= manifest->limits.memory_bytes) {
        manifest_bytes_text(manifest->limits.stack_bytes, part, sizeof part);
        return err_say(err, -EINVAL,
                       "a stack of %s does not fit in a memory of %s: lower limits.stack", part,
                       memory);
    }
    if (manifest->listen_count > 0 && manifest->isolation == MANIFEST_REQUEST)
        return err_say(err, -EINVAL,
                       "a function that listens is one instance that runs on: isolation: request "
                       "is not for it");
    if (manifest->listen_count > 0 && manifest->pool.spares > 0)
        return err_say(err, -EINVAL,
                       "a function that listens is one instance that runs on: pool.spares is not "
                       "for it");
    if (manifest->pool.spares > instances(manifest))
        return err_say(err, -EINVAL, "%u spares are more than the %u instances of the pool",
                       manifest->pool.spares, instances(manifest));
    int r = manifest_runtime_check(manifest, err);
    if (r == 0)
        r = manifest_container_check(manifest, err);
    if (r == 0)
        r = manifest_bpf_check(manifest, err);
    return r < 0 ? r : layers_check(manifest, err);
}

int manifest_settle(struct manifest *manifest, struct err *err)
{
    int r;

    /* Its program's standard input is one request. */
    if (manifest->container.word_count > 0 && manifest->container.talk == MANIFEST_STDIO)
        manifest->isolation = MANIFEST_REQUEST;
    r = manifest_check(manifest, err);
    if (r == 0)
        manifest->pool.instances_max = instances(manifest);
    return r;
}

static int set(struct manifest *manifest, const char *section, const char *name, const char *value,
               struct err *err)
{
    struct err reason = {0};
    int r = manifest_key_set(manifest_key_find(section, name), manifest, value, &reason);

    return r < 0 ? err_say(err, r, "cannot use %s", reason.message) : 0;
}

int manifest_set_talk(struct manifest *manifest, const char *value, struct err *err)
{
    return set(manifest, "", "talk", value, err);
}

int manifest_set_directory_of_program(struct manifest *manifest, const char *value, struct err *err)
{
    return set(manifest, "", "directory", value, err);
}

int manifest_set_name(struct manifest *manifest, const char *value, struct err *err)
{
    return set(manifest, "", "name", value, err);
}

int manifest_set_memory(struct manifest *manifest, const char *value, struct err *err)
{
    return set(manifest, "limits", "memory", value, err);
}

int manifest_set_cpus(struct manifest *manifest, const char *value, struct err *err)
{
    return set(manifest, "limits", "cpus", value, err);
}

int manifest_set_timeout(struct manifest *manifest, const char *value, struct err *err)
{
    return set(manifest, "limits", "timeout", value, err);
}

int manifest_set_slack(struct manifest *manifest, const char *value, struct err *err)
{
    return set(manifest, "update", "slack", value, err);
}

int manifest_set_isolation(struct manifest *manifest, const char *value, struct err *err)
{
    return set(manifest, "", "isolation", value, err);
}

int manifest_set_env(struct manifest *manifest, const char *pair, struct err *err)
{
    char name[sizeof manifest->env[0].name];
    const char *equals = strchr(pair, '=');
    struct err reason = {0};

    if (!equals || (size_t)(equals - pair) >= sizeof name)
        return err_say(err, -EINVAL, "cannot use '%s': it is not NAME=value",
                       value_show(pair).text);
    memcpy(name, pair, (size_t)(equals - pair));
    name[equals - pair] = '\0';
    int r = manifest_put_env(manifest, name, equals + 1, &reason);
    return r < 0 ? err_say(err, r, "cannot use %s", reason.message) : 0;
}

int manifest_set_directory(struct manifest *manifest, const char *host, const char *path,
                           bool writable, struct err *err)
{
    struct manifest_file file = {.writable = writable};
    struct err reason = {0};
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length >= sizeof file.path || strlen(host) >= sizeof file.host)
        return err_say(err, -EINVAL, "cannot grant '%s' as '%s': a path has at most %zu bytes",
                       value_show(host).text, value_show(path).text, sizeof file.path - 1);
    memcpy(file.path, path, length);
    strcpy(file.host, host);
    if (strcmp(file.path, "/") != 0 && value_path(file.path, sizeof file.path, &reason) < 0)
        return err_say(err, -EINVAL, "cannot grant '%s' as '%s': %s", value_show(host).text,
                       value_show(path).text, reason.message);
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        if (strcmp(manifest->files[i].path, file.path) == 0) {
            manifest->files[i] = file;
            return 0;
        }
    }
    if (manifest->file_count == GRANT_FILES_MAX)
        return err_say(err, -EINVAL, "cannot grant '%s': %d directories at most",
                       value_show(host).text, GRANT_FILES_MAX);
    manifest->files[manifest->file_count++] = file;
    return 0;
}
