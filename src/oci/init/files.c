/* The files that the user's program may use, by Landlock: a ruleset made while all can be opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oci/init/init.h"

#define ACCESS_FS_TRUNCATE (1ull << 14) /* newer than Debian 12's headers */
/* What can be said of a file that is no directory. */
#define FILE_RIGHTS                                                                              \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | \
     ACCESS_FS_TRUNCATE)

static int add(int ruleset, const struct init_path *path)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = path->rights};
    struct stat status;

    _cleanup_(closep) int fd = open(path->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT && path->optional ? 0 : -errno;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISDIR(status.st_mode))
        rule.allowed_access &= FILE_RIGHTS;
    if (!rule.allowed_access) /* listing what is no directory */
        return 0;
    rule.parent_fd = fd;
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
               ? -errno
               : 0;
}

int init_files_open(struct init *init)
{
    const struct init_process *process = &init->plan->process;
    const struct landlock_ruleset_attr rights = {.handled_access_fs = process->path_rights};

    if (!process->path_rights)
        return 0;
    init->ruleset_fd = (int)syscall(SYS_landlock_create_ruleset, &rights, sizeof rights, 0);
    if (init->ruleset_fd < 0)
        return err_set(&init->err, -errno, "cannot limit the files");
    for (size_t i = 0; i < process->path_count; i++) {
        int r = add(init->ruleset_fd, &process->paths[i]);
        if (r < 0)
            return err_set(&init->err, r, "cannot limit the files to '%s'", process->paths[i].path);
    }
    return 0;
}

int init_files_limit(struct init *init)
{
    if (init->ruleset_fd >= 0 && syscall(SYS_landlock_restrict_self, init->ruleset_fd, 0) < 0)
        return err_set(&init->err, -errno, "cannot limit the files");
    return 0;
}
