/*
 * Secret variables (grants: env: NAME: {file: PATH}): read from the operator's directories when a
 * template starts, kept nowhere. A value goes into the template's set-up message and, through it,
 * into the memory of the function's own processes, which nobody can dump; every buffer here is
 * wiped. No message has a value in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "build/manifest.h"
#include "faas/supervisor.h"
#include "faas/supervisor_secrets.h"

/* Of what the operator named, and below it. */
#define NO_LINKS (RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* What is wrong with who owns it or who may use it; NULL: nothing. */
static const char *weakness(const struct supervisor_config *config, const struct stat *status,
                            mode_t forbidden)
{
    if (status->st_uid != 0 && status->st_uid != config->allow_uid)
        return "it is neither root's nor the operator's";
    if (status->st_mode & forbidden)
        return S_ISDIR(status->st_mode) ? "its directory can be written by others"
                                        : "others may use it (mode 0600 is wanted)";
    return NULL;
}

/* The allowed directory that `path` is below, as a descriptor; *ret_rest is the path from there. */
static int open_directory(const struct supervisor_config *config, const char *path,
                          const char **ret_rest)
{
    for (unsigned i = 0; i < config->allow_secrets_count; i++) {
        const char *directory = config->allow_secrets[i];
        size_t length = strlen(directory);
        while (length > 1 && directory[length - 1] == '/')
            length--;
        if (strncmp(path, directory, length) != 0 || path[length] != '/')
            continue;
        *ret_rest = path + length + 1;
        return fd_open_resolve(AT_FDCWD, directory, O_PATH | O_DIRECTORY, NO_LINKS);
    }
    return -EPERM;
}

/* Opens the file of one variable and checks who may read and replace it. */
static int open_secret(const struct supervisor_config *config, const char *function,
                       const struct manifest_env *env, int *ret_fd, struct stat *ret_status,
                       struct err *err)
{
    const char *rest = "";
    struct stat status;

    int directory = open_directory(config, env->file, &rest);
    if (directory == -EPERM)
        return err_say(err, -EPERM,
                       "cannot grant env '%s' to '%s': its file '%s' is not below a directory of "
                       "the operator's allow_grants secrets",
                       env->name, function, env->file);
    if (directory < 0)
        return err_set(err, directory, "cannot grant env '%s' to '%s': open the directory of '%s'",
                       env->name, function, env->file);
    _cleanup_(closep) int dir_fd = directory;
    const char *weak =
        fstat(dir_fd, &status) < 0 ? strerror(errno) : weakness(config, &status, S_IWGRP | S_IWOTH);
    _cleanup_(closep) int fd = -1;
    if (!weak) {
        /* A FIFO or a device must not keep us waiting. */
        fd = fd_open_resolve(dir_fd, rest, O_RDONLY | O_NOCTTY | O_NONBLOCK,
                             NO_LINKS | RESOLVE_BENEATH);
        if (fd < 0)
            return err_say(err, -EPERM, "cannot grant env '%s' to '%s': cannot open '%s': %s",
                           env->name, function, env->file, strerror(-fd));
        if (fstat(fd, &status) < 0)
            weak = strerror(errno);
        else if (!S_ISREG(status.st_mode))
            weak = "it is no regular file";
        else if (status.st_nlink != 1)
            weak = "it has another name (a hard link)";
        else if (status.st_size > SECRET_MAX_BYTES)
            weak = "it is longer than 8 KiB";
        else
            weak = weakness(config, &status, S_IRWXG | S_IRWXO);
    }
    if (weak)
        return err_say(err, -EPERM, "cannot grant env '%s' to '%s': file '%s': %s", env->name,
                       function, env->file, weak);
    *ret_fd = steal_fd(&fd);
    *ret_status = status;
    return 0;
}

static struct secret_stamp stamp_of(const struct stat *status)
{
    return (struct secret_stamp){.device = status->st_dev,
                                 .inode = status->st_ino,
                                 .size = status->st_size,
                                 .modified = status->st_mtim,
                                 .changed = status->st_ctim};
}

static bool stamps_equal(const struct secret_stamp *a, const struct secret_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* The value, without the one newline that editors put at the end. */
static int read_value(int fd, const char *function, const struct manifest_env *env, char *value,
                      struct err *err)
{
    ssize_t n = fd_read_full(fd, value, SECRET_MAX_BYTES + 1);

    if (n < 0)
        return err_set(err, (int)n, "cannot grant env '%s' to '%s': read '%s'", env->name, function,
                       env->file);
    if (n > SECRET_MAX_BYTES || memchr(value, '\0', (size_t)n))
        return err_say(err, -EPERM, "cannot grant env '%s' to '%s': file '%s': it %s", env->name,
                       function, env->file,
                       n > SECRET_MAX_BYTES ? "is longer than 8 KiB" : "has a NUL in it");
    if (n > 0 && value[n - 1] == '\n')
        n--;
    value[n] = '\0';
    return 0;
}

int secrets_check(const struct supervisor_config *config, const struct manifest *manifest,
                  struct err *err)
{
    for (uint32_t i = 0; i < manifest->env_count; i++) {
        _cleanup_(closep) int fd = -1;
        struct stat status;
        if (!manifest->env[i].file[0])
            continue;
        int r = open_secret(config, manifest->name, &manifest->env[i], &fd, &status, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int secrets_read(const struct supervisor_config *config, const char *function,
                 const struct manifest *manifest, struct secrets **ret_secrets, struct err *err)
{
    _cleanup_(secrets_freep) struct secrets *secrets = NULL;

    for (uint32_t i = 0; i < manifest->env_count; i++) {
        const struct manifest_env *env = &manifest->env[i];
        _cleanup_(closep) int fd = -1;
        struct stat status;
        if (!env->file[0])
            continue;
        if (!secrets && !(secrets = calloc(1, sizeof *secrets)))
            return err_set(err, -ENOMEM, "cannot grant env '%s' to '%s'", env->name, function);
        int r = open_secret(config, function, env, &fd, &status, err);
        if (r < 0)
            return r;
        char *value = calloc(1, SECRET_MAX_BYTES + 2);
        if (!value)
            return err_set(err, -ENOMEM, "cannot grant env '%s' to '%s'", env->name, function);
        secrets->values[i] = value;
        secrets->stamps[i] = stamp_of(&status);
        r = read_value(fd, function, env, value, err);
        if (r < 0)
            return r;
    }
    *ret_secrets = steal_ptr(&secrets);
    return 0;
}

void secrets_forget(struct secrets *secrets)
{
    for (size_t i = 0; secrets && i < ARRAY_LEN(secrets->values); i++) {
        if (secrets->values[i])
            explicit_bzero(secrets->values[i], SECRET_MAX_BYTES + 2);
        free(secrets->values[i]);
        secrets->values[i] = NULL;
    }
}

void secrets_free(struct secrets *secrets)
{
    secrets_forget(secrets);
    free(secrets);
}

bool secrets_are_current(const struct supervisor_config *config, const struct manifest *manifest,
                         const struct secrets *secrets)
{
    for (uint32_t i = 0; secrets && i < manifest->env_count; i++) {
        _cleanup_(closep) int fd = -1;
        struct stat status;
        if (!manifest->env[i].file[0])
            continue;
        if (open_secret(config, "", &manifest->env[i], &fd, &status, NULL) < 0)
            return false;
        struct secret_stamp now = stamp_of(&status);
        if (!stamps_equal(&now, &secrets->stamps[i]))
            return false;
    }
    return true;
}
