/*
 * vireo/io.h: files by names of an explicit length, for code that is to be proved: of a text that
 * is computed nobody knows where it ends. For handlers and for programs with main(). With a name
 * that is a constant, open() and its like of the C library do as well.
 *
 *     grants:
 *       files: [{path: /tmp, size: 1MiB}]
 *
 *     #include <vireo/io.h>
 *
 *     int fd = vireo_open(name, name_bytes, O_RDONLY);
 *
 * A file is one below a folder that vireo.yaml grants; no name leads out of that, nor does a
 * symbolic link. Each returns -1 with errno where it fails: ENOENT, EACCES (the folder is not
 * writable), EPERM (it leads out), ENAMETOOLONG, EMFILE, ENOSPC (of the folder's size) and the
 * kernel's others. What is open is for read, pread, write, pwrite, lseek, ftruncate, fsync and
 * close of <unistd.h>.
 */
#ifndef VIREO_IO_H
#define VIREO_IO_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef __wasm__
#include <vireo/io_native.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Of a name, at most. */
#define VIREO_PATH_MAX 4095u

#ifdef __wasm__

struct vireo_path {
    char text[VIREO_PATH_MAX + 1];
};

/* With its NUL; NULL and errno. */
static inline const char *vireo_path(struct vireo_path *path, const char *text, size_t bytes)
{
    if (bytes > VIREO_PATH_MAX || memchr(text, 0, bytes)) {
        errno = bytes > VIREO_PATH_MAX ? ENAMETOOLONG : EINVAL;
        return NULL;
    }
    memcpy(path->text, text, bytes);
    path->text[bytes] = 0;
    return path->text;
}

static inline int vireo_open(const char *text, size_t bytes, int flags)
{
    struct vireo_path path;
    const char *name = vireo_path(&path, text, bytes);

    return name ? open(name, flags, 0666) : -1;
}

static inline int vireo_mkdir(const char *text, size_t bytes)
{
    struct vireo_path path;
    const char *name = vireo_path(&path, text, bytes);

    return name ? mkdir(name, 0777) : -1;
}

static inline int vireo_unlink(const char *text, size_t bytes)
{
    struct vireo_path path;
    const char *name = vireo_path(&path, text, bytes);

    return name ? unlink(name) : -1;
}

static inline int vireo_rmdir(const char *text, size_t bytes)
{
    struct vireo_path path;
    const char *name = vireo_path(&path, text, bytes);

    return name ? rmdir(name) : -1;
}

static inline int vireo_rename(const char *from, size_t from_bytes, const char *to, size_t to_bytes)
{
    struct vireo_path old_path, new_path;
    const char *old_name = vireo_path(&old_path, from, from_bytes);
    const char *new_name = old_name ? vireo_path(&new_path, to, to_bytes) : NULL;

    return new_name ? rename(old_name, new_name) : -1;
}

#else

static inline int vireo_io_result(int32_t result)
{
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}

static inline int vireo_open(const char *text, size_t bytes, int flags)
{
    return vireo_io_result(bytes > VIREO_PATH_MAX
                               ? -ENAMETOOLONG
                               : vireo_import_open(text, (uint32_t)bytes, (uint32_t)flags));
}

static inline int vireo_mkdir(const char *text, size_t bytes)
{
    return vireo_io_result(bytes > VIREO_PATH_MAX ? -ENAMETOOLONG
                                                  : vireo_import_mkdir(text, (uint32_t)bytes));
}

static inline int vireo_unlink(const char *text, size_t bytes)
{
    return vireo_io_result(bytes > VIREO_PATH_MAX ? -ENAMETOOLONG
                                                  : vireo_import_unlink(text, (uint32_t)bytes));
}

static inline int vireo_rmdir(const char *text, size_t bytes)
{
    return vireo_io_result(bytes > VIREO_PATH_MAX ? -ENAMETOOLONG
                                                  : vireo_import_rmdir(text, (uint32_t)bytes));
}

static inline int vireo_rename(const char *from, size_t from_bytes, const char *to, size_t to_bytes)
{
    return vireo_io_result(
        from_bytes > VIREO_PATH_MAX || to_bytes > VIREO_PATH_MAX
            ? -ENAMETOOLONG
            : vireo_import_rename(from, (uint32_t)from_bytes, to, (uint32_t)to_bytes));
}

#endif

#ifdef __cplusplus
}
#endif

#endif
