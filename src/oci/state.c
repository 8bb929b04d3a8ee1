/* Containers as the verbs remember them: files, locks, statuses. */
#include "oci/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/privilege.h"
#include "oci/state_file.h"

#define LOCK_WAIT_SECONDS 30
#define FILE_FLAGS (O_RDWR | O_CLOEXEC | O_NOFOLLOW)

DEFINE_CLEANUP(struct oci_state, oci_state_close)

char *oci_state_default_root(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char *root = NULL;

    /* No third place: what lies in /tmp could be anybody's. */
    if (oci_is_root() || !runtime || runtime[0] != '/')
        return strdup("/run/vireo-oci");
    return asprintf(&root, "%s/vireo-oci", runtime) < 0 ? NULL : root;
}

int oci_state_check_id(const char *id, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_+-.";
    size_t length = strlen(id);

    if (strspn(id, allowed) != length)
        return err_say(err, -EINVAL,
                       "cannot use '%.64s' as a container ID: invalid character `%c` in the ID", id,
                       id[strspn(id, allowed)]);
    if (id[0] == '.')
        return err_say(
            err, -EINVAL,
            "cannot use '%.64s' as a container ID: invalid character `.` at the beginning", id);
    if (length == 0 || length > OCI_ID_MAX_BYTES)
        return err_say(err, -EINVAL,
                       "cannot use '%.64s' as a container ID: it has letters, digits and _+-. and "
                       "at most %d bytes",
                       id, OCI_ID_MAX_BYTES);
    return 0;
}

/* mkdir -p, 0700 for what it makes: the state holds start sockets. */
static int make_directories(const char *path, struct err *err)
{
    _cleanup_(freep) char *copy = strdup(path);

    if (!copy)
        return err_set(err, -ENOMEM, "cannot make '%s'", path);
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            return err_set(err, -errno, "cannot make '%s'", copy);
        *p = '/';
    }
    if (mkdir(copy, 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "cannot make '%s'", copy);
    return 0;
}

static struct oci_state *state_new(const char *root, const char *id)
{
    _cleanup_(oci_state_closep) struct oci_state *state = calloc(1, sizeof *state);

    if (!state)
        return NULL;
    state->fd = state->file_fd = -1;
    state->id = strdup(id);
    if (!state->id || asprintf(&state->file, "%s/%s" STATE_FILE_SUFFIX, root, id) < 0)
        return NULL;
    state->path = strndup(state->file, strlen(state->file) - strlen(STATE_FILE_SUFFIX));
    if (!state->path)
        return NULL;
    return steal_ptr(&state);
}

void oci_state_close(struct oci_state *state)
{
    if (!state)
        return;
    if (state->fd >= 0)
        close(state->fd);
    if (state->file_fd >= 0)
        close(state->file_fd);
    state_file_forget(state);
    free(state->id);
    free(state->file);
    free(state->path);
    free(state);
}

int oci_state_make(const char *root, const char *id, struct oci_state **ret_state, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    int r = oci_state_check_id(id, err);

    if (r < 0)
        return r;
    state = state_new(root, id);
    if (!state)
        return err_set(err, -ENOMEM, "cannot make '%s'", id);
    /* The root is there but the first time: no walk along its path. */
    state->file_fd = openat(AT_FDCWD, state->file, FILE_FLAGS | O_CREAT | O_EXCL, 0600);
    if (state->file_fd < 0 && errno == ENOENT) {
        r = make_directories(root, err);
        if (r < 0)
            return r;
        state->file_fd = openat(AT_FDCWD, state->file, FILE_FLAGS | O_CREAT | O_EXCL, 0600);
    }
    if (state->file_fd < 0 && errno == EEXIST)
        return err_say(err, -EEXIST, "cannot create '%s': a container of this id exists", id);
    if (state->file_fd < 0)
        return err_set(err, -errno, "cannot make '%s'", state->file);
    state->made = true;
    r = oci_state_lock(state, err);
    if (r == 0)
        *ret_state = steal_ptr(&state);
    return r;
}

/* -1: it has none, or not yet. */
static int open_directory(const struct oci_state *state)
{
    return openat(AT_FDCWD, state->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int oci_state_directory(struct oci_state *state, struct err *err)
{
    if (state->fd >= 0)
        return 0;
    if (mkdir(state->path, 0700) < 0)
        return err_set(err, -errno, "cannot make '%s'", state->path);
    state->fd = open_directory(state);
    return state->fd < 0 ? err_set(err, -errno, "cannot open '%s'", state->path) : 0;
}

static int open_state(const char *root, const char *id, bool damaged, struct oci_state **ret_state,
                      struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    int r = oci_state_check_id(id, err);

    if (r < 0)
        return r;
    state = state_new(root, id);
    if (!state)
        return err_set(err, -ENOMEM, "cannot open '%s'", id);
    state->file_fd = openat(AT_FDCWD, state->file, FILE_FLAGS);
    if (state->file_fd < 0 && errno == ENOENT)
        return err_say(err, -ENOENT, "cannot find '%s': container does not exist", id);
    if (state->file_fd < 0)
        return err_set(err, -errno, "cannot open '%s'", state->file);
    state->fd = open_directory(state);
    r = state_file_read(state, err);
    if (r == -EINVAL && damaged) {
        state->damaged = true;
        state_file_read_place(state);
        r = 0;
    }
    /* Whoever made the file crashed, or is about to write it. */
    if (r < 0 && r != -ENOENT)
        return r;
    *ret_state = steal_ptr(&state);
    return 0;
}

int oci_state_open(const char *root, const char *id, struct oci_state **ret_state, struct err *err)
{
    return open_state(root, id, false, ret_state, err);
}

int oci_state_open_damaged(const char *root, const char *id, struct oci_state **ret_state,
                           struct err *err)
{
    return open_state(root, id, true, ret_state, err);
}

int oci_state_lock(struct oci_state *state, struct err *err)
{
    struct stat mine, now;
    /* A hook of the create that holds it might ask for what needs it. */
    int r = fd_lock(state->file_fd, LOCK_WAIT_SECONDS);

    if (r == -EBUSY)
        return err_say(err, r, "cannot lock '%s': another process has had it for %d seconds",
                       state->file, LOCK_WAIT_SECONDS);
    if (r < 0)
        return err_set(err, r, "cannot lock '%s'", state->file);
    state->locked = true;
    /* A delete may have removed it while we waited, and a create made another. */
    if (fstat(state->file_fd, &mine) < 0 || stat(state->file, &now) < 0 ||
        mine.st_ino != now.st_ino)
        return err_say(err, -ENOENT, "cannot find '%s': container does not exist", state->id);
    /* What it waited for may have changed it. */
    if (state->fd < 0 && state->bundle)
        state->fd = open_directory(state);
    if (state->made)
        return 0;
    r = state_file_read(state, state->damaged ? NULL : err);
    if (state->damaged && r == -EINVAL)
        return 0;
    return r == -ENOENT ? 0 : r;
}

void oci_state_unlock(struct oci_state *state)
{
    flock(state->file_fd, LOCK_UN);
    state->locked = false;
}

int oci_state_config(const struct oci_state *state, struct oci_config **ret_config, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t bytes;
    int r = state_file_config(state, &text, &bytes, err);

    return r < 0 ? r : oci_config_parse("config.json", text, bytes, ret_config, err);
}

/* Files and sockets only: the launch makes no directories of its own that are deeper than one. */
static void empty_directory(int fd, int depth)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;

    if (!dir) {
        if (copy >= 0)
            close(copy);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) == 0 || depth == 0)
            continue;
        _cleanup_(closep) int inner =
            openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0)
            empty_directory(inner, depth - 1);
        unlinkat(fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
}

int oci_state_remove(const struct oci_state *state, struct err *err)
{
    /* The file last: while something is left, `list` and `delete` still find it. */
    if (state->fd >= 0) {
        empty_directory(state->fd, 1);
        if (rmdir(state->path) < 0 && errno != ENOENT)
            return err_set(err, -errno, "cannot remove '%s'", state->path);
    }
    if (unlink(state->file) < 0 && errno != ENOENT)
        return err_set(err, -errno, "cannot remove '%s'", state->file);
    return 0;
}

/* Field 22 of /proc/PID/stat, and whether it is a zombie; false: there is no such process. */
static bool process_lives(pid_t pid, uint64_t start_time)
{
    char path[32], text[1024];

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t bytes = fd_read_full(fd, text, sizeof text - 1);
    if (bytes <= 0)
        return false;
    text[bytes] = '\0';
    const char *p = strrchr(text, ')'); /* the name may hold anything but ends there */
    char status;
    unsigned long long start;
    if (!p || sscanf(p + 1,
                     " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                     "%*s %llu",
                     &status, &start) != 2)
        return false;
    return status != 'Z' && status != 'X' && start == start_time;
}

enum oci_status oci_state_status(const struct oci_state *state)
{
    if (state->place.pid <= 0) {
        /* Its maker holds the lock while it works; without one nobody goes on. */
        if (state->locked)
            return OCI_STOPPED;
        _cleanup_(closep) int fd = openat(AT_FDCWD, state->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
        return held ? OCI_CREATING : OCI_STOPPED;
    }
    if (!process_lives(state->place.pid, state->place.start_time))
        return OCI_STOPPED;
    if (state->fd >= 0 && faccessat(state->fd, "start.sock", F_OK, 0) == 0)
        return OCI_CREATED;
    return oci_launch_frozen(&state->place) > 0 ? OCI_PAUSED : OCI_RUNNING;
}

const char *oci_status_name(enum oci_status status)
{
    static const char *const names[] = {
        [OCI_CREATING] = "creating", [OCI_CREATED] = "created", [OCI_RUNNING] = "running",
        [OCI_PAUSED] = "paused",     [OCI_STOPPED] = "stopped",
    };

    return names[status];
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int oci_state_ids(const char *root, char ***ret_ids, size_t *ret_count, struct err *err)
{
    char **ids = NULL;
    size_t count = 0;
    DIR *dir = opendir(root);

    *ret_ids = NULL;
    *ret_count = 0;
    if (!dir)
        return errno == ENOENT ? 0 : err_set(err, -errno, "cannot read '%s'", root);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char *suffix = strrchr(entry->d_name, '.');
        if (!suffix || strcmp(suffix, STATE_FILE_SUFFIX) != 0)
            continue;
        *suffix = '\0';
        if (oci_state_check_id(entry->d_name, NULL) < 0)
            continue;
        char **more = reallocarray(ids, count + 1, sizeof *ids);
        if (!more)
            break;
        ids = more;
        if ((ids[count] = strdup(entry->d_name)))
            count++;
    }
    closedir(dir);
    if (count > 1)
        qsort(ids, count, sizeof *ids, compare_ids);
    *ret_ids = ids;
    *ret_count = count;
    return 0;
}
