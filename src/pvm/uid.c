/*
 * Host uids for sandboxes: one range reserved in /etc/subuid and /etc/subgid, so that neither
 * another tool nor useradd gives them to somebody else.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "pvm/pvm.h"
#include "pvm/uid_internal.h"

#define OWNER "vireo"
#define RANGE_COUNT 65536
#define RANGE_MIN_COUNT (4 * UID_ONE_SHOT_COUNT)
#define RANGE_LOWEST 1000000  /* above what useradd and podman's users have */
#define RANGE_OWN_LOWEST 1000 /* below are the system's own accounts (login.defs(5), UID_MIN) */
/* Some programs hold ids in 32 bits with a sign. */
#define RANGE_HIGHEST 0x7fffffffU
#define FILE_MAX_BYTES (4 << 20)
#define LOCK_TRIES 150
#define LOCK_WAIT_NS 100000000L

/* ---- lines ---- */

/* Digits only, no sign, no blank, at most 32 bits. */
static bool number_parse(const char **at, char end, uint32_t *ret_number)
{
    uint32_t number = 0;
    const char *p = *at;

    if (!isdigit((unsigned char)*p))
        return false;
    for (; isdigit((unsigned char)*p); p++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint32_t)(*p - '0'), &number))
            return false;
    if (*p != end && !(end == '\0' && *p == '\n'))
        return false;
    *at = *p == ':' ? p + 1 : p;
    *ret_number = number;
    return true;
}

bool uid_line_parse(const char *line, size_t *ret_name_length, uid_t *ret_first,
                    uint32_t *ret_count)
{
    size_t name_length = strcspn(line, ":\n");
    uint32_t first, count, last;
    const char *at = line + name_length;

    if (name_length == 0 || *at++ != ':' || !number_parse(&at, ':', &first) ||
        !number_parse(&at, '\0', &count))
        return false;
    /* (uid_t)-1 means "no change" to chown and setresuid: never an owner. */
    if (first == 0 || count == 0 || __builtin_add_overflow(first, count - 1, &last) ||
        last == UINT32_MAX)
        return false;
    *ret_name_length = name_length;
    *ret_first = first;
    *ret_count = count;
    return true;
}

static const char *line_after(const char *line)
{
    const char *end = strchr(line, '\n');

    return end ? end + 1 : line + strlen(line);
}

static bool is_owner(const char *line)
{
    return strncmp(line, OWNER ":", strlen(OWNER ":")) == 0;
}

/* Our line: -ENOENT when there is none, -EINVAL when it can't be used. */
static int own_line(const char *path, const char *text, uid_t *ret_first, uint32_t *ret_count,
                    struct err *err)
{
    unsigned number = 1;
    const char *line = text;
    size_t length;

    for (; *line && !is_owner(line); line = line_after(line))
        number++;
    if (!*line)
        return -ENOENT;
    if (!uid_line_parse(line, &length, ret_first, ret_count) || *ret_first < RANGE_OWN_LOWEST)
        return err_say(err, -EINVAL,
                       "cannot use '%s': line %u is not '" OWNER
                       ":FIRST:COUNT' with ids from %d on",
                       path, number, RANGE_OWN_LOWEST);
    if (*ret_count < RANGE_MIN_COUNT)
        return err_say(err, -EINVAL, "cannot use '%s': line %u reserves less than %d ids", path,
                       number, RANGE_MIN_COUNT);
    return 0;
}

/* Somebody else's range that shares ids with ours would make two tenants one. */
static int overlap_check(const char *path, const char *text, uid_t first, uint32_t count,
                         struct err *err)
{
    for (const char *line = text; *line; line = line_after(line)) {
        size_t length;
        uid_t other;
        uint32_t other_count;
        if (is_owner(line) || !uid_line_parse(line, &length, &other, &other_count))
            continue;
        if (other <= first + (count - 1) && first <= other + (other_count - 1))
            return err_say(err, -EINVAL,
                           "cannot use '%s': the ids of '" OWNER "' from %u on are also those of "
                           "'%.*s'",
                           path, first, (int)(length < 64 ? length : 64), line);
    }
    return 0;
}

/* ---- a new range ---- */

/* Moves `first` above every range in the text. */
static uint64_t above_ranges(uint64_t first, const char *text)
{
    for (const char *line = text; *line; line = line_after(line)) {
        size_t length;
        uid_t other;
        uint32_t count;
        if (uid_line_parse(line, &length, &other, &count) && (uint64_t)other + count > first)
            first = (uint64_t)other + count;
    }
    return first;
}

/* The highest id of [first, first + RANGE_COUNT) in a passwd(5) or group(5) text, or 0. */
static uint64_t account_inside(const char *text, uint64_t first)
{
    uint64_t found = 0;

    for (const char *line = text; *line; line = line_after(line)) {
        uint32_t id;
        const char *at = line + strcspn(line, ":\n");
        at += *at == ':';
        at += strcspn(at, ":\n");
        at += *at == ':';
        if (number_parse(&at, ':', &id) && id >= first && id < first + RANGE_COUNT && id > found)
            found = id;
    }
    return found;
}

static uint64_t round_up(uint64_t number)
{
    return (number + RANGE_COUNT - 1) / RANGE_COUNT * RANGE_COUNT;
}

static int range_choose(const char *const texts[4], uid_t *ret_first, struct err *err)
{
    uint64_t first = above_ranges(above_ranges(RANGE_LOWEST, texts[0]), texts[1]);
    uint64_t account;

    do {
        first = round_up(first);
        account = account_inside(texts[2], first);
        if (!account)
            account = account_inside(texts[3], first);
        if (account)
            first = account + 1;
    } while (account);
    if (first + RANGE_COUNT - 1 > RANGE_HIGHEST)
        return err_say(err, -ENOSPC,
                       "cannot reserve %d uids for sandboxes: none are left above "
                       "the ranges that are there",
                       RANGE_COUNT);
    *ret_first = (uid_t)first;
    return 0;
}

/* ---- the lock that shadow's tools take: FILE.lock, made by link(2), with the owner's pid ---- */

struct shadow_lock {
    char path[512];
    bool held;
};

static void shadow_unlock(struct shadow_lock *lock)
{
    if (lock->held)
        unlink(lock->path);
    lock->held = false;
}

/* A lock whose owner is gone is nobody's. */
static bool lock_is_stale(const char *path)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;

    if (fd_read_file(AT_FDCWD, path, 64, &text, &size, NULL) < 0)
        return false;
    long pid = strtol(text, NULL, 10);
    return pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static int shadow_lock_take(const char *file, struct shadow_lock *lock, struct err *err)
{
    char own[sizeof lock->path], text[32];

    snprintf(own, sizeof own, "%s.%d", file, getpid());
    snprintf(lock->path, sizeof lock->path, "%s.lock", file);
    snprintf(text, sizeof text, "%d", getpid());
    _cleanup_(closep) int fd =
        open(own, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, -errno, "cannot reserve uids for sandboxes in '%s'", file);
    /* With its NUL, as shadow's commonio_lock() writes and expects it. */
    int r = fd_write_full(fd, text, strlen(text) + 1);
    for (int tries = 0; r == 0 && !lock->held && tries < LOCK_TRIES; tries++) {
        if (link(own, lock->path) == 0)
            lock->held = true;
        else if (errno != EEXIST)
            r = -errno;
        else if (lock_is_stale(lock->path))
            unlink(lock->path);
        else
            nanosleep(&(struct timespec){.tv_nsec = LOCK_WAIT_NS}, NULL);
    }
    unlink(own);
    if (r < 0)
        return err_set(err, r, "cannot lock '%s'", file);
    if (!lock->held)
        return err_say(err, -EBUSY, "cannot change '%s': another program holds '%s'", file,
                       lock->path);
    return 0;
}

/* ---- the range ---- */

/* The whole file; an empty text when it is not there. */
static int file_text(const char *path, char **ret_text, struct err *err)
{
    size_t size;

    if (access(path, F_OK) < 0 && errno == ENOENT) {
        *ret_text = strdup("");
        return *ret_text ? 0 : err_set(err, -ENOMEM, "cannot read '%s'", path);
    }
    return fd_read_file(AT_FDCWD, path, FILE_MAX_BYTES, ret_text, &size, err);
}

static int line_append(const char *path, const char *text, uid_t first, uint32_t count,
                       struct err *err)
{
    _cleanup_(freep) char *whole = NULL;
    struct stat status = {.st_mode = 0644};
    size_t length = strlen(text);
    const char *gap = length && text[length - 1] != '\n' ? "\n" : "";

    int n = asprintf(&whole, "%s%s" OWNER ":%u:%u\n", text, gap, first, count);
    if (n < 0) {
        whole = NULL;
        return err_set(err, -ENOMEM, "cannot write '%s'", path);
    }
    (void)!stat(path, &status);
    return fd_write_file_atomic(AT_FDCWD, path, whole, (size_t)n, status.st_mode & 07777, err);
}

/*
 * What both files say: 0, -ENOENT when a line is missing (then *ret_first is 0, or what the other
 * file has), -EINVAL. A uid is used as the gid too, so both must say the same.
 */
static int range_read(const struct uid_files *files, const char *uid_text, const char *gid_text,
                      uid_t *ret_first, uint32_t *ret_count, struct err *err)
{
    uid_t uid_first = 0, gid_first = 0;
    uint32_t uid_count = 0, gid_count = 0;

    int of_uids = own_line(files->subuid, uid_text, &uid_first, &uid_count, err);
    int of_gids = own_line(files->subgid, gid_text, &gid_first, &gid_count, err);
    if (of_uids == -EINVAL || of_gids == -EINVAL)
        return -EINVAL;
    *ret_first = uid_first ? uid_first : gid_first;
    *ret_count = uid_count ? uid_count : gid_count;
    if (*ret_first) {
        int r = overlap_check(files->subuid, uid_text, *ret_first, *ret_count, err);
        if (r == 0)
            r = overlap_check(files->subgid, gid_text, *ret_first, *ret_count, err);
        if (r < 0)
            return r;
    }
    if (of_uids < 0 || of_gids < 0)
        return -ENOENT;
    if (uid_first != gid_first || uid_count != gid_count)
        return err_say(err, -EINVAL,
                       "cannot use '%s': its ids of '" OWNER "' are not those of '%s'",
                       files->subgid, files->subuid);
    return 0;
}

/* With both files locked: adds the lines that are missing. */
static int range_add(const struct uid_files *files, uid_t *ret_first, uint32_t *ret_count,
                     bool *ret_added, struct err *err)
{
    _cleanup_(freep) char *subuid = NULL;
    _cleanup_(freep) char *subgid = NULL;
    _cleanup_(freep) char *passwd = NULL;
    _cleanup_(freep) char *group = NULL;
    uint32_t count = 0;
    uid_t first = 0;

    int r = file_text(files->subuid, &subuid, err);
    if (r == 0)
        r = file_text(files->subgid, &subgid, err);
    if (r == 0)
        r = file_text(files->passwd, &passwd, err);
    if (r == 0)
        r = file_text(files->group, &group, err);
    if (r == 0)
        r = range_read(files, subuid, subgid, &first, &count, err);
    if (r == -ENOENT) {
        r = 0;
        if (first == 0) {
            r = range_choose((const char *const[]){subuid, subgid, passwd, group}, &first, err);
            count = RANGE_COUNT;
        }
        uid_t there;
        uint32_t there_count;
        if (r == 0 && own_line(files->subuid, subuid, &there, &there_count, NULL) == -ENOENT)
            r = line_append(files->subuid, subuid, first, count, err);
        if (r == 0 && own_line(files->subgid, subgid, &there, &there_count, NULL) == -ENOENT)
            r = line_append(files->subgid, subgid, first, count, err);
        if (r == 0)
            *ret_added = true;
    }
    if (r < 0)
        return r;
    *ret_first = first;
    *ret_count = count;
    return 0;
}

int uid_range_find(const struct uid_files *files, uid_t *ret_first, uint32_t *ret_count,
                   bool *ret_added, struct err *err)
{
    _cleanup_(freep) char *subuid = NULL;
    _cleanup_(freep) char *subgid = NULL;
    uint32_t count;
    uid_t first;

    int r = file_text(files->subuid, &subuid, err);
    if (r == 0)
        r = file_text(files->subgid, &subgid, err);
    if (r == 0)
        r = range_read(files, subuid, subgid, &first, &count, err);
    if (r == 0) {
        *ret_first = first;
        *ret_count = count;
        *ret_added = false;
        return 0;
    }
    if (r != -ENOENT)
        return r;

    _cleanup_(shadow_unlock) struct shadow_lock uid_lock = {0};
    _cleanup_(shadow_unlock) struct shadow_lock gid_lock = {0};
    bool added = false;
    r = shadow_lock_take(files->subuid, &uid_lock, err);
    if (r == 0)
        r = shadow_lock_take(files->subgid, &gid_lock, err);
    if (r == 0)
        r = range_add(files, ret_first, ret_count, &added, err);
    if (r == 0)
        *ret_added = added;
    return r;
}

int pvm_uid_range(uid_t *ret_first, uint32_t *ret_count, bool *ret_added, struct err *err)
{
    static const struct uid_files files = {"/etc/subuid", "/etc/subgid", "/etc/passwd",
                                           "/etc/group"};

    return uid_range_find(&files, ret_first, ret_count, ret_added, err);
}
