/* A build by the command line itself, without a daemon: for `vireo build` and `vireo run`. */
#pragma once

#include <stdbool.h>

#include "build/build.h"

struct err;

/* Where it builds: as root the machine's state directory, else the user's own cache and config. */
struct local_build {
    char *state_dir;
    char *temporary; /* an ordinary user without a usable home: removed at the end; else NULL */
    struct sign_key *key;
    struct store *store;
    struct build_result result;
};

struct local_build_options {
    const char *source;  /* path */
    const char *name;    /* of the function; NULL: vireo.yaml's, else the source's */
    bool native;         /* not translated */
    bool ladder;         /* proved if it can be */
    const char *require; /* with it; NULL: anything */
    bool quick;          /* the first tier will do: struct build_options */
    int stop_fd;         /* likewise */
    /* The library of a version that runs, which this one is to be updated to in place; NULL. */
    const char *against;
    const struct sign_trust *trust; /* of a source that is a library: struct build_options */
    bool plain_progress, quiet;
    /* Called on the manifest before it is used; may be NULL. */
    int (*override)(struct manifest *manifest, void *user, struct err *err);
    void *user;
};

/* Opens store and key, made on first use. An ordinary user whose home can't be used gets a private
 * temporary directory and a key for this once, and is told so on standard error. The caller ends it
 * with local_build_close(). */
int local_build_open(struct local_build *ret_local, struct err *err);
void local_build_close(struct local_build *local);

/* Sets who sandboxes run as: root takes a uid that nobody else has, until the caller closes
 * *ret_lock; a user stays in a namespace of his own. */
int local_build_identity(struct build_options *options, int *ret_lock, struct err *err);

/* Builds, with progress on standard error; local->result is set. Errors as build_run(). */
int local_build(struct local_build *local, const struct local_build_options *options,
                struct err *err);
