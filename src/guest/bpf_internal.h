/* Inside the host of module "wasm_bpf": bpf.c (the imports), bpf_buffer.c (samples). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "guest/bpf.h"
#include "guest/host.h"

#define BPF_PROCESSORS_MAX 1024

/* Types of maps that are something else here than keys and values (linux/bpf.h). */
#define MAP_ARRAY 2
#define MAP_PERF_EVENT_ARRAY 4
#define MAP_ARRAY_OF_MAPS 12
#define MAP_HASH_OF_MAPS 13
#define MAP_RINGBUF 27
#define MAP_USER_RINGBUF 31

/* One mapped buffer: a whole ring buffer, or one processor's part of a perf event array. */
struct bpf_ring {
    int fd;
    uint8_t *control; /* the page with the positions that are ours to write */
    uint8_t *records; /* ring: the producer's page, then the data, twice */
    uint64_t control_bytes, records_bytes;
};

/* The one consumer of a map, or the producer of a user ring buffer; of an array its elements. */
struct bpf_buffer {
    bool perf;
    bool array, readable_only; /* rings[0].control is the whole of it */
    bool user;                 /* the data are ours to write, the consumer's position is not */
    uint32_t events;           /* a second, that the guest is given; 0: any number */
    int64_t second;            /* in which `given` were */
    uint32_t given;
    uint64_t lost, told; /* samples that the kernel dropped, and those that were told of */
    uint32_t page_bytes, data_bytes;
    uint32_t ring_count;
    uint32_t next; /* where the next poll begins: no processor waits for the others' flood */
    struct bpf_ring rings[];
};

struct bpf_map {
    struct broker_map shown;
    int32_t descriptor; /* as the guest knows it; 0: it was not asked for */
    struct bpf_buffer *buffer;
};

/* An object that is loaded. Its handle can't be guessed, and is never given out again. */
struct bpf_object {
    uint64_t handle; /* 0: free */
    uint32_t map_count, variable_count;
    struct bpf_map *maps;
    struct broker_variable *variables;
    uint32_t field_count; /* with those its samples are shown */
    struct broker_field *fields;
};

struct bpf_state {
    struct bpf_object objects[BROKER_OBJECTS_MAX];
    /* Above those of WASI, and never used twice. */
    int32_t next_descriptor;
    /* For the next load: struct broker_setting, one after the other. */
    uint8_t *settings;
    uint32_t settings_bytes;
    uint8_t answer[BROKER_ANSWER_MAX];
};

/* A function of the guest's that takes a sample: (context, data, bytes) -> what is not looked at.
 */
struct bpf_callback {
    struct host *host;
    uint64_t handle;   /* whose object may be closed meanwhile */
    uint32_t function; /* of the guest's table; UINT32_MAX: its export "go-callback" */
    bool takes_one;    /* none is called: one sample, whose bytes are the result */
    uint32_t context, data, data_max;
    const char *map;   /* its name */
    const char *shown; /* the same if its samples are shown; else NULL */
    uintptr_t caller;
};

struct bpf_object *bpf_object_find(struct host *host, uint64_t handle);
/* The state, made when it is first needed; NULL: no memory. */
struct bpf_state *bpf_state_of(struct host *host);
/* What the broker answered with; its number there is its number here: it takes the first that is
 * free, too. */
int bpf_object_take(struct host *host, uint32_t bytes, struct bpf_object **ret_object);
uint32_t bpf_object_number(const struct host *host, const struct bpf_object *object);
/* The map of a descriptor, of whichever object; `only` one of them, unless it is NULL. */
struct bpf_map *bpf_map_find(struct host *host, uint32_t fd, struct bpf_object *only,
                             struct bpf_object **ret_object);
/* Its descriptor, from now on; -EMFILE. */
int32_t bpf_map_descriptor(struct host *host, struct bpf_map *map);
/* A name in the guest's memory, which must end there. NULL: it does not. */
const char *bpf_text(const struct host *host, uint32_t at, size_t max, uint32_t *ret_bytes);
/* A line for people: where standard error goes. */
void bpf_tell(struct host *host, const char *text, uint32_t bytes);
/* What came with the last answer. */
const void *bpf_answer(const struct host *host);

/* System calls: writev, recvmsg. 0 or -errno; *ret_bytes of state->answer are filled behind its
 * head. `fds` may be NULL: then none may come. */
int bpf_ask(struct host *host, struct broker_request *request, const void *first,
            const void *second, uint32_t *ret_bytes, int *fds, size_t *ret_fd_count);

/* A line of JSON to standard output: a sample that the guest was given. System call: write. */
void bpf_show(const struct bpf_object *object, const char *map, const uint8_t *data,
              uint32_t bytes);
/* That the kernel had no room for so many: a line of JSON, or one of the log. */
void bpf_tell_lost(struct host *host, const char *map, bool shown, uint64_t count);
/* Asks for a map's buffers and maps them. System calls: those, and mmap. */
int bpf_buffer_open(struct host *host, uint32_t object, uint32_t map,
                    struct bpf_buffer **ret_buffer);
void bpf_buffer_free(struct bpf_buffer *buffer);
/* The number of samples that the guest took (takes_one: the bytes of one), or -errno. System call:
 * ppoll. */
int32_t bpf_buffer_poll(struct bpf_buffer **buffer, const struct bpf_callback *callback,
                        int32_t timeout_ms);
