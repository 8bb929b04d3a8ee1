/*
 * The store of built libraries: STATE/store/lib/HASH.so, named by the SHA-256 of their bytes, and
 * STATE/store/built/INPUT, which says what an input was built into. Both directories are the
 * owner's alone. A file appears whole or not at all; what a crash leaves behind is a temporary
 * file with its writer's pid in its name, purged at the next opening.
 *
 * Ages are by the machine's clock, which may jump: a jump forward costs builds that are done again,
 * never a registered library; one back makes files of the future, which age from when they are
 * seen.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <nettle/sha2.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "build/build.h"

#define TEMPORARY_MAX_SECONDS 3600 /* no write takes this long */
#define QUICK_MAX_BYTES 65536      /* of a library that a loop may check: some 250 us */
#define NAME_TRIES 16              /* other names to try when a temporary file is in the way */

struct store {
    int lib_fd, built_fd;
};

static void closedirp(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

DEFINE_CLEANUP(struct store, store_close)

void store_close(struct store *store)
{
    if (!store)
        return;
    closep(&store->lib_fd);
    closep(&store->built_fd);
    free(store);
}

/* Hashes come from requests and from files: only 64 lower-case digits become a file's name. */
static bool hash_is_proper(const char *hash)
{
    return strnlen(hash, BUILD_HASH_TEXT) == BUILD_HASH_TEXT - 1 &&
           strspn(hash, "0123456789abcdef") == BUILD_HASH_TEXT - 1;
}

static void library_file_name(const char *hash, char name[BUILD_HASH_TEXT + 3])
{
    snprintf(name, BUILD_HASH_TEXT + 3, "%.64s.so", hash);
}

/* By Nettle, which has the processor's own instructions for it: a quarter of libsodium's time, and
 * each start of a template waits for it. */
static void hash_bytes(const void *data, size_t size, char ret_hash[BUILD_HASH_TEXT])
{
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_init(&context);
    sha256_update(&context, size, data);
    sha256_digest(&context, sizeof digest, digest);
    sodium_bin2hex(ret_hash, BUILD_HASH_TEXT, digest, sizeof digest);
}

static int directory_open(int parent_fd, const char *name, int *ret_fd)
{
    const bool made = mkdirat(parent_fd, name, 0700) == 0;

    if (!made && errno != EEXIST)
        return -errno;
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    /* The entry itself must last too. One that was there does: to sync it again would have the disk
     * flushed at every start. */
    if (made && fsync(parent_fd) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

/* A descriptor of its own for readdir: its position is not shared. */
static DIR *directory_list(int fd)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = own < 0 ? NULL : fdopendir(own);

    if (!directory && own >= 0)
        close(own);
    return directory;
}

static int64_t age_of(const struct stat *status)
{
    return (int64_t)time(NULL) - (int64_t)status->st_mtime;
}

/* NAME.PID.NUMBER.tmp, as fd_write_file_atomic() names them: its writer's pid, or 0. */
static pid_t temporary_writer(const char *name)
{
    size_t length = strlen(name);
    const char *dot;
    int pid, number, used = 0;

    if (length < 4 || strcmp(name + length - 4, ".tmp") != 0)
        return 0;
    /* The third dot from the end: NAME itself may have one. */
    dot = name + length - 4;
    for (int dots = 0; dots < 2; dots++)
        do {
            if (dot == name)
                return 0;
            dot--;
        } while (*dot != '.');
    if (sscanf(dot, ".%9d.%9d.tmp%n", &pid, &number, &used) != 2 || dot[used] != '\0')
        return 0;
    return pid > 0 ? pid : 0;
}

/*
 * `opening`: this process has not written here yet, so that a file of its pid is another's, which
 * had that pid before (in a container each daemon may be pid 1).
 */
static void temporaries_purge(int fd, bool opening)
{
    _cleanup_(closedirp) DIR *directory = directory_list(fd);
    struct dirent *entry;
    struct stat status;

    while (directory && (entry = readdir(directory))) {
        pid_t writer = temporary_writer(entry->d_name);
        if (writer == 0 || fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (writer == getpid() ? opening
                               : (kill(writer, 0) < 0 && errno == ESRCH) ||
                                     age_of(&status) > TEMPORARY_MAX_SECONDS)
            unlinkat(fd, entry->d_name, 0);
    }
}

int store_open(const char *state_dir, struct store **ret_store, struct err *err)
{
    if (sodium_init() < 0)
        return err_say(err, -EIO, "cannot open store '%s/store': libsodium is not usable",
                       state_dir);
    _cleanup_(store_closep) struct store *store = malloc(sizeof *store);
    if (!store)
        return err_set(err, -ENOMEM, "cannot open store '%s/store'", state_dir);
    store->lib_fd = store->built_fd = -1;

    _cleanup_(closep) int state_fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(closep) int store_fd = -1;
    int r = state_fd < 0 ? -errno : directory_open(state_fd, "store", &store_fd);
    if (r == 0)
        r = directory_open(store_fd, "lib", &store->lib_fd);
    if (r == 0)
        r = directory_open(store_fd, "built", &store->built_fd);
    if (r < 0)
        return err_set(err, r, "cannot open store '%s/store'", state_dir);
    temporaries_purge(store->lib_fd, true);
    temporaries_purge(store->built_fd, true);
    *ret_store = steal_ptr(&store);
    return 0;
}

/* A temporary file that a dead process of our pid left must not stop us. */
static int file_write(int fd, const char *name, const void *data, size_t size, mode_t mode,
                      struct err *err)
{
    int r = -EEXIST;

    for (int i = 0; r == -EEXIST && i < NAME_TRIES - 1; i++)
        r = fd_write_file_atomic(fd, name, data, size, mode, NULL);
    /* A try that reports: the last one, or one more of what failed. */
    return r == 0 ? 0 : fd_write_file_atomic(fd, name, data, size, mode, err);
}

/* Is the file there with these bytes? A damaged one is written anew. */
static bool file_holds(int fd, const char *name, const void *data, size_t size)
{
    _cleanup_(closep) int file = openat(fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;

    if (file < 0 || fstat(file, &status) < 0 || !S_ISREG(status.st_mode) ||
        (uint64_t)status.st_size != size)
        return false;
    if (size == 0)
        return true;
    _cleanup_(freep) char *there = malloc(size);
    return there && fd_read_full(file, there, size) == (ssize_t)size &&
           memcmp(there, data, size) == 0;
}

int store_touch(struct store *store, const char *hash)
{
    char name[BUILD_HASH_TEXT + 3];

    if (!hash_is_proper(hash))
        return -EINVAL;
    library_file_name(hash, name);
    return utimensat(store->lib_fd, name, NULL, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int store_put(struct store *store, const void *library, size_t size, char ret_hash[BUILD_HASH_TEXT],
              struct err *err)
{
    char hash[BUILD_HASH_TEXT], name[BUILD_HASH_TEXT + 3];

    if (size > LIBRARY_MAX_BYTES + LIBRARY_TRAILER_BYTES)
        return err_say(err, -EFBIG, "cannot store a library: it is larger than %d MiB",
                       LIBRARY_MAX_BYTES >> 20);
    hash_bytes(library, size, hash);
    library_file_name(hash, name);
    if (file_holds(store->lib_fd, name, library, size)) {
        store_touch(store, hash);
    } else {
        int r = file_write(store->lib_fd, name, library, size, S_IRUSR, err);
        if (r < 0)
            return r;
    }
    memcpy(ret_hash, hash, sizeof hash);
    return 0;
}

static int library_memory(int *ret_fd)
{
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
    /* Its pages will be code. Kernels before 6.3 don't know the flag. */
    _cleanup_(closep) int fd =
        memfd_create("vireo-library", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("vireo-library", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    *ret_fd = steal_fd(&fd);
    return 0;
}

static int seal(int fd)
{
    const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

    return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

static int copy_sealed(int file, size_t size, int *ret_fd)
{
    _cleanup_(closep) int fd = -1;
    int r = library_memory(&fd);

    for (size_t done = 0; r == 0 && done < size;) {
        ssize_t n = sendfile(fd, file, NULL, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EBADMSG;
        done += (size_t)n;
    }
    if (r == 0)
        r = seal(fd);
    if (r == 0)
        *ret_fd = steal_fd(&fd);
    return r;
}

/* Checks what the sealed memfd holds: from here on nobody can change it. */
static int sealed_check(int fd, size_t size, const char *hash, const struct sign_key *key,
                        const struct sign_trust *trust, struct library_note *ret_note,
                        struct err *err)
{
    char found[BUILD_HASH_TEXT];
    size_t elf_size;

    /* MAP_PRIVATE: kernels before 6.7 refuse a shared mapping of a write-sealed memfd. */
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return err_set(err, -errno, "cannot check library '%s'", hash);
    int r;
    hash_bytes(bytes, size, found);
    if (strcmp(found, hash) != 0)
        r = err_say(err, -EBADMSG, "cannot use library '%s': its file is damaged", hash);
    else
        r = library_accept(key, trust, bytes, size, ret_note, &elf_size, err);
    munmap(bytes, size);
    return r;
}

/* A sealed copy of the file of this hash; what is in it is not looked at. */
static int copy_file(struct store *store, const char *hash, int *ret_fd, size_t *ret_size,
                     struct err *err)
{
    char name[BUILD_HASH_TEXT + 3];
    struct stat status;

    if (!hash_is_proper(hash))
        return err_say(err, -EINVAL, "cannot find a library: its hash is not 64 digits");
    library_file_name(hash, name);
    _cleanup_(closep) int file =
        openat(store->lib_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (file < 0 && errno == ENOENT)
        return err_say(err, -ENOENT, "cannot find library '%s' in the store", hash);
    if (file < 0 || fstat(file, &status) < 0)
        return err_set(err, -errno, "cannot open library '%s'", hash);
    if (!S_ISREG(status.st_mode) || status.st_size == 0 ||
        status.st_size > LIBRARY_MAX_BYTES + LIBRARY_TRAILER_BYTES)
        return err_say(err, -EBADMSG, "cannot use library '%s': its file is damaged", hash);
    int r = copy_sealed(file, (size_t)status.st_size, ret_fd);
    if (r < 0)
        return err_set(err, r, "cannot copy library '%s'", hash);
    *ret_size = (size_t)status.st_size;
    return 0;
}

int store_get(struct store *store, const char *hash, const struct sign_key *key,
              const struct sign_trust *trust, int *ret_fd, struct library_note *ret_note,
              struct err *err)
{
    _cleanup_(closep) int fd = -1;
    size_t size;

    int r = copy_file(store, hash, &fd, &size, err);
    if (r == 0)
        r = sealed_check(fd, size, hash, key, trust, ret_note, err);
    if (r < 0)
        return r;
    *ret_fd = steal_fd(&fd);
    return 0;
}

/* The file of this hash as a sealed copy, if the kernel has name and bytes in memory: -EAGAIN. */
static int copy_resident(struct store *store, const char *hash, int *ret_fd, size_t *ret_size)
{
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
                                 .resolve = RESOLVE_CACHED};
    char name[BUILD_HASH_TEXT + 3];
    struct stat status;

    if (!hash_is_proper(hash))
        return -EINVAL;
    library_file_name(hash, name);
    _cleanup_(closep) int file = (int)syscall(SYS_openat2, store->lib_fd, name, &how, sizeof how);
    if (file < 0 || fstat(file, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_size < LIBRARY_TRAILER_BYTES ||
        status.st_size > QUICK_MAX_BYTES)
        return -EAGAIN;
    size_t size = (size_t)status.st_size;
    _cleanup_(freep) char *bytes = malloc(size);
    const struct iovec part = {.iov_base = bytes, .iov_len = size};
    if (!bytes)
        return -ENOMEM;
    ssize_t n = preadv2(file, &part, 1, 0, RWF_NOWAIT);
    if (n != status.st_size)
        return n < 0 ? -errno : -EAGAIN;
    _cleanup_(closep) int fd = -1;
    int r = library_memory(&fd);
    if (r == 0)
        r = fd_write_full(fd, bytes, size);
    if (r == 0)
        r = seal(fd);
    if (r < 0)
        return r;
    *ret_fd = steal_fd(&fd);
    *ret_size = size;
    return 0;
}

int store_get_quick(struct store *store, const char *hash, const struct sign_key *key,
                    const struct sign_trust *trust, int *ret_fd, struct library_note *ret_note)
{
    _cleanup_(closep) int fd = -1;
    size_t size;

    int r = copy_resident(store, hash, &fd, &size);
    if (r == 0)
        r = sealed_check(fd, size, hash, key, trust, ret_note, NULL);
    if (r == 0)
        *ret_fd = steal_fd(&fd);
    return r;
}

int store_copy_image(struct store *store, const char *hash, int *ret_fd, struct err *err)
{
    size_t size;

    return copy_file(store, hash, ret_fd, &size, err);
}

int store_check_image(int fd, const char *hash, struct err *err)
{
    char found[BUILD_HASH_TEXT];
    struct stat status;

    if (fstat(fd, &status) < 0)
        return err_set(err, -errno, "cannot check image '%s'", hash);
    size_t size = (size_t)status.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return err_set(err, -errno, "cannot check image '%s'", hash);
    hash_bytes(bytes, size, found);
    munmap(bytes, size);
    if (strcmp(found, hash) != 0)
        return err_say(err, -EBADMSG, "cannot use image '%s': its file is damaged", hash);
    return 0;
}

int store_get_image(struct store *store, const char *hash, int *ret_fd, struct err *err)
{
    _cleanup_(closep) int fd = -1;

    int r = store_copy_image(store, hash, &fd, err);
    if (r == 0)
        r = store_check_image(fd, hash, err);
    if (r == 0)
        *ret_fd = steal_fd(&fd);
    return r;
}

/* A record is the library's hash, a newline, and what was said of the build. *ret_size 0: none. */
static int record_read(struct store *store, const char *input_hash,
                       char text[static BUILD_HASH_TEXT + BUILD_LADDER_BYTES], size_t *ret_size)
{
    *ret_size = 0;
    if (!hash_is_proper(input_hash))
        return -EINVAL;
    _cleanup_(closep) int file =
        openat(store->built_fd, input_hash, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return errno == ENOENT ? 0 : -errno;
    ssize_t n = fd_read_full(file, text, BUILD_HASH_TEXT + BUILD_LADDER_BYTES);
    if (n < 0)
        return (int)n;
    /* A damaged one is as if it had not been built. */
    if (n < BUILD_HASH_TEXT || n == BUILD_HASH_TEXT + BUILD_LADDER_BYTES ||
        text[BUILD_HASH_TEXT - 1] != '\n')
        return 0;
    text[BUILD_HASH_TEXT - 1] = text[n] = '\0';
    if (hash_is_proper(text))
        *ret_size = (size_t)n;
    return 0;
}

int store_find_built(struct store *store, const char *input_hash, char ret_hash[BUILD_HASH_TEXT])
{
    char text[BUILD_HASH_TEXT + BUILD_LADDER_BYTES];
    size_t size;

    ret_hash[0] = '\0';
    int r = record_read(store, input_hash, text, &size);
    if (r < 0 || size == 0)
        return r;
    r = store_touch(store, text);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    memcpy(ret_hash, text, BUILD_HASH_TEXT);
    return 0;
}

void store_find_ladder(struct store *store, const char *input_hash,
                       char ret_ladder[BUILD_LADDER_BYTES])
{
    char text[BUILD_HASH_TEXT + BUILD_LADDER_BYTES];
    size_t size;

    ret_ladder[0] = '\0';
    if (record_read(store, input_hash, text, &size) == 0 && size > 0)
        memcpy(ret_ladder, text + BUILD_HASH_TEXT, size - BUILD_HASH_TEXT + 1);
}

int store_record_built(struct store *store, const char *input_hash, const char *library_hash,
                       const char *ladder, struct err *err)
{
    char text[BUILD_HASH_TEXT + BUILD_LADDER_BYTES];

    if (!hash_is_proper(input_hash) || !hash_is_proper(library_hash))
        return err_say(err, -EINVAL, "cannot record a build: a hash is not 64 digits");
    int n = snprintf(text, sizeof text, "%s\n%s", library_hash, ladder);
    if (n < 0 || (size_t)n >= sizeof text)
        return err_say(err, -E2BIG, "cannot record a build: too much was said of it");
    return file_write(store->built_fd, input_hash, text, (size_t)n, S_IRUSR | S_IWUSR, err);
}

static int hash_compare(const void *a, const void *b)
{
    const char *const *one = a;
    const char *const *two = b;

    return strncmp(*one, *two, BUILD_HASH_TEXT - 1);
}

/* `keep` is sorted. */
static int libraries_purge(struct store *store, const char **keep, size_t keep_count,
                           uint32_t age_seconds)
{
    _cleanup_(closedirp) DIR *directory = directory_list(store->lib_fd);
    struct dirent *entry;
    struct stat status;
    int removed = 0;

    if (!directory)
        return -errno;
    while ((entry = readdir(directory))) {
        const char *name = entry->d_name;
        const char *dot = strchr(name, '.');
        if (dot != name + BUILD_HASH_TEXT - 1 || strcmp(dot, ".so") != 0 ||
            fstatat(store->lib_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (age_of(&status) < 0 || bsearch(&name, keep, keep_count, sizeof *keep, hash_compare))
            utimensat(store->lib_fd, name, NULL, AT_SYMLINK_NOFOLLOW);
        else if (age_of(&status) >= age_seconds && unlinkat(store->lib_fd, name, 0) == 0)
            removed++;
    }
    return removed;
}

/* Records of libraries that are gone; a record alone is not worth keeping. */
static void records_purge(struct store *store)
{
    _cleanup_(closedirp) DIR *directory = directory_list(store->built_fd);
    char hash[BUILD_HASH_TEXT];
    struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        struct stat status;
        char name[BUILD_HASH_TEXT + 3], text[BUILD_HASH_TEXT] = "";
        if (!hash_is_proper(entry->d_name))
            continue;
        int file = openat(store->built_fd, entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (file < 0)
            continue;
        ssize_t n = fd_read_full(file, text, BUILD_HASH_TEXT - 1);
        close(file);
        if (n < 0)
            continue;
        snprintf(hash, sizeof hash, "%s", text);
        library_file_name(hash, name);
        if (!hash_is_proper(hash) ||
            (fstatat(store->lib_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT))
            unlinkat(store->built_fd, entry->d_name, 0);
    }
}

int store_purge(struct store *store, const char *const *keep, size_t keep_count,
                uint32_t age_seconds)
{
    _cleanup_(freep) const char **sorted = calloc(keep_count + 1, sizeof *sorted);

    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < keep_count; i++)
        sorted[i] = keep[i];
    qsort(sorted, keep_count, sizeof *sorted, hash_compare);
    int removed = libraries_purge(store, sorted, keep_count, age_seconds);
    if (removed < 0)
        return removed;
    records_purge(store);
    temporaries_purge(store->lib_fd, false);
    temporaries_purge(store->built_fd, false);
    return removed;
}
