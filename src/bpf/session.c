/* One instance's session: its requests, in order, until its socket ends. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
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
#include "bpf/kernel_types.h"

static _Alignas(8) uint8_t incoming[BROKER_REQUEST_MAX];
_Alignas(8) uint8_t session_outgoing[BROKER_DATA_MAX];

bool session_answer(const struct session *session, int error, const void *data, size_t bytes,
                    const int *fds, size_t fd_count)
{
    struct broker_answer answer = {.error = error, .bytes = (uint32_t)bytes};
    static uint8_t message[BROKER_ANSWER_MAX];

    memcpy(message, &answer, sizeof answer);
    if (bytes)
        memcpy(message + sizeof answer, data, bytes);
    return fd_send(session->socket, message, sizeof answer + bytes, fds, fd_count) == 0;
}

bool session_answer_error(const struct session *session, int error, const struct err *err)
{
    size_t length = err ? strlen(err->message) : 0;

    if (err && err->message[0])
        log_line(LOG_INFO, "eBPF of function '%s': %s", session->instance.function, err->message);
    return session_answer(session, error, err ? err->message : NULL,
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

bool session_answer_result(const struct session *session, int result, const struct err *err)
{
    return result < 0 ? session_answer_error(session, result, err)
                      : session_answer(session, 0, NULL, 0, NULL, 0);
}

struct object *session_object(const struct session *session, uint32_t number)
{
    return number < BROKER_OBJECTS_MAX ? session->objects[number] : NULL;
}

struct object_map *session_map(const struct session *session, uint32_t number, uint32_t map)
{
    const struct object *object = session_object(session, number);

    return object && map < object->guest_maps ? &object->maps[map] : NULL;
}

bool session_name(const uint8_t *text, uint32_t bytes, char name[static BROKER_NAME_MAX + 1])
{
    if (bytes == 0 || bytes > BROKER_NAME_MAX || memchr(text, '\0', bytes))
        return false;
    memcpy(name, text, bytes);
    name[bytes] = '\0';
    return true;
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

int session_load(const struct session *session, const uint8_t *bytes, size_t size,
                 struct object **ret_object, struct err *err)
{
    struct bpf_policy policy;
    struct image image;

    int r = image_open(bytes, size, &image, err);
    if (r < 0)
        return r;
    account_left(&session->instance.policy, &policy);
    r = policy_check_image(&policy, &image, err);
    if (r == 0)
        r = object_load(session, &image, NULL, ret_object, err);
    if (r == 0)
        r = account_open(*ret_object, image.header->map_count, policy_map_bytes(&image));
    return r;
}

static int make_object(struct session *session, int fd, uint32_t bytes, uint32_t settings_bytes,
                       struct object **ret_object, struct err *err)
{
    _cleanup_(freep) uint8_t *image_bytes = NULL;
    size_t size;

    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return err_set(err, -errno, "cannot load object");
    int r = fetch_image(session, fd, bytes, settings_bytes, &image_bytes, &size, err);
    return r == 0 ? session_load(session, image_bytes, size, ret_object, err) : r;
}

static bool answer_object(const struct session *session, uint32_t number,
                          const struct object *object)
{
    struct broker_object *answer = (void *)session_outgoing;
    size_t maps_bytes = object->guest_maps * sizeof answer->maps[0];
    size_t variables_bytes = object->variable_count * sizeof *object->variables;
    size_t fields_bytes = object->field_count * sizeof *object->fields;

    *answer = (struct broker_object){.object = number,
                                     .map_count = object->guest_maps,
                                     .variable_count = object->variable_count,
                                     .field_count = object->field_count};
    for (uint32_t i = 0; i < object->guest_maps; i++)
        answer->maps[i] = object->maps[i].shown;
    if (variables_bytes)
        memcpy(&answer->maps[object->guest_maps], object->variables, variables_bytes);
    if (fields_bytes)
        memcpy(session_outgoing + sizeof *answer + maps_bytes + variables_bytes, object->fields,
               fields_bytes);
    return session_answer(session, 0, answer,
                          sizeof *answer + maps_bytes + variables_bytes + fields_bytes, NULL, 0);
}
_Static_assert(sizeof(struct broker_object) + POLICY_MAPS_MAX * sizeof(struct broker_map) +
                       BROKER_VARIABLES_MAX * sizeof(struct broker_variable) +
                       BROKER_FIELDS_MAX * sizeof(struct broker_field) <=
                   BROKER_DATA_MAX,
               "an object's description is one answer");

static uint32_t free_number(const struct session *session, struct err *err)
{
    uint32_t number = 0;

    while (number < BROKER_OBJECTS_MAX && session->objects[number])
        number++;
    if (number == BROKER_OBJECTS_MAX)
        err_say(err, -EMFILE, "cannot load object: %u are loaded", number);
    return number;
}

bool session_take(struct session *session, int result, struct object *object, const struct err *err)
{
    struct err full = {0};
    uint32_t number = free_number(session, &full);

    if (result < 0) {
        object_free(object);
        return session_answer_error(session, result, err);
    }
    if (full.code) {
        object_free(object);
        return session_answer_error(session, full.code, &full);
    }
    session->objects[number] = object;
    return answer_object(session, number, object);
}

static bool serve_load(struct session *session, const struct request *request)
{
    uint64_t bytes = request->head.flags;
    uint32_t settings_bytes = request->head.first_bytes;
    _cleanup_(freep) uint8_t *settings = malloc(settings_bytes + 1);
    struct object *object = NULL;
    struct err err = {0};

    if (bytes == 0 || bytes > BROKER_OBJECT_MAX || !settings)
        return false; /* the instance's own run time has seen to that */
    memcpy(settings, request->first, settings_bytes); /* the next message takes its place */
    _cleanup_(closep) int fd = memfd_create("vireo-object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        err_set(&err, -errno, "cannot load object");
    (void)free_number(session, &err);
    if (!receive_object(session, (uint32_t)bytes, fd, &err))
        return false;
    int r = err.code;
    if (r == 0 && settings_bytes && fd_write_full(fd, settings, settings_bytes) < 0)
        r = err_set(&err, -errno, "cannot load object");
    if (r == 0)
        r = make_object(session, fd, (uint32_t)bytes, settings_bytes, &object, &err);
    return session_take(session, r, object, &err);
}

/* ---- the rest ---- */

static bool serve_close(struct session *session, const struct request *request)
{
    struct object *object = session_object(session, request->head.object);

    if (!object)
        return session_answer_error(session, -EBADF, NULL);
    bool at_once = request->head.flags & 1;
    bool said = !at_once || session_answer(session, 0, NULL, 0, NULL, 0);
    object_free(object);
    session->objects[request->head.object] = NULL;
    return at_once ? said : session_answer(session, 0, NULL, 0, NULL, 0);
}

static bool serve_attach(struct session *session, const struct request *request)
{
    struct object *object = session_object(session, request->head.object);
    char name[BROKER_NAME_MAX + 1] = "", target[BROKER_TARGET_MAX + 1] = "";
    struct err err = {0};

    if (!object)
        return session_answer_error(session, -EBADF, NULL);
    if (request->head.first_bytes >= sizeof name || request->head.second_bytes >= sizeof target)
        return session_answer_error(session, -ENAMETOOLONG, NULL);
    memcpy(name, request->first, request->head.first_bytes);
    memcpy(target, request->second, request->head.second_bytes);
    int r = object_attach(session, object, name, target, &err);
    return session_answer_result(session, r, &err);
}

static bool serve_map(struct session *session, const struct request *request)
{
    const struct broker_request *head = &request->head;
    struct object *object = session_object(session, head->object);
    uint32_t bytes = 0;

    /* Room for any map's value: what is larger can't be answered. */
    if (!object || head->map >= object->guest_maps)
        return session_answer_error(session, -EBADF, NULL);
    if (object->maps[head->map].shown.value_bytes > BROKER_DATA_MAX)
        return session_answer_error(session, -EMSGSIZE, NULL);
    memcpy(session_outgoing, request->second, head->second_bytes);
    int r = map_operate(object, head->map, head->command, head->flags, request->first,
                        head->first_bytes, session_outgoing, head->second_bytes, &bytes);
    return r < 0 ? session_answer_error(session, r, NULL)
                 : session_answer(session, 0, session_outgoing, bytes, NULL, 0);
}

/* What is pinned or shared has one reader among all sessions, whichever part it asks for; an array
 * has any number. */
static int lease(const struct session *session, struct object *object, uint32_t number)
{
    struct object_map *map = number < object->guest_maps ? &object->maps[number] : NULL;

    if (!map || !map->known || map->shown.type == BPF_MAP_TYPE_ARRAY)
        return 0;
    return map_lease(session, map);
}

static bool serve_buffer(struct session *session, const struct request *request)
{
    struct object *object = session_object(session, request->head.object);
    struct broker_buffer buffer;
    int fds[BROKER_BUFFERS_MAX];

    if (!object)
        return session_answer_error(session, -EBADF, NULL);
    session_trace(session, true); /* a perf event array's are a processor's */
    int r = lease(session, object, request->head.map);
    if (r == 0)
        r = map_buffer(object, request->head.map, request->head.flags, fds, &buffer);
    session_trace(session, false);
    buffer.events = session->instance.policy.events;
    return r < 0 ? session_answer_error(session, r, NULL)
                 : session_answer(session, 0, &buffer, sizeof buffer, fds, buffer.count);
}

static session_serve *const operations[BROKER_OPERATIONS] = {
    [BROKER_LOAD] = serve_load,
    [BROKER_CLOSE] = serve_close,
    [BROKER_ATTACH] = serve_attach,
    [BROKER_MAP] = serve_map,
    [BROKER_BUFFER] = serve_buffer,
    [BROKER_ITERATE] = serve_iterate,
    [BROKER_DETACH] = serve_detach,
    [BROKER_REPLACE] = serve_replace,
    [BROKER_BATCH] = serve_batch,
    [BROKER_STATISTICS] = serve_statistics,
    [BROKER_PIN] = serve_pin,
    [BROKER_UNPIN] = serve_unpin,
    [BROKER_OPEN] = serve_open,
    [BROKER_CREATE] = serve_create,
    [BROKER_PROGRAM] = serve_program,
    [BROKER_SHARE] = serve_share,
    [BROKER_JOIN] = serve_join,
    [BROKER_KEEP] = serve_keep,
    [BROKER_TAKE_OVER] = serve_take_over,
};

static bool serve(struct session *session, const struct request *request)
{
    uint32_t number = request->head.operation;

    return number < BROKER_OPERATIONS && operations[number] && operations[number](session, request);
}

/* A name that the kernel has not is allowed in vain. */
static void find_kfuncs(struct bpf_policy *policy)
{
    const struct btf *types = policy->kfunc_count > 0 ? kernel_types() : NULL;

    for (uint32_t i = 0; i < POLICY_KFUNCS_MAX; i++) {
        int id = types && i < policy->kfunc_count
                     ? btf__find_by_name_kind(types, policy->kfuncs[i], BTF_KIND_FUNC)
                     : 0;
        policy->kfunc_ids[i] = id > 0 ? (uint32_t)id : 0;
    }
}

_Noreturn void session_run(struct session *session)
{
    struct request request;

    find_kfuncs(&session->instance.policy);
    while (receive(session, &request) && serve(session, &request))
        ;
    /* The kernel closes what is open, and ends what hangs on it. */
    _exit(0);
}
