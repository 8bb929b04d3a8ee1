/* Which namespaces are joined, which are made, by which call, and in which order. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/plan.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* A namespace's file, by nobody's link and of the kind that is meant (setns checks that too). */
static int join(struct plan *plan, const struct oci_config *config,
                const struct oci_namespace *namespace, struct err *err)
{
    const size_t number = (size_t)(namespace - config->linux_.namespaces);
    _cleanup_(closep) int fd = open(namespace->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return err_at(err,
                      err_set(err, -errno, "cannot open namespace '%s' (%s)", namespace->path,
                              namespace->name),
                      "linux.namespaces[%zu].path", number);
    plan->out->joins[plan->out->join_count++] =
        (struct init_join){plan_fd(plan, steal_fd(&fd)), namespace->flag, number};
    return 0;
}

bool namespace_is_own(const struct oci_namespace *namespace)
{
    static const struct {
        int flag;
        const char *name;
    } names[] = {{CLONE_NEWUSER, "user"},     {CLONE_NEWPID, "pid"},  {CLONE_NEWNS, "mnt"},
                 {CLONE_NEWNET, "net"},       {CLONE_NEWIPC, "ipc"},  {CLONE_NEWUTS, "uts"},
                 {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWTIME, "time"}};
    struct stat theirs, ours;
    char path[64] = "";

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].flag == namespace->flag)
            snprintf(path, sizeof path, "/proc/self/ns/%s", names[i].name);
    return stat(namespace->path, &theirs) == 0 && stat(path, &ours) == 0 &&
           theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

bool plan_own_mounts(const struct oci_config *config)
{
    const struct oci_namespace *mounts = oci_config_namespace(config, CLONE_NEWNS);

    return mounts && !(mounts->path && namespace_is_own(mounts));
}

/* What a root has of its own can only be on a mount of its own. */
static bool needs_host_root(const struct oci_config *config)
{
    const struct oci_linux *linux_ = &config->linux_;

    return config->mount_count || config->root_readonly || linux_->masked_paths.count ||
           linux_->readonly_paths.count || linux_->rootfs_propagation;
}

/* The user namespace first: it gives the right to join the others. Ours cannot be joined again. */
static int join_user(struct plan *plan, const struct oci_config *config,
                     const struct oci_namespace *user, struct err *err)
{
    int r = join(plan, config, user, err);

    if (r == 0 && namespace_is_own(user))
        plan->out->join_count = 0;
    return r;
}

int plan_joined_users(const struct plan *plan)
{
    for (size_t i = 0; i < plan->out->join_count; i++)
        if (plan->out->joins[i].flag == CLONE_NEWUSER)
            return plan->out->joins[i].fd;
    return -1;
}

static void plan_offsets(struct plan *plan, const struct oci_linux *config)
{
    char text[128];
    size_t used = 0;

    if (!config->boottime.set && !config->monotonic.set)
        return;
    text[0] = '\0';
    if (config->monotonic.set)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "monotonic %lld %u\n",
                             (long long)config->monotonic.seconds, config->monotonic.nanoseconds);
    if (config->boottime.set)
        snprintf(text + used, sizeof text - used, "boottime %lld %u\n",
                 (long long)config->boottime.seconds, config->boottime.nanoseconds);
    plan->out->time_offsets = plan_text(plan, text);
}

static int needs_own(const struct oci_config *config, int flag, const char *what, struct err *err)
{
    const struct oci_namespace *namespace = oci_config_namespace(config, flag);

    if (namespace && !namespace->path)
        return 0;
    return err_say(err, -EINVAL, "cannot set %s: linux.namespaces has no new namespace for it",
                   what);
}

static int check(const struct oci_config *config, struct err *err)
{
    const struct oci_namespace *users = oci_config_namespace(config, CLONE_NEWUSER);
    int r = 0;

    if (config->hostname && !oci_config_namespace(config, CLONE_NEWUTS))
        r = needs_own(config, CLONE_NEWUTS, "hostname", err);
    if (r == 0 && config->domainname && !oci_config_namespace(config, CLONE_NEWUTS))
        r = needs_own(config, CLONE_NEWUTS, "domainname", err);
    if (r == 0 && (config->linux_.boottime.set || config->linux_.monotonic.set))
        r = needs_own(config, CLONE_NEWTIME, "timeOffsets", err);
    if (r == 0 && users && !users->path &&
        !config->linux_.uid_mappings.count != !config->linux_.gid_mappings.count)
        r = err_say(err, -EINVAL,
                    "cannot make a user namespace: linux.uidMappings and "
                    "linux.gidMappings must say what it holds");
    return r;
}

/* Id 0 where it is mapped, else the first that is. */
static uint32_t first_id(const struct oci_mappings *map)
{
    for (size_t i = 0; i < map->count; i++)
        if (map->list[i].container_id == 0)
            return 0;
    return map->count ? map->list[0].container_id : 0;
}

int plan_namespaces(struct plan *plan, const struct oci_config *config, uint64_t *ret_clone_flags,
                    struct err *err)
{
    const struct oci_namespace *user = oci_config_namespace(config, CLONE_NEWUSER);
    struct init_plan *out = plan->out;
    bool joins_pid = false;
    uint64_t fresh = 0;

    int r = check(config, err);
    if (r == 0 && user && user->path)
        r = join_user(plan, config, user, err);
    bool joins_user = out->join_count > 0;
    for (size_t i = 0; i < config->linux_.namespace_count && r == 0; i++) {
        const struct oci_namespace *namespace = &config->linux_.namespaces[i];
        if (!namespace->path) {
            fresh |= (uint64_t)(unsigned)namespace->flag;
        } else if (namespace->flag != CLONE_NEWUSER) {
            joins_pid |= namespace->flag == CLONE_NEWPID;
            r = join(plan, config, namespace, err);
        }
    }
    if (r < 0)
        return r;
    out->own_mounts = plan_own_mounts(config);
    out->host_root = !out->own_mounts && needs_host_root(config);
    out->user_namespace = (fresh & CLONE_NEWUSER) != 0;
    out->new_network = (fresh & CLONE_NEWNET) != 0;
    out->first_uid = first_id(&config->linux_.uid_mappings);
    out->first_gid = first_id(&config->linux_.gid_mappings);
    /* The groups are entered before their namespace is made, the clock is set before anyone lives
     * by it: these two the init makes. */
    out->unshare_flags = fresh & (CLONE_NEWCGROUP | CLONE_NEWTIME);
    fresh &= ~(uint64_t)(CLONE_NEWCGROUP | CLONE_NEWTIME);
    /* What is joined must be joined with our rights, before those of a new user namespace; and a
     * pid namespace is entered by birth alone. */
    out->split = joins_user || joins_pid || (out->user_namespace && out->join_count > 0);
    out->become_first = out->split && (joins_user || out->user_namespace);
    out->clone_flags = out->split ? fresh : 0;
    *ret_clone_flags = out->split ? 0 : fresh;
    plan_offsets(plan, &config->linux_);
    return 0;
}
