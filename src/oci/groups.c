/* The control groups of a container: where they are, and which trees it needs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/groups.h"
#include "vkernel/group_levels.h"

/* Trees that every container is in: what counts, limits, lists and freezes it. Each tree costs a
 * directory, an entry and a mount at the start (some 100 us), so the others are entered by those
 * that need them. */
#define GROUPS_ALWAYS "devices freezer pids memory cpuacct"
/* Where an engine named the group, it looks there for these as well. */
#define GROUPS_NAMED " cpu blkio name=systemd"
/* A systemd ends all that it finds in a unit's group, and a scope where it finds nothing. It looks
 * in its own v1 tree, or in that of v2 where there are both. */
#define GROUPS_SYSTEMD " name=systemd unified"
#define SYSTEMD_RUNS "/run/systemd/system"

/* This process's own group of v2, which is what was delegated to a user. */
static int own_group(char *path, size_t size)
{
    _cleanup_(freep) char *text = NULL;
    size_t length;

    int r = fd_read_file(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &text, &length, NULL);
    if (r < 0)
        return r;
    char *line = strstr(text, "0::/");
    if (!line || (line != text && line[-1] != '\n'))
        return -ENOENT;
    line[strcspn(line, "\n")] = '\0';
    return (size_t)snprintf(path, size, "%s", line + 3) >= size ? -ENAMETOOLONG : 0;
}

int groups_path(const struct oci_config *config, const char *id, char ret_path[OCI_CGROUP_PATH_MAX],
                struct err *err)
{
    const char *wanted = config->linux_.cgroups_path;
    char base[OCI_CGROUP_PATH_MAX] = "/";

    if (!wanted || !*wanted)
        wanted = id;
    if (wanted[0] == '/')
        base[0] = '\0';
    else if (geteuid() != 0 && own_group(base, sizeof base) < 0)
        strcpy(base, "/");
    int n = snprintf(ret_path, OCI_CGROUP_PATH_MAX, "%s%s%s", base,
                     base[0] && base[strlen(base) - 1] != '/' ? "/" : "", wanted);
    if (n < 0 || n >= OCI_CGROUP_PATH_MAX)
        return err_set(err, -ENAMETOOLONG, "cannot use control group '%s'", wanted);
    return 0;
}

int groups_within_reach(const struct cgroup_place *groups, const char *what, struct err *err)
{
    int level = 0;

    for (const char *at = groups->path; *at; at++)
        level += *at == '/' && at[1] && at[1] != '/';
    return level <= GROUP_LEVELS_MAX
               ? 0
               : err_say(err, -E2BIG,
                         "cannot give the container %s of its own: its group is %d levels deep, "
                         "and %d is the most",
                         what, level, GROUP_LEVELS_MAX);
}

static bool is_throttled(const struct oci_resources *resources)
{
    const __typeof__(resources->block_io) *io = &resources->block_io;
    bool throttled = io->weight.set || io->leaf_weight.set || io->weight_count > 0;

    for (size_t i = 0; i < OCI_THROTTLES; i++)
        throttled |= io->throttle[i].count > 0;
    return throttled;
}

static bool is_scheduled(const struct oci_resources *resources)
{
    const __typeof__(resources->cpu) *cpu = &resources->cpu;

    return cpu->shares.set || cpu->quota.set || cpu->period.set || cpu->burst.set ||
           cpu->realtime_period.set || cpu->realtime_runtime.set || cpu->idle.set;
}

static void resource_trees(const struct oci_resources *resources, bool named, bool unified,
                           char *only, size_t size)
{
    snprintf(only, size, "%s%s%s%s%s%s%s%s%s%s%s", GROUPS_ALWAYS, named ? GROUPS_NAMED : "",
             access(SYSTEMD_RUNS, F_OK) == 0 ? GROUPS_SYSTEMD : "",
             is_scheduled(resources) ? " cpu" : "", is_throttled(resources) ? " blkio io" : "",
             resources->cpu.cpus || resources->cpu.mems ? " cpuset" : "",
             resources->hugepage_count ? " hugetlb" : "", resources->rdma_count ? " rdma" : "",
             resources->network_class.set ? " net_cls" : "",
             resources->network_priority_count ? " net_prio" : "",
             unified || resources->unified.count ? " unified" : "");
}

bool groups_are_wanted(const struct oci_resources *resources)
{
    const __typeof__(resources->memory) *memory = &resources->memory;

    return memory->limit.set || memory->reservation.set || memory->swap.set || memory->kernel.set ||
           memory->kernel_tcp.set || memory->swappiness.set || memory->disable_oom_killer.value ||
           is_scheduled(resources) || resources->cpu.cpus || resources->cpu.mems ||
           resources->pids_limit.set || is_throttled(resources) || resources->hugepage_count ||
           resources->network_class.set || resources->network_priority_count ||
           resources->rdma_count || resources->unified.count;
}

int groups_make(struct cgroup_place *groups, const struct oci_config *config, bool unified,
                bool given, struct err *err)
{
    char only[GROUPS_ONLY_MAX];

    const char *named = config->linux_.cgroups_path;
    resource_trees(&config->linux_.resources, named && *named, unified, only, sizeof only);
    int r = cgroup_place_make(groups, only, err);
    if (r < 0)
        return r;
    if (!given && cgroup_place_has_others(groups))
        r = err_say(err, -EBUSY,
                    "cannot use control group '%s' (linux.cgroupsPath): there are processes in it",
                    groups->path);
    if (r == 0)
        r = groups_limit(groups, &config->linux_.resources, true, err);
    if (r < 0)
        cgroup_place_unmake(groups);
    return r;
}

int groups_delegate(const struct cgroup_place *groups, uid_t uid, gid_t gid, struct err *err)
{
    static const char *const files[] = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control",
                                        "memory.oom.group"};

    for (size_t i = 0; i < groups->count; i++) {
        const struct cgroup_place_tree *tree = &groups->trees[i];
        if (!tree->unified || tree->fd < 0)
            continue;
        if (fchown(tree->fd, uid, gid) < 0)
            return err_set(err, -errno, "cannot give control group '%s' away", groups->path);
        for (size_t j = 0; j < ARRAY_LEN(files); j++)
            if (fchownat(tree->fd, files[j], uid, gid, 0) < 0 && errno != ENOENT)
                return err_set(err, -errno, "cannot give '%s' of control group '%s' away", files[j],
                               groups->path);
    }
    return 0;
}

/* An update may need a tree that the container is not in: it is made, and all move in. */
static int enter_late(struct cgroup_place *groups, const struct oci_resources *resources,
                      struct err *err)
{
    bool was[CGROUP_PLACE_TREES];
    char only[GROUPS_ONLY_MAX];
    _cleanup_(freep) pid_t *pids = NULL;
    size_t count = 0;

    for (size_t i = 0; i < groups->count; i++)
        was[i] = groups->trees[i].fd >= 0;
    int r = cgroup_place_pids(groups, &pids, &count, err);
    resource_trees(resources, false, false, only, sizeof only);
    if (r == 0)
        r = cgroup_place_make(groups, only, err);
    for (size_t i = 0; i < groups->count && r == 0; i++)
        for (size_t j = 0; j < count && !was[i] && groups->trees[i].fd >= 0; j++) {
            r = cgroup_place_move(&groups->trees[i], pids[j]);
            if (r < 0 && r != -ESRCH)
                return err_set(err, r, "cannot move process %d to '%s%s'", (int)pids[j],
                               groups->trees[i].point, groups->path);
            r = 0;
        }
    return r;
}

int groups_limit(struct cgroup_place *groups, const struct oci_resources *resources, bool fresh,
                 struct err *err)
{
    int r = fresh ? 0 : enter_late(groups, resources, err);

    if (r == 0)
        r = resources_v1(groups, resources, err);
    if (r == 0)
        r = resources_v2(groups, resources, err);
    if (r == 0 && (fresh || resources->device_count))
        r = resources_devices(groups, resources, err);
    return r;
}

int groups_open(const struct oci_place *place, struct cgroup_place *ret_groups, struct err *err)
{
    if (!place->cgroup_path[0])
        return err_say(err, -ENOENT, "cannot open the container's control groups: it has none");
    int r = cgroup_place_find(place->cgroup_path, ret_groups, err);
    return r == 0 ? cgroup_place_open(ret_groups, err) : r;
}

int groups_tree(struct cgroup_place *groups, const char *controller, const char *what,
                struct cgroup_place_tree **ret_tree, struct err *err)
{
    struct cgroup_place_tree *tree = cgroup_place_tree(groups, controller, false);

    if (!tree || tree->fd < 0)
        tree = cgroup_place_tree(groups, controller, true);
    if (!tree || tree->fd < 0)
        return err_say(err, -ENOTSUP, "cannot set %s: no '%s' controller here", what, controller);
    *ret_tree = tree;
    return 0;
}
