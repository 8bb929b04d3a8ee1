/* Parameters as files: a read asks the broker for the value, a write asks it to set one. The answer
 * comes later; meanwhile others are served. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "vkernel/view_waiting.h"

/* Longer than the broker waits for anything; one that hangs is not waited for without end. */
#define ANSWER_NS INT64_C(15000000000)

/* With it in the order of their deadlines. */
static struct view_waiters waiters = VIEW_WAITERS(waiters);
static uint32_t next_number;

/* What was written may act all the same when a signal has ended the waiting. */
static void ask(fuse_req_t request, fuse_ino_t file, const char *bytes, size_t size, bool is_write)
{
    struct view_wish wish = {.number = next_number++,
                             .param = (uint32_t)view_nodes[file].param,
                             .is_write = is_write,
                             .length = is_write ? (uint32_t)size : 0};
    struct view_waiting *waiting = view_waiting_new(&waiters, request, size);

    if (!waiting) {
        fuse_reply_err(request, EAGAIN);
        return;
    }
    if (is_write)
        memcpy(wish.value, bytes, size);
    if (send(VIEW_FD_BROKER, &wish, sizeof wish, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        free(waiting);
        fuse_reply_err(request, EIO);
        return;
    }
    waiting->number = wish.number;
    waiting->is_write = is_write;
    waiting->deadline_ns = clock_now_ns() + ANSWER_NS;
    view_waiting_begin(waiting);
}

static void param_read(struct view *view, fuse_req_t request, fuse_ino_t file, size_t size,
                       off_t offset, struct fuse_file_info *info)
{
    (void)view;
    /* Nobody's: a page of sendfile(2), which would have zeros behind the value where another's open
     * comes between. Who copies like that reads when it is refused. */
    if (info->lock_owner == 0)
        fuse_reply_err(request, EINVAL);
    else if (offset > 0) /* a value is read as a whole */
        fuse_reply_buf(request, NULL, 0);
    else
        ask(request, file, NULL, size, false);
}

static void param_write(struct view *view, fuse_req_t request, fuse_ino_t file, const char *bytes,
                        size_t size, off_t offset, struct fuse_file_info *info)
{
    (void)view;
    (void)info;
    if (offset > 0 || size == 0 || size > VIEW_VALUE_BYTES)
        fuse_reply_err(request, EINVAL);
    else
        ask(request, file, bytes, size, true);
}

static void finish(struct view_waiting *waiting, const struct view_granted *granted)
{
    size_t length = granted->length < VIEW_VALUE_BYTES ? granted->length : VIEW_VALUE_BYTES;
    const size_t size = waiting->size;
    const bool is_write = waiting->is_write;
    fuse_req_t request = view_waiting_end(waiting);

    if (granted->error)
        fuse_reply_err(request, granted->error);
    else if (is_write)
        fuse_reply_write(request, size);
    else
        fuse_reply_buf(request, granted->value, length < size ? length : size);
}

int view_params_patience(void)
{
    const struct view_granted late = {.error = ETIMEDOUT};
    struct view_waiting *first;
    int64_t left_ns = 0;

    while ((first = TAILQ_FIRST(&waiters.list)) &&
           (left_ns = first->deadline_ns - clock_now_ns()) <= 0)
        finish(first, &late);
    return first ? (int)(left_ns / 1000000) + 1 : -1;
}

bool view_params_serve(void)
{
    struct view_granted granted;
    struct view_waiting *waiting;

    ssize_t n = recv(VIEW_FD_BROKER, &granted, sizeof granted, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n != sizeof granted) {
        /* Nobody acts any more: what waits and what comes is an error. */
        granted = (struct view_granted){.error = EIO};
        while ((waiting = TAILQ_FIRST(&waiters.list)))
            finish(waiting, &granted);
        return false;
    }
    TAILQ_FOREACH(waiting, &waiters.list, link)
    {
        if (waiting->number != granted.number)
            continue;
        finish(waiting, &granted);
        break;
    }
    return true;
}

const struct view_ops view_param = {
    .read = param_read,
    .write = param_write,
};
