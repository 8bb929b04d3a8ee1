/*
 * Packs a source into a tar that depends on names and contents alone, so that its hash says whether
 * it was built before: sorted paths, no owner, no times, one mode. Names that begin with a dot
 * (.git, editors' files) are left out; links and special files are refused, since what they lead
 * to is not part of the source.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/fd.h"
#include "build/build.h"
#include "build/pack_internal.h"

#define PATH_BYTES_MAX 256 /* ustar has room for 255 */
#define DEPTH_MAX 32

struct pack {
    const char *source; /* as the user named it */
    struct packed_file *files;
    size_t count, capacity;
    uint64_t bytes;
    struct err *err;
};

static void pack_clear(struct pack *pack)
{
    for (size_t i = 0; i < pack->count; i++) {
        free(pack->files[i].path);
        free(pack->files[i].data);
    }
    free(pack->files);
}

static void closedirp(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

static int pack_refuse(const struct pack *pack, int code, const char *path, const char *cause)
{
    return err_say(pack->err, code, "cannot pack '%s': '%s' %s", pack->source, path, cause);
}

/* Takes one open regular file; `fd` stays the caller's. */
static int file_add(struct pack *pack, int fd, const char *path)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return err_set(pack->err, -errno, "cannot pack '%s'", path);
    if (!S_ISREG(status.st_mode))
        return pack_refuse(pack, -EINVAL, path, "is not a regular file");
    if (pack->count == SOURCE_MAX_FILES)
        return err_say(pack->err, -EFBIG, "cannot pack '%s': it has more than %d files",
                       pack->source, SOURCE_MAX_FILES);
    if ((uint64_t)status.st_size > SOURCE_MAX_BYTES - pack->bytes)
        return err_say(pack->err, -EFBIG, "cannot pack '%s': it is larger than %d MiB",
                       pack->source, SOURCE_MAX_BYTES >> 20);
    if (pack->count == pack->capacity) {
        size_t capacity = pack->capacity ? 2 * pack->capacity : 16;
        struct packed_file *grown = realloc(pack->files, capacity * sizeof *grown);
        if (!grown)
            return err_set(pack->err, -ENOMEM, "cannot pack '%s'", pack->source);
        pack->files = grown;
        pack->capacity = capacity;
    }

    size_t size = (size_t)status.st_size;
    _cleanup_(freep) char *data = malloc(size + 1);
    _cleanup_(freep) char *name = strdup(path);
    if (!data || !name)
        return err_set(pack->err, -ENOMEM, "cannot pack '%s'", pack->source);
    ssize_t n = fd_read_full(fd, data, size + 1);
    if (n < 0)
        return err_set(pack->err, (int)n, "cannot read '%s'", path);
    if ((size_t)n != size)
        return pack_refuse(pack, -EINVAL, path, "changes while it is read");
    pack->bytes += size;
    pack->files[pack->count++] = (struct packed_file){steal_ptr(&name), steal_ptr(&data), size};
    return 0;
}

/* A name that messages, makefiles and other systems can carry. */
static bool name_is_proper(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7f || *name == '\\')
            return false;
    return true;
}

static int directory_add(struct pack *pack, int dir_fd, const char *path, unsigned depth);

/* One entry of a directory that is not hidden. */
static int entry_add(struct pack *pack, int dir_fd, const char *parent, const char *name,
                     unsigned depth)
{
    char path[PATH_BYTES_MAX];
    struct stat status;
    int n = snprintf(path, sizeof path, "%s%s%s", parent, *parent ? "/" : "", name);

    if (!name_is_proper(name))
        return err_say(pack->err, -EINVAL,
                       "cannot pack '%s': a file's name has control characters or a backslash",
                       pack->source);
    if (n < 0 || (size_t)n >= sizeof path)
        return pack_refuse(pack, -ENAMETOOLONG, name, "has a path that is too long");
    if (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(pack->err, -errno, "cannot pack '%s'", path);
    if (S_ISLNK(status.st_mode))
        return pack_refuse(pack, -EINVAL, path, "is a symbolic link");
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        return pack_refuse(pack, -EINVAL, path, "is neither a regular file nor a folder");
    /* O_NONBLOCK: if it became a FIFO since, file_add() refuses it instead of waiting. */
    _cleanup_(closep) int fd =
        openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_set(pack->err, -errno, "cannot pack '%s'", path);
    return S_ISDIR(status.st_mode) ? directory_add(pack, fd, path, depth + 1)
                                   : file_add(pack, fd, path);
}

static int directory_add(struct pack *pack, int dir_fd, const char *path, unsigned depth)
{
    if (depth > DEPTH_MAX)
        return pack_refuse(pack, -EINVAL, path, "is nested too deep");
    int own = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(closedirp) DIR *directory = own < 0 ? NULL : fdopendir(own);
    if (!directory) {
        int r = -errno;
        closep(&own);
        return err_set(pack->err, r, "cannot read folder '%s'", path);
    }
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (!entry && errno != 0)
            return err_set(pack->err, -errno, "cannot read folder '%s'", path);
        if (!entry)
            return 0;
        if (entry->d_name[0] == '.')
            continue;
        int r = entry_add(pack, dir_fd, path, entry->d_name, depth);
        if (r < 0)
            return r;
    }
}

static int by_path(const void *left, const void *right)
{
    return strcmp(((const struct packed_file *)left)->path,
                  ((const struct packed_file *)right)->path);
}

/* POSIX's ustar: one header of 512 bytes a file. Numbers are octal. */
struct ustar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, linkname[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], unused[12];
};
static_assert(sizeof(struct ustar_header) == 512, "POSIX says 512");

#define BLOCK sizeof(struct ustar_header)

static size_t padded(size_t bytes)
{
    return (bytes + BLOCK - 1) / BLOCK * BLOCK;
}

/* A path that is too long for `name` goes into it from behind a slash on. */
static bool put_path(struct ustar_header *header, const char *path)
{
    size_t length = strlen(path);

    if (length <= sizeof header->name) {
        memcpy(header->name, path, length);
        return true;
    }
    const char *slash = strchr(path + length - sizeof header->name - 1, '/');
    if (!slash || slash == path || (size_t)(slash - path) > sizeof header->prefix)
        return false;
    memcpy(header->prefix, path, (size_t)(slash - path));
    memcpy(header->name, slash + 1, strlen(slash + 1));
    return true;
}

static bool put_header(struct ustar_header *header, const struct packed_file *file)
{
    unsigned sum = 0;

    memset(header, 0, sizeof *header);
    if (!put_path(header, file->path))
        return false;
    memcpy(header->mode, "000644 ", 8);
    memcpy(header->uid, "000000 ", 8);
    memcpy(header->gid, "000000 ", 8);
    snprintf(header->size, sizeof header->size, "%011zo", file->size);
    header->size[11] = ' ';
    memcpy(header->mtime, "00000000000 ", 12);
    header->type = '0';
    memcpy(header->magic, "ustar", 6);
    memcpy(header->version, "00", 2);
    memcpy(header->major, "000000 ", 8);
    memcpy(header->minor, "000000 ", 8);
    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < sizeof *header; i++)
        sum += ((const unsigned char *)header)[i];
    snprintf(header->checksum, 7, "%06o", sum);
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static bool is_source(const char *name)
{
    return ends_with(name, ".c") || ends_with(name, ".wasm") || ends_with(name, ".so") ||
           ends_with(name, ".py");
}

/*
 * The file or folder that the user named. A name ending in .c, .wasm, .py or .so must be the file
 * itself, not a link: who can write to the folder could else have root read and send any file.
 * Links among the folders before it, and one to a folder, are the user's to follow: what is in it
 * is looked at.
 */
static int source_add(struct pack *pack, const char *path)
{
    struct stat status;
    int no_follow = is_source(path) ? O_NOFOLLOW : 0;
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | no_follow);

    if (fd < 0 && no_follow && errno == ELOOP)
        return err_say(pack->err, -ELOOP,
                       "cannot pack '%s': it is a symbolic link (name the file itself)", path);
    if (fd < 0 || fstat(fd, &status) < 0)
        return err_set(pack->err, -errno, "cannot open '%s'", path);
    if (S_ISDIR(status.st_mode)) {
        int r = directory_add(pack, fd, "", 0);
        if (r == 0 && pack->count == 0)
            return err_say(pack->err, -EINVAL, "cannot pack '%s': the folder has no files", path);
        return r;
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (!is_source(name))
        return err_say(
            pack->err, -EINVAL,
            "cannot pack '%s': a source is a .c file, a .wasm file, a .py file, a library "
            "(.so) or a folder",
            path);
    if (name[0] == '.' || !name_is_proper(name))
        return err_say(pack->err, -EINVAL, "cannot pack '%s': its name is not proper", path);
    return file_add(pack, fd, name);
}

int pack_files(const char *source, const struct packed_file *files, size_t count, void **ret_tar,
               size_t *ret_size, struct err *err)
{
    const struct pack pack = {.source = source, .err = err};
    size_t size = 2 * BLOCK; /* of zeros, at the end */

    for (size_t i = 0; i < count; i++)
        size += BLOCK + padded(files[i].size);
    _cleanup_(freep) char *tar = calloc(1, size);
    if (!tar)
        return err_set(err, -ENOMEM, "cannot pack '%s'", source);
    char *at = tar;
    for (size_t i = 0; i < count; i++) {
        if (!put_header((struct ustar_header *)at, &files[i]))
            return pack_refuse(&pack, -ENAMETOOLONG, files[i].path, "has a path that is too long");
        memcpy(at + BLOCK, files[i].data, files[i].size);
        at += BLOCK + padded(files[i].size);
    }
    *ret_tar = steal_ptr(&tar);
    *ret_size = size;
    return 0;
}

int source_pack(const char *path, void **ret_tar, size_t *ret_size, struct err *err)
{
    _cleanup_(pack_clear) struct pack pack = {.source = path, .err = err};
    int r = source_add(&pack, path);

    if (r < 0)
        return r;
    qsort(pack.files, pack.count, sizeof *pack.files, by_path);
    return pack_files(path, pack.files, pack.count, ret_tar, ret_size, err);
}
