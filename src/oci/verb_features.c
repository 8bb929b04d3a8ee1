/* features: what this runtime can do, as features.md of the runtime specification has it. */
#include <json-c/json.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/capability_names.h"
#include "oci/runtime.h"

static struct json_object *names_of(const char *const *names)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; names[i]; i++)
        json_object_array_add(list, json_object_new_string(names[i]));
    return list;
}

static struct json_object *capability_list(void)
{
    struct json_object *list = json_object_new_array();
    const char *name;

    for (size_t i = 0; (name = capability_name(i)); i++)
        json_object_array_add(list, json_object_new_string(name));
    return list;
}

static struct json_object *enabled(bool is)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "enabled", json_object_new_boolean(is));
    return object;
}

static struct json_object *cgroup_features(void)
{
    static const struct {
        const char *name;
        bool has;
    } rows[] = {
        {"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", true}, {"rdma", true},
    };
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        json_object_object_add(object, rows[i].name, json_object_new_boolean(rows[i].has));
    return object;
}

static struct json_object *seccomp_features(void)
{
    struct json_object *object = enabled(true);

    json_object_object_add(object, "actions", names_of(oci_launch_seccomp_actions()));
    json_object_object_add(object, "operators", names_of(oci_launch_seccomp_operators()));
    json_object_object_add(object, "archs", names_of(oci_launch_seccomp_architectures()));
    json_object_object_add(object, "knownFlags", names_of(oci_launch_seccomp_flags()));
    json_object_object_add(object, "supportedFlags", names_of(oci_launch_seccomp_flags()));
    return object;
}

static struct json_object *linux_features(void)
{
    static const char *const namespaces[] = {"cgroup", "ipc",  "mount", "network", "pid",
                                             "time",   "user", "uts",   NULL};
    struct json_object *object = json_object_new_object(), *extensions = json_object_new_object();

    json_object_object_add(object, "namespaces", names_of(namespaces));
    json_object_object_add(object, "capabilities", capability_list());
    json_object_object_add(object, "cgroup", cgroup_features());
    json_object_object_add(object, "seccomp", seccomp_features());
    json_object_object_add(object, "apparmor", enabled(true));
    json_object_object_add(object, "selinux", enabled(true));
    json_object_object_add(object, "intelRdt", enabled(false));
    json_object_object_add(extensions, "idmap", enabled(true));
    json_object_object_add(object, "mountExtensions", extensions);
    json_object_object_add(object, "netDevices", enabled(true));
    return object;
}

int verb_features(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    /* What changes more than the container's own programs could: not for everybody to write. */
    static const char *const unsafe[] = {"io.vireo.vkernel.", "org.systemd.property.",
                                         "run.oci.keep_original_groups", NULL};
    const struct verb_option none[] = {{NULL}};
    struct json_object *object, *annotations;
    char **words;
    (void)runtime;
    int r = verb_options(argc, argv, none, false, 0, 0, &words, err);

    if (r < 0)
        return r;
    object = json_object_new_object();
    annotations = json_object_new_object();
    json_object_object_add(object, "ociVersionMin", json_object_new_string("1.0.0"));
    json_object_object_add(object, "ociVersionMax", json_object_new_string("1.2.0"));
    json_object_object_add(object, "hooks", names_of(oci_hook_names));
    json_object_object_add(object, "mountOptions", names_of(oci_launch_mount_options()));
    json_object_object_add(object, "linux", linux_features());
    json_object_object_add(annotations, "dev.vireo.version", json_object_new_string(VIREO_VERSION));
    json_object_object_add(object, "annotations", annotations);
    json_object_object_add(object, "potentiallyUnsafeConfigAnnotations", names_of(unsafe));
    printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
                                                              JSON_C_TO_STRING_SPACED |
                                                              JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
    return 0;
}
