/*
 * pVMs for people: an instance has a number ("8193"), a member that its code forked that number and
 * its own within the family ("8193.4", the number that fork() returned). Members are looked up in
 * the instance's control group each time: nothing is kept of them, and a fork asks nobody.
 */
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "faas/supervisor_kin.h"
#include "faas/supervisor_link.h"
#include "pvm/members.h"

#define WAITERS_MAX 256
#define NAME_BYTES 40

/* Somebody who wants to know how a pVM ends. */
struct pvm_waiter {
    struct pvm_waiter *next;
    struct source source; /* the member's pidfd; of an instance -1: its template tells */
    uint64_t id;
    pid_t inner, pid; /* of a member; 0 */
    uint64_t token;
};

/* ---- names ---- */

/* "8193" or "8193.4": plain numbers, no sign, no zeros in front. */
static bool name_parse(const char *text, uint64_t *ret_id, pid_t *ret_inner)
{
    char again[NAME_BYTES];
    unsigned long long id = 0;
    int inner = 0;

    if (strlen(text) >= sizeof again || sscanf(text, "%llu.%d", &id, &inner) < 1 || inner < 0)
        return false;
    if (inner)
        snprintf(again, sizeof again, "%llu.%d", id, inner);
    else
        snprintf(again, sizeof again, "%llu", id);
    *ret_id = id;
    /* The family's own name of its root. */
    *ret_inner = inner == 1 ? 0 : inner;
    return strcmp(text, again) == 0;
}

static struct instance *find(struct supervisor *supervisor, uint64_t id)
{
    struct instance *instance = &supervisor->instances[id % INSTANCES_MAX];

    return instance->used && instance->id == id && instance->slot ? instance : NULL;
}

static int none_err(struct err *err, const char *name)
{
    return err_say(err, -ENOENT, "there is no pVM '%s'", name);
}

static int instance_find(struct supervisor *supervisor, const char *name,
                         struct instance **ret_instance, pid_t *ret_inner, struct err *err)
{
    uint64_t id;

    if (!name_parse(name, &id, ret_inner))
        return err_say(err, -EINVAL,
                       "'%s' is not a pVM's name: it is a number, such as 8193, and of what that "
                       "one forked 8193.4",
                       name);
    *ret_instance = find(supervisor, id);
    return *ret_instance ? 0 : none_err(err, name);
}

int instance_named(struct supervisor *supervisor, const char *name, struct instance **ret_instance,
                   struct err *err)
{
    struct instance *instance;
    pid_t inner;

    int r = instance_find(supervisor, name, &instance, &inner, err);
    if (r < 0)
        return r;
    if (inner != 0)
        return none_err(err, name);
    *ret_instance = instance;
    return 0;
}

int pvm_pids(const struct instance *instance, pid_t *pids, size_t max)
{
    pid_t groups[PVM_MEMBERS_MAX];
    int count;

    if (!instance->group)
        return -ENOENT;
    count = cgroup_read_pids(instance->group, pids, max);
    size_t group_count = kin_groups(instance, groups, ARRAY_LEN(groups));
    for (size_t i = 0; i < group_count && count >= 0 && (size_t)count < max; i++) {
        int more =
            cgroup_member_read(instance->group, groups[i], pids + count, max - (size_t)count);
        count += more > 0 ? more : 0;
    }
    return count;
}

/* The member `inner`, by a descriptor that is certainly its. -ESRCH. */
static int member_open(const struct instance *instance, pid_t inner, int *ret_pidfd, pid_t *ret_pid)
{
    pid_t pids[PVM_MEMBERS_MAX];
    _cleanup_(closep) int fd = -1;
    pid_t pid;

    int count = pvm_pids(instance, pids, ARRAY_LEN(pids));
    if (count < 0)
        return -ESRCH;
    int r = pvm_member_open(pids, count, inner, &fd, &pid);
    if (r < 0)
        return r;
    count = pvm_pids(instance, pids, ARRAY_LEN(pids));
    for (int i = 0; i < count; i++) {
        if (pids[i] != pid)
            continue;
        *ret_pid = pid;
        *ret_pidfd = steal_fd(&fd);
        return 0;
    }
    return -ESRCH;
}

/* ---- the list ---- */

static const char *state_name(char state)
{
    return state == 'R'                   ? "running"
           : state == 'Z' || state == 'X' ? "ended"
           : state == 'T' || state == 't' ? "stopped"
                                          : "waiting";
}

static struct json_object *pvm_json(const struct instance *instance, const char *name,
                                    const char *parent, const char *start, const char *state,
                                    uint64_t memory)
{
    const struct template_slot *slot = instance->slot;
    struct json_object *object = json_object_new_object();
    char family[NAME_BYTES];

    snprintf(family, sizeof family, "%llu", (unsigned long long)instance->id);
    json_add_text(object, "id", name);
    json_add_text(object, "family", family);
    json_object_object_add(object, "parent", parent ? json_object_new_string(parent) : NULL);
    json_add_text(object, "wall", template_wall(slot));
    json_add_text(object, "function", slot->name);
    /* One that was updated in place is of a later version than its template. */
    bool current = slot->function && instance->generation == slot->function->generation;
    json_add_text(object, "version", current ? slot->function->row.version : slot->version);
    json_add_text(object, "start", start);
    json_add_number(object, "memory_bytes", memory);
    json_add_text(object, "state", state);
    if (!parent)
        linkage_describe(instance, object);
    return object;
}

/* The members that its code forked. */
static void list_children(const struct instance *instance, const struct pvm_member *members,
                          int count, struct json_object *array)
{
    char name[NAME_BYTES], parent[NAME_BYTES];
    unsigned long long id = instance->id;

    for (int i = 1; i < count; i++) {
        snprintf(name, sizeof name, "%llu.%d", id, (int)members[i].inner);
        if (members[i].parent_inner > 1)
            snprintf(parent, sizeof parent, "%llu.%d", id, (int)members[i].parent_inner);
        else
            snprintf(parent, sizeof parent, "%llu", id);
        json_object_array_add(array,
                              pvm_json(instance, name, parent, "child",
                                       state_name(members[i].state), members[i].memory_bytes));
    }
}

static const char *start_name(const struct instance *instance)
{
    if (instance->recycled)
        return "recycled";
    if (pvm_template_is_blank(instance->slot->pvm))
        return "blank";
    if (instance->slot->image_directory[0])
        return "container";
    return instance->cold ? "cold" : "fork";
}

static void list_instance(const struct instance *instance, struct json_object *array)
{
    struct pvm_member members[PVM_MEMBERS_MAX];
    struct cgroup_usage usage = {0};
    char name[NAME_BYTES];
    pid_t pids[PVM_MEMBERS_MAX];
    int count = pvm_members_read(pids, pvm_pids(instance, pids, ARRAY_LEN(pids)), members);

    /* Alone in its group it has all that is charged to it. */
    if (count <= 1 && instance->group)
        cgroup_read_usage(instance->group, &usage);
    snprintf(name, sizeof name, "%llu", (unsigned long long)instance->id);
    json_object_array_add(array,
                          pvm_json(instance, name, NULL, start_name(instance),
                                   count > 0 ? state_name(members[0].state) : "starting",
                                   count > 1 ? members[0].memory_bytes : usage.memory_bytes));
    list_children(instance, members, count, array);
}

void pvms_list(struct supervisor *supervisor, uint64_t token)
{
    struct json_object *array = json_object_new_array();

    for (unsigned i = 0; i < INSTANCES_MAX; i++)
        if (supervisor->instances[i].used && supervisor->instances[i].slot)
            list_instance(&supervisor->instances[i], array);
    admin_reply(supervisor, token, 0, "", json_object_to_json_string(array));
    json_object_put(array);
}

/* ---- kill ---- */

static void reply_name(struct supervisor *supervisor, const struct admin_request *request)
{
    struct json_object *object = json_object_new_object();

    json_add_text(object, "id", request->name);
    json_add_number(object, "signal", request->signal);
    admin_reply(supervisor, request->token, 0, "", json_object_to_json_string(object));
    json_object_put(object);
}

int pvm_kill_wish(struct supervisor *supervisor, const struct admin_request *request,
                  struct err *err)
{
    struct instance *instance;
    pid_t inner, pid;
    int r = instance_find(supervisor, request->name, &instance, &inner, err);

    if (r < 0)
        return r;
    if (request->signal < 1 || request->signal > 64)
        return err_say(err, -EINVAL, "%u is no signal: 1 to 64 are", request->signal);
    _cleanup_(closep) int pidfd = -1;
    r = member_open(instance, inner, &pidfd, &pid);
    if (r < 0)
        return none_err(err, request->name);
    /* CAP_KILL: it has another uid. */
    if (syscall(SYS_pidfd_send_signal, pidfd, (int)request->signal, NULL, 0) < 0)
        return errno == ESRCH ? none_err(err, request->name)
                              : err_set(err, -errno, "cannot signal it");
    if (inner == 0)
        instance->killed = true;
    log_line(LOG_NOTICE, "pVM %s of '%s': signal %u, by uid %u", request->name,
             instance->slot->name, request->signal, request->caller_uid);
    reply_name(supervisor, request);
    return 0;
}

/* ---- fork ---- */

int pvm_fork_wish(struct supervisor *supervisor, const struct admin_request *request,
                  struct err *err)
{
    struct instance *instance;
    pid_t inner, pid;
    int r = instance_find(supervisor, request->name, &instance, &inner, err);

    if (r < 0)
        return r;
    if (!instance->slot->function || !instance->slot->function->manifest.fork || !instance->kin)
        return err_say(err, -EPERM, "'%s' has no grant to fork (vireo.yaml: grants: fork)",
                       instance->slot->name);
    _cleanup_(closep) int pidfd = -1;
    if (member_open(instance, inner, &pidfd, &pid) < 0)
        return none_err(err, request->name);
    r = kin_fork(supervisor, instance, pidfd, pid, request->token, err);
    if (r == 0)
        log_line(LOG_NOTICE, "pVM %s of '%s': fork, by uid %u", request->name, instance->slot->name,
                 request->caller_uid);
    return r;
}

/* ---- wait ---- */

static void waiter_free(struct supervisor *supervisor, struct pvm_waiter *waiter)
{
    struct pvm_waiter **at = &supervisor->pvm_waiters;

    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    supervisor->pvm_waiter_count--;
    supervisor_unwatch(supervisor, &waiter->source);
    closep(&waiter->source.fd);
    free(waiter);
}

static void waiter_answer(struct supervisor *supervisor, const struct pvm_waiter *waiter,
                          bool known, int status)
{
    struct json_object *object = json_object_new_object();
    char name[NAME_BYTES];

    if (waiter->inner)
        snprintf(name, sizeof name, "%llu.%d", (unsigned long long)waiter->id, (int)waiter->inner);
    else
        snprintf(name, sizeof name, "%llu", (unsigned long long)waiter->id);
    json_add_text(object, "id", name);
    if (known && WIFSIGNALED(status))
        json_add_number(object, "signal", (uint64_t)WTERMSIG(status));
    else if (known)
        json_add_number(object, "exit_status", (uint64_t)WEXITSTATUS(status));
    admin_reply(supervisor, waiter->token, 0, "", json_object_to_json_string(object));
    json_object_put(object);
}

static void member_ended(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct pvm_waiter *waiter = source->owner;
    int status = 0;

    (void)events;
    bool known = pvm_member_status(source->fd, waiter->pid, &status) == 0;
    waiter_answer(supervisor, waiter, known, status);
    waiter_free(supervisor, waiter);
}

int pvm_wait_wish(struct supervisor *supervisor, const struct admin_request *request,
                  struct err *err)
{
    struct instance *instance;
    pid_t inner;
    int r = instance_find(supervisor, request->name, &instance, &inner, err);

    if (r < 0)
        return r;
    if (supervisor->pvm_waiter_count == WAITERS_MAX)
        return err_say(err, -EAGAIN, "%d others wait already", WAITERS_MAX);
    struct pvm_waiter *waiter = calloc(1, sizeof *waiter);
    if (!waiter)
        return err_set(err, -ENOMEM, "cannot wait for '%s'", request->name);
    waiter->id = instance->id;
    waiter->inner = inner;
    waiter->token = request->token;
    waiter->source = (struct source){.ready = member_ended, .owner = waiter, .fd = -1};
    waiter->next = supervisor->pvm_waiters;
    supervisor->pvm_waiters = waiter;
    supervisor->pvm_waiter_count++;
    if (inner == 0)
        return 0; /* pvms_ended() */
    int fd = -1;
    r = member_open(instance, inner, &fd, &waiter->pid);
    if (r == 0)
        r = supervisor_watch(supervisor, &waiter->source, fd, EPOLLIN, err);
    else
        none_err(err, request->name);
    if (r < 0)
        waiter_free(supervisor, waiter);
    return r == -ESRCH ? -ENOENT : r;
}

void pvms_ended(struct supervisor *supervisor, uint64_t id, int status)
{
    struct pvm_waiter *next;

    for (struct pvm_waiter *waiter = supervisor->pvm_waiters; waiter; waiter = next) {
        next = waiter->next;
        if (waiter->id != id || waiter->inner != 0)
            continue;
        waiter_answer(supervisor, waiter, true, status);
        waiter_free(supervisor, waiter);
    }
}

void pvms_close(struct supervisor *supervisor)
{
    while (supervisor->pvm_waiters)
        waiter_free(supervisor, supervisor->pvm_waiters);
}
