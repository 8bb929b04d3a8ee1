/* Paths of the container, looked up with its root as "/" and never followed out of it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "oci/init/init.h"

#define LINKS_MAX 40 /* as the kernel's own limit */

int beneath_open(int root, const char *path, uint64_t flags, uint64_t resolve)
{
    return fd_open_resolve(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve);
}

/* `rest` of a path whose part `name` in `before` is a link to nowhere yet: the path that it means.
 */
static int follow(int parent, const char *name, const char *before, const char *rest,
                  char path[PATH_MAX])
{
    char link[PATH_MAX], joined[PATH_MAX];

    ssize_t length = readlinkat(parent, name, link, sizeof link - 1);
    if (length < 0)
        return -errno;
    link[length] = '\0';
    int n = link[0] == '/' ? snprintf(joined, sizeof joined, "%s%s", link, rest)
                           : snprintf(joined, sizeof joined, "%s/%s%s", before, link, rest);
    if (n < 0 || (size_t)n >= sizeof joined)
        return -ENAMETOOLONG;
    memcpy(path, joined, (size_t)n + 1);
    return 0;
}

static int make_part(int parent, const char *name, bool directory)
{
    if (directory)
        return mkdirat(parent, name, 0755) < 0 ? -errno : 0;
    int fd = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

/*
 * Makes the first part of `path` that is missing. 0: nothing is missing any more; 1: made one, or
 * put what a link means into `path`: look again.
 */
static int make_missing(int root, char path[PATH_MAX], bool directory)
{
    char before[PATH_MAX] = "/";
    char name[256];

    for (const char *at = path; *at;) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length == 0)
            break;
        if (length >= sizeof name)
            return -ENAMETOOLONG;
        memcpy(name, at, length);
        name[length] = '\0';
        const char *rest = at + length;
        bool last = rest[strspn(rest, "/")] == '\0';

        char here[PATH_MAX];
        snprintf(here, sizeof here, "%.*s", (int)(rest - path), path);
        int fd = beneath_open(root, here, O_PATH, 0);
        if (fd >= 0) {
            close(fd);
        } else if (fd != -ENOENT) {
            return fd;
        } else {
            _cleanup_(closep) int parent = beneath_open(root, before, O_PATH | O_DIRECTORY, 0);
            if (parent < 0)
                return parent;
            int r = make_part(parent, name, directory || !last);
            if (r == -EEXIST)
                r = follow(parent, name, before, rest, path);
            return r < 0 ? r : 1;
        }
        snprintf(before, sizeof before, "%s", here);
        at = rest;
    }
    return 0;
}

/* The usual case: all but the last part is there. */
static int make_last(int root, const char *path, bool directory)
{
    char parent[PATH_MAX];

    const char *slash = strrchr(path, '/');
    if (!slash || !slash[1] || strcmp(slash, "/..") == 0 || slash - path >= PATH_MAX)
        return -ENOENT;
    snprintf(parent, sizeof parent, "/%.*s", (int)(slash - path), path);
    _cleanup_(closep) int at = beneath_open(root, parent, O_PATH | O_DIRECTORY, 0);
    if (at < 0)
        return at;
    int r = make_part(at, slash + 1, directory);
    /* Ours, a moment ago; whatever it may be by now, it is no link that we follow. */
    return r < 0 ? r : beneath_open(at, slash + 1, O_PATH, RESOLVE_NO_SYMLINKS);
}

int beneath_make(int root, const char *path, bool directory)
{
    char wanted[PATH_MAX];

    int fd = beneath_open(root, path, O_PATH, 0);
    if (fd == -ENOENT)
        fd = make_last(root, path, directory);
    if (fd != -ENOENT && fd != -EEXIST)
        return fd;
    if ((size_t)snprintf(wanted, sizeof wanted, "%s", path) >= sizeof wanted)
        return -ENAMETOOLONG;
    for (int tries = 0; tries < PATH_MAX / 2 + LINKS_MAX; tries++) {
        int r = make_missing(root, wanted, directory);
        if (r < 0)
            return r;
        if (r == 0)
            return beneath_open(root, wanted, O_PATH, 0);
    }
    return -ELOOP;
}

int beneath_parent(int root, const char *path, char ret_name[256])
{
    char parent[PATH_MAX];
    size_t length = strlen(path);

    while (length > 0 && path[length - 1] == '/')
        length--;
    size_t slash = length;
    while (slash > 0 && path[slash - 1] != '/')
        slash--;
    size_t name = length - slash;
    if (name == 0 || name >= 256 || slash >= sizeof parent)
        return name == 0 ? -EISDIR : -ENAMETOOLONG;
    memcpy(ret_name, path + slash, name);
    ret_name[name] = '\0';
    if (strcmp(ret_name, ".") == 0 || strcmp(ret_name, "..") == 0)
        return -EINVAL;
    snprintf(parent, sizeof parent, "/%.*s", (int)slash, path);
    return beneath_make(root, parent, true);
}

int beneath_entry(int root, const char *path, bool directory)
{
    char name[256];

    _cleanup_(closep) int parent = beneath_parent(root, path, name);
    if (parent < 0)
        return parent;
    int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return beneath_make(root, path, directory);
    return fd < 0 ? -errno : fd;
}

void beneath_cache_drop(struct beneath_cache *cache)
{
    if (cache->fd >= 0)
        close(cache->fd);
    cache->fd = -1;
    cache->made_last = false;
}

/* The last part of `path`, which is a name in the directory of the `*ret_length` bytes before it.
 */
static const char *last_part(const char *path, size_t *ret_length)
{
    const char *slash = strrchr(path, '/');

    if (!slash || !slash[1] || strlen(slash + 1) >= 256 || strcmp(slash + 1, ".") == 0 ||
        strcmp(slash + 1, "..") == 0)
        return NULL;
    *ret_length = (size_t)(slash - path) + 1;
    return slash + 1;
}

static bool is_cached(const struct beneath_cache *cache, const char *path, size_t length)
{
    return cache->fd >= 0 && strlen(cache->path) == length &&
           memcmp(cache->path, path, length) == 0;
}

int beneath_make_cached(int root, const char *path, struct beneath_cache *cache, bool *ret_made)
{
    size_t length;

    const char *name = last_part(path, &length);
    if (!name || !is_cached(cache, path, length))
        beneath_cache_drop(cache);
    if (!name || length >= sizeof cache->path)
        return -ENOENT;
    if (cache->fd < 0) {
        snprintf(cache->path, sizeof cache->path, "%.*s", (int)length, path);
        int fd = beneath_open(root, cache->path, O_PATH | O_DIRECTORY, 0);
        if (fd < 0)
            return -ENOENT;
        cache->fd = fd;
    }
    /* Where the one before had to be made, so has probably this one. */
    if (!cache->made_last || make_part(cache->fd, name, true) < 0) {
        cache->made_last = false;
        int fd = beneath_open(cache->fd, name, O_PATH, RESOLVE_NO_SYMLINKS);
        if (fd >= 0)
            return fd;
        if (fd != -ENOENT || make_part(cache->fd, name, true) < 0)
            return -ENOENT;
    }
    cache->made_last = *ret_made = true;
    return beneath_open(cache->fd, name, O_PATH, RESOLVE_NO_SYMLINKS);
}

int beneath_parent_cached(int root, const char *path, struct beneath_cache *cache,
                          char ret_name[256])
{
    size_t length = 0;

    const char *name = last_part(path, &length);
    if (name && is_cached(cache, path, length)) {
        strcpy(ret_name, name);
        return cache->fd;
    }
    int fd = beneath_parent(root, path, ret_name);
    if (fd < 0)
        return fd;
    beneath_cache_drop(cache);
    cache->fd = fd;
    snprintf(cache->path, sizeof cache->path, "%.*s", (int)length, path);
    return fd;
}
