/* Finds the control group trees of this machine and makes a place for our groups in each. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>

#include "cgroup/internal.h"

#define PROC_TEXT_MAX (16 << 20)
#define NAME_DEPTH_MAX 4

/* The kernel charges in batches of 64 pages for each CPU, and keeps what is left of a batch
 * (MEMCG_CHARGE_BATCH): an empty group may show that much. It is the group's own to use again. */
#define CHARGE_BATCH_BYTES (64 * 4096)
#define RESIDUE_MIN_BYTES (256 << 10)

DEFINE_CLEANUP(struct cgroup_root, cgroup_root_close)

/* Components of letters, digits, '-', '_' and '.', none of which begins with a dot. */
static bool name_is_valid(const char *name)
{
    size_t length = strlen(name);
    int depth = 1;

    if (length == 0 || length >= CGROUP_NAME_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool begins = i == 0 || name[i - 1] == '/';
        if (begins && !isalnum((unsigned char)name[i]))
            return false;
        if (!isalnum((unsigned char)name[i]) && !strchr("-_./", name[i]))
            return false;
        depth += name[i] == '/';
    }
    return name[length - 1] != '/' && depth <= NAME_DEPTH_MAX;
}

/* Another mount may lie over the one that mountinfo names. */
static bool is_mounted_there(const struct cgroup_mount *mount)
{
    struct statfs status;

    if (statfs(mount->point, &status) < 0)
        return false;
    return (unsigned long)status.f_type ==
           (unsigned long)(mount->unified ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

/* What discovery needs at once; `mounts` has room for CGROUP_MOUNTS_MAX. */
struct machine {
    struct cgroup_mount *mounts;
    size_t mount_count;
    char *self;
};

static void machine_clear(struct machine *machine)
{
    free(machine->mounts);
    free(machine->self);
}

static int machine_read(struct machine *machine, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;

    int r = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", PROC_TEXT_MAX, &text, &size, err);
    if (r == 0)
        r = fd_read_file(AT_FDCWD, "/proc/self/cgroup", PROC_TEXT_MAX, &machine->self, &size, err);
    if (r < 0)
        return r;
    machine->mounts = calloc(CGROUP_MOUNTS_MAX, sizeof *machine->mounts);
    if (!machine->mounts)
        return err_set(err, -ENOMEM, "cannot look for control groups");
    machine->mount_count = cgroup_parse_mounts(text, machine->mounts, CGROUP_MOUNTS_MAX);
    return 0;
}

/* The mount of a v1 tree that has `kernel_name`, or of v2 (NULL). */
static const struct cgroup_mount *mount_find(const struct machine *machine, bool unified,
                                             const char *kernel_name)
{
    for (size_t i = 0; i < machine->mount_count; i++) {
        const struct cgroup_mount *mount = &machine->mounts[i];
        if (mount->unified != unified || strncmp(mount->root, "/..", 3) == 0 ||
            (!unified && !cgroup_list_has(mount->controllers, kernel_name)))
            continue;
        /* cpuset has to be filled in before a process may enter: such a tree is not for us. */
        if (!unified && cgroup_list_has(mount->controllers, "cpuset"))
            continue;
        if (is_mounted_there(mount))
            return mount;
    }
    return NULL;
}

/* Opens a tree, below our own group or, if that is gone, at its top. */
static int tree_open(struct cgroup_root *root, const struct machine *machine,
                     const struct cgroup_backend *backend, const struct cgroup_mount *mount,
                     const char *kernel_name, struct err *err)
{
    char own[512] = "/", base[512];

    if (root->tree_count == CGROUP_TREES_MAX)
        return -E2BIG;
    cgroup_parse_self(machine->self, mount->unified ? "" : kernel_name, own, sizeof own);
    if (cgroup_own_directory(mount, own, base, sizeof base) < 0 || access(base, F_OK) < 0)
        snprintf(base, sizeof base, "%s", mount->point);

    struct cgroup_tree *tree = &root->trees[root->tree_count];
    tree->fd = -1;
    snprintf(tree->mount_point, sizeof tree->mount_point, "%s", mount->point);
    snprintf(tree->controllers, sizeof tree->controllers, "%s", mount->controllers);
    int r = backend->open(tree, base, mount->point, root->name, err);
    if (r < 0)
        return r;
    tree->backend = backend;
    root->tree_count++;
    /* Without a parent of its own the name stands among directories that are not ours. */
    if (strchr(root->name, '/'))
        cgroup_directory_sweep_dead(backend, tree->path);
    r = cgroup_directory_sweep(backend, tree->fd);
    if (r < 0)
        return err_set(err, r, "cannot remove left-overs in control group '%s'", tree->path);
    return 0;
}

/* A tree that is open and has the controller (any, if NULL). */
static struct cgroup_tree *tree_find(struct cgroup_root *root, const struct cgroup_backend *backend,
                                     const char *kernel_name)
{
    for (size_t i = 0; i < root->tree_count; i++) {
        struct cgroup_tree *tree = &root->trees[i];
        if (tree->backend == backend &&
            (!kernel_name || cgroup_list_has(tree->controllers, kernel_name)))
            return tree;
    }
    return NULL;
}

/* Only what says "in use by another" ends the search: a tree that can't be had is just missing. */
static bool is_fatal(int r)
{
    return r == -EBUSY || r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

static int trees_open(struct cgroup_root *root, const struct machine *machine, struct err *err)
{
    struct err reason = {0};
    const struct cgroup_mount *unified = mount_find(machine, true, NULL);

    if (unified) {
        int r = tree_open(root, machine, &cgroup_backend_v2, unified, "", &reason);
        if (is_fatal(r))
            return err_say(err, r, "%s", reason.message);
    }
    for (size_t i = 0; i < cgroup_controller_count; i++) {
        const struct cgroup_controller *row = &cgroup_controllers[i];
        if (root->controller[row->part])
            continue;
        struct cgroup_tree *tree = tree_find(root, row->backend, row->kernel_name);
        const struct cgroup_mount *mount =
            row->backend->unified ? NULL : mount_find(machine, false, row->kernel_name);
        if (!tree && mount) {
            int r = tree_open(root, machine, row->backend, mount, row->kernel_name, &reason);
            if (is_fatal(r))
                return err_say(err, r, "%s", reason.message);
            if (r == 0) {
                tree = &root->trees[root->tree_count - 1];
                tree->on_demand = row->on_demand;
            }
        }
        if (!tree || !cgroup_file_exists(tree->fd, row->probe))
            continue;
        /* A tree that serves another part too is entered by every group. */
        tree->on_demand = tree->on_demand && row->on_demand;
        root->controller[row->part] = row;
        root->part_tree[row->part] = tree;
    }
    if (root->tree_count == 0)
        return err_say(err, -ENOTSUP, "cannot use control groups: %s",
                       reason.code ? reason.message : "none are mounted");
    return 0;
}

const struct cgroup_tree *cgroup_feature_tree(const struct cgroup_root *root,
                                              const struct cgroup_feature *feature)
{
    for (size_t i = 0; i < root->tree_count; i++)
        if (root->trees[i].backend == feature->backend && !root->trees[i].on_demand &&
            cgroup_file_exists(root->trees[i].fd, feature->probe))
            return &root->trees[i];
    return NULL;
}

static void sources_choose(struct cgroup_root *root)
{
    for (size_t i = 0; i < cgroup_source_count; i++) {
        const struct cgroup_source *row = &cgroup_sources[i];
        const struct cgroup_tree *tree = tree_find(root, row->backend, row->kernel_name);
        if (root->source[row->counter] || !tree || !cgroup_file_exists(tree->fd, row->file))
            continue;
        root->source[row->counter] = row;
        root->source_tree[row->counter] = tree;
    }
}

static char *has_text(const struct cgroup_tree *tree)
{
    char *text = NULL;

    if (tree && asprintf(&text, "%s %s", tree->backend->name, tree->mount_point) < 0)
        return NULL;
    return text;
}

static void features_choose(struct cgroup_root *root)
{
    for (int part = 0; part < CGROUP_PARTS; part++)
        root->has[part] = has_text(root->part_tree[part]);
    for (size_t i = 0; i < cgroup_feature_count; i++) {
        const struct cgroup_tree *tree = cgroup_feature_tree(root, &cgroup_features[i]);
        root->has[CGROUP_PARTS + i] = has_text(tree);
        if (!root->background_tree && strcmp(cgroup_features[i].what, CGROUP_BACKGROUND) == 0)
            root->background_tree = tree;
    }

    /* Where the pids limit is, a kill can stop forks first; v2 does so by itself. */
    const struct cgroup_tree *pids = root->part_tree[CGROUP_PIDS];
    root->kill_tree = root->trees[0].backend->unified || !pids ? &root->trees[0] : pids;
}

static void bounds_choose(struct cgroup_root *root)
{
    struct rlimit files = {.rlim_cur = 1024};
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    getrlimit(RLIMIT_NOFILE, &files);
    /* A third for counters: what is served needs descriptors as well. */
    root->open_fds_max = files.rlim_cur > 3 << 20 ? 1 << 20 : (uint32_t)(files.rlim_cur / 3);
    root->memory_residue = (uint64_t)(cpus > 0 ? cpus : 1) * CHARGE_BATCH_BYTES + RESIDUE_MIN_BYTES;
}

int cgroup_root_open(const char *name, struct cgroup_root **ret_root, struct err *err)
{
    if (!name_is_valid(name))
        return err_say(err, -EINVAL,
                       "cannot name control groups '%s': letters, digits and -_. in "
                       "at most %d parts",
                       name, NAME_DEPTH_MAX);
    _cleanup_(cgroup_root_closep) struct cgroup_root *root = calloc(1, sizeof *root);
    if (!root)
        return err_set(err, -ENOMEM, "cannot open control groups '%s'", name);
    strcpy(root->name, name);

    _cleanup_(machine_clear) struct machine machine = {0};
    int r = machine_read(&machine, err);
    if (r == 0)
        r = trees_open(root, &machine, err);
    if (r < 0)
        return r;
    sources_choose(root);
    features_choose(root);
    bounds_choose(root);
    *ret_root = steal_ptr(&root);
    return 0;
}

void cgroup_root_close(struct cgroup_root *root)
{
    if (!root)
        return;
    /* v2 is the first: its kill reaches what the other trees would have to look for. */
    for (size_t i = 0; i < root->tree_count; i++)
        cgroup_directory_sweep(root->trees[i].backend, root->trees[i].fd);
    for (size_t i = 0; i < root->tree_count; i++) {
        struct cgroup_tree *tree = &root->trees[i];
        cgroup_directory_remove(tree->base, root->name);
        tree->backend->close(tree);
        close(tree->fd);
    }
    for (size_t i = 0; i < ARRAY_LEN(root->has); i++)
        free(root->has[i]);
    free(root);
}

const char *cgroup_root_has(const struct cgroup_root *root, const char *what)
{
    for (int part = 0; part < CGROUP_PARTS; part++)
        if (strcmp(what, cgroup_part_names[part]) == 0)
            return root->has[part];
    for (size_t i = 0; i < cgroup_feature_count; i++)
        if (strcmp(what, cgroup_features[i].what) == 0 && root->has[CGROUP_PARTS + i])
            return root->has[CGROUP_PARTS + i];
    return NULL;
}

bool cgroup_root_in_namespace(const struct cgroup_root *root)
{
    const struct cgroup_tree *tree = &root->trees[0];
    char own[512], directory[1024];

    if (!tree->backend->unified)
        return true;
    _cleanup_(machine_clear) struct machine machine = {0};
    if (machine_read(&machine, NULL) < 0)
        return false;
    const struct cgroup_mount *mount = mount_find(&machine, true, NULL);
    if (!mount || cgroup_parse_self(machine.self, "", own, sizeof own) < 0 ||
        cgroup_own_directory(mount, own, directory, sizeof directory) < 0)
        return false;
    size_t length = strlen(directory);
    return strncmp(tree->path, directory, length) == 0 && tree->path[length] == '/';
}
