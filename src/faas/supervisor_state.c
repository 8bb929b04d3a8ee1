/* The state directory: whose it is, its lock, key and store, and the uids that belong to it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/supervisor.h"

/* Who may write here could put a key, a registry or a library of their own in place of ours. */
static int directory_check(const char *directory, struct err *err)
{
    struct stat status;

    if (stat(directory, &status) < 0)
        return err_set(err, -errno, "cannot open '%s'", directory);
    if (!S_ISDIR(status.st_mode))
        return err_say(err, -EINVAL, "cannot use '%s': it is no directory", directory);
    if (status.st_uid != geteuid())
        return err_say(err, -EPERM, "cannot use '%s': it belongs to uid %u (chown root)", directory,
                       status.st_uid);
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return err_say(err, -EPERM,
                       "cannot use '%s': its mode is %04o, others may write there (chmod go-w)",
                       directory, status.st_mode & 07777);
    return 0;
}

int state_open(struct supervisor *supervisor, struct err *err)
{
    const char *given = supervisor->config.state_dir;
    char path[PATH_MAX];

    if (mkdir(given, 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "cannot make '%s'", given);
    int r = directory_check(given, err);
    if (r < 0)
        return r;
    /* By its own name from here on: that of the control groups is made of it, and of two daemons
     * that were both given "state" in two directories each would clean up the other's. */
    supervisor->state_path = realpath(given, NULL);
    if (!supervisor->state_path)
        return err_set(err, -errno, "cannot open '%s'", given);
    const char *directory = supervisor->config.state_dir = supervisor->state_path;

    int n = snprintf(path, sizeof path, "%s/lock", directory);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, -ENAMETOOLONG, "cannot open '%s'", directory);
    supervisor->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (supervisor->lock_fd < 0)
        return err_set(err, -errno, "cannot open '%s'", path);
    if (flock(supervisor->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return err_say(err, -EBUSY, "cannot serve '%s': another daemon does", directory);

    snprintf(path, sizeof path, "%s/key", directory);
    r = sign_key_open(path, &supervisor->key, err);
    if (r == 0)
        r = store_open(directory, &supervisor->store, err);
    return r;
}

/* The number of the block of uids is kept: what functions wrote into granted directories is theirs.
 */
#define UID_BLOCK_FILE "uid-block"

static int uid_block_known(int state_fd)
{
    char *text;
    size_t bytes;

    if (fd_read_file(state_fd, UID_BLOCK_FILE, 16, &text, &bytes, NULL) < 0)
        return -1;
    int number = text[0] >= '0' && text[0] <= '9' ? atoi(text) : -1;
    free(text);
    return number;
}

int state_take_uids(struct supervisor *supervisor, struct err *err)
{
    const char *state = supervisor->config.state_dir;
    _cleanup_(closep) int state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct pvm_uid_block block;
    bool added = false;
    char text[16];

    if (state_fd < 0)
        return err_set(err, -errno, "cannot open '%s'", state);
    int known = uid_block_known(state_fd);
    int r = pvm_uid_block_take(state, known, &block, &added, err);
    if (r < 0)
        return r;
    supervisor->uid_lock_fd = block.lock_fd;
    supervisor->uid_first = block.first;
    supervisor->uid_count = block.count;
    if (added)
        log_line(LOG_NOTICE, "reserved uids for sandboxes in /etc/subuid");
    if (supervisor->uid_count <= GATEWAY_UIDS)
        return err_say(err, -EINVAL,
                       "cannot use the range of 'vireo' in /etc/subuid: %u uids are "
                       "too few (65536 are usual)",
                       supervisor->uid_count);
    if (block.number == known)
        return 0;
    int n = snprintf(text, sizeof text, "%d\n", block.number);
    return fd_write_file_atomic(state_fd, UID_BLOCK_FILE, text, (size_t)n, 0600, err);
}
