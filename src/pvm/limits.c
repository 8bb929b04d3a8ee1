/* The limits of a pVM's group. */
#include <errno.h>
#include <sys/stat.h>

#include "base/err.h"
#include "build/manifest.h"
#include "cgroup/cgroup.h"
#include "pvm/pvm.h"

/*
 * What the group has over the function's own memory limit: channel (an answer of the largest size
 * lies there and in linear memory), page tables, the guest program's stacks and tables. Linear
 * memory is held to the function's limit by the run time, exactly; the group's limit is the wall
 * behind it.
 */
#define OVERHEAD_BYTES (UINT64_C(16) << 20)

/* The guest program's own, and what is rounded up. */
#define PROVED_SPARE_BYTES (UINT64_C(1) << 20)

uint64_t pvm_bounds_memory(const struct pvm_bounds *bounds, const struct manifest *manifest)
{
    const uint64_t limit = manifest->limits.memory_bytes;
    const uint64_t parts[] = {bounds->stack_bytes, bounds->static_bytes,
                              manifest->limits.request_bytes, manifest->limits.answer_bytes};
    uint64_t needs = PROVED_SPARE_BYTES;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (__builtin_add_overflow(needs, parts[i], &needs))
            return limit;
    return needs < limit ? needs : limit;
}

int pvm_limits(const struct manifest *manifest, const char *directory,
               struct cgroup_limits *ret_limits, struct err *err)
{
    struct cgroup_limits limits = {
        .memory_bytes = manifest->limits.memory_bytes + OVERHEAD_BYTES,
        .cpu_millis = manifest->limits.cpu_millis,
        .pids = manifest->limits.pids,
        .io_bytes_per_second = manifest->limits.io_bytes_per_second,
        .io_operations_per_second = manifest->limits.io_operations_per_second,
    };

    /* What stands round its program: the keeper's two threads and the launch. */
    if (manifest->container.word_count > 0)
        limits.pids += 4;
    /* The broker's session, where processes are counted in the tree in which memory is. */
    limits.pids += manifest->bpf.given != 0;
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        if (manifest->files[i].host[0])
            directory = manifest->files[i].host;
        else
            limits.memory_bytes += manifest->files[i].size_bytes; /* a tmp lies in its memory */
    }
    if (limits.io_bytes_per_second || limits.io_operations_per_second) {
        struct stat status;
        if (stat(directory, &status) < 0)
            return err_set(err, -errno, "cannot find the disk of '%s'", directory);
        limits.io_device = status.st_dev;
    }
    *ret_limits = limits;
    return 0;
}
