/*
 * A group's own vm.overcommit_memory: requests for memory that the host's policy would grant are
 * refused. Only stricter is possible: what returns 0 here is asked of the kernel as before.
 *
 * The kernel has a hook where memory is committed and none where it is given back. So nothing is
 * subtracted: what a group has committed is read from its address spaces, the private writable
 * pages (data_vm and stack_vm) of every process that there is. A sum is made only when what was
 * asked for since the last one may have reached the limit.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "vkernel/group_levels.h"
#include "vkernel/overcommit_record.h"

char program_license[] SEC("license") = "Dual MIT/GPL";

#define ENOMEM 12
#define PAGE_SHIFT 12
#define PROT_WRITE 2
#define MAP_TYPE 0x0f
#define MAP_PRIVATE 2
#define MAP_NORESERVE 0x4000
#define CLONE_VM 0x100
#define VM_WRITE 0x2
#define VM_SHARED 0x8
#define VM_ACCOUNT 0x100000
#define VM_NORESERVE 0x200000
#define MREMAP_DONTUNMAP 4
/* arch/x86/include/asm/thread_info.h: the task is in a call of i386, which has its arguments in
 * other registers, and old ones of mmap in memory. */
#define TS_COMPAT 2
#define CALL_MREMAP 25
#define CALL_MREMAP_I386 163
#define CALL_OLD_MMAP_I386 90
#define CALL_X32 0x40000000
/* More than any group may have. */
#define PAGES_MAX (1ull << 40)
/* include/linux/bpf.h: every thread of the machine, process by process. */
#define ALL_THREADS 1

/* The kernel's types, as far as they are looked at: where a member is, is found when it is loaded.
 */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct cgroup {
    int level;
    struct cgroup *ancestors[1];
};
struct css_set {
    struct cgroup *dfl_cgrp;
};
struct mm_struct {
    unsigned long data_vm, stack_vm;
};
struct thread_info {
    __u32 status;
};
struct task_struct {
    struct thread_info thread_info;
    struct mm_struct *mm;
    struct task_struct *real_parent;
    struct css_set *cgroups;
};
struct vm_area_struct {
    unsigned long vm_start, vm_end, vm_flags;
};
struct pt_regs {
    unsigned long si, dx, cx, r10, orig_ax;
};
#pragma clang attribute pop

struct bpf_iter_task {
    __u64 opaque[3];
} __attribute__((aligned(8)));

extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task,
                             unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, COMMIT_GROUPS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, struct commit_group);
} vireo_commit SEC(".maps");

/* The group above this one (or itself) at a level; ids are no help here: an array of pointers. */
static __always_inline struct cgroup *ancestor(struct cgroup *group, __u32 level)
{
    struct cgroup *found = 0;

    if (group->level < (int)level)
        return 0;
    bpf_probe_read_kernel(&found, sizeof found,
                          (void *)__builtin_preserve_access_index(&group->ancestors) + level * 8);
    return found;
}

static __always_inline __u64 committed(struct mm_struct *mm)
{
    return mm->data_vm + mm->stack_vm;
}

static __always_inline struct task_struct *current(void)
{
    return (struct task_struct *)bpf_get_current_task_btf();
}

/* The sum over the address spaces of the group that the current task has at this level. */
static __noinline __u64 commit_of(__u32 level)
{
    struct cgroup *group = ancestor(current()->cgroups->dfl_cgrp, level);
    struct mm_struct *last = 0;
    struct bpf_iter_task threads;
    struct task_struct *task;
    __u64 sum = 0;

    bpf_iter_task_new(&threads, 0, ALL_THREADS);
    while ((task = bpf_iter_task_next(&threads))) {
        struct mm_struct *mm = task->mm;
        /* The threads of a process follow one another; what vfork(2) made has its parent's. A
         * process whose first thread has ended has another thread's. */
        if (!mm || mm == last || task->real_parent->mm == mm)
            continue;
        if (ancestor(task->cgroups->dfl_cgrp, level) != group)
            continue;
        last = mm;
        sum += committed(mm);
    }
    bpf_iter_task_destroy(&threads);
    return sum;
}

/* Whether the group at this level may not have so many pages more. Of what the kernel does not
 * count it asks in no mode but the strict one. */
static __noinline int refuses(__u32 level, __u64 pages, int counted)
{
    __u64 id = bpf_get_current_ancestor_cgroup_id((int)level);
    struct commit_group *group = bpf_map_lookup_elem(&vireo_commit, &id);

    if (!group || group->mode == COMMIT_ALWAYS)
        return 0;
    if (group->mode == COMMIT_GUESS)
        return counted && pages > group->most;
    __u64 limit = group->limit;
    __u64 before = __sync_fetch_and_add(&group->estimate, pages);
    if (before <= limit && pages <= limit - before)
        return 0;
    before = commit_of(level);
    int refused = before > limit || pages > limit - before;
    group->estimate = refused ? before : before + pages;
    return refused;
}

/* A group above has its say too. */
static __always_inline int check(__u64 pages, int counted)
{
    for (__u32 level = 1; level <= GROUP_LEVELS_MAX; level++) {
        if (!bpf_get_current_ancestor_cgroup_id((int)level))
            return 0;
        if (refuses(level, pages, counted))
            return -ENOMEM;
    }
    return 0;
}

static __always_inline struct pt_regs *registers(void)
{
    return (struct pt_regs *)bpf_task_pt_regs((void *)current());
}

static __always_inline int is_i386(void)
{
    return current()->thread_info.status & TS_COMPAT;
}

static __always_inline __u64 pages_of(__u64 bytes)
{
    return (bytes + (1ul << PAGE_SHIFT) - 1) >> PAGE_SHIFT;
}

/* What the system call that the task is in was asked for: mmap(2) and mprotect(2) have it there.
 * i386's old mmap has it in memory, where it may be another number by now: more than there is. */
static __always_inline __u64 asked_pages(void)
{
    const struct pt_regs *asked = registers();

    if (!is_i386())
        return pages_of(asked->si);
    return asked->orig_ax == CALL_OLD_MMAP_I386 ? PAGES_MAX : pages_of((__u32)asked->cx);
}

/* How many pages more a mremap(2) asks for; 0: it is another call. */
static __always_inline __u64 remapped_pages(void)
{
    const struct pt_regs *asked = registers();
    const int i386 = is_i386();
    __u64 before = i386 ? (__u32)asked->cx : asked->si;
    __u64 after = i386 ? (__u32)asked->dx : asked->dx;
    __u64 flags = i386 ? asked->si : asked->r10;

    if (i386 ? asked->orig_ax != CALL_MREMAP_I386
             : (asked->orig_ax & ~(__u64)CALL_X32) != CALL_MREMAP)
        return 0;
    if (flags & MREMAP_DONTUNMAP)
        return pages_of(after);
    return after > before ? pages_of(after - before) : 0;
}

/* The arguments of the hook, and behind them what was returned so far: not 0, it is refused
 * already. */

SEC("fmod_ret/security_vm_enough_memory_mm")
int vireo_commit_pages(const __u64 *arguments)
{
    int verdict = (int)arguments[2];

    return verdict ? verdict : check(arguments[1], 1);
}

/* A new address space is committed as a whole: the kernel asks for one area after another, and none
 * of them is seen in a process before the last one. */
SEC("fmod_ret/security_task_alloc")
int vireo_commit_fork(const __u64 *arguments)
{
    struct mm_struct *mm = current()->mm;
    int verdict = (int)arguments[2];

    return verdict || (arguments[1] & CLONE_VM) || !mm ? verdict : check(committed(mm), 1);
}

/* MAP_NORESERVE is no way round: with mode 2 the kernel has none. */
SEC("fmod_ret/security_mmap_file")
int vireo_commit_map(const __u64 *arguments)
{
    __u64 prot = arguments[1], flags = arguments[2];
    int verdict = (int)arguments[3];

    if (verdict || !(prot & PROT_WRITE) || !(flags & MAP_NORESERVE) ||
        (flags & MAP_TYPE) != MAP_PRIVATE)
        return verdict;
    return check(asked_pages(), 0);
}

/* Nor is memory that is made writable when the kernel has counted it already, or never does. */
SEC("fmod_ret/security_file_mprotect")
int vireo_commit_protect(const __u64 *arguments)
{
    const struct vm_area_struct *area = (const void *)arguments[0];
    int verdict = (int)arguments[3];
    __u64 flags = area->vm_flags;
    __u64 most = (area->vm_end - area->vm_start) >> PAGE_SHIFT, pages = asked_pages();

    if (verdict || !(arguments[2] & PROT_WRITE) || (flags & (VM_WRITE | VM_SHARED)) ||
        !(flags & (VM_ACCOUNT | VM_NORESERVE)))
        return verdict;
    return check(pages < most ? pages : most, 0);
}

/* Nor is one that grows: of an area that the kernel does not count it asks nothing but where it may
 * be, whether it moves or not. One that is counted is asked for twice, and once in every sum. */
SEC("fmod_ret/security_mmap_addr")
int vireo_commit_remap(const __u64 *arguments)
{
    int verdict = (int)arguments[1];
    __u64 pages = verdict ? 0 : remapped_pages();

    return pages ? check(pages, 0) : verdict;
}
