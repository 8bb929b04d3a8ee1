/* Updates at the points of a program: see update_point.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "guest/control_link.h"
#include "guest/host.h"
#include "guest/linker.h"
#include "guest/linker_tree.h"
#include "guest/native.h"
#include "guest/parts.h"
#include "guest/signals.h"
#include "guest/update.h"
#include "guest/update_point.h"
#include "guest/wasi.h"
#include "guest/wasm_internal.h"

void update_point_open(struct host *host, int control, struct link_tree *tree, const char *function)
{
    static struct update_point point;

    point.control = control;
    point.tree = tree;
    point.function = function;
    host->point = &point;
}

void update_point_leave(struct host *host)
{
    if (!host->point)
        return;
    close(host->point->control);
    wasi_wake_by(host->wasi, -1);
    host->point = NULL;
}

/* System call: write. The supervisor, which alone can be slow here, then hears nothing and says so.
 */
static void say(const struct update_point *point, const void *answer, size_t size)
{
    if (write(point->control, answer, size) < 0)
        return;
}

/* The new version came to its update point: the one before is not needed any more. */
static void end_trial(struct update_point *point)
{
    library_close((struct library *)(uintptr_t)point->before);
    point->before = NULL;
    say(point, &point->answer, sizeof point->answer);
}

static void set_phases(struct control_updated *answer, const struct update_times *times)
{
    answer->phase_ns[0] = times->load;
    answer->phase_ns[1] = times->tables;
    answer->phase_ns[2] = times->functions;
    answer->phase_ns[3] = times->variables;
}

/* Native code has no memory of its own to be taken over: its variables are copied. */
static int replace_native(struct host *host, const struct control_update *message, int fd,
                          bool going_back, struct update_times *ret_times, struct err *err)
{
    const struct update_point *point = host->point;
    struct link_file file = {.fd = fd, .bytes = message->bytes};
    struct library *before = (struct library *)(uintptr_t)host->library, *next;

    if (!point->tree)
        return err_say(err, -EPERM, "it is not made for updates");
    memcpy(file.name, point->function, sizeof file.name);
    int r = link_tree_put(point->tree, before, &file, going_back, &next, ret_times, err);
    if (r < 0)
        return r;
    host->library = next;
    return 0;
}

/* The library in the descriptor takes the memory over. On failure nothing has changed. */
static int put_in_place(struct host *host, const struct control_update *message, int fd,
                        struct update_times *ret_times, struct err *err)
{
    bool back = message->flags & (CONTROL_UPDATE_BACK | CONTROL_UPDATE_FORMER);
    const struct library *before = host->library;
    struct library *library = NULL;
    int64_t begin_ns = clock_now_ns();

    if ((uint64_t)begin_ns > message->deadline_ns)
        return err_say(err, -ETIME,
                       "it is busy: it did not come to vireo_update_point() in 2 s, and is never "
                       "forced");
    if (library_is_native(library_face(before))) {
        int r = replace_native(host, message, fd, back, ret_times, err);
        if (r < 0)
            return r;
    } else {
        int r = library_open_bytes(fd, message->bytes, &library, err);
        if (r < 0)
            return r;
        ret_times->load = (uint64_t)(clock_now_ns() - begin_ns);
        r = update_replace(host, library, back, ret_times, err);
        if (r < 0) {
            library_close(library);
            return r;
        }
    }
    host->point->before = before;
    host->point->blocked = host->signals ? host->signals->blocked : 0;
    return 0;
}

/* Another version of the library; true: it is in place. */
static bool take_update(struct host *host, const struct control_update *message, const int *fds,
                        size_t fd_count)
{
    struct update_point *point = host->point;
    struct update_times times = {0};
    struct err err = {0};

    point->answer = (struct control_updated){.type = CONTROL_UPDATED, .token = message->token};
    if (fd_count != 1)
        point->answer.error = err_say(&err, -EBADMSG, "it did not come whole");
    else
        point->answer.error = put_in_place(host, message, fds[0], &times, &err);
    set_phases(&point->answer, &times);
    snprintf(point->answer.message, sizeof point->answer.message, "%.255s", err.message);
    if (point->answer.error == 0) {
        struct control_updated trial = point->answer;
        trial.error = -EINPROGRESS;
        say(point, &trial, sizeof trial);
        return true;
    }
    say(point, &point->answer, sizeof point->answer);
    return false;
}

/* Takes what lies in the socket; true: another version is in place. System calls: recvmsg, and
 * those of an update or a link. */
static bool take_message(struct host *host, const void *frame)
{
    struct update_point *point = host->point;
    union {
        uint32_t type;
        struct control_update update;
        struct control_link link;
    } message;
    struct control_linked linked;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    bool updated = false;

    ssize_t n = fd_receive(point->control, &message, sizeof message, fds, &fd_count, MSG_DONTWAIT);
    if (n == sizeof message.update && message.type == CONTROL_UPDATE) {
        updated = take_update(host, &message.update, fds, fd_count);
    } else if (n == sizeof message.link && message.type == CONTROL_LINK) {
        control_link(host, point->tree, &message.link, fds, fd_count, frame, &linked);
        say(point, &linked, sizeof linked);
    }
    fd_close_all(fds, fd_count);
    return updated;
}

uint32_t Z_vireoZ_update_point(struct host *host)
{
    struct update_point *point = host->point;

    /* Not from within a signal's handler, which is to return, nor a library's start. */
    if (!point || (host->signals && host->signals->depth > 0) || parts_are_busy(host))
        return 0;
    if (!point->reached) {
        point->reached = true;
        wasi_wake_by(host->wasi, point->control);
    }
    if (point->before)
        end_trial(point);
    if (!wasi_wake_may(host->wasi) || !take_message(host, __builtin_frame_address(0)))
        return 0;
    point->count++;
    host_leave(host, HOST_UPDATED);
}

uint32_t Z_vireoZ_updates(struct host *host)
{
    return host->point ? host->point->count : 0;
}

/* How it left, for people. */
static void tell_end(const struct host *host, char *text, size_t size)
{
    if (host->exit == HOST_TRAPPED && host->trap_function[0])
        snprintf(text, size, "it trapped at its start: %s in '%s'", host->trap,
                 host->trap_function);
    else if (host->exit == HOST_TRAPPED)
        snprintf(text, size, "it trapped at its start: %s", host->trap);
    else
        snprintf(text, size, "it ended at its start: exit status %u",
                 host->exit == HOST_EXITED ? host->exit_status : 0);
}

bool update_point_back(struct host *host)
{
    struct update_point *point = host->point;
    struct update_times times = {0};
    struct err err = {0};

    if (!point || !point->before)
        return false;
    struct library *refused = (struct library *)(uintptr_t)host->library;
    tell_end(host, point->answer.message, sizeof point->answer.message);
    point->answer.error = -EPERM;
    if (library_is_native(library_face(refused))) {
        struct library *before = (struct library *)(uintptr_t)point->before;
        if (link_tree_put_back(point->tree, refused, before, &err) < 0)
            return false;
        host->library = before;
    } else if (update_replace(host, point->before, true, &times, &err) < 0) {
        return false;
    }
    library_close(refused);
    if (host->signals)
        signals_leave(host->signals, point->blocked);
    point->before = NULL;
    point->count++;
    say(point, &point->answer, sizeof point->answer);
    return true;
}
