/* What lives in a group that somebody else named: its processes, their end, their freezing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "cgroup/internal.h"
#include "cgroup/place.h"

#define DEPTH_MAX 32
#define PIDS_MAX (1 << 20)
#define WAIT_FIRST_NS 100000
#define WAIT_LONGEST_NS 20000000
#define WAITS_MAX 400 /* some seconds */

static void closedirp(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

/* Calls `visit` for each group below `fd`, the deepest first, and then for `fd` itself. */
static int walk(int fd, int depth, int (*visit)(int fd, int parent, const char *name, void *data),
                void *data)
{
    if (depth > DEPTH_MAX)
        return -ELOOP;
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (again < 0)
        return errno == ENOENT ? 0 : -errno;
    _cleanup_(closedirp) DIR *directory = fdopendir(again);
    if (!directory) {
        close(again);
        return -ENOMEM;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0)
            continue;
        _cleanup_(closep) int child =
            openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child < 0)
            continue;
        int r = walk(child, depth + 1, visit, data);
        if (r == 0)
            r = visit(child, fd, entry->d_name, data);
        if (r < 0)
            return r;
    }
    return 0;
}

struct pid_list {
    pid_t *pids;
    size_t count, room;
};

static int list_add(struct pid_list *list, pid_t pid)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 64;
        pid_t *grown = room > PIDS_MAX ? NULL : realloc(list->pids, room * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        list->pids = grown;
        list->room = room;
    }
    list->pids[list->count++] = pid;
    return 0;
}

static int add_listed(int fd, int parent, const char *name, void *data)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;

    (void)parent;
    (void)name;
    int r = fd_read_file(fd, "cgroup.procs", PIDS_MAX * 8, &text, &size, NULL);
    if (r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
        return 0;
    for (char *at = text, *end; r == 0; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        if (pid > 0) /* 0: a process of another pid namespace */
            r = list_add(data, (pid_t)pid);
    }
    return r;
}

static int compare(const void *a, const void *b)
{
    pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

    return (left > right) - (left < right);
}

/* The one tree whose list is asked: all processes of the group are in each of them. */
static struct cgroup_place_tree *list_tree(struct cgroup_place *place)
{
    static const char *const first[] = {"pids", "freezer", "devices", "memory"};

    for (size_t i = 0; i < place->count; i++)
        if (place->trees[i].unified && place->trees[i].fd >= 0)
            return &place->trees[i];
    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        struct cgroup_place_tree *tree = cgroup_place_tree(place, first[i], false);
        if (tree && tree->fd >= 0)
            return tree;
    }
    for (size_t i = 0; i < place->count; i++)
        if (place->trees[i].fd >= 0)
            return &place->trees[i];
    return NULL;
}

int cgroup_place_pids(struct cgroup_place *place, pid_t **ret_pids, size_t *ret_count,
                      struct err *err)
{
    struct cgroup_place_tree *tree = list_tree(place);
    struct pid_list list = {0};
    int r = 0;

    if (tree) {
        r = walk(tree->fd, 0, add_listed, &list);
        if (r == 0)
            r = add_listed(tree->fd, -1, "", &list);
    }
    if (r < 0) {
        free(list.pids);
        return err_set(err, r, "cannot list the processes of control group '%s'", place->path);
    }
    if (list.count)
        qsort(list.pids, list.count, sizeof *list.pids, compare);
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++)
        if (i == 0 || list.pids[i] != list.pids[i - 1])
            list.pids[kept++] = list.pids[i];
    *ret_pids = list.pids;
    *ret_count = kept;
    return 0;
}

bool cgroup_place_has_others(const struct cgroup_place *place)
{
    struct pid_list list = {0};
    int r = 0;

    for (size_t i = 0; i < place->count && r == 0 && list.count == 0; i++) {
        const struct cgroup_place_tree *tree = &place->trees[i];
        if (tree->fd < 0 || tree->made)
            continue;
        r = add_listed(tree->fd, -1, "", &list);
        if (r == 0 && list.count == 0)
            r = walk(tree->fd, 0, add_listed, &list);
    }
    free(list.pids);
    return r < 0 || list.count > 0;
}

/* Sleeps, each time a little longer. */
static void pause_for(unsigned turn)
{
    long ns = WAIT_FIRST_NS << (turn < 8 ? turn : 8);
    const struct timespec time = {.tv_nsec = ns < WAIT_LONGEST_NS ? ns : WAIT_LONGEST_NS};

    nanosleep(&time, NULL);
}

static int kill_in(int fd, int parent, const char *name, void *data)
{
    int *left = data;

    (void)parent;
    (void)name;
    int count = cgroup_kill_listed(fd);
    if (count > 0)
        *left += count;
    return 0;
}

int cgroup_place_kill(struct cgroup_place *place, struct err *err)
{
    for (unsigned turn = 0; turn < WAITS_MAX; turn++) {
        int left = 0;
        for (size_t i = 0; i < place->count; i++) {
            if (place->trees[i].fd < 0)
                continue;
            if (place->trees[i].unified)
                fd_write_string(place->trees[i].fd, "cgroup.kill", "1");
            walk(place->trees[i].fd, 0, kill_in, &left);
            kill_in(place->trees[i].fd, -1, "", &left);
        }
        if (left == 0)
            return 0;
        /* What is frozen dies when it is thawed. */
        if (turn == 0)
            cgroup_place_freeze(place, false, NULL);
        pause_for(turn);
    }
    return err_set(err, -EBUSY, "cannot end the processes of control group '%s'", place->path);
}

static int remove_one(int fd, int parent, const char *name, void *data)
{
    (void)fd;
    (void)data;
    unlinkat(parent, name, AT_REMOVEDIR); /* the parent tells whether it went */
    return 0;
}

static int tree_remove(struct cgroup_place_tree *tree, const char *path)
{
    char whole[CGROUP_PLACE_PATH_MAX + 300];

    if (path[strspn(path, "/")] == '\0')
        return 0; /* the root stays */
    snprintf(whole, sizeof whole, "%s%s", tree->point, path);
    for (unsigned turn = 0; turn < WAITS_MAX; turn++) {
        if (rmdir(whole) == 0 || errno == ENOENT)
            return 0;
        if (errno != EBUSY && errno != ENOTEMPTY)
            return -errno;
        walk(tree->fd, 0, remove_one, NULL);
        if (rmdir(whole) == 0 || errno == ENOENT)
            return 0;
        pause_for(turn);
    }
    return -EBUSY;
}

bool cgroup_place_remove_empty(const struct cgroup_place *place)
{
    char whole[CGROUP_PLACE_PATH_MAX + 300];

    if (place->path[strspn(place->path, "/")] == '\0')
        return true; /* the root stays */
    for (size_t i = 0; i < place->count; i++) {
        snprintf(whole, sizeof whole, "%s%s", place->trees[i].point, place->path);
        if (rmdir(whole) < 0 && errno != ENOENT)
            return false;
    }
    return true;
}

int cgroup_place_remove(struct cgroup_place *place, struct err *err)
{
    int result = 0;

    for (size_t i = 0; i < place->count; i++) {
        struct cgroup_place_tree *tree = &place->trees[i];
        if (tree->fd < 0)
            continue;
        int r = tree_remove(tree, place->path);
        if (r < 0)
            result =
                err_set(err, r, "cannot remove control group '%s%s'", tree->point, place->path);
    }
    return result;
}

void cgroup_place_unmake(struct cgroup_place *place)
{
    for (size_t i = 0; i < place->count; i++)
        if (place->trees[i].fd >= 0 && place->trees[i].made)
            tree_remove(&place->trees[i], place->path);
    cgroup_place_close(place);
}

/* ---- freezing ---- */

/* v2 tells in cgroup.events that all have stopped, v1 in the file that is written. */
static int frozen_read(const struct cgroup_place_tree *tree)
{
    char text[256];

    _cleanup_(closep) int fd =
        openat(tree->fd, tree->unified ? "cgroup.events" : "freezer.state", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -errno : fd_read_full(fd, text, sizeof text - 1);
    if (n < 0)
        return (int)n;
    text[n] = '\0';
    return strstr(text, tree->unified ? "frozen 1" : "FROZEN") != NULL;
}

static struct cgroup_place_tree *freezer(struct cgroup_place *place)
{
    struct cgroup_place_tree *tree = cgroup_place_tree(place, "freezer", false);

    if (tree && tree->fd >= 0)
        return tree;
    tree = cgroup_place_tree(place, "", true);
    return tree && tree->fd >= 0 && cgroup_file_exists(tree->fd, "cgroup.freeze") ? tree : NULL;
}

int cgroup_place_frozen(struct cgroup_place *place)
{
    struct cgroup_place_tree *tree = freezer(place);

    return tree ? frozen_read(tree) > 0 : 0;
}

int cgroup_place_freeze(struct cgroup_place *place, bool frozen, struct err *err)
{
    struct cgroup_place_tree *tree = freezer(place);

    if (!tree)
        return err_say(err, -ENOTSUP, "cannot freeze control group '%s': no freezer here",
                       place->path);
    for (unsigned turn = 0; turn < WAITS_MAX; turn++) {
        /* v1 may miss a process that was just forking, and wants to be asked again. */
        int r = tree->unified
                    ? fd_write_string(tree->fd, "cgroup.freeze", frozen ? "1" : "0")
                    : fd_write_string(tree->fd, "freezer.state", frozen ? "FROZEN" : "THAWED");
        if (r == 0)
            r = frozen_read(tree);
        if (r < 0)
            return err_set(err, r, "cannot freeze control group '%s'", place->path);
        if ((r > 0) == frozen)
            return 0;
        pause_for(turn);
    }
    return err_set(err, -ETIMEDOUT, "cannot %s control group '%s'", frozen ? "freeze" : "thaw",
                   place->path);
}
