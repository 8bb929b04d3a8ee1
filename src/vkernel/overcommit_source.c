/* The program that refuses memory: found or loaded, and held for as long as this process lives. */
#include "vkernel/view.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "vkernel/overcommit_record.h"
#include "vkernel/shared_object.h"

#define LOCK_PATH "/run/vireo-overcommit.lock"

extern const unsigned char overcommit_image[], overcommit_image_end[];

static const struct shared_object shared = {.map = COMMIT_MAP,
                                            .map_type = BPF_MAP_TYPE_HASH,
                                            .link_type = BPF_LINK_TYPE_TRACING,
                                            .programs = 5};

static int load(struct shared_fds *ret_fds)
{
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "vireo_commit");
    struct bpf_object *object = bpf_object__open_mem(
        overcommit_image, (size_t)(overcommit_image_end - overcommit_image), &options);

    if (!object)
        return -errno;
    int r = bpf_object__load(object);
    if (r == 0)
        r = shared_object_attach(&shared, object, ret_fds);
    bpf_object__close(object);
    return r;
}

static struct shared_fds fds; /* held until the process ends */

int view_overcommit_hold(struct err *err)
{
    libbpf_set_print(NULL); /* what it finds is in errno */
    _cleanup_(closep) int lock = shared_object_lock(LOCK_PATH, err);
    if (lock < 0)
        return lock;
    int r = shared_object_find(&shared, &fds);
    if (r < 0)
        r = load(&fds);
    if (r < 0)
        shared_object_close(&fds);
    return r < 0 ? err_set(err, r, "cannot load the program that refuses memory") : 0;
}

void view_overcommit_sweep(void)
{
    shared_object_sweep(&fds, VIEW_FD_GROUP, COMMIT_GROUPS_MAX);
}
