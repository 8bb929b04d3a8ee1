/* oci_launch_create() and oci_launch_start(). */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/apart.h"
#include "oci/broker.h"
#include "oci/host_root.h"
#include "oci/launch_internal.h"
#include "oci/net_devices.h"
#include "oci/scope.h"
#include "oci/user_namespace.h"
#include "oci/privilege.h"
#include "oci/realtime.h"
#include "oci/view.h"
#include "oci/vkernel.h"
#include "vkernel/scheduler.h"

/* A path of any length, as short as an address must be. */
static void socket_address(int state_fd, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(ret_address->sun_path, sizeof ret_address->sun_path, "/proc/self/fd/%d/%s", state_fd,
             START_SOCKET);
}

/* Where the init waits for its start, after we are gone. */
static int listen_start(struct launch *launch, int state_fd, struct err *err)
{
    struct sockaddr_un address;

    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    socket_address(state_fd, &address);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4) < 0)
        return err_set(err, -errno, "cannot make the container's start socket");
    launch->plan.out->start_fd = plan_fd(&launch->plan, steal_fd(&fd));
    return 0;
}

/* A container with users and a group tree of its own may make groups below. */
static int delegate(struct launch *launch, const struct oci_config *config, struct err *err)
{
    const struct oci_namespace *users = oci_config_namespace(config, CLONE_NEWUSER);
    const struct oci_namespace *tree = oci_config_namespace(config, CLONE_NEWCGROUP);

    if (!users || users->path || !tree || tree->path || geteuid() != 0)
        return 0;
    return groups_delegate(&launch->groups, user_namespace_outside(&config->linux_.uid_mappings, 0),
                           user_namespace_outside(&config->linux_.gid_mappings, 0), err);
}

static bool has_view(const struct oci_create *create)
{
    return create->options.vkernel && vkernel_has_view(create->options.vkernel);
}

int oci_launch_place(const struct oci_config *config, const char *id,
                     enum oci_cgroup_manager manager, struct oci_place *ret_place, struct err *err)
{
    *ret_place = (struct oci_place){.manager = manager};
    return manager == OCI_CGROUP_CGROUPFS ? groups_path(config, id, ret_place->cgroup_path, err)
                                          : 0;
}

__attribute__((format(printf, 3, 4))) static void note(const struct oci_create *create,
                                                       const char *level, const char *format, ...)
{
    char text[512];
    va_list args;

    if (!create->note)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    create->note(create->data, level, text);
}

static int make_groups(struct launch *launch, const struct oci_create *create,
                       struct oci_place *place, struct err *err)
{
    const bool given = create->options.manager == OCI_CGROUP_SYSTEMD;

    if (create->options.manager == OCI_CGROUP_DISABLED) {
        note(create, "debug", "control groups are disabled");
        return 0;
    }
    int r = given ? scope_start(create->config, create->id, place, &launch->holder, err) : 0;
    if (r == 0)
        r = err_at(err, cgroup_place_find(place->cgroup_path, &launch->groups, err),
                   "linux.cgroupsPath");
    struct err why = {0};
    if (r == 0)
        r = groups_make(&launch->groups, create->config, has_view(create), given, &why);
    /* A user to whom nothing was delegated can't have groups, and needs none without limits; but a
     * scope was asked for, and is no scope of the container's if that is elsewhere. */
    const bool denied = (r == -EACCES || r == -EPERM || r == -EROFS) && !oci_is_root();
    if (denied && given)
        return err_say(err, r,
                       "cannot use scope '%s': %s (v1 trees are not delegated to users; on v2 a "
                       "user has what the own manager's unit has)",
                       place->scope, why.message);
    if (denied && !groups_are_wanted(&create->config->linux_.resources)) {
        launch->groups.count = 0;
        place->cgroup_path[0] = '\0';
        note(create, "info",
             "no control groups are delegated to this user: the container has none");
        return 0;
    }
    if (r < 0)
        return err_say(err, r, "%s", why.message);
    note(create, "debug", "control groups '%s' are made", place->cgroup_path);
    if (r == RESOURCES_NO_DEVICES)
        note(create, "info",
             "linux.resources.devices: no program may be loaded by this user: the user namespace "
             "keeps devices away");
    launch->own_groups = true;
    launch->scoped = given;
    r = create->options.vkernel
            ? realtime_give(&launch->groups, create->options.vkernel->sched.realtime, err)
            : 0;
    if (r < 0)
        return r;
    return delegate(launch, create->config, err);
}

struct namespaces_ready {
    struct launch *launch;
    const struct oci_create *create;
    struct oci_place *place;
};

/* The container's state as text, for what runs inside; in the plan, which the init already has. */
static int fill_state(struct launch *launch, const struct oci_create *create, const char *status,
                      const char **ret_text, struct err *err)
{
    char *text = create->state_text(create->data, status, launch->pid);

    if (!text)
        return err_set(err, -ENOMEM, "cannot write the container's state");
    *ret_text = plan_text(&launch->plan, text);
    free(text);
    return plan_check(&launch->plan, "annotations", err);
}

/* config-linux.md, "Container Process State". */
int launch_listener_text(struct launch *launch, const struct oci_seccomp *seccomp,
                         oci_state_text state_text, void *data, const char *status, struct err *err)
{
    _cleanup_(freep) char *state = state_text(data, status, launch->pid);
    struct json_object *metadata =
        json_object_new_string(seccomp->listener_metadata ? seccomp->listener_metadata : "");
    int r = -ENOMEM;

    if (state && metadata) {
        const char *quoted = json_object_to_json_string(metadata);
        size_t bytes = strlen(state) + strlen(quoted) + 200;
        char *text = plan_take(&launch->plan, bytes);
        snprintf(text, bytes,
                 "{\"ociVersion\":\"1.2.0\",\"fds\":[\"seccompFd\"],\"pid\":%d,"
                 "\"metadata\":%s,\"state\":%s}",
                 (int)launch->pid, quoted, state);
        launch->plan.out->process.listener_text = text;
        r = plan_check(&launch->plan, "linux.seccomp.listenerMetadata", err);
    }
    json_object_put(metadata);
    return r == -ENOMEM ? err_set(err, r, "cannot write the container's state") : r;
}

static int namespaces_made(void *data, struct err *err)
{
    const struct namespaces_ready *ready = data;
    struct launch *launch = ready->launch;
    const struct oci_create *create = ready->create;
    struct init_plan *out = launch->plan.out;
    int r = 0;

    note(create, "debug", "the namespaces are made");
    if (create->config->linux_.net_device_count) {
        r = err_at(err, net_devices_move(create->config, launch->pid, &launch->network, err),
                   "linux.netDevices");
        if (r < 0)
            return r;
    }
    ready->place->pid = launch->pid;
    launch_start_time(launch->pid, &ready->place->start_time);
    if (out->create_container.count)
        r = fill_state(launch, create, "creating", &out->create_container.state, err);
    if (r == 0 && out->start_container.count)
        r = fill_state(launch, create, "created", &out->start_container.state, err);
    if (r == 0 && out->process.listener_fd >= 0 && !out->process.listener_text)
        r = launch_listener_text(launch, create->config->linux_.seccomp, create->state_text,
                                 create->data, "creating", err);
    out->process.set_groups &= launch->set_groups;
    for (enum oci_hook_kind kind = OCI_HOOK_PRESTART; kind <= OCI_HOOK_CREATE_RUNTIME; kind++)
        if (r == 0 && create->config->hooks[kind].count)
            r = create->run_hooks(create->data, kind, ready->place, err);
    return r;
}

/* Whether the init has to stop once, for us to do something outside of it. */
static bool needs_sync(const struct plan *plan, const struct oci_config *config)
{
    const struct init_process *process = &plan->out->process;

    return plan->out->user_namespace || plan->out->create_container.count ||
           config->linux_.net_device_count || plan->out->start_container.count ||
           (process->listener_fd >= 0 && !process->listener_text) ||
           config->hooks[OCI_HOOK_PRESTART].count || config->hooks[OCI_HOOK_CREATE_RUNTIME].count;
}

static bool has_hooks(const struct oci_config *config)
{
    for (size_t i = 0; i < ARRAY_LEN(config->hooks); i++)
        if (i != OCI_HOOK_POSTSTART && config->hooks[i].count)
            return true;
    return false;
}

/*
 * Whether one that is started at once may be told so before it is ready: nothing of ours comes
 * between. Two messages and two changes of process less. Its limits it sets itself then, with the
 * capabilities that we have too, as its user namespace is ours.
 */
static bool can_be_unattended(const struct plan *plan, const struct oci_create *create)
{
    const struct oci_process *process = create->config->process;

    return create->at_once && !plan->out->sync && !plan->out->split && !plan->out->host_root &&
           !process->terminal && !process->scheduler && !process->io_priority &&
           (plan->out->process.listener_fd < 0 || plan->broker_fd >= 0) &&
           !oci_config_namespace(create->config, CLONE_NEWUSER) && !has_hooks(create->config);
}

static void plan_limits(struct plan *plan, const struct oci_process *process)
{
    struct init_rlimit *limits = plan_take(plan, process->rlimit_count * sizeof *limits);

    for (size_t i = 0; i < process->rlimit_count; i++)
        limits[i] = (struct init_rlimit){.resource = process->rlimits[i].resource,
                                         .soft = process->rlimits[i].limit.rlim_cur,
                                         .hard = process->rlimits[i].limit.rlim_max,
                                         .name = plan_text(plan, process->rlimits[i].name)};
    plan->out->process.rlimits = limits;
    plan->out->process.rlimit_count = process->rlimit_count;
}

static int make_plan(struct launch *launch, const struct oci_create *create, struct oci_view *view,
                     uint64_t *ret_flags, struct err *err)
{
    const struct oci_config *config = create->config;
    struct plan *plan = &launch->plan;

    int r = plan_open(plan, create->options.preserve_fds + create->options.listen_fds, err);
    if (r < 0)
        return r;
    plan->out->start_fd = plan->out->target_fd = -1;
    plan->out->process.set_groups = plan_set_groups();
    oci_view_plan(view, create, plan);
    r = plan_namespaces(plan, config, ret_flags, err);
    if (r == 0)
        r = plan_root(plan, create, launch->groups.count ? &launch->groups : NULL, err);
    if (r == 0)
        r = plan_process(plan, config->process, config, &create->options, create->id, err);
    if (r == 0 && !create->held)
        r = listen_start(launch, create->state_fd, err);
    plan->out->sync = r == 0 && needs_sync(plan, config);
    plan->out->at_once = create->at_once;
    plan->out->unattended = r == 0 && can_be_unattended(plan, create);
    if (plan->out->unattended)
        plan_limits(plan, config->process);
    /* Hooks of the runtime's namespaces have the bundle as their directory: so do these. */
    if (plan->out->create_container.count)
        launch->directory = create->bundle;
    return r;
}

/* Once the init waits: it is all there, and nothing of the user's runs yet. */
static int finish(struct launch *launch, const struct oci_create *create,
                  const struct oci_place *place, struct err *err)
{
    int r = create->config->process ? launch_adjust(launch->pid, create->config->process,
                                                    !launch->plan.out->unattended, err)
                                    : 0;

    if (r == 0)
        r = oci_vkernel_adjust(launch->pid, create->options.vkernel, err);
    if (r == 0 && create->options.vkernel && place->cgroup_path[0] &&
        scheduler_orders(create->options.vkernel->sched.policy))
        r = oci_vkernel_tell(place, create->options.vkernel->sched.policy, err);
    if (r == 0 && create->options.vkernel && vkernel_has_overcommit(create->options.vkernel))
        r = oci_vkernel_overcommit(place, create->state_fd, create->options.vkernel, err);
    if (r == 0 && create->options.vkernel &&
        create->options.vkernel->sched.policy == VKERNEL_POLICY_ADAPTIVE)
        r = oci_adaptive_start(place, create->options.vkernel_fd, err);
    return r;
}

/*
 * While the init is at work. With a view it is the broker's and the view's from now, not ours: the
 * init waits for what it looks up there, and must get an error if its process has ended.
 */
static int start_broker(struct launch *launch, const struct oci_create *create,
                        struct oci_place *place, struct oci_view *view, struct err *err)
{
    if (launch->plan.broker_fd < 0 && view->fuse < 0)
        return 0;
    place->pid = launch->pid;
    int r = oci_broker_start(launch->plan.broker_fd, place, create->options.vkernel_fd, view,
                             &launch->broker, err);
    closep(&view->fuse);
    view->fuse = -1;
    return r;
}

/* What the init says of a view whose process failed is not the cause. */
static int follow(struct launch *launch, struct namespaces_ready *ready, struct oci_view *view,
                  int *ret_terminal, struct err *err)
{
    struct err theirs = {0};
    int r = launch_follow(launch, ready->create->config, INIT_READY, namespaces_made, ready,
                          ret_terminal, &theirs);
    if (r == 0 || r == -EIO || r == -ECONNREFUSED || r == -ENOTCONN) {
        int served = oci_view_await(view, err);
        if (served < 0)
            return served;
    }
    return r < 0 ? err_say(err, r, "%s", theirs.message) : 0;
}

static int tell_cloned(const struct launch *launch, const struct oci_create *create,
                       struct oci_place *place, struct err *err)
{
    place->pid = launch->pid;
    int r = launch_start_time(launch->pid, &place->start_time);

    if (r < 0)
        return err_set(err, r, "cannot find the container's process");
    note(create, "debug", "the container's process is %d", (int)place->pid);
    return create->cloned ? create->cloned(create->data, place, err) : 0;
}

static int make_host_root(struct launch *launch, const struct oci_create *create,
                          struct oci_place *place, struct err *err)
{
    launch->host_root = strdup(launch->plan.out->root);
    if (!launch->host_root)
        return err_set(err, -ENOMEM, "cannot mount the container's root");
    _cleanup_(closep) int tree = host_root_copy(launch->host_root, &place->root_mount, err);
    if (tree < 0)
        return tree;
    int r = create->mounting ? create->mounting(create->data, place, err) : 0;
    return r == 0 ? host_root_attach(launch->host_root, tree, err) : r;
}

/* The program's start, or the word that its maker may go: before it the init ends with us. */
static int tell_start(const struct launch *launch, struct err *err)
{
    struct err why = {0};
    int r = launch_go(launch->control, NULL, 0, &why);

    /* One that has ended already has said why, to who waits for its program. */
    if (r == -EPIPE && launch->plan.out->unattended)
        return 0;
    return r < 0 ? err_say(err, r, "%s", why.message) : 0;
}

static int create_all(struct launch *launch, const struct oci_create *create,
                      struct oci_place *place, struct oci_view *view, int *ret_terminal,
                      struct err *err)
{
    const struct oci_config *config = create->config;
    struct namespaces_ready ready = {launch, create, place};
    uint64_t flags = 0;

    /* Without one there is still a container; it can't be started. */
    if (config->process && !config->process->args.count)
        return err_say(err, -EINVAL, "cannot create the container: process.args is empty");
    if (config->linux_.intel_rdt)
        return err_say(err, -ENOTSUP, "cannot apply linux.intelRdt: %s",
                       access("/sys/fs/resctrl/schemata", F_OK) == 0
                           ? "this runtime divides no caches (see features)"
                           : "no resctrl file system is mounted at /sys/fs/resctrl");
    if (config->process && config->process->terminal && !create->options.console_socket &&
        !ret_terminal)
        return err_say(err, -EINVAL,
                       "cannot create the container: process.terminal is set: use "
                       "--console-socket");
    int r = oci_view_start(view, create, err);
    if (r == 0)
        r = make_groups(launch, create, place, err);
    if (r == 0)
        r = oci_view_place(view, create, &launch->groups, err);
    if (r == 0)
        r = make_plan(launch, create, view, &flags, err);
    if (r == 0 && create->options.init_program) {
        launch->init_fd = fcntl(create->options.init_program, F_DUPFD_CLOEXEC, 3);
        r = launch->init_fd < 0 ? -errno : 0;
    }
    if (r == 0 && launch->plan.out->host_root)
        r = make_host_root(launch, create, place, err);
    if (r == 0)
        r = launch_clone(launch, config, flags, err);
    if (r == 0)
        r = start_broker(launch, create, place, view, err);
    if (r == 0 && launch->pid)
        r = tell_cloned(launch, create, place, err);
    bool told = launch->pid != 0;
    if (r == 0)
        r = oci_view_guard(view, create, &launch->groups, err);
    if (r == 0 && !launch->plan.out->sync)
        oci_view_look(view);
    if (r == 0)
        r = launch->plan.out->unattended ? oci_view_await(view, err)
                                         : follow(launch, &ready, view, ret_terminal, err);
    if (r == 0 && !told) /* of a split start it was not known before */
        r = tell_cloned(launch, create, place, err);
    if (r == 0 && (r = process_apart_end(&launch->broker)) < 0)
        err_set(err, r, "cannot start the broker of emulated calls");
    if (r == 0 && !launch->plan.out->unattended)
        note(create, "debug", "all is mounted, and the process waits for its start");
    if (r == 0)
        r = finish(launch, create, place, err);
    if (r == 0 && create->ready)
        r = create->ready(create->data, place, err);
    if (r == 0 && (create->at_once || !create->held))
        r = tell_start(launch, err);
    return r < 0 ? err_set(err, r, "cannot create the container") : 0;
}

int oci_launch_create(const struct oci_create *create, struct oci_place *place, int *ret_terminal,
                      int *ret_hold, struct err *err)
{
    struct oci_view view = OCI_VIEW_NONE;
    struct launch launch;
    int terminal = -1;

    launch_open(&launch);
    int r = oci_launch_place(create->config, create->id, create->options.manager, place, err);
    if (r == 0)
        r = create_all(&launch, create, place, &view, ret_terminal ? &terminal : NULL, err);
    oci_view_close(&view);
    if (r == 0 && ret_hold)
        *ret_hold = steal_fd(&launch.control);
    _cleanup_(freep) char *root = launch.host_root;
    if (r < 0 && launch.network >= 0)
        net_devices_return(create->config, launch.network);
    launch_close(&launch, r == 0);
    if (r < 0) {
        unlinkat(create->state_fd, START_SOCKET, 0);
        if (place->scope[0])
            scope_stop(place);
        host_root_remove(root ? root : "", place->root_mount, NULL);
        place->root_mount = 0;
        if (create->options.vkernel && create->options.vkernel->sched.realtime > 0)
            realtime_take_back(place->cgroup_path);
        if (terminal >= 0)
            close(terminal);
        place->pid = 0;
        return r;
    }
    if (ret_terminal)
        *ret_terminal = terminal;
    return 0;
}

int oci_launch_start(const struct oci_place *place, int state_fd, struct err *err)
{
    struct sockaddr_un address;

    (void)place;
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    socket_address(state_fd, &address);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return err_set(err, errno == ECONNREFUSED ? -ESRCH : -errno, "cannot start the container");
    if (unlinkat(state_fd, START_SOCKET, 0) < 0)
        return err_set(err, -errno, "cannot start the container");
    return launch_release(fd, err);
}

int oci_launch_go(int hold, bool at_once, struct err *err)
{
    return at_once ? launch_await_ready_and_exec(hold, err) : launch_release(hold, err);
}

int oci_launch_go_with(int hold, const char *variables, size_t bytes, struct err *err)
{
    int r = launch_go(hold, variables, bytes, err);

    return r < 0 ? r : launch_await_exec(hold, err);
}
