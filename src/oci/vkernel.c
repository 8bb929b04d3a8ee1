/* A container's virtual kernel: where it is said, where it is kept, how its processes get it. */
#include "oci/vkernel.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/config_reader.h"
#include "oci/groups.h"
#include "vkernel/scheduler.h"
#include "vkernel/scheduling.h"

#define PREFIX "io.vireo.vkernel."
#define CALLS "syscalls."
#define REALTIME "sched.realtime"
#define FILE_NAME "vkernel"
/* All calls with their names, and the other keys. */
#define FILE_MAX_BYTES (64u << 10)
/* Less than a state's lock is waited for: who waits for that is told the cause. */
#define LOCK_WAIT_SECONDS 10

static int set(struct vkernel *vkernel, const char *key, const char *value, const char *where,
               struct err *err)
{
    struct err reason = {0};
    int r = vkernel_set(vkernel, key, value, &reason);

    return r < 0 ? err_say(err, -EINVAL, "cannot read %s '%.80s': %s", where, key, reason.message)
                 : 0;
}

/* What the flags have said, for a key of an annotation. */
struct said {
    const char *key;
    bool this_key, any_call; /* the key itself; anything of the table of calls */
};

static void look(const char *key, const char *value, bool said, void *user)
{
    struct said *found = user;

    (void)value;
    if (!said)
        return;
    found->this_key = found->this_key || strcmp(key, found->key) == 0;
    found->any_call = found->any_call || strncmp(key, CALLS, strlen(CALLS)) == 0;
}

/* The flags are the operator's, annotations are of who starts the container: what the former say
 * stays, and a table of calls stays whole. */
static int refuse_other(const struct vkernel *flags, const char *key, struct err *err)
{
    struct said found = {.key = key};

    vkernel_each(flags, look, &found);
    bool refused = found.this_key || (found.any_call && strncmp(key, CALLS, strlen(CALLS)) == 0);
    return refused ? err_say(err, -EPERM,
                             "cannot take annotation " PREFIX "%.80s: the runtime's --vkernel "
                             "says it already",
                             key)
                   : 0;
}

int oci_vkernel_read(const struct oci_config *config, struct vkernel *vkernel, struct err *err)
{
    const struct oci_pairs *annotations = &config->annotations;
    const struct vkernel flags = *vkernel;
    int r = 0;

    for (size_t i = 0; r == 0 && i < annotations->count; i++) {
        const char *key = annotations->list[i].key + strlen(PREFIX);
        if (strncmp(annotations->list[i].key, PREFIX, strlen(PREFIX)) != 0)
            continue;
        r = strcmp(key, REALTIME) == 0
                ? err_say(err, -EPERM,
                          "cannot take annotation " PREFIX REALTIME ": real time is the operator's "
                          "to give, by the runtime's --vkernel")
                : refuse_other(&flags, key, err);
        if (r == 0)
            r = set(vkernel, key, annotations->list[i].value, "annotation " PREFIX, err);
    }
    return r;
}

int oci_vkernel_deny_devices(const struct vkernel *vkernel, struct oci_config *config,
                             struct err *err)
{
    struct oci_resources *resources = &config->linux_.resources;
    size_t count = resources->device_count;

    if (vkernel->log.kib == 0)
        return 0;
    struct oci_device_rule *rules = config_memory(config, count + 1, sizeof *rules);
    if (!rules)
        return err_set(err, -ENOMEM, "cannot deny the kernel log's device");
    if (count > 0)
        memcpy(rules, resources->devices, count * sizeof *rules);
    /* /dev/kmsg: the last rule that matches decides. */
    rules[count] = (struct oci_device_rule){
        .allow = false, .type = 'c', .major = 1, .minor = 11, .read = true, .write = true};
    resources->devices = rules;
    resources->device_count = count + 1;
    return 0;
}

static int take_pair(struct vkernel *vkernel, const char *text, struct err *err)
{
    char key[VKERNEL_KEY_BYTES];
    size_t length = strcspn(text, "=");

    if (text[length] != '=' || length >= sizeof key)
        return err_say(err, -EINVAL, "cannot read --vkernel '%.80s': it is KEY=VALUE", text);
    memcpy(key, text, length);
    key[length] = '\0';
    return set(vkernel, key, text + length + 1, "--vkernel", err);
}

/* Lines KEY=VALUE; those that begin with # are for people. */
static int take_file(struct vkernel *vkernel, int directory, const char *path, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t size = 0;
    int r = fd_read_file(directory, path, FILE_MAX_BYTES, &text, &size, err);

    for (char *rest = text, *line; r == 0 && rest && (line = strsep(&rest, "\n"));)
        if (*line && *line != '#')
            r = take_pair(vkernel, line, err);
    return r;
}

int oci_vkernel_take(struct vkernel *vkernel, const char *text, struct err *err)
{
    return text[0] == '@' ? take_file(vkernel, AT_FDCWD, text + 1, err)
                          : take_pair(vkernel, text, err);
}

/* ---- kept ---- */

static void write_row(const char *key, const char *value, bool said, void *user)
{
    if (said)
        fprintf(user, "%s=%s\n", key, value);
}

/* The file is locked itself: no other has to be made, and taken away, beside it. Who waited for one
 * that was replaced meanwhile goes on to the next. */
int oci_vkernel_lock(int state_fd, struct err *err)
{
    struct stat locked, now;

    if (state_fd < 0)
        return -ENOENT;
    for (;;) {
        _cleanup_(closep) int fd = openat(state_fd, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        int r = fd < 0 ? -errno : fd_lock(fd, LOCK_WAIT_SECONDS);
        if (r == -EBUSY)
            return err_say(err, r,
                           "cannot change the virtual kernel: another process has had its lock for "
                           "%d seconds",
                           LOCK_WAIT_SECONDS);
        if (r == 0 && (fstat(fd, &locked) < 0 || fstatat(state_fd, FILE_NAME, &now, 0) < 0))
            r = -errno;
        if (r < 0)
            return r == -ENOENT ? r : err_set(err, r, "cannot lock the virtual kernel");
        if (locked.st_ino == now.st_ino)
            return steal_fd(&fd);
    }
}

int oci_vkernel_save(int state_fd, const struct vkernel *vkernel, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return err_set(err, -ENOMEM, "cannot keep the virtual kernel");
    vkernel_each(vkernel, write_row, out);
    if (fclose(out) != 0)
        return err_set(err, -ENOMEM, "cannot keep the virtual kernel");
    _cleanup_(closep) int fd =
        openat(state_fd, FILE_NAME ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int r = fd < 0 ? -errno : fd_write_full(fd, text, size);
    if (r == 0 && renameat(state_fd, FILE_NAME ".new", state_fd, FILE_NAME) < 0)
        r = -errno;
    return r < 0 ? err_set(err, r, "cannot keep the virtual kernel") : 0;
}

int oci_vkernel_load(int state_fd, struct vkernel *ret_vkernel, struct err *err)
{
    memset(ret_vkernel, 0, sizeof *ret_vkernel);
    if (state_fd < 0)
        return 0;
    if (faccessat(state_fd, FILE_NAME, F_OK, 0) < 0)
        return errno == ENOENT ? 0 : err_set(err, -errno, "cannot read the virtual kernel");
    return take_file(ret_vkernel, state_fd, FILE_NAME, err);
}

/* ---- scheduling ---- */

static bool says_scheduling(const struct vkernel *vkernel)
{
    return vkernel->sched.policy != VKERNEL_POLICY_DEFAULT || vkernel->sched.slice_us != 0;
}

static int one_pid(void *user, pid_t *pids, size_t max)
{
    (void)max;
    pids[0] = *(const pid_t *)user;
    return 1;
}

int oci_vkernel_adjust(pid_t pid, const struct vkernel *vkernel, struct err *err)
{
    if (!vkernel || !says_scheduling(vkernel))
        return 0;
    const struct vk_sched sched = vk_sched_for(vkernel, vkernel->sched.policy);
    return vk_sched_apply(one_pid, &pid, &sched, err);
}

int oci_vkernel_adjust_now(pid_t pid, int state_fd, struct err *err)
{
    _cleanup_(closep) int lock = oci_vkernel_lock(state_fd, err);
    struct vkernel vkernel;

    if (lock < 0)
        return lock == -ENOENT ? 0 : lock;
    int r = oci_vkernel_load(state_fd, &vkernel, err);
    return r < 0 ? r : oci_vkernel_adjust(pid, &vkernel, err);
}

int oci_vkernel_pids(void *user, pid_t *pids, size_t max)
{
    _cleanup_(freep) pid_t *list = NULL;
    size_t count = 0;
    int r = oci_launch_pids(user, &list, &count, NULL);

    if (r < 0)
        return r;
    count = count < max ? count : max;
    if (count > 0)
        memcpy(pids, list, count * sizeof *pids);
    return (int)count;
}

int oci_vkernel_tell(const struct oci_place *place, enum vkernel_policy policy, struct err *err)
{
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);

    if (!groups)
        return err_set(err, -ENOMEM, "cannot tell the scheduler of the container");
    int r = groups_open(place, groups, err);
    const struct cgroup_place_tree *unified = r < 0 ? NULL : cgroup_place_tree(groups, "", true);
    if (unified && unified->fd >= 0)
        r = scheduler_tell(unified->fd, policy, err);
    cgroup_place_close(groups);
    return r;
}

int oci_vkernel_schedule(const struct oci_place *place, const struct vkernel *vkernel,
                         enum vkernel_policy policy, struct err *err)
{
    const struct vk_sched sched = vk_sched_for(vkernel, policy);
    int r = vk_sched_apply(oci_vkernel_pids, (void *)place, &sched, err);

    /* Without groups of its own it has no policy but that of its threads. */
    return r == 0 && place->cgroup_path[0] ? oci_vkernel_tell(place, policy, err) : r;
}
