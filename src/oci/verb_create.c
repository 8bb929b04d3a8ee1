/* create, start and run. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/capability_names.h"
#include "oci/groups.h"
#include "oci/hooks.h"
#include "oci/realtime.h"
#include "oci/runtime.h"
#include "vkernel/scheduling.h"

DEFINE_CLEANUP(struct oci_config, oci_config_free)
DEFINE_CLEANUP(struct oci_state, oci_state_close)

struct creation {
    struct runtime *runtime;
    const char *id, *bundle, *config_name, *pid_file, *preserve_fds;
    char bundle_path[PATH_MAX];
    int bundle_fd;
    struct oci_launch_options launch;
    struct vkernel vkernel;
    struct oci_config *config;
    struct oci_state *state;
    bool detach, keep;
};

/* The config.json, and its bytes for the copy in the state. */
static int read_config(struct creation *creation, char **ret_text, size_t *ret_bytes,
                       struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t bytes;

    /* Who names it in full finds it by that name in the state. */
    size_t length = strlen(creation->bundle);
    while (length > 1 && creation->bundle[length - 1] == '/')
        length--;
    if (creation->bundle[0] == '/' && length < sizeof creation->bundle_path)
        snprintf(creation->bundle_path, sizeof creation->bundle_path, "%.*s", (int)length,
                 creation->bundle);
    else if (!realpath(creation->bundle, creation->bundle_path))
        return err_set(err, -errno, "cannot open the bundle '%s'", creation->bundle);
    creation->bundle_fd = open(creation->bundle_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (creation->bundle_fd < 0)
        return err_set(err, -errno, "cannot open the bundle '%s'", creation->bundle);
    int r = fd_read_regular(creation->bundle_fd, creation->config_name, OCI_CONFIG_MAX_BYTES, &text,
                            &bytes, err);
    if (r == 0)
        r = oci_config_parse(creation->config_name, text, bytes, &creation->config, err);
    if (r < 0)
        return r;
    *ret_text = steal_ptr(&text);
    *ret_bytes = bytes;
    return 0;
}

static char *time_now(void)
{
    struct timespec now;
    struct tm utc;
    char seconds[32], *text;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    return asprintf(&text, "%s.%09ldZ", seconds, now.tv_nsec) < 0 ? NULL : text;
}

static int fill_state(struct creation *creation, const char *text, size_t bytes, struct err *err)
{
    struct oci_state *state = creation->state;
    const char *root = creation->config->root_path;
    struct json_object *annotations = NULL;

    state->bundle = strdup(creation->bundle_path);
    state->version = strdup(creation->config->version);
    state->created = time_now();
    state->owner = geteuid();
    if (root[0] == '/')
        state->rootfs = strdup(root);
    else if (asprintf(&state->rootfs, "%s/%s", creation->bundle_path, root) < 0)
        state->rootfs = NULL;
    if (json_object_object_get_ex(creation->config->document, "annotations", &annotations))
        state->annotations = json_object_get(annotations);
    if (!state->bundle || !state->version || !state->created || !state->rootfs)
        return err_set(err, -ENOMEM, "cannot create '%s'", state->id);
    int r =
        oci_launch_place(creation->config, state->id, creation->launch.manager, &state->place, err);
    return r < 0 ? r : oci_state_write(state, text, bytes, err);
}

/* What flags and annotations say; kept, for processes that come later have it too. */
static int make_vkernel(const struct runtime *runtime, struct creation *creation, struct err *err)
{
    creation->vkernel = runtime->vkernel;
    int r = oci_vkernel_read(creation->config, &creation->vkernel, err);

    if (r < 0 || !vkernel_is_set(&creation->vkernel))
        return r;
    r = oci_vkernel_deny_devices(&creation->vkernel, creation->config, err);
    if (r == 0)
        r = realtime_prepare(&creation->vkernel, creation->config, err);
    if (r == 0)
        r = vk_sched_check_slice(&creation->vkernel, err);
    if (r == 0)
        r = oci_state_directory(creation->state, err);
    if (r < 0)
        return r;
    creation->launch.vkernel = &creation->vkernel;
    creation->launch.vkernel_fd = creation->state->fd;
    return oci_vkernel_save(creation->state->fd, &creation->vkernel, err);
}

static char *state_text(void *data, const char *status, pid_t pid)
{
    const struct creation *creation = data;

    return oci_state_text_of(creation->state, status, pid);
}

static int run_hooks(void *data, enum oci_hook_kind kind, const struct oci_place *place,
                     struct err *err)
{
    struct creation *creation = data;

    if (creation->config->hooks[kind].count == 0)
        return 0;
    /* A hook may ask for the state, and a crash in one must leave what `delete` needs. */
    creation->state->place = *place;
    int r = oci_state_save(creation->state, err);
    if (r < 0)
        return r;
    /* Of prestart the specification once said that it runs within start, of a container that is
     * created; so its status is what hooks written for it, and other runtimes, know. */
    const char *status = kind == OCI_HOOK_PRESTART ? "created" : "creating";
    runtime_debug(creation->runtime, "%zu hooks run: %s", creation->config->hooks[kind].count,
                  oci_hook_names[kind]);
    _cleanup_(freep) char *text = oci_state_text_of(creation->state, status, place->pid);
    if (!text)
        return err_set(err, -ENOMEM, "cannot run hooks of '%s'", creation->id);
    return oci_hooks_run(creation->config, kind, text, creation->bundle_path, err);
}

static void note(void *data, const char *level, const char *text)
{
    const struct creation *creation = data;

    runtime_report(creation->runtime, level, text);
}

static int save_place(void *data, const struct oci_place *place, struct err *err)
{
    struct creation *creation = data;

    creation->state->place = *place;
    int r = oci_state_save(creation->state, err);
    if (r == 0 && creation->pid_file)
        r = verb_write_pid(creation->pid_file, place->pid, err);
    return r;
}

/* Before it is there: who deletes what a crash left must know of it. */
static int save_mount(void *data, const struct oci_place *place, struct err *err)
{
    struct creation *creation = data;

    creation->state->place = *place;
    return oci_state_save(creation->state, err);
}

static int launch(struct creation *creation, int *ret_terminal, int *ret_hold, struct err *err)
{
    struct oci_state *state = creation->state;
    /* The start socket's. */
    int r = ret_hold ? 0 : oci_state_directory(state, err);
    if (r < 0)
        return r;
    const struct oci_create create = {
        .id = state->id,
        .bundle = creation->bundle_path,
        .bundle_fd = creation->bundle_fd,
        .state_fd = state->fd,
        .state_path = state->path,
        .config = creation->config,
        .options = creation->launch,
        .held = ret_hold != NULL,
        .at_once = ret_hold != NULL && creation->config->process,
        /* The pid file of a create says that all is ready. */
        .cloned = ret_hold ? save_place : NULL,
        .ready = ret_hold ? NULL : save_place,
        .mounting = save_mount,
        .run_hooks = run_hooks,
        .state_text = state_text,
        .note = note,
        .data = creation,
    };
    struct oci_place place = state->place;
    r = oci_launch_create(&create, &place, ret_terminal, ret_hold, err);

    if (r == 0)
        state->place = place;
    return r;
}

void runtime_clip_capabilities(struct runtime *runtime, const struct oci_config *config,
                               struct oci_process *process)
{
    struct oci_capabilities *sets = &process->capabilities;
    const uint64_t wanted =
        sets->bounding | sets->effective | sets->permitted | sets->inheritable | sets->ambient;
    char message[100];

    if (wanted == 0 || oci_config_namespace(config, CLONE_NEWUSER))
        return;
    const uint64_t held = capabilities_held(wanted);
    for (size_t i = 0; i < 64; i++) {
        const char *name = capability_name(i);
        if (!(wanted & ~held & 1ull << i))
            continue;
        snprintf(message, sizeof message, "process.capabilities: %s is left out: not held here",
                 name ? name : "?");
        runtime_report(runtime, "warning", message);
    }
    sets->bounding &= held;
    sets->effective &= held;
    sets->permitted &= held;
    sets->inheritable &= held;
    sets->ambient &= held;
}

/*
 * Of a create that failed, the state. A hook of create that fails leads to the poststop hooks, says
 * the specification: they undo what the hooks before have done.
 */
static void undo(struct runtime *runtime, struct creation *creation, bool launched)
{
    const struct oci_hooks *hooks = creation->config->hooks;
    struct err second = {0};

    /* As in runtime_remove(). */
    _cleanup_(closep) int lock =
        creation->launch.vkernel ? oci_vkernel_lock(creation->state->fd, NULL) : -1;
    int r = oci_state_remove(creation->state, &second);
    if (r == 0 && launched &&
        (hooks[OCI_HOOK_PRESTART].count || hooks[OCI_HOOK_CREATE_RUNTIME].count ||
         hooks[OCI_HOOK_CREATE_CONTAINER].count))
        r = runtime_poststop(runtime, creation->state, creation->config, &second);
    if (r < 0)
        runtime_report(runtime, "warning", second.message);
}

/* Where there shall be no groups nothing holds a limit, and no device list. */
static int check_limits(struct runtime *runtime, const struct oci_config *config, struct err *err)
{
    const struct oci_resources *resources = &config->linux_.resources;

    if (runtime->manager != OCI_CGROUP_DISABLED)
        return 0;
    if (groups_are_wanted(resources))
        return err_say(
            err, -EINVAL,
            "cannot apply linux.resources: control groups are disabled, and nothing else "
            "holds a limit (--cgroup-manager disabled)");
    /* Who may make nodes could reach the machine's disks: a user namespace keeps that away. */
    if (resources->device_count)
        runtime_report(runtime, oci_config_namespace(config, CLONE_NEWUSER) ? "info" : "warning",
                       "linux.resources.devices: without control groups the container may use "
                       "every device that it has a node of or may make");
    return 0;
}

/* All of create; on failure nothing is left. For the rest see oci_launch_create(). */
static int create(struct runtime *runtime, struct creation *creation, int *ret_terminal,
                  int *ret_hold, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t bytes = 0;
    int r = oci_state_check_id(creation->id, err);

    if (r == 0)
        r = read_config(creation, &text, &bytes, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < creation->config->warnings.count; i++)
        runtime_report(runtime, "warning", creation->config->warnings.list[i]);
    char unknown[200];
    if (oci_launch_seccomp_unknown(creation->config->linux_.seccomp, unknown, sizeof unknown) > 0)
        runtime_report(runtime, "warning", unknown);
    r = check_limits(runtime, creation->config, err);
    if (r < 0)
        return r;
    if (creation->config->process)
        runtime_clip_capabilities(runtime, creation->config, creation->config->process);
    r = oci_state_make(runtime->root, creation->id, &creation->state, err);
    if (r < 0)
        return r;
    r = fill_state(creation, text, bytes, err);
    if (r == 0)
        r = make_vkernel(runtime, creation, err);
    const bool launched = r == 0;
    if (r == 0)
        r = launch(creation, ret_terminal, ret_hold, err);
    if (r < 0)
        undo(runtime, creation, launched);
    return r;
}

static int read_creation(struct runtime *runtime, int argc, char **argv, bool run,
                         struct creation *creation, struct err *err)
{
    bool ignored = false;
    char **words;
    const struct verb_option options[] = {
        {.name = "bundle", .letter = 'b', .value = &creation->bundle},
        {.name = "config", .letter = 'f', .value = &creation->config_name},
        {.name = "console-socket", .value = &creation->launch.console_socket},
        {.name = "pid-file", .value = &creation->pid_file},
        {.name = "preserve-fds", .value = &creation->preserve_fds},
        {.name = "no-pivot", .flag = &creation->launch.no_pivot},
        {.name = "no-new-keyring", .flag = &creation->launch.no_new_keyring},
        /* The runtime is never its container's reaper: runc's flag changes nothing here. */
        {.name = "no-subreaper", .flag = &ignored},
        {.name = run ? "detach" : NULL, .letter = 'd', .flag = &creation->detach},
        {.name = run ? "keep" : NULL, .flag = &creation->keep},
        {NULL},
    };
    long long count = 0;
    int r = verb_options(argc, argv, options, false, 1, 1, &words, err);

    if (r >= 0 && creation->preserve_fds)
        r = verb_number("preserve-fds", creation->preserve_fds, 0, 4096, &count, err);
    if (r < 0)
        return r;
    creation->id = words[0];
    creation->launch.preserve_fds = (unsigned)count;
    creation->runtime = runtime;
    creation->launch.manager = runtime->manager;
    runtime_environment(&creation->launch);
    return 0;
}

static void creation_end(struct creation *creation)
{
    oci_config_free(creation->config);
    oci_state_close(creation->state);
    if (creation->bundle_fd >= 0)
        close(creation->bundle_fd);
}

#define CREATION                                                     \
    {                                                                \
        .bundle = ".", .config_name = "config.json", .bundle_fd = -1 \
    }

int verb_create(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    _cleanup_(creation_end) struct creation creation = CREATION;
    int r = read_creation(runtime, argc, argv, false, &creation, err);

    return r < 0 ? r : create(runtime, &creation, NULL, NULL, err);
}

/* What follows a start: the poststart hooks. */
static int started(struct runtime *runtime, const struct oci_state *state,
                   const struct oci_config *config, struct err *err)
{
    if (config->hooks[OCI_HOOK_POSTSTART].count == 0)
        return 0;
    _cleanup_(freep) char *text = oci_state_text_of(state, "running", state->place.pid);
    if (!text)
        return err_set(err, -ENOMEM, "cannot run hooks of '%s'", state->id);
    /* The specification: a poststart hook that fails is a warning, the container goes on. */
    oci_hooks_run_all(config, OCI_HOOK_POSTSTART, text, state->bundle, runtime_warn, runtime);
    return 0;
}

static int no_process(const struct oci_state *state, struct err *err)
{
    oci_launch_kill(&state->place, 9, NULL);
    return err_say(err, -EINVAL, "cannot start '%s': its config.json has no process", state->id);
}

static int start(struct runtime *runtime, struct oci_state *state, struct err *err)
{
    _cleanup_(oci_config_freep) struct oci_config *config = NULL;
    enum oci_status status = oci_state_status(state);

    if (status != OCI_CREATED)
        return err_say(err, -EBUSY, "cannot start '%s': the container is %s, not created",
                       state->id, oci_status_name(status));
    int r = oci_state_config(state, &config, err);
    if (r < 0)
        return r;
    if (!config->process)
        return no_process(state, err);
    r = oci_launch_start(&state->place, state->fd, err);
    if (r == 0)
        runtime_debug(runtime, "process %d has executed its program", (int)state->place.pid);
    return r < 0 ? r : started(runtime, state, config, err);
}

int verb_start(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    int r = verb_container(runtime, argc, argv, &state, err);

    if (r == 0)
        r = oci_state_lock(state, err);
    return r < 0 ? r : start(runtime, state, err);
}

/* All of run up to the program: of a container that nobody else starts. */
static int create_and_start(struct runtime *runtime, struct creation *creation, int *ret_terminal,
                            struct err *err)
{
    _cleanup_(closep) int hold = -1;

    int r = create(runtime, creation, ret_terminal, &hold, err);
    if (r < 0)
        return r;
    r = creation->config->process ? oci_launch_go(hold, true, err)
                                  : no_process(creation->state, err);
    if (r == 0) {
        runtime_debug(runtime, "process %d has executed its program",
                      (int)creation->state->place.pid);
        r = started(runtime, creation->state, creation->config, err);
    }
    struct err second = {0};
    if (r < 0 && runtime_remove(runtime, creation->state, creation->config, &second) < 0)
        runtime_report(runtime, "warning", second.message);
    return r;
}

int verb_run(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    _cleanup_(creation_end) struct creation creation = CREATION;
    _cleanup_(closep) int terminal = -1;
    int r = read_creation(runtime, argc, argv, true, &creation, err);

    if (r == 0)
        r = create_and_start(runtime, &creation, creation.detach ? NULL : &terminal, err);
    if (r < 0 || creation.detach)
        return r;
    /* What goes on with the container while this process waits is others' business. */
    oci_state_unlock(creation.state);
    const int exit_status = runtime_foreground(creation.state->place.pid, steal_fd(&terminal), err);
    /* Somebody else may have deleted it meanwhile. */
    if (creation.keep || oci_state_lock(creation.state, NULL) < 0)
        return exit_status;
    struct err second = {0};
    if (runtime_remove(runtime, creation.state, creation.config, &second) < 0 && exit_status >= 0)
        runtime_report(runtime, "warning", second.message);
    return exit_status;
}
