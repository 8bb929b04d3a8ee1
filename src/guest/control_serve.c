/* Messages of the supervisor between two calls: a library is linked into this instance. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "guest/channel.h"
#include "guest/control.h"
#include "guest/control_link.h"
#include "guest/control_serve.h"
#include "guest/instance.h"
#include "guest/linker.h"
#include "guest/update.h"

static void do_link(struct template_state *state, const struct control_link *message,
                    const int *fds, size_t fd_count)
{
    struct control_linked answer;

    control_link(&state->host, state->tree, message, fds, fd_count, NULL, &answer);
    /* The supervisor, which alone can be slow here, then hears nothing and says so. */
    if (write(state->control, &answer, sizeof answer) < 0)
        return;
}

/* The function's own library, among those that it is linked with. */
static int update_native(struct template_state *state, int fd, uint64_t bytes, bool going_back,
                         struct update_times *ret_times, struct err *err)
{
    const struct library *old = state->library;
    struct link_file file = {.fd = fd, .bytes = bytes};

    memcpy(file.name, state->setup.function, sizeof file.name);
    if (!state->tree)
        return err_say(err, -EPERM, "it is not made for updates");
    int r = link_tree_replace(state->tree, (struct library *)(uintptr_t)old, &file, going_back,
                              ret_times, err);
    if (r < 0)
        return r;
    state->library = state->host.library = link_tree_find(state->tree, file.name);
    return 0;
}

static void do_update(struct template_state *state, const struct control_update *message,
                      const int *fds, size_t fd_count)
{
    struct control_updated answer = {.type = CONTROL_UPDATED, .token = message->token};
    bool going_back = message->flags & (CONTROL_UPDATE_BACK | CONTROL_UPDATE_FORMER);
    struct update_times times = {0};
    struct err err = {0};

    if (fd_count != 1)
        answer.error = err_say(&err, -EBADMSG, "it did not come whole");
    else if ((uint64_t)clock_now_ns() > message->deadline_ns)
        answer.error = err_say(&err, -ETIME,
                               "it was busy: it was in a call all the time, and is "
                               "never forced");
    else if (library_is_native(library_face(state->library)))
        answer.error = update_native(state, fds[0], message->bytes, going_back, &times, &err);
    else
        answer.error = update_library(&state->host, fds[0], message->bytes, going_back,
                                      &state->library, &times, &err);
    answer.phase_ns[0] = times.load;
    answer.phase_ns[1] = times.tables;
    answer.phase_ns[2] = times.functions;
    answer.phase_ns[3] = times.variables;
    snprintf(answer.message, sizeof answer.message, "%.255s", err.message);
    if (write(state->control, &answer, sizeof answer) < 0)
        return;
}

void control_serve(struct template_state *state, struct channel *channel)
{
    union {
        uint32_t type;
        struct control_link link;
        struct control_update update;
    } message;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    ssize_t n;

    /* Read before the socket: a message that comes later raises it again. */
    state->control_seen = atomic_load(&channel->control_sequence);
    while ((n = fd_receive(state->control, &message, sizeof message, fds, &fd_count,
                           MSG_DONTWAIT)) > 0) {
        if (n == sizeof message.link && message.type == CONTROL_LINK)
            do_link(state, &message.link, fds, fd_count);
        else if (n == sizeof message.update && message.type == CONTROL_UPDATE)
            do_update(state, &message.update, fds, fd_count);
        for (size_t i = 0; i < fd_count; i++)
            close(fds[i]);
        fd_count = 0;
    }
}
