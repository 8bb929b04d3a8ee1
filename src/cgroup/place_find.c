/* Where the trees are: what place.h's groups are looked up in. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "cgroup/internal.h"
#include "cgroup/place.h"

#define PROC_TEXT_MAX (16 << 20)
#define USUAL_POINT "/sys/fs/cgroup"

static int path_check(const char *path, struct err *err)
{
    size_t length = strlen(path);

    if (path[0] != '/' || length >= CGROUP_PLACE_PATH_MAX)
        return err_say(err, -EINVAL, "cannot use control group '%s': not an absolute path", path);
    for (const char *at = path; *at;) {
        at += strspn(at, "/");
        size_t part = strcspn(at, "/");
        if ((part == 2 && memcmp(at, "..", 2) == 0) || part > 255 || memchr(at, '\n', part))
            return err_say(err, -EINVAL,
                           "cannot use control group '%s': it has a part that no "
                           "group may be called",
                           path);
        at += part;
    }
    return 0;
}

static void tree_add(struct cgroup_place *place, const struct cgroup_mount *mount)
{
    if (place->count == CGROUP_PLACE_TREES || strcmp(mount->root, "/") != 0 ||
        strlen(mount->point) >= sizeof place->trees[0].point)
        return;
    /* A tree may be mounted twice: the first one that we saw serves. */
    for (size_t i = 0; i < place->count; i++)
        if (place->trees[i].unified == mount->unified &&
            (mount->unified || strcmp(place->trees[i].controllers, mount->controllers) == 0))
            return;
    struct cgroup_place_tree *tree = &place->trees[place->count++];
    *tree = (struct cgroup_place_tree){.unified = mount->unified, .fd = -1};
    strcpy(tree->point, mount->point);
    if (!mount->unified)
        strcpy(tree->controllers, mount->controllers);
}

/* What v2's root can give. Groups below it have the same, for their parents pass all on. */
static void controllers_read(struct cgroup_place_tree *tree)
{
    char path[300];

    snprintf(path, sizeof path, "%s/cgroup.controllers", tree->point);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : fd_read_full(fd, tree->controllers, sizeof tree->controllers - 1);
    tree->controllers[n > 0 ? n : 0] = '\0';
    tree->controllers[strcspn(tree->controllers, "\n")] = '\0';
}

/* On a pure v2 machine nothing has to be parsed. */
static bool find_unified(struct cgroup_place *place)
{
    struct statfs status;

    if (statfs(USUAL_POINT, &status) < 0 || status.f_type != CGROUP2_SUPER_MAGIC)
        return false;
    place->count = 1;
    place->trees[0] = (struct cgroup_place_tree){.unified = true, .point = USUAL_POINT, .fd = -1};
    return true;
}

/* "cpu", "cpu,cpuacct", "systemd": what a directory of that name holds wherever it is usual. */
static bool controllers_of(const char *name, char *ret, size_t size)
{
    static const char known[] = "cpu cpuacct cpuset memory devices freezer blkio pids hugetlb rdma "
                                "net_cls net_prio perf_event misc";
    char word[64];
    size_t length;

    if (strcmp(name, "systemd") == 0)
        return snprintf(ret, size, "name=systemd") > 0;
    for (const char *at = name; *at; at += length + (at[length] == ',')) {
        length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < 63 ? length : 63), at);
        if (length == 0 || !cgroup_list_has(known, word))
            return false;
    }
    return (size_t)snprintf(ret, size, "%s", name) < size;
}

/*
 * One entry of /sys/fs/cgroup as a tree. False: it is not as usual. The root of a tree has inode 1;
 * what an engine bound from below, or a directory of the tmpfs around it, has another number.
 */
static bool add_usual(struct cgroup_place *place, int directory, const char *name)
{
    struct cgroup_mount mount = {.root = "/"};
    struct stat status;
    struct statfs system;

    snprintf(mount.point, sizeof mount.point, "%s/%s", USUAL_POINT, name);
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(status.st_mode) ||
        statfs(mount.point, &system) < 0)
        return false;
    if (system.f_type != CGROUP_SUPER_MAGIC && system.f_type != CGROUP2_SUPER_MAGIC)
        return true; /* nothing is mounted here */
    mount.unified = system.f_type == CGROUP2_SUPER_MAGIC;
    if (status.st_ino != 1 ||
        (!mount.unified && !controllers_of(name, mount.controllers, sizeof mount.controllers)))
        return false;
    tree_add(place, &mount);
    return true;
}

/* v1 and hybrid as distributions mount them: a directory for each tree, called by what it has.
 * /proc/self/mountinfo costs ten times as much, and more with each mount of the host. */
static bool find_usual(struct cgroup_place *place)
{
    DIR *directory = opendir(USUAL_POINT);
    bool usual = directory != NULL;

    for (struct dirent *entry; usual && (entry = readdir(directory));) {
        if (entry->d_name[0] == '.' || entry->d_type == DT_LNK)
            continue;
        usual = entry->d_type == DT_DIR && add_usual(place, dirfd(directory), entry->d_name);
    }
    if (directory)
        closedir(directory);
    if (!usual)
        place->count = 0;
    return usual && place->count > 0;
}

static int find_mounted(struct cgroup_place *place, struct err *err)
{
    _cleanup_(freep) struct cgroup_mount *mounts = calloc(CGROUP_MOUNTS_MAX, sizeof *mounts);
    _cleanup_(freep) char *text = NULL;
    size_t size;

    if (!mounts)
        return err_set(err, -ENOMEM, "cannot look for control groups");
    int r = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", PROC_TEXT_MAX, &text, &size, err);
    if (r < 0)
        return r;
    size_t count = cgroup_parse_mounts(text, mounts, CGROUP_MOUNTS_MAX);
    for (size_t i = 0; i < count; i++)
        tree_add(place, &mounts[i]);
    return 0;
}

/* Where nothing was remembered yet. */
static int find_trees(struct cgroup_place *place, struct err *err)
{
    int r = 0;

    place->count = 0;
    if (!find_unified(place) && !find_usual(place))
        r = find_mounted(place, err);
    for (size_t i = 0; i < place->count && r == 0; i++)
        if (place->trees[i].unified)
            controllers_read(&place->trees[i]);
    return r;
}

int cgroup_place_find(const char *path, struct cgroup_place *ret_place, struct err *err)
{
    /* The trees of a machine stay where they are: one look serves all places of a process. */
    static struct cgroup_place_tree found[CGROUP_PLACE_TREES];
    static size_t found_count;

    ret_place->count = 0;
    int r = path_check(path, err);
    if (r < 0)
        return r;
    strcpy(ret_place->path, path);
    if (found_count > 0) {
        memcpy(ret_place->trees, found, found_count * sizeof *found);
        ret_place->count = found_count;
        return 0;
    }
    r = find_trees(ret_place, err);
    if (r == 0) {
        memcpy(found, ret_place->trees, ret_place->count * sizeof *found);
        found_count = ret_place->count;
    }
    return r;
}
