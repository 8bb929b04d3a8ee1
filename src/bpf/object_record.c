/*
 * bpf(2) as libbpf sees it in the reader: nothing is made, everything is written down, and a
 * descriptor that means nothing stands for it. Libbpf asks the kernel first what it can do; the
 * answers here are those of Linux 6.1, which is the oldest that is served.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <bpf/btf.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "bpf/image.h"
#include "bpf/kernel_types.h"
#include "bpf/object.h"

#define SLOTS_MAX 4096
#define BYTES_MAX (64u << 20) /* of everything that is copied */

static struct record records[RECORDS_MAX];
static int record_count;
static struct record_slot slots[SLOTS_MAX];
static size_t slot_count;
static size_t copied_bytes;
static struct btf *kernel_types_had;
static bool used_kernel_types;

int record_of(int fd)
{
    /* A closed descriptor's number is given out again: the newest is meant. */
    for (int i = record_count; i-- > 0;)
        if (fd >= 0 && records[i].fd == fd)
            return i;
    return -1;
}

const struct record *record_at(int index)
{
    return &records[index];
}

size_t record_slots(const struct record_slot **ret_slots)
{
    *ret_slots = slots;
    return slot_count;
}

static long fail(int error)
{
    errno = error;
    return -1;
}

static void *copy(uint64_t from, uint64_t bytes)
{
    if (bytes == 0 || bytes > BYTES_MAX - copied_bytes)
        return NULL;
    void *to = malloc(bytes);
    if (!to)
        return NULL;
    copied_bytes += bytes;
    return memcpy(to, (const void *)(uintptr_t)from, bytes);
}

static struct record *record_new(enum record_kind kind)
{
    if (record_count == RECORDS_MAX)
        return NULL;
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct record *record = &records[record_count++];
    *record = (struct record){.kind = kind, .fd = fd, .inner = -1};
    return record;
}

static long make_map(const union bpf_attr *attr)
{
    struct record *record = record_new(RECORD_MAP);

    if (!record)
        return fail(EMFILE);
    record->type = attr->map_type;
    record->key_bytes = attr->key_size;
    record->value_bytes = attr->value_size;
    record->entries = attr->max_entries;
    record->flags = attr->map_flags & ~(uint32_t)BPF_F_INNER_MAP;
    record->btf_key = attr->btf_key_type_id;
    record->btf_value = attr->btf_value_type_id;
    record->extra = attr->map_extra;
    record->kernel_value = attr->btf_vmlinux_value_type_id;
    memcpy(record->name, attr->map_name, sizeof record->name);
    if (attr->map_type == BPF_MAP_TYPE_ARRAY_OF_MAPS || attr->map_type == BPF_MAP_TYPE_HASH_OF_MAPS)
        record->inner = record_of((int)attr->inner_map_fd);
    return record->fd;
}

static long make_program(const union bpf_attr *attr)
{
    if (attr->insn_cnt == 0 || attr->insn_cnt > IMAGE_INSTRUCTIONS_MAX)
        return fail(E2BIG);
    struct record *record = record_new(RECORD_PROGRAM);
    if (!record)
        return fail(EMFILE);
    record->type = attr->prog_type;
    record->attach_type = attr->expected_attach_type;
    record->flags = attr->prog_flags;
    record->version = attr->kern_version;
    record->attach_to = attr->attach_btf_id;
    memcpy(record->name, attr->prog_name, sizeof record->name);
    if (attr->license)
        strncpy(record->license, (const char *)(uintptr_t)attr->license,
                sizeof record->license - 1);
    record->code = copy(attr->insns, (uint64_t)attr->insn_cnt * sizeof(struct bpf_insn));
    record->code_count = attr->insn_cnt;
    record->functions =
        copy(attr->func_info, (uint64_t)attr->func_info_cnt * attr->func_info_rec_size);
    if (record->functions) {
        record->functions_count = attr->func_info_cnt;
        record->functions_size = attr->func_info_rec_size;
    }
    record->lines = copy(attr->line_info, (uint64_t)attr->line_info_cnt * attr->line_info_rec_size);
    if (record->lines) {
        record->lines_count = attr->line_info_cnt;
        record->lines_size = attr->line_info_rec_size;
    }
    return record->code ? record->fd : fail(ENOMEM);
}

static long make_types(const union bpf_attr *attr)
{
    struct record *record = record_new(RECORD_TYPES);

    if (!record)
        return fail(EMFILE);
    record->types = copy(attr->btf, attr->btf_size);
    record->types_bytes = attr->btf_size;
    return record->types ? record->fd : fail(ENOMEM);
}

static bool holds_descriptors(uint32_t type)
{
    return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS ||
           type == BPF_MAP_TYPE_PROG_ARRAY;
}

static long update_map(const union bpf_attr *attr)
{
    int map = record_of((int)attr->map_fd);
    uint32_t key, value;

    if (map < 0 || records[map].kind != RECORD_MAP || records[map].key_bytes != 4 || !attr->key ||
        !attr->value)
        return fail(EINVAL);
    struct record *record = &records[map];
    memcpy(&key, (const void *)(uintptr_t)attr->key, sizeof key);
    if (holds_descriptors(record->type)) {
        memcpy(&value, (const void *)(uintptr_t)attr->value, sizeof value);
        if (slot_count == SLOTS_MAX || record_of((int)value) < 0)
            return fail(E2BIG);
        slots[slot_count++] = (struct record_slot){map, record_of((int)value), key};
        return 0;
    }
    /* The sections .data, .rodata and .bss are arrays of one element; so is a struct_ops. */
    if ((record->type != BPF_MAP_TYPE_ARRAY && record->type != BPF_MAP_TYPE_STRUCT_OPS) ||
        key != 0 || record->initial)
        return fail(EINVAL);
    record->initial = copy(attr->value, record->value_bytes);
    return record->initial ? 0 : fail(ENOMEM);
}

static long answer(int command, const union bpf_attr *attr)
{
    int of;

    switch (command) {
    case BPF_MAP_CREATE:
        return make_map(attr);
    case BPF_PROG_LOAD:
        return make_program(attr);
    case BPF_BTF_LOAD:
        return make_types(attr);
    case BPF_MAP_UPDATE_ELEM:
        return update_map(attr);
    case BPF_MAP_FREEZE:
        of = record_of((int)attr->map_fd);
        if (of < 0)
            return fail(EBADF);
        records[of].frozen = true;
        return 0;
    case BPF_PROG_BIND_MAP:
        return 0;
    case BPF_LINK_CREATE:
        return fail(EBADF); /* how libbpf finds out that there are links of perf events */
    default:
        return fail(EPERM);
    }
}

long __wrap_syscall(long number, ...)
{
    va_list args;

    if (number != __NR_bpf)
        return fail(ENOSYS);
    va_start(args, number);
    long command = va_arg(args, long);
    const union bpf_attr *given = va_arg(args, const union bpf_attr *);
    unsigned long size = va_arg(args, unsigned long);
    va_end(args);
    /* What a libbpf of another age does not fill is zero. */
    union bpf_attr attr = {0};
    memcpy(&attr, given, size < sizeof attr ? size : sizeof attr);
    return answer((int)command, &attr);
}

int object_prepare(void)
{
    if (!kernel_types_had)
        kernel_types_had = kernel_types_parse();
    return kernel_types_had ? 0 : -errno;
}

struct btf *__wrap_btf__load_vmlinux_btf(void)
{
    used_kernel_types = true;
    (void)object_prepare();
    return kernel_types_had;
}

extern void __real_btf__free(struct btf *types);

void __wrap_btf__free(struct btf *types)
{
    if (types != kernel_types_had)
        __real_btf__free(types);
}

const struct btf *object_kernel_types(void)
{
    return kernel_types_had;
}

bool object_used_kernel_types(void)
{
    return used_kernel_types;
}
