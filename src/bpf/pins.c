/*
 * Maps that outlive the sessions of their function: a pin is a descriptor that the broker itself
 * keeps, by the function's number and a name. No file system has them, so nobody else can open one.
 * What a program hangs on is kept in the same way, for functions with `host`: the others' control
 * group ends with them.
 * Sessions ask over a socket that they share; each question comes with a socket for its answer.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"

#define PINS_MAX 1024
#define PINS_OF_ONE 16 /* function: the others have room too */

enum { PIN_GET = 1, PIN_PUT, PIN_REMOVE, PIN_RECOUNT };

struct pin_request {
    uint32_t operation, flags, frozen, host;
    uint64_t owner, bytes, bytes_max;
    char name[BROKER_NAME_MAX + 1];
    char place[BROKER_TARGET_MAX + 1];
    struct broker_map shown;
};

struct pin_answer {
    int32_t error;
    uint32_t flags, frozen, reserved;
    uint64_t bytes; /* before they were counted anew */
    struct broker_map shown;
    char place[BROKER_TARGET_MAX + 1];
};

struct pin {
    int fd; /* 0: free (standard input is never a map) */
    uint32_t flags;
    bool frozen;
    bool host; /* a session with `host` had it: what is in it may be others' */
    uint64_t owner, bytes;
    char name[BROKER_NAME_MAX + 1];
    char place[BROKER_TARGET_MAX + 1]; /* of what a program hangs on */
    struct broker_map shown;
};

static struct pin pins[PINS_MAX];

static struct pin *find(uint64_t owner, const char *name)
{
    for (size_t i = 0; i < PINS_MAX; i++)
        if (pins[i].fd > 0 && pins[i].owner == owner && strcmp(pins[i].name, name) == 0)
            return &pins[i];
    return NULL;
}

static void drop(struct pin *pin)
{
    close(pin->fd);
    *pin = (struct pin){0};
}

void pins_forget(uint64_t owner)
{
    for (size_t i = 0; i < PINS_MAX; i++)
        if (pins[i].fd > 0 && pins[i].owner == owner)
            drop(&pins[i]);
}

static bool is_allowed(const struct pin *pin, const struct bpf_policy *policy)
{
    struct err err = {0};

    if (pin->host && !policy->host)
        return false;
    if (pin->shown.type == PIN_LINK)
        return policy_check_place(policy, pin->shown.key_bytes, pin->place, &err) == 0;
    return pin->shown.type < 64 && (policy->maps >> pin->shown.type & 1);
}

void pins_narrow(uint64_t owner, const struct bpf_policy *policy)
{
    for (size_t i = 0; i < PINS_MAX; i++)
        if (pins[i].fd > 0 && pins[i].owner == owner && !is_allowed(&pins[i], policy))
            drop(&pins[i]);
}

static int put(const struct pin_request *request, int *map_fd)
{
    uint64_t bytes = request->bytes;
    struct pin *room = NULL;
    size_t count = 0, used = 0;

    if (*map_fd < 0)
        return -EINVAL;
    if (find(request->owner, request->name))
        return -EEXIST;
    for (size_t i = 0; i < PINS_MAX; i++) {
        if (pins[i].fd <= 0) {
            room = room ? room : &pins[i];
            continue;
        }
        used++;
        if (pins[i].owner == request->owner) {
            count++;
            bytes += pins[i].bytes;
        }
    }
    if (!room || count >= quota_of_one(PINS_MAX, used, PINS_OF_ONE) || bytes > request->bytes_max)
        return -EDQUOT;
    *room = (struct pin){.fd = steal_fd(map_fd),
                         .flags = request->flags,
                         .frozen = request->frozen,
                         .host = request->host,
                         .owner = request->owner,
                         .bytes = request->bytes,
                         .shown = request->shown};
    memcpy(room->name, request->name, sizeof room->name);
    memcpy(room->place, request->place, sizeof room->place);
    return 0;
}

static int recount(struct pin *pin, const struct pin_request *request)
{
    uint64_t bytes = request->bytes;

    if (pin->shown.type != PIN_LINK)
        return -EINVAL;
    for (size_t i = 0; i < PINS_MAX; i++)
        if (pins[i].fd > 0 && pins[i].owner == pin->owner && &pins[i] != pin)
            bytes += pins[i].bytes;
    if (bytes > request->bytes_max)
        return -EDQUOT;
    pin->bytes = request->bytes;
    return 0;
}

void pins_serve(int socket)
{
    struct pin_request request;
    struct pin_answer answer = {0};
    int fds[FD_MESSAGE_MAX], map_fd = -1;
    size_t fd_count = 0;
    ssize_t n = fd_receive(socket, &request, sizeof request, fds, &fd_count, MSG_DONTWAIT);

    if (n != sizeof request || fd_count < 1 || fd_count > 2) {
        fd_close_all(fds, fd_count);
        return;
    }
    if (fd_count == 2)
        map_fd = fds[1];
    request.name[BROKER_NAME_MAX] = request.place[BROKER_TARGET_MAX] = '\0';
    struct pin *pin = find(request.owner, request.name);
    if (request.operation == PIN_PUT) {
        answer.error = put(&request, &map_fd);
    } else if (!pin) {
        answer.error = -ENOENT;
    } else if (request.operation == PIN_REMOVE) {
        drop(pin);
        pin = NULL;
    } else if (pin->host && !request.host) {
        /* Of an instance that has `host` still, while this one was started without. */
        answer.error = -EPERM;
        pin = NULL;
    } else if (request.operation == PIN_RECOUNT) {
        answer.bytes = pin->bytes;
        answer.error = recount(pin, &request);
    } else {
        pin->host |= request.host;
        answer.flags = pin->flags;
        answer.frozen = pin->frozen;
        answer.shown = pin->shown;
        memcpy(answer.place, pin->place, sizeof answer.place);
    }
    bool gives = request.operation == PIN_GET && pin;
    (void)fd_send(fds[0], &answer, sizeof answer, gives ? &pin->fd : NULL, gives);
    close(fds[0]);
    if (map_fd >= 0)
        close(map_fd);
}

/* ---- a session's side ---- */

static int ask(const struct session *session, struct pin_request *request, const char *name,
               int map_fd, struct pin_answer *answer, int *ret_fd)
{
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;

    request->owner = session->instance.owner;
    request->host = session->instance.policy.host;
    strncpy(request->name, name, BROKER_NAME_MAX);
    _cleanup_(closep) int ours = desk_ask(session->pins, request, sizeof *request, map_fd);
    if (ours < 0)
        return ours;
    ssize_t n = fd_receive(ours, answer, sizeof *answer, fds, &fd_count, 0);
    if (n != sizeof *answer || fd_count != (answer->error == 0 && ret_fd ? 1 : 0)) {
        fd_close_all(fds, fd_count);
        return -EIO;
    }
    if (fd_count)
        *ret_fd = fds[0];
    return answer->error;
}

int pin_get_link(const struct session *session, const char *name, struct object_map *ret_link,
                 char ret_place[static BROKER_TARGET_MAX + 1])
{
    struct pin_request request = {.operation = PIN_GET};
    struct pin_answer answer;
    int fd = -1, r = ask(session, &request, name, -1, &answer, &fd);

    if (r < 0)
        return r;
    *ret_link = (struct object_map){.fd = fd,
                                    .link = -1,
                                    .flags = answer.flags,
                                    .frozen = answer.frozen,
                                    .shown = answer.shown};
    memcpy(ret_place, answer.place, sizeof answer.place);
    return 0;
}

int pin_get(const struct session *session, const char *name, struct object_map *ret_map)
{
    char place[BROKER_TARGET_MAX + 1];

    return pin_get_link(session, name, ret_map, place);
}

int pin_put_link(const struct session *session, const char *name, const struct object_map *link,
                 const char *place, uint64_t bytes)
{
    struct pin_request request = {.operation = PIN_PUT,
                                  .flags = link->flags,
                                  .frozen = link->frozen,
                                  .bytes = bytes,
                                  .bytes_max = session->instance.policy.map_bytes,
                                  .shown = link->shown};
    struct pin_answer answer;

    snprintf(request.place, sizeof request.place, "%s", place);
    return ask(session, &request, name, link->fd, &answer, NULL);
}

/* Maps whose elements the kernel keeps with them. */
static bool holds_others(uint32_t type)
{
    return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS ||
           type == BPF_MAP_TYPE_PROG_ARRAY || type == BPF_MAP_TYPE_SOCKMAP ||
           type == BPF_MAP_TYPE_SOCKHASH;
}

int pin_put(const struct session *session, const char *name, const struct object_map *map,
            uint64_t bytes)
{
    if (holds_others(map->shown.type) && !session->instance.policy.host)
        return -EOPNOTSUPP;
    return pin_put_link(session, name, map, "", bytes);
}

int pin_recount(const struct session *session, const char *name, uint64_t bytes,
                uint64_t *ret_before)
{
    struct pin_request request = {.operation = PIN_RECOUNT,
                                  .bytes = bytes,
                                  .bytes_max =
                                      ret_before ? session->instance.policy.map_bytes : UINT64_MAX};
    struct pin_answer answer;
    int r = ask(session, &request, name, -1, &answer, NULL);

    if (r == 0 && ret_before)
        *ret_before = answer.bytes;
    return r;
}

int pin_remove(const struct session *session, const char *name)
{
    struct pin_request request = {.operation = PIN_REMOVE};
    struct pin_answer answer;

    return ask(session, &request, name, -1, &answer, NULL);
}
