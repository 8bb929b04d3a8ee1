/* The mounts of a plan: options become flags, sources descriptors where only the runtime may open
 * them, a mount of type cgroup what this machine's trees make of it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroup/place.h"
#include "oci/init/mount_calls.h"
#include "oci/init/mount_error.h"
#include "oci/mount_options.h"
#include "oci/plan.h"
#include "oci/user_namespace.h"

#define MOUNTS_MAX 4000

static int fail(const struct oci_mount *mount, int code, struct err *err)
{
    return err_set(err, code, "cannot mount '%s' on '%s'",
                   mount->source ? mount->source : mount->type, mount->destination);
}

/* Its options have room for one more, the label. */
static void plan_flags(struct plan *plan, const struct oci_mount_flags *flags,
                       struct init_mount *out)
{
    struct init_option *options = plan_take(plan, (flags->data_count + 1) * sizeof *options);

    out->recursive = flags->recursive;
    out->copy_up = flags->copy_up;
    out->source_nofollow = flags->nofollow;
    out->target_nofollow = flags->target_nofollow;
    out->set = flags->set;
    out->clear = flags->clear;
    out->recursive_set = flags->recursive_set;
    out->recursive_clear = flags->recursive_clear;
    out->propagation = flags->propagation;
    out->recursive_propagation = flags->recursive_propagation;
    for (size_t i = 0; i < flags->data_count; i++) {
        const char *equal = strchr(flags->data[i], '=');
        char *key = plan_take(plan, strlen(flags->data[i]) + 1);
        strcpy(key, flags->data[i]);
        if (equal)
            key[equal - flags->data[i]] = '\0';
        options[i] = (struct init_option){key, equal ? key + (equal - flags->data[i]) + 1 : NULL};
    }
    out->options = options;
    out->option_count = flags->data_count;
}

/* The source's tree, copied while we still see all of the host. */
static int take_tree(struct plan *plan, const char *path, const struct oci_mount_flags *flags,
                     struct init_mount *out)
{
    struct mount_attr attr = {.propagation = MS_PRIVATE};
    struct stat status;

    _cleanup_(closep) int source =
        open(path, O_PATH | O_CLOEXEC | (flags->nofollow ? O_NOFOLLOW : 0));
    if (source < 0 || fstat(source, &status) < 0)
        return -errno;
    _cleanup_(closep) int tree =
        call_open_tree(source, "",
                       AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                           (flags->recursive ? AT_RECURSIVE : 0));
    if (tree < 0)
        return tree;
    /* Nothing that happens in the container is an event on the host, unless it was asked for. */
    if (!flags->propagation && !flags->recursive_propagation) {
        int r = call_mount_setattr(tree, AT_RECURSIVE, &attr);
        if (r < 0)
            return r;
    }
    out->directory = S_ISDIR(status.st_mode);
    out->tree_fd = plan_fd(plan, steal_fd(&tree));
    return 0;
}

/* ids of the file system shown as others: by its own mappings, or by the container's. */
static int take_idmap(struct plan *plan, const struct oci_mount *mount,
                      const struct oci_mount_flags *flags, int tree)
{
    if (!mount->uid_mappings.count && !mount->gid_mappings.count) {
        plan->idmaps[plan->idmap_count++] =
            (struct plan_idmap){.tree_fd = tree, .recursive = flags->recursive_idmap};
        return 0;
    }
    _cleanup_(closep) int users = user_namespace_make(&mount->uid_mappings, &mount->gid_mappings);
    if (users < 0)
        return users;
    return user_namespace_idmap(users, tree, flags->recursive_idmap);
}

static int plan_bind(struct plan *plan, const struct oci_create *create,
                     const struct oci_mount *mount, const struct oci_mount_flags *flags,
                     struct init_mount *out, struct err *err)
{
    bool mapped = flags->idmap || mount->uid_mappings.count || mount->gid_mappings.count;
    char path[PATH_MAX];

    if (!mount->source)
        return err_say(err, -EINVAL, "cannot mount on '%s': a bind needs a source",
                       mount->destination);
    /* What a file system is told when it is made is not for one that is there: config_check() has
     * said so. */
    for (size_t i = 0; i < flags->data_count; i++)
        if (!oci_mount_option_is_data(flags->data[i]))
            return err_say(err, -EINVAL, "cannot mount '%s' on '%s': a bind knows no option '%s'",
                           mount->source, mount->destination, flags->data[i]);
    out->option_count = 0;
    int n = mount->source[0] == '/'
                ? snprintf(path, sizeof path, "%s", mount->source)
                : snprintf(path, sizeof path, "%s/%s", create->bundle, mount->source);
    if (n < 0 || (size_t)n >= sizeof path)
        return fail(mount, -ENAMETOOLONG, err);
    out->kind = INIT_MOUNT_BIND;
    out->source = plan_text(plan, path);
    /* "copy-symlink": a source that is a link is not mounted, it is made again. */
    char link[PATH_MAX];
    ssize_t length = flags->copy_link ? readlink(path, link, sizeof link - 1) : -1;
    if (length > 0) {
        link[length] = '\0';
        out->kind = INIT_MOUNT_LINK;
        out->source = plan_text(plan, link);
        return 0;
    }
    if (!mapped && !plan->out->user_namespace)
        return 0;
    int r = take_tree(plan, path, flags, out);
    /* Not ours to mount here: the init tries as root of its own user namespace. */
    if (r == -EPERM && !mapped)
        return 0;
    if (r == 0 && mapped)
        r = take_idmap(plan, mount, flags, out->tree_fd);
    return r < 0 ? fail(mount, r, err) : 0;
}

static void plan_filesystem(struct plan *plan, const struct oci_mount *mount,
                            struct init_mount *out)
{
    bool system = strcmp(mount->type, "proc") == 0 || strcmp(mount->type, "sysfs") == 0;

    out->kind = INIT_MOUNT_FILESYSTEM;
    out->type = plan_text(plan, mount->type);
    out->source = plan_text(plan, mount->source);
    out->plain_target = system;
    out->or_bind = system || strcmp(mount->type, "mqueue") == 0;
}

/* ---- cgroup ---- */

static int cgroup_bind(struct plan *plan, const char *source, const char *target,
                       const struct oci_mount_flags *flags, struct init_mount *out)
{
    struct oci_mount_flags alone = {.set = flags->set, .clear = flags->clear, .recursive = true};

    out->kind = INIT_MOUNT_BIND;
    out->tree_fd = -1;
    out->source = plan_text(plan, source);
    out->target = plan_text(plan, target);
    out->set = flags->set;
    out->recursive = true;
    int r = plan->out->user_namespace ? take_tree(plan, source, &alone, out) : 0;
    return r == -EPERM ? 0 : r; /* the init tries, as root of its own user namespace */
}

/*
 * On v2 the group itself, where the container has a cgroup namespace, else the whole tree: what
 * its processes read in /proc/self/cgroup is a path below the mount in both cases.
 */
static int cgroup_unified(struct plan *plan, const struct oci_mount *mount,
                          const struct oci_mount_flags *flags, const struct cgroup_place_tree *tree,
                          const char *group, bool own, struct init_mount *out)
{
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof path, "%s%s", tree->point, own ? group : "") >= sizeof path)
        return -ENAMETOOLONG;
    return cgroup_bind(plan, path, mount->destination, flags, out);
}

/* A controller's name is a link to the directory of the tree that has it: cpu -> cpu,cpuacct. */
static size_t cgroup_links(struct plan *plan, const struct cgroup_place_tree *tree,
                           const char *directory, struct init_link *out)
{
    size_t count = 0, length;
    char word[256];

    for (const char *at = tree->controllers; *at && count < 8; at += length + (at[length] == ',')) {
        length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (length && strchr(directory, ',') && strstr(directory, word))
            out[count++] = (struct init_link){plan_text(plan, directory), plan_text(plan, word)};
    }
    return count;
}

/* v1 and hybrid: a small tmpfs, and in it the group's own directory of each tree. */
static int cgroup_trees(struct plan *plan, const struct oci_mount *mount,
                        const struct oci_mount_flags *flags, struct cgroup_place *place,
                        struct init_mount *out, size_t *ret_count)
{
    struct init_link *links = plan_take(plan, 8 * CGROUP_PLACE_TREES * sizeof *links);
    struct init_option *options = plan_take(plan, 2 * sizeof *options);
    /* What makes them read-only sets the rest too, for all of them by one call. */
    const bool at_once = flags->set & MOUNT_ATTR_RDONLY && !(flags->set & MOUNT_ATTR__ATIME) &&
                         !plan->out->user_namespace;
    char source[PATH_MAX], target[PATH_MAX];
    size_t n = 1, link_count = 0;

    for (size_t i = 0; i < place->count; i++) {
        const struct cgroup_place_tree *tree = &place->trees[i];
        const char *slash = strrchr(tree->point, '/');
        if (tree->fd < 0 || !slash)
            continue;
        if ((size_t)snprintf(source, sizeof source, "%s%s", tree->point, place->path) >=
                sizeof source ||
            (size_t)snprintf(target, sizeof target, "%s%s", mount->destination, slash) >=
                sizeof target)
            return -ENAMETOOLONG;
        int r = cgroup_bind(plan, source, target, flags, &out[n]);
        if (r < 0)
            return r;
        if (at_once)
            out[n].set = 0;
        n++;
        link_count += cgroup_links(plan, tree, slash + 1, links + link_count);
    }
    options[0] = (struct init_option){plan_text(plan, "mode"), plan_text(plan, "755")};
    options[1] = (struct init_option){plan_text(plan, "size"), plan_text(plan, "1m")};
    out[0] = (struct init_mount){.kind = INIT_MOUNT_FILESYSTEM,
                                 .type = plan_text(plan, "tmpfs"),
                                 .source = plan_text(plan, "tmpfs"),
                                 .target = plan_text(plan, mount->destination),
                                 .tree_fd = -1,
                                 .options = options,
                                 .option_count = 2,
                                 .set = flags->set & ~(uint64_t)MOUNT_ATTR_RDONLY,
                                 .links = links,
                                 .link_count = link_count};
    /* Read-only when all is in it. */
    if (flags->set & MOUNT_ATTR_RDONLY)
        out[n++] = (struct init_mount){.kind = INIT_MOUNT_REMOUNT,
                                       .target = out[0].target,
                                       .tree_fd = -1,
                                       .recursive_set = at_once ? flags->set : 0,
                                       .set = at_once ? 0 : MOUNT_ATTR_RDONLY};
    *ret_count = n;
    return 0;
}

static int plan_cgroup(struct plan *plan, const struct oci_create *create,
                       const struct oci_mount *mount, const struct oci_mount_flags *flags,
                       struct cgroup_place *place, struct init_mount *out, size_t *ret_count,
                       struct err *err)
{
    const struct oci_namespace *own = oci_config_namespace(create->config, CLONE_NEWCGROUP);
    bool only_unified = place && place->count == 1 && place->trees[0].unified;
    int r;

    *ret_count = 1;
    /* Without groups of its own the container sees the host's, and can't write there. */
    if (!place) {
        r = cgroup_bind(plan, "/sys/fs/cgroup", mount->destination, flags, out);
        out->recursive_set = flags->set | MOUNT_ATTR_RDONLY;
        out->set = 0;
    } else if (strcmp(mount->type, "cgroup2") == 0 || only_unified) {
        struct cgroup_place_tree *tree = cgroup_place_tree(place, "", true);
        if (!tree)
            return err_say(err, -ENOTSUP, "cannot mount cgroup on '%s': there is no v2 tree",
                           mount->destination);
        r = cgroup_unified(plan, mount, flags, tree, place->path, own != NULL, out);
    } else {
        r = cgroup_trees(plan, mount, flags, place, out, ret_count);
    }
    return r < 0 ? fail(mount, r, err) : 0;
}

/* linux.mountLabel is the SELinux context of all files of a new file system. Those of the kernel
 * have labels of their own; message queues take theirs from their directory. */
static void plan_label(struct plan *plan, const char *label, const struct oci_mount *mount,
                       struct init_mount *out)
{
    static const char *const own[] = {"proc", "sysfs", "securityfs", "bpf"};

    if (label && label[0] && strcmp(mount->type, "mqueue") == 0) {
        out->label = plan_text(plan, label);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strcmp(mount->type, own[i]) == 0)
            return;
    if (label && label[0])
        ((struct init_option *)out->options)[out->option_count++] =
            (struct init_option){plan_text(plan, "context"), plan_text(plan, label)};
}

static int plan_mount(struct plan *plan, const struct oci_create *create,
                      const struct oci_mount *mount, struct cgroup_place *place,
                      struct init_mount *out, size_t *ret_count, struct err *err)
{
    _cleanup_(freep) const char **data = calloc(mount->options.count + 2, sizeof *data);
    struct oci_mount_flags flags;
    bool bind;

    if (!data)
        return fail(mount, -ENOMEM, err);
    oci_mount_flags_read(&mount->options, data, &flags);
    bind = flags.bind || (mount->type && strcmp(mount->type, "bind") == 0);
    *out = (struct init_mount){.tree_fd = -1};
    *ret_count = 1;
    if (mount->type && !bind && strncmp(mount->type, "cgroup", 6) == 0)
        return plan_cgroup(plan, create, mount, &flags, place, out, ret_count, err);
    char *target = plan_take(plan, strlen(mount->destination) + 2);
    sprintf(target, "%s%s", mount->destination[0] == '/' ? "" : "/", mount->destination);
    out->target = target;
    plan_flags(plan, &flags, out);
    if (flags.remount) {
        out->kind = INIT_MOUNT_REMOUNT;
        return 0;
    }
    if (bind)
        return plan_bind(plan, create, mount, &flags, out, err);
    if (!mount->type)
        return err_say(err, -EINVAL, "cannot mount on '%s': it has neither a type nor bind",
                       mount->destination);
    if (flags.idmap || mount->uid_mappings.count)
        return err_say(err, -ENOTSUP, "cannot mount '%s' on '%s': only a bind can map ids",
                       mount->type, mount->destination);
    plan_filesystem(plan, mount, out);
    plan_label(plan, create->config->linux_.mount_label, mount, out);
    return 0;
}

/*
 * Where a container may tell the service manager that it is ready: of no use is its path alone. One
 * whose environment names a socket already has it from its engine.
 */
static int plan_notify(struct plan *plan, const struct oci_create *create, struct init_mount *out,
                       size_t *count, struct err *err)
{
    static const char *options[] = {"bind", "nosuid", "nodev", "noexec", NULL};
    const struct oci_process *process = create->config->process;
    const char *path = create->options.notify_socket;
    struct stat status;
    size_t one;

    if (!path || !process || !plan->out->own_mounts || stat(path, &status) < 0 ||
        !S_ISSOCK(status.st_mode))
        return 0;
    for (size_t i = 0; i < process->env.count; i++)
        if (strncmp(process->env.list[i], "NOTIFY_SOCKET=", 14) == 0)
            return 0;
    const struct oci_mount mount = {
        .destination = path,
        .type = "bind",
        .source = path,
        .options = {.list = options, .count = ARRAY_LEN(options) - 1},
    };
    int r = plan_mount(plan, create, &mount, NULL, out, &one, err);
    *count += r == 0;
    return r;
}

int plan_mounts(struct plan *plan, const struct oci_create *create, struct cgroup_place *place,
                struct err *err)
{
    const struct oci_config *config = create->config;
    size_t room = config->mount_count + CGROUP_PLACE_TREES + 3, count = 0, more = 0;

    if (config->mount_count > MOUNTS_MAX)
        return err_set(err, -E2BIG, "cannot make %zu mounts", config->mount_count);
    const char *label = config->linux_.mount_label;
    if (label && label[0] && access("/sys/fs/selinux/enforce", F_OK) < 0)
        return err_say(err, -ENOTSUP,
                       "cannot label mounts '%s' (linux.mountLabel): SELinux is not in use here",
                       label);
    struct init_mount *list = plan_take(plan, room * sizeof *list);
    for (size_t i = 0; i < config->mount_count; i++) {
        bool is_tree = config->mounts[i].type && strncmp(config->mounts[i].type, "cgroup", 6) == 0;
        if (is_tree && count + config->mount_count - i + CGROUP_PLACE_TREES + 2 > room)
            return err_say(err, -EINVAL, "cannot mount cgroup on '%s': it is mounted already",
                           config->mounts[i].destination);
        int r = plan_mount(plan, create, &config->mounts[i], place, &list[count], &more, err);
        if (r < 0) {
            mount_error_at(err, i);
            return r;
        }
        for (; more > 0; more--)
            list[count++].number = i + 1;
    }
    int r = plan_notify(plan, create, &list[count], &count, err);
    plan->out->mounts = list;
    plan->out->mount_count = count;
    return r;
}

/* ---- devices ---- */

static const struct init_link dev_links[] = {
    {"/proc/self/fd", "/dev/fd"},
    {"/proc/self/fd/0", "/dev/stdin"},
    {"/proc/self/fd/1", "/dev/stdout"},
    {"/proc/self/fd/2", "/dev/stderr"},
};

static const struct init_device dev_nodes[] = {
    {"/dev/null", S_IFCHR | 0666, 0, 0, 1, 3, -1, false},
    {"/dev/zero", S_IFCHR | 0666, 0, 0, 1, 5, -1, false},
    {"/dev/full", S_IFCHR | 0666, 0, 0, 1, 7, -1, false},
    {"/dev/tty", S_IFCHR | 0666, 0, 0, 5, 0, -1, false},
    {"/dev/random", S_IFCHR | 0666, 0, 0, 1, 8, -1, false},
    {"/dev/urandom", S_IFCHR | 0666, 0, 0, 1, 9, -1, false},
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
 * mounted nowhere, with the owner and mode that it is to have inside, and mounted by itself.
 */
static int make_node(int nodes, const struct init_device *device, const struct oci_config *config,
                     size_t number)
{
    uint32_t uid = user_namespace_outside(&config->linux_.uid_mappings, device->uid);
    uint32_t gid = user_namespace_outside(&config->linux_.gid_mappings, device->gid);
    char name[24];

    snprintf(name, sizeof name, "%zu", number);
    if (mknodat(nodes, name, device->mode, makedev(device->major, device->minor)) < 0 ||
        fchmodat(nodes, name, device->mode & 07777, 0) < 0 ||
        fchownat(nodes, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return call_open_tree(nodes, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
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

/* Where this can't be done (an engine's user namespace around us, a kernel before 6.15) the host's
 * own node serves, if there is one under that name. */
static void make_nodes(struct plan *plan, const struct oci_config *config, struct init_device *list)
{
    _cleanup_(closep) int nodes = -1;

    for (size_t i = 0; i < config->linux_.device_count; i++) {
        if (!list[i].bind)
            continue;
        if (nodes < 0)
            nodes = nodes_open();
        int fd = nodes < 0 ? nodes : make_node(nodes, &list[i], config, i);
        if (fd >= 0)
            list[i].tree_fd = plan_fd(plan, fd);
    }
}

static struct init_device plan_device(struct plan *plan, const struct oci_device_node *node)
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
        .bind = plan->out->user_namespace && type != S_IFIFO,
    };
}

int plan_devices(struct plan *plan, const struct oci_config *config, struct err *err)
{
    struct init_plan *out = plan->out;
    size_t links = ARRAY_LEN(dev_links);

    if (config->linux_.device_count > MOUNTS_MAX)
        return err_set(err, -E2BIG, "cannot make %zu devices", config->linux_.device_count);
    struct init_device *list =
        plan_take(plan, (config->linux_.device_count + ARRAY_LEN(dev_nodes)) * sizeof *list);
    /* Those of config.json first: a default that is there already stays as it is. */
    for (size_t i = 0; i < config->linux_.device_count; i++)
        list[out->device_count++] = plan_device(plan, &config->linux_.devices[i]);
    make_nodes(plan, config, list);
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
