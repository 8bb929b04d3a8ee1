/* Libraries of the supervisor's pVMs: kept in memory, resolved, and linked while a pVM runs. */
#pragma once

#include "faas/supervisor.h"

/* ---- supervisor_images.c: libraries in memory, each checked once ---- */

/* A sealed memfd and what was found in it when it was checked. */
struct image {
    char hash[BUILD_HASH_TEXT];
    struct library_note note;
    int fd;
    uint64_t bytes;
};
/* The library of this hash, from the cache or the store, where it is checked; any thread. The
 * descriptor is the caller's. */
int image_open(struct supervisor *supervisor, const char *hash, struct image *ret_image,
               struct err *err);
/* The same, of the cache only: -ENOENT. Quick. */
int image_peek(const char *hash, struct image *ret_image);
/* One that is not in the cache, if it is small and no disk is waited for: else image_open(), in a
 * thread of jobs. */
int image_open_quick(struct supervisor *supervisor, const char *hash, struct image *ret_image);
void image_close(struct image *image);

/* ---- supervisor_resolve.c: who may be linked with whom ---- */

/* One of the two of a link. */
struct link_party {
    const char *name, *version, *signer, *application;
    const struct manifest_library *asks; /* of the other */
};
struct link_party link_party_of_image(const char *name, const struct image *image);
struct link_party link_party_of_function(const struct manifest *manifest, const char *signer);
/* How a library comes to a pVM. */
struct link_way {
    bool named; /* by the pVM's own image (dependencies:), not by an administrator */
    bool blank; /* the pVM has no function yet */
};
/* -EPERM naming the restriction that refuses it. */
int link_allowed(const struct link_party *function, const struct link_party *library,
                 struct link_way way, struct err *err);
/* -EPERM when the library is not what `who` asks of a dependency: its version, its signer. */
int dependency_fits(const char *who, const struct manifest_dependency *asked,
                    const struct image *image, struct err *err);
/*
 * The function's dependencies and theirs in turn, each pinned by hash in the manifest. Only where
 * the registry may be read.
 */
int dependencies_resolve(struct supervisor *supervisor, struct manifest *manifest,
                         const char *signer, struct err *err);
/* The sealed memfds of resolved dependencies: the caller's, each -1 before. */
int dependencies_open(struct supervisor *supervisor, const struct manifest *manifest,
                      int fds[static DEPENDENCIES_MAX], struct err *err);

/* ---- supervisor_link.c ---- */
/* A control socket for an instance that has the grant: *ret_fd is its end, the caller's, else -1.
 * A server has no channel: channel_memory_fd is -1. */
int linkage_open(struct supervisor *supervisor, struct instance *instance,
                 const struct manifest *manifest, int channel_memory_fd, int *ret_fd,
                 struct err *err);
void linkage_close(struct supervisor *supervisor, struct instance *instance);
/* Answers by itself, or returns -errno. */
int pvm_link_wish(struct supervisor *supervisor, const struct admin_request *request,
                  struct err *err);
/* The image that a wish of `begin_ns` waited for is in the cache, or not (`err`). */
void link_image_ready(struct supervisor *supervisor, const struct admin_request *request,
                      int64_t begin_ns, const struct err *err);
void linkages_bury(struct supervisor *supervisor); /* frees the dead ones */
/* What is linked with it beside its function: names, for people. */
void linkage_describe(const struct instance *instance, struct json_object *object);

/* Sends a message with a descriptor over the instance's control socket, and wakes it. -ENOTCONN. */
int linkage_say(struct instance *instance, const void *message, size_t size, int fd);
