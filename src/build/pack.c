/*
 * Packs a source into a tar that depends on names and contents alone, so that its hash says whether
 * it was built before: sorted paths, no owner, no times, one mode. Names that begin with a dot
 * (.git, editors' files) are left out; links and special files are refused, since what they lead
 * to is not part of the source.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/fd.h"
#include "build/build.h"
#include "build/manifest.h"
#include "build/pack_internal.h"
#include "build/tar.h"

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

static void archive_freep(struct archive **archive)
{
    if (*archive)
        archive_write_free(*archive);
}

static void entry_freep(struct archive_entry **entry)
{
    archive_entry_free(*entry);
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

struct buffer {
    char *data;
    size_t size, capacity;
};

static la_ssize_t buffer_write(struct archive *archive, void *user, const void *data, size_t size)
{
    struct buffer *buffer = user;

    if (size > buffer->capacity - buffer->size) {
        size_t capacity = buffer->size + size + (buffer->size + size) / 2;
        char *grown = realloc(buffer->data, capacity);
        if (!grown) {
            archive_set_error(archive, ENOMEM, "out of memory");
            return -1;
        }
        buffer->data = grown;
        buffer->capacity = capacity;
    }
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return (la_ssize_t)size;
}

static int archive_add(const struct pack *pack, struct archive *archive,
                       struct archive_entry *entry, const struct packed_file *file)
{
    archive_entry_clear(entry);
    archive_entry_set_pathname(entry, file->path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)file->size);
    archive_entry_set_mtime(entry, 0, 0);
    archive_entry_set_uid(entry, 0);
    archive_entry_set_gid(entry, 0);
    int r = archive_write_header(archive, entry);
    /* The format splits a path at a slash, into 155 and 100 bytes: not each can be. */
    if (r != ARCHIVE_OK && archive_errno(archive) == ENAMETOOLONG)
        return pack_refuse(pack, -ENAMETOOLONG, file->path, "has a path that is too long");
    if (r != ARCHIVE_OK)
        return -EIO;
    if (archive_write_data(archive, file->data, file->size) != (la_ssize_t)file->size)
        return -EIO;
    return 0;
}

static int archive_make(const struct pack *pack, struct buffer *buffer)
{
    _cleanup_(archive_freep) struct archive *archive = archive_write_new();
    _cleanup_(entry_freep) struct archive_entry *entry = archive_entry_new();

    if (!archive || !entry)
        return -ENOMEM;
    /* ustar: one header a file, names as they are. The last block is not padded to a tape's. */
    if (archive_write_set_format_ustar(archive) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(archive, 1) != ARCHIVE_OK ||
        archive_write_open(archive, buffer, NULL, buffer_write, NULL) != ARCHIVE_OK)
        return -EIO;
    for (size_t i = 0; i < pack->count; i++) {
        int r = archive_add(pack, archive, entry, &pack->files[i]);
        if (r < 0)
            return r;
    }
    return archive_write_close(archive) == ARCHIVE_OK ? 0 : -EIO;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static bool is_source(const char *name)
{
    static const char *const suffixes[] = {".c", ".ll", ".bc", ".wasm", ".so", ".py"};

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (ends_with(name, suffixes[i]))
            return true;
    return false;
}

/*
 * The file or folder that the user named. A name ending in .c, .ll, .bc, .wasm, .py or .so must be
 * the file itself, not a link: who can write to the folder could else have root read and send any
 * file. Links among the folders before it, and one to a folder, are the user's to follow: what is
 * in it is looked at.
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
    if (ends_with(name, ".rs"))
        return err_say(pack->err, -EINVAL,
                       "cannot pack '%s': compile it first (rustc --emit=llvm-ir: docs/verify.md), "
                       "or to WebAssembly",
                       path);
    if (!is_source(name))
        return err_say(pack->err, -EINVAL,
                       "cannot pack '%s': a source is a .c file, LLVM IR (.ll, .bc), a .wasm file, "
                       "a .py file, "
                       "a library (.so) or a folder",
                       path);
    if (name[0] == '.' || !name_is_proper(name))
        return err_say(pack->err, -EINVAL, "cannot pack '%s': its name is not proper", path);
    return file_add(pack, fd, name);
}

int pack_files(const char *source, const struct packed_file *files, size_t count, void **ret_tar,
               size_t *ret_size, struct err *err)
{
    const struct pack pack = {
        .source = source, .files = (struct packed_file *)files, .count = count, .err = err};
    struct buffer buffer = {0};

    int r = archive_make(&pack, &buffer);
    if (r < 0) {
        free(buffer.data);
        return err_set(err, r, "cannot pack '%s'", source);
    }
    *ret_tar = buffer.data;
    *ret_size = buffer.size;
    return 0;
}

int pack_check_manifest(const char *where, const char *text, size_t size, struct err *err)
{
    _cleanup_(freep) struct manifest *manifest = malloc(sizeof *manifest);

    if (!manifest)
        return err_set(err, -ENOMEM, "cannot read '%s'", where);
    manifest_default(manifest);
    return manifest_parse(text, size, where, manifest, err);
}

static int check_manifest(const struct pack *pack)
{
    char where[PATH_MAX];
    size_t length = strlen(pack->source);

    for (size_t i = 0; i < pack->count; i++) {
        const struct packed_file *file = &pack->files[i];
        if (strcmp(file->path, SOURCE_MANIFEST) != 0)
            continue;
        while (length > 1 && pack->source[length - 1] == '/')
            length--;
        snprintf(where, sizeof where, "%.*s/%s", (int)length, pack->source, SOURCE_MANIFEST);
        return pack_check_manifest(where, file->data, file->size, pack->err);
    }
    return 0;
}

int source_pack(const char *path, void **ret_tar, size_t *ret_size, struct err *err)
{
    _cleanup_(pack_clear) struct pack pack = {.source = path, .err = err};
    int r = source_add(&pack, path);

    if (r == 0)
        r = check_manifest(&pack);
    if (r < 0)
        return r;
    qsort(pack.files, pack.count, sizeof *pack.files, by_path);
    return pack_files(path, pack.files, pack.count, ret_tar, ret_size, err);
}
