/* BPF objects that are loaded once for the machine. */
#include "vkernel/shared_object.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"

/* include/linux/exportfs.h: a file handle of a control group is its id. */
#define HANDLE_KERNFS 0xfe
#define LOCK_WAIT_SECONDS 10

void shared_object_close(struct shared_fds *fds)
{
    for (int i = 0; i < SHARED_PROGRAMS_MAX; i++)
        closep(&fds->links[i]);
    closep(&fds->map);
    *fds = SHARED_NONE;
}

int shared_object_lock(const char *path, struct err *err)
{
    _cleanup_(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = fd < 0 ? -errno : fd_lock(fd, LOCK_WAIT_SECONDS);

    if (r == -EBUSY)
        return err_say(err, r, "cannot lock '%s': another process has had it for %d seconds", path,
                       LOCK_WAIT_SECONDS);
    return r < 0 ? err_set(err, r, "cannot lock '%s'", path) : steal_fd(&fd);
}

/* ---- entries ---- */

static bool group_is_there(int cgroup_fd, uint64_t id)
{
    struct {
        struct file_handle head;
        uint64_t id;
    } handle = {{.handle_bytes = sizeof id, .handle_type = HANDLE_KERNFS}, id};
    _cleanup_(closep) int fd = open_by_handle_at(cgroup_fd, &handle.head, O_PATH | O_CLOEXEC);

    return fd >= 0 || errno != ESTALE;
}

void shared_object_sweep(const struct shared_fds *fds, int cgroup_fd, unsigned max)
{
    uint64_t key, next;
    void *at = NULL;

    for (unsigned i = 0; i < max && bpf_map_get_next_key(fds->map, at, &next) == 0; i++) {
        if (at && !group_is_there(cgroup_fd, key))
            bpf_map_delete_elem(fds->map, &key);
        key = next;
        at = &key;
    }
    if (at && !group_is_there(cgroup_fd, key))
        bpf_map_delete_elem(fds->map, &key);
}

/* ---- what somebody else has loaded ---- */

/* The next map that is named so and shaped so, which does not yet say that it is ours. */
static int next_map(const struct shared_object *shared, uint32_t *id)
{
    while (bpf_map_get_next_id(*id, id) == 0) {
        struct bpf_map_info info = {0};
        uint32_t size = sizeof info;
        int fd = bpf_map_get_fd_by_id(*id);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
            strcmp(info.name, shared->map) == 0 && info.type == shared->map_type &&
            info.key_size == sizeof(uint64_t))
            return fd;
        closep(&fd);
    }
    return -ENOENT;
}

/* Whether it is root's program, and works with this map: functions' are loaded by the broker, which
 * has a uid of its own. */
static bool program_has(uint32_t program_id, uint32_t map_id)
{
    uint32_t maps[8];
    struct bpf_prog_info info = {.nr_map_ids = ARRAY_LEN(maps),
                                 .map_ids = (uint64_t)(uintptr_t)maps};
    uint32_t size = sizeof info;
    _cleanup_(closep) int fd = bpf_prog_get_fd_by_id(program_id);

    if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 || info.created_by_uid != 0)
        return false;
    for (uint32_t i = 0; i < info.nr_map_ids && i < ARRAY_LEN(maps); i++)
        if (maps[i] == map_id)
            return true;
    return false;
}

static int find_links(const struct shared_object *shared, uint32_t map_id, struct shared_fds *fds)
{
    size_t count = 0;

    for (uint32_t id = 0; count < shared->programs && bpf_link_get_next_id(id, &id) == 0;) {
        struct bpf_link_info info = {0};
        uint32_t size = sizeof info;
        int fd = bpf_link_get_fd_by_id(id);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
            info.type == shared->link_type && program_has(info.prog_id, map_id))
            fds->links[count++] = fd;
        else
            closep(&fd);
    }
    return count == shared->programs ? 0 : -ENOENT;
}

int shared_object_find(const struct shared_object *shared, struct shared_fds *ret_fds)
{
    uint32_t id = 0;
    int map;

    *ret_fds = SHARED_NONE;
    while ((map = next_map(shared, &id)) >= 0) {
        ret_fds->map = map;
        if (find_links(shared, id, ret_fds) == 0)
            return 0;
        shared_object_close(ret_fds); /* another's, or who had it is just letting go */
    }
    return map;
}

/* ---- loaded here ---- */

static int attach(const struct shared_object *shared, const struct bpf_program *program)
{
    const char *point = strchr(bpf_program__section_name(program), '/') + 1;

    /* A program of a traced function knows its place. */
    return bpf_raw_tracepoint_open(shared->link_type == BPF_LINK_TYPE_TRACING ? NULL : point,
                                   bpf_program__fd(program));
}

int shared_object_attach(const struct shared_object *shared, struct bpf_object *object,
                         struct shared_fds *ret_fds)
{
    struct bpf_program *program;
    size_t count = 0;

    *ret_fds = SHARED_NONE;
    bpf_object__for_each_program(program, object)
    {
        int fd = count < shared->programs ? attach(shared, program) : -1;
        if (fd < 0)
            return -errno;
        ret_fds->links[count++] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        close(fd);
    }
    ret_fds->map = fcntl(bpf_object__find_map_fd_by_name(object, shared->map), F_DUPFD_CLOEXEC, 3);
    return ret_fds->map < 0 ? -errno : 0;
}
