/*
 * Loads the BPF scheduler. libbpf loads the programs; the table of them (struct_ops) is made here
 * by the system calls themselves, for two reasons: with BPF_F_LINK, so that the scheduler goes with
 * who holds it, which Debian 12's libbpf can't ask for; and by the members that this kernel's table
 * has.
 */
#include "vkernel/scheduler_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"

#define TABLE "sched_ext_ops"
/* What a table is for the kernel: a head of its own, and the table as `data`. */
#define TABLE_VALUE "bpf_struct_ops_" TABLE
#define SECTION "scx"
#define SECTION_SLEEPS "scx.s"

/* linux/bpf.h's of newer kernels. */
#define WITH_LINK (1u << 13) /* BPF_F_LINK */
#define THREADS_MIN 32768
#define THREADS_MAX (1u << 20)
#define OPS_ENQ_LAST (1ull << 1) /* SCX_OPS_ENQ_LAST */

extern const unsigned char scheduler_image[], scheduler_image_end[];

struct scheduler {
    struct bpf_object *object;
    struct ring_buffer *ends;
    int policies, table, link, beat;
    struct scheduler_end end;
    bool ended;
};

/* The kernel's table. */
struct table {
    struct btf *btf;
    int id, value_id;
    const struct btf_type *type;
    uint32_t value_size, data_offset;
};

/* What libbpf's call of prepare() needs; it has no argument for it. */
static const struct table *preparing;

static void table_close(struct table *table)
{
    btf__free(table->btf);
}

static int table_open(struct table *ret_table)
{
    *ret_table = (struct table){.btf = btf__load_vmlinux_btf()};
    if (!ret_table->btf)
        return -errno;
    ret_table->id = btf__find_by_name_kind(ret_table->btf, TABLE, BTF_KIND_STRUCT);
    ret_table->value_id = btf__find_by_name_kind(ret_table->btf, TABLE_VALUE, BTF_KIND_STRUCT);
    if (ret_table->id < 0 || ret_table->value_id < 0)
        return -ENOTSUP;
    const struct btf_type *value = btf__type_by_id(ret_table->btf, (uint32_t)ret_table->value_id);
    ret_table->type = btf__type_by_id(ret_table->btf, (uint32_t)ret_table->id);
    ret_table->value_size = value->size;
    const struct btf_member *members = btf_members(value);
    for (unsigned i = 0; i < btf_vlen(value); i++)
        if ((int)members[i].type == ret_table->id)
            ret_table->data_offset = members[i].offset / 8;
    return 0;
}

/* The number of a member; -ENOENT. */
static int member_find(const struct table *table, const char *name)
{
    const struct btf_member *members = btf_members(table->type);

    for (unsigned i = 0; i < btf_vlen(table->type); i++)
        if (strcmp(btf__name_by_offset(table->btf, members[i].name_off), name) == 0)
            return (int)i;
    return -ENOENT;
}

/* Where a member stands in the value; NULL: this kernel has none of that name. */
static void *member_at(const struct table *table, unsigned char *value, const char *name)
{
    int member = member_find(table, name);

    return member < 0 ? NULL
                      : value + table->data_offset + btf_members(table->type)[member].offset / 8;
}

/* ---- the programs ---- */

/* NULL: it is no member. */
static const char *member_of(const struct bpf_program *program)
{
    const char *slash = strchr(bpf_program__section_name(program), '/');

    return slash ? slash + 1 : NULL;
}

/* A program of a table says which table, and which member. */
static int prepare(struct bpf_program *program, struct bpf_prog_load_opts *options, long flags)
{
    int member = member_find(preparing, member_of(program));

    options->attach_btf_id = (uint32_t)preparing->id;
    options->expected_attach_type = (enum bpf_attach_type)member;
    options->prog_flags |= (uint32_t)flags;
    return member < 0 ? member : 0;
}

/* As many threads as there may be; beyond that no one can be made. */
static uint32_t threads_max(void)
{
    char text[32] = "";
    _cleanup_(closep) int fd = open("/proc/sys/kernel/threads-max", O_RDONLY | O_CLOEXEC);
    unsigned long max =
        fd >= 0 && fd_read_full(fd, text, sizeof text - 1) > 0 ? strtoul(text, NULL, 10) : 0;

    return max < THREADS_MIN ? THREADS_MIN : max > THREADS_MAX ? THREADS_MAX : (uint32_t)max;
}

static int programs_load(struct scheduler *scheduler, const struct table *table,
                         const struct scheduler_options *options)
{
    LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = prepare);
    LIBBPF_OPTS(libbpf_prog_handler_opts, sleeps, .prog_prepare_load_fn = prepare,
                .cookie = BPF_F_SLEEPABLE);
    LIBBPF_OPTS(bpf_object_open_opts, open, .object_name = "vireo_sched");
    struct bpf_program *program;
    int cpus = libbpf_num_possible_cpus();

    preparing = table;
    libbpf_register_prog_handler(SECTION "+", BPF_PROG_TYPE_STRUCT_OPS, 0, &handler);
    libbpf_register_prog_handler(SECTION_SLEEPS "+", BPF_PROG_TYPE_STRUCT_OPS, 0, &sleeps);
    scheduler->object = bpf_object__open_mem(
        scheduler_image, (size_t)(scheduler_image_end - scheduler_image), &open);
    if (!scheduler->object || cpus < 0)
        return scheduler->object ? cpus : -errno;
    /* What a kernel's table does not have is not called there. */
    bpf_object__for_each_program(program, scheduler->object)
    {
        const char *name = member_of(program);
        bpf_program__set_autoload(program, !name || member_find(table, name) >= 0);
    }
    struct bpf_map *map = bpf_object__find_map_by_name(scheduler->object, "cpus");
    int r = bpf_map__set_max_entries(map, (uint32_t)cpus);
    map = bpf_object__find_map_by_name(scheduler->object, "tasks");
    if (r == 0)
        r = bpf_map__set_max_entries(map, threads_max());
    /* As scheduler.bpf.c has them. */
    struct {
        uint64_t rescue_ns;
        uint32_t cpu_count, holder;
    } constants = {options->rescue_ms * UINT64_C(1000000), (uint32_t)cpus, (uint32_t)getpid()};
    map = bpf_object__find_map_by_name(scheduler->object, ".rodata");
    if (r == 0)
        r = bpf_map__set_initial_value(map, &constants, bpf_map__value_size(map));
    return r < 0 ? r : bpf_object__load(scheduler->object);
}

/* ---- the table ---- */

static void fill(const struct scheduler *scheduler, const struct table *table,
                 const struct scheduler_options *options, unsigned char *value)
{
    const uint64_t flags = OPS_ENQ_LAST;
    struct bpf_program *program;

    bpf_object__for_each_program(program, scheduler->object)
    {
        const char *name = member_of(program);
        unsigned long *member = name ? member_at(table, value, name) : NULL;
        if (member)
            *member = (unsigned long)bpf_program__fd(program);
    }
    memcpy(member_at(table, value, "flags"), &flags, sizeof flags);
    memcpy(member_at(table, value, "timeout_ms"), &options->timeout_ms, sizeof(uint32_t));
    strcpy(member_at(table, value, "name"), SCHEDULER_NAME);
}

static int table_attach(struct scheduler *scheduler, const struct table *table,
                        const struct scheduler_options *options)
{
    LIBBPF_OPTS(bpf_map_create_opts, create, .map_flags = WITH_LINK,
                .btf_fd = (uint32_t)bpf_object__btf_fd(scheduler->object),
                .btf_vmlinux_value_type_id = (uint32_t)table->value_id);
    _cleanup_(freep) unsigned char *value = calloc(1, table->value_size);
    const uint32_t zero = 0;

    if (!value)
        return -ENOMEM;
    fill(scheduler, table, options, value);
    scheduler->table =
        bpf_map_create(BPF_MAP_TYPE_STRUCT_OPS, SCHEDULER_NAME, 4, table->value_size, 1, &create);
    if (scheduler->table < 0 || bpf_map_update_elem(scheduler->table, &zero, value, BPF_ANY) < 0)
        return -errno;
    scheduler->link = bpf_link_create(scheduler->table, 0, (enum bpf_attach_type)44, NULL);
    return scheduler->link < 0 ? -errno : 0;
}

/* ---- its life ---- */

static int take_end(void *user, void *data, size_t size)
{
    struct scheduler *scheduler = user;

    if (size < sizeof scheduler->end)
        return 0;
    memcpy(&scheduler->end, data, sizeof scheduler->end);
    scheduler->ended = true;
    return 0;
}

void scheduler_free(struct scheduler *scheduler)
{
    if (!scheduler)
        return;
    closep(&scheduler->link);
    closep(&scheduler->table);
    ring_buffer__free(scheduler->ends);
    bpf_object__close(scheduler->object);
    free(scheduler);
}

DEFINE_CLEANUP(struct scheduler, scheduler_free)

/* Groups look at their policy again. */
static int say_changed(const struct scheduler *scheduler)
{
    const uint64_t key = SCHEDULER_CHANGED;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return bpf_map_update_elem(scheduler->policies, &key, &time_ns, BPF_ANY) < 0 ? -errno : 0;
}

int scheduler_load(const struct scheduler_options *options, struct scheduler **ret_scheduler,
                   struct err *err)
{
    _cleanup_(scheduler_freep) struct scheduler *scheduler = calloc(1, sizeof *scheduler);
    _cleanup_(table_close) struct table table = {0};

    if (!scheduler)
        return err_set(err, -ENOMEM, "cannot load the scheduler");
    scheduler->table = scheduler->link = -1;
    int r = table_open(&table);
    if (r == 0)
        r = programs_load(scheduler, &table, options);
    if (r < 0)
        return err_set(err, r, "cannot load the scheduler");
    scheduler->policies = bpf_object__find_map_fd_by_name(scheduler->object, SCHEDULER_MAP);
    scheduler->beat = bpf_program__fd(bpf_object__find_program_by_name(scheduler->object, "beat"));
    scheduler->ends = ring_buffer__new(bpf_object__find_map_fd_by_name(scheduler->object, "ends"),
                                       take_end, scheduler, NULL);
    if (!scheduler->ends)
        return err_set(err, -errno, "cannot load the scheduler");
    r = say_changed(scheduler);
    if (r == 0)
        r = table_attach(scheduler, &table, options);
    if (r < 0)
        return err_set(err, r, "cannot attach the scheduler");
    *ret_scheduler = steal_ptr(&scheduler);
    return 0;
}

int scheduler_set(struct scheduler *scheduler, uint64_t group, enum scheduler_policy policy)
{
    const uint64_t value = policy;
    int r = policy == SCHEDULER_NORMAL
                ? bpf_map_delete_elem(scheduler->policies, &group)
                : bpf_map_update_elem(scheduler->policies, &group, &value, BPF_ANY);

    if (r < 0 && errno != ENOENT)
        return -errno;
    return say_changed(scheduler);
}

bool scheduler_beat(const struct scheduler *scheduler)
{
    LIBBPF_OPTS(bpf_test_run_opts, run);

    return bpf_prog_test_run_opts(scheduler->beat, &run) == 0 && run.retval != 0;
}

int scheduler_fd(const struct scheduler *scheduler)
{
    return ring_buffer__epoll_fd(scheduler->ends);
}

bool scheduler_ended(struct scheduler *scheduler, struct scheduler_end *ret_end)
{
    ring_buffer__consume(scheduler->ends);
    if (scheduler->ended)
        *ret_end = scheduler->end;
    return scheduler->ended;
}
