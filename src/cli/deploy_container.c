/* Bundles and root file systems, as `vireo deploy` takes them. */
#include "cli/deploy_container.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"

#define CONFIG_MAX_BYTES (1u << 20)

void container_source_clear(struct container_source *source)
{
    json_object_put(source->document);
    source->document = NULL;
}

static bool is_there(const char *folder, const char *name, bool directory)
{
    char path[4096];
    struct stat status;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &status) == 0 && directory == (S_ISDIR(status.st_mode) != 0);
}

/* The texts of an array; 0 or -EINVAL. */
static int take_texts(struct json_object *array, struct cli_list *list)
{
    if (!array)
        return 0;
    if (!json_object_is_type(array, json_type_array) ||
        json_object_array_length(array) > CLI_LIST_MAX)
        return -EINVAL;
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        struct json_object *text = json_object_array_get_idx(array, i);
        if (!json_object_is_type(text, json_type_string))
            return -EINVAL;
        list->items[list->count++] = json_object_get_string(text);
    }
    return 0;
}

static struct json_object *member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    if (json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, key, &value);
    return value;
}

/* Of config.json: the command, the variables, the directory, and where the files are. What else it
 * says is the function's manifest's to say. 1; 0: it is no bundle's, but some program's own. */
static int read_bundle(const char *path, bool has_command, struct container_source *source,
                       struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    char file[4096];
    size_t size;

    snprintf(file, sizeof file, "%s/config.json", path);
    int r = fd_read_file(AT_FDCWD, file, CONFIG_MAX_BYTES, &text, &size, err);
    if (r < 0)
        return r;
    source->document = json_tokener_parse(text);
    if (has_command && !member(source->document, "ociVersion") && !is_there(path, "rootfs", true))
        return 0;
    struct json_object *process = member(source->document, "process");
    const char *root = json_object_get_string(member(member(source->document, "root"), "path"));
    const char *cwd = json_object_get_string(member(process, "cwd"));
    if (!source->document)
        return err_say(err, -EINVAL, "cannot read '%s': it is not JSON", file);
    if (take_texts(member(process, "args"), &source->words) < 0 ||
        take_texts(member(process, "env"), &source->params) < 0)
        return err_say(err, -EINVAL,
                       "cannot read '%s': process.args or process.env is no list of "
                       "texts",
                       file);
    if (!root)
        root = "rootfs";
    int n = snprintf(source->root, sizeof source->root, "%s%s%s", root[0] == '/' ? "" : path,
                     root[0] == '/' ? "" : "/", root);
    if (n < 0 || (size_t)n >= sizeof source->root ||
        (cwd && strlen(cwd) >= sizeof source->directory))
        return err_say(err, -EINVAL, "cannot read '%s': a path is too long", file);
    snprintf(source->directory, sizeof source->directory, "%s", cwd ? cwd : "");
    return 1;
}

int container_source_find(const char *path, bool has_command, struct container_source *ret_source,
                          struct err *err)
{
    struct container_source source = {0};
    bool manifest = is_there(path, "vireo.yaml", false);
    int r = 0;

    if (!is_there(path, ".", true)) {
        if (has_command)
            return err_say(err, -EINVAL,
                           "cannot deploy '%s' with a command: it is no folder (a bundle or a root "
                           "file system)",
                           path);
        return 0;
    }
    if (is_there(path, "config.json", false))
        r = read_bundle(path, has_command, &source, err);
    if (r == 0 && manifest && is_there(path, "rootfs", true))
        snprintf(source.root, sizeof source.root, "%s/rootfs", path);
    else if (r == 0 && has_command)
        snprintf(source.root, sizeof source.root, "%s", path);
    else if (r == 0)
        return 0;
    if (r >= 0 && manifest)
        snprintf(source.manifest, sizeof source.manifest, "%s/vireo.yaml", path);
    if (r < 0) {
        container_source_clear(&source);
        return r;
    }
    *ret_source = source;
    return 1;
}
