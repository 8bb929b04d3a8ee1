/*
 * The container wall of a function that an interpreter runs (Python): a template that is the
 * machine's own interpreter in namespaces of its own, on a root of the machine's /usr, read-only,
 * the function's source and its private folders. Instances are its forks (guest/python/).
 *
 * This template runs tenant code, that of its function's modules when they are imported, so nothing
 * is left to its word:
 * - It has a control group with the function's limits, a uid that is no other function's, and a
 *   number of processes that bounds its uid (RLIMIT_NPROC) whatever group they are in: descriptors
 * of instances' groups pass through its hands.
 * - Those groups are removed when their instance has ended, not used again: what it kept of them
 *   leads nowhere.
 * - What it says is about its own instances, or it is ended (pvm_template_read()).
 * - It has a network namespace of its own, for unlike in the process wall socketpair(2) is a call
 *   that it has, and children of it have /usr to look for others.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/manifest.h"
#include "cgroup/cgroup.h"
#include "guest/template.h"
#include "pvm/spawn.h"
#include "pvm/template_internal.h"
#include "vkernel/syscalls.h"

DEFINE_CLEANUP(struct vk_table, vk_table_free)

#define INTERPRETER "/usr/bin/python3"
/* To import what the function names. */
#define READY_TIMEOUT_MS 10000
/* Beside the members of instances: the template, who waits for it, and what imports start. */
#define TEMPLATE_PROCESSES 32
/* A private folder that every instance has, unless its manifest says otherwise. */
#define TMP_PATH "/tmp"
#define TMP_BYTES (UINT64_C(16) << 20)
/* Only its mount point is needed: each instance puts its own folder over it. */
#define POINT_BYTES (UINT64_C(64) << 10)

/* ---- system calls ---- */

static const struct vk_rule native = {.verdict = {.action = VK_NATIVE}};

/*
 * The default profile of container engines without any capability, and no sockets but pairs: the
 * only peers would be siblings. `forks`: what the template needs to make an instance.
 */
static int table_make(bool forks, struct vk_table **ret_table, struct err *err)
{
    static const unsigned own[] = {SYS_clone3, SYS_move_mount, SYS_sethostname};
    const struct vk_rule no_family = {.verdict = {.action = VK_ERRNO, .error = EAFNOSUPPORT}};
    _cleanup_(vk_table_freep) struct vk_table *table = NULL;

    int r = vk_container_table(&table);
    if (r == 0)
        r = vk_table_put(table, SYS_socket, &no_family, 1);
    for (size_t i = 0; forks && r == 0 && i < ARRAY_LEN(own); i++)
        r = vk_table_put(table, own[i], &native, 1);
    if (r < 0)
        return err_set(err, r, "cannot make the table of system calls");
    *ret_table = steal_ptr(&table);
    return 0;
}

int pvm_container_table(bool interprets, struct vk_table **ret_table, struct err *err)
{
    if (interprets)
        return table_make(false, ret_table, err);
    int r = vk_container_table(ret_table);
    return r < 0 ? err_set(err, r, "cannot make the table of system calls") : 0;
}

static int compile(const struct vk_table *table, struct sock_filter *filter, size_t max,
                   uint32_t *ret_count, struct err *err)
{
    int r = vk_table_compile(table, filter, max);

    if (r < 0)
        return err_say(err, r,
                       "cannot compile the table of system calls: its rules take more than %zu "
                       "instructions",
                       max);
    *ret_count = (uint32_t)r;
    return 0;
}

/* That of an instance, which its manifest's virtual kernel makes stricter; and the template's. */
static int filters_fill(struct guest_setup *setup, struct guest_runtime *runtime,
                        const struct manifest *manifest, struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *wall = NULL, *own = NULL, *merged = NULL,
                                              *forks = NULL;

    int r = table_make(false, &wall, err);
    if (r == 0)
        r = table_make(true, &forks, err);
    if (r == 0)
        r = vkernel_syscalls_table(&manifest->vkernel, &own, err);
    if (r == 0 && own)
        r = vk_table_merge(wall, own, &merged, err);
    if (r == 0)
        r = compile(merged ? merged : wall, setup->filter, GUEST_FILTER_MAX, &setup->filter_count,
                    err);
    return r < 0 ? r
                 : compile(forks, runtime->filter, GUEST_RUNTIME_FILTER_MAX, &runtime->filter_count,
                           err);
}

/* ---- the template ---- */

static size_t add_fixed_mounts(struct spawn_mount *mounts, const char *driver, const char *object)
{
    /* Debian has these as links into /usr, and the dynamic loader's name is below one of them. */
    const struct spawn_mount fixed[] = {
        {.source = "/usr", .target = "/usr", .exec = true},
        {.source = "/usr/bin", .target = "/bin", .exec = true},
        {.source = "/usr/lib", .target = "/lib", .exec = true},
        {.source = "/usr/lib64", .target = "/lib64", .exec = true, .optional = true},
        {.source = "/etc/ld.so.cache", .target = "/etc/ld.so.cache", .optional = true},
        {.source = "/etc/mime.types", .target = "/etc/mime.types", .optional = true},
        {.source = "/dev/null", .target = "/dev/null", .writable = true, .device = true},
        {.source = "/dev/zero", .target = "/dev/zero", .device = true},
        {.source = "/dev/urandom", .target = "/dev/urandom", .device = true},
        {.source = driver, .target = "/vireo/driver.py"},
        {.source = object, .target = "/vireo/vireo-python.so", .exec = true},
        {.target = "/function", .tmpfs_bytes = SOURCE_MAX_BYTES, .writable = true},
    };

    memcpy(mounts, fixed, sizeof fixed);
    return ARRAY_LEN(fixed);
}

/* The manifest's folders: the host's, and mount points for private ones. */
static size_t add_granted_mounts(struct spawn_mount *mounts, const struct manifest *manifest)
{
    bool has_tmp = false;
    size_t count = 0;

    for (uint32_t i = 0; i < manifest->file_count; i++) {
        const struct manifest_file *file = &manifest->files[i];
        bool host = file->host[0] != '\0';
        has_tmp |= strcmp(file->path, TMP_PATH) == 0;
        mounts[count++] = (struct spawn_mount){
            .source = host ? file->host : NULL,
            .target = file->path,
            .tmpfs_bytes = host ? 0 : POINT_BYTES,
            .writable = file->writable,
            .no_symlinks = host,
        };
    }
    if (!has_tmp)
        mounts[count++] =
            (struct spawn_mount){.target = TMP_PATH, .tmpfs_bytes = POINT_BYTES, .writable = true};
    return count;
}

static int spawn_interpreter(const struct pvm_template_options *options, int control,
                             struct spawned *ret_process, struct err *err)
{
    const struct manifest *manifest = options->manifest;
    struct spawn_mount mounts[32];
    char driver[512], object[512];
    char *argv[] = {(char[]){INTERPRETER}, (char[]){"-I"}, (char[]){"-B"},
                    (char[]){"/vireo/driver.py"}, NULL};
    char *envp[] = {(char[]){"LANG=C.UTF-8"}, NULL};

    if (options->real_stdio || !options->program_dir)
        return err_say(err, -EINVAL,
                       "cannot run '%s': a Python function is served by a daemon (vireo deploy)",
                       options->function);
    _cleanup_(closep) int program = open(INTERPRETER, O_RDONLY | O_CLOEXEC);
    if (program < 0)
        return err_set(err, -errno, "cannot start template of '%s': open '%s'", options->function,
                       INTERPRETER);
    snprintf(driver, sizeof driver, "%s/vireo-python.py", options->program_dir);
    snprintf(object, sizeof object, "%s/vireo-python.so", options->program_dir);
    size_t count = add_fixed_mounts(mounts, driver, object);
    count += add_granted_mounts(mounts + count, manifest);
    struct spawn_options spawn = {
        .namespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
                      CLONE_NEWTIME | CLONE_NEWNET,
        .mounts = mounts,
        .mount_count = count,
        .program_fd = program,
        .argv = argv,
        .envp = envp,
        .keep_capabilities = true, /* to make the source read-only; then the driver drops them */
        .rlimit_descriptors = 1024,
        .rlimit_processes =
            (uint64_t)manifest->pool.instances_max * manifest->limits.pids + TEMPLATE_PROCESSES,
    };
    return template_spawn(options, control, &spawn, ret_process, err);
}

/* Notes the private folders, in the set-up and for forks. */
static void note_folders(struct pvm_template *template, struct guest_setup *setup)
{
    bool has_tmp = false;

    for (uint32_t i = 0; i < setup->file_count; i++)
        has_tmp |= strcmp(setup->files[i].path, TMP_PATH) == 0;
    /* A manifest with all its grants of files and none of this folder does without. */
    if (!has_tmp && setup->file_count < GRANT_FILES_MAX)
        setup->files[setup->file_count++] =
            (struct guest_grant_file){.path = TMP_PATH, .writable = 1, .tmpfs_bytes = TMP_BYTES};
    template->interprets = true;
    for (uint32_t i = 0; i < setup->file_count; i++)
        if (setup->files[i].tmpfs_bytes)
            template->tmp_bytes[template->tmp_count++] = setup->files[i].tmpfs_bytes;
}

static int set_up(struct pvm_template *template, const struct pvm_template_options *options,
                  struct err *err)
{
    const struct manifest *manifest = options->manifest;
    _cleanup_(guest_setup_freep) struct guest_setup *setup = calloc(1, sizeof *setup);
    _cleanup_(freep) struct guest_runtime *runtime = calloc(1, sizeof *runtime);

    if (!setup || !runtime)
        return err_set(err, -ENOMEM, "cannot set up template of '%s'", options->function);
    int r = template_setup_fill(setup, options, err);
    if (r < 0)
        return r;
    runtime->type = GUEST_RUNTIME;
    memcpy(runtime->entry, manifest->entry, sizeof runtime->entry);
    memcpy(runtime->imports, manifest->imports, sizeof runtime->imports);
    runtime->import_count = manifest->import_count;
    note_folders(template, setup);
    /* Its processes are two, and the one that forks is not the one that near.c would move. */
    template->near = (struct near){.known = true, .impossible = true, .cpu = -1};
    r = filters_fill(setup, runtime, manifest, err);
    if (r < 0)
        return r;
    r = fd_send(template->control, setup, sizeof *setup, &options->library_fd, 1);
    if (r == 0)
        r = fd_send(template->control, runtime, sizeof *runtime, NULL, 0);
    return r < 0 ? err_set(err, r, "cannot set up template of '%s'", options->function) : 0;
}

const struct wall wall_interpreter = {spawn_interpreter, set_up, READY_TIMEOUT_MS};

int interpreter_folders(const struct pvm_template *template, int ret_fds[static GRANT_FILES_MAX],
                        struct err *err)
{
    char size[24], inodes[24];

    for (size_t i = 0; i < template->tmp_count; i++) {
        spawn_tmpfs_text(template->tmp_bytes[i], size, sizeof size, inodes, sizeof inodes);
        int r =
            spawn_make_tmpfs(size, inodes, "1777",
                             MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &ret_fds[i]);
        if (r < 0) {
            fd_close_all(ret_fds, i);
            return err_set(err, r, "cannot make a private folder");
        }
    }
    return 0;
}
