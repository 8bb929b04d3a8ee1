/* Unpacking an image by libarchive, in a child without rights. */
#include "contain/image.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "guest/lockdown.h"

#define FLAGS                                                                               \
    (ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS |                    \
     ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | \
     ARCHIVE_EXTRACT_UNLINK)

struct budget {
    uint64_t files, bytes;
};

/* What an image may hold; else its entry is passed over (devices are the container's own). */
static bool is_wanted(struct archive_entry *entry)
{
    mode_t type = archive_entry_filetype(entry);

    return type == AE_IFREG || type == AE_IFDIR || type == AE_IFLNK ||
           archive_entry_hardlink(entry);
}

/* What libarchive refuses itself, such as a path that climbs, has no number of errno's. */
static int refused(struct archive *to)
{
    return archive_errno(to) > 0 ? -archive_errno(to) : -EBADMSG;
}

static int copy_data(struct archive *from, struct archive *to, struct budget *budget)
{
    const void *block;
    la_int64_t offset;
    size_t size;
    int r;

    while ((r = archive_read_data_block(from, &block, &size, &offset)) == ARCHIVE_OK) {
        if (size > budget->bytes || (uint64_t)offset > IMAGE_BYTES_MAX)
            return -EFBIG;
        budget->bytes -= size;
        if (archive_write_data_block(to, block, size, offset) != ARCHIVE_OK)
            return refused(to);
    }
    return r == ARCHIVE_EOF ? 0 : -EBADMSG;
}

static int unpack_entry(struct archive *from, struct archive *to, struct archive_entry *entry,
                        struct budget *budget)
{
    if (!is_wanted(entry))
        return 0;
    /* What is a hole now may be written by nobody, but is read by whoever copies it. */
    if (budget->files-- == 0 || (uint64_t)archive_entry_size(entry) > budget->bytes)
        return -EFBIG;
    mode_t mode = archive_entry_perm(entry) & 0777;
    /* The owner is the container's root, without capabilities: it must be able to look. */
    archive_entry_set_perm(entry, mode | (archive_entry_filetype(entry) == AE_IFDIR ? 0700 : 0400));
    if (archive_write_header(to, entry) < ARCHIVE_WARN)
        return refused(to);
    int r = archive_entry_size(entry) > 0 ? copy_data(from, to, budget) : 0;
    if (r == 0 && archive_write_finish_entry(to) < ARCHIVE_WARN)
        r = -EIO;
    return r;
}

static int unpack(int fd, char *where, size_t where_size)
{
    struct budget budget = {IMAGE_FILES_MAX, IMAGE_BYTES_MAX};
    struct archive *from = archive_read_new(), *to = archive_write_disk_new();
    struct archive_entry *entry;
    int r = 0, next;

    if (!from || !to)
        return -ENOMEM;
    archive_read_support_filter_gzip(from);
    archive_read_support_filter_zstd(from);
    archive_read_support_format_tar(from);
    archive_write_disk_set_options(to, FLAGS);
    if (archive_read_open_fd(from, fd, 1 << 17) != ARCHIVE_OK)
        return -EBADMSG;
    while (r == 0 && (next = archive_read_next_header(from, &entry)) != ARCHIVE_EOF) {
        if (next < ARCHIVE_WARN)
            return -EBADMSG;
        snprintf(where, where_size, "%s", archive_entry_pathname(entry));
        r = unpack_entry(from, to, entry, &budget);
    }
    if (r == 0 && archive_write_close(to) != ARCHIVE_OK)
        r = -EIO;
    return r;
}

/*
 * Names need it: without, "localhost" is nobody. What the image has stays, unless it is empty (as
 * engines leave it in what they export). Its links lead nowhere but into it. IPv4 alone, for that
 * is what a program is called by. -ENOSPC alone is an error.
 */
static int add_hosts(const char *hostname)
{
    struct open_how how = {.flags = O_WRONLY | O_CREAT | O_CLOEXEC,
                           .mode = 0644,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    _cleanup_(closep) int root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat status;

    if (mkdir("etc", 0755) < 0 && errno != EEXIST)
        return errno == ENOSPC ? -ENOSPC : 0;
    _cleanup_(closep) int fd = (int)syscall(SYS_openat2, root, "etc/hosts", &how, sizeof how);
    if (fd < 0)
        return errno == ENOSPC ? -ENOSPC : 0;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size > 0)
        return 0;
    return dprintf(fd, "127.0.0.1\tlocalhost\n127.0.0.1\t%s\n", hostname) < 0 ? -ENOSPC : 0;
}

struct outcome {
    int32_t error;
    char where[256];
};

static _Noreturn void child(int image, int report, const char *path, const char *hostname)
{
    struct outcome outcome = {0};
    const struct rlimit files = {16, 16};

    if (dup2(image, 0) < 0 || dup2(report, 1) < 0 || syscall(SYS_close_range, 2, ~0u, 0) < 0)
        _exit(1);
    umask(0);
    outcome.error = chdir(path) < 0 ? -errno : 0;
    if (outcome.error == 0)
        outcome.error = lockdown_capabilities(0);
    if (outcome.error == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        outcome.error = -errno;
    if (outcome.error == 0 && setrlimit(RLIMIT_NOFILE, &files) < 0)
        outcome.error = -errno;
    if (outcome.error == 0)
        outcome.error = unpack(0, outcome.where, sizeof outcome.where);
    if (outcome.error == 0)
        outcome.error = add_hosts(hostname);
    if (fd_write_full(1, &outcome, sizeof outcome) < 0)
        _exit(1);
    _exit(0);
}

static int begin(struct image *image, struct err *err)
{
    char rootfs[64];
    int report[2];

    snprintf(rootfs, sizeof rootfs, "%s/rootfs", image->path);
    if (mkdir(rootfs, 0755) < 0)
        return err_set(err, -errno, "cannot make the image's directory");
    if (lseek(image->fd, 0, SEEK_SET) < 0 || pipe2(report, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot unpack the image");
    image->unpacker = fork();
    if (image->unpacker == 0)
        child(image->fd, report[1], rootfs, image->hostname);
    int r = image->unpacker < 0 ? err_set(err, -errno, "cannot unpack the image") : 0;
    close(report[1]);
    if (r < 0)
        close(report[0]);
    image->report = report[0];
    return r;
}

static int end(struct image *image, struct err *err)
{
    struct outcome outcome;
    int status;

    ssize_t n = fd_read_full(image->report, &outcome, sizeof outcome);
    close(image->report);
    while (waitpid(image->unpacker, &status, 0) < 0 && errno == EINTR)
        ;
    if (n != sizeof outcome)
        return err_set(err, n < 0 ? (int)n : -EPROTO, "cannot unpack the image");
    outcome.where[sizeof outcome.where - 1] = '\0';
    if (outcome.error == -EFBIG)
        return err_say(err, -EFBIG,
                       "cannot unpack the image: it has more than %u files or 2 GiB unpacked",
                       IMAGE_FILES_MAX);
    if (outcome.error == -EBADMSG)
        return err_say(err, -EINVAL, "cannot unpack the image: it is not a proper tar, near '%s'",
                       outcome.where);
    return outcome.error != 0
               ? err_set(err, outcome.error, "cannot unpack '%s' of the image", outcome.where)
               : 0;
}

/* What can't be mounted goes to the disk. */
static bool mount_memory(const struct image *image)
{
    struct stat status;
    char options[64];

    snprintf(options, sizeof options, "mode=0755,nr_inodes=4096,size=%u", IMAGE_MEMORY_BYTES);
    return fstat(image->fd, &status) == 0 && status.st_size <= IMAGE_SMALL_BYTES &&
           mount("tmpfs", image->path, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0;
}

int image_unpack(int fd, const char *path, const char *hostname, bool memory,
                 struct image *ret_image, struct err *err)
{
    *ret_image = (struct image){.fd = fd, .path = path, .hostname = hostname};
    ret_image->in_memory = memory && mount_memory(ret_image);
    int r = begin(ret_image, err);
    if (r < 0)
        closep(&ret_image->fd);
    return r;
}

int image_unpacked(struct image *image, struct err *err)
{
    int r = end(image, err);

    if (r == -ENOSPC && image->in_memory) {
        *err = (struct err){0};
        r = umount2(image->path, MNT_DETACH) < 0 ? err_set(err, -errno, "cannot unpack the image")
                                                 : begin(image, err);
        if (r == 0)
            r = end(image, err);
    }
    closep(&image->fd);
    return r;
}
