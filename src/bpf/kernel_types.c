/*
 * The kernel's type information takes 20 ms to parse. A session that asks parses it for all that it
 * loads, and says so in memory that it shares with the broker, which parses it then, once, for all
 * sessions that come.
 */
#include "bpf/kernel_types.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <bpf/btf.h>

#include "base/cleanup.h"

#define FILE_NAME "/sys/kernel/btf/vmlinux"

static struct btf *types;
static atomic_bool *wanted; /* by any session, shared; nothing else goes by it */

/* From Linux 6.16 on its file can be mapped: libbpf reads it in pieces of a page, 1,400 of them,
 * and copies it once more. NULL: it can't. */
static struct btf *parse_mapped(void)
{
    struct stat status;
    _cleanup_(closep) int fd = open(FILE_NAME, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) < 0 || status.st_size <= 0 || status.st_size > UINT32_MAX)
        return NULL;
    void *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (file == MAP_FAILED)
        return NULL;
    struct btf *mapped = btf__new(file, (uint32_t)status.st_size);
    munmap(file, (size_t)status.st_size);
    return mapped;
}

struct btf *kernel_types_parse(void)
{
    struct btf *mapped = parse_mapped();

    return mapped ? mapped : btf__parse_raw(FILE_NAME);
}

int kernel_types_open(void)
{
    void *memory =
        mmap(NULL, sizeof *wanted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return -errno;
    wanted = memory;
    return 0;
}

void kernel_types_prepare(void)
{
    if (!types && atomic_load(wanted))
        types = kernel_types_parse();
}

const struct btf *kernel_types(void)
{
    if (!types)
        types = kernel_types_parse();
    atomic_store(wanted, true);
    return types;
}

int kernel_types_find(const char *name, enum bpf_attach_type type)
{
    const char *prefix = type == BPF_TRACE_RAW_TP                        ? "btf_trace_"
                         : type == BPF_LSM_MAC || type == BPF_LSM_CGROUP ? "bpf_lsm_"
                         : type == BPF_TRACE_ITER                        ? "bpf_iter_"
                                                                         : "";
    const uint32_t kind = type == BPF_TRACE_RAW_TP ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC;
    char full[160];

    if (!kernel_types())
        return -ESRCH;
    if ((size_t)snprintf(full, sizeof full, "%s%s", prefix, name) >= sizeof full)
        return -ENOENT;
    int id = btf__find_by_name_kind(types, full, kind);
    return id > 0 ? id : -ENOENT;
}
