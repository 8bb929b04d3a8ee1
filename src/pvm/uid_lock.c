/*
 * Uids for one-shot sandboxes and blocks of uids for daemons: whoever holds the lock on the file
 * named after one has it. The lock goes when its holder does, whatever way that is.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "pvm/pvm.h"
#include "pvm/uid_internal.h"

/*
 * Ends whatever an earlier holder that was killed left running under this uid: a child becomes that
 * uid and signals all that it may. Needs CAP_SETUID; the child gives it up with the uid.
 */
static int uid_purge(uid_t uid)
{
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        /* Raw calls: glibc's would ask other threads, which a fork does not have. */
        if (syscall(SYS_setresgid, uid, uid, uid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0)
            _exit(errno);
        _exit(kill(-1, SIGKILL) < 0 && errno != ESRCH && errno != EPERM ? errno : 0);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    /* kill(-1) of Linux leaves the caller alive; anything but an exit is not what we ran. */
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int directory_open(const char *directory, int *ret_fd, struct err *err)
{
    char path[512];
    size_t length = strlen(directory);

    if (length == 0 || length >= sizeof path)
        return err_set(err, -ENAMETOOLONG, "cannot make '%s'", directory);
    for (size_t i = 1; i <= length; i++) {
        if (directory[i] != '/' && directory[i] != '\0')
            continue;
        memcpy(path, directory, i);
        path[i] = '\0';
        /* /run/vireo may hold what others read; the locks are ours. */
        if (mkdir(path, i == length ? 0700 : 0755) < 0 && errno != EEXIST)
            return err_set(err, -errno, "cannot make '%s'", path);
    }
    _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return err_set(err, -errno, "cannot open '%s'", directory);
    if (status.st_uid != geteuid() || (status.st_mode & 0022))
        return err_say(err, -EPERM, "cannot use '%s': others can write there", directory);
    *ret_fd = steal_fd(&fd);
    return 0;
}

int pvm_uid_end(uid_t uid, struct err *err)
{
    int r = uid_purge(uid);

    return r < 0 ? err_set(err, r, "cannot make sure that nothing runs as uid %u", uid) : 0;
}

int uid_lock_take(const char *directory, uid_t first, uint32_t count, uid_t *ret_uid,
                  int *ret_lock_fd, struct err *err)
{
    _cleanup_(closep) int dir_fd = -1;
    char name[16];

    int r = directory_open(directory, &dir_fd, err);
    if (r < 0)
        return r;
    /* Begin somewhere else each time: a uid rests, and takers at once seldom meet. */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint32_t begin = ((uint32_t)now.tv_nsec / 64 + (uint32_t)getpid() * 31) % count;
    for (uint32_t i = 0; i < count; i++) {
        uid_t uid = first + (begin + i) % count;
        snprintf(name, sizeof name, "%u", uid);
        _cleanup_(closep) int fd =
            openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return err_set(err, -errno, "cannot lock '%s/%s'", directory, name);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            if (errno == EWOULDBLOCK || errno == EINTR)
                continue;
            return err_set(err, -errno, "cannot lock '%s/%s'", directory, name);
        }
        r = pvm_uid_end(uid, err);
        if (r < 0)
            return r;
        *ret_uid = uid;
        *ret_lock_fd = steal_fd(&fd);
        return 0;
    }
    return err_say(err, -EAGAIN, "cannot take a uid: all %u for one-shot sandboxes are in use",
                   count);
}

int pvm_uid_take(uid_t *ret_uid, int *ret_lock_fd, struct err *err)
{
    uint32_t count;
    uid_t first;
    bool added;

    int r = pvm_uid_range(&first, &count, &added, err);
    if (r < 0)
        return r;
    return uid_lock_take("/run/vireo/uid", first + count - UID_ONE_SHOT_COUNT, UID_ONE_SHOT_COUNT,
                         ret_uid, ret_lock_fd, err);
}

/* ---- blocks ---- */

/* Whose it is, as its file says: a state directory, which may be no more. */
static bool is_another_s(int fd, const char *state)
{
    char owner[4096];
    ssize_t n = pread(fd, owner, sizeof owner - 1, 0);

    if (n <= 0)
        return false;
    owner[n] = '\0';
    return strcmp(owner, state) != 0 && access(owner, F_OK) == 0;
}

/* -EBUSY: a live daemon has it; -EEXIST (`spare_others`): a state directory has it that exists. */
static int block_lock(int dir_fd, const char *state, int number, bool spare_others, int *ret_fd)
{
    char name[16];

    snprintf(name, sizeof name, "block-%d", number);
    _cleanup_(closep) int fd =
        openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (spare_others && is_another_s(fd, state))
        return -EEXIST;
    size_t bytes = strlen(state);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, state, bytes, 0) != (ssize_t)bytes)
        return -EIO;
    *ret_fd = steal_fd(&fd);
    return 0;
}

int uid_block_take(const char *directory, const char *state, int number, uid_t first,
                   uint32_t count, struct pvm_uid_block *ret_block, struct err *err)
{
    int blocks = count >= UID_BLOCKS_MIN_COUNT ? UID_BLOCKS : 1;
    uint32_t each = count / (uint32_t)blocks;
    _cleanup_(closep) int dir_fd = -1;
    int fd = -1;

    int r = directory_open(directory, &dir_fd, err);
    if (r < 0)
        return r;
    if (number >= 0 && number < blocks) {
        r = block_lock(dir_fd, state, number, false, &fd);
        if (r < 0)
            return err_set(err, r,
                           "cannot take the uids of '%s' (block %d): another daemon has them",
                           state, number);
    }
    for (int spare = 1; spare >= 0 && fd < 0; spare--)
        for (int i = 0; i < blocks && fd < 0; i++) {
            r = block_lock(dir_fd, state, i, spare, &fd);
            if (r < 0 && r != -EBUSY && r != -EEXIST)
                return err_set(err, r, "cannot lock '%s/block-%d'", directory, i);
            number = i;
        }
    if (fd < 0)
        return err_say(err, -EBUSY, "cannot take uids for functions: %d daemons have them all",
                       blocks);
    *ret_block = (struct pvm_uid_block){
        .first = first + (uint32_t)number * each,
        .count = each,
        .number = number,
        .lock_fd = fd,
    };
    return 0;
}

int pvm_uid_block_take(const char *state, int number, struct pvm_uid_block *ret_block,
                       bool *ret_added, struct err *err)
{
    uint32_t count;
    uid_t first;

    int r = pvm_uid_range(&first, &count, ret_added, err);
    if (r < 0)
        return r;
    return uid_block_take("/run/vireo/uid", state, number, first, count - UID_ONE_SHOT_COUNT,
                          ret_block, err);
}
