/* The life of an instance's WASI and its descriptor table. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/wasi_internal.h"

#define FIRST_PREOPEN 3u

/* What is left where nothing may be changed. No LINK_SOURCE: the link could be writable. */
#define READ_ONLY_RIGHTS                                                                       \
    (WASI_RIGHT_FD_READ | WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_FDSTAT_SET_FLAGS |                \
     WASI_RIGHT_FD_TELL | WASI_RIGHT_FD_ADVISE | WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_DATASYNC | \
     WASI_RIGHT_PATH_OPEN | WASI_RIGHT_FD_READDIR | WASI_RIGHT_PATH_READLINK |                 \
     WASI_RIGHT_PATH_FILESTAT_GET | WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_POLL_FD_READWRITE)

#define CHANNEL_RIGHTS \
    (WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_POLL_FD_READWRITE)
/* A redirected stream may be a file: it can be sought in, but its size and times are not ours. */
#define STREAM_RIGHTS                                                                  \
    (CHANNEL_RIGHTS | WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL | WASI_RIGHT_FD_ADVISE | \
     WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_DATASYNC)

static void open_stdio(struct wasi *wasi)
{
    bool real = wasi->options.real_stdio;
    const enum wasi_kind channel[3] = {WASI_BODY, WASI_ANSWER, WASI_LOG};

    for (uint32_t fd = 0; fd < 3; fd++) {
        uint64_t direction = fd == 0 ? WASI_RIGHT_FD_READ : WASI_RIGHT_FD_WRITE;
        wasi_fd_install(wasi, fd,
                        &(struct wasi_fd){
                            .kind = real ? WASI_STREAM : channel[fd],
                            .fd = real ? (int)fd : -1,
                            .list_fd = -1,
                            .base = direction | (real ? STREAM_RIGHTS : CHANNEL_RIGHTS),
                        });
    }
}

static void open_directories(struct wasi *wasi)
{
    for (size_t i = 0; i < wasi->options.directory_count; i++) {
        const struct wasi_directory *directory = &wasi->options.directories[i];
        uint64_t allowed = directory->writable ? UINT64_MAX : READ_ONLY_RIGHTS;

        wasi_fd_install(wasi, FIRST_PREOPEN + (uint32_t)i,
                        &(struct wasi_fd){
                            .kind = WASI_DIRECTORY,
                            .filetype = WASI_FILETYPE_DIRECTORY,
                            .fd = directory->fd,
                            .list_fd = -1,
                            .base = WASI_DIRECTORY_RIGHTS & allowed,
                            .inheriting = (WASI_DIRECTORY_RIGHTS | WASI_FILE_RIGHTS) & allowed,
                            .preopen = directory->path,
                        });
    }
}

/* Behind the directories: there a guest's C library has stopped counting. */
static void open_listeners(struct wasi *wasi)
{
    for (size_t i = 0; i < wasi->options.listener_count; i++)
        wasi_fd_install(wasi, FIRST_PREOPEN + (uint32_t)(wasi->options.directory_count + i),
                        &(struct wasi_fd){
                            .kind = WASI_LISTENER,
                            .filetype = WASI_FILETYPE_SOCKET_STREAM,
                            .fd = wasi->listeners[i],
                            .list_fd = -1,
                            .base = WASI_RIGHT_SOCK_ACCEPT | WASI_RIGHT_POLL_FD_READWRITE |
                                    WASI_RIGHT_FD_READ | WASI_RIGHT_FD_FDSTAT_SET_FLAGS |
                                    WASI_RIGHT_FD_FILESTAT_GET,
                        });
}

int wasi_new(const struct wasi_options *options, struct wasi **ret_wasi, struct err *err)
{
    if (options->directory_count > WASI_DIRECTORIES_MAX)
        return err_say(err, -EINVAL, "cannot grant %zu directories: at most %d",
                       options->directory_count, WASI_DIRECTORIES_MAX);

    if (options->listener_count > GRANT_LISTEN_MAX)
        return err_say(err, -EINVAL, "cannot grant %zu listening sockets: at most %d",
                       options->listener_count, GRANT_LISTEN_MAX);

    /* Zeroed pages that are not touched cost nothing: most instances use the first entries only. */
    struct wasi *wasi = calloc(1, sizeof *wasi);
    if (!wasi)
        return err_set(err, -ENOMEM, "cannot set up WASI");
    wasi->options = *options;
    wasi->wake.fd = -1;
    for (size_t i = 0; i < options->directory_count; i++)
        wasi->directories[i] = options->directories[i];
    wasi->options.directories = wasi->directories;
    for (size_t i = 0; i < options->listener_count; i++)
        wasi->listeners[i] = options->listeners[i];
    wasi->options.listeners = wasi->listeners;
    open_stdio(wasi);
    open_directories(wasi);
    open_listeners(wasi);
    *ret_wasi = wasi;
    return 0;
}

void wasi_reset(struct wasi *wasi)
{
    for (uint32_t fd = wasi->fd_end; fd-- > 0;)
        wasi_fd_release(wasi, fd);
    wasi->cwd[0] = '\0';
    open_stdio(wasi);
    open_directories(wasi);
    open_listeners(wasi);
}

void wasi_free(struct wasi *wasi)
{
    if (!wasi)
        return;
    for (uint32_t fd = wasi->fd_end; fd-- > 0;)
        wasi_fd_release(wasi, fd);
    free(wasi);
}

void wasi_set_env(struct wasi *wasi, const char *const *env, size_t env_count)
{
    wasi->options.env = env;
    wasi->options.env_count = env_count;
}

struct wasi_fd *wasi_fd_any(struct host *host, uint32_t fd)
{
    struct wasi *wasi = host->wasi;

    if (fd >= wasi->fd_end || wasi->fds[fd].kind == WASI_FREE)
        return NULL;
    return &wasi->fds[fd];
}

enum wasi_errno wasi_fd_get(struct host *host, uint32_t fd, uint64_t rights,
                            struct wasi_fd **ret_entry)
{
    struct wasi_fd *entry = wasi_fd_any(host, fd);

    if (!entry)
        return WASI_EBADF;
    if ((entry->base & rights) != rights)
        return WASI_ENOTCAPABLE;
    *ret_entry = entry;
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_get_file(struct host *host, uint32_t fd, uint64_t rights,
                                 struct wasi_fd **ret_entry)
{
    const uint64_t access = WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE;
    struct wasi_fd *entry = wasi_fd_any(host, fd);

    if (!entry || entry->kind == WASI_DIRECTORY || (rights & access & ~entry->base))
        return WASI_EBADF;
    return wasi_fd_get(host, fd, rights, ret_entry);
}

enum wasi_errno wasi_fd_get_directory(struct host *host, uint32_t fd, uint64_t rights,
                                      struct wasi_fd **ret_entry)
{
    struct wasi_fd *entry = wasi_fd_any(host, fd);

    if (entry && entry->kind != WASI_DIRECTORY)
        return WASI_ENOTDIR;
    return wasi_fd_get(host, fd, rights, ret_entry);
}

enum wasi_errno wasi_fd_reserve(struct wasi *wasi, uint32_t *ret_fd)
{
    for (uint32_t fd = 0; fd < WASI_FDS_MAX; fd++) {
        if (wasi->fds[fd].kind == WASI_FREE) {
            *ret_fd = fd;
            return WASI_SUCCESS;
        }
    }
    return WASI_EMFILE;
}

void wasi_fd_install(struct wasi *wasi, uint32_t fd, const struct wasi_fd *entry)
{
    wasi->fds[fd] = *entry;
    if (fd >= wasi->fd_end)
        wasi->fd_end = fd + 1;
}

int wasi_fd_release(struct wasi *wasi, uint32_t fd)
{
    struct wasi_fd *entry = &wasi->fds[fd];
    int r = 0;

    if (entry->kind == WASI_FREE)
        return 0;
    if (entry->list_fd >= 0)
        close(entry->list_fd);
    for (uint32_t i = 0; i < wasi->fd_end && entry->owned; i++)
        if (i != fd && wasi->fds[i].kind != WASI_FREE && wasi->fds[i].fd == entry->fd)
            entry->owned = false; /* by dup(): the last one closes it */
    /* Linux frees the number whatever close() says: it must not be tried again. */
    if (entry->owned && close(entry->fd) < 0 && errno != EINTR)
        r = -errno;
    *entry = (struct wasi_fd){.kind = WASI_FREE};
    while (wasi->fd_end > 0 && wasi->fds[wasi->fd_end - 1].kind == WASI_FREE)
        wasi->fd_end--;
    return r;
}
