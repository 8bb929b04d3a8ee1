/*
 * The first tier: a module that was never seen is served at once from quickly compiled code, while
 * the optimising compiler works behind all else. The registry keeps what was deployed; the build's
 * record says of which source that is ("source"), and which library has come in its place
 * ("above"). So an end in between loses nothing: the next start optimises again. Only what starts
 * anew for each call is served so, for nothing of it outlives the exchange.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "faas/supervisor_jobs.h"

/* Without the line that begins with this word, if there is one. */
static void line_drop(char *ladder, const char *key)
{
    size_t length = strlen(key);

    for (char *line = ladder; *line;) {
        char *next = line + strcspn(line, "\n");
        next += *next == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == '\t')
            memmove(line, next, strlen(next) + 1);
        else
            line = next;
    }
}

/* Puts "KEY\tHASH" into what is recorded of a build. What is above goes with the source. */
static int record_put(struct store *store, const char *input_hash, const char *library_hash,
                      const char *key, const char *hash, struct err *err)
{
    char ladder[BUILD_LADDER_BYTES];

    store_find_ladder(store, input_hash, ladder);
    line_drop(ladder, "above");
    line_drop(ladder, key);
    size_t used = strlen(ladder), room = sizeof ladder - used;
    int n = snprintf(ladder + used, room, "%s\t%s\n", key, hash);
    if (n < 0 || (size_t)n >= room)
        return err_say(err, -E2BIG, "cannot record a build: too much was said of it");
    return store_record_built(store, input_hash, library_hash, ladder, err);
}

int tier_keep_source(struct supervisor *supervisor, const struct build_result *result,
                     const void *tar, size_t size, struct err *err)
{
    char hash[BUILD_HASH_TEXT];

    if (!result->quick)
        return 0;
    int r = store_put(supervisor->store, tar, size, hash, err);
    return r < 0 ? r
                 : record_put(supervisor->store, result->input_hash, result->library_hash, "source",
                              hash, err);
}

bool tier_row(struct supervisor *supervisor, struct registry_function *row)
{
    char ladder[BUILD_LADDER_BYTES] = "", source[BUILD_HASH_TEXT], above[BUILD_HASH_TEXT];

    if (supervisor->store)
        store_find_ladder(supervisor->store, row->source_hash, ladder);
    if (!build_ladder_line(ladder, "above", above, sizeof above))
        return build_ladder_line(ladder, "source", source, sizeof source);
    memcpy(row->library_hash, above, sizeof above);
    return false;
}

void tier_set(struct supervisor *supervisor, struct function *function)
{
    function->quick = tier_row(supervisor, &function->row);
    function->stays_quick = false;
}

/* What was deployed, though the source itself may say less. */
static int override_kept(struct manifest *manifest, void *user, struct err *err)
{
    const struct job *job = user;
    _cleanup_(freep) struct manifest *kept = malloc(sizeof *kept);

    if (!kept)
        return err_set(err, -ENOMEM, "cannot optimise '%s'", job->request.name);
    int r = manifest_parse(job->base_manifest, strlen(job->base_manifest), "registry", kept, err);
    if (r < 0)
        return r;
    memcpy(kept->sources, manifest->sources, sizeof kept->sources);
    kept->source_count = manifest->source_count;
    *manifest = *kept;
    return manifest_settle(manifest, err);
}

static int build(struct job *job, const void *tar, size_t size, struct build_result *result)
{
    struct supervisor *supervisor = job->supervisor;
    _cleanup_(closep) int uid_lock = -1;
    char group[64];
    uid_t uid;

    int r = pvm_uid_take(&uid, &uid_lock, &job->err);
    if (r < 0)
        return r;
    snprintf(group, sizeof group, "vireo/build-%d-o%u", (int)getpid(), job->function_id);
    const struct build_options options = {
        .program_dir = supervisor->config.program_dir,
        .state_dir = supervisor->config.state_dir,
        .uid = uid,
        .cgroup_name = group,
        .stop_fd = job->stop_fd,
        .trust = &supervisor->config.trust,
    };
    return build_run(&options, tar, size, override_kept, job, supervisor->store, supervisor->key,
                     result, &job->err);
}

void tier_job_step(struct job *job)
{
    struct supervisor *supervisor = job->supervisor;
    struct store *store = supervisor->store;
    _cleanup_(build_result_clear) struct build_result result = {0};
    _cleanup_(closep) int fd = -1;
    char ladder[BUILD_LADDER_BYTES], source[BUILD_HASH_TEXT];
    struct stat status;

    store_find_ladder(store, job->source_hash, ladder);
    if (!build_ladder_line(ladder, "source", source, sizeof source)) {
        err_say(&job->err, -ENOENT, "cannot optimise '%s': its source is gone", job->request.name);
        return;
    }
    if (store_get_image(store, source, &fd, &job->err) < 0)
        return;
    void *tar = fstat(fd, &status) < 0 ? NULL : malloc((size_t)status.st_size);
    if (!tar || pread(fd, tar, (size_t)status.st_size, 0) != status.st_size)
        err_set(&job->err, -ENOMEM, "cannot optimise '%s'", job->request.name);
    else if (build(job, tar, (size_t)status.st_size, &result) == 0)
        record_put(store, job->source_hash, job->library_hash, "above", result.library_hash,
                   &job->err);
    free(tar);
}

void tier_job_done(struct supervisor *supervisor, struct job *job)
{
    struct function *function = function_find_id(supervisor, job->function_id);

    /* Removed, or deployed anew. */
    if (!function || strcmp(function->row.source_hash, job->source_hash) != 0 || !function->quick)
        return;
    if (job->err.code == 0)
        tier_set(supervisor, function);
    if (function->quick) {
        function->stays_quick = true;
        log_line(LOG_WARNING, "function '%s' stays as it was compiled first: %s",
                 function->row.name, job->err.message);
        return;
    }
    log_line(LOG_NOTICE, "function '%s' is optimised", function->row.name);
    /* Calls go on by the template that is there until the other has started, but for one that is
     * starting now: it is of the library before. */
    if (function->starting && function->current)
        template_retire(supervisor, function->current);
    function->generation++;
    function_tell(supervisor, function);
    jobs_template(supervisor, function);
}

struct function *tier_next(struct supervisor *supervisor)
{
    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++)
        for (struct function *at = supervisor->by_id[i]; at; at = at->next_id)
            if (at->quick && !at->stays_quick && !at->refused)
                return at;
    return NULL;
}
