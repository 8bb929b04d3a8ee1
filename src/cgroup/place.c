/* Groups at a path that somebody else chose: see place.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup/internal.h"
#include "cgroup/place.h"

/* ---- making ---- */

/* A fresh cpuset of v1 is empty, and nobody may enter an empty one: it gets what its parent has. */
static int cpuset_fill(int parent, int fd)
{
    static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
    char text[1024];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        _cleanup_(closep) int own = openat(fd, files[i], O_RDWR | O_CLOEXEC);
        if (own < 0)
            return -errno;
        if (fd_read_full(own, text, sizeof text) > 1)
            continue;
        _cleanup_(closep) int from = openat(parent, files[i], O_RDONLY | O_CLOEXEC);
        ssize_t n = from < 0 ? -errno : fd_read_full(from, text, sizeof text);
        if (n < 0)
            return (int)n;
        if (write(own, text, (size_t)n) < 0)
            return -errno;
    }
    return 0;
}

/* All that the tree has goes on to the children of `fd`; the kernel refuses one by one. */
static void pass_on(const struct cgroup_place_tree *tree, int fd)
{
    char passed[256] = "", word[64];
    size_t length;

    _cleanup_(closep) int file = openat(fd, "cgroup.subtree_control", O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    ssize_t n = fd_read_full(file, passed, sizeof passed - 1);
    passed[n > 0 ? n : 0] = '\0';
    for (const char *at = tree->controllers; *at; at += length) {
        at += strspn(at, " ");
        length = strcspn(at, " ");
        int size = snprintf(word, sizeof word, "+%.*s", (int)length, at);
        if (length == 0 || size < 0 || (size_t)size >= sizeof word ||
            cgroup_list_has(passed, word + 1))
            continue;
        ssize_t ignored = write(file, word, (size_t)size);
        (void)ignored; /* a limit that needs it fails then, by name */
    }
}

static int enter_part(struct cgroup_place_tree *tree, const char *name, bool last, int *at)
{
    if (tree->unified)
        pass_on(tree, *at);
    bool made = mkdirat(*at, name, 0755) == 0;
    if (!made && errno != EEXIST)
        return -errno;
    int next = openat(*at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0)
        return -errno;
    int r = 0;
    if (made && !tree->unified && cgroup_list_has(tree->controllers, "cpuset"))
        r = cpuset_fill(*at, next);
    close(*at);
    *at = next;
    if (last)
        tree->made = made;
    return r;
}

/* The usual case of v1: the parent is there, and has nothing to pass on. */
static bool make_whole(struct cgroup_place_tree *tree, const char *path)
{
    char whole[sizeof tree->point + CGROUP_PLACE_PATH_MAX];

    if (tree->unified || cgroup_list_has(tree->controllers, "cpuset"))
        return false;
    snprintf(whole, sizeof whole, "%s%s", tree->point, path);
    if (mkdir(whole, 0755) < 0)
        return false;
    tree->fd = openat(AT_FDCWD, whole, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    tree->made = tree->fd >= 0;
    return tree->made;
}

static int tree_make(struct cgroup_place_tree *tree, const char *path)
{
    char name[256];

    if (make_whole(tree, path))
        return 0;
    _cleanup_(closep) int at = open(tree->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -errno;
    for (const char *part = path; *part;) {
        part += strspn(part, "/");
        size_t length = strcspn(part, "/");
        if (length == 0)
            break;
        memcpy(name, part, length);
        name[length] = '\0';
        part += length;
        int r = enter_part(tree, name, part[strspn(part, "/")] == '\0', &at);
        if (r < 0)
            return r;
    }
    tree->fd = steal_fd(&at);
    return 0;
}

static bool is_wanted(const struct cgroup_place_tree *tree, const char *only)
{
    char word[64];
    size_t length;

    if (!only)
        return true;
    if (tree->unified && cgroup_list_has(only, "unified"))
        return true;
    for (const char *at = tree->controllers; *at; at += length + (at[length] != '\0')) {
        length = strcspn(at, ", ");
        snprintf(word, sizeof word, "%.*s", (int)(length < 63 ? length : 63), at);
        if (length && cgroup_list_has(only, word))
            return true;
    }
    return false;
}

int cgroup_place_make(struct cgroup_place *place, const char *only, struct err *err)
{
    bool alone = place->count == 1;

    for (size_t i = 0; i < place->count; i++) {
        struct cgroup_place_tree *tree = &place->trees[i];
        if (tree->fd >= 0 || (!alone && !is_wanted(tree, only)))
            continue;
        int r = tree_make(tree, place->path);
        if (r < 0) {
            err_set(err, r, "cannot make control group '%s%s'", tree->point, place->path);
            cgroup_place_unmake(place);
            return r;
        }
    }
    return 0;
}

int cgroup_place_open(struct cgroup_place *place, struct err *err)
{
    char path[CGROUP_PLACE_PATH_MAX + 300];
    bool any = false;

    for (size_t i = 0; i < place->count; i++) {
        struct cgroup_place_tree *tree = &place->trees[i];
        if (tree->fd >= 0)
            continue;
        snprintf(path, sizeof path, "%s%s", tree->point, place->path);
        tree->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (tree->fd < 0 && errno != ENOENT)
            return err_set(err, -errno, "cannot open control group '%s'", path);
        any |= tree->fd >= 0;
    }
    return any ? 0 : err_set(err, -ENOENT, "cannot open control group '%s'", place->path);
}

void cgroup_place_close(struct cgroup_place *place)
{
    for (size_t i = 0; i < place->count; i++) {
        if (place->trees[i].fd >= 0)
            close(place->trees[i].fd);
        place->trees[i].fd = -1;
    }
}

struct cgroup_place_tree *cgroup_place_tree(struct cgroup_place *place, const char *controller,
                                            bool unified)
{
    for (size_t i = 0; i < place->count; i++) {
        struct cgroup_place_tree *tree = &place->trees[i];
        if (tree->unified == unified &&
            (!*controller || cgroup_list_has(tree->controllers, controller)))
            return tree;
    }
    return NULL;
}

int cgroup_place_entry(struct cgroup_place *place, int *ret_clone_fd,
                       int ret_tasks[CGROUP_PLACE_TREES], struct err *err)
{
    int count = 0;

    *ret_clone_fd = -1;
    for (size_t i = 0; i < place->count; i++) {
        struct cgroup_place_tree *tree = &place->trees[i];
        if (tree->fd < 0)
            continue;
        if (tree->unified) {
            *ret_clone_fd = tree->fd;
            continue;
        }
        int fd = openat(tree->fd, "tasks", O_WRONLY | O_CLOEXEC);
        if (fd < 0) {
            int r = -errno;
            fd_close_all(ret_tasks, (size_t)count);
            return err_set(err, r, "cannot enter control group '%s%s'", tree->point, place->path);
        }
        ret_tasks[count++] = fd;
    }
    return count;
}

int cgroup_place_move(const struct cgroup_place_tree *tree, pid_t pid)
{
    char text[16];

    snprintf(text, sizeof text, "%d", (int)pid);
    return fd_write_string(tree->fd, "cgroup.procs", text);
}
