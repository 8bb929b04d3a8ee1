/* Files of a stage: its input, its scratch, its result. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/stage.h"
#include "build/tar.h"

int stage_write_file(int dir_fd, const char *path, const void *data, size_t size)
{
    char parent[512];

    if (strlen(path) >= sizeof parent)
        return -ENAMETOOLONG;
    strcpy(parent, path);
    /* The scratch directory never has a symbolic link: nobody makes one before the compilers run.
     */
    for (char *slash = strchr(parent, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (*parent && mkdirat(dir_fd, parent, 0755) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    _cleanup_(closep) int fd =
        openat(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    return fd_write_full(fd, data, size);
}

int stage_map_input(const uint8_t **ret_data, size_t *ret_size)
{
    struct stat status;

    if (fstat(STDIN_FILENO, &status) < 0)
        return -errno;
    if (status.st_size == 0) {
        *ret_data = (const uint8_t *)"";
        *ret_size = 0;
        return 0;
    }
    void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    if (data == MAP_FAILED)
        return -errno;
    *ret_data = data;
    *ret_size = (size_t)status.st_size;
    return 0;
}

static int send_fd(int fd, uint64_t size)
{
    while (size > 0) {
        ssize_t n = sendfile(STDOUT_FILENO, fd, NULL, size > 1 << 20 ? 1 << 20 : (size_t)size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        size -= (uint64_t)n;
    }
    return 0;
}

static int open_result(const char *path, int *ret_fd, uint64_t *ret_size)
{
    struct stat status;

    /* The tool that made it was not ours: it may be anything. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        if (fd >= 0)
            close(fd);
        return stage_say(STAGE_BROKEN, "error: the compiler made no '%s'", path);
    }
    *ret_fd = fd;
    *ret_size = (uint64_t)status.st_size;
    return STAGE_OK;
}

int stage_send_file(const char *path)
{
    _cleanup_(closep) int fd = -1;
    uint64_t size;

    int r = open_result(path, &fd, &size);
    if (r != STAGE_OK)
        return r;
    return send_fd(fd, size) < 0 ? STAGE_BROKEN : STAGE_OK;
}

int stage_send_bundle(const char *const *paths, size_t count)
{
    struct stage_bundle bundle = {0};
    int fds[ARRAY_LEN(bundle.sizes)];
    int status = STAGE_OK;

    if (count > ARRAY_LEN(fds))
        return STAGE_BROKEN;
    memset(fds, 0xff, sizeof fds);
    for (size_t i = 0; i < count && status == STAGE_OK; i++)
        status = open_result(paths[i], &fds[i], &bundle.sizes[i]);
    if (status == STAGE_OK && fd_write_full(STDOUT_FILENO, &bundle, sizeof bundle) < 0)
        status = STAGE_BROKEN;
    for (size_t i = 0; i < count && status == STAGE_OK; i++)
        if (send_fd(fds[i], bundle.sizes[i]) < 0)
            status = STAGE_BROKEN;
    fd_close_all(fds, count);
    return status;
}

int stage_write_sdk(void)
{
    if (mkdir(STAGE_SDK, 0755) < 0 && errno != EEXIST)
        return stage_say(STAGE_BROKEN, "error: cannot make '%s': %s", STAGE_SDK, strerror(errno));
    _cleanup_(closep) int directory = open(STAGE_SDK, O_DIRECTORY | O_PATH | O_CLOEXEC);
    for (const struct stage_sdk_file *file = stage_sdk_files; file->path; file++) {
        int r = stage_write_file(directory, file->path, file->data, file->size);
        if (r < 0)
            return stage_say(STAGE_BROKEN, "error: cannot write '%s': %s", file->path,
                             strerror(-r));
    }
    return STAGE_OK;
}

int stage_unpack(void)
{
    const uint8_t *tar;
    size_t size;

    if (stage_map_input(&tar, &size) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot unpack the source: %s", strerror(errno));
    return stage_unpack_bytes(tar, size);
}

int stage_unpack_bytes(const uint8_t *tar, size_t size)
{
    struct tar_reader reader = {.bytes = tar, .size = size};
    struct tar_entry entry;
    struct err err = {0};
    int r;

    if (mkdir(STAGE_SOURCE, 0755) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot unpack the source: %s", strerror(errno));
    _cleanup_(closep) int directory = open(STAGE_SOURCE, O_DIRECTORY | O_PATH | O_CLOEXEC);
    while ((r = tar_next(&reader, &entry, &err)) > 0) {
        /* Directories are made for the files in them. The manifest is not a part of what the
         * library is known by, so no compiler may read it. */
        if (entry.directory || strcmp(entry.name, SOURCE_MANIFEST) == 0)
            continue;
        r = stage_write_file(directory, entry.name, entry.data, entry.size);
        if (r == -ENOSPC)
            return stage_say(STAGE_REFUSED, "error: the source is too large to unpack");
        if (r < 0)
            return stage_say(STAGE_REFUSED, "error: cannot unpack '%s': %s", entry.name,
                             strerror(-r));
    }
    return r < 0 ? stage_say(STAGE_REFUSED, "error: %s", err.message) : STAGE_OK;
}
