/* state.json: written in one piece, read back with every field checked. */
#include "oci/state_file.h"

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
#include "oci/json.h"

#define STATE_MAX_BYTES (4 << 20)
#define PAGE_BYTES 2048 /* less than fd_read_file() reads at once */
#define READ_TRIES 3
#define SPARE_BYTES 256 /* the pid and the group come later, and do not move it out of its page */

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

/* Whole or not there: for what is longer than a page. */
static int save_aside(const struct oci_state *state, const char *text, size_t bytes)
{
    _cleanup_(closep) int fd = openat(state->fd, "state.json.new",
                                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = fd < 0 ? -errno : fd_write_full(fd, text, bytes);

    if (r == 0 && renameat(state->fd, "state.json.new", state->fd, "state.json") < 0)
        r = -errno;
    return r;
}

/*
 * One write of always the same length within the file's first page, which no signal divides: it is
 * done or not. A rename over the file would be dearer than all else that is done to a state (ext4
 * allocates and writes back the blocks of what replaces a file).
 */
static int save_page(const struct oci_state *state, const char *text, size_t bytes)
{
    char page[PAGE_BYTES];

    memcpy(page, text, bytes);
    memset(page + bytes, ' ', sizeof page - bytes);
    page[sizeof page - 1] = '\n';
    _cleanup_(closep) int fd =
        openat(state->fd, "state.json", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    /* A longer one had to be written aside, and still is. */
    if (status.st_size > PAGE_BYTES)
        return save_aside(state, text, bytes);
    ssize_t n = pwrite(fd, page, sizeof page, 0);
    return n == (ssize_t)sizeof page ? 0 : n < 0 ? -errno : -EIO;
}

int oci_state_save(const struct oci_state *state, struct err *err)
{
    const struct oci_place *place = &state->place;
    _cleanup_(object_put) struct json_object *object = oci_state_json(state, "", place->pid, true);
    json_object_object_del(object, "status");
    json_object_object_add(object, "owner", json_object_new_int64(state->owner));
    json_object_object_add(object, "startTime", json_object_new_uint64(place->start_time));
    json_object_object_add(object, "cgroupManager", json_object_new_int((int)place->manager));
    add_string(object, "cgroupPath", place->cgroup_path);
    add_string(object, "scope", place->scope);
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE);
    const size_t bytes = strlen(text);

    int r = bytes + SPARE_BYTES <= PAGE_BYTES ? save_page(state, text, bytes)
                                              : save_aside(state, text, bytes);
    return r < 0 ? err_set(err, r, "cannot write '%s/state.json'", state->path) : 0;
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

static int read_once(const struct oci_state *state, struct json_object **ret_object,
                     struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t bytes;

    int r = fd_read_file(state->fd, "state.json", STATE_MAX_BYTES, &text, &bytes, err);
    /* Its maker crashed, or is about to write it. */
    if (r == 0 && bytes == 0)
        return -ENOENT;
    return r < 0 ? r : oci_json_parse("state.json", text, bytes, ret_object, err);
}

int state_file_read(struct oci_state *state, struct err *err)
{
    _cleanup_(object_put) struct json_object *object = NULL;
    int r = -EINVAL;

    if (faccessat(state->fd, "state.json", F_OK, 0) < 0 && errno == ENOENT)
        return -ENOENT;
    /* A read may see half of a write that is under way; it does not take long. */
    for (int tries = 0; tries < READ_TRIES && r == -EINVAL; tries++)
        r = read_once(state, &object, tries == READ_TRIES - 1 ? err : NULL);
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
        !take_place(object, &state->place))
        return err_say(err, -EINVAL, "cannot read '%s/state.json': it is no container's state",
                       state->path);
    return 0;
}
