/*
 * linux.resources: each value goes to the tree that has its controller, v1's before v2's; in the
 * files of that version. What no tree here can hold is an error that names it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/privilege.h"
#include "oci/resources.h"

const char *const resource_throttle_names[OCI_THROTTLES] = {
    [OCI_THROTTLE_READ_BPS] = "throttleReadBpsDevice",
    [OCI_THROTTLE_WRITE_BPS] = "throttleWriteBpsDevice",
    [OCI_THROTTLE_READ_IOPS] = "throttleReadIOPSDevice",
    [OCI_THROTTLE_WRITE_IOPS] = "throttleWriteIOPSDevice",
};

int resource_number(struct cgroup_place *groups, bool unified, const char *controller,
                    const char *what, const char *file, bool set, int64_t value, struct err *err)
{
    struct cgroup_place_tree *tree;
    char text[32];

    if (!set)
        return 0;
    int r = groups_tree(groups, controller, what, &tree, err);
    if (r < 0 || tree->unified != unified)
        return err_at(err, r, "linux.resources.%s", what);
    if (unified && value < 0)
        snprintf(text, sizeof text, "max");
    else
        snprintf(text, sizeof text, "%" PRId64, value);
    return err_at(err, groups_write(tree, file, text, err), "linux.resources.%s", what);
}

int resource_text(struct cgroup_place *groups, bool unified, const char *controller,
                  const char *what, const char *file, const char *text, struct err *err)
{
    struct cgroup_place_tree *tree;

    if (!text)
        return 0;
    int r = groups_tree(groups, controller, what, &tree, err);
    if (r == 0 && tree->unified == unified)
        r = groups_write(tree, file, text, err);
    return err_at(err, r, "linux.resources.%s", what);
}

/* What both versions call the same. */
int resource_shared(struct cgroup_place *groups, const struct oci_resources *resources,
                    bool unified, struct err *err)
{
    char text[128];

    if (resources->pids_limit.set) {
        snprintf(text, sizeof text, "%" PRId64, resources->pids_limit.value);
        int r = resource_text(groups, unified, "pids", "pids.limit", "pids.max",
                              resources->pids_limit.value > 0 ? text : "max", err);
        if (r < 0)
            return r;
    }
    int r = resource_text(groups, unified, "cpuset", "cpu.cpus", "cpuset.cpus", resources->cpu.cpus,
                          err);
    if (r == 0)
        r = resource_text(groups, unified, "cpuset", "cpu.mems", "cpuset.mems", resources->cpu.mems,
                          err);
    if (r == 0)
        r = resource_number(groups, unified, "cpu", "cpu.idle", "cpu.idle", resources->cpu.idle.set,
                            resources->cpu.idle.value, err);
    for (size_t i = 0; i < resources->rdma_count && r == 0; i++) {
        const struct oci_rdma *rdma = &resources->rdma[i];
        char handles[40] = "", objects[40] = "", what[48];
        if (rdma->hca_handles.set)
            snprintf(handles, sizeof handles, " hca_handle=%" PRIu64, rdma->hca_handles.value);
        if (rdma->hca_objects.set)
            snprintf(objects, sizeof objects, " hca_object=%" PRIu64, rdma->hca_objects.value);
        snprintf(text, sizeof text, "%.40s%s%s", rdma->device, handles, objects);
        snprintf(what, sizeof what, "rdma.%.40s", rdma->device);
        r = resource_text(groups, unified, "rdma", what, "rdma.max", text, err);
    }
    for (size_t i = 0; i < resources->hugepage_count && r == 0; i++) {
        char file[64], number[24], what[48];
        snprintf(file, sizeof file, unified ? "hugetlb.%s.max" : "hugetlb.%s.limit_in_bytes",
                 resources->hugepages[i].page_size);
        snprintf(number, sizeof number, "%" PRIu64, resources->hugepages[i].limit);
        snprintf(what, sizeof what, "hugepageLimits[%zu].pageSize", i);
        r = resource_text(groups, unified, "hugetlb", what, file, number, err);
    }
    return r;
}

/* ---- devices ---- */

/* What a container's /dev needs, whatever its rules say: any node may be made, these be used. */
static const struct cgroup_device_rule always[] = {
    {true, 'c', -1, -1, false, false, true}, {true, 'b', -1, -1, false, false, true},
    {true, 'c', 1, 3, true, true, true},     {true, 'c', 1, 8, true, true, true},
    {true, 'c', 1, 7, true, true, true},     {true, 'c', 5, 0, true, true, true},
    {true, 'c', 1, 5, true, true, true},     {true, 'c', 1, 9, true, true, true},
    {true, 'c', 5, 1, true, true, true},     {true, 'c', 136, -1, true, true, true},
    {true, 'c', 5, 2, true, true, true},
};

static int rule_text(const struct cgroup_device_rule *rule, char *text, size_t size)
{
    char major[24] = "*", minor[24] = "*";

    if (rule->major >= 0)
        snprintf(major, sizeof major, "%" PRId64, rule->major);
    if (rule->minor >= 0)
        snprintf(minor, sizeof minor, "%" PRId64, rule->minor);
    return snprintf(text, size, "%c %s:%s %s%s%s", rule->type, major, minor, rule->read ? "r" : "",
                    rule->write ? "w" : "", rule->mknod ? "m" : "");
}

static bool is_everything(const struct cgroup_device_rule *rule)
{
    return rule->type == 'a' && rule->major < 0 && rule->minor < 0 && rule->read && rule->write &&
           rule->mknod;
}

/* v1 takes one rule a write; "a" alone is everything. */
static int devices_v1(const struct cgroup_place_tree *tree, const struct cgroup_device_rule *rules,
                      size_t count, struct err *err)
{
    char text[80];

    _cleanup_(closep) int allow = openat(tree->fd, "devices.allow", O_WRONLY | O_CLOEXEC);
    _cleanup_(closep) int deny = openat(tree->fd, "devices.deny", O_WRONLY | O_CLOEXEC);
    if (allow < 0 || deny < 0)
        return err_set(err, -errno, "cannot limit devices");
    for (size_t i = 0; i < count; i++) {
        int length = is_everything(&rules[i]) ? snprintf(text, sizeof text, "a")
                                              : rule_text(&rules[i], text, sizeof text);
        if (write(rules[i].allow ? allow : deny, text, (size_t)length) != length)
            return err_set(err, -errno, "cannot %s device '%s'", rules[i].allow ? "allow" : "deny",
                           text);
    }
    return 0;
}

int resources_device_rules(const struct oci_resources *resources,
                           struct cgroup_device_rule **ret_rules, size_t *ret_count)
{
    size_t count = resources->device_count + 1 + ARRAY_LEN(always), n = 0;
    struct cgroup_device_rule *rules = calloc(count, sizeof *rules);

    if (!rules)
        return -ENOMEM;
    /* A fresh group may do all that its parent may: that is the first thing to end. */
    rules[n++] = (struct cgroup_device_rule){false, 'a', -1, -1, true, true, true};
    for (size_t i = 0; i < resources->device_count; i++) {
        const struct oci_device_rule *rule = &resources->devices[i];
        rules[n++] = (struct cgroup_device_rule){rule->allow, rule->type,  rule->major, rule->minor,
                                                 rule->read,  rule->write, rule->mknod};
    }
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        rules[n++] = always[i];
    *ret_rules = rules;
    *ret_count = n;
    return 0;
}

int resources_devices(struct cgroup_place *groups, const struct oci_resources *resources,
                      struct err *err)
{
    struct cgroup_place_tree *tree = cgroup_place_tree(groups, "devices", false);
    _cleanup_(freep) struct cgroup_device_rule *rules = NULL;
    size_t n;

    int r = resources_device_rules(resources, &rules, &n);
    if (r < 0)
        return err_set(err, r, "cannot limit devices");
    r = -ENOTSUP;
    if (tree && tree->fd >= 0)
        return devices_v1(tree, rules, n, err);
    tree = cgroup_place_tree(groups, "", true);
    if (tree && tree->fd >= 0)
        r = cgroup_device_filter(tree->fd, rules, n, oci_is_root() ? err : NULL);
    /* Without root a user namespace stands in: no device can be made there, and none opened that
     * this user may not open anyway. Root of a namespace that rootless podman made is no root. */
    if (r < 0 && !oci_is_root())
        return RESOURCES_NO_DEVICES;
    return r < 0 ? err_say(err, r, "cannot limit devices: no controller here does that") : 0;
}
