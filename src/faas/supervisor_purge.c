/*
 * What nobody uses any more. Libraries that no function has are kept a while: what is deployed
 * again need not be built again, and a registry that is put back finds them. Uids that a killed
 * daemon did not get to free are freed at the next start.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/supervisor.h"

#define UIDS_AT_ONCE 64

struct hashes {
    char (*hash)[BUILD_HASH_TEXT];
    size_t count, capacity;
    struct store *store;
};

static void hashes_clear(struct hashes *hashes)
{
    free(hashes->hash);
}

static int add_one(struct hashes *hashes, const char *hash)
{
    if (hashes->count == hashes->capacity) {
        size_t capacity = hashes->capacity ? hashes->capacity * 2 : 256;
        void *grown = realloc(hashes->hash, capacity * sizeof *hashes->hash);
        if (!grown)
            return -ENOMEM;
        hashes->hash = grown;
        hashes->capacity = capacity;
    }
    memcpy(hashes->hash[hashes->count++], hash, BUILD_HASH_TEXT);
    return 0;
}

/* Its library, the report of its proof, the one that it would fall to, and those that it is pinned
 * to. */
static int add_hash(const struct registry_function *function, void *user)
{
    _cleanup_(freep) struct manifest *manifest = malloc(sizeof *manifest);
    struct hashes *hashes = user;
    char ladder[BUILD_LADDER_BYTES], below[BUILD_HASH_TEXT], above[BUILD_HASH_TEXT];
    char report[BUILD_HASH_TEXT];

    if (!manifest)
        return -ENOMEM;
    int r = add_one(user, function->library_hash);
    store_find_ladder(hashes->store, function->source_hash, ladder);
    if (r == 0 && build_ladder_line(ladder, "below", below, sizeof below))
        r = add_one(user, below);
    /* What it is optimised to, or is to be from. */
    if (r == 0 && (build_ladder_line(ladder, "above", above, sizeof above) ||
                   build_ladder_line(ladder, "source", above, sizeof above)))
        r = add_one(user, above);
    if (r == 0 && build_ladder_report_hash(ladder, report))
        r = add_one(user, report);
    if (r < 0 || !function->manifest ||
        manifest_parse(function->manifest, strlen(function->manifest), "registry", manifest, NULL) <
            0)
        return r;
    for (uint32_t i = 0; r == 0 && i < manifest->dependency_count; i++)
        if (manifest->dependencies[i].hash[0])
            r = add_one(user, manifest->dependencies[i].hash);
    return r;
}

int purge_store(struct supervisor *supervisor, uint32_t age_seconds, struct err *err)
{
    _cleanup_(hashes_clear) struct hashes hashes = {.store = supervisor->store};

    int r = registry_each(supervisor->registry, add_hash, &hashes, err);
    if (r == 0)
        r = registry_each_version(supervisor->registry, NULL, add_hash, &hashes, err);
    if (r < 0)
        return err && err->code ? r : err_set(err, r, "cannot purge the store");
    /* An empty registry may stand in for one that is damaged and will come back. */
    if (hashes.count == 0)
        return 0;
    _cleanup_(freep) const char **keep = calloc(hashes.count, sizeof *keep);
    if (!keep)
        return err_set(err, -ENOMEM, "cannot purge the store");
    for (size_t i = 0; i < hashes.count; i++)
        keep[i] = hashes.hash[i];
    r = store_purge(supervisor->store, keep, hashes.count, age_seconds);
    if (r < 0)
        return err_set(err, r, "cannot purge the store");
    if (r > 0)
        log_line(LOG_NOTICE, "removed %d libraries that no function has", r);
    return 0;
}

void purge_uids(struct supervisor *supervisor)
{
    uid_t uids[UIDS_AT_ONCE];
    struct err err = {0};
    int r;

    while ((r = registry_uids_waiting(supervisor->registry, uids, UIDS_AT_ONCE, &err)) > 0) {
        for (int i = 0; i < r; i++) {
            if (pvm_uid_end(uids[i], &err) < 0 ||
                registry_uid_purged(supervisor->registry, uids[i], &err) < 0) {
                log_line(LOG_WARNING, "%s", err.message);
                return; /* they wait for the next start */
            }
        }
        log_line(LOG_NOTICE, "freed %d uids of functions that were removed", r);
    }
    if (r < 0)
        log_line(LOG_WARNING, "%s", err.message);
}
