/*
 * A state's file: a line with the container's place, which is a page long and written in one piece,
 * a line with what never changes, and the config.json; read back with every field checked.
 */
#include "oci/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/json.h"

#define PLACE_BYTES 4096
#define STATE_MAX_BYTES (PLACE_BYTES + (4 << 20) + OCI_CONFIG_MAX_BYTES)
#define READ_TRIES 3

static void object_put(struct json_object **object)
{
    json_object_put(*object);
}

static void add_string(struct json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value ? value : ""));
}

struct json_object *oci_state_json(const struct oci_state *state, const char *status, pid_t pid,
                                   bool more)
{
    struct json_object *object = json_object_new_object();

    add_string(object, "ociVersion", state->version ? state->version : "1.2.0");
    add_string(object, "id", state->id);
    add_string(object, "status", status);
    /* The specification: the pid is there in created and running, and may be left out in stopped.
     */
    json_object_object_add(object, "pid", json_object_new_int(pid));
    add_string(object, "bundle", state->bundle);
    if (more) {
        add_string(object, "rootfs", state->rootfs);
        add_string(object, "created", state->created);
        if (state->place.scope[0])
            add_string(object, "systemd-scope", state->place.scope);
    }
    if (state->annotations)
        json_object_object_add(object, "annotations", json_object_get(state->annotations));
    return object;
}

char *oci_state_text_of(const struct oci_state *state, const char *status, pid_t pid)
{
    _cleanup_(object_put) struct json_object *object = oci_state_json(state, status, pid, false);

    return strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
}

static int write_at(const struct oci_state *state, const char *text, size_t bytes, off_t at)
{
    while (bytes > 0) {
        ssize_t n = pwrite(state->file_fd, text, bytes, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        text += n;
        at += n;
        bytes -= (size_t)n;
    }
    return 0;
}

/*
 * The first page last: what begins with a hole is not written yet. The text of a line has no line's
 * end of its own in it.
 */
int oci_state_write(const struct oci_state *state, const char *config, size_t bytes,
                    struct err *err)
{
    _cleanup_(object_put) struct json_object *object = oci_state_json(state, "", 0, true);

    json_object_object_del(object, "status");
    json_object_object_del(object, "pid");
    json_object_object_add(object, "owner", json_object_new_int64(state->owner));
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE);
    const size_t length = strlen(text);
    _cleanup_(freep) char *whole = malloc(length + 1 + bytes);
    if (!whole)
        return err_set(err, -ENOMEM, "cannot write '%s'", state->file);
    memcpy(whole, text, length);
    whole[length] = '\n';
    memcpy(whole + length + 1, config, bytes);
    int r = write_at(state, whole, length + 1 + bytes, PLACE_BYTES);
    return r < 0 ? err_set(err, r, "cannot write '%s'", state->file) : oci_state_save(state, err);
}

/*
 * One write of always the same length within the file's first page, which no signal divides: it is
 * done or not. A rename over the file would be dearer than all else that is done to a state (ext4
 * allocates and writes back the blocks of what replaces a file), and lose the lock.
 */
int oci_state_save(const struct oci_state *state, struct err *err)
{
    const struct oci_place *place = &state->place;
    _cleanup_(object_put) struct json_object *object = json_object_new_object();
    char page[PLACE_BYTES];

    json_object_object_add(object, "pid", json_object_new_int(place->pid));
    json_object_object_add(object, "startTime", json_object_new_uint64(place->start_time));
    json_object_object_add(object, "cgroupManager", json_object_new_int((int)place->manager));
    add_string(object, "cgroupPath", place->cgroup_path);
    add_string(object, "scope", place->scope);
    if (place->root_mount)
        json_object_object_add(object, "rootMount", json_object_new_uint64(place->root_mount));
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE);
    const size_t bytes = strlen(text);
    if (bytes >= sizeof page)
        return err_set(err, -ENAMETOOLONG, "cannot write '%s'", state->file);
    memcpy(page, text, bytes);
    memset(page + bytes, ' ', sizeof page - bytes);
    page[sizeof page - 1] = '\n';
    ssize_t n = pwrite(state->file_fd, page, sizeof page, 0);
    int r = n == (ssize_t)sizeof page ? 0 : n < 0 ? -errno : -EIO;
    return r < 0 ? err_set(err, r, "cannot write '%s'", state->file) : 0;
}

static char *take_string(struct json_object *object, const char *key)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return NULL;
    return strdup(json_object_get_string(value));
}

static int64_t take_number(struct json_object *object, const char *key)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_int))
        return -1;
    return json_object_get_int64(value);
}

static bool take_place(struct json_object *object, struct oci_place *place)
{
    _cleanup_(freep) char *path = take_string(object, "cgroupPath");
    _cleanup_(freep) char *scope = take_string(object, "scope");
    int64_t pid = take_number(object, "pid"), start = take_number(object, "startTime");
    int64_t manager = take_number(object, "cgroupManager");

    if (!path || !scope || strlen(path) >= sizeof place->cgroup_path ||
        strlen(scope) >= sizeof place->scope || pid < 0 || pid > INT32_MAX || start < 0 ||
        manager < OCI_CGROUP_CGROUPFS || manager > OCI_CGROUP_DISABLED)
        return false;
    place->pid = (pid_t)pid;
    place->start_time = (uint64_t)start;
    place->manager = (enum oci_cgroup_manager)manager;
    strcpy(place->cgroup_path, path);
    strcpy(place->scope, scope);
    const int64_t mount = take_number(object, "rootMount");
    place->root_mount = mount > 0 ? (uint64_t)mount : 0;
    return true;
}

void state_file_forget(struct oci_state *state)
{
    json_object_put(state->annotations);
    free(state->bundle);
    free(state->rootfs);
    free(state->version);
    free(state->created);
    state->annotations = NULL;
    state->bundle = state->rootfs = state->version = state->created = NULL;
}

/* The file's three parts; the text is the caller's. */
struct parts {
    char *text, *fixed, *config;
    size_t place_bytes, fixed_bytes, config_bytes;
};

static int read_parts(const struct oci_state *state, struct parts *ret_parts, struct err *err)
{
    size_t bytes;

    int r = fd_read_file(AT_FDCWD, state->file, STATE_MAX_BYTES, &ret_parts->text, &bytes, err);
    if (r < 0)
        return r;
    char *text = ret_parts->text, *end = text + bytes;
    /* Its maker crashed, or is about to write it. */
    if (bytes == 0 || text[0] == '\0')
        return -ENOENT;
    char *first = memchr(text, '\n', bytes);
    char *second = first ? memchr(first + 1, '\n', (size_t)(end - first - 1)) : NULL;
    if (!second)
        return err_say(err, -EINVAL, "cannot read '%s': it is no container's state", state->file);
    ret_parts->place_bytes = (size_t)(first - text);
    ret_parts->fixed = first + 1;
    ret_parts->fixed_bytes = (size_t)(second - first - 1);
    ret_parts->config = second + 1;
    ret_parts->config_bytes = (size_t)(end - second - 1);
    return 0;
}

int state_file_config(const struct oci_state *state, char **ret_text, size_t *ret_bytes,
                      struct err *err)
{
    struct parts parts = {0};

    int r = read_parts(state, &parts, err);
    if (r == 0) {
        memmove(parts.text, parts.config, parts.config_bytes + 1);
        *ret_text = steal_ptr(&parts.text);
        *ret_bytes = parts.config_bytes;
    }
    free(parts.text);
    return r;
}

static int read_once(const struct oci_state *state, struct json_object **ret_place,
                     struct json_object **ret_fixed, struct err *err)
{
    struct parts parts = {0};

    int r = read_parts(state, &parts, err);
    if (r == 0)
        r = oci_json_parse(state->file, parts.text, parts.place_bytes, ret_place, err);
    if (r == 0)
        r = oci_json_parse(state->file, parts.fixed, parts.fixed_bytes, ret_fixed, err);
    free(parts.text);
    return r;
}

void state_file_read_place(struct oci_state *state)
{
    _cleanup_(object_put) struct json_object *place = NULL;
    _cleanup_(freep) char *text = NULL;
    size_t bytes;

    if (fd_read_file(AT_FDCWD, state->file, STATE_MAX_BYTES, &text, &bytes, NULL) < 0)
        return;
    const char *end = memchr(text, '\n', bytes);
    if (oci_json_parse(state->file, text, end ? (size_t)(end - text) : bytes, &place, NULL) == 0)
        take_place(place, &state->place);
}

int state_file_read(struct oci_state *state, struct err *err)
{
    _cleanup_(object_put) struct json_object *place = NULL, *object = NULL;
    int r = -EINVAL;

    /* A read may see half of a write that is under way; it does not take long. */
    for (int tries = 0; tries < READ_TRIES && r == -EINVAL; tries++) {
        json_object_put(place);
        place = NULL;
        r = read_once(state, &place, &object, tries == READ_TRIES - 1 ? err : NULL);
    }
    if (r < 0)
        return r;
    struct json_object *annotations = NULL;
    state_file_forget(state);
    state->bundle = take_string(object, "bundle");
    state->rootfs = take_string(object, "rootfs");
    state->version = take_string(object, "ociVersion");
    state->created = take_string(object, "created");
    state->owner = (uint32_t)take_number(object, "owner");
    if (json_object_object_get_ex(object, "annotations", &annotations))
        state->annotations = json_object_get(annotations);
    if (!state->bundle || !state->rootfs || !state->version || !state->created ||
        !take_place(place, &state->place))
        return err_say(err, -EINVAL, "cannot read '%s': it is no container's state", state->file);
    return 0;
}
