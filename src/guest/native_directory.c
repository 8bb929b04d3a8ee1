/*
 * The working directory of native code. It is a path, not a descriptor: what a relative name leads
 * to is found anew each time, from the granted folder that the whole path is below, so that no
 * change of it, and no "..", leads out of one (native_io.c).
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/native.h"
#include "guest/native_heap.h"
#include "guest/native_posix.h"
#include "guest/wasi_internal.h"

/*
 * Without "." and empty parts, and each ".." with the part before it: by the text alone, which is
 * another directory where that part is a symlink. Whether there was a "..". `to` has room.
 */
static bool shorten(const char *path, char *to)
{
    size_t used = 0;
    bool goes_up = false;

    while (*(path += strspn(path, "/"))) {
        size_t part = strcspn(path, "/");
        if (part == 2 && path[0] == '.' && path[1] == '.') {
            goes_up = true;
            while (used > 0 && to[--used] != '/')
                ;
        } else if (part != 1 || path[0] != '.') {
            to[used++] = '/';
            memcpy(to + used, path, part);
            used += part;
        }
        path += part;
    }
    to[used] = '\0';
    return goes_up;
}

/* System calls: those of native_status(). */
static int change(struct host *host, const char *path)
{
    struct wasi *wasi = host->wasi;
    char *whole = wasi->scratch.paths[0], *plain = wasi->scratch.paths[1];
    const char *from = path[0] == '/' ? "" : wasi->cwd;
    size_t bytes = strnlen(path, WASI_PATH_MAX), before = strlen(from);
    struct stat there, again;

    if (bytes == 0)
        return -ENOENT;
    if (before + 1 + bytes >= WASI_PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(whole, from, before);
    whole[before] = '/';
    memcpy(whole + before + 1, path, bytes + 1);
    bool goes_up = shorten(whole, plain);
    /* The root, where all folders are, need not be one. */
    if (goes_up || plain[0]) {
        int r = native_status(whole, &there);
        if (r < 0)
            return r;
        if (!S_ISDIR(there.st_mode))
            return -ENOTDIR;
    }
    if (goes_up && (native_status(plain, &again) < 0 || again.st_dev != there.st_dev ||
                    again.st_ino != there.st_ino))
        plain = whole;
    strcpy(wasi->cwd, plain);
    return 0;
}

int native_chdir(const char *path)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? change(host, path) : -EPERM);
}

char *native_getcwd(char *to, size_t room)
{
    struct host *host = native_enter();
    const char *cwd = host && host->wasi->cwd[0] ? host->wasi->cwd : "/";
    size_t bytes = strlen(cwd) + 1;
    int error = !host ? EPERM : to && room == 0 ? EINVAL : room && room < bytes ? ERANGE : 0;

    if (!error && !to && !(to = native_malloc(room ? room : bytes)))
        error = ENOMEM;
    if (!error)
        memcpy(to, cwd, bytes);
    native_leave(host, -error);
    return error ? NULL : to;
}
