/* The memory of a plan, and its plain parts: root, process, hooks. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/plan.h"
#include "vkernel/vkernel.h"

int plan_open(struct plan *plan, unsigned kept, struct err *err)
{
    plan->first_fd = 3 + (int)kept;
    plan->memfd = memfd_create("vireo-plan", MFD_CLOEXEC);
    if (plan->memfd < 0 || ftruncate(plan->memfd, INIT_PLAN_BYTES) < 0)
        return err_set(err, -errno, "cannot make the plan of the container");
    void *at = mmap((void *)INIT_PLAN_ADDRESS, INIT_PLAN_BYTES, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED_NOREPLACE, plan->memfd, 0);
    if (at == MAP_FAILED)
        return err_set(err, -errno, "cannot map the plan of the container");
    plan->out = at;
    plan->used = sizeof *plan->out;
    plan->out->view.mount_fd = -1;
    plan->fds = calloc(PLAN_FDS_MAX, sizeof *plan->fds);
    plan->idmaps = calloc(PLAN_FDS_MAX, sizeof *plan->idmaps);
    if (!plan->fds || !plan->idmaps)
        return err_set(err, -ENOMEM, "cannot make the plan of the container");
    return 0;
}

void plan_close(struct plan *plan)
{
    if (plan->fds)
        fd_close_all(plan->fds, plan->fd_count);
    free(plan->fds);
    free(plan->idmaps);
    if (plan->out)
        munmap(plan->out, INIT_PLAN_BYTES);
    closep(&plan->memfd);
    closep(&plan->broker_fd);
    *plan = PLAN_EMPTY;
}

void *plan_take(struct plan *plan, size_t bytes)
{
    size_t at = (plan->used + 15) & ~(size_t)15;

    /* What a part can need was bounded where config.json was read; plan_check() is after each. */
    assert(bytes <= INIT_PLAN_BYTES && at + bytes <= INIT_PLAN_BYTES);
    plan->used = at + bytes;
    return (char *)plan->out + at;
}

int plan_check(const struct plan *plan, const char *part, struct err *err)
{
    if (plan->used <= PLAN_BYTES_MAX)
        return 0;
    return err_say(err, -E2BIG,
                   "cannot create the container: %s: with it the configuration needs more than "
                   "%lu MiB",
                   part, PLAN_BYTES_MAX >> 20);
}

const char *plan_text(struct plan *plan, const char *text)
{
    if (!text)
        return NULL;
    size_t bytes = strlen(text) + 1;
    return memcpy(plan_take(plan, bytes), text, bytes);
}

char *const *plan_strings(struct plan *plan, const struct oci_strings *strings)
{
    const char **list = plan_take(plan, (strings->count + 1) * sizeof *list);

    for (size_t i = 0; i < strings->count; i++)
        list[i] = plan_text(plan, strings->list[i]);
    return (char *const *)list;
}

int plan_fd(struct plan *plan, int fd)
{
    assert(plan->fd_count < PLAN_FDS_MAX);
    /* A number that the user was to get, and that his caller left closed, must not be ours. */
    if (fd < plan->first_fd) {
        int higher = fcntl(fd, F_DUPFD_CLOEXEC, plan->first_fd);
        if (higher >= 0) {
            close(fd);
            fd = higher;
        }
    }
    plan->fds[plan->fd_count++] = fd;
    return fd;
}

int plan_connect(struct plan *plan, const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path)
        return err_set(err, -ENAMETOOLONG, "cannot connect to '%s'", path);
    strcpy(address.sun_path, path);
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return err_set(err, -errno, "cannot connect to '%s'", path);
    return plan_fd(plan, steal_fd(&fd));
}

/* ---- root ---- */

static void plan_hooks(struct plan *plan, const struct oci_hooks *hooks, struct init_hooks *out)
{
    struct init_hook *list = plan_take(plan, hooks->count * sizeof *list);

    for (size_t i = 0; i < hooks->count; i++) {
        const struct oci_hook *hook = &hooks->list[i];
        const char *name[] = {hook->path, NULL};
        struct oci_strings alone = {.list = name, .count = 1};
        uint64_t timeout = hook->timeout.set ? hook->timeout.value : 0;
        list[i].path = plan_text(plan, hook->path);
        list[i].argv = plan_strings(plan, hook->args.count ? &hook->args : &alone);
        list[i].envp = plan_strings(plan, &hook->env);
        list[i].timeout_seconds = timeout > UINT32_MAX ? UINT32_MAX : (uint32_t)timeout;
    }
    out->list = list;
    out->count = hooks->count;
}

static const char *const *plan_paths(struct plan *plan, const struct oci_strings *paths)
{
    return (const char *const *)plan_strings(plan, paths);
}

/* The parameters that belong to a namespace. All others are the host's, and not for containers. */
static const struct {
    const char *path; /* a "/" at its end: all below */
    int flag;
} sysctls[] = {
    {"kernel/msgmax", CLONE_NEWIPC},
    {"kernel/msgmnb", CLONE_NEWIPC},
    {"kernel/msgmni", CLONE_NEWIPC},
    {"kernel/sem", CLONE_NEWIPC},
    {"kernel/shmall", CLONE_NEWIPC},
    {"kernel/shmmax", CLONE_NEWIPC},
    {"kernel/shmmni", CLONE_NEWIPC},
    {"kernel/shm_rmid_forced", CLONE_NEWIPC},
    {"kernel/msg_next_id", CLONE_NEWIPC},
    {"kernel/sem_next_id", CLONE_NEWIPC},
    {"kernel/shm_next_id", CLONE_NEWIPC},
    {"fs/mqueue/", CLONE_NEWIPC},
    {"net/", CLONE_NEWNET},
    {"kernel/domainname", CLONE_NEWUTS},
    {"user/", CLONE_NEWUSER},
};

static int check_sysctl(const struct oci_config *config, const char *path, const char *key,
                        struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(sysctls); i++) {
        size_t length = strlen(sysctls[i].path);
        bool below = sysctls[i].path[length - 1] == '/';
        if (strncmp(path, sysctls[i].path, length) != 0 || (!below && path[length]))
            continue;
        const struct oci_namespace *namespace = oci_config_namespace(config, sysctls[i].flag);
        if (namespace && !(namespace->path && namespace_is_own(namespace)))
            return 0;
        return err_say(err, -EPERM,
                       "cannot set sysctl '%s': the container shares the host's "
                       "namespace that it belongs to",
                       key);
    }
    return err_say(err, -EPERM,
                   "cannot set sysctl '%s': it belongs to no namespace, but to the "
                   "host",
                   key);
}

static int plan_sysctls(struct plan *plan, const struct oci_config *config, struct err *err)
{
    const struct oci_pairs *pairs = &config->linux_.sysctl;
    struct init_sysctl *list = plan_take(plan, pairs->count * sizeof *list);

    for (size_t i = 0; i < pairs->count; i++) {
        const char *key = pairs->list[i].key;
        char *path = plan_take(plan, strlen(key) + 1);
        strcpy(path, key);
        /* "net.ipv4.conf.eth0/1.x" has slashes where a name has dots, as sysctl(8) does. */
        bool dots = !strchr(key, '/') || strchr(key, '.') < strchr(key, '/');
        for (char *at = path; dots && *at; at++)
            *at = *at == '.' ? '/' : *at == '/' ? '.' : *at;
        if (strstr(path, "..") || path[0] == '/')
            return err_set(err, -EINVAL, "cannot set sysctl '%s'", key);
        int r = check_sysctl(config, path, key, err);
        if (r < 0)
            return r;
        list[i] = (struct init_sysctl){path, plan_text(plan, pairs->list[i].value)};
    }
    plan->out->sysctls = list;
    plan->out->sysctl_count = pairs->count;
    return 0;
}

int plan_root(struct plan *plan, const struct oci_create *create, struct cgroup_place *place,
              struct err *err)
{
    const struct oci_config *config = create->config;
    struct init_plan *out = plan->out;
    char joined[PATH_MAX], path[PATH_MAX];

    int n = config->root_path[0] == '/'
                ? snprintf(joined, sizeof joined, "%s", config->root_path)
                : snprintf(joined, sizeof joined, "%s/%s", create->bundle, config->root_path);
    if (n < 0 || (size_t)n >= sizeof joined || !realpath(joined, path))
        return err_at(err,
                      err_set(err, n < (int)sizeof joined ? -errno : -ENAMETOOLONG,
                              "cannot find root '%s'", config->root_path),
                      "root.path");
    out->root = plan_text(plan, path);
    out->root_readonly = config->root_readonly;
    out->huge_pages = plan_text(plan, vkernel_huge_pages_text(create->options.vkernel));
    out->no_pivot = create->options.no_pivot;
    out->propagation = config->linux_.rootfs_propagation;
    out->hostname = plan_text(plan, config->hostname);
    out->domainname = plan_text(plan, config->domainname);
    out->masked = plan_paths(plan, &config->linux_.masked_paths);
    out->masked_count = config->linux_.masked_paths.count;
    out->readonly = plan_paths(plan, &config->linux_.readonly_paths);
    out->readonly_count = config->linux_.readonly_paths.count;
    int r = plan_check(plan, "linux.maskedPaths and readonlyPaths", err);
    if (r < 0)
        return r;
    plan_hooks(plan, &config->hooks[OCI_HOOK_CREATE_CONTAINER], &out->create_container);
    plan_hooks(plan, &config->hooks[OCI_HOOK_START_CONTAINER], &out->start_container);
    r = plan_check(plan, "hooks", err);
    if (r == 0)
        r = plan_sysctls(plan, config, err);
    if (r == 0)
        r = plan_check(plan, "linux.sysctl", err);
    if (r == 0)
        r = plan_mounts(plan, create, place, err);
    if (r == 0)
        r = plan_check(plan, "mounts", err);
    if (r == 0)
        r = plan_devices(plan, create, err);
    return r == 0 ? plan_check(plan, "linux.devices", err) : r;
}

/* ---- process ---- */

bool plan_set_groups(void)
{
    char text[16] = "";

    _cleanup_(closep) int fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
    return fd < 0 || read(fd, text, sizeof text - 1) <= 0 || strncmp(text, "deny", 4) != 0;
}

/* The environment, with what socket activation and sd_notify want. */
static char *const *plan_environment(struct plan *plan, const struct oci_process *process,
                                     const struct oci_launch_options *options)
{
    const char **list = plan_take(plan, (process->env.count + 5) * sizeof *list);
    char text[64];
    size_t n = 0;

    for (size_t i = 0; i < process->env.count; i++)
        list[n++] = plan_text(plan, process->env.list[i]);
    if (options->listen_fds) {
        snprintf(text, sizeof text, "LISTEN_FDS=%u", options->listen_fds);
        list[n++] = plan_text(plan, text);
        list[n++] = plan_text(plan, "LISTEN_PID=1");
    }
    if (options->notify_socket) {
        char *variable = plan_take(plan, strlen(options->notify_socket) + 16);
        sprintf(variable, "NOTIFY_SOCKET=%s", options->notify_socket);
        list[n++] = variable;
    }
    return (char *const *)list;
}

static void plan_capabilities(const struct oci_process *process, uint64_t most,
                              struct init_process *out)
{
    const struct oci_capabilities *from = &process->capabilities;

    out->bounding = from->bounding & most;
    out->effective = from->effective & most;
    out->permitted = from->permitted & most;
    out->inheritable = from->inheritable & most;
    out->ambient = from->ambient & most;
}

static void plan_memory_policy(struct plan *plan, const struct oci_memory_policy *policy)
{
    struct init_process *out = &plan->out->process;

    if (!policy)
        return;
    unsigned long *nodes = plan_take(plan, sizeof policy->nodes);
    memcpy(nodes, policy->nodes, sizeof policy->nodes);
    out->memory_policy = policy->mode;
    out->memory_nodes = nodes;
    for (size_t i = 0; i < ARRAY_LEN(policy->nodes); i++)
        if (nodes[i])
            out->memory_node_count = OCI_MEMORY_NODES_MAX;
}

/* One label, of the security module that is in use; "" is none, as engines write it. */
static int plan_labels(struct plan *plan, const struct oci_process *process, struct err *err)
{
    struct init_process *out = &plan->out->process;
    const char *apparmor = process->apparmor_profile, *selinux = process->selinux_label;

    if (apparmor && apparmor[0])
        out->apparmor = plan_text(plan, apparmor);
    if (selinux && selinux[0])
        out->selinux = plan_text(plan, selinux);
    if (out->selinux && access("/sys/fs/selinux/enforce", F_OK) < 0)
        return err_say(err, -ENOTSUP,
                       "cannot set label '%s' (process.selinuxLabel): SELinux is not in use here",
                       selinux);
    if (out->selinux && out->apparmor)
        return err_say(err, -EINVAL,
                       "cannot set label '%s': the process has an AppArmor profile too, and one "
                       "of both is in use",
                       selinux);
    return 0;
}

int plan_process(struct plan *plan, const struct oci_process *process,
                 const struct oci_config *config, const struct oci_launch_options *options,
                 const char *id, struct err *err)
{
    struct init_process *out = &plan->out->process;
    char ring[1100];
    int r = 0;

    out->kept_fds = options->preserve_fds + options->listen_fds;
    out->console_fd = -1;
    out->listener_fd = -1;
    out->huge_pages = out->memory_policy = -1;
    if (!process)
        return 0;
    out->argv = plan_strings(plan, &process->args);
    out->envp = plan_environment(plan, process, options);
    out->cwd = plan_text(plan, process->cwd);
    out->uid = process->uid;
    out->gid = process->gid;
    out->umask = process->umask.set ? (int64_t)process->umask.value : -1;
    uint32_t *groups = plan_take(plan, process->additional_gid_count * sizeof *groups);
    for (size_t i = 0; i < process->additional_gid_count; i++)
        groups[i] = process->additional_gids[i];
    out->groups = groups;
    out->group_count = process->additional_gid_count;
    plan_capabilities(process, vkernel_capabilities(options->vkernel), out);
    /* An engine's wish that the caller's groups stay (podman's keep-groups). */
    const char *keep = oci_config_annotation(config, "run.oci.keep_original_groups");
    if (keep && strcmp(keep, "1") == 0) {
        out->set_groups = false;
        out->group_count = 0;
    }
    out->no_new_privileges = process->no_new_privileges;
    r = plan_labels(plan, process, err);
    if (r < 0)
        return r;
    out->confined_wait = options->confined_wait && !out->apparmor && !out->selinux &&
                         !config->hooks[OCI_HOOK_START_CONTAINER].count;
    out->personality = config->linux_.personality_set ? (int64_t)config->linux_.personality : -1;
    plan_memory_policy(plan, config->linux_.memory_policy);
    out->terminal = process->terminal;
    out->rows = (uint16_t)process->console_height;
    out->columns = (uint16_t)process->console_width;
    out->new_keyring = !options->no_new_keyring;
    snprintf(ring, sizeof ring, "_ses.%s", id);
    out->keyring_name = plan_text(plan, ring);
    if (process->terminal && options->console_socket) {
        r = plan_connect(plan, options->console_socket, err);
        if (r < 0)
            return r;
        out->console_fd = r;
    }
    r = vkernel_huge_pages(options->vkernel, &out->huge_pages, err);
    if (r == 0)
        r = plan_files(plan, options->vkernel, err);
    if (r == 0)
        r = plan_check(plan, "process", err);
    return r == 0 ? plan_seccomp(plan, config->linux_.seccomp, options, err) : r;
}
