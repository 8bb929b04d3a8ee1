/*
 * Live update: the instances of a function that have state get its new library while they run.
 *
 * A round asks each of them over its control socket (guest/control.h) and waits, at most so long.
 * An instance does it between two calls, or says why not; nobody is forced. When one refuses, or
 * does not come to it in time, those that have the new library are given the old one again, and the
 * function stays what it was. Instances that the calls gateway asks for meanwhile wait: they start
 * from the template of the version that it comes to.
 *
 * With canaries the round asks so many first, and looks for a while whether one of them ends.
 *
 * A server is asked in the same way, and comes to it at its update points (guest/update_point.h).
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "faas/supervisor_link.h"
#include "faas/supervisor_jobs.h"
#include "guest/control.h"

/* An instance that is in a call for so long is busy. Its answer may take a moment more. */
#define UPDATE_WAIT_NS 2000000000ull
#define ANSWER_WAIT_NS 500000000ull
#define CANARY_WATCH_NS 3000000000ull
/* From a server's update to its next update point. */
#define TRIAL_WAIT_NS 2000000000ull

enum member_state { MEMBER_WAITS, MEMBER_ASKED, MEMBER_UPDATED, MEMBER_GONE };

struct member {
    uint64_t instance_id;
    enum member_state state;
    bool on_trial; /* MEMBER_ASKED: the new version runs, and has not come to its update point */
};

enum round_phase { ROUND_CANARIES, ROUND_WATCH, ROUND_ALL, ROUND_BACK };

struct round {
    struct round *next;
    struct job *job;
    enum round_phase phase;
    struct source timer;
    uint64_t token;
    unsigned member_count, updated;
    uint64_t longest_ns;                      /* that an instance stood still */
    uint64_t phase_ns[CONTROL_UPDATE_PHASES]; /* of that one */
    int64_t begin_ns;
    bool server;
    char failure[400]; /* why it goes back; "": it does not */
    struct member members[];
};

static bool can_update(const struct instance *instance, const struct function *function)
{
    return instance->used && instance->slot && instance->slot->function == function &&
           instance->slot->live && instance->linkage &&
           instance->generation == function->generation;
}

static uint64_t last_token;

static struct round **place_of(struct supervisor *supervisor, const struct round *round)
{
    struct round **at = &supervisor->rounds;

    while (*at && *at != round)
        at = &(*at)->next;
    return at;
}

static void stop_timer(struct supervisor *supervisor, struct round *round)
{
    supervisor_unwatch(supervisor, &round->timer);
    closep(&round->timer.fd);
    round->timer.fd = -1;
}

static void timer_expired(struct supervisor *supervisor, struct source *source, uint32_t events);

static int set_timer(struct supervisor *supervisor, struct round *round, uint64_t ns)
{
    const struct itimerspec after = {
        .it_value = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)}};

    stop_timer(supervisor, round);
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0 || timerfd_settime(fd, 0, &after, NULL) < 0 ||
        supervisor_watch(supervisor, &round->timer, fd, EPOLLIN, NULL) < 0) {
        closep(&fd);
        return -EMFILE;
    }
    return 0;
}

static unsigned count_of(const struct round *round, enum member_state state)
{
    unsigned count = 0;

    for (unsigned i = 0; i < round->member_count; i++)
        count += round->members[i].state == state;
    return count;
}

static void fail(struct round *round, uint64_t instance_id, const char *why)
{
    if (!round->failure[0])
        snprintf(round->failure, sizeof round->failure,
                 "cannot update '%s' in place: pVM %llu: %.250s", round->job->row.name,
                 (unsigned long long)instance_id, why);
}

/* Asks one; false: it can't be asked, and has not been. */
static bool ask(struct supervisor *supervisor, struct round *round, struct member *member)
{
    int fd = round->phase == ROUND_BACK ? round->job->base_fd : round->job->library_fd;
    struct stat status;
    if (fstat(fd, &status) < 0)
        return false;
    const struct control_update message = {
        .type = CONTROL_UPDATE,
        .flags = round->phase == ROUND_BACK                   ? CONTROL_UPDATE_BACK
                 : round->job->request.type == ADMIN_ROLLBACK ? CONTROL_UPDATE_FORMER
                                                              : 0,
        .token = round->token,
        .deadline_ns = (uint64_t)clock_now_ns() + UPDATE_WAIT_NS,
        .bytes = (uint64_t)status.st_size,
    };
    struct instance *instance = instance_by_id(supervisor, member->instance_id);

    if (!instance || linkage_say(instance, &message, sizeof message, fd) < 0)
        return false;
    member->state = MEMBER_ASKED;
    return true;
}

static void round_end(struct supervisor *supervisor, struct round *round)
{
    struct job *job = round->job;
    struct function *function = function_find(supervisor, job->row.name);

    stop_timer(supervisor, round);
    *place_of(supervisor, round) = round->next;
    round->next = supervisor->dead_rounds;
    supervisor->dead_rounds = round;
    if (round->failure[0] && function)
        function->updating = false;
    job->updated = round->updated;
    job->stopped_ns = round->longest_ns;
    memcpy(job->phase_ns, round->phase_ns, sizeof job->phase_ns);
    job->update_ns = (uint64_t)(clock_now_ns() - round->begin_ns);
    job_updated(supervisor, job, round->failure);
    if (round->failure[0] && function)
        wishes_grant(supervisor, function);
}

static uint64_t wait_ns(const struct round *round)
{
    return UPDATE_WAIT_NS + ANSWER_WAIT_NS + (round->server ? TRIAL_WAIT_NS : 0);
}

/* Goes back with those that have the new library. */
static void go_back(struct supervisor *supervisor, struct round *round)
{
    round->phase = ROUND_BACK;
    round->token = ++last_token;
    for (unsigned i = 0; i < round->member_count; i++) {
        struct member *member = &round->members[i];
        /* One that was asked already lets the time pass; see update_answered(). */
        if (member->state == MEMBER_ASKED ||
            (member->state == MEMBER_UPDATED && !ask(supervisor, round, member)))
            member->state = MEMBER_GONE;
    }
    if (count_of(round, MEMBER_ASKED) == 0 || set_timer(supervisor, round, wait_ns(round)) < 0)
        round_end(supervisor, round);
}

/* Asks those that wait, `most` of them. */
static void ask_some(struct supervisor *supervisor, struct round *round, unsigned most)
{
    round->token = ++last_token;
    for (unsigned i = 0; i < round->member_count && most > 0; i++) {
        struct member *member = &round->members[i];
        if (member->state != MEMBER_WAITS)
            continue;
        most--;
        if (!ask(supervisor, round, member))
            member->state = MEMBER_GONE;
    }
    if (set_timer(supervisor, round, wait_ns(round)) < 0)
        fail(round, 0, "no descriptor is left");
}

/* After whatever happened: what comes next. */
static void go_on(struct supervisor *supervisor, struct round *round)
{
    if (round->failure[0] && round->phase != ROUND_BACK) {
        go_back(supervisor, round);
        return;
    }
    if (count_of(round, MEMBER_ASKED) > 0)
        return;
    if (round->phase == ROUND_CANARIES) {
        round->phase = ROUND_WATCH;
        if (set_timer(supervisor, round, CANARY_WATCH_NS) < 0)
            fail(round, 0, "no descriptor is left");
        if (round->failure[0])
            go_back(supervisor, round);
    } else if (round->phase != ROUND_WATCH) {
        round_end(supervisor, round);
    }
}

static void end(struct supervisor *supervisor, uint64_t instance_id)
{
    struct instance *instance = instance_by_id(supervisor, instance_id);

    if (instance)
        instance_end(supervisor, instance);
}

static void timer_expired(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct round *round = source->owner;

    (void)events;
    stop_timer(supervisor, round);
    if (round->phase == ROUND_WATCH) {
        round->phase = ROUND_ALL;
        ask_some(supervisor, round, round->member_count);
        go_on(supervisor, round);
        return;
    }
    for (unsigned i = 0; i < round->member_count; i++) {
        struct member *member = &round->members[i];
        if (member->state != MEMBER_ASKED)
            continue;
        if (round->phase == ROUND_BACK) {
            /* It has the library that was refused, and is in a call that does not end. */
            log_line(LOG_WARNING, "an instance of '%s' could not be rolled back: ending it",
                     round->job->row.name);
            end(supervisor, member->instance_id);
            member->state = MEMBER_GONE;
        } else if (member->on_trial) {
            fail(round, member->instance_id,
                 "the new version did not come to vireo_update_point() in 2 s: it is started anew");
            end(supervisor, member->instance_id);
            member->state = MEMBER_GONE;
        } else {
            fail(round, member->instance_id,
                 round->server ? "it is busy: it did not come to vireo_update_point() in 2 s, and "
                                 "is never forced"
                               : "it is busy: it was in a call all the time (2 s), and is never "
                                 "forced");
        }
    }
    go_on(supervisor, round);
}

/* A round of the instances of `function` that `takes` says. */
static struct round *round_new(struct supervisor *supervisor, struct job *job,
                               const struct function *function,
                               bool (*takes)(const struct instance *, const struct function *))
{
    unsigned count = 0;

    for (unsigned i = 0; i < INSTANCES_MAX; i++)
        count += takes(&supervisor->instances[i], function);
    struct round *round = calloc(1, sizeof *round + (count + 1) * sizeof round->members[0]);
    if (!round)
        return NULL;
    round->job = job;
    round->begin_ns = clock_now_ns();
    round->server = function->server != NULL;
    round->timer = (struct source){.fd = -1, .owner = round, .ready = timer_expired};
    for (unsigned i = 0; i < INSTANCES_MAX && round->member_count < count; i++)
        if (takes(&supervisor->instances[i], function))
            round->members[round->member_count++].instance_id = supervisor->instances[i].id;
    round->next = supervisor->rounds;
    supervisor->rounds = round;
    return round;
}

/* What a running server was made with, and can't be changed in it. */
static bool same_listen(const struct manifest *a, const struct manifest *b)
{
    if (a->listen_count != b->listen_count)
        return false;
    for (uint32_t i = 0; i < a->listen_count; i++)
        if (strcmp(a->listen[i], b->listen[i]) != 0)
            return false;
    return true;
}

int update_begin(struct supervisor *supervisor, struct job *job, struct err *err)
{
    struct function *function = function_find(supervisor, job->row.name);
    unsigned canaries = (unsigned)strtoul(job->request.canary, NULL, 10);

    if (!function || !job->base_stateful || job->library_fd < 0)
        return 0;
    if (function->updating)
        return err_say(err, -EBUSY, "cannot update '%s': another update of it is running",
                       job->row.name);
    if (!same_listen(&function->manifest, &job->result.manifest))
        return err_say(err, -EPERM,
                       "cannot update '%s' in place: grants: listen changed (a deploy replaces it, "
                       "without its state)",
                       job->row.name);
    struct round *round = round_new(supervisor, job, function, can_update);
    if (!round)
        return err_set(err, -ENOMEM, "cannot update '%s'", job->row.name);
    function->updating = true;
    if (canaries > 0 && canaries < round->member_count) {
        round->phase = ROUND_CANARIES;
        ask_some(supervisor, round, canaries);
    } else {
        round->phase = ROUND_ALL;
        ask_some(supervisor, round, round->member_count);
    }
    go_on(supervisor, round);
    return 1;
}

static struct member *find_member(struct supervisor *supervisor, uint64_t instance_id,
                                  struct round **ret_round)
{
    for (struct round *round = supervisor->rounds; round; round = round->next)
        for (unsigned i = 0; i < round->member_count; i++)
            if (round->members[i].instance_id == instance_id) {
                *ret_round = round;
                return &round->members[i];
            }
    return NULL;
}

void update_answered(struct supervisor *supervisor, struct instance *instance,
                     const struct control_updated *message)
{
    uint64_t instance_id = instance->id;
    struct round *round;
    struct member *member = find_member(supervisor, instance_id, &round);
    uint64_t stood_ns = 0;

    if (message->error == -EINPROGRESS) {
        if (member && message->token == round->token)
            member->on_trial = true;
        return;
    }
    if (!member || member->state != MEMBER_ASKED || message->token != round->token) {
        /* Too late: it has a library that its function has not, and nobody asks it back. */
        if (message->error == 0)
            end(supervisor, instance_id);
        return;
    }
    if (round->phase == ROUND_BACK) {
        if (message->error)
            end(supervisor, instance_id);
        instance->updated = false;
        member->state = MEMBER_GONE;
        go_on(supervisor, round);
        return;
    }
    if (message->error) {
        member->state = MEMBER_GONE;
        fail(round, instance_id, message->message[0] ? message->message : "it could not");
        go_on(supervisor, round);
        return;
    }
    member->state = MEMBER_UPDATED;
    instance->updated = true;
    round->updated++;
    for (unsigned i = 0; i < CONTROL_UPDATE_PHASES; i++)
        stood_ns += message->phase_ns[i];
    if (stood_ns >= round->longest_ns) {
        round->longest_ns = stood_ns;
        memcpy(round->phase_ns, message->phase_ns, sizeof round->phase_ns);
    }
    go_on(supervisor, round);
}

void update_gone(struct supervisor *supervisor, const struct instance *instance)
{
    struct round *round;
    struct member *member = find_member(supervisor, instance->id, &round);

    if (!member)
        return;
    bool failed = round->phase != ROUND_BACK &&
                  (member->state == MEMBER_ASKED ||
                   (round->phase == ROUND_WATCH && member->state == MEMBER_UPDATED));
    member->state = MEMBER_GONE;
    if (failed)
        fail(round, instance->id, "it ended with the new version");
    go_on(supervisor, round);
}

void update_commit(struct supervisor *supervisor, struct function *function)
{
    function->updating = false;
    for (unsigned i = 0; i < INSTANCES_MAX; i++) {
        struct instance *instance = &supervisor->instances[i];
        if (!instance->used || !instance->updated || !instance->slot ||
            instance->slot->function != function)
            continue;
        instance->updated = false;
        instance->generation = function->generation + 1;
        if (instance->server) {
            function->server->updated = true;
            continue;
        }
        const struct gateway_updated message = {
            .type = GATEWAY_UPDATED, .generation = instance->generation, .token = instance->token};
        gateway_send(supervisor, GATEWAY_CALLS, &message, sizeof message, NULL, 0);
    }
}

static bool was_updated(const struct instance *instance, const struct function *function)
{
    return instance->used && instance->updated && instance->slot &&
           instance->slot->function == function;
}

int update_undo(struct supervisor *supervisor, struct job *job)
{
    struct function *function = function_find(supervisor, job->row.name);

    if (!function)
        return 0;
    struct round *round = round_new(supervisor, job, function, was_updated);
    if (!round) {
        for (unsigned i = 0; i < INSTANCES_MAX; i++)
            if (was_updated(&supervisor->instances[i], function))
                instance_end(supervisor, &supervisor->instances[i]);
        function->updating = false;
        wishes_grant(supervisor, function);
        return 0;
    }
    snprintf(round->failure, sizeof round->failure, "%.399s", job->err.message);
    for (unsigned i = 0; i < round->member_count; i++)
        round->members[i].state = MEMBER_UPDATED;
    go_back(supervisor, round);
    return 1;
}

void rounds_bury(struct supervisor *supervisor)
{
    while (supervisor->dead_rounds) {
        struct round *round = supervisor->dead_rounds;
        supervisor->dead_rounds = round->next;
        free(round);
    }
}
