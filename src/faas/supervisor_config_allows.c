/* What manifests may ask for, by the operator's configuration: docs/configuration.md. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/supervisor.h"
#include "faas/supervisor_outside.h"

/* `path` is `directory` or below it, by its text: what it is on disk is settled when it is mounted.
 */
static bool is_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    while (length > 1 && directory[length - 1] == '/')
        length--;
    return strncmp(path, directory, length) == 0 &&
           (path[length] == '/' || path[length] == '\0' || length == 1);
}

static int listen_allowed(const struct supervisor_config *config, const struct manifest *manifest,
                          struct err *err)
{
    for (uint32_t i = 0; i < manifest->listen_count; i++) {
        struct endpoint endpoint;
        bool allowed = false;
        int r = endpoint_parse(manifest->listen[i], &endpoint, err);
        if (r < 0)
            return r;
        for (unsigned j = 0; j < config->allow_listen_count && !allowed; j++)
            allowed = endpoint_rule_has_address(&config->allow_listen[j], &endpoint.address,
                                                endpoint.port);
        if (!allowed)
            return err_say(err, -EPERM,
                           "cannot grant listen '%s' to '%s': it is not in the operator's "
                           "allow_grants",
                           manifest->listen[i], manifest->name);
    }
    return 0;
}

static int connect_allowed(const struct supervisor_config *config, const struct manifest *manifest,
                           struct err *err)
{
    for (uint32_t i = 0; i < manifest->connect_count; i++) {
        struct endpoint endpoint;
        int r = endpoint_connect_parse(manifest->connect[i], &endpoint, err);
        if (r < 0)
            return r;
        if (!endpoint_rules_allow(config->allow_connect, config->allow_connect_count, &endpoint))
            return err_say(err, -EPERM,
                           "cannot grant connect '%s' to '%s': it is not in the operator's "
                           "allow_grants",
                           manifest->connect[i], manifest->name);
    }
    return 0;
}

static bool name_matches(const char (*patterns)[NAME_MAX_BYTES + 2], unsigned count,
                         const char *name)
{
    for (unsigned i = 0; i < count; i++) {
        size_t length = strcspn(patterns[i], "*");
        if (strncmp(patterns[i], name, length) == 0 &&
            (patterns[i][length] == '*' || name[length] == '\0'))
            return true;
    }
    return false;
}

/* The layers that it names, or that one without `allow` has by its grants. */
static int layers_allowed(const struct supervisor_config *config, const struct manifest *manifest,
                          struct err *err)
{
    bool needs_io = manifest->file_count || manifest->listen_count || manifest->connect_count;
    uint32_t asked = manifest->layers;

    if (!manifest->allow_said && !needs_io)
        asked &= ~ALLOW_BIT(ALLOW_IO);
    for (enum allow_layer layer = ALLOW_BASE; layer < ALLOW_RISKY; layer++)
        if ((asked & ALLOW_BIT(layer)) &&
            !name_matches(config->allow_layers[layer], config->allow_layers_count[layer],
                          manifest->name))
            return err_say(err, -EPERM,
                           "cannot deploy '%s': layer %s is not in the operator's allow_layers for "
                           "it",
                           manifest->name, allow_layer_name(layer));
    return 0;
}

/* Whom it sends messages to, or has run. */
static int names_allowed(const struct manifest *manifest, const char *grant,
                         const char (*names)[NAME_MAX_BYTES + 1], uint32_t count,
                         const char (*patterns)[NAME_MAX_BYTES + 2], unsigned pattern_count,
                         struct err *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (!name_matches(patterns, pattern_count, names[i]))
            return err_say(err, -EPERM,
                           "cannot grant %s '%s' to '%s': it is not in the operator's "
                           "allow_grants",
                           grant, names[i], manifest->name);
    return 0;
}

/* Grants that are there or not. */
static int family_allowed(const struct supervisor_config *config, const struct manifest *manifest,
                          struct err *err)
{
    const char *refused = manifest->fork && !config->allow_fork   ? "fork"
                          : manifest->ipc && !config->allow_ipc   ? "ipc"
                          : manifest->link && !config->allow_link ? "link"
                                                                  : NULL;

    if (refused)
        return err_say(err, -EPERM,
                       "cannot deploy '%s': grant %s is not in the operator's allow_grants",
                       manifest->name, refused);
    return 0;
}

/* What only our own runtime can do for a container. */
static int runtime_can(const struct supervisor_config *config, const struct manifest *manifest,
                       struct err *err)
{
    const char *what = vkernel_is_set(&manifest->vkernel) ? "a virtual kernel"
                       : manifest->http_cgi               ? "'http: cgi'"
                                                          : NULL;

    if (!config->container_runtime[0] || manifest->container.word_count == 0 || !what)
        return 0;
    return err_say(err, -EPERM,
                   "cannot deploy '%s': %s is for containers of vireo's own runtime, and the "
                   "operator has configured '%s' (containers: runtime)",
                   manifest->name, what, config->container_runtime);
}

int supervisor_config_allows(const struct supervisor_config *config,
                             const struct manifest *manifest, struct err *err)
{
    int r = manifest_ceilings_hold(&config->ceilings, manifest, err);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        const char *host = manifest->files[i].host;
        bool allowed = host[0] == '\0';
        for (unsigned j = 0; j < config->allow_files_count && !allowed; j++)
            allowed = !strstr(host, "/../") && is_below(host, config->allow_files[j]);
        if (!allowed)
            return err_say(err, -EPERM,
                           "cannot deploy '%s': grant files '%s' is not in the operator's "
                           "allow_grants",
                           manifest->name, host);
    }
    r = runtime_can(config, manifest, err);
    if (r == 0)
        r = listen_allowed(config, manifest, err);
    if (r == 0)
        r = connect_allowed(config, manifest, err);
    if (r == 0)
        r = layers_allowed(config, manifest, err);
    if (r == 0)
        r = names_allowed(manifest, "queue", manifest->queue, manifest->queue_count,
                          config->allow_queue, config->allow_queue_count, err);
    if (r == 0)
        r = names_allowed(manifest, "exec", manifest->exec, manifest->exec_count,
                          config->allow_exec, config->allow_exec_count, err);
    if (r == 0)
        r = bpf_allowed(config, manifest, err);
    return r < 0 ? r : family_allowed(config, manifest, err);
}
