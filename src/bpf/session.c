/* One instance's session: its requests, in order, until its socket ends. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "bpf/broker_internal.h"

/* A request, and where its two parts are. */
struct request {
    struct broker_request head;
    const uint8_t *first, *second;
};

static _Alignas(8) uint8_t incoming[BROKER_REQUEST_MAX];
static _Alignas(8) uint8_t outgoing[BROKER_DATA_MAX];

static bool answer_with(const struct session *session, int error, const void *data, size_t bytes,
                        const int *fds, size_t fd_count)
{
    struct broker_answer answer = {.error = error, .bytes = (uint32_t)bytes};
    static uint8_t message[BROKER_ANSWER_MAX];

    memcpy(message, &answer, sizeof answer);
    if (bytes)
        memcpy(message + sizeof answer, data, bytes);
    return fd_send(session->socket, message, sizeof answer + bytes, fds, fd_count) == 0;
}

static bool answer_error(const struct session *session, int error, const struct err *err)
{
    size_t length = err ? strlen(err->message) : 0;

    if (err && err->message[0])
        log_line(LOG_INFO, "eBPF of function '%s': %s", session->instance.function, err->message);
    return answer_with(session, error, err ? err->message : NULL,
                       length < BROKER_TEXT_MAX ? length : BROKER_TEXT_MAX, NULL, 0);
}

/* The next request; false at the end, or when it is none. */
static bool receive(const struct session *session, struct request *request)
{
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    ssize_t n;

    do
        n = fd_receive(session->socket, incoming, sizeof incoming, fds, &fd_count, 0);
    while (n == -EINTR);
    fd_close_all(fds, fd_count);
    if (n < (ssize_t)sizeof request->head || fd_count > 0)
        return false;
    memcpy(&request->head, incoming, sizeof request->head);
    const struct broker_request *head = &request->head;
    if (head->version != BROKER_VERSION || head->first_bytes > BROKER_DATA_MAX ||
        head->second_bytes > BROKER_DATA_MAX ||
        (size_t)n != sizeof *head + head->first_bytes + head->second_bytes)
        return false;
    request->first = incoming + sizeof *head;
    request->second = request->first + head->first_bytes;
    return true;
}

static struct object *object_of(struct session *session, uint32_t number)
{
    return number < BROKER_OBJECTS_MAX ? session->objects[number] : NULL;
}

/* ---- loading ---- */

/* The object's bytes, in a memfd of their own; false when the instance does not keep to it. */
static bool receive_object(struct session *session, uint32_t bytes, int fd, struct err *err)
{
    uint32_t received = 0;

    while (received < bytes) {
        struct request request;
        if (!receive(session, &request) || request.head.operation != BROKER_CHUNK ||
            request.head.first_bytes == 0 || request.head.first_bytes > bytes - received)
            return false;
        if (!err->code && fd_write_full(fd, request.first, request.head.first_bytes) < 0)
            err_set(err, -errno, "cannot load object");
        received += request.head.first_bytes;
    }
    return true;
}

/* The policy, less what the instance's other objects have. */
static void what_is_left(const struct session *session, struct bpf_policy *policy)
{
    *policy = session->instance.policy;
    for (size_t i = 0; i < BROKER_OBJECTS_MAX; i++) {
        const struct object *object = session->objects[i];
        if (!object)
            continue;
        policy->map_bytes -= object->map_bytes;
        policy->map_count -= object->map_count;
        policy->program_count -= object->program_count;
    }
}

static int make_object(struct session *session, int fd, uint32_t bytes, struct object **ret_object,
                       struct err *err)
{
    _cleanup_(freep) uint8_t *image_bytes = NULL;
    struct bpf_policy policy;
    struct image image;
    size_t size;

    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return err_set(err, -errno, "cannot load object");
    int r = fetch_image(fd, bytes, &image_bytes, &size, err);
    if (r == 0)
        r = image_open(image_bytes, size, &image, err);
    what_is_left(session, &policy);
    if (r == 0)
        r = policy_check_image(&policy, &image, err);
    if (r == 0)
        r = object_load(session, &image, ret_object, err);
    if (r == 0)
        (*ret_object)->map_bytes = policy_map_bytes(&image);
    return r;
}

static bool answer_object(const struct session *session, uint32_t number,
                          const struct object *object)
{
    struct broker_object *answer = (void *)outgoing;
    size_t bytes = sizeof *answer + object->guest_maps * sizeof answer->maps[0];

    *answer = (struct broker_object){.object = number, .map_count = object->guest_maps};
    for (uint32_t i = 0; i < object->guest_maps; i++)
        answer->maps[i] = object->maps[i].shown;
    return answer_with(session, 0, answer, bytes, NULL, 0);
}

static bool serve_load(struct session *session, const struct request *request)
{
    uint64_t bytes = request->head.flags;
    struct err err = {0};
    uint32_t number = 0;

    while (number < BROKER_OBJECTS_MAX && session->objects[number])
        number++;
    if (bytes == 0 || bytes > BROKER_OBJECT_MAX)
        return false; /* the instance's own run time has seen to that */
    _cleanup_(closep) int fd = memfd_create("vireo-object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        err_set(&err, -errno, "cannot load object");
    if (number == BROKER_OBJECTS_MAX)
        err_say(&err, -EMFILE, "cannot load object: %u are loaded", number);
    if (!receive_object(session, (uint32_t)bytes, fd, &err))
        return false;
    int r = err.code;
    if (r == 0)
        r = make_object(session, fd, (uint32_t)bytes, &session->objects[number], &err);
    return r < 0 ? answer_error(session, r, &err)
                 : answer_object(session, number, session->objects[number]);
}

/* ---- the rest ---- */

static bool serve_close(struct session *session, const struct request *request)
{
    struct object *object = object_of(session, request->head.object);

    if (!object)
        return answer_error(session, -EBADF, NULL);
    bool at_once = request->head.flags & 1;
    bool said = !at_once || answer_with(session, 0, NULL, 0, NULL, 0);
    object_free(object);
    session->objects[request->head.object] = NULL;
    return at_once ? said : answer_with(session, 0, NULL, 0, NULL, 0);
}

static bool serve_attach(struct session *session, const struct request *request)
{
    struct object *object = object_of(session, request->head.object);
    char name[BROKER_NAME_MAX + 1] = "", target[BROKER_TARGET_MAX + 1] = "";
    struct err err = {0};

    if (!object)
        return answer_error(session, -EBADF, NULL);
    if (request->head.first_bytes >= sizeof name || request->head.second_bytes >= sizeof target)
        return answer_error(session, -ENAMETOOLONG, NULL);
    memcpy(name, request->first, request->head.first_bytes);
    memcpy(target, request->second, request->head.second_bytes);
    int r = object_attach(session, object, name, target, &err);
    return r < 0 ? answer_error(session, r, &err) : answer_with(session, 0, NULL, 0, NULL, 0);
}

static bool serve_map(struct session *session, const struct request *request)
{
    const struct broker_request *head = &request->head;
    struct object *object = object_of(session, head->object);
    uint32_t bytes = 0;

    /* Room for any map's value: what is larger can't be answered. */
    if (!object || head->map >= object->guest_maps)
        return answer_error(session, -EBADF, NULL);
    if (object->maps[head->map].shown.value_bytes > BROKER_DATA_MAX)
        return answer_error(session, -EMSGSIZE, NULL);
    memcpy(outgoing, request->second, head->second_bytes);
    int r = map_operate(object, head->map, head->command, head->flags, request->first,
                        head->first_bytes, outgoing, head->second_bytes, &bytes);
    return r < 0 ? answer_error(session, r, NULL)
                 : answer_with(session, 0, outgoing, bytes, NULL, 0);
}

static bool serve_buffer(struct session *session, const struct request *request)
{
    struct object *object = object_of(session, request->head.object);
    struct broker_buffer buffer;
    int fds[BROKER_BUFFERS_MAX];

    if (!object)
        return answer_error(session, -EBADF, NULL);
    int r = map_buffer(object, request->head.map, request->head.flags, fds, &buffer);
    return r < 0 ? answer_error(session, r, NULL)
                 : answer_with(session, 0, &buffer, sizeof buffer, fds, buffer.count);
}

static bool serve(struct session *session, const struct request *request)
{
    switch (request->head.operation) {
    case BROKER_LOAD:
        return serve_load(session, request);
    case BROKER_CLOSE:
        return serve_close(session, request);
    case BROKER_ATTACH:
        return serve_attach(session, request);
    case BROKER_MAP:
        return serve_map(session, request);
    case BROKER_BUFFER:
        return serve_buffer(session, request);
    default:
        return false;
    }
}

_Noreturn void session_run(struct session *session)
{
    struct request request;

    while (receive(session, &request) && serve(session, &request))
        ;
    /* The kernel closes what is open, and ends what hangs on it. */
    _exit(0);
}
