/*
 * Virtual kernels of pVMs that run: what each has, what becomes of a system call there, and changes
 * from outside. What an instance began with is its template's; a copy of its own is made when it is
 * changed, or when its scheduling is adaptive and a timer looks at it.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "vkernel/describe.h"
#include "vkernel/scheduler.h"
#include "vkernel/scheduling.h"

DEFINE_CLEANUP(struct vk_table, vk_table_free)

/* What one instance has for itself. */
struct vk_state {
    struct vkernel vkernel;
    struct instance *instance;
    struct source timer; /* adaptive: the next look */
    enum vkernel_policy now;
    struct vk_sched_count last;
    struct vk_sched_load load;
    uint64_t decisions; /* changes of `now` */
    struct vk_state *next_dead;
};

static int pids_of(void *user, pid_t *pids, size_t max)
{
    return pvm_pids(user, pids, max);
}

const struct vkernel *vk_of(const struct instance *instance)
{
    static const struct vkernel none;

    if (instance->vk)
        return &instance->vk->vkernel;
    return instance->slot->vkernel ? instance->slot->vkernel : &none;
}

/* For the BPF scheduler, if there is one or will be: its group's policy. The group is removed with
 * the instance: the next one's would have it else. */
static int tell(struct instance *instance, enum vkernel_policy policy, struct err *err)
{
    int tasks[CGROUP_TREES_MAX], group_fd = -1;

    if (instance->group)
        (void)cgroup_entry_fds(instance->group, &group_fd, tasks);
    if (group_fd < 0 || (!instance->told && !scheduler_orders(policy)))
        return 0;
    instance->told = true;
    return scheduler_tell(group_fd, policy, err);
}

/* ---- adaptive ---- */

static int look(struct vk_state *state, struct vk_sched_count *ret_count)
{
    struct cgroup_usage usage;
    int r = cgroup_read_usage(state->instance->group, &usage);

    if (r == 0)
        r = vk_sched_count(pids_of, state->instance, ret_count);
    ret_count->cpu_us = usage.cpu_us;
    return r;
}

static void timer_expired(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct vk_state *state = source->owner;
    struct vk_sched_count count;
    struct err err = {0};
    uint64_t times;

    (void)events;
    (void)supervisor;
    if (read(source->fd, &times, sizeof times) != sizeof times || look(state, &count) < 0)
        return; /* it is ending */
    state->load = vk_sched_load(&state->last, &count);
    state->last = count;
    enum vkernel_policy next = vk_sched_adapt(&state->vkernel, state->now, &state->load);
    if (next == state->now)
        return;
    struct vk_sched sched = vk_sched_of(next, state->vkernel.sched.slice_us);
    if (vk_sched_apply(pids_of, state->instance, &sched, &err) < 0 ||
        tell(state->instance, next, &err) < 0) {
        log_line(LOG_WARNING, "pVM %" PRIu64 ": %s", state->instance->id, err.message);
        return;
    }
    state->now = next;
    state->decisions++;
    log_line(LOG_INFO,
             "pVM %" PRIu64 ": scheduling is %s now (%.0f %% of the CPUs, %.0f switches/s)",
             state->instance->id, vkernel_policy_name(next), state->load.use, state->load.switches);
}

static void timer_stop(struct supervisor *supervisor, struct vk_state *state)
{
    supervisor_unwatch(supervisor, &state->timer);
    closep(&state->timer.fd);
    state->timer.fd = -1;
}

static int timer_start(struct supervisor *supervisor, struct vk_state *state, struct err *err)
{
    uint32_t ms = vk_sched_limits(&state->vkernel).interval_ms;
    const struct timespec interval = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    const struct itimerspec times = {.it_value = interval, .it_interval = interval};

    if (!state->instance->group)
        return err_say(err, -ENOENT, "adaptive scheduling needs a control group");
    _cleanup_(closep) int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0 || timerfd_settime(fd, 0, &times, NULL) < 0)
        return err_set(err, -errno, "cannot start the timer of adaptive scheduling");
    state->last = (struct vk_sched_count){.time_ns = clock_now_ns()};
    (void)look(state, &state->last);
    int r = supervisor_watch(supervisor, &state->timer, fd, EPOLLIN, err);
    if (r == 0)
        (void)steal_fd(&fd);
    return r;
}

/* ---- an instance's own ---- */

static struct vk_state *state_of(struct instance *instance)
{
    if (instance->vk)
        return instance->vk;
    struct vk_state *state = calloc(1, sizeof *state);
    if (!state)
        return NULL;
    state->vkernel = *vk_of(instance);
    state->instance = instance;
    state->now = state->vkernel.sched.policy;
    state->timer = (struct source){.ready = timer_expired, .owner = state, .fd = -1};
    instance->vk = state;
    return state;
}

/* Gives the group what its policy says, and its timer where it is adaptive. */
static int sched_apply(struct supervisor *supervisor, struct vk_state *state, struct err *err)
{
    const struct vkernel *vkernel = &state->vkernel;
    enum vkernel_policy policy = vkernel->sched.policy;

    timer_stop(supervisor, state);
    if (policy == VKERNEL_POLICY_ADAPTIVE)
        state->now = VKERNEL_POLICY_NORMAL;
    else
        state->now = policy;
    struct vk_sched sched = policy == VKERNEL_POLICY_DEFAULT
                                ? vk_sched_own(!state->instance->server, vkernel->sched.slice_us)
                                : vk_sched_of(state->now, vkernel->sched.slice_us);
    int r = vk_sched_apply(pids_of, state->instance, &sched, err);
    if (r == 0)
        r = tell(state->instance, state->now, err);
    if (r == 0 && policy == VKERNEL_POLICY_ADAPTIVE)
        r = timer_start(supervisor, state, err);
    return r;
}

void vk_started(struct supervisor *supervisor, struct instance *instance)
{
    struct err err = {0};

    if (tell(instance, vk_of(instance)->sched.policy, &err) < 0)
        log_line(LOG_WARNING, "pVM %" PRIu64 ": %s", instance->id, err.message);
    if (vk_of(instance)->sched.policy != VKERNEL_POLICY_ADAPTIVE)
        return;
    struct vk_state *state = state_of(instance);
    if (!state)
        return;
    state->now = VKERNEL_POLICY_NORMAL; /* as which its threads began */
    if (timer_start(supervisor, state, &err) < 0)
        log_line(LOG_WARNING, "pVM %" PRIu64 ": %s", instance->id, err.message);
}

void vk_ended(struct supervisor *supervisor, struct instance *instance)
{
    struct vk_state *state = steal_ptr(&instance->vk);

    if (!state)
        return;
    timer_stop(supervisor, state);
    state->next_dead = supervisor->dead_vks;
    supervisor->dead_vks = state;
}

void vks_bury(struct supervisor *supervisor)
{
    while (supervisor->dead_vks) {
        struct vk_state *state = supervisor->dead_vks;
        supervisor->dead_vks = state->next_dead;
        free(state);
    }
}

/* ---- get ---- */

static enum vkernel_home home_of(const struct instance *instance)
{
    return instance->slot->image_directory[0] ? VKERNEL_OF_FUNCTION : VKERNEL_OF_PVM;
}

static struct json_object *vk_json(const struct instance *instance)
{
    struct json_object *object = json_object_new_object();
    char id[24];

    snprintf(id, sizeof id, "%" PRIu64, instance->id);
    json_add_text(object, "id", id);
    json_add_text(object, "function", instance->slot->name);
    json_add_text(object, "wall", template_wall(instance->slot));
    json_object_object_add(object, "keys", vkernel_json(vk_of(instance), home_of(instance)));
    if (instance->vk && instance->vk->timer.fd >= 0) {
        struct json_object *adaptive = json_object_new_object();
        json_add_text(adaptive, "policy", vkernel_policy_name(instance->vk->now));
        json_object_object_add(adaptive, "use_percent",
                               json_object_new_double(instance->vk->load.use));
        json_object_object_add(adaptive, "switches_per_second",
                               json_object_new_double(instance->vk->load.switches));
        json_add_number(adaptive, "decisions", instance->vk->decisions);
        json_object_object_add(object, "adaptive", adaptive);
    }
    return object;
}

static void reply_object(struct supervisor *supervisor, uint64_t token, struct json_object *object)
{
    admin_reply(supervisor, token, 0, "", json_object_to_json_string(object));
    json_object_put(object);
}

static void reply_all(struct supervisor *supervisor, uint64_t token)
{
    struct json_object *array = json_object_new_array();

    for (unsigned i = 0; i < INSTANCES_MAX; i++)
        if (supervisor->instances[i].used && supervisor->instances[i].slot)
            json_object_array_add(array, vk_json(&supervisor->instances[i]));
    reply_object(supervisor, token, array);
}

/* ---- set ---- */

static int vk_change(struct supervisor *supervisor, struct instance *instance, const char *key,
                     const char *value, struct err *err)
{
    const struct vkernel_part *part;
    struct err reason = {0};
    const char *rest;
    int r = vkernel_part_find(key, &part, &rest, &reason);

    const char *lacks = r == 0 ? vkernel_lacks(part, rest, home_of(instance)) : NULL;
    if (lacks)
        return err_say(err, -EPERM, "cannot set '%s' of pVM %" PRIu64 ": it is for containers: %s",
                       key, instance->id, lacks);
    if (r == 0 && !vkernel_is_live(part, rest))
        return err_say(err, -EPERM,
                       "cannot set '%s' of pVM %" PRIu64 ": it is set at the start of a pVM, by "
                       "vireo.yaml; deploy it again",
                       key, instance->id);
    struct vk_state *state = r == 0 ? state_of(instance) : NULL;
    if (r == 0 && !state)
        return err_set(err, -ENOMEM, "cannot set '%s'", key);
    struct vkernel before = state ? state->vkernel : (struct vkernel){0};
    if (r == 0)
        r = vkernel_set(&state->vkernel, key, value, &reason);
    if (r < 0)
        return err_say(err, r == -ENOENT ? -EINVAL : r, "cannot set '%s': %s", key, reason.message);
    r = strcmp(key, "sched.slice") == 0 ? vk_sched_check_slice(&state->vkernel, err) : 0;
    if (r == 0)
        r = sched_apply(supervisor, state, err);
    if (r < 0)
        state->vkernel = before;
    return r;
}

/* ---- explain ---- */

static int wall_table(const struct template_slot *slot, struct vk_table **ret_wall, struct err *err)
{
    if (slot->image_directory[0] || slot->interprets)
        return pvm_container_table(slot->interprets, ret_wall, err);
    int r = pvm_wall_table(slot->grants, ret_wall);
    return r < 0 ? err_set(err, r, "cannot make the table of system calls") : 0;
}

static int vk_explain(struct supervisor *supervisor, const struct instance *instance,
                      const struct admin_request *request, const char *call, const char *arguments,
                      struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *wall = NULL;
    struct json_object *object = NULL;

    int r = wall_table(instance->slot, &wall, err);
    if (r < 0)
        return r;
    r = vkernel_explain(vk_of(instance), wall, call, arguments, &object, err);
    if (r < 0)
        return r;
    json_add_text(object, "id", request->name);
    reply_object(supervisor, request->token, object);
    return 0;
}

/* ---- the wish ---- */

/* The value of KEY=VALUE among the params; NULL. */
static const char *param(const struct admin_request *request, const char *key)
{
    size_t length = strlen(key);

    for (uint32_t at = 0; at < request->param_bytes;
         at += (uint32_t)strlen(request->params + at) + 1)
        if (strncmp(request->params + at, key, length) == 0 && request->params[at + length] == '=')
            return request->params + at + length + 1;
    return NULL;
}

int pvm_vk_wish(struct supervisor *supervisor, const struct admin_request *request, struct err *err)
{
    if (request->param_bytes > 0 && request->params[request->param_bytes - 1] != '\0')
        return err_say(err, -EINVAL, "the request is not proper");
    const char *log = param(request, "log");
    if (!request->name[0] && log) {
        reply_object(supervisor, request->token, vk_log_json(supervisor, log));
        return 0;
    }
    if (!request->name[0]) {
        reply_all(supervisor, request->token);
        return 0;
    }
    struct instance *instance;
    int r = instance_named(supervisor, request->name, &instance, err);
    if (r < 0)
        return r;
    const char *explain = param(request, "explain");
    if (explain)
        return vk_explain(supervisor, instance, request, explain, param(request, "arguments"), err);
    const char *key = param(request, "key"), *value = param(request, "value");
    if (key && value) {
        r = vk_change(supervisor, instance, key, value, err);
        if (r < 0)
            return r;
        log_line(LOG_NOTICE, "pVM %s of '%s': virtual kernel: %s is %s, by uid %u", request->name,
                 instance->slot->name, key, value, request->caller_uid);
    }
    reply_object(supervisor, request->token, vk_json(instance));
    return 0;
}
