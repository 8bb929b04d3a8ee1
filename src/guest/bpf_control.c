/*
 * Module "vireo_bpf", what goes beyond wasm-bpf's six functions: settings before a load, programs
 * that are detached, replaced, counted and read, maps and programs that have no object. Checked as
 * those are (bpf.c); include/vireo/bpf.h says what each does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/bpf_internal.h"

#define BPF(name) Z_vireo_bpfZ_##name
#define SETTING_DATA_MAX 4096u
/* Of the guest's structures. */
#define NEW_MAP_BYTES 20u
#define INSTRUCTION_BYTES 8u
#define LOAD_64 0x18 /* BPF_LD | BPF_IMM | BPF_DW */
#define PSEUDO_MAP_FD 1
#define PSEUDO_MAP_VALUE 2

uint32_t BPF(set)(struct host *host, uint32_t kind, uint32_t name, uint32_t data, uint32_t bytes);
uint32_t BPF(iterate)(struct host *host, uint64_t handle, uint32_t name, uint32_t data,
                      uint32_t bytes, uint32_t anew);
uint32_t BPF(detach)(struct host *host, uint64_t handle, uint32_t name);
uint32_t BPF(replace)(struct host *host, uint64_t handle, uint32_t name, uint64_t other,
                      uint32_t other_name);
uint32_t BPF(statistics)(struct host *host, uint64_t handle, uint32_t name, uint32_t result);
uint32_t BPF(pin)(struct host *host, uint32_t fd, uint32_t name);
uint32_t BPF(unpin)(struct host *host, uint32_t name);
uint64_t BPF(open)(struct host *host, uint32_t name);
uint64_t BPF(create_map)(struct host *host, uint32_t name, uint32_t shape);
uint32_t BPF(keep)(struct host *host, uint64_t handle, uint32_t program, uint32_t name);
uint32_t BPF(take_over)(struct host *host, uint64_t handle, uint32_t program, uint32_t name);
uint32_t BPF(share)(struct host *host, uint64_t handle, uint32_t name);
uint64_t BPF(join)(struct host *host, uint32_t name);
uint64_t BPF(load_program)(struct host *host, uint32_t name, uint32_t section, uint32_t license,
                           uint32_t code, uint32_t count);

/* Of functions that give results as errors: those of the broker's are told to people, too. */
static int ask_told(struct host *host, struct broker_request *request, const void *first,
                    const void *second, uint32_t *ret_bytes)
{
    int r;

    *ret_bytes = 0;
    if (host->bpf_socket <= 0 || !bpf_state_of(host))
        return -EPERM;
    r = bpf_ask(host, request, first, second, ret_bytes, NULL, NULL);
    if (r < 0 && *ret_bytes)
        bpf_tell(host, bpf_answer(host), *ret_bytes);
    return r;
}

uint32_t BPF(set)(struct host *host, uint32_t kind, uint32_t name, uint32_t data, uint32_t bytes)
{
    struct broker_setting setting = {.kind = kind, .data_bytes = bytes};
    uint32_t name_bytes;
    const char *text = bpf_text(host, name, BROKER_NAME_MAX, &name_bytes);
    const void *from = host_memory(host, data, bytes);
    struct bpf_state *state = bpf_state_of(host);

    if (!text || !from)
        return (uint32_t)-EFAULT;
    if (kind < BROKER_SET_PROGRAM || kind > BROKER_SET_ENTRIES)
        return (uint32_t)-EINVAL;
    if (!state)
        return (uint32_t)-ENOMEM;
    if (bytes > SETTING_DATA_MAX ||
        state->settings_bytes + sizeof setting + bytes > BROKER_DATA_MAX)
        return (uint32_t)-E2BIG;
    uint8_t *grown = realloc(state->settings, state->settings_bytes + sizeof setting + bytes);
    if (!grown)
        return (uint32_t)-ENOMEM;
    memcpy(setting.name, text, name_bytes);
    state->settings = grown;
    memcpy(grown + state->settings_bytes, &setting, sizeof setting);
    memcpy(grown + state->settings_bytes + sizeof setting, from, bytes);
    state->settings_bytes += (uint32_t)sizeof setting + bytes;
    return 0;
}

/* ---- programs ---- */

/* A request that names an object and a program, or else, of it: 0, -EINVAL, -EFAULT. *ret_name is
 * in the guest. */
static int name_program(struct host *host, uint64_t handle, uint32_t name,
                        struct broker_request *request, const char **ret_name)
{
    const struct bpf_object *object = bpf_object_find(host, handle);

    *ret_name = bpf_text(host, name, BROKER_NAME_MAX, &request->first_bytes);
    if (!object)
        return -EINVAL;
    if (!*ret_name)
        return -EFAULT;
    request->object = bpf_object_number(host, object);
    return 0;
}

uint32_t BPF(iterate)(struct host *host, uint64_t handle, uint32_t name, uint32_t data,
                      uint32_t bytes, uint32_t anew)
{
    struct broker_request request = {.operation = BROKER_ITERATE, .flags = anew != 0};
    void *to = host_memory(host, data, bytes);
    uint32_t got = 0;
    const char *text;
    int r = name_program(host, handle, name, &request, &text);

    if (r < 0 || !to)
        return (uint32_t)(r < 0 ? r : -EFAULT);
    /* What is read is gone from there: it must all have room here. */
    if (bytes < BROKER_DATA_MAX)
        return (uint32_t)-EINVAL;
    r = bpf_ask(host, &request, text, NULL, &got, NULL, NULL);
    if (r < 0)
        return (uint32_t)r;
    if (got)
        memcpy(to, bpf_answer(host), got);
    return got;
}

uint32_t BPF(detach)(struct host *host, uint64_t handle, uint32_t name)
{
    struct broker_request request = {.operation = BROKER_DETACH};
    const char *text;
    uint32_t bytes;
    int r = name_program(host, handle, name, &request, &text);

    return (uint32_t)(r < 0 ? r : bpf_ask(host, &request, text, NULL, &bytes, NULL, NULL));
}

uint32_t BPF(replace)(struct host *host, uint64_t handle, uint32_t name, uint64_t other,
                      uint32_t other_name)
{
    struct broker_request request = {.operation = BROKER_REPLACE};
    struct broker_request second = {0};
    const char *text, *other_text;
    uint32_t bytes;
    int r = name_program(host, handle, name, &request, &text);

    if (r == 0)
        r = name_program(host, other, other_name, &second, &other_text);
    if (r < 0)
        return (uint32_t)r;
    request.map = second.object;
    request.second_bytes = second.first_bytes;
    return (uint32_t)bpf_ask(host, &request, text, other_text, &bytes, NULL, NULL);
}

/* A program of an object, and the name of a pin. */
static uint32_t ask_named(struct host *host, uint32_t operation, uint64_t handle, uint32_t program,
                          uint32_t name)
{
    struct broker_request request = {.operation = operation};
    const char *pin = bpf_text(host, name, BROKER_NAME_MAX, &request.second_bytes), *text;
    uint32_t bytes;
    int r = name_program(host, handle, program, &request, &text);

    if (r < 0 || !pin)
        return (uint32_t)(r < 0 ? r : -EFAULT);
    return (uint32_t)ask_told(host, &request, text, pin, &bytes);
}

uint32_t BPF(keep)(struct host *host, uint64_t handle, uint32_t program, uint32_t name)
{
    return ask_named(host, BROKER_KEEP, handle, program, name);
}

uint32_t BPF(take_over)(struct host *host, uint64_t handle, uint32_t program, uint32_t name)
{
    return ask_named(host, BROKER_TAKE_OVER, handle, program, name);
}

uint32_t BPF(statistics)(struct host *host, uint64_t handle, uint32_t name, uint32_t result)
{
    struct broker_request request = {.operation = BROKER_STATISTICS};
    void *to = host_memory(host, result, sizeof(struct broker_statistics));
    const char *text;
    uint32_t bytes;
    int r = name_program(host, handle, name, &request, &text);

    if (r < 0 || !to)
        return (uint32_t)(r < 0 ? r : -EFAULT);
    r = bpf_ask(host, &request, text, NULL, &bytes, NULL, NULL);
    if (r == 0 && bytes != sizeof(struct broker_statistics))
        r = -EIO;
    if (r == 0)
        memcpy(to, bpf_answer(host), bytes);
    return (uint32_t)r;
}

/* ---- what has no object ---- */

uint32_t BPF(pin)(struct host *host, uint32_t fd, uint32_t name)
{
    struct broker_request request = {.operation = BROKER_PIN};
    const char *text = bpf_text(host, name, BROKER_NAME_MAX, &request.first_bytes);
    struct bpf_object *object;
    const struct bpf_map *map = bpf_map_find(host, fd, NULL, &object);
    uint32_t bytes;

    if (!map || !text)
        return (uint32_t)(map ? -EFAULT : -EBADF);
    request.object = bpf_object_number(host, object);
    request.map = (uint32_t)(map - object->maps);
    return (uint32_t)bpf_ask(host, &request, text, NULL, &bytes, NULL, NULL);
}

uint32_t BPF(unpin)(struct host *host, uint32_t name)
{
    struct broker_request request = {.operation = BROKER_UNPIN};
    const char *text = bpf_text(host, name, BROKER_NAME_MAX, &request.first_bytes);
    uint32_t bytes;

    return (uint32_t)(text ? ask_told(host, &request, text, NULL, &bytes) : -EFAULT);
}

/* The handle of what was answered, 0 for an error. */
static uint64_t take(struct host *host, int result, uint32_t bytes)
{
    struct bpf_object *object;

    return result == 0 && bpf_object_take(host, bytes, &object) == 0 ? object->handle : 0;
}

/* What the broker has by a name: a pin, or an object that another shares. */
static uint64_t take_named(struct host *host, uint32_t operation, uint32_t name)
{
    struct broker_request request = {.operation = operation};
    const char *text = bpf_text(host, name, BROKER_NAME_MAX, &request.first_bytes);
    uint32_t bytes = 0;
    int r = text ? ask_told(host, &request, text, NULL, &bytes) : -EFAULT;

    return take(host, r, bytes);
}

uint64_t BPF(open)(struct host *host, uint32_t name)
{
    return take_named(host, BROKER_OPEN, name);
}

uint32_t BPF(share)(struct host *host, uint64_t handle, uint32_t name)
{
    struct broker_request request = {.operation = BROKER_SHARE};
    const char *text;
    uint32_t bytes;
    int r = name_program(host, handle, name, &request, &text);

    return (uint32_t)(r < 0 ? r : ask_told(host, &request, text, NULL, &bytes));
}

uint64_t BPF(join)(struct host *host, uint32_t name)
{
    return take_named(host, BROKER_JOIN, name);
}

uint64_t BPF(create_map)(struct host *host, uint32_t name, uint32_t shape)
{
    struct broker_request request = {.operation = BROKER_CREATE};
    struct broker_new_map wanted = {0};
    uint32_t name_bytes, bytes = 0, numbers[NEW_MAP_BYTES / 4];
    const char *text = bpf_text(host, name, BROKER_NAME_MAX, &name_bytes);
    const void *from = host_memory(host, shape, NEW_MAP_BYTES);

    if (!text || !from || name_bytes == 0)
        return 0;
    memcpy(numbers, from, sizeof numbers);
    memcpy(wanted.name, text, name_bytes);
    wanted.type = numbers[0];
    wanted.key_bytes = numbers[1];
    wanted.value_bytes = numbers[2];
    wanted.entries = numbers[3];
    wanted.flags = numbers[4];
    request.first_bytes = sizeof wanted;
    int r = ask_told(host, &request, &wanted, NULL, &bytes);
    return take(host, r, bytes);
}

/* Descriptors in the instructions become numbers of the program's list of maps. */
static int number_maps(struct host *host, uint8_t *code, uint32_t count,
                       struct broker_new_program *program)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *instruction = code + (size_t)i * INSTRUCTION_BYTES;
        uint32_t source = instruction[1] >> 4, number, fd;
        struct bpf_object *object;
        if (instruction[0] != LOAD_64)
            continue;
        i++; /* its second half */
        if (source != PSEUDO_MAP_FD && source != PSEUDO_MAP_VALUE)
            continue;
        memcpy(&fd, instruction + 4, sizeof fd);
        const struct bpf_map *map = bpf_map_find(host, fd, NULL, &object);
        if (!map)
            return -EBADF;
        uint32_t object_number = bpf_object_number(host, object);
        uint32_t map_number = (uint32_t)(map - object->maps);
        for (number = 0; number < program->map_count; number++)
            if (program->maps[number].object == object_number &&
                program->maps[number].map == map_number)
                break;
        if (number == BROKER_USED_MAPS_MAX)
            return -E2BIG;
        if (number == program->map_count) {
            program->maps[number].object = object_number;
            program->maps[number].map = map_number;
            program->map_count++;
        }
        memcpy(instruction + 4, &number, sizeof number);
    }
    return 0;
}

uint64_t BPF(load_program)(struct host *host, uint32_t name, uint32_t section, uint32_t license,
                           uint32_t code, uint32_t count)
{
    struct broker_request request = {.operation = BROKER_PROGRAM};
    struct broker_new_program wanted = {0};
    uint32_t lengths[3], bytes = 0;
    const char *texts[] = {bpf_text(host, name, BROKER_NAME_MAX, &lengths[0]),
                           bpf_text(host, section, BROKER_NAME_MAX, &lengths[1]),
                           bpf_text(host, license, BROKER_NAME_MAX, &lengths[2])};
    const void *from = host_memory(host, code, (uint64_t)count * INSTRUCTION_BYTES);

    if (!texts[0] || !texts[1] || !texts[2] || !from || count == 0 ||
        count > BROKER_DATA_MAX / INSTRUCTION_BYTES)
        return 0;
    memcpy(wanted.name, texts[0], lengths[0]);
    memcpy(wanted.section, texts[1], lengths[1]);
    memcpy(wanted.license, texts[2], lengths[2]);
    request.first_bytes = sizeof wanted;
    request.second_bytes = count * INSTRUCTION_BYTES;
    uint8_t *copy = malloc(request.second_bytes);
    if (!copy)
        return 0;
    memcpy(copy, from, request.second_bytes);
    int r = number_maps(host, copy, count, &wanted);
    if (r == 0)
        r = ask_told(host, &request, &wanted, copy, &bytes);
    free(copy);
    return take(host, r, bytes);
}
