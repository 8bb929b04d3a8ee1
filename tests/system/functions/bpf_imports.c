/*
 * What wasm-bpf's modules import, by the bare types, without a header of ours: with MODULE as its
 * later headers name them, without it as its first ones did (the compiler's module "env"). Every
 * result is looked at; the exit status is the line of the first that is another.
 */
#include <stdint.h>
#include <time.h>

#include "object.h" /* xxd -i: `object`, `object_len` */

#ifdef MODULE
#define IMPORT(name) __attribute__((import_module(MODULE), import_name(#name)))
#else
#define IMPORT(name)
#endif

#define OUTSIDE 0xfffffff0u

IMPORT(wasm_load_bpf_object) uint64_t wasm_load_bpf_object(const void *object, int bytes);
IMPORT(wasm_close_bpf_object) int wasm_close_bpf_object(uint64_t object);
IMPORT(wasm_attach_bpf_program)
int wasm_attach_bpf_program(uint64_t object, const char *name, const char *target);
IMPORT(wasm_bpf_map_fd_by_name) int wasm_bpf_map_fd_by_name(uint64_t object, const char *name);
IMPORT(wasm_bpf_buffer_poll)
int wasm_bpf_buffer_poll(uint64_t object, int fd, int32_t function, uint32_t context, char *data,
                         int bytes, int timeout_ms);
IMPORT(wasm_bpf_map_operate)
int wasm_bpf_map_operate(int fd, int command, void *key, void *value, void *next, uint64_t flags);

#define IS(call, wanted)                            \
    do {                                            \
        if ((long long)(call) != (wanted))          \
            return __LINE__ > 255 ? 255 : __LINE__; \
    } while (0)

static char data[64];
static int samples, wrong;

static int on_sample(void *context, void *sample, uint32_t bytes)
{
    wrong |= context != (void *)77 || sample != data || bytes != 8 ||
             *(uint64_t *)sample != 0x1122334455667788;
    samples++;
    return 0;
}

int main(void)
{
    struct timespec moment = {.tv_nsec = 1000000};
    uint32_t first = 1, second = 2, third = 3, next = 0;
    uint64_t value = 4711, read = 0;

    IS(wasm_load_bpf_object(object, 0), 0);
    IS(wasm_load_bpf_object(object, -1), 0);
    IS(wasm_load_bpf_object("not an object", 13), 0);
    IS(wasm_load_bpf_object((void *)OUTSIDE, 64), 0);
    uint64_t handle = wasm_load_bpf_object(object, (int)object_len);
    IS(handle > 0 && handle <= INT64_MAX, 1);

    IS(wasm_bpf_map_fd_by_name(handle, "none"), -2);
    IS(wasm_bpf_map_fd_by_name(handle + 1, "events"), -22);
    IS(wasm_bpf_map_fd_by_name(handle, (char *)OUTSIDE), -14);
    int events = wasm_bpf_map_fd_by_name(handle, "events");
    int numbers = wasm_bpf_map_fd_by_name(handle, "numbers");
    IS(events > 2 && numbers > 2 && events != numbers, 1);
    IS(wasm_bpf_map_fd_by_name(handle, "events"), events);

    IS(wasm_attach_bpf_program(handle, "nobody", 0), -2);
    IS(wasm_attach_bpf_program(0, "on_sleep", 0), -22);
    IS(wasm_attach_bpf_program(handle, (char *)OUTSIDE, 0), -14);
    IS(wasm_attach_bpf_program(handle, "on_sleep", 0), 0);
    IS(wasm_attach_bpf_program(handle, "on_sleep", ""), -16);

    int32_t function = (int32_t)(uintptr_t)on_sample;
    IS(wasm_bpf_buffer_poll(handle, events, function, 77, data, sizeof data, 0), 0);
    for (int i = 0; i < 3; i++)
        nanosleep(&moment, 0);
    IS(wasm_bpf_buffer_poll(handle, events, function, 77, data, sizeof data, 1000), 3);
    IS(samples, 3);
    IS(wrong, 0);
    IS(wasm_bpf_buffer_poll(handle, numbers, function, 77, data, sizeof data, 0), -22);
    IS(wasm_bpf_buffer_poll(handle, 1, function, 77, data, sizeof data, 0), -9);
    IS(wasm_bpf_buffer_poll(handle + 1, events, function, 77, data, sizeof data, 0), -22);
    IS(wasm_bpf_buffer_poll(handle, events, function, 77, (char *)OUTSIDE, sizeof data, 0), -14);
    IS(wasm_bpf_buffer_poll(handle, events, function, 77, data, -1, 0), -14);

    IS(wasm_bpf_map_operate(numbers, 2, &first, &value, 0, 0), 0);
    IS(wasm_bpf_map_operate(numbers, 2, &first, &value, 0, 1 /* BPF_NOEXIST */), -17);
    IS(wasm_bpf_map_operate(numbers, 2, &second, &value, 0, 2 /* BPF_EXIST */), -2);
    IS(wasm_bpf_map_operate(numbers, 2, &second, &value, 0, 0), 0);
    IS(wasm_bpf_map_operate(numbers, 2, &third, &value, 0, 0), -7);
    IS(wasm_bpf_map_operate(numbers, 1, &first, &read, 0, 0), 0);
    IS(read, 4711);
    IS(wasm_bpf_map_operate(numbers, 1, &third, &read, 0, 0), -2);
    IS(wasm_bpf_map_operate(numbers, 4, 0, 0, &next, 0), 0);
    IS(next == first || next == second, 1);
    IS(wasm_bpf_map_operate(numbers, 4, &next, 0, &next, 0), 0);
    IS(wasm_bpf_map_operate(numbers, 4, &next, 0, &next, 0), -2);
    IS(wasm_bpf_map_operate(numbers, 3, &second, 0, 0, 0), 0);
    IS(wasm_bpf_map_operate(numbers, 3, &second, 0, 0, 0), -2);
    IS(wasm_bpf_map_operate(numbers, 5, &first, &value, 0, 0), -22);
    IS(wasm_bpf_map_operate(numbers, 0, &first, &value, 0, 0), -22);
    IS(wasm_bpf_map_operate(numbers, 1, (void *)OUTSIDE, &read, 0, 0), -14);
    IS(wasm_bpf_map_operate(numbers, 1, &first, (void *)OUTSIDE, 0, 0), -14);
    IS(wasm_bpf_map_operate(numbers, 4, &first, 0, (void *)OUTSIDE, 0), -14);
    IS(wasm_bpf_map_operate(numbers + 7, 1, &first, &read, 0, 0), -9);
    IS(wasm_bpf_map_operate(0, 1, &first, &read, 0, 0), -9);

    IS(wasm_close_bpf_object(handle + 1), -22);
    IS(wasm_close_bpf_object(handle), 0);
    IS(wasm_close_bpf_object(handle), -22);
    IS(wasm_bpf_map_operate(numbers, 1, &first, &read, 0, 0), -9);
    return 0;
}
