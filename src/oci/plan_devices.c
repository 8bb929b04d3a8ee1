/* The devices of a plan, and the links of /dev. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/init/mount_calls.h"
#include "oci/plan.h"
#include "oci/privilege.h"
#include "oci/user_namespace.h"

static const struct init_link dev_links[] = {
    {"/proc/self/fd", "/dev/fd"},
    {"/proc/self/fd/0", "/dev/stdin"},
    {"/proc/self/fd/1", "/dev/stdout"},
    {"/proc/self/fd/2", "/dev/stderr"},
};

static const struct init_device dev_nodes[] = {
    {"/dev/null", S_IFCHR | 0666, 0, 0, 1, 3, .tree_fd = -1},
    {"/dev/zero", S_IFCHR | 0666, 0, 0, 1, 5, .tree_fd = -1},
    {"/dev/full", S_IFCHR | 0666, 0, 0, 1, 7, .tree_fd = -1},
    {"/dev/tty", S_IFCHR | 0666, 0, 0, 5, 0, .tree_fd = -1},
    {"/dev/random", S_IFCHR | 0666, 0, 0, 1, 8, .tree_fd = -1},
    {"/dev/urandom", S_IFCHR | 0666, 0, 0, 1, 9, .tree_fd = -1},
};

/* /dev is the host's own where it is bound: nothing is made in it. */
static bool has_own_dev(const struct oci_config *config)
{
    for (size_t i = 0; i < config->mount_count; i++)
        if (strcmp(config->mounts[i].destination, "/dev") == 0)
            return !config->mounts[i].type || strcmp(config->mounts[i].type, "tmpfs") != 0;
    return false;
}

/*
 * A node for a user namespace, which may make none: it is made in a small file system that is
 * mounted nowhere, with the owner and mode that it is to have inside, and mounted by itself. The
 * maps of a namespace that is joined (`users`; -1: a new one) are the mount's.
 */
static int make_node(int nodes, const struct init_device *device, const struct oci_linux *linux_,
                     int users, size_t number)
{
    const bool joined = users >= 0;
    uint32_t uid =
        joined ? device->uid : user_namespace_outside(&linux_->uid_mappings, device->uid);
    uint32_t gid =
        joined ? device->gid : user_namespace_outside(&linux_->gid_mappings, device->gid);
    char name[24];

    snprintf(name, sizeof name, "%zu", number);
    if (mknodat(nodes, name, device->mode, makedev(device->major, device->minor)) < 0 ||
        fchmodat(nodes, name, device->mode & 07777, 0) < 0 ||
        fchownat(nodes, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    _cleanup_(closep) int tree = call_open_tree(nodes, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    int r = tree >= 0 && joined ? user_namespace_idmap(users, tree, false) : 0;
    return r < 0 ? r : steal_fd(&tree);
}

static int nodes_open(void)
{
    _cleanup_(closep) int context = call_fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (context < 0)
        return context;
    int r = call_fsconfig(context, FSCONFIG_SET_STRING, "mode", "0755", 0);
    if (r == 0)
        r = call_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    return r < 0 ? r : call_fsmount(context, FSMOUNT_CLOEXEC, 0);
}

/* The host's own node, mounted in place of one that can't be made, has its own mode and owner. */
static void tell_of_host_node(const struct oci_create *create, size_t index)
{
    const struct oci_linux *linux_ = &create->config->linux_;
    const struct oci_device_node *node = &linux_->devices[index];
    struct stat host;
    char text[512];

    if (!create->note || stat(node->path, &host) < 0)
        return;
    const bool mode =
        !node->file_mode.set || (node->file_mode.value & 07777) == (host.st_mode & 07777);
    const bool uid =
        !node->uid.set ||
        user_namespace_outside(&linux_->uid_mappings, (uint32_t)node->uid.value) == host.st_uid;
    const bool gid =
        !node->gid.set ||
        user_namespace_outside(&linux_->gid_mappings, (uint32_t)node->gid.value) == host.st_gid;
    if (mode && uid && gid)
        return;
    snprintf(text, sizeof text,
             "linux.devices[%zu].%s: '%.200s' can't be made here: the host's own is mounted, with "
             "mode %o and owner %u:%u",
             index,
             !mode  ? "fileMode"
             : !uid ? "uid"
                    : "gid",
             node->path, host.st_mode & 07777, host.st_uid, host.st_gid);
    create->note(create->data, "warning", text);
}

/* Where this can't be done (an engine's user namespace around us, a kernel before 6.15) the host's
 * own node serves, if there is one under that name. */
static void make_nodes(struct plan *plan, const struct oci_create *create, struct init_device *list)
{
    const struct oci_config *config = create->config;
    const int users = plan_joined_users(plan);
    _cleanup_(closep) int nodes = -1;

    for (size_t i = 0; i < config->linux_.device_count; i++) {
        const bool fifo = (list[i].mode & S_IFMT) == S_IFIFO;
        /* In an engine's user namespace the init will not be let either. */
        if (!list[i].bind && !fifo && !oci_is_root())
            tell_of_host_node(create, i);
        if (!list[i].bind)
            continue;
        if (nodes < 0)
            nodes = nodes_open();
        int fd = nodes < 0 ? nodes : make_node(nodes, &list[i], &config->linux_, users, i);
        if (fd >= 0)
            list[i].tree_fd = plan_fd(plan, fd);
        else
            tell_of_host_node(create, i);
    }
}

static struct init_device plan_device(struct plan *plan, const struct oci_device_node *node,
                                      size_t index)
{
    uint32_t type = node->type == 'b' ? S_IFBLK : node->type == 'p' ? S_IFIFO : S_IFCHR;

    return (struct init_device){
        .path = plan_text(plan, node->path),
        .mode = type | (node->file_mode.set ? (uint32_t)node->file_mode.value & 07777 : 0666),
        .uid = node->uid.set ? (uint32_t)node->uid.value : 0,
        .gid = node->gid.set ? (uint32_t)node->gid.value : 0,
        .major = node->major,
        .minor = node->minor,
        .tree_fd = -1,
        .number = index + 1,
        .has_mode = node->file_mode.set,
        .has_uid = node->uid.set,
        .has_gid = node->gid.set,
        .bind = (plan->out->user_namespace || plan_joined_users(plan) >= 0) && type != S_IFIFO,
    };
}

int plan_devices(struct plan *plan, const struct oci_create *create, struct err *err)
{
    const struct oci_config *config = create->config;
    struct init_plan *out = plan->out;
    size_t links = ARRAY_LEN(dev_links);

    if (config->linux_.device_count > MOUNTS_MAX)
        return err_set(err, -E2BIG, "cannot make %zu devices", config->linux_.device_count);
    struct init_device *list =
        plan_take(plan, (config->linux_.device_count + ARRAY_LEN(dev_nodes)) * sizeof *list);
    /* Those of config.json first: a default that is there already stays as it is. */
    for (size_t i = 0; i < config->linux_.device_count; i++)
        list[out->device_count++] = plan_device(plan, &config->linux_.devices[i], i);
    make_nodes(plan, create, list);
    if (!has_own_dev(config)) {
        struct init_link *made = plan_take(plan, (links + 1) * sizeof *made);
        for (size_t i = 0; i < links; i++)
            made[i] = (struct init_link){plan_text(plan, dev_links[i].target),
                                         plan_text(plan, dev_links[i].path)};
        made[links] = (struct init_link){plan_text(plan, "pts/ptmx"), plan_text(plan, "/dev/ptmx")};
        out->links = made;
        out->link_count = links + 1;
        for (size_t i = 0; i < ARRAY_LEN(dev_nodes); i++) {
            struct init_device *device = &list[out->device_count++];
            *device = dev_nodes[i];
            device->path = plan_text(plan, dev_nodes[i].path);
            device->tree_fd = -1;
            device->bind = out->user_namespace;
        }
    }
    out->devices = list;
    return 0;
}
