/*
 * fd_readdir(). A cookie says where the next entry starts: 0 is ".", 1 is "..", 2 the first entry
 * of the directory itself, and any other the kernel's own position (d_off), which stays good while
 * entries come and go, plus FIRST_OWN. Nothing is kept between two calls.
 */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/wasi_internal.h"

#define FIRST_OWN 2u

/* What getdents64(2) writes. */
struct kernel_entry {
    uint64_t ino;
    int64_t next;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

/* The guest's buffer as it fills. */
struct listing {
    uint8_t *at;
    uint32_t size, used;
};

static void put_bytes(struct listing *listing, const void *from, size_t bytes)
{
    size_t left = listing->size - listing->used;
    size_t fits = bytes < left ? bytes : left;

    memcpy(listing->at + listing->used, from, fits);
    listing->used += (uint32_t)fits;
}

/* The last entry may be cut: a full buffer tells the guest to ask again. */
static void put_entry(struct listing *listing, uint64_t next, uint64_t ino, uint8_t type,
                      const char *name)
{
    struct wasi_dirent entry = {
        .next = next, .ino = ino, .name_bytes = (uint32_t)strlen(name), .type = type};

    put_bytes(listing, &entry, sizeof entry);
    put_bytes(listing, name, entry.name_bytes);
}

static bool is_full(const struct listing *listing)
{
    return listing->used == listing->size;
}

/* System call: newfstatat, for file systems that don't say. */
static uint8_t type_of(int directory, const struct kernel_entry *entry)
{
    struct stat st;

    if (entry->type != DT_UNKNOWN)
        return (uint8_t)wasi_filetype_from(DTTOIF(entry->type));
    if (fstatat(directory, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return WASI_FILETYPE_UNKNOWN;
    return (uint8_t)wasi_filetype_from(st.st_mode);
}

static bool is_dot(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* System calls: lseek, getdents64. */
static int list_own(struct wasi *wasi, int directory, uint64_t cookie, struct listing *listing)
{
    if (lseek(directory, (off_t)(cookie - FIRST_OWN), SEEK_SET) < 0)
        return -errno;
    while (!is_full(listing)) {
        char *entries = wasi->scratch.entries;
        long bytes = syscall(SYS_getdents64, directory, entries, sizeof wasi->scratch.entries);
        if (bytes <= 0)
            return bytes < 0 ? -errno : 0;
        for (long at = 0; at < bytes && !is_full(listing);) {
            const struct kernel_entry *entry = (const void *)(entries + at);
            at += entry->bytes;
            if (!is_dot(entry->name))
                put_entry(listing, (uint64_t)entry->next + FIRST_OWN, entry->ino,
                          type_of(directory, entry), entry->name);
        }
    }
    return 0;
}

/* System call: openat2, once for each granted directory that is read. */
static int list_fd(struct wasi_fd *entry)
{
    if (entry->owned)
        return entry->fd;
    if (entry->list_fd < 0) {
        int fd = wasi_open_beneath(entry->fd, ".", O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
            return fd;
        entry->list_fd = fd;
    }
    return entry->list_fd;
}

/* System calls: fstat, and those above. */
uint32_t WASI(fd_readdir)(struct host *host, uint32_t fd, uint32_t buffer, uint32_t bytes,
                          uint64_t cookie, uint32_t ret_bytes)
{
    struct listing listing = {.at = host_memory(host, buffer, bytes), .size = bytes};
    void *ret = host_memory(host, ret_bytes, 4);
    struct wasi_fd *entry;
    struct stat st;

    enum wasi_errno error = wasi_fd_get_directory(host, fd, WASI_RIGHT_FD_READDIR, &entry);
    if (error)
        return error;
    if (!listing.at || !ret)
        return WASI_EFAULT;
    if (cookie > (uint64_t)INT64_MAX + FIRST_OWN)
        return WASI_EINVAL;
    int directory = list_fd(entry);
    if (directory < 0)
        return wasi_errno_from(directory);

    if (cookie < FIRST_OWN && fstat(directory, &st) < 0)
        return wasi_errno_from(errno);
    /* The parent of a granted directory is nobody's business: ".." has the same number. */
    for (; cookie < FIRST_OWN && !is_full(&listing); cookie++)
        put_entry(&listing, cookie + 1, st.st_ino, WASI_FILETYPE_DIRECTORY,
                  cookie == 0 ? "." : "..");
    if (!is_full(&listing)) {
        int r = list_own(host->wasi, directory, cookie, &listing);
        /* A removed directory is an empty one. */
        if (r < 0 && r != -ENOENT)
            return wasi_errno_from(r);
    }
    memcpy(ret, &listing.used, 4);
    return WASI_SUCCESS;
}
