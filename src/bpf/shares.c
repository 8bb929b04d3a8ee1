/*
 * Objects that several modules share by a name that their policies grant: the broker keeps the
 * descriptors of an object's maps and of what its programs hang on, for as long as one session
 * holds it. It is made known by the one that loaded it; others join it and have its maps. Who
 * reads a buffer is leases.c's to say.
 *
 * Sessions ask over a socket that they share; each question comes with a socket of its own, over
 * which the descriptors go, and which is the hold from then on.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"

#define SHARES_MAX 128
#define SHARES_OF_ONE POLICY_SHARES_MAX /* function: the others have room too */
#define HOLDS_OF_ONE 64
#define SHARE_FDS_MAX 96 /* of one */
#define PART_MAX 16      /* of them in one message */

enum { SHARE_PUT = 1, SHARE_JOIN };

struct share_request {
    uint64_t owner;
    uint32_t operation, map_count, fd_count, reserved;
    char name[POLICY_SHARE_NAME_MAX + 1];
};

struct share_answer {
    int32_t error;
    uint32_t map_count;
};

/* Some of its descriptors; of maps with what they are. */
struct share_part {
    struct {
        struct broker_map shown;
        uint32_t flags, frozen;
    } maps[PART_MAX];
};

struct share {
    char name[POLICY_SHARE_NAME_MAX + 1]; /* "": free */
    uint64_t owner;                       /* who made it known */
    uint32_t holds, map_count, fd_count;
    uint32_t got; /* descriptors; it is there for others when it has all */
    int fds[SHARE_FDS_MAX];
    struct object_map maps[BROKER_MAPS_MAX];
};

struct share_hold {
    int socket; /* 0: free (standard input is none) */
    struct share *share;
    uint64_t owner;
};

static struct share shares[SHARES_MAX];
static struct share_hold holds[SHARE_HOLDS_MAX];

static struct share *find(const char *name)
{
    for (size_t i = 0; i < SHARES_MAX; i++)
        if (shares[i].name[0] && strcmp(shares[i].name, name) == 0)
            return &shares[i];
    return NULL;
}

static void hold_end(struct share_hold *hold)
{
    struct share *share = hold->share;

    close(hold->socket);
    *hold = (struct share_hold){0};
    if (--share->holds > 0 && share->got == share->fd_count)
        return;
    fd_close_all(share->fds, share->got);
    /* One that was never whole has this one hold. */
    *share = (struct share){0};
}

static int put(const struct share_request *request, struct share **ret_share)
{
    struct share *room = NULL;
    size_t count = 0, used = 0;

    if (request->map_count > BROKER_MAPS_MAX || request->fd_count > SHARE_FDS_MAX ||
        request->map_count > request->fd_count || !request->name[0])
        return -E2BIG;
    if (find(request->name))
        return -EEXIST;
    for (size_t i = 0; i < SHARES_MAX; i++) {
        if (!shares[i].name[0]) {
            room = room ? room : &shares[i];
            continue;
        }
        used++;
        count += shares[i].owner == request->owner;
    }
    if (count >= quota_of_one(SHARES_MAX, used, SHARES_OF_ONE))
        return -EDQUOT;
    if (!room)
        return -ENOSPC;
    *room = (struct share){
        .owner = request->owner, .map_count = request->map_count, .fd_count = request->fd_count};
    memcpy(room->name, request->name, sizeof room->name);
    *ret_share = room;
    return 0;
}

static int join(const struct share_request *request, struct share **ret_share)
{
    struct share *share = find(request->name);

    if (!share || share->got < share->fd_count)
        return -ENOENT;
    *ret_share = share;
    return 0;
}

/* Its maps, to one who joined. What does not arrive is missed there. */
static void send_maps(const struct share *share, int socket)
{
    for (uint32_t at = 0; at < share->map_count; at += PART_MAX) {
        struct share_part part = {0};
        uint32_t count = share->map_count - at < PART_MAX ? share->map_count - at : PART_MAX;
        for (uint32_t i = 0; i < count; i++) {
            part.maps[i].shown = share->maps[at + i].shown;
            part.maps[i].flags = share->maps[at + i].flags;
            part.maps[i].frozen = share->maps[at + i].frozen;
        }
        (void)fd_send(socket, &part, sizeof part, share->fds + at, count);
    }
}

/* A place for one more of that function's. */
static int hold_find(uint64_t owner, struct share_hold **ret_hold)
{
    struct share_hold *room = NULL;
    size_t count = 0, used = 0;

    for (size_t i = 0; i < SHARE_HOLDS_MAX; i++) {
        if (holds[i].socket <= 0) {
            room = room ? room : &holds[i];
            continue;
        }
        used++;
        count += holds[i].owner == owner;
    }
    if (count >= quota_of_one(SHARE_HOLDS_MAX, used, HOLDS_OF_ONE))
        return -EDQUOT;
    *ret_hold = room;
    return room ? 0 : -ENOSPC;
}

void shares_serve(int socket)
{
    struct share_request request;
    struct share_answer answer = {0};
    struct share_hold *hold = NULL;
    struct share *share = NULL;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    ssize_t n = fd_receive(socket, &request, sizeof request, fds, &fd_count, MSG_DONTWAIT);

    if (n != sizeof request || fd_count != 1) {
        fd_close_all(fds, fd_count);
        return;
    }
    request.name[POLICY_SHARE_NAME_MAX] = '\0';
    answer.error = hold_find(request.owner, &hold);
    if (answer.error == 0)
        answer.error =
            request.operation == SHARE_PUT ? put(&request, &share) : join(&request, &share);
    answer.map_count = share ? share->map_count : 0;
    (void)fd_send(fds[0], &answer, sizeof answer, NULL, 0);
    if (answer.error < 0) {
        close(fds[0]);
        return;
    }
    share->holds++;
    *hold = (struct share_hold){.socket = fds[0], .share = share, .owner = request.owner};
    if (request.operation == SHARE_JOIN)
        send_maps(share, fds[0]);
}

/* More of an object's descriptors; false: that is none of it. */
static bool take_part(struct share *share, const struct share_part *part, const int *fds,
                      size_t count)
{
    if (count == 0 || count > PART_MAX || count > share->fd_count - share->got)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t number = share->got++;
        share->fds[number] = fds[i];
        if (number >= share->map_count)
            continue;
        share->maps[number] = (struct object_map){.shown = part->maps[i].shown,
                                                  .flags = part->maps[i].flags,
                                                  .frozen = part->maps[i].frozen};
    }
    return true;
}

/* A hold that says something: descriptors, until it is whole. */
static bool hear(struct share_hold *hold)
{
    struct share *share = hold->share;
    struct share_part part;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    ssize_t n = fd_receive(hold->socket, &part, sizeof part, fds, &fd_count, MSG_DONTWAIT);

    if (n == -EAGAIN || n == -EINTR)
        return true;
    if (n == sizeof part && share->got < share->fd_count && take_part(share, &part, fds, fd_count))
        return true;
    fd_close_all(fds, fd_count);
    return false;
}

size_t shares_poll(struct pollfd polls[static SHARE_HOLDS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < SHARE_HOLDS_MAX; i++)
        if (holds[i].socket > 0)
            polls[count++] = (struct pollfd){.fd = holds[i].socket, .events = POLLIN};
    return count;
}

void shares_hear(const struct pollfd *polls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; polls[i].revents && j < SHARE_HOLDS_MAX; j++)
            if (holds[j].socket == polls[i].fd && !hear(&holds[j]))
                hold_end(&holds[j]);
}

/* ---- a session's side ---- */

static int ask(const struct session *session, const struct share_request *request,
               struct share_answer *answer)
{
    _cleanup_(closep) int ours = desk_ask(session->shares, request, sizeof *request, -1);

    if (ours < 0)
        return ours;
    int r = desk_answer(ours, answer, sizeof *answer);
    if (r == 0)
        r = answer->error;
    return r < 0 ? r : steal_fd(&ours);
}

/* Maps first; with `host`, then what the programs hang on: a control group that they see without it
 * may be another function's by the time that its own is gone. -E2BIG. */
static int gather(const struct session *session, const struct object *object,
                  int fds[static SHARE_FDS_MAX])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < object->guest_maps; i++)
        fds[count++] = object->maps[i].fd;
    for (uint32_t i = 0; i < object->guest_maps && session->instance.policy.host; i++)
        if (object->maps[i].link >= 0 && count < SHARE_FDS_MAX)
            fds[count++] = object->maps[i].link;
    for (uint32_t i = 0; i < object->program_count && session->instance.policy.host; i++)
        for (uint32_t j = 0; j < object->programs[i].link_count; j++) {
            if (count == SHARE_FDS_MAX)
                return -E2BIG;
            fds[count++] = object->programs[i].links[j];
        }
    return (int)count;
}
_Static_assert(BROKER_MAPS_MAX <= SHARE_FDS_MAX, "there is room for every map");

int share_put(const struct session *session, struct object *object, const char *name)
{
    struct share_request request = {
        .owner = session->instance.owner, .operation = SHARE_PUT, .map_count = object->guest_maps};
    struct share_answer answer;
    int fds[SHARE_FDS_MAX], count = gather(session, object, fds);

    if (object->hold > 0 || count < 0)
        return count < 0 ? count : -EBUSY;
    for (uint32_t i = 0; i < object->guest_maps; i++) {
        int r = map_make_known(session, &object->maps[i]);
        if (r < 0)
            return r;
    }
    request.fd_count = (uint32_t)count;
    snprintf(request.name, sizeof request.name, "%s", name);
    _cleanup_(closep) int hold = ask(session, &request, &answer);
    if (hold < 0)
        return hold;
    for (uint32_t at = 0; at < request.fd_count; at += PART_MAX) {
        struct share_part part = {0};
        uint32_t some = request.fd_count - at < PART_MAX ? request.fd_count - at : PART_MAX;
        for (uint32_t i = 0; i < some && at + i < object->guest_maps; i++) {
            const struct object_map *map = &object->maps[at + i];
            part.maps[i].shown = map->shown;
            part.maps[i].flags = map->flags;
            part.maps[i].frozen = map->frozen;
        }
        int r = fd_send(hold, &part, sizeof part, fds + at, some);
        if (r < 0)
            return r;
    }
    object->hold = steal_fd(&hold);
    return 0;
}

static int receive_maps(int hold, struct object *object)
{
    for (uint32_t at = 0; at < object->guest_maps;) {
        struct share_part part;
        int fds[FD_MESSAGE_MAX];
        size_t count = 0;
        ssize_t n = fd_receive(hold, &part, sizeof part, fds, &count, 0);
        if (n == -EINTR)
            continue;
        if (n != sizeof part || count == 0 || count > object->guest_maps - at) {
            fd_close_all(fds, count);
            return -EIO;
        }
        for (size_t i = 0; i < count; i++)
            object->maps[at++] = (struct object_map){.fd = fds[i],
                                                     .link = -1,
                                                     .known = true,
                                                     .shown = part.maps[i].shown,
                                                     .flags = part.maps[i].flags,
                                                     .frozen = part.maps[i].frozen};
    }
    return 0;
}

int share_join(const struct session *session, const char *name, struct object **ret_object)
{
    struct share_request request = {.owner = session->instance.owner, .operation = SHARE_JOIN};
    struct share_answer answer;

    snprintf(request.name, sizeof request.name, "%s", name);
    _cleanup_(closep) int hold = ask(session, &request, &answer);
    if (hold < 0)
        return hold;
    if (answer.map_count > BROKER_MAPS_MAX)
        return -EIO;
    int r = object_of_maps(answer.map_count, ret_object);
    if (r == 0)
        r = receive_maps(hold, *ret_object);
    if (r == 0)
        (*ret_object)->hold = steal_fd(&hold);
    return r;
}
