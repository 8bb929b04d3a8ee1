/* /dev/kmsg of a container: a read is one record, who is at the end waits, a write is one message
 * (Documentation/ABI/testing/dev-kmsg). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vkernel/log_ring.h"
#include "vkernel/view_waiting.h"

#define READERS_MAX 256

struct view_reader {
    uint64_t next;  /* the record that it reads next */
    off_t expected; /* where a read goes on */
    struct fuse_pollhandle *polled;
    TAILQ_ENTRY(view_reader) link;
};

/* One log a process. */
static TAILQ_HEAD(, view_reader) readers = TAILQ_HEAD_INITIALIZER(readers);
static struct view_waiters waiters = VIEW_WAITERS(waiters);
static unsigned reader_count;

static struct view_reader *reader_of(const struct fuse_file_info *info)
{
    return (struct view_reader *)(uintptr_t)info->fh;
}

static void kmsg_open(struct view *view, fuse_req_t request, fuse_ino_t file,
                      struct fuse_file_info *info)
{
    struct view_reader *reader = reader_count < READERS_MAX ? calloc(1, sizeof *reader) : NULL;

    (void)file;
    if (!reader) {
        fuse_reply_err(request, ENFILE);
        return;
    }
    reader->next = log_ring_first(view_log_ring(view));
    TAILQ_INSERT_TAIL(&readers, reader, link);
    reader_count++;
    info->fh = (uintptr_t)reader;
    if (fuse_reply_open(request, info) == -ENOENT) { /* who opened it has gone */
        TAILQ_REMOVE(&readers, reader, link);
        reader_count--;
        free(reader);
    }
}

static void kmsg_release(struct view *view, struct fuse_file_info *info)
{
    struct view_reader *reader = reader_of(info);

    (void)view;
    if (reader->polled)
        fuse_pollhandle_destroy(reader->polled);
    TAILQ_REMOVE(&readers, reader, link);
    reader_count--;
    free(reader);
}

/* Answers if there is something to say. */
static bool answer(struct view *view, fuse_req_t request, struct view_reader *reader, size_t size)
{
    const struct log_ring *ring = view_log_ring(view);
    char line[LOG_RING_LINE_BYTES];

    if (reader->next >= log_ring_next(ring))
        return false;
    if (reader->next < log_ring_first(ring)) {
        reader->next = log_ring_first(ring);
        fuse_reply_err(request, EPIPE);
        return true;
    }
    size_t length = log_record_kmsg(log_ring_get(ring, reader->next), line);
    if (length > size) {
        fuse_reply_err(request, EINVAL);
        return true;
    }
    reader->next++;
    reader->expected += (off_t)length;
    fuse_reply_buf(request, line, length);
    return true;
}

/* A position that was set since the last read: the begin, or the end. */
static void move(struct view *view, struct view_reader *reader, off_t offset)
{
    const struct log_ring *ring = view_log_ring(view);

    if (offset == reader->expected)
        return;
    reader->next = offset == 0 ? log_ring_first(ring) : log_ring_next(ring);
    reader->expected = offset;
}

static void kmsg_read(struct view *view, fuse_req_t request, fuse_ino_t file, size_t size,
                      off_t offset, struct fuse_file_info *info)
{
    struct view_reader *reader = reader_of(info);

    (void)file;
    /* Nobody's: a page of sendfile(2) or splice(2), which all readers would share. As the kernel
     * has it for its own; who copies like that reads when it is refused. */
    if (info->lock_owner == 0) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    move(view, reader, offset);
    if (answer(view, request, reader, size))
        return;
    struct view_waiting *waiting =
        info->flags & O_NONBLOCK ? NULL : view_waiting_new(&waiters, request, size);
    if (!waiting) {
        fuse_reply_err(request, EAGAIN);
        return;
    }
    waiting->reader = reader;
    view_waiting_begin(waiting);
}

void view_kmsg_wake(struct view *view)
{
    struct view_waiting *waiting, *next;
    struct view_reader *reader;

    for (waiting = TAILQ_FIRST(&waiters.list); waiting; waiting = next) {
        next = TAILQ_NEXT(waiting, link);
        reader = waiting->reader;
        size_t size = waiting->size;
        if (reader->next < log_ring_next(view_log_ring(view)))
            answer(view, view_waiting_end(waiting), reader, size);
    }
    TAILQ_FOREACH(reader, &readers, link)
    {
        if (!reader->polled)
            continue;
        fuse_lowlevel_notify_poll(reader->polled);
        fuse_pollhandle_destroy(reader->polled);
        reader->polled = NULL;
    }
}

static void kmsg_write(struct view *view, fuse_req_t request, fuse_ino_t file, const char *bytes,
                       size_t size, off_t offset, struct fuse_file_info *info)
{
    struct view_reader *reader = reader_of(info);

    (void)file;
    if (size > LOG_RING_TEXT_BYTES) { /* as the kernel does */
        fuse_reply_err(request, EINVAL);
        return;
    }
    /* It moves the position of who reads with the same descriptor: no wish of his. */
    if (offset == reader->expected)
        reader->expected += (off_t)size;
    view_log_write(view, bytes, size);
    fuse_reply_write(request, size);
}

static void kmsg_seek(struct view *view, fuse_req_t request, off_t offset, int whence,
                      struct fuse_file_info *info)
{
    struct view_reader *reader = reader_of(info);

    if (whence != SEEK_DATA || offset != 0) {
        fuse_reply_err(request, EINVAL);
        return;
    }
    reader->next = view_log_cleared(view);
    reader->expected = 0;
    fuse_reply_lseek(request, 0);
}

static void kmsg_poll(struct view *view, fuse_req_t request, struct fuse_file_info *info,
                      struct fuse_pollhandle *handle)
{
    struct view_reader *reader = reader_of(info);

    if (handle) {
        if (reader->polled)
            fuse_pollhandle_destroy(reader->polled);
        reader->polled = handle;
    }
    unsigned events = POLLOUT | POLLWRNORM;
    if (reader->next < log_ring_next(view_log_ring(view)))
        events |= POLLIN | POLLRDNORM;
    fuse_reply_poll(request, events);
}

const struct view_ops view_kmsg = {
    .open = kmsg_open,
    .read = kmsg_read,
    .write = kmsg_write,
    .release = kmsg_release,
    .seek = kmsg_seek,
    .poll = kmsg_poll,
};
