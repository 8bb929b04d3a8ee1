/*
 * What the verbs remember of containers: a file for each below the root ("/run/vireo-oci"),
 * ID.json, with the container's place, what never changes of it, and the config.json that it was
 * created with; and a directory ID for those of which the launch keeps more (a start socket, a
 * virtual kernel). A directory is not made for all: where the root is on a disk it costs more than
 * everything else that is done to a state, and its removal waits for the disk. The root is on a
 * file system that a restart of the machine empties; nothing is synced.
 *
 * Nobody trusts a status that was written: it is found anew from the process, its start time and
 * the launch's socket, so that a runtime or a machine that crashed leaves nothing that lies.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/launch.h"

struct err;
struct json_object;

#define OCI_ID_MAX_BYTES 250 /* ".json" is still a file's name then */

struct oci_state {
    char *id;
    char *path;   /* of its directory, if it has one */
    char *file;   /* of the state */
    char *bundle; /* absolute */
    char *rootfs; /* absolute */
    char *version;
    char *created;                   /* RFC 3339 */
    struct json_object *annotations; /* or NULL */
    uint32_t owner;
    int fd;      /* of its directory; -1: it has none */
    int file_fd; /* of the state; whoever locks it may change the container */
    bool locked;
    bool made;    /* by this process: nobody else writes it, and it needs not be read again */
    bool damaged; /* of oci_state_open_damaged(): what can't be read is NULL or 0 */
    struct oci_place place;
};

enum oci_status {
    OCI_CREATING,
    OCI_CREATED,
    OCI_RUNNING,
    OCI_PAUSED,
    OCI_STOPPED,
};

/* The default root: /run/vireo-oci, or $XDG_RUNTIME_DIR/vireo-oci for others than root. malloc'ed.
 */
char *oci_state_default_root(void);

/* -EINVAL unless `id` may name a container: letters, digits and "_+-.", not "." or "..". */
int oci_state_check_id(const char *id, struct err *err);

/*
 * Makes the container's file (-EEXIST: there is one of that id), locked. The other fields of
 * *ret_state are the caller's to fill (malloc'ed) before oci_state_write().
 */
int oci_state_make(const char *root, const char *id, struct oci_state **ret_state, struct err *err);

/* Opens an existing one; -ENOENT: there is none. */
int oci_state_open(const char *root, const char *id, struct oci_state **ret_state, struct err *err);
/* The same, to be removed: one whose file is damaged is opened as well, `damaged`, with its place
 * if that can be read. */
int oci_state_open_damaged(const char *root, const char *id, struct oci_state **ret_state,
                           struct err *err);

/* Waits until no other verb changes the container; -ENOENT when it was removed meanwhile. */
int oci_state_lock(struct oci_state *state, struct err *err);

void oci_state_unlock(struct oci_state *state);

/* The directory, made if it isn't there. */
int oci_state_directory(struct oci_state *state, struct err *err);

/* All of it, with the text of its config.json: once, before oci_state_save(). */
int oci_state_write(const struct oci_state *state, const char *config, size_t bytes,
                    struct err *err);

/* Its place as it is now. */
int oci_state_save(const struct oci_state *state, struct err *err);

/* The configuration that it was created with. */
int oci_state_config(const struct oci_state *state, struct oci_config **ret_config,
                     struct err *err);

/* Removes the file, and the directory with all in it. Fine when they are gone. */
int oci_state_remove(const struct oci_state *state, struct err *err);

/* Closes and frees; NULL is fine. */
void oci_state_close(struct oci_state *state);

enum oci_status oci_state_status(const struct oci_state *state);
const char *oci_status_name(enum oci_status status);

/* The state as the specification has it, malloc'ed; with `more` also what `list` shows. */
char *oci_state_text_of(const struct oci_state *state, const char *status, pid_t pid);
struct json_object *oci_state_json(const struct oci_state *state, const char *status, pid_t pid,
                                   bool more);

/* Ids of all containers, sorted, malloc'ed each and all; none when the root is not there. */
int oci_state_ids(const char *root, char ***ret_ids, size_t *ret_count, struct err *err);
