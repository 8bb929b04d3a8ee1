/* A BPF program of a group: into the kernel. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup/internal.h"

#define LOAD_TRIES 5

int cgroup_program_load(enum bpf_prog_type type, enum bpf_attach_type attach, const char *name,
                        const struct bpf_insn *program, size_t count)
{
    union bpf_attr attr = {
        .prog_type = type,
        .expected_attach_type = attach,
        .insns = (uintptr_t)program,
        .insn_cnt = (uint32_t)count,
        .license = (uintptr_t) "Apache-2.0",
    };
    int fd = -1;

    strncpy(attr.prog_name, name, sizeof attr.prog_name - 1);
    for (int i = 0; i < LOAD_TRIES && (i == 0 || (fd < 0 && errno == EAGAIN)); i++)
        fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
    return fd < 0 ? -errno : fd;
}
