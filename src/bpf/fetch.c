/* An ELF object goes to the reader, its image comes back through a pipe, within a deadline. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"
#include "bpf/budget.h"
#include "bpf/reader.h"

/* A child of the reader ends by itself after ten seconds. */
#define DEADLINE_NS INT64_C(15000000000)
#define ROOM_FIRST (256u << 10)

static int wait_more(int fd, int64_t deadline_ns)
{
    int64_t left_ms = (deadline_ns - clock_now_ns()) / 1000000;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    if (left_ms <= 0)
        return -ETIME;
    int n = poll(&poll_fd, 1, (int)left_ms);
    return n < 0 && errno != EINTR ? -errno : 0;
}

/* All that comes until the other end is closed. */
static int read_image(int fd, uint8_t **ret_bytes, size_t *ret_size)
{
    int64_t deadline_ns = clock_now_ns() + DEADLINE_NS;
    size_t room = ROOM_FIRST, size = 0;
    _cleanup_(freep) uint8_t *bytes = malloc(room);

    while (bytes) {
        int r = wait_more(fd, deadline_ns);
        if (r < 0)
            return r;
        ssize_t n = read(fd, bytes + size, room - size);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return -errno;
        if (n == 0) {
            *ret_bytes = steal_ptr(&bytes);
            *ret_size = size;
            return 0;
        }
        size += (size_t)n;
        if (size < room)
            continue;
        if (room >= IMAGE_BYTES_MAX)
            return -EFBIG;
        uint8_t *grown = realloc(bytes, room *= 2);
        if (!grown)
            return -ENOMEM;
        (void)steal_ptr(&bytes);
        bytes = grown;
    }
    return -ENOMEM;
}

/* One question to the reader, when the function owes nothing for those before; *ret_bytes is what
 * it wrote, and may be nothing. */
static int ask(const struct session *session, int file_fd, const struct reader_request *request,
               uint8_t **ret_bytes, size_t *ret_size, struct err *err)
{
    int ends[2];

    if (budget_wait(session->budget, session->socket) < 0)
        return err_set(err, -EPIPE, "cannot ask the reader");
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot ask the reader");
    _cleanup_(closep) int ours = ends[0];
    int r = fd_send(BROKER_READER_FD, request, sizeof *request, (int[]){file_fd, ends[1]}, 2);
    close(ends[1]);
    fcntl(ours, F_SETFL, O_NONBLOCK);
    if (r == 0)
        r = read_image(ours, ret_bytes, ret_size);
    return r < 0 ? err_set(err, r, "cannot load object: ask its reader") : 0;
}

int fetch_image(const struct session *session, int object_fd, uint32_t bytes,
                uint32_t settings_bytes, uint8_t **ret_bytes, size_t *ret_size, struct err *err)
{
    const struct reader_request request = {.version = BROKER_VERSION,
                                           .bytes = bytes,
                                           .settings_bytes = settings_bytes,
                                           .owner = session->instance.owner};
    int r = ask(session, object_fd, &request, ret_bytes, ret_size, err);

    if (r < 0 || *ret_size > 0)
        return r;
    free(*ret_bytes);
    *ret_bytes = NULL;
    return err_say(err, -EBADMSG,
                   "cannot load object: its reader ended: it is no proper object, or "
                   "needs too much memory or time");
}

int fetch_places(const struct session *session, int file_fd, uint32_t question, const char *name,
                 struct reader_places **ret_places, struct err *err)
{
    struct reader_request request = {
        .version = BROKER_VERSION, .owner = session->instance.owner, .question = question};
    _cleanup_(freep) uint8_t *answer = NULL;
    const size_t head_bytes = offsetof(struct reader_places, places);
    struct stat file;
    size_t size;

    if (fstat(file_fd, &file) < 0)
        return err_set(err, -errno, "cannot find '%s'", name);
    if (!S_ISREG(file.st_mode) || file.st_size <= 0 || file.st_size > READER_FILE_MAX)
        return err_say(err, -ENOEXEC, "cannot find '%s': it is no ELF file", name);
    request.bytes = (uint32_t)file.st_size;
    snprintf(request.symbol, sizeof request.symbol, "%s", name);
    int r = ask(session, file_fd, &request, &answer, &size, err);
    if (r < 0)
        return r;
    const struct reader_places *places = (const void *)answer;
    if (size < head_bytes || places->count > READER_PLACES_MAX ||
        size != head_bytes + places->count * sizeof places->places[0])
        return err_say(err, -ENOEXEC, "cannot find '%s': it is no ELF file", name);
    if (places->error < 0)
        return err_set(err, places->error, "cannot find '%s'", name);
    if (places->error > 0 || places->count == 0)
        return err_say(err, -EBADMSG, "cannot find '%s'", name);
    *ret_places = (void *)steal_ptr(&answer);
    return 0;
}
