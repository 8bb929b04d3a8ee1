/* Generic containers: made ahead, and no function's until they are taken. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cgroup;
struct err;
struct manifest;
struct pvm_template;
struct supervisor;

/* A directory's name in STATE/containers. */
#define CONTAINER_DIRECTORY_BYTES 16

/* One. */
struct container_spare {
    struct container_spare *next;
    struct pvm_template *pvm;
    struct cgroup *group;
    int uid_lock; /* of its uid, one of those for one-shot sandboxes, which it keeps */
    char directory[CONTAINER_DIRECTORY_BYTES];
};
/* Unless `containers: spares` is configured, and at most. */
#define CONTAINER_SPARES 1
#define CONTAINER_SPARES_MAX 16
/* So many uids of one-shot sandboxes are functions' at once; builds have the others. */
#define CONTAINER_SPARES_OUT 256
/* By rate: so long after the last that was wanted one is enough again. */
#define CONTAINER_SPARES_KEEP_SECONDS 10
/* The list and the running second are the quick job thread's; the numbers are read in the loop too.
 */
struct container_spares {
    struct container_spare *first;
    _Atomic unsigned count, out; /* that wait; whose uid a function has */
    _Atomic uint64_t taken;      /* ever */
    _Atomic bool asked;          /* a function in a container was started */
    _Atomic unsigned wanted;     /* by rate: most that were wanted within a second; 0: one */
    _Atomic int64_t last_ns;     /* when the last was */
    int64_t begin_ns;            /* of the running second, and how many were wanted in it */
    unsigned in_second;
};

/* What is in the quick job thread's hands: */
/* Makes one more where they lack, or frees what is too many. */
void container_spares_tend(struct supervisor *supervisor, struct err *err);
/* One for a function of this manifest, the caller's; NULL: none is ready, or it can have none.
 * Its uid lock goes to container_spare_ended() once nothing runs as that uid. */
struct container_spare *container_spare_take(struct supervisor *supervisor,
                                             const struct manifest *manifest);
/* One that was never taken. NULL is fine. */
void container_spare_free(struct supervisor *supervisor, struct container_spare *spare);
/* Any thread; -1 is fine. */
void container_spare_ended(struct supervisor *supervisor, int uid_lock);
/* Fewer wait than should; more do. Any thread. */
bool container_spares_lack(const struct supervisor *supervisor);
bool container_spares_abound(const struct supervisor *supervisor);
/* The loop's: the seconds since one was wanted have gone by, or (returns false) not yet; *ret_ns is
 * when to ask again, 0: never. */
bool container_spares_rest(struct supervisor *supervisor, int64_t *ret_ns);
/* Once there is no job thread any more. */
void container_spares_close(struct supervisor *supervisor);
