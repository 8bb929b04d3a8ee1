/*
 * Instances: started on the calls gateway's wish, ended on its wish or by themselves.
 *
 * A start, no spare prepared: a group from the pool (no system call when one is ready with these
 * limits), memfd and eventfd of the channel (5 calls), one message to the template, one to the
 * gateway, and two closes. The gateway maps the channel and writes the request while the template
 * forks.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "faas/supervisor_audit.h"
#include "faas/supervisor_secrets.h"
#include "faas/supervisor_kin.h"
#include "faas/supervisor_servers.h"
#include "faas/supervisor_outside.h"
#include "faas/supervisor_link.h"
#include "guest/template.h"

static struct instance **bucket_of(struct supervisor *supervisor, uint64_t token)
{
    return &supervisor->by_token[token * 0x9e3779b97f4a7c15u >> 52];
}
_Static_assert(INSTANCE_BUCKETS == 1 << 12, "bucket_of() takes the twelve upper bits");

static struct instance *find_token(struct supervisor *supervisor, uint64_t token)
{
    struct instance *instance = *bucket_of(supervisor, token);

    while (instance && instance->token != token)
        instance = instance->next;
    return instance;
}

struct instance *instance_by_id(struct supervisor *supervisor, uint64_t id)
{
    struct instance *instance = &supervisor->instances[id % INSTANCES_MAX];

    return instance->used && instance->id == id ? instance : NULL;
}

static struct instance *take_instance(struct supervisor *supervisor, uint64_t token)
{
    struct instance *instance = supervisor->free_instances;

    if (!instance)
        return NULL;
    supervisor->free_instances = instance->next;
    instance->id += INSTANCES_MAX; /* a late message about its former life finds nothing */
    instance->token = token;
    instance->used = true;
    instance->stopped = instance->killed = instance->cold = false;
    instance->server = false;
    instance->recycled = instance->bpf = instance->told = false;
    instance->slot = NULL;
    instance->group = NULL;
    instance->kin = NULL;
    struct instance **bucket = bucket_of(supervisor, token);
    instance->next = *bucket;
    *bucket = instance;
    supervisor->instance_count++;
    return instance;
}

/* Gives back all that an instance had; its process is dead. May free its slot. */
static void put_instance(struct supervisor *supervisor, struct instance *instance)
{
    struct instance **at = bucket_of(supervisor, instance->token);
    struct template_slot *slot = instance->slot;

    while (*at != instance)
        at = &(*at)->next;
    *at = instance->next;
    /* The broker's session may attach to the group for as long as it serves a request: removed,
     * the kernel takes what hangs on it away, and its number is never given out again. */
    bool burnt = kin_close(supervisor, instance) || instance->bpf;
    /* Its template, where tenant code runs, has had descriptors of it. */
    burnt |= slot && slot->interprets;
    burnt |= instance->told;
    if (instance->group)
        cgroup_pool_put(supervisor->pool, instance->group, burnt);
    linkage_close(supervisor, instance);
    vk_ended(supervisor, instance);
    update_gone(supervisor, instance);
    instance->used = false;
    instance->next = supervisor->free_instances;
    supervisor->free_instances = instance;
    supervisor->instance_count--;
    if (slot && --slot->instances == 0 && slot->retired)
        template_retire(supervisor, slot);
}

static void tell_not_started(struct supervisor *supervisor, uint64_t token, int error,
                             const char *message)
{
    struct gateway_ended ended = {
        .type = GATEWAY_ENDED,
        .end = GATEWAY_END_NOT_STARTED,
        .token = token,
        .status = error,
    };

    snprintf(ended.message, sizeof ended.message, "%s", message);
    supervisor->starts_failed++;
    gateway_send(supervisor, GATEWAY_CALLS, &ended, sizeof ended, NULL, 0);
}

/* Its layout has been used enough: see TEMPLATE_STARTS. */
static bool is_worn(const struct supervisor *supervisor, const struct template_slot *slot)
{
    const struct supervisor_config *config = &supervisor->config;
    uint64_t starts = config->template_starts ? config->template_starts : TEMPLATE_STARTS;
    int64_t seconds = config->template_seconds ? config->template_seconds : TEMPLATE_SECONDS;

    /* What executes its program anew has a new layout each time. */
    if (slot->image_directory[0])
        return false;
    return slot->forks >= starts ||
           (slot->forks > 0 && clock_now_ns() - slot->started_ns >= seconds * INT64_C(1000000000));
}

static void kin_ends_close(int ends[2])
{
    for (int i = 0; i < 2; i++)
        if (ends[i] > 0)
            close(ends[i]);
}

/*
 * A fork of the current template, in a group of the pool, with an end of each thing that the
 * manifest asks for. fork: what differs between an instance for calls and a server.
 */
static int start(struct supervisor *supervisor, struct function *function,
                 struct instance *instance, struct pvm_fork_options fork, struct err *err)
{
    _cleanup_(closep) int connector = -1, platform = -1, bpf = -1, control = -1;
    int kin[2] = {0, 0};
    int r = 0;

    instance->slot = function->current;
    instance->generation = instance->slot->generation;
    instance->updated = false;
    instance->slot->instances++;
    instance->slot->forks++;
    if (supervisor->pool)
        r = cgroup_pool_take(supervisor->pool, &function->limits, &instance->group, err);
    if (r == 0)
        r = connector_pair(supervisor, function, instance->id, &connector, err);
    if (r == 0)
        r = platform_pair(supervisor, function, instance->id, &platform, err);
    if (r == 0)
        r = bpf_pair(supervisor, function, instance->group, &bpf, err);
    instance->bpf = bpf >= 0;
    if (r == 0)
        r = linkage_open(supervisor, instance, &function->manifest,
                         fork.channel ? fork.channel->memory_fd : -1, &control, err);
    if (r == 0)
        r = kin_open(supervisor, function, instance, kin, err);
    if (r == 0) {
        fork.id = instance->id;
        fork.group = instance->group;
        fork.connector = connector;
        fork.platform = platform;
        fork.bpf = bpf;
        fork.control = control;
        fork.kin = kin[0];
        fork.kin_page = kin[1];
        r = pvm_fork(instance->slot->pvm, &fork, err);
    }
    kin_ends_close(kin);
    if (r == 0)
        vk_started(supervisor, instance);
    return r;
}

static int start_for_calls(struct supervisor *supervisor, struct function *function,
                           struct instance *instance, struct pvm_channel *channel, struct err *err)
{
    bool per_request = function->manifest.isolation == MANIFEST_REQUEST;
    const struct pvm_fork_options fork = {
        .own_namespaces = per_request,
        .one_call = per_request,
        .channel = channel,
        .ret_recycled = &instance->recycled,
    };
    int r = pvm_channel_take(&supervisor->channels, channel, err);

    return r == 0 ? start(supervisor, function, instance, fork, err) : r;
}

/* One instance of the function's current template. False: it has enough to do, nothing was done. */
static bool instance_begin(struct supervisor *supervisor, struct function *function, uint64_t token,
                           int64_t begin_ns, bool cold)
{
    struct pvm_channel channel = {-1, -1};
    struct err err = {0};
    struct instance *instance = NULL;

    /* The gateway keeps to the manifest's number; one that was subverted does not. (It counts an
     * instance until it is told of its end, so never fewer than we.) */
    if (function->current->instances < function->manifest.pool.instances_max)
        instance = take_instance(supervisor, token);
    if (!instance) {
        tell_not_started(supervisor, token, -EAGAIN, "too many instances");
        return true;
    }
    instance->cold = cold;
    int r = start_for_calls(supervisor, function, instance, &channel, &err);
    if (r < 0) {
        pvm_channel_close(&channel);
        put_instance(supervisor, instance);
        if (r == -EBUSY)
            return false;
        tell_not_started(supervisor, token, err.code, err.message);
        return true;
    }
    enum gateway_start_kind kind = function->current->image_directory[0] ? GATEWAY_CONTAINER
                                   : cold                                ? GATEWAY_COLD_TEMPLATE
                                                                         : GATEWAY_FORK;
    supervisor->starts[kind]++;
    struct gateway_started started = {
        .type = GATEWAY_STARTED,
        .function_id = function->row.id,
        .token = token,
        .pvm_id = instance->id,
        .start_kind = kind,
        .start_us = (uint32_t)((clock_now_ns() - begin_ns) / 1000),
        .generation = instance->generation,
    };
    int fds[] = {channel.memory_fd, channel.event_fd, -1};
    if (instance->group)
        fds[2] = cgroup_cpu_fd(instance->group, &started.cpu_base_us);
    gateway_send(supervisor, GATEWAY_CALLS, &started, sizeof started, fds, fds[2] >= 0 ? 3 : 2);
    pvm_channel_close(&channel);
    return true;
}

/* Of a burst of starts most wait here: a template's socket holds some 280. */
static void wishes_wait(struct supervisor *supervisor, struct function *function)
{
    supervisor_rewatch(supervisor, &function->current->source, EPOLLIN | EPOLLOUT);
}

static bool wish_add(struct supervisor *supervisor, struct function *function, uint64_t token,
                     int64_t begin_ns)
{
    struct wish *wish = malloc(sizeof *wish);

    if (!wish || supervisor->wish_count == WISHES_MAX) {
        free(wish);
        tell_not_started(supervisor, token, -EAGAIN, "too many instances wait for their template");
        return false;
    }
    *wish = (struct wish){.token = token, .begin_ns = begin_ns, .cold = !function->current};
    if (function->last_wish)
        function->last_wish->next = wish;
    else
        function->first_wish = wish;
    function->last_wish = wish;
    supervisor->wish_count++;
    return true;
}

void instance_start(struct supervisor *supervisor, const struct gateway_start *message)
{
    int64_t begin_ns = clock_now_ns();
    struct function *function = function_find_id(supervisor, message->function_id);

    if (!function || supervisor->stopping) {
        tell_not_started(supervisor, message->token, -ENOENT, "the function is gone");
        return;
    }
    /* A gateway that lies: it was told that these take no calls. */
    if (function->manifest.listen_count > 0 || function->refused ||
        strcmp(function->row.kind, "library") == 0) {
        tell_not_started(supervisor, message->token, -EPERM, "it takes no calls");
        return;
    }
    /* A gateway that lies: two instances of one name could not be told apart. */
    if (find_token(supervisor, message->token)) {
        log_line(LOG_WARNING, "gateway asked twice for token %llu",
                 (unsigned long long)message->token);
        return;
    }
    /* A secret was changed: what starts from now has the new one, and idle instances that have the
     * old one are ended. */
    if (function->current && !secrets_are_current(&supervisor->config, &function->manifest,
                                                  function->current->secrets)) {
        template_retire(supervisor, function->current);
        function->generation++;
        function_tell(supervisor, function);
    }
    /* It starts from the template of the version that the update comes to. */
    if (function->updating) {
        wish_add(supervisor, function, message->token, begin_ns);
        return;
    }
    if (!function->current) {
        if (wish_add(supervisor, function, message->token, begin_ns))
            jobs_template(supervisor, function);
        return;
    }
    if ((function->first_wish ||
         !instance_begin(supervisor, function, message->token, begin_ns, false)) &&
        wish_add(supervisor, function, message->token, begin_ns))
        wishes_wait(supervisor, function);
    if (function->current && is_worn(supervisor, function->current))
        jobs_template(supervisor, function);
}

int instance_start_server(struct supervisor *supervisor, struct function *function,
                          const int stdio[3], uint64_t *ret_id, struct err *err)
{
    uint64_t token;

    /* A gateway's names begin at 1; one that lies may use ours, and then has none. */
    do
        token = UINT64_MAX - supervisor->server_tokens++;
    while (find_token(supervisor, token));
    struct instance *instance = take_instance(supervisor, token);
    if (!instance)
        return err_say(err, -EAGAIN, "cannot start '%s': too many instances", function->row.name);
    instance->server = true;
    instance->cold = function->current->forks == 0;
    int r =
        start(supervisor, function, instance,
              (struct pvm_fork_options){.stdio = stdio, .ret_recycled = &instance->recycled}, err);
    if (r < 0) {
        put_instance(supervisor, instance);
        return r;
    }
    *ret_id = instance->id;
    return 0;
}

static struct wish *take_wish(struct supervisor *supervisor, struct function *function)
{
    struct wish *wish = function->first_wish;

    if (!wish)
        return NULL;
    function->first_wish = wish->next;
    if (!function->first_wish)
        function->last_wish = NULL;
    supervisor->wish_count--;
    return wish;
}

void wishes_grant(struct supervisor *supervisor, struct function *function)
{
    const struct wish *wish;

    while (function->current && !function->updating && (wish = function->first_wish)) {
        /* The same token twice: as above. */
        if (!find_token(supervisor, wish->token) &&
            !instance_begin(supervisor, function, wish->token, wish->begin_ns, wish->cold)) {
            wishes_wait(supervisor, function);
            return;
        }
        free(take_wish(supervisor, function));
    }
}

void wishes_refuse(struct supervisor *supervisor, struct function *function, int error,
                   const char *reason)
{
    struct wish *wish;

    while ((wish = take_wish(supervisor, function))) {
        tell_not_started(supervisor, wish->token, error, reason);
        free(wish);
    }
}

void instance_stop(struct supervisor *supervisor, const struct gateway_stop *wish)
{
    struct instance *instance = find_token(supervisor, wish->token);

    /* It may have ended by itself a moment ago: then GATEWAY_ENDED is on its way. A server is not
     * the gateway's to stop. */
    if (!instance || instance->server)
        return;
    instance->stopped = true;
    if (pvm_kill(instance->slot->pvm, instance->id) < 0) {
        /* Its template does not listen: all of its instances end with it. */
        log_line(LOG_WARNING, "a template does not answer: ending it");
        template_end(supervisor, instance->slot);
    }
}

void instance_end(struct supervisor *supervisor, struct instance *instance)
{
    instance->killed = true;
    if (pvm_kill(instance->slot->pvm, instance->id) < 0)
        template_end(supervisor, instance->slot);
}

void instance_ground(struct supervisor *supervisor, const struct gateway_ground *wish)
{
    struct instance *instance = find_token(supervisor, wish->token);

    if (instance && !instance->server && instance->group)
        cgroup_set_background(instance->group, wish->background != 0);
}

/* Why a process with this wait status ended. Reads the group's counters only after a SIGKILL. */
static void explain(const struct instance *instance, int status, struct gateway_ended *ended)
{
    struct cgroup_events events = {0};

    ended->end = GATEWAY_END_EXIT;
    if (WIFEXITED(status) && WEXITSTATUS(status) == GUEST_EXIT_SETUP) {
        ended->end = GATEWAY_END_CRASH;
        snprintf(ended->message, sizeof ended->message, "it could not drop its rights");
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == GUEST_EXIT_BLANK) {
        ended->end = GATEWAY_END_CRASH;
        snprintf(ended->message, sizeof ended->message, "its library could not be linked");
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
        ended->end = GATEWAY_END_SYSCALL;
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        if (instance->group && cgroup_read_events(instance->group, &events) == 0 &&
            events.oom_kills)
            ended->end = GATEWAY_END_MEMORY;
        else if (events.pids_denied)
            ended->end = GATEWAY_END_PIDS;
        else
            ended->end = instance->stopped ? GATEWAY_END_KILLED : GATEWAY_END_CRASH;
        if (ended->end == GATEWAY_END_CRASH && instance->killed)
            snprintf(ended->message, sizeof ended->message, "killed by an administrator");
    } else if (WIFSIGNALED(status)) {
        ended->end = GATEWAY_END_CRASH;
    }
}

/* What the kernel counted for its group; without one, for its process, as its parent was told. */
static void measure(const struct instance *instance, struct gateway_ended *ended)
{
    struct cgroup_usage usage;

    if (!instance->group || cgroup_read_usage(instance->group, &usage) < 0)
        return;
    if (usage.cpu_us)
        ended->cpu_us = usage.cpu_us;
    if (usage.memory_peak_bytes)
        ended->memory_peak_bytes = usage.memory_peak_bytes;
}

/* For people: how a server ended. */
static void end_text(const struct gateway_ended *ended, char *text, size_t size)
{
    static const char *const reasons[] = {
        [GATEWAY_END_KILLED] = "killed",
        [GATEWAY_END_MEMORY] = "memory limit reached",
        [GATEWAY_END_PIDS] = "limit of processes reached",
        [GATEWAY_END_SYSCALL] = "a system call that it may not make",
    };

    if (ended->message[0])
        snprintf(text, size, "%s", ended->message);
    else if (ended->end < ARRAY_LEN(reasons) && reasons[ended->end])
        snprintf(text, size, "%s", reasons[ended->end]);
    else if (WIFSIGNALED(ended->status))
        snprintf(text, size, "signal %d", WTERMSIG(ended->status));
    else
        snprintf(text, size, "exit status %d", WEXITSTATUS(ended->status));
}

static void instance_ended(struct supervisor *supervisor, struct instance *instance,
                           const struct pvm_event *event)
{
    struct gateway_ended ended = {
        .type = GATEWAY_ENDED,
        .token = instance->token,
        .status = event->status,
        .cpu_us = event->cpu_us,
        .memory_peak_bytes = event->memory_peak_bytes,
    };

    if (event->type == PVM_NOT_STARTED) {
        ended.end = GATEWAY_END_NOT_STARTED;
        ended.status = event->error;
        snprintf(ended.message, sizeof ended.message, "cannot fork the template: %s",
                 strerror(-event->error));
        supervisor->starts_failed++;
    } else {
        explain(instance, event->status, &ended);
        measure(instance, &ended);
        vk_log_ended(instance, &ended);
    }
    bool server = instance->server;
    struct function *function = instance->slot ? instance->slot->function : NULL;
    audit_note_end(supervisor, function, ended.end,
                   WIFEXITED(event->status) && WEXITSTATUS(event->status) == GUEST_EXIT_TRAPPED);
    if (event->type != PVM_NOT_STARTED)
        pvms_ended(supervisor, instance->id, event->status);
    put_instance(supervisor, instance);
    pvm_channel_stock_fill(&supervisor->channels);
    if (server) {
        char how[sizeof ended.message];
        end_text(&ended, how, sizeof how);
        if (function && function->server)
            server_ended(supervisor, function, how);
        return;
    }
    gateway_send(supervisor, GATEWAY_CALLS, &ended, sizeof ended, NULL, 0);
}

void instance_end_all(struct supervisor *supervisor, struct template_slot *slot)
{
    const struct pvm_event killed = {.type = PVM_ENDED, .status = SIGKILL};

    /* One more while it loses them one by one, so that the last does not free it under us. */
    slot->instances++;
    for (unsigned i = 0; i < INSTANCES_MAX && slot->instances > 1; i++) {
        struct instance *instance = &supervisor->instances[i];
        if (instance->used && instance->slot == slot)
            instance_ended(supervisor, instance, &killed);
    }
    slot->instances--;
}

void template_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct template_slot *slot = source->owner;
    struct function *function = slot->function;
    struct pvm_event event;

    if (events & EPOLLOUT) {
        supervisor_rewatch(supervisor, &slot->source, EPOLLIN);
        if (slot->function && slot->function->current == slot)
            wishes_grant(supervisor, slot->function);
    }
    slot->instances++; /* so that losing the last one does not free it under us */
    /* A bounded number: others wait too. What is left makes the descriptor readable again. */
    for (int i = 0; i < 64 && pvm_template_read(slot->pvm, &event) == 1; i++) {
        if (event.type == PVM_TEMPLATE_GONE) {
            log_line(LOG_WARNING, "template of '%s' ended",
                     slot->function ? slot->function->row.name : "a removed function");
            supervisor_unwatch(supervisor, &slot->source);
            instance_end_all(supervisor, slot);
            slot->retired = true;
            break;
        }
        struct instance *instance = instance_by_id(supervisor, event.id);
        /* A blank tells whoever reads first, of all whose it is. */
        if (instance && instance->slot && pvm_template_same(instance->slot->pvm, slot->pvm))
            instance_ended(supervisor, instance, &event);
    }
    if (--slot->instances == 0 && slot->retired)
        template_retire(supervisor, slot);
    else if (slot->retired && slot->function && slot->function->current == slot)
        slot->function->current = NULL;
    if (function && function->first_wish && !function->current)
        jobs_template(supervisor, function);
}
