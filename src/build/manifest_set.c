/* A manifest's defaults, and its values as the command line sets them. */
#include <errno.h>
#include <string.h>

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
    manifest->pool.queue_max = 256;
    manifest->pool.idle_ms = 300000;
}

static uint32_t instances(const struct manifest *manifest)
{
    if (manifest->pool.instances_max)
        return manifest->pool.instances_max;
    return manifest->isolation == MANIFEST_REQUEST ? REQUEST_INSTANCES : INSTANCES;
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
    return 0;
}

int manifest_settle(struct manifest *manifest, struct err *err)
{
    int r = manifest_check(manifest, err);

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
