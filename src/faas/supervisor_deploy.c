/*
 * What a job does in its thread: building a source, and what is committed to the store and to the
 * registry. Nothing here touches what the loop owns.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/symbol_map.h"
#include "faas/supervisor.h"
#include "faas/supervisor_secrets.h"
#include "faas/supervisor_outside.h"
#include "faas/supervisor_link.h"
#include "faas/supervisor_jobs.h"

/*
 * Limits of a build's first try; what needs more begins anew among the long ones (QUEUE_LONG of
 * supervisor_jobs.c). C of the usual size takes less than 2 s and 300 MiB.
 */
#define SHORT_BUILD_MS 10000
#define SHORT_BUILD_BYTES (1ULL << 30)

/*
 * A granted directory is there and is no symbolic link; its mount looks again. Said here, where it
 * is a refusal of a grant, not a template that does not start.
 */
static int directories_check(const struct manifest *manifest, struct err *err)
{
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        const char *host = manifest->files[i].host;
        if (!host[0])
            continue;
        _cleanup_(closep) int fd =
            fd_open_resolve(AT_FDCWD, host, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
        if (fd < 0)
            return err_say(err, -EPERM, "cannot grant files '%s' to '%s': %s", host, manifest->name,
                           fd == -ELOOP ? "a part of the path is a symbolic link (name the "
                                          "directory itself)"
                                        : strerror(-fd));
    }
    return 0;
}

/* The operator's word on a whole manifest. */
static int grants_check(const struct supervisor_config *config, const struct manifest *manifest,
                        struct err *err)
{
    int r = supervisor_config_allows(config, manifest, err);

    if (r == 0)
        r = directories_check(manifest, err);
    return r < 0 ? r : secrets_check(config, manifest, err);
}

/* The command line's, in place of the manifest's. */
static int override_command(struct manifest *manifest, const struct admin_request *request,
                            struct err *err)
{
    struct err reason = {0};
    int r = 0;

    manifest->container.command_bytes = manifest->container.word_count = 0;
    for (uint32_t at = 0; r == 0 && at < request->word_bytes;
         at += (uint32_t)strlen(request->words + at) + 1)
        r = manifest_add_word(manifest, request->words + at, &reason);
    return r < 0 ? err_say(err, r, "cannot use the command: %s", reason.message) : 0;
}

/* What the command line set, over vireo.yaml; then the operator's word on the whole. */
static int override(struct manifest *manifest, void *user, struct err *err)
{
    const struct job *job = user;
    const struct admin_request *request = &job->request;
    int r = 0;

    /* An update of a source without vireo.yaml keeps what the function has. */
    if (job->base_manifest && !manifest->given) {
        r = manifest_parse(job->base_manifest, strlen(job->base_manifest), "registry", manifest,
                           err);
        manifest->source_count = 0;
    }
    if (r == 0 && request->name[0])
        r = manifest_set_name(manifest, request->name, err);
    if (r == 0 && request->isolation[0])
        r = manifest_set_isolation(manifest, request->isolation, err);
    if (r == 0 && request->memory[0])
        r = manifest_set_memory(manifest, request->memory, err);
    if (r == 0 && request->cpus[0])
        r = manifest_set_cpus(manifest, request->cpus, err);
    if (r == 0 && request->timeout[0])
        r = manifest_set_timeout(manifest, request->timeout, err);
    if (r == 0 && request->slack[0])
        r = manifest_set_slack(manifest, request->slack, err);
    if (r == 0 && request->talk[0])
        r = manifest_set_talk(manifest, request->talk, err);
    if (r == 0 && request->directory[0])
        r = manifest_set_directory_of_program(manifest, request->directory, err);
    if (r == 0 && request->word_bytes > 0)
        r = override_command(manifest, request, err);
    for (uint32_t at = 0; r == 0 && at < request->param_bytes;) {
        r = manifest_set_env(manifest, request->params + at, err);
        at += (uint32_t)strlen(request->params + at) + 1;
    }
    if (r == 0 && !manifest->name[0])
        r = err_say(err, -EINVAL,
                    "cannot deploy: the function has no name (vireo.yaml 'name' or --name)");
    if (r == 0 && request->require[0] && !build_is_as_safe(request->require, request->require))
        r = err_say(err, -EINVAL, "cannot require '%s': it is not proved, sfi or container",
                    request->require);
    if (r == 0)
        r = manifest_settle(manifest, err); /* how many instances it asks for */
    return r < 0 ? r : grants_check(&job->supervisor->config, manifest, err);
}

/*
 * The symbol map of the version that runs, which the new one is laid out against; of a library
 * that functions are linked with, if it has one. A function without state between calls needs none.
 * The map is malloc'ed; NULL: none is needed.
 */
static int base_map_read(struct job *job, void **ret_map, size_t *ret_size)
{
    struct supervisor *supervisor = job->supervisor;
    _cleanup_(closep) int fd = -1;
    struct library_note note;
    struct symbol_map map;
    struct stat status;
    struct err *err = &job->err;

    *ret_map = NULL;
    if (!job->base_stateful && !job->base_is_library)
        return 0;
    int r = store_get(supervisor->store, job->base_library, supervisor->key,
                      &supervisor->config.trust, &fd, &note, err);
    if (r < 0)
        return r;
    /* Nothing stays in it from call to call. */
    if (strcmp(note.safety, "proved") == 0 && note.proof.static_bytes == 0)
        return 0;
    if (fstat(fd, &status) < 0 || status.st_size < LIBRARY_TRAILER_BYTES)
        return err_set(err, -errno, "cannot read library '%s'", job->base_library);
    size_t size = (size_t)status.st_size;
    void *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        return err_set(err, -errno, "cannot read library '%s'", job->base_library);
    r = symbol_map_of(file, size - LIBRARY_TRAILER_BYTES, &map, err);
    job->base_mapped = r == 0 && job->base_stateful;
    /* Laid out by nobody: pointers are changed when it is replaced. */
    bool laid_out = r == 0 && !map.header->native;
    if (r == -ENOENT && job->base_is_library)
        r = 0; /* it asks for no updates */
    else if (r == -ENOENT)
        r = err_say(err, -EPERM,
                    "cannot update '%s' in place: the library that runs has no symbol map: it was "
                    "not built from C with slack for updates (a deploy replaces it, without its "
                    "state)",
                    job->request.name);
    if (laid_out) {
        *ret_size = map.header->bytes;
        *ret_map = malloc(*ret_size);
        r = *ret_map ? 0 : err_set(err, -ENOMEM, "cannot read library '%s'", job->base_library);
    }
    if (r == 0 && *ret_map)
        memcpy(*ret_map, map.header, *ret_size);
    munmap(file, size);
    return r;
}

/* What came of an update must have a map, too. */
static int update_check(struct job *job, bool has_base)
{
    struct symbol_map map;

    if (!has_base)
        return 0;
    int r = symbol_map_of(job->result.library, job->result.size - LIBRARY_TRAILER_BYTES, &map,
                          &job->err);
    return r == -ENOENT
               ? err_say(&job->err, -EPERM,
                         "cannot update '%s' in place: the new library has no symbol map: it is no "
                         "C source that was built with slack for updates",
                         job->request.name)
               : r;
}

/* Proved code that calls what may be demoted: the platform's entries. */
static bool may_fall(const struct build_result *result)
{
    char calls[512], name[80];

    if (strcmp(result->note.safety, "proved") != 0 ||
        !build_ladder_line(result->ladder, "calls", calls, sizeof calls))
        return false;
    for (enum allow_served served = 0; served < ALLOW_SERVED; served++) {
        snprintf(name, sizeof name, "%s", allow_served_name(served));
        if (strstr(calls, name))
            return true;
    }
    return false;
}

/*
 * The same source one rung lower, kept for the day when an entry that it calls is demoted: then
 * there is no source to build it from. Who requires a proof gets none. A source that can't be
 * translated has none either, and that is no error.
 */
static void build_below(struct job *job, const struct build_options *above, const void *tar,
                        size_t size)
{
    struct supervisor *supervisor = job->supervisor;
    struct build_options options = *above;
    struct build_result below = {0};
    struct build_result *result = &job->result;
    struct err err = {0};
    char known[BUILD_HASH_TEXT];

    if (!may_fall(result) ||
        build_is_as_safe("proved", job->request.require) !=
            build_is_as_safe("sfi", job->request.require) ||
        build_ladder_line(result->ladder, "below", known, sizeof known))
        return;
    options.ladder = false;
    options.require = NULL;
    size_t used = strlen(result->ladder), room = sizeof result->ladder - used;
    if (build_run(&options, tar, size, override, job, supervisor->store, supervisor->key, &below,
                  &err) < 0) {
        log_line(LOG_NOTICE, "function '%s' has no lower rung to fall to: %s",
                 result->manifest.name, err.message);
    } else if (BUILD_HASH_TEXT + sizeof "below\t\n" <= room) {
        snprintf(result->ladder + used, room, "below\t%s\n", below.library_hash);
        store_record_built(supervisor->store, result->input_hash, result->library_hash,
                           result->ladder, NULL);
    }
    build_result_clear(&below);
}

static int deploy_build(struct job *job)
{
    struct supervisor *supervisor = job->supervisor;
    struct err *err = &job->err;
    _cleanup_(closep) int uid_lock = -1;
    struct stat status;
    uid_t uid;

    if (fstat(job->source_fd, &status) < 0)
        return err_set(err, -errno, "cannot read the source");
    if (status.st_size <= 0 || status.st_size > SOURCE_MAX_BYTES)
        return err_say(err, -EFBIG, "cannot read the source: it has %lld bytes, the limit is %d",
                       (long long)status.st_size, SOURCE_MAX_BYTES);
    /* Copied: the gateway may hold the file and is not trusted to leave it alone. */
    _cleanup_(freep) void *tar = malloc((size_t)status.st_size);
    if (!tar)
        return err_set(err, -ENOMEM, "cannot read the source");
    if (pread(job->source_fd, tar, (size_t)status.st_size, 0) != status.st_size)
        return err_say(err, -EIO, "cannot read the source: it changed");
    _cleanup_(freep) void *base_map = NULL;
    size_t base_map_size = 0;
    int r = base_map_read(job, &base_map, &base_map_size);
    if (r == 0)
        r = pvm_uid_take(&uid, &uid_lock, err);
    if (r < 0)
        return r;
    char group[64];
    snprintf(group, sizeof group, "vireo/build-%d-%llu", (int)getpid(),
             (unsigned long long)job->request.token);
    struct build_options options = {
        .program_dir = supervisor->config.program_dir,
        .state_dir = supervisor->config.state_dir,
        .uid = uid,
        .cgroup_name = group,
        .progress = job_progress,
        .progress_user = job,
        .base_map = base_map,
        .base_map_size = base_map_size,
        .trust = &supervisor->config.trust,
        .ladder = true,
        .contain = true,
        .quick = job->request.type == ADMIN_DEPLOY,
        .quick_calls = true,
        .require = job->request.require,
        .timeout_ms = job->long_build ? 0 : SHORT_BUILD_MS,
        .memory_bytes = job->long_build ? 0 : SHORT_BUILD_BYTES,
    };
    r = build_run(&options, tar, (size_t)status.st_size, override, job, supervisor->store,
                  supervisor->key, &job->result, err);
    if (r == 0)
        r = update_check(job, base_map != NULL);
    if (r == 0)
        r = tier_keep_source(supervisor, &job->result, tar, (size_t)status.st_size, err);
    if (r == 0)
        build_below(job, &options, tar, (size_t)status.st_size);
    if (job->long_build || (r != -ETIME && r != -ENOMEM))
        return r;
    job->long_build = true;
    *err = (struct err){0};
    return r;
}

/* What a ready-made library asks for itself needs the operator's word too. */
static int check_linking(struct job *job)
{
    const struct manifest *manifest = &job->result.manifest;

    if ((manifest->link || manifest->dependency_count > 0) &&
        strcmp(job->result.note.safety, "proved") == 0)
        return err_say(&job->err, -EINVAL,
                       "cannot deploy '%s': dependencies and grants: link are not for what is "
                       "proved as a whole",
                       manifest->name);
    return supervisor_config_allows(&job->supervisor->config, manifest, &job->err);
}

/* Files of its uid may be anywhere in a host directory that it can write to. */
static bool may_own_files(const struct manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        if (manifest->files[i].host[0] && manifest->files[i].writable)
            return true;
    }
    return false;
}

static int fill_row(struct job *job)
{
    struct registry_function *row = &job->row;
    const struct build_result *result = &job->result;

    memcpy(row->name, result->manifest.name, sizeof row->name);
    memcpy(row->version, result->note.version, sizeof row->version);
    memcpy(row->library_hash, result->library_hash, sizeof row->library_hash);
    memcpy(row->source_hash, result->input_hash, sizeof row->source_hash);
    memcpy(row->safety, result->note.safety, sizeof row->safety);
    memcpy(row->kind, result->note.kind, sizeof row->kind);
    row->may_own_files = may_own_files(&result->manifest);
    return manifest_format(&result->manifest, &row->manifest, &job->err);
}

/* Its dependencies, pinned in the manifest that is committed. */
static int resolve(struct job *job)
{
    struct registry_function *row = &job->row;
    struct image image;

    if (job->result.manifest.dependency_count == 0)
        return 0;
    int r = image_open(job->supervisor, row->library_hash, &image, &job->err);
    if (r < 0)
        return r;
    r = dependencies_resolve(job->supervisor, &job->result.manifest, image.note.signer, &job->err);
    image_close(&image);
    if (r < 0)
        return r;
    free(steal_ptr(&row->manifest));
    return manifest_format(&job->result.manifest, &row->manifest, &job->err);
}

/* The two libraries of an update in place. */
static void live_open(struct job *job)
{
    struct supervisor *supervisor = job->supervisor;
    struct library_note note;

    if (store_get(supervisor->store, job->base_library, supervisor->key, &supervisor->config.trust,
                  &job->base_fd, &note, &job->err) == 0)
        store_get(supervisor->store, job->row.library_hash, supervisor->key,
                  &supervisor->config.trust, &job->library_fd, &note, &job->err);
}

/*
 * The trial of a function that an interpreter runs: here, with the builds, since its imports take
 * as long as its author likes, up to ten seconds. Nothing of it stays.
 */
static void try_imports(struct job *job)
{
    struct supervisor *supervisor = job->supervisor;
    _cleanup_(closep) int uid_lock = -1;
    struct template_slot *slot = NULL;
    uid_t uid;

    if (job->result.manifest.runtime == MANIFEST_RUNTIME_NONE ||
        pvm_uid_take(&uid, &uid_lock, &job->err) < 0)
        return;
    job_progress("import", job);
    template_open(supervisor, job->row.name, job->row.library_hash, &job->result.manifest, false,
                  uid, job->listeners, &slot, &job->err);
    template_discard(supervisor, slot);
}

/*
 * A template of the result, before anything is committed, then the row. A new function has no uid
 * before its row: its trial runs as one that is nobody's, and is thrown away.
 */
static void deploy_commit(struct job *job)
{
    struct supervisor *supervisor = job->supervisor;
    struct manifest *manifest = &job->result.manifest;
    struct registry_function *row = &job->row;
    struct registry_function known = {0};
    _cleanup_(closep) int uid_lock = -1;
    uid_t uid;

    int found = registry_get(supervisor->registry, row->name, &known, NULL);
    uid = known.uid;
    if (found == 0)
        store_touch(supervisor->store, known.library_hash); /* used until now */
    registry_function_clear(&known);
    bool back = job->request.type == ADMIN_ROLLBACK;
    /* Removed while this was built. */
    if (found < 0 && job->request.type != ADMIN_DEPLOY) {
        err_say(&job->err, -ENOENT, "no function '%s' is deployed", row->name);
        return;
    }
    /* Again: it may have been purged since it was built. */
    if (!back && store_put(supervisor->store, job->result.library, job->result.size,
                           row->library_hash, &job->err) < 0)
        return;
    /* Nobody calls a library: it has no template. What it needs is found for who is linked with it.
     * An interpreter's was tried already, and is started where it keeps nobody waiting. */
    bool elsewhere =
        strcmp(row->kind, "library") == 0 || manifest->runtime != MANIFEST_RUNTIME_NONE;
    if (!elsewhere && !job->round_over && resolve(job) < 0)
        return;
    if (found < 0 && pvm_uid_take(&uid, &uid_lock, &job->err) < 0)
        return;
    if (!elsewhere && !job->round_over &&
        template_open(supervisor, row->name, row->library_hash, manifest, job->result.quick, uid,
                      job->listeners, &job->slot, &job->err) < 0)
        return;
    if (job->base_mapped && !job->round_over && (elsewhere || !job->slot->live)) {
        err_say(&job->err, -EPERM,
                "cannot update '%s' in place: the new version is another kind of program, or asks "
                "for no updates (update: slack)",
                row->name);
        return;
    }
    /* The loop gives it to those that run; then this comes here again. */
    if (!elsewhere && !job->round_over && job->base_stateful && job->slot->live) {
        live_open(job);
        return;
    }
    if (back ? registry_step_back(supervisor->registry, row, &job->err) < 0
             : registry_put(supervisor->registry, row, &job->err) < 0)
        return;
    /* One that was a spare has a uid of its own, so the trial is the template. */
    if (found < 0 && !elsewhere && job->slot->uid_lock >= 0) {
        job->slot->uid = row->uid;
    } else if (found < 0 && !elsewhere) {
        template_discard(supervisor, steal_ptr(&job->slot));
        /* What fails now, after the trial, is met and told again at the first call. */
        template_open(supervisor, row->name, row->library_hash, manifest, job->result.quick,
                      row->uid, job->listeners, &job->slot, NULL);
    }
}

/* What a rollback goes back to, as if it had been built just now. */
static int rollback_read(struct job *job)
{
    struct supervisor *supervisor = job->supervisor;
    struct registry_function *row = &job->row;
    struct manifest *manifest = &job->result.manifest;

    int r = registry_previous(supervisor->registry, job->request.name, row, &job->err);
    if (r == 0)
        r = manifest_parse(row->manifest, strlen(row->manifest), "registry", manifest, &job->err);
    if (r == 0)
        r = manifest_settle(manifest, &job->err);
    job->result.quick = r == 0 && tier_row(supervisor, row);
    /* The operator's word may have changed since. */
    return r < 0 ? r : grants_check(&supervisor->config, manifest, &job->err);
}

static void remove_commit(struct job *job)
{
    struct supervisor *supervisor = job->supervisor;
    struct registry_function known = {0};
    uint32_t id;

    if (registry_get(supervisor->registry, job->request.name, &known, &job->err) == 0 &&
        registry_remove(supervisor->registry, job->request.name, &id, &job->uid, &job->err) == 0) {
        store_touch(supervisor->store, known.library_hash); /* used until now */
        bpf_forget(supervisor, id);
    }
    registry_function_clear(&known);
}

void job_step(struct job *job)
{
    struct supervisor *supervisor = job->supervisor;

    switch (job->kind) {
    case JOB_DEPLOY:
        if (job->built)
            deploy_commit(job);
        else if (job->request.type == ADMIN_ROLLBACK)
            rollback_read(job);
        else if (deploy_build(job) == 0 && check_linking(job) == 0 && fill_row(job) == 0)
            try_imports(job);
        return;
    case JOB_REMOVE:
        remove_commit(job);
        return;
    case JOB_PURGE_UID:
        registry_uid_purged(supervisor->registry, job->uid, &job->err);
        return;
    case JOB_PURGE_STORE:
        purge_store(supervisor, job->age_seconds, &job->err);
        return;
    case JOB_PURGE_CONTAINER:
        container_forget(supervisor, job->request.name);
        return;
    case JOB_IMAGE: {
        struct image image;
        if (image_open(supervisor, job->library_hash, &image, &job->err) == 0)
            image_close(&image);
        return;
    }
    case JOB_AUDIT:
        audit_job_step(supervisor->audit, &job->request, job->rows, job->audited, &job->err);
        return;
    case JOB_SPARE:
        container_spares_tend(supervisor, &job->err);
        return;
    case JOB_OPTIMISE:
        tier_job_step(job);
        return;
    case JOB_TEMPLATE:
        template_open(supervisor, job->request.name, job->library_hash, &job->manifest, job->quick,
                      job->uid, job->listeners, &job->slot, &job->err);
        return;
    }
}
