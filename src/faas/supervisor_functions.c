/* What is deployed, in memory, and the templates of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/symbol_map.h"
#include "faas/supervisor.h"
#include "faas/supervisor_audit.h"
#include "faas/supervisor_secrets.h"
#include "faas/supervisor_servers.h"
#include "faas/supervisor_outside.h"
#include "faas/supervisor_link.h"
#include "guest/template.h"

static unsigned name_bucket(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a; names are the operator's, not an attacker's */

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash % FUNCTION_BUCKETS;
}

struct function *function_find(struct supervisor *supervisor, const char *name)
{
    struct function *function = supervisor->by_name[name_bucket(name)];

    while (function && strcmp(function->row.name, name) != 0)
        function = function->next_name;
    return function;
}

struct function *function_find_id(struct supervisor *supervisor, uint32_t id)
{
    struct function *function = supervisor->by_id[id % FUNCTION_BUCKETS];

    while (function && function->row.id != id)
        function = function->next_id;
    return function;
}

void function_tell(struct supervisor *supervisor, const struct function *function)
{
    const struct manifest *manifest = &function->manifest;
    struct gateway_function message = {
        .type = GATEWAY_FUNCTION,
        .function_id = function->row.id,
        .generation = function->generation,
        .per_request = manifest->isolation == MANIFEST_REQUEST,
        .timeout_ms = manifest->limits.timeout_ms,
        .request_bytes = manifest->limits.request_bytes,
        .answer_bytes = manifest->limits.answer_bytes,
        .instances_max = manifest->pool.instances_max,
        .spares = manifest->pool.spares,
        .spares_by_rate = manifest->spares_by_rate,
        .queue_max = manifest->pool.queue_max,
        .idle_ms = manifest->pool.idle_ms,
        .memory_bytes = manifest->limits.memory_bytes,
        .pids = manifest->limits.pids,
    };

    if (function->refused) {
        message.calls = GATEWAY_NOT_ALLOWED;
        snprintf(message.refusal, sizeof message.refusal,
                 "the operator's configuration does not allow what it asks for");
    } else if (strcmp(function->row.kind, "library") == 0) {
        message.calls = GATEWAY_NOT_ALLOWED;
        snprintf(message.refusal, sizeof message.refusal,
                 "it is a library: others are linked with it, nobody calls it");
    } else if (manifest->listen_count > 0) {
        message.calls = GATEWAY_SERVER;
        snprintf(message.refusal, sizeof message.refusal,
                 "it is a server: it answers on %s itself, not over HTTP here",
                 manifest->listen[0]);
    }
    if (message.calls != GATEWAY_TAKES_CALLS)
        message.spares = 0;
    memcpy(message.name, function->row.name, sizeof message.name);
    memcpy(message.version, function->row.version, sizeof message.version);
    gateway_send(supervisor, GATEWAY_CALLS, &message, sizeof message, NULL, 0);
}

static struct function *function_add(struct supervisor *supervisor, uint32_t id, const char *name)
{
    struct function *function = calloc(1, sizeof *function);

    if (!function)
        return NULL;
    function->next_id = supervisor->by_id[id % FUNCTION_BUCKETS];
    supervisor->by_id[id % FUNCTION_BUCKETS] = function;
    unsigned bucket = name_bucket(name);
    function->next_name = supervisor->by_name[bucket];
    supervisor->by_name[bucket] = function;
    supervisor->function_count++;
    return function;
}

/* What was proved; all 0: nothing. */
static struct pvm_bounds bounds_of(const struct library_proof *proof, const char *calls)
{
    return (struct pvm_bounds){.stack_bytes = proof->stack_bytes,
                               .static_bytes = proof->static_bytes,
                               .cpu_ms = proof->cpu_ms,
                               .grants = pvm_grants_called(calls)};
}

/* The record of the build, which only makes limits smaller; what the sandbox is made of beside them
 * comes from the library's note, which is signed. */
static void proof_take(struct supervisor *supervisor, struct function *function,
                       const struct registry_function *row)
{
    char ladder[BUILD_LADDER_BYTES] = "", calls[ALLOW_CALLS_BYTES] = "";

    if (supervisor->store)
        store_find_ladder(supervisor->store, row->source_hash, ladder);
    function->proved =
        strcmp(row->safety, "proved") == 0 && build_ladder_proof(ladder, &function->proof);
    build_ladder_line(ladder, "calls", calls, sizeof calls);
    function->calls = 0;
    for (enum allow_served served = 0; served < ALLOW_SERVED && function->proved; served++)
        if (allow_calls_have(calls, allow_served_name(served)))
            function->calls |= 1u << served;
    function->bounds = bounds_of(&function->proof, calls);
}

/* Of another OCI runtime, which is in the function's group while it makes the container and while
 * that waits: runc has a dozen, and the process that starts it. */
#define RUNTIME_THREADS 24

void function_limits(struct supervisor *supervisor, struct function *function)
{
    /* A disk that is gone limits nothing; starting the instance then says so by its grant. */
    struct manifest held = function->manifest;

    if (function->proved)
        held.limits.memory_bytes = pvm_bounds_memory(&function->bounds, &held);
    pvm_limits(&held, supervisor->config.state_dir, &function->limits, NULL);
    if (held.container.word_count > 0 && supervisor->config.container_runtime[0])
        function->limits.pids += RUNTIME_THREADS;
}

int function_set(struct supervisor *supervisor, struct registry_function *row,
                 const struct manifest *manifest, struct function **ret_function, struct err *err)
{
    struct function *function = function_find(supervisor, row->name);

    if (!function)
        function = function_add(supervisor, row->id, row->name);
    if (!function) {
        registry_function_clear(row);
        return err_set(err, -ENOMEM, "cannot keep function '%s'", row->name);
    }
    /* One that was updated in place goes on. */
    if (function->server && function->server->updated)
        function->server->updated = false;
    else
        server_drop(supervisor, function);
    if (function->current)
        template_retire(supervisor, function->current);
    function->manifest = *manifest;
    /* Here alone: the registry keeps what was asked for, whatever the ceilings are now. */
    manifest_ceilings_fill(&supervisor->config.ceilings, &function->manifest);
    proof_take(supervisor, function, row);
    function_limits(supervisor, function);
    free(steal_ptr(&function->refused));
    function_fall_clear(function);
    registry_function_clear(&function->row);
    function->row = *row;
    memset(row, 0, sizeof *row);
    tier_set(supervisor, function);
    function_fall(supervisor, function);
    function->generation++;
    function_tell(supervisor, function);
    if (ret_function)
        *ret_function = function;
    return 0;
}

bool function_has_state(const struct function *function)
{
    return function->manifest.update.slack_bytes > 0 &&
           function->manifest.isolation != MANIFEST_REQUEST &&
           (function->manifest.listen_count > 0 || strcmp(function->row.kind, "handler") == 0);
}

static void unlink_function(struct supervisor *supervisor, struct function *function)
{
    struct function **at = &supervisor->by_id[function->row.id % FUNCTION_BUCKETS];

    while (*at != function)
        at = &(*at)->next_id;
    *at = function->next_id;
    at = &supervisor->by_name[name_bucket(function->row.name)];
    while (*at != function)
        at = &(*at)->next_name;
    *at = function->next_name;
    supervisor->function_count--;
}

static bool uid_in_use(const struct supervisor *supervisor, uid_t uid)
{
    for (const struct template_slot *slot = supervisor->templates; slot; slot = slot->next) {
        if (slot->uid == uid)
            return true;
    }
    return false;
}

void function_drop(struct supervisor *supervisor, const char *name)
{
    struct function *function = function_find(supervisor, name);

    if (!function)
        return;
    struct gateway_function_gone message = {
        .type = GATEWAY_FUNCTION_GONE,
        .function_id = function->row.id,
    };
    uid_t uid = function->row.uid;
    server_drop(supervisor, function);
    bool alive = uid_in_use(supervisor, uid);
    bool keep_uid = function->row.may_own_files;

    unlink_function(supervisor, function);
    platform_forget(supervisor, function->row.id);
    audit_note_forgotten(supervisor, function->row.name);
    gateway_send(supervisor, GATEWAY_CALLS, &message, sizeof message, NULL, 0);
    wishes_refuse(supervisor, function, -ENOENT, "the function is gone");
    for (struct template_slot *slot = supervisor->templates; slot; slot = slot->next) {
        if (slot->function != function)
            continue;
        slot->function = NULL;
        if (keep_uid)
            slot->uid = 0;
    }
    if (function->current)
        template_retire(supervisor, function->current);
    /* While a template is alive, its end frees the uid. */
    if (keep_uid)
        log_line(LOG_NOTICE,
                 "uid %u of '%s' is not used again: it may own files in granted "
                 "directories",
                 uid, name);
    else if (!alive)
        jobs_uid_purged(supervisor, uid);
    free(function->refused);
    free(function->log);
    function_fall_clear(function);
    registry_function_clear(&function->row);
    free(function);
}

/* ---- templates ---- */

static void template_free(struct supervisor *supervisor, struct template_slot *slot)
{
    struct template_slot **at = &supervisor->templates;

    supervisor_unwatch(supervisor, &slot->source);
    pvm_template_free(steal_ptr(&slot->pvm));
    if (slot->group)
        cgroup_pool_put(supervisor->pool, slot->group, true);
    if (slot->image_directory[0])
        jobs_container_gone(supervisor, slot->image_directory);
    container_spare_ended(supervisor, slot->uid_lock);
    while (*at != slot)
        at = &(*at)->next;
    *at = slot->next;
    if (!slot->function && slot->uid && !uid_in_use(supervisor, slot->uid))
        jobs_uid_purged(supervisor, slot->uid);
    slot->source.fd = -1;
    slot->next = supervisor->dead;
    supervisor->dead = slot;
}

void templates_bury(struct supervisor *supervisor)
{
    while (supervisor->dead) {
        struct template_slot *slot = supervisor->dead;
        supervisor->dead = slot->next;
        secrets_free(slot->secrets);
        free(slot);
    }
}

/* Whether instances of a library may get another version of it: they have state between calls, and
 * a map says where it lies. */
static bool is_live(const struct manifest *manifest, const struct library_note *note,
                    int library_fd)
{
    struct symbol_map_footer footer;
    off_t end = lseek(library_fd, 0, SEEK_END);

    /* Native code always has a map, for vireo update --pvm; the wish is the author's. */
    return manifest->isolation != MANIFEST_REQUEST && manifest->update.slack_bytes > 0 &&
           (manifest->listen_count > 0 || strcmp(note->kind, "handler") == 0) &&
           end > LIBRARY_TRAILER_BYTES + (off_t)sizeof footer &&
           pread(library_fd, &footer, sizeof footer,
                 end - LIBRARY_TRAILER_BYTES - (off_t)sizeof footer) == sizeof footer &&
           footer.magic == SYMBOL_MAP_MAGIC;
}

/* Page tables of one fork and what is copied before it has moved. */
#define INTERPRETER_FORK_BYTES (UINT64_C(1) << 20)

/*
 * An interpreter's template runs the function's modules when it imports them: it has the function's
 * own limits. On v1 each fork is counted here until it has moved, and its page tables stay.
 */
static int interpreter_limits(struct supervisor *supervisor, const struct manifest *manifest,
                              struct cgroup_limits *ret_limits, struct err *err)
{
    int r = pvm_limits(manifest, supervisor->config.state_dir, ret_limits, err);

    if (r == 0) {
        ret_limits->memory_bytes += manifest->pool.instances_max * INTERPRETER_FORK_BYTES;
        ret_limits->pids += 2 + manifest->pool.instances_max;
    }
    return r;
}

/* What a generic container has made ahead becomes the slot's. */
static bool take_spare(struct supervisor *supervisor, const struct manifest *manifest,
                       struct template_slot *slot)
{
    struct container_spare *spare = container_spare_take(supervisor, manifest);

    if (!spare)
        return false;
    slot->pvm = spare->pvm;
    slot->group = spare->group;
    slot->uid_lock = spare->uid_lock;
    memcpy(slot->image_directory, spare->directory, sizeof slot->image_directory);
    free(spare);
    return true;
}

/* Unpacked beside it by who has no rights, and of no use to anybody before this has said yes. */
static int check_image(const struct pvm_template_options *options, void *hash, struct err *err)
{
    return store_check_image(options->library_fd, hash, err);
}

int template_open(struct supervisor *supervisor, const char *name, const char *library_hash,
                  const struct manifest *manifest, bool quick, uid_t uid, const int *listeners,
                  struct template_slot **ret_slot, struct err *err)
{
    /* None: a template runs our code only, and on v1 each fork is counted here until it has moved.
     */
    struct cgroup_limits limits = {0};
    struct library_note note = {0};
    _cleanup_(closep) int library_fd = -1;
    bool container = manifest->container.word_count > 0;
    char image_path[4096];
    int dependencies[DEPENDENCIES_MAX];
    struct template_slot *slot = calloc(1, sizeof *slot);

    if (!slot)
        return err_set(err, -ENOMEM, "cannot start template of '%s'", name);
    slot->source.fd = slot->uid_lock = -1;
    slot->uid = uid;
    snprintf(slot->name, sizeof slot->name, "%s", name);
    snprintf(slot->version, sizeof slot->version, "%s", manifest->version);
    slot->started_ns = clock_now_ns();
    int r = secrets_read(&supervisor->config, name, manifest, &slot->secrets, err);
    if (r == 0 && container)
        r = store_copy_image(supervisor->store, library_hash, &library_fd, err);
    else if (r == 0)
        r = store_get(supervisor->store, library_hash, supervisor->key, &supervisor->config.trust,
                      &library_fd, &note, err);
    /* Signed, but as another function's, or another version's. Native code that came ready-made has
     * the name that its signer knows. */
    bool named = strcmp(note.safety, "native") == 0 || strcmp(note.name, name) == 0;
    if (r == 0 && !container && (!named || strcmp(note.version, manifest->version) != 0))
        r = err_say(err, -EBADMSG,
                    "cannot use library '%s' for '%s': its note says '%s' version '%s'",
                    library_hash, name, note.name, note.version);
    memset(dependencies, -1, sizeof dependencies);
    memcpy(slot->signer, note.signer, sizeof slot->signer);
    if (r == 0)
        r = dependencies_open(supervisor, manifest, dependencies, err);
    bool blank = manifest->recycle != MANIFEST_RECYCLE_NONE;
    if (r == 0 && vkernel_is_set(&manifest->vkernel)) {
        slot->vkernel = malloc(sizeof *slot->vkernel);
        if (slot->vkernel)
            *slot->vkernel = manifest->vkernel;
        else
            r = err_set(err, -ENOMEM, "cannot start template of '%s'", name);
    }
    slot->interprets = manifest->runtime != MANIFEST_RUNTIME_NONE;
    if (r == 0 && slot->interprets)
        r = interpreter_limits(supervisor, manifest, &limits, err);
    bool spare = r == 0 && container && take_spare(supervisor, manifest, slot);
    if (r == 0 && container && !spare)
        r = container_directory(supervisor, uid, slot->image_directory, image_path,
                                sizeof image_path, err);
    if (r == 0 && !spare)
        r = cgroup_pool_take(supervisor->pool, &limits, &slot->group, err);
    if (r == 0) {
        slot->live = is_live(manifest, &note, library_fd);
        struct pvm_bounds of_note = bounds_of(&note.proof, note.calls);
        const struct pvm_bounds *bounds = of_note.cpu_ms ? &of_note : NULL;
        slot->grants = pvm_grants(manifest, bounds) | (slot->live ? GUEST_GRANT_UPDATE : 0) |
                       (bounds ? 0 : GUEST_GRANT_CODE);
        struct pvm_template_options options = {
            .bounds = bounds,
            .function = name,
            .manifest = manifest,
            .guest_program_fd = container ? supervisor->contain_fd : supervisor->guest_fd,
            .image_directory = image_path,
            .container_runtime = config_runtime(&supervisor->config),
            .program_dir = supervisor->config.program_dir,
            .library_fd = library_fd,
            .uid = uid,
            .args = &name,
            .arg_count = 1,
            .live = slot->live,
            .quick = quick,
            .native = strcmp(note.safety, "native") == 0,
            .group = slot->group,
            .listeners = listeners,
            .dependencies = dependencies,
            .secrets = slot->secrets ? (const char *const *)slot->secrets->values : NULL,
            .meanwhile = container ? check_image : NULL,
            .user = (void *)library_hash,
        };
        /* A blank outlives this slot: its group is its own. */
        if (blank)
            slot->group = NULL;
        r = spare   ? pvm_template_become(slot->pvm, &options, err)
            : blank ? blank_open(supervisor, &options, slot->secrets, &slot->pvm, err)
                    : pvm_template_new(&options, &slot->pvm, err);
    }
    secrets_forget(slot->secrets);
    fd_close_all(dependencies, DEPENDENCIES_MAX);
    if (r < 0) {
        template_discard(supervisor, slot);
        return r;
    }
    *ret_slot = slot;
    return 0;
}

void template_discard(struct supervisor *supervisor, struct template_slot *slot)
{
    if (!slot)
        return;
    pvm_template_free(slot->pvm);
    if (slot->group)
        cgroup_pool_put(supervisor->pool, slot->group, true);
    if (slot->image_directory[0])
        container_forget(supervisor, slot->image_directory);
    container_spare_ended(supervisor, slot->uid_lock);
    secrets_free(slot->secrets);
    free(slot->vkernel);
    free(slot);
}

int template_adopt(struct supervisor *supervisor, struct template_slot *slot,
                   struct function *function, struct err *err)
{
    struct template_slot *old = function->current;

    slot->source.owner = slot;
    slot->source.ready = template_ready;
    int r = supervisor_watch(supervisor, &slot->source, pvm_template_fd(slot->pvm), EPOLLIN, err);
    if (r < 0)
        return r;
    slot->next = supervisor->templates;
    supervisor->templates = slot;
    slot->function = function;
    slot->generation = function->generation;
    function->current = slot;
    if (old)
        template_retire(supervisor, old);
    return 0;
}

void template_retire(struct supervisor *supervisor, struct template_slot *slot)
{
    slot->retired = true;
    if (slot->function && slot->function->current == slot)
        slot->function->current = NULL;
    if (slot->instances == 0)
        template_free(supervisor, slot);
}

void template_end(struct supervisor *supervisor, struct template_slot *slot)
{
    supervisor_unwatch(supervisor, &slot->source);
    slot->source.fd = -1;
    /* The whole pid namespace dies with its init, before its groups are given back. Of a blank the
     * other functions' too: they are told by its end. */
    pvm_template_end_blank(slot->pvm);
    pvm_template_free(steal_ptr(&slot->pvm));
    slot->retired = true;
    slot->instances++; /* so that losing the last one does not free it under us */
    instance_end_all(supervisor, slot);
    slot->instances--;
    template_retire(supervisor, slot);
}

void templates_retire_all(struct supervisor *supervisor)
{
    while (supervisor->templates)
        template_end(supervisor, supervisor->templates);
}

void function_free_all(struct supervisor *supervisor)
{
    templates_retire_all(supervisor);
    templates_bury(supervisor);
    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++) {
        while (supervisor->by_id[i]) {
            struct function *function = supervisor->by_id[i];
            supervisor->by_id[i] = function->next_id;
            wishes_refuse(supervisor, function, -ESHUTDOWN, "the daemon stops");
            free(function->refused);
            free(function->log);
            function_fall_clear(function);
            registry_function_clear(&function->row);
            free(function);
        }
        supervisor->by_name[i] = NULL;
    }
}
