/* config.json's top: version, root, mounts, hooks, annotations; and the ways in. */
#include "oci/config.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/config_reader.h"
#include "oci/json.h"

/* SemVer of major version 1: what this runtime was written for. */
static int read_version(struct reader *reader, const struct at *at, const struct field *field,
                        void *out)
{
    const char *text;
    int r = read_word(reader, at, field, &text);

    if (r < 0)
        return r;
    const char *p = text;
    for (int part = 0; part < 3; part++) {
        size_t digits = strspn(p, "0123456789");
        if (digits == 0 || digits > 4 || (part < 2 && p[digits] != '.'))
            return refuse(reader, at, "'%.60s' is no version such as 1.2.0", text);
        p += digits + (part < 2);
    }
    if ((*p != '\0' && *p != '-' && *p != '+') || strlen(text) > 64)
        return refuse(reader, at, "'%.60s' is no version such as 1.2.0", text);
    if (strncmp(text, "1.", 2) != 0)
        return refuse(reader, at, "version %.60s is not known here, only 1.x", text);
    *(const char **)out = text;
    return 0;
}

struct root {
    const char *path;
    bool readonly;
};

static const struct field root_fields[] = {
    FIELD_REQUIRED("path", read_word, struct root, path),
    FIELD("readonly", read_bool, struct root, readonly),
};

static int read_root(struct reader *reader, const struct at *at, const struct field *field,
                     void *out)
{
    struct root root = {0};
    (void)field;
    (void)out;
    int r = read_object(reader, at, root_fields, ARRAY_LEN(root_fields), &root);

    if (r == 0 && strlen(root.path) >= 4096)
        return refuse_key(reader, at, "path", "it is too long");
    reader->config->root_path = root.path;
    reader->config->root_readonly = root.readonly;
    return r;
}

static const struct field mapping_fields[] = {
    FIELD_REQUIRED("containerID", read_u32, struct oci_mapping, container_id),
    FIELD_REQUIRED("hostID", read_u32, struct oci_mapping, host_id),
    {.key = "size",
     .read = read_u32,
     .offset = offsetof(struct oci_mapping, size),
     .min = 1,
     .max = UINT32_MAX,
     .required = true},
};
static int read_mapping(struct reader *reader, const struct at *at, const struct field *field,
                        void *out)
{
    const struct oci_mapping *mapping = out;
    (void)field;
    int r = read_object(reader, at, mapping_fields, ARRAY_LEN(mapping_fields), out);

    if (r < 0)
        return r;
    /* (uid_t)-1 is nobody's: the kernel refuses a range that reaches it. */
    if ((uint64_t)mapping->container_id + mapping->size > UINT32_MAX ||
        (uint64_t)mapping->host_id + mapping->size > UINT32_MAX)
        return refuse(reader, at, "the range ends beyond the last id");
    return 0;
}

static bool ranges_meet(uint64_t a, uint64_t b, uint64_t a_size, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

int read_mappings(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    struct oci_mappings *mappings = out;
    void *list = NULL;
    (void)field;
    int r = read_list(reader, at, sizeof *mappings->list, OCI_MAPPINGS_MAX, read_mapping, &list,
                      &mappings->count);

    if (r < 0)
        return r;
    const struct oci_mapping *m = mappings->list = list;
    for (size_t i = 0; i < mappings->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (ranges_meet(m[i].container_id, m[j].container_id, m[i].size, m[j].size) ||
                ranges_meet(m[i].host_id, m[j].host_id, m[i].size, m[j].size))
                return refuse(reader, at, "ranges %zu and %zu overlap", j, i);
        }
    }
    return 0;
}

static const struct field mount_fields[] = {
    FIELD_REQUIRED("destination", read_word, struct oci_mount, destination),
    FIELD("type", read_string, struct oci_mount, type),
    FIELD("source", read_string, struct oci_mount, source),
    FIELD("options", read_strings, struct oci_mount, options),
    FIELD("uidMappings", read_mappings, struct oci_mount, uid_mappings),
    FIELD("gidMappings", read_mappings, struct oci_mount, gid_mappings),
};
DEFINE_OBJECT(read_mount_fields, mount_fields)

bool oci_mount_option_is_data(const char *option)
{
    return strchr(option, '=') && !strstr(option, "context=");
}

/* Another runtime's way to say what uidMappings and gidMappings do: left out, it would show files
 * with other owners than was asked for. */
static int check_idmap(struct reader *reader, const struct at *at, const struct oci_mount *mount)
{
    const struct at options = {.up = at, .key = "options"};

    for (size_t i = 0; i < mount->options.count; i++) {
        const char *option = mount->options.list[i];
        const struct at inner = {.up = &options, .index = i};
        if (strncmp(option, "idmap=", 6) == 0 || strncmp(option, "ridmap=", 7) == 0)
            return refuse(reader, &inner,
                          "it has no mappings here: those of a mount are its uidMappings and "
                          "gidMappings");
    }
    return 0;
}

/* The kernel leaves them out as well, and runtimes were always given some: no error. */
static int warn_of_data(struct reader *reader, const struct at *at, const struct oci_mount *mount)
{
    const struct at options = {.up = at, .key = "options"};
    bool bind = mount->type && strcmp(mount->type, "bind") == 0;
    int r = 0;

    for (size_t i = 0; i < mount->options.count; i++)
        bind |= strcmp(mount->options.list[i], "bind") == 0 ||
                strcmp(mount->options.list[i], "rbind") == 0;
    for (size_t i = 0; bind && i < mount->options.count && r == 0; i++) {
        const struct at inner = {.up = &options, .index = i};
        if (oci_mount_option_is_data(mount->options.list[i]))
            r = config_warn(reader, &inner,
                            "a bind takes its file system as it is; it is left out");
    }
    return r;
}

static int read_mount(struct reader *reader, const struct at *at, const struct field *field,
                      void *out)
{
    struct oci_mount *mount = out;
    int r = read_mount_fields(reader, at, field, out);

    if (r < 0)
        return r;
    if (strlen(mount->destination) >= 4096)
        return refuse_key(reader, at, "destination", "it is too long");
    if (path_climbs(mount->destination))
        return refuse_key(reader, at, "destination", "'%.100s' climbs by '..'", mount->destination);
    if ((mount->uid_mappings.count == 0) != (mount->gid_mappings.count == 0))
        return refuse_key(reader, at, mount->uid_mappings.count ? "gidMappings" : "uidMappings",
                          "uidMappings and gidMappings belong together");
    r = check_idmap(reader, at, mount);
    return r == 0 ? warn_of_data(reader, at, mount) : r;
}
DEFINE_LIST(read_mount_list, struct oci_mount, 4096, read_mount)

static const struct field hook_fields[] = {
    FIELD_REQUIRED("path", read_path, struct oci_hook, path),
    FIELD("args", read_strings, struct oci_hook, args),
    FIELD("env", read_env, struct oci_hook, env),
    FIELD_RANGE("timeout", read_u64, struct oci_hook, timeout, 1, 1 << 30),
};
DEFINE_OBJECT(read_hook, hook_fields)
DEFINE_LIST(read_hook_list, struct oci_hook, 256, read_hook)

#define HOOK(key_, kind_)                                                                      \
    {                                                                                          \
        .key = (key_), .read = read_hook_list, .offset = (kind_) * sizeof(struct oci_hooks),   \
        .count_offset = (kind_) * sizeof(struct oci_hooks) + offsetof(struct oci_hooks, count) \
    }
const char *const oci_hook_names[] = {
    [OCI_HOOK_PRESTART] = "prestart",
    [OCI_HOOK_CREATE_RUNTIME] = "createRuntime",
    [OCI_HOOK_CREATE_CONTAINER] = "createContainer",
    [OCI_HOOK_START_CONTAINER] = "startContainer",
    [OCI_HOOK_POSTSTART] = "poststart",
    [OCI_HOOK_POSTSTOP] = "poststop",
    [OCI_HOOK_KINDS] = NULL,
};
static const struct field hooks_fields[] = {
    HOOK("prestart", OCI_HOOK_PRESTART),
    HOOK("createRuntime", OCI_HOOK_CREATE_RUNTIME),
    HOOK("createContainer", OCI_HOOK_CREATE_CONTAINER),
    HOOK("startContainer", OCI_HOOK_START_CONTAINER),
    HOOK("poststart", OCI_HOOK_POSTSTART),
    HOOK("poststop", OCI_HOOK_POSTSTOP),
};
DEFINE_OBJECT(read_all_hooks, hooks_fields)

/* What is for another platform or kind of runtime must not be left out in silence. */
static int read_foreign(struct reader *reader, const struct at *at, const struct field *field,
                        void *out)
{
    (void)out;
    if (json_object_is_type(at->value, json_type_object) &&
        json_object_object_length(at->value) == 0)
        return 0;
    return refuse(reader, at, "this runtime makes no container of %s", field->key);
}

static const struct field config_fields[] = {
    FIELD_REQUIRED("ociVersion", read_version, struct oci_config, version),
    {.key = "root", .read = read_root, .required = true},
    FIELD("process", read_process, struct oci_config, process),
    FIELD_LIST("mounts", read_mount_list, struct oci_config, mounts, mount_count),
    FIELD("hostname", read_string, struct oci_config, hostname),
    FIELD("domainname", read_string, struct oci_config, domainname),
    FIELD("hooks", read_all_hooks, struct oci_config, hooks),
    FIELD("annotations", read_pairs, struct oci_config, annotations),
    FIELD("linux", read_linux, struct oci_config, linux_),
    {.key = "solaris", .read = read_foreign},
    {.key = "windows", .read = read_foreign},
    {.key = "vm", .read = read_foreign},
    {.key = "zos", .read = read_foreign},
    {.key = "freebsd", .read = read_foreign},
};
static const struct field process_alone =
    FIELD("process", read_process, struct oci_config, process);
static const struct field resources_alone =
    FIELD("resources", read_resources, struct oci_config, linux_.resources);

DEFINE_CLEANUP(struct oci_config, oci_config_free)

/* `alone`: the text is this field's value, not a whole configuration. */
static int parse(const char *name, const char *text, size_t bytes, const struct field *alone,
                 struct oci_config **ret_config, struct err *err)
{
    _cleanup_(oci_config_freep) struct oci_config *config = calloc(1, sizeof *config);

    if (!config)
        return err_set(err, -ENOMEM, "cannot read '%s'", name);
    int r = oci_json_parse(name, text, bytes, &config->document, err);
    if (r < 0)
        return r;
    struct reader reader = {.name = name, .config = config, .err = err};
    struct at at = {.value = config->document};
    if (alone)
        r = alone->read(&reader, &at, alone, (char *)config + alone->offset);
    else
        r = read_object(&reader, &at, config_fields, ARRAY_LEN(config_fields), config);
    if (r == 0)
        r = config_check(&reader);
    if (r < 0)
        return r;
    *ret_config = steal_ptr(&config);
    return 0;
}

int oci_config_parse(const char *name, const char *text, size_t bytes,
                     struct oci_config **ret_config, struct err *err)
{
    return parse(name, text, bytes, NULL, ret_config, err);
}

int oci_process_parse(const char *name, const char *text, size_t bytes,
                      struct oci_config **ret_config, struct err *err)
{
    return parse(name, text, bytes, &process_alone, ret_config, err);
}

int oci_resources_parse(const char *name, const char *text, size_t bytes,
                        struct oci_config **ret_config, struct err *err)
{
    return parse(name, text, bytes, &resources_alone, ret_config, err);
}

const struct oci_namespace *oci_config_namespace(const struct oci_config *config, int flag)
{
    for (size_t i = 0; i < config->linux_.namespace_count; i++)
        if (config->linux_.namespaces[i].flag == flag)
            return &config->linux_.namespaces[i];
    return NULL;
}

const char *oci_config_annotation(const struct oci_config *config, const char *key)
{
    for (size_t i = 0; i < config->annotations.count; i++)
        if (strcmp(config->annotations.list[i].key, key) == 0)
            return config->annotations.list[i].value;
    return NULL;
}
