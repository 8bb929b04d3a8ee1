/*
 * What is deployed: SQLite (WAL, synchronous FULL: acknowledged is durable) in STATE/registry.db.
 * Used by the supervisor only, from one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"
#include "build/build.h"

struct err;
struct registry;

struct registry_function {
    uint32_t id; /* never used again for another function */
    char name[NAME_MAX_BYTES + 1];
    char version[VERSION_MAX_BYTES + 1];
    char library_hash[BUILD_HASH_TEXT];
    char source_hash[BUILD_HASH_TEXT];
    char safety[16];
    char kind[16];
    uid_t uid;                      /* host uid and gid of its pVMs, its own */
    bool may_own_files;             /* it was ever granted a host directory to write in */
    int64_t created_at, updated_at; /* seconds since 1970 */
    char *manifest;                 /* canonical YAML; owned by the struct */
};
void registry_function_clear(struct registry_function *function);

/*
 * Opens or makes the registry. uids for functions are given from [uid_first, uid_first +
 * uid_count). -EBUSY when another process holds it; -EBADMSG ("... is damaged: ...") when SQLite
 * finds it so; a schema newer than ours is refused.
 */
int registry_open(const char *state_dir, uid_t uid_first, uint32_t uid_count,
                  struct registry **ret_registry, struct err *err);
void registry_close(struct registry *registry);

/*
 * Puts a function, new or in place of the one of that name (which keeps id, uid, created_at and a
 * may_own_files that was ever true): one transaction. These and the times of `function` are set.
 * -ENOSPC: no uid left; -E2BIG: FUNCTIONS_MAX.
 */
int registry_put(struct registry *registry, struct registry_function *function, struct err *err);
/* -ENOENT. The uid waits for registry_uid_purged() before another function gets it. */
int registry_remove(struct registry *registry, const char *name, uint32_t *ret_id, uid_t *ret_uid,
                    struct err *err);
int registry_uid_purged(struct registry *registry, uid_t uid, struct err *err);
/*
 * uids of removed functions that are not purged yet (after a crash), but for those that may own
 * files somewhere: these are never given again. Returns the count.
 */
int registry_uids_waiting(struct registry *registry, uid_t *ret_uids, size_t max, struct err *err);

int registry_get(struct registry *registry, const char *name,
                 struct registry_function *ret_function, struct err *err);
/* Calls `each` for every function, by name. Stops at its first non-zero return, which is returned.
 */
int registry_each(struct registry *registry,
                  int (*each)(const struct registry_function *function, void *user), void *user,
                  struct err *err);

/* Former versions of each function that are kept. */
#define REGISTRY_VERSIONS_KEPT 8

/*
 * What a function was before it was put last, or stepped back: as registry_get() gives it, with
 * the version, library, safety, kind, manifest and updated_at of then. -ENOENT: no such function,
 * or no former version of it.
 */
int registry_previous(struct registry *registry, const char *name,
                      struct registry_function *ret_function, struct err *err);
/* Makes that its row, and forgets it among the former ones: one transaction. `previous` is
 * registry_previous()'s; its updated_at is set. */
int registry_step_back(struct registry *registry, struct registry_function *previous,
                       struct err *err);
/* As registry_each(), for the former versions of `name`, or of all functions (NULL), the newest
 * first. */
int registry_each_version(struct registry *registry, const char *name,
                          int (*each)(const struct registry_function *function, void *user),
                          void *user, struct err *err);
