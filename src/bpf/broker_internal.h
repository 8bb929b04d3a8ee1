/* Inside the broker: one instance's session, its objects, and what loads and attaches them. */
#pragma once

#include <stdint.h>

#include "bpf/broker.h"
#include "bpf/image.h"

struct err;

struct object_map {
    int fd;
    struct broker_map shown;
    uint32_t flags;
    bool buffer_given; /* its one consumer has it */
    int *events;       /* of a perf event array: a descriptor a processor */
    uint32_t event_count;
};

struct object_program {
    int fd;
    uint32_t kind;
    uint32_t attach_type;
    char name[64];
    char point[128]; /* of its section */
    int *links;
    uint32_t link_count;
};

/* What one load made. Freed, nothing of it is left. */
struct object {
    uint32_t map_count, program_count;
    uint32_t guest_maps; /* the first of them have names */
    uint64_t map_bytes;
    struct object_map *maps;
    struct object_program *programs;
};

struct session {
    int socket;
    int group_fd;      /* the instance's own control group */
    uint64_t group_id; /* as programs are told it; 0: none is known */
    struct broker_instance instance;
    struct object *objects[BROKER_OBJECTS_MAX];
};

/* ---- session.c ---- */

/* Serves one instance until it ends. */
_Noreturn void session_run(struct session *session);

/* ---- fetch.c: objects from the instance to the reader and back ---- */

/* The image of the ELF object in a sealed memfd; malloc'ed, the caller's. -errno. */
int fetch_image(int object_fd, uint32_t bytes, uint8_t **ret_bytes, size_t *ret_size,
                struct err *err);

/* ---- load.c ---- */

/* Loads an image that the policy has let pass. The kernel's reason is in `err`. */
int object_load(const struct session *session, const struct image *image,
                struct object **ret_object, struct err *err);
void object_free(struct object *object);
uint32_t processors(void);

/* ---- attach.c ---- */

int object_attach(const struct session *session, struct object *object, const char *name,
                  const char *target, struct err *err);

/* ---- maps.c: what an instance does with its maps ---- */

/* `value` has room for the map's value; *ret_bytes of it are the answer. 0 or -errno. */
int map_operate(struct object *object, uint32_t map, uint32_t command, uint64_t flags,
                const void *key, uint32_t key_bytes, void *value, uint32_t value_bytes,
                uint32_t *ret_bytes);
/* Fills descriptors (they stay the object's) of a buffer from number `first` on. */
int map_buffer(struct object *object, uint32_t map, uint64_t first,
               int fds[static BROKER_BUFFERS_MAX], struct broker_buffer *ret_buffer);
void map_clear(struct object_map *map);

/* ---- confine.c ---- */

/* The broker's own rights, before it serves: capabilities, uid, filter. */
int confine_broker(uint32_t uid, struct err *err);
/* A session's: no more processes. */
int confine_session(struct err *err);
