/* Directories of a control group tree: made, locked, swept of left-overs, removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "cgroup/internal.h"

/* Deepest directory that a sweep enters; groups of ours have no children. */
#define SWEEP_DEPTH_MAX 8
/* A killed process leaves its group within milliseconds unless it waits for a disk. */
#define SWEEP_TRIES 500
#define SWEEP_WAIT_NS 10000000L
/* What a start does for those that died before it: so much, and the next one goes on. */
#define DEAD_LOOKS_MAX 4096
#define DEAD_REMOVES_MAX 64
#define DEAD_WAITS_MAX 20
/* A sweep holds the lock of what it removes for moments; a live process holds it for good. */
#define LOCK_TRIES 100
#define LOCK_WAIT_NS 10000000L

bool cgroup_file_exists(int dir_fd, const char *file)
{
    return faccessat(dir_fd, file, F_OK, 0) == 0;
}

/* The lock goes with the last descriptor: a process that was killed holds none. */
static int lock_take(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

static void wait_ns(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* Whether `fd` is still what `path` names: another process may have removed it before our lock. */
static bool is_same(int fd, int dir_fd, const char *path)
{
    struct stat held, named;

    return fstat(fd, &held) == 0 && fstatat(dir_fd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

static int directory_open_locked(const char *path, int *ret_fd)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return -errno;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
            continue;
        if (fd < 0)
            return -errno;
        int r = lock_take(fd);
        if (r == -EWOULDBLOCK) {
            wait_ns(LOCK_WAIT_NS);
            continue;
        }
        if (r < 0)
            return r;
        if (!is_same(fd, AT_FDCWD, path))
            continue;
        if (fchmod(fd, 0700) < 0)
            return -errno;
        *ret_fd = steal_fd(&fd);
        return 0;
    }
    return -EBUSY;
}

static int make_once(const char *base, const char *name, int (*made)(int dir_fd, void *user),
                     void *user, char *ret_path, int *ret_fd, struct err *err)
{
    char path[1024];
    size_t used = (size_t)snprintf(path, sizeof path, "%s", base);

    for (const char *slash; (slash = strchr(name, '/')); name = slash + 1) {
        used +=
            (size_t)snprintf(path + used, sizeof path - used, "/%.*s", (int)(slash - name), name);
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return err_set(err, -errno, "cannot make control group '%s'", path);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return err_set(err, -errno, "cannot open control group '%s'", path);
        int r = made ? made(fd, user) : 0;
        if (r < 0)
            return err_set(err, r, "cannot prepare control group '%s'", path);
    }
    snprintf(path + used, sizeof path - used, "/%s", name);

    int r = directory_open_locked(path, ret_fd);
    if (r == -EBUSY)
        return err_say(err, r, "cannot use control group '%s': another process holds it", path);
    if (r < 0)
        return err_set(err, r, "cannot make control group '%s'", path);
    strcpy(ret_path, path);
    return 0;
}

int cgroup_directory_make(const char *base, const char *name, int (*made)(int dir_fd, void *user),
                          void *user, char *ret_path, size_t size, int *ret_fd, struct err *err)
{
    size_t length = strlen(base) + 1 + strlen(name);
    int r = -ENOENT;

    if (length >= 1024 || length >= size)
        return err_set(err, -ENAMETOOLONG, "cannot make control group '%s' in '%s'", name, base);
    /* The last to leave removes the empty parent, perhaps between our two steps. */
    for (int tries = 0; r == -ENOENT && tries < LOCK_TRIES; tries++)
        r = make_once(base, name, made, user, ret_path, ret_fd, err);
    return r;
}

int cgroup_listed_read(int dir_fd, pid_t *pids, size_t max)
{
    _cleanup_(closep) int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;

    char text[CGROUP_PIDS_READ * 8];
    ssize_t n = fd_read_full(fd, text, sizeof text - 1);
    if (n < 0)
        return (int)n;
    text[n] = '\0';
    /* A number cut at the buffer's end is dropped: the next round reads it. */
    char *last = strrchr(text, '\n');
    if (last)
        last[1] = '\0';

    size_t count = 0;
    for (char *at = text, *end; count < max; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        if (pid > 0) /* 0: a process of another pid namespace */
            pids[count++] = (pid_t)pid;
    }
    return (int)count;
}

static bool is_listed(const pid_t *pids, int count, pid_t pid)
{
    for (int i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/*
 * A pid may be another process's by the time it is signalled. So: read the list, take pidfds, read
 * it again; a pid that is listed again was in the group after its pidfd was taken.
 */
int cgroup_kill_listed(int dir_fd)
{
    pid_t before[CGROUP_PIDS_READ], after[CGROUP_PIDS_READ];
    int pidfds[CGROUP_PIDS_READ];

    int count = cgroup_listed_read(dir_fd, before, CGROUP_PIDS_READ);
    if (count <= 0)
        return count;
    for (int i = 0; i < count; i++)
        pidfds[i] = (int)syscall(SYS_pidfd_open, before[i], 0);
    int count_after = cgroup_listed_read(dir_fd, after, CGROUP_PIDS_READ);
    for (int i = 0; i < count; i++)
        if (pidfds[i] >= 0 && is_listed(after, count_after, before[i]))
            syscall(SYS_pidfd_send_signal, pidfds[i], SIGKILL, NULL, 0);
    fd_close_all(pidfds, (size_t)count);
    return count;
}

static void closedirp(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

/* One pass over what is below `fd`. Returns the number of directories that are still there. */
static int sweep_once(const struct cgroup_backend *backend, int fd, int depth)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (again < 0)
        return -errno;
    _cleanup_(closedirp) DIR *directory = fdopendir(again);
    if (!directory) {
        close(again);
        return -ENOMEM;
    }

    int left = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0)
            continue;
        _cleanup_(closep) int child =
            openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* A locked one belongs to a live process: "vireo/build" below "vireo". */
        if (child < 0 || lock_take(child) < 0 || !is_same(child, fd, entry->d_name))
            continue;
        if (unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0)
            continue;
        if (depth < SWEEP_DEPTH_MAX)
            sweep_once(backend, child, depth + 1);
        backend->kill(child);
        if (unlinkat(fd, entry->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
            left++;
    }
    return left;
}

int cgroup_directory_sweep(const struct cgroup_backend *backend, int fd)
{
    int left = 0;

    for (int tries = 0; tries < SWEEP_TRIES; tries++) {
        left = sweep_once(backend, fd, 0);
        if (left <= 0)
            return left;
        wait_ns(SWEEP_WAIT_NS);
    }
    return -EBUSY;
}

/*
 * A directory that a process of this user made as its own and does not hold any more, locked:
 * ours are 0700, those that only hold others are not.
 */
static int open_dead(int parent, const char *name, int *ret_fd)
{
    struct stat status;

    _cleanup_(closep) int fd =
        openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if ((status.st_mode & 07777) != 0700 || status.st_uid != geteuid())
        return -EPERM;
    int r = lock_take(fd);
    if (r < 0)
        return r;
    if (!is_same(fd, parent, name))
        return -ENOENT;
    *ret_fd = steal_fd(&fd);
    return 0;
}

/* Kills and removes it; true when it is gone. Waits as long as *waits lasts. */
static bool remove_dead(const struct cgroup_backend *backend, int parent, const char *name, int fd,
                        int *waits)
{
    for (;;) {
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return true;
        if (sweep_once(backend, fd, 0) == 0) {
            backend->kill(fd);
            if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
                return true;
        }
        if (*waits == 0)
            return false;
        *waits -= 1;
        wait_ns(SWEEP_WAIT_NS);
    }
}

void cgroup_directory_sweep_dead(const struct cgroup_backend *backend, const char *path)
{
    char parent_path[1024];
    struct stat status;
    int looks = DEAD_LOOKS_MAX, removes = DEAD_REMOVES_MAX, waits = DEAD_WAITS_MAX;

    int length = snprintf(parent_path, sizeof parent_path, "%s", path);
    char *slash = strrchr(parent_path, '/');
    if (length < 0 || (size_t)length >= sizeof parent_path || !slash)
        return;
    *slash = '\0';
    int parent = open(parent_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (parent < 0)
        return;
    _cleanup_(closedirp) DIR *directory = fdopendir(parent);
    if (!directory) {
        close(parent);
        return;
    }
    /* What is in another's root are its groups, which it does not lock one by one. */
    if (fstat(parent, &status) < 0 || (status.st_mode & 07777) == 0700)
        return;
    for (struct dirent *entry; removes > 0 && looks-- > 0 && (entry = readdir(directory));) {
        _cleanup_(closep) int fd = -1;
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
            open_dead(parent, entry->d_name, &fd) < 0)
            continue;
        removes -= remove_dead(backend, parent, entry->d_name, fd, &waits);
    }
}

void cgroup_directory_remove(const char *base, const char *name)
{
    char path[1024];
    size_t base_length = strlen(base);

    int n = snprintf(path, sizeof path, "%s/%s", base, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return;
    /* The last first; a parent that another root still uses is not empty and stays. */
    while (strlen(path) > base_length && rmdir(path) == 0)
        *strrchr(path, '/') = '\0';
}
