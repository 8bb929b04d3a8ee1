/* exec: a further process in a container that runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/capability_names.h"
#include "oci/config_reader.h"
#include "oci/runtime.h"

DEFINE_CLEANUP(struct oci_config, oci_config_free)
DEFINE_CLEANUP(struct oci_state, oci_state_close)

#define EXEC_WORDS_MAX 4096
#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789"

struct request {
    struct runtime *runtime;
    const char *process_file, *pid_file, *preserve_fds, *user, *cwd, *apparmor, *label, *cgroup;
    struct oci_launch_options launch;
    struct vkernel vkernel;
    bool tty, detach, no_new_privileges, ignore_paused, help;
    const char *env[EXEC_WORDS_MAX];
    size_t env_count;
    uint32_t groups[1024];
    size_t group_count;
    uint64_t capabilities;
};

static int take_env(void *data, const char *value, struct err *err)
{
    struct request *request = data;

    if (value[0] == '=' || !strchr(value, '='))
        return err_say(err, -EINVAL, "cannot set '%s': it is not of the form NAME=VALUE", value);
    if (request->env_count == ARRAY_LEN(request->env))
        return err_say(err, -E2BIG, "cannot set '%s': there are too many variables", value);
    request->env[request->env_count++] = value;
    return 0;
}

static int take_group(void *data, const char *value, struct err *err)
{
    struct request *request = data;
    long long gid;
    int r = verb_number("additional-gids", value, 0, UINT32_MAX - 1, &gid, err);

    if (r == 0 && request->group_count == ARRAY_LEN(request->groups))
        return err_say(err, -E2BIG, "cannot add group %s: there are too many", value);
    if (r == 0)
        request->groups[request->group_count++] = (uint32_t)gid;
    return r;
}

static int take_capability(void *data, const char *value, struct err *err)
{
    struct request *request = data;
    int number = capability_number(value);
    char text[120];

    if (number < 0 && (value[0] == '\0' || value[strspn(value, NAME_LETTERS)] != '\0'))
        return err_say(err, -EINVAL, "cannot give '%s': there is no such capability", value);
    if (number >= 0) {
        request->capabilities |= 1ull << number;
        return 0;
    }
    /* As in config.json: one that is not known here is no error, for nothing is given. */
    snprintf(text, sizeof text, "--cap %.60s: this capability is not known here; it is left out",
             value);
    runtime_report(request->runtime, "warning", text);
    return 0;
}

/* UID or UID:GID. */
static int set_user(const char *text, struct oci_process *process, struct err *err)
{
    _cleanup_(freep) char *copy = strdup(text);
    long long uid, gid = process->gid;

    if (!copy)
        return err_set(err, -ENOMEM, "cannot run as '%s'", text);
    char *colon = strchr(copy, ':');
    if (colon)
        *colon++ = '\0';
    int r = verb_number("user", copy, 0, UINT32_MAX - 1, &uid, err);
    if (r == 0 && colon)
        r = verb_number("user", colon, 0, UINT32_MAX - 1, &gid, err);
    if (r < 0)
        return r;
    process->uid = (uint32_t)uid;
    process->gid = (uint32_t)gid;
    return 0;
}

/* The variables of the container, then those of the flags; a later one of a name counts. */
static int add_env(const struct request *request, struct oci_config *owner,
                   struct oci_process *process, struct err *err)
{
    const size_t count = process->env.count + request->env_count;
    const char **list = config_memory(owner, count + 1, sizeof *list);
    size_t kept = 0;

    if (!list)
        return err_set(err, -ENOMEM, "cannot set the environment");
    for (size_t i = 0; i < count; i++) {
        const char *entry =
            i < process->env.count ? process->env.list[i] : request->env[i - process->env.count];
        size_t name = strcspn(entry, "=") + 1, at = 0;
        while (at < kept && strncmp(list[at], entry, name) != 0)
            at++;
        list[at] = entry;
        kept += at == kept;
    }
    process->env = (struct oci_strings){.list = list, .count = kept};
    return 0;
}

/* The container's own process with what the flags say otherwise. */
static int process_of_flags(const struct request *request, char **words, int count,
                            struct oci_config *config, struct oci_process *process, struct err *err)
{
    struct oci_capabilities *sets = &process->capabilities;
    int r = 0;

    *process = *config->process;
    process->terminal = request->tty;
    process->args = (struct oci_strings){.list = (const char **)words, .count = (size_t)count};
    if (request->cwd)
        process->cwd = request->cwd;
    if (process->cwd[0] != '/')
        return err_say(err, -EINVAL, "cannot run in '%s': it is not an absolute path",
                       process->cwd);
    if (request->apparmor)
        process->apparmor_profile = request->apparmor;
    if (request->label)
        process->selinux_label = request->label;
    /* As crun: what the operator starts by flags has what its flags say. */
    process->no_new_privileges = request->no_new_privileges;
    if (request->capabilities) {
        sets->set = true;
        sets->bounding |= request->capabilities;
        sets->effective |= request->capabilities;
        sets->permitted |= request->capabilities;
        /* As runc: what is not inheritable would be lost by a program without file capabilities. */
        if (process->uid != 0 || request->user) {
            sets->inheritable |= request->capabilities;
            sets->ambient |= request->capabilities;
        }
    }
    if (request->group_count > 0) {
        process->additional_gids = request->groups;
        process->additional_gid_count = request->group_count;
    }
    if (request->user)
        r = set_user(request->user, process, err);
    return r < 0 ? r : add_env(request, config, process, err);
}

static int process_of_file(const char *path, struct oci_config **ret_config, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t bytes;
    int r = fd_read_input(path, OCI_CONFIG_MAX_BYTES, &text, &bytes, err);

    return r < 0 ? r : oci_process_parse(path, text, bytes, ret_config, err);
}

/* What the file says of the process is all that counts. */
static void warn_of_flags(struct runtime *runtime, const struct request *request)
{
    const struct {
        const char *name;
        bool given;
    } flags[] = {
        {"--cwd", request->cwd},
        {"--user", request->user},
        {"--env", request->env_count > 0},
        {"--cap", request->capabilities != 0},
        {"--additional-gids", request->group_count > 0},
        {"--no-new-privs", request->no_new_privileges},
        {"--apparmor", request->apparmor},
        {"--process-label", request->label},
    };
    char text[80];

    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (!flags[i].given)
            continue;
        snprintf(text, sizeof text, "%s is left out: --process says it", flags[i].name);
        runtime_report(runtime, "warning", text);
    }
}

static int read_request(int argc, char **argv, struct request *request, char ***ret_words,
                        struct err *err)
{
    bool ignored;
    const struct verb_option options[] = {
        {.name = "process", .letter = 'p', .value = &request->process_file},
        {.name = "tty", .letter = 't', .flag = &request->tty},
        {.name = "detach", .letter = 'd', .flag = &request->detach},
        {.name = "env", .letter = 'e', .take = take_env, .data = request},
        {.name = "user", .letter = 'u', .value = &request->user},
        {.name = "additional-gids", .letter = 'g', .take = take_group, .data = request},
        {.name = "cap", .letter = 'c', .take = take_capability, .data = request},
        {.name = "cwd", .value = &request->cwd},
        {.name = "console-socket", .value = &request->launch.console_socket},
        {.name = "pid-file", .value = &request->pid_file},
        {.name = "preserve-fds", .value = &request->preserve_fds},
        {.name = "cgroup", .value = &request->cgroup},
        {.name = "apparmor", .value = &request->apparmor},
        {.name = "process-label", .value = &request->label},
        {.name = "no-new-privs", .flag = &request->no_new_privileges},
        {.name = "ignore-paused", .flag = &request->ignore_paused},
        {.name = "no-subreaper", .flag = &ignored},
        {NULL},
    };
    long long count = 0;
    int words = verb_options(argc, argv, options, true, 1, 0, ret_words, err);

    if (words < 0)
        return words;
    if (request->preserve_fds) {
        int r = verb_number("preserve-fds", request->preserve_fds, 0, 4096, &count, err);
        if (r < 0)
            return r;
    }
    request->launch.preserve_fds = (unsigned)count;
    if (words < 2 && !request->process_file)
        return err_say(err, -EINVAL, "cannot run 'exec': the command is missing (see --help)");
    return words;
}

static char *state_text(void *data, const char *status, pid_t pid)
{
    return oci_state_text_of(data, status, pid);
}

static int check_status(const struct oci_state *state, bool ignore_paused, struct err *err)
{
    enum oci_status status = oci_state_status(state);

    if (status == OCI_RUNNING || status == OCI_CREATED || (status == OCI_PAUSED && ignore_paused))
        return 0;
    return err_say(err, -ESRCH, "cannot exec in '%s': the container is %s, not running", state->id,
                   oci_status_name(status));
}

static int enter(const struct request *request, const struct oci_state *state,
                 const struct oci_config *config, const struct oci_process *process,
                 struct err *err)
{
    _cleanup_(closep) int terminal = -1;
    const struct oci_exec exec = {
        .place = &state->place,
        .config = config,
        .process = process,
        .id = state->id,
        .bundle = state->bundle,
        .rootfs = state->rootfs,
        .sub_cgroup = request->cgroup,
        .options = request->launch,
        .state_text = state_text,
        .data = (void *)state,
    };
    pid_t pid = 0;
    int r = oci_launch_exec(&exec, &pid, request->detach ? NULL : &terminal, err);

    if (r == 0 && request->pid_file)
        r = verb_write_pid(request->pid_file, pid, err);
    if (r < 0 || request->detach)
        return r;
    return runtime_foreground(pid, steal_fd(&terminal), err);
}

int verb_exec(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    _cleanup_(oci_config_freep) struct oci_config *config = NULL, *alone = NULL;
    _cleanup_(freep) struct request *request = calloc(1, sizeof *request);
    struct oci_process of_flags;
    char **words;

    if (!request)
        return err_set(err, -ENOMEM, "cannot run 'exec'");
    request->runtime = runtime;
    request->launch.manager = runtime->manager;
    int count = read_request(argc, argv, request, &words, err);
    if (count < 0)
        return count;
    int r = oci_state_open(runtime->root, words[0], &state, err);
    if (r >= 0)
        r = check_status(state, request->ignore_paused, err);
    if (r >= 0)
        r = oci_state_config(state, &config, err);
    if (r >= 0)
        r = oci_vkernel_load(state->fd, &request->vkernel, err);
    if (r < 0)
        return r;
    request->launch.vkernel = &request->vkernel;
    request->launch.vkernel_fd = state->fd;
    if (request->process_file)
        r = process_of_file(request->process_file, &alone, err);
    else if (config->process)
        r = process_of_flags(request, words + 1, count - 1, config, &of_flags, err);
    else
        r = err_say(err, -EINVAL, "cannot exec in '%s': its config.json has no process", words[0]);
    if (r < 0)
        return r;
    if (alone && request->tty)
        alone->process->terminal = true;
    if (alone)
        warn_of_flags(runtime, request);
    for (size_t i = 0; alone && i < alone->warnings.count; i++)
        runtime_report(runtime, "warning", alone->warnings.list[i]);
    runtime_clip_capabilities(runtime, config, alone ? alone->process : &of_flags);
    return enter(request, state, config, alone ? alone->process : &of_flags, err);
}
