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
#include "oci/mount_options.h"
#include "oci/plan.h"
#include "oci/user_namespace.h"

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
                      const struct oci_mount_flags *flags, int tree, struct err *err)
{
    const bool own = mount->uid_mappings.count || mount->gid_mappings.count;

    if (!own && plan->out->user_namespace) {
        plan->idmaps[plan->idmap_count++] =
            (struct plan_idmap){.tree_fd = tree, .recursive = flags->recursive_idmap};
        return 0;
    }
    if (!own && plan_joined_users(plan) < 0)
        return err_say(err, -EINVAL,
                       "cannot mount '%s' on '%s': option 'idmap' needs uidMappings and "
                       "gidMappings, its own or those of a user namespace of the container",
                       mount->source, mount->destination);
    _cleanup_(closep) int made =
        own ? user_namespace_make(&mount->uid_mappings, &mount->gid_mappings) : -1;
    int r = own && made < 0 ? made
                            : user_namespace_idmap(own ? made : plan_joined_users(plan), tree,
                                                   flags->recursive_idmap);
    return r < 0 ? fail(mount, r, err) : 0;
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
    if (flags->copy_up)
        return err_say(err, -ENOTSUP,
                       "cannot mount '%s' on '%s': a bind takes no option 'tmpcopyup'",
                       mount->source, mount->destination);
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
        r = take_idmap(plan, mount, flags, out->tree_fd, err);
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

/* What looks at the source of a bind, which others have not. NULL: there is none. */
static const char *only_of_bind(const struct oci_mount_flags *flags)
{
    return flags->copy_link ? "copy-symlink" : flags->nofollow ? "src-nofollow" : NULL;
}

/*
 * What is mounted is the host's tree or a part of it: it has no data of its own, no ids to map, and
 * is private. Attributes "of all below" are its own: nothing is mounted below.
 */
static int check_cgroup(const struct oci_mount *mount, struct oci_mount_flags *flags,
                        struct err *err)
{
    const char *other = NULL;

    if (flags->data_count)
        other = flags->data[0];
    else if (flags->idmap || mount->uid_mappings.count)
        other = "idmap";
    else if ((flags->propagation | flags->recursive_propagation) & ~(uint64_t)MS_PRIVATE)
        other = "shared, slave or unbindable";
    else if (flags->copy_up)
        other = "tmpcopyup";
    else
        other = only_of_bind(flags);
    if (other)
        return err_say(err, -ENOTSUP,
                       "cannot mount cgroup on '%s': it takes no option '%.100s', attributes and "
                       "private alone",
                       mount->destination, other);
    flags->set |= flags->recursive_set;
    flags->clear |= flags->recursive_clear;
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

/* Its attributes and its propagation are changed, and nothing else. */
static int check_remount(const struct oci_mount *mount, const struct oci_mount_flags *flags,
                         struct err *err)
{
    const char *other = flags->data_count                           ? flags->data[0]
                        : flags->idmap || mount->uid_mappings.count ? "idmap"
                        : flags->copy_up                            ? "tmpcopyup"
                                                                    : only_of_bind(flags);
    if (!other)
        return 0;
    return err_say(err, -ENOTSUP, "cannot remount '%s': option '%.100s' is of a new mount alone",
                   mount->destination, other);
}

/* "cgroup" and "cgroup2", and nothing that only begins so. */
static bool is_cgroup(const struct oci_mount *mount)
{
    return mount->type &&
           (strcmp(mount->type, "cgroup") == 0 || strcmp(mount->type, "cgroup2") == 0);
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
    if (is_cgroup(mount) && !bind && !flags.remount) {
        int r = check_cgroup(mount, &flags, err);
        return r < 0 ? r : plan_cgroup(plan, create, mount, &flags, place, out, ret_count, err);
    }
    char *target = plan_take(plan, strlen(mount->destination) + 2);
    sprintf(target, "%s%s", mount->destination[0] == '/' ? "" : "/", mount->destination);
    out->target = target;
    plan_flags(plan, &flags, out);
    if (flags.remount) {
        out->kind = INIT_MOUNT_REMOUNT;
        return check_remount(mount, &flags, err);
    }
    if (bind)
        return plan_bind(plan, create, mount, &flags, out, err);
    if (!mount->type)
        return err_say(err, -EINVAL, "cannot mount on '%s': it has neither a type nor bind",
                       mount->destination);
    if (flags.idmap || mount->uid_mappings.count)
        return err_say(err, -ENOTSUP, "cannot mount '%s' on '%s': only a bind can map ids",
                       mount->type, mount->destination);
    if (only_of_bind(&flags))
        return err_say(err, -ENOTSUP, "cannot mount '%s' on '%s': only a bind takes option '%s'",
                       mount->type, mount->destination, only_of_bind(&flags));
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
        if (is_cgroup(&config->mounts[i]) &&
            count + config->mount_count - i + CGROUP_PLACE_TREES + 2 > room)
            return err_say(err, -EINVAL, "cannot mount cgroup on '%s': it is mounted already",
                           config->mounts[i].destination);
        int r = plan_mount(plan, create, &config->mounts[i], place, &list[count], &more, err);
        if (r < 0) {
            err_at(err, r, "mounts[%zu]", i);
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
