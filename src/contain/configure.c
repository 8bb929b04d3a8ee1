/*
 * The configuration of a function's containers, as JSON that src/oci reads as it reads an engine's:
 * what is checked there is checked here too.
 *
 * Namespaces: pid, mount, ipc, uts and control groups are the container's own; its network is the
 * keeper's, an empty one with lo; its user namespace is the launcher's, in which one uid of the
 * host is mapped. The program is that user, named root inside, without any capability and with no
 * way to one. Groups are entered by the keeper: the container makes none.
 */
#include "contain/configure.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "contain/foreign.h"
#include "contain/keeper.h"
#include "contain/talk.h"

static void add(struct json_object *object, const char *key, struct json_object *value)
{
    if (json_object_object_add(object, key, value) < 0)
        json_object_put(value);
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
    add(object, key, json_object_new_string(text));
}

static struct json_object *texts(const char *const *list)
{
    struct json_object *array = json_object_new_array();

    for (; *list; list++)
        json_object_array_add(array, json_object_new_string(*list));
    return array;
}

static void add_mount(struct json_object *mounts, const char *destination, const char *type,
                      const char *source, const char *const *options)
{
    struct json_object *mount = json_object_new_object();

    add_text(mount, "destination", destination);
    add_text(mount, "type", type);
    add_text(mount, "source", source);
    add(mount, "options", texts(options));
    json_object_array_add(mounts, mount);
}

static void add_tmpfs(struct json_object *mounts, const char *path, uint64_t bytes)
{
    char size[40];
    const char *const options[] = {"nosuid", "nodev", "mode=1777", size, NULL};

    snprintf(size, sizeof size, "size=%llu", (unsigned long long)bytes);
    add_mount(mounts, path, "tmpfs", "tmpfs", options);
}

static struct json_object *make_mounts(const struct contain_setup *setup)
{
    static const char *const proc[] = {"nosuid", "noexec", "nodev", NULL};
    static const char *const sys[] = {"nosuid", "noexec", "nodev", "ro", NULL};
    /* No gid=5 as elsewhere: one group is mapped here. */
    static const char *const pts[] = {"nosuid",        "noexec",    "newinstance",
                                      "ptmxmode=0666", "mode=0620", NULL};
    static const char *const dev[] = {"nosuid", "strictatime", "mode=755", "size=65536", NULL};
    struct json_object *mounts = json_object_new_array();
    bool has_tmp = false;

    add_mount(mounts, "/proc", "proc", "proc", proc);
    add_mount(mounts, "/sys", "sysfs", "sysfs", sys);
    add_mount(mounts, "/dev", "tmpfs", "tmpfs", dev);
    add_mount(mounts, "/dev/pts", "devpts", "devpts", pts);
    add_tmpfs(mounts, "/dev/shm", setup->memory_bytes);
    for (uint32_t i = 0; i < setup->mount_count; i++) {
        const struct contain_mount *from = &setup->mounts[i];
        const char *const bind[] = {"bind", "nosuid", "nodev", from->writable ? "rw" : "ro", NULL};
        has_tmp = has_tmp || strcmp(from->path, "/tmp") == 0;
        if (from->source[0])
            add_mount(mounts, from->path, "bind", from->source, bind);
        else
            add_tmpfs(mounts, from->path, from->size_bytes);
    }
    if (!has_tmp)
        add_tmpfs(mounts, "/tmp", setup->memory_bytes);
    return mounts;
}

/* The first who says a variable has said it. */
static void add_variable(struct json_object *array, const char *text)
{
    size_t length = strcspn(text, "=") + 1;

    for (size_t i = 0; i < json_object_array_length(array); i++)
        if (strncmp(json_object_get_string(json_object_array_get_idx(array, i)), text, length) == 0)
            return;
    json_object_array_add(array, json_object_new_string(text));
}

static void add_usual(struct json_object *array, const struct contain *contain,
                      const struct talk *talk)
{
    _cleanup_(freep) char *text = NULL;
    size_t size = 0;
    FILE *out = talk->usual ? open_memstream(&text, &size) : NULL;

    if (!out)
        return;
    talk->usual(contain, out);
    if (fclose(out) != 0)
        return;
    for (const char *at = text; at < text + size; at += strlen(at) + 1)
        add_variable(array, at);
}

/* How it is called is not the manifest's to say; what it says goes before what is usual. */
static struct json_object *make_env(const struct contain *contain, const struct talk *talk)
{
    struct json_object *array = json_object_new_array();
    char name[NAME_MAX_BYTES + 32];

    snprintf(name, sizeof name, "VIREO_FUNCTION=%s", contain->setup.function);
    add_variable(array, name);
    for (const char *const *text = talk->env; text && *text; text++)
        add_variable(array, *text);
    for (const char *const *text = contain->env; *text; text++)
        add_variable(array, *text);
    add_usual(array, contain, talk);
    add_variable(array, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    add_variable(array, "HOME=/tmp");
    return array;
}

static const char *directory(const struct contain *contain, const struct talk *talk)
{
    char path[512];
    struct stat status;

    if (contain->setup.directory[0])
        return contain->setup.directory;
    snprintf(path, sizeof path, CONTAIN_IMAGE "/rootfs%s", talk->directory ? talk->directory : "/");
    return talk->directory && lstat(path, &status) == 0 && S_ISDIR(status.st_mode) ? talk->directory
                                                                                   : "/";
}

static struct json_object *make_process(const struct contain *contain, const struct talk *talk)
{
    static const char *const sets[] = {"bounding", "effective", "permitted", "inheritable",
                                       "ambient"};
    static const char *const none[] = {NULL};
    struct json_object *process = json_object_new_object(), *user = json_object_new_object(),
                       *capabilities = json_object_new_object();

    add(user, "uid", json_object_new_int(0));
    add(user, "gid", json_object_new_int(0));
    add(process, "user", user);
    add(process, "args", texts(contain->args));
    add(process, "env", make_env(contain, talk));
    add_text(process, "cwd", directory(contain, talk));
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        add(capabilities, sets[i], texts(none));
    add(process, "capabilities", capabilities);
    add(process, "noNewPrivileges", json_object_new_boolean(true));
    return process;
}

static struct json_object *make_linux(const struct contain *contain)
{
    /* Another runtime can't say the name (contain/foreign.h): the keeper's is the container's. */
    static const char *const namespaces[] = {"pid", "mount", "ipc", "cgroup", "uts"};
    size_t count = ARRAY_LEN(namespaces) - (contain->setup.runtime != CONTAIN_OWN);
    static const char *const masked[] = {"/proc/acpi",
                                         "/proc/asound",
                                         "/proc/kcore",
                                         "/proc/keys",
                                         "/proc/timer_list",
                                         "/proc/scsi",
                                         "/proc/sched_debug",
                                         "/proc/latency_stats",
                                         "/proc/timer_stats",
                                         "/sys/firmware",
                                         "/sys/dev/block",
                                         "/sys/fs/selinux",
                                         NULL};
    static const char *const readonly[] = {
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL};
    struct json_object *part = json_object_new_object(), *array = json_object_new_array();

    for (size_t i = 0; i < count; i++) {
        struct json_object *one = json_object_new_object();
        add_text(one, "type", namespaces[i]);
        json_object_array_add(array, one);
    }
    add(part, "namespaces", array);
    add(part, "maskedPaths", texts(masked));
    add(part, "readonlyPaths", texts(readonly));
    return part;
}

int configure(struct contain *contain, const struct talk *talk, struct err *err)
{
    struct json_object *document = json_object_new_object(), *root = json_object_new_object();

    if (!document || !root)
        return err_set(err, -ENOMEM, "cannot write the container's configuration");
    /* crun 1.8 knows no later one. */
    add_text(document, "ociVersion", "1.0.2");
    add(document, "process", make_process(contain, talk));
    add_text(root, "path", "rootfs");
    add(root, "readonly", json_object_new_boolean(true));
    add(document, "root", root);
    if (contain->setup.runtime == CONTAIN_OWN)
        add_text(document, "hostname", contain->setup.function);
    add(document, "mounts", make_mounts(&contain->setup));
    add(document, "linux", make_linux(contain));
    const char *text = json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN);
    int r = text ? oci_config_parse("config.json", text, strlen(text), &contain->config, err)
                 : err_set(err, -ENOMEM, "cannot write the container's configuration");
    if (r == 0 && contain->setup.runtime != CONTAIN_OWN)
        r = foreign_prepare(text, err);
    json_object_put(document);
    return r;
}
