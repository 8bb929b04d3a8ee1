/* User namespaces: see the header. */
#include "oci/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/init/mount_calls.h"

#define LINE_BYTES 36
#define ARGS_MAX (2 + 3 * OCI_MAPPINGS_MAX + 1)

extern char **environ;

static int write_map(pid_t pid, const char *file, const struct oci_mappings *map)
{
    char text[LINE_BYTES * OCI_MAPPINGS_MAX + 1] = "", path[64];
    size_t used = 0;

    if (map->count > OCI_MAPPINGS_MAX)
        return -E2BIG;
    for (size_t i = 0; i < map->count; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%u %u %u\n",
                             map->list[i].container_id, map->list[i].host_id, map->list[i].size);
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return fd_write_string(AT_FDCWD, path, text);
}

/* newuidmap PID INSIDE OUTSIDE COUNT…: what /etc/subuid lets this user have. */
static int run_helper(const char *program, pid_t pid, const struct oci_mappings *map)
{
    char(*texts)[12] = calloc(ARGS_MAX, sizeof *texts);
    char **argv = calloc(ARGS_MAX + 1, sizeof *argv);
    size_t n = 0;
    pid_t child;
    int status = 0, r = -ENOMEM;

    if (texts && argv) {
        argv[n++] = (char *)(uintptr_t)program;
        snprintf(texts[n], sizeof texts[n], "%d", (int)pid);
        argv[n] = texts[n];
        n++;
        for (size_t i = 0; i < map->count; i++) {
            const uint32_t numbers[] = {map->list[i].container_id, map->list[i].host_id,
                                        map->list[i].size};
            for (size_t j = 0; j < 3; j++, n++) {
                snprintf(texts[n], sizeof texts[n], "%u", numbers[j]);
                argv[n] = texts[n];
            }
        }
        r = -posix_spawnp(&child, program, NULL, NULL, argv, environ);
    }
    free(texts);
    free(argv);
    if (r < 0)
        return r;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

static int map_one(pid_t pid, const char *file, const char *helper, const struct oci_mappings *map,
                   struct err *err)
{
    int r = write_map(pid, file, map);

    if (r == -EPERM && geteuid() != 0)
        r = run_helper(helper, pid, map);
    return r < 0 ? err_set(err, r, "cannot write '%s' of the user namespace", file) : 0;
}

int user_namespace_map(pid_t pid, const struct oci_mappings *uids, const struct oci_mappings *gids,
                       bool *ret_set_groups, struct err *err)
{
    /* Without maps all ids stay what they are, as far as the caller has them. */
    static struct oci_mapping everyone = {0, 0, UINT32_MAX};
    struct oci_mapping own_uid = {0, geteuid(), 1}, own_gid = {0, getegid(), 1};
    const struct oci_mappings default_uids = {geteuid() == 0 ? &everyone : &own_uid, 1};
    const struct oci_mappings default_gids = {geteuid() == 0 ? &everyone : &own_gid, 1};
    char path[64];

    if (!uids->count) {
        uids = &default_uids;
        gids = &default_gids;
    }
    *ret_set_groups = true;
    int r = write_map(pid, "gid_map", gids);
    if (r == -EPERM && gids->count == 1 && gids->list[0].size == 1 &&
        gids->list[0].host_id == getegid()) {
        snprintf(path, sizeof path, "/proc/%d/setgroups", (int)pid);
        r = fd_write_string(AT_FDCWD, path, "deny");
        *ret_set_groups = false;
        if (r == 0)
            r = write_map(pid, "gid_map", gids);
    } else if (r < 0) {
        r = map_one(pid, "gid_map", "newgidmap", gids, err);
    }
    if (r < 0)
        return err_set(err, r, "cannot write 'gid_map' of the user namespace");
    return map_one(pid, "uid_map", "newuidmap", uids, err);
}

int user_namespace_make(const struct oci_mappings *uids, const struct oci_mappings *gids)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    char path[64];
    int fd = -1;

    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0)
        return -errno;
    if (pid == 0)
        for (;;)
            pause();
    int r = write_map(pid, "gid_map", gids);
    if (r == 0)
        r = write_map(pid, "uid_map", uids);
    if (r == 0) {
        snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : fd;
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return r;
}

int user_namespace_idmap(int users, int tree, bool recursive)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)users};

    return call_mount_setattr(tree, recursive ? AT_RECURSIVE : 0, &attr);
}

uint32_t user_namespace_outside(const struct oci_mappings *map, uint32_t inside)
{
    for (size_t i = 0; i < map->count; i++)
        if (inside >= map->list[i].container_id &&
            inside - map->list[i].container_id < map->list[i].size)
            return inside - map->list[i].container_id + map->list[i].host_id;
    return inside;
}
