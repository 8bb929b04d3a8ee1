/*
 * A BPF object that is loaded once for the machine and is there as long as anybody holds it: who
 * needs it looks for it by the name of its map, and loads it where nobody has.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bpf_object;
struct err;

#define SHARED_PROGRAMS_MAX 5

struct shared_object {
    const char *map; /* keys are of 64 bits: ids of groups */
    uint32_t map_type;
    uint32_t link_type; /* of each of its programs */
    size_t programs;
};

/* While somebody has the links the programs run. */
struct shared_fds {
    int map;
    int links[SHARED_PROGRAMS_MAX];
};
#define SHARED_NONE ((struct shared_fds){-1, {-1, -1, -1, -1, -1}})

/* Two that begin at once share what one of them loads: until the descriptor is closed, nobody else
 * loads. -EBUSY: who does hangs (waits 10 seconds). A file of root's, kept. */
int shared_object_lock(const char *path, struct err *err);
/* What somebody else has loaded; -ENOENT. CAP_SYS_ADMIN. */
int shared_object_find(const struct shared_object *shared, struct shared_fds *ret_fds);
/* Attaches the programs of an object that was loaded here, and keeps what outlives it; -errno, and
 * then what there is of it is to be closed all the same. */
int shared_object_attach(const struct shared_object *shared, struct bpf_object *object,
                         struct shared_fds *ret_fds);
/* Entries of groups that have gone: their owners can't delete them any more. `cgroup_fd` is of the
 * tree that their ids are of; at most `max` are looked at. CAP_DAC_READ_SEARCH. */
void shared_object_sweep(const struct shared_fds *fds, int cgroup_fd, unsigned max);
void shared_object_close(struct shared_fds *fds);
