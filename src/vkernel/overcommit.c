/* Overcommit of a group: what it is told, and whether this kernel can do it. Plain system calls:
 * the runtime has no libbpf. */
#include "vkernel/overcommit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/btf_walk.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "vkernel/overcommit_record.h"
#include "vkernel/vkernel.h"

#define HOOK "security_vm_enough_memory_mm"
/* What our program asks of the kernel beside the hook (Linux 6.7). */
#define ITERATOR "bpf_iter_task_new"
#define VERDICT_PATH "/run/vireo-overcommit"
/* A number that only the kernel has, and gives for programs that can't be attached here. */
#define KERNEL_ENOTSUPP 524

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

/* A map, program or link by its id, and what the kernel says of it; -1. */
static int open_by_id(enum bpf_cmd command, uint32_t id, void *info, uint32_t size)
{
    union bpf_attr of = {.map_id = id};
    _cleanup_(closep) int fd = bpf(command, &of);
    union bpf_attr ask = {
        .info = {.bpf_fd = (uint32_t)fd, .info_len = size, .info = (uintptr_t)info}};

    return fd >= 0 && bpf(BPF_OBJ_GET_INFO_BY_FD, &ask) == 0 ? steal_fd(&fd) : -1;
}

static int map_of_program(uint32_t program_id)
{
    uint32_t maps[8];
    struct bpf_prog_info program = {.nr_map_ids = ARRAY_LEN(maps), .map_ids = (uintptr_t)maps};
    _cleanup_(closep) int fd =
        open_by_id(BPF_PROG_GET_FD_BY_ID, program_id, &program, sizeof program);

    if (fd < 0 || program.created_by_uid != 0)
        return -ENOENT;
    for (uint32_t i = 0; i < program.nr_map_ids && i < ARRAY_LEN(maps); i++) {
        struct bpf_map_info info = {0};
        int map = open_by_id(BPF_MAP_GET_FD_BY_ID, maps[i], &info, sizeof info);
        if (map >= 0 && strcmp(info.name, COMMIT_MAP) == 0 && info.type == BPF_MAP_TYPE_HASH &&
            info.value_size == sizeof(struct commit_group))
            return map;
        closep(&map);
    }
    return -ENOENT;
}

/* The map of the program that acts: root's, and attached. Anybody who may make maps can give one
 * this name. -ENOENT. */
static int find_map(void)
{
    union bpf_attr next = {0};

    while (bpf(BPF_LINK_GET_NEXT_ID, &next) == 0) {
        const uint32_t id = next.next_id;
        struct bpf_link_info link = {0};
        _cleanup_(closep) int fd = open_by_id(BPF_LINK_GET_FD_BY_ID, id, &link, sizeof link);
        int map =
            fd >= 0 && link.type == BPF_LINK_TYPE_TRACING ? map_of_program(link.prog_id) : -ENOENT;
        if (map >= 0)
            return map;
        next = (union bpf_attr){.start_id = id};
    }
    return -ENOENT;
}

/* ---- whether it works ---- */

/* The id of a function in the kernel's own type information; 0: it is not there. */
static uint32_t function_id(const char *text, size_t size, const char *name)
{
    struct btf_header head;

    if (size < sizeof head)
        return 0;
    memcpy(&head, text, sizeof head);
    const char *strings = text + head.hdr_len + head.str_off;
    size_t at = head.hdr_len + head.type_off, end = at + head.type_len;
    if (head.magic != BTF_MAGIC || end > size ||
        (uint64_t)head.hdr_len + head.str_off + head.str_len > size)
        return 0;
    for (uint32_t id = 1; at + sizeof(struct btf_type) <= end; id++) {
        const struct btf_type *type = (const void *)(text + at);
        if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC && type->name_off < head.str_len &&
            strcmp(strings + type->name_off, name) == 0)
            return id;
        int64_t more = btf_walk_more(type->info);
        if (more < 0)
            return 0;
        at += sizeof *type + (size_t)more;
    }
    return 0;
}

/* -ENOENT: the kernel has no such function; else what kept us from knowing. */
static int hook_id(uint32_t *ret_id)
{
    struct stat status;

    _cleanup_(closep) int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (status.st_size <= 0)
        return -ENOENT;
    _cleanup_(freep) char *text = malloc((size_t)status.st_size + 1);
    ssize_t n = text ? fd_read_full(fd, text, (size_t)status.st_size) : -ENOMEM;
    if (n < 0)
        return (int)n;
    text[n] = '\0';
    *ret_id = function_id(text, (size_t)n, ITERATOR) ? function_id(text, (size_t)n, HOOK) : 0;
    return *ret_id ? 0 : -ENOENT;
}

/* A program that allows all: what the kernel says of it. */
static int try_program(void)
{
    const struct bpf_insn program[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                                       {.code = BPF_JMP | BPF_EXIT}};
    uint32_t id = 0;
    int r = hook_id(&id);

    if (r < 0)
        return r;
    union bpf_attr attr = {
        .prog_type = BPF_PROG_TYPE_TRACING,
        .expected_attach_type = BPF_MODIFY_RETURN,
        .attach_btf_id = id,
        .insns = (uintptr_t)program,
        .insn_cnt = ARRAY_LEN(program),
        .license = (uintptr_t) "GPL",
        .prog_name = "vireo_try",
    };
    _cleanup_(closep) int fd = bpf(BPF_PROG_LOAD, &attr);

    return fd < 0 ? -errno : 0;
}

/* What the kernel says of itself stays so; what we had no right or no room for does not. */
static bool is_of_kernel(int r)
{
    return r == 0 || r == -ENOENT || r == -EINVAL || r == -EOPNOTSUPP || r == -KERNEL_ENOTSUPP;
}

/* "KERNEL 0" or "KERNEL 1": reading the kernel's types takes milliseconds. */
static void kernel_name(char text[static 512])
{
    struct utsname name;

    uname(&name);
    snprintf(text, 512, "%s %s ", name.release, name.version);
}

static bool look_up(bool *ret_works)
{
    char wanted[512], text[512];
    struct stat status;

    kernel_name(wanted);
    _cleanup_(closep) int fd = open(VERDICT_PATH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 || fstat(fd, &status) < 0 || status.st_uid != 0
                    ? -1
                    : fd_read_full(fd, text, sizeof text - 1);
    if (n < 0)
        return false;
    text[n] = '\0';
    size_t length = strlen(wanted);
    if (strncmp(text, wanted, length) != 0 || (text[length] != '0' && text[length] != '1'))
        return false;
    *ret_works = text[length] == '1';
    return true;
}

static void remember(bool works)
{
    char text[512];

    kernel_name(text);
    size_t length = strlen(text);
    _cleanup_(closep) int fd =
        open(VERDICT_PATH, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    text[length++] = works ? '1' : '0';
    /* What was not written whole is none the next time. */
    if (fd >= 0 && fd_write_full(fd, text, length) < 0)
        unlink(VERDICT_PATH);
}

bool overcommit_works(void)
{
    bool works = false;

    if (geteuid() != 0)
        return false;
    if (look_up(&works))
        return works;
    int r = try_program();
    if (is_of_kernel(r))
        remember(r == 0);
    return r == 0;
}

/* ---- what is said ---- */

static unsigned host_number(const char *name)
{
    char path[64], text[32] = "";

    snprintf(path, sizeof path, "/proc/sys/vm/%s", name);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fd_read_full(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    return (unsigned)strtoul(text, NULL, 10);
}

unsigned overcommit_mode(const struct vkernel *vkernel)
{
    return vkernel->memory.overcommit ? vkernel->memory.overcommit - 1
                                      : host_number("overcommit_memory");
}

unsigned overcommit_ratio(const struct vkernel *vkernel)
{
    return vkernel->memory.overcommit_ratio ? vkernel->memory.overcommit_ratio - 1
                                            : host_number("overcommit_ratio");
}

static unsigned strictness(unsigned mode)
{
    static const unsigned of[] = {[COMMIT_ALWAYS] = 0, [COMMIT_GUESS] = 1, [COMMIT_NEVER] = 2};

    return of[mode];
}

int overcommit_check(const struct vkernel *vkernel, struct err *err)
{
    unsigned host = host_number("overcommit_memory"), own = overcommit_mode(vkernel);

    if (!vkernel_has_overcommit(vkernel))
        return 0;
    if (own > COMMIT_NEVER || (host <= COMMIT_NEVER && strictness(own) < strictness(host)))
        return err_say(err, -EPERM,
                       "cannot set memory.overcommit to %u: the host's vm.overcommit_memory is %u, "
                       "and can be made stricter only",
                       own, host);
    return overcommit_works() ? 0
                              : err_say(err, -ENOTSUP,
                                        "cannot set memory.overcommit: this kernel lets no BPF "
                                        "program refuse memory (fmod_ret)");
}

/* The kernel's own sum (vm_commit_limit()), of what the group has. */
static struct commit_group commit_of(const struct vkernel *vkernel,
                                     const struct overcommit_size *size)
{
    struct sysinfo info = {0};
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    sysinfo(&info);
    uint64_t unit = info.mem_unit ? info.mem_unit : 1;
    uint64_t memory = info.totalram * unit / page, swap = info.totalswap * unit / page;
    if (size->memory / page < memory)
        memory = size->memory / page;
    if (size->swap / page < swap)
        swap = size->swap / page;
    return (struct commit_group){.mode = overcommit_mode(vkernel),
                                 .most = memory + swap,
                                 .limit = memory * overcommit_ratio(vkernel) / 100 + swap,
                                 .estimate = UINT64_MAX};
}

int overcommit_apply(uint64_t group_id, const struct vkernel *vkernel,
                     const struct overcommit_size *size, struct err *err)
{
    struct commit_group value = commit_of(vkernel, size);
    const bool own = vkernel_has_overcommit(vkernel);

    _cleanup_(closep) int map = find_map();
    if (map < 0 && !own)
        return 0;
    if (map < 0)
        return err_say(err, -ENOTSUP,
                       "cannot set memory.overcommit: nothing that could act was loaded for this "
                       "container at its start");
    /* A value where nothing is written is EINVAL. */
    union bpf_attr attr = {
        .map_fd = (uint32_t)map, .key = (uintptr_t)&group_id, .value = own ? (uintptr_t)&value : 0};
    int r = bpf(own ? BPF_MAP_UPDATE_ELEM : BPF_MAP_DELETE_ELEM, &attr) < 0 ? -errno : 0;
    return r < 0 && r != -ENOENT ? err_set(err, r, "cannot set memory.overcommit") : 0;
}
