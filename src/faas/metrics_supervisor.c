/* What the supervisor says of itself, as metrics. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "base/cleanup.h"
#include "faas/metrics.h"

/* Of one function's name and number each: 16,384 of them are 1.6 MiB. */
#define STATUS_MAX_BYTES (4u << 20)

/* A key of the supervisor's, and its sample; rows of one metric stand together. */
static const struct {
    const char *key, *name, *labels, *type, *help;
} supervisor_metrics[] = {
    {"starts_fork", "vireo_starts_total", "{kind=\"fork\"}", "counter",
     "Instances started, by kind: a fork of a template that was there, or of one started for it "
     "(cold); or a container."},
    {"starts_cold", "vireo_starts_total", "{kind=\"cold\"}", NULL, NULL},
    {"starts_container", "vireo_starts_total", "{kind=\"container\"}", NULL, NULL},
    {"starts_failed", "vireo_starts_failed_total", "", "counter",
     "Instances that could not be started."},
    {"falls_unproved", "vireo_falls_total", "{rung=\"sfi\",reason=\"not-proved\"}", "counter",
     "Functions that stand lower than they might, by the rung they fell to and why: not proved or "
     "not translated when deployed, or what they call was demoted; rung none: not served."},
    {"falls_demoted", "vireo_falls_total", "{rung=\"sfi\",reason=\"demoted\"}", NULL, NULL},
    {"falls_untranslated", "vireo_falls_total", "{rung=\"container\",reason=\"not-translated\"}",
     NULL, NULL},
    {"falls_refused", "vireo_falls_total", "{rung=\"none\",reason=\"demoted\"}", NULL, NULL},
    {"instances", "vireo_instances_live", "", "gauge", "Instances of all functions."},
    {"templates", "vireo_templates", "", "gauge", "Templates that run."},
    {"containers_spare", "vireo_container_spares", "", "gauge",
     "Generic containers that wait for a function."},
    {"containers_taken", "vireo_container_spares_taken_total", "", "counter",
     "Templates of functions in containers that were generic containers before."},
    {"ipc_refused", "vireo_ipc_refused_total", "", "counter",
     "Attempts to reach a queue or shared memory of another family."},
    {"ipc_same_key", "vireo_ipc_same_key_total", "", "counter",
     "Keys of queues and shared memory that a family made while another had the same."},
    {"forks_refused", "vireo_forks_refused_total", "", "counter",
     "Forks that a family's limits refused, as far as it said so."},
    {"member_groups_refused", "vireo_member_groups_refused_total", "", "counter",
     "Forked members that stay in their parent's control group, though the manifest wants one "
     "each."},
    {"groups_ready", "vireo_cgroup_pool_groups", "{state=\"ready\"}", "gauge",
     "Control groups of the pool: ready to be taken, or in use."},
    {"groups_out", "vireo_cgroup_pool_groups", "{state=\"used\"}", NULL, NULL},
    {"groups_spare", "vireo_cgroup_pool_spares", "", "gauge",
     "Control groups that the pool keeps ready when nothing is started."},
    {"groups_made", "vireo_cgroup_pool_made_total", "", "counter",
     "Control groups that were made, in advance or because none was ready."},
    {"gateway_restarts_calls", "vireo_gateway_restarts_total", "{gateway=\"calls\"}", "counter",
     "Gateways that ended and were started again."},
    {"gateway_restarts_admin", "vireo_gateway_restarts_total", "{gateway=\"admin\"}", NULL, NULL},
};

static void object_put(json_object **object)
{
    json_object_put(*object);
}

static void tokener_free(json_tokener **tokener)
{
    if (*tokener)
        json_tokener_free(*tokener);
}

/* Live memory of functions that have instances: {"NAME": bytes}. */
static void memory_take(json_object *object, struct metrics_function *functions, size_t count)
{
    json_object *memory, *value;

    if (!json_object_object_get_ex(object, "memory", &memory) ||
        !json_object_is_type(memory, json_type_object))
        return;
    for (size_t i = 0; i < count; i++)
        if (json_object_object_get_ex(memory, functions[i].name, &value) &&
            json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0)
            functions[i].counters.memory_bytes = (uint64_t)json_object_get_int64(value);
}

int metrics_supervisor(struct text *text, const char *json, struct metrics_function *functions,
                       size_t count)
{
    size_t bytes = strlen(json);
    _cleanup_(tokener_free) json_tokener *tokener = json_tokener_new_ex(4);
    if (!tokener || bytes > STATUS_MAX_BYTES)
        return -EBADMSG;
    _cleanup_(object_put) json_object *object = json_tokener_parse_ex(tokener, json, (int)bytes);
    if (!object || !json_object_is_type(object, json_type_object))
        return -EBADMSG;

    memory_take(object, functions, count);
    for (size_t i = 0; text && i < ARRAY_LEN(supervisor_metrics); i++) {
        json_object *value;
        if (supervisor_metrics[i].type)
            text_add(text, "# HELP %s %s\n# TYPE %s %s\n", supervisor_metrics[i].name,
                     supervisor_metrics[i].help, supervisor_metrics[i].name,
                     supervisor_metrics[i].type);
        if (json_object_object_get_ex(object, supervisor_metrics[i].key, &value) &&
            json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0)
            text_add(text, "%s%s %" PRId64 "\n", supervisor_metrics[i].name,
                     supervisor_metrics[i].labels, json_object_get_int64(value));
    }
    return 0;
}
