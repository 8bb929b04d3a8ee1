/*
 * Who reads a buffer that several sessions have, by a pin or a share: whoever asks first, until it
 * closes that map or ends. Two readers would set each other's position back: it lies in memory that
 * both write. Maps are told apart by the kernel's number of them, for one map may have many names.
 *
 * Sessions ask over a socket that they share; each question comes with a socket for its answer,
 * which is the lease from then on. One whose other end is closed is no lease any more: nothing
 * waits for that, the next that asks looks, and the end of a function.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"

#define LEASES_MAX 1024
#define LEASES_OF_ONE 64 /* function: the others have room too */

struct lease_request {
    uint64_t owner;
    uint32_t map, reserved;
};

struct lease {
    int socket; /* 0: free (standard input is none) */
    uint32_t map;
    uint64_t owner;
};

static struct lease leases[LEASES_MAX];

void leases_sweep(void)
{
    for (size_t i = 0; i < LEASES_MAX; i++) {
        struct pollfd poll_fd = {.fd = leases[i].socket};
        if (leases[i].socket > 0 && poll(&poll_fd, 1, 0) > 0) {
            close(leases[i].socket);
            leases[i] = (struct lease){0};
        }
    }
}

static int lease(const struct lease_request *request, struct lease **ret_lease)
{
    struct lease *room = NULL;
    size_t count = 0, used = 0;

    leases_sweep();
    for (size_t i = 0; i < LEASES_MAX; i++) {
        if (leases[i].socket <= 0) {
            room = room ? room : &leases[i];
            continue;
        }
        if (leases[i].map == request->map)
            return -EBUSY;
        used++;
        count += leases[i].owner == request->owner;
    }
    if (count >= quota_of_one(LEASES_MAX, used, LEASES_OF_ONE))
        return -EDQUOT;
    if (!room)
        return -ENOSPC;
    *ret_lease = room;
    return 0;
}

void leases_serve(int socket)
{
    struct lease_request request;
    struct lease *room = NULL;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    ssize_t n = fd_receive(socket, &request, sizeof request, fds, &fd_count, MSG_DONTWAIT);

    if (n != sizeof request || fd_count != 1) {
        fd_close_all(fds, fd_count);
        return;
    }
    const int32_t answer = lease(&request, &room);
    if (fd_send(fds[0], &answer, sizeof answer, NULL, 0) < 0 || answer < 0) {
        close(fds[0]);
        return;
    }
    *room = (struct lease){.socket = fds[0], .map = request.map, .owner = request.owner};
}

/* ---- a session's side ---- */

int map_lease(const struct session *session, struct object_map *map)
{
    struct bpf_map_info info = {0};
    uint32_t bytes = sizeof info;
    int32_t answer;

    if (map->lease > 0)
        return 0;
    if (bpf_obj_get_info_by_fd(map->fd, &info, &bytes) < 0)
        return -errno;
    const struct lease_request request = {.owner = session->instance.owner, .map = info.id};
    _cleanup_(closep) int ours = desk_ask(session->leases, &request, sizeof request, -1);
    if (ours < 0)
        return ours;
    int r = desk_answer(ours, &answer, sizeof answer);
    if (r == 0)
        r = answer;
    if (r == 0)
        map->lease = steal_fd(&ours);
    return r;
}
