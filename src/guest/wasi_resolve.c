/*
 * Paths of a guest. The kernel resolves them (openat2, RESOLVE_BENEATH), for a check of our own
 * followed by a second look-up would race with whoever changes the directory meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/wasi_internal.h"

/* RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF. */
static bool is_utf8(const uint8_t *text, size_t bytes)
{
    size_t i = 0;

    while (i < bytes) {
        uint8_t lead = text[i++];
        uint32_t more, point, least;
        if (lead < 0x80)
            continue;
        if (lead >= 0xc2 && lead <= 0xdf)
            more = 1, point = lead & 0x1f, least = 0x80;
        else if (lead >= 0xe0 && lead <= 0xef)
            more = 2, point = lead & 0x0f, least = 0x800;
        else if (lead >= 0xf0 && lead <= 0xf4)
            more = 3, point = lead & 0x07, least = 0x10000;
        else
            return false;
        if (bytes - i < more)
            return false;
        while (more-- > 0) {
            if ((text[i] & 0xc0) != 0x80)
                return false;
            point = point << 6 | (text[i++] & 0x3f);
        }
        if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            return false;
    }
    return true;
}

enum wasi_errno wasi_path_copy(struct host *host, uint32_t address, uint32_t bytes,
                               char path[static WASI_PATH_MAX])
{
    const char *from = host_memory(host, address, bytes);

    if (!from)
        return WASI_EFAULT;
    if (bytes == 0)
        return WASI_ENOENT;
    if (bytes >= WASI_PATH_MAX)
        return WASI_ENAMETOOLONG;
    if (memchr(from, '\0', bytes))
        return WASI_EINVAL;
    if (!is_utf8((const uint8_t *)from, bytes))
        return WASI_EILSEQ;
    if (from[0] == '/')
        return WASI_EPERM;
    memcpy(path, from, bytes);
    path[bytes] = '\0';
    return WASI_SUCCESS;
}

/* System call: openat2. */
int wasi_open_beneath(int directory, const char *path, int flags, mode_t mode)
{
    /* O_NOCTTY is EINVAL beside O_PATH. */
    struct open_how how = {
        .flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY)),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };

    /*
     * EAGAIN: something was renamed while ".." was resolved, and the kernel can't tell whether the
     * path escaped (openat2(2)). Whoever renames without end gets the error.
     */
    for (int tries = 0; tries < 128; tries++) {
        long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno == EXDEV)
            return -EPERM;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

/* System call: close. */
void wasi_parent_close(const struct wasi_parent *parent)
{
    if (parent->opened >= 0)
        close(parent->opened);
}

int wasi_parent_open(int directory, char *path, struct wasi_parent *ret_parent)
{
    size_t end = strlen(path);

    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    struct wasi_parent parent = {
        .fd = directory, .opened = -1, .name = path + start, .name_bytes = end - start};

    /* No call that takes a parent leaves by a last "..", but what it says should be "escaped". */
    if (parent.name_bytes == 2 && memcmp(parent.name, "..", 2) == 0) {
        int fd = wasi_open_beneath(directory, path, O_PATH, 0);
        if (fd < 0)
            return fd;
        close(fd);
    }
    if (start > 0) {
        path[start - 1] = '\0';
        parent.opened = wasi_open_beneath(directory, path, O_PATH | O_DIRECTORY, 0);
        if (parent.opened < 0)
            return parent.opened;
        parent.fd = parent.opened;
    }
    *ret_parent = parent;
    return 0;
}
