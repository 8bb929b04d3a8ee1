/* Compiled seccomp programs in a directory: see the header. */
#include "oci/seccomp_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "oci/config.h"
#include "oci/privilege.h"
#include "vkernel/vkernel.h"

#define PLACES 64u
#define FILE_MAX_BYTES (OCI_CONFIG_MAX_BYTES + (1 << 20))

/* Behind it the key, then the program. */
struct head {
    uint64_t key_bytes, program_bytes;
};

char *seccomp_cache_key(const struct oci_seccomp *seccomp)
{
    const struct scmp_version *version = seccomp_version();
    char *key = NULL;

    if (asprintf(&key, "vireo %s, libseccomp %u.%u.%u, level %u\n%s", VIREO_VERSION,
                 version ? version->major : 0, version ? version->minor : 0,
                 version ? version->micro : 0, seccomp_api_get(),
                 json_object_to_json_string_ext(seccomp->object, JSON_C_TO_STRING_PLAIN)) < 0)
        return NULL;
    return key;
}

static void put_row(const char *key, const char *value, bool said, void *user)
{
    static const char *const parts[] = {"syscalls.", "memory.huge_pages", "log.", "sched.realtime"};

    for (size_t i = 0; said && i < ARRAY_LEN(parts); i++)
        if (strncmp(key, parts[i], strlen(parts[i])) == 0)
            fprintf(user, "%s=%s\n", key, value);
}

char *seccomp_cache_key_merged(const struct oci_seccomp *seccomp, const struct vkernel *vkernel)
{
    _cleanup_(freep) char *profile = seccomp ? seccomp_cache_key(seccomp) : NULL;
    char *key = NULL;
    struct stat own;
    size_t size;

    if ((seccomp && !profile) || stat("/proc/self/exe", &own) < 0)
        return NULL;
    FILE *out = open_memstream(&key, &size);
    if (!out)
        return NULL;
    fprintf(out, "runtime %ju:%ju, %jd bytes of %jd.%09ld\n", (uintmax_t)own.st_dev,
            (uintmax_t)own.st_ino, (intmax_t)own.st_size, (intmax_t)own.st_mtim.tv_sec,
            own.st_mtim.tv_nsec);
    vkernel_each(vkernel, put_row, out);
    fprintf(out, "%s", profile ? profile : "none");
    if (fclose(out) == 0)
        return key;
    free(key);
    return NULL;
}

/* Where it lies; only in a directory that is ours alone. */
static int open_directory(bool make)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char path[4096] = "/run/vireo-oci-cache";
    struct stat status;

    if (!oci_is_root() &&
        (!runtime || runtime[0] != '/' ||
         snprintf(path, sizeof path, "%s/vireo-oci-cache", runtime) >= (int)sizeof path))
        return -ENOENT;
    if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) < 0 || status.st_uid != geteuid() || (status.st_mode & 077) != 0) {
        close(fd);
        return -EPERM;
    }
    return fd;
}

/* FNV-1a chooses the place; that two keys share one costs a compile, nothing else. */
static void place_of(const char *key, char name[static 16])
{
    uint64_t hash = 14695981039346656037u;

    for (const char *p = key; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    snprintf(name, 16, "seccomp-%u", (unsigned)((hash ^ hash >> 32) % PLACES));
}

void *seccomp_cache_take(const char *key, size_t *ret_bytes)
{
    const size_t key_bytes = strlen(key);
    char name[16];
    struct head head;
    struct stat status;

    place_of(key, name);
    _cleanup_(closep) int dir = open_directory(false);
    _cleanup_(closep) int fd =
        dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
        status.st_uid != geteuid() || status.st_size > FILE_MAX_BYTES)
        return NULL;
    if (fd_read_full(fd, &head, sizeof head) != (ssize_t)sizeof head ||
        head.key_bytes != key_bytes || head.program_bytes == 0 || head.program_bytes % 8 != 0 ||
        head.program_bytes > FILE_MAX_BYTES ||
        sizeof head + head.key_bytes + head.program_bytes != (uint64_t)status.st_size)
        return NULL;
    _cleanup_(freep) char *rest = malloc(key_bytes + head.program_bytes);
    if (!rest ||
        fd_read_full(fd, rest, key_bytes + head.program_bytes) !=
            (ssize_t)(key_bytes + head.program_bytes) ||
        memcmp(rest, key, key_bytes) != 0)
        return NULL;
    memmove(rest, rest + key_bytes, head.program_bytes);
    *ret_bytes = head.program_bytes;
    return steal_ptr(&rest);
}

void seccomp_cache_keep(const char *key, const void *program, size_t bytes)
{
    const struct head head = {.key_bytes = strlen(key), .program_bytes = bytes};
    char name[16], aside[32];

    place_of(key, name);
    snprintf(aside, sizeof aside, "new-%d", getpid());
    _cleanup_(closep) int dir = open_directory(true);
    _cleanup_(closep) int fd =
        dir < 0 ? -1
                : openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (fd_write_full(fd, &head, sizeof head) < 0 || fd_write_full(fd, key, head.key_bytes) < 0 ||
        fd_write_full(fd, program, bytes) < 0 || renameat(dir, aside, dir, name) < 0)
        unlinkat(dir, aside, 0);
}
