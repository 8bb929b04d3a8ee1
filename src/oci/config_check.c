/* What fields of a configuration must be together: mostly, that what is asked for has a namespace
 * of its own to happen in, and not the machine's. */
#include <linux/sched.h>
#include <string.h>

#include "base/cleanup.h"
#include "oci/config_reader.h"

static bool has(const struct reader *reader, int flag)
{
    return oci_config_namespace(reader->config, flag) != NULL;
}

/* Parameters that belong to a namespace; all others are the machine's. */
static const struct scope {
    const char *prefix;
    int flag;
    const char *name;
} scopes[] = {
    {"net.", CLONE_NEWNET, "network"},          {"fs.mqueue.", CLONE_NEWIPC, "ipc"},
    {"kernel.msgmax", CLONE_NEWIPC, "ipc"},     {"kernel.msgmnb", CLONE_NEWIPC, "ipc"},
    {"kernel.msgmni", CLONE_NEWIPC, "ipc"},     {"kernel.sem", CLONE_NEWIPC, "ipc"},
    {"kernel.shmall", CLONE_NEWIPC, "ipc"},     {"kernel.shmmax", CLONE_NEWIPC, "ipc"},
    {"kernel.shmmni", CLONE_NEWIPC, "ipc"},     {"kernel.shm_rmid_forced", CLONE_NEWIPC, "ipc"},
    {"kernel.domainname", CLONE_NEWUTS, "uts"}, {"user.", CLONE_NEWUSER, "user"},
};

/* The separator may be '/' where it is '.', and the other way round (sysctl(8)). */
static bool scope_holds(const struct scope *scope, const char *key)
{
    size_t length = strlen(scope->prefix);

    for (size_t i = 0; i < length; i++) {
        bool separators = scope->prefix[i] == '.' && key[i] == '/';
        if (key[i] != scope->prefix[i] && !separators)
            return false;
    }
    return scope->prefix[length - 1] == '.' || key[length] == '\0';
}

static int check_sysctl(struct reader *reader, const struct at *linux_at)
{
    const struct oci_pairs *pairs = &reader->config->linux_.sysctl;
    const struct at at = {.up = linux_at, .key = "sysctl"};

    for (size_t i = 0; i < pairs->count; i++) {
        const struct at inner = {.up = &at, .key = pairs->list[i].key};
        const struct scope *scope = NULL;
        for (size_t s = 0; s < ARRAY_LEN(scopes) && !scope; s++)
            if (scope_holds(&scopes[s], pairs->list[i].key))
                scope = &scopes[s];
        if (strcmp(inner.key, "kernel.hostname") == 0 || strcmp(inner.key, "kernel/hostname") == 0)
            return refuse(reader, &inner, "the field hostname is for that");
        if (reader->config->domainname && reader->config->domainname[0] && scope &&
            strcmp(scope->prefix, "kernel.domainname") == 0 &&
            strcmp(reader->config->domainname, pairs->list[i].value) != 0)
            return refuse(reader, &inner, "it is not what the field domainname says");
        if (!scope)
            return refuse(reader, &inner, "it is the whole machine's, not of a namespace");
        if (!has(reader, scope->flag))
            return refuse(reader, &inner, "it needs a namespace of type %s", scope->name);
    }
    return 0;
}

/* Every id is itself. */
static bool is_identity(const struct oci_mappings *mappings)
{
    return mappings->count == 1 && mappings->list[0].container_id == 0 &&
           mappings->list[0].host_id == 0 && mappings->list[0].size == UINT32_MAX;
}

int config_check(struct reader *reader)
{
    const struct oci_config *config = reader->config;
    const struct oci_linux *linux_ = &config->linux_;
    const struct at top = {0}, linux_at = {.up = &top, .key = "linux"};
    const bool maps = linux_->uid_mappings.count > 0 || linux_->gid_mappings.count > 0;

    if (config->hostname && config->hostname[0]) {
        const struct at at = {.up = &top, .key = "hostname"};
        if (!has(reader, CLONE_NEWUTS))
            return refuse(reader, &at, "it needs a namespace of type uts");
        if (strlen(config->hostname) > 64)
            return refuse(reader, &at, "it is longer than 64 bytes");
    }
    if (config->domainname && config->domainname[0]) {
        const struct at at = {.up = &top, .key = "domainname"};
        if (!has(reader, CLONE_NEWUTS))
            return refuse(reader, &at, "it needs a namespace of type uts");
        if (strlen(config->domainname) > 64)
            return refuse(reader, &at, "it is longer than 64 bytes");
    }
    /* That is so without a namespace as well. */
    if (maps && !has(reader, CLONE_NEWUSER) &&
        !(is_identity(&linux_->uid_mappings) && is_identity(&linux_->gid_mappings)))
        return refuse_key(reader, &linux_at,
                          linux_->uid_mappings.count > 0 ? "uidMappings" : "gidMappings",
                          "it needs a namespace of type user");
    if ((linux_->boottime.set || linux_->monotonic.set) && !has(reader, CLONE_NEWTIME))
        return refuse_key(reader, &linux_at, "timeOffsets", "they need a namespace of type time");
    if (linux_->net_device_count && !has(reader, CLONE_NEWNET)) {
        const struct at at = {.up = &linux_at, .key = "netDevices"};
        return refuse(reader, &at, "they need a namespace of type network");
    }
    return check_sysctl(reader, &linux_at);
}
