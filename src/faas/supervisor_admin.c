/* What administrators ask: answers are JSON, made here from what the supervisor knows. */
#include <errno.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "base/fd.h"
#include "faas/supervisor.h"
#include "faas/supervisor_audit.h"
#include "faas/supervisor_servers.h"
#include "faas/supervisor_link.h"
#include "faas/supervisor_jobs.h"
#include "guest/template.h"
#include "vkernel/syscalls.h"

#define REPORT_SHOWN_MAX_BYTES (4u << 20)

void json_add_text(struct json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

void json_add_number(struct json_object *object, const char *key, uint64_t value)
{
    json_object_object_add(object, key, json_object_new_uint64(value));
}

static void add_time(struct json_object *object, const char *key, int64_t seconds)
{
    char text[32];
    time_t time = (time_t)seconds;
    struct tm parts;

    if (gmtime_r(&time, &parts) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
        json_add_text(object, key, text);
}

static struct json_object *function_json(const struct supervisor *supervisor,
                                         const struct function *function)
{
    const struct registry_function *row = &function->row;
    struct json_object *object = json_object_new_object();
    char url[NAME_MAX_BYTES + 128];

    json_add_text(object, "name", row->name);
    json_add_text(object, "version", row->version);
    json_add_text(object, "safety", row->safety);
    json_add_text(object, "kind", row->kind);
    json_add_text(object, "isolation",
                  function->manifest.isolation == MANIFEST_REQUEST ? "request" : "instance");
    json_add_number(object, "memory_bytes", function->manifest.limits.memory_bytes);
    json_add_number(object, "cpu_millis", function->manifest.limits.cpu_millis);
    json_add_number(object, "timeout_ms", function->manifest.limits.timeout_ms);
    json_add_text(object, "library", row->library_hash);
    json_add_text(object, "source", row->source_hash);
    json_add_number(object, "uid", row->uid);
    add_time(object, "created_at", row->created_at);
    add_time(object, "updated_at", row->updated_at);
    snprintf(url, sizeof url, "http://%s/function/%s", supervisor->config.listen, row->name);
    json_add_text(object, "url", url);
    return object;
}

static int by_name(const void *a, const void *b)
{
    const struct function *const *one = a;
    const struct function *const *two = b;

    return strcmp((*one)->row.name, (*two)->row.name);
}

static void reply_list(struct supervisor *supervisor, uint64_t token)
{
    _cleanup_(freep) struct function **all = calloc(supervisor->function_count + 1, sizeof *all);
    unsigned count = 0;

    if (!all) {
        admin_reply(supervisor, token, -ENOMEM, "cannot list functions: out of memory", NULL);
        return;
    }
    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++) {
        for (struct function *at = supervisor->by_id[i]; at; at = at->next_id)
            all[count++] = at;
    }
    qsort(all, count, sizeof *all, by_name);
    struct json_object *array = json_object_new_array();
    for (unsigned i = 0; i < count; i++)
        json_object_array_add(array, function_json(supervisor, all[i]));
    admin_reply(supervisor, token, 0, "", json_object_to_json_string(array));
    json_object_put(array);
}

static struct json_object *syscalls_json(uint32_t grant)
{
    const char *names[128];
    size_t count = pvm_syscalls(grant, names, ARRAY_LEN(names));
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; i < count; i++)
        json_object_array_add(array, json_object_new_string(names[i]));
    return array;
}

/* The base table, and what each grant of this function adds; of a container the profile. */
static struct json_object *tables_json(const struct function *function)
{
    static const struct {
        const char *name;
        uint32_t grant;
    } sets[] = {{"files", GUEST_GRANT_FILES},        {"streams", GUEST_GRANT_STDIO},
                {"listen", GUEST_GRANT_LISTEN},      {"connect", GUEST_GRANT_CONNECT},
                {"fork", GUEST_GRANT_FORK},          {"ipc", GUEST_GRANT_IPC},
                {"platform", GUEST_GRANT_PLATFORM},  {"link", GUEST_GRANT_LINK},
                {"update", GUEST_GRANT_UPDATE},      {"bpf", GUEST_GRANT_BPF},
                {"files", GUEST_GRANT_PROVED_FILES}, {"connect", GUEST_GRANT_PROVED_CONNECT}};
    uint32_t grants = pvm_grants(&function->manifest, function->proved ? &function->bounds : NULL) |
                      (function->current && function->current->live ? GUEST_GRANT_UPDATE : 0);
    struct json_object *tables = json_object_new_object();

    if (strcmp(function->row.safety, "container") == 0) {
        json_add_text(tables, "profile", VK_CONTAINER_PROFILE);
        return tables;
    }
    bool proved = strcmp(function->row.safety, "proved") == 0;
    json_object_object_add(tables, "base", syscalls_json(proved ? PVM_SYSCALLS_PROVED : 0));
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        if (grants & sets[i].grant)
            json_object_object_add(tables, sets[i].name, syscalls_json(sets[i].grant));
    }
    return tables;
}

static struct json_object *instances_json(const struct supervisor *supervisor,
                                          const struct function *function)
{
    struct json_object *array = json_object_new_array();

    for (unsigned i = 0; i < INSTANCES_MAX; i++) {
        const struct instance *instance = &supervisor->instances[i];
        if (!instance->used || !instance->slot || instance->slot->function != function)
            continue;
        struct cgroup_usage usage = {0};
        struct json_object *object = json_object_new_object();
        json_add_number(object, "id", instance->id);
        json_add_number(object, "generation", instance->generation);
        if (instance->group && cgroup_read_usage(instance->group, &usage) == 0)
            json_add_number(object, "memory_bytes", usage.memory_bytes);
        json_object_array_add(array, object);
    }
    return array;
}

/* Where a server listens and how it is. */
static struct json_object *server_json(const struct function *function)
{
    const struct server *server = function->server;
    struct json_object *object = json_object_new_object();
    struct json_object *addresses = json_object_new_array();

    for (uint32_t i = 0; i < function->manifest.listen_count; i++)
        json_object_array_add(addresses, json_object_new_string(function->manifest.listen[i]));
    json_object_object_add(object, "listen", addresses);
    json_add_text(object, "state", server_state(server));
    json_add_number(object, "starts", server->starts);
    if (server->last[0])
        json_add_text(object, "last_end", server->last);
    return object;
}

static struct json_object *namespaces_json(const struct function *function)
{
    bool per_request = function->manifest.isolation == MANIFEST_REQUEST;
    struct json_object *object = json_object_new_object();

    json_add_text(object, "pid", per_request ? "request" : "function");
    json_add_text(object, "mount", per_request ? "request" : "function");
    json_add_text(object, "ipc", per_request ? "request" : "function");
    json_add_text(object, "uts", per_request ? "request" : "function");
    json_add_text(object, "user", per_request ? "request" : "function");
    json_add_text(object, "time", "function");
    json_add_text(object, "cgroup", "daemon");
    json_add_text(object, "network", "daemon, empty");
    return object;
}

/* The layers that it may use. */
static struct json_object *layers_json(const struct function *function)
{
    struct json_object *layers = json_object_new_array();

    for (enum allow_layer layer = ALLOW_BASE; layer < ALLOW_RISKY; layer++)
        if (function->manifest.layers & ALLOW_BIT(layer))
            json_object_array_add(layers, json_object_new_string(allow_layer_name(layer)));
    return layers;
}

/* The rungs that were tried when it was built, and why it is not higher. */
static struct json_object *ladder_json(const struct supervisor *supervisor,
                                       const struct function *function)
{
    struct json_object *steps = json_object_new_array();
    char text[BUILD_LADDER_BYTES], *line, *lines = text;

    store_find_ladder(supervisor->store, function->row.source_hash, text);
    while ((line = strsep(&lines, "\n"))) {
        char *rung = strsep(&line, "\t"), *outcome = strsep(&line, "\t");
        if (!rung || !*rung || !outcome || strcmp(rung, "proof") == 0 ||
            strcmp(rung, "calls") == 0 || strcmp(rung, "below") == 0 ||
            strcmp(rung, "source") == 0 || strcmp(rung, "above") == 0)
            continue;
        struct json_object *step = json_object_new_object();
        json_add_text(step, "rung", rung);
        json_add_text(step, "outcome", outcome);
        if (line && *line)
            json_add_text(step, "reason", line);
        json_object_array_add(steps, step);
        /* It was proved, and may not be that code now. */
        if (!function_fallen(function) || strcmp(rung, "proved") != 0)
            continue;
        json_add_text(step, "outcome", "left");
        json_add_text(step, "reason", function_fallen(function));
        step = json_object_new_object();
        json_add_text(step, "rung", function->row.safety);
        json_add_text(step, "outcome", "taken");
        json_object_array_add(steps, step);
    }
    return steps;
}

static void add_hash(struct json_object *object, const char *key,
                     const uint8_t hash[BUILD_HASH_BYTES])
{
    char text[BUILD_HASH_TEXT];

    sodium_bin2hex(text, sizeof text, hash, BUILD_HASH_BYTES);
    json_add_text(object, key, text);
}

/* What proved code calls of vireo's. */
static struct json_object *calls_json(const struct supervisor *supervisor,
                                      const struct function *function)
{
    struct json_object *list = json_object_new_array();
    char ladder[BUILD_LADDER_BYTES] = "", calls[ALLOW_CALLS_BYTES] = "", *rest = calls, *name;

    store_find_ladder(supervisor->store, function->row.source_hash, ladder);
    build_ladder_line(ladder, "calls", calls, sizeof calls);
    while ((name = strsep(&rest, " ")))
        if (*name)
            json_object_array_add(list, json_object_new_string(name));
    return list;
}

/* Where its calls can lead: places of the manifest, if it connects or asks by HTTP at all. */
static struct json_object *destinations_json(const struct function *function,
                                             struct json_object *calls)
{
    const struct manifest *manifest = &function->manifest;
    bool connects = pvm_grants(manifest, &function->bounds) & GUEST_GRANT_PROVED_CONNECT;
    bool asks = false;
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < json_object_array_length(calls); i++)
        asks = asks || strcmp(json_object_get_string(json_object_array_get_idx(calls, i)),
                              allow_served_name(ALLOW_HTTP)) == 0;
    for (uint32_t i = 0; i < manifest->connect_count; i++) {
        struct endpoint place;
        if (connects || (asks && endpoint_parse(manifest->connect[i], &place, NULL) == 0))
            json_object_array_add(list, json_object_new_string(manifest->connect[i]));
    }
    return list;
}

/* What was proved, and the limits that are made of it: the smaller of its own and the manifest's.
 */
static struct json_object *proof_json(const struct supervisor *supervisor,
                                      const struct function *function)
{
    const struct library_proof *proof = &function->proof;
    uint64_t timeout_ms = function->manifest.limits.timeout_ms;
    struct json_object *object = json_object_new_object();

    json_add_text(object, "verdict", "proved");
    struct json_object *calls = calls_json(supervisor, function);
    json_object_object_add(object, "calls", calls);
    json_object_object_add(object, "destinations", destinations_json(function, calls));
    add_hash(object, "ir", proof->ir_hash);
    add_hash(object, "report", proof->report_hash);
    json_add_number(object, "instructions", proof->instructions);
    json_add_number(object, "stack_bytes", proof->stack_bytes);
    json_add_number(object, "static_bytes", proof->static_bytes);
    json_add_number(object, "cpu_limit_ms",
                    timeout_ms && timeout_ms < proof->cpu_ms ? timeout_ms : proof->cpu_ms);
    json_add_number(object, "memory_limit_bytes",
                    pvm_bounds_memory(&function->bounds, &function->manifest));
    return object;
}

/* As the verifier wrote it, byte for byte, so that its hash can be taken; nothing here reads it. */
static void add_report(const struct supervisor *supervisor, const struct function *function,
                       struct json_object *object)
{
    char ladder[BUILD_LADDER_BYTES] = "";

    store_find_ladder(supervisor->store, function->row.source_hash, ladder);
    _cleanup_(freep) char *report = build_ladder_report(supervisor->store, ladder);
    if (report && strlen(report) <= REPORT_SHOWN_MAX_BYTES)
        json_add_text(object, "report", report);
}

static void reply_describe(struct supervisor *supervisor, const struct function *function,
                           uint64_t token)
{
    struct json_object *object = function_json(supervisor, function);
    char key[BUILD_HASH_TEXT];

    if (function->refused)
        json_add_text(object, "not_served", function->refused);
    sign_key_id(supervisor->key, key);
    json_add_text(object, "signed_by", key);
    json_add_text(object, "rung", function->row.safety);
    if (function->quick)
        json_add_text(object, "tier", function->stays_quick ? "first" : "first, being optimised");
    json_object_object_add(object, "ladder", ladder_json(supervisor, function));
    if (function->proved) {
        json_object_object_add(object, "proof", proof_json(supervisor, function));
        add_report(supervisor, function, object);
    }
    json_add_text(object, "manifest", function->row.manifest);
    json_object_object_add(object, "allow", layers_json(function));
    json_object_object_add(object, "syscalls", tables_json(function));
    json_object_object_add(object, "namespaces", namespaces_json(function));
    json_object_object_add(object, "instances", instances_json(supervisor, function));
    if (function->server)
        json_object_object_add(object, "server", server_json(function));
    admin_reply(supervisor, token, 0, "", json_object_to_json_string(object));
    json_object_put(object);
}

/* {"NAME": bytes} of functions that have instances: one file read for each instance. */
static struct json_object *memory_json(const struct supervisor *supervisor)
{
    struct json_object *memory = json_object_new_object();

    for (unsigned i = 0; i < INSTANCES_MAX; i++) {
        const struct instance *instance = &supervisor->instances[i];
        struct json_object *sum;
        uint64_t bytes = 0;
        if (!instance->used || !instance->group || !instance->slot || !instance->slot->function ||
            cgroup_read_memory(instance->group, &bytes) < 0)
            continue;
        const char *name = instance->slot->function->row.name;
        if (json_object_object_get_ex(memory, name, &sum))
            json_object_int_inc(sum, (int64_t)bytes);
        else
            json_add_number(memory, name, bytes);
    }
    return memory;
}

static void reply_status(struct supervisor *supervisor, uint64_t token)
{
    struct json_object *object = json_object_new_object();
    unsigned ready = 0;
    unsigned out = 0;
    unsigned made = 0;
    unsigned templates = 0;

    for (struct template_slot *at = supervisor->templates; at; at = at->next)
        templates++;

    if (supervisor->pool)
        cgroup_pool_counts(supervisor->pool, &ready, &out, &made);
    json_add_number(object, "functions", supervisor->function_count);
    json_add_number(object, "instances", supervisor->instance_count);
    json_add_number(object, "starts_cold", supervisor->starts[GATEWAY_COLD_TEMPLATE]);
    json_add_number(object, "starts_fork", supervisor->starts[GATEWAY_FORK]);
    json_add_number(object, "starts_container", supervisor->starts[GATEWAY_CONTAINER]);
    json_add_number(object, "starts_failed", supervisor->starts_failed);
    json_add_number(object, "falls_unproved", supervisor->falls[FALL_UNPROVED]);
    json_add_number(object, "falls_untranslated", supervisor->falls[FALL_UNTRANSLATED]);
    json_add_number(object, "falls_demoted", supervisor->falls[FALL_DEMOTED]);
    json_add_number(object, "falls_refused", supervisor->falls[FALL_REFUSED]);
    json_add_number(object, "groups_ready", ready);
    json_add_number(object, "groups_out", out);
    json_add_number(object, "groups_spare", supervisor->pool ? SPARE_GROUPS : 0);
    json_add_number(object, "groups_made", made);
    json_add_number(object, "templates", templates);
    json_add_number(object, "containers_spare", supervisor->spares.count);
    json_add_number(object, "containers_taken", supervisor->spares.taken);
    json_add_number(object, "ipc_refused", supervisor->ipc_refused);
    json_add_number(object, "ipc_same_key", supervisor->ipc_same_key);
    json_add_number(object, "forks_refused", supervisor->forks_refused);
    json_add_number(object, "member_groups_refused", supervisor->member_groups_refused);
    json_add_number(object, "gateway_restarts_calls", supervisor->gateways[GATEWAY_CALLS].restarts);
    json_add_number(object, "gateway_restarts_admin", supervisor->gateways[GATEWAY_ADMIN].restarts);
    json_object_object_add(object, "memory", memory_json(supervisor));
    admin_reply(supervisor, token, 0, "", json_object_to_json_string(object));
    json_object_put(object);
}

void admin_reply(struct supervisor *supervisor, uint64_t token, int error, const char *message,
                 const char *json)
{
    struct admin_reply reply = {.type = ADMIN_REPLY, .error = error, .token = token};
    _cleanup_(closep) int body = -1;

    snprintf(reply.message, sizeof reply.message, "%s", message);
    if (json) {
        struct err err = {0};
        size_t size = strlen(json);
        if (fd_sealed_copy("vireo-reply", json, size, &body, &err) < 0) {
            reply.error = err.code;
            snprintf(reply.message, sizeof reply.message, "%s", err.message);
        } else {
            reply.body_bytes = (uint32_t)size;
        }
    }
    gateway_send(supervisor, GATEWAY_ADMIN, &reply, sizeof reply, &body, body >= 0 ? 1 : 0);
}

/* Where the state that a request needs is: in the loop's hands, or for a job. */
void admin_message(struct supervisor *supervisor, const struct admin_request *request, int *fd)
{
    struct function *function = function_find(supervisor, request->name);
    char missing[NAME_MAX_BYTES + 64];
    struct err err = {0};
    int r = 0;

    snprintf(missing, sizeof missing, "no function '%s' is deployed", request->name);
    switch (request->type) {
    case ADMIN_LIST:
        reply_list(supervisor, request->token);
        break;
    case ADMIN_STATUS:
        reply_status(supervisor, request->token);
        break;
    case ADMIN_DESCRIBE:
        if (function)
            reply_describe(supervisor, function, request->token);
        else
            admin_reply(supervisor, request->token, -ENOENT, missing, NULL);
        break;
    case ADMIN_REMOVE:
        r = function ? jobs_remove(supervisor, request, &err)
                     : err_say(&err, -ENOENT, "%s", missing);
        break;
    case ADMIN_ROLLBACK:
        r = function ? jobs_rollback(supervisor, request, &err)
                     : err_say(&err, -ENOENT, "%s", missing);
        break;
    case ADMIN_UPDATE:
        if (!function) {
            r = err_say(&err, -ENOENT, "%s", missing);
            break;
        }
        __attribute__((fallthrough));
    case ADMIN_DEPLOY:
        /* Its source does not come when we have no descriptor left. */
        r = fd ? jobs_deploy(supervisor, request, fd, &err)
               : err_set(&err, -EMFILE, "cannot deploy '%s': take its source", request->name);
        break;
    case ADMIN_ALLOW:
    case ADMIN_AUDIT:
        audit_flush(supervisor); /* in this order: what was counted is in the list */
        r = jobs_audit(supervisor, request, NULL, &err);
        break;
    case ADMIN_PVMS:
        pvms_list(supervisor, request->token);
        break;
    case ADMIN_PVM_KILL:
        r = pvm_kill_wish(supervisor, request, &err);
        break;
    case ADMIN_PVM_LINK:
        r = pvm_link_wish(supervisor, request, &err);
        break;
    case ADMIN_PVM_VK:
        r = pvm_vk_wish(supervisor, request, &err);
        break;
    case ADMIN_PVM_WAIT:
        r = pvm_wait_wish(supervisor, request, &err);
        break;
    case ADMIN_PVM_FORK:
        r = pvm_fork_wish(supervisor, request, &err);
        break;
    default:
        break;
    }
    if (r < 0)
        admin_reply(supervisor, request->token, r, err.message, NULL);
}

/* What an update in place did. */
static struct json_object *update_json(const struct job *job)
{
    static const char *const phases[] = {"load_us", "tables_us", "functions_us", "variables_us"};
    struct json_object *object = json_object_new_object();

    json_add_number(object, "pvms", job->updated);
    json_add_number(object, "total_us", (job->update_ns + 500) / 1000);
    json_add_number(object, "stopped_us", (job->stopped_ns + 500) / 1000);
    for (size_t i = 0; i < ARRAY_LEN(phases); i++)
        json_add_number(object, phases[i], (job->phase_ns[i] + 500) / 1000);
    return object;
}

void admin_deployed(struct supervisor *supervisor, const struct job *job, const char *name)
{
    uint64_t token = job->request.token;
    const struct function *function = function_find(supervisor, name);
    struct json_object *object;

    if (!function) {
        admin_reply(supervisor, token, -ENOENT, "removed while it was deployed", NULL);
        return;
    }
    object = function_json(supervisor, function);
    if (job->round_over)
        json_object_object_add(object, "update", update_json(job));
    admin_reply(supervisor, token, 0, "", json_object_to_json_string(object));
    json_object_put(object);
}
