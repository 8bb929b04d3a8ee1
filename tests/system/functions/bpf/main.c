/* Tries what a hostile module can: each answer must be the error that it says, and nothing more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attack.skel.h"

#define EPERM_ (-1)
#define E2BIG_ (-7)
#define EBADF_ (-9)
#define EFAULT_ (-14)
#define EBUSY_ (-16)
#define EINVAL_ (-22)
#define EMSGSIZE_ (-90)
#define EOPNOTSUPP_ (-95)
#define ENOENT_ (-2)

static struct attack_skel skel;
static int failures;

#define IS(call, wanted)                                                              \
    do {                                                                              \
        long long is_ = (long long)(call), wanted_ = (wanted);                        \
        if (is_ != wanted_) {                                                         \
            printf("line %d: %s is %lld, not %lld\n", __LINE__, #call, is_, wanted_); \
            failures++;                                                               \
        }                                                                             \
    } while (0)

static char *end_of_memory(void)
{
    return (char *)(__builtin_wasm_memory_size(0) * 65536ul);
}

static void sleep_times(int times)
{
    struct timespec moment = {.tv_nsec = 200000};

    for (int i = 0; i < times; i++)
        nanosleep(&moment, NULL);
}

/* ---- handles, descriptors, pointers ---- */

static void foreign_handles(void)
{
    const bpf_object_handle foreign[] = {0, 1, skel.object + 1, skel.object ^ 1, ~0ull, 1ull << 63};
    char data[64];

    for (unsigned i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        IS(wasm_close_bpf_object(foreign[i]), EINVAL_);
        IS(wasm_attach_bpf_program(foreign[i], "on_try", NULL), EINVAL_);
        IS(wasm_attach_bpf_program_fd(foreign[i], "on_try", -1), EINVAL_);
        IS(wasm_bpf_map_fd_by_name(foreign[i], "each"), EINVAL_);
        IS(wasm_bpf_buffer_poll(foreign[i], skel.maps.events, NULL, NULL, data, 64, 0), EINVAL_);
    }
}

static void foreign_descriptors(void)
{
    uint64_t value[1024];
    uint32_t key = 0;

    for (int fd = -2; fd < 300; fd++)
        IS(wasm_bpf_map_operate(fd, BPF_MAP_LOOKUP, &key, value, NULL, 0), EBADF_);
    IS(wasm_bpf_map_operate(skel.maps.outer + 1000, BPF_MAP_LOOKUP, &key, value, NULL, 0), EBADF_);
    IS(wasm_bpf_buffer_poll(skel.object, 3, NULL, NULL, value, 8, 0), EBADF_);
    IS(wasm_bpf_buffer_poll(skel.object, skel.maps.each, NULL, NULL, value, 8, 0), EINVAL_);
    IS(wasm_bpf_map_fd_by_name(skel.object, "no-such"), ENOENT_);
}

static void pointers_at_the_end(void)
{
    char *end = end_of_memory();
    uint32_t key = 0;
    uint64_t value[1024];

    IS(wasm_load_bpf_object(end - 10, 11), 0);
    IS(wasm_load_bpf_object(end - 10, -1), 0);
    IS(wasm_load_bpf_object(attack_object, 0), 0);
    IS(wasm_load_bpf_object((void *)0xfffffff0, 64), 0);
    memset(end - 8, 'a', 8);
    IS(wasm_attach_bpf_program(skel.object, end - 8, NULL), EFAULT_);
    IS(wasm_attach_bpf_program(skel.object, end, NULL), EFAULT_);
    IS(wasm_attach_bpf_program(skel.object, "on_try", end - 8), EFAULT_);
    IS(wasm_attach_bpf_program_fd(skel.object, end - 8, -1), EFAULT_);
    /* A descriptor that is open is no directory that was granted. */
    IS(wasm_attach_bpf_program_fd(skel.object, "on_try", 1), EBADF_);
    IS(wasm_attach_bpf_program_fd(skel.object, "on_try", skel.maps.each), EBADF_);
    IS(wasm_bpf_map_fd_by_name(skel.object, end - 8), EFAULT_);
    IS(wasm_bpf_map_operate(skel.maps.each, BPF_MAP_LOOKUP, end - 3, value, NULL, 0), EFAULT_);
    /* A value of eight bytes for each processor: one processor's room is not enough. */
    IS(wasm_bpf_map_operate(skel.maps.each, BPF_MAP_LOOKUP, &key, end - 8, NULL, 0), EFAULT_);
    IS(wasm_bpf_map_operate(skel.maps.each, BPF_MAP_UPDATE, &key, end - 8, NULL, 0), EFAULT_);
    IS(wasm_bpf_map_operate(skel.maps.each, BPF_MAP_NEXT_KEY, &key, NULL, end - 3, 0), EFAULT_);
    IS(wasm_bpf_map_operate(skel.maps.each, BPF_MAP_LOOKUP, &key, value, NULL, 0), 0);
    IS(wasm_bpf_map_operate(skel.maps.each, 0, &key, value, NULL, 0), EINVAL_);
    IS(wasm_bpf_map_operate(skel.maps.each, 99, &key, value, NULL, 0), EINVAL_);
    IS(wasm_bpf_buffer_poll(skel.object, skel.maps.events, NULL, NULL, end - 8, 9, 0), EFAULT_);
    IS(vireo_bpf_take(skel.object, skel.maps.events, end - 8, 9, 0), EFAULT_);
    IS(vireo_bpf_take(skel.object, skel.maps.events, end - 8, -1, 0), EFAULT_);
}

/* The same of module vireo_bpf: every pointer of every function. */
static void pointers_beyond(void)
{
    static const struct vireo_bpf_map shape = {2, 4, 8, 1, 0};
    static char large[8192];
    struct vireo_bpf_batch batch = {.count = 1};
    char *end = end_of_memory(), *name = end - 8;
    bpf_object_handle it = skel.object;
    uint64_t code = 0x95;
    uint32_t key = 0;

    memset(name, 'a', 8);
    IS(vireo_bpf_set(VIREO_BPF_SET_PROGRAM, name, &key, 4), EFAULT_);
    IS(vireo_bpf_set(VIREO_BPF_SET_PROGRAM, "on_try", end - 3, 4), EFAULT_);
    IS(vireo_bpf_set(VIREO_BPF_SET_PROGRAM, "on_try", &key, -1), EFAULT_);
    IS(vireo_bpf_set(99, "on_try", &key, 4), EINVAL_);
    IS(vireo_bpf_set(VIREO_BPF_SET_GLOBAL, "sequence", large, sizeof large), E2BIG_);
    IS(vireo_bpf_global(it, name, large, 8, 0), EFAULT_);
    IS(vireo_bpf_global(it, "sequence", end - 7, 8, 0), EFAULT_);
    IS(vireo_bpf_global(it, "sequence", large, 9, 0), EINVAL_);
    IS(vireo_bpf_global(it, "no_such", large, 8, 0), ENOENT_);
    IS(vireo_bpf_copy(skel.maps.first, 0, end - 7, 8, 1), EFAULT_);
    IS(vireo_bpf_copy(skel.maps.each, 0, large, 8, 0), EINVAL_);
    IS(vireo_bpf_copy(3, 0, large, 8, 0), EBADF_);
    IS(vireo_bpf_send(skel.maps.events, end - 7, 8), EFAULT_);
    IS(vireo_bpf_send(skel.maps.events, large, 8), EINVAL_);
    IS(vireo_bpf_batch(skel.maps.each, VIREO_BPF_BATCH_LOOKUP, (void *)(end - 8), large, large),
       EFAULT_);
    IS(vireo_bpf_batch(skel.maps.each, VIREO_BPF_BATCH_LOOKUP, &batch, end - 3, large), EFAULT_);
    IS(vireo_bpf_batch(skel.maps.each, VIREO_BPF_BATCH_LOOKUP, &batch, large, end - 7), EFAULT_);
    IS(vireo_bpf_batch(skel.maps.each, 7, &batch, large, large), EINVAL_);
    batch.count = ~0u;
    IS(vireo_bpf_batch(skel.maps.each, VIREO_BPF_BATCH_UPDATE, &batch, large, large), E2BIG_);
    IS(vireo_bpf_detach(it, name), EFAULT_);
    IS(vireo_bpf_replace(it, name, it, "on_try"), EFAULT_);
    IS(vireo_bpf_replace(it, "on_try", it, name), EFAULT_);
    IS(vireo_bpf_statistics(it, name, (void *)large), EFAULT_);
    IS(vireo_bpf_statistics(it, "on_try", (void *)(end - 8)), EFAULT_);
    IS(vireo_bpf_iterate(it, name, large, sizeof large, 1), EFAULT_);
    IS(vireo_bpf_iterate(it, "on_try", end - 8, 65536, 1), EFAULT_);
    IS(vireo_bpf_pin(skel.maps.each, name), EFAULT_);
    IS(vireo_bpf_unpin(name), EFAULT_);
    IS(vireo_bpf_open(name), 0);
    IS(vireo_bpf_create_map(name, &shape), 0);
    IS(vireo_bpf_create_map("shape", (void *)(end - 19)), 0);
    IS(vireo_bpf_load_program(name, "socket", "GPL", &code, 1), 0);
    IS(vireo_bpf_load_program("made", name, "GPL", &code, 1), 0);
    IS(vireo_bpf_load_program("made", "socket", name, &code, 1), 0);
    IS(vireo_bpf_load_program("made", "socket", "GPL", end - 7, 1), 0);
    IS(vireo_bpf_load_program("made", "socket", "GPL", &code, -1), 0);
    IS(vireo_bpf_share(it, name), EFAULT_);
    IS(vireo_bpf_share(it, "nobody-granted"), EPERM_);
    IS(vireo_bpf_join(name), 0);
    IS(vireo_bpf_keep(it, name, "kept"), EFAULT_);
    IS(vireo_bpf_keep(it, "on_try", name), EFAULT_);
    IS(vireo_bpf_keep(it, "on_try", "kept"), EPERM_);
    IS(vireo_bpf_take_over(it, name, "kept"), EFAULT_);
    IS(vireo_bpf_take_over(it, "on_try", name), EFAULT_);
    IS(vireo_bpf_take_over(it, "on_try", "kept"), ENOENT_);
    IS(vireo_bpf_take(it, skel.maps.events, end - 7, 8, 0), EFAULT_);
}

static void maps_of_descriptors(void)
{
    uint32_t key = 1, value = 3;

    /* A raw descriptor of the host's, another object's, its own. */
    IS(wasm_bpf_map_operate(skel.maps.outer, BPF_MAP_UPDATE, &key, &value, NULL, 0), EBADF_);
    value = (uint32_t)skel.maps.first;
    IS(wasm_bpf_map_operate(skel.maps.outer, BPF_MAP_UPDATE, &key, &value, NULL, 0), 0);
    IS(wasm_bpf_map_operate(skel.maps.outer, BPF_MAP_LOOKUP, &key, &value, NULL, 0), EOPNOTSUPP_);
    IS(wasm_bpf_map_operate(skel.maps.samples, BPF_MAP_UPDATE, &key, &value, NULL, 0), EOPNOTSUPP_);
    IS(wasm_bpf_map_operate(skel.maps.samples, BPF_MAP_DELETE, &key, NULL, NULL, 0), EOPNOTSUPP_);
}

/* ---- samples ---- */

static uint64_t next;
static int taken, depth;

static int in_order(void *context, void *data, int bytes)
{
    const uint64_t *numbers = data;

    if (bytes != 16 || numbers[1] != ~numbers[0] || numbers[0] != next || context != (void *)0x1234)
        failures++;
    next = numbers[0] + 1;
    taken++;
    return 0;
}

static int any_order(void *context, void *data, int bytes)
{
    const uint64_t *numbers = data;

    (void)context;
    if (bytes != 16 || numbers[1] != ~numbers[0])
        failures++;
    taken++;
    return 0;
}

static int refuses(void *context, void *data, int bytes)
{
    (void)context;
    (void)data;
    (void)bytes;
    next++;
    return -77;
}

static int polls_again(void *context, void *data, int bytes)
{
    (void)bytes;
    next++;
    if (depth++ < 3)
        wasm_bpf_buffer_poll(skel.object, skel.maps.events, polls_again, context, data, 16, 0);
    return 0;
}

static int short_room(void *context, void *data, int bytes)
{
    const char *after = (const char *)data + 5;

    (void)context;
    if (bytes != 5 || *after != 'x')
        failures++;
    next++;
    return 0;
}

static int never_returns(void *context, void *data, int bytes)
{
    (void)context;
    (void)data;
    for (volatile int turns = bytes;; turns++)
        ;
}

static int traps(void *context, void *data, int bytes)
{
    (void)context;
    (void)data;
    (void)bytes;
    __builtin_trap();
}

static int closes(void *context, void *data, int bytes)
{
    (void)context;
    (void)data;
    (void)bytes;
    taken++;
    IS(wasm_close_bpf_object(skel.object), 0);
    return 0;
}

static void samples(void)
{
    uint64_t data[2];
    char room[16] = "xxxxxxxxxxxxxxx";
    int n;

    IS(attack_attach(&skel), 0);
    IS(wasm_attach_bpf_program(skel.object, "on_try", NULL), EBUSY_);
    IS(wasm_attach_bpf_program(skel.object, "no_such", NULL), ENOENT_);
    /* A perf event array begins with its first poll. */
    IS(wasm_bpf_buffer_poll(skel.object, skel.maps.samples, any_order, NULL, data, 16, 0), 0);
    sleep_times(50);
    n = wasm_bpf_buffer_poll(skel.object, skel.maps.events, in_order, (void *)0x1234, data, 16, 0);
    IS(n, 50);
    IS(next, 50);
    /* A poll waits by itself, by another call: nothing comes, and it ends in time. */
    IS(wasm_bpf_buffer_poll(skel.object, skel.maps.events, in_order, (void *)0x1234, data, 16, 20),
       0);
    taken = 0;
    IS(wasm_bpf_buffer_poll(skel.object, skel.maps.samples, any_order, NULL, data, 16, 0), 50);
    IS(taken, 50);
    sleep_times(10);
    IS(wasm_bpf_buffer_poll(skel.object, skel.maps.events, refuses, NULL, data, 16, 0), 10);
    IS(next, 60);
    sleep_times(4);
    IS(wasm_bpf_buffer_poll(skel.object, skel.maps.events, short_room, NULL, room, 5, 0), 4);
    sleep_times(6);
    wasm_bpf_buffer_poll(skel.object, skel.maps.events, polls_again, NULL, data, 16, 0);
    IS(next, 70);
    /* One by one, without a callback. */
    sleep_times(3);
    for (uint64_t i = 0; i < 3; i++) {
        IS(vireo_bpf_take(skel.object, skel.maps.events, data, 16, 0), 16);
        IS(data[0], 70 + i);
    }
    IS(vireo_bpf_take(skel.object, skel.maps.events, data, 16, 20), 0);
    IS(vireo_bpf_take(skel.object, skel.maps.events, data, 0, 0), EINVAL_);
    sleep_times(1);
    memcpy(room, "xxxxxxx", 8);
    IS(vireo_bpf_take(skel.object, skel.maps.events, room, 5, 0), 5);
    IS(room[5], 'x');
}

/* ---- objects ---- */

static uint32_t seed = 2463534242;

static uint32_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    return seed ^= seed << 5;
}

static void hostile_objects(void)
{
    char *copy = malloc(sizeof attack_object);

    for (unsigned i = 1; i < 12; i++)
        IS(wasm_load_bpf_object(attack_object, (int)(sizeof attack_object * i / 12)), 0);
    for (int i = 0; i < 24; i++) {
        memcpy(copy, attack_object, sizeof attack_object);
        /* The head, the section table, relocations, type information. */
        for (int k = 0; k < 1 + i % 6; k++)
            copy[i < 12 ? any() % 64 : any() % sizeof attack_object] = (char)any();
        bpf_object_handle handle = wasm_load_bpf_object(copy, sizeof attack_object);
        if (handle)
            IS(wasm_close_bpf_object(handle), 0);
    }
    memset(copy, 0xff, sizeof attack_object);
    memcpy(copy, attack_object, 64);
    IS(wasm_load_bpf_object(copy, sizeof attack_object), 0);
    free(copy);
}

/* Five maps each; a policy has 32 of them, and 16 objects. */
static void bombs(void)
{
    bpf_object_handle handles[20];
    int loaded = 0;

    while (loaded < 20 &&
           (handles[loaded] = wasm_load_bpf_object(attack_object, sizeof attack_object)))
        loaded++;
    if (loaded > 6 || loaded < 1)
        failures++;
    for (int i = 0; i < loaded; i++)
        IS(wasm_close_bpf_object(handles[i]), 0);
}

/* A pin is not a way around the memory of maps: 6 MiB each, of 16. */
static void bombs_of_pins(void)
{
    const struct vireo_bpf_map big = {1, 4, 8, 100000, 0};
    bpf_object_handle held[5];
    int count = 0;

    while (count < 5) {
        bpf_object_handle made = vireo_bpf_create_map("big", &big);
        if (!made)
            break;
        IS(vireo_bpf_pin(wasm_bpf_map_fd_by_name(made, "big"), "big"), 0);
        IS(wasm_close_bpf_object(made), 0);
        held[count] = vireo_bpf_open("big");
        IS(vireo_bpf_unpin("big"), 0);
        if (!held[count])
            break;
        count++;
    }
    IS(count, 2);
    while (count > 0)
        IS(wasm_close_bpf_object(held[--count]), 0);
}

/* Maps of 8 MiB, until there are no more. */
static int fill_memory(void)
{
    const struct vireo_bpf_map big = {2, 4, 4096, 2048, 0};
    int made = 0;

    while (made < 16 && vireo_bpf_create_map("big", &big))
        made++;
    printf("%d maps\n", made);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t data[2];

    if (argc > 1 && strcmp(argv[1], "memory") == 0)
        return fill_memory();
    if (attack_load(&skel) < 0)
        return 1;
    if (argc > 1 && strcmp(argv[1], "trap") == 0) {
        attack_attach(&skel);
        sleep_times(2);
        return wasm_bpf_buffer_poll(skel.object, skel.maps.events, (bpf_sample_function *)99999,
                                    NULL, data, 16, 0);
    }
    if (argc > 1 && strcmp(argv[1], "type") == 0) {
        /* A function that there is, of another type. */
        void (*volatile other)(int times) = sleep_times;
        attack_attach(&skel);
        sleep_times(2);
        return wasm_bpf_buffer_poll(skel.object, skel.maps.events, (bpf_sample_function *)other,
                                    NULL, data, 16, 0);
    }
    if (argc > 1 && strcmp(argv[1], "body") == 0) {
        attack_attach(&skel);
        sleep_times(2);
        return wasm_bpf_buffer_poll(skel.object, skel.maps.events, traps, NULL, data, 16, 0);
    }
    if (argc > 1 && strcmp(argv[1], "spin") == 0) {
        attack_attach(&skel);
        sleep_times(2);
        return wasm_bpf_buffer_poll(skel.object, skel.maps.events, never_returns, NULL, data, 16,
                                    0);
    }
    foreign_handles();
    foreign_descriptors();
    pointers_at_the_end();
    pointers_beyond();
    maps_of_descriptors();
    samples();
    hostile_objects();
    taken = 0;
    sleep_times(3);
    IS(wasm_bpf_buffer_poll(skel.object, skel.maps.events, closes, NULL, data, 16, 0), 1);
    IS(taken, 1);
    IS(wasm_bpf_map_fd_by_name(skel.object, "each"), EINVAL_);
    bombs();
    bombs_of_pins();
    printf("%s\n", failures ? "failed" : "all refused");
    return failures != 0;
}
