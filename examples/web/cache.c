/* Small files stay in memory; whether one has changed is looked at once a second. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "web.h"

#define FRESH_MS 1000

static struct file files[CACHE_FILES];

static struct file *place_of(const char *path)
{
    uint32_t hash = 2166136261u;

    for (const char *c = path; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return &files[hash % CACHE_FILES];
}

static bool file_load(struct file *file, int fd, const struct stat *status)
{
    free(file->data);
    file->data = NULL;
    file->bytes = (uint64_t)status->st_size;
    file->modified = (int64_t)status->st_mtim.tv_sec;
    if (file->bytes > CACHED_MAX || !(file->data = malloc(file->bytes ? file->bytes : 1)))
        return true;
    for (uint64_t done = 0; done < file->bytes;) {
        ssize_t n = read(fd, file->data + done, file->bytes - done);
        if (n <= 0)
            return false;
        done += (uint64_t)n;
    }
    return true;
}

const struct file *cache_find(const char *path, int64_t now_ms)
{
    struct file *file = place_of(path);
    bool same = strcmp(file->path, path) == 0;
    struct stat status;

    if (same && now_ms - file->checked_ms < FRESH_MS)
        return file;
    if (same && stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
        (uint64_t)status.st_size == file->bytes &&
        (int64_t)status.st_mtim.tv_sec == file->modified && now_ms / 1000 > file->modified + 1) {
        file->checked_ms = now_ms;
        return file;
    }
    file->path[0] = '\0';
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return NULL;
    bool good = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && file_load(file, fd, &status);
    close(fd);
    if (!good) {
        errno = ENOENT;
        return NULL;
    }
    strncpy(file->path, path, sizeof file->path - 1);
    file->checked_ms = now_ms;
    return file;
}
