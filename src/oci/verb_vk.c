/* vk: the virtual kernels of containers. Its answers are JSON; `vireo vk` shows them to people. */
#include <errno.h>
#include <glob.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "oci/adaptive.h"
#include "oci/broker.h"
#include "oci/runtime.h"
#include "vkernel/describe.h"
#include "vkernel/scheduling.h"

DEFINE_CLEANUP(struct oci_state, oci_state_close)
DEFINE_CLEANUP(struct oci_config, oci_config_free)
DEFINE_CLEANUP(struct vk_table, vk_table_free)

static void print_and_put(struct json_object *object)
{
    printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                              JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

static struct json_object *describe(const char *id, const struct vkernel *vkernel)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "id", json_object_new_string(id));
    json_object_object_add(object, "function", json_object_new_string(""));
    json_object_object_add(object, "wall", json_object_new_string("container"));
    json_object_object_add(object, "keys", vkernel_json(vkernel, VKERNEL_OF_CONTAINER));
    return object;
}

/* As a pVM's: what adaptive saw and how often it changed. */
static void describe_adaptive(struct json_object *object, const struct vkernel *vkernel,
                              int state_fd)
{
    struct adaptive_seen seen;

    if (vkernel->sched.policy != VKERNEL_POLICY_ADAPTIVE || adaptive_read(state_fd, &seen) < 0)
        return;
    struct json_object *adaptive = json_object_new_object();
    json_object_object_add(adaptive, "policy", json_object_new_string(seen.policy));
    json_object_object_add(adaptive, "decisions", json_object_new_int64((int64_t)seen.decisions));
    json_object_object_add(adaptive, "use_percent", json_object_new_double(seen.use));
    json_object_object_add(adaptive, "switches_per_second", json_object_new_double(seen.switches));
    json_object_object_add(object, "adaptive", adaptive);
}

static int open_one(struct runtime *runtime, const char *id, struct oci_state **ret_state,
                    struct vkernel *ret_vkernel, struct err *err)
{
    int r = oci_state_open(runtime->root, id, ret_state, err);

    return r < 0 ? r : oci_vkernel_load((*ret_state)->fd, ret_vkernel, err);
}

static int get(struct runtime *runtime, char **words, int count, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    struct vkernel vkernel;
    int r = open_one(runtime, words[0], &state, &vkernel, err);

    (void)count;
    if (r < 0)
        return r;
    struct json_object *object = describe(words[0], &vkernel);
    describe_adaptive(object, &vkernel, state->fd);
    print_and_put(object);
    return 0;
}

/* The container goes on with it at once; a process that comes later has it from its start. */
static int change(struct runtime *runtime, char **words, int count, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    const struct vkernel_part *part;
    struct vkernel vkernel;
    struct err reason = {0};
    const char *rest;

    (void)count;
    int r = open_one(runtime, words[0], &state, &vkernel, err);
    if (r == 0)
        r = oci_state_lock(state, err);
    _cleanup_(closep) int lock = r < 0 ? -1 : oci_vkernel_lock(state->fd, err);
    if (r == 0 && lock < 0 &&
        lock != -ENOENT) /* nothing is kept: who writes it first has the state's */
        r = lock;
    if (r == 0) /* as it is now that nobody else changes it */
        r = oci_vkernel_load(state->fd, &vkernel, err);
    if (r < 0)
        return r;
    enum oci_status status = oci_state_status(state);
    if (status != OCI_RUNNING && status != OCI_CREATED && status != OCI_PAUSED)
        return err_say(err, -ESRCH, "cannot change '%s': the container is %s", words[0],
                       oci_status_name(status));
    if (vkernel_part_find(words[1], &part, &rest, &reason) < 0)
        return err_say(err, -EINVAL, "cannot set '%s': %s", words[1], reason.message);
    if (!vkernel_is_live(part, rest))
        return err_say(err, -EPERM,
                       "cannot set '%s' of '%s': it is set at the start of a container", words[1],
                       words[0]);
    if (vkernel_set(&vkernel, words[1], words[2], &reason) < 0)
        return err_say(err, -EINVAL, "cannot set '%s': %s", words[1], reason.message);
    r = part == &vkernel_sched && strcmp(rest, "slice") == 0 ? vk_sched_check_slice(&vkernel, err)
                                                             : 0;
    if (r == 0 && part == &vkernel_memory)
        r = oci_vkernel_overcommit(&state->place, state->fd, &vkernel, err);
    if (r == 0)
        r = oci_state_directory(state, err);
    if (r == 0 && part == &vkernel_sched)
        r = oci_vkernel_schedule(&state->place, &vkernel, vkernel.sched.policy, err);
    if (r == 0)
        r = oci_vkernel_save(state->fd, &vkernel, err);
    if (r == 0 && part == &vkernel_sched && vkernel.sched.policy == VKERNEL_POLICY_ADAPTIVE)
        r = oci_adaptive_start(&state->place, state->fd, err);
    if (r == 0)
        print_and_put(describe(words[0], &vkernel));
    return r;
}

static int list_root(struct runtime *runtime, struct json_object *array, struct err *err)
{
    char **ids = NULL;
    size_t id_count = 0;
    int r = oci_state_ids(runtime->root, &ids, &id_count, err);

    for (size_t i = 0; i < id_count; i++) {
        _cleanup_(oci_state_closep) struct oci_state *state = NULL;
        struct vkernel vkernel;
        /* One that was removed meanwhile is no failure. */
        if (open_one(runtime, ids[i], &state, &vkernel, NULL) == 0)
            json_object_array_add(array, describe(ids[i], &vkernel));
        free(ids[i]);
    }
    free(ids);
    return r;
}

/* ---- where engines keep their containers ---- */

/* docker and containerd name a root of their own; who asks for a container of theirs names none. */
static void find_roots(const struct runtime *runtime, glob_t *ret_roots)
{
    *ret_roots = (glob_t){0};
    if (runtime->root != runtime->default_root)
        return;
    glob("/run/docker/runtime-*/moby", 0, NULL, ret_roots);
    glob("/run/containerd/runc/*", GLOB_APPEND, NULL, ret_roots);
}

/* The root that has it, if there is one. Others' containers lie there too, and are none of ours. */
static const char *root_of(const struct runtime *runtime, const glob_t *roots, const char *id)
{
    struct oci_state *state = NULL;
    const char *found = runtime->root;
    bool there = oci_state_open(found, id, &state, NULL) == 0;

    oci_state_close(state);
    for (size_t i = 0; !there && i < roots->gl_pathc; i++) {
        state = NULL;
        there = oci_state_open(roots->gl_pathv[i], id, &state, NULL) == 0;
        if (there)
            found = roots->gl_pathv[i];
        oci_state_close(state);
    }
    return found;
}

static int list(struct runtime *runtime, char **words, int count, struct err *err)
{
    struct json_object *array = json_object_new_array();
    glob_t roots;
    int r = list_root(runtime, array, err);

    (void)words;
    (void)count;
    find_roots(runtime, &roots);
    for (size_t i = 0; r == 0 && i < roots.gl_pathc; i++) {
        struct runtime theirs = *runtime;
        theirs.root = roots.gl_pathv[i];
        list_root(&theirs, array, NULL);
    }
    globfree(&roots);
    if (r == 0)
        print_and_put(array);
    else
        json_object_put(array);
    return r;
}

static int explain(struct runtime *runtime, char **words, int count, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    _cleanup_(oci_config_freep) struct oci_config *config = NULL;
    _cleanup_(vk_table_freep) struct vk_table *profile = NULL;
    struct json_object *object = NULL;
    struct vkernel vkernel;

    int r = open_one(runtime, words[0], &state, &vkernel, err);
    if (r == 0)
        r = oci_state_config(state, &config, err);
    if (r == 0)
        r = oci_vkernel_profile(config->linux_.seccomp, &profile, err);
    if (r == 0)
        r = vkernel_explain(&vkernel, profile, words[1], count > 2 ? words[2] : NULL, &object, err);
    if (r < 0)
        return r;
    json_object_object_add(object, "id", json_object_new_string(words[0]));
    print_and_put(object);
    return 0;
}

static int run(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    static const struct {
        const char *name;
        int min, max;
        int (*run)(struct runtime *runtime, char **words, int count, struct err *err);
    } whats[] = {{"get", 1, 1, get},
                 {"set", 3, 3, change},
                 {"ls", 0, 0, list},
                 {"explain", 2, 3, explain},
                 {"log", 0, 1, vk_log}};
    const struct verb_option none[] = {{NULL}};
    char **words;
    int count = verb_options(argc, argv, none, false, 1, 0, &words, err);

    if (count < 0)
        return count;
    for (size_t i = 0; i < ARRAY_LEN(whats); i++) {
        if (strcmp(whats[i].name, words[0]) != 0)
            continue;
        if (count - 1 < whats[i].min || count - 1 > whats[i].max)
            return err_say(err, -EINVAL,
                           "cannot run 'vk %s': a word too few or too many (see "
                           "--help)",
                           words[0]);
        struct runtime theirs = *runtime;
        glob_t roots = {0};
        if (count > 1) {
            find_roots(runtime, &roots);
            theirs.root = root_of(runtime, &roots, words[1]);
        }
        int r = whats[i].run(&theirs, words + 1, count - 1, err);
        globfree(&roots);
        return r;
    }
    return err_say(err, -EINVAL, "cannot run 'vk %s': there are get, set, ls, explain and log",
                   words[0]);
}

/* `vireo vk` passes the status on: the exit codes of the command line. */
int verb_vk(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    int r = run(runtime, argc, argv, err);

    if (r >= 0)
        return r;
    runtime_report(runtime, "error", err->message);
    return r == -ENOENT ? 3 : r == -EINVAL ? 2 : r == -EPERM || r == -EACCES ? 4 : 1;
}
