/*
 * The part of files: below which paths its processes may read, write, execute and list. By
 * Landlock: each process is under it from its first instruction on, and what it starts as well.
 */
#include <errno.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/landlock.h"
#include "vkernel/vkernel.h"

static const char *const kinds[VKERNEL_FILE_KINDS] = {
    [VKERNEL_FILE_READ] = "read",
    [VKERNEL_FILE_WRITE] = "write",
    [VKERNEL_FILE_EXECUTE] = "execute",
    [VKERNEL_FILE_LIST] = "list",
};

const char *vkernel_files_next(const char *at, const char **ret_path, size_t *ret_length,
                               bool *ret_optional)
{
    size_t length = strcspn(at, ":");

    *ret_optional = at[0] == '-';
    *ret_path = at + *ret_optional;
    *ret_length = length - *ret_optional;
    return at[length] ? at + length + 1 : NULL;
}

/* Newer than Debian 12's headers. */
#define ACCESS_FS_TRUNCATE (UINT64_C(1) << 14) /* ABI 3 */

uint64_t vkernel_files_rights(enum vkernel_file_kind kind, int abi)
{
    /* From LANDLOCK_ACCESS_FS_REMOVE_DIR to LANDLOCK_ACCESS_FS_MAKE_SYM: names come and go. */
    const uint64_t names =
        (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1) & ~(uint64_t)(LANDLOCK_ACCESS_FS_REMOVE_DIR - 1);

    switch (kind) {
    case VKERNEL_FILE_READ:
        return LANDLOCK_ACCESS_FS_READ_FILE;
    case VKERNEL_FILE_WRITE:
        return LANDLOCK_ACCESS_FS_WRITE_FILE | names | (abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) |
               (abi >= 3 ? ACCESS_FS_TRUNCATE : 0);
    case VKERNEL_FILE_EXECUTE:
        return LANDLOCK_ACCESS_FS_EXECUTE;
    case VKERNEL_FILE_LIST:
        return LANDLOCK_ACCESS_FS_READ_DIR;
    case VKERNEL_FILE_KINDS:
        break;
    }
    return 0;
}

uint64_t vkernel_files_handled(const struct vkernel *vkernel, int abi)
{
    uint64_t rights = 0;

    for (enum vkernel_file_kind kind = 0; vkernel && kind < VKERNEL_FILE_KINDS; kind++)
        if (vkernel->files.paths[kind][0])
            rights |= vkernel_files_rights(kind, abi);
    return rights;
}

static int paths_check(const char *value, struct err *reason)
{
    for (const char *at = value; at;) {
        const char *path;
        size_t length;
        bool optional;
        at = vkernel_files_next(at, &path, &length, &optional);
        if (length == 0 || path[0] != '/')
            return err_say(reason, -EINVAL,
                           "'%.*s' is no absolute path (a list is PATH[:PATH]..., all or none)",
                           (int)length, path);
    }
    return 0;
}

static int set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason)
{
    for (size_t i = 0; i < VKERNEL_FILE_KINDS; i++) {
        char *paths = vkernel->files.paths[i];
        if (strcmp(kinds[i], key) != 0)
            continue;
        if (strcmp(value, "all") == 0) {
            memset(paths, 0, VKERNEL_VALUE_BYTES);
            return 0;
        }
        if (strpbrk(value, "\n"))
            return err_say(reason, -EINVAL, "%s: a list is one line", key);
        int r = strcmp(value, "none") == 0 ? 0 : paths_check(value, reason);
        if (r < 0)
            return r;
        memset(paths, 0, VKERNEL_VALUE_BYTES);
        snprintf(paths, VKERNEL_VALUE_BYTES, "%s", value);
        return 0;
    }
    return err_say(reason, -ENOENT, "files has read, write, execute and list, not '%.40s'", key);
}

static void each(const struct vkernel *vkernel, vkernel_row row, void *user)
{
    for (size_t i = 0; i < VKERNEL_FILE_KINDS; i++) {
        const char *paths = vkernel->files.paths[i];
        row(kinds[i], paths[0] ? paths : "all", paths[0] != '\0', user);
    }
}

static void mechanism(struct vkernel_mechanism *ret_mechanism)
{
    int version = landlock_version();

    *ret_mechanism = (struct vkernel_mechanism){.grade = version > 0 ? VKERNEL_BEST : VKERNEL_NONE};
    if (version > 0)
        snprintf(ret_mechanism->name, sizeof ret_mechanism->name, "Landlock ABI %d", version);
    else
        snprintf(ret_mechanism->name, sizeof ret_mechanism->name, "none");
    if (version <= 0)
        snprintf(ret_mechanism->detail, sizeof ret_mechanism->detail,
                 "this kernel has no Landlock: a container with such a list is refused");
}

const struct vkernel_part vkernel_files = {
    .name = "files",
    .summary = "below which paths it may read, write, execute and list",
    .lacks = {[VKERNEL_OF_PVM] = "a pVM has the files that its manifest grants, and no others"},
    .set = set,
    .each = each,
    .mechanism = mechanism,
};
