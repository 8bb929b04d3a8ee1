/*
 * Packs a container's root file system: a tar of it as it is on the disk (names, modes, links; no
 * owner, no devices), compressed, inside of the tar that a source is. What the caller may not read
 * can't be sent.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "build/build.h"
#include "build/pack_internal.h"
#include "build/tar.h"

#define YAML_MAX_BYTES (256u << 10)

/*
 * Two levels of zstd. What is small when packed lies in memory (contain/image.h) and is unpacked on
 * the way of a function's first call: quick, in half the time, though a quarter larger. A larger
 * image is to be small.
 */
static const struct packing {
    const char *level;
    size_t max_bytes;
} QUICK = {"-1", 2u << 20}, SMALL = {"3", SOURCE_MAX_BYTES};

struct image {
    const char *path; /* as the user named it */
    const struct packing *packing;
    struct archive *from, *to;
    char *data; /* what was written */
    size_t size, capacity;
    struct err *err;
};

static void image_clear(struct image *image)
{
    if (image->from)
        archive_read_free(image->from);
    if (image->to)
        archive_write_free(image->to);
    free(image->data);
}

static la_ssize_t take(struct archive *archive, void *user, const void *data, size_t size)
{
    struct image *image = user;

    if (size > image->packing->max_bytes - image->size) {
        archive_set_error(archive, EFBIG, "too large");
        return -1;
    }
    if (size > image->capacity - image->size) {
        size_t capacity = 2 * image->capacity + size + (1 << 20);
        char *grown = realloc(image->data, capacity);
        if (!grown) {
            archive_set_error(archive, ENOMEM, "out of memory");
            return -1;
        }
        image->data = grown;
        image->capacity = capacity;
    }
    memcpy(image->data + image->size, data, size);
    image->size += size;
    return (la_ssize_t)size;
}

static int refuse(const struct image *image, struct archive *archive, const char *path)
{
    int code = archive_errno(archive) > 0 ? -archive_errno(archive) : -EIO;

    if (code == -EFBIG)
        return err_say(image->err, code,
                       "cannot pack '%s': it has more than %d MiB when compressed", image->path,
                       SOURCE_MAX_BYTES >> 20);
    return err_set(image->err, code, "cannot pack '%s'", path);
}

static int copy_data(struct image *image, const char *path)
{
    const void *block;
    la_int64_t offset, done = 0;
    size_t size;
    int r;

    while ((r = archive_read_data_block(image->from, &block, &size, &offset)) == ARCHIVE_OK) {
        static const char zeros[4096];
        /* A hole. */
        while (done < offset) {
            size_t n =
                (size_t)(offset - done) < sizeof zeros ? (size_t)(offset - done) : sizeof zeros;
            if (archive_write_data(image->to, zeros, n) < 0)
                return refuse(image, image->to, path);
            done += (la_int64_t)n;
        }
        if (archive_write_data(image->to, block, size) < 0)
            return refuse(image, image->to, path);
        done += (la_int64_t)size;
    }
    return r == ARCHIVE_EOF ? 0 : refuse(image, image->from, path);
}

static int add(struct image *image, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    mode_t type = archive_entry_filetype(entry);

    if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
        return 0; /* a container has devices and sockets of its own */
    archive_entry_set_uid(entry, 0);
    archive_entry_set_gid(entry, 0);
    archive_entry_set_uname(entry, NULL);
    archive_entry_set_gname(entry, NULL);
    archive_entry_unset_atime(entry);
    archive_entry_unset_ctime(entry);
    archive_entry_sparse_clear(entry);
    archive_entry_acl_clear(entry);
    archive_entry_xattr_clear(entry);
    /* To one second: finer times would make a longer header of each. */
    archive_entry_set_mtime(entry, archive_entry_mtime(entry), 0);
    if (archive_write_header(image->to, entry) < ARCHIVE_WARN)
        return refuse(image, image->to, path);
    return type == AE_IFREG && archive_entry_size(entry) > 0 ? copy_data(image, path) : 0;
}

static int open_archives(struct image *image)
{
    image->from = archive_read_disk_new();
    image->to = archive_write_new();
    if (!image->from || !image->to)
        return err_set(image->err, -ENOMEM, "cannot pack '%s'", image->path);
    archive_read_disk_set_symlink_physical(image->from);
    archive_read_disk_set_behavior(image->from,
                                   ARCHIVE_READDISK_NO_TRAVERSE_MOUNTS | ARCHIVE_READDISK_NO_XATTR |
                                       ARCHIVE_READDISK_NO_ACL | ARCHIVE_READDISK_NO_FFLAGS);
    if (archive_write_set_format_pax_restricted(image->to) != ARCHIVE_OK ||
        archive_write_add_filter_zstd(image->to) != ARCHIVE_OK ||
        archive_write_set_filter_option(image->to, "zstd", "compression-level",
                                        image->packing->level) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(image->to, 1) != ARCHIVE_OK ||
        archive_write_open(image->to, image, NULL, take, NULL) != ARCHIVE_OK)
        return refuse(image, image->to, image->path);
    if (archive_read_disk_open(image->from, ".") != ARCHIVE_OK)
        return refuse(image, image->from, image->path);
    return 0;
}

/* The current directory is the root. */
static int pack_all(struct image *image)
{
    struct archive_entry *entry = archive_entry_new();
    int r = open_archives(image), next;

    while (r == 0 && (next = archive_read_next_header2(image->from, entry)) != ARCHIVE_EOF) {
        if (next < ARCHIVE_WARN) {
            r = refuse(image, image->from, image->path);
            break;
        }
        archive_read_disk_descend(image->from);
        r = add(image, entry);
        archive_entry_clear(entry);
    }
    if (r == 0 && archive_write_close(image->to) != ARCHIVE_OK)
        r = refuse(image, image->to, image->path);
    archive_entry_free(entry);
    return r;
}

int source_pack_image(const char *root, const char *manifest_path, void **ret_tar, size_t *ret_size,
                      struct err *err)
{
    _cleanup_(image_clear) struct image image = {.path = root, .packing = &QUICK, .err = err};
    _cleanup_(closep) int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(freep) char *manifest = NULL;
    char image_name[] = SOURCE_IMAGE, manifest_name[] = SOURCE_MANIFEST;
    struct packed_file files[2];
    size_t manifest_size, count = 0;

    /* libarchive reads the disk from the current directory. */
    if (manifest_path) {
        int r =
            fd_read_file(AT_FDCWD, manifest_path, YAML_MAX_BYTES, &manifest, &manifest_size, err);
        if (r == 0)
            r = pack_check_manifest(manifest_path, manifest, manifest_size, err);
        if (r < 0)
            return r;
    }
    if (here < 0 || chdir(root) < 0)
        return err_set(err, -errno, "cannot open '%s'", root);
    int r = pack_all(&image);
    if (r == -EFBIG) {
        if (err)
            *err = (struct err){0};
        image_clear(&image);
        image = (struct image){.path = root, .packing = &SMALL, .err = err};
        r = pack_all(&image);
    }
    if (fchdir(here) < 0 && r == 0)
        r = err_set(err, -errno, "cannot go back to the current directory");
    if (r < 0)
        return r;
    files[count++] = (struct packed_file){image_name, image.data, image.size};
    if (manifest)
        files[count++] = (struct packed_file){manifest_name, manifest, manifest_size};
    return pack_files(root, files, count, ret_tar, ret_size, err);
}
