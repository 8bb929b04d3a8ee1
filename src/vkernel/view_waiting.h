/* Requests whose answer comes later: who waits for a record of the log, or for the broker. A signal
 * ends the waiting (EINTR): who is being ended must not wait. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "vkernel/view.h"

TAILQ_HEAD(view_waiting_list, view_waiting);
struct view_waiters {
    struct view_waiting_list list; /* in the order of their beginning */
    unsigned count;
};
#define VIEW_WAITERS(name)                          \
    {                                               \
        .list = TAILQ_HEAD_INITIALIZER((name).list) \
    }

/* One of them; what is known of it beside this is its owner's. */
struct view_waiting {
    struct view_waiters *waiters;
    fuse_req_t request;
    size_t size; /* of the reader's buffer, or of what was written */
    struct view_reader *reader;
    uint32_t number;
    bool is_write;
    int64_t deadline_ns;
    TAILQ_ENTRY(view_waiting) link;
};

/* For a request that may wait; zeroed otherwise. free() gives it back. NULL: too many wait. */
struct view_waiting *view_waiting_new(struct view_waiters *waiters, fuse_req_t request,
                                      size_t size);
/* From now on it waits, until view_waiting_end() or a signal: which may have come already, so it is
 * not touched any more by who begins it. */
void view_waiting_begin(struct view_waiting *waiting);
/* It waits no more, and is freed: what is returned has to be answered. */
fuse_req_t view_waiting_end(struct view_waiting *waiting);
