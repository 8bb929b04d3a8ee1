/* Requests of the view's files that wait for their answer. */
#include "vkernel/view_waiting.h"

#include <errno.h>
#include <stdlib.h>

#define WAITING_MAX 256 /* for one kind of answer */

static fuse_req_t forget(struct view_waiting *waiting)
{
    fuse_req_t request = waiting->request;

    TAILQ_REMOVE(&waiting->waiters->list, waiting, link);
    waiting->waiters->count--;
    free(waiting);
    return request;
}

static void interrupted(fuse_req_t request, void *data)
{
    forget(data);
    fuse_reply_err(request, EINTR);
}

struct view_waiting *view_waiting_new(struct view_waiters *waiters, fuse_req_t request, size_t size)
{
    struct view_waiting *waiting = waiters->count < WAITING_MAX ? calloc(1, sizeof *waiting) : NULL;

    if (waiting)
        *waiting = (struct view_waiting){.waiters = waiters, .request = request, .size = size};
    return waiting;
}

void view_waiting_begin(struct view_waiting *waiting)
{
    TAILQ_INSERT_TAIL(&waiting->waiters->list, waiting, link);
    waiting->waiters->count++;
    fuse_req_interrupt_func(waiting->request, interrupted, waiting);
}

fuse_req_t view_waiting_end(struct view_waiting *waiting)
{
    fuse_req_interrupt_func(waiting->request, NULL, NULL);
    return forget(waiting);
}
