/*
 * Module "wasm_bpf": its six functions, the seventh that newer modules have, and TinyGo's own form
 * of one. The programs are loaded by
 * vireo-broker, which is asked over a socket; there is no bpf(2) here. Results are negative errno;
 * a handle is 0 when there is no object. What the kernel or the policy says goes to the log.
 *
 * Handles and descriptors are this instance's own: the broker has never heard of another's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "guest/bpf_internal.h"
#include "guest/call.h"
#include "guest/wasi_internal.h"

#define BPF(name) Z_wasm_bpfZ_wasm_##name
#define FIRST_DESCRIPTOR 65536

/* Of map_operate, as of bpf(2). */
enum { COMMAND_LOOKUP = 1, COMMAND_UPDATE, COMMAND_DELETE, COMMAND_NEXT_KEY };

uint64_t BPF(load_bpf_object)(struct host *host, uint32_t at, uint32_t bytes);
uint32_t BPF(close_bpf_object)(struct host *host, uint64_t handle);
uint32_t BPF(attach_bpf_program)(struct host *host, uint64_t handle, uint32_t name,
                                 uint32_t target);
uint32_t BPF(attach_bpf_program_fd)(struct host *host, uint64_t handle, uint32_t name,
                                    uint32_t directory);
uint32_t BPF(bpf_map_fd_by_name)(struct host *host, uint64_t handle, uint32_t name);
uint32_t BPF(bpf_buffer_poll)(struct host *host, uint64_t handle, uint32_t fd, uint32_t function,
                              uint32_t context, uint32_t data, uint32_t data_max,
                              uint32_t timeout_ms);
uint32_t BPF(bpf_map_operate)(struct host *host, uint32_t fd, uint32_t command, uint32_t key,
                              uint32_t value, uint32_t next_key, uint64_t flags);
/* Its callback is the export "go-callback". */
uint32_t Z_callbackZ2DwrapperZ_wasm_bpf_buffer_poll(struct host *host, uint64_t handle, uint32_t fd,
                                                    uint32_t context, uint32_t data,
                                                    uint32_t data_max, uint32_t timeout_ms);
/* Without one, for languages whose functions have no C interface. */
uint32_t Z_vireo_bpfZ_take(struct host *host, uint64_t handle, uint32_t fd, uint32_t data,
                           uint32_t data_max, uint32_t timeout_ms);

static uint32_t refuse(int error)
{
    return (uint32_t)error; /* negative */
}

void bpf_tell(struct host *host, const char *text, uint32_t bytes)
{
    char line[BROKER_TEXT_MAX + 16];
    int n = snprintf(line, sizeof line, "wasm_bpf: %.*s\n", (int)bytes, text);

    if (n < 0 || (size_t)n >= sizeof line)
        n = (int)sizeof line - 1;
    if (host->wasi->options.real_stdio)
        (void)fd_write_full(2, line, (size_t)n);
    else if (host->call)
        call_log(host->call, line, (size_t)n);
}

int bpf_ask(struct host *host, struct broker_request *request, const void *first,
            const void *second, uint32_t *ret_bytes, int *ret_fds, size_t *ret_fd_count)
{
    struct bpf_state *state = host->bpf_state;
    struct broker_answer answer;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    ssize_t n;

    request->version = BROKER_VERSION;
    struct iovec out[] = {{request, sizeof *request},
                          {(void *)(uintptr_t)first, request->first_bytes},
                          {(void *)(uintptr_t)second, request->second_bytes}};
    do
        n = writev(host->bpf_socket, out, 3);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EPIPE ? -EIO : -errno;
    if (!ret_bytes)
        return 0; /* more follows */
    do
        n = fd_receive(host->bpf_socket, state->answer, sizeof state->answer, fds, &fd_count, 0);
    while (n == -EINTR);
    if (n < (ssize_t)sizeof answer) {
        fd_close_all(fds, fd_count);
        return -EIO; /* it is gone */
    }
    memcpy(&answer, state->answer, sizeof answer);
    *ret_bytes = answer.bytes;
    if ((size_t)n != sizeof answer + answer.bytes || answer.error > 0 || (fd_count && !ret_fds)) {
        fd_close_all(fds, fd_count);
        return -EIO;
    }
    if (ret_fds) {
        memcpy(ret_fds, fds, fd_count * sizeof *fds);
        *ret_fd_count = fd_count;
    }
    return answer.error;
}

const void *bpf_answer(const struct host *host)
{
    const struct bpf_state *state = host->bpf_state;

    return state->answer + sizeof(struct broker_answer);
}

struct bpf_state *bpf_state_of(struct host *host)
{
    if (!host->bpf_state)
        host->bpf_state = calloc(1, sizeof(struct bpf_state));
    return host->bpf_state;
}

/* ---- objects ---- */

struct bpf_object *bpf_object_find(struct host *host, uint64_t handle)
{
    struct bpf_state *state = host->bpf_state;

    for (size_t i = 0; state && handle && i < BROKER_OBJECTS_MAX; i++)
        if (state->objects[i].handle == handle)
            return &state->objects[i];
    return NULL;
}

uint32_t bpf_object_number(const struct host *host, const struct bpf_object *object)
{
    return (uint32_t)(object - ((struct bpf_state *)host->bpf_state)->objects);
}

static void object_clear(struct bpf_object *object)
{
    for (uint32_t i = 0; i < object->map_count; i++)
        bpf_buffer_free(object->maps[i].buffer);
    free(object->variables);
    free(object->fields);
    free(object->maps);
    *object = (struct bpf_object){0};
}

/* Its samples are shown, on standard output: what the guest prints goes to standard error instead.
 * Without memory for that they are not. */
static void take_fields(struct host *host, struct bpf_object *object,
                        const struct broker_object *answer)
{
    const uint8_t *from = (const uint8_t *)&answer->maps[answer->map_count] +
                          answer->variable_count * sizeof *object->variables;
    struct wasi_fd *output = wasi_fd_any(host, 1);

    object->fields = calloc(answer->field_count, sizeof *object->fields);
    if (!object->fields)
        return;
    memcpy(object->fields, from, answer->field_count * sizeof *object->fields);
    object->field_count = answer->field_count;
    if (output && output->kind == WASI_STREAM)
        output->fd = 2;
}

int bpf_object_take(struct host *host, uint32_t bytes, struct bpf_object **ret_object)
{
    struct bpf_state *state = host->bpf_state;
    const struct broker_object *answer = bpf_answer(host);

    if (bytes < sizeof *answer || answer->object >= BROKER_OBJECTS_MAX ||
        answer->map_count > BROKER_MAPS_MAX || answer->variable_count > BROKER_VARIABLES_MAX ||
        answer->field_count > BROKER_FIELDS_MAX ||
        bytes != sizeof *answer + answer->map_count * sizeof answer->maps[0] +
                     answer->variable_count * sizeof(struct broker_variable) +
                     answer->field_count * sizeof(struct broker_field) ||
        state->objects[answer->object].handle)
        return -EIO;
    struct bpf_object *object = &state->objects[answer->object];
    struct bpf_object made = {.map_count = answer->map_count,
                              .variable_count = answer->variable_count,
                              .variables =
                                  calloc(answer->variable_count + 1, sizeof *made.variables),
                              .maps = calloc(answer->map_count + 1, sizeof *made.maps)};
    if (!made.maps || !made.variables) {
        free(made.maps);
        free(made.variables);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < answer->map_count; i++) {
        made.maps[i].shown = answer->maps[i];
        made.maps[i].shown.name[BROKER_NAME_MAX] = '\0';
    }
    memcpy(made.variables, &answer->maps[answer->map_count],
           answer->variable_count * sizeof *made.variables);
    for (uint32_t i = 0; i < made.variable_count; i++)
        made.variables[i].name[BROKER_NAME_MAX] = '\0';
    /* Positive as a signed number too: guests take it for a pointer, and look at its sign. */
    do {
        if (getrandom(&made.handle, sizeof made.handle, 0) != sizeof made.handle) {
            free(made.maps);
            free(made.variables);
            return -EIO;
        }
        made.handle &= INT64_MAX;
    } while (!made.handle || bpf_object_find(host, made.handle));
    if (answer->field_count)
        take_fields(host, &made, answer);
    *object = made;
    *ret_object = object;
    return 0;
}

static int load(struct host *host, const uint8_t *object, uint32_t bytes, uint32_t *ret_bytes)
{
    struct bpf_state *state = host->bpf_state;
    struct broker_request request = {
        .operation = BROKER_LOAD, .flags = bytes, .first_bytes = state->settings_bytes};
    int r = bpf_ask(host, &request, state->settings, NULL, NULL, NULL, NULL);

    /* They were for this one. */
    free(state->settings);
    state->settings = NULL;
    state->settings_bytes = 0;

    for (uint32_t at = 0; at < bytes && r == 0; at += request.first_bytes) {
        uint32_t left = bytes - at;
        request = (struct broker_request){.operation = BROKER_CHUNK,
                                          .first_bytes =
                                              left < BROKER_CHUNK_MAX ? left : BROKER_CHUNK_MAX};
        bool last = request.first_bytes == left;
        r = bpf_ask(host, &request, object + at, NULL, last ? ret_bytes : NULL, NULL, NULL);
    }
    return r;
}

uint64_t BPF(load_bpf_object)(struct host *host, uint32_t at, uint32_t bytes)
{
    const void *object_at = host_memory(host, at, bytes);
    struct bpf_object *object;
    uint32_t answer_bytes = 0;
    static const char no_grant[] = "cannot load object: the function has no grant bpf";
    static const char no_object[] = "cannot load object: it is not in memory, or too large";

    if (host->bpf_socket <= 0) {
        bpf_tell(host, no_grant, sizeof no_grant - 1);
        return 0;
    }
    if (!object_at || bytes == 0 || bytes > BROKER_OBJECT_MAX) {
        bpf_tell(host, no_object, sizeof no_object - 1);
        return 0;
    }
    if (!bpf_state_of(host))
        return 0;
    int r = load(host, object_at, bytes, &answer_bytes);
    if (r == 0)
        r = bpf_object_take(host, answer_bytes, &object);
    else if (answer_bytes)
        bpf_tell(host, bpf_answer(host), answer_bytes);
    return r == 0 ? object->handle : 0;
}

/* `soon`: without waiting for the kernel. The broker reads no other request before it is done. */
static int object_close(struct host *host, struct bpf_object *object, bool soon)
{
    struct broker_request request = {
        .operation = BROKER_CLOSE, .object = bpf_object_number(host, object), .flags = soon};
    uint32_t bytes;

    /* The buffers hold its maps: they go first. */
    object_clear(object);
    return bpf_ask(host, &request, NULL, NULL, &bytes, NULL, NULL);
}

uint32_t BPF(close_bpf_object)(struct host *host, uint64_t handle)
{
    struct bpf_object *object = bpf_object_find(host, handle);

    return object ? refuse(object_close(host, object, false)) : refuse(-EINVAL);
}

void bpf_reset(struct host *host)
{
    struct bpf_state *state = host->bpf_state;

    for (size_t i = 0; state && i < BROKER_OBJECTS_MAX; i++)
        if (state->objects[i].handle)
            object_close(host, &state->objects[i], true);
}

const char *bpf_text(const struct host *host, uint32_t at, size_t max, uint32_t *ret_bytes)
{
    const char *text = host_memory(host, at, 1);

    if (!text)
        return NULL;
    size_t room = host->memory->size - at;
    size_t length = strnlen(text, room < max + 1 ? room : max + 1);
    *ret_bytes = (uint32_t)length;
    return length < room && length <= max ? text : NULL;
}

/* `target` is in the guest's memory or here; NULL: it is outside. */
static uint32_t attach(struct host *host, uint64_t handle, uint32_t name, const char *target,
                       uint32_t target_bytes)
{
    struct bpf_object *object = bpf_object_find(host, handle);
    struct broker_request request = {.operation = BROKER_ATTACH, .second_bytes = target_bytes};
    const char *name_at = bpf_text(host, name, BROKER_NAME_MAX, &request.first_bytes);
    uint32_t bytes = 0;

    if (!object)
        return refuse(-EINVAL);
    if (!name_at || !target)
        return refuse(-EFAULT);
    request.object = bpf_object_number(host, object);
    int r = bpf_ask(host, &request, name_at, target, &bytes, NULL, NULL);
    if (r < 0 && bytes)
        bpf_tell(host, bpf_answer(host), bytes);
    return refuse(r);
}

uint32_t BPF(attach_bpf_program)(struct host *host, uint64_t handle, uint32_t name, uint32_t target)
{
    uint32_t bytes = 0;
    /* NULL is none. */
    const char *target_at = target ? bpf_text(host, target, BROKER_TARGET_MAX, &bytes) : "";

    return attach(host, handle, name, target_at, bytes);
}

/* The target is a directory that the guest was given, and means what its name would; a negative
 * descriptor is none. */
uint32_t BPF(attach_bpf_program_fd)(struct host *host, uint64_t handle, uint32_t name,
                                    uint32_t directory)
{
    const struct wasi_fd *entry = (int32_t)directory < 0 ? NULL : wasi_fd_any(host, directory);
    const char *target = entry && entry->preopen ? entry->preopen : "";

    if ((int32_t)directory >= 0 && !*target)
        return refuse(-EBADF);
    if (strlen(target) > BROKER_TARGET_MAX)
        return refuse(-ENAMETOOLONG);
    return attach(host, handle, name, target, (uint32_t)strlen(target));
}

/* ---- maps ---- */

int32_t bpf_map_descriptor(struct host *host, struct bpf_map *map)
{
    struct bpf_state *state = host->bpf_state;

    if (!map->descriptor && state->next_descriptor == INT32_MAX - FIRST_DESCRIPTOR)
        return -EMFILE;
    if (!map->descriptor)
        map->descriptor = FIRST_DESCRIPTOR + state->next_descriptor++;
    return map->descriptor;
}

uint32_t BPF(bpf_map_fd_by_name)(struct host *host, uint64_t handle, uint32_t name)
{
    struct bpf_object *object = bpf_object_find(host, handle);
    uint32_t bytes;
    const char *wanted = bpf_text(host, name, BROKER_NAME_MAX, &bytes);

    if (!object)
        return refuse(-EINVAL);
    if (!wanted)
        return refuse(-EFAULT);
    for (uint32_t i = 0; i < object->map_count; i++)
        if (strcmp(object->maps[i].shown.name, wanted) == 0)
            return refuse(bpf_map_descriptor(host, &object->maps[i]));
    return refuse(-ENOENT);
}

struct bpf_map *bpf_map_find(struct host *host, uint32_t fd, struct bpf_object *only,
                             struct bpf_object **ret_object)
{
    struct bpf_state *state = host->bpf_state;

    for (size_t i = 0; state && fd && i < BROKER_OBJECTS_MAX; i++) {
        struct bpf_object *object = &state->objects[i];
        for (uint32_t j = 0; j < object->map_count && (!only || only == object); j++)
            if (object->maps[j].descriptor == (int32_t)fd) {
                *ret_object = object;
                return &object->maps[j];
            }
    }
    return NULL;
}

/* A value that is a descriptor becomes the number of that map, in the same object. */
static int value_descriptor(struct host *host, struct bpf_object *object, const void *value,
                            uint32_t *ret_number)
{
    struct bpf_object *found;
    uint32_t fd;

    memcpy(&fd, value, sizeof fd);
    const struct bpf_map *map = bpf_map_find(host, fd, object, &found);
    if (!map)
        return -EBADF;
    *ret_number = (uint32_t)(map - object->maps);
    return 0;
}

static int operate(struct host *host, struct bpf_object *object, const struct bpf_map *map,
                   struct broker_request *request, const void *key, const void *value, void *result,
                   uint32_t result_bytes)
{
    bool of_maps = map->shown.type == MAP_ARRAY_OF_MAPS || map->shown.type == MAP_HASH_OF_MAPS;
    uint32_t bytes = 0, number;

    request->operation = BROKER_MAP;
    request->object = bpf_object_number(host, object);
    request->map = (uint32_t)(map - object->maps);
    if (of_maps && value) {
        int r = map->shown.value_bytes == sizeof number
                    ? value_descriptor(host, object, value, &number)
                    : -EINVAL;
        if (r < 0)
            return r;
        value = &number;
    }
    int r = bpf_ask(host, request, key, value, &bytes, NULL, NULL);
    if (r < 0)
        return r;
    if (bytes != result_bytes)
        return -EIO;
    if (bytes)
        memcpy(result, bpf_answer(host), bytes);
    return 0;
}

uint32_t BPF(bpf_map_operate)(struct host *host, uint32_t fd, uint32_t command, uint32_t key,
                              uint32_t value, uint32_t next_key, uint64_t flags)
{
    struct bpf_object *object;
    const struct bpf_map *map = bpf_map_find(host, fd, NULL, &object);
    struct broker_request request = {.command = command, .flags = flags};

    if (!map)
        return refuse(-EBADF);
    const struct broker_map *shown = &map->shown;
    void *key_at = host_memory(host, key, shown->key_bytes);
    void *value_at = host_memory(host, value, shown->value_bytes);
    void *next_at = host_memory(host, next_key, shown->key_bytes);
    /* No key: the first one is asked for. */
    bool first = command == COMMAND_NEXT_KEY && key == 0;
    bool reads_value = command == COMMAND_LOOKUP, writes_value = command == COMMAND_UPDATE;
    bool moves = command == COMMAND_NEXT_KEY;

    if (command < COMMAND_LOOKUP || command > COMMAND_NEXT_KEY)
        return refuse(-EINVAL);
    if ((!first && !key_at) || ((reads_value || writes_value) && !value_at) || (moves && !next_at))
        return refuse(-EFAULT);
    if (shown->value_bytes > BROKER_DATA_MAX)
        return refuse(-EMSGSIZE);
    request.first_bytes = first ? 0 : shown->key_bytes;
    request.second_bytes = writes_value ? shown->value_bytes : 0;
    return refuse(operate(host, object, map, &request, key_at, writes_value ? value_at : NULL,
                          reads_value ? value_at : next_at,
                          reads_value ? shown->value_bytes
                          : moves     ? shown->key_bytes
                                      : 0));
}

/* ---- samples ---- */

static uint32_t poll_map(const struct bpf_callback *callback, uint32_t fd, int32_t timeout_ms)
{
    struct host *host = callback->host;
    struct bpf_object *object = bpf_object_find(host, callback->handle), *found;
    struct bpf_map *map = object ? bpf_map_find(host, fd, object, &found) : NULL;

    if (!object)
        return refuse(-EINVAL);
    if (!map)
        return refuse(-EBADF);
    if (!host_memory(host, callback->data, callback->data_max))
        return refuse(-EFAULT);
    if (map->shown.type != MAP_RINGBUF && map->shown.type != MAP_PERF_EVENT_ARRAY)
        return refuse(-EINVAL);
    if (!map->buffer) {
        int r = bpf_buffer_open(host, bpf_object_number(host, object),
                                (uint32_t)(map - object->maps), &map->buffer);
        if (r < 0)
            return refuse(r);
    }
    struct bpf_callback shown = *callback;
    shown.map = map->shown.name;
    shown.shown = object->field_count ? shown.map : NULL;
    return refuse(bpf_buffer_poll(&map->buffer, &shown, timeout_ms));
}

uint32_t BPF(bpf_buffer_poll)(struct host *host, uint64_t handle, uint32_t fd, uint32_t function,
                              uint32_t context, uint32_t data, uint32_t data_max,
                              uint32_t timeout_ms)
{
    const struct bpf_callback callback = {.host = host,
                                          .handle = handle,
                                          .function =
                                              function == UINT32_MAX ? UINT32_MAX - 1 : function,
                                          .context = context,
                                          .data = data,
                                          .data_max = data_max,
                                          .caller = (uintptr_t)__builtin_return_address(0) - 1};

    return poll_map(&callback, fd, (int32_t)timeout_ms);
}

uint32_t Z_callbackZ2DwrapperZ_wasm_bpf_buffer_poll(struct host *host, uint64_t handle, uint32_t fd,
                                                    uint32_t context, uint32_t data,
                                                    uint32_t data_max, uint32_t timeout_ms)
{
    const struct bpf_callback callback = {.host = host,
                                          .handle = handle,
                                          .function = UINT32_MAX,
                                          .context = context,
                                          .data = data,
                                          .data_max = data_max,
                                          .caller = (uintptr_t)__builtin_return_address(0) - 1};

    return poll_map(&callback, fd, (int32_t)timeout_ms);
}

uint32_t Z_vireo_bpfZ_take(struct host *host, uint64_t handle, uint32_t fd, uint32_t data,
                           uint32_t data_max, uint32_t timeout_ms)
{
    const struct bpf_callback callback = {.host = host,
                                          .handle = handle,
                                          .takes_one = true,
                                          .data = data,
                                          .data_max = data_max > INT32_MAX ? INT32_MAX : data_max};

    if (data_max == 0)
        return refuse(-EINVAL);
    return poll_map(&callback, fd, (int32_t)timeout_ms);
}
